//! Every text that `cai` can show, in one file that is reviewed, and no phrase that
//! `tests/strings.txt` should not have.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![every_text_is_in_the_file, no_text_reads_like_a_translation]
}

/// Their doc comments are help texts and descriptions of the file's keys.
const SHOWN_DOCS: [&str; 3] = ["src/cli/options/", "src/cli/simulate.rs", "src/config/types/"];
/// What a fake says is as the real tool says it.
const FAKES: &str = "src/simulate/";
/// But the names of its faults are shown.
const FAULTS: &str = "src/simulate/fault/mod.rs";

/// Phrases that are not plain English here, and what to write instead.
const PHRASES: [(&str, &str); 23] = [
    ("there is none", "does not exist"),
    ("anew", "recreated, again"),
    ("taken away", "deleted"),
    ("take away", "delete"),
    (" mend", "fix, repair"),
    ("put right", "fix"),
    ("take over", "load, reload"),
    ("takes over", "loads"),
    ("took over", "loaded"),
    ("taken over", "loaded"),
    ("by itself", "automatically, or nothing"),
    ("by themselves", "automatically, or nothing"),
    ("of its own", "own, separate"),
    ("of their own", "own, separate"),
    ("as it is,", "unchanged"),
    ("as it is.", "unchanged"),
    ("looked at again", "known after"),
    ("will do.", "is accepted"),
    ("such as it is", "unchanged"),
    ("is failed", "has failed"),
    ("of long ago", "too old"),
    ("has to ", "must"),
    ("in vain", "without effect"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources in this directory, in the order of their names.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !is_test {
            found.push(path);
        }
    }
}

/// The texts in a source: literals with several words, and documentation that is shown.
struct Texts {
    has_shown_docs: bool,
    found: Vec<String>,
}

impl Texts {
    fn read(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut is_test = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    let inner =
                        matches!(tokens.peek(), Some(TokenTree::Punct(it)) if it.as_char() == '!');
                    if inner {
                        tokens.next();
                    }
                    if let Some(TokenTree::Group(attribute)) = tokens.next() {
                        is_test |= self.attribute(attribute.stream(), inner);
                    }
                }
                TokenTree::Group(group) if is_test && group.delimiter() == Delimiter::Brace => {
                    is_test = false;
                }
                TokenTree::Punct(punct) if is_test && punct.as_char() == ';' => is_test = false,
                TokenTree::Group(group) if !is_test => self.read(group.stream()),
                TokenTree::Literal(literal) if !is_test => self.literal(&literal.to_string()),
                _ => {}
            }
        }
    }

    /// Whether the attribute says that what follows is a test.
    fn attribute(&mut self, tokens: TokenStream, is_inner: bool) -> bool {
        let text = tokens.to_string();
        if text.replace(' ', "") == "cfg(test)" {
            return true;
        }
        let is_doc = text.starts_with("doc");
        let is_lint = ["expect", "allow", "cfg", "warn"].iter().any(|it| text.starts_with(it));
        if !is_lint && (!is_doc || (self.has_shown_docs && !is_inner)) {
            self.read(tokens);
        }
        false
    }

    fn literal(&mut self, literal: &str) {
        let Some(text) = unquoted(literal) else { return };
        let text = text.trim();
        let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic));
        if words.count() > 1 {
            self.found.push(text.to_owned());
        }
    }
}

/// The text of a string literal. The line breaks of its source are not in it.
fn unquoted(literal: &str) -> Option<String> {
    let raw = literal.strip_prefix('r').map(|rest| rest.trim_matches('#'));
    let text = raw.unwrap_or(literal).strip_prefix('"')?.strip_suffix('"')?;
    if raw.is_some() {
        return Some(text.to_owned());
    }
    let mut lines = text.split("\\\n");
    let first = lines.next()?.to_owned();
    let text = lines.fold(first, |text, line| text + line.trim_start());
    Some(text.replace("\\\"", "\"").replace("\\n", "\n"))
}

/// All texts, by source.
fn texts() -> String {
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    let mut text = String::new();
    for path in paths {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
        if name.starts_with(FAKES) && name != FAULTS {
            continue;
        }
        let has_shown_docs = SHOWN_DOCS.iter().any(|shown| name.starts_with(shown));
        let mut texts = Texts { has_shown_docs, found: Vec::new() };
        texts.read(fs::read_to_string(&path).unwrap().parse().unwrap());
        if !texts.found.is_empty() {
            let _ = writeln!(text, "\n## {name}\n\n{}", texts.found.join("\n"));
        }
    }
    text
}

fn every_text_is_in_the_file() {
    let path = root().join("tests/strings.txt");
    let texts = texts();
    if std::env::var_os("CAI_UPDATE_STRINGS").is_some_and(|value| value == "1") {
        fs::write(&path, &texts).unwrap();
    }
    let file = fs::read_to_string(&path).unwrap_or_default();
    let hint =
        "review the new texts, then run: CAI_UPDATE_STRINGS=1 cargo test --test main strings";
    assert!(file == texts, "tests/strings.txt does not have the texts of the program; {hint}");
}

fn no_text_reads_like_a_translation() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let schema = read("schema/containai.schema.json");
    let file = read("src/cli/containai.toml");
    let mut found = String::new();
    for (name, text) in [
        ("the program", &texts()),
        ("README.md", &read("README.md")),
        ("CHANGELOG.md", &read("CHANGELOG.md")),
        ("the schema", &schema),
        ("src/cli/containai.toml", &file),
    ] {
        for line in text.lines() {
            for (phrase, better) in PHRASES {
                if line.to_lowercase().contains(phrase) {
                    let _ = writeln!(found, "{name}: {line:?}: {phrase:?}, better {better:?}");
                }
            }
        }
    }
    assert!(found.is_empty(), "{found}");
}
