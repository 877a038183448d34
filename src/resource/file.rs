//! A file in the guest.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde::Serialize;

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::vm_ref::{VmRef, in_seen_guest, recorded};
use super::{Group, PlanContext, ProvisionDocker, Pushed, Resource, User};
use crate::config::{self, Config};
use crate::guest::probe::Look;
use crate::guest::{Contents, DOCKER_GROUP, GuestFacts};
use crate::lima::Ssh;
use crate::model::address::{Address, Kind};
use crate::model::digest::sha256;
use crate::plan::{Change, Observation, Problem, Reason};
use crate::resource::facts::Facts;

pub(super) const KIND: Kind = Kind::new("file");

/// The sections of the guest's document. Those of one file have its path after the name.
const STATUS: &str = "file_status";
const SUM: &str = "file_sum";
const TEXT: &str = "file_text";
/// The longest text that is shown, in bytes. `looks` reads no more.
const MOST: usize = 65536;

const ROOT: &str = "root";

/// A file in the guest.
#[derive(Debug)]
pub struct File {
    address: Address,
    /// The VM, and its owner if `containai.toml` declares it.
    requires: Vec<Address>,
    vm: VmRef,
    desired: config::File,
    /// Its user and group, as `chown` takes them.
    owner: String,
    /// Whether `containai.toml` declares its user and its group, or Docker's package creates the group.
    comes: (bool, bool),
}

/// The state of a file.
#[derive(Debug, PartialEq, Serialize)]
struct State<'a> {
    /// The text, or the SHA-256 of anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    mode: String,
    owner: &'a str,
}

impl<'a> State<'a> {
    fn new(content: Option<(&str, Option<&str>)>, mode: u32, owner: &'a str) -> Self {
        let content = content.map(|(sum, text)| match text {
            Some(text) if text.len() <= MOST && !text.contains('\0') => text.to_owned(),
            _ => format!("sha256:{sum}"),
        });
        Self { content, mode: format!("{mode:04o}"), owner }
    }
}

impl File {
    /// All that the file declares.
    pub fn all(config: &Config) -> impl Iterator<Item = Self> + '_ {
        config.files.iter().map(|file| {
            let config::Owner { user, group } = &file.owner;
            let user = user.parse().ok().map(|user| User::address_of(&user));
            let user = user.filter(|it| User::all(config).any(|user| user.address() == it));
            let of_docker = (group == DOCKER_GROUP).then(ProvisionDocker::own_address);
            let group = group.parse().ok().and_then(|group| Group::declared(config, &group));
            let comes = (user.is_some(), group.is_some() || of_docker.is_some());
            let owner = user.into_iter().chain(group).chain(of_docker);
            let vm = VmRef::of(config);
            Self {
                address: Address::new(KIND, &*file.path),
                requires: [vm.address.clone()].into_iter().chain(owner).collect(),
                vm,
                desired: file.clone(),
                owner: format!("{}:{}", file.owner.user, file.owner.group),
                comes,
            }
        })
    }

    /// The removal of a file that `containai.toml` no longer declares.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        let vm = VmRef::of(config);
        let requires = vec![vm.address.clone()];
        Some(
            Removal::new(address, requires, Undeclared { vm, path: address.name().to_owned() })
                .boxed(),
        )
    }

    /// The desired contents: the SHA-256, and the text if it is one. `None` if no such file exists on
    /// this machine.
    fn content<'a>(&'a self, facts: &'a Facts) -> Option<(String, Option<&'a str>)> {
        if let Some(text) = &self.desired.content {
            return Some((sha256(text.as_bytes()), Some(text)));
        }
        let source = facts.files.get(&self.source()?)?;
        Some((source.sha256.clone(), source.text.as_deref()))
    }

    fn source(&self) -> Option<PathBuf> {
        self.desired.source.as_ref().map(PathBuf::from)
    }

    fn state(&self, content: Option<(&str, Option<&str>)>) -> State<'_> {
        State::new(content, self.desired.mode, &self.owner)
    }

    fn update(&self, guest: &GuestFacts, facts: &Facts, ssh: &Ssh) -> Change {
        let Some((sum, text)) = self.content(facts) else {
            return Change::create(&self.address, self.state(None));
        };
        let desired = self.state(Some((&sum, text)));
        let change = match Actual::read(guest, &self.desired.path) {
            None => Change::create(&self.address, desired).because(Reason::Absent),
            Some(actual) => {
                let is_same = actual.sha256 == sum;
                let text = if is_same { text } else { actual.text.as_deref() };
                let change = Change::between(&self.address, actual.state(text), desired);
                if let Some(problem) = actual.problem(&self.desired.path) {
                    return change.blocked(problem);
                }
                if change.is_without_effect() {
                    return change;
                }
                change.because_differs()
            }
        };
        if let Some(problem) = self.nobody(guest) {
            return change.blocked(problem);
        }
        let source = self.source();
        let from = match (&self.desired.content, &source) {
            (None, Some(path)) => Contents::File(path),
            (text, _) => Contents::Text(text.as_deref().unwrap_or_default()),
        };
        let config::Owner { user, group } = &self.desired.owner;
        let (to, mode) = (self.desired.path.as_str(), format!("{:o}", self.desired.mode));
        Pushed { from, to, sha256: &sum, mode: &mode, owner: (user, group) }
            .steps(change, "the file", ssh)
    }

    /// The problem if its owner does not exist.
    fn nobody(&self, guest: &GuestFacts) -> Option<Problem> {
        let config::Owner { user, group } = &self.desired.owner;
        if user != ROOT && !self.comes.0 && !guest.accounts.contains_key(user) {
            return Some(Problem::Own {
                code: "file-owner",
                text: format!("the user {user} does not exist in the guest"),
                hint: format!("declare {user} under [[users]] so that cai creates it"),
            });
        }
        (group != ROOT && !self.comes.1 && !guest.groups.contains_key(group))
            .then(|| Problem::GroupMissing { group: group.clone(), meant: None })
    }
}

