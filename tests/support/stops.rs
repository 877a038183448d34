//! What a plan says that it stops.

use std::collections::BTreeSet;

use serde_json::Value;

/// The containers that a plan says it stops. What only a fallback would stop is none of them. `runtimes`
/// has all that may run, with the runtime of each: where a plan could not list them, it stops those of
/// its kind.
pub fn declared(plan: &Value, runtimes: &[(&str, &str)]) -> BTreeSet<String> {
    let of = |is_meant: &dyn Fn(&str) -> bool| {
        let meant = runtimes.iter().filter(|(_, runtime)| is_meant(runtime));
        meant.map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>()
    };
    let mut names = BTreeSet::new();
    for change in plan["resource_changes"].as_array().unwrap() {
        let disruption = change["disruption"].as_str().unwrap();
        match change["stops"].as_array() {
            _ if change["action"] == "no-op" || !change["fallback"].is_null() => {}
            Some(containers) => {
                names.extend(containers.iter().map(|it| it["name"].as_str().unwrap().to_owned()));
            }
            // Which run is not known, and it says so: those of its kind.
            None if disruption == "sysbox-restart" => {
                names.extend(of(&|runtime| runtime == "sysbox-runc"));
            }
            None if disruption.starts_with("vm-") => names.extend(of(&|_| true)),
            None => {}
        }
    }
    names
}
