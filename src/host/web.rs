//! An HTTP health check.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// The time limit of a health check.
const PATIENCE: Duration = Duration::from_secs(5);

/// See [`Probe::get`](super::Probe::get).
pub(super) fn get(url: &str) -> Result<(), String> {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder()
        .tls_config(tls)
        // The address is on this machine or near it.
        .proxy(None)
        .user_agent(concat!("cai/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build();
    match Agent::new_with_config(config).get(url).call() {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("status {}", response.status())),
        Err(error) => Err(error.to_string()),
    }
}
