//! The proxy and the certificates of downloads.

use std::path::PathBuf;

use crate::model::proxy::ProxySettings;

/// The proxy and the certificates of downloads: plain data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The proxies. If `None`, those of the environment are used.
    pub proxy: Option<ProxySettings>,
    /// Files with certificate authorities to trust in addition to the system's.
    pub certificates: Vec<PathBuf>,
}
