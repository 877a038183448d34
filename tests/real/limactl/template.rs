//! The template fields that an instance's YAML can use.
use serde_json::Value;

use super::{Result, unknown};

/// The values of fields such as `Dir` or `User`. `Param` is an object.
pub(super) struct Fields(pub(super) Value);

impl Fields {
    /// Expands the fields in a text.
    ///
    /// A text with any other action is not changed, as in Lima, which keeps a script that it cannot
    /// parse as a template: it may contain `docker info --format '{{json .Runtimes}}'`.
    pub(super) fn expand(&self, text: &str) -> Result<String> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let Some((action, behind)) = behind.split_once("}}") else {
                return Ok(text.to_owned());
            };
            let Some(path) = field(action.trim()) else {
                return Ok(text.to_owned());
            };
            let value = self
                .0
                .pointer(&path)
                .ok_or_else(|| unknown(&format!("the template field `{{{{{action}}}}}`")))?;
            expanded.push_str(before);
            match value {
                Value::String(value) => expanded.push_str(value),
                other => expanded.push_str(&other.to_string()),
            }
            rest = behind;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

/// `.Name` or `.Param.name` as a JSON pointer.
fn field(action: &str) -> Option<String> {
    let mut words = action.strip_prefix('.')?.split('.');
    let (first, second) = (words.next()?, words.next());
    let word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let known_form = word(first)
        && words.next().is_none()
        && second.is_none_or(|second| first == "Param" && word(second));
    known_form.then(|| format!("/{}", action[1..].replace('.', "/")))
}
