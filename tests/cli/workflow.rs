//! The workflow for pull requests in `examples/github`: its steps are run as a runner of GitHub Actions would run
//! them, with a fake `gh`.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::documents::root;
use crate::support::sandbox::{Ran, Sandbox, finish};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    // The fake `gh` needs it.
    let has_jq = Command::new("jq").arg("--version").output().is_ok();
    let comments = trials![
        the_steps_of_the_workflow_plan_and_comment,
        each_workflow_keeps_its_own_comment,
        the_plan_is_for_the_declared_platform_with_consent,
        a_pull_request_may_delete_the_file,
    ];
    let others = trials![
        only_an_invalid_base_file_is_left_out,
        an_error_is_an_annotation_on_its_line,
        a_warning_is_an_annotation_as_well,
    ];
    comments.into_iter().map(|trial| trial.with_ignored_flag(!has_jq)).chain(others).collect()
}

fn workflow() -> Value {
    let text = std::fs::read_to_string(root().join("examples/github/containai.yml")).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

/// The steps of the job with commands of their own, by name.
fn steps() -> Vec<(String, String)> {
    let workflow = workflow();
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

/// Keeps the comments of a pull request in `comments.json`, and the text of the last one that was written in
/// `comment.md`. Its parameters are those of the workflow, in the same order.
const GH: &str = r#"
cd "$HOME"
[ -f comments.json ] || echo '[]' >comments.json
[ "$1" = api ] || exit 9
case "$2 $3 $4" in
"--paginate repos/team/shop/issues/7/comments --jq")
  exec jq -r "$5" comments.json ;;
"--method POST repos/team/shop/issues/7/comments")
  change='. + [{id: (length + 1), user: {login: "github-actions[bot]"}, body: $body}]' ;;
"--method PATCH repos/team/shop/issues/comments/"*)
  change='map(if .id == ($id | tonumber) then .body = $body else . end)' ;;
*) exit 9 ;;
esac
[ "$5 $6" = "--silent --field" ] || exit 9
cp "${7#body=@}" comment.md
jq --arg id "${4##*/}" --rawfile body comment.md "$change" comments.json >new.json
mv new.json comments.json
"#;

/// Runs a step in this checkout, as a runner would, with more variables of the runner and a fake `gh`.
pub fn run_in(sandbox: &Sandbox, checkout: &Path, name: &str, more: &[(&str, &str)]) -> Ran {
    let (_, script) = steps().into_iter().find(|(step, _)| step == name).expect("the step exists");
    sandbox.fake_program("gh", GH);
    sandbox.directory("home/temp");
    let mut command = sandbox.command(&["bash", "-e", "-o", "pipefail", "-c", &script]);
    for (name, value) in workflow()["env"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    command
        .current_dir(checkout)
        .env("GITHUB_REPOSITORY", "team/shop")
        .env("GITHUB_WORKSPACE", checkout)
        .env("GITHUB_STEP_SUMMARY", sandbox.path("home/summary.md"))
        .env("RUNNER_TEMP", sandbox.path("home/temp"))
        .env("NUMBER", "7")
        .envs(more.iter().copied());
    finish(command)
}

const PROJECT: &str = "version = 1\nextends = \"base.toml\"\n\n[vm]\nname = \"shop\"\n";

/// The checkout of a pull request.
struct PullRequest {
    sandbox: Sandbox,
    head: String,
}

impl PullRequest {
    /// One that changes the file from the first text to the second, or deletes it.
    fn new(base: &str, head: Option<&str>) -> Self {
        let mut request = Self { sandbox: checkout(base), head: String::new() };
        request.git("init --quiet");
        request.git("add base.toml containai.toml");
        request.git("commit --quiet --message=base");
        request.git("update-ref refs/remotes/origin/main HEAD");
        match head {
            Some(head) => request.sandbox.write("home/containai.toml", head),
            None => drop(request.git("rm --quiet containai.toml")),
        }
        request.git("commit --quiet --all --message=change");
        request.head = request.git("rev-parse HEAD");
        request
    }

    fn git(&self, words: &str) -> String {
        let words: Vec<&str> = words.split(' ').collect();
        let own = ["git", "-c", "user.name=ci", "-c", "user.email=ci@example.org"];
        self.sandbox.run(&[&own[..], &words].concat()).success().trim().to_owned()
    }

    /// Runs a step with other variables of the workflow.
    fn step(&self, name: &str, variables: &[(&str, &str)]) -> Ran {
        let own = [("GITHUB_BASE_REF", "main"), ("GITHUB_SHA", self.head.as_str())];
        run_with(&self.sandbox, name, &[&own, variables].concat())
    }

    /// Runs all steps and returns the comment.
    fn comment(&self, variables: &[(&str, &str)]) -> String {
        for step in ["Validate", "Plan", "Comment"] {
            self.step(step, variables).success();
        }
        self.read("comment.md")
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.sandbox.home().join(name)).unwrap()
    }
}

