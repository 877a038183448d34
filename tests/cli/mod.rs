//! The command line as a user has it: the real `cai`, the real `docker`, and fakes, named so, where
//! a fault of a tool is wanted.

mod apply;
mod compose;
mod context;
mod destroy;
pub mod documents;
mod editor;
mod everyday;
pub mod fake;
mod file;
mod first_hour;
mod forged;
mod help;
mod init;
mod layers;
mod lima;
mod manual;
mod output;
mod pin;
mod plan;
mod progress;
mod report;
mod saved;
mod saved_owner;
mod saved_words;
mod setup;
pub mod socket_client;
mod status;
mod timeout;
mod tools;
mod watch;
pub mod workflow;

use libtest_mimic::Trial;

/// Every command there is.
const COMMANDS: [&str; 30] = [
    "init",
    "import",
    "setup",
    "validate",
    "plan",
    "apply",
    "start",
    "stop",
    "restart",
    "shell",
    "logs",
    "egress",
    "list",
    "allow",
    "env",
    "watch",
    "status",
    "report",
    "doctor",
    "explain",
    "destroy",
    "show",
    "render",
    "pin",
    "graph",
    "schema",
    "simulate",
    "completions",
    "man",
    "help",
];

/// All trials.
pub fn trials() -> Vec<Trial> {
    [
        apply::trials(),
        compose::trials(),
        context::trials(),
        destroy::trials(),
        documents::trials(),
        editor::trials(),
        everyday::trials(),
        file::trials(),
        first_hour::trials(),
        forged::trials(),
        help::trials(),
        init::trials(),
        layers::trials(),
        lima::trials(),
        manual::trials(),
        output::trials(),
        pin::trials(),
        plan::trials(),
        progress::trials(),
        report::trials(),
        saved::trials(),
        saved_owner::trials(),
        saved_words::trials(),
        setup::trials(),
        socket_client::trials(),
        status::trials(),
        timeout::trials(),
        tools::trials(),
        watch::trials(),
        workflow::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
