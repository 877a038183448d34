//! The schema in editors. The tests with Taplo are ignored unless `CAI_TEST_TAPLO` names the directory
//! `node_modules` with `@taplo/cli` and `@taplo/lsp`. They need Node.js.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use containai::config;
use serde_json::Value;

use super::documents::root;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    let with_taplo = trials![
        taplo_accepts_every_example,
        taplo_names_what_is_wrong_and_its_line,
        taplo_completes_keys_with_descriptions_and_values,
    ];
    let own = trials![every_example_names_the_schema, every_key_has_a_description];
    let ignored = with_taplo.into_iter().map(|it| it.with_ignored_flag(modules().is_none()));
    ignored.chain(own).collect()
}

fn modules() -> Option<PathBuf> {
    std::env::var_os("CAI_TEST_TAPLO").filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn examples() -> Vec<PathBuf> {
    let directories = ["examples", "examples/team"];
    let files = directories.iter().flat_map(|name| std::fs::read_dir(root().join(name)).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    let examples: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
    assert!(examples.len() > 8, "{examples:?}");
    examples
}

fn every_example_names_the_schema() {
    let schema = root().join("schema/containai.schema.json");
    for example in examples() {
        let text = std::fs::read_to_string(&example).unwrap();
        let named = text.lines().next().and_then(|line| line.strip_prefix("#:schema "));
        let named = named.unwrap_or_else(|| panic!("{} names no schema", example.display()));
        let path = example.parent().unwrap().join(named).canonicalize().unwrap();
        assert_eq!(path, schema.canonicalize().unwrap(), "{}", example.display());
    }
}

/// Calls a function with each key below a table of the schema, and its path.
fn each_key(table: &Value, path: &str, look: &mut dyn FnMut(&str, &Value)) {
    for (key, own) in table["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{key}");
        look(&path, own);
        each_key(own, &format!("{path}."), look);
        each_key(&own["items"], &format!("{path}."), look);
    }
}

fn every_key_has_a_description() {
    let mut count = 0;
    each_key(&config::schema(), "", &mut |path, key| {
        let description = key["description"].as_str().unwrap_or_default();
        assert!(description.len() > 8, "{path}: {description:?}");
        count += 1;
    });
    assert!(count > 100, "{count} keys");
}

/// Runs a script of Node.js in the directory of a file.
fn node(script: &Path, arguments: &[String], file: &Path) -> Output {
    let mut node = Command::new("node");
    node.arg(script).args(arguments).current_dir(file.parent().unwrap());
    node.output().unwrap()
}

/// Whether `taplo check` accepts the files, which name their schema, and what it says.
fn check(files: &[PathBuf]) -> (bool, String) {
    let script = modules().unwrap().join("@taplo/cli/dist/cli.js");
    let mut arguments = vec!["check".to_owned(), "--no-auto-config".to_owned()];
    arguments.extend(files.iter().map(|file| file.display().to_string()));
    let output = node(&script, &arguments, &files[0]);
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A file that names the schema in its first line.
fn write(sandbox: &Sandbox, name: &str, text: &str) -> PathBuf {
    let schema = root().join("schema/containai.schema.json");
    std::fs::copy(schema, sandbox.path("home/schema.json")).unwrap();
    let path = format!("home/{name}");
    sandbox.write(&path, &format!("#:schema ./schema.json\n{text}"));
    sandbox.path(path)
}

fn taplo_accepts_every_example() {
    let (is_valid, said) = check(&examples());
    assert!(is_valid, "{said}");
}

/// Each is the file's text, the error, and its line.
const WRONG: [(&str, &str, usize); 7] = [
    ("version = 2", "1 was expected", 2),
    ("version = 1\n[vm]\nnmae = \"a\"", "'nmae' was unexpected", 4),
    ("version = 1\n[vm]\ncpus = 0", "0 is less than the minimum of 1", 4),
    ("version = 1\n[vm]\nmemory = \"8GB\"", "\"8GB\" does not match", 4),
    ("version = 1\n[vm]\ntype = \"hyperv\"", "\"hyperv\" is not valid", 4),
    ("version = 1\n[[groups]]\ngid = 7", "\"name\" is a required property", 4),
    ("[vm]\ncpus = 1", "\"version\" is a required property", 3),
];

fn taplo_names_what_is_wrong_and_its_line() {
    let sandbox = Sandbox::new();
    let name = |index: usize| format!("{index}.toml");
    let files = WRONG.iter().enumerate();
    let files: Vec<PathBuf> =
        files.map(|(index, (text, ..))| write(&sandbox, &name(index), text)).collect();
    let (is_valid, said) = check(&files);
    assert!(!is_valid, "{said}");
    for (index, (text, error, line)) in WRONG.into_iter().enumerate() {
        // Each error is followed by its place. An error in a table is shown at each of its keys.
        let mut errors = said.split("error: ").filter(|it| it.contains(error));
        let place = format!("/{}:{line}:", name(index));
        assert!(errors.any(|error| error.contains(&place)), "{text}: {said}");
    }
}

/// A file with an empty line in each of these tables of the schema, for completion.
const TABLES: [(&str, &str); 3] = [
    ("[vm]", "/properties/vm"),
    ("[docker.repository]", "/properties/docker/properties/repository"),
    ("[[users]]", "/properties/users/items"),
];

/// The description and the inserted text of each item, by label.
type Offered = BTreeMap<String, Vec<(String, String)>>;

/// What the language server offers in the tables.
fn completed() -> Vec<Offered> {
    let sandbox = Sandbox::new();
    let tables = TABLES.map(|(title, _)| format!("{title}\n\n"));
    let file = write(&sandbox, "containai.toml", &format!("version = 1\n{}", tables.concat()));
    // The first two lines are the schema and the version.
    let lines = (0..TABLES.len()).map(|index| (3 + 2 * index).to_string());
    let first = [modules().unwrap(), file.clone()].map(|path| path.display().to_string());
    let arguments: Vec<String> = first.into_iter().chain(lines).collect();
    let output = node(&root().join("tests/cli/editor/complete.cjs"), &arguments, &file);
    let answers: Vec<Vec<Value>> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    answers.into_iter().map(by_label).collect()
}

fn by_label(items: Vec<Value>) -> Offered {
    let mut offered = Offered::new();
    for item in items {
        let text = |pointer: &str| {
            item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
        };
        let shown = (text("/documentation/value"), text("/insertText"));
        offered.entry(text("/label")).or_default().push(shown);
    }
    offered
}

fn taplo_completes_keys_with_descriptions_and_values() {
    let offered = completed();
    let schema = config::schema();
    for ((title, pointer), offered) in TABLES.iter().zip(&offered) {
        let table = schema.pointer(pointer).unwrap();
        for (key, own) in table["properties"].as_object().unwrap() {
            let items = offered.get(key);
            let items = items.unwrap_or_else(|| panic!("{key} of {title} is not in {offered:?}"));
            // The choices of a key have their own descriptions.
            let choices = own["oneOf"].as_array().into_iter().flatten().chain([own]);
            let known: Vec<&str> = choices.filter_map(|it| it["description"].as_str()).collect();
            let is_described = |(text, _): &(String, String)| known.contains(&text.as_str());
            assert!(items.iter().all(is_described), "{key} of {title}: {items:?}");
        }
    }
    let inserted = |key: &str| -> Vec<&str> {
        offered[0][key].iter().map(|(_, insertion)| insertion.as_str()).collect()
    };
    assert_eq!(inserted("type"), ["type = ${0:\"qemu\"}", "type = ${0:\"vz\"}"]);
    assert_eq!(inserted("running"), ["running = ${0:true}"]);
    assert_eq!(inserted("name"), ["name = ${0:\"containai-secure\"}"]);
}
