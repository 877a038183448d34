//! The guest images of the real-VM tests. The script `build` builds and keeps them.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The kernel's command line for these images.
///
/// Protection from other guests and hardening of the kernel only cost time under software emulation.
/// Auditing stays on: with `audit=0`, `sudo` takes twice as long (0.7 s instead of 0.33 s).
const CMDLINE: &str = "root=/dev/vda rw console=ttyS0 quiet mitigations=off init_on_alloc=0 \
                       hardened_usercopy=off randomize_kstack_offset=off nokaslr";

/// The image of a variant, `plain` or `preinstalled`, as a piece of a `containai.toml`.
pub(crate) fn declared(variant: &str) -> String {
    let image = ensure(variant);
    let entry = serde_json::json!({
        "arch": "x86_64",
        "location": image.join("disk.raw"),
        "kernel": image.join("vmlinuz"),
        "kernel_cmdline": CMDLINE,
        "initrd": image.join("initrd"),
    });
    toml::to_string(&serde_json::json!({"vm": {"images": [entry]}})).unwrap()
}

/// The directory of an image. Building it takes root and half a minute.
fn ensure(variant: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/image/build");
    let built = Command::new(script).arg(variant).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "the test image {variant}: {}\n{stderr}", built.status);
    PathBuf::from(String::from_utf8(built.stdout).unwrap().trim_end())
}
