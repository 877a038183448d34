//! Groups: configured and effective, Lima's SSH session, and the socket.

use containai::guest::{Group, Section};
use containai::host::Ping;
use containai::model::address::{Address, Kind};
use containai::plan::{Action, Disruption, Fallback, Plan, Unshown};
use containai::reconcile::graph::Graph;
use containai::resource::PlanContext;

use super::provision::named;
use super::{change, effects, plan, reasons, steps, stops};
use crate::support::machine::{bend_guest, bend_vm, config, config_with, healthy, stop_dockerd};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_user_who_is_not_in_the_group_joins_it_and_the_session_is_renewed,
        a_session_that_predates_the_group_is_renewed_gracefully,
        without_a_live_session_a_new_one_is_opened,
        a_refresh_without_effect_is_followed_by_a_restart,
        a_group_that_is_not_there_stops_the_plan,
        a_group_that_docker_will_bring_does_not,
        a_stopped_daemon_is_started_without_asking_its_socket,
        what_a_stopped_daemon_left_running_is_not_said_to_be_nothing,
        a_daemon_that_does_not_answer_root_is_restarted,
        a_socket_that_somebody_removed_comes_back_with_its_daemon,
        a_part_of_a_plan_stops_what_the_rest_would_have_kept,
        a_dead_forward_is_made_again_and_nothing_else,
        an_image_without_the_docker_it_should_have_stops_the_plan,
        groups_of_other_users_do_not_concern_the_session,
    ]
}

const SOCKET: &str = "/home/dev/.lima/containai-secure/sock/docker.sock";

/// The session lacks the group although it is configured.
fn lose_docker(facts: &mut containai::resource::facts::Facts) {
    bend_guest(facts, |guest| {
        guest.session_groups.remove("docker");
    });
}

fn refresh() -> Vec<String> {
    let ssh = "ssh -F /home/dev/.lima/containai-secure/ssh.config";
    let forward = format!("-L {SOCKET}:/var/run/docker.sock lima-containai-secure");
    vec![
        format!("{ssh} -O cancel {forward}"),
        format!("{ssh} -O stop lima-containai-secure"),
        format!("rm {SOCKET}"),
        format!("{ssh} lima-containai-secure true"),
        format!("{ssh} -O forward {forward}"),
    ]
}

fn a_user_who_is_not_in_the_group_joins_it_and_the_session_is_renewed() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.session_groups.remove("docker");
        guest.groups.insert("docker".into(), Group { gid: 999, members: vec![] });
        guest.groups.insert("adm".into(), Group { gid: 4, members: vec!["dev".into()] });
    });
    facts.socket = Some(Ping::Closed);
    let plan = plan(&config, &facts);
    assert_eq!(
        effects(&plan),
        [
            (Kind::GROUP_MEMBERSHIP, Action::Create),
            (Kind::RESTART, Action::Refresh),
            (Kind::SOCKET, Action::Deferred),
        ]
    );
    let membership = change(&plan, Kind::GROUP_MEMBERSHIP);
    assert_eq!(reasons(membership), "dev is not in group docker (groups: adm)");
    assert!(steps(membership)[0].ends_with("'sudo -n usermod -aG docker dev'"));
    let restart = change(&plan, Kind::RESTART);
    assert_eq!(restart.disruption, Disruption::SessionRefresh);
    assert_eq!(steps(restart), refresh());
    assert_eq!(plan.disrupting(Disruption::VmRestart), 0);
}

fn a_session_that_predates_the_group_is_renewed_gracefully() {
    let config = config();
    let mut facts = healthy(&config);
    lose_docker(&mut facts);
    facts.socket = Some(Ping::Closed);
    let plan = plan(&config, &facts);
    assert_eq!(
        effects(&plan),
        [(Kind::RESTART, Action::Refresh), (Kind::SOCKET, Action::Deferred)]
    );
    let restart = change(&plan, Kind::RESTART);
    assert_eq!(reasons(restart), "dev was added to docker after the current SSH session started");
    assert_eq!(steps(restart), refresh());
    let Some(Fallback { disruption, stops: Some(stopped) }) = &restart.fallback else {
        panic!("the fallback and its containers must be shown: {restart:?}");
    };
    assert_eq!(*disruption, Disruption::VmRestart);
    assert!(stopped.iter().map(|it| it.name.as_str()).eq(["agent-1"]), "{stopped:?}");
    assert!(stops(restart).is_empty(), "the refresh itself stops none");
}

