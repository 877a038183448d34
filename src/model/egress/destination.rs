//! A destination of connections: `github.com`, `*.example.com:443`, `10.1.2.0/24:5432`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::InvalidValue;
use crate::model::text::written_as_text;

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DestinationHost {
    /// A name, in lower case.
    Name(String),
    /// All names below this one, at any depth.
    Below(String),
    /// A network, or a single address.
    Network(IpNet),
}

/// An allowed destination: a host, and a port if not all are allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination {
    /// The host.
    pub host: DestinationHost,
    /// The port, of TCP and UDP.
    pub port: Option<u16>,
}

written_as_text!(
    Destination,
    "A name, a name with `*.` for all names below it, an address or a network; with `:PORT` for one port.",
    r"^(\*\.)?[A-Za-z0-9_.-]+(/[0-9]{1,2})?(:[0-9]{1,5})?$|^\[?[0-9A-Fa-f:.]+(/[0-9]{1,3})?\]?(:[0-9]{1,5})?$"
);

/// The target of a connection: a name or an address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// A name or a single address.
    pub host: DestinationHost,
    /// The port.
    pub port: Option<u16>,
}

const RULE: &str = "write a name (\"github.com\"), all names below one (\"*.example.com\"), an address or a \
                    network (\"10.1.2.0/24\"); append \":443\" for one port; put an IPv6 address in brackets: \
                    [2001:db8::1]:443";

impl Destination {
    /// Whether it includes a host.
    pub fn covers(&self, host: &DestinationHost) -> bool {
        match (&self.host, host) {
            (DestinationHost::Name(own), DestinationHost::Name(name)) => own == name,
            (DestinationHost::Below(own), DestinationHost::Name(name)) => is_below(name, own),
            (DestinationHost::Network(own), DestinationHost::Network(network)) => {
                own.contains(network)
            }
            _ => false,
        }
    }

    /// The name that it names, without `*.`.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            DestinationHost::Name(name) | DestinationHost::Below(name) => Some(name),
            DestinationHost::Network(_) => None,
        }
    }

    /// Whether it includes a port; any, if none is given.
    pub(super) fn takes(&self, port: Option<u16>) -> bool {
        self.port.is_none() || port.is_none() || self.port == port
    }
}

/// Whether a name is below another one.
pub(super) fn is_below(name: &str, other: &str) -> bool {
    name.strip_suffix(other).is_some_and(|rest| rest.ends_with('.'))
}

impl FromStr for Destination {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let invalid = || InvalidValue::new(text, "a destination", RULE);
        let (host, port) = split(text).ok_or_else(invalid)?;
        let host = match host.strip_prefix("*.") {
            Some(name) => DestinationHost::Below(name_of(name).ok_or_else(invalid)?),
            None => match network(host) {
                Some(network) => DestinationHost::Network(network),
                None => DestinationHost::Name(name_of(host).ok_or_else(invalid)?),
            },
        };
        if let DestinationHost::Network(network) = &host
            && network.trunc() != *network
        {
            let rule = format!("the network of this address is {}", network.trunc());
            return Err(InvalidValue::new(text, "a network", rule));
        }
        Ok(Self { host, port })
    }
}

impl FromStr for Target {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let rule = "write a name or an address, such as github.com:443 or [2001:db8::1]:443";
        let invalid = || InvalidValue::new(text, "a host", rule);
        let (host, port) = split(text).ok_or_else(invalid)?;
        let host = match host.parse::<IpAddr>() {
            Ok(address) => DestinationHost::Network(address.into()),
            Err(_) => DestinationHost::Name(name_of(host).ok_or_else(invalid)?),
        };
        Ok(Self { host, port })
    }
}

/// The host and the port of a text. The address in brackets, or with more than one colon, is IPv6.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None if text.matches(':').count() > 1 => (text, None),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    match port {
        None => Some((host, None)),
        Some(port) => {
            let digits = port.bytes().all(|it| it.is_ascii_digit());
            let port = port.parse().ok().filter(|port| digits && *port != 0)?;
            Some((host, Some(port)))
        }
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A host name in lower case, without the final dot. A name without letters would be an address.
fn name_of(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        let known = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(known)
            && !label.starts_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|it| it.is_ascii_digit());
    let last = name.rsplit('.').next().unwrap_or_default();
    (name.len() <= 253 && name.split('.').all(is_label) && !is_number(last)).then_some(name)
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.port) {
            (DestinationHost::Network(IpNet::V6(_)), Some(port)) => {
                write!(f, "[{}]:{port}", self.host)
            }
            (host, Some(port)) => write!(f, "{host}:{port}"),
            (host, None) => write!(f, "{host}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Destination { host: self.host.clone(), port: self.port }.fmt(f)
    }
}

impl fmt::Display for DestinationHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                write!(f, "{}", network.addr())
            }
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_and_shown() {
        for (text, shown) in [
            ("github.com", "github.com"),
            ("GitHub.COM.:443", "github.com:443"),
            ("*.githubusercontent.com", "*.githubusercontent.com"),
            ("localhost", "localhost"),
            ("10.1.2.0/24:5432", "10.1.2.0/24:5432"),
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7/32:22", "203.0.113.7:22"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ] {
            let read: Destination = text.parse().unwrap();
            assert_eq!(read.to_string(), shown);
            assert_eq!(shown.parse::<Destination>().unwrap(), read);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "*",
            "*.",
            "a..b",
            "https://github.com",
            "github.com/path",
            "github.com:",
            "x:0",
            "x:65536",
            "x:+1",
            "10.1.2.3/24",
            "10.1.2.0/33",
            "10.1.2",
            "*.10.1.2.3",
            "a b",
            "-a.com",
            "git*.com",
            "[2001:db8::1",
            "[2001:db8::1]443",
            "a/b",
            "a\nb",
            "a#b",
            "a,b",
        ] {
            assert!(text.parse::<Destination>().is_err(), "{text:?}");
        }
        let error = "10.1.2.3/24".parse::<Destination>().unwrap_err().to_string();
        assert!(error.contains("10.1.2.0/24"), "{error}");
    }

    #[test]
    fn a_target_is_one_host() {
        for text in ["*.github.com", "10.0.0.0/8", "", "x:"] {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
        assert_eq!("[::1]:80".parse::<Target>().unwrap().port, Some(80));
    }
}
