//! Edits of a JSON object's text that preserve the order of the keys, the indentation, and the form
//! of numbers.

use std::ops::Range;

use serde_json::{Map, Value};

/// The indentation of a new file. Sysbox's package searches for its network keys in indented lines.
const INDENT: &str = "    ";

/// A member of an object, by its positions in the text.
struct Member {
    name: String,
    key: Range<usize>,
    value: Range<usize>,
}

/// The members of the object at the first `{` of a text that is valid JSON, and the position of its
/// closing brace.
fn members(text: &str) -> (Vec<Member>, usize) {
    let (mut members, mut open) = (Vec::new(), 0_usize);
    let (mut key, mut start): (Option<Range<usize>>, Option<usize>) = (None, None);
    let mut rest = text.char_indices();
    while let Some((at, letter)) = rest.next() {
        if letter == '"' {
            start.get_or_insert(at);
            while let Some((end, letter)) = rest.next() {
                match letter {
                    '\\' => drop(rest.next()),
                    '"' => {
                        if open == 1 && key.is_none() {
                            (key, start) = (Some(at..end + 1), None);
                        }
                        break;
                    }
                    _ => {}
                }
            }
            continue;
        }
        match letter {
            '{' | '[' => {
                open += 1;
                if open > 1 {
                    start.get_or_insert(at);
                }
            }
            ',' | '}' | ']' if open == 1 => {
                if let (Some(key), Some(start)) = (key.take(), start.take()) {
                    let end = start + text[start..at].trim_end().len();
                    // The text is valid, so the key is a string.
                    let name = serde_json::from_str(&text[key.clone()]).unwrap_or_default();
                    members.push(Member { name, key, value: start..end });
                }
                if letter != ',' {
                    return (members, at);
                }
            }
            '}' | ']' => open -= 1,
            ':' if open == 1 && start.is_none() => {}
            letter if letter.is_whitespace() => {}
            _ => drop(start.get_or_insert(at)),
        }
    }
    (members, text.len())
}

/// The layout of an object: the text before each key. `None` if it is on one line.
fn indent_of<'a>(text: &'a str, members: &[Member]) -> Option<&'a str> {
    let before = &text[..members.first()?.key.start];
    let (_, indent) = before.rsplit_once('\n')?;
    indent.chars().all(char::is_whitespace).then_some(indent)
}

/// A value as text. Every line but the first starts with `margin`; `step` is one level of
/// indentation. Without a step, the value is on one line.
fn written(value: &Value, margin: &str, step: Option<&str>) -> String {
    let Some(step) = step else { return spaced(value) };
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(step.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    // JSON values can always be written to memory.
    let _ = serde::Serialize::serialize(value, &mut serializer);
    String::from_utf8_lossy(&text).replace('\n', &format!("\n{margin}"))
}

/// A value on one line, with a space after each `:` and `,`.
fn spaced(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", joined(items.iter().map(spaced).collect())),
        Value::Object(map) => {
            let member =
                |(key, value)| format!("{}: {}", Value::String(String::clone(key)), spaced(value));
            format!("{{{}}}", joined(map.iter().map(member).collect()))
        }
        value => value.to_string(),
    }
}

/// Sets keys of an object. `text` is a valid JSON object or blank. A key with an equal value keeps
/// its text.
pub(super) fn set(text: &str, keys: &Map<String, Value>) -> String {
    if text.trim().is_empty() {
        return written(&Value::Object(keys.clone()), "", Some(INDENT)) + "\n";
    }
    keys.iter().fold(text.to_owned(), |text, (key, value)| set_one(&text, key, value, ""))
}

/// Sets entries of the object at a key; other entries are kept.
pub(super) fn set_within(text: &str, key: &str, entries: &Map<String, Value>) -> String {
    let (found, _) = members(text);
    let place = found.iter().rev().find(|member| member.name == key);
    let inner = place.map(|member| &text[member.value.clone()]).filter(|it| it.starts_with('{'));
    let (Some(member), Some(inner)) = (place, inner) else {
        return set_one(text, key, &Value::Object(entries.clone()), "");
    };
    let margin = indent_of(text, &found).unwrap_or_default();
    let inner = entries
        .iter()
        .fold(inner.to_owned(), |inner, (name, value)| set_one(&inner, name, value, margin));
    let mut text = text.to_owned();
    text.replace_range(member.value.clone(), &inner);
    text
}

/// Removes an entry of the object at a key. If the object becomes empty, the key is removed too.
pub(super) fn remove_within(text: &str, key: &str, entry: &str) -> String {
    let (found, _) = members(text);
    let Some(member) = found.iter().rev().find(|member| member.name == key) else {
        return text.to_owned();
    };
    let inner = &text[member.value.clone()];
    if !inner.starts_with('{') {
        return text.to_owned();
    }
    let rest = remove(inner, entry);
    if members(&rest).0.is_empty() {
        return remove(text, key);
    }
    let mut text = text.to_owned();
    text.replace_range(member.value.clone(), &rest);
    text
}

/// Removes a key.
pub(super) fn remove(text: &str, key: &str) -> String {
    let (found, _) = members(text);
    let Some(index) = found.iter().position(|member| member.name == key) else {
        return text.to_owned();
    };
    let mut text = text.to_owned();
    // Remove the comma after the key or, for the last key, the one before it.
    match (index.checked_sub(1).map(|before| &found[before]), found.get(index + 1)) {
        (_, Some(next)) => text.replace_range(found[index].key.start..next.key.start, ""),
        (Some(before), None) => {
            text.replace_range(before.value.end..found[index].value.end, "");
        }
        (None, None) => text.replace_range(found[index].key.start..found[index].value.end, ""),
    }
    // The key may occur twice.
    remove(&text, key)
}

