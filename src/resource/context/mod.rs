//! The Docker context on the host, with the VM's socket as its endpoint. It never becomes the current one.

pub(super) mod diagnosis;

use crate::config::Config;
use crate::docker::{ContextMetadata, DockerCli, MARK};
use crate::model::ContextName;
use crate::model::address::{Address, Kind};
use crate::plan::{Change, Observation, Problem, Reason, Step};
use crate::resource::facts::Facts;
use crate::resource::record::{Keys, Record, Recorded};
use crate::resource::removal::{Removable, Removal};
use crate::resource::{PlanContext, Resource, Socket, Vm};

/// How the forwarded socket of any VM ends.
const SOCKET: &str = "/sock/docker.sock";
/// The start of the description of a context, before the name of its VM.
const USUAL: &str = "Docker in the Lima VM ";

/// The Docker context on the host.
#[derive(Debug)]
pub struct DockerContext {
    address: Address,
    requires: Address,
    name: ContextName,
    description: String,
    /// Whether an existing context of this VM keeps its description: someone else made both.
    adopts: bool,
    /// How the socket of this VM ends in any home of Lima.
    own_socket: String,
}

impl DockerContext {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        let vm = &config.vm.name;
        Self {
            address: Self::own_address(config),
            requires: if config.vm.running {
                Socket::own_address(config)
            } else {
                Vm::own_address(config)
            },
            name: config.context.name.clone(),
            description: match &config.context.description {
                Some(text) => format!("{text}, {MARK}"),
                None => format!("{USUAL}{vm}, {MARK}"),
            },
            adopts: config.vm.adopted && config.context.description.is_none(),
            own_socket: format!("/{vm}{SOCKET}"),
        }
    }

    /// Its address.
    pub fn own_address(config: &Config) -> Address {
        Address::new(Kind::CONTEXT, config.context.name.as_str())
    }

    /// The removal of a context that led to this VM under another name.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        let name = address.name().parse().ok()?;
        let undeclared = Undeclared { name, own_socket: Self::new(config).own_socket };
        Some(Removal::new(address, vec![Self::own_address(config)], undeclared).boxed())
    }

    /// The deletion of the contexts of a file that `cai` created, under their present and their former
    /// names. A context that it did not create is kept. `current` is the current one.
    pub(crate) fn destruction(
        config: &Config,
        facts: &Facts,
        current: Option<&str>,
    ) -> Vec<Change> {
        let own = facts.context.iter().map(|context| (&config.context.name, context));
        let former = facts.former.contexts.iter();
        let former = former.filter(|(name, _)| Self::is_former(config, facts, name));
        let delete = |(name, actual): (&ContextName, &ContextMetadata)| {
            let address = Address::new(Kind::CONTEXT, name.as_str());
            if !actual.is_marked() {
                return Change::unchanged(&address, actual).because(Reason::NotMadeByCai);
            }
            let change = Change::delete(&address, actual).because(Reason::Unwanted);
            Self::delete(change, name, facts, current)
        };
        own.chain(former).map(delete).collect()
    }

    /// Whether an earlier apply created this context for the VM of the file, under a name that the file
    /// no longer has.
    fn is_former(config: &Config, facts: &Facts, name: &ContextName) -> bool {
        let undeclared =
            Undeclared { name: name.clone(), own_socket: Self::new(config).own_socket };
        facts.owns(&Address::new(Kind::CONTEXT, name.as_str())) && undeclared.kept(facts).is_none()
    }

    /// Adds the step that deletes a context, unless it is the current one.
    fn delete(change: Change, name: &ContextName, facts: &Facts, current: Option<&str>) -> Change {
        if current == Some(name.as_str()) {
            return change.blocked(Problem::ContextInUse(name.to_string()));
        }
        let Some(program) = &facts.tools.docker else {
            return change.blocked(Problem::DockerMissing);
        };
        let command = DockerCli::new(program.clone()).remove_context(name);
        change.step(Step::run(format!("remove the Docker context {name}"), command))
    }

    fn wanted(&self, facts: &Facts) -> ContextMetadata {
        let host = format!("unix://{}", facts.docker_socket().display());
        let existing = facts.context.as_ref().filter(|it| self.adopts && it.host == host);
        let description = existing.map_or(&self.description, |existing| &existing.description);
        ContextMetadata { host, description: description.clone() }
    }

    /// Whether its usual description is that of another VM.
    fn names_another_vm(&self, context: &ContextMetadata) -> bool {
        let vm = context.description.strip_prefix(USUAL).and_then(|rest| rest.split_once(','));
        vm.is_some_and(|(vm, _)| !self.own_socket.starts_with(&format!("/{vm}/")))
    }

    /// Whether `cai` may change it: its endpoint belongs to this VM (people create such contexts, and Lima's
    /// instructions tell them to), or `cai` created it, and not for another VM.
    fn is_ours(&self, context: &ContextMetadata, wanted: &ContextMetadata, facts: &Facts) -> bool {
        let of_some_vm = context.host.ends_with(SOCKET);
        let of_this_vm = context.host.ends_with(&self.own_socket);
        // The socket of a VM that someone else made can be anywhere.
        let is_of_other =
            of_some_vm || (self.names_another_vm(context) && !facts.owns(&self.address));
        let is_own = of_this_vm || !is_of_other;
        context.host == wanted.host || (context.is_marked() && is_own)
    }
}

