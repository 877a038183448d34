//! What the documents show holds: the examples, the schema, and the blocks of the README.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use containai::config;
use serde_json::Value;

use super::fake;
use super::first_hour::with_steps_in_order;
use crate::support::CA;
use crate::support::documents;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_version_that_works_badly_is_warned_of,
        the_schema_is_printed_as_it_is_kept,
        every_example_is_valid_and_can_be_planned,
        every_example_fits_the_schema,
        one_example_has_every_key_of_the_schema,
        the_schema_refuses_what_is_wrong,
        the_schema_is_that_of_the_types,
        a_schema_refuses_what_cai_does_not_print,
        the_version_is_one_line_and_its_json_names_the_build,
        the_pictures_are_what_cai_shows,
        the_readme_is_short_and_its_commands_run,
        the_pages_of_maintainers_name_what_there_is,
    ]
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("examples")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
}

fn every_example_is_valid_and_can_be_planned() {
    let examples = examples();
    assert!(examples.len() >= 5, "{examples:?}");
    for example in examples {
        let sandbox = fake::fresh();
        // Where a team would have it, with the files that it names.
        let text = std::fs::read_to_string(&example).unwrap();
        sandbox.write("home/containai.toml", &text);
        let names = text.split('"').filter_map(|quoted| quoted.strip_prefix("./"));
        for name in names.filter(|name| !name.contains('/')) {
            let text = if name == "corp-ca.pem" { CA } else { "of the team\n" };
            sandbox.write(&format!("home/{name}"), text);
        }
        sandbox.fake_program("op", "echo p@ss");
        sandbox.write("home/seccomp.json", "{\"defaultAction\": \"SCMP_ACT_ERRNO\"}");
        let package = "home/packages/sysbox-ce_0.7.1-0.linux_amd64.deb";
        sandbox.cai(&["validate"]).success();
        if example.ends_with("air-gapped.toml") {
            let plan = sandbox.cai(&["plan"]);
            let told = plan.fails_with(1);
            let path = sandbox.home().join("./packages/sysbox-ce_0.7.1-0.linux_amd64.deb");
            assert!(
                told.contains(&format!("the file {} does not exist", path.display())),
                "{plan}"
            );
        }
        sandbox.directory("home/packages");
        sandbox.write(package, "a package");
        sandbox.write("home/docker-compose.dind.yml", "services:\n  manager:\n    image: x\n");
        sandbox.cai(&["allow", "--yes"]).success();
        let plan = sandbox.cai_with(&["plan"], &[("USER", "dev")]);
        assert!(plan.success().contains("+ vm.containai-secure"), "{plan}");
        assert!(
            !plan.to_string().contains("p@ss") && !plan.to_string().contains("p%40ss"),
            "{plan}"
        );
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn the_schema_is_printed_as_it_is_kept() {
    let sandbox = fake::fresh();
    let kept = |name: &str| {
        let path = root().join(format!("schema/{name}.schema.json"));
        parsed(&std::fs::read_to_string(path).unwrap())
    };
    for arguments in [&["schema"][..], &["--simulate", "schema"]] {
        assert_eq!(parsed(sandbox.cai(arguments).success()), kept("containai"));
    }
    for (name, _) in containai::cli::schemas() {
        assert_eq!(parsed(sandbox.cai(&["schema", name]).success()), kept(name));
    }
}

fn a_version_that_works_badly_is_warned_of() {
    let sandbox = fake::fresh();
    let seed = std::fs::read_to_string(root().join("examples/seed.toml")).unwrap();
    sandbox.write("home/containai.toml", &seed);
    for command in ["validate", "plan"] {
        let ran = sandbox.cai(&[command]);
        ran.success();
        assert!(ran.stderr.contains("warning: ") && ran.stderr.contains("0.6.7"), "{ran}");
    }
    let quiet = sandbox.cai(&["-q", "validate"]);
    assert_eq!((quiet.success(), quiet.stderr.as_str()), ("", ""));
}

/// A file as JSON, which a schema is about.
fn json(source: &str) -> Value {
    toml::from_str(source).unwrap()
}

fn every_example_fits_the_schema() {
    let schema = jsonschema::draft202012::new(&config::schema()).unwrap();
    for example in examples() {
        let file = json(&std::fs::read_to_string(&example).unwrap());
        let errors: Vec<String> = schema
            .iter_errors(&file)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", example.display());
    }
}

fn the_schema_refuses_what_is_wrong() {
    let schema = jsonschema::draft202012::new(&config::schema()).unwrap();
    let wrong = [
        "",
        "version = 2",
        "version = 1\nvn = 1",
        "version = 1\nvm.cpus = 0",
        "version = 1\nvm.memory = \"8GB\"",
        "version = 1\nvm.env = { A-B = \"1\" }",
        "version = 1\nvm.port_forwards = [{ host_port = 1 }]",
        "version = 1\ndocker.source = \"podman\"",
        "version = 1\nlima.sha256 = { linux-amd64 = \"00\" }",
        "version = 1\nsysbox.packages = [{ arch = \"x86_64\", url = \"/a\" }]",
        "version = 1\nusers = [{ name = \"@dev\" }]",
        "version = 1\nsocket_clients = [{ gid = 1 }]",
        "version = 1\nsocket_clients = [{ container = \"ab\", service = \"m\" }]",
        "version = 1\ncontext.name = \"desktop-linux\"",
    ];
    for source in wrong {
        assert!(!schema.is_valid(&json(source)), "{source}");
        assert!(config::parse(source).is_err(), "{source}");
    }
}

/// Each key of each table is written at least once in the one example that says it has them all.
fn one_example_has_every_key_of_the_schema() {
    let source = std::fs::read_to_string(root().join("examples/every-option.toml")).unwrap();
    let schema = config::schema();
    let mut missing = Vec::new();
    missing_keys(&schema, &schema, &[&json(&source)], "", &mut missing);
    // A single file has no layers; examples/team has them.
    missing.retain(|key| key != ".extends" && key != ".locked");
    assert!(missing.is_empty(), "examples/every-option.toml lacks {missing:?}");
}

fn missing_keys(
    root: &Value,
    schema: &Value,
    values: &[&Value],
    path: &str,
    missing: &mut Vec<String>,
) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return missing_keys(root, target, values, path, missing);
    }
    if let Some(items) = schema.get("items") {
        let elements: Vec<&Value> =
            values.iter().filter_map(|value| value.as_array()).flatten().collect();
        return missing_keys(root, items, &elements, path, missing);
    }
    for (key, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{path}.{key}");
        let found: Vec<&Value> = values.iter().filter_map(|value| value.get(key)).collect();
        missing_keys(root, inner, &found, &path, missing);
        if found.is_empty() {
            missing.push(path);
        }
    }
}

