//! Recognizes the tokens of well-known services by their form.

use std::ops::Range;

/// The beginning of a token, the shortest rest, and whether the rest can contain `-` and `_`.
const FORMS: [(&str, usize, bool); 18] = [
    // GitHub
    ("ghp_", 16, false),
    ("gho_", 16, false),
    ("ghu_", 16, false),
    ("ghs_", 16, false),
    ("ghr_", 16, false),
    ("github_pat_", 16, true),
    // GitLab
    ("glpat-", 16, true),
    // Anthropic and OpenAI
    ("sk-ant-", 16, true),
    ("sk-proj-", 16, true),
    // npm
    ("npm_", 20, false),
    // Slack
    ("xoxa-", 10, true),
    ("xoxb-", 10, true),
    ("xoxp-", 10, true),
    ("xoxr-", 10, true),
    ("xoxs-", 10, true),
    ("xapp-", 10, true),
    // The key of AWS, permanent and temporary
    ("AKIA", 16, false),
    ("ASIA", 16, false),
];

/// The positions of tokens, in order.
pub(super) fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    // A token is a part of one word.
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')) {
        found.extend(is_token(word).then(|| start..start + word.len()));
        start += word.len();
        start += text[start..].chars().next().map_or(0, char::len_utf8);
    }
    found
}

fn is_token(word: &str) -> bool {
    FORMS.iter().any(|(begin, shortest, is_open)| {
        word.strip_prefix(begin).is_some_and(|rest| {
            rest.len() >= *shortest && (*is_open || rest.bytes().all(|c| c.is_ascii_alphanumeric()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Redactor, foreign};

    /// They are assembled here, so that no scanner takes this file for a leak.
    fn token(begin: &str) -> String {
        format!("{begin}{}", "0aB9".repeat(9))
    }

    #[test]
    fn a_token_goes_wherever_it_stands() {
        for begin in ["ghp_", "github_pat_", "glpat-", "sk-ant-api03-", "npm_", "xoxb-", "AKIA"] {
            let token = token(begin);
            for (text, shown) in [
                (format!("clone with {token}, please"), "clone with [redacted], please"),
                (format!("x=\"{token}\" y"), "x=\"[redacted]\" y"),
                (format!("https://h/{token}/x"), "https://h/[redacted]/x"),
                (format!("{token}\n{token}"), "[redacted]\n[redacted]"),
            ] {
                assert_eq!(foreign(&text), shown);
                assert_eq!(Redactor::default().shown(&text), shown);
            }
        }
    }

    #[test]
    fn a_word_that_begins_like_a_token_stays() {
        for text in [
            "npm_config_cache npm_lifecycle_event npm_package_dependencies_typescript",
            "ghp_short glpat-x sk-antenna xoxb- AKIA AKIAshort",
            "github_pattern_matching a-ghp_0123456789abcdef",
            "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(foreign(text), text);
        }
    }
}
