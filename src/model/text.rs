//! Helpers for types that wrap a text, and for the characters in displayed text.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Whether a terminal interprets or hides this character instead of showing it: control characters,
/// bidirectional formatting characters and invisible characters. Joiners, which emoji and some
/// scripts need, are not included.
pub(crate) fn is_unshowable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// The text with line breaks and tabs escaped.
pub(crate) fn in_a_line(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\t']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\n', "\\n").replace('\t', "\\t"))
}

/// A list of names for a sentence. Line breaks are escaped, so that a key of a file cannot start a
/// line that looks like output of `cai`.
pub(crate) fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names = names.into_iter().map(|name| in_a_line(name.as_ref()).into_owned());
    names.collect::<Vec<_>>().join(", ")
}

/// The shortest equivalent path, like Go's `path.Clean`. It does not access the file system.
pub(crate) fn clean_path(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            ("..", _) if is_rooted => {}
            _ => parts.push(part),
        }
    }
    match (is_rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".into(),
        (false, path) => path,
    }
}

/// The path for `~` or a path below it. `None` for other paths.
pub(crate) fn in_home(path: &str, home: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix('~')?;
    if rest.is_empty() {
        return Some(home.to_owned());
    }
    rest.strip_prefix('/').map(|rest| home.join(rest.trim_start_matches('/')))
}

/// Implements serde and JSON Schema for a type that a file writes as a string, using its `FromStr`
/// and `Display`. `$pattern` is an equivalent regular expression for editors (JSON Schema, ECMA
/// 262).
macro_rules! written_as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = $crate::model::InvalidValue;

            fn try_from(value: String) -> Result<Self, $crate::model::InvalidValue> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(it: $name) -> Self {
                it.to_string()
            }
        }
    };
    ($name:ident, $description:expr, $pattern:literal) => {
        $crate::model::text::written_as_text!($name);

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": $description,
                    "type": "string",
                    "pattern": $pattern,
                })
            }
        }
    };
}
pub(super) use written_as_text;

/// Defines a type that wraps a validated text, which copies share. `$broken` returns the rule that a text violates.
/// `$pattern` is an equivalent regular expression.
macro_rules! checked_text {
    ($(#[doc = $doc:literal])* $name:ident, $what:literal, $broken:ident, $pattern:literal) => {
        $(#[doc = $doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::InvalidValue;

            fn from_str(value: &str) -> Result<Self, $crate::model::InvalidValue> {
                match $broken(value) {
                    Some(rule) => Err($crate::model::InvalidValue::new(value, $what, rule)),
                    None => Ok(Self(value.into())),
                }
            }
        }

        $crate::model::text::written_as_text!($name, concat!($($doc, "\n"),*), $pattern);

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}
pub(super) use checked_text;

/// Checks that every text of `accepted` parses and displays unchanged, that every text of `refused`
/// is invalid, and that the schema agrees.
#[cfg(test)]
pub(super) fn check<T: std::str::FromStr + std::fmt::Display + schemars::JsonSchema>(
    accepted: &[&str],
    refused: &[&str],
) {
    let schema = schemars::schema_for!(T);
    let schema = jsonschema::validator_for(schema.as_value()).unwrap();
    for text in accepted {
        assert_eq!(text.parse::<T>().ok().map(|read| read.to_string()).as_deref(), Some(*text));
        assert!(schema.is_valid(&(*text).into()), "the schema must accept {text:?}");
    }
    for text in refused {
        assert!(text.parse::<T>().is_err(), "{text:?} must be refused");
        assert!(!schema.is_valid(&(*text).into()), "the schema must refuse {text:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_directory_of_its_user_only() {
        let home = Path::new("/home/dev");
        for (path, absolute) in [
            ("~", Some("/home/dev")),
            ("~/", Some("/home/dev/")),
            ("~/a/b", Some("/home/dev/a/b")),
            ("~//a", Some("/home/dev/a")),
            ("~bob/a", None),
            ("/a/~", None),
            ("./a", None),
        ] {
            assert_eq!(in_home(path, home), absolute.map(PathBuf::from), "{path}");
        }
    }

    #[test]
    fn a_path_is_cleaned_as_go_does() {
        for (path, clean) in [
            ("/./etc", "/etc"),
            ("//usr//", "/usr"),
            ("/mnt/../etc/.", "/etc"),
            ("/../..", "/"),
            ("/", "/"),
            ("a/./b/..", "a"),
            ("../a/../..", "../.."),
            ("~/x/", "~/x"),
            ("", "."),
        ] {
            assert_eq!(clean_path(path), clean, "{path}");
        }
    }
}
