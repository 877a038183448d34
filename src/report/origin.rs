//! The values of a configuration and the places that set them.

use std::fmt::Write as _;

use super::on_a_line;
use super::palette::{DIM, paint};
use crate::config::Config;
use crate::model::shortened;

/// One line for each value: its place, its key and value, and the places of the values that it replaces. If the
/// places take more than half of the width, each is on its own line.
pub fn origin(config: &Config, width: usize) -> String {
    let origin = &config.origin;
    let place = |offset: usize| {
        let place = origin.sources.at(offset).map(|place| place.to_string());
        on_a_line(&place.unwrap_or_default()).into_owned()
    };
    let values = origin.values(&config.shown());
    let places = values.iter().map(|(.., setting)| place(setting.span.start).chars().count());
    let widest = places.max().unwrap_or(0);
    let (column, gap) = if widest * 2 > width { (0, "\n  ") } else { (widest, "  ") };
    let room = width.saturating_sub(column + 2);
    let mut text = String::new();
    for (key, value, setting) in values {
        let line = format!("{} = {}", on_a_line(&key), on_a_line(&value));
        let set = place(setting.span.start);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{set:column$}{gap}{}", shortened(&line, room.saturating_sub(1)));
        for span in setting.replaced.iter().rev() {
            let line = format!("{:column$}  instead of {}", "", place(span.start));
            let _ = writeln!(text, "{}", paint(DIM, line));
        }
    }
    text
}
