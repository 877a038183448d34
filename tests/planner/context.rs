//! The Docker context and its owner.

use containai::docker::ContextMetadata;
use containai::model::address::Kind;
use containai::plan::{Action, Reason};

use super::{change, effects, plan, steps};
use crate::support::machine::{config, healthy};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_context_that_leads_elsewhere_is_updated_if_cai_made_it,
        a_context_made_by_hand_for_this_vm_is_taken_over,
        a_context_of_another_vm_is_left_alone,
        a_context_of_somebody_else_stops_the_plan,
        without_docker_the_plan_says_what_to_install,
        a_context_that_nobody_can_use_is_told,
    ]
}

fn context(host: &str, description: &str) -> ContextMetadata {
    ContextMetadata { host: host.into(), description: description.into() }
}

fn a_context_that_leads_elsewhere_is_updated_if_cai_made_it() {
    let config = config();
    let mut facts = healthy(&config);
    facts.context =
        Some(context("unix:///old", "Docker in the Lima VM containai-secure, managed by cai"));
    let plan = plan(&config, &facts);
    assert_eq!(effects(&plan), [(Kind::CONTEXT, Action::Update)]);
    assert_eq!(
        steps(change(&plan, Kind::CONTEXT)),
        ["docker context update --description \
          'Docker in the Lima VM containai-secure, managed by cai' --docker \
          '\"host=unix:///home/dev/.lima/containai-secure/sock/docker.sock\"' containai-secure"]
    );
}

fn a_context_of_another_vm_is_left_alone() {
    let config = config();
    for (host, description) in [
        (
            "unix:///home/dev/.lima/other/sock/docker.sock",
            "Docker in the Lima VM other, managed by cai",
        ),
        ("unix:///elsewhere/containai-secure/sock/docker.sock", "mine"),
        // The socket of a VM that someone else made, such as Colima, can be anywhere.
        ("unix:///home/dev/.colima/a/docker.sock", "Docker in the Lima VM a, managed by cai"),
    ] {
        let mut facts = healthy(&config);
        facts.context = Some(context(host, description));
        let plan = plan(&config, &facts);
        assert_eq!(plan.problems().count(), 1, "{host}");
    }
}

fn a_context_made_by_hand_for_this_vm_is_taken_over() {
    let config = config();
    let mut facts = healthy(&config);
    facts.context = Some(context("unix:///home/dev/.lima/containai-secure/sock/docker.sock", ""));
    let plan = plan(&config, &facts);
    assert_eq!(effects(&plan), [(Kind::CONTEXT, Action::Update)]);
    assert_eq!(plan.problems().count(), 0);
}

fn a_context_of_somebody_else_stops_the_plan() {
    let config = config();
    let mut facts = healthy(&config);
    facts.context = Some(context("ssh://prod.example", "production"));
    let plan = plan(&config, &facts);
    let context = change(&plan, Kind::CONTEXT);
    assert!(context.steps.is_empty());
    let problem = context.problem.as_ref().unwrap();
    assert!(problem.to_string().contains("ssh://prod.example"), "{problem}");
    assert!(problem.hint().contains("docker context rm containai-secure"));
}

fn without_docker_the_plan_says_what_to_install() {
    let config = config();
    let mut facts = healthy(&config);
    facts.tools.docker = None;
    assert!(plan(&config, &facts).is_empty(), "nothing needs it now");
    facts.context = None;
    let plan = plan(&config, &facts);
    let problem = change(&plan, Kind::CONTEXT).problem.as_ref().unwrap();
    assert_eq!(problem.to_string(), "the docker command is not on PATH");
}

fn a_context_that_nobody_can_use_is_told() {
    let config = config();
    let mut facts = healthy(&config);
    let plan_of = |facts: &_| change(&plan(&config, facts), Kind::CONTEXT).clone();
    assert_eq!(plan_of(&facts).reasons, []);
    facts.tools.docker = None;
    let change = plan_of(&facts);
    assert_eq!((change.action, change.reasons), (Action::NoOp, vec![Reason::NoDocker]));
}
