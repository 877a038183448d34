//! The `limactl` program: it is there, and new enough.

use semver::VersionReq;

use super::{PlanContext, Resource};
use crate::address::{Address, Kind};
use crate::config::Config;
use crate::plan::{Change, Problem, Reason};
use crate::value::Attributes;

/// The `limactl` program.
#[derive(Debug)]
pub struct LimaInstall {
    address: Address,
    required: VersionReq,
}

impl LimaInstall {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        Self { address: Self::own_address(), required: config.lima.version.clone() }
    }

    /// There is one Lima on a machine.
    pub fn own_address() -> Address {
        Address::new(Kind::LimaInstall, "lima")
    }
}

impl Resource for LimaInstall {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        Vec::new()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let macos = context.facts.macos;
        let ssh = &context.facts.tools.ssh;
        let wanted = Attributes::default().with("version", self.required.to_string());
        let Some((_, found)) = &context.facts.tools.limactl else {
            return Change::create(&self.address, wanted)
                .because(Reason::Absent)
                .blocked(Problem::LimaMissing { macos });
        };
        if self.required.matches(found) {
            let change = Change::between(&self.address, wanted.clone(), wanted);
            // Lima cannot do without it either, but says so only when a VM has been made.
            return if ssh.is_some() { change } else { change.blocked(Problem::SshMissing) };
        }
        let before = Attributes::default().with("version", found.to_string());
        let problem =
            Problem::LimaVersion { found: found.clone(), required: self.required.clone(), macos };
        Change::between(&self.address, before, wanted).blocked(problem)
    }
}
