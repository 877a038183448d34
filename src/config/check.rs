//! Rules between values, and the defaults that depend on another value.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use super::de::Node;
use super::suggest::shown;
use super::types::{Config, Context, File, Image};
use crate::diagnostic::{Diagnostic, line_of};
use crate::model::ContextName;

/// The keys of Lima's YAML that `cai` writes itself, and what stands for each in this file.
const MODELLED: [(&str, &str); 9] = [
    ("images", "write `[[vm.images]]`"),
    ("cpus", "write `cpus` under `[vm]`"),
    ("memory", "write `memory` under `[vm]`"),
    ("disk", "write `disk` under `[vm]`"),
    ("mounts", "write `[[vm.mounts]]`"),
    ("provision", "cai installs what `[docker]` asks for"),
    ("probes", "cai waits for the engine of `[docker]`"),
    ("portForwards", "cai forwards the socket of the engine"),
    ("containerd", "cai turns it off in favour of the engine of `[docker]`"),
];

/// Checks `file`, read from the table `root` of `source`, and settles what was left open in it.
/// None only if it could not be settled, which is a diagnostic too.
pub(super) fn check(
    file: File,
    root: Node<'_, '_>,
    source: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Config> {
    let mut check = Check { root, source, diagnostics };
    check.version(&file);
    check.images(&file.vm.images);
    check.mounts(&file);
    check.users(&file);
    check.lima_keys();
    let context = check.context(&file)?;
    Some(Config { lima: file.lima, vm: file.vm, docker: file.docker, users: file.users, context })
}

struct Check<'a, 'i> {
    root: Node<'a, 'i>,
    source: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a, 'i: 'a> Check<'a, 'i> {
    fn version(&mut self, file: &File) {
        if file.version.is_none() && self.at(&["version"]).is_none() {
            let missing =
                Diagnostic::new("the file does not say which version of the format it is");
            self.diagnostics.push(missing.at(0..0).hint("write `version = 1` at the top"));
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

    fn mounts(&mut self, file: &File) {
        let places = self.elements(&["vm", "mounts"]);
        let points = file.vm.mounts.iter().zip(places).map(|(mount, place)| {
            let key = if mount.mount_point.is_some() { "mount_point" } else { "location" };
            let point = mount.mount_point.as_deref().unwrap_or(&mount.location);
            // "/x" and "/x/" are the same directory.
            (point.trim_end_matches('/'), of(place, key))
        });
        self.refuse_twice(points.collect(), |point| {
            format!("a second mount at {}", shown(if point.is_empty() { "/" } else { point }))
        });
    }

    fn users(&mut self, file: &File) {
        let places = self.elements(&["users"]);
        let names =
            file.users.iter().zip(&places).map(|(user, place)| (&user.name, of(*place, "name")));
        self.refuse_twice(names.collect(), |name| format!("a second entry for the user `{name}`"));
        for (user, place) in file.users.iter().zip(places) {
            let groups = place.get("groups").into_iter().flat_map(Node::elements);
            let groups = user.groups.iter().zip(groups.map(Node::span));
            self.refuse_twice(groups.collect(), |group| {
                format!("the group `{group}` a second time")
            });
        }
    }

    fn lima_keys(&mut self) {
        for (key, span) in self.at(&["vm", "lima"]).into_iter().flat_map(Node::keys) {
            if let Some((_, hint)) = MODELLED.iter().find(|(modelled, _)| *modelled == key) {
                let message = format!("`{key}` cannot be set here: cai writes it itself");
                self.diagnostics.push(Diagnostic::new(message).at(span).hint(*hint));
            }
        }
    }

    /// The context is named like the VM, where that is a name for a context.
    fn context(&mut self, file: &File) -> Option<Context> {
        if let Some(name) = &file.context.name {
            return Some(Context { name: name.clone() });
        }
        match file.vm.name.as_str().parse::<ContextName>() {
            Ok(name) => Some(Context { name }),
            Err(error) => {
                if self.at(&["context", "name"]).is_none() {
                    let span = self.at(&["vm", "name"]).map_or(0..0, Node::span);
                    let hint = "the Docker context is named like the VM: give it another `name` \
                                under `[context]`";
                    self.diagnostics.push(Diagnostic::new(error.to_string()).at(span).hint(hint));
                }
                None
            }
        }
    }

    fn at(&self, path: &[&str]) -> Option<Node<'a, 'i>> {
        path.iter().try_fold(self.root, |node, key| node.get(key))
    }

    fn elements(&self, path: &[&str]) -> Vec<Node<'a, 'i>> {
        self.at(path).into_iter().flat_map(Node::elements).collect()
    }

    /// Refuses every item that came before. `message` says what the second one is.
    fn refuse_twice<T: Eq + Hash + Copy>(
        &mut self,
        items: Vec<(T, Range<usize>)>,
        message: impl Fn(T) -> String,
    ) {
        let mut first = HashMap::new();
        for (item, span) in items {
            let start = *first.entry(item).or_insert(span.start);
            if start != span.start {
                let label = format!("the first is on line {}", line_of(self.source, start));
                self.diagnostics.push(Diagnostic::new(message(item)).at(span).label(label));
            }
        }
    }
}

/// Where the key of a table stands, or the table that lacks it.
fn of(table: Node<'_, '_>, key: &str) -> Range<usize> {
    table.get(key).unwrap_or(table).span()
}
