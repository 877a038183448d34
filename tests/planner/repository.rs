//! Docker's apt repository: its entry is written, corrected and deleted without a restart.

use containai::config::{self, Config};
use containai::guest::repository::LIST;
use containai::guest::{Document, input};
use containai::host::Input;
use containai::plan::{Action, Change, Disruption, Observation, Reason, StepAction};
use containai::resource::facts::{Facts, HostFile};
use containai::resource::record::{Keys, Record, Recorded};
use serde_json::json;

use super::provision::named;
use super::{plan, reasons, steps, stops};
use crate::support::machine::{bend_guest, fresh, healthy, stop_dockerd};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_new_guest_gets_docker_from_the_repository_only,
        an_entry_as_declared_needs_nothing,
        an_entry_that_differs_is_written_and_nothing_restarts,
        an_entry_of_someone_else_for_the_repository_is_enough,
        packages_wait_for_the_entry_and_a_stopped_dockerd_does_not,
        a_key_of_this_machine_goes_by_standard_input,
        a_key_of_this_machine_that_cannot_be_used_stops_the_plan,
        an_entry_of_cai_leaves_with_its_lines,
        an_entry_that_someone_changed_stays,
    ]
}

const URL: &str = "https://m.example/docker/linux";
const KEY: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

fn declared(lines: &str) -> Config {
    let docker = "[docker]\nsource = \"docker-ce\"";
    let text =
        format!("version = 1\n[vm]\ncpus = 4\nmemory = \"4GiB\"\ndisk = \"50GiB\"\n{docker}\n");
    config::parse(&format!("{text}{lines}\n[sysbox]\nenabled = false\n")).unwrap()
}

fn with_repository() -> Config {
    declared(&format!("[docker.repository]\nurl = \"{URL}\"\nfingerprint = \"{KEY}\""))
}

/// The file as `cai` writes it.
fn written() -> String {
    let options = "[arch=amd64 signed-by=/etc/apt/keyrings/cai-docker.asc]";
    format!("# Written by cai.\n# Key: {KEY}\ndeb {options} {URL}/ubuntu noble stable")
}

/// The facts if this is the text of the file, and these lines of any file name the repository.
fn seen(config: &Config, entry: &str, lines: &str) -> Facts {
    let mut facts = healthy(config);
    let text = format!(
        "@m docker_repository\n{entry}\n@m = {}\n@m docker_repository_named\n{lines}\n@m = 0\n@m end\n",
        i32::from(entry.is_empty())
    );
    bend_guest(&mut facts, |guest| {
        guest.packages = [("docker-ce".into(), "5:28.5.2-1~ubuntu.24.04~noble".into())].into();
        guest.document = Document::parse(&text, "m").unwrap();
    });
    facts
}

fn docker(config: &Config, facts: &Facts) -> Change {
    named(&plan(config, facts), "provision.docker").clone()
}

fn a_new_guest_gets_docker_from_the_repository_only() {
    let config = with_repository();
    let planned = plan(&config, &fresh(&config));
    let change = named(&planned, "provision.docker");
    assert_eq!(change.after.text("repository"), Some(URL));
    assert_eq!(change.after.text("repository_fingerprint"), Some(KEY));
    let yaml = named(&planned, "vm.containai-secure").after.known("provision").unwrap().to_string();
    assert!(yaml.contains("exit 0") && !yaml.contains("download.docker.com"), "{yaml}");
}

fn an_entry_as_declared_needs_nothing() {
    let config = with_repository();
    let facts = seen(&config, &written(), written().lines().last().unwrap());
    assert!(plan(&config, &facts).is_empty());
}

fn an_entry_that_differs_is_written_and_nothing_restarts() {
    let config = with_repository();
    let other = written().replace(URL, "https://old.example/linux");
    for (entry, changed) in [
        ("", vec!["repository", "repository_fingerprint"]),
        (&*other, vec!["repository"]),
        (&written().replace("0123", "FFFF"), vec!["repository_fingerprint"]),
        (&written().replace("arch=", "trusted=yes arch="), vec!["repository"]),
        (
            "deb https://download.docker.com/linux/ubuntu noble stable",
            vec!["repository", "repository_fingerprint"],
        ),
    ] {
        let change = docker(&config, &seen(&config, entry, ""));
        assert_eq!(
            (change.action, change.changed()),
            (Action::Update, changed.iter().map(|it| (*it).to_owned()).collect()),
            "{entry}"
        );
        let steps = steps(&change);
        let end = format!("sh -s -- write-repository {URL} '' {KEY}\"");
        assert!(steps.len() == 1 && steps[0].ends_with(&end), "{steps:?}");
        assert_eq!((change.disruption, stops(&change).len()), (Disruption::None, 0));
    }
    let change = docker(&config, &seen(&config, &other, ""));
    assert_eq!(change.before.unwrap().text("repository"), Some("https://old.example/linux"));
}

fn an_entry_of_someone_else_for_the_repository_is_enough() {
    let config = with_repository();
    let uris = format!("URIs: {URL}/ubuntu");
    assert!(plan(&config, &seen(&config, "", &uris)).is_empty());
    let by_hand = format!("deb {URL}/ubuntu noble stable");
    assert!(plan(&config, &seen(&config, &by_hand, &by_hand)).is_empty());
    assert!(!plan(&config, &seen(&config, "", &format!("# {uris}"))).is_empty());
    // The entry that cai wrote for another repository is not needed any more.
    let other = written().replace(URL, "https://old.example/linux");
    assert!(!plan(&config, &seen(&config, &other, &uris)).is_empty());
}

