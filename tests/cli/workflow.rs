//! The workflow for pull requests in `examples/github`: its steps are run as a runner of GitHub Actions would run
//! them, with a fake `gh`.

use std::path::Path;

use serde_json::Value;

use super::documents::root;
use crate::support::sandbox::{Ran, Sandbox, finish};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_steps_of_the_workflow_plan_and_comment,
        an_error_is_an_annotation_on_its_line,
        a_warning_is_an_annotation_as_well,
    ]
}

/// The steps of the job with commands of their own, by name.
fn steps() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("examples/github/containai.yml")).unwrap();
    let workflow: Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!(workflow["permissions"]["contents"], "read");
    let steps = workflow["jobs"]["plan"]["steps"].as_array().unwrap();
    let own = steps.iter().filter_map(|step| {
        Some((step["name"].as_str()?.to_owned(), step["run"].as_str()?.to_owned()))
    });
    own.collect()
}

/// A checkout with a project of a team, as the runner has it.
fn checkout(project: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let base = std::fs::read_to_string(root().join("examples/team/base.toml")).unwrap();
    sandbox.write("home/base.toml", &base);
    sandbox.write("home/containai.toml", project);
    sandbox
}

fn run(sandbox: &Sandbox, name: &str) -> Ran {
    run_with(sandbox, name, &[])
}

fn run_with(sandbox: &Sandbox, name: &str, more: &[(&str, &str)]) -> Ran {
    run_in(sandbox, &sandbox.home(), name, more)
}

/// Runs a step in this checkout, as a runner would, with more variables of the runner. The fake `gh` keeps what it
/// is called with in `gh.calls`, and the comment in `comment.md`.
pub fn run_in(sandbox: &Sandbox, checkout: &Path, name: &str, more: &[(&str, &str)]) -> Ran {
    let (_, script) = steps().into_iter().find(|(step, _)| step == name).expect("the step exists");
    let gh = "echo \"$@\" >>\"$HOME/gh.calls\"; cp \"$5\" \"$HOME/comment.md\"";
    sandbox.fake_program("gh", gh);
    sandbox.directory("home/temp");
    let mut command = sandbox.command(&["bash", "-e", "-o", "pipefail", "-c", &script]);
    command
        .current_dir(checkout)
        .env("GITHUB_WORKSPACE", checkout)
        .env("GITHUB_STEP_SUMMARY", sandbox.path("home/summary.md"))
        .env("RUNNER_TEMP", sandbox.path("home/temp"))
        .env("NUMBER", "7")
        .envs(more.iter().copied());
    finish(command)
}

const PROJECT: &str = "version = 1\nextends = \"base.toml\"\n\n[vm]\nname = \"shop\"\n";

fn the_steps_of_the_workflow_plan_and_comment() {
    let names: Vec<String> = steps().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Install cai", "Validate", "Plan", "Comment"]);
    let sandbox = checkout(PROJECT);
    let git = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let own = ["git", "-c", "user.name=ci", "-c", "user.email=ci@example.org"];
        sandbox.run(&[&own[..], &words].concat()).success().trim().to_owned()
    };
    git("init --quiet");
    git("add base.toml containai.toml");
    git("commit --quiet --message=base");
    git("update-ref refs/remotes/origin/main HEAD");
    sandbox.write("home/containai.toml", &format!("{PROJECT}\n[docker.daemon]\nmtu = 1400\n"));
    git("commit --quiet --all --message=change");
    let head = git("rev-parse HEAD");
    for step in ["Validate", "Plan", "Comment"] {
        run_with(&sandbox, step, &[("GITHUB_BASE_REF", "main"), ("GITHUB_SHA", &head)]).success();
    }
    let read = |name: &str| std::fs::read_to_string(sandbox.home().join(name)).unwrap();
    let comment = read("comment.md");
    assert!(comment.contains("provision.daemon") && comment.contains("mtu"), "{comment}");
    // What the base branch has is not part of the change.
    assert!(comment.contains("0 to add, 1 to change") && !comment.contains("user.ci"), "{comment}");
    assert_eq!(read("summary.md"), comment);
    assert!(read("gh.calls").starts_with("pr comment 7 --body-file "), "{}", read("gh.calls"));
}

fn an_error_is_an_annotation_on_its_line() {
    let sandbox = checkout(&format!("{PROJECT}memory = \"8GB\"\n"));
    let ran = run(&sandbox, "Validate");
    let error = ran.fails_with(3);
    let line = error.lines().find(|line| line.starts_with("::error")).expect("an annotation");
    assert!(line.starts_with("::error file=containai.toml,line=6,col=10,title=cai::"), "{line}");
    assert!(line.contains("8GiB"), "{line}");
    // One in a layer is on the line of the layer.
    let sandbox = checkout(PROJECT);
    sandbox.write("home/base.toml", "version = 1\n[vm]\ncpu = 2\n");
    let ran = run(&sandbox, "Validate");
    let error = ran.fails_with(3);
    assert!(
        error.contains("\n::error file=base.toml,line=3,col=1,title=cai::unknown key"),
        "{ran}"
    );
}

fn a_warning_is_an_annotation_as_well() {
    let sandbox = checkout(&format!("{PROJECT}\n[docker.daemon]\nx-unknown = 1\n"));
    let ran = run(&sandbox, "Validate");
    ran.success();
    let expected = "::warning file=containai.toml,line=8,title=cai::unknown keys of daemon.json";
    assert!(ran.stderr.contains(expected), "{ran}");
}
