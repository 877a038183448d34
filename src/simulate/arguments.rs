//! Parses the flags and arguments of a simulated command.

/// The flags of a command, and its other arguments.
#[derive(Debug, Default)]
pub struct Arguments {
    flags: Vec<(String, String)>,
    /// The arguments that are not flags.
    pub words: Vec<String>,
}

impl Arguments {
    /// Parses a command line. `known` lists the aliases of each flag, as in `-f --force`; the last
    /// one is its name here. A flag with a value ends with `=`. With `until_word`, everything after
    /// the first other argument is an argument, too.
    ///
    /// # Errors
    /// Names the unknown flag.
    pub fn parse(arguments: &[String], known: &[&str], until_word: bool) -> Result<Self, String> {
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
            let is_own = |flag: &&&str| flag.trim_end_matches('=').split(' ').any(|it| it == name);
            let flag = known.iter().find(is_own).ok_or_else(|| format!("the flag `{name}`"))?;
            let without = || format!("the flag `{name}` without a value");
            let value = match inline {
                Some(value) => value,
                None if flag.ends_with('=') => rest.next().cloned().ok_or_else(without)?,
                None => "true".to_owned(),
            };
            let name = flag.trim_end_matches('=').split(' ').next_back().unwrap_or_default();
            parsed.flags.push((name.to_owned(), value));
        }
        Ok(parsed)
    }

    /// The last value of a flag.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    /// Every value of a flag.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let own = self.flags.iter().filter(move |(own, _)| own == name);
        own.map(|(_, value)| value.as_str())
    }

    /// The argument of a command that takes exactly one.
    ///
    /// # Errors
    /// Lima's message with the number of arguments.
    pub fn only(&self) -> Result<&str, String> {
        match self.words.as_slice() {
            [only] => Ok(only),
            words => Err(format!("accepts 1 arg(s), received {}", words.len())),
        }
    }

    /// Whether a flag is set.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value != "false")
    }
}
