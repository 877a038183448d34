//! The colours. Nothing is said by colour alone.

use anstyle::{AnsiColor, Style};

use crate::plan::Action;

/// What is added.
pub(super) const ADDED: Style = AnsiColor::Green.on_default();
/// What is deleted.
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();
/// What is changed.
pub(super) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What only has to be taken over.
pub(super) const REFRESHED: Style = AnsiColor::Cyan.on_default();
/// What is less important.
pub(super) const DIM: Style = Style::new().dimmed();
/// What is most important.
pub(super) const STRONG: Style = Style::new().bold();
/// An error.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();

/// The sign and the colour of an action.
pub(super) fn sign(action: Action) -> (&'static str, Style) {
    match action {
        Action::NoOp => (" ", DIM),
        Action::Create => ("+", ADDED),
        Action::Update => ("~", CHANGED),
        Action::Replace => ("-/+", REMOVED),
        Action::Delete => ("-", REMOVED),
        Action::Release => (".", DIM),
        Action::Refresh => ("!", REFRESHED),
        Action::Deferred => ("?", DIM),
    }
}

/// A text in a style.
pub(super) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
