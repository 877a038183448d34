//! The way through a file: text, TOML, types, checks. All mistakes are collected.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::de::{Node, integer};
use super::parse_error::Refused;
use super::types::{Config, LeftOut};
use super::{check, suggest};
use crate::config::diagnostic::{Diagnostic, line_of};

/// Nobody reads more, and looking for each costs a pass over the file.
const MOST_DIAGNOSTICS: usize = 100;

/// As many as the parser allows of brackets.
const MOST_LEVELS: usize = 80;

const TOO_DEEP: &str = "this is nested too deep to be read";

/// Reads a `containai.toml`. Every mistake in it is in the error, in the order of the file.
///
/// Some files get fewer: one whose TOML is so broken that the parser cannot know what belongs
/// where gets its TOML errors, one of another version or nested too deep gets only that, a table
/// that lacks a key it must have is not compared with others, and after a hundred mistakes one
/// more says that there are more.
pub fn parse(source: &str) -> Result<Config, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(source);
    let document = Spanned::new(0..0, DeValue::Table(table.into_inner()));
    let mut diagnostics: Vec<_> = errors.iter().map(|error| syntax(error, source)).collect();
    if !is_whole(&errors) {
        return Err(in_order(diagnostics));
    }
    if let Some(only) = too_deep(&document).or_else(|| other_version(&document)) {
        return Err(vec![only]);
    }
    let mut found = Vec::new();
    let config = read::<Config>(&document, &mut found).and_then(|(config, refused)| {
        check::check(config, Node::new(&document, &refused), source, &mut found)
    });
    drop_consequences(&mut found, &diagnostics, source);
    diagnostics.append(&mut found);
    match config {
        Some(mut config) if diagnostics.is_empty() => {
            let vm = document.get_ref().get("vm");
            let is_absent = |key| vm.is_none_or(|vm| vm.get_ref().get(key).is_none());
            config.vm.left_out =
                LeftOut { images: is_absent("images"), mounts: is_absent("mounts") };
            Ok(config)
        }
        _ => Err(in_order(diagnostics)),
    }
}

/// Whether what the parser made of the file, in spite of `errors`, can be read on.
///
/// An error at a point means that something is missing there, and what follows may have been
/// taken as part of something else. One at a range is a value that was passed over, or a second
/// key.
fn is_whole(errors: &[toml::de::Error]) -> bool {
    errors.len() <= MOST_DIAGNOSTICS
        && errors.iter().all(|error| error.span().is_some_and(|span| !span.is_empty()))
}

/// Reads a document as a `T`, leaving out one wrong value after the other until the rest can be
/// read. Values refused on the way are as absent, except to [`Node::get`].
fn read<T: DeserializeOwned>(
    document: &Spanned<DeValue<'_>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(T, Refused)> {
    let mut refused = Refused::default();
    while diagnostics.len() <= MOST_DIAGNOSTICS {
        let mistake = match T::deserialize(Node::new(document, &refused)) {
            Ok(value) => return Some((value, refused)),
            Err(mistake) => mistake,
        };
        let goes_on = refused.insert(&mistake);
        diagnostics.extend(mistake.into_diagnostic());
        if !goes_on {
            break;
        }
    }
    None
}

/// The parser bounds brackets and dots each, but not both together; what reads a value, or writes
/// it as YAML, takes stack for each level.
fn too_deep(document: &Spanned<DeValue<'_>>) -> Option<Diagnostic> {
    let mut rest = vec![(document, 0)];
    while let Some((value, depth)) = rest.pop() {
        if depth > MOST_LEVELS {
            return Some(Diagnostic::new(TOO_DEEP).at(value.span()));
        }
        match value.get_ref() {
            DeValue::Array(array) => rest.extend(array.iter().map(|value| (value, depth + 1))),
            DeValue::Table(table) => rest.extend(table.values().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    None
}

/// A file of another version may differ in anything, so it is asked for before all else.
fn other_version(document: &Spanned<DeValue<'_>>) -> Option<Diagnostic> {
    let value = document.get_ref().get("version")?;
    let number = integer(value.get_ref().as_integer()?)?;
    let hint = match number {
        1 => return None,
        2.. => "a newer cai may read it",
        _ => "write `version = 1`",
    };
    let message = format!("this cai reads version 1 of the file, not version {number}");
    Some(Diagnostic::new(message).at(value.span()).hint(hint))
}

/// What the TOML parser found. Its message is "what is wrong, expected what is possible".
fn syntax(error: &toml::de::Error, source: &str) -> Diagnostic {
    let mut diagnostic = match error.message().split_once(", expected ") {
        _ if error.message() == "duplicate key" => {
            let key = error.span().and_then(|span| source.get(span)).unwrap_or_default();
            Diagnostic::new(format!("the key {} is set a second time", suggest::shown(key)))
        }
        _ if error.message().contains("recurs") => Diagnostic::new(TOO_DEEP),
        // What starts like true or false; more often it is a word without its quotes.
        Some(("invalid boolean", _)) => {
            Diagnostic::new("this is neither true or false, nor a string in quotes")
        }
        Some((message, "nothing")) => Diagnostic::new(message),
        Some((message, expected)) => Diagnostic::new(message).label(format!("expected {expected}")),
        None => Diagnostic::new(error.message()),
    };
    diagnostic.span = error.span();
    diagnostic
}

/// Takes out of `found` what a TOML error made of the rest of its line.
fn drop_consequences(found: &mut Vec<Diagnostic>, syntax: &[Diagnostic], source: &str) {
    let line = |diagnostic: &Diagnostic| {
        let span = diagnostic.span.as_ref()?;
        Some(line_of(source, span.start))
    };
    let lines: HashSet<_> = syntax.iter().filter_map(line).collect();
    found.retain(|diagnostic| line(diagnostic).is_none_or(|line| !lines.contains(&line)));
}

fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.as_ref().map(|span| span.start));
    diagnostics.dedup();
    if diagnostics.len() > MOST_DIAGNOSTICS {
        diagnostics.truncate(MOST_DIAGNOSTICS);
        let more = format!("there are more mistakes; these are the first {MOST_DIAGNOSTICS}");
        diagnostics.push(Diagnostic::new(more));
    }
    diagnostics
}
