//! Containers that use a Docker socket: how each fault is repaired.

mod created;
mod lists;
mod verdicts;

use containai::config::Config;
use containai::docker::client::{
    Accounts, Api, ComposeError, ComposeLabels, ComposeMount, ComposeProgram, ComposeProject,
    ComposeService, ContainerState, ExistingContainer, Inside, Inspected, MountSeen, Process,
    SocketSeen,
};
use containai::model::address::Kind;
use containai::plan::Observation;
use containai::plan::{Action, Change, Disruption, Plan, Reason, StepAction};
use containai::resource::facts::Facts;
use containai::resource::socket_client::{ClientFacts, ComposeFacts, EngineSockets};

use super::{change, effects, plan, steps, stops};
use crate::support::machine::{bend_guest, bend_vm, config_with, healthy};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    let own = trials![
        a_client_that_works_needs_nothing,
        a_service_is_made_anew_with_only_what_it_lacks,
        another_compose_file_is_another_plan,
        an_override_that_is_there_is_kept_and_used,
        an_override_of_somebody_else_stands_in_the_way,
        without_compose_the_options_are_named,
        what_only_the_image_or_the_daemon_can_change_is_said,
        a_user_that_the_file_names_is_taken,
        a_container_that_is_not_there_is_made,
        a_container_that_ends_at_once_is_judged_by_what_it_is_made_with,
        clients_of_one_compose_file_take_turns,
        a_client_of_another_engine_waits_for_nothing_of_this_one,
        an_engine_that_does_not_answer_defers,
        a_container_that_could_not_be_made_again_is_not_stopped,
        health_is_waited_for,
    ];
    let parts = [created::trials(), lists::trials(), verdicts::trials()];
    own.into_iter().chain(parts.into_iter().flatten()).collect()
}

const COMPOSE: &str = "compose_file = \"/d/dind.yml\"\nservice = \"manager\"\n";

/// A file that declares a manager, with more lines for its entry.
fn declares(lines: &str) -> Config {
    config_with(&format!("[[socket_clients]]\ncontainer = \"mcp-manager\"\n{lines}"))
}

fn process(uid: u32, groups: &[u32]) -> Process {
    Process { pid: 1, uid, gid: uid, groups: groups.iter().copied().collect() }
}

/// A healthy manager: its user is in the socket's group, and its mount is rw.
fn seen() -> ExistingContainer {
    ExistingContainer {
        inspected: Inspected {
            id: "id-of-mcp-manager".into(),
            name: "mcp-manager".into(),
            state: ContainerState {
                status: "running".into(),
                started: "2026-11-21".into(),
                ..ContainerState::default()
            },
            mounts: vec![MountSeen {
                volume: Some("dind_sock".into()),
                source: "/v".into(),
                destination: "/var/run".into(),
                writable: true,
            }],
            user: "mcp".into(),
            runtime: "runc".into(),
            compose: Some(ComposeLabels {
                project: "dind".into(),
                service: "manager".into(),
                files: vec!["/d/dind.yml".into()],
                ..ComposeLabels::default()
            }),
            ..Inspected::default()
        },
        accounts: Accounts::parse(
            "root:x:0:0::/:\nmcp:x:1001:1001::/:\n",
            "docker:x:2375:mcp\nmcp:x:1001:\n",
        ),
        inside: Some(Inside {
            socket: SocketSeen::Socket { mode: 0o660, uid: 0, gid: 2375 },
            processes: vec![process(1001, &[2375])],
            clients: vec!["docker".into()],
            api: Api::Answers,
        }),
        log: Vec::new(),
    }
}

/// The same manager, but denied: neither its program nor its image has the group.
fn denied() -> ExistingContainer {
    let mut seen = seen();
    seen.accounts = Accounts::parse("mcp:x:1001:1001::/:\n", "docker:x:2375:\nmcp:x:1001:\n");
    let inside = seen.inside.as_mut().unwrap();
    inside.processes = vec![process(1001, &[])];
    inside.api = Api::Denied("docker: permission denied".into());
    seen
}

fn bent(
    mut seen: ExistingContainer,
    bend: impl FnOnce(&mut ExistingContainer),
) -> ExistingContainer {
    bend(&mut seen);
    seen
}

fn inside(seen: &mut ExistingContainer) -> &mut Inside {
    seen.inside.as_mut().unwrap()
}

/// The manager's service in its Compose file, with the mount `sock:/var/run:ro`.
fn service() -> ComposeService {
    ComposeService {
        project: Some("dind".into()),
        mounts: vec![mounted("sock", "/var/run", false)],
        volumes: [("sock".into(), Some("dind_sock".into()))].into(),
        fingerprint: "sha256:1".into(),
        ..ComposeService::default()
    }
}

