//! The requirements of a container that does not exist yet, from Compose's configuration of its
//! service.

use containai::docker::client::{ComposeProgram, ComposeService, SocketSeen};
use containai::model::address::Kind;
use containai::plan::Observation;
use containai::plan::{Action, Disruption};

use super::{
    COMPOSE, bent, change, client, created, declares, denied, facts, inside, mounted, plan,
    planned, process, project, seen, service, steps, stops, written,
};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_mode_that_the_file_leaves_out_is_the_services,
        a_mount_that_the_service_lacks_is_there_from_the_start,
        a_stopped_container_without_the_volume_is_recreated_with_it,
        a_user_that_the_service_sets_is_replaced_by_the_declared_one,
        a_stopped_container_is_recreated_as_the_declared_user,
        a_group_that_is_left_out_is_the_sockets,
        a_container_is_called_what_compose_calls_it,
        the_socket_of_this_machine_is_named_before_anything_is_made,
    ]
}

fn a_mode_that_the_file_leaves_out_is_the_services() {
    let change = created(COMPOSE, service());
    assert_eq!(change.action, Action::Create);
    assert_eq!(change.after.text("mode"), Some("ro"));
    assert!(!written(&change).contains("volumes"), "{}", written(&change));
    let change = created(&format!("mode = \"rw\"\n{COMPOSE}"), service());
    assert!(written(&change).contains("- sock:/var/run:rw"), "{}", written(&change));
    assert_eq!(change.after.text("mode"), Some("rw"));
    let readonly = bent(seen(), |seen| seen.inspected.mounts[0].writable = false);
    let config = declares(COMPOSE);
    let facts = facts(&config, client(Observation::Present(readonly)));
    assert!(plan(&config, &facts).is_empty(), "a read-only mount is not drift");
}

fn a_mount_that_the_service_lacks_is_there_from_the_start() {
    let lines = format!("volume = \"other\"\n{COMPOSE}");
    let declared = |mut service: ComposeService| {
        service.volumes.insert("other".into(), None);
        service
    };
    let text = written(&created(&lines, declared(service())));
    assert!(text.contains("- other:/var/run:rw") && !text.contains("external"), "{text}");
    let without = ComposeService { mounts: Vec::new(), ..service() };
    let text = written(&created(&lines, without.clone()));
    assert!(text.contains("- other:/var/run:rw") && text.contains("external: true"), "{text}");
    // A container may create its socket itself.
    assert!(created(COMPOSE, without).problem.is_none());
}

fn a_stopped_container_without_the_volume_is_recreated_with_it() {
    let planned = |lines: &str, service| {
        let config = declares(lines);
        let mut client = client(Observation::Present(bent(seen(), |seen| {
            (seen.inside, seen.inspected.mounts) = (None, Vec::new());
            seen.inspected.state.status = "exited".into();
        })));
        client.compose.as_mut().unwrap().service = Ok(service);
        change(&plan(&config, &facts(&config, client)), Kind::SOCKET_CLIENT).clone()
    };
    let without = || ComposeService { mounts: Vec::new(), ..service() };
    let lines = format!("volume = \"sock\"\n{COMPOSE}");
    let text = written(&planned(&lines, without()));
    assert!(text.ends_with("    volumes:\n    - sock:/var/run:rw\n"), "{text}");
    // Compose adds the mounts that the service now declares.
    assert_eq!(written(&planned(&lines, service())), "");
    // A container that exists may have created its socket itself.
    assert!(planned(COMPOSE, without()).problem.is_none());
    let hint = planned("volume = \"sock\"\n", without()).problem.expect("a problem").hint();
    assert!(hint.contains("-v sock:/var/run:rw"), "{hint}");
}

/// The service with a user.
fn run_as(user: &str) -> ComposeService {
    ComposeService { user: Some(user.into()), ..service() }
}

fn a_user_that_the_service_sets_is_replaced_by_the_declared_one() {
    let both = "user = \"mcp\"\nuid = 1001\n";
    let lines = |declared: &str| format!("{declared}{COMPOSE}");
    for (declared, set, word) in [
        (both, "root", "1001:2375"),
        (both, "0:0", "1001:2375"),
        ("user = \"mcp\"\n", "1001:1001", "mcp"),
        ("uid = 1001\n", "mcp", "1001:2375"),
    ] {
        let change = created(&lines(declared), run_as(set));
        let text = written(&change);
        assert!(text.contains(&format!("    user: {word}\n")), "{declared}{set}: {text}");
        assert!(text.contains("group_add"), "the group is added as well: {text}");
    }
    let change = created(&lines(both), run_as("root"));
    assert_eq!(change.after.text("user"), Some("mcp"));
    assert!(change.changed().contains(&"uid".into()), "{:?}", change.changed());
    // The service already sets the declared user, or the image decides.
    for (declared, set) in [(both, "mcp"), (both, "1001"), (both, "mcp:docker"), ("", "root")] {
        let text = written(&created(&lines(declared), run_as(set)));
        assert!(!text.contains("user:"), "{declared}{set}: {text}");
    }
    let text = written(&created(&lines(both), service()));
    assert!(!text.contains("user:"), "{text}");
}

