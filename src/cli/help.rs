//! `cai help`: the help of a command, and topics.

use super::error::Error;
use super::{Terminal, command_line};

/// The topics. The first line of a text is its title.
const TOPICS: [(&str, &str); 20] = [
    ("file", include_str!("topics/file.txt")),
    ("layers", include_str!("topics/layers.txt")),
    ("import", include_str!("topics/import.txt")),
    ("data", include_str!("topics/data.txt")),
    ("daemon", include_str!("topics/daemon.txt")),
    ("egress", include_str!("topics/egress.txt")),
    ("network", include_str!("topics/network.txt")),
    ("sysbox", include_str!("topics/sysbox.txt")),
    ("clients", include_str!("topics/clients.txt")),
    ("plans", include_str!("topics/plans.txt")),
    ("removal", include_str!("topics/removal.txt")),
    ("doctor", include_str!("topics/doctor.txt")),
    ("groups", include_str!("topics/groups.txt")),
    ("security", include_str!("topics/security.txt")),
    ("fleets", include_str!("topics/fleets.txt")),
    ("simulate", include_str!("topics/simulate.txt")),
    ("env", include_str!("topics/env.txt")),
    ("files", include_str!("topics/files.txt")),
    ("tested", include_str!("topics/tested.txt")),
    ("exit-codes", include_str!("topics/exit-codes.txt")),
];

/// The text of a topic.
pub(super) fn topic(name: &str) -> Option<&'static str> {
    TOPICS.iter().find(|(topic, _)| *topic == name).map(|(_, text)| *text)
}

/// The names of the topics.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TOPICS.iter().map(|(name, _)| *name)
}

/// The end of the help of `cai`.
pub(super) fn topics() -> String {
    let line = |(name, text): &(&str, &str)| {
        format!("  {name:12} {}\n", text.lines().next().unwrap_or_default())
    };
    let list: String = TOPICS.iter().map(line).collect();
    format!("Topics of `cai help`:\n{list}\nResults go to stdout, messages to stderr.")
}

/// Prints the help of a command, a topic, or both if they have the same name.
pub(super) fn run(words: &[String], terminal: &mut Terminal) -> Result<(), Error> {
    let topic = match words {
        [name] => topic(name),
        _ => None,
    };
    let help = command_help(words);
    match (help, topic) {
        (Some(help), Some(topic)) => terminal.data(&format!("{help}\n{topic}")),
        (Some(help), None) => terminal.data(&help),
        (None, Some(topic)) => terminal.data(topic),
        (None, None) => Err(unknown(words)),
    }
}

/// The output of `--help`; `None` if the command does not exist.
fn command_help(words: &[String]) -> Option<String> {
    let cli = command_line();
    words.iter().try_fold(&cli, |command, word| command.find_subcommand(word))?;
    let names = words.iter().map(String::as_str);
    let line = std::iter::once("cai").chain(names).chain(["--help"]);
    let help = cli.clone().try_get_matches_from(line).err()?;
    Some(help.render().ansi().to_string())
}

fn unknown(words: &[String]) -> Error {
    let cli = command_line();
    let commands: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    let topics = TOPICS.map(|(name, _)| name);
    Error::Usage {
        why: format!("`{}` is neither a command nor a topic", words.join(" ")),
        hint: format!(
            "the topics are {}; the commands are {}",
            topics.join(", "),
            commands.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_fits_80_columns_and_has_a_title() {
        for (name, text) in TOPICS {
            let mut lines = text.lines();
            assert!(lines.next().is_some_and(|title| !title.is_empty()), "{name}");
            assert_eq!(lines.next(), Some(""), "{name}");
            let wide = text.lines().find(|line| line.chars().count() > 80);
            assert_eq!(wide, None, "{name}");
            assert!(text.ends_with('\n') && !text.contains('\t'), "{name}");
        }
        let wide = topics().lines().find(|line| line.len() > 80).map(str::to_owned);
        assert_eq!(wide, None);
    }
}
