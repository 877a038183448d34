//! A file with layers on the command line: what is read, shown and refused. `config::layers` has the rules.

use serde_json::json;

use super::documents::root;
use super::plan::document;
use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    let mut trials = trials![
        a_team_has_a_base_a_project_and_local_values,
        the_merged_file_is_the_same_file,
        a_layer_that_changes_makes_a_saved_plan_stale,
        an_error_in_a_layer_is_shown_with_its_file,
    ];
    let namespaces = cfg!(target_os = "linux") && nix::unistd::Uid::effective().is_root();
    let own = trials![what_the_organization_locks_stays, what_the_organization_sets_is_not_pinned];
    trials.extend(own.into_iter().map(|trial| trial.with_ignored_flag(!namespaces)));
    trials
}

/// A home with the files of `examples/team`.
fn team() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["base.toml", "containai.toml", "containai.local.toml"] {
        let text = std::fs::read_to_string(root().join("examples/team").join(name)).unwrap();
        sandbox.write(&format!("home/{name}"), &text);
    }
    sandbox
}

fn a_team_has_a_base_a_project_and_local_values() {
    let sandbox = team();
    let explained = sandbox.cai(&["validate", "--explain"]);
    let lines: Vec<Vec<&str>> =
        explained.success().lines().map(|line| line.splitn(2, "  ").collect()).collect();
    let is_set = |place: &str, setting: &str| {
        lines.iter().any(|line| line[0] == place && line[1].trim() == setting)
    };
    assert!(is_set("containai.local.toml:6", "vm.cpus = 8"), "{explained}");
    assert!(is_set("containai.toml:7", "vm.name = \"shop\""), "{explained}");
    assert!(is_set("base.toml:9", "vm.disk = \"60GiB\""), "{explained}");
    assert!(explained.stdout.contains("  instead of base.toml:7\n"), "{explained}");

    let ran = sandbox.cai(&["validate", "--explain", "--json"]);
    let explained = document(&ran);
    let settings = explained["files"][0]["settings"].as_array().unwrap();
    let gid = settings.iter().find(|it| it["key"] == "groups[1].gid").unwrap();
    let expected = json!({
        "key": "groups[1].gid", "value": "3100", "file": "containai.toml", "line": 11,
        "replaces": [{ "file": "base.toml", "line": 21 }],
    });
    assert_eq!(*gid, expected);

    let plan = sandbox.cai(&["--simulate=world", "plan"]);
    assert!(plan.success().contains("with base.toml, containai.local.toml"), "{plan}");
    assert!(plan.stdout.contains("cpus"), "{plan}");
    let plan = sandbox.cai(&["--simulate=world", "plan", "--json"]);
    let layers = document(&plan)["files"][0]["layers"].clone();
    assert_eq!(layers, json!(["base.toml", "containai.local.toml"]));
    sandbox.cai(&["--simulate=world", "apply", "--yes"]).success();
    let again = sandbox.cai(&["--simulate=world", "plan"]);
    assert!(again.success().contains("No changes. shop matches containai.toml."), "{again}");
}

fn the_merged_file_is_the_same_file() {
    let sandbox = team();
    sandbox.cai(&["--simulate=world", "apply", "--yes"]).success();
    let merged = sandbox.cai(&["render", "--config"]).success().to_owned();
    for name in ["base.toml", "containai.local.toml"] {
        std::fs::remove_file(sandbox.home().join(name)).unwrap();
    }
    sandbox.write("home/containai.toml", &merged);
    let plan = sandbox.cai(&["--simulate=world", "plan"]);
    assert!(plan.success().contains("No changes."), "{plan}\n{merged}");
    // Secrets are not part of the output.
    sandbox.write(
        "home/containai.toml",
        "version = 1\n[docker.daemon]\nregistry-token = \"hunter2\"\n",
    );
    let merged = sandbox.cai(&["render", "--config"]);
    assert!(merged.success().starts_with("# Secrets are left out."), "{merged}");
    assert!(!merged.stdout.contains("hunter2"), "{merged}");
    // Even a short one, and one that only its name marks.
    let env = "[vm.env]\nA = { value = \"abc\", sensitive = true }\nPASSWORD = \"hunter2\"\nB = { env = \"B\", sensitive = true }\n";
    sandbox.write("home/containai.toml", &format!("version = 1\n{env}"));
    for call in [
        &["render", "--config"][..],
        &["render", "--config", "--json"],
        &["validate", "--explain"],
        &["validate", "--explain", "--json"],
    ] {
        let ran = sandbox.cai_with(call, &[("B", "hunter3")]);
        let text = ran.success();
        assert!(!text.contains("abc") && !text.contains("hunter"), "{ran}");
        assert!(text.contains("sensitive"), "{ran}");
    }
    let json = sandbox.cai_with(&["render", "--config", "--json"], &[("B", "hunter3")]);
    assert_eq!(document(&json)["vm"]["env"]["B"], json!({ "env": "B", "sensitive": true }));
}

