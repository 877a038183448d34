//! The settings of a client that the file no longer declares, in the override of its Compose file.

use std::path::PathBuf;

use serde_json::Value;

use crate::docker::client::{overridden_services, without_service};
use crate::model::address::Address;
use crate::model::value::Attributes;
use crate::plan::{Change, ClientProblem, Observation, Problem, Reason, Step};
use crate::resource::Resource;
use crate::resource::facts::Facts;
use crate::resource::record::{Keys, Record, Recorded};
use crate::resource::removal::{Removable, Removal};

/// A client in terms of the record: the service is its key in the override.
pub(super) fn recorded(path: PathBuf, service: &str, text: &str) -> Option<Recorded> {
    let exists = overridden_services(text).iter().any(|name| name == service);
    let key = |it: bool| it.then(|| (service.to_owned(), Value::Bool(true)));
    // Nobody else writes to a file with the mark of `cai`.
    let keys = Keys {
        declared: key(true).into_iter().collect(),
        present: key(exists).into_iter().collect(),
        is_own: true,
        ..Keys::default()
    };
    Some(Recorded { exists, is_declared: true, keys, path: Some(path) })
}

/// The removal of a recorded client. `declared` are the overrides and services of the file.
pub(super) fn removal(
    record: &Record,
    address: &Address,
    declared: &[(PathBuf, String)],
) -> Option<Box<dyn Resource>> {
    let entry = record.entry(address)?;
    let (path, service) = (entry.path.clone()?, entry.keys.keys().next()?.clone());
    let is_declared = declared.contains(&(path.clone(), service.clone()));
    let former = Former { path, service, is_declared };
    Some(Removal::new(address, Vec::new(), former).boxed())
}

#[derive(Debug)]
struct Former {
    /// The override.
    path: PathBuf,
    service: String,
    /// Whether the file declares the same service under another name.
    is_declared: bool,
}

impl Former {
    fn text<'a>(&self, facts: &'a Facts) -> Option<&'a str> {
        let text = facts.former.overrides.get(&self.path).filter(|_| !self.is_declared)?;
        overridden_services(text).contains(&self.service).then_some(text)
    }
}

impl Removable for Former {
    fn actual(&self, facts: &Facts) -> Observation<Attributes> {
        let path = self.path.to_string_lossy();
        self.text(facts).map_or(Observation::Absent, |_| {
            let attributes = Attributes::default().with("override", path.as_ref());
            Observation::Present(attributes.with("service", self.service.as_str()))
        })
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let note = "its container keeps its settings until Compose makes it again";
        let change = change.because(Reason::Note(note));
        let path = self.path.display();
        match without_service(self.text(facts).unwrap_or_default(), &self.service) {
            Ok(None) => change.step(Step::remove(format!("delete {path}"), self.path.clone())),
            Ok(Some(text)) => {
                change.step(Step::write(format!("write {path}"), self.path.clone(), text))
            }
            Err(why) => change.blocked(Problem::SocketClient(ClientProblem::ComposeFile {
                path: self.path.clone(),
                why: why.to_string(),
            })),
        }
    }
}
