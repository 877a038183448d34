//! The separate disk for Docker's data: it exists, has its size, and is attached to the VM.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Desired, Wanted};
use crate::lima::{DISKS, Disk, Limactl};
use crate::model::ByteSize;
use crate::plan::{Problem, Reason, Step};
use crate::resource::facts::{Facts, VmFacts};

impl Desired<'_> {
    /// The keys, with the disks that others attached to this VM. The whole list belongs to the file if `[vm.lima]`
    /// names it. `is_needed` keeps a disk that the file does not declare.
    pub(super) fn with_disks(&self, vm: &VmFacts, is_needed: bool) -> Cow<'_, Map<String, Value>> {
        let is_declared = self.config.vm.data_disk.is_some();
        let own = self.disk_name();
        let is_own = |entry: &Value| Disk::named_by(entry) == Some(&own);
        let there = vm.yaml.get(DISKS).and_then(Value::as_array).map(Vec::as_slice);
        let there = there.unwrap_or_default();
        let has_own = there.iter().any(is_own);
        if !is_declared && !has_own {
            return Cow::Borrowed(&self.keys);
        }
        let is_attached = is_declared || is_needed;
        let mut disks: Vec<Value> = match self.config.vm.lima.get(DISKS).and_then(Value::as_array) {
            Some(listed) => listed.iter().filter(|entry| !is_own(entry)).cloned().collect(),
            None if has_own && is_attached => there.to_vec(),
            None => there.iter().filter(|entry| !is_own(entry)).cloned().collect(),
        };
        if is_attached && !disks.iter().any(is_own) {
            disks.push(Disk::entry(&own));
        }
        let mut keys = self.keys.clone();
        let disks = if disks.is_empty() { Value::Null } else { disks.into() };
        keys.insert(DISKS.into(), disks);
        Cow::Owned(keys)
    }

    pub(super) fn disk_name(&self) -> String {
        Disk::name_for(self.name())
    }

    /// The actual size of the disk, if the file declares one.
    pub(super) fn actual_disk_size(&self, facts: &Facts) -> Option<String> {
        self.config.vm.data_disk?;
        let size = ByteSize::try_from(facts.data_disk.as_ref()?.size).ok()?;
        Some(size.to_string())
    }

    /// The step that creates the disk or makes it larger, if one is due.
    pub(super) fn disk_step(
        &self,
        facts: &Facts,
        limactl: &Limactl,
    ) -> Result<Option<Step>, Problem> {
        let Some(size) = self.config.vm.data_disk else { return Ok(None) };
        let name = &self.disk_name();
        let Some(disk) = &facts.data_disk else {
            let create = limactl.disk_create(name, size);
            return Ok(Some(Step::run(format!("create the Lima disk {name}"), create)));
        };
        let vm = self.name();
        if !disk.instance.is_empty() && disk.instance != vm.as_str() {
            return Err(Problem::Own {
                code: "data-disk-in-use",
                text: format!("the VM {} uses the Lima disk {name}", disk.instance),
                hint: format!(
                    "stop it: limactl stop {}; if it does not run, release the disk: limactl disk unlock {name}",
                    disk.instance
                ),
            });
        }
        let actual = ByteSize::try_from(disk.size).map(|actual| actual.to_string());
        let actual = actual.unwrap_or_default();
        match size.bytes() {
            bytes if bytes < disk.size => Err(Problem::Own {
                code: "data-disk-shrinks",
                text: format!("the Lima disk {name} cannot shrink from {actual} to {size}"),
                hint: format!("set data_disk = \"{actual}\" or more"),
            }),
            bytes if bytes > disk.size => {
                let resize = limactl.disk_resize(name, size);
                Ok(Some(Step::run(format!("grow the Lima disk {name} to {size}"), resize)))
            }
            _ => Ok(None),
        }
    }

    /// A stopped guest cannot unmount the disk, and its Docker would not start without it.
    pub(super) fn must_run_to_unmount() -> Problem {
        Problem::Own {
            code: "data-disk-mounted",
            text: "the file no longer has vm.data_disk, but the stopped VM still uses that disk"
                .into(),
            hint: "run `cai start`, then run this command again".into(),
        }
    }

    /// The remark that a new VM uses the disk of an earlier one.
    pub(super) fn reused_disk(&self, facts: &Facts) -> Option<Reason> {
        self.config.vm.data_disk?;
        facts.data_disk.as_ref().map(|disk| Reason::UsesDisk(disk.name.clone()))
    }
}

impl Wanted {
    /// Marks a disk that is detached as removed.
    pub(super) fn detaching(mut self, declared: bool, vm: &VmFacts, is_needed: bool) -> Self {
        if is_needed {
            self.removed.retain(|key| key != DISKS);
        } else if !declared && self.keys.get(DISKS).is_some_and(|it| vm.yaml.get(DISKS) != Some(it))
        {
            self.removed.push(DISKS.into());
        }
        self
    }
}
