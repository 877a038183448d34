//! The settings of a client that the file no longer declares, in the override of its Compose file.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use crate::config::Config;
use crate::docker::client::{overridden_services, without_service};
use crate::model::address::{Address, Kind};
use crate::plan::{Change, ClientProblem, Observation, Problem, Reason, Step};
use crate::resource::facts::{Facts, HostFile};
use crate::resource::record::{Keys, Record, Recorded};
use crate::resource::removal::{Removable, Removal};

/// A client in terms of the record: the service is its key in the override.
pub(super) fn recorded(path: PathBuf, service: &str, text: &str) -> Recorded {
    let exists = overridden_services(text).iter().any(|name| name == service);
    let key = |it: bool| it.then(|| (service.to_owned(), Value::Bool(true)));
    // Nobody else writes to a file with the mark of `cai`.
    let keys = Keys {
        declared: key(true).into_iter().collect(),
        present: key(exists).into_iter().collect(),
        is_own: true,
        ..Keys::default()
    };
    Recorded { exists, is_declared: true, keys, path: Some(path) }
}

/// The removal of a recorded client. `declared` are the overrides and services of the file.
pub(super) fn removal(
    config: &Config,
    record: &Record,
    address: &Address,
    declared: &[(PathBuf, String)],
) -> Option<Removal<Undeclared>> {
    let entry = record.entry(address)?;
    let (path, service) = (entry.path.clone()?, entry.keys.keys().next()?.clone());
    let is_declared = declared.contains(&(path.clone(), service.clone()));
    // The removal before it writes the same override.
    let is_removed = |it: &Address| config.socket_clients.iter().all(|own| own.name() != it.name());
    let mut same = record.addresses().filter(|it| {
        let other = record.entry(it).and_then(|entry| entry.path.as_ref());
        it.kind == Kind::SOCKET_CLIENT && is_removed(it) && other == Some(&path)
    });
    let before = same.by_ref().take_while(|it| it != address).last();
    let undeclared = Undeclared { path, service, is_declared };
    Some(Removal::new(address, before.into_iter().collect(), undeclared))
}

#[derive(Debug)]
pub(super) struct Undeclared {
    /// The override.
    path: PathBuf,
    service: String,
    /// Whether the file declares the same service under another name.
    is_declared: bool,
}

impl Undeclared {
    /// The override, if it has the service or is not text.
    fn file<'a>(&self, facts: &'a Facts) -> Option<&'a HostFile> {
        let file = facts.files.get(&self.path).filter(|_| !self.is_declared)?;
        let has_service = |text: &String| overridden_services(text).contains(&self.service);
        file.text.as_ref().is_none_or(has_service).then_some(file)
    }

    fn unusable(&self, why: impl ToString) -> Problem {
        let (path, why) = (self.path.clone(), why.to_string());
        Problem::SocketClient(ClientProblem::ComposeFile { path, why })
    }
}

/// Where the settings are.
#[derive(Debug, Serialize)]
pub(super) struct State<'a> {
    r#override: Cow<'a, str>,
    service: &'a str,
}

impl Removable for Undeclared {
    type State<'a> = State<'a>;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<State<'a>> {
        let place = State { r#override: self.path.to_string_lossy(), service: &self.service };
        self.file(facts).map_or(Observation::Absent, |_| Observation::Present(place))
    }

    fn host_files(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let note = "the container keeps these settings until Compose recreates it";
        let change = change.because(Reason::Note(note));
        let path = self.path.display();
        let Some(text) = self.file(facts).and_then(|file| file.text.as_deref()) else {
            return change.blocked(self.unusable("the file is not UTF-8 text"));
        };
        match without_service(text, &self.service) {
            Ok(None) => change.step(Step::remove(format!("delete {path}"), self.path.clone())),
            Ok(Some(text)) => {
                change.step(Step::write(format!("write {path}"), self.path.clone(), text))
            }
            Err(why) => change.blocked(self.unusable(why)),
        }
    }
}
