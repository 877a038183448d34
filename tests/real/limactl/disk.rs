//! `limactl disk`, and the disks of an instance. In a container, disks are not attached.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use containai::lima::Disk;
use containai::simulate::{Arguments, yaml};
use serde_json::json;

use super::config::Config;
use super::create::{image_info, qemu_img};
use super::instance::{self, Instance, Status};
use super::{Result, log, quote, unknown};

pub(super) fn disk(arguments: &Arguments) -> Result<ExitCode> {
    match arguments.words.as_slice() {
        [verb, name] if verb == "create" => create(name, arguments.value("--size")),
        [verb, name] if verb == "list" && arguments.has("--json") => list(name),
        [verb, name] if verb == "resize" => resize(name, arguments.value("--size")),
        words => Err(unknown(&format!("`disk {}`", words.join(" ")))),
    }
}

fn directory(name: &str) -> PathBuf {
    instance::lima_home().join("_disks").join(name)
}

fn data(name: &str) -> PathBuf {
    directory(name).join("datadisk")
}

fn bytes(size: Option<&str>) -> Result<u64> {
    let size = size.ok_or("required flag(s) \"size\" not set")?;
    yaml::bytes(size).ok_or_else(|| format!("invalid size: '{size}'"))
}

fn create(name: &str, size: Option<&str>) -> Result<ExitCode> {
    let (bytes, dir, shown) = (bytes(size)?, directory(name), quote::name(name));
    if dir.exists() {
        let dir = quote::name(&dir.to_string_lossy());
        return Err(format!("disk {shown} already exists ({dir})"));
    }
    log::info(&format!("Creating qcow2 disk {shown} with size {}", size.unwrap_or_default()));
    fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    qemu_img(&["create", "-q", "-f", "qcow2"], &[&data(name), Path::new(&bytes.to_string())])?;
    Ok(ExitCode::SUCCESS)
}

fn list(name: &str) -> Result<ExitCode> {
    if !data(name).exists() {
        log::warning(&format!("No disk matching {name} found."));
        return Ok(ExitCode::SUCCESS);
    }
    let disk = json!({
        "name": name,
        "size": image_info(&data(name))?["virtual-size"],
        "format": "qcow2",
        "dir": directory(name),
        "instance": user(name)?,
        "mountPoint": format!("/mnt/lima-{name}"),
    });
    println!("{disk}");
    Ok(ExitCode::SUCCESS)
}

fn resize(name: &str, size: Option<&str>) -> Result<ExitCode> {
    let bytes = bytes(size)?;
    let user = user(name)?;
    if !user.is_empty() {
        return Err(format!(
            "cannot resize disk {} used by running instance {}. Please stop the VM instance",
            quote::name(name),
            quote::name(&user)
        ));
    }
    qemu_img(&["resize", "-q", "-f", "qcow2"], &[&data(name), Path::new(&bytes.to_string())])?;
    Ok(ExitCode::SUCCESS)
}

/// The running instance with a disk, or an empty name.
fn user(name: &str) -> Result<String> {
    for instance in instance::names() {
        let Some(instance) = Instance::inspect(&instance)? else { continue };
        let is_its = instance.config().is_ok_and(|config| names(config).contains(&name.to_owned()));
        if is_its && instance.status != Status::Stopped {
            return Ok(instance.name);
        }
    }
    Ok(String::new())
}

/// The names of an instance's disks.
pub(super) fn names(config: &Config) -> Vec<String> {
    let entries = config.list(containai::lima::DISKS).iter();
    entries.filter_map(Disk::named_by).map(str::to_owned).collect()
}

/// The files of an instance's disks.
pub(super) fn files(config: &Config) -> Result<Vec<PathBuf>> {
    let files = names(config).into_iter().map(|name| match data(&name) {
        file if file.exists() => Ok(file),
        _ => Err(format!("could not load disk {}", quote::name(&name))),
    });
    files.collect()
}

/// The part of Lima's boot scripts that formats and mounts the disks (2.2.0). Lima runs it late in a boot, when
/// dockerd already runs. Unlike Lima, this formats the whole disk instead of a partition. The first disk is the
/// third of the machine.
pub(super) fn boot_script(config: &Config) -> String {
    let names = names(config);
    let disks = names.iter().zip('c'..='z').map(|(name, letter)| {
        format!(
            "if [ ! -b /dev/disk/by-label/lima-{name} ]; then mkfs.ext4 -q -L lima-{name} /dev/vd{letter}; fi\n\
             mkdir -p /mnt/lima-{name}\nmount -t ext4 /dev/vd{letter} /mnt/lima-{name}\n\
             resize2fs /dev/vd{letter}\n"
        )
    });
    let disks: String = disks.collect();
    format!("#!/bin/bash\nset -eux -o pipefail\n{disks}")
}
