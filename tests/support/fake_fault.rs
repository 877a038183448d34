//! Faults of programs that `cai` runs. The fake programs cause them: real processes with real
//! streams that exit, hang, die and flood.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::Value;

/// The variable that breaks a fake: the name of a [`Fault`], the number of the first call that
/// fails, and a part of those calls. For [`Fault::Missing`] and [`Fault::NotExecutable`]: the
/// number of calls of any program before the fault, and the path of the program.
pub const VARIABLE: &str = "CAI_FAKE_FAULT";
/// The message of a failing fake.
pub const WORDS: &str = "level=fatal msg=\"the fault of a test\"";
/// The warnings of a fake.
const WARNINGS: &str = "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"{\\\"name\\\": 1}\"\n\
    WARNING: something is deprecated\n@ok end\n";
/// The maximum size of a flood, in bytes.
const FLOOD: usize = 1 << 30;

/// The fault of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The program does not exist when it is started.
    Missing,
    /// The program is not executable.
    NotExecutable,
    /// It does nothing, prints an error, and exits with 1.
    Fails,
    /// It does nothing, prints nothing, and exits with 1.
    FailsSilently,
    /// It never exits.
    Hangs,
    /// It is killed.
    Dies,
    /// It prints one GiB.
    Floods,
    /// It does nothing, prints nothing, and exits with 0, like `limactl shell` of Lima 1.2 and 2.0
    /// for a stopped VM.
    Idle,
    /// It works, but part of its output is not UTF-8.
    NotText,
    /// It works, but its output is truncated.
    Truncated,
    /// It works, but every JSON object has an additional field.
    Newer,
    /// It works, but prints warnings.
    Warns,
    /// It works, but its standard output is closed.
    Closed,
}

impl Fault {
    pub const ALL: [Self; 13] = [
        Self::Missing,
        Self::NotExecutable,
        Self::Fails,
        Self::FailsSilently,
        Self::Hangs,
        Self::Dies,
        Self::Floods,
        Self::Idle,
        Self::NotText,
        Self::Truncated,
        Self::Newer,
        Self::Warns,
        Self::Closed,
    ];

    /// The fault that the environment sets for the last of these calls.
    pub fn of_call(calls: &str) -> Option<Self> {
        let variable = std::env::var(VARIABLE).ok()?;
        let mut words = variable.splitn(3, ' ');
        let name = words.next()?;
        let fault = Self::ALL.into_iter().find(|fault| format!("{fault:?}") == name).unwrap();
        let number: usize = words.next()?.parse().unwrap();
        let what = words.next()?;
        if let Self::Missing | Self::NotExecutable = fault {
            if calls.lines().count() == number {
                fault.take_away(Path::new(what));
            }
            return None;
        }
        let matching = calls.lines().filter(|call| call.contains(what)).count();
        (calls.lines().last()?.contains(what) && matching >= number).then_some(fault)
    }

    /// Makes a program impossible to start.
    pub fn take_away(self, program: &Path) {
        fs::remove_file(program).unwrap();
        if self == Self::NotExecutable {
            fs::write(program, "#!/bin/sh\n").unwrap();
            fs::set_permissions(program, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }

    /// Acts instead of the program, for faults that replace its work.
    pub fn instead(self) -> Option<ExitCode> {
        match self {
            Self::Fails => {
                println!("half an answer{}", "x".repeat(1 << 20));
                eprintln!("{WORDS}");
                Some(ExitCode::FAILURE)
            }
            Self::FailsSilently => Some(ExitCode::FAILURE),
            Self::Idle => Some(ExitCode::SUCCESS),
            Self::Hangs => loop {
                std::thread::park();
            },
            Self::Dies => {
                let this = nix::unistd::getpid();
                nix::sys::signal::kill(this, nix::sys::signal::Signal::SIGKILL).unwrap();
                unreachable!("it is dead")
            }
            Self::Floods => {
                let block = vec![b'x'; 1 << 16];
                let mut stdout = std::io::stdout().lock();
                for _ in 0..FLOOD / block.len() {
                    stdout.write_all(&block).unwrap();
                }
                Some(ExitCode::SUCCESS)
            }
            _ => None,
        }
    }

    /// Changes the output after the work is done.
    pub fn spoil(self, stdout: &mut Vec<u8>, stderr: &mut Vec<u8>) {
        match self {
            Self::NotText => {
                for stream in [stdout, stderr] {
                    // In the middle of a word, if there is one.
                    stream.insert(stream.len().min(2), 0xff);
                    stream.extend(b"\xc3\x28\xff\n");
                }
            }
            Self::Truncated => stdout.truncate(stdout.len() * 2 / 3),
            Self::Newer => {
                let text = std::str::from_utf8(stdout).unwrap();
                let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
                let values: Vec<Value> = values.map(Result::unwrap).map(newer).collect();
                *stdout = values.iter().flat_map(|it| format!("{it}\n").into_bytes()).collect();
            }
            Self::Warns => {
                stderr.splice(..0, WARNINGS.bytes());
                stderr.extend(WARNINGS.bytes());
            }
            Self::Closed => stdout.clear(),
            _ => {}
        }
    }
}

/// The same JSON with additional unknown fields.
fn newer(value: Value) -> Value {
    match value {
        Value::Object(keys) => {
            // A label is not a field.
            let grow =
                |(name, value)| if name == "Labels" { (name, value) } else { (name, newer(value)) };
            let mut keys: serde_json::Map<_, _> = keys.into_iter().map(grow).collect();
            keys.insert("ofTomorrow".into(), serde_json::json!({"a": [1, null]}));
            Value::Object(keys)
        }
        Value::Array(items) => items.into_iter().map(newer).collect(),
        other => other,
    }
}

/// The variable that adds the faults to other programs: a directory with shell scripts under their
/// names, in which the calls are recorded.
pub const BEHIND: &str = "CAI_FAKE_BEHIND";

/// Runs as the program of this name if this process was started in front of one.
pub fn dispatch(name: &str) -> Option<ExitCode> {
    let directory = PathBuf::from(std::env::var_os(BEHIND)?);
    let script = Some(directory.join(format!("{name}.sh"))).filter(|script| script.exists())?;
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let line: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let file = directory.join("calls");
    let mut calls = File::options().create(true).append(true).open(&file).unwrap();
    calls.lock().unwrap();
    writeln!(calls, "{name} {}", line.join(" ").replace('\n', "\\n")).unwrap();
    let fault = Fault::of_call(&fs::read_to_string(&file).unwrap());
    drop(calls);
    if let Some(code) = fault.and_then(Fault::instead) {
        return Some(code);
    }
    let output = Command::new("/bin/sh").arg(script).args(args).output().unwrap();
    let (mut stdout, mut stderr) = (output.stdout, output.stderr);
    if let Some(fault) = fault {
        fault.spoil(&mut stdout, &mut stderr);
    }
    std::io::stdout().write_all(&stdout).unwrap();
    std::io::stderr().write_all(&stderr).unwrap();
    Some(ExitCode::from(u8::try_from(output.status.code().unwrap_or(1)).unwrap_or(1)))
}
