//! What runs has taken over what is configured: the session has its user's groups, the machine
//! its processors and memory. A resource like any other, so that a crash between a change and its
//! restart is repaired by the next run.

use super::{GroupMembership, PlanContext, Provision, Resource, Vm};
use crate::address::{Address, Kind};
use crate::config::Config;
use crate::facts::{Facts, Observation};
use crate::guest::GuestFacts;
use crate::lima::{Limactl, Ssh};
use crate::model::{ByteSize, UserRef, VmName};
use crate::plan::{Action, Change, Disruption, Reason, Step};
use crate::value::{Attributes, Known};

/// The pending restart of a VM, of whatever degree.
#[derive(Debug)]
pub struct Restart {
    address: Address,
    requires: Vec<Address>,
    memberships: Vec<Address>,
    /// The groups that the login user should be in with effect.
    groups: Vec<String>,
    name: VmName,
}

impl Restart {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        let login = config.users.iter().filter(|user| user.name == UserRef::LimaUser);
        Self {
            address: Self::address_of(&config.vm.name),
            requires: vec![Vm::own_address(config), Provision::own_address()],
            memberships: GroupMembership::of_login_user(config),
            groups: login
                .flat_map(|user| &user.groups)
                .map(|group| group.as_str().to_owned())
                .collect(),
            name: config.vm.name.clone(),
        }
    }

    /// The address of a VM's restart.
    pub fn address_of(name: &VmName) -> Address {
        Address::new(Kind::Restart, name.as_str())
    }

    fn wanted(&self) -> Attributes {
        Attributes::default().with("session_has", self.groups.clone())
    }

    /// The groups that the login user joins by what is planned before this resource.
    fn joined(&self, context: PlanContext<'_>) -> Vec<String> {
        context
            .earlier(Kind::GroupMembership)
            .filter(|change| self.memberships.contains(&change.address))
            .filter(|change| change.action == Action::Create && change.problem.is_none())
            .filter_map(|change| match change.after.get("group")? {
                Known::Known(group) => Some(group.as_str()?.to_owned()),
                Known::Unknown => None,
            })
            .collect()
    }

    fn plan_running(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let joined = self.joined(context);
        let (has, lacks): (Vec<String>, Vec<String>) =
            self.groups.iter().cloned().partition(|group| guest.session_groups.contains(group));
        // Not yet a member: that is the membership's change, and this one follows it.
        let stale: Vec<String> =
            lacks.iter().filter(|group| guest.is_member(&guest.user, group)).cloned().collect();
        let machine = machine_differs(guest, facts);
        let before = Attributes::default().with("session_has", has);
        let mut change = Change::between(&self.address, before, self.wanted());
        change.action = Action::NoOp;
        let vm_restarts =
            context.earlier(Kind::Vm).any(|change| change.disruption == Disruption::VmRestart);
        if !machine.is_empty() && !vm_restarts {
            change.action = Action::Refresh;
            change.reasons.extend(machine);
            return self.restart_vm(change, guest, facts);
        }
        if !stale.is_empty() && !vm_restarts {
            change.action = Action::Refresh;
            let session = guest.session_groups.iter().cloned().collect();
            change.reasons.push(Reason::SessionPredates { missing: stale, session });
        }
        if !joined.is_empty() {
            change.action = Action::Refresh;
            change.reasons.push(Reason::SessionWillPredate(joined));
        }
        match (change.action, context.tried) {
            (Action::Refresh, Disruption::None) => refresh_session(change, facts, &self.name)
                .falling_back(Disruption::VmRestart, &guest.containers),
            (Action::Refresh, _) => {
                let change = change.because(Reason::RefreshHadNoEffect);
                self.restart_vm(change, guest, facts)
            }
            _ => change,
        }
    }

    fn restart_vm(&self, change: Change, guest: &GuestFacts, facts: &Facts) -> Change {
        let change = change.disturbing(Disruption::VmRestart, &guest.containers);
        let Some((program, _)) = &facts.tools.limactl else {
            return change;
        };
        let limactl = Limactl::new(program.clone());
        change
            .step(Step::run("stop the VM", limactl.stop(&self.name)))
            .step(Step::remove("remove the stale socket", facts.docker_socket()))
            .step(Step::run("start the VM, and wait for Docker in it", limactl.start(&self.name)))
    }
}

/// Renews the connection that everything rides on, without disturbing what rides on the old one.
///
/// Measured on Lima 2.2.0: it takes about 1.5 s, containers and open shells live on, and Lima's
/// own sockets come back by themselves.
fn refresh_session(change: Change, facts: &Facts, name: &VmName) -> Change {
    let change = change.disturbing(Disruption::SessionRefresh, &[]);
    let Some(program) = &facts.tools.ssh else {
        return change;
    };
    let ssh = Ssh::new(program.clone(), &facts.directory, name);
    let change = if facts.master {
        change
            .step(Step::attempt("cancel the socket's forward", ssh.cancel_forward()))
            .step(Step::attempt("let the old session end by itself", ssh.stop_master()))
    } else {
        change
    };
    change
        .step(Step::remove("remove the stale socket", facts.docker_socket()))
        .step(Step::run("open a new session", ssh.run(&["true"])))
        .step(Step::run("forward the Docker socket again", ssh.forward()))
}

/// Where the running machine is not the one that `lima.yaml` describes: it was edited, and the
/// VM not restarted.
fn machine_differs(guest: &GuestFacts, facts: &Facts) -> Vec<Reason> {
    let Some(vm) = facts.vm.present() else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    let configured = vm.yaml.get("cpus").and_then(serde_json::Value::as_u64);
    if let (Some(runs), Some(configured)) = (guest.cpus, configured)
        && u64::from(runs) != configured
    {
        reasons.push(Reason::MachineDiffers {
            what: "cpus",
            runs: runs.to_string(),
            configured: configured.to_string(),
        });
    }
    let configured = vm.yaml.get("memory").and_then(|size| size.as_str()?.parse::<ByteSize>().ok());
    if let (Some(runs), Some(configured)) = (guest.memory, configured)
        && !is_memory_of(runs, configured.bytes())
    {
        reasons.push(Reason::MachineDiffers {
            what: "memory",
            runs: format!("{} MiB", runs >> 20),
            configured: configured.to_string(),
        });
    }
    reasons
}

/// Whether a kernel that manages `runs` bytes can be on a machine with `configured` bytes. The
/// kernel keeps some for itself: 2 to 8 % (measured: 1967 of 2048 MiB), more on small machines.
fn is_memory_of(runs: u64, configured: u64) -> bool {
    let reserve = configured / 8 + (64 << 20);
    runs <= configured && configured - runs <= reserve
}

impl Resource for Restart {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        match &context.facts.guest {
            Observation::Present(guest) => self.plan_running(guest, context),
            Observation::Absent if self.groups.is_empty() => {
                Change::between(&self.address, self.wanted(), self.wanted())
            }
            // Lima opens the session before the user is in any group.
            Observation::Absent => {
                let mut change = Change::create(&self.address, self.wanted())
                    .because(Reason::SessionWillPredate(self.groups.clone()))
                    .disturbing(Disruption::SessionRefresh, &[]);
                change.action = Action::Refresh;
                change
            }
            Observation::Unobservable(reason) => {
                Change::deferred(&self.address, self.wanted(), reason.clone())
            }
        }
    }
}
