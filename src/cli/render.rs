//! `cai render`

use super::{Global, Terminal, file};
use crate::error::Error;
use crate::host::Host;
use crate::lima;
use crate::report::printable_json;

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    let keys = lima::template(&file.config);
    if global.json {
        // Lima's own document: nothing is added to it.
        let text = serde_json::to_string_pretty(&keys);
        let text = text.map_err(|error| Error::Output(error.into()))?;
        return terminal.raw(format!("{}\n", printable_json(&text)).as_bytes());
    }
    terminal.raw(lima::to_yaml(&keys).as_bytes())
}
