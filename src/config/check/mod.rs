//! Rules between values, and the defaults that depend on another value.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

mod daemon;
mod daemon_keys;
mod egress;
mod engine;
mod guest;
mod lima;
mod network;
mod port_forwards;
mod socket_clients;
mod vm;

use crate::config::de::TomlNode;
use crate::config::diagnostic::Diagnostic;
use crate::config::layers::Sources;
use crate::config::types::{Config, default_users};
use crate::model::{ContextName, UserRef, is_unshowable};

/// Checks `config`, read from the table `root` of `sources`, and fills in the defaults that depend
/// on other keys. `None` if a default could not be filled in, which is reported as well.
pub(super) fn check(
    mut config: Config,
    root: TomlNode<'_, '_>,
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Config> {
    let mut check = Check { root, sources, diagnostics };
    check.version(&config);
    config.check(&mut check);
    check.characters();
    check.context(&mut config)?;
    // The VM's login user always needs access to the engine.
    if !config.users.iter().any(|user| user.name == UserRef::LimaUser) {
        config.users.splice(0..0, default_users());
    }
    for client in &mut config.socket_clients {
        client.context.take_if(|named| *named == config.context.name);
    }
    Some(config)
}

/// The checks, and the file that they check.
pub(super) struct Check<'a, 'i> {
    root: TomlNode<'a, 'i>,
    sources: &'a Sources,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a, 'i: 'a> Check<'a, 'i> {
    fn version(&mut self, config: &Config) {
        if config.version.is_none() && self.at(&["version"]).is_none() {
            let missing = Diagnostic::new("the file does not specify its format version");
            self.diagnostics.push(missing.at(0..0).hint("add `version = 1` at the top"));
        }
    }

    /// By default, the context has the name of the VM, if that is a valid name for a context.
    fn context(&mut self, config: &mut Config) -> Option<()> {
        if self.at(&["context", "name"]).is_some() {
            return Some(());
        }
        match config.vm.name.as_str().parse::<ContextName>() {
            Ok(name) => {
                config.context.name = name;
                Some(())
            }
            Err(error) => {
                let span = self.at(&["vm", "name"]).map_or(0..0, TomlNode::span);
                let hint = "by default, the Docker context has the VM's name: set another `name` \
                            under `[context]`";
                self.refuse(span, error.to_string(), hint);
                None
            }
        }
    }

    /// Refuses invisible characters, which could hide text from readers of the file and of other
    /// output. Other rules check line breaks and tabs.
    fn characters(&mut self) {
        for (text, span) in self.root.texts() {
            let is_hidden = |c: &char| is_unshowable(*c) && *c != '\n' && *c != '\t';
            let told = |other: &Diagnostic| other.span.as_ref() == Some(&span);
            let Some(hidden) = text.chars().find(is_hidden) else { continue };
            if !self.diagnostics.iter().any(told) {
                let message = format!("invisible character {}", hidden.escape_unicode());
                self.refuse(
                    span,
                    message,
                    "remove it, because it can hide or change the shown text",
                );
            }
        }
    }

    pub(super) fn refuse(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.diagnostics.push(Diagnostic::new(message).at(span).hint(hint));
    }

    /// Refuses a key if it is set.
    pub(super) fn refuse_key(&mut self, path: &[&str], message: &str, hint: &str) {
        if let Some(value) = self.at(path) {
            self.refuse(value.span(), message, hint);
        }
    }

    pub(super) fn at(&self, path: &[&str]) -> Option<TomlNode<'a, 'i>> {
        path.iter().try_fold(self.root, |node, key| node.get(key))
    }

    pub(super) fn elements(&self, path: &[&str]) -> Vec<TomlNode<'a, 'i>> {
        self.at(path).into_iter().flat_map(TomlNode::elements).collect()
    }

    /// Refuses items that occur again. `message` describes the second one.
    pub(super) fn refuse_twice<T: Eq + Hash + Copy>(
        &mut self,
        items: Vec<(T, Range<usize>)>,
        message: impl Fn(T) -> String,
    ) {
        let mut first = HashMap::new();
        for (item, span) in items {
            let start = *first.entry(item).or_insert(span.start);
            if start != span.start {
                self.refuse_second(start, span, message(item));
            }
        }
    }

    /// Refuses a duplicate. `first` is the place of the first one.
    pub(super) fn refuse_second(&mut self, first: usize, second: Range<usize>, message: String) {
        let label = match (self.sources.at(first), self.sources.at(second.start)) {
            (Some(first), Some(second)) if first.layer.path != second.layer.path => {
                format!("the first is in {first}")
            }
            (first, _) => format!("the first is on line {}", first.map_or(1, |it| it.line())),
        };
        self.diagnostics.push(Diagnostic::new(message).at(second).label(label));
    }
}

/// The place of a key of a table, or of the table if the key is missing.
pub(super) fn of(table: TomlNode<'_, '_>, key: &str) -> Range<usize> {
    table.get(key).unwrap_or(table).span()
}
