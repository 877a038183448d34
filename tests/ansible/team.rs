//! A team: a shared repository, members with separate machines, a runner for pull requests, and the documents that
//! all of them read.

use std::path::PathBuf;

use crate::cli::documents::root;
use crate::cli::workflow;
use crate::support::sandbox::{Ran, Sandbox, finish};

/// The file of one member's own values.
pub const LOCAL: &str = "containai.local.toml";

/// A repository with the files of `examples/team`, and its clones. Each clone belongs to a person with a simulated
/// machine.
pub struct Team<'a> {
    sandbox: &'a Sandbox,
}

impl<'a> Team<'a> {
    /// The repository, whose base file ends with this text, and clones with these names.
    pub fn new(sandbox: &'a Sandbox, base: &str, clones: &[&str]) -> Self {
        let identity = "[user]\nname = ci\nemail = ci@example.org\n";
        sandbox.write("home/.gitconfig", &format!("{identity}[init]\ndefaultBranch = main\n"));
        let team = Self { sandbox };
        sandbox.run(&["git", "init", "--quiet", "--bare", "team.git"]).success();
        let (first, others) = clones.split_first().unwrap();
        team.clone_to(first);
        team.write(first, "base.toml", &(example("team/base.toml") + base));
        team.write(first, "containai.toml", &example("team/containai.toml"));
        // What the example of the local file asks for.
        team.write(first, ".gitignore", &format!("{LOCAL}\n"));
        team.git(first, "add .");
        team.commit(first, "main");
        for clone in others {
            team.clone_to(clone);
        }
        team
    }

    fn clone_to(&self, name: &str) {
        self.sandbox.run(&["git", "clone", "--quiet", "team.git", name]).success();
    }

    /// A file of a clone.
    pub fn path(&self, clone: &str, file: &str) -> PathBuf {
        self.sandbox.home().join(clone).join(file)
    }

    pub fn read(&self, clone: &str, file: &str) -> String {
        std::fs::read_to_string(self.path(clone, file)).unwrap()
    }

    pub fn write(&self, clone: &str, file: &str, text: &str) {
        self.sandbox.write(&format!("home/{clone}/{file}"), text);
    }

    /// Replaces a text of a file, which it must contain.
    #[track_caller]
    pub fn edit(&self, clone: &str, file: &str, from: &str, to: &str) {
        let text = self.read(clone, file);
        assert!(text.contains(from), "{from:?} is not in {file}: {text}");
        self.write(clone, file, &text.replace(from, to));
    }

    /// Runs git in a clone and returns its output.
    #[track_caller]
    pub fn git(&self, clone: &str, line: &str) -> String {
        let words: Vec<&str> = ["git"].into_iter().chain(line.split(' ')).collect();
        let mut command = self.sandbox.command(&words);
        command.current_dir(self.path(clone, ""));
        finish(command).success().trim().to_owned()
    }

    /// Commits all changes of a clone to a branch of the repository.
    pub fn commit(&self, clone: &str, branch: &str) {
        self.git(clone, "commit --quiet --all --message=change");
        self.git(clone, &format!("push --quiet origin HEAD:{branch}"));
    }

    /// The merge of a pull request, which all of these clones then have.
    pub fn merge(&self, branch: &str, clones: &[&str]) {
        self.git("runner", &format!("push --quiet origin origin/{branch}:main"));
        for clone in clones {
            self.git(clone, "pull --quiet origin main");
        }
    }

    /// The directory of a member's simulated machine.
    pub fn machine(&self, member: &str) -> PathBuf {
        self.sandbox.path(format!("{member}.machine"))
    }

    /// Runs `cai` in a member's clone.
    pub fn cai(&self, member: &str, words: &[&str]) -> Ran {
        self.run(member, &[&["cai"], words].concat())
    }

    /// Runs a command in a directory of a member's home.
    pub fn run(&self, member: &str, words: &[&str]) -> Ran {
        let guard = self.sandbox.docker_guard();
        let mut command = self.sandbox.command(words);
        command.current_dir(self.path(member, "")).env("CAI_SIMULATE", self.machine(member));
        let ran = finish(command);
        guard.check(&ran.line);
        ran
    }

    /// Runs a step of the workflow in `examples/github` for a pull request with this branch.
    pub fn check(&self, branch: &str, step: &str) -> Ran {
        self.git("runner", "fetch --quiet origin");
        self.git("runner", &format!("checkout --quiet --detach origin/{branch}"));
        let head = self.git("runner", "rev-parse HEAD");
        let more = [("GITHUB_BASE_REF", "main"), ("GITHUB_SHA", &head)];
        workflow::run_in(self.sandbox, &self.path("runner", ""), step, &more)
    }
}

/// The text of an example.
pub fn example(name: &str) -> String {
    std::fs::read_to_string(root().join("examples").join(name)).unwrap()
}

/// The contents of the fenced blocks of a document in this language.
pub fn blocks(document: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let blocks = document.split(&begin).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The command lines of a document that follow each other, from the first one that contains this text. The
/// document indents them, and can have a description after each.
pub fn commands(document: &str, first: &str) -> Vec<String> {
    let document = document.replace("\\\n      ", "");
    let lines = document.lines().skip_while(|line| !is_command(line) || !line.contains(first));
    let lines: Vec<String> = lines
        .take_while(|line| is_command(line))
        .map(|line| line.trim().split("    ").next().unwrap().to_owned())
        .collect();
    assert!(!lines.is_empty(), "no command with {first:?}: {document}");
    lines
}

fn is_command(line: &str) -> bool {
    line.starts_with("    ")
}
