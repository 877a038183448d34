//! Docker's package repository in guests that may already have it. The real apt reads the entries
//! in a temporary root without a network. It refuses two entries for the same repository with
//! different keys.

use std::path::Path;
use std::process::Command;

use containai::config::DockerSource;
use containai::guest::provisioning;
use libtest_mimic::Trial;

use super::packages::{DOCKERS, calls, guest, key, run};
use crate::support::sandbox::Sandbox;
use crate::support::tally::HOSTILE;
use crate::support::trials;

const APT: &str = "/usr/bin/apt-get";

pub fn trials() -> Vec<Trial> {
    needs_apt(trials![
        a_repository_that_is_there_is_used,
        one_that_is_not_in_force_is_added,
        what_an_earlier_run_left_is_removed,
        entries_that_exclude_each_other_are_told_in_the_words_of_apt,
    ])
}

/// Trials that are ignored on a machine without apt.
pub(super) fn needs_apt(trials: Vec<Trial>) -> Vec<Trial> {
    trials.into_iter().map(|it| it.with_ignored_flag(!Path::new(APT).exists())).collect()
}

pub(super) const SOURCES: &str = "docker.sources";
pub(super) const LIST: &str = "docker.list";
pub(super) const DEB822: &str = "Types: deb\nURIs: https://download.docker.com/linux/ubuntu\nSuites: noble\n\
    Components: stable\nSigned-By: /etc/apt/keyrings/docker.gpg\n";
pub(super) const ONE_LINE: &str = "deb [arch=amd64 signed-by=/usr/share/keyrings/docker.gpg] \
    https://download.docker.com/linux/ubuntu noble stable\n";

/// A guest whose apt reads entries like the real one but installs nothing.
pub(super) fn guest_with(entries: &[(&str, &str)]) -> Sandbox {
    let sandbox = guest();
    sandbox.write("keys", &key(DOCKERS, DOCKERS));
    let root = sandbox.path("");
    for directory in ["var/lib", "var/lib/apt", "var/lib/apt/lists", "var/lib/apt/lists/partial"] {
        sandbox.directory(directory);
    }
    sandbox.write("status", "");
    let (root, status) = (root.display(), sandbox.path("status"));
    let config = format!(
        "Dir \"{root}/\";\nDir::Bin::Methods \"/usr/lib/apt/methods\";\n\
         Dir::State::status \"{}\";\nAPT::Architecture \"amd64\";\n",
        status.display()
    );
    sandbox.write("apt.conf", &config);
    // With --print-uris, apt reads all entries but downloads nothing.
    let script = format!(
        "echo \"apt-get $*\" >>'{root}/calls'\ncase \" $* \" in *' update '*)\n\
         APT_CONFIG='{root}/apt.conf' exec {APT} \"$@\" --print-uris ;; esac\n"
    );
    sandbox.fake_program("apt-get", &script);
    for (name, text) in entries {
        sandbox.write(&format!("etc/apt/sources.list.d/{name}"), text);
    }
    sandbox
}

/// Installs Docker in such a guest.
fn provide(sandbox: &Sandbox) -> std::process::Output {
    let script = provisioning::script(DockerSource::DockerCe);
    // With a version, the test machine's own dockerd does not match.
    run(sandbox, &script, &["docker", "docker-ce", "28.5.1"])
}

#[track_caller]
fn provided(sandbox: &Sandbox) -> String {
    let output = provide(sandbox);
    let calls = calls(sandbox);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{calls}\n{error}");
    assert!(calls.contains("docker-ce=5:28.5.1"), "{calls}");
    // Later calls of apt succeed, too.
    let checked = Command::new(APT)
        .args(["update", "--print-uris"])
        .env("APT_CONFIG", sandbox.path("apt.conf"))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    String::from_utf8(checked.stdout).unwrap()
}

pub(super) fn entry(sandbox: &Sandbox, name: &str) -> Option<String> {
    std::fs::read_to_string(sandbox.path(format!("etc/apt/sources.list.d/{name}"))).ok()
}