fn a_layer_that_changes_makes_a_saved_plan_stale() {
    let world = FakeWorld::new("version = 1\nextends = \"base.toml\"\n");
    world.sandbox.write("home/base.toml", "[vm]\ncpus = 2\n");
    world.cai(&["plan", "--out", "next.plan"]).success();
    world.sandbox.write("home/base.toml", "[vm]\ncpus = 2 # the same\n");
    let stale = world.cai(&["apply", "next.plan"]);
    assert!(stale.fails_with(6).contains("base.toml changed since it was saved"), "{stale}");
    assert!(!stale.stderr.contains("containai.toml changed"), "{stale}");
    world.cai(&["plan", "--out", "next.plan"]).success();
    world.sandbox.write("home/containai.local.toml", "[vm]\ncpus = 2\n");
    let stale = world.cai(&["apply", "next.plan"]);
    assert!(stale.fails_with(6).contains("containai.local.toml changed"), "{stale}");
}

fn an_error_in_a_layer_is_shown_with_its_file() {
    let sandbox = team();
    sandbox.write(
        "home/base.toml",
        "version = 1\n[vm]\nmemory = \"8GB\"\n[docker.daemon]\nhostss = 1\n",
    );
    sandbox.write("home/containai.local.toml", "");
    let wrong = sandbox.cai(&["plan"]);
    assert!(wrong.fails_with(3).contains("base.toml:3:10"), "{wrong}");
    let ran = sandbox.cai(&["validate", "--json"]);
    let wrong = document(&ran);
    let first = &wrong["diagnostics"][0];
    assert_eq!((&first["file"], &first["line"]), (&json!("base.toml"), &json!(3)), "{wrong}");
    // A warning as well.
    sandbox.write("home/base.toml", "version = 1\n[docker.daemon]\nx-unknown = 1\n");
    let warned = sandbox.cai(&["--simulate=world", "plan"]);
    warned.success();
    assert!(
        warned.stderr.contains("unknown keys of daemon.json: x-unknown\n  in base.toml:3"),
        "{warned}"
    );
    // A broken name in a layer of the VM's file does not hide which VM is meant.
    sandbox.write(
        "home/containai.toml",
        "version = 1\nextends = \"none.toml\"\n[vm]\nname = \"shop\"\n",
    );
    let doctor = sandbox.cai(&["--simulate=world", "doctor"]);
    assert!(doctor.fails_with(3).contains("none.toml does not exist"), "{doctor}");
}

/// Runs `cai` where `/etc/cai/containai.toml` has this text, without changing the real `/etc`.
fn with_organization(sandbox: &Sandbox, text: &str, arguments: &[&str]) -> Ran {
    const SCRIPT: &str = "set -e
        mount -t tmpfs tmpfs \"$1\"
        mkdir \"$1/upper\" \"$1/work\"
        mount -t overlay overlay -o \"lowerdir=/etc,upperdir=$1/upper,workdir=$1/work\" /etc
        mkdir -p /etc/cai
        printf %s \"$2\" >/etc/cai/containai.toml
        shift 2
        exec cai \"$@\"";
    sandbox.directory("layers");
    let place = sandbox.path("layers").display().to_string();
    let words = ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", &place, text];
    sandbox.run(&[&words[..], arguments].concat())
}

fn what_the_organization_locks_stays() {
    let sandbox = team();
    let text = std::fs::read_to_string(root().join("examples/team/organization.toml")).unwrap();
    let explained = with_organization(&sandbox, &text, &["validate", "--explain"]);
    assert!(explained.success().contains("/etc/cai/containai.toml:12"), "{explained}");
    let plan = with_organization(&sandbox, &text, &["--simulate=world", "plan"]);
    assert!(plan.success().contains("+ egress"), "{plan}");
    sandbox.write("home/containai.local.toml", "[sysbox]\nenabled = false\n");
    let refused = with_organization(&sandbox, &text, &["--simulate=world", "apply", "--yes"]);
    let error = refused.fails_with(3);
    assert!(error.contains("`sysbox.enabled` is locked by /etc/cai/containai.toml"), "{refused}");
    assert!(
        error.contains("containai.local.toml:2:11") && error.contains("locked here"),
        "{refused}"
    );
    // Locks that cannot be read are not ignored.
    let broken = with_organization(&sandbox, "locked = [\"egres\"]", &["--simulate=world", "plan"]);
    assert!(broken.fails_with(3).contains("unknown key `egres`"), "{broken}");
}

fn what_the_organization_sets_is_not_pinned() {
    let sandbox = Sandbox::new();
    let file = "version = 1\n[[vm.images]]\narch = \"x86_64\"\nlocation = \"/a.img\"\n";
    sandbox.write("home/containai.toml", file);
    let text = || std::fs::read_to_string(sandbox.home().join("containai.toml")).unwrap();
    let ran = with_organization(&sandbox, "locked = [\"sysbox.packages\"]", &["pin"]);
    let error =
        "containai.toml would be invalid: `sysbox.packages` is locked by /etc/cai/containai.toml";
    assert!(ran.fails_with(4).contains(error), "{ran}");
    assert_eq!(text(), file);
    let values = "[docker]\nversion = \"29\"\n[sysbox]\nversion = \"0.7.0\"\n";
    let ran = with_organization(&sandbox, values, &["pin"]);
    ran.success();
    let told = "Not pinned: Docker's version, which /etc/cai/containai.toml sets for all files.";
    assert!(ran.stderr.contains(told), "{ran}");
    assert!(text().contains("v0.7.0/") && !text().contains("version = \"0.7.0\""), "{ran}");
}
