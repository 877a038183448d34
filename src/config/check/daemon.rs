//! The rules of `[docker.daemon]`: keys that `cai` sets, and keys that would expose the engine.

use super::Check;
use crate::config::de::TomlNode;

pub(super) const RUNTIME: &str = "sysbox-runc";

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(in crate::config) fn daemon(&mut self) {
        let Some(daemon) = self.at(&["docker", "daemon"]) else { return };
        if let Some(runtime) = daemon.get("runtimes").and_then(|all| all.get(RUNTIME)) {
            let message = "the runtime `sysbox-runc` cannot be set here, because cai sets it";
            self.refuse(runtime.span(), message, "use `[sysbox]` instead");
        }
        if let Some(runtime) = daemon.get("default-runtime") {
            let hint = "set `default_runtime` under `[sysbox]` instead";
            if runtime.text() == Some(RUNTIME) {
                let message =
                    "`sysbox-runc` cannot be set as the default here, because cai sets it";
                self.refuse(runtime.span(), message, hint);
            } else if self.is_true(&["sysbox", "default_runtime"]) {
                let message = "`default-runtime` conflicts with `default_runtime` under `[sysbox]`";
                self.refuse(runtime.span(), message, "remove one of them");
            }
        }
        if let Some(profile) = daemon.get("seccomp-profile") {
            let message = "`seccomp-profile` cannot be set here, because cai sets it";
            self.refuse(profile.span(), message, "set `seccomp_profile` under `[docker]` instead");
        }
        self.hosts(daemon);
    }

    /// dockerd treats an address without a scheme as TCP.
    fn hosts(&mut self, daemon: TomlNode<'a, 'i>) {
        let hosts = daemon.get("hosts");
        let listed = hosts.into_iter().flat_map(|hosts| {
            let single = hosts.text().map(|_| hosts);
            hosts.elements().chain(single).collect::<Vec<_>>()
        });
        for host in listed.collect::<Vec<_>>() {
            let is_socket = |text: &str| text.starts_with("unix://") || text.starts_with("fd://");
            if host.text().is_some_and(|text| !is_socket(text)) {
                let hint = "anyone who can connect to that port is root in the VM; the Docker \
                            context uses the socket that cai forwards";
                self.refuse(host.span(), "cai does not expose Docker's API over TCP", hint);
            }
        }
    }

    fn is_true(&self, path: &[&str]) -> bool {
        self.at(path).is_some_and(TomlNode::is_true)
    }
}
