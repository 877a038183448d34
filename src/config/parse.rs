//! Parses a file: text, TOML, types, checks. All errors are collected.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::de::{TomlNode, integer};
use super::layers::{Provenance, Sources, merge, moved};
use super::parse_error::Refused;
use super::types::{Config, LeftOut};
use super::{check, suggest};
use crate::config::diagnostic::Diagnostic;

/// A limit, because finding each error costs a pass over the file.
const MOST_DIAGNOSTICS: usize = 100;

/// The same as the parser's limit on brackets.
const MOST_LEVELS: usize = 80;

const TOO_DEEP: &str = "this is nested too deeply";

/// Parses a `containai.toml` without layers.
///
/// # Errors
/// See [`parse_layers`].
pub fn parse(source: &str) -> Result<Config, Vec<Diagnostic>> {
    parse_layers(&Sources::single("containai.toml", source))
}

/// Parses a `containai.toml` with its layers.
///
/// # Errors
/// All errors, in the order of the file and then of its layers, except that:
/// - If the TOML is so broken that its structure is unclear, only the TOML errors are reported.
/// - If a file has another version or is nested too deeply, only that is reported.
/// - A table that lacks a required key is not compared with others.
/// - After 100 errors, one more says that there are more.
pub fn parse_layers(sources: &Sources) -> Result<Config, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let documents = documents(sources, &mut diagnostics).map_err(in_order)?;
    let mut found = Vec::new();
    let merged = merge(sources, documents, &mut found);
    let document = merged.document;
    let config = read::<Config>(&document, &mut found).and_then(|(config, refused)| {
        check::check(config, TomlNode::new(&document, &refused), sources, &mut found)
    });
    drop_consequences(&mut found, &diagnostics, sources);
    diagnostics.append(&mut found);
    match config {
        Some(mut config) if diagnostics.is_empty() => {
            let vm = document.get_ref().get("vm");
            let is_absent = |key| vm.is_none_or(|vm| vm.get_ref().get(key).is_none());
            config.vm.left_out =
                LeftOut { images: is_absent("images"), mounts: is_absent("mounts") };
            config.origin = Provenance::new(sources.clone(), &document, merged.replaced).into();
            Ok(config)
        }
        _ => Err(in_order(diagnostics)),
    }
}

/// The documents of all layers, from the lowest to the highest, and their TOML errors.
///
/// # Errors
/// If one of them cannot be read at all.
fn documents<'i>(
    sources: &'i Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Vec<(usize, DeTable<'i>)>, Vec<Diagnostic>> {
    let (mut documents, mut only, mut are_whole) = (Vec::new(), None, true);
    for (index, layer) in sources.ordered() {
        let here = |mut error: Diagnostic| {
            error.span = error.span.map(|span| sources.offsets(index, span));
            error
        };
        let (table, errors) = DeTable::parse_recoverable(&layer.text);
        are_whole &= is_whole(&errors);
        diagnostics.extend(errors.iter().map(|error| here(syntax(error, &layer.text))));
        let table = table.into_inner();
        match too_deep(&table).or_else(|| other_version(&table)) {
            Some(wrong) => only = only.or(Some(here(wrong))),
            None => documents.push((index, moved(table, sources, index))),
        }
    }
    match only {
        _ if !are_whole => Err(std::mem::take(diagnostics)),
        Some(only) => Err(vec![only]),
        None => Ok(documents),
    }
}

/// Whether the table that the parser returned can be read despite `errors`.
///
/// An error with an empty span means that something is missing there, and the text after it may be
/// assigned to the wrong key. An error with a range is a value that was skipped, or a duplicate
/// key.
fn is_whole(errors: &[toml::de::Error]) -> bool {
    errors.len() <= MOST_DIAGNOSTICS
        && errors.iter().all(|error| error.span().is_some_and(|span| !span.is_empty()))
}

/// Reads a document as a `T`. Skips one wrong value after the other until the rest can be read.
/// Refused values count as absent, except to [`TomlNode::get`].
fn read<T: DeserializeOwned>(
    document: &Spanned<DeValue<'_>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(T, Refused)> {
    let mut refused = Refused::default();
    while diagnostics.len() <= MOST_DIAGNOSTICS {
        let mistake = match T::deserialize(TomlNode::new(document, &refused)) {
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

/// The parser limits brackets and dots separately, but not their sum. Each level takes stack when a
/// value is read or written as YAML.
fn too_deep(document: &DeTable<'_>) -> Option<Diagnostic> {
    let mut rest: Vec<_> = document.values().map(|value| (value, 1)).collect();
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

/// A file of another version may have other keys, so the version is checked first.
fn other_version(document: &DeTable<'_>) -> Option<Diagnostic> {
    let value = document.get("version")?;
    let number = integer(value.get_ref().as_integer()?)?;
    let hint = match number {
        1 => return None,
        2.. => "use a newer version of cai",
        _ => "write `version = 1`",
    };
    let message = format!("this version of cai supports format version 1, not {number}");
    Some(Diagnostic::new(message).at(value.span()).hint(hint))
}

/// An error of the TOML parser, whose message has the form "PROBLEM, expected CHOICES".
fn syntax(error: &toml::de::Error, source: &str) -> Diagnostic {
    let mut diagnostic = match error.message().split_once(", expected ") {
        _ if error.message() == "duplicate key" => {
            let key = error.span().and_then(|span| source.get(span)).unwrap_or_default();
            Diagnostic::new(format!("duplicate key {}", suggest::shown(key)))
        }
        _ if error.message().contains("recurs") => Diagnostic::new(TOO_DEEP),
        // The value starts like true or false. More often it is a string without quotes.
        Some(("invalid boolean", _)) => {
            Diagnostic::new("this is not true, false or a quoted string")
        }
        Some((message, "nothing")) => Diagnostic::new(message),
        Some((message, expected)) => Diagnostic::new(message).label(format!("expected {expected}")),
        None => Diagnostic::new(error.message()),
    };
    diagnostic.span = error.span();
    diagnostic
}

/// Removes errors from `found` that a TOML error on the same line caused.
fn drop_consequences(found: &mut Vec<Diagnostic>, syntax: &[Diagnostic], sources: &Sources) {
    let line = |diagnostic: &Diagnostic| {
        let span = diagnostic.span.as_ref()?;
        Some(sources.line(span.start))
    };
    let lines: HashSet<_> = syntax.iter().filter_map(line).collect();
    found.retain(|diagnostic| line(diagnostic).is_none_or(|line| !lines.contains(&line)));
}

fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.as_ref().map(|span| span.start));
    diagnostics.dedup();
    if diagnostics.len() > MOST_DIAGNOSTICS {
        diagnostics.truncate(MOST_DIAGNOSTICS);
        let more = format!("the file has more errors; these are the first {MOST_DIAGNOSTICS}");
        diagnostics.push(Diagnostic::new(more));
    }
    diagnostics
}
