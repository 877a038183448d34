//! The text of an instance's YAML: writes, marks and edits it.

use serde_json::{Map, Value};

/// The start of the YAML of an instance that `cai` created.
const MARK: &str = "# Managed by cai";

/// Whether `cai` created the instance with this YAML. Lima keeps the comments when it edits a file.
pub fn is_marked(yaml: &str) -> bool {
    let mut head = yaml.lines().take_while(|line| line.is_empty() || line.starts_with('#'));
    head.any(|line| line.starts_with(MARK))
}

/// The text that `limactl create` reads.
pub fn to_yaml(keys: &Map<String, Value>) -> String {
    // Serialization cannot fail: every JSON value has a form in YAML.
    let body =
        serde_yaml::to_string(keys).unwrap_or_else(|_| Value::from(keys.clone()).to_string());
    format!("{MARK}: change containai.toml, then run `cai apply`.\n{body}")
}

/// The text of an instance's YAML with new values for some of its keys, and without the keys whose
/// value is `null`. All other text is kept; comments may be lost if the text has an unusual form.
pub fn edited(text: &str, yaml: &Map<String, Value>, keys: &Map<String, Value>) -> String {
    let mut wanted = yaml.clone();
    wanted.extend(keys.clone());
    wanted.retain(|key, value| !value.is_null() || !keys.contains_key(key));
    // Every JSON value has a form in YAML.
    let body = |keys: &Map<String, Value>| serde_yaml::to_string(keys).unwrap_or_default();
    let names = |line: &str| keys.keys().any(|key| names(line, key));
    let mut kept = String::new();
    let mut is_replaced = false;
    for line in text.lines() {
        let begins = line.starts_with(|c: char| !c.is_whitespace() && !"#-]}".contains(c));
        if begins {
            is_replaced = names(line);
        }
        // A comment at the margin belongs to the following key.
        if !is_replaced || line.starts_with('#') {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    let set = keys.iter().filter(|(_, value)| !value.is_null());
    let set: Map<String, Value> = set.map(|(key, value)| (key.clone(), value.clone())).collect();
    if !set.is_empty() {
        kept.push_str(&body(&set));
    }
    // If the result is wrong, the text has an unusual form and is written again.
    match serde_yaml::from_str::<Map<String, Value>>(&kept) {
        Ok(read) if read == wanted => kept,
        _ => head(text) + &body(&wanted),
    }
}

/// Whether a line of YAML begins a top-level key.
fn names(line: &str, key: &str) -> bool {
    let line = line.trim_start_matches(['"', '\'']);
    let rest = line.strip_prefix(key).map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
    rest.is_some_and(|rest| rest.starts_with(':'))
}

/// The comments at the start of a YAML.
fn head(text: &str) -> String {
    let head = text.lines().take_while(|line| line.is_empty() || line.starts_with('#'));
    head.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_edited_stays_as_it_is() {
        let edit = |text: &str| {
            let yaml: Map<String, Value> = serde_yaml::from_str(text).unwrap();
            let keys = json!({"env": {"A": "2: #"}, "cpus": 4});
            edited(text, &yaml, keys.as_object().unwrap())
        };
        let new = "env:\n  A: '2: #'\ncpus: 4\n";
        for (text, kept) in [
            (
                "# Managed by cai\nenv:\n  # mine\n  A: 1\nmemory: 1GiB # one\n",
                "# Managed by cai\nmemory: 1GiB # one\n",
            ),
            ("cpus: 1\n# x\n\"env\": {A: 1}\nenvy: 2\n", "# x\nenvy: 2\n"),
            (
                "images:\n- location: a\n# two\n- location: b\ncpus: 1\n",
                "images:\n- location: a\n# two\n- location: b\n",
            ),
            ("memory: 1GiB", "memory: 1GiB\n"),
        ] {
            assert_eq!(edit(text), format!("{kept}{new}"));
        }
        let text = "# Managed by cai\ncpus: 1 # a\n# b\nmemory: 1GiB\n";
        let yaml: Map<String, Value> = serde_yaml::from_str(text).unwrap();
        let none = Map::from_iter([("cpus".to_owned(), Value::Null)]);
        assert_eq!(edited(text, &yaml, &none), "# Managed by cai\n# b\nmemory: 1GiB\n");
        // If the text has an unusual form, its comments are lost and its values stay.
        let odd = "# Managed by cai\n{env: {A: 1}, memory: 1GiB} # x\n";
        assert_eq!(edit(odd), "# Managed by cai\nenv:\n  A: '2: #'\nmemory: 1GiB\ncpus: 4\n");
    }

    #[test]
    fn a_mark_is_a_comment_at_the_top() {
        assert!(is_marked("# by hand\n\n# Managed by cai: x\ncpus: 1\n"));
        for yaml in ["", "cpus: 1\n", "cpus: 1\n# Managed by cai\n", "message: '# Managed by cai'"]
        {
            assert!(!is_marked(yaml), "{yaml:?}");
        }
    }
}
