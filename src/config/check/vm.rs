//! The rules of `[vm]`.

use serde_json::Value;

use super::{Check, of};
use crate::config::de::TomlNode;
use crate::config::diagnostic::Diagnostic;
use crate::config::suggest::shown;
use crate::config::types::{Image, Mount, Vm, VmType};
use crate::model::lima_disk::{DISKS, Disk};
use crate::model::{Arch, clean_path};

/// Directories of a guest that Lima refuses as mount points (`Validate` of Lima 2.2.0).
const SYSTEM_PATHS: [&str; 10] =
    ["/", "/bin", "/dev", "/etc", "/home", "/opt", "/sbin", "/tmp", "/usr", "/var"];

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(in crate::config) fn vm(&mut self, vm: &Vm) {
        self.arch(vm);
        self.rosetta(vm);
        self.images(&vm.images);
        self.mounts(&vm.mounts);
        self.port_forwards(&vm.port_forwards);
        self.env(vm);
        self.lima_keys();
        self.data_disk(vm);
    }

    /// `cai` adds an entry to the list.
    fn data_disk(&mut self, vm: &Vm) {
        let Some(place) = self.at(&["vm", "lima", DISKS]) else { return };
        let is_list = vm.lima.get(DISKS).is_none_or(Value::is_array);
        if vm.data_disk.is_some() && !is_list {
            let message = format!("`{DISKS}` must be a list");
            self.refuse(place.span(), message, "write [\"NAME\"]");
        }
        let own = Disk::name_for(&vm.name);
        let name = |entry: TomlNode<'a, 'i>| entry.get("name").unwrap_or(entry);
        for entry in place.elements().map(name).filter(|it| it.text() == Some(own.as_str())) {
            let message = format!("{} is the name of the disk of `data_disk`", shown(&own));
            self.refuse(entry.span(), message, "write `data_disk = \"SIZE\"` under [vm] instead");
        }
    }

    fn arch(&mut self, vm: &Vm) {
        let fits = |arch| vm.images.iter().any(|image| image.arch.is_none_or(|own| own == arch));
        if let (Some(arch), Some(place)) = (vm.arch, self.at(&["vm", "arch"]))
            && !fits(arch)
            // A refused entry may be the image.
            && self.at(&["vm", "images"]).is_none_or(|all| all.count() == vm.images.len())
        {
            let hint = format!("add a [[vm.images]] table with arch = \"{arch}\"");
            self.refuse(place.span(), format!("the file has no image for {arch}"), hint);
        }
    }

    fn rosetta(&mut self, vm: &Vm) {
        let Some(place) = self.at(&["vm", "rosetta"]).filter(|_| vm.rosetta == Some(true)) else {
            return;
        };
        let message = match (vm.vm_type, vm.arch) {
            (Some(VmType::Qemu), _) => "Rosetta does not run in a VM of type `qemu`",
            (_, Some(Arch::X86_64)) => "Rosetta does not run in a VM for x86_64",
            _ => return,
        };
        let hint = "it needs `type = \"vz\"` and `arch = \"aarch64\"` on Apple Silicon";
        self.refuse(place.span(), message, hint);
    }

    /// Lima writes each variable into one line of the guest's `/etc/environment`.
    fn env(&mut self, vm: &Vm) {
        for (name, variable) in &vm.env {
            let place = self.at(&["vm", "env", name.as_str()]);
            if let Some(place) = place {
                self.source_of(place);
            }
            let place = place.map(|place| place.get("value").unwrap_or(place));
            let value = variable.value.as_deref().unwrap_or_default();
            if let Some(place) = place.filter(|_| value.contains(char::is_control)) {
                let message = format!("the value of {name} contains a control character");
                let hint = "the guest's environment variables are single lines of plain text";
                self.refuse(place.span(), message, hint);
            }
        }
    }

    /// A value has exactly one source.
    pub(super) fn source_of(&mut self, place: TomlNode<'a, 'i>) {
        let keys = ["value", "env", "file", "command"];
        let set: Vec<&str> = keys.into_iter().filter(|key| place.get(key).is_some()).collect();
        if let [first, second, ..] = set[..] {
            let message = format!("this value has both `{first}` and `{second}`");
            self.refuse(place.span(), message, "remove one of them");
        } else if place.text().is_none() && set.is_empty() {
            let hint = "`env` is a variable of cai's environment, and `command` a program that prints \
                        the value";
            let message = "this value needs one of `value`, `env`, `file` and `command`";
            self.refuse(place.span(), message, hint);
        }
    }

    fn images(&mut self, images: &[Image]) {
        let places = self.elements(&["vm", "images"]);
        let arches =
            images.iter().zip(&places).map(|(image, place)| (image.arch, of(*place, "arch")));
        self.refuse_twice(arches.collect(), |arch| match arch {
            Some(arch) => format!("duplicate image for {arch}"),
            None => "duplicate image without an architecture".to_owned(),
        });
        for place in places {
            if place.get("kernel").is_some() {
                continue;
            }
            for key in ["kernel_cmdline", "initrd"] {
                if let Some(value) = place.get(key) {
                    let message = format!("`{key}` requires `kernel`");
                    let hint =
                        "set `kernel`, or remove this key: the image then boots its own kernel";
                    self.diagnostics.push(Diagnostic::new(message).at(value.span()).hint(hint));
                }
            }
        }
    }

    fn mounts(&mut self, mounts: &[Mount]) {
        let places = self.elements(&["vm", "mounts"]);
        let points = mounts.iter().zip(places).map(|(mount, place)| {
            let (key, point) = match &mount.mount_point {
                Some(point) => ("mount_point", point),
                None => ("location", &mount.location),
            };
            // "/x", "/x/" and "/./x" are the same directory.
            (clean_path(point), of(place, key))
        });
        let points: Vec<_> = points.collect();
        for (point, span) in &points {
            if SYSTEM_PATHS.contains(&point.as_str()) {
                let message = format!("Lima refuses a mount at {point} in the guest");
                let hint = "set another `mount_point`, such as \"/mnt/host\"";
                self.refuse(span.clone(), message, hint);
            }
        }
        let points = points.iter().map(|(point, span)| (point.as_str(), span.clone()));
        self.refuse_twice(points.collect(), |point| format!("duplicate mount at {}", shown(point)));
    }
}
