//! Files with layers, as a team has them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::config::diagnostic::{Diagnostic, render};
use crate::config::{Config, parse_layers};

/// Reads `/team/project/containai.toml`. The other files are layers by their names.
pub(super) fn read(files: &[(&str, &str)]) -> Result<Config, (Sources, Vec<Diagnostic>)> {
    let files: HashMap<&Path, &str> =
        files.iter().map(|(path, text)| (Path::new(*path), *text)).collect();
    let own = Path::new("/team/project/containai.toml");
    let root = |path: &Path, rank: Rank| {
        let shown = path.strip_prefix("/team/project").unwrap_or(path).display().to_string();
        let text = (*files.get(path)?).to_owned();
        Some(Root { shown, path: path.to_owned(), text, rank })
    };
    let local = root(Path::new("/team/project/containai.local.toml"), Rank::Local);
    let organization = root(Path::new("/etc/cai/containai.toml"), Rank::Organization);
    let others = organization.into_iter().chain(local).collect();
    let disk = Read {
        home: Some(PathBuf::from("/home/dev")),
        canonical: &|path| path.to_owned(),
        read: &|path| Ok(files.get(path).map(|text| (*text).to_owned())),
    };
    let (sources, unfound) = gather(root(own, Rank::File).unwrap(), others, &disk);
    if !unfound.is_empty() {
        return Err((sources, unfound));
    }
    parse_layers(&sources).map_err(|errors| (sources, errors))
}

pub(super) const FILE: &str = "/team/project/containai.toml";
pub(super) const LOCAL: &str = "/team/project/containai.local.toml";
pub(super) const ORGANIZATION: &str = "/etc/cai/containai.toml";

pub(super) fn errors(files: &[(&str, &str)]) -> String {
    let (sources, errors) = read(files).expect_err("the files must be refused");
    render(&errors, &sources, false)
}

