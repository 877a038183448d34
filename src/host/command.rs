//! Commands as data, their output, and their failures.

mod result;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use self::result::{CommandError, ExitStatus, Failure, Output};
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

    /// The program without its directory.
    fn name(&self) -> Cow<'_, str> {
        self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy()
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
        f.write_str(&self.name())?;
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
