//! What a diagnosis goes by.

use crate::config::Config;
use crate::docker::Environment;
use crate::model::address::{Address, Kind};
use crate::plan::{Change, Plan};
use crate::resource::facts::Facts;
use crate::resource::{
    GroupMembership, LimaInstall, ProvisionDaemon, ProvisionDocker, Restart, Socket, Vm,
};

/// All that is known of an engine.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What the file says, or what one without a line would.
    pub config: &'a Config,
    /// Whether there is a file. Without one, what differs from its defaults is nobody's wish.
    pub is_declared: bool,
    /// What was observed.
    pub facts: &'a Facts,
    /// What leads the docker command elsewhere.
    pub environment: &'a Environment,
    /// What is planned about it.
    pub plan: &'a Plan,
}

impl Case<'_> {
    /// What is planned about a resource, if anything.
    pub(super) fn effect(&self, address: &Address) -> Option<&Change> {
        self.plan.effective().find(|change| change.address == *address)
    }

    pub(super) fn name(&self) -> &str {
        self.config.vm.name.as_str()
    }

    pub(super) fn lima() -> Address {
        LimaInstall::own_address()
    }

    pub(super) fn vm(&self) -> Address {
        Vm::own_address(self.config)
    }

    pub(super) fn docker() -> Address {
        ProvisionDocker::own_address()
    }

    pub(super) fn daemon() -> Address {
        ProvisionDaemon::own_address()
    }

    pub(super) fn sysbox() -> Address {
        Address::new(Kind::PROVISION, "sysbox")
    }

    pub(super) fn restart(&self) -> Address {
        Restart::address_of(&self.config.vm.name)
    }

    pub(super) fn socket(&self) -> Address {
        Socket::own_address(self.config)
    }

    pub(super) fn context(&self) -> Address {
        Address::new(Kind::CONTEXT, self.config.context.name.as_str())
    }

    /// The memberships of the login user that the file declares.
    pub(super) fn memberships(&self) -> Vec<Address> {
        GroupMembership::of_login_user(self.config)
    }

    /// The file, as it is called in a sentence.
    pub(super) fn file(&self) -> &'static str {
        if self.is_declared { "the file" } else { "cai" }
    }
}
