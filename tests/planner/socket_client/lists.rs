//! The lists of groups and mounts in an override, with those of the other files.

use containai::address::Kind;
use containai::docker::client::{ComposeProgram, Seen};
use containai::facts::Observation;

use super::{COMPOSE, bent, change, client, declares, denied, facts, plan, seen, written};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_group_is_added_to_those_that_are_there_as_each_compose_wants_it,
        what_another_file_mounts_is_mounted_by_its_name_in_compose,
    ]
}

/// What the override says of the manager, where the compose file says this of it.
fn overridden(service: &str, program: ComposeProgram, container: Observation<Seen>) -> String {
    let config = declares(COMPOSE);
    let mut client = client(container);
    let compose = client.compose.as_mut().unwrap();
    compose.program = Some(program);
    compose.text = Some(format!("services:\n  manager: {service}\n"));
    let plan = plan(&config, &facts(&config, client));
    let text = written(change(&plan, Kind::SocketClient));
    text.split_once("manager:\n").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

fn a_group_is_added_to_those_that_are_there_as_each_compose_wants_it() {
    let first = || ComposeProgram::First("/bin/docker-compose".into());
    let later = || ComposeProgram::Standalone("/bin/docker-compose".into());
    let has = |groups: &[&str]| {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        Observation::Present(bent(denied(), |seen| seen.inspected.group_add = groups))
    };
    let file = "{group_add: [audio, 7]}";
    // The second one comes by `extends`.
    let container = || has(&["audio", "7", "video"]);
    let all = "    group_add:\n    - audio\n    - '7'\n    - video\n    - '2375'\n";
    assert_eq!(overridden(file, first(), container()), all);
    for program in [later(), ComposeProgram::Plugin] {
        let own = "    group_add:\n    - '2375'\n";
        assert_eq!(overridden(file, program, container()), own);
    }
    // Twice the same group is an error.
    let added = "{group_add: [2375]}";
    assert_eq!(overridden(added, ComposeProgram::Plugin, Observation::Absent), "");
}

fn what_another_file_mounts_is_mounted_by_its_name_in_compose() {
    let readonly = |volume: &str| {
        Observation::Present(bent(seen(), |seen| {
            seen.inspected.mounts[0].writable = false;
            seen.inspected.mounts[0].volume = Some(volume.into());
        }))
    };
    let text = overridden("{image: x}", ComposeProgram::Plugin, readonly("dind_sock"));
    assert_eq!(text, "    volumes:\n    - sock:/var/run:rw\n");
    let text = overridden("{image: x}", ComposeProgram::Plugin, readonly("made-by-hand"));
    let external = "volumes:\n  made-by-hand:\n    external: true\n";
    assert_eq!(text, format!("    volumes:\n    - made-by-hand:/var/run:rw\n{external}"));
}
