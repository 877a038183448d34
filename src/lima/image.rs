//! Cloud images whose address always names the newest build, and the address and digest of that build.
//!
//! The indexes of Ubuntu and Debian and their forms are those that Lima 2.2.0 reads to update its own
//! templates (`hack/update-template-ubuntu.sh`, `hack/update-template-debian.sh`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

const UBUNTU: &str = "https://cloud-images.ubuntu.com/";
const DEBIAN: &str = "https://cloud.debian.org/images/cloud/";

/// An image whose address names the newest build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovingImage {
    location: String,
    /// The directory that changes: `/release/` or `/latest/`.
    directory: &'static str,
    index: String,
}

/// One build of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Its address, which always names this build.
    pub location: String,
    /// Its digest.
    pub digest: String,
}

impl MovingImage {
    /// Whether this is such an address. `None` for images of others, and for an address of one build.
    pub fn at(location: &str) -> Option<Self> {
        let moving = |directory, index| {
            let location = location.to_owned();
            location.contains(directory).then_some(Self { location, directory, index })
        };
        if let Some(rest) = location.strip_prefix(UBUNTU) {
            let kind = if rest.starts_with("minimal/releases/") { "minimal/" } else { "" };
            rest.strip_prefix(kind)?.strip_prefix("releases/")?;
            let index = "releases/streams/v1/com.ubuntu.cloud:released:download.json";
            return moving("/release/", format!("{UBUNTU}{kind}{index}"));
        }
        location.strip_prefix(DEBIAN)?;
        let (stem, _) = location.rsplit_once('.')?;
        moving("/latest/", format!("{stem}.json"))
    }

    /// Its address.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Whether an address is that of one of its builds.
    pub fn has(&self, location: &str) -> bool {
        let at = self.location.find(self.directory);
        let rest = at.and_then(|at| location.strip_prefix(&self.location[..at]));
        let directory = rest.and_then(|rest| rest.split('/').nth(1)).unwrap_or_default();
        let build = directory.strip_prefix("release-").unwrap_or(directory);
        self.build(build) == location
    }

    /// The address of the index with all builds.
    pub fn index(&self) -> &str {
        &self.index
    }

    /// The newest build, from the text of the index.
    ///
    /// # Errors
    /// If the index does not have it, as a message.
    pub fn newest(&self, index: &[u8]) -> Result<Build, String> {
        let index: Value =
            serde_json::from_slice(index).map_err(|why| format!("it is not JSON: {why}"))?;
        let build = if self.location.starts_with(UBUNTU) {
            self.ubuntu(&index)
        } else {
            self.debian(&index)
        };
        build.ok_or_else(|| format!("it does not list {}", self.file()))
    }

    /// The address of one build.
    fn build(&self, build: &str) -> String {
        match self.location.rsplit_once('.') {
            Some((stem, format)) if self.location.starts_with(DEBIAN) => {
                format!("{stem}-{build}.{format}").replace(self.directory, &format!("/{build}/"))
            }
            _ => self.location.replace(self.directory, &format!("/release-{build}/")),
        }
    }

    fn file(&self) -> &str {
        self.location.rsplit('/').next().unwrap_or_default()
    }

    /// `products` has a product for each release and architecture, with its builds by date.
    fn ubuntu(&self, index: &Value) -> Option<Build> {
        let ending = format!("/{}", self.file());
        let products = index["products"].as_object()?.values();
        let builds =
            products.flat_map(|product| product["versions"].as_object().into_iter().flatten());
        let items = builds.flat_map(|(date, build)| {
            let items = build["items"].as_object().into_iter().flat_map(|items| items.values());
            items.map(move |item| (date, item))
        });
        let own = items
            .filter(|(_, item)| item["path"].as_str().is_some_and(|path| path.ends_with(&ending)));
        let (date, item) = own.max_by_key(|(date, _)| *date)?;
        let directory = format!("/release-{date}/");
        // The path proves that this build is in such a directory.
        item["path"].as_str().filter(|path| path.contains(&directory))?;
        Some(Build {
            location: self.build(date),
            digest: format!("sha256:{}", item["sha256"].as_str()?),
        })
    }

