//! A type name has one meaning in the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::layers::sources;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_type_name_has_one_meaning]
}

/// The file, the guest, the output of a tool and the simulated host each have their own type for the same
/// thing. `State` and `Undeclared` exist once for each kind.
const IN_SEVERAL_PLACES: [&str; 20] = [
    "Account",
    "Container",
    "Diagnostic",
    "Disk",
    "Egress",
    "File",
    "Group",
    "HostConfig",
    "Inspected",
    "Instance",
    "Proxy",
    "Repository",
    "Restart",
    "SocketClient",
    "State",
    "Trust",
    "Undeclared",
    "Unit",
    "User",
    "Vm",
];

/// The name of the type that a line defines. Types inside functions and macros are not checked.
fn defined(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let (what, rest) = line.split_once(' ')?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    ["struct", "enum", "trait", "type"].contains(&what).then_some(&rest[..end])
}

fn a_type_name_has_one_meaning() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for name in fs::read_to_string(&path).unwrap().lines().filter_map(defined) {
            places.entry(name.to_owned()).or_default().push(path.display().to_string());
        }
    }
    assert!(places.contains_key("YqEntry"), "a type with a limited visibility was not found");
    let several = places.iter().filter(|(_, places)| places.len() > 1);
    let (known, wrong): (Vec<_>, Vec<_>) =
        several.partition(|(name, _)| IN_SEVERAL_PLACES.contains(&name.as_str()));
    assert!(wrong.is_empty(), "these names have several meanings: {wrong:#?}");
    let known: Vec<&str> = known.into_iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(known, IN_SEVERAL_PLACES, "a name of the list has only one type");
}
