//! The data that dockerd no longer shows once it starts with another store.

use serde_json::{Map, Value};

use super::due;
use crate::guest::{GuestFacts, LoadedJson};
use crate::model::daemon_key::{DAEMON_KEYS, Effect, SNAPSHOTTER, effect};
use crate::model::{VmName, clean_path};
use crate::plan::{Hides, Stored};
use crate::resource::PlanContext;

/// Where dockerd keeps its data by default.
const DATA_ROOT: &str = "/var/lib/docker";

/// The data that a restart of the running dockerd hides, by the file that it will find: someone may have
/// changed that file since it started. Containers that it keeps run on, out of its reach.
pub(in crate::resource) fn at_restart(
    guest: &GuestFacts,
    vm: &VmName,
    context: PlanContext<'_>,
    keeps_containers: bool,
) -> Option<Hides> {
    if guest.daemon_json.loaded == LoadedJson::Unknown && guest.engine.is_none() {
        return None;
    }
    let due = due(guest, context).unwrap_or_default();
    let mut hides = by(guest, vm, &guest.daemon_json.loaded_keys(), &due)?;
    if keeps_containers {
        hides.running = guest.containers.iter().flatten().map(|it| it.name.clone()).collect();
    }
    Some(hides)
}

/// The data that a start with the keys `after` hides, for a daemon that has loaded `before`. `None`
/// if the store stays the same or is empty.
pub(in crate::resource) fn by(
    guest: &GuestFacts,
    vm: &VmName,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<Hides> {
    if !guest.dockerd_installed {
        return None;
    }
    let names = DAEMON_KEYS.iter().map(|key| key.name);
    let hiding = names.filter(|name| {
        let (before, after) = (before.get(*name), after.get(*name));
        effect(name, before, after) == Effect::HidesData && moves(guest, name, before, after)
    });
    let keys: Vec<String> = hiding.map(|name| shown(name).to_owned()).collect();
    let stored = stored(guest);
    if keys.is_empty() || stored.is_some_and(Stored::is_empty) {
        return None;
    }
    Some(Hides { vm: vm.to_string(), keys, stored, running: Vec::new() })
}

/// The counted contents of dockerd's store.
pub(in crate::resource) fn stored(guest: &GuestFacts) -> Option<Stored> {
    let engine = guest.engine.as_ref()?;
    let (containers, images, volumes) = (engine.containers, engine.images, engine.volumes);
    Some(Stored { containers, images, volumes })
}

/// The data that these keys may hide in a guest that cannot be observed.
pub(super) fn possible(vm: &VmName, keys: &Map<String, Value>) -> Option<Hides> {
    // The object `features` is replaced as a whole, so missing entries count as well.
    let may_hide = |name: &str, value: &Value| {
        name == "features" || effect(name, None, Some(value)) == Effect::HidesData
    };
    let hiding = keys.iter().filter(|(name, value)| may_hide(name, value));
    let keys: Vec<String> = hiding.map(|(name, _)| shown(name).to_owned()).collect();
    let hides = Hides { vm: vm.to_string(), keys, stored: None, running: Vec::new() };
    (!hides.keys.is_empty()).then_some(hides)
}

/// The name of a key as its reader would look for it.
fn shown(key: &str) -> &str {
    if key == "features" { "features.containerd-snapshotter" } else { key }
}

/// Whether a new value of a key names another store than the one in use.
fn moves(guest: &GuestFacts, key: &str, before: Option<&Value>, after: Option<&Value>) -> bool {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let in_force = guest.engine.as_ref().and_then(|engine| engine.in_force.get(key));
    match key {
        "data-root" => {
            let path = |value| match text(value) {
                path if path.is_empty() => DATA_ROOT.to_owned(),
                path => clean_path(&path),
            };
            path(before) != path(after) && in_force.is_none_or(|own| path(Some(own)) != path(after))
        }
        // Without the key, dockerd uses the driver whose data it finds.
        "storage-driver" => !text(after).is_empty() && text(in_force.or(before)) != text(after),
        "features" => {
            let of = |value: Option<&Value>| value?.get(SNAPSHOTTER)?.as_bool();
            // A feature that is removed from the file is off.
            let wanted = of(after).or(of(before).map(|_| false));
            wanted.is_some() && wanted != of(in_force).or(of(before))
        }
        _ => text(before) != text(after),
    }
}
