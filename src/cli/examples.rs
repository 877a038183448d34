//! The examples in the help and the man pages. A test runs each one on a simulated host.

use clap::Command;

/// The examples of a command: what each one does, and its command line.
type Examples = &'static [(&'static str, &'static str)];

/// All examples. The empty name is `cai` itself.
const EXAMPLES: &[(&str, Examples)] = &[
    (
        "",
        &[
            ("Create the file, then the engine", "cai init && cai apply --yes"),
            ("Diagnose and fix the engine", "cai doctor --fix --yes"),
            ("Try it on a simulated host", "cai --simulate apply --yes"),
            ("Show the version, commit and platform of this build", "cai --version --json"),
        ],
    ),
    (
        "init",
        &[
            ("Create containai.toml in the current directory", "cai init"),
            ("Create another file", "cai init --file agents.toml --force"),
        ],
    ),
    (
        "setup",
        &[
            ("Show what setup would create", "cai setup --dry-run"),
            ("Create the file and the engine without a question", "cai setup --yes"),
        ],
    ),
    (
        "import",
        &[
            ("Print the file for an existing VM", "cai import containai-secure"),
            (
                "Write the file, after showing the differences",
                "cai import containai-secure --out containai.toml",
            ),
        ],
    ),
    (
        "validate",
        &[
            ("Check the file", "cai validate"),
            ("Check two files together", "cai validate -f agents.toml -f builds.toml"),
            ("Show the file and line that sets each value", "cai validate --explain"),
        ],
    ),
    (
        "plan",
        &[
            ("Show what apply would change", "cai plan"),
            ("Save the plan", "cai plan --out engine.plan"),
            ("Exit with 2 if the machine differs from the file", "cai plan --detailed-exitcode"),
            ("Show what destroy would delete", "cai plan --destroy"),
        ],
    ),
    (
        "apply",
        &[
            ("Show the plan, ask, and apply it", "cai apply"),
            ("Apply a saved plan", "cai plan --out engine.plan && cai apply engine.plan"),
            (
                "Apply only one resource and what it requires",
                "cai apply --yes --target context.containai-secure",
            ),
        ],
    ),
    (
        "egress",
        &[("Explain whether containers may connect to a host", "cai egress test github.com:443")],
    ),
    (
        "egress test",
        &[("Explain whether containers may connect to a host", "cai egress test github.com:443")],
    ),
    ("start", &[("Start the VM", "cai start")]),
    ("stop", &[("Stop the VM without a question", "cai stop --yes")]),
    ("restart", &[("Restart the VM without a question", "cai restart --yes")]),
    (
        "shell",
        &[
            ("Open a shell in the VM", "cai shell"),
            ("Run a command in the VM", "cai shell -- docker ps"),
        ],
    ),
    (
        "logs",
        &[
            ("Show the last lines of dockerd's log", "cai logs"),
            ("Follow dockerd's log", "cai logs docker --follow"),
        ],
    ),
    ("allow", &[("Allow the programs and files that values come from", "cai allow --yes")]),
    ("list", &[("List the VMs that cai manages", "cai list")]),
    (
        "env",
        &[
            ("Use the engine in this shell", "eval \"$(cai env)\""),
            ("Stop using it", "eval \"$(cai env --unset)\""),
        ],
    ),
    (
        "watch",
        &[
            ("Keep the Docker socket usable in the background", "cai watch --install"),
            ("Stop that again", "cai watch --uninstall"),
        ],
    ),
    ("status", &[("Check in a script that the machine matches the file", "cai status --quiet")]),
    ("report", &[("Add this machine to an inventory", "cai report >> inventory.jsonl")]),
    (
        "doctor",
        &[
            ("Diagnose the engine", "cai doctor"),
            ("Fix the findings without a question", "cai doctor --fix --yes"),
            ("Also start a container with each runtime", "cai doctor --deep"),
            ("Write an archive for a bug report", "cai doctor --bundle report.tar.gz"),
        ],
    ),
    (
        "explain",
        &[("List all findings", "cai explain"), ("Explain a finding", "cai explain session_stale")],
    ),
    (
        "destroy",
        &[
            ("Show what would be deleted, and ask for the VM's name", "cai destroy"),
            ("Delete the VM without asking", "cai destroy --allow-destroy containai-secure"),
        ],
    ),
    (
        "show",
        &[
            ("Show what cai manages", "cai show"),
            ("Show a saved plan", "cai plan --out engine.plan && cai show engine.plan"),
        ],
    ),
    ("pin", &[("Show what would be pinned", "cai pin --dry-run")]),
    (
        "render",
        &[
            ("Print the Lima YAML of the VM", "cai render"),
            ("Print the file merged with its layers", "cai render --config"),
        ],
    ),
    (
        "graph",
        &[
            ("Print the graph for Graphviz", "cai graph"),
            ("Print the graph for Mermaid", "cai graph --format mermaid"),
        ],
    ),
    ("schema", &[("Save the schema for an editor", "cai schema > containai.schema.json")]),
    ("simulate", &[("Break the simulated host", "cai simulate break group")]),
    ("simulate list", &[("List the faults", "cai simulate list")]),
    (
        "simulate break",
        &[(
            "Break the simulated host, then fix it",
            "cai simulate break group && cai --simulate doctor --fix --yes",
        )],
    ),
    ("simulate show", &[("Show the simulated host", "cai simulate show")]),
    (
        "simulate reset",
        &[("Start again with a simulated Mac", "cai simulate reset --platform macos")],
    ),
    ("completions", &[("Load the completions in this shell", "eval \"$(cai completions bash)\"")]),
    (
        "man",
        &[
            ("Save the man page of a command", "cai man plan > cai-plan.1"),
            ("Save the man page of the file", "cai man containai.toml > containai.toml.5"),
        ],
    ),
    (
        "help",
        &[("Print the help of a command", "cai help plan"), ("Print a topic", "cai help groups")],
    ),
];

/// The examples of a command, such as `simulate break`.
pub(super) fn of(command: &str) -> Examples {
    EXAMPLES.iter().find(|(name, _)| *name == command).map_or(&[], |(_, examples)| examples)
}

/// Adds the examples to the help of every subcommand.
pub(super) fn add(command: Command, path: &str) -> Command {
    command.mut_subcommands(|sub| {
        let path = format!("{path} {}", sub.get_name()).trim_start().to_owned();
        let lines = of(&path).iter().map(|(what, line)| format!("  # {what}\n  {line}"));
        let text = format!("Examples:\n{}", lines.collect::<Vec<_>>().join("\n"));
        add(sub, &path).after_help(text)
    })
}
