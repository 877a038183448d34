//! Takes out of texts what nobody should see who reads a bug report.
//!
//! What is known to be secret goes wherever it stands; what looks like a secret goes by its name: a
//! password, a token, an `Authorization` header, the credentials in a URL, a private key. Too much is
//! better than too little here.

use serde_json::Value;

/// What stands for what was taken out.
const REDACTED: &str = "[redacted]";
/// A shorter value may be a word that stands everywhere, and tells nothing where it is no value.
const SHORTEST: usize = 4;
/// Names of which a part says that the value is secret.
const PARTS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "credential",
    "private_key",
    "privatekey",
    "access_key",
    "accesskey",
    "authorization",
];

/// Takes secrets out of texts.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// What is put in the place of what, the longest first.
    known: Vec<(String, &'static str)>,
}

impl Redactor {
    /// Writes `~` for the home directory, and leaves out these values wherever they stand.
    pub fn new(home: Option<&str>, secrets: impl IntoIterator<Item = String>) -> Self {
        let home = home.map(|home| home.trim_end_matches('/')).filter(|home| !home.is_empty());
        let secrets = secrets.into_iter().filter(|it| it.chars().count() >= SHORTEST);
        let mut known: Vec<(String, &'static str)> = secrets.map(|it| (it, REDACTED)).collect();
        known.extend(home.map(|home| (home.to_owned(), "~")));
        known.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self { known }
    }

    /// A text without them.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (known, instead) in &self.known {
            text = text.replace(known.as_str(), instead);
        }
        let mut lines = Vec::new();
        let mut in_key = false;
        for line in text.split('\n') {
            let marks = line.contains("PRIVATE KEY-----");
            if in_key || marks {
                if !in_key {
                    lines.push(REDACTED.to_owned());
                }
                in_key =
                    if marks { line.contains("BEGIN") && !line.contains("END ") } else { in_key };
                continue;
            }
            lines.push(named(&credentials(line)));
        }
        lines.join("\n")
    }

    /// A document without them: also every value of `env` and of registries' `auths`.
    pub fn document(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(values) => values.iter().map(|value| self.document(value)).collect(),
            Value::Object(map) => {
                let entry = |(key, value): (&String, &Value)| {
                    let value = if is_secret(key) || matches!(key.as_str(), "env" | "auths") {
                        hidden(value)
                    } else {
                        self.document(value)
                    };
                    (self.text(key), value)
                };
                Value::Object(map.iter().map(entry).collect())
            }
            other => other.clone(),
        }
    }
}

/// The form of a value, and nothing of what is in it.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), hidden(value))).collect(),
        Value::Array(values) => values.iter().map(hidden).collect(),
        Value::Null => Value::Null,
        _ => REDACTED.into(),
    }
}

/// Whether what has this name is secret.
fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part))
        || name == "auth"
        || name.ends_with("_auth")
        || name.ends_with("-auth")
}

