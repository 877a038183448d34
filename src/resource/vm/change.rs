//! The change of a VM, with what a user should know about it.

use serde_json::Map;

use super::power::other_file;
use super::{Desired, MOUNTS, Places, mount_key};
use crate::config;
use crate::lima::{self, Limactl};
use crate::plan::{Action, Change, Exposure, Observation, Problem, Reason};
use crate::resource::LimaInstall;
use crate::resource::facts::Facts;

impl Desired<'_> {
    /// QEMU shares the existing processors; Apple's virtualization framework refuses to start.
    fn more_cpus(&self, facts: &Facts) -> Option<Reason> {
        let declared = u32::try_from(self.keys.get("cpus")?.as_u64()?).ok()?;
        let host = facts.cpus.filter(|host| *host < declared)?;
        Some(Reason::MoreCpus { declared, host })
    }

    /// What the mounts that this change adds expose.
    fn exposes(&self, change: &Change, facts: &Facts) -> Vec<Reason> {
        let places = Places::of(self.config, facts);
        let kept = facts.vm.present().filter(|_| change.action != Action::Replace);
        if kept.is_some() && !change.changed().iter().any(|name| name == MOUNTS) {
            return Vec::new();
        }
        let old = places.exposed(kept.and_then(|vm| vm.yaml.get(MOUNTS)));
        let new = places.exposed(self.keys.get(MOUNTS)).into_iter();
        let located = |exposure: Exposure| {
            let key = mount_key(self.config, &exposure.location);
            let place = self.config.origin.place(&key).map(|place| place.to_string());
            Reason::Exposes(Exposure { place, ..exposure })
        };
        new.filter(|exposure| !old.contains(exposure)).map(located).collect()
    }

    pub(super) fn change(&self, facts: &Facts) -> Change {
        let deferred = |reason| {
            let declared = self.keys_of(&Map::new(), false).declared;
            let former = facts.former_keys(&self.address, &declared);
            let desired = self.desired(self.keys.clone());
            Change::deferred(&self.address, desired, reason).retracting(former, Vec::new())
        };
        let Some((program, _)) = &facts.tools.limactl else {
            return deferred(Reason::After(LimaInstall::own_address()));
        };
        let proxy = self.config.proxy.as_ref().map(config::Proxy::on_host);
        let limactl = Limactl::new(program.clone()).through(proxy.as_ref());
        let overrides = lima::overrides(&facts.lima_files, &self.keys);
        let change = match &facts.vm {
            Observation::Absent => match facts.long_socket_path() {
                None => self.create(facts, &limactl),
                Some((path, length, limit)) => {
                    let path = path.display().to_string();
                    self.create(facts, &limactl).blocked(Problem::SocketPath {
                        path,
                        length,
                        limit,
                    })
                }
            },
            Observation::Present(vm) => self.update(vm, facts, &overrides, &limactl),
            Observation::Unobservable(reason) => deferred(reason.clone()),
        };
        let exposes = self.exposes(&change, facts);
        let more_cpus = self.more_cpus(facts);
        let no_record = matches!(facts.vm, Observation::Present(_)) && facts.record.is_none();
        let remarks = overrides.into_iter().map(Reason::Overridden).chain(more_cpus);
        let remarks = remarks
            .chain(no_record.then_some(Reason::NoRecord))
            .chain(other_file(self.config, facts).map(Reason::AppliedFrom))
            .chain(exposes)
            .chain(facts.former.reasons());
        remarks.fold(change, Change::because)
    }
}
