//! The tools of the host, and what of it could not be looked at.

use super::{Case, Code, Finding};
use crate::host::Ping;
use crate::model::redact;
use crate::model::shortened;
use crate::plan::Observation;
use crate::reconcile::observe::ObserveError;
use crate::resource::LimaInstall;

/// What to do about what has no remedy of its own.
const UNKNOWN: &str = "mend what the finding names, then run `cai doctor` again";

/// What is missing on the host.
pub(super) fn tools(case: &Case<'_>) -> Vec<Finding> {
    [lima(case), ssh(case), docker(case), path(case)].into_iter().flatten().collect()
}

fn lima(case: &Case<'_>) -> Option<Finding> {
    let facts = case.facts;
    let required = &case.config.lima.version;
    let finding = match &facts.tools.limactl {
        None => Finding::new(Code::LimaMissing, Case::lima())
            .because("limactl is neither on PATH nor where cai installs it")
            .so("whether there is a VM, and how it is, cannot be told"),
        Some((path, version)) if !required.matches(version) => {
            Finding::new(Code::LimaTooOld, Case::lima())
                .saw("limactl", path.display().to_string())
                .saw("version", version.to_string())
                .because(format!("limactl is {version}, and {} requires {required}", case.file()))
        }
        Some(_) => return None,
    };
    let finding = finding.saw("required", required.to_string()).repaired_by_all();
    let remedy = LimaInstall::by_hand(&case.config.lima, facts);
    Some(finding.by_hand(remedy.unwrap_or_else(|problem| problem.hint())))
}

fn ssh(case: &Case<'_>) -> Option<Finding> {
    if case.facts.tools.ssh.is_some() {
        return None;
    }
    let finding = Finding::new(Code::SshMissing, Case::lima());
    Some(
        finding
            .because("ssh is not on PATH")
            .so("neither Lima nor cai can reach the guest")
            .by_hand("install the OpenSSH client"),
    )
}

fn docker(case: &Case<'_>) -> Option<Finding> {
    if case.facts.tools.docker.is_some() {
        return None;
    }
    let finding = Finding::new(Code::DockerCliMissing, case.context());
    Some(
        finding
            .because("the docker command is not on PATH")
            .so("the engine cannot be used from this machine, nor its context changed")
            .by_hand("install the docker command line client; no daemon is needed here"),
    )
}

fn path(case: &Case<'_>) -> Option<Finding> {
    let (path, length, limit) = case.facts.long_socket_path()?;
    if case.facts.socket.as_ref().is_some_and(Ping::answers) {
        return None;
    }
    let finding = Finding::new(Code::SocketPathTooLong, case.vm())
        .saw("path", path.display().to_string())
        .saw("bytes", length)
        .saw("limit", limit)
        .because(format!(
            "the longest path of the VM's sockets has {length} bytes, and {limit} are allowed"
        ))
        .by_hand("choose a shorter `name` under [vm], or set LIMA_HOME to a shorter path");
    Some(match case.facts.vm {
        Observation::Absent => finding.so("there is no VM, and Lima would refuse to make it"),
        _ => finding,
    })
}

/// The finding of a machine that could not be looked at.
pub fn unobservable(error: &ObserveError) -> Finding {
    match error {
        ObserveError::Command(error) => {
            let streams = error.streams().unwrap_or_default();
            let words = |stream: &str| {
                let lines = stream.lines().rev().take(20).map(|line| shortened(line, 500));
                let lines: Vec<_> = lines.collect();
                lines.into_iter().rev().collect::<Vec<_>>().join("\n")
            };
            Finding::new(Code::LimaFailed, LimaInstall::own_address())
                .saw("command", error.command.to_string())
                .saw("ended", error.failure.to_string())
                .saw("stdout", words(&redact::foreign(streams.0)))
                .saw("stderr", words(&redact::foreign(streams.1)))
                .because(error.in_a_line())
                .so("whether there is a VM, and how it is, cannot be told")
                .by_hand(format!("run `{}` by hand, and mend what it says", error.command))
        }
        other => {
            let causes = std::iter::successors(std::error::Error::source(other), |it| it.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            Finding::new(Code::Unobservable, None)
                .saw("causes", causes.clone())
                .because([&[other.to_string()], causes.as_slice()].concat().join(": "))
                .so("nothing else could be looked at")
                .by_hand(other.hint().unwrap_or(UNKNOWN))
        }
    }
}

/// The finding of a wrong file.
pub fn invalid_file(file: &str, mistakes: Vec<String>) -> Finding {
    let count = match mistakes.len() {
        1 => "a mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    Finding::new(Code::ConfigInvalid, None)
        .saw("file", file)
        .saw("mistakes", mistakes)
        .because(format!("{file} has {count}"))
        .so("nothing was looked at")
        .by_hand("mend the file; `cai validate` shows each mistake on its line")
}

/// A file that is not there, or whose text cannot be had.
pub fn unreadable_file(file: &str, why: String) -> Finding {
    Finding::new(Code::ConfigInvalid, None)
        .saw("file", file)
        .saw("mistakes", vec![why])
        .because(format!("{file} could not be read"))
        .so("nothing was looked at")
        .by_hand("make it a text that you can read, or name another file with --file")
}