/// `scheme://user:password@host` without what is before the `@`.
fn credentials(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        out.push_str(before);
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`');
        let authority = &after[..after.find(ends).unwrap_or(after.len())];
        match authority.rfind('@') {
            Some(at) => {
                out.push_str(REDACTED);
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    out + rest
}

/// `name=value`, `name: value`, `"name": "value"` and `--name value` without the value, where the
/// name says that it is secret.
fn named(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(sign) = next_sign(rest) {
        let (before, after) = rest.split_at(sign);
        out.push_str(before);
        // There may be blanks between a name and its sign.
        let name = out.trim_end_matches(['"', '\'', '\\', ' ', '\t']);
        let begins = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let name = name.rsplit(begins).next().unwrap_or_default().to_owned();
        // A blank parts a name from its value only behind a flag.
        let is_value = !after.starts_with([' ', '\t']) || name.starts_with("--");
        let skipped =
            after.len() - after.trim_start_matches(['=', ':', ' ', '\t', '"', '\'', '\\']).len();
        if is_secret(&name) && is_value && skipped < after.len() {
            let (lead, value) = after.split_at(skipped);
            out.push_str(lead);
            out.push_str(REDACTED);
            rest = &value[end_of_value(&name, lead, value)..];
        } else {
            let width = after.chars().next().map_or(0, char::len_utf8);
            out.push_str(&after[..width]);
            rest = &after[width..];
        }
    }
    out + rest
}

/// Where a name may end.
fn next_sign(text: &str) -> Option<usize> {
    text.find(['=', ':', ' ', '\t'])
}

/// Where a secret ends: a quoted one at its quote, a header at the end of the line.
fn end_of_value(name: &str, lead: &str, value: &str) -> usize {
    let quote = lead.chars().rev().find(|c| matches!(c, '"' | '\''));
    let is_end = |c: char| match quote {
        Some(quote) => c == quote,
        None if name.to_ascii_lowercase().ends_with("authorization") => matches!(c, '"' | '\''),
        None => c.is_whitespace() || matches!(c, ',' | ';' | '&' | ')' | '}' | ']' | '"' | '\''),
    };
    value.find(is_end).unwrap_or(value.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_named_like_a_secret_goes_and_its_surroundings_stay() {
        for (text, redacted) in [
            ("PASSWORD=hunter2 x", "PASSWORD=[redacted] x"),
            ("export DB_PASSWORD='a b' y", "export DB_PASSWORD='[redacted]' y"),
            ("GITHUB_TOKEN: ghp_1, next", "GITHUB_TOKEN: [redacted], next"),
            ("{\"auth\": \"dXNlcg==\", \"a\": 1}", "{\"auth\": \"[redacted]\", \"a\": 1}"),
            ("{\\\"auth\\\": \\\"dXNl\\\"}", "{\\\"auth\\\": \\\"[redacted]\"}"),
            ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
            ("-H 'Authorization: Basic eHk=' x", "-H 'Authorization: [redacted]' x"),
            ("X-Registry-Auth: eyJ9", "X-Registry-Auth: [redacted]"),
            ("login --password hunter2 -u me", "login --password [redacted] -u me"),
            ("login --password=hunter2 -u me", "login --password=[redacted] -u me"),
            ("?access_token=abc&x=1", "?access_token=[redacted]&x=1"),
            ("secret_key = \"é\u{1f511}\"", "secret_key = \"[redacted]\""),
        ] {
            assert_eq!(Redactor::default().text(text), redacted);
        }
    }

    #[test]
    fn what_only_speaks_of_secrets_stays() {
        for text in [
            "no token was given",
            "level=info msg=\"password prompt\" author: me",
            "authentication: none",
            "unix:///var/run/docker.sock",
            "https://example.com/a@b?x=1",
            "12:30:01 a b=c",
            "PASSWORD=",
            "",
        ] {
            assert_eq!(Redactor::default().text(text), text);
        }
    }

    #[test]
    fn credentials_in_urls_go() {
        let text = "proxy http://me:p%40ss@proxy:3128/ and \"ssh://dev@host\" or x://a:b@c:d@e/";
        assert_eq!(
            Redactor::default().text(text),
            "proxy http://[redacted]@proxy:3128/ and \"ssh://[redacted]@host\" or \
             x://[redacted]@e/"
        );
    }

    #[test]
    fn a_private_key_goes_as_a_whole() {
        let text = "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\nb";
        assert_eq!(Redactor::default().text(text), "a\n[redacted]\nb");
        // One that is cut off goes to the end.
        assert_eq!(Redactor::default().text("-----BEGIN PRIVATE KEY-----\nAAAA"), "[redacted]");
    }

    #[test]
    fn what_is_known_goes_wherever_it_stands() {
        let redactor = Redactor::new(Some("/home/dev/"), ["s3cr3t".into(), "abc".into()]);
        assert_eq!(redactor.text("/home/dev/.lima s3cr3t-x abc"), "~/.lima [redacted]-x abc");
        let inside = Redactor::new(Some("/home/dev"), ["/home/dev/key".into()]);
        assert_eq!(inside.text("/home/dev/key /home/dev/x"), "[redacted] ~/x");
        assert_eq!(Redactor::new(Some("/"), []).text("/etc"), "/etc");
    }

    #[test]
    fn a_document_keeps_its_form() {
        let redactor = Redactor::new(Some("/home/dev"), []);
        let document = json!({
            "env": {"A": "x", "B": 7},
            "auths": {"registry.example": {"auth": "dXNlcg=="}},
            "HttpHeaders": {"Authorization": "Bearer x"},
            "log": ["TOKEN=abc", "/home/dev/a"],
            "cpus": 4,
        });
        assert_eq!(
            redactor.document(&document),
            json!({
                "env": {"A": "[redacted]", "B": "[redacted]"},
                "auths": {"registry.example": {"auth": "[redacted]"}},
                "HttpHeaders": {"Authorization": "[redacted]"},
                "log": ["TOKEN=[redacted]", "~/a"],
                "cpus": 4,
            })
        );
    }
}
