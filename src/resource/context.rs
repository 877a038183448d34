//! The Docker context on the host. It leads to the VM's socket, and is never made the current one.

use super::{PlanContext, Resource, Socket, Vm};
use crate::config::Config;
use crate::docker::{ContextMetadata, Docker, MARK};
use crate::model::ContextName;
use crate::model::address::{Address, Kind};
use crate::model::value::Attributes;
use crate::plan::{Change, Problem, Reason, Step};
use crate::resource::facts::Facts;

/// How the forwarded socket of any VM ends.
const SOCKET: &str = "/sock/docker.sock";

/// The Docker context on the host.
#[derive(Debug)]
pub struct DockerContext {
    address: Address,
    requires: Address,
    name: ContextName,
    description: String,
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
                None => format!("Docker in the Lima VM {vm}, {MARK}"),
            },
            own_socket: format!("/{vm}{SOCKET}"),
        }
    }

    /// Its address.
    pub fn own_address(config: &Config) -> Address {
        Address::new(Kind::Context, config.context.name.as_str())
    }

    fn wanted(&self, facts: &Facts) -> ContextMetadata {
        let host = format!("unix://{}", facts.docker_socket().display());
        ContextMetadata { host, description: self.description.clone() }
    }

    /// Whether it may be changed: it leads to this VM anyway (people make such contexts by hand, and
    /// Lima's own instructions tell them to), or `cai` made it, and not for another VM.
    fn is_ours(&self, context: &ContextMetadata, wanted: &ContextMetadata) -> bool {
        let of_some_vm = context.host.ends_with(SOCKET);
        let of_this_vm = context.host.ends_with(&self.own_socket);
        context.host == wanted.host || (context.is_marked() && (of_this_vm || !of_some_vm))
    }
}

fn attributes(context: &ContextMetadata) -> Attributes {
    Attributes::default()
        .with("host", context.host.as_str())
        .with("description", context.description.as_str())
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
            None => Change::create(&self.address, attributes(&wanted)).because(Reason::Absent),
            Some(actual) => {
                let change =
                    Change::between(&self.address, attributes(actual), attributes(&wanted));
                let changed = change.changed();
                if changed.is_empty() {
                    let is_of_use = facts.tools.docker.is_some();
                    return if is_of_use { change } else { change.because(Reason::NoDocker) };
                }
                if !self.is_ours(actual, &wanted) {
                    return change.blocked(Problem::ForeignContext {
                        name: self.name.to_string(),
                        host: actual.host.clone(),
                    });
                }
                change.because(Reason::Differs(changed))
            }
        };
        let Some(program) = &facts.tools.docker else {
            return change.blocked(Problem::DockerMissing);
        };
        let docker = Docker::new(program.clone());
        match &facts.context {
            None => change.step(Step::run(
                format!("create the Docker context {}", self.name),
                docker.create_context(&self.name, &wanted),
            )),
            Some(_) => change.step(Step::run(
                format!("update the Docker context {}", self.name),
                docker.update_context(&self.name, &wanted),
            )),
        }
    }
}
