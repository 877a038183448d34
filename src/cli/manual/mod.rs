//! `cai man`, generated from the same definitions as the help.

mod file_format;

use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use super::{Terminal, command_line, examples, help};
use crate::cli::error::Error;

/// The name of the page of the file.
const FILE_FORMAT: &str = "containai.toml";

/// The manual page of `cai`, of one of its commands, or of the file.
pub(super) fn page(name: Option<&str>, terminal: &mut Terminal) -> Result<(), Error> {
    let page = match name {
        Some(FILE_FORMAT) => file_format::page(),
        name => command_page(name)?,
    };
    terminal.raw(&page)
}

fn command_page(name: Option<&str>) -> Result<String, Error> {
    let mut cli = command_line();
    // Without this, a command's page lacks the global options and its full name.
    cli.build();
    let (command, path) = match name {
        None => (cli, String::new()),
        // As in the file names of the pages: `simulate-break` is `cai simulate break`.
        Some(name) => match find(&cli, name) {
            Some(found) => {
                (found.clone().display_name(format!("cai-{name}")), name.replace('-', " "))
            }
            None => {
                return Err(Error::Usage {
                    why: format!("the command {name} does not exist"),
                    hint: "run `cai --help` for a list of commands".into(),
                });
            }
        },
    };
    let (has_commands, has_version) = (command.has_subcommands(), command.get_version().is_some());
    let man = Man::new(command);
    let mut page = Vec::new();
    let mut render = || {
        man.render_title(&mut page)?;
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        if has_commands {
            man.render_subcommands_section(&mut page)?;
        }
        sections(&path).to_writer(&mut page)?;
        if has_version { man.render_version_section(&mut page) } else { Ok(()) }
    };
    render().map_err(Error::Output)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn find<'a>(command: &'a clap::Command, name: &str) -> Option<&'a clap::Command> {
    command.get_subcommands().find_map(|sub| match name.strip_prefix(sub.get_name())? {
        "" => Some(sub),
        rest => find(sub, rest.strip_prefix('-')?),
    })
}

/// The names of the pages.
pub(super) fn names() -> Vec<String> {
    let mut names = vec![FILE_FORMAT.to_owned()];
    add_names(&command_line(), "", &mut names);
    names
}

fn add_names(command: &clap::Command, prefix: &str, names: &mut Vec<String>) {
    for sub in command.get_subcommands() {
        let name = format!("{prefix}{}", sub.get_name());
        add_names(sub, &format!("{name}-"), names);
        names.push(name);
    }
}

/// The sections that clap does not know.
fn sections(command: &str) -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", ["EXAMPLES"]);
    for (what, line) in examples::of(command) {
        entry(&mut roff, line, what);
    }
    for (title, topic) in
        [("ENVIRONMENT", "env"), ("FILES", "files"), ("EXIT STATUS", "exit-codes")]
    {
        roff.control("SH", [title]);
        body(&mut roff, help::topic(topic).unwrap_or_default());
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text(inlines("`cai`(1), `containai.toml`(5), `cai help`"));
    roff
}

/// A name and its description.
fn entry(roff: &mut Roff, name: &str, description: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text(inlines(description));
}

/// A text with its code, which is in backticks, in bold.
fn inlines(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 0 { roman(part) } else { bold(part) }).collect()
}

/// A topic without its title: paragraphs, and entries. An entry is a line with two leading spaces;
/// its description follows after two spaces or on the next line.
fn body(roff: &mut Roff, topic: &str) {
    for paragraph in topic.split("\n\n").skip(1) {
        if !paragraph.starts_with("  ") {
            roff.control("PP", []);
            roff.text(inlines(paragraph.trim_end()));
            continue;
        }
        for item in format!("\n{paragraph}").replace("\n   ", "  ").split("\n  ").skip(1) {
            let (name, description) = item.split_once("  ").unwrap_or((item, ""));
            let words: Vec<&str> = description.split_whitespace().collect();
            entry(roff, name, &words.join(" "));
        }
    }
}
