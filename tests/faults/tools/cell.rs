//! One call with one fault: what the user reads, and whether the next run finishes the work.

use std::collections::HashSet;
use std::path::PathBuf;

use containai::simulate::World;

use super::calls::{APPLY, Call, DESTROY, FILE, Role};
use crate::support::fake_fault::{Fault, VARIABLE, WORDS};
use crate::support::fake_world::{FakeWorld, changes_something};
use crate::support::sandbox::Ran;
use crate::support::tally::TOOLS;

/// The timeout for calls that hang. All other calls are much faster.
const LIMIT: &str = "--timeout=5s";

const UNREADABLE: &str = "printed unexpected output";

/// What the user must read.
pub enum Expected {
    /// The fault does not matter.
    Harmless,
    /// The command fails, names the call, and describes the fault like this.
    Told(&'static str),
    /// The command fails with this message.
    Says(&'static str),
    /// The command may succeed without the call. Whatever it reports must be true.
    Truth,
    /// Not a case, for this reason.
    None(&'static str),
}

/// The expected result of a fault, by how the call is used.
pub fn expected(role: Role, fault: Fault) -> Expected {
    use Expected::{Harmless, None, Says, Told, Truth};
    match (fault, role) {
        (Fault::Missing, Role::Step | Role::Attempt | Role::Proof) => {
            Told("could not be started: No such file or directory")
        }
        (Fault::NotExecutable, Role::Step | Role::Attempt | Role::Proof) => {
            Told("could not be started: Permission denied")
        }
        (Fault::Missing | Fault::NotExecutable, Role::Answers | Role::Lists) => {
            Says("limactl is not on PATH")
        }
        (Fault::Missing | Fault::NotExecutable, Role::Looks) => Says("ssh is not on PATH"),
        (Fault::Fails | Fault::FailsSilently | Fault::Dies | Fault::Idle, Role::Attempt) => Truth,
        (Fault::Fails | Fault::FailsSilently, _) => Told("failed with exit status 1"),
        (Fault::Hangs, _) => Told("did not finish within 5.0 s and was killed"),
        (Fault::Dies, _) => Told("was killed by signal 9"),
        (Fault::Floods, _) => Told("printed more than 8388608 bytes and was killed"),
        (Fault::Idle | Fault::Closed, Role::Lists) => Told("does not list the instance of"),
        (Fault::Idle | Fault::Closed, Role::Looks | Role::Answers | Role::Proof) => {
            Told(UNREADABLE)
        }
        (Fault::Idle, _) => Truth,
        (
            Fault::NotText | Fault::Truncated,
            Role::Looks | Role::Answers | Role::Lists | Role::Proof,
        ) => Told(UNREADABLE),
        (Fault::Newer, Role::Looks | Role::Answers | Role::Proof) => None("it prints no JSON"),
        (Fault::Newer, Role::Lists) | (Fault::Warns | Fault::NotText | Fault::Closed, _) => {
            Harmless
        }
        (Fault::Truncated | Fault::Newer, _) => None("its output is not read"),
    }
}

fn is_gone(fault: Fault) -> bool {
    matches!(fault, Fault::Missing | Fault::NotExecutable)
}

/// Steps that follow other steps while independent resources are observed again.
const AMONG_LOOKS: [&str; 4] = [
    "ssh: download Sysbox",
    "ssh: install Sysbox",
    "ssh: stop a container",
    "ssh: start the containers",
];

/// A machine on which a call is made, and which returns to that state after each fault.
pub struct Bench {
    pub call: &'static Call,
    machine: FakeWorld,
    prepared: World,
    file: String,
    /// The number of calls before it.
    before: usize,
    /// The worlds from which a next run has been seen to finish.
    finishes: HashSet<String>,
}

impl Bench {
    pub fn new(call: &'static Call) -> Self {
        let machine = FakeWorld::converged(FILE);
        (call.prepare)(&machine);
        let prepared = machine.world();
        let file = std::fs::read_to_string(machine.sandbox.path("home/containai.toml")).unwrap();
        machine.calls();
        machine.cai(&["plan"]);
        let planned = machine.calls();
        let judged = planned.iter().filter(|call| call.contains("limactl validate")).count();
        machine.cai(call.command).success();
        let calls = machine.calls();
        let mut matching = (0..calls.len()).filter(|place| calls[*place].contains(call.words));
        let before = matching.nth(call.number - 1);
        let before = before.unwrap_or_else(|| panic!("{}: {calls:#?}", call.name));
        // Before the first step, an apply observes the machine once and Lima validates twice. A
        // destroy observes twice. During the step, independent resources may be observed again.
        let is_apply = call.command.contains(&"apply");
        let first = planned.len() + if is_apply { judged } else { planned.len() };
        let is_first = !calls[..before].iter().any(|call| changes_something(call));
        let before = if is_first { before.min(first) } else { before };
        Self { call, machine, prepared, file, before, finishes: HashSet::new() }
    }

    fn program(&self) -> PathBuf {
        // Variables come before the name of the program.
        let name = self.call.shown.split(' ').find(|word| !word.contains('=')).unwrap();
        self.machine.sandbox.path("bin").join(name)
    }

    /// Restores the state before the call.
    fn reset(&self) {
        self.machine.sandbox.write("home/containai.toml", &self.file);
        self.machine.change(|world| *world = self.prepared.clone());
        self.machine.calls();
    }

    /// Tries a fault, if it is a case.
    pub fn try_fault(&mut self, fault: Fault) {
        let expected = match expected(self.call.role, fault) {
            _ if fault == Fault::Hangs && self.call.number > 1 => {
                Expected::None("all observations have the same timeout")
            }
            _ if is_gone(fault) && AMONG_LOOKS.contains(&self.call.name) => {
                Expected::None("the number of observations before it is not fixed")
            }
            // The number of observations before it is not fixed.
            _ if is_gone(fault) && self.call.role == Role::Proof && self.call.command == APPLY => {
                Expected::None("it is the same as without the previous apply")
            }
            expected => expected,
        };
        if let Expected::None(why) = expected {
            return TOOLS.apart(why);
        }
        TOOLS.case(|| {
            let ran = self.run(fault);
            self.judge(fault, &expected, &ran);
            self.finish(fault, &ran);
        });
    }

    fn run(&self, fault: Fault) -> Ran {
        self.reset();
        let Call { words, number, command, .. } = self.call;
        let (program, is_gone) = (self.program(), is_gone(fault));
        let link = std::fs::read_link(&program).unwrap();
        let value = match self.before {
            // The program is missing before the first observation.
            _ if is_gone && matches!(self.call.role, Role::Looks | Role::Answers | Role::Lists) => {
                fault.take_away(&program);
                String::new()
            }
            before if is_gone => format!("{fault:?} {before} {}", program.display()),
            _ => format!("{fault:?} {number} {words}"),
        };
        // The system's program of that name must not be used.
        let bin = self.machine.sandbox.path("bin").display().to_string();
        let variables = [(VARIABLE, value.as_str()), ("PATH", bin.as_str())];
        let variables = match (is_gone, value.as_str()) {
            (true, "") => &variables[1..],
            (true, _) => &variables[..],
            (false, _) => &variables[..1],
        };
        let mut command = command.to_vec();
        match (fault, self.call.role) {
            // Observations have a separate timeout.
            (Fault::Hangs, Role::Looks | Role::Answers | Role::Lists) => {
                command = vec!["doctor", LIMIT];
            }
            (Fault::Hangs, _) => command.push(LIMIT),
            _ => {}
        }
        let ran = self.machine.cai_with(&command, variables);
        if is_gone {
            let _ = std::fs::remove_file(&program);
            std::os::unix::fs::symlink(link, &program).unwrap();
        }
        ran
    }

    fn judge(&self, fault: Fault, expected: &Expected, ran: &Ran) {
        let name = self.call.name;
        // Long lines are wrapped, and notes have a prefix.
        let words = ran.stdout.split_whitespace().chain(ran.stderr.split_whitespace());
        let all = words.filter(|word| *word != "#").collect::<Vec<_>>().join(" ");
        assert!(all.len() < 100_000, "{name} {fault:?}: {} bytes to read", all.len());
        for never in ["panicked", "RUST_BACKTRACE", "\u{fffd}\u{fffd}\u{fffd}"] {
            assert!(!all.contains(never), "{name} {fault:?}: {ran}");
        }
        let failed = |words: &[&str]| {
            assert_eq!(ran.status.code(), Some(1), "{name} {fault:?}: {ran}");
            for words in words {
                assert!(all.contains(words), "{name} {fault:?}: {words:?} is missing: {ran}");
            }
        };
        let directory = self.machine.sandbox.path("lima/containai-secure");
        let shown = self.call.shown.replace("{dir}", &directory.display().to_string());
        match expected {
            Expected::Harmless => {
                assert!(ran.status.success(), "{name} {fault:?}: {ran}");
            }
            Expected::Told(words) => {
                // A finding has the command in a separate line.
                let sign = if self.call.role == Role::Proof { "command: " } else { "`" };
                failed(&[&format!("{sign}{shown}"), words]);
                if fault == Fault::Fails {
                    failed(&[WORDS]);
                }
            }
            Expected::Says(words) => failed(&[words]),
            // What it reports about the machine is checked below.
            Expected::Truth => {
                assert!(matches!(ran.status.code(), Some(0 | 1)), "{name} {fault:?}: {ran}");
            }
            Expected::None(_) => {}
        }
    }

    /// Without the fault, the next run finishes. A run that reported success had already finished.
    fn finish(&mut self, fault: Fault, ran: &Ran) {
        let name = self.call.name;
        let is_destroyed = self.call.command == DESTROY;
        let claims = ran.status.success() && ["apply", "destroy"].contains(&self.call.command[0]);
        let left = serde_json::to_string(&self.machine.world()).unwrap();
        if !claims && !self.finishes.insert(left) {
            return;
        }
        let (again, says) =
            if is_destroyed { (DESTROY, "Nothing to destroy") } else { (APPLY, "No changes.") };
        if !claims {
            let again = self.machine.cai(again);
            assert!(again.status.success(), "{name} {fault:?}: {ran}\n{again}");
        }
        let check = if is_destroyed { DESTROY } else { &["plan"] };
        let check = self.machine.cai(check);
        let said = if is_destroyed { &check.stderr } else { &check.stdout };
        assert!(check.status.success(), "{name} {fault:?}: {ran}\n{check}");
        assert!(said.contains(says), "{name} {fault:?}: {ran}\n{check}");
    }
}
