//! The guest images of the real-VM tests, built once and kept.
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

/// The kernel's command line for these images.
///
/// What protects a guest from others only costs time under software emulation.
const CMDLINE: &str = "root=/dev/vda rw console=ttyS0 quiet mitigations=off";

/// The files of one image, readable by everyone.
#[derive(Clone, Debug)]
struct Image {
    /// A raw ext4 filesystem, not to be written to: instances lay their own disk over it.
    disk: PathBuf,
    kernel: PathBuf,
    initrd: PathBuf,
}

/// The image of a variant, as a piece of a `containai.toml`.
pub(crate) fn declared(variant: &str) -> String {
    let image = ensure(variant).unwrap_or_else(|why| panic!("{why}"));
    let entry = serde_json::json!({
        "arch": "x86_64",
        "location": image.disk,
        "kernel": image.kernel,
        "kernel_cmdline": CMDLINE,
        "initrd": image.initrd,
    });
    toml::to_string(&serde_json::json!({"vm": {"images": [entry]}})).unwrap()
}

/// The image of a variant, `plain` (no Docker) or `preinstalled` (Debian's docker.io), built if it
/// is not there yet. Building takes root and half a minute.
///
/// Images are kept in `$CAI_TEST_IMAGES`, else in `/var/tmp/cai-test-images`, under the hash of
/// what they are built from.
fn ensure(variant: &str) -> Result<Image, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/image");
    let images = std::env::var_os("CAI_TEST_IMAGES")
        .map_or_else(|| PathBuf::from("/var/tmp/cai-test-images"), PathBuf::from);
    let failed = |error: std::io::Error| format!("the test image {variant}: {error}");
    let directory = images.join(format!("{variant}-{}", hash(&sources).map_err(failed)?));
    if !directory.exists() {
        fs::create_dir_all(&images).map_err(failed)?;
        let lock = File::create(images.join(format!("{variant}.lock"))).map_err(failed)?;
        lock.lock().map_err(failed)?;
        // Another process may have built it while this one waited for the lock.
        if !directory.exists() {
            build(&sources, variant, &directory)?;
        }
    }
    Ok(Image {
        disk: directory.join("disk.raw"),
        kernel: directory.join("vmlinuz"),
        initrd: directory.join("initrd"),
    })
}

fn build(sources: &Path, variant: &str, directory: &Path) -> Result<(), String> {
    let partial = directory.with_extension("partial");
    let failed = |error: std::io::Error| format!("building the test image {variant}: {error}");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(failed)?;
    }
    let output = Command::new(sources.join("build"))
        .arg(variant)
        .arg(&partial)
        .stdin(Stdio::null())
        .output()
        .map_err(failed)?;
    if !output.status.success() {
        let _ = fs::remove_dir_all(&partial);
        return Err(format!(
            "building the test image {variant}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    fs::rename(&partial, directory).map_err(failed)
}

/// A hash over the names and contents of everything that an image is built from.
fn hash(sources: &Path) -> std::io::Result<String> {
    let mut files = vec![sources.join("build")];
    let mut directories = vec![sources.join("rootfs")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let found = if entry.file_type()?.is_dir() { &mut directories } else { &mut files };
            found.push(entry.path());
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.strip_prefix(sources).unwrap_or(&file);
        hash.update(name.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(Sha256::digest(fs::read(&file)?));
    }
    let mut text = String::new();
    for byte in hash.finalize().iter().take(6) {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
