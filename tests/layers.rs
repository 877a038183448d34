//! The modules of the program form layers: each uses only those below it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![every_module_uses_only_those_below_it]
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

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == module)
}

pub fn sources(directory: &Path) -> Vec<PathBuf> {
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
