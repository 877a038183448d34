//! The containers that a plan declares to stop.

use std::collections::BTreeSet;

use serde_json::Value;

/// The containers that a plan declares to stop, without those that only a fallback stops.
/// `runtimes` has all containers with their runtimes. If a plan could not list the containers, it
/// stops those with an affected runtime.
pub fn declared(plan: &Value, runtimes: &[(&str, &str)]) -> BTreeSet<String> {
    let of = |is_meant: &dyn Fn(&str) -> bool| {
        let meant = runtimes.iter().filter(|(_, runtime)| is_meant(runtime));
        meant.map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>()
    };
    let mut names = BTreeSet::new();
    for change in plan["resource_changes"].as_array().unwrap() {
        let disruption = change["disruption"].as_str().unwrap();
        match change["stops"].as_array() {
            _ if change["action"] == "no-op" => {}
            Some(containers) => {
                names.extend(containers.iter().map(|it| it["name"].as_str().unwrap().to_owned()));
            }
            // The plan says that the running containers are unknown: those with this runtime.
            None if disruption == "sysbox-restart" => {
                names.extend(of(&|runtime| runtime == "sysbox-runc"));
            }
            None if disruption.starts_with("vm-") => names.extend(of(&|_| true)),
            None => {}
        }
    }
    names
}
