//! Settings that dockerd reads only when it starts: the proxy, and the certificates that the guest trusts.

use std::borrow::Cow;

use super::Document;
use super::egress::File;
use crate::model::proxy::ProxySettings;

/// The variables of the proxy, for dockerd and for the scripts of `cai`.
pub const PROXY_VARIABLES: &str = "/etc/cai/proxy.env";
/// apt's proxy. Its first line holds the declaration.
pub const APT_PROXY: &str = "/etc/apt/apt.conf.d/90cai-proxy";
/// What makes dockerd read the variables: `daemon.json` has keys for them only since Docker 23.
const DROP_IN: &str = "/etc/systemd/system/docker.service.d/50-cai-proxy.conf";
/// The paths of the proxy's files.
pub const PROXY_FILES: [&str; 3] = [PROXY_VARIABLES, APT_PROXY, DROP_IN];
/// The text before the declaration in the first line of apt's file.
pub const PROXY_HEADER: &str = "// Written by cai for: ";

/// The names of the settings, in a sentence.
pub const PROXY: &str = "the proxy";
/// As [`PROXY`].
pub const CERTIFICATES: &str = "the certificates";

/// The files of a proxy. `header` describes it in one line, without credentials.
pub fn proxy_files(settings: &ProxySettings, header: &str) -> Vec<File> {
    let variables = settings.variables().into_iter();
    // The values contain no character that a shell or systemd treats specially in quotes.
    let variables: String =
        variables.map(|(name, value)| format!("{name}=\"{value}\"\n")).collect();
    let proxies = [("http", &settings.http), ("https", &settings.https)];
    let proxies = proxies.into_iter().filter_map(|(scheme, url)| Some((scheme, url.as_ref()?)));
    let mut apt = format!("{PROXY_HEADER}{header}\n");
    for (scheme, url) in proxies {
        apt.push_str(&format!("Acquire::{scheme}::Proxy \"{url}\";\n"));
        // apt does not read no_proxy from its configuration, and understands names of hosts only.
        for host in settings.no_proxy.iter().filter_map(|it| it.exact_name()) {
            apt.push_str(&format!("Acquire::{scheme}::Proxy::{host} \"DIRECT\";\n"));
        }
    }
    let drop_in = format!("# Written by cai.\n[Service]\nEnvironmentFile=-{PROXY_VARIABLES}\n");
    let file = |path, mode, text| File { path: Cow::Borrowed(path), mode, text };
    vec![
        file(PROXY_VARIABLES, "600", variables),
        file(APT_PROXY, "644", apt),
        file(DROP_IN, "644", drop_in),
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
pub(super) fn not_loaded(document: &Document) -> Vec<&'static str> {
    let is_docker = |block: &&str| block.lines().any(|line| line == "Id=docker.service");
    let units = document.section("units").map(|section| section.text.as_str()).unwrap_or_default();
    let docker = units.split("\n\n").find(is_docker).unwrap_or_default();
    let invocation = docker.lines().find_map(|line| line.strip_prefix("InvocationID="));
    let Some(invocation) = invocation.filter(|it| !it.is_empty()) else { return Vec::new() };
    let is_due = |name: &str| {
        let line = format!("/var/lib/cai/restart-due/{name}:{invocation}");
        document.lines("restart_due").any(|it| it == line)
    };
    let all = [("proxy", PROXY), ("certificates", CERTIFICATES)];
    all.into_iter().filter(|(name, _)| is_due(name)).map(|(_, shown)| shown).collect()
}