/// Writes the files if `CAI_UPDATE_SCHEMA=1` is set.
fn the_schema_is_that_of_the_types() {
    let hint = "run: CAI_UPDATE_SCHEMA=1 cargo test --test main the_schema_is_that_of_the_types";
    let mut names = Vec::new();
    for (name, schema) in containai::cli::schemas() {
        let path = root().join(format!("schema/{name}.schema.json"));
        let types = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("CAI_UPDATE_SCHEMA").is_some_and(|value| value == "1") {
            std::fs::write(&path, &types).unwrap();
        }
        let file = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(file == types, "{} is not that of the types; {hint}", path.display());
        names.push(path.file_name().unwrap().to_owned());
    }
    let kept = std::fs::read_dir(root().join("schema")).unwrap();
    let rest = kept.map(|entry| entry.unwrap().file_name()).filter(|name| !names.contains(name));
    assert_eq!(rest.collect::<Vec<_>>(), [""; 0], "schemas of no document");
}

/// A key that leaves a document would otherwise go unnoticed, and so would a new type.
fn a_schema_refuses_what_cai_does_not_print() {
    let sandbox = fake::fresh();
    let plan = sandbox.cai(&["plan", "--json"]);
    let mut plan = parsed(plan.success());
    documents::fits("plan", &plan).unwrap();
    plan["resource_changes"][0]["action"] = 1.into();
    assert!(documents::fits("plan", &plan).is_err());
    let status = parsed(&sandbox.cai(&["status", "--json"]).stdout);
    let without = |key: &str| {
        let mut status = status.clone();
        status["machines"][0].as_object_mut().unwrap().remove(key);
        status
    };
    documents::fits("status", &status).unwrap();
    assert!(documents::fits("status", &without("pending")).is_err());
    assert!(documents::fits("list", &status).is_err());
}

