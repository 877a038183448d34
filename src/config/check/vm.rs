//! The rules of `[vm]`.

use super::{Check, of};
use crate::config::de::Node;
use crate::config::diagnostic::Diagnostic;
use crate::config::suggest::shown;
use crate::config::types::{Image, Mount, Variable, Vm, VmType};
use crate::model::{Arch, clean_path};

/// Directories of a guest that Lima does not hide behind a mount (`Validate` of Lima 2.2.0).
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
    }

    fn arch(&mut self, vm: &Vm) {
        let fits = |arch| vm.images.iter().any(|image| image.arch.is_none_or(|own| own == arch));
        if let (Some(arch), Some(place)) = (vm.arch, self.at(&["vm", "arch"]))
            && !fits(arch)
            // One that was refused may have been it.
            && self.at(&["vm", "images"]).is_none_or(|all| all.count() == vm.images.len())
        {
            let hint = format!("write `[[vm.images]]` with arch = \"{arch}\"");
            self.refuse(place.span(), format!("there is no image for {arch}"), hint);
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
        let hint = "it takes `type = \"vz\"` and `arch = \"aarch64\"`, on Apple Silicon";
        self.refuse(place.span(), message, hint);
    }

    /// Lima writes them into the guest's `/etc/environment`, one on a line.
    fn env(&mut self, vm: &Vm) {
        for (name, variable) in &vm.env {
            let place = self.at(&["vm", "env", name.as_str()]);
            if let Some(place) = place {
                self.source_of(place, variable);
            }
            let place = place.map(|place| place.get("value").unwrap_or(place));
            let value = variable.value.as_deref().unwrap_or_default();
            if let Some(place) = place.filter(|_| value.contains(char::is_control)) {
                let message = format!("the value of {name} has a control character in it");
                let hint = "an environment variable of the guest is one line of plain text";
                self.refuse(place.span(), message, hint);
            }
        }
    }

    /// A variable is from one place.
    fn source_of(&mut self, place: Node<'a, 'i>, variable: &Variable) {
        let is_there = |key| place.get(key).is_some();
        if variable.value.is_some() && variable.env.is_some() {
            let message = "`value` and `env` both say what this variable is";
            self.refuse(place.span(), message, "leave one of them out");
        } else if place.text().is_none() && !is_there("value") && !is_there("env") {
            let hint = "write `value = \"…\"`, or `env = \"NAME\"` for one of cai's environment";
            self.refuse(place.span(), "this variable has no value", hint);
        }
    }

    fn images(&mut self, images: &[Image]) {
        let places = self.elements(&["vm", "images"]);
        let arches =
            images.iter().zip(&places).map(|(image, place)| (image.arch, of(*place, "arch")));
        self.refuse_twice(arches.collect(), |arch| match arch {
            Some(arch) => format!("a second image for {arch}"),
            None => "a second image without an architecture".to_owned(),
        });
        for place in places {
            if place.get("kernel").is_some() {
                continue;
            }
            for key in ["kernel_cmdline", "initrd"] {
                if let Some(value) = place.get(key) {
                    let message = format!("`{key}` without `kernel`");
                    let hint =
                        "only a kernel of its own takes one; without, the image boots itself";
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
                let hint = "write another `mount_point`, such as \"/mnt/host\"";
                self.refuse(span.clone(), message, hint);
            }
        }
        let points = points.iter().map(|(point, span)| (point.as_str(), span.clone()));
        self.refuse_twice(points.collect(), |point| format!("a second mount at {}", shown(point)));
    }
}
