//! The Docker context on the host. It leads to the VM's socket, and is never made the current one.

use super::{PlanContext, Resource, Socket};
use crate::address::{Address, Kind};
use crate::config::Config;
use crate::docker::{ContextMetadata, Docker, MARK};
use crate::facts::Facts;
use crate::model::ContextName;
use crate::plan::{Change, Problem, Reason, Step};
use crate::value::Attributes;

/// The Docker context on the host.
#[derive(Debug)]
pub struct DockerContext {
    address: Address,
    socket: Address,
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
            address: Address::new(Kind::Context, config.context.name.as_str()),
            socket: Socket::own_address(config),
            name: config.context.name.clone(),
            description: format!("Docker in the Lima VM {vm}, {MARK}"),
            own_socket: format!("/{vm}/sock/docker.sock"),
        }
    }

    fn wanted(&self, facts: &Facts) -> ContextMetadata {
        let host = format!("unix://{}", facts.docker_socket().display());
        ContextMetadata { host, description: self.description.clone() }
    }

    /// Whether it may be changed: `cai` made it, or it leads to this VM anyway (people make such
    /// contexts by hand, and Lima's own instructions tell them to).
    fn is_ours(&self, context: &ContextMetadata) -> bool {
        let path = context.host.strip_prefix("unix://");
        context.is_marked() || path.is_some_and(|path| path.ends_with(&self.own_socket))
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
        vec![self.socket.clone()]
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
                    return change;
                }
                if !self.is_ours(actual) {
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