fn mounted(source: &str, target: &str, writable: bool) -> ComposeMount {
    ComposeMount { source: source.into(), target: target.into(), writable }
}

fn project(program: ComposeProgram, container: &Observation<ExistingContainer>) -> ComposeProject {
    let labels = container.present().and_then(|seen| seen.inspected.compose.as_ref());
    ComposeProject::new(program, "/d/dind.yml".as_ref(), labels, &|_| true)
}

fn client(container: Observation<ExistingContainer>) -> ClientFacts {
    let compose = ComposeFacts {
        project: Some(project(ComposeProgram::Plugin, &container)),
        service: Ok(service()),
        override_text: None,
    };
    let forwarded = "/lima/containai-secure/sock/docker.sock".into();
    let engine = Some(EngineSockets { forwarded, gid: Some(999) });
    ClientFacts { container, compose: Some(compose), health: None, engine }
}

/// The plan if the container does not exist and Compose prints this service.
fn created(lines: &str, service: ComposeService) -> Change {
    let config = declares(lines);
    let mut client = client(Observation::Absent);
    client.compose.as_mut().unwrap().service = Ok(service);
    change(&plan(&config, &facts(&config, client)), Kind::SOCKET_CLIENT).clone()
}

fn facts(config: &Config, client: ClientFacts) -> Facts {
    Facts { clients: [("mcp-manager".into(), client)].into(), ..healthy(config) }
}

fn plan_of(lines: &str, seen: ExistingContainer) -> Plan {
    let config = declares(lines);
    plan(&config, &facts(&config, client(Observation::Present(seen))))
}

fn planned(lines: &str, seen: ExistingContainer) -> Change {
    change(&plan_of(lines, seen), Kind::SOCKET_CLIENT).clone()
}

