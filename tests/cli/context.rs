//! The Docker context, made by the real `docker` command; the rest of the user's Docker is checked
//! byte for byte around every `cai` by the sandbox.

use super::fake;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_context_is_made_and_a_second_apply_does_nothing,
        a_context_on_a_wrong_endpoint_is_updated_and_keeps_the_rest,
        a_context_of_somebody_else_is_refused_and_left_alone,
        variables_of_the_users_docker_lead_nowhere_else,
        another_docker_config_is_respected,
    ]
}

/// Where the context leads, as the real `docker` says.
fn endpoint(sandbox: &Sandbox) -> String {
    let format = "{{.Endpoints.docker.Host}}";
    let ran =
        sandbox.run(&["docker", "context", "inspect", "containai-secure", "--format", format]);
    ran.success().trim().to_owned()
}

fn socket(sandbox: &Sandbox) -> String {
    format!("unix://{}", sandbox.path("lima/containai-secure/sock/docker.sock").display())
}

fn a_context_is_made_and_a_second_apply_does_nothing() {
    let sandbox = fake::engine();
    let plan = sandbox.cai(&["plan"]);
    assert!(plan.success().contains("+ context.containai-secure"), "{plan}");
    sandbox.cai(&["apply", "--yes"]).success();
    assert_eq!(endpoint(&sandbox), socket(&sandbox));
    let show = sandbox.run(&["docker", "context", "show"]);
    assert_eq!(show.success(), "desktop-linux\n", "the current context changed");
    let again = sandbox.cai(&["apply", "--yes"]);
    assert_eq!(
        (again.success(), again.stderr.as_str()),
        ("", "No changes. containai-secure matches containai.toml.\n")
    );
}

fn a_context_on_a_wrong_endpoint_is_updated_and_keeps_the_rest() {
    let sandbox = fake::engine();
    sandbox.cai(&["apply", "--yes"]).success();
    let update = ["docker", "context", "update", "containai-secure", "--docker", "host=unix:///x"];
    sandbox.run(&update).success();
    let plan = sandbox.cai(&["plan"]);
    assert!(plan.success().contains("host = \"unix:///x\"\n          -> "), "{plan}");
    sandbox.cai(&["apply", "--yes"]).success();
    assert_eq!(endpoint(&sandbox), socket(&sandbox));
}

fn a_context_of_somebody_else_is_refused_and_left_alone() {
    let sandbox = fake::engine();
    let host = "host=ssh://prod.example";
    sandbox.run(&["docker", "context", "create", "containai-secure", "--docker", host]).success();
    let ran = sandbox.cai(&["apply", "--yes"]);
    let error = ran.fails_with(1);
    assert!(error.contains("ssh://prod.example") && error.contains("not created by cai"), "{ran}");
    assert_eq!(endpoint(&sandbox), "ssh://prod.example");
}

fn variables_of_the_users_docker_lead_nowhere_else() {
    let sandbox = fake::engine();
    let variables = [("DOCKER_HOST", "tcp://192.0.2.1:2375"), ("DOCKER_CONTEXT", "nosuch")];
    sandbox.cai_with(&["apply", "--yes"], &variables).success();
    assert_eq!(endpoint(&sandbox), socket(&sandbox));
}

fn another_docker_config_is_respected() {
    let sandbox = fake::engine();
    sandbox.directory("other");
    let other = sandbox.path("other");
    let variables = [("DOCKER_CONFIG", other.to_str().unwrap())];
    sandbox.cai_with(&["apply", "--yes"], &variables).success();
    assert!(other.join("contexts/meta").is_dir());
    assert!(!sandbox.path("home/.docker/contexts/meta").join(containai_directory()).exists());
}

/// The directory of the context's name in Docker's store.
fn containai_directory() -> &'static str {
    "80d3a3cd1eccfd874f47542d24d21ccf4f3e5ad50a354f1c0f01121d22de6b7d"
}
