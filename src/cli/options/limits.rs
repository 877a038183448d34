//! What a command is limited to: resources, and time.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::cli::completions;

/// The resources that a plan is limited to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Targets {
    /// Limit the plan to this resource, such as user.agent, and the resources that it requires or
    /// notifies. Can be repeated. `cai graph` shows the addresses
    #[arg(
        id = "targets",
        long = "target",
        value_name = "ADDRESS",
        add = ArgValueCompleter::new(completions::addresses)
    )]
    pub(in crate::cli) addresses: Vec<String>,
}

/// The time limits.
#[derive(Debug, Args)]
pub(in crate::cli) struct Limits {
    /// Time limit of each step, such as 90s, 20m or 1h30m; by default it depends on the step
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    pub(in crate::cli) timeout: Option<Duration>,
    /// How long to wait for another cai process that is working on the same VM, such as 30s or 10m
    /// (default: do not wait)
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    pub(in crate::cli) lock_timeout: Option<Duration>,
}

/// The shortest and the longest timeout.
const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 60 * 60);

pub(super) fn timeout(text: &str) -> Result<Duration, &'static str> {
    let timeout = humantime::parse_duration(text)
        .map_err(|_| "not a duration; write one such as 90s, 20m or 1h30m")?;
    if TIMEOUTS.contains(&timeout) {
        Ok(timeout)
    } else {
        Err("not between 1s and 7d; write a duration such as 20m")
    }
}
