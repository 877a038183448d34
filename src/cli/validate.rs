//! `cai validate`

use super::{Global, Terminal, file};
use crate::error::Error;
use crate::host::Host;

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    terminal.data(&format!("{} is valid.\n", file.shown))
}
