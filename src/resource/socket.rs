//! The Docker socket on the host: something answers on it.

use super::provision::{SOCKET_ACCESS, SOCKET_GROUP};
use super::{GroupMembership, PlanContext, Resource, Restart};
use crate::config::Config;
use crate::host::Ping;
use crate::lima::Ssh;
use crate::model::VmName;
use crate::model::address::{Address, Kind};
use crate::model::value::Attributes;
use crate::plan::Observation;
use crate::plan::{Change, Disruption, Problem, Reason, Step};
use crate::resource::facts::Facts;

/// Who may open the socket.
const ACCESS: &str = "access";

/// The Docker socket on the host.
#[derive(Debug)]
pub struct Socket {
    address: Address,
    requires: Vec<Address>,
    name: VmName,
}

impl Socket {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        let mut requires = vec![Restart::address_of(&config.vm.name)];
        // The forward opens the guest's socket with the groups of the login user.
        requires.extend(GroupMembership::of_login_user(config));
        Self { address: Self::own_address(config), requires, name: config.vm.name.clone() }
    }

    /// Its address.
    pub fn own_address(config: &Config) -> Address {
        Address::new(Kind::SOCKET, config.vm.name.as_str())
    }

    fn forward(&self, change: Change, facts: &Facts, ping: &Ping) -> Change {
        let reason = match ping {
            Ping::Answered { .. } => Reason::SocketExposed,
            ping => Reason::ForwardDead(ping.clone()),
        };
        let change = change
            .because(reason)
            // Where the session lives, nothing but the forward is made anew.
            .disturbing(
                if facts.master { Disruption::None } else { Disruption::SessionRefresh },
                Some(&[]),
            );
        let Some(program) = &facts.tools.ssh else {
            return change.blocked(Problem::SshMissing);
        };
        let ssh = Ssh::new(program.clone(), &facts.directory, &self.name);
        let change = if facts.master {
            change.step(Step::attempt("cancel the dead forward", ssh.cancel_forward()))
        } else {
            change.step(Step::run("open a session", ssh.run(&["true"])))
        };
        change
            .step(Step::remove("remove the stale socket", facts.docker_socket()))
            .step(Step::run("forward the Docker socket", ssh.forward()))
    }
}

/// Whether the guest's socket gets its group back by what is planned before.
fn gets_group(context: PlanContext<'_>) -> bool {
    let docker = super::ProvisionDocker::own_address();
    context.earlier(Kind::PROVISION).any(|change| {
        let gives = |name: &String| name == SOCKET_GROUP || name == SOCKET_ACCESS;
        change.address == docker && change.problem.is_none() && change.changed().iter().any(gives)
    })
}

fn answers(answer: impl Into<serde_json::Value>, facts: &Facts) -> Attributes {
    let path = facts.docker_socket();
    Attributes::default().with("path", path.to_string_lossy().as_ref()).with("answer", answer)
}

impl Resource for Socket {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let wanted = answers("answers", facts);
        // A renewed session, or VM, makes the forward anew; whether more is needed shows then.
        let renewed = |change: &&Change| change.disruption >= Disruption::SessionRefresh;
        let refreshes =
            context.earlier(Kind::VM).chain(context.earlier(Kind::RESTART)).find(renewed);
        match (&facts.guest, &facts.socket) {
            (Observation::Absent, _) => Change::create(&self.address, wanted)
                .because(Reason::After(Restart::address_of(&self.name))),
            (Observation::Present(guest), Some(ping)) => {
                let (mut actual, mut wanted) = (answers(ping.to_string(), facts), wanted);
                // Not worth a line where it is as ssh makes it: for its owner alone.
                if facts.exposed {
                    actual = actual.with(ACCESS, "others");
                    wanted = wanted.with(ACCESS, "owner");
                }
                let change = Change::between(&self.address, actual, wanted);
                match (ping.answers(), refreshes) {
                    (true, None) if facts.exposed => self.forward(change, facts, ping),
                    (true, Some(restart)) if facts.exposed => Change::deferred(
                        &self.address,
                        change.after,
                        Reason::After(restart.address.clone()),
                    ),
                    (true, _) => change,
                    (false, Some(restart)) => Change::deferred(
                        &self.address,
                        change.after,
                        Reason::After(restart.address.clone()),
                    ),
                    (false, None) if !guest.session_reaches_docker() && gets_group(context) => {
                        let reason = Reason::After(super::ProvisionDocker::own_address());
                        Change::deferred(&self.address, change.after, reason)
                    }
                    (false, None) if !guest.session_reaches_docker() => {
                        change.blocked(Problem::NoAccess { user: guest.user.clone() })
                    }
                    // Whether the forward is dead, too, shows when the daemon answers.
                    (false, None) if !guest.docker_answers() => Change::deferred(
                        &self.address,
                        change.after,
                        Reason::After(super::ProvisionDocker::own_address()),
                    ),
                    (false, None) => self.forward(change, facts, ping),
                }
            }
            (Observation::Unobservable(reason), _) => {
                Change::deferred(&self.address, wanted, reason.clone())
            }
            // The daemon does not run: a question would start it.
            (Observation::Present(_), None) => Change::deferred(
                &self.address,
                wanted,
                Reason::After(super::ProvisionDocker::own_address()),
            ),
        }
    }
}
