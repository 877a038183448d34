//! The modules of the program form layers: each uses only those below it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![every_module_uses_only_those_below_it, a_type_name_has_one_meaning]
}

/// From the bottom to the top; the crate's documentation says what each holds.
const LAYERS: [&str; 13] = [
    "model",
    "host",
    "config",
    "lima",
    "guest",
    "docker",
    "plan",
    "resource",
    "reconcile",
    "doctor",
    "report",
    "simulate",
    "cli",
];

/// What the file declares, the guest has, a tool reports and the simulated host holds has the same name
/// everywhere. Each kind has its own state, and its own removal of an undeclared resource.
const IN_SEVERAL_LAYERS: [&str; 20] = [
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

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == module)
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The module of a file in `src`: its directory, or its own name.
fn module(file: &Path) -> String {
    let first = file.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules that a text names by `crate::`, each with the line. A module's own tests may use all.
fn used(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().take_while(|(_, line)| *line != "#[cfg(test)]");
    let code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(index, line)| {
        let paths = line.split("crate::").skip(1);
        paths.map(move |path| {
            let end = path.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            (index + 1, &path[..end.unwrap_or(path.len())])
        })
    })
}

/// The name of the type that a line of code defines.
fn defined(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub") {
        Some(rest) => {
            rest.trim_start_matches(|c| c != ' ' && c != ')').trim_start_matches([')', ' '])
        }
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
    assert!(places.len() > 300, "only {} types were found", places.len());
    let several = places.iter().filter(|(_, places)| places.len() > 1);
    let (known, wrong): (Vec<_>, Vec<_>) =
        several.partition(|(name, _)| IN_SEVERAL_LAYERS.contains(&name.as_str()));
    assert!(wrong.is_empty(), "these names have several meanings: {wrong:#?}");
    let known: Vec<&str> = known.into_iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(known, IN_SEVERAL_LAYERS, "a name of the list has only one type");
}

fn every_module_uses_only_those_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut uses = 0;
    for path in sources(&root) {
        let file = path.strip_prefix(&root).unwrap();
        let module = module(file);
        if ["lib", "main", "build"].contains(&module.as_str()) {
            continue;
        }
        let own = rank(&module).unwrap_or_else(|| panic!("src/{module} is not a layer"));
        for (line, other) in used(&fs::read_to_string(&path).unwrap()) {
            uses += 1;
            match rank(other) {
                Some(theirs) if theirs <= own => {}
                Some(_) => {
                    wrong.push(format!("src/{}:{line}: {module} is below {other}", file.display()));
                }
                None => {
                    wrong.push(format!("src/{}:{line}: {other:?} is not a layer", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(uses > 500, "only {uses} uses were found");
}