/// The errors without the bars and carets around the lines of files.
fn told(files: &[(&str, &str)]) -> Vec<String> {
    let text = errors(files);
    let lines = text.lines().map(|line| line.trim_start_matches([' ', '|', '-', '^', ':', '=']));
    lines.map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn place(config: &Config, key: &str) -> String {
    config.origin.place(key).map(|place| place.to_string()).unwrap_or_default()
}

#[test]
fn tables_merge_and_the_higher_value_counts() {
    let config = read(&[
        (ORGANIZATION, "[vm]\ncpus = 2\n[docker.daemon]\nmtu = 1400\n"),
        ("/team/base.toml", "version = 1\n[vm]\nname = \"team\"\nmemory = \"4GiB\"\ncpus = 3\n"),
        (
            FILE,
            "extends = \"../base.toml\"\n[vm]\nmemory = \"8GiB\"\ndocker.x = 1\n"
                .trim_end_matches("docker.x = 1\n"),
        ),
        (LOCAL, "[vm]\nmemory = \"6GiB\"\n[docker.daemon]\ndebug = true\n"),
    ])
    .unwrap();
    assert_eq!(config.vm.name.as_str(), "team");
    assert_eq!(config.vm.memory.map(|it| it.to_string()).as_deref(), Some("6GiB"));
    assert_eq!(config.vm.cpus, Some(3));
    let keys: Vec<&str> = config.docker.daemon.keys().map(String::as_str).collect();
    assert_eq!(keys, ["mtu", "debug"]);
    assert_eq!(place(&config, "vm.memory"), "containai.local.toml:2");
    assert_eq!(place(&config, "vm.name"), "../base.toml:3");
    let memory = config.origin.values(&config.shown());
    let memory = memory.into_iter().find(|(key, ..)| key == "vm.memory").unwrap().2;
    let replaced = memory.replaced.iter().map(|span| config.origin.sources.at(span.start).unwrap());
    let replaced: Vec<String> = replaced.map(|place| place.to_string()).collect();
    assert_eq!(replaced, ["../base.toml:4", "containai.toml:3"]);
}

#[test]
fn paths_are_relative_to_the_file_that_has_them() {
    let config = read(&[
        ("/team/base.toml", "version = 1\n[docker]\nseccomp_profile = \"./s.json\"\n[[trust]]\ncertificate = \"./ca.pem\"\n"),
        (FILE, "extends = \"../base.toml\"\n[[trust]]\ncertificate = \"./own.pem\"\n[proxy]\nhttp = \"http://p.example:1\"\npassword = { file = \"./p\" }\n"),
        (LOCAL, "[proxy.username]\nfile = \"../u\"\n"),
    ])
    .unwrap();
    let mut config = config.located(Path::new("/team/project"), Some(Path::new("/home/dev")));
    assert_eq!(config.docker.seccomp_profile.as_deref(), Some("/team/./s.json"));
    let trust: Vec<&str> = config.trust.iter().map(|it| it.certificate.as_str()).collect();
    assert_eq!(trust, ["/team/./ca.pem", "/team/project/./own.pem"]);
    assert_eq!(config.vm.mounts[0].location, "/team/project");
    // The merged file has the same paths.
    let merged = toml::to_string(&config.merged()).unwrap();
    let again = crate::config::parse(&merged).unwrap();
    let again = again.located(Path::new("/team/project"), Some(Path::new("/home/dev")));
    assert_eq!(again, Config { origin: again.origin.clone(), ..config });
    assert!(merged.contains("\"./own.pem\"") && !merged.contains("extends"), "{merged}");
}

#[test]
fn files_that_extend_the_same_file_share_it() {
    let config = read(&[
        ("/team/common.toml", "version = 1\n[vm]\ncpus = 1\nmemory = \"4GiB\"\n"),
        ("/team/a.toml", "extends = \"common.toml\"\n[vm]\ncpus = 2\n"),
        ("/team/b.toml", "extends = \"common.toml\"\n[vm]\nmemory = \"8GiB\"\n"),
        (FILE, "extends = [\"../a.toml\", \"../b.toml\"]\n"),
    ])
    .unwrap();
    assert_eq!(config.vm.cpus, Some(2));
    assert_eq!(place(&config, "vm.memory"), "../b.toml:3");
    assert_eq!(config.origin.sources.layers().len(), 4);
}

#[test]
fn a_conflict_shows_both_places_unless_a_higher_file_decides() {
    let a = ("/team/a.toml", "version = 1\n[vm]\nmemory = \"2GiB\"\n");
    let b = ("/team/b.toml", "[vm]\nmemory = \"3GiB\"\n");
    let extends = "extends = [\"../a.toml\", \"../b.toml\"]\n";
    let text = errors(&[a, b, (FILE, extends)]);
    assert_eq!(
        text,
        "\
error: `vm.memory` has different values in files that are extended together
 --> ../b.toml:2:10
  |
2 | memory = \"3GiB\"
  |          ^^^^^^
  |
 ::: ../a.toml:3:10
  |
3 | memory = \"2GiB\"
  |          ------ the other value
  |
  = help: set it in the file that extends them, or remove one of the values
"
    );
    let memory = |files: &[(&str, &str)]| read(files).unwrap().vm.memory.map(|it| it.to_string());
    let decided = format!("{extends}[vm]\nmemory = \"4GiB\"\n");
    assert_eq!(memory(&[a, b, (FILE, &decided)]).as_deref(), Some("4GiB"));
    let local = (LOCAL, "[vm]\nmemory = \"5GiB\"\n");
    assert_eq!(memory(&[a, b, (FILE, extends), local]).as_deref(), Some("5GiB"));
    let same = ("/team/b.toml", "[vm]\nmemory = \"2GiB\"\n");
    assert_eq!(memory(&[a, same, (FILE, extends)]).as_deref(), Some("2GiB"));
}

#[test]
fn a_conflict_does_not_depend_on_the_order_of_the_list() {
    for (a, b, decided) in [
        // Keys that exclude each other.
        (
            "[[files]]\npath = \"/etc/x\"\ncontent = \"x\"\n",
            "[[files]]\npath = \"/etc/x\"\nsource = \"./y\"\n",
            "files = []\n",
        ),
        // No elements, and some.
        ("[vm]\nmounts = []\n", "[[vm.mounts]]\nlocation = \"/b\"\n", "[vm]\nmounts = []\n"),
        // Values in elements that a higher layer removes.
        (
            "[[groups]]\nname = \"x\"\ngid = 2001\n",
            "[[groups]]\nname = \"x\"\ngid = 2002\n",
            "groups = []\n",
        ),
        // The same text is another file in another directory.
        (
            "[docker]\nseccomp_profile = \"./s.json\"\n",
            "[docker]\nseccomp_profile = \"./s.json\"\n",
            "[docker]\nseccomp_profile = \"./s.json\"\n",
        ),
    ] {
        let layers = [("/team/a.toml", a), ("/team/b/b.toml", b)];
        for order in ["[\"../a.toml\", \"../b/b.toml\"]", "[\"../b/b.toml\", \"../a.toml\"]"] {
            let file = format!("version = 1\nextends = {order}\n");
            let text = errors(&[layers[0], layers[1], (FILE, &file)]);
            assert!(text.contains("in files that are extended together"), "{order}: {text}");
            let file = format!("version = 1\nextends = {order}\n{decided}");
            read(&[layers[0], layers[1], (FILE, &file)]).unwrap();
        }
    }
}

#[test]
fn a_cycle_names_every_file_in_it() {
    let base = ("/team/base.toml", "version = 1\nextends = \"project/containai.toml\"\n");
    let text = errors(&[base, (FILE, "extends = \"../base.toml\"\n")]);
    assert_eq!(
        text,
        "\
error: `project/containai.toml` completes a cycle of `extends`
 --> ../base.toml:2:11
  |
2 | extends = \"project/containai.toml\"
  |           ^^^^^^^^^^^^^^^^^^^^^^^^
  |
 ::: containai.toml:1:11
  |
1 | extends = \"../base.toml\"
  |           -------------- part of the cycle
  |
  = help: remove one of these entries
"
    );
    assert!(errors(&[(FILE, "extends = \"./containai.toml\"")]).contains("extends itself"));
}

#[test]
fn a_file_that_cannot_be_extended_is_an_error_at_its_name() {
    for (value, error) in [
        ("\"../none.toml\"", "../none.toml does not exist"),
        ("\"/etc/shadow\"", "/etc/shadow does not exist"),
        ("\"../s\"", "../s is not a .toml file"),
        ("\"https://a/b.toml\"", "\"https://a/b.toml\" is not the path of a file to extend"),
        ("[5]", "expected the path of a file, or a list of paths"),
        ("5", "expected the path of a file, or a list of paths"),
    ] {
        let passwords = ("/team/s", "root:$6$x:19000");
        let text = errors(&[passwords, (FILE, &format!("version = 1\nextends = {value}\n"))]);
        assert!(!text.contains("$6$x"), "{text}");
        assert!(text.contains(error) && text.contains("containai.toml:2:1"), "{text}");
    }
}

#[test]
fn errors_are_on_the_lines_of_their_files() {
    let base = ("/team/base.toml", "version = 1\n[vm]\ncpus = 0\n");
    let text = errors(&[base, (FILE, "extends = \"../base.toml\"\n[vm]\nmemroy = \"8GiB\"\n")]);
    assert!(
        text.contains("containai.toml:3:1") && text.contains("did you mean `memory`?"),
        "{text}"
    );
    assert!(text.contains("../base.toml:3:8"), "{text}");
    // A broken layer is the only one that is reported.
    let base = ("/team/base.toml", "version = 1\n[vm\n");
    let lines = told(&[base, (FILE, "extends = \"../base.toml\"\n[vm]\nx = 1\n")]);
    assert!(lines.iter().any(|line| line.contains("../base.toml:2")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("containai.toml:3")), "{lines:?}");
}
