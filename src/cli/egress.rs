//! `cai egress test`

use schemars::JsonSchema;
use serde::Serialize;

use super::{Global, Terminal, file};
use crate::cli::error::Error;
use crate::host::Host;
use crate::model::egress::{Decision, DestinationHost, Target};
use crate::plan::FORMAT_VERSION;

/// The exit code for a blocked connection.
const BLOCKED: u8 = 1;

/// Explains what the file decides about a connection. Nothing is connected.
pub(super) fn test(
    host: &dyn Host,
    global: &Global,
    target: &Target,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    let decision = file.config.egress.as_ref().map(|egress| egress.policy().decide(target));
    let allowed = decision.as_ref().is_none_or(Decision::allows);
    let reason = match &decision {
        Some(decision) => decision.to_string(),
        None => "allowed: the file has no [egress]".to_owned(),
    };
    let shown = target.to_string();
    if global.json {
        let document =
            EgressDocument { format_version: FORMAT_VERSION, target: shown, allowed, reason };
        terminal.json(&document)?;
    } else {
        terminal.data(&format!("{shown}: {reason}\n"))?;
        if let Some(hint) = decision.as_ref().and_then(|it| advice(it, target)) {
            terminal.talk(&hint);
        }
    }
    if allowed { Ok(()) } else { Err(Error::Exit(BLOCKED)) }
}

fn advice(decision: &Decision, target: &Target) -> Option<String> {
    let line = format!("To allow it, add \"{target}\" to `allow` under [egress].");
    match (decision, &target.host) {
        (Decision::Listed(_) | Decision::ByDefault, _) => None,
        (Decision::Unlisted | Decision::OtherPorts(_), DestinationHost::Network(_)) => {
            Some(format!("{line} An address is also allowed while an allowed name resolves to it."))
        }
        _ => Some(line),
    }
}

/// The output of `cai egress test --json`.
#[derive(Serialize, JsonSchema)]
pub(super) struct EgressDocument {
    format_version: u32,
    /// The host, and the port if one is given.
    target: String,
    /// Whether containers may connect to it.
    allowed: bool,
    /// Why.
    reason: String,
}
