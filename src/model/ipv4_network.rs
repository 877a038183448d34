use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::InvalidValue;

/// An IPv4 network, or an address in one: `172.20.0.1/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Network {
    address: Ipv4Addr,
    prefix: u8,
}

impl Ipv4Network {
    /// The address as written, with its host bits.
    pub fn address(self) -> Ipv4Addr {
        self.address
    }

    /// The length of the prefix, in bits.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether all host bits are zero.
    pub fn is_network(self) -> bool {
        self.first() == u32::from(self.address)
    }

    /// Whether the two networks share an address.
    pub fn overlaps(self, other: Self) -> bool {
        let prefix = self.prefix.min(other.prefix);
        let wider = |it: Self| Self { prefix, ..it }.first();
        wider(self) == wider(other)
    }

    /// Whether this network contains all addresses of the other one.
    pub fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.overlaps(other)
    }

    fn first(self) -> u32 {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
        u32::from(self.address) & mask
    }
}

impl FromStr for Ipv4Network {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let parts = text.split_once('/');
        let parsed = parts.and_then(|(address, prefix)| {
            let prefix = prefix.parse().ok().filter(|bits| *bits <= 32)?;
            Some(Self { address: address.parse().ok()?, prefix })
        });
        let rule = "write an address and a prefix length, such as \"172.20.0.1/16\"";
        parsed.ok_or_else(|| InvalidValue::new(text, "an IPv4 network", rule))
    }
}

impl fmt::Display for Ipv4Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Ipv4Network {
        text.parse().unwrap()
    }

    #[test]
    fn networks_overlap_where_they_share_an_address() {
        let pool = network("172.16.0.0/12");
        for (other, overlaps) in [
            ("172.20.0.1/16", true),
            ("0.0.0.0/0", true),
            ("172.32.0.0/16", false),
            ("10.0.0.1/32", false),
        ] {
            assert_eq!(pool.overlaps(network(other)), overlaps, "{other}");
            assert_eq!(network(other).overlaps(pool), overlaps, "{other}");
        }
        assert!(pool.contains(network("172.20.0.1/16")));
        assert!(!network("172.20.0.1/16").contains(pool));
        assert!(pool.is_network() && !network("172.20.0.1/16").is_network());
    }

    #[test]
    fn what_has_no_prefix_is_refused() {
        for text in ["172.20.0.1", "172.20.0.1/33", "x/8", "fd00::/8", ""] {
            assert!(text.parse::<Ipv4Network>().is_err(), "{text}");
        }
    }
}
