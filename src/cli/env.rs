//! `cai env`

use std::path::Path;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Global, Terminal, file};
use crate::cli::error::Error;
use crate::host::Host;
use crate::plan::FORMAT_VERSION;
use crate::reconcile::observe::engine_socket;

/// The variable that Docker clients, libraries and SDKs read. It takes precedence over contexts.
const DOCKER_HOST: &str = "DOCKER_HOST";

/// The environment variables, as `cai env --json` prints them.
#[derive(Serialize, JsonSchema)]
pub(super) struct EnvDocument {
    format_version: u32,
    /// The socket of the engine, as a URL; `null` with `--unset`.
    #[serde(rename = "DOCKER_HOST")]
    docker_host: Option<String>,
}

impl EnvDocument {
    fn new(docker_host: Option<String>) -> Self {
        Self { format_version: FORMAT_VERSION, docker_host }
    }
}

/// The syntax of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Syntax {
    Bash,
    Zsh,
    Fish,
}

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    syntax: Option<Syntax>,
    unset: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let syntax = syntax.unwrap_or_else(|| own_shell(host));
    if unset && global.json {
        return terminal.json(&EnvDocument::new(None));
    }
    if unset {
        return terminal.raw(match syntax {
            Syntax::Fish => "set -e DOCKER_HOST\n",
            Syntax::Bash | Syntax::Zsh => "unset DOCKER_HOST\n",
        });
    }
    let file = file::load(host, global, terminal)?;
    let socket = engine_socket(host, &file.config)?;
    let endpoint = format!("unix://{}", socket.display());
    if global.json {
        return terminal.json(&EnvDocument::new(Some(endpoint)));
    }
    // A request through an existing socket would start a stopped dockerd.
    if host.canonical(&socket).is_err() && !host.listens(&socket) {
        terminal.talk(&format!(
            "warning: {} does not exist. `cai status` shows the state of the VM.",
            socket.display()
        ));
    }
    let again = global.command("env");
    let value = shlex::try_quote(&endpoint).unwrap_or_default();
    terminal.raw(&match syntax {
        Syntax::Fish => format!("set -gx {DOCKER_HOST} {value}\n# Run: {again} | source\n"),
        Syntax::Bash | Syntax::Zsh => {
            format!("export {DOCKER_HOST}={value}\n# Run: eval \"$({again})\"\n")
        }
    })
}

/// Prints the proxy's variables for containers, as `docker run --env-file` reads them. The password is not
/// hidden, because it was asked for.
pub(super) fn containers(
    host: &dyn Host,
    global: &Global,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let mut file = file::load(host, global, terminal)?;
    file.complete(host, terminal).map_err(|unread| Error::Config(vec![unread]))?;
    let Some(proxy) = &file.config.proxy else {
        return Err(Error::Usage {
            why: format!("{} does not declare [proxy]", file.shown),
            hint: "add [proxy], or run the container without --env-file".into(),
        });
    };
    let variables = proxy.in_guest().variables();
    let lines = variables.iter().map(|(name, value)| format!("{name}={value}\n"));
    terminal.disclose(&lines.collect::<String>())
}

/// The syntax of the user's login shell.
fn own_shell(host: &dyn Host) -> Syntax {
    let shell = host.env("SHELL").unwrap_or_default();
    match Path::new(&shell).file_name().and_then(|name| name.to_str()) {
        Some("fish") => Syntax::Fish,
        Some("zsh") => Syntax::Zsh,
        _ => Syntax::Bash,
    }
}
