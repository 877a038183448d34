//! The Docker socket on the host.

use serde::Serialize;

use super::vm_ref::VmRef;
use super::{Case, GroupMembership, PlanContext, ProvisionDocker, Resource, Restart};
use crate::config::Config;
use crate::guest::GuestFacts;
use crate::host::Ping;
use crate::model::address::{Address, Kind};
use crate::plan::Observation;
use crate::plan::{Change, Code, Disruption, Finding, Problem, Reason, SideEffect, Step};
use crate::resource::facts::Facts;

/// The Docker socket on the host.
#[derive(Debug)]
pub struct Socket {
    address: Address,
    requires: Vec<Address>,
    vm: VmRef,
}

/// The state of the socket.
#[derive(Debug, PartialEq, Serialize)]
struct State {
    path: String,
    answer: String,
    /// Who can open it. ssh creates it for its owner alone, which is not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'static str>,
}

impl State {
    fn new(facts: &Facts, answer: impl ToString, access: &'static str) -> Self {
        Self {
            path: facts.docker_socket().to_string_lossy().into_owned(),
            answer: answer.to_string(),
            access: facts.exposed.then_some(access),
        }
    }
}

impl Socket {
    /// The socket of the file's VM.
    pub fn new(config: &Config) -> Self {
        let mut requires = vec![Restart::address_of(&config.vm.name)];
        // The forward opens the guest's socket with the groups of the login user.
        requires.extend(GroupMembership::of_login_user(config));
        Self { address: Self::own_address(config), requires, vm: VmRef::of(config) }
    }

    /// Its address.
    pub fn own_address(config: &Config) -> Address {
        Address::new(Kind::SOCKET, config.vm.name.as_str())
    }

    fn update(
        &self,
        guest: &GuestFacts,
        ping: &Ping,
        desired: State,
        context: PlanContext<'_>,
    ) -> Change {
        let facts = context.facts;
        let actual = State::new(facts, ping, "others");
        if actual == desired {
            return Change::unchanged(&self.address, desired);
        }
        let after =
            |address: Address| Change::deferred(&self.address, &desired, Reason::After(address));
        // A new session, or a restart of the VM, forwards the socket again. Whether more is needed is
        // known after that.
        let renewed = |change: &&Change| change.disruption >= Disruption::SessionRefresh;
        let mut renewals = context.earlier(Kind::VM).chain(context.earlier(Kind::RESTART));
        if let Some(renewal) = renewals.find(renewed) {
            return after(renewal.address.clone());
        }
        let change = Change::between(&self.address, &actual, &desired);
        if !ping.answers() && !guest.session_reaches_docker() {
            return if context.causes(|effect| *effect == SideEffect::OpensSocket) {
                after(ProvisionDocker::own_address())
            } else {
                change.blocked(Problem::NoAccess { user: guest.user.clone() })
            };
        }
        if !ping.answers() && !guest.docker_answers() {
            // Whether the forward is dead as well is known once dockerd answers.
            return after(ProvisionDocker::own_address());
        }
        self.forward(change, facts, ping)
    }

    fn forward(&self, change: Change, facts: &Facts, ping: &Ping) -> Change {
        let reason = match ping {
            Ping::Answered { .. } => Reason::SocketExposed,
            ping => Reason::ForwardDead(ping.clone()),
        };
        let change = change
            .because(reason)
            // If the session is alive, only the forward is renewed.
            .disturbing(
                if facts.master { Disruption::None } else { Disruption::SessionRefresh },
                Some(&[]),
            );
        let Some(ssh) = self.vm.ssh(facts) else {
            return change.blocked(Problem::SshMissing);
        };
        let change = if facts.master {
            change.step(Step::attempt("cancel the forward of the socket", ssh.cancel_forward()))
        } else {
            change.step(Step::run("open a session", ssh.run(&["true"])))
        };
        change
            .step(Step::remove("remove the stale socket", facts.docker_socket()))
            .step(Step::run("forward the Docker socket", ssh.forward()))
    }
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
        let desired = State::new(facts, "answers", "owner");
        match (&facts.guest, &facts.socket) {
            (Observation::Absent, _) => Change::create(&self.address, desired)
                .because(Reason::After(Restart::address_of(&self.vm.name))),
            (Observation::Present(guest), Some(ping)) => self.update(guest, ping, desired, context),
            (Observation::Unobservable(reason), _) => {
                Change::deferred(&self.address, desired, reason.clone())
            }
            // dockerd does not run, and a request would start it.
            (Observation::Present(_), None) => {
                let docker = ProvisionDocker::own_address();
                Change::deferred(&self.address, desired, Reason::After(docker))
            }
        }
    }
}

/// Why it does not work. If something in the guest is wrong, which stops the socket as well, the first
/// finding lists it as a consequence.
pub(super) fn diagnose(
    case: &Case<'_>,
    guest: &GuestFacts,
    inside: &mut [Finding],
) -> Option<Finding> {
    let path = case.facts.docker_socket().display().to_string();
    let Some(ping) = &case.facts.socket else {
        let first = inside.first_mut()?;
        first.consequences.insert(0, format!("the engine cannot be used through {path}"));
        first.observed.insert("host_socket".into(), "not tested: that could start dockerd".into());
        return None;
    };
    let code = match ping {
        Ping::Answered { .. } => return None,
        Ping::Denied => Code::HostSocketPermission,
        Ping::Missing => Code::HostSocketMissing,
        Ping::Refused | Ping::Closed | Ping::Failed(_) => Code::ForwardDead,
    };
    // A denied connection says nothing about the guest.
    if let (Some(first), true) = (inside.first_mut(), code != Code::HostSocketPermission) {
        first.consequences.insert(0, format!("the host socket {path} {ping}"));
        first.observed.insert("host_socket".into(), ping.to_string().into());
        return None;
    }
    let finding = Finding::new(code, case.socket())
        .saw("path", path.as_str())
        .saw("host_socket", ping.to_string())
        .saw("ssh_master", case.facts.master)
        .saw(
            "guest",
            if guest.docker_answers() { "dockerd answers root" } else { "dockerd does not answer" },
        )
        .repaired_by([case.socket()])
        .by_hand("cai apply");
    Some(match code {
        Code::HostSocketPermission => finding.because(format!("you cannot open {path}")),
        Code::HostSocketMissing => {
            finding.because(format!("dockerd answers in the guest, but {path} does not exist"))
        }
        _ => finding.because(format!("dockerd answers in the guest, but {path} {ping}")),
    })
}