/// The entry that `cai` writes, in the form of versions without a marker.
pub(super) fn own(sandbox: &Sandbox) -> String {
    let key = sandbox.path("etc/apt/keyrings/docker.asc");
    format!(
        "deb [arch=amd64 signed-by={}] https://download.docker.com/linux/ubuntu noble stable\n",
        key.display()
    )
}

fn a_repository_that_is_there_is_used() {
    let cases = [
        (SOURCES, DEB822.to_owned()),
        ("docker-ce.list", ONE_LINE.to_owned()),
        // A user's file with the name that cai would choose.
        (LIST, ONE_LINE.to_owned()),
        (SOURCES, DEB822.replace("stable", "stable test")),
        (SOURCES, DEB822.replace("ubuntu\n", "ubuntu/\n")),
        (SOURCES, DEB822.replace("Suites: noble", "Suites: jammy noble")),
        // Its key conflicts, too.
        (SOURCES, DEB822.replace("Types: deb", "Types: deb-src")),
    ];
    for (name, text) in cases {
        HOSTILE.case(|| {
            let sandbox = guest_with(&[(name, &text)]);
            provided(&sandbox);
            assert_eq!(entry(&sandbox, name).as_ref(), Some(&text), "it was changed");
            if name != LIST {
                assert_eq!(entry(&sandbox, LIST), None, "{text}");
            }
            assert!(!calls(&sandbox).contains("\ncurl "), "a key was fetched: {text}");
        });
    }
}

fn one_that_is_not_in_force_is_added() {
    let cases = [
        DEB822.replace("Types: deb", "Enabled: no\nTypes: deb"),
        DEB822.replace("noble", "jammy"),
        DEB822.replace("linux/ubuntu", "linux/debian"),
        DEB822.replace("download.docker.com", "mirror.example/download.docker.com"),
        format!("# {}", DEB822.replace('\n', "\n# ")),
    ];
    for text in cases {
        HOSTILE.case(|| {
            let sandbox = guest_with(&[(SOURCES, &text)]);
            let uris = provided(&sandbox);
            let list = entry(&sandbox, LIST).unwrap();
            assert_eq!(list, format!("# Written by cai.\n# Key: {DOCKERS}\n{}", own(&sandbox)));
            assert!(uris.contains("download.docker.com/linux/ubuntu/dists/noble/"), "{uris}");
            assert_eq!(entry(&sandbox, SOURCES), Some(text), "it was changed");
            assert!(calls(&sandbox).contains("https://download.docker.com/linux/ubuntu/gpg"));
        });
    }
}

fn what_an_earlier_run_left_is_removed() {
    for mark in ["", "# Written by cai.\n"] {
        for other in [None, Some(DEB822)] {
            HOSTILE.case(|| {
                let sandbox = guest_with(&[]);
                let left = format!("{mark}{}", own(&sandbox));
                let list = format!("etc/apt/sources.list.d/{LIST}");
                sandbox.write(&list, &left);
                if let Some(text) = other {
                    sandbox.write(&format!("etc/apt/sources.list.d/{SOURCES}"), text);
                }
                provided(&sandbox);
                let written = format!("# Written by cai.\n# Key: {DOCKERS}\n{}", own(&sandbox));
                let expected = other.is_none().then_some(written);
                assert_eq!(entry(&sandbox, LIST), expected);
            });
        }
    }
}

fn entries_that_exclude_each_other_are_told_in_the_words_of_apt() {
    HOSTILE.case(|| {
        let sandbox = guest_with(&[(SOURCES, DEB822), (LIST, ONE_LINE)]);
        let output = provide(&sandbox);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{}", calls(&sandbox));
        assert!(error.contains("Conflicting values set for option Signed-By"), "{error}");
        assert_eq!(entry(&sandbox, SOURCES).as_deref(), Some(DEB822));
        assert_eq!(entry(&sandbox, LIST).as_deref(), Some(ONE_LINE));
    });
}
