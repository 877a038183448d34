//! The proxies that programs use, and the destinations without one.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{HOST_IN_GUEST, is_host};
use crate::model::InvalidValue;
use crate::model::text::written_as_text;

/// The names of the variables of proxies.
pub const PROXY_NAMES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "FTP_PROXY",
    "ftp_proxy",
];

/// Destinations that never need a proxy.
const LOCAL: [&str; 4] = ["localhost", "127.0.0.1", "::1", HOST_IN_GUEST];

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
    /// The host, if it is a single one.
    pub fn exact_name(&self) -> Option<&str> {
        is_host(&self.0).then_some(&self.0)
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
        let name = text.strip_prefix("*.").or(text.strip_prefix('.')).unwrap_or(text);
        if text == "*" || is_host(name) || text.parse::<ipnet::IpNet>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        let rule =
            "write a name, an address or a network, such as \".corp.example\" or \"10.0.0.0/8\"";
        Err(InvalidValue::new(text, "an entry of no_proxy", rule))
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

    /// The same, and an empty value for every other proxy: it is to use none.
    pub fn all_variables(&self) -> Vec<(&'static str, String)> {
        let mut all = self.variables();
        for name in PROXY_NAMES {
            if !all.iter().any(|(own, _)| *own == name) {
                all.push((name, String::new()));
            }
        }
        all
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
    fn destinations_are_skipped_as_curl_does() {
        let no_proxy = [".corp.example", "git.example", "10.0.0.0/8", "fd00::1"];
        let no_proxy = no_proxy.map(|it| it.parse().unwrap()).to_vec();
        let settings = ProxySettings { no_proxy, ..ProxySettings::default() };
        assert_eq!(
            settings.no_proxy(),
            "localhost,127.0.0.1,::1,host.lima.internal,.corp.example,git.example,10.0.0.0/8,fd00::1"
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

    #[test]
    fn an_exception_is_a_name_an_address_or_a_network() {
        for text in
            ["a", ".a.example", "*.a.example", "*", "10.0.0.0/8", "fd00::/8", "10.0.0.1", "::1"]
        {
            text.parse::<NoProxy>().expect(text);
        }
        for text in ["", "https://a", "10.0.0.0/99", "::::", "//", "*a*", "a.b:99999", "a b", "a,b"]
        {
            text.parse::<NoProxy>().expect_err(text);
        }
        assert_eq!(".a".parse::<NoProxy>().unwrap().exact_name(), None);
        assert_eq!("10.0.0.0/8".parse::<NoProxy>().unwrap().exact_name(), None);
        assert_eq!("git.example".parse::<NoProxy>().unwrap().exact_name(), Some("git.example"));
    }
}