    /// `items` has an upload for each format of the newest build.
    fn debian(&self, index: &Value) -> Option<Build> {
        let (_, format) = self.location.rsplit_once('.')?;
        let label =
            |item: &Value, name: &str| item["metadata"]["labels"][name].as_str().map(str::to_owned);
        let mut uploads = index["items"].as_array()?.iter().filter(|item| item["kind"] == "Upload");
        let upload = uploads.find(|item| {
            label(item, "upload.cloud.debian.org/image-format").as_deref() == Some(format)
        })?;
        let version = label(upload, "cloud.debian.org/version")?;
        let digest = upload["metadata"]["annotations"]["cloud.debian.org/digest"].as_str()?;
        let (algorithm, digest) = digest.split_once(':')?;
        let digest = STANDARD_NO_PAD.decode(digest.trim_end_matches('=')).ok()?;
        let digest: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Build {
            location: self.build(&version),
            digest: format!("{algorithm}:{}", digest.concat()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "https://cloud-images.ubuntu.com/releases/24.04/release/ubuntu-24.04-server-cloudimg-amd64.img";
    const CLOUD: &str =
        "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2";

    #[test]
    fn only_an_address_without_a_date_moves() {
        for moving in [SERVER, CLOUD, &SERVER.replace("/releases", "/minimal/releases")] {
            assert!(MovingImage::at(moving).is_some(), "{moving}");
        }
        for fixed in [
            &SERVER.replace("/release/", "/release-20260518/"),
            &CLOUD.replace("/latest/", "/20260518-1811/"),
            "https://example.org/releases/24.04/release/a.img",
            "/images/latest/a.img",
        ] {
            assert_eq!(MovingImage::at(fixed), None, "{fixed}");
        }
        let index = "https://cloud-images.ubuntu.com/releases/streams/v1/com.ubuntu.cloud:released:download.json";
        assert_eq!(MovingImage::at(SERVER).unwrap().index(), index);
        assert_eq!(MovingImage::at(CLOUD).unwrap().index(), CLOUD.replace(".qcow2", ".json"));
    }

    #[test]
    fn each_build_of_a_moving_image_is_known_by_its_address() {
        let ubuntu = MovingImage::at(SERVER).unwrap();
        let debian = MovingImage::at(CLOUD).unwrap();
        let dated = CLOUD.replace("/latest/", "/20260518-1811/");
        assert!(ubuntu.has(&SERVER.replace("/release/", "/release-20260518/")));
        assert!(debian.has(&dated.replace(".qcow2", "-20260518-1811.qcow2")));
        for other in [
            SERVER.to_owned(),
            SERVER.replace("24.04/release/", "22.04/release-20260518/"),
            SERVER.replace("/release/", "/release-20260518/").replace("amd64", "arm64"),
            dated.clone(),
        ] {
            assert!(!ubuntu.has(&other) && !debian.has(&other), "{other}");
        }
    }

    #[test]
    fn the_newest_build_of_ubuntu_is_taken() {
        let build = |date: &str, sum: &str| {
            let path = "server/releases/noble/release-DATE/ubuntu-24.04-server-cloudimg-amd64.img";
            serde_json::json!({ "items": {
                "disk1.img": { "path": path.replace("DATE", date), "sha256": sum },
                "manifest": { "path": "server/releases/noble/release-1/a.manifest", "sha256": "no" },
            }})
        };
        let index = serde_json::json!({ "products": {
            "com.ubuntu.cloud:server:22.04:amd64": { "versions": {} },
            "com.ubuntu.cloud:server:24.04:amd64": { "versions": {
                "20260518": build("20260518", "bb"), "20260101": build("20260101", "aa"),
            }},
        }});
        let image = MovingImage::at(SERVER).unwrap();
        let newest = image.newest(index.to_string().as_bytes()).unwrap();
        assert_eq!(newest.location, SERVER.replace("/release/", "/release-20260518/"));
        assert_eq!(newest.digest, "sha256:bb");
        assert!(
            image.newest(b"{}").unwrap_err().contains("ubuntu-24.04-server-cloudimg-amd64.img")
        );
        assert!(image.newest(b"<html>").unwrap_err().starts_with("it is not JSON"));
    }

    #[test]
    fn the_build_of_debian_has_the_format_of_the_image() {
        let upload = |format: &str, digest: &str| {
            serde_json::json!({ "kind": "Upload", "metadata": {
                "labels": {
                    "upload.cloud.debian.org/image-format": format,
                    "cloud.debian.org/version": "20260518-1811",
                },
                "annotations": { "cloud.debian.org/digest": digest },
            }})
        };
        // The digest is in base64 without padding.
        let index = serde_json::json!({ "items": [
            { "kind": "Build" }, upload("raw", "sha512:AAA"), upload("qcow2", "sha512:q80"),
        ]});
        let newest = MovingImage::at(CLOUD).unwrap().newest(index.to_string().as_bytes()).unwrap();
        let location = "https://cloud.debian.org/images/cloud/bookworm/20260518-1811/\
                        debian-12-genericcloud-amd64-20260518-1811.qcow2";
        assert_eq!(newest.location, location);
        assert_eq!(newest.digest, "sha512:abcd");
    }
}
