//! Masks the secrets of a file that is shown because it has errors. The file cannot be parsed, so
//! this reads its text: it masks all values of the guest's variables and of `[proxy]`, and elsewhere
//! whatever looks like a secret.

use std::ops::Range;

use super::named::{is_of_key, named};
use super::urls;

/// The text of a `containai.toml` with each character of a possible secret replaced. The numbers of
/// bytes and lines do not change, so that positions stay valid.
pub fn source(text: &str) -> String {
    let mut reader = Reader::default();
    let lines: Vec<String> = text.split('\n').map(|line| reader.mask(line)).collect();
    lines.join("\n")
}

/// The state at the start of a line.
#[derive(Default)]
struct Reader {
    /// Whether the line is under `[vm.env]` or `[proxy]`.
    in_env: bool,
    /// The number of open braces in `env = {`.
    depth: usize,
    /// The quotes of an open multi-line string.
    open: Option<&'static str>,
    /// Whether the line is in a private key.
    in_key: bool,
}

impl Reader {
    fn mask(&mut self, line: &str) -> String {
        let trimmed = line.trim();
        if self.open.is_none() && self.depth == 0 && trimmed.starts_with('[') {
            let name: String = trimmed.chars().filter(|c| !" \t[\"'".contains(*c)).collect();
            let name = name.split(']').next().unwrap_or_default();
            let is_below = |table: &str| {
                name.strip_prefix(table)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            self.in_env = is_below("vm.env") || is_below("proxy");
            return stars(line, &[]);
        }
        let mut parts = urls::parts(line);
        parts.extend(named(line));
        if self.in_key || is_of_key(line) {
            parts.push(0..line.len());
        }
        if is_of_key(line) {
            self.in_key = line.contains("BEGIN") && !line.contains("END ");
        }
        let begin = if self.in_env || self.depth > 0 || self.open.is_some() {
            Some(0)
        } else if trimmed.starts_with('#') {
            None
        } else {
            begin_of_env(line)
        };
        if let Some(begin) = begin {
            self.values(line, begin, &mut parts);
        }
        stars(line, &parts)
    }

    /// Finds the values on a line from this position on.
    fn values(&mut self, line: &str, begin: usize, parts: &mut Vec<Range<usize>>) {
        let mut at = begin;
        if let Some(quotes) = self.open {
            let end = line.find(quotes);
            parts.push(0..end.unwrap_or(line.len()));
            let Some(end) = end else { return };
            self.open = None;
            at = end + quotes.len();
        } else if !line.contains(['=', '{', '}']) && !line.trim_start().starts_with('#') {
            // A key without a value, or a value without a key.
            parts.push(0..line.len());
            return;
        }
        while let Some(c) = line[at..].chars().next() {
            let rest = &line[at..];
            at += match c {
                '#' => return,
                '{' => {
                    self.depth += 1;
                    1
                }
                '}' => {
                    self.depth = self.depth.saturating_sub(1);
                    1
                }
                '"' | '\'' => match self.string(rest) {
                    (length, Some(inside)) if !is_name(line, at, at + length) => {
                        parts.push(at + inside.start..at + inside.end);
                        length
                    }
                    (length, _) => length,
                },
                '=' => 1 + bare(&rest[1..], at + 1, parts),
                c => c.len_utf8(),
            };
        }
    }

    /// The length of a string, and the range of its text.
    fn string(&mut self, text: &str) -> (usize, Option<Range<usize>>) {
        for quotes in ["\"\"\"", "'''"] {
            if let Some(rest) = text.strip_prefix(quotes) {
                let end = rest.find(quotes);
                self.open = if end.is_none() { Some(quotes) } else { None };
                let inside = 3..3 + end.unwrap_or(rest.len());
                return ((inside.end + 3).min(text.len()), Some(inside));
            }
        }
        let quote = text.chars().next().unwrap_or('"');
        let mut is_escaped = false;
        let end = text.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == quote && !is_escaped;
            is_escaped = quote == '"' && *c == '\\' && !is_escaped;
            ends
        });
        let end = end.map_or(text.len(), |(end, _)| end);
        ((end + 1).min(text.len()), Some(1..end))
    }
}

/// The start of the values on a line outside the tables: after `env =`, `env.`, `proxy =` or `proxy.`.
fn begin_of_env(line: &str) -> Option<usize> {
    let words = ["env", "proxy"].into_iter().flat_map(|word| line.match_indices(word));
    let is_key = |start: usize, end: usize| {
        let before = line[..start].chars().next_back();
        let after = line[end..].trim_start_matches(['"', '\'', ' ', '\t']);
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-')
            && after.starts_with(['=', '.'])
    };
    let ends = words.map(|(start, word)| (start, start + word.len()));
    ends.filter(|(start, end)| is_key(*start, *end)).map(|(_, end)| end).min()
}

/// Whether a string is not the value of a variable, but a key or the name in `env = "NAME"`.
fn is_name(line: &str, start: usize, end: usize) -> bool {
    if line[end..].trim_start().starts_with(['=', '.']) {
        return true;
    }
    let before = line[..start].trim_end().strip_suffix('=').map(str::trim_end);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let key = before.and_then(|before| before.rsplit(|c| !is_word(c)).next());
    key == Some("env") && line[start + 1..].starts_with(is_word)
}

