//! The apt repository with Docker's packages, if the file declares it.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::config;
use crate::guest::probe::Look;
use crate::guest::repository::{KEY, LIST, SigningKey, SourceEntry, has_entry};
use crate::guest::{GuestFacts, Operation};
use crate::lima::Ssh;
use crate::model::address::Address;
use crate::plan::{Change, Problem, Reason, Step};
use crate::resource::facts::Facts;
use crate::resource::record::{Keys, Recorded, UndeclaredKeys};

/// The sections of the guest's document.
const ENTRY: &str = "docker_repository";
const NAMED: &str = "docker_repository_named";
/// The places of apt's entries.
const SOURCES: [&str; 2] = ["/etc/apt/sources.list", "/etc/apt/sources.list.d"];

/// The attributes.
const REPOSITORY: &str = "repository";
const FINGERPRINT: &str = "repository_fingerprint";

/// The first line of a key that apt can read.
const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n";

/// The repository of the file.
#[derive(Debug)]
pub(super) struct Repository(Option<config::Repository>);

/// The attributes of Docker that are about its repository, and what becomes of an undeclared one.
pub(super) struct Compared {
    pub(super) actual: Map<String, Value>,
    pub(super) desired: Map<String, Value>,
    pub(super) undeclared: UndeclaredKeys,
}

impl Repository {
    pub(super) fn new(declared: Option<&config::Repository>) -> Self {
        Self(declared.cloned())
    }

    pub(super) fn is_declared(&self) -> bool {
        self.0.is_some()
    }

    /// The attributes that the file declares.
    pub(super) fn declared(&self) -> Map<String, Value> {
        self.0
            .as_ref()
            .map_or_else(Map::new, |it| attributes(&it.url, Some(it.fingerprint.as_str())))
    }

    pub(super) fn looks(&self) -> Vec<Look> {
        let look = |section: &str, command, arguments: &[&str]| Look {
            section: section.to_owned(),
            command,
            arguments: arguments.iter().map(|&it| it.to_owned()).collect(),
        };
        let named = self.0.iter().map(|it| {
            let command = "grep -rhsF '--include=*.list' '--include=*.sources' -e";
            look(NAMED, command, &[&format!("{}/", it.url), SOURCES[0], SOURCES[1]])
        });
        [look(ENTRY, "cat", &[LIST])].into_iter().chain(named).collect()
    }

    /// The key on this machine.
    pub(super) fn local_key(&self) -> Option<PathBuf> {
        Some(self.0.as_ref()?.local_key()?.into())
    }

    /// Why the key on this machine cannot be used.
    pub(super) fn problem(&self, facts: &Facts) -> Option<Problem> {
        let path = self.local_key()?;
        let shown = path.display();
        match facts.files.get(&path).map(|file| file.text.as_deref()) {
            None => Some(Problem::FileMissing(shown.to_string())),
            Some(Some(text)) if text.starts_with(ARMOR) => None,
            Some(_) => Some(Problem::Own {
                code: "repository-key",
                text: format!("{shown} is not an ASCII-armored OpenPGP key"),
                hint: "write the file with `gpg --armor --export`".into(),
            }),
        }
    }

    pub(super) fn compare(&self, guest: &GuestFacts, facts: &Facts, own: &Address) -> Compared {
        let entry = entry(guest);
        let undeclared = facts.undeclared(own, &self.keys(guest));
        let written = |it: &SourceEntry<'_>| attributes(it.repository, it.fingerprint);
        let (actual, desired) = match &self.0 {
            Some(declared) if self.is_elsewhere(guest) => {
                // The key is that of the other entry.
                let same = attributes(&declared.url, None);
                (same.clone(), same)
            }
            Some(_) => (entry.as_ref().map_or_else(Map::new, written), self.declared()),
            None if undeclared.remove.is_empty() => (Map::new(), Map::new()),
            None => {
                let gone = [(REPOSITORY.to_owned(), Value::Null)].into_iter().collect();
                (entry.map_or_else(Map::new, |it| attributes(it.repository, None)), gone)
            }
        };
        Compared { actual, desired, undeclared }
    }

    /// Whether someone else's entry is for the declared repository, and `cai` has none.
    fn is_elsewhere(&self, guest: &GuestFacts) -> bool {
        let is_own = entry(guest).is_some_and(|entry| entry.is_own);
        self.is_declared() && !is_own && has_entry(guest.document.lines(NAMED))
    }

    /// Adds the step that writes the entry, or deletes it.
    pub(super) fn provide(&self, change: Change, facts: &Facts, ssh: &Ssh) -> Change {
        let Some(declared) = &self.0 else {
            let delete = Operation::System(&["rm", "-f", LIST, KEY]).command(ssh);
            return change.step(Step::run("delete the apt entry of the repository", delete));
        };
        let local = self.local_key().and_then(|path| facts.files.get(&path)?.text.as_deref());
        let key = match (&declared.key, local) {
            (_, Some(text)) => SigningKey::Text(text),
            (Some(url), None) => SigningKey::Url(url),
            (None, None) => SigningKey::OfRepository,
        };
        let (url, fingerprint) = (declared.url.as_str(), declared.fingerprint.as_str());
        let write = Operation::WriteRepository { url, key, fingerprint }.command(ssh);
        change.step(Step::run("write the apt entry of the repository", write))
    }

    /// Adds that nothing replaces a deleted entry.
    pub(super) fn with_note(&self, change: Change) -> Change {
        let why = "until cai installs another version, apt in the guest has no repository with \
                   Docker's packages";
        if self.is_declared() { change } else { change.because(Reason::Note(why)) }
    }

    /// Docker in terms of the record, which lists only its repository.
    pub(super) fn recorded(&self, facts: &Facts, own: &Address) -> Option<Recorded> {
        let keys = self.keys(facts.guest.present()?);
        let is_known = self.is_declared() || facts.recorded(own).is_some();
        let exists = !keys.present.is_empty();
        is_known.then_some(Recorded { exists, is_declared: true, keys, path: None })
    }

    fn keys(&self, guest: &GuestFacts) -> Keys {
        let entry = entry(guest);
        let is_own = entry.as_ref().is_some_and(|it| it.is_own);
        let key = |url: &str| (REPOSITORY.to_owned(), Value::from(url));
        let declared = self.0.iter().map(|it| key(&it.url)).collect();
        let present = entry.iter().map(|it| key(it.repository)).collect();
        Keys { declared, present, is_own, ..Keys::default() }
    }
}

fn attributes(url: &str, fingerprint: Option<&str>) -> Map<String, Value> {
    let fingerprint = fingerprint.map(|it| (FINGERPRINT.to_owned(), it.into()));
    [(REPOSITORY.to_owned(), url.into())].into_iter().chain(fingerprint).collect()
}

fn entry(guest: &GuestFacts) -> Option<SourceEntry<'_>> {
    SourceEntry::read(guest.document.text(ENTRY)?, &guest.arch)
}