impl Resource for DockerContext {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![self.requires.clone()]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let wanted = self.wanted(facts);
        let change = match &facts.context {
            None => Change::create(&self.address, &wanted).because(Reason::Absent),
            Some(actual) if *actual == wanted => {
                let change = Change::unchanged(&self.address, wanted);
                let is_usable = facts.tools.docker.is_some();
                return if is_usable { change } else { change.because(Reason::NoDocker) };
            }
            Some(actual) => {
                let change = Change::between(&self.address, actual, &wanted);
                if !self.is_ours(actual, &wanted, facts) {
                    return change.blocked(Problem::ForeignContext {
                        name: self.name.to_string(),
                        host: actual.host.clone(),
                    });
                }
                change.because_differs()
            }
        };
        let Some(program) = &facts.tools.docker else {
            return change.blocked(Problem::DockerMissing);
        };
        let docker = DockerCli::new(program.clone());
        let (verb, command) = match &facts.context {
            None => ("create", docker.create_context(&self.name, &wanted)),
            Some(_) => ("update", docker.update_context(&self.name, &wanted)),
        };
        change.step(Step::run(format!("{verb} the Docker context {}", self.name), command))
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        let actual = facts.context.as_ref();
        // Its mark proves that `cai` created it, even without a record.
        let is_own = actual.is_some_and(ContextMetadata::is_marked);
        let keys = Keys { is_own, ..Keys::default() };
        Some(Recorded { exists: actual.is_some(), is_declared: true, keys, path: None })
    }
}

/// A context that the file no longer names.
#[derive(Debug)]
struct Undeclared {
    name: ContextName,
    /// How the socket of this VM ends in any home of Lima.
    own_socket: String,
}

impl Removable for Undeclared {
    type State<'a> = &'a ContextMetadata;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<&'a ContextMetadata> {
        let context = facts.former.contexts.get(&self.name);
        context.map_or(Observation::Absent, Observation::Present)
    }

    fn docker_context(&self) -> Option<&ContextName> {
        Some(&self.name)
    }

    fn kept(&self, facts: &Facts) -> Option<&'static str> {
        let context = facts.former.contexts.get(&self.name)?;
        let leads_here = context.host == format!("unix://{}", facts.docker_socket().display())
            || context.host.ends_with(&self.own_socket);
        let is_own = context.is_marked() && leads_here;
        (!is_own).then_some("kept: changed since cai created it")
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let current = facts.former.current_context.as_deref();
        DockerContext::delete(change, &self.name, facts, current)
    }
}