/// Sets one key of an object whose line has this margin.
fn set_one(text: &str, key: &str, value: &Value, margin: &str) -> String {
    let (found, end) = members(text);
    let indent = indent_of(text, &found);
    let step = indent.map(|indent| indent.strip_prefix(margin).unwrap_or(INDENT));
    let mut text = text.to_owned();
    // If a key is written twice, the last one counts.
    if let Some(member) = found.iter().rev().find(|member| member.name == key) {
        let present: Option<Value> = serde_json::from_str(&text[member.value.clone()]).ok();
        if present.as_ref() != Some(value) {
            let value = written(value, indent.unwrap_or_default(), step);
            text.replace_range(member.value.clone(), &value);
        }
        return text;
    }
    let name = Value::String(key.to_owned());
    match (found.last(), indent) {
        (None, _) => {
            // The layout of an empty object is not preserved.
            let indent = format!("{margin}{INDENT}");
            let value = written(value, &indent, Some(INDENT));
            let start = text.find('{').map_or(0, |brace| brace + 1);
            text.replace_range(start..end, &format!("\n{indent}{name}: {value}\n{margin}"));
        }
        (Some(last), Some(indent)) => {
            let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
            let value = written(value, indent, step).replace('\n', line_break);
            text.insert_str(last.value.end, &format!(",{line_break}{indent}{name}: {value}"));
        }
        (Some(last), None) => {
            text.insert_str(last.value.end, &format!(", {name}: {}", spaced(value)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_file_keeps_its_indentation_and_its_order() {
        for indent in ["  ", "    ", "\t"] {
            let text = format!(
                "{{\n{indent}\"z\": 1.50,\n{indent}\"a\": {{\n{indent}{indent}\"x\": [1,2]\n{indent}}}\n}}\n"
            );
            let edited = set(&text, &keys(json!({"z": 2, "new": {"k": ["v"]}})));
            let expected = format!(
                "{{\n{indent}\"z\": 2,\n{indent}\"a\": {{\n{indent}{indent}\"x\": [1,2]\n{indent}}},\n\
                 {indent}\"new\": {{\n{indent}{indent}\"k\": [\n{indent}{indent}{indent}\"v\"\n\
                 {indent}{indent}]\n{indent}}}\n}}\n"
            );
            assert_eq!(edited, expected);
            assert_eq!(set(&edited, &keys(json!({"z": 2, "new": {"k": ["v"]}}))), edited);
        }
    }

    #[test]
    fn odd_layouts_are_kept() {
        let new = keys(json!({"b": [1, true]}));
        for (text, expected) in [
            ("{\"a\":1}", "{\"a\":1, \"b\": [1, true]}"),
            ("{ \"a\" : 1 }\n", "{ \"a\" : 1, \"b\": [1, true] }\n"),
            ("{}", "{\n    \"b\": [\n        1,\n        true\n    ]\n}"),
            ("{\n}\n", "{\n    \"b\": [\n        1,\n        true\n    ]\n}\n"),
            (
                "{\"a\": \"},\\\"{\", \"\\u0062\": 0}",
                "{\"a\": \"},\\\"{\", \"\\u0062\": [1, true]}",
            ),
            (
                "{\r\n  \"a\": 1\r\n}",
                "{\r\n  \"a\": 1,\r\n  \"b\": [\r\n    1,\r\n    true\r\n  ]\r\n}",
            ),
            ("", "{\n    \"b\": [\n        1,\n        true\n    ]\n}\n"),
        ] {
            assert_eq!(set(text, &new), expected, "{text}");
        }
    }

    #[test]
    fn entries_of_an_object_are_set_beside_the_others() {
        let text = "{\n  \"runtimes\": {\n    \"hand\": {\"path\": \"/h\"}\n  },\n  \"a\": 1\n}\n";
        let edited = set_within(text, "runtimes", &keys(json!({"s": {"path": "/s"}})));
        let expected = "{\n  \"runtimes\": {\n    \"hand\": {\"path\": \"/h\"},\n    \"s\": {\n      \
                        \"path\": \"/s\"\n    }\n  },\n  \"a\": 1\n}\n";
        assert_eq!(edited, expected);
        let added = set_within("{\n  \"a\": 1\n}", "runtimes", &keys(json!({"s": {}})));
        assert_eq!(added, "{\n  \"a\": 1,\n  \"runtimes\": {\n    \"s\": {}\n  }\n}");
    }

    #[test]
    fn an_entry_goes_and_with_the_last_one_its_object() {
        let text = "{\n  \"r\": {\"a\": {\"r\": 1}, \"b\": {}},\n  \"c\": 3\n}\n";
        let one = remove_within(text, "r", "a");
        assert_eq!(one, "{\n  \"r\": {\"b\": {}},\n  \"c\": 3\n}\n");
        assert_eq!(remove_within(&one, "r", "b"), "{\n  \"c\": 3\n}\n");
        for (key, entry) in [("c", "a"), ("d", "a"), ("r", "d")] {
            assert_eq!(remove_within(text, key, entry), text);
        }
    }

    #[test]
    fn a_key_goes_with_its_comma() {
        let text = "{\n  \"a\": 1,\n  \"b\": {\"a\": 2},\n  \"c\": 3\n}\n";
        assert_eq!(remove(text, "a"), "{\n  \"b\": {\"a\": 2},\n  \"c\": 3\n}\n");
        assert_eq!(remove(text, "b"), "{\n  \"a\": 1,\n  \"c\": 3\n}\n");
        assert_eq!(remove(text, "c"), "{\n  \"a\": 1,\n  \"b\": {\"a\": 2}\n}\n");
        assert_eq!(remove("{\"a\": 1}", "a"), "{}");
        assert_eq!(remove(text, "d"), text);
    }
}
