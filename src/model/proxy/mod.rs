//! Addresses of HTTP proxies, and the settings that programs read.

mod settings;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

pub use settings::{NoProxy, PROXY_NAMES, ProxySettings};

use super::InvalidValue;
use super::text::written_as_text;

/// The name of this machine in a guest of Lima. Lima writes it into the guest's `/etc/hosts` (2.2.0,
/// `boot.Linux/06-etc-hosts.sh`).
pub const HOST_IN_GUEST: &str = "host.lima.internal";

/// The characters of a user name or password that need no encoding in a URL.
const USER_INFO: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address of a proxy, without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProxyAddress {
    /// Whether programs connect to the proxy itself with TLS.
    is_encrypted: bool,
    /// A name or an address; an IPv6 address without brackets.
    host: String,
    port: Option<u16>,
}

written_as_text!(
    ProxyAddress,
    "The address of a proxy, such as \"http://proxy.example.com:3128\".",
    r"^https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?/?$"
);

impl ProxyAddress {
    /// Its host: a name or an address.
    pub fn host(&self) -> &str {
        &self.host
    }

    fn scheme(&self) -> &'static str {
        if self.is_encrypted { "https://" } else { "http://" }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.is_encrypted { 443 } else { 80 })
    }

    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        let address = self.host.parse::<IpAddr>().map(|address| address.to_canonical());
        let is_own = |it: IpAddr| it.is_loopback() || it.is_unspecified();
        let is_named = self.host == "localhost" || self.host.ends_with(".localhost");
        is_named || address.is_ok_and(is_own)
    }

    /// The same proxy, as the guest reaches it.
    #[must_use]
    pub fn in_guest(&self) -> Self {
        let host = if self.is_local() { HOST_IN_GUEST } else { &self.host };
        Self { host: host.to_owned(), ..self.clone() }
    }

    /// Its URL with a user name and a password.
    pub fn url(&self, credentials: Option<(&str, &str)>) -> String {
        let Some((user, password)) = credentials else { return self.to_string() };
        let encoded = |text| utf8_percent_encode(text, USER_INFO);
        let rest = self.to_string().split_off(self.scheme().len());
        let (user, password) = (encoded(user), encoded(password));
        format!("{}{user}:{password}@{rest}", self.scheme())
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        f.write_str(self.scheme())?;
        if host.contains(':') {
            write!(f, "[{host}]")?;
        } else {
            f.write_str(host)?;
        }
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromStr for ProxyAddress {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let refused = |rule: &str| InvalidValue::new(text, "the address of a proxy", rule);
        let rule = "write a URL such as \"http://proxy.example.com:3128\"";
        if text.contains('@') {
            // The message must not repeat a password.
            let rule = "write `username` and `password` under [proxy] instead";
            return Err(InvalidValue::with_credentials("the address of a proxy", rule));
        }
        let (is_encrypted, rest) = match text.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (scheme == "https", rest),
            _ => return Err(refused(rule)),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = if let Some(rest) = rest.strip_prefix('[') {
            let (host, port) = rest.split_once(']').ok_or_else(|| refused(rule))?;
            host.parse::<Ipv6Addr>().map_err(|_| refused(rule))?;
            (host, port)
        } else {
            rest.split_at(rest.find(':').unwrap_or(rest.len()))
        };
        let port = (!port.is_empty()).then_some(port);
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if !is_host(&host) {
            return Err(refused(rule));
        }
        if host == HOST_IN_GUEST {
            return Err(refused(
                "only the VM knows this name: write \"localhost\" for this machine",
            ));
        }
        let number = |port: &str| {
            let digits = port.strip_prefix(':')?;
            let is_number = digits.bytes().all(|it| it.is_ascii_digit());
            digits.parse::<u16>().ok().filter(|port| is_number && *port > 0)
        };
        let wrong = || refused("the port is a number from 1 to 65535");
        let port = port.map(|port| number(port).ok_or_else(wrong)).transpose()?;
        Ok(Self { is_encrypted, host, port })
    }
}

/// Whether a text is a name or an address. A name whose last part is a number would be an address.
fn is_host(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !part.is_empty() && part.len() <= 63 && part.chars().all(is_plain) && !part.starts_with('-')
    };
    let is_number = |part: &str| part.bytes().all(|it| it.is_ascii_digit());
    let is_name = text.split('.').all(is_part) && !text.rsplit('.').next().is_none_or(is_number);
    text.parse::<IpAddr>().is_ok() || is_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_without_a_path() {
        for (text, shown, port) in [
            ("http://Proxy.example:3128", "http://proxy.example:3128", 3128),
            ("https://proxy.example/", "https://proxy.example", 443),
            ("http://10.0.0.1", "http://10.0.0.1", 80),
            ("http://[fd00::1]:8080", "http://[fd00::1]:8080", 8080),
        ] {
            let address: ProxyAddress = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.port()), (shown, port));
        }
        for text in [
            "proxy.example:3128",
            "socks5://p:1",
            "http://",
            "http://p:",
            "http://p:0",
            "http://p:70000",
            "http://p/path",
            "http://p?q",
            "http://[::1",
            "http://[p]:1",
            "http://a b",
            "http://p:$(x)",
            "http://p:+80",
            "http://127.1:80",
            "http://1.2.3.999:80",
            "http://a..b:80",
            "http://-a:80",
            "http://host.lima.internal:80",
        ] {
            text.parse::<ProxyAddress>().expect_err(text);
        }
        let error = "http://me:s3cret@p:1".parse::<ProxyAddress>().unwrap_err().to_string();
        assert!(
            error.contains("`username` and `password`") && !error.contains("s3cret"),
            "{error}"
        );
    }

    #[test]
    fn credentials_are_encoded() {
        let address: ProxyAddress = "http://[fd00::1]:1".parse().unwrap();
        assert_eq!(address.url(None), "http://[fd00::1]:1");
        let url = address.url(Some(("a\\b", "p@:/%$\"")));
        assert_eq!(url, "http://a%5Cb:p%40%3A%2F%25%24%22@[fd00::1]:1");
    }

    #[test]
    fn the_guest_reaches_a_proxy_on_this_machine() {
        for (text, guest) in [
            ("http://localhost:3128", "http://host.lima.internal:3128"),
            ("http://127.0.0.9:1", "http://host.lima.internal:1"),
            ("http://[::1]", "http://host.lima.internal"),
            ("http://LocalHost.:1", "http://host.lima.internal:1"),
            ("http://proxy.localhost:1", "http://host.lima.internal:1"),
            ("http://0.0.0.0:1", "http://host.lima.internal:1"),
            ("http://p.localhost.example:1", "http://p.localhost.example:1"),
        ] {
            assert_eq!(text.parse::<ProxyAddress>().unwrap().in_guest().to_string(), guest);
        }
    }
}