fn without_a_live_session_a_new_one_is_opened() {
    let config = config();
    let mut facts = healthy(&config);
    facts.master = false;
    facts.socket = Some(Ping::Refused);
    let plan = plan(&config, &facts);
    let socket = change(&plan, Kind::SOCKET);
    let steps = steps(socket);
    assert!(steps[0].ends_with("lima-containai-secure true"), "{steps:?}");
    assert!(steps[1].starts_with("rm ") && steps[2].contains("-O forward"), "{steps:?}");
}

fn a_refresh_without_effect_is_followed_by_a_restart() {
    let config = config();
    let mut facts = healthy(&config);
    lose_docker(&mut facts);
    let graph = Graph::new(&[&config]).unwrap();
    let restart = graph.ordered().find(|node| node.address.kind == Kind::RESTART).unwrap();
    let plan = |tried| restart.resource.plan(PlanContext { facts: &facts, earlier: &[], tried });
    let first = plan(Disruption::None);
    let second = plan(first.disruption);
    assert_eq!(second.disruption, Disruption::VmRestart);
    assert!(reasons(&second).contains("the renewed SSH session still lacks its groups"));
    let unshown = Some(Unshown::Disruption(Disruption::VmRestart));
    assert_eq!(first.lacks(&second, false), unshown, "nothing else was tried yet");
    let fallback = first.with_fallback();
    assert_eq!(fallback.lacks(&second, false), None, "the plan showed it as its fallback");
    assert!(steps(&second)[1].contains(" stop "), "{:?}", steps(&second));
    assert!(steps(&second).last().unwrap().contains("start-containers"), "{:?}", steps(&second));
}

fn a_group_that_is_not_there_stops_the_plan() {
    let config = config_with("[[users]]\nname = \"@lima\"\ngroups = [\"docker\", \"agents\"]\n");
    let plan = plan(&config, &healthy(&config));
    let problems: Vec<String> = plan.problems().map(|(_, problem)| problem.to_string()).collect();
    assert_eq!(problems, ["the group agents does not exist in the guest"]);
    let hint = |plan: &Plan| plan.problems().next().unwrap().1.hint();
    assert_eq!(hint(&plan), "declare agents under [[groups]] so that cai creates it");
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.groups.insert("agent".into(), Group { gid: 7, members: vec![] });
    });
    let similar = super::plan(&config, &facts);
    let expected =
        "did you mean agent? If not, declare agents under [[groups]] so that cai creates it";
    assert_eq!(hint(&similar), expected);
}

fn a_group_that_docker_will_bring_does_not() {
    let config = containai::config::parse("version = 1").unwrap();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.groups.remove("docker");
        guest.session_groups.remove("docker");
        guest.dockerd_installed = false;
        stop_dockerd(guest);
        guest.units.clear();
    });
    facts.socket = None;
    let plan = plan(&config, &facts);
    assert_eq!(plan.problems().count(), 0);
    assert_eq!(change(&plan, Kind::PROVISION).action, Action::Update);
    assert_eq!(change(&plan, Kind::GROUP_MEMBERSHIP).action, Action::Create);
    assert_eq!(change(&plan, Kind::RESTART).action, Action::Refresh);
}

fn a_stopped_daemon_is_started_without_asking_its_socket() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        stop_dockerd(guest);
    });
    facts.socket = None;
    let plan = plan(&config, &facts);
    assert_eq!(
        effects(&plan),
        [(Kind::PROVISION, Action::Update), (Kind::SOCKET, Action::Deferred)]
    );
    assert_eq!(change(&plan, Kind::PROVISION).changed(), ["docker.service", "answers_root"]);
    assert_eq!(change(&plan, Kind::PROVISION).disruption, Disruption::None);
}

fn what_a_stopped_daemon_left_running_is_not_said_to_be_nothing() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, stop_dockerd);
    bend_vm(&mut facts, |vm| {
        vm.yaml.insert("cpus".into(), 2.into());
    });
    facts.socket = None;
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::VM);
    assert_eq!((vm.disruption, &vm.stops), (Disruption::VmRestart, &None));
}

