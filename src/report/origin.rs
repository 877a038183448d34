//! The values of a configuration and the places that set them.

use super::on_a_line;
use super::palette::{DIM, paint};
use crate::config::layers::Origin;
use crate::model::shortened;

/// The least space for a key and its value.
const LEAST: usize = 40;

/// One line for each value: its place, its key and value, and the places of the values that it replaces.
pub fn origin(origin: &Origin, width: usize) -> String {
    let place = |offset: usize| {
        let place = origin.sources.at(offset).map(|place| place.to_string());
        on_a_line(&place.unwrap_or_default()).into_owned()
    };
    let values: Vec<_> =
        origin.values().map(|(key, setting)| (place(setting.span.start), key, setting)).collect();
    let column = values.iter().map(|(place, ..)| place.chars().count()).max().unwrap_or(0);
    let room = width.saturating_sub(column + 2).max(LEAST);
    let lines = values.into_iter().map(|(set, key, setting)| {
        let value = setting.value.as_deref().unwrap_or_default();
        let text = format!("{} = {}", on_a_line(key), on_a_line(value));
        let text = shortened(&text, room).into_owned();
        let replaced = setting.replaced.iter().rev().map(|span| {
            let text = format!("{:column$}  instead of {}", "", place(span.start));
            format!("{}\n", paint(DIM, text))
        });
        format!("{set:column$}  {text}\n{}", replaced.collect::<String>())
    });
    lines.collect()
}
