//! The record of a VM as text.

use std::fmt::Write as _;

use super::palette::{DIM, STRONG, paint};
use super::text::on_a_line;
use crate::resource::record::{Origin, Record};

/// The resources that `cai` manages in a VM, and their origin.
pub fn record(vm: &str, record: Option<&Record>) -> String {
    let Some(record) = record else {
        return format!("{}: no record; cai apply creates it\n", paint(STRONG, vm));
    };
    let file = record.file.as_ref().map(|file| format!(" · {}", file.display()));
    let file = file.unwrap_or_default();
    let mut text = format!("{}{}\n", paint(STRONG, vm), on_a_line(&file));
    let width = record.resources.keys().map(|address| address.chars().count()).max();
    let mut line = |indent: &str, name: &str, origin: Origin| {
        let room = width.unwrap_or_default().saturating_sub(indent.len() + name.chars().count());
        let origin = paint(DIM, word(origin));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {indent}{}{}  {origin}", on_a_line(name), " ".repeat(room));
    };
    for (address, entry) in &record.resources {
        line("", address, entry.origin);
        for (name, key) in &entry.keys {
            line("  ", name, key.origin);
        }
    }
    text
}

fn word(origin: Origin) -> &'static str {
    match origin {
        Origin::Created => "created by cai",
        Origin::Creating => "creation interrupted",
        Origin::Found => "found",
    }
}
