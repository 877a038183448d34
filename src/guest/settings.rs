//! Settings that dockerd reads only when it starts: the proxy, and the certificates that the guest trusts.

use std::fmt;
use std::fmt::Write as _;

use super::{Document, GuestFile};
use crate::model::proxy::ProxySettings;

/// The variables of the proxy, for dockerd and for the scripts of `cai`.
pub const PROXY_VARIABLES: &str = "/etc/cai/proxy.env";
/// apt's proxy. Its first line holds the declaration.
pub const APT_PROXY: &str = "/etc/apt/apt.conf.d/90cai-proxy";
/// A drop-in for dockerd, because `daemon.json` has keys for proxies only since Docker 23.
const DROP_IN: &str = "/etc/systemd/system/docker.service.d/50-cai-proxy.conf";
/// The paths of the proxy's files.
pub const PROXY_FILES: [&str; 3] = [PROXY_VARIABLES, APT_PROXY, DROP_IN];
/// The text before the declaration in the first line of apt's file.
pub const PROXY_HEADER: &str = "// Written by cai for: ";
/// Exists while the store of certificates is not complete: `update-ca-certificates` was interrupted.
pub const STORE_INCOMPLETE: &str = "/var/lib/cai/certificates-incomplete";

/// Settings outside `daemon.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DockerdSettings {
    /// The certificates that the guest trusts.
    Certificates,
    /// The proxy.
    Proxy,
}

impl DockerdSettings {
    /// Their name in the guest.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Certificates => "certificates",
            Self::Proxy => "proxy",
        }
    }
}

impl fmt::Display for DockerdSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {}", self.name())
    }
}

/// The files of a proxy. `header` describes it in one line, without credentials.
pub fn proxy_files(settings: &ProxySettings, header: &str) -> Vec<GuestFile> {
    let variables = settings.variables().into_iter();
    // The values contain no character that systemd treats specially in quotes.
    let variables: Vec<String> =
        variables.map(|(name, value)| format!("{name}=\"{value}\"\n")).collect();
    let proxies = [("http", &settings.http), ("https", &settings.https)];
    let proxies = proxies.into_iter().filter_map(|(scheme, url)| Some((scheme, url.as_ref()?)));
    let mut apt = format!("{PROXY_HEADER}{header}\n");
    for (scheme, url) in proxies {
        // Writing to a string cannot fail.
        let _ = writeln!(apt, "Acquire::{scheme}::Proxy \"{url}\";");
        // apt cannot read no_proxy from its configuration; it can except single hosts only.
        for host in settings.no_proxy.iter().filter_map(|it| it.exact_name()) {
            let _ = writeln!(apt, "Acquire::{scheme}::Proxy::{host} \"DIRECT\";");
        }
    }
    let drop_in = format!("# Written by cai.\n[Service]\nEnvironmentFile=-{PROXY_VARIABLES}\n");
    vec![
        GuestFile::new(PROXY_VARIABLES, "600", variables.concat()),
        GuestFile::new(APT_PROXY, "644", apt),
        GuestFile::new(DROP_IN, "644", drop_in),
    ]
}

/// The path of a certificate. `update-ca-certificates` reads every file there that ends with `.crt`.
pub fn certificate_path(name: &str) -> String {
    format!("/usr/local/share/ca-certificates/cai-{name}.crt")
}

/// The link to a certificate, which `update-ca-certificates` makes when it adds the certificate to the store.
pub fn certificate_link(name: &str) -> String {
    format!("/etc/ssl/certs/cai-{name}.pem")
}

/// The settings that changed after the running dockerd started. The scripts write the invocation of
/// dockerd that has not read them, so no clocks are compared.
pub(super) fn not_loaded(document: &Document) -> Vec<DockerdSettings> {
    let is_docker = |block: &&str| block.lines().any(|line| line == "Id=docker.service");
    let units = document.section("units").map(|section| section.text.as_str()).unwrap_or_default();
    let docker = units.split("\n\n").find(is_docker).unwrap_or_default();
    let invocation = docker.lines().find_map(|line| line.strip_prefix("InvocationID="));
    let Some(invocation) = invocation.filter(|it| !it.is_empty()) else { return Vec::new() };
    let is_due = |settings: &DockerdSettings| {
        let line = format!("/var/lib/cai/restart-due/{}:{invocation}", settings.name());
        document.lines("restart_due").any(|it| it == line)
    };
    [DockerdSettings::Certificates, DockerdSettings::Proxy].into_iter().filter(is_due).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_excepts_hosts_only() {
        let no_proxy = ["git.example", ".corp.example", "10.0.0.0/8", "10.0.0.1"];
        let settings = ProxySettings {
            https: Some("http://me:p%40ss@p:1".into()),
            no_proxy: no_proxy.map(|it| it.parse().unwrap()).to_vec(),
            ..ProxySettings::default()
        };
        let [variables, apt, drop_in] = proxy_files(&settings, "{}").try_into().unwrap();
        assert_eq!(
            apt.text,
            "// Written by cai for: {}\nAcquire::https::Proxy \"http://me:p%40ss@p:1\";\n\
             Acquire::https::Proxy::git.example \"DIRECT\";\n\
             Acquire::https::Proxy::10.0.0.1 \"DIRECT\";\n"
        );
        assert!(variables.text.contains("https_proxy=\"http://me:p%40ss@p:1\"\n"));
        assert!(!variables.text.contains("http_proxy=\"\""));
        assert_eq!((variables.mode, drop_in.mode), ("600", "644"));
    }

    #[test]
    fn settings_are_due_until_another_invocation_of_dockerd() {
        let document = |invocation: &str| {
            let text = format!(
                "@m units\nId=docker.socket\nInvocationID=a\n\nId=docker.service\n\
                 InvocationID={invocation}\n@m = 0\n@m restart_due\n\
                 /var/lib/cai/restart-due/certificates:a\n/var/lib/cai/restart-due/proxy:b\n\
                 @m = 0\n@m end\n"
            );
            not_loaded(&Document::parse(&text, "m").unwrap())
        };
        assert_eq!(document("a"), [DockerdSettings::Certificates]);
        assert_eq!(document("b"), [DockerdSettings::Proxy]);
        assert_eq!(document("c"), []);
        assert_eq!(document(""), []);
    }
}
