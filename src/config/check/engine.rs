//! The rules of `[lima]`, `[docker]` and `[sysbox]`.

use super::{Check, of};
use crate::config::de::TomlNode;
use crate::config::diagnostic::Diagnostic;
use crate::config::suggest;
use crate::config::types::{Config, Docker, DockerSource, Lima, Sysbox};
use crate::model::{Arch, spelled_out};

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(in crate::config) fn lima(&mut self, lima: &Lima) {
        if let (Some(release), Some(place)) = (&lima.release, self.at(&["lima", "release"]))
            && !lima.version.matches(release)
        {
            let message = format!("`version` does not accept the release {release}");
            let accepted = spelled_out(&lima.version);
            let hint = format!("write a release that matches {accepted}");
            self.refuse(place.span(), message, hint);
        }
        let checksums = self.at(&["lima", "sha256"]);
        for (key, span) in checksums.into_iter().flat_map(TomlNode::keys) {
            if !Lima::PLATFORMS.contains(&key) {
                let message = format!("unknown platform {}", suggest::shown(key));
                self.refuse(span, message, suggest::hint(key, &Lima::PLATFORMS, "platform"));
            }
        }
        if self.at(&["lima", "release"]).is_none() {
            let hint = "add the release of the archives, such as release = \"2.2.0\"";
            self.refuse_key(&["lima", "sha256"], "`sha256` requires `release`", hint);
        }
    }

    pub(in crate::config) fn docker(&mut self, docker: &Docker) {
        if docker.source == DockerSource::Preinstalled {
            let hint =
                "remove it, or set another `source`: with \"preinstalled\", cai installs nothing";
            let message = "`version` cannot be set with `source = \"preinstalled\"`";
            self.refuse_key(&["docker", "version"], message, hint);
        }
        if docker.source != DockerSource::DockerCe {
            let hint = "remove it, or set `source = \"docker-ce\"`";
            let message = "`[docker.repository]` requires `source = \"docker-ce\"`";
            self.refuse_key(&["docker", "repository"], message, hint);
        }
    }

    pub(in crate::config) fn sysbox(&mut self, config: &Config) {
        let sysbox = &config.sysbox;
        let places = self.elements(&["sysbox", "packages"]);
        let packages = sysbox.packages.iter().zip(places);
        let arches = packages.clone().map(|(package, place)| (package.arch, of(place, "arch")));
        self.refuse_twice(arches.collect(), |arch| format!("duplicate package for {arch}"));
        for (package, place) in packages {
            let Some(other) = sysbox.other_release(package) else { continue };
            let message = format!("this is the package of Sysbox {other}, not {}", sysbox.version);
            let hint = "update url and sha256 too, or remove the entry; `cai pin` adds it again for versions \
                        that cai knows. In a file that extends this one, `packages = []` removes it";
            let error = Diagnostic::new(message).at(of(place, "sha256")).hint(hint);
            let version = self.at(&["sysbox", "version"]).map(TomlNode::span);
            let also = |error: Diagnostic, span| error.also(span, "the version");
            self.diagnostics.push(version.into_iter().fold(error, also));
        }
        if !sysbox.enabled {
            if sysbox.default_runtime {
                let hint = "set `enabled = true`, or remove `default_runtime`";
                let message = "Sysbox cannot be the default runtime when it is not enabled";
                self.refuse_key(&["sysbox", "default_runtime"], message, hint);
            }
            return;
        }
        // A refused entry may be the package.
        let written = self.at(&["sysbox", "packages"]).map_or(0, TomlNode::count);
        if written == sysbox.packages.len() {
            self.package(sysbox, config.vm.arch);
        }
    }

    /// If only some machines need the missing package, it is a warning instead.
    fn package(&mut self, sysbox: &Sysbox, arch: Option<Arch>) {
        let Some(place) = self.at(&["sysbox", "version"]) else { return };
        let missing = match arch {
            Some(arch) => sysbox.package(arch).is_none(),
            None => {
                [Arch::X86_64, Arch::Aarch64].iter().all(|arch| sysbox.package(*arch).is_none())
            }
        };
        if missing {
            let on = arch.map(|arch| format!(" for {arch}")).unwrap_or_default();
            let message = format!("the checksum of Sysbox {}{on} is unknown", sysbox.version);
            let hint = "add a [[sysbox.packages]] table with arch, url and sha256: cai installs \
                        nothing as root that it cannot verify";
            self.refuse(place.span(), message, hint);
        }
    }
}