fn the_version_is_one_line_and_its_json_names_the_build() {
    let sandbox = Sandbox::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(sandbox.cai(&["--version"]).success(), format!("cai {version}\n"));
    for words in [["--version", "--json"], ["--json", "-V"]] {
        let build = parsed(sandbox.cai(&words).success());
        documents::fits("version", &build).unwrap();
        assert_eq!(build["version"], version);
        let target = build["target"].as_str().unwrap();
        let system = std::env::consts::OS.replace("macos", "darwin");
        assert!(target.starts_with(std::env::consts::ARCH) && target.contains(&system), "{target}");
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        assert_eq!(build["profile"], profile);
        // Only a build that is told its commit, or a release build of a clone, has one.
        let commit = build["commit"].as_str().unwrap_or("0000000000000000000000000000000000000000");
        assert!(commit.trim_end_matches("-dirty").len() == 40, "{build}");
    }
}

/// An engine that is used, with a user who left the group and a file that asks for more: its plan, its
/// diagnosis, and how it is repaired.
fn the_pictures_are_what_cai_shows() {
    let sandbox = Sandbox::new();
    let file = |memory: &str| {
        let text = format!("version = 1\n[vm]\nname = \"agents\"\nmemory = \"{memory}\"\n");
        sandbox.write("home/containai.toml", &text);
    };
    let cai =
        |words: &[&str]| sandbox.cai(&[&["--simulate=world", "--color=always"], words].concat());
    file("4GiB");
    cai(&["apply", "--yes"]).success();
    cai(&["shell", "--", "docker", "run", "-d", "--name", "manager", "registry"]).success();
    cai(&["simulate", "break", "group"]).success();
    cai(&["simulate", "break", "daemon-json"]).success();
    file("8GiB");
    let plan = cai(&["plan"]).success().to_owned();
    let diagnosis = cai(&["doctor"]).stdout;
    let progress = cai(&["doctor", "--fix", "--yes"]).stderr;
    let steps = progress.lines().filter(|line| line.contains(" ... ") || line.contains("complete"));
    let steps = with_steps_in_order(&steps.collect::<Vec<_>>().join("\n"));
    for (name, text) in [("plan", &plan), ("doctor", &diagnosis), ("progress", &steps)] {
        let picture = anstyle_svg::Term::new().render_svg(text);
        let path = root().join(format!("examples/{name}.svg"));
        if std::env::var_os("CAI_UPDATE_PICTURE").is_some_and(|value| value == "1") {
            std::fs::write(&path, &picture).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let hint = "run: CAI_UPDATE_PICTURE=1 cargo test --test main the_pictures_are";
        assert!(kept == picture, "examples/{name}.svg is not what cai shows; {hint}\n{text}");
    }
}

fn the_readme_is_short_and_its_commands_run() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.len() < 6000, "README.md has {} bytes", readme.len());
    let blocks = readme.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    let mut ran = Vec::new();
    for block in blocks {
        let sandbox = Sandbox::new();
        symlink(root().join("examples"), sandbox.path("home/examples")).unwrap();
        for line in block.lines() {
            let line = line.replace("cargo run --locked -- ", "cai ");
            // The tests cannot run themselves, and the simulated engine runs no containers.
            if line.starts_with("cai ") {
                super::manual::run(&sandbox, &line);
                ran.push(line);
            } else {
                let known = line == "cargo test --locked" || line.starts_with("docker --context ");
                assert!(known, "{line:?} is not run");
            }
        }
    }
    assert_eq!(ran.len(), 4, "{ran:?}");
    // What the text says to run.
    let sandbox = Sandbox::new();
    for quoted in readme.split("```").step_by(2).flat_map(|text| text.split('`').skip(1).step_by(2))
    {
        let words: Vec<&str> = quoted.split_whitespace().collect();
        if let ["cai", "help" | "man" | "explain" | "schema", ..] = words[..] {
            sandbox.cai(&words[1..]).success();
        } else if let ["cai", command, options @ ..] = &words[..] {
            let help = sandbox.cai(&[command, "--help"]);
            assert!(options.iter().all(|option| help.success().contains(option)), "{words:?}");
        }
    }
}

/// Each path that the pages for maintainers name.
fn the_pages_of_maintainers_name_what_there_is() {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let text: String = text.lines().map(|line| line.trim_start_matches("//!")).collect();
    let quoted = text.split('`').skip(1).step_by(2);
    let paths = |word: &&str| ["src/", "tests/", ".ci/"].iter().any(|top| word.starts_with(top));
    let paths: Vec<&str> = quoted.flat_map(str::split_whitespace).filter(paths).collect();
    assert!(paths.len() > 15, "{paths:?}");
    for path in paths {
        assert!(root().join(path).exists(), "{path} does not exist");
    }
}
