//! Addresses of HTTP proxies, and the settings that programs read.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::InvalidValue;
use super::text::written_as_text;

/// The name of this machine in a guest of Lima. Lima writes it into the guest's `/etc/hosts` (2.2.0,
/// `boot.Linux/06-etc-hosts.sh`).
pub const HOST_IN_GUEST: &str = "host.lima.internal";

/// Destinations that never need a proxy.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

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
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost"
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
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
        match host.contains(':') {
            true => write!(f, "[{host}]")?,
            false => f.write_str(host)?,
        }
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromStr for ProxyAddress {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let refused = |rule: &str| InvalidValue::new(text, "the address of a proxy", rule);
        let rule = "write a URL such as \"http://proxy.example.com:3128\"";
        let (is_encrypted, rest) = match text.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (scheme == "https", rest),
            _ => return Err(refused(rule)),
        };
        if rest.contains('@') {
            // The message must not repeat the password.
            let rule = "write the credentials as `username` and `password` under [proxy]";
            return Err(InvalidValue::new("a URL with a password", "the address of a proxy", rule));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(|| refused(rule))?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| refused(rule))?;
                (host, port.strip_prefix(':').or_else(|| port.is_empty().then_some("")))
            }
            None => {
                (rest.split(':').next().unwrap_or_default(), rest.split_once(':').map(|it| it.1))
            }
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(refused(rule));
        }
        let port = match port {
            None | Some("") if !rest.ends_with(':') => None,
            port => match port.unwrap_or_default().parse() {
                Ok(port @ 1..) => Some(port),
                _ => return Err(refused("the port is a number from 1 to 65535")),
            },
        };
        Ok(Self { is_encrypted, host: host.to_ascii_lowercase(), port })
    }
}

/// A destination that is reached without the proxy: a name, which includes all names below it, an address,
/// or a network.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NoProxy(String);

written_as_text!(
    NoProxy,
    "A name (with all names below it), an address or a network, such as \".corp.example\" or \"10.0.0.0/8\".",
    r"^[A-Za-z0-9._:/*-]+$"
);

impl NoProxy {
    /// Its name, if it is the complete name of one host.
    pub fn exact_name(&self) -> Option<&str> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let is_exact = !self.0.starts_with('.') && self.0.chars().all(is_name);
        is_exact.then_some(&self.0)
    }
}

impl fmt::Display for NoProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NoProxy {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "._:/*-".contains(c);
        if !text.is_empty() && text.chars().all(is_part) {
            return Ok(Self(text.to_owned()));
        }
        let rule =
            "write a name, an address or a network, such as \".corp.example\" or \"10.0.0.0/8\"";
        Err(InvalidValue::new(text, "a destination without a proxy", rule))
    }
}

/// The proxies that a program uses.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// For `http` addresses: a URL, which may contain a password.
    pub http: Option<String>,
    /// For `https` addresses: a URL, which may contain a password.
    pub https: Option<String>,
    /// The destinations without a proxy.
    pub no_proxy: Vec<NoProxy>,
}

/// Without the URLs, which may contain a password.
impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings").field("no_proxy", &self.no_proxy).finish_non_exhaustive()
    }
}

impl ProxySettings {
    /// The value of `no_proxy`.
    pub fn no_proxy(&self) -> String {
        let own = self.no_proxy.iter().map(|it| it.0.as_str());
        let local =
            LOCAL.into_iter().filter(|local| !self.no_proxy.iter().any(|it| it.0 == *local));
        local.chain(own).collect::<Vec<_>>().join(",")
    }

    /// The environment variables, in upper and in lower case: programs read one or the other.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let no_proxy = Some(self.no_proxy());
        let all = [
            ("HTTP_PROXY", "http_proxy", &self.http),
            ("HTTPS_PROXY", "https_proxy", &self.https),
            ("NO_PROXY", "no_proxy", &no_proxy),
        ];
        let set = all.into_iter().filter_map(|(upper, lower, value)| {
            let value = value.as_ref()?;
            Some([(upper, value.clone()), (lower, value.clone())])
        });
        set.flatten().collect()
    }

    /// Whether a host is reached without a proxy, as curl and Go decide it.
    pub fn skips(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok();
        let is_local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        is_local
            || self.no_proxy.iter().any(|NoProxy(entry)| {
                let entry = entry.trim_start_matches("*.").to_ascii_lowercase();
                match (address, entry.parse::<ipnet::IpNet>()) {
                    (Some(address), Ok(network)) => network.contains(&address),
                    (Some(address), Err(_)) => entry.parse() == Ok(address),
                    (None, _) => {
                        let name = entry.trim_start_matches('.');
                        let above = host.strip_suffix(name);
                        entry == "*"
                            || above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
                    }
                }
            })
    }
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
            ("http://p.localhost.example:1", "http://p.localhost.example:1"),
        ] {
            assert_eq!(text.parse::<ProxyAddress>().unwrap().in_guest().to_string(), guest);
        }
    }

    #[test]
    fn destinations_are_skipped_as_curl_does() {
        let no_proxy = [".corp.example", "git.example", "10.0.0.0/8", "fd00::1"];
        let no_proxy = no_proxy.map(|it| it.parse().unwrap()).to_vec();
        let settings = ProxySettings { no_proxy, ..ProxySettings::default() };
        assert_eq!(
            settings.no_proxy(),
            "localhost,127.0.0.1,::1,.corp.example,git.example,10.0.0.0/8,fd00::1"
        );
        for host in
            ["localhost", "127.0.0.2", "[::1]", "a.corp.example", "A.Git.example", "10.9.8.7"]
        {
            assert!(settings.skips(host), "{host}");
        }
        for host in ["example", "xgit.example", "11.0.0.1", "fd00::2", "10.example"] {
            assert!(!settings.skips(host), "{host}");
        }
    }
}
