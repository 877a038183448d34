//! The creation of a VM, also as a replacement of another one.

use serde_json::Value;

use super::steps::start;
use super::{Desired, Vm};
use crate::lima::{self, Limactl, Status};
use crate::model::value::Attributes;
use crate::plan::{Change, Disruption, Reason, Step};
use crate::resource::DataDisk;
use crate::resource::facts::{Facts, VmFacts};
use crate::resource::provision::stored;

/// The processors that Lima gives a VM, if the host has as many.
const DEFAULT_CPUS: u32 = 4;

impl Desired<'_> {
    pub(super) fn create(&self, facts: &Facts, limactl: &Limactl) -> Change {
        let change = Change::create(&self.address, self.desired(self.keys.clone()));
        let change = change.because(Reason::Absent);
        let left = self.left_to_lima(facts);
        let change =
            if left.is_empty() { change } else { change.because(Reason::LeftToLima(left)) };
        self.make(change, facts, limactl)
    }

    /// The size of a new VM, as far as the file does not set it (measured with Lima 2.2.0:
    /// `limactl validate --fill`).
    fn left_to_lima(&self, facts: &Facts) -> Vec<String> {
        let cpus = facts.cpus.map_or(DEFAULT_CPUS, |host| host.min(DEFAULT_CPUS)).to_string();
        let defaults = [
            ("cpus", cpus.as_str()),
            ("memory", "4GiB or half of this machine's memory, whichever is less"),
            ("disk", "100GiB"),
        ];
        let left = defaults.into_iter().filter(|(key, _)| !self.keys.contains_key(*key));
        let shown = |(key, default): (&str, &str)| {
            let own = facts.lima_files.iter().filter(|file| file.keys.contains_key(key));
            match own.max_by_key(|file| file.wins) {
                Some(file) => {
                    let value = file.keys[key].as_str().map(str::to_owned);
                    let value = value.unwrap_or_else(|| file.keys[key].to_string());
                    format!("{key} = {value} (from {})", file.path.display())
                }
                None => format!("{key} = {default}"),
            }
        };
        left.map(shown).collect()
    }

    pub(super) fn replace(
        &self,
        change: Change,
        vm: &VmFacts,
        facts: &Facts,
        limactl: &Limactl,
    ) -> Change {
        // Others' entries are deleted with the VM.
        let change = Change { after: Attributes::of(self.desired(self.keys.clone())), ..change };
        let containers = facts.guest.present().and_then(|guest| guest.containers.as_deref());
        let containers = if vm.status == Status::Stopped { Some(&[][..]) } else { containers };
        let mut change = change.disturbing(Disruption::Replace, containers);
        change.contents = facts.guest.present().and_then(stored);
        change.kept_on = DataDisk::kept(self.name(), facts);
        let arch = self.keys.get("arch").and_then(Value::as_str);
        if change.kept_on.is_some() && arch.is_some() && arch != vm.arch.as_deref() {
            let why = "the images and containers that are kept are for the VM's current architecture and \
                       cannot run on another one";
            change = change.because(Reason::Note(why));
        }
        if !vm.managed {
            change = change.because(Reason::NotMadeByCai);
        }
        change.steps = Vm::removal(self.name(), vm, limactl);
        self.make(change, facts, limactl)
    }

    fn make(&self, change: Change, facts: &Facts, limactl: &Limactl) -> Change {
        let yaml = lima::to_yaml(&self.keys);
        let change = self.judged(change, yaml.clone(), facts, limactl);
        let change = self.reused_disk(facts).into_iter().fold(change, Change::because);
        let change = match self.disk_step(facts, limactl) {
            Ok(step) => step.into_iter().fold(change, Change::step),
            Err(problem) => return change.blocked(problem),
        };
        let change = change.step(Step::run("create the VM", limactl.create(self.name(), yaml)));
        let change = self.protection(change, false, limactl);
        if self.runs() { change.step(start(self.name(), limactl)) } else { change }
    }
}
