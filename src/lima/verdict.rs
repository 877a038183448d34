//! The verdict of `limactl validate` on a YAML.

use super::log::{find, message};
use crate::host::Output;
use crate::model::redact;

/// The message of the warning about a key that Lima does not know.
const NOT_STRICT: &str = "Non-strict YAML detected";

/// Lima's verdict on a complete YAML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Lima's message if it refuses the YAML, on one line.
    pub refusal: Option<String>,
    /// Lima's warnings, each on one line.
    pub warnings: Vec<String>,
}

impl Verdict {
    /// The start of the warning about an unknown key.
    pub const UNKNOWN_KEY: &str = "unknown field";

    /// Reads the command's output (format measured with Lima 2.2.0). `None` if the command failed
    /// without a message in that format.
    pub fn read(output: &Output) -> Option<Self> {
        let at = |level: &'static str| {
            let is_of = move |line: &&str| find(line, "level").as_deref() == Some(level);
            output.stderr.lines().filter(is_of)
        };
        let mut warnings: Vec<String> = at("warning").map(warning).collect();
        warnings.sort();
        warnings.dedup();
        let refusal = if output.status.success() {
            None
        } else {
            Some(refusal(&message(at("fatal").next_back()?)))
        };
        Some(Self { refusal, warnings })
    }
}

/// Lima warns about a key twice: for the file, and for the file merged with the user's defaults.
fn warning(line: &str) -> String {
    let (said, error) = (message(line), find(line, "error").unwrap_or_default());
    let error = on_one_line(without_position(&error));
    match (said.starts_with(NOT_STRICT), error.is_empty()) {
        (true, false) => error,
        (_, true) => on_one_line(&said),
        (false, false) => format!("{}: {error}", on_one_line(&said)),
    }
}

fn refusal(said: &str) -> String {
    let said = said.trim_start_matches("failed to validate YAML file `/dev/stdin`: ");
    let said = said.strip_prefix("failed to unmarshal YAML (/dev/stdin): ").unwrap_or(said);
    on_one_line(without_position(said))
}

/// Removes `[LINE:COLUMN]`, because the user does not see that YAML.
fn without_position(said: &str) -> &str {
    let rest = said.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    match rest {
        Some((position, rest)) if position.chars().all(|c| c.is_ascii_digit() || c == ':') => rest,
        _ => said,
    }
}

/// The message without the lines that quote the YAML, which may contain secrets.
fn on_one_line(said: &str) -> String {
    let is_quoted = |line: &str| {
        let line = line.trim_start_matches(['>', ' ']);
        let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
        line.is_empty() || line == "^" || (digits != line && digits.starts_with(" |"))
    };
    let lines: Vec<&str> =
        said.lines().map(str::trim_end).filter(|line| !is_quoted(line)).collect();
    redact::foreign(&lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::ExitStatus;

    fn verdict(code: i32, stderr: &str) -> Option<Verdict> {
        let output = Output {
            status: ExitStatus::Code(code),
            stdout: String::new(),
            stderr: stderr.to_owned(),
        };
        Verdict::read(&output)
    }

    /// Output of `limactl` 2.2.0.
    #[test]
    fn a_refusal_is_limas_own_output_on_one_line() {
        for (said, read) in [
            (
                r#"time="t" level=fatal msg="field `param` key `a` is not used in any provision, probe, copyToHost, or portForward""#,
                "field `param` key `a` is not used in any provision, probe, copyToHost, or portForward",
            ),
            (
                r#"time="t" level=fatal msg="failed to validate YAML file `/dev/stdin`: field `mountType` must be `9p`, got `nfs`\nfield `dns` must be empty""#,
                "field `mountType` must be `9p`, got `nfs`; field `dns` must be empty",
            ),
            (
                r#"time="t" level=fatal msg="failed to unmarshal YAML (/dev/stdin): [3:7] cannot unmarshal string into Go struct field LimaYAML.CPUs of type int\n   1 | env:\n   2 |   A: s3cret\n>  3 | cpus: x\n             ^\n""#,
                "cannot unmarshal string into Go struct field LimaYAML.CPUs of type int",
            ),
        ] {
            let wanted = Verdict { refusal: Some(read.into()), warnings: vec![] };
            assert_eq!(verdict(1, said), Some(wanted));
        }
        assert_eq!(verdict(1, "limactl: must not run as the root user"), None);
    }

    #[test]
    fn a_warning_is_told_once() {
        let stderr = concat!(
            r#"time="t" level=warning msg="Non-strict YAML detected; please check for typos" comment=/dev/stdin error="[3:1] unknown field \"mountTyp\"\n>  3 | mountTyp: x\n       ^\n""#,
            "\n",
            r#"time="t" level=warning msg="Non-strict YAML detected; please check for typos" comment="main file `/home/dev/.lima/stdin.yaml`" error="[3:1] unknown field \"mountTyp\"\n>  3 | mountTyp: x\n       ^\n   4 | foo: 1""#,
            "\n",
            r#"time="t" level=warning msg="provisioning scripts should not reference the LIMA_CIDATA variables""#,
            "\n",
            r#"time="t" level=info msg="`/dev/stdin`: OK""#,
        );
        let warnings = [
            "provisioning scripts should not reference the LIMA_CIDATA variables",
            r#"unknown field "mountTyp""#,
        ];
        let wanted = Verdict { refusal: None, warnings: warnings.map(String::from).into() };
        assert_eq!(verdict(0, stderr), Some(wanted));
    }
}
