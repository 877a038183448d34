//! `cai watch`

mod service;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::options::Watch;
use super::{Global, Limits, Terminal, file, vm_lock};
use crate::cli::error::Error;
use crate::cli::file::ConfigFile;
use crate::config::{Config, Strategy};
use crate::guest::DOCKER_SERVICE;
use crate::host::Host;
use crate::lima::{Ssh, Status};
use crate::model::address::Kind;
use crate::model::listed;
use crate::plan::{Action, Change, Disruption, Observation, Plan, Problem, Reason};
use crate::reconcile::apply::{Outcome, apply_fresh};
use crate::reconcile::graph::Graph;
use crate::reconcile::observe::{engine_socket, lima_home, observe};
use crate::report;
use crate::resource::facts::Facts;
use crate::resource::{Restart, Socket};

/// How often the socket is asked.
const INTERVAL: Duration = Duration::from_secs(15);
/// How often it is asked at least while nothing helps.
const SLOWEST: Duration = Duration::from_secs(5 * 60);

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    options: &Watch,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    if terminal.simulates() && (options.install || options.uninstall.is_some()) {
        return Err(Error::Usage {
            why: "`cai watch --install` and `--uninstall` do not work on a simulated host".into(),
            hint: format!("run it without --simulate, or run `{}`", global.command("watch")),
        });
    }
    let file = file::load(host, global, terminal);
    if let Some(vm) = &options.uninstall {
        let own = file.map(|file| file.config.vm.name);
        return service::uninstall(host, vm.as_ref(), own, terminal);
    }
    let file = file?;
    if options.install {
        return service::install(host, &file, options.interval, terminal);
    }
    let directory = lima_home(host)?.join(file.config.vm.name.as_str());
    let socket = engine_socket(host, &file.config)?;
    log(terminal, &format!("watching {}", socket.display()))?;
    let ssh = host.find_program("ssh").map(|ssh| Ssh::new(ssh, &directory, &file.config.vm.name));
    let interval = options.interval.unwrap_or(INTERVAL);
    let (mut wait, mut last) = (interval, String::new());
    // A VM that someone else made can forward another socket after its next start.
    let answers =
        || engine_socket(host, &file.config).is_ok_and(|socket| host.ping(&socket).answers());
    loop {
        let said = if is_stopped(host, ssh.as_ref()) {
            "dockerd is not running in the VM".into()
        } else if answers() {
            String::new()
        } else {
            repair(host, &file, terminal).unwrap_or_else(|error| with_causes(&error))
        };
        // While nothing changes, nothing is repeated.
        let is_same = said == last;
        if !is_same && !said.is_empty() {
            log(terminal, &said)?;
        }
        wait = if is_same && !said.is_empty() {
            (wait * 2).min(SLOWEST.max(interval))
        } else {
            interval
        };
        last = said;
        if terminal.simulates() {
            // Only commands change a simulated host, so waiting would never end.
            return log(terminal, "stopped watching: this host is simulated");
        }
        host.pause(wait);
    }
}

/// Whether dockerd is stopped in a guest that answers. A request would start it.
fn is_stopped(host: &dyn Host, ssh: Option<&Ssh>) -> bool {
    let Some(ssh) = ssh else { return false };
    let asked = host.query(&ssh.look(&["systemctl", "is-active", DOCKER_SERVICE]));
    asked.is_ok_and(|output| ["inactive", "failed"].contains(&output.stdout.trim()))
}

