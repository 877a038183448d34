//! Commands as data, their output, and their failures.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::redact;
use crate::model::shortened;

/// How long before `cai` kills a command the command gives up, but at most a quarter of its time.
const GRACE: Duration = Duration::from_secs(30);

/// A process to run: plain data, no shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables in addition to those of this process.
    pub variables: Vec<(&'static str, String)>,
    /// Its standard input; empty if `None`.
    pub stdin: Option<Input>,
    /// The directory in which it runs; an empty one if `None`.
    pub directory: Option<PathBuf>,
    /// The time limit, after which it is killed. [`CommandSpec::timeout`] sets it.
    pub timeout: Duration,
    /// The position of the argument that tells the command its time limit.
    told: Option<usize>,
}

/// The standard input of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A text.
    Text(String),
    /// A file of the host, which may be large.
    File(PathBuf),
}

impl CommandSpec {
    /// A command without arguments and with a time limit of 30 seconds.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            variables: Vec::new(),
            stdin: None,
            directory: None,
            timeout: Duration::from_secs(30),
            told: None,
        }
    }

    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Appends arguments.
    #[must_use]
    pub fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Sets environment variables.
    #[must_use]
    pub fn variables(
        mut self,
        variables: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Sets its standard input to a text.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<String>) -> Self {
        self.stdin = Some(Input::Text(text.into()));
        self
    }

    /// Sets its standard input to a file.
    #[must_use]
    pub fn stdin_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.stdin = Some(Input::File(path.into()));
        self
    }

    /// Sets the directory in which it runs.
    #[must_use]
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Sets its time limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        if let Some(argument) = self.told.and_then(|place| self.args.get_mut(place)) {
            *argument = told(timeout);
        }
        self
    }

    /// Appends a `--timeout` in Go's format. With it the command gives up shortly before it is
    /// killed, so it can clean up and report the cause.
    #[must_use]
    pub fn telling_timeout(mut self) -> Self {
        self.told = Some(self.args.len());
        let argument = told(self.timeout);
        self.arg(argument)
    }
}

fn told(timeout: Duration) -> OsString {
    let own = timeout.saturating_sub(GRACE.min(timeout / 4));
    match own.subsec_nanos() {
        0 => format!("--timeout={}s", own.as_secs()),
        _ => format!("--timeout={}ms", own.as_millis()),
    }
    .into()
}

/// The longest argument that is shown completely, in characters; `edit` gets whole scripts as
/// arguments.
const SHOWN_ARGUMENT: usize = 160;
/// The longest part that is shown of the line that explains a failure, in characters.
const SHOWN_LINE: usize = 500;

/// The command line to read and to copy; long arguments are shortened.
impl fmt::Display for CommandSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            let value = redact::foreign(value);
            write!(f, "{name}={} ", crate::model::printable(&quoted(&value)))?;
        }
        let name = self.program.file_name().unwrap_or(self.program.as_os_str());
        f.write_str(&name.to_string_lossy())?;
        for arg in &self.args {
            // Secrets are removed first: half a secret would not be recognized.
            let arg = redact::foreign(&arg.to_string_lossy());
            let shown = shortened(&arg, SHOWN_ARGUMENT);
            write!(f, " {}", crate::model::printable(&quoted(&shown)))?;
        }
        Ok(())
    }
}

/// Quoted for a shell if necessary: `--tty=false` needs no quotes.
fn quoted(argument: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=./:,+@%".contains(&byte);
    if !argument.is_empty() && argument.bytes().all(plain) {
        return Cow::Borrowed(argument);
    }
    // Only a NUL cannot be quoted, and an argument cannot contain one.
    shlex::try_quote(argument).unwrap_or_default()
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl ExitStatus {
    /// Whether it exited with 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// The message for a command that should have succeeded.
    pub fn failed(self) -> String {
        match self {
            Self::Code(_) => format!("failed with {self}"),
            Self::Signal(_) => format!("was {self}"),
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
        }
    }
}

/// The result of a process. Invalid UTF-8 in the streams is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Returns the output if the command exited with 0.
    ///
    /// # Errors
    /// When the command failed.
    pub fn successful(self, command: &CommandSpec) -> Result<Self, CommandError> {
        if self.status.success() {
            return Ok(self);
        }
        Err(CommandError { command: command.clone().into(), failure: Failure::Status(self) })
    }
}

