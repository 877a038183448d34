//! What a file does not pin: `cai pin` writes them, and `cai doctor` names them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::layers::{child, element};
use crate::config::{Config, DockerSource, Image, SysboxPackage};
use crate::lima::MovingImage;
use crate::model::{Arch, DockerVersion};

/// Something that the file does not pin: the same file can result in another one later.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Unpinned {
    /// Its name, such as "the image for x86_64".
    pub what: String,
    /// The key that names one build, such as `docker.version`.
    pub key: String,
    /// The file with the value that leaves it open; `null` if that is a default.
    pub file: Option<String>,
    /// The line of that value.
    pub line: Option<usize>,
    /// What must be written.
    #[serde(skip)]
    pub part: UnpinnedPart,
}

/// The part of a file that is open.
#[derive(Debug, Clone, PartialEq)]
pub enum UnpinnedPart {
    /// An image whose address moves.
    Image(MovingImage),
    /// An image that is downloaded without a digest and that `cai pin` cannot pin.
    Digest,
    /// The images of a file that names none.
    DefaultImages(Vec<(Arch, MovingImage)>),
    /// The release of Docker's own packages.
    Docker,
    /// The version of Sysbox.
    SysboxVersion,
    /// The packages of Sysbox, whose checksums only `cai` has.
    SysboxPackages(Vec<SysboxPackage>),
}

/// What a file does not pin, in the order of the file's tables. A package of the distribution is not
/// among them: its archive has only the newest build, so no file can name an older one.
pub fn unpinned(config: &Config) -> Vec<Unpinned> {
    let mut found = images(config);
    let docker = &config.docker;
    let is_release = docker.version.as_ref().is_some_and(DockerVersion::is_release);
    if docker.source == DockerSource::DockerCe && !is_release {
        found.push(open(config, "docker.version", "Docker's version", UnpinnedPart::Docker));
    }
    if config.sysbox.enabled {
        found.extend(sysbox(config));
    }
    found
}

fn images(config: &Config) -> Vec<Unpinned> {
    let images = &config.vm.images;
    if config.vm.left_out.images {
        let moving = |image: &Image| Some((image.arch?, MovingImage::at(&image.location)?));
        let part = UnpinnedPart::DefaultImages(images.iter().filter_map(moving).collect());
        return vec![open(config, "vm.images", "the images", part)];
    }
    let named = |(index, image): (usize, &Image)| {
        let part = match MovingImage::at(&image.location) {
            Some(moving) => UnpinnedPart::Image(moving),
            None if is_remote(&image.location) && image.digest.is_none() => UnpinnedPart::Digest,
            None => return None,
        };
        let arch = image.arch.map(|arch| format!(" for {arch}")).unwrap_or_default();
        let key = child(&element("vm.images", index), "location");
        Some(open(config, &key, &format!("the image{arch}"), part))
    };
    images.iter().enumerate().filter_map(named).collect()
}

fn is_remote(location: &str) -> bool {
    location.starts_with("https://") || location.starts_with("http://")
}

fn sysbox(config: &Config) -> Vec<Unpinned> {
    const VERSION: &str = "sysbox.version";
    let is_named = config.origin.place(VERSION).is_some();
    let version =
        (!is_named).then(|| open(config, VERSION, "Sysbox's version", UnpinnedPart::SysboxVersion));
    let packages: Vec<_> =
        config.arches().filter_map(|arch| config.sysbox.unnamed_package(arch)).collect();
    let packages = (!packages.is_empty()).then(|| {
        let part = UnpinnedPart::SysboxPackages(packages);
        // They belong to the version, so they are written beside it.
        let beside = open(config, VERSION, "Sysbox's checksums", part);
        Unpinned { key: "sysbox.packages".into(), ..beside }
    });
    version.into_iter().chain(packages).collect()
}

fn open(config: &Config, key: &str, what: &str, part: UnpinnedPart) -> Unpinned {
    let place = config.origin.place(key);
    Unpinned {
        what: what.to_owned(),
        key: key.to_owned(),
        file: place.map(|place| place.layer.shown.clone()),
        line: place.map(|place| place.line()),
        part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const MOVING: &str = "https://cloud-images.ubuntu.com/releases/24.04/release/ubuntu-24.04-server-cloudimg-amd64.img";

    /// The keys that a file does not pin, each with the line of its value.
    fn found(file: &str) -> Vec<(String, Option<usize>)> {
        let config = config::parse(&format!("version = 1\n{file}")).unwrap();
        unpinned(&config).into_iter().map(|it| (it.key, it.line)).collect()
    }

    fn open_at(keys: &[(&str, Option<usize>)]) -> Vec<(String, Option<usize>)> {
        keys.iter().map(|(key, line)| ((*key).to_owned(), *line)).collect()
    }

    #[test]
    fn a_file_of_defaults_leaves_everything_open() {
        let all = ["vm.images", "docker.version", "sysbox.version", "sysbox.packages"];
        assert_eq!(found(""), open_at(&all.map(|key| (key, None))));
    }

    #[test]
    fn a_value_that_names_one_build_is_not_open() {
        let image = |location: &str| {
            format!("[[vm.images]]\narch = \"x86_64\"\nlocation = \"{location}\"\n")
        };
        let rest = |version: &str, sysbox: &str| {
            format!("[docker]\nversion = \"{version}\"\n[sysbox]\n{sysbox}\n")
        };
        let package = format!(
            "version = \"0.7.1\"\n[[sysbox.packages]]\narch = \"x86_64\"\nurl = \"./s.deb\"\nsha256 = \"{}\"",
            "0a".repeat(32)
        );
        let undigested = image(&MOVING.replace("/release/", "/release-20260518/"));
        let dated = format!("{undigested}digest = \"sha256:{}\"\n", "0a".repeat(32));
        let location = [("vm.images[0].location", Some(4))];
        assert_eq!(found(&(undigested + &rest("28.5.1", &package))), open_at(&location));
        let local = image("/images/a.img");
        assert_eq!(found(&(local + &rest("28.5.1", &package))), []);
        assert_eq!(found(&(dated.clone() + &rest("28.5.1", &package))), []);
        assert_eq!(
            found(&(image(MOVING) + &rest("28.5", "version = \"0.7.1\""))),
            open_at(&[
                ("vm.images[0].location", Some(4)),
                ("docker.version", Some(6)),
                ("sysbox.packages", Some(8)),
            ])
        );
        assert_eq!(found(&(dated + &rest("28.5.1", "enabled = false"))), []);
    }

    #[test]
    fn only_dockers_own_packages_are_pinned() {
        for source in ["distro", "preinstalled"] {
            let file = format!("[docker]\nsource = \"{source}\"\n[sysbox]\nenabled = false");
            assert_eq!(found(&file), open_at(&[("vm.images", None)]), "{source}");
        }
    }
}
