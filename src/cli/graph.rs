//! `cai graph`

use super::options::GraphFormat;
use super::{Global, Terminal, file};
use crate::error::Error;
use crate::graph::Graph;
use crate::host::Host;
use crate::report::{self, GraphDocument};

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    format: GraphFormat,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    let graph = Graph::new(&file.config)?;
    let format = if global.json { GraphFormat::Json } else { format };
    match format {
        GraphFormat::Dot => terminal.raw(report::dot(&graph).as_bytes()),
        GraphFormat::Mermaid => terminal.raw(report::mermaid(&graph).as_bytes()),
        GraphFormat::Json => terminal.json(&GraphDocument::new(&graph, &file.shown)),
    }
}
