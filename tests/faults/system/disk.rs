//! Full and read-only disks.

use std::os::unix::fs::PermissionsExt;

use crate::cli::fake;
use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::tally::SYSTEM;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        what_does_not_fit_on_the_disk_is_named_and_nothing_half_done_is_left,
        a_full_place_for_temporary_files_is_named,
        a_place_for_locks_that_cannot_be_written_is_named,
        docker_files_that_cannot_be_written_are_named_by_docker,
    ]
}

const FILE: &str = "version = 1\n[vm]\ncpus = 2\n";

/// Whether this process can mount file systems that only its children see.
fn mounts() -> bool {
    let tried = std::process::Command::new("unshare").args(["-m", "true"]).output();
    let may = tried.is_ok_and(|output| output.status.success());
    if !may {
        SYSTEM.apart("only root can mount the disks of a test");
    }
    may
}

/// A machine with a directory that is a small separate disk while commands run.
struct Small<'a> {
    sandbox: &'a Sandbox,
    variables: Vec<(String, String)>,
    /// The commands that create the disk in the directory `$1`.
    mount: &'a str,
    directory: String,
}

const FULL: &str = "mount -t tmpfs -o size=64k none \"$1\" && head -c 1M /dev/zero >\"$1/full\"";
const READ_ONLY: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\"";

impl Small<'_> {
    /// Runs `cai` and then lists the names on the disk, in standard output.
    fn cai(&self, words: &[&str]) -> Ran {
        let script = format!(
            "({}) 2>/dev/null; directory=$1; shift; cai \"$@\"; status=$?; echo; ls -A \
             \"$directory\" | sed 's/^/on the disk: /'; exit $status",
            self.mount
        );
        let line = ["unshare", "-m", "sh", "-c", &script, "sh", &self.directory];
        let docker = self.sandbox.docker_guard();
        let mut command = self.sandbox.command(&[&line[..], words].concat());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        docker.check(&words.join(" "));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            line: words.join(" "),
            status: output.status,
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

fn small<'a>(machine: &'a FakeWorld, mount: &'a str, directory: &str) -> Small<'a> {
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    machine.sandbox.directory(directory);
    Small {
        sandbox: &machine.sandbox,
        variables: machine.variables().map(own).to_vec(),
        mount,
        directory: machine.sandbox.path(directory).display().to_string(),
    }
}

fn is_clean(ran: &Ran) {
    assert!(!ran.stdout.contains("on the disk: .cai-"), "{ran}");
    assert!(!ran.stderr.contains("panicked"), "{ran}");
}

fn what_does_not_fit_on_the_disk_is_named_and_nothing_half_done_is_left() {
    if !mounts() {
        return;
    }
    let machine = FakeWorld::converged(FILE);
    let disk = small(&machine, FULL, "home/small");
    for words in [
        &["init", "-f", "small/new.toml"][..],
        &["plan", "--out", "small/plan.json"],
        &["doctor", "--bundle", "small/bundle.tar.gz"],
        &["--simulate=small/world", "apply", "--yes"],
    ] {
        SYSTEM.case(|| {
            let ran = disk.cai(words);
            let said = ran.fails_with(1);
            assert!(said.contains("small/") && said.contains("No space left on device"), "{ran}");
            is_clean(&ran);
            // An incomplete file does not look complete.
            for name in ["new.toml", "plan.json", "bundle.tar.gz"] {
                assert!(!ran.stdout.contains(&format!("on the disk: {name}")), "{ran}");
            }
            // The disk has space again.
            machine.cai(words).success();
        });
    }
}

fn a_full_place_for_temporary_files_is_named() {
    if !mounts() {
        return;
    }
    for words in [&["plan"][..], &["apply", "--yes"], &["status"], &["doctor"]] {
        SYSTEM.case(|| {
            let machine = FakeWorld::converged(FILE);
            machine.change(|world| world.contexts.clear());
            let mut disk = small(&machine, FULL, "home/small");
            disk.variables.push(("TMPDIR".into(), disk.directory.clone()));
            let ran = disk.cai(words);
            ran.fails_with(1);
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(all.contains("limactl") && all.contains("No space left on device"), "{ran}");
            is_clean(&ran);
            machine.cai(&["apply", "--yes"]).success();
            assert!(machine.cai(&["plan"]).success().contains("No changes."));
        });
    }
}

/// Makes a directory read-only for a command, with a mount as root.
fn read_only(machine: &FakeWorld, directory: &str, words: &[&str]) -> Ran {
    if nix::unistd::Uid::effective().is_root() {
        return small(machine, READ_ONLY, directory).cai(words);
    }
    let path = machine.sandbox.path(directory);
    machine.sandbox.directory(directory);
    let permit = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    permit(0o555);
    let ran = machine.cai(words);
    permit(0o755);
    ran
}

fn may_make_read_only() -> bool {
    !nix::unistd::Uid::effective().is_root() || mounts()
}

fn a_place_for_locks_that_cannot_be_written_is_named() {
    if !may_make_read_only() {
        return;
    }
    for directory in ["home", "home/.local", "home/.local/state/cai/locks"] {
        for words in [
            &["apply", "--yes"][..],
            &["setup", "--force"],
            &["destroy", "--allow-destroy", "containai-secure"],
            &["doctor", "--fix", "--yes"],
        ] {
            SYSTEM.case(|| {
                let machine = FakeWorld::new(FILE);
                let ran = read_only(&machine, directory, words);
                let said = ran.fails_with(1);
                let place = machine.sandbox.path("home/.local/state/cai/locks");
                assert!(said.contains(&place.display().to_string()), "{ran}");
                assert!(
                    said.contains("Read-only file system") || said.contains("ermission denied"),
                    "{ran}"
                );
                assert!(said.contains("help: ") && said.contains("XDG_STATE_HOME"), "{ran}");
                assert!(!said.contains("is locked"), "{ran}");
                is_clean(&ran);
                assert!(machine.world().instances.is_empty());
                // Reading needs no lock.
                read_only(&machine, directory, &["plan"]).success();
                // As the help text says.
                let elsewhere = machine.sandbox.path("state").display().to_string();
                machine.cai_with(&["apply", "--yes"], &[("XDG_STATE_HOME", &elsewhere)]).success();
            });
        }
    }
}

/// With the real `docker`.
fn docker_files_that_cannot_be_written_are_named_by_docker() {
    if !mounts() || !nix::unistd::Uid::effective().is_root() {
        return;
    }
    SYSTEM.case(|| {
        let sandbox = fake::engine();
        let directory = sandbox.path("home/.docker").display().to_string();
        let disk = Small { sandbox: &sandbox, variables: Vec::new(), mount: READ_ONLY, directory };
        let ran = disk.cai(&["apply", "--yes"]);
        let said = ran.fails_with(1);
        for part in [
            "error: context.containai-secure: `docker context create",
            "read-only file system",
            ".docker",
        ] {
            assert!(said.contains(part), "{part:?} is missing: {ran}");
        }
        is_clean(&ran);
        sandbox.cai(&["apply", "--yes"]).success();
        assert!(sandbox.cai(&["plan"]).success().contains("No changes."));
    });
}
