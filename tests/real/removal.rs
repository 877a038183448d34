//! What is removed from the file is removed from the guest.

use super::declared::Declared;
use super::engine::{Engine, NAME, shared};
use super::sysbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![what_leaves_the_file_leaves_the_guest_line_by_line]
}

const KEYS: &str = "[docker.daemon]\nmtu = 1400\nlog-driver = \"journald\"\n";
const VARIABLE: &str = "[vm.env]\nCAI_TEST_TEAM = \"blue\"\n";
const LIMA_USER: &str = "[[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n";
const GROUP: &str = "[[groups]]\nname = \"agents\"\ngid = 4242\n";
const USER: &str = "[[users]]\nname = \"bob\"\nuid = 2001\ngroups = [\"docker\", \"agents\"]\n";

/// The parts of the guest and its configuration that `cai` can change, except the packages that
/// Sysbox needs.
fn snapshot(engine: &Engine) -> String {
    let guest = engine.guest(
        "getent passwd; getent group; cat /etc/docker/daemon.json; \
         dpkg-query -W -f='${Package} ${db:Status-Status}\\n' docker.io sysbox-ce 2>/dev/null; true",
    );
    let yaml = std::fs::read_to_string(engine.instance("lima.yaml")).unwrap();
    format!("{guest}\n{yaml}")
}

/// Removes one thing from the file. The plan says so, and after an apply nothing is left to do.
#[track_caller]
fn lose(engine: &Engine, declared: &Declared<'_>, words: &[&str]) {
    engine.declare(declared);
    engine.plan_says(words);
    engine.apply_mends();
}

fn what_leaves_the_file_leaves_the_guest_line_by_line() {
    let engine = shared();
    // An earlier scenario installed Sysbox itself, so `cai` would keep it.
    engine.guest("sudo dpkg --purge sysbox-ce; getent passwd sysbox && sudo userdel sysbox; true");
    let plain = Declared { tables: LIMA_USER, ..Declared::default() };
    engine.declare(&plain);
    // The guest already has two CPUs, so the plan has no line about them.
    engine.cai(&["apply", "--yes"]).success();
    let before = snapshot(&engine);
    let sysbox = sysbox::table(&engine);
    let tables = [VARIABLE, LIMA_USER, GROUP, USER];
    engine.declare(&Declared { docker: KEYS, sysbox: &sysbox, tables: &tables.concat(), cpus: 2 });
    engine.cai(&["apply", "--yes"]).success();
    engine.works();
    assert_ne!(snapshot(&engine), before);
    let shown = engine.cai(&["show"]);
    for line in ["user.bob", "env.CAI_TEST_TEAM", "log-driver", "provision.sysbox"] {
        assert!(shown.success().contains(line), "{line}: {shown}");
    }

    let tables = [VARIABLE, LIMA_USER, GROUP].concat();
    lose(
        &engine,
        &Declared { docker: KEYS, sysbox: &sysbox, tables: &tables, cpus: 2 },
        &["- user.bob  no longer in containai.toml", "# its home directory stays"],
    );
    assert_eq!(engine.guest("getent passwd bob; ls -d /home/bob"), "/home/bob");
    engine.guest("sudo rm -r /home/bob");
    let tables = [VARIABLE, LIMA_USER].concat();
    lose(
        &engine,
        &Declared { docker: KEYS, sysbox: &sysbox, tables: &tables, cpus: 2 },
        &["- group.agents  no longer in containai.toml", "1 to destroy"],
    );
    let only_mtu = "[docker.daemon]\nmtu = 1400\n";
    lose(
        &engine,
        &Declared { docker: only_mtu, sysbox: &sysbox, tables: &tables, cpus: 2 },
        &["no longer in containai.toml: log-driver", "! restart.containai-secure  dockerd restart"],
    );
    let driver = engine.docker(&["info", "--format", "{{.LoggingDriver}}"]);
    assert_eq!(driver.success().trim(), "json-file");

    // A container with Sysbox's runtime could not start again.
    let run = ["run", "--detach", "--name=system", "--runtime=sysbox-runc", "--network=none"];
    engine.container("keeper");
    engine.docker(&[&run[..], &["cai-test", "/bin/sleep", "infinity"]].concat()).success();
    let plain = Declared { docker: only_mtu, tables: &tables, ..Declared::default() };
    engine.declare(&plain);
    engine.plan_says(&[
        "- provision.sysbox  no longer in containai.toml",
        "stops 1 container: system",
        "runtimes.sysbox-runc",
    ]);
    let refused = engine.cai(&["apply", "--yes"]);
    let why = refused.fails_with(4);
    assert!(why.contains("system would stop and could not start again"), "{refused}");
    assert!(why.contains(&format!("--allow-replace {NAME}")), "{refused}");
    engine.cai(&["apply", "--yes", "--allow-replace", NAME]).success();
    engine.works();
    let left = engine.docker(&["ps", "--format", "{{.Names}}"]);
    assert_eq!(left.success().trim(), "keeper");
    engine.docker(&["rm", "-f", "system", "keeper"]).success();

    lose(
        &engine,
        &Declared { tables: &tables, ..Declared::default() },
        &["no longer in containai.toml: mtu"],
    );
    lose(
        &engine,
        &Declared { tables: LIMA_USER, ..Declared::default() },
        &["no longer in containai.toml: env.CAI_TEST_TEAM", "Restarts the VM."],
    );
    let after = snapshot(&engine);
    let only = |one: &str, other: &str| -> Vec<String> {
        one.lines().filter(|line| !other.lines().any(|it| it == *line)).map(str::to_owned).collect()
    };
    assert_eq!((only(&after, &before), only(&before, &after)), (vec![], vec![]));
}