fn a_daemon_that_does_not_answer_root_is_restarted() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        let silent = guest.docker_as_root.as_mut().unwrap();
        (silent.status, silent.text) = (124, "no answer".into());
        guest.containers = None;
    });
    facts.socket = Some(Ping::Closed);
    let plan = plan(&config, &facts);
    let provision = change(&plan, Kind::PROVISION);
    assert_eq!(provision.disruption, Disruption::DaemonRestart);
    assert_eq!(provision.stops, None, "they could not be listed");
    assert!(steps(provision)[0].contains("restart-docker"), "{:?}", steps(provision));
}

fn a_part_of_a_plan_stops_what_the_rest_would_have_kept() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.docker_as_root = Some(Section { text: "Cannot connect".into(), status: 1 });
        guest.socket = None;
        guest.daemon_json.text = Some("{\"debug\": true}\n".into());
    });
    facts.socket = Some(Ping::Closed);
    let docker = |address: &str| {
        let kept = address.split(' ').map(|name| Address::new(Kind::PROVISION, name)).collect();
        let graph = Graph::new(&[&config]).unwrap().only(&kept).unwrap();
        let plan = Plan::new(&graph, std::slice::from_ref(&facts));
        stops(named(&plan, "provision.docker")).join(" ")
    };
    // The reload before the restart loads the current file.
    assert_eq!(docker("docker"), "agent-1");
    assert_eq!(docker("daemon docker"), "");
}

fn a_socket_that_somebody_removed_comes_back_with_its_daemon() {
    for (file, stops) in
        [("", Some(vec![])), ("[docker.daemon]\nlive-restore = false\n", None::<Vec<_>>)]
    {
        let config = config_with(file);
        let mut facts = healthy(&config);
        bend_guest(&mut facts, |guest| {
            guest.docker_as_root =
                Some(Section { text: "Cannot connect to the Docker daemon".into(), status: 1 });
            guest.containers = None;
            guest.socket = None;
            guest.daemon_json.text = guest
                .daemon_json
                .text
                .take()
                .map(|text| text.replace("true", &stops.is_some().to_string()));
        });
        facts.socket = Some(Ping::Closed);
        let plan = plan(&config, &facts);
        assert_eq!(
            effects(&plan),
            [(Kind::PROVISION, Action::Update), (Kind::SOCKET, Action::Deferred)]
        );
        let provision = change(&plan, Kind::PROVISION);
        assert_eq!(
            reasons(provision),
            "the guest's Docker socket /var/run/docker.sock does not exist"
        );
        assert_eq!(provision.disruption, Disruption::DaemonRestart);
        assert_eq!(provision.stops, stops);
        let steps = steps(provision);
        assert_eq!(steps.len(), 2, "{steps:?}");
        assert!(steps[0].contains("reload") && steps[1].contains("restart-docker"), "{steps:?}");
    }
}

fn a_dead_forward_is_made_again_and_nothing_else() {
    let config = config();
    for ping in [Ping::Missing, Ping::Refused, Ping::Closed] {
        let mut facts = healthy(&config);
        facts.socket = Some(ping);
        let plan = plan(&config, &facts);
        assert_eq!(effects(&plan), [(Kind::SOCKET, Action::Update)]);
        let steps = steps(change(&plan, Kind::SOCKET));
        let all = refresh();
        assert_eq!(steps, [&all[0], &all[2], &all[4]].map(String::as_str));
    }
}

fn an_image_without_the_docker_it_should_have_stops_the_plan() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| guest.dockerd_installed = false);
    let plan = plan(&config, &facts);
    let problem = change(&plan, Kind::PROVISION).problem.as_ref().unwrap();
    assert!(problem.hint().contains("source = \"distro\""), "{}", problem.hint());
}

fn groups_of_other_users_do_not_concern_the_session() {
    let config = config_with("[[users]]\nname = \"ci\"\ngroups = [\"adm\"]\n");
    let plan = plan(&config, &healthy(&config));
    assert_eq!(
        effects(&plan),
        [(Kind::USER, Action::Create), (Kind::GROUP_MEMBERSHIP, Action::Create)]
    );
    let membership = change(&plan, Kind::GROUP_MEMBERSHIP);
    assert_eq!(membership.address.to_string(), "group_membership.ci.adm");
}