impl Resource for File {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn looks(&self) -> Vec<Look> {
        looks(&self.desired.path)
    }

    fn host_files(&self) -> Vec<PathBuf> {
        self.source().into_iter().collect()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let due = self.content(facts);
        let change = if let Some((guest, ssh)) = self.vm.seen(facts) {
            self.update(guest, facts, &ssh)
        } else {
            let shown = due.as_ref().map(|(sum, text)| (sum.as_str(), *text));
            self.vm.unseen(&self.address, self.state(shown), facts)
        };
        match (&due, &self.desired.source) {
            (None, Some(path)) => change.blocked(Problem::FileMissing(path.clone())),
            _ => change,
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| Actual::read(guest, &self.desired.path).is_some())
    }
}

/// The sections about a file. Root reads it, because others may not have access. The time limit is for a
/// pipe in its place, which never ends.
fn looks(path: &str) -> Vec<Look> {
    let look = |section: String, command| {
        let arguments = vec![path.to_owned()];
        Look { section, command, arguments }
    };
    vec![
        look(STATUS.into(), "sudo -n stat -c '%F|%a|%U:%G|%n'"),
        look(format!("{SUM} {path}"), "sudo -n timeout 10 sha256sum"),
        look(format!("{TEXT} {path}"), "sudo -n timeout 10 head -c 65536"),
    ]
}

/// The object at a path in the guest.
struct Actual<'a> {
    kind: &'a str,
    mode: u32,
    owner: &'a str,
    sha256: &'a str,
    /// Its contents, if they are text and not too long.
    text: Option<String>,
}

impl<'a> Actual<'a> {
    /// Reads the sections. `None` if there is nothing.
    fn read(guest: &'a GuestFacts, path: &str) -> Option<Self> {
        let document = &guest.document;
        let mut lines = document.lines(STATUS).map(|line| line.splitn(4, '|').collect::<Vec<_>>());
        let (kind, mode, owner) = lines.find_map(|parts| match parts[..] {
            [kind, mode, owner, name] if name == path => Some((kind, mode, owner)),
            _ => None,
        })?;
        // sudo may print a warning first, and a leading backslash means that the name contains one.
        let section = format!("{SUM} {path}");
        let is_sum = |it: &&str| it.len() == 64 && it.bytes().all(|it| it.is_ascii_hexdigit());
        let words = document.lines(&section).filter_map(|line| line.split(' ').next());
        let sum = words.map(|word| word.trim_start_matches('\\')).find(is_sum);
        let sum = sum.unwrap_or_default();
        // The document does not keep line breaks at the end; the checksum tells whether there was one.
        let text = document.text(&format!("{TEXT} {path}")).unwrap_or_default();
        let mut texts = [text.to_owned(), format!("{text}\n")].into_iter();
        Some(Self {
            kind,
            mode: u32::from_str_radix(mode, 8).unwrap_or_default(),
            owner,
            sha256: sum,
            text: texts.find(|text| sha256(text.as_bytes()) == sum),
        })
    }

    fn is_file(&self) -> bool {
        self.kind.starts_with("regular")
    }

    /// Its state, with this text.
    fn state(&self, text: Option<&str>) -> State<'a> {
        State::new(self.is_file().then_some((self.sha256, text)), self.mode, self.owner)
    }

    fn problem(&self, path: &str) -> Option<Problem> {
        (!self.is_file()).then(|| Problem::Own {
            code: "file-in-the-way",
            text: format!("{path} in the guest is a {}", self.kind),
            hint: "move it away in the guest, or choose another path".into(),
        })
    }
}

/// A file that `containai.toml` no longer declares.
#[derive(Debug)]
struct Undeclared {
    vm: VmRef,
    path: String,
}

impl Removable for Undeclared {
    type State<'a> = State<'a>;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<State<'a>> {
        in_seen_guest(facts, |guest| {
            let actual = Actual::read(guest, &self.path)?;
            Some(actual.state(actual.text.as_deref()))
        })
    }

    fn kept(&self, facts: &Facts) -> Option<&'static str> {
        let is_file = Actual::read(facts.guest.present()?, &self.path)?.is_file();
        (!is_file).then_some("kept: it is no longer a file")
    }

    fn looks(&self) -> Vec<Look> {
        looks(&self.path)
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        self.vm.step(change, "delete the file", &["rm", "-f", &self.path], facts)
    }
}
