//! `cai graph`

use super::file::{self, ConfigFile};
use super::options::GraphFormat;
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::config::Config;
use crate::host::Host;
use crate::reconcile::graph::Graph;
use crate::report::{self, GraphDocument};

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    format: GraphFormat,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let files = file::load_all(host, global, terminal)?;
    let configs: Vec<&Config> = files.iter().map(|file| &file.config).collect();
    let graph = Graph::new(&configs)?;
    let format = if global.json { GraphFormat::Json } else { format };
    match format {
        GraphFormat::Dot => terminal.raw(&report::dot(&graph)),
        GraphFormat::Mermaid => terminal.raw(&report::mermaid(&graph)),
        GraphFormat::Json => {
            let declared: Vec<_> = files.iter().map(ConfigFile::declared).collect();
            terminal.json(&GraphDocument::new(&graph, &declared))
        }
    }
}
