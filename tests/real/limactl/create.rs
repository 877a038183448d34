//! `limactl create`, and the disk that an instance needs before it starts.
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde_json::Value;

use containai::simulate::Arguments;

use super::config::Config;
use super::instance::{self, Instance};
use super::{Result, VERSION, expression, log, machine, quote, ssh, unknown, validate};

pub(super) fn create(arguments: &Arguments) -> Result<ExitCode> {
    let file = arguments.only()?;
    let name = match arguments.value("--name") {
        Some(name) => name.to_owned(),
        None if file == "-" => {
            return Err(
                "must pass instance name with --name when reading template from stdin".to_owned()
            );
        }
        None => Path::new(file)
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default(),
    };
    let dir = instance::directory(&name)?;
    if file != "-" && !file.contains(['/', '.']) {
        return Err(unknown("templates; create from a file or from `-`"));
    }
    let text = read(file)?;
    if Instance::inspect(&name)?.is_some() {
        return Err(format!("instance {} already exists", quote::name(&name)));
    }
    log::info("Terminal is not available, proceeding without opening an editor");
    let text = arguments.all("--set").try_fold(text, |text, set| expression::apply(&text, set))?;
    create_in(&dir, &name, &text)?;
    log::info(&format!("Run `limactl start {name}` to start the instance."));
    Ok(ExitCode::SUCCESS)
}

fn read(file: &str) -> Result<String> {
    if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
        if text.is_empty() {
            return Err("don't know how to interpret an empty template from stdin".to_owned());
        }
        return Ok(text);
    }
    fs::read_to_string(file).map_err(|_| format!("open {file}: no such file or directory"))
}

fn create_in(dir: &Path, name: &str, text: &str) -> Result<()> {
    // ssh first creates its socket under a longer name, and the kernel's limit is low.
    let socket = dir.join("ssh.sock.1234567890123456");
    let length = socket.as_os_str().len();
    if length >= 108 {
        return Err(format!(
            "instance name {} too long: {} must be less than UNIX_PATH_MAX=108 characters, but is {length}",
            quote::name(name),
            quote::name(&socket.to_string_lossy()),
        ));
    }
    if dir.exists() {
        return Err(format!(
            "instance {} already exists ({})",
            quote::name(name),
            quote::name(&dir.to_string_lossy())
        ));
    }
    let file = dir.join("lima.yaml").to_string_lossy().into_owned();
    validate::warn_of_unknown_keys(text, &file);
    validate::check(text, &file, dir)?.map_or(Ok(()), Err)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| format!("mkdir {}: {error}", dir.display()))?;
    let made = fs::write(dir.join("lima.yaml"), text)
        .and_then(|()| fs::write(dir.join("lima-version"), format!("v{VERSION}")))
        .map_err(|error| error.to_string())
        .and_then(|()| ssh::ensure_key())
        .and_then(|()| prepare(dir, &Config::fill(text, dir)?));
    if made.is_err() {
        let _ = fs::remove_dir_all(dir);
    }
    made
}

/// Creates the disk and copies the kernel if they do not exist, and grows the disk to the
/// configured size.
pub(super) fn prepare(dir: &Path, config: &Config) -> Result<()> {
    let disk = dir.join("disk");
    let size = config.bytes("disk")?;
    if !disk.exists() {
        let image = config
            .list("images")
            .iter()
            .find(|image| image["arch"] == config.text("/arch"))
            .ok_or_else(|| "no image for the architecture of the instance".to_owned())?;
        for (part, file) in [("kernel", "kernel"), ("initrd", "initrd")] {
            if let Some(part) = image.get(part) {
                let from = location(part)?;
                fs::copy(&from, dir.join(file))
                    .map_err(|error| format!("failed to copy {}: {error}", from.display()))?;
            }
        }
        if let Some(cmdline) = image.pointer("/kernel/cmdline").and_then(Value::as_str) {
            fs::write(dir.join("kernel.cmdline"), cmdline).map_err(|error| error.to_string())?;
        }
        let base = location(image)?;
        let format = image_info(&base)?["format"].as_str().unwrap_or("raw").to_owned();
        log::info(&format!("Using the image {}", quote::name(&base.to_string_lossy())));
        if machine::is_container() {
            qemu_img(&["convert", "-f", &format, "-O", "raw"], &[&base, &disk])?;
        } else {
            qemu_img(&["create", "-q", "-f", "qcow2", "-F", &format, "-b"], &[&base, &disk])?;
        }
    }
    let info = image_info(&disk)?;
    if info["virtual-size"].as_u64().unwrap_or_default() < size {
        let output = Command::new("qemu-img")
            .args(["resize", "-q", "-f", info["format"].as_str().unwrap_or("raw")])
            .arg(&disk)
            .arg(size.to_string())
            .stdin(Stdio::null())
            .output();
        succeeded("qemu-img resize", output)?;
    }
    Ok(())
}

fn location(file: &Value) -> Result<PathBuf> {
    let location = file["location"].as_str().unwrap_or_default();
    let path = PathBuf::from(location.strip_prefix("file://").unwrap_or(location));
    if !path.is_absolute() {
        return Err(unknown(&format!("how to download {}", quote::name(location))));
    }
    if !path.exists() {
        return Err(format!("stat {}: no such file or directory", path.display()));
    }
    Ok(path)
}

pub(super) fn image_info(image: &Path) -> Result<Value> {
    let text = qemu_img(&["info", "-U", "--output=json"], &[image])?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

pub(super) fn qemu_img(arguments: &[&str], files: &[&Path]) -> Result<Vec<u8>> {
    let output = Command::new("qemu-img").args(arguments).args(files).stdin(Stdio::null()).output();
    succeeded(&format!("qemu-img {}", arguments[0]), output)
}

/// The output of a tool that must succeed.
pub(super) fn succeeded(
    what: &str,
    output: std::io::Result<std::process::Output>,
) -> Result<Vec<u8>> {
    let output = output.map_err(|error| format!("failed to run {what}: {error}"))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{what}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
    }
}
