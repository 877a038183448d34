//! The colors. They only repeat what the text says.

use anstyle::{AnsiColor, Style};

use crate::plan::Action;

/// An addition.
pub(super) const ADDED: Style = AnsiColor::Green.on_default();
/// A deletion.
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();
/// A change.
pub(super) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// A refresh.
pub(super) const REFRESHED: Style = AnsiColor::Cyan.on_default();
/// Less important text.
pub(super) const DIM: Style = Style::new().dimmed();
/// Important text.
pub(super) const STRONG: Style = Style::new().bold();
/// An error.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();

/// The sign and color of an action.
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
