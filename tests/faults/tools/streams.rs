//! `cai`'s own streams, and its memory use when a tool floods its output.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use super::calls::FILE;
use crate::support::fake_fault::{Fault, VARIABLE};
use crate::support::fake_world::{self, FakeWorld};
use crate::support::tally::TOOLS;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_flood_does_not_fill_the_memory,
        nobody_who_stopped_reading_is_told_so,
        a_reader_that_stops_early_is_no_error,
        an_apply_that_nobody_reads_is_done,
        a_full_disk_behind_the_output_is_an_error,
    ]
}

/// Every command that prints without a prompt.
const COMMANDS: [&[&str]; 22] = [
    &["plan"],
    &["plan", "--json"],
    &["status"],
    &["status", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["validate"],
    &["render"],
    &["graph"],
    &["schema"],
    &["explain"],
    &["man"],
    &["completions", "bash"],
    &["--help"],
    &["--version"],
    &["apply", "--yes", "--json"],
    &["plan", "--markdown"],
    &["schema", "plan"],
    &["explain", "--json"],
    &["list"],
    &["show", "--json"],
    &["env"],
];

fn command(machine: &FakeWorld, words: &[&str]) -> Command {
    let mut command = machine.sandbox.command(words);
    command.env(fake_world::VARIABLE, machine.sandbox.path("world"));
    command
}

/// A pipe whose reader is closed.
fn broken_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn a_flood_does_not_fill_the_memory() {
    if !cfg!(target_os = "linux") {
        return TOOLS.apart("only Linux limits the memory of a process");
    }
    let machine = FakeWorld::new(FILE);
    for (words, arguments) in
        [("limactl list", "plan"), ("limactl --tty=false create", "apply --yes")]
    {
        TOOLS.case(|| {
            // A process with 128 MiB cannot hold much of 1 GiB of output.
            let line = format!("ulimit -d 131072; exec cai {arguments}");
            let fault = format!("{:?} 1 {words}", Fault::Floods);
            let output =
                command(&machine, &["sh", "-c", &line]).env(VARIABLE, fault).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("printed more than 8388608 bytes and was killed"), "{said}");
        });
    }
}

fn nobody_who_stopped_reading_is_told_so() {
    let machine = FakeWorld::converged(FILE);
    for words in COMMANDS {
        TOOLS.case(|| {
            let words = [&["cai"], words].concat();
            let output = command(&machine, &words).stdout(broken_pipe()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                matches!(output.status.code(), Some(0 | 141)),
                "{words:?}: {} {said}",
                output.status
            );
            assert!(!said.contains("panicked") && !said.contains("error"), "{words:?}: {said}");
        });
    }
}

/// As `head -c 1`: some outputs fit into the pipe, others do not.
fn a_reader_that_stops_early_is_no_error() {
    let machine = FakeWorld::converged(FILE);
    for words in COMMANDS {
        TOOLS.case(|| {
            let words = [&["cai"], words].concat();
            let mut cai = command(&machine, &words);
            let mut cai = cai.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut reader = cai.stdout.take().unwrap();
            reader.read_exact(&mut [0]).unwrap();
            drop(reader);
            let output = cai.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 141)), "{words:?}: {code:?} {said}");
            assert!(!said.contains("panicked") && !said.contains("error"), "{words:?}: {said}");
        });
    }
}

fn an_apply_that_nobody_reads_is_done() {
    for closes in ["stdout", "stderr", "both"] {
        TOOLS.case(|| {
            let machine = FakeWorld::new(FILE);
            let mut apply = command(&machine, &["cai", "apply", "--yes"]);
            for stream in ["stdout", "stderr"] {
                let end =
                    if [stream, "both"].contains(&closes) { broken_pipe() } else { Stdio::null() };
                if stream == "stdout" {
                    apply.stdout(end)
                } else {
                    apply.stderr(end)
                };
            }
            let status = apply.status().unwrap();
            assert_eq!(status.code(), Some(0), "{closes}: {status}");
            assert!(machine.cai(&["plan"]).success().contains("No changes."), "{closes}");
        });
    }
}

fn a_full_disk_behind_the_output_is_an_error() {
    if !std::path::Path::new("/dev/full").exists() {
        return TOOLS.apart("/dev/full does not exist");
    }
    let machine = FakeWorld::converged(FILE);
    for words in COMMANDS {
        if words[0].starts_with("--") {
            // clap prints the help and the version.
            continue;
        }
        TOOLS.case(|| {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let words = [&["cai"], words].concat();
            let output = command(&machine, &words).stdout(full).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
            assert!(said.contains("the output could not be written"), "{words:?}: {said}");
            assert!(said.contains("No space left on device"), "{words:?}: {said}");
        });
    }
}
