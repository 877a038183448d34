//! The `cidata` disk, from which the guest reads its configuration at every boot.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::config::Config;
use super::create::succeeded;
use super::instance::{self, Instance};
use super::{Result, disk, machine, quote};

/// Creates the disk and returns its path.
pub(super) fn make_cidata(instance: &Instance) -> Result<PathBuf> {
    let tree = instance.dir.join("cidata");
    let image = instance.dir.join("cidata.img");
    let _ = fs::remove_dir_all(&tree);
    fill(&tree, instance).map_err(|error| format!("failed to make cidata: {error}"))?;
    let _ = fs::remove_file(&image);
    let output = Command::new(tool("mke2fs"))
        .args(["-q", "-t", "ext4", "-O", "^has_journal", "-L", "cidata", "-d"])
        .args([&tree, &image])
        .arg("16M")
        .stdin(Stdio::null())
        .output();
    succeeded("mke2fs", output)?;
    Ok(image)
}

/// An administrator's tool, which may not be on an ordinary user's PATH.
fn tool(name: &str) -> PathBuf {
    ["/usr/sbin", "/sbin"]
        .into_iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from(name))
}

fn fill(tree: &Path, instance: &Instance) -> std::io::Result<()> {
    let config = instance.config().map_err(std::io::Error::other)?;
    fs::create_dir_all(tree)?;
    fs::write(tree.join("lima.env"), environment(instance, config))?;
    if machine::is_container() {
        fs::write(tree.join("meminfo"), memory_info(config)?)?;
    }
    fs::copy(instance::lima_home().join("_config/user.pub"), tree.join("authorized_keys"))?;
    fs::write(tree.join("etc_environment"), etc_environment(config))?;
    let boot = tree.join("provision.boot");
    fs::create_dir_all(&boot)?;
    fs::write(boot.join("lima"), BOOT)?;
    fs::set_permissions(boot.join("lima"), fs::Permissions::from_mode(0o755))?;
    if !machine::is_container() && !disk::names(config).is_empty() {
        // Before the scripts of the YAML.
        let directory = tree.join("provision.system");
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("0-disks"), disk::boot_script(config))?;
        fs::set_permissions(directory.join("0-disks"), fs::Permissions::from_mode(0o755))?;
    }
    for (index, provision) in config.list("provision").iter().enumerate() {
        let text = |key: &str| provision[key].as_str().unwrap_or_default();
        let directory = tree.join(format!("provision.{}", text("mode")));
        fs::create_dir_all(&directory)?;
        let script = directory.join(format!("{index:08}"));
        fs::write(&script, text("script"))?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// The part of Lima's boot scripts that writes the name of the host and the environment (2.2.0).
const BOOT: &str = "#!/bin/sh
set -eu
echo '192.168.5.2 host.lima.internal' >>/etc/hosts
touch /etc/environment
sed -i '/#LIMA-START/,/#LIMA-END/d' /etc/environment
cat /mnt/lima-cidata/etc_environment >>/etc/environment
";

/// The environment of the guest: the YAML's, and the proxies of this process unless the YAML forbids it
/// (`setupEnv` of Lima 2.2.0). Addresses on the host's loopback are not rewritten here.
fn etc_environment(config: &Config) -> String {
    let declared = config.0.get("env").and_then(serde_json::Value::as_object);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let declared = declared.into_iter().flatten();
    let mut all: BTreeMap<String, String> =
        declared.map(|(name, value)| (name.clone(), text(value))).collect();
    if config.0.get("propagateProxyEnv") != Some(&serde_json::Value::Bool(false)) {
        for name in ["http_proxy", "https_proxy", "no_proxy"] {
            for name in [name.to_owned(), name.to_uppercase()] {
                all.extend(std::env::var(&name).ok().map(|value| (name, value)));
            }
        }
    }
    // An empty proxy is none.
    all.retain(|name, value| !value.is_empty() || !name.to_lowercase().ends_with("_proxy"));
    let lines: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    format!("#LIMA-START\n{}#LIMA-END\n", lines.concat())
}

/// The host's `/proc/meminfo` with the configured memory, minus the part that a kernel reserves.
fn memory_info(config: &Config) -> std::io::Result<String> {
    let kibibytes = (config.bytes("memory").map_err(std::io::Error::other)? >> 10) * 97 / 100;
    let host = fs::read_to_string("/proc/meminfo")?;
    let rest = host.split_inclusive('\n').filter(|line| !line.starts_with("MemTotal:"));
    Ok(format!("MemTotal: {kibibytes} kB\n{}", rest.collect::<String>()))
}

fn environment(instance: &Instance, config: &Config) -> String {
    let mut text = String::new();
    let variables = [
        ("NAME", instance.name.clone()),
        ("HOSTNAME", instance.hostname()),
        ("USER", config.text("/user/name").to_owned()),
        ("UID", config.number("/user/uid").to_string()),
        ("COMMENT", config.text("/user/comment").to_owned()),
        ("HOME", config.text("/user/home").to_owned()),
        ("SHELL", config.text("/user/shell").to_owned()),
        ("TIMEZONE", config.text("/timezone").to_owned()),
        ("MOUNTS", "0".to_owned()),
    ];
    for (name, value) in variables {
        let _ = writeln!(text, "LIMA_CIDATA_{name}={}", quote::shell(&value));
    }
    for (name, value) in parameters(config) {
        let _ = writeln!(text, "{name}={}", quote::shell(&value));
    }
    text
}

/// The `param` mapping as variables for scripts.
pub(super) fn parameters(config: &Config) -> Vec<(String, String)> {
    let map = config.0.get("param").and_then(serde_json::Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (format!("PARAM_{name}"), value)
        })
        .collect()
}
