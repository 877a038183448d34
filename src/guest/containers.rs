//! The containers of the guest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Document;
use super::answers::Answers;

/// A running container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Container {
    /// The full identifier.
    pub id: String,
    /// The name.
    pub name: String,
    /// The runtime that it was started with.
    pub runtime: String,
    /// The time of its start, in the daemon's format.
    pub started: String,
    /// Whether Docker removes it when it stops (`docker run --rm`).
    pub auto_remove: bool,
}

/// The line that records it in the guest.
impl std::fmt::Display for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, name, runtime, started, auto_remove } = self;
        write!(f, "{id}|{name}|{runtime}|{started}|{auto_remove}")
    }
}

/// An entry of `/containers/json`. It lacks the runtime, the start time and `AutoRemove`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedContainer {
    id: String,
}

/// The parts of `/containers/ID/json` that are read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    name: String,
    state: State,
    host_config: HostConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    started_at: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HostConfig {
    runtime: String,
    auto_remove: bool,
}

impl From<Inspected> for Container {
    fn from(it: Inspected) -> Self {
        let Inspected { id, name, state, host_config } = it;
        Self {
            id,
            name: name.trim_start_matches('/').to_owned(),
            runtime: host_config.runtime,
            started: state.started_at,
            auto_remove: host_config.auto_remove,
        }
    }
}

/// The containers that dockerd lists as running; `None` if the list is incomplete. A container that
/// ended after it was listed is omitted.
pub(super) fn running(answers: &Answers<'_>) -> Option<Vec<Container>> {
    let listed: Vec<ListedContainer> = answers.get("/containers/json")?;
    let paths = listed.iter().map(|it| format!("/containers/{}/json", it.id));
    let inspected = paths.filter(|path| answers.has(path)).map(|path| answers.get(&path));
    inspected.map(|it: Option<Inspected>| it.map(Container::from)).collect()
}

/// The recorded containers that are not running. The others never stopped, or were started again.
pub(super) fn stopped(document: &Document, running: Option<&[Container]>) -> Vec<Container> {
    let noted = document.lines("stopped").filter_map(container);
    let runs = |it: &Container| running.is_none_or(|list| list.iter().any(|own| own.id == it.id));
    noted.filter(|it| !runs(it)).collect()
}

/// The line that records a container.
fn container(line: &str) -> Option<Container> {
    let fields: Vec<&str> = line.split('|').collect();
    let [id, name, runtime, started, rest @ ..] = fields.as_slice() else { return None };
    let [id, name, runtime, started] = [id, name, runtime, started].map(|&it| it.to_owned());
    Some(Container { id, name, runtime, started, auto_remove: *rest == ["true"] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::GuestFacts;

    /// Answers of dockerd 20.10, without most of the unused keys.
    const LIST: &str = r#"/containers/json [{"Id":"a1","Names":["/one","/other/alias"],"Image":"bb","Labels":{"Id":"c3"},"State":"running","HostConfig":{"NetworkMode":"none"},"NetworkSettings":{"Networks":{}},"Mounts":[]},{"Id":"b2","Names":["/two"],"Image":"bb","Labels":{},"State":"running"}]"#;
    const ONE: &str = r#"/containers/a1/json {"Id":"a1","Created":"2026-11-21T04:05:05Z","Path":"sleep","Args":["1"],"State":{"Status":"running","Running":true,"Pid":7,"StartedAt":"2026-11-21T04:05:06.7Z","FinishedAt":"0001-01-01T00:00:00Z"},"Name":"/one","RestartCount":0,"HostConfig":{"Binds":null,"AutoRemove":true,"Runtime":"sysbox-runc"},"Config":{"Labels":{"Id":"c3"}}}"#;
    const TWO: &str = r#"/containers/b2/json {"Id":"b2","State":{"StartedAt":"2026-11-21T04:05:07Z"},"Name":"/two","HostConfig":{"AutoRemove":false,"Runtime":"runc"}}"#;

    fn facts(answers: &[&str], recorded: &str) -> GuestFacts {
        let answers = answers.join("\n");
        let text = format!(
            "@m dockerd\n/usr/sbin/dockerd\n\n@m = 0\n@m api\n{answers}\n\n@m = 0\n\
             @m stopped\n{recorded}\n@m = 0\n@m end"
        );
        GuestFacts::read(&Document::parse(&text, "m").unwrap())
    }

    #[test]
    fn a_container_is_listed_with_what_its_inspection_says() {
        let shown = |answers: &[&str]| {
            let list = facts(answers, "").containers?;
            Some(list.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let one = "a1|one|sysbox-runc|2026-11-21T04:05:06.7Z|true".to_owned();
        let two = "b2|two|runc|2026-11-21T04:05:07Z|false".to_owned();
        assert_eq!(shown(&[LIST, TWO, ONE]), Some(vec![one.clone(), two]));
        // This one ended after it was listed.
        assert_eq!(shown(&[LIST, ONE]), Some(vec![one.clone()]));
        // The probe also requests a container id from a label.
        let stopped = TWO.replace("b2", "c3");
        assert_eq!(shown(&[LIST, ONE, &stopped]), Some(vec![one]));
        assert_eq!(shown(&["/containers/json []"]), Some(vec![]));
    }

    #[test]
    fn a_list_with_an_unreadable_entry_is_not_known() {
        for answers in [[LIST, &ONE[..90], TWO], [&LIST[..90], ONE, TWO]] {
            assert_eq!(facts(&answers, "").containers, None, "{answers:?}");
        }
    }

    #[test]
    fn a_recorded_container_is_left_stopped_unless_it_runs() {
        let line = "c3|back|runc|2026-11-21T00:00:01Z|false";
        let recorded = format!("a1|one|runc|T|true\n{line}\n");
        let read = facts(&[LIST, ONE, TWO], &recorded);
        let lines: Vec<String> = read.stopped_by_cai.iter().map(ToString::to_string).collect();
        assert_eq!(lines, [line]);
        // If the running containers cannot be listed, none is reported as stopped.
        assert_eq!(facts(&[], &recorded).stopped_by_cai, []);
    }
}
