//! A container that uses a Docker socket: it runs, its socket is mounted as the file says, its
//! program has the socket's group, and Docker's API answers in it.

pub(super) mod diagnosis;
mod facts;
mod need;
mod remediation;
mod state;
mod undeclared;
mod verdict;

use std::time::Duration;

use super::record::{Record, Recorded};
use super::{DockerContext, PlanContext, Resource};
use crate::config::{self, Config};
use crate::docker::client::{ClientCommands, ExistingContainer, override_path};
use crate::guest::Container;
use crate::model::ContextName;
use crate::model::address::{Address, Kind};
use crate::plan::Observation;
use crate::plan::{Change, Disruption, Problem, Ready, Reason, Step, Wait};
use crate::resource::facts::Facts;
use need::Need;
use remediation::Remedy;
use state::State;

pub use facts::{ClientFacts, ComposeFacts, EngineSockets};
pub use verdict::{ClientVerdict, Evidence, verdict};
pub(crate) use verdict::{gid, title};

/// How long a recreated container may take to become healthy.
const HEALTH: Duration = Duration::from_secs(3 * 60);

/// A container that uses a Docker socket.
#[derive(Debug)]
pub struct SocketClient {
    address: Address,
    /// The file's own context, if its engine runs the container.
    requires: Option<Address>,
    /// The next client of the same compose file: both write one override.
    next: Option<Address>,
    context: ContextName,
    client: config::SocketClient,
}

impl SocketClient {
    /// All that the file declares, without those in a VM that is to be stopped.
    pub fn all(config: &Config) -> Vec<Self> {
        let clients = config.socket_clients.iter();
        let clients: Vec<_> =
            clients.filter(|it| config.vm.running || it.context.is_some()).collect();
        let address =
            |client: &config::SocketClient| Address::new(Kind::SOCKET_CLIENT, client.name());
        let next = |index: usize, file: &Option<String>| {
            let mut later = clients.iter().skip(index + 1);
            later.find(|it| file.is_some() && it.compose_file == *file).map(|it| address(it))
        };
        let resource = |(index, client): (usize, &&config::SocketClient)| Self {
            address: address(client),
            requires: client.context.is_none().then(|| DockerContext::own_address(config)),
            next: next(index, &client.compose_file),
            context: client.context.clone().unwrap_or_else(|| config.context.name.clone()),
            client: (*client).clone(),
        };
        clients.iter().enumerate().map(resource).collect()
    }

    /// The removal of a client's settings from the override of its Compose file.
    pub fn removal(
        config: &Config,
        record: &Record,
        address: &Address,
    ) -> Option<Box<dyn Resource>> {
        let clients = config.socket_clients.iter();
        let is_declared = clients.clone().any(|it| it.name() == address.name());
        let declared = clients.filter_map(config::SocketClient::compose);
        let declared = declared.map(|(file, service)| (override_path(&file), service.to_string()));
        if is_declared {
            return None;
        }
        let removal = undeclared::removal(config, record, address, &declared.collect::<Vec<_>>())?;
        // They write the same override.
        let same = Self::all(config).into_iter().filter(|client| {
            let file = client.client.compose().map(|(file, _)| override_path(&file));
            file.is_some() && file == record.entry(address).and_then(|entry| entry.path.clone())
        });
        Some(removal.before(same.map(|client| client.address).collect()).boxed())
    }

    fn unseen(&self, facts: &Facts, reason: Option<Reason>) -> Change {
        let after = || Reason::After(self.requires.clone().unwrap_or_else(|| self.address.clone()));
        let reason = reason.unwrap_or_else(after);
        let mut change = Change::deferred(&self.address, state::unseen(&self.client), reason);
        // A VM that does not exist yet has no container to recreate.
        let may_be_there = self.requires.is_none() || facts.vm != Observation::Absent;
        if may_be_there && self.client.compose().is_some() {
            change = change.falling_back(Disruption::ContainerRecreation, None);
        }
        if facts.tools.docker.is_none() {
            return change.blocked(Problem::DockerMissing);
        }
        change
    }

    /// Blocks the plan if the container could not be recreated, before anything stops it.
    fn or_blocked(&self, change: Change, facts: &ClientFacts) -> Change {
        match remediation::obstacle(&self.client, facts) {
            Some(problem) if change.problem.is_none() => {
                change.blocked(Problem::SocketClient(problem))
            }
            _ => change,
        }
    }

