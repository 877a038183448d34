//! `cai render`

use super::{Global, Terminal, file};
use crate::error::Error;
use crate::host::Host;
use crate::lima;

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    let keys = lima::template(&file.config);
    if global.json {
        return terminal.json(&keys);
    }
    terminal.raw(lima::to_yaml(&keys).as_bytes())
}
