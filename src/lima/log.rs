//! Log lines of `limactl` on standard error, in logrus's text format: `time="…" level=info
//! msg="…"`.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// The message of a log line. Any other line is returned unchanged.
pub fn message(line: &str) -> Cow<'_, str> {
    if !line.starts_with("time=") {
        return Cow::Borrowed(line);
    }
    find(line, "msg").map_or(Cow::Borrowed(line), Cow::Owned)
}

/// Whether `limactl start` reports that the guest did not become ready in time. It exits with 1
/// then, and the VM keeps running.
pub fn gave_up(stderr: &str) -> bool {
    stderr.contains("did not receive an event with the `running` status")
}

/// The value of a field of a line, unescaped.
pub(super) fn find(line: &str, wanted: &str) -> Option<String> {
    let mut rest = line.chars().peekable();
    loop {
        let name: String = rest.by_ref().take_while(|character| *character != '=').collect();
        let value = if rest.next_if_eq(&'"').is_some() {
            let value = quoted(&mut rest)?;
            rest.next_if_eq(&' ');
            value
        } else {
            rest.by_ref().take_while(|character| *character != ' ').collect()
        };
        if name == wanted {
            return Some(value);
        }
        rest.peek()?;
    }
}

/// The rest of a quoted text in the format of Go's `%q`. `None` if the closing quote is missing.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        text.push(match rest.next()? {
            '"' => return Some(text),
            '\\' => match rest.next()? {
                'a' => '\u{7}',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                // A byte of invalid UTF-8.
                'x' => code(rest, 2).filter(char::is_ascii).unwrap_or(char::REPLACEMENT_CHARACTER),
                'u' => code(rest, 4)?,
                'U' => code(rest, 8)?,
                other => other,
            },
            other => other,
        });
    }
}

fn code(rest: &mut Peekable<Chars<'_>>, digits: usize) -> Option<char> {
    let digits: String = rest.by_ref().take(digits).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_log_line_is_what_it_says() {
        for (line, said) in [
            (r#"time="2026-11-21T02:21:42Z" level=info msg="Protected `vm`""#, "Protected `vm`"),
            (
                r#"time="2026-11-21T02:22:11Z" level=error msg="Instance \"vm\" has configuration errors" error="qemu driver is running but host agent is not""#,
                "Instance \"vm\" has configuration errors",
            ),
            (
                r#"time="2026-11-21T02:21:42Z" level=fatal msg="[1:7] cannot unmarshal\n>  1 | cpus: \"x\"\n""#,
                "[1:7] cannot unmarshal\n>  1 | cpus: \"x\"\n",
            ),
            ("time=now level=info msg=Done", "Done"),
            (r#"time="t" comment="msg=\"x\"" msg=y error=z"#, "y"),
            (r#"time="t" msg="\u00e9\U0001f600\x1b\xff\\\t.""#, "é😀\u{1b}\u{fffd}\\\t."),
        ] {
            assert_eq!(message(line), said);
        }
    }

    #[test]
    fn what_is_no_log_line_stays_as_it_is() {
        for line in [
            "",
            "Setting up docker.io (20.10.24) ...",
            "msg=\"x\"",
            "time=",
            "time=\"t\" level=info",
            "time=\"t\" msg=\"without an end",
            "time=\"t\" msg=\"\\u12\"",
        ] {
            assert_eq!(message(line), line);
        }
    }
}
