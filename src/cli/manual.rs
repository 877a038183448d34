//! `cai man`, generated from the same definitions as the help.

use clap::CommandFactory;
use clap_mangen::Man;

use super::Terminal;
use super::options::Cli;
use crate::cli::error::Error;

/// The manual page of `cai`, or of one of its commands.
pub(super) fn page(command: Option<&str>, terminal: &mut Terminal) -> Result<(), Error> {
    let mut cli = Cli::command();
    // Without this, a command's page lacks the global options and its full name.
    cli.build();
    let page = match command {
        None => cli,
        // As in the file names of the pages: `simulate-break` is `cai simulate break`.
        Some(name) => match find(&cli, name) {
            Some(found) => found.clone().display_name(format!("cai-{name}")),
            None => {
                return Err(Error::Usage {
                    why: format!("the command {name} does not exist"),
                    hint: "run `cai --help` for a list of commands".into(),
                });
            }
        },
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text).map_err(Error::Output)?;
    terminal.raw(&String::from_utf8_lossy(&text))
}

fn find<'a>(command: &'a clap::Command, name: &str) -> Option<&'a clap::Command> {
    command.get_subcommands().find_map(|sub| match name.strip_prefix(sub.get_name())? {
        "" => Some(sub),
        rest => find(sub, rest.strip_prefix('-')?),
    })
}