/// The text of the file that a change writes.
fn written(change: &Change) -> String {
    change
        .steps
        .iter()
        .find_map(|step| match &step.operation {
            StepAction::WriteFile { text, .. } => Some(text.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

#[track_caller]
fn hint(lines: &str, seen: ExistingContainer) -> String {
    let change = planned(lines, seen);
    assert!(change.steps.is_empty());
    let problem = change.problem.expect("a problem");
    format!("{problem}; {}", problem.hint())
}

fn a_client_that_works_needs_nothing() {
    for lines in ["", COMPOSE, "user = \"mcp\"\nuid = 1001\nvolume = \"sock\"\n"] {
        let plan = plan_of(lines, seen());
        assert!(plan.is_empty(), "{lines}: {:?}", effects(&plan));
    }
    // An untested connection is not a reason to stop anything.
    let untested = bent(seen(), |seen| inside(seen).api = Api::Untested("no client".into()));
    assert!(plan_of(COMPOSE, untested).is_empty());
}

fn a_service_is_made_anew_with_only_what_it_lacks() {
    let plan = plan_of(COMPOSE, denied());
    let change = change(&plan, Kind::SOCKET_CLIENT);
    assert_eq!(effects(&plan), [(Kind::SOCKET_CLIENT, Action::Update)]);
    assert_eq!(change.disruption, Disruption::ContainerRecreation);
    assert_eq!(stops(change), ["mcp-manager"]);
    assert_eq!(change.changed(), ["groups", "api", "dind.cai.yml"]);
    assert_eq!(
        steps(change),
        [
            "write /d/dind.cai.yml",
            "docker --context containai-secure compose -p dind -f /d/dind.yml -f /d/dind.cai.yml \
             up -d --no-deps manager",
        ]
    );
    let text = written(change);
    assert!(text.starts_with("# Managed by cai"), "{text}");
    assert!(text.ends_with("services:\n  manager:\n    group_add:\n    - '2375'\n"), "{text}");
}

fn another_compose_file_is_another_plan() {
    let config = declares(COMPOSE);
    let planned = |sum: &str| {
        let mut client = client(Observation::Present(denied()));
        let fingerprint = sum.to_owned();
        let service = ComposeService { fingerprint, ..service() };
        client.compose.as_mut().unwrap().service = Ok(service);
        let plan = plan(&config, &facts(&config, client));
        change(&plan, Kind::SOCKET_CLIENT).clone()
    };
    let (one, other) = (planned("sha256:1"), planned("sha256:2"));
    assert_eq!(steps(&one), steps(&other));
    let sum = |change: &Change| change.after.text("compose_file").unwrap().to_owned();
    assert_ne!(sum(&one), sum(&other), "a saved plan would run with another file");
    assert!(!one.changed().contains(&"compose_file".into()), "it is not a separate change");
}

fn an_override_that_is_there_is_kept_and_used() {
    let config = declares(COMPOSE);
    let mut client = client(Observation::Present(denied()));
    let text = "# Managed by cai\nservices:\n  other:\n    user: x\n";
    client.compose.as_mut().unwrap().override_text = Some(text.into());
    let plan = plan(&config, &facts(&config, client.clone()));
    let first = written(change(&plan, Kind::SOCKET_CLIENT));
    assert!(first.contains("user: x") && first.contains("group_add"), "{first}");
    // As after a crash between writing the file and recreating the container.
    client.compose.as_mut().unwrap().override_text = Some(first);
    let plan = super::plan(&config, &facts(&config, client));
    let steps = steps(change(&plan, Kind::SOCKET_CLIENT));
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert!(steps[0].contains("-f /d/dind.cai.yml"), "{steps:?}");
}

fn an_override_of_somebody_else_stands_in_the_way() {
    let config = declares(COMPOSE);
    let mut client = client(Observation::Present(denied()));
    client.compose.as_mut().unwrap().override_text = Some("services: {}\n".into());
    let plan = plan(&config, &facts(&config, client));
    let problem = change(&plan, Kind::SOCKET_CLIENT).problem.as_ref().unwrap().to_string();
    assert!(
        problem.contains("/d/dind.cai.yml") && problem.contains("not written by cai"),
        "{problem}"
    );
}

fn without_compose_the_options_are_named() {
    let readonly = |seen: &mut ExistingContainer| seen.inspected.mounts[0].writable = false;
    let hint_of_both = hint("mode = \"rw\"\n", bent(denied(), readonly));
    assert!(hint_of_both.contains("-v dind_sock:/var/run:rw --group-add 2375"), "{hint_of_both}");
    let stale = bent(denied(), |seen| seen.accounts = self::seen().accounts);
    let hint = hint("", stale);
    assert!(hint.contains("docker --context containai-secure restart mcp-manager"), "{hint}");
}

fn what_only_the_image_or_the_daemon_can_change_is_said() {
    let given_up = bent(denied(), |seen| seen.inspected.group_add = vec!["2375".into()]);
    let said = hint(COMPOSE, given_up);
    assert!(said.contains("RUN addgroup -g 2375 docker && adduser mcp docker"), "{said}");
    let other = bent(denied(), |seen| {
        inside(seen).socket = SocketSeen::Socket { mode: 0o660, uid: 0, gid: 999 };
    });
    let said = hint(&format!("gid = 2375\n{COMPOSE}"), other);
    assert!(said.contains("gid = 999") && said.contains("dockerd with --group 2375"), "{said}");
    let silent = bent(seen(), |seen| inside(seen).api = Api::Silent("refused".into()));
    assert!(hint(COMPOSE, silent).contains("the daemon behind the socket"));
    let missing = bent(seen(), |seen| inside(seen).socket = SocketSeen::Missing);
    assert!(
        hint(COMPOSE, missing)
            .contains("dind_sock is mounted at /var/run but does not contain a socket")
    );
    let by_hand = bent(denied(), |seen| seen.inspected.compose = None);
    assert!(hint(COMPOSE, by_hand).contains("without Compose"));
    let config = declares(COMPOSE);
    let mut without = client(Observation::Present(denied()));
    without.compose.as_mut().unwrap().project = None;
    let plan = plan(&config, &facts(&config, without));
    let problem = change(&plan, Kind::SOCKET_CLIENT).problem.as_ref().unwrap();
    assert!(problem.hint().contains("docker-compose"), "{}", problem.hint());
}

fn a_user_that_the_file_names_is_taken() {
    let root = || {
        bent(seen(), |seen| {
            seen.inspected.user = String::new();
            inside(seen).processes = vec![process(0, &[])];
        })
    };
    let lines = format!("user = \"mcp\"\n{COMPOSE}");
    let change = planned(&lines, root());
    assert_eq!(change.changed(), ["user", "uid", "dind.cai.yml"]);
    // The image puts the user into the group, so nothing else is needed.
    assert!(written(&change).ends_with("manager:\n    user: mcp\n"), "{}", written(&change));
    let unknown = format!("uid = 1002\n{COMPOSE}");
    let text = written(&planned(&unknown, root()));
    assert!(text.contains("user: 1002:2375"), "{text}");
    // An entrypoint that continues as another user.
    let dropped = bent(root(), |seen| {
        inside(seen).processes.push(Process { pid: 7, ..process(1001, &[2375]) });
    });
    assert!(plan_of(&lines, dropped).is_empty());
    let kept = bent(root(), |seen| seen.inspected.user = "mcp".into());
    assert!(hint(&lines, kept).contains("its entrypoint switches to another"));
    let nobody = format!("user = \"nosuch\"\n{COMPOSE}");
    assert!(hint(&nobody, seen()).contains("RUN adduser -D nosuch"));
}

fn a_container_that_is_not_there_is_made() {
    let config = declares(COMPOSE);
    let plan = plan(&config, &facts(&config, client(Observation::Absent)));
    let change = change(&plan, Kind::SOCKET_CLIENT);
    assert_eq!((change.action, change.disruption), (Action::Create, Disruption::None));
    // The project is not set, so Compose determines it.
    let up = "docker --context containai-secure compose -f /d/dind.yml -f /d/dind.cai.yml up -d \
              --no-deps manager";
    assert_eq!(steps(change), ["write /d/dind.cai.yml", up]);
    let config = declares("volume = \"sock\"\n");
    let plan = super::plan(&config, &facts(&config, client(Observation::Absent)));
    let hint = super::change(&plan, Kind::SOCKET_CLIENT).problem.as_ref().unwrap().hint();
    assert!(hint.contains("-v sock:/var/run:rw --group-add 2375"), "{hint}");
}

fn a_container_that_ends_at_once_is_judged_by_what_it_is_made_with() {
    let restarting = |seen: &mut ExistingContainer| {
        seen.inside = None;
        seen.inspected.state.status = "restarting".into();
        seen.log = vec!["permission denied".into()];
    };
    let change = planned(COMPOSE, bent(denied(), restarting));
    assert!(written(&change).contains("group_add"));
    assert_eq!(stops(&change), ["mcp-manager"]);
    // The program has the group, so it exits for another reason.
    let said = hint(COMPOSE, bent(seen(), restarting));
    assert!(said.contains("keeps restarting: permission denied"), "{said}");
}

fn clients_of_one_compose_file_take_turns() {
    let config = declares(&format!(
        "{COMPOSE}[[socket_clients]]\ncontainer = \"second\"\ncompose_file = \"/d/dind.yml\"\n\
         service = \"other\"\n"
    ));
    let graph = containai::reconcile::graph::Graph::new(&[&config]).unwrap();
    let edges: Vec<String> =
        graph.edges().map(|(from, to, edge)| format!("{from} {edge:?} {to}")).collect();
    let turn = "socket_client.mcp-manager Notifies socket_client.second".to_owned();
    assert!(edges.contains(&turn), "{edges:?}");
}

fn a_client_of_another_engine_waits_for_nothing_of_this_one() {
    let config = declares("context = \"dind\"\n");
    let graph = containai::reconcile::graph::Graph::new(&[&config]).unwrap();
    let mut edges = graph.edges();
    assert!(!edges.any(|(_, to, _)| to.kind == Kind::SOCKET_CLIENT));
    // The name of the file's own context selects the same engine.
    let config = declares("context = \"containai-secure\"\n");
    assert_eq!(config.socket_clients[0].context, None);
}

fn an_engine_that_does_not_answer_defers() {
    let config = declares(COMPOSE);
    let reason = Reason::EngineSilent("no".into());
    let facts = facts(&config, client(Observation::Unobservable(reason)));
    assert_eq!(effects(&plan(&config, &facts)), [(Kind::SOCKET_CLIENT, Action::Deferred)]);
}

fn a_container_that_could_not_be_made_again_is_not_stopped() {
    let config = declares(COMPOSE);
    let without_file = |container| {
        let mut client = client(container);
        client.compose.as_mut().unwrap().service = Err(ComposeError::Missing);
        facts(&config, client)
    };
    let silent = || Observation::Unobservable(Reason::EngineSilent("closed".into()));
    for container in [Observation::Present(seen()), silent()] {
        let mut facts = without_file(container);
        bend_vm(&mut facts, |vm| vm.cpus = Some(1));
        bend_guest(&mut facts, |guest| {
            guest.containers.as_mut().unwrap()[0].name = "mcp-manager".into();
        });
        let plan = plan(&config, &facts);
        let problem = change(&plan, Kind::SOCKET_CLIENT).problem.as_ref().unwrap();
        assert_eq!(problem.to_string(), "/d/dind.yml: the file does not exist");
    }
    let mut facts = without_file(Observation::Present(seen()));
    assert!(plan(&config, &facts).is_empty(), "it is as it should be, and nothing stops it");
    facts.clients.get_mut("mcp-manager").unwrap().container = silent();
    assert_eq!(plan(&config, &facts).problems().count(), 1, "it may have to be made");
}

fn health_is_waited_for() {
    let last = |lines: &str| {
        let change = planned(&format!("{lines}{COMPOSE}"), denied());
        steps(&change).pop().unwrap()
    };
    assert!(last("health = \"http://localhost:1/h\"\n").ends_with("await http://localhost:1/h"));
    let own = last("health = \"container\"\n");
    assert!(own.starts_with("await `docker --context containai-secure inspect"), "{own}");
}