fn the_steps_of_the_workflow_plan_and_comment() {
    let names: Vec<String> = steps().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Install cai", "Validate", "Plan", "Comment"]);
    let request =
        PullRequest::new(PROJECT, Some(&format!("{PROJECT}\n[docker.daemon]\nmtu = 1400\n")));
    let comment = request.comment(&[]);
    assert!(comment.contains("provision.daemon") && comment.contains("mtu"), "{comment}");
    // What the base branch has is not part of the change.
    assert!(comment.contains("0 to add, 1 to change") && !comment.contains("user.ci"), "{comment}");
    assert_eq!(format!("<!-- cai-plan -->\n{}", request.read("summary.md")), comment);
}

fn each_workflow_keeps_its_own_comment() {
    let request = PullRequest::new(PROJECT, Some(&format!("{PROJECT}memory = \"12GiB\"\n")));
    let others = json!([
        {"id": 1, "user": {"login": "dev"}, "body": "<!-- cai-plan -->\nwritten by a person"},
        {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "of another workflow"},
    ]);
    request.sandbox.write("home/comments.json", &others.to_string());
    request.comment(&[]);
    let first = request.read("comments.json");
    request.sandbox.write("home/temp/plan.md", "the next plan\n");
    request.step("Comment", &[]).success();
    let [first, second]: [Vec<Value>; 2] =
        [first, request.read("comments.json")].map(|it| serde_json::from_str(&it).unwrap());
    assert_eq!(first[..2], others.as_array().unwrap()[..]);
    assert!(first[2]["body"].as_str().unwrap().contains("12GiB"), "{first:?}");
    assert_eq!(second[..2], first[..2]);
    assert_eq!(second[2]["body"], "<!-- cai-plan -->\nthe next plan\n");
    assert_eq!((first.len(), second.len()), (3, 3));
}

fn the_plan_is_for_the_declared_platform_with_consent() {
    let vz = format!("{PROJECT}type = \"vz\"\n");
    let mount = "[[vm.mounts]]\nlocation = \"~/.lima\"\nwritable = true\n\n[vm]\n";
    let mount = PROJECT.replace("[vm]\n", mount);
    for (base, setting) in
        [(vz, ("PLATFORM", "macos")), (mount, ("CONSENT", "--allow-mount=~/.lima"))]
    {
        let request = PullRequest::new(&base, Some(&format!("{base}memory = \"12GiB\"\n")));
        let comment = request.comment(&[setting]);
        assert!(comment.contains("0 to add, 1 to change"), "{comment}");
        assert!(comment.contains("\"8GiB\" -> \"12GiB\""), "{comment}");
        // Without the setting, the step fails instead of a comment with a wrong plan.
        let ran = request.step("Plan", &[]);
        ran.fails_with(1);
        assert!(ran.stdout.contains("::error::containai.toml of the base branch cannot"), "{ran}");
    }
}

fn only_an_invalid_base_file_is_left_out() {
    let request = PullRequest::new(&format!("{PROJECT}memory = \"8GB\"\n"), Some(PROJECT));
    request.step("Validate", &[]).success();
    let ran = request.step("Plan", &[]);
    assert!(ran.success().contains("of the base branch is not valid"), "{ran}");
    let plan = request.read("summary.md");
    assert!(plan.contains("+ vm.shop") && plan.contains("0 to change"), "{plan}");
}

fn a_pull_request_may_delete_the_file() {
    let request = PullRequest::new(PROJECT, None);
    let comment = request.comment(&[]);
    assert!(comment.contains("The pull request deletes `containai.toml`."), "{comment}");
    // A wrong path is an error.
    request.step("Validate", &[("CAI_FILE", "other.toml")]).fails_with(3);
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
