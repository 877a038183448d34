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
    pub(crate) fn effect(&self, address: &Address) -> Option<&Change> {
        self.plan.effective().find(|change| change.address == *address)
    }

    pub(crate) fn name(&self) -> &str {
        self.config.vm.name.as_str()
    }

    pub(crate) fn lima() -> Address {
        LimaInstall::own_address()
    }

    pub(crate) fn vm(&self) -> Address {
        Vm::own_address(self.config)
    }

    pub(crate) fn docker() -> Address {
        ProvisionDocker::own_address()
    }

    pub(crate) fn daemon() -> Address {
        ProvisionDaemon::own_address()
    }

    pub(crate) fn sysbox() -> Address {
        Address::new(Kind::PROVISION, "sysbox")
    }

    pub(crate) fn restart(&self) -> Address {
        Restart::address_of(&self.config.vm.name)
    }

    pub(crate) fn socket(&self) -> Address {
        Socket::own_address(self.config)
    }

    pub(crate) fn context(&self) -> Address {
        Address::new(Kind::CONTEXT, self.config.context.name.as_str())
    }

    /// The memberships of the login user that the file declares.
    pub(crate) fn memberships(&self) -> Vec<Address> {
        GroupMembership::of_login_user(self.config)
    }

    /// The file, as it is called in a sentence.
    pub(crate) fn file(&self) -> &'static str {
        if self.is_declared { "the file" } else { "cai" }
    }
}