/// Renews the session and the forward if that is all that is needed, and says what was done.
fn repair(host: &dyn Host, file: &ConfigFile, terminal: &Terminal) -> Result<String, Error> {
    let limits = Limits { timeout: None, lock_timeout: None };
    let _locks = vm_lock::lock(host, std::slice::from_ref(file), "cai watch", &limits)?;
    // A stronger way is never taken: it would need consent.
    let mut config = file.config.clone();
    config.restart.strategy = Strategy::Never;
    let facts = [observe(host, &config)?];
    terminal.hide(facts[0].secrets(&config));
    let (graph, plan) = session_plan(&config, &facts)?;
    let effective: Vec<&Change> = plan.effective().collect();
    if let Some(change) = effective.iter().find(|change| !is_mild(change)) {
        let all = Plan::new(&Graph::observed(&[&config], &facts)?, &facts);
        let why = not_running(&facts[0]).unwrap_or_else(|| why(cause(change, &all)));
        return Ok(format!("{why}; cai watch does not fix this: run cai doctor"));
    }
    if effective.is_empty() {
        return Ok("the Docker socket does not answer; run cai doctor".into());
    }
    let own = effective.iter().filter(|change| change.action != Action::Deferred);
    let reasons: Vec<String> = own.map(|change| why(change)).collect();
    let report = apply_fresh(host, &[&config], &graph, &plan, Some(facts.to_vec()), &|_| ());
    let failed = report.results.iter().find_map(|result| match &result.outcome {
        Outcome::Failed(error) => Some(with_causes(error)),
        _ => None,
    });
    let reasons = reasons.join("; ");
    Ok(match failed {
        Some(why) => format!("{reasons}; the repair failed: {why}"),
        None => format!("{reasons}; repaired"),
    })
}

/// The state of a VM that does not run. The plan of the session has other reasons then.
fn not_running(facts: &Facts) -> Option<String> {
    match &facts.vm {
        Observation::Absent => Some(Problem::NoVm.to_string()),
        Observation::Present(vm) if vm.status != Status::Running => Some(vm.status.in_a_sentence()),
        Observation::Present(_) | Observation::Unobservable(_) => None,
    }
}

/// The plan of the session and the socket alone.
fn session_plan(config: &Config, facts: &[Facts]) -> Result<(Graph, Plan), Error> {
    let wanted = [Restart::address_of(&config.vm.name), Socket::own_address(config)];
    let graph = Graph::observed(&[config], facts)?.only(&BTreeSet::from(wanted))?;
    let plan = Plan::new(&graph, facts);
    Ok((graph, plan))
}

/// Whether a change only renews the session or the forward.
fn is_mild(change: &Change) -> bool {
    let is_of_session = |reason: &Reason| {
        matches!(
            reason,
            Reason::SessionPredates { .. }
                | Reason::SessionOutlives(_)
                | Reason::ForwardDead(_)
                | Reason::SocketExposed
        ) || matches!(reason, Reason::After(address) if address.kind == Kind::RESTART)
    };
    change.problem.is_none()
        && change.disruption <= Disruption::SessionRefresh
        && change.fallback.is_none()
        && change.reasons.iter().all(is_of_session)
}

/// The change that this one waits for, or that which that one waits for.
fn cause<'a>(mut change: &'a Change, all: &'a Plan) -> &'a Change {
    let first = |change: &Change| {
        change.reasons.iter().find_map(|reason| match reason {
            Reason::After(address) => all.changes.iter().find(|it| it.address == *address),
            _ => None,
        })
    };
    // The graph is acyclic, so this ends.
    while let Some(earlier) = first(change) {
        change = earlier;
    }
    change
}

fn why(change: &Change) -> String {
    let reasons = change.reasons.iter().map(|reason| match reason {
        Reason::After(address) => format!("{address} must change first"),
        reason => reason.to_string(),
    });
    let reasons: Vec<String> = reasons.collect();
    match &change.problem {
        _ if !reasons.is_empty() => reasons.join("; "),
        Some(problem) => problem.to_string(),
        None => format!("{} differs in {}", change.address, listed(change.changed())),
    }
}

/// An error with its causes on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn log(terminal: &mut Terminal, text: &str) -> Result<(), Error> {
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    terminal.data(&format!("{now} {}\n", report::on_a_line(text)))
}