fn packages_wait_for_the_entry_and_a_stopped_dockerd_does_not() {
    let config = with_repository();
    let order = |facts: &Facts| {
        let steps = steps(&docker(&config, facts));
        let is_write = |step: &String| step.contains("write-repository");
        let is_docker = |step: &String| step.ends_with("sh -s -- docker docker-ce '' declared\"");
        (steps.iter().position(is_write), steps.iter().position(is_docker))
    };
    let mut facts = seen(&config, "", "");
    bend_guest(&mut facts, stop_dockerd);
    assert_eq!(order(&facts), (Some(1), Some(0)));
    bend_guest(&mut facts, |guest| guest.dockerd_installed = false);
    assert_eq!(order(&facts), (Some(0), Some(1)));
    let mut facts = seen(&config, &written(), "");
    bend_guest(&mut facts, |guest| guest.dockerd_installed = false);
    assert_eq!(order(&facts), (None, Some(0)), "the entry is there");
}

fn with_local_key() -> Config {
    let table = format!("[docker.repository]\nurl = \"{URL}\"\nkey = \"/k.asc\"");
    declared(&format!("{table}\nfingerprint = \"{KEY}\""))
}

/// The facts of this machine with such a file.
fn holding(facts: Facts, text: Option<&str>) -> Facts {
    let file = HostFile { sha256: String::new(), text: text.map(str::to_owned) };
    Facts { files: [("/k.asc".into(), file)].into(), ..facts }
}

const ARMORED: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBFit2ioBEAD$(x)\n";

fn a_key_of_this_machine_goes_by_standard_input() {
    let config = with_local_key();
    let change = docker(&config, &holding(seen(&config, "", ""), Some(ARMORED)));
    let StepAction::Run(command) = &change.steps[0].operation else { panic!("{change:?}") };
    assert!(
        command.to_string().ends_with(&format!(" write-repository {URL} - {KEY}'")),
        "{command}"
    );
    let Some(Input::Text(script)) = &command.stdin else { panic!("{command}") };
    assert_eq!(input(script).as_deref(), Some(ARMORED));
}

fn a_key_of_this_machine_that_cannot_be_used_stops_the_plan() {
    let config = with_local_key();
    let told = |facts: &Facts| docker(&config, facts).problem.map(|it| it.to_string());
    let missing = Some("the file /k.asc does not exist".to_owned());
    assert_eq!(told(&seen(&config, "", "")), missing);
    assert_eq!(told(&fresh(&config)), missing);
    let wrong = Some("/k.asc is not an ASCII-armored OpenPGP key".to_owned());
    assert_eq!(told(&holding(seen(&config, "", ""), Some("{}"))), wrong);
    assert_eq!(told(&holding(fresh(&config), None)), wrong);
    // apt reads no key after another line.
    assert_eq!(told(&holding(fresh(&config), Some(&format!("\n{ARMORED}")))), wrong);
    // Nothing needs it.
    assert_eq!(told(&seen(&config, &written(), "")), None);
}

/// The facts of a machine to which the file with the repository was applied.
fn applied(config: &Config, entry: &str) -> Facts {
    let key = json!({"repository": URL}).as_object().unwrap().clone();
    let keys = Keys { declared: key.clone(), present: key, is_own: true, ..Keys::default() };
    let recorded = Recorded { exists: true, is_declared: true, keys, path: None };
    let mut record = Record::default();
    record.finish(&"provision.docker".parse().unwrap(), Action::NoOp, &recorded);
    Facts { record: Some(record), ..seen(config, entry, "") }
}

fn an_entry_of_cai_leaves_with_its_lines() {
    for config in [declared(""), declared("version = \"28.5\"")] {
        let facts = applied(&config, &written());
        let change = docker(&config, &facts);
        assert_eq!(change.action, Action::Update);
        let why = reasons(&change);
        assert!(why.contains("no longer in containai.toml: repository"), "{why}");
        assert!(why.contains("apt in the guest has no repository"), "{why}");
        let steps = steps(&change);
        assert!(steps.len() == 1 && steps[0].contains(&format!("rm -f {LIST} ")), "{steps:?}");
        assert_eq!(change.disruption, Disruption::None);
        // A plan for a stopped VM shows it as well, so that apply may do it.
        let reason = Reason::VmIs(containai::lima::Status::Stopped);
        let hidden = Facts { guest: Observation::Unobservable(reason), ..facts };
        assert_eq!(docker(&config, &hidden).lacks(&change, false), None);
        // Without the record, nobody knows whose it is.
        assert!(docker(&config, &seen(&config, &written(), "")).is_without_effect());
    }
}

fn an_entry_that_someone_changed_stays() {
    let config = declared("");
    let other = written().replace(URL, "https://other.example/linux");
    let change = docker(&config, &applied(&config, &other));
    assert_eq!((change.action, change.steps.len()), (Action::Release, 0));
    assert!(docker(&config, &applied(&config, "")).is_without_effect(), "it is gone");
}
