//! The containers that a plan affects, as text.

use std::time::{Duration, SystemTime};

use crate::guest::Container;
use crate::model::{counted, in_a_line};
use crate::plan::{Declared, Fallback, Impact, Plan};

/// A summary names at most this many containers. The block of each change names all of them.
const NAMED: usize = 8;

/// What a plan does to containers, for the question before it is applied.
pub fn containers(plan: &Plan) -> String {
    summary(&plan.impact(), None)
}

/// The VMs of a plan that another file was applied to last, in sentences that end with a space. Empty if
/// there are none.
pub fn other_files(plan: &Plan, declared: &[Declared<'_>]) -> String {
    let sentence = |(vm, other): (&str, &str)| {
        let own = declared.iter().find(|declared| declared.vm == vm).map(|declared| declared.file);
        let own = own.unwrap_or("this file");
        format!("{vm} was last applied from {}, not from {}. ", in_a_line(other), in_a_line(own))
    };
    plan.other_files().map(sentence).collect()
}

/// What happens to the containers, in sentences. `now` is the engine's time.
pub(super) fn summary(impact: &Impact<'_>, now: Option<SystemTime>) -> String {
    let name = |container: &&Container| in_a_line(&container.name).into_owned();
    let stopped = |container: &&Container| stopped(container, now);
    let mut sentences: Vec<String> = [
        listed("Stops", &impact.stops, NAMED, stopped),
        listed("Recreates", &impact.recreates, NAMED, name),
        listed("Restarts", &impact.restarts, NAMED, name),
        listed("A fallback would also interrupt", &impact.may_stop, NAMED, name),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !impact.is_complete {
        sentences.push("Containers unknown".into());
    } else if impact.stops.is_empty() && impact.recreates.is_empty() && impact.restarts.is_empty() {
        sentences.insert(0, "Stops no containers".into());
    }
    sentences.iter().map(|sentence| format!("{sentence}.")).collect::<Vec<_>>().join(" ")
}

fn listed(
    verb: &str,
    containers: &[&Container],
    at_most: usize,
    shown: impl Fn(&&Container) -> String,
) -> Option<String> {
    let mut names: Vec<String> = containers.iter().take(at_most).map(shown).collect();
    if containers.len() > at_most {
        names.push(format!("and {} more", containers.len() - at_most));
    }
    let count = counted(containers.len(), "container");
    (!containers.is_empty()).then(|| format!("{verb} {count}: {}", names.join(", ")))
}

/// The containers that a change stops, and those of them that are started again. `verb` is what happens
/// to the others.
pub(super) fn effect(
    verb: &str,
    stops: Option<&[Container]>,
    restarts: &[&Container],
    now: Option<SystemTime>,
) -> String {
    let Some(stops) = stops else { return "containers unknown".into() };
    let others: Vec<&Container> = stops.iter().filter(|it| !restarts.contains(it)).collect();
    let lists = [
        listed("restarts", restarts, usize::MAX, |it| it.name.clone()),
        listed(verb, &others, usize::MAX, |it| stopped(it, now)),
    ];
    let lists: Vec<String> = lists.into_iter().flatten().collect();
    if lists.is_empty() { "stops no containers".into() } else { lists.join("; ") }
}

pub(super) fn fallback(fallback: &Fallback, now: Option<SystemTime>) -> String {
    let effect = effect("stops", fallback.stops.as_deref(), &fallback.restarted(), now);
    format!("fallback: {} ({effect})", fallback.disruption.verb())
}

/// A container that stops: `manager (up 3 hours)`.
fn stopped(container: &Container, now: Option<SystemTime>) -> String {
    let name = in_a_line(&container.name);
    let started = humantime::parse_rfc3339(&container.started).ok();
    match started.zip(now).and_then(|(started, now)| now.duration_since(started).ok()) {
        Some(up) => format!("{name} (up {})", uptime(up)),
        None => name.into_owned(),
    }
}

/// A duration in its largest unit, rounded down, as `docker ps` shows it.
fn uptime(up: Duration) -> String {
    let seconds = usize::try_from(up.as_secs()).unwrap_or(usize::MAX);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match (minutes, hours) {
        (0, _) => counted(seconds, "second"),
        (_, 0) => counted(minutes, "minute"),
        (_, ..48) => counted(hours, "hour"),
        _ => counted(hours / 24, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(name: &str, started: &str) -> Container {
        let (id, runtime) = (name.to_owned(), "runc".to_owned());
        let (name, started) = (name.to_owned(), started.to_owned());
        Container { id, name, runtime, started, auto_remove: false }
    }

    #[test]
    fn an_uptime_has_its_largest_unit() {
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "1 minute"),
            (3_600, "1 hour"),
            (3 * 3_600 + 59, "3 hours"),
            (48 * 3_600 - 1, "47 hours"),
            (50 * 3_600, "2 days"),
        ] {
            assert_eq!(uptime(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_container_that_stops_is_named_with_its_uptime() {
        let manager = container("manager", "2026-11-21T04:05:06.7Z");
        let now = humantime::parse_rfc3339("2026-11-21T07:30:00Z").ok();
        assert_eq!(stopped(&manager, now), "manager (up 3 hours)");
        assert_eq!(stopped(&manager, None), "manager");
        // A clock that was set back.
        let before = humantime::parse_rfc3339("2026-11-21T04:00:00Z").ok();
        assert_eq!(stopped(&manager, before), "manager");
    }

    #[test]
    fn a_summary_names_each_container_once_and_not_too_many() {
        let many: Vec<Container> = (0..10).map(|it| container(&format!("c{it}"), "")).collect();
        let impact = Impact { is_complete: true, ..Impact::default() };
        assert_eq!(summary(&impact, None), "Stops no containers.");
        let impact =
            Impact { stops: many.iter().collect(), is_complete: true, ..Impact::default() };
        assert_eq!(
            summary(&impact, None),
            "Stops 10 containers: c0, c1, c2, c3, c4, c5, c6, c7, and 2 more."
        );
        let impact = Impact { restarts: vec![&many[0]], ..Impact::default() };
        assert_eq!(summary(&impact, None), "Restarts 1 container: c0. Containers unknown.");
        let impact = Impact { may_stop: vec![&many[1]], is_complete: true, ..Impact::default() };
        assert_eq!(
            summary(&impact, None),
            "Stops no containers. A fallback would also interrupt 1 container: c1."
        );
    }
}
