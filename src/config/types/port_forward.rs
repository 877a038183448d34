use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{pattern, rules};

/// Which ports of the guest are forwarded to this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Forwarding {
    /// Every port that a program in the guest listens on is forwarded to this machine's loopback
    /// address. This is Lima's default.
    #[default]
    All,
    /// Only those of `[[vm.port_forwards]]`, and the Docker socket.
    Declared,
}

/// `[[vm.port_forwards]]`: a port or socket of the guest to forward to this machine. Exactly one of
/// `guest_port`, `guest_ports` and `guest_socket`. Not for Docker's API, whose socket `cai` always forwards.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("oneOf" = [
    {"required": ["guest_port"]}, {"required": ["guest_ports"]}, {"required": ["guest_socket"]}
]))]
pub struct PortForward {
    /// The port in the guest, from 1 to 65535.
    #[serde(deserialize_with = "rules::port")]
    #[schemars(range(min = 1))]
    pub guest_port: Option<u16>,
    /// A range of ports in the guest: the first and the last, as in `[8000, 8010]`.
    #[serde(deserialize_with = "rules::ports")]
    pub guest_ports: Option<(u16, u16)>,
    /// The range of ports on this machine, with as many ports as `guest_ports`. Without it, the same.
    #[serde(deserialize_with = "rules::ports")]
    pub host_ports: Option<(u16, u16)>,
    /// Do not forward these ports, even if a later entry or `forward = "all"` includes them.
    pub ignore: bool,
    /// The port on this machine, from 1 to 65535. Without it and `host_socket`, the same as in the
    /// guest.
    #[serde(deserialize_with = "rules::port")]
    #[schemars(range(min = 1))]
    pub host_port: Option<u16>,
    /// The address in the guest that `guest_port` is bound to. The default is 127.0.0.1.
    #[serde(deserialize_with = "rules::ip")]
    #[schemars(regex(pattern = pattern::IP))]
    pub guest_ip: Option<String>,
    /// The address of this machine to bind `host_port` to. The default is 127.0.0.1.
    #[serde(deserialize_with = "rules::ip")]
    #[schemars(regex(pattern = pattern::IP))]
    pub host_ip: Option<String>,
    /// The path of a socket in the guest: absolute, or starting with a Lima template
    /// (`{{.Home}}/…`).
    #[serde(deserialize_with = "rules::socket")]
    #[schemars(regex(pattern = pattern::SOCKET))]
    pub guest_socket: Option<String>,
    /// The path of a socket on this machine: absolute, or starting with a Lima template
    /// (`{{.Dir}}/sock/…`). Its name must end with `.sock`, because Lima deletes an existing file
    /// there.
    #[serde(deserialize_with = "rules::host_socket")]
    #[schemars(regex(pattern = pattern::HOST_SOCKET))]
    pub host_socket: Option<String>,
    /// The protocol, only for ports. By default, both.
    pub proto: Option<Proto>,
}

/// The address in the guest of a forward that names none.
pub(in crate::config) const GUEST_IP: &str = "127.0.0.1";

/// A protocol with ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Proto {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Both.
    Any,
}

impl Proto {
    /// Its name in Lima's YAML.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Any => "any",
        }
    }
}

impl PortForward {
    /// The first and the last port in the guest; `None` for a socket.
    pub fn guest_range(&self) -> Option<(u16, u16)> {
        self.guest_ports.or(self.guest_port.map(|port| (port, port)))
    }

    /// The first and the last port on this machine, where it forwards to ports.
    pub fn host_range(&self) -> Option<(u16, u16)> {
        if self.ignore || self.host_socket.is_some() {
            return None;
        }
        self.host_ports.or(self.host_port.map(|port| (port, port))).or_else(|| self.guest_range())
    }

    /// The first port of this machine that both forwards use.
    pub fn shared(&self, other: &Self) -> Option<u16> {
        let ((first, last), (from, to)) = (self.host_range()?, other.host_range()?);
        let address = |it: &Self| it.host_ip.clone().unwrap_or_else(|| "127.0.0.1".into());
        let (one, two) = (address(self), address(other));
        let is_any = |it: &str| matches!(it, "0.0.0.0" | "::");
        let same_address = one == two || is_any(&one) || is_any(&two);
        let port = first.max(from);
        let (own, others) = (self.protocol(), other.protocol());
        let same_protocol = own == others || own == Proto::Any || others == Proto::Any;
        (same_address && same_protocol && port <= last.min(to)).then_some(port)
    }

    /// Whether an earlier forward takes the same port of the guest. Lima uses the first one that fits.
    pub fn is_covered_by(&self, earlier: &Self) -> bool {
        let address = |it: &Self| it.guest_ip.clone().unwrap_or_else(|| GUEST_IP.into());
        let covers = [self.protocol(), Proto::Any].contains(&earlier.protocol());
        self.guest_port.is_some()
            && self.guest_port == earlier.guest_port
            && address(self) == address(earlier)
            && covers
    }

    fn protocol(&self) -> Proto {
        self.proto.unwrap_or(Proto::Any)
    }
}
