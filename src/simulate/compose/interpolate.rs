//! Interpolation of variables in a Compose file, by Compose's rules: `$NAME`, `${NAME}`, the
//! operators `-`, `+` and `?` with and without `:`, and `$$` for a dollar sign.

use std::iter::Peekable;
use std::str::Chars;

use serde_yaml::Value;

/// The value of a required variable that is not set. A check of a file does not have the secrets.
const REQUIRED: &str = "simulated";

/// Interpolates the variables in every string of a value.
///
/// # Errors
/// Compose's message for a malformed string.
pub(super) fn fill_in(
    value: &mut Value,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(), String> {
    match value {
        Value::String(text) => {
            *text = interpolate(text, variable)
                .ok_or_else(|| format!("invalid interpolation format: \"{text}\""))?;
            Ok(())
        }
        Value::Sequence(items) => items.iter_mut().try_for_each(|item| fill_in(item, variable)),
        Value::Mapping(entries) => {
            entries.iter_mut().try_for_each(|(_, item)| fill_in(item, variable))
        }
        Value::Tagged(tagged) => fill_in(&mut tagged.value, variable),
        _ => Ok(()),
    }
}

/// A string with its variables interpolated; `None` if it is malformed.
pub(super) fn interpolate(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut rest = text.chars().peekable();
    let mut filled = String::new();
    while let Some(character) = rest.next() {
        if character != '$' {
            filled.push(character);
            continue;
        }
        match rest.peek()? {
            '$' => filled.extend(rest.next()),
            '{' => {
                rest.next();
                let inner = braced(&mut rest)?;
                filled.push_str(&value_of(&inner, variable)?);
            }
            _ => {
                let name = name(&mut rest)?;
                filled.push_str(&variable(&name).unwrap_or_default());
            }
        }
    }
    Some(filled)
}

/// The text up to the closing brace. It may contain nested braces.
fn braced(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let (mut inner, mut depth) = (String::new(), 1);
    loop {
        let character = rest.next()?;
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(inner);
        }
        inner.push(character);
    }
}

fn name(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut name = String::new();
    while let Some(character) = rest
        .next_if(|c| *c == '_' || c.is_ascii_alphabetic() || !name.is_empty() && c.is_ascii_digit())
    {
        name.push(character);
    }
    (!name.is_empty()).then_some(name)
}

/// The value of `NAME`, or of `NAME` with an operator and a word.
fn value_of(inner: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut rest = inner.chars().peekable();
    let name = name(&mut rest)?;
    let value = variable(&name);
    let not_empty = rest.next_if_eq(&':').is_some();
    let value = value.filter(|value| !not_empty || !value.is_empty());
    let operator = rest.next();
    let word = || interpolate(&rest.clone().collect::<String>(), variable);
    match operator {
        None if not_empty => None,
        None => Some(value.unwrap_or_default()),
        Some('-') => value.map_or_else(word, Some),
        Some('+') => value.map_or_else(|| Some(String::new()), |_| word()),
        Some('?') => Some(value.unwrap_or_else(|| REQUIRED.to_owned())),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_as_compose_does() {
        let variable = |name: &str| match name {
            "SET" => Some("7".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, filled) in [
            ("a$$b", Some("a$b")),
            ("$SET-$NONE.", Some("7-.")),
            ("${SET}${NONE}", Some("7")),
            ("${NONE:-999}", Some("999")),
            ("${EMPTY-1}${EMPTY:-2}", Some("2")),
            ("${NONE:-${SET}}", Some("7")),
            ("${SET:+yes}${NONE+no}", Some("yes")),
            ("${NONE:?say it}${SET?x}", Some("simulated7")),
            ("$${SET}", Some("${SET}")),
            ("$", None),
            ("${SET", None),
            ("${SET:}", None),
            ("${1}", None),
        ] {
            assert_eq!(interpolate(text, &variable).as_deref(), filled, "{text}");
        }
    }
}