fn a_stopped_container_is_recreated_as_the_declared_user() {
    let config = declares(&format!("user = \"mcp\"\n{COMPOSE}"));
    let planned = |made_with: &str, status: &str, runs_as: &str| {
        let stopped = bent(denied(), |seen| {
            seen.inside = None;
            seen.inspected.state.status = status.into();
            seen.inspected.user = made_with.into();
            seen.inspected.group_add = vec!["2375".into()];
        });
        let mut client = client(Observation::Present(stopped));
        let service = ComposeService { groups: vec!["2375".into()], ..run_as(runs_as) };
        client.compose.as_mut().unwrap().service = Ok(service);
        change(&plan(&config, &facts(&config, client)), Kind::SOCKET_CLIENT).clone()
    };
    for status in ["exited", "restarting"] {
        let change = planned("root", status, "root");
        assert!(written(&change).ends_with("    user: mcp\n"), "{status}: {}", written(&change));
    }
    assert_eq!(written(&planned("mcp", "exited", "mcp")), "");
    // Compose recreates it, because its service has a different user now.
    let text = written(&planned("mcp", "exited", "root"));
    assert!(text.ends_with("    user: mcp\n"), "{text}");
    // It was created with the declared user, so no override can stop the restart loop.
    let problem = planned("mcp", "restarting", "root").problem.unwrap().to_string();
    assert!(problem.contains("keeps restarting"), "{problem}");
}

fn a_group_that_is_left_out_is_the_sockets() {
    let own = |target: &str, source: &str| {
        let mounts = vec![mounted(source, target, true)];
        ComposeService { mounts, ..service() }
    };
    let engine = own("/var/run/docker.sock", "/var/run/docker.sock");
    let text = written(&created(COMPOSE, engine.clone()));
    assert!(text.contains("group_add:\n    - '999'"), "{text}");
    let text = written(&created(COMPOSE, own("/run", "/var/run")));
    assert!(text.contains("- '999'"), "{text}");
    let text = written(&created(COMPOSE, own("/var/run", "/srv/sockets")));
    assert!(text.contains("- '2375'"), "{text}");
    let text = written(&created(&format!("gid = 2375\n{COMPOSE}"), engine));
    assert!(text.contains("- '2375'"), "{text}");
    // A running container shows the problem itself.
    let strange = bent(denied(), |seen| {
        inside(seen).socket = SocketSeen::Socket { mode: 0o660, uid: 0, gid: 44 };
    });
    let text = written(&planned(COMPOSE, strange));
    assert!(text.contains("- '44'"), "{text}");
}

fn a_container_is_called_what_compose_calls_it() {
    let config = containai::config::parse(&format!(
        "version = 1\n[[socket_clients]]\nhealth = \"container\"\n{COMPOSE}"
    ));
    let config = config.unwrap();
    let planned = |container, program| {
        let mut client = client(container);
        let project = project(program, &client.container);
        client.compose.as_mut().unwrap().project = Some(project);
        let mut facts = facts(&config, client.clone());
        facts.clients = [("manager".into(), client)].into();
        change(&plan(&config, &facts), Kind::SOCKET_CLIENT).clone()
    };
    let awaited = |change| steps(change).pop().unwrap();
    let change = planned(Observation::Absent, ComposeProgram::Plugin);
    assert_eq!(change.address.to_string(), "socket_client.manager");
    assert!(awaited(&change).contains(" dind-manager-1`"), "{}", awaited(&change));
    let change = planned(Observation::Absent, ComposeProgram::First("c".into()));
    assert!(awaited(&change).contains(" dind_manager_1`"), "{}", awaited(&change));
    let named = bent(denied(), |seen| seen.inspected.name = "dind-manager-2".into());
    let change = planned(Observation::Present(named), ComposeProgram::Plugin);
    assert_eq!(change.disruption, Disruption::ContainerRecreation);
    assert_eq!(stops(&change), ["dind-manager-2"]);
    assert!(awaited(&change).contains(" dind-manager-2`"), "{}", awaited(&change));
}

fn the_socket_of_this_machine_is_named_before_anything_is_made() {
    for (source, target) in [
        ("/lima/containai-secure/sock/docker.sock", "/var/run/docker.sock"),
        ("/lima/containai-secure/sock", "/var/run"),
    ] {
        let mounts = vec![mounted(source, target, true)];
        let change = created(COMPOSE, ComposeService { mounts, ..service() });
        assert!(change.steps.is_empty());
        let problem = change.problem.expect("a problem");
        assert!(problem.to_string().contains("/lima/containai-secure/sock/docker.sock"));
        assert!(
            problem.hint().contains("mount /var/run/docker.sock instead in /d/dind.yml"),
            "{}",
            problem.hint()
        );
    }
    // On another engine, this path is not this machine's.
    let config = declares(&format!("context = \"other\"\n{COMPOSE}"));
    let mut client = client(Observation::Present(bent(seen(), |seen| {
        inside(seen).processes = vec![process(1001, &[2375])];
    })));
    client.engine = None;
    let mut facts = facts(&config, client.clone());
    facts.clients = [("other/mcp-manager".into(), client)].into();
    assert!(plan(&config, &facts).is_empty());
}
