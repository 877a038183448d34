//! The input of a diagnosis.

use crate::config::Config;
use crate::docker::Environment;
use crate::model::address::{Address, Kind};
use crate::plan::{Change, Plan};
use crate::resource::facts::Facts;
use crate::resource::{
    DockerContext, GroupMembership, LimaInstall, ProvisionDaemon, ProvisionDocker, Restart, Socket,
    Vm,
};

/// Everything that is known about an engine.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The file, or the defaults without a file.
    pub config: &'a Config,
    /// Whether a file exists. Without one, differences from the defaults do not matter.
    pub is_declared: bool,
    /// The observed facts.
    pub facts: &'a Facts,
    /// The settings that redirect the docker command.
    pub environment: &'a Environment,
    /// Its plan.
    pub plan: &'a Plan,
}

impl Case<'_> {
    /// The planned change of a resource, if it changes.
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
        DockerContext::own_address(self.config)
    }

    /// The memberships of the login user that the file declares.
    pub(crate) fn memberships(&self) -> Vec<Address> {
        GroupMembership::of_login_user(self.config)
    }

    /// The subject of a sentence about the desired state.
    pub(crate) fn file(&self) -> &'static str {
        if self.is_declared { "the file" } else { "cai" }
    }
}