    /// The earlier change that stops the container. Whether it starts again is known after that.
    fn stopped_before<'a>(
        &self,
        context: PlanContext<'a>,
        facts: &ClientFacts,
    ) -> Option<&'a Change> {
        self.requires.as_ref()?;
        let kinds = [Kind::VM, Kind::PROVISION, Kind::RESTART].into_iter();
        let mut earlier = kinds.flat_map(|kind| context.earlier(kind));
        earlier.find(|change| change.may_stop(title(&self.client, facts)))
    }

    fn commands(&self, facts: &Facts) -> Option<ClientCommands> {
        Some(ClientCommands::new(facts.tools.docker.clone()?, self.context.clone()))
    }

    /// The steps that recreate a service and wait until it is healthy.
    fn remedy(
        &self,
        change: Change,
        commands: &ClientCommands,
        facts: &ClientFacts,
        remedy: Remedy<'_>,
    ) -> Change {
        let Remedy { project, described, file, service, written, text, .. } = remedy;
        let own = override_path(&file);
        let seen = facts.container.present();
        let expected = || described.container(service, &project.program);
        let name = seen.map(|seen| seen.inspected.name.clone()).or_else(expected);
        let name = &name.unwrap_or_else(|| self.client.title().to_owned());
        let is_own = written || text.is_some();
        let up = commands.up(project, is_own.then_some(own.as_path()), service);
        let change = match text {
            Some(text) => change.step(Step::write(format!("write {}", own.display()), own, text)),
            None => change,
        };
        let change = change.step(Step::run(format!("recreate {name} with Compose"), up));
        let until = match &self.client.health {
            None => return change,
            Some(check) => match check.url() {
                Some(url) => Ready::Answers(url.to_owned()),
                None => Ready::Says {
                    command: commands.health(name),
                    // An image without a health check has nothing to wait for.
                    words: &["healthy", "none"],
                },
            },
        };
        change.step(Step::wait(
            format!("wait until {name} is healthy"),
            Wait { until, at_most: HEALTH },
        ))
    }

    fn change(
        &self,
        seen: Option<&ExistingContainer>,
        facts: &ClientFacts,
        commands: &ClientCommands,
        context: PlanContext<'_>,
    ) -> Change {
        let verdict = verdict(&self.client, facts);
        let actual = seen.map(|seen| state::actual(&self.client, seen));
        let (need, remedy) = match need::needed(&self.client, facts, &verdict, &self.context) {
            Ok(need) if need.is_empty() => return self.unneeded(actual, facts, context),
            Ok(need) => {
                let remedy = remediation::remedy(&self.client, facts, &need);
                (need, remedy)
            }
            Err(problem) => (Need::default(), Err(problem)),
        };
        let desired = state::desired(&self.client, facts, &need);
        let (actual, desired) = match &remedy {
            Ok(remedy) => (
                actual.map(|it| remedy.shown(it, remedy.before)),
                remedy.shown(desired, remedy.text.as_deref()),
            ),
            Err(_) => (actual, desired),
        };
        let change = match actual {
            None => Change::create(&self.address, desired),
            Some(actual) => Change::between(&self.address, actual, desired),
        };
        let change = match verdict.code {
            Some(code) => change.because(Reason::SocketClient { code, cause: verdict.cause }),
            None => change,
        };
        let change = match remedy {
            Err(problem) => return change.blocked(Problem::SocketClient(problem)),
            Ok(remedy) => self.remedy(change, commands, facts, remedy),
        };
        match seen.and_then(Self::stopped) {
            Some(stopped) => change.disturbing(Disruption::ContainerRecreation, Some(&[stopped])),
            None => change,
        }
    }

    /// Nothing is wrong with it now.
    fn unneeded(
        &self,
        actual: Option<State>,
        facts: &ClientFacts,
        context: PlanContext<'_>,
    ) -> Change {
        match (self.stopped_before(context, facts), actual) {
            (Some(earlier), _) => {
                let reason = Reason::After(earlier.address.clone());
                let change = Change::deferred(&self.address, state::unseen(&self.client), reason);
                let change = if self.client.compose().is_some() {
                    change.falling_back(Disruption::ContainerRecreation, None)
                } else {
                    change
                };
                self.or_blocked(change, facts)
            }
            (None, Some(actual)) => Change::unchanged(&self.address, actual),
            (None, None) => Change::unchanged(&self.address, ()),
        }
    }

    /// The container that its recreation stops, if it runs.
    fn stopped(seen: &ExistingContainer) -> Option<Container> {
        let state = &seen.inspected.state;
        (state.runs() || state.restarts_in_a_loop()).then(|| Container {
            id: seen.inspected.id.clone(),
            name: seen.inspected.name.clone(),
            runtime: seen.inspected.runtime.clone(),
            started: state.started.clone(),
            auto_remove: false,
        })
    }
}

impl Resource for SocketClient {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.iter().cloned().collect()
    }

    fn notifies(&self) -> Vec<Address> {
        self.next.iter().cloned().collect()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let Some(facts) = context.facts.clients.get(&self.client.name()) else {
            return self.unseen(context.facts, None);
        };
        let Some(commands) = self.commands(context.facts) else {
            return self.unseen(context.facts, None);
        };
        let seen = match &facts.container {
            Observation::Unobservable(reason) => {
                let change = self.unseen(context.facts, Some(reason.clone()));
                return self.or_blocked(change, facts);
            }
            Observation::Absent => None,
            Observation::Present(seen) => Some(seen),
        };
        self.change(seen, facts, &commands, context)
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        let (file, service) = self.client.compose()?;
        let facts = facts.clients.get(&self.client.name())?;
        let text = facts.compose.as_ref()?.override_text.as_deref().unwrap_or_default();
        Some(undeclared::recorded(override_path(&file), service.as_str(), text))
    }
}
