//! Flags and words of a command line.

/// The flags that were given, and the words that are none.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    flags: Vec<(String, String)>,
    pub(super) words: Vec<String>,
}

impl Arguments {
    /// Reads a command line. `known` names the flags; one that takes a value ends with `=`.
    /// With `until_word`, everything from the first word on is a word.
    ///
    /// # Errors
    /// Names a flag that is not known.
    pub(super) fn parse(
        arguments: &[String],
        known: &[&str],
        until_word: bool,
    ) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" || (until_word && !argument.starts_with('-')) {
                parsed.words.extend((argument != "--").then(|| argument.clone()));
                parsed.words.extend(rest.cloned());
                break;
            }
            if !argument.starts_with('-') || argument == "-" {
                parsed.words.push(argument.clone());
                continue;
            }
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let takes_value = known.iter().any(|flag| flag.strip_suffix('=') == Some(name));
            let value = match inline {
                Some(value) if takes_value || known.contains(&name) => value,
                None if takes_value => rest
                    .next()
                    .cloned()
                    .ok_or_else(|| format!("the flag `{name}` without a value"))?,
                None if known.contains(&name) => "true".to_owned(),
                _ => return Err(format!("the flag `{name}`")),
            };
            parsed.flags.push((name.to_owned(), value));
        }
        Ok(parsed)
    }

    /// The last value of a flag.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    /// Every value of a flag.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let values: Vec<&str> = self
            .flags
            .iter()
            .filter(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
            .collect();
        values.into_iter()
    }

    /// Whether a switch is on.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value != "false")
    }
}
