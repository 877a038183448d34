//! What a plan loses or gives up, so that the user must consent by naming the VM or the directory.

use super::{Action, Change, Exposure, Plan, Reason};
use crate::model::{VmName, listed};

/// Something that is lost in a VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The VM whose name is the consent.
    pub vm: String,
    /// What is lost, as a sentence.
    pub what: String,
    /// What forces it: `the replacement` or `it`.
    forced: &'static str,
}

impl Loss {
    /// What to do if `command` would cause the loss. `vms` are all VMs that lose something.
    pub fn hint(&self, command: &str, vms: &[&str]) -> String {
        let forced = self.forced;
        let consent = vms.join(" --allow-replace ");
        format!(
            "back up the data that you need, then run `{command} --allow-replace {consent}`; or revert \
             the change in \
             the file that forces {forced}"
        )
    }
}

impl Plan {
    /// The losses of a plan. `vm` is the VM of a plan for one file. Only the apply of a deferred change can
    /// tell whether it hides data; it stops if it does.
    pub fn losses(&self, vm: &str) -> Vec<Loss> {
        self.effective().flat_map(|change| change.losses(vm)).collect()
    }
}

impl Plan {
    /// The mounts that the user must name to allow them.
    pub fn mounts_that_need_consent(&self) -> Vec<&Exposure> {
        let reasons = self.effective().flat_map(|change| &change.reasons);
        let exposed = reasons.filter_map(|reason| match reason {
            Reason::Exposes(exposure) if exposure.needs_consent => Some(exposure),
            _ => None,
        });
        exposed.collect()
    }
}

impl Change {
    fn losses(&self, vm: &str) -> Vec<Loss> {
        let mut losses = Vec::new();
        if self.action == Action::Replace {
            let vm = self.address.name().to_owned();
            let what = match &self.kept_on {
                Some(disk) => format!(
                    "it would delete the VM {vm} and every file in it; Docker's data on the Lima disk {disk} \
                     is kept"
                ),
                None => format!(
                    "it would delete the VM {vm} with every container, image, volume and file in it"
                ),
            };
            losses.push(Loss { vm, what, forced: "the replacement" });
        }
        if self.strands_containers() {
            let names = self.stops.as_ref().map(|stops| listed(stops.iter().map(|it| &it.name)));
            let names = names.as_deref().unwrap_or("an unknown number of containers");
            let what = format!("{names} would stop and could not start again");
            let vm = self.address.scope.as_ref().map_or(vm, VmName::as_str).to_owned();
            losses.push(Loss { vm, what, forced: "it" });
        }
        if let Some(hides) = self.hides.as_ref().filter(|_| self.action != Action::Deferred) {
            let what = format!("in the VM {}, {hides}", hides.vm);
            losses.push(Loss { vm: hides.vm.clone(), what, forced: "it" });
        }
        losses
    }
}
