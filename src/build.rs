//! Tells the crate which build it is, for `cai --version --json`.
//!
//! The commit is that of the variable `CAI_COMMIT`, which packagers set. Otherwise, a release build of a
//! clone asks git. A development build does not: each commit would build everything again. In a source
//! archive, the commit is unknown.
#![expect(clippy::disallowed_methods, reason = "it runs on the machine that builds, not with cai")]

use std::env::var;
use std::path::Path;
use std::process::Command;

/// The files that the program is built from.
const SOURCES: [&str; 3] = ["src", "Cargo.toml", "Cargo.lock"];

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rerun-if-env-changed=CAI_COMMIT");
    for name in ["TARGET", "PROFILE"] {
        println!("cargo::rustc-env=CAI_{name}={}", var(name).unwrap_or_default());
    }
    let is_release = var("PROFILE").is_ok_and(|profile| profile == "release");
    let told = var("CAI_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = told.or_else(|| if is_release { checked_out() } else { None });
    println!("cargo::rustc-env=CAI_COMMIT={}", commit.unwrap_or_default());
}

/// The commit of this clone, with `-dirty` if the sources differ from it.
fn checked_out() -> Option<String> {
    // The prefix of an archive that lies in the repository of another project is not empty.
    let answer = git(&["rev-parse", "--show-prefix", "HEAD", "--git-path", "logs/HEAD"])?;
    let lines: Vec<&str> = answer.lines().collect();
    let ["", commit, log] = lines[..] else { return None };
    for path in SOURCES.into_iter().chain(Path::new(log).exists().then_some(log)) {
        println!("cargo::rerun-if-changed={path}");
    }
    let changes = git(&[&["status", "--porcelain", "--"], &SOURCES[..]].concat())?;
    let mark = if changes.is_empty() { "" } else { "-dirty" };
    Some(format!("{commit}{mark}"))
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok())?
}