/// A command that failed.
#[derive(Debug, thiserror::Error)]
#[error("`{command}` {failure}")]
pub struct CommandError {
    /// The command.
    pub command: Box<CommandSpec>,
    /// What went wrong.
    #[source]
    pub failure: Failure,
}

/// What went wrong with a command.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It could not be started.
    #[error("could not be started: {0}")]
    NotStarted(io::Error),
    /// Its streams could not be read.
    #[error("could not be observed: {0}")]
    NotObserved(io::Error),
    /// It was killed because it exceeded its time limit.
    #[error("did not finish within {} and was killed", crate::model::duration(*.after))]
    TimedOut {
        /// Its time limit.
        after: Duration,
        /// Its output so far.
        stdout: String,
        /// Its error output so far.
        stderr: String,
    },
    /// It was killed because it printed too much.
    #[error("printed more than {limit} bytes and was killed")]
    TooMuchOutput {
        /// The limit in bytes.
        limit: u64,
    },
    /// It was killed by the second interrupt.
    #[error("was interrupted")]
    Interrupted,
    /// It exited with another code than 0.
    #[error("{}", .0.status.failed())]
    Status(Output),
    /// It exited with 0, but its output has the wrong format.
    #[error("printed unexpected output: {why}")]
    Unreadable {
        /// What is wrong with it.
        why: String,
        /// The output.
        output: Output,
    },
}

impl CommandError {
    /// A command that exited with 0, but whose output has the wrong format.
    pub fn unreadable(command: &CommandSpec, output: Output, why: impl Into<String>) -> Self {
        let failure = Failure::Unreadable { why: why.into(), output };
        Self { command: Box::new(command.clone()), failure }
    }

    /// The error in one line, with the first line of the output, which usually has the cause.
    pub fn in_a_line(&self) -> String {
        let first = self.streams().and_then(|(stdout, stderr)| {
            let lines = stderr.lines().chain(stdout.lines());
            lines.map(str::trim).find(|line| !line.is_empty())
        });
        match first {
            Some(line) => format!("{self}: {}", shortened(&redact::foreign(line), SHOWN_LINE)),
            None => self.to_string(),
        }
    }

    /// Both streams of the command, if it has any: (stdout, stderr).
    pub fn streams(&self) -> Option<(&str, &str)> {
        match &self.failure {
            Failure::TimedOut { stdout, stderr, .. } => Some((stdout, stderr)),
            Failure::Status(output) | Failure::Unreadable { output, .. } => {
                Some((&output.stdout, &output.stderr))
            }
            Failure::NotStarted(_)
            | Failure::NotObserved(_)
            | Failure::TooMuchOutput { .. }
            | Failure::Interrupted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let command = CommandSpec::new("/opt/bin/limactl").args(["--tty=false", "a b", "$(x)", ""]);
        assert_eq!(command.to_string(), "limactl --tty=false 'a b' '$(x)' ''");
    }

    #[test]
    fn a_long_argument_is_cut_and_a_control_character_cannot_reach_the_terminal() {
        let command = CommandSpec::new("x").arg("\u{1b}[2J").arg("é".repeat(200));
        let shown = command.to_string();
        assert!(!shown.contains('\u{1b}'), "{shown}");
        assert!(shown.contains('…') && shown.chars().count() < 190, "{shown}");
    }

    #[test]
    fn a_command_gives_up_by_itself_before_it_is_killed() {
        let command = CommandSpec::new("x").telling_timeout().arg("y");
        for (seconds, line) in [
            (30 * 60 + 30, "x --timeout=1800s y"),
            (120, "x --timeout=90s y"),
            (90, "x --timeout=67500ms y"),
            (1, "x --timeout=750ms y"),
        ] {
            let command = command.clone().timeout(Duration::from_secs(seconds));
            assert_eq!(command.to_string(), line);
        }
        let plain = CommandSpec::new("x").arg("y").timeout(Duration::from_secs(1));
        assert_eq!(plain.to_string(), "x y");
    }
}
