use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{pattern, rules};

/// `[[vm.port_forwards]]`: a port or socket of the guest to forward to this machine. Exactly one of
/// `guest_port` and `guest_socket`. Not for Docker's API, whose socket `cai` always forwards.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("oneOf" = [{"required": ["guest_port"]}, {"required": ["guest_socket"]}]))]
pub struct PortForward {
    /// The port in the guest, from 1 to 65535.
    #[serde(deserialize_with = "rules::port")]
    #[schemars(range(min = 1))]
    pub guest_port: Option<u16>,
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
    /// The protocol, only for ports. By default, Lima chooses.
    pub proto: Option<Proto>,
}

/// A protocol with ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Proto {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Proto {
    /// Its name in Lima's YAML: `tcp` or `udp`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}
