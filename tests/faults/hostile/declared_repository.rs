//! The declared repository with Docker's packages: its key, and the entries of others. As in
//! [`repository`](super::repository), the real apt reads the entries.

use std::path::Path;

use containai::guest::Operation;
use containai::guest::repository::SigningKey;
use containai::host::Input;
use containai::lima::Ssh;
use containai::model::VmName;
use libtest_mimic::Trial;

use super::packages::{DOCKERS, calls, key, run};
use super::repository::{DEB822, LIST, ONE_LINE, SOURCES, entry, guest_with, needs_apt, own};
use crate::support::sandbox::Sandbox;
use crate::support::tally::HOSTILE;
use crate::support::trials;

pub fn trials() -> Vec<Trial> {
    needs_apt(trials![
        a_declared_repository_takes_the_place_of_what_cai_wrote,
        a_declared_repository_is_trusted_with_its_own_key_and_no_other,
        a_repository_that_apt_refuses_leaves_no_entry,
    ])
}

const MIRROR: &str = "https://m.example/docker/linux";
/// The fingerprint of the mirror's own key.
const OWN: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

/// Writes the entry of the mirror in such a guest, with a key that gpg describes so.
fn declare(sandbox: &Sandbox, key: SigningKey<'_>, described: &str) -> std::process::Output {
    sandbox.write("keys", described);
    let write = Operation::WriteRepository { url: MIRROR, key, fingerprint: OWN };
    let ssh = Ssh::new("ssh".into(), Path::new("/d"), &VmName::default());
    let command = write.command(&ssh);
    let line = command.args.last().unwrap().to_string_lossy().into_owned();
    let (_, words) = line.split_once("sh -s -- ").unwrap();
    let words = shlex::split(words).unwrap();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(Input::Text(script)) = command.stdin else { panic!("it reads a script") };
    run(sandbox, &script, &words)
}

/// The file that `cai` writes for the mirror.
fn declared(sandbox: &Sandbox) -> String {
    let key = sandbox.path("etc/apt/keyrings/cai-docker.asc");
    let options = format!("[arch=amd64 signed-by={}]", key.display());
    format!("# Written by cai.\n# Key: {OWN}\ndeb {options} {MIRROR}/ubuntu noble stable\n")
}

/// The text of a file in this sandbox.
type Text = fn(&Sandbox) -> String;

fn a_declared_repository_takes_the_place_of_what_cai_wrote() {
    let of_mirror = DEB822.replace("https://download.docker.com/linux", MIRROR);
    let earlier: Text = |sandbox| declared(sandbox).replace(MIRROR, "https://old.example/a");
    let dockers: Text = |sandbox| format!("# Written by cai.\n{}", own(sandbox));
    let by_hand: Text = |_| ONE_LINE.to_owned();
    let lists = [None, Some(declared as Text), Some(earlier), Some(dockers), Some(by_hand)];
    for (other, is_enough) in [(None, false), (Some(DEB822), false), (Some(&*of_mirror), true)] {
        for list in lists {
            HOSTILE.case(|| {
                let sandbox = guest_with(&[]);
                let is_by_hand = list.is_some_and(|list| list(&sandbox) == ONE_LINE);
                // Two entries for one repository with different keys are another test.
                if is_by_hand && other == Some(DEB822) {
                    return;
                }
                if let Some(list) = list {
                    if !is_by_hand {
                        sandbox.directory("etc/apt/keyrings");
                        sandbox.write("etc/apt/keyrings/cai-docker.asc", "");
                    }
                    sandbox.write(&format!("etc/apt/sources.list.d/{LIST}"), &list(&sandbox));
                }
                if let Some(other) = other {
                    sandbox.write(&format!("etc/apt/sources.list.d/{SOURCES}"), other);
                }
                let output = declare(&sandbox, SigningKey::OfRepository, &key(OWN, OWN));
                let error = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{}\n{error}", calls(&sandbox));
                let by_hand = is_by_hand.then(|| ONE_LINE.to_owned());
                let expected = if is_enough { by_hand } else { Some(declared(&sandbox)) };
                assert_eq!(entry(&sandbox, LIST), expected);
                assert_eq!(entry(&sandbox, SOURCES).as_deref(), other, "it was changed");
                let place = sandbox.path("etc/apt/keyrings/cai-docker.asc");
                assert_eq!(place.exists(), !is_enough, "a key without an entry");
                let calls = calls(&sandbox);
                assert_eq!(
                    calls.contains(&format!(" {MIRROR}/ubuntu/gpg\n")),
                    !is_enough,
                    "{calls}"
                );
                assert!(!calls.contains("docker-ce"), "Docker was installed: {calls}");
            });
        }
    }
}

fn a_declared_repository_is_trusted_with_its_own_key_and_no_other() {
    let armored = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n$(touch /canary) 'a'\n";
    let url = "https://m.example/keys/docker.asc";
    for (given, fetched) in [
        (SigningKey::OfRepository, Some(format!("{MIRROR}/ubuntu/gpg"))),
        (SigningKey::Url(url), Some(url.to_owned())),
        (SigningKey::Text(armored), None),
    ] {
        for (described, is_taken) in [
            (key(OWN, DOCKERS), true),
            (key(DOCKERS, OWN), false),
            (key(OWN, OWN) + &key(DOCKERS, DOCKERS), false),
            (String::new(), false),
        ] {
            HOSTILE.case(|| {
                let sandbox = guest_with(&[]);
                let output = declare(&sandbox, given, &described);
                let (calls, error) = (calls(&sandbox), String::from_utf8_lossy(&output.stderr));
                assert_eq!(output.status.success(), is_taken, "{described}\n{calls}\n{error}");
                let fetches = calls.lines().filter(|call| call.starts_with("curl "));
                let fetches: Vec<&str> = fetches.collect();
                assert_eq!(fetches.len(), usize::from(fetched.is_some()), "{calls}");
                if let Some(fetched) = &fetched {
                    let call = fetches[0];
                    assert!(call.contains("--proto =https") && call.ends_with(fetched), "{call}");
                }
                let place = sandbox.path("etc/apt/keyrings/cai-docker.asc");
                assert_eq!(entry(&sandbox, LIST).is_some(), is_taken);
                let text = std::fs::read_to_string(place).ok();
                let expected = if fetched.is_some() { "fetched\n" } else { armored };
                assert_eq!(text.as_deref(), is_taken.then_some(expected));
                if !is_taken {
                    let told = format!("is not the signing key {OWN}; found: ");
                    assert!(error.contains(&told), "{error}");
                }
            });
        }
    }
}

fn a_repository_that_apt_refuses_leaves_no_entry() {
    HOSTILE.case(|| {
        let sandbox = guest_with(&[]);
        let real = std::fs::read_to_string(sandbox.path("bin/apt-get")).unwrap();
        let refusing = "case \" $* \" in *Dir::Etc::SourceList=*) exit 100 ;; esac\n";
        let (_, body) = real.split_once('\n').unwrap();
        sandbox.fake_program("apt-get", &format!("{refusing}{body}"));
        let output = declare(&sandbox, SigningKey::OfRepository, &key(OWN, OWN));
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{}", calls(&sandbox));
        assert!(
            error.contains(&format!("apt cannot use the repository {MIRROR}/ubuntu")),
            "{error}"
        );
        assert_eq!(entry(&sandbox, LIST), None);
    });
}
