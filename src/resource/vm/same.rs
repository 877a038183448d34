//! Whether a machine is what a key of the file asks for, which is not always the same text.

use serde_json::Value;

use crate::facts::VmFacts;
use crate::model::ByteSize;

/// Keys that matter when the VM boots and not before: what they say is done over ssh at once, so a
/// running VM is not restarted for them. They are written when it is down anyway.
const AT_BOOT: [&str; 2] = ["provision", "probes"];
/// Keys that hold a size, which can be written in several ways.
const SIZES: [&str; 2] = ["memory", "disk"];

/// Whether the machine with `actual` in its YAML is what `wanted` asks for. `boots` says whether it
/// will boot anyway.
pub(super) fn is_same(
    key: &str,
    actual: Option<&Value>,
    wanted: &Value,
    vm: &VmFacts,
    boots: bool,
) -> bool {
    match (key, actual) {
        // What it was made from counts, not what others would be made from.
        ("images", Some(actual)) => image(actual, vm) == image(wanted, vm),
        ("images", None) => false,
        // Lima compares with its own default where the YAML says nothing.
        ("arch", None) => vm.arch.as_deref() == wanted.as_str(),
        ("vmType", None) => vm.vm_type.as_deref() == wanted.as_str(),
        ("rosetta", None) => wanted.get("enabled") == Some(&false.into()),
        ("disk" | "memory" | "cpus", None) => given(key, vm).is_some_and(|given| match key {
            "cpus" => given == *wanted,
            _ => size(&given) == size(wanted),
        }),
        (key, Some(actual)) if SIZES.contains(&key) => size(actual) == size(wanted),
        (key, Some(actual)) if AT_BOOT.contains(&key) && !boots => {
            actual == wanted || is_ours(actual)
        }
        (_, actual) => actual == Some(wanted),
    }
}

/// What Lima gives the machine where its YAML says nothing.
pub(super) fn given(key: &str, vm: &VmFacts) -> Option<Value> {
    let bytes = |bytes: Option<u64>| Some(ByteSize::try_from(bytes?).ok()?.to_string().into());
    match key {
        "cpus" => vm.cpus.map(Value::from),
        "memory" => bytes(vm.memory),
        "disk" => bytes(vm.disk),
        "arch" => vm.arch.clone().map(Value::from),
        "vmType" => vm.vm_type.clone().map(Value::from),
        _ => None,
    }
}

/// The location of the image that Lima takes for this machine: the first one of its architecture,
/// or of none in particular.
fn image<'a>(images: &'a Value, vm: &VmFacts) -> Option<&'a str> {
    let fits = |image: &&Value| match image.get("arch").and_then(Value::as_str) {
        Some(arch) => vm.arch.as_deref() == Some(arch),
        None => true,
    };
    images.as_array()?.iter().find(fits)?.get("location")?.as_str()
}

/// Whether a provisioning script or probe is one that `cai` wrote, perhaps an older one.
fn is_ours(scripts: &Value) -> bool {
    let written = |script: &Value| {
        let text = script.get("script").and_then(Value::as_str);
        text.is_some_and(|text| text.contains("Written by cai"))
    };
    scripts.as_array().is_some_and(|scripts| scripts.iter().all(written))
}

/// A size as Lima reads it: `8GiB`, `8GB`, `8g` and a plain number of bytes, all of them binary.
fn size(value: &Value) -> Option<ByteSize> {
    if let Some(bytes) = value.as_u64() {
        return ByteSize::try_from(bytes).ok();
    }
    let text = value.as_str()?.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = text[digits.len()..].trim().trim_end_matches('b').trim_end_matches('i');
    let power = ["", "k", "m", "g", "t", "p"].iter().position(|known| *known == unit)?;
    let factor = 1024_u64.checked_pow(u32::try_from(power).ok()?)?;
    ByteSize::try_from(digits.parse::<u64>().ok()?.checked_mul(factor)?).ok()
}
