//! Whether a machine is what a key of the file asks for, which is not always the same text.

use serde_json::Value;

use crate::lima::{self, Meaning, MovingImage};
use crate::model::ByteSize;
use crate::resource::facts::VmFacts;

/// Keys that matter when the VM boots and not before: what they say is done over ssh at once, so a
/// running VM is not restarted for them. They are written when it is down anyway.
const AT_BOOT: [&str; 2] = ["provision", "probes"];

/// Whether the machine with `actual` in its YAML is what `wanted` asks for. `boots` says whether it
/// will boot anyway.
pub(super) fn is_same(
    key: &str,
    actual: Option<&Value>,
    wanted: &Value,
    vm: &VmFacts,
    boots: bool,
    meaning: &Meaning<'_>,
) -> bool {
    // The form that `cai` writes needs no normalization.
    if actual == Some(wanted) {
        return true;
    }
    let meant = |value: &Value| meaning.of(key, value);
    // If the key is missing, Lima compares with its own default.
    let has = |actual: Option<&Value>| {
        let said = actual.map(meant).filter(|meant| !meant.is_null());
        said.or_else(|| Some(meant(&given(key, vm)?))).unwrap_or_default()
    };
    match (key, actual) {
        // Only the image for its own architecture counts.
        ("images", Some(actual)) => is_same_image(image(actual, vm), image(wanted, vm)),
        ("images", None) => false,
        (key, Some(actual)) if AT_BOOT.contains(&key) && !boots && lima::has_script(actual) => true,
        (_, actual) => has(actual) == meant(wanted),
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

/// An image whose address moves is the same as each of its builds: which one the VM was created from is
/// unknown, and `cai pin` must not replace a VM.
fn is_same_image(actual: Option<&str>, wanted: Option<&str>) -> bool {
    let is_build = |moving: Option<&str>, location: Option<&str>| {
        let moving = moving.and_then(MovingImage::at);
        moving.zip(location).is_some_and(|(moving, location)| moving.has(location))
    };
    actual == wanted || is_build(actual, wanted) || is_build(wanted, actual)
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
