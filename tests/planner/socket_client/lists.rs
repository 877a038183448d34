//! The lists of groups and mounts in an override, together with those of the other files.

use containai::docker::client::{ComposeProgram, ComposeService, ExistingContainer};
use containai::model::address::Kind;
use containai::plan::Observation;

use super::{
    COMPOSE, bent, change, client, declares, denied, facts, mounted, plan, project, seen, service,
    written,
};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_group_is_added_to_those_that_are_there_as_each_compose_wants_it,
        a_group_that_the_files_add_by_now_leaves_the_override,
        what_another_file_mounts_is_mounted_by_its_name_in_compose,
        a_volume_is_known_by_the_name_that_its_file_gives_it,
    ]
}

/// The override's settings of the manager, if Compose prints this service.
fn overridden(
    lines: &str,
    service: ComposeService,
    program: ComposeProgram,
    container: Observation<ExistingContainer>,
) -> String {
    let config = declares(lines);
    let mut client = client(container);
    let project = project(program, &client.container);
    let compose = client.compose.as_mut().unwrap();
    (compose.project, compose.service) = (Some(project), Ok(service));
    let plan = plan(&config, &facts(&config, client));
    let text = written(change(&plan, Kind::SOCKET_CLIENT));
    text.split_once("manager:\n").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

fn adding(groups: &[&str]) -> ComposeService {
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    ComposeService { groups, ..service() }
}

fn a_group_is_added_to_those_that_are_there_as_each_compose_wants_it() {
    let first = || ComposeProgram::First("/bin/docker-compose".into());
    let later = || ComposeProgram::Standalone("/bin/docker-compose".into());
    let groups = ["audio", "7", "video"];
    let container = || {
        let groups = groups.map(str::to_owned).to_vec();
        Observation::Present(bent(denied(), |seen| seen.inspected.group_add = groups))
    };
    let all = "    group_add:\n    - audio\n    - '7'\n    - video\n    - '2375'\n";
    assert_eq!(overridden(COMPOSE, adding(&groups), first(), container()), all);
    for program in [later(), ComposeProgram::Plugin] {
        let own = "    group_add:\n    - '2375'\n";
        assert_eq!(overridden(COMPOSE, adding(&groups), program, container()), own);
    }
    // Compose refuses a duplicate group.
    for program in [first(), ComposeProgram::Plugin] {
        let added = adding(&["2375"]);
        assert_eq!(overridden(COMPOSE, added, program, Observation::Absent), "");
    }
}

fn a_group_that_the_files_add_by_now_leaves_the_override() {
    let config = declares(COMPOSE);
    let mut client = client(Observation::Absent);
    let compose = client.compose.as_mut().unwrap();
    compose.service = Ok(adding(&["2375"]));
    let text =
        "# Managed by cai\nservices:\n  manager:\n    user: mcp\n    group_add:\n    - '2375'\n";
    compose.override_text = Some(text.into());
    let plan = plan(&config, &facts(&config, client));
    let text = written(change(&plan, Kind::SOCKET_CLIENT));
    assert!(text.ends_with("services:\n  manager:\n    user: mcp\n"), "{text}");
}

fn what_another_file_mounts_is_mounted_by_its_name_in_compose() {
    let readonly = |volume: &str| {
        Observation::Present(bent(seen(), |seen| {
            seen.inspected.mounts[0].writable = false;
            seen.inspected.mounts[0].volume = Some(volume.into());
        }))
    };
    let lines = format!("mode = \"rw\"\n{COMPOSE}");
    let overridden =
        |service, volume| overridden(&lines, service, ComposeProgram::Plugin, readonly(volume));
    let without = || ComposeService { mounts: Vec::new(), ..service() };
    assert_eq!(overridden(without(), "dind_sock"), "    volumes:\n    - sock:/var/run:rw\n");
    let external = "volumes:\n  made-by-hand:\n    external: true\n";
    assert_eq!(
        overridden(without(), "made-by-hand"),
        format!("    volumes:\n    - made-by-hand:/var/run:rw\n{external}")
    );
    // Compose reports its own path in the container.
    let elsewhere = ComposeService { mounts: vec![mounted("/d/s", "/run", false)], ..service() };
    assert_eq!(overridden(elsewhere, "dind_sock"), "    volumes:\n    - /d/s:/run:rw\n");
}

fn a_volume_is_known_by_the_name_that_its_file_gives_it() {
    let config = declares(&format!("volume = \"sock\"\n{COMPOSE}"));
    let named = bent(seen(), |seen| seen.inspected.mounts[0].volume = Some("shared".into()));
    let mut client = client(Observation::Present(named));
    let mut service = service();
    service.volumes.insert("sock".into(), Some("shared".into()));
    client.compose.as_mut().unwrap().service = Ok(service);
    assert!(plan(&config, &facts(&config, client)).is_empty());
}