/// Masks a value without quotes, which is not valid TOML. Returns its length.
fn bare(text: &str, at: usize, parts: &mut Vec<Range<usize>>) -> usize {
    let lead = text.len() - text.trim_start().len();
    let value = text[lead..].split([',', '}', '#']).next().unwrap_or_default().trim_end();
    if value.starts_with(['"', '\'', '{', '[']) || matches!(value, "true" | "false") {
        return lead;
    }
    parts.push(at + lead..at + lead + value.len());
    lead + value.len()
}

/// Replaces each character of these parts with one of the same length in bytes.
fn stars(line: &str, parts: &[Range<usize>]) -> String {
    let sign = |(at, c): (usize, char)| {
        let is_hidden = parts.iter().any(|part| part.contains(&at));
        match c.len_utf8() {
            _ if !is_hidden => c,
            1 => '*',
            2 => '×',
            3 => '•',
            _ => '🟊',
        }
    };
    line.char_indices().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_variables_of_the_guest_are_masked_and_their_names_are_not() {
        for (text, masked) in [
            ("[vm.env]\nA = \"bcd\" # e", "[vm.env]\nA = \"***\" # e"),
            ("[vm.env]\nA = 'b\\'", "[vm.env]\nA = '**'"),
            ("[vm.env]\nA = \"b\\\"c\"", "[vm.env]\nA = \"****\""),
            ("[vm.env]\nA = \"bcd", "[vm.env]\nA = \"***"),
            ("[vm.env]\nA = bcd", "[vm.env]\nA = ***"),
            ("[vm.env]\nbcd", "[vm.env]\n***"),
            ("[vm.env]\n\"A-B\" = \"bé\"", "[vm.env]\n\"A-B\" = \"*×\""),
            (
                "[vm.env]\nTOKEN = { value = \"bcd\", sensitiv = true }",
                "[vm.env]\nTOKEN = { value = \"***\", sensitiv = true }",
            ),
            (
                "[vm.env]\nA = { value = \"bcd\", sensitiv = true }",
                "[vm.env]\nA = { value = \"***\", sensitiv = true }",
            ),
            (
                "[vm.env]\nA = { env = \"B\", sensitive = true }",
                "[vm.env]\nA = { env = \"B\", sensitive = true }",
            ),
            ("[vm.env.A]\nvalue = \"bcd\"", "[vm.env.A]\nvalue = \"***\""),
            ("[vm.env]\nA = \"\"\"b\nc\"\"\"\nB = 1", "[vm.env]\nA = \"\"\"*\n*\"\"\"\nB = *"),
            ("[vm]\nenv = { A = \"bcd\" }\nx = \"y\"", "[vm]\nenv = { A = \"***\" }\nx = \"y\""),
            (
                "[vm]\nenv = {\n A = \"b\",\n}\nx = \"y\"",
                "[vm]\nenv = {\n A = \"*\",\n}\nx = \"y\"",
            ),
            ("vm.env.A = \"bcd\"", "vm.env.A = \"***\""),
            ("[proxy]\npassword = { value = \"bcd\" }", "[proxy]\npassword = { value = \"***\" }"),
            ("[proxy]\nhttps = \"me:pw@h\"", "[proxy]\nhttps = \"*******\""),
            ("[proxy.password]\ncomand = [\"b\"]", "[proxy.password]\ncomand = [\"*\"]"),
            (
                "proxy.password = { env = \"B\", x = \"y\" }",
                "proxy.password = { env = \"B\", x = \"*\" }",
            ),
            ("userland-proxy = false", "userland-proxy = false"),
            ("vm = { cpus = 1, env = { A = \"b\" } }", "vm = { cpus = 1, env = { A = \"*\" } }"),
            ("[vm.env]\n[docker]\nversion = \"1\"", "[vm.env]\n[docker]\nversion = \"1\""),
        ] {
            assert_eq!(source(text), masked);
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_anywhere() {
        let text = "[docker.daemon]\nproxies = { http-proxy = \"http://me:pw@h\" }\nauth = \"ab\"";
        let masked =
            "[docker.daemon]\nproxies = { http-proxy = \"http://*****@h\" }\nauth = \"**\"";
        assert_eq!(source(text), masked);
        let key = "[[files]]\ncontent = \"\"\"\n-----BEGIN PRIVATE KEY-----\nab\n-----END PRIVATE KEY-----\n\"\"\"";
        let stars = ["*".repeat(27), "**".to_owned(), "*".repeat(25)].join("\n");
        assert_eq!(source(key), format!("[[files]]\ncontent = \"\"\"\n{stars}\n\"\"\""));
    }

    proptest! {
        #[test]
        fn every_place_stays_where_it_was(text in "(\\PC|[\n\t\"'={}\\[\\]#]|env|vm|\"\"\"){0,60}") {
            let masked = source(&text);
            prop_assert_eq!(masked.len(), text.len());
            let ends = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
            prop_assert_eq!(ends(&masked), ends(&text));
        }
    }
}
