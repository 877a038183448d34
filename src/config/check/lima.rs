//! The rules of `[vm.lima]`: keys that `cai` sets from other tables, and values that Lima 2.2.0
//! would use for more than the plan shows.

use std::ops::Range;

use super::Check;
use crate::config::de::TomlNode;
use crate::config::suggest::{self, shown};
use crate::config::text::{self, broken_template};

/// The keys of Lima's YAML that `cai` sets, and the key of this file to use instead.
const MODELLED: [(&str, &str); 13] = [
    ("images", "use `[[vm.images]]` instead"),
    ("cpus", "set `cpus` under `[vm]` instead"),
    ("memory", "set `memory` under `[vm]` instead"),
    ("disk", "set `disk` under `[vm]` instead"),
    ("vmType", "set `type` under `[vm]` instead"),
    ("arch", "set `arch` under `[vm]` instead"),
    ("rosetta", ROSETTA),
    ("env", "use `[vm.env]` instead"),
    ("mounts", "use `[[vm.mounts]]` instead"),
    ("provision", "cai installs the engine of `[docker]`"),
    ("probes", "cai waits for the engine of `[docker]`"),
    ("portForwards", "use `[[vm.port_forwards]]` instead; cai forwards the engine's socket"),
    ("containerd", "cai disables it because the engine of `[docker]` has its own"),
];

const ROSETTA: &str = "set `rosetta` under `[vm]` instead";

/// Keys that affect more than the VM, and why a file that someone else wrote must not set them.
const REFUSED: [(&[&str], &str); 5] = [
    (&["base"], "Lima would add templates and scripts from there that the plan does not show"),
    (
        &["copyToHost"],
        "the guest could write to any file on this machine; mount a directory instead",
    ),
    (&["ssh", "forwardX11"], WINDOWS),
    (&["ssh", "forwardX11Trusted"], WINDOWS),
    (
        &["plain"],
        "Lima would not forward the socket, so the Docker context could not reach the engine",
    ),
];

/// Lima's mount types.
const MOUNT_TYPES: [&str; 4] = ["reverse-sshfs", "9p", "virtiofs", "wsl2"];

const WINDOWS: &str = "programs in the guest could read and control windows on this machine";

/// Values that Lima puts into QEMU's options. They must not add options, such as a file to write.
const WORDS: [&[&str]; 2] = [&["audio", "device"], &["video", "display"]];

/// The keys whose texts can have several lines.
const LINES: [&[&str]; 2] = [&["message"], &["caCerts", "certs"]];

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(super) fn lima_keys(&mut self) {
        let Some(lima) = self.at(&["vm", "lima"]) else { return };
        for (key, span) in lima.keys() {
            if let Some((_, hint)) = MODELLED.iter().find(|(modelled, _)| *modelled == key) {
                let message = format!("`{key}` cannot be set here, because cai sets it");
                self.refuse(span, message, *hint);
            } else if !is_lima_key(key) {
                let message = format!("{} is not a key of Lima's YAML", shown(key));
                self.refuse(span, message, "keys are letters and digits, such as `hostResolver`");
            } else {
                self.lima_texts(lima, key);
            }
        }
        let rosetta = ["vm", "lima", "vmOpts", "vz", "rosetta"];
        self.refuse_key(&rosetta, "`vmOpts.vz.rosetta` cannot be set here", ROSETTA);
        for (path, why) in REFUSED {
            let full = [&["vm", "lima"], path].concat();
            if self.at(&full).is_some_and(|value| !value.is_false()) {
                self.refuse_key(&full, &format!("`{}` cannot be set here", path.join(".")), why);
            }
        }
        for path in WORDS {
            let value = path.iter().try_fold(lima, |node, key| node.get(key));
            let is_word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if let Some(value) = value.filter(|value| !value.text().is_none_or(is_word)) {
                let message = format!("`{}` must be one word", path.join("."));
                let hint = "it is part of QEMU's options, which can name files to write";
                self.refuse(value.span(), message, hint);
            }
        }
        self.lima_values(lima);
        self.vnc(lima);
        self.networks(lima);
        self.firmware(lima);
    }

    /// Values that `limactl validate` refuses (measured with Lima 2.2.0). Without this check, they
    /// would pass on a machine without `limactl`.
    fn lima_values(&mut self, lima: TomlNode<'a, 'i>) {
        if let Some(value) = lima.get("mountType")
            && let Some(other) = value.text().filter(|text| !MOUNT_TYPES.contains(text))
        {
            let hint = suggest::hint(other, &MOUNT_TYPES, "type");
            self.refuse(
                value.span(),
                format!("{} is not a mount type of Lima", shown(other)),
                hint,
            );
        }
        let resolver = lima.get("hostResolver").and_then(|resolver| resolver.get("enabled"));
        if let Some(value) = lima.get("dns").filter(|servers| servers.count() > 0)
            && !resolver.is_some_and(TomlNode::is_false)
        {
            let hint = "also set `hostResolver.enabled = false`, or remove `dns`";
            self.refuse(value.span(), "Lima refuses `dns` if its host resolver is enabled", hint);
        }
    }

    /// Texts below this key that Lima expands as templates or writes into a single line.
    fn lima_texts(&mut self, lima: TomlNode<'a, 'i>, key: &str) {
        let Some(value) = lima.get(key) else { return };
        let lines: Vec<Range<usize>> = LINES
            .iter()
            .filter_map(|path| path.iter().try_fold(lima, |node, key| node.get(key)))
            .flat_map(TomlNode::texts)
            .map(|(_, span)| span)
            .collect();
        for (text, place) in value.texts() {
            if text == "<<" {
                let hint = "YAML would merge it into the table; write its keys directly";
                self.refuse(place, "`<<` is not a key of Lima's YAML", hint);
            } else if let Some(why) = broken_template(text) {
                self.refuse(place, "cai does not pass this template on to Lima", why);
            } else if text.contains('\0') {
                self.refuse(place, "this contains a NUL character", "remove it");
            } else if text.contains(['\n', '\t']) && !lines.contains(&place) {
                let hint = "write one line without tabs: Lima would interpret the rest separately";
                self.refuse(place, "this contains a line break or a tab", hint);
            }
        }
    }

    /// QEMU would also accept options and addresses of other machines here.
    fn vnc(&mut self, lima: TomlNode<'a, 'i>) {
        let path = ["video", "vnc", "display"];
        let Some(value) = path.iter().try_fold(lima, |node, key| node.get(key)) else { return };
        let is_local = |text: &str| {
            let number =
                text.strip_prefix("127.0.0.1:").or_else(|| text.strip_prefix("localhost:"));
            number.is_some_and(|rest| {
                let (display, to) = rest.split_once(",to=").unwrap_or((rest, "0"));
                [display, to].iter().all(|number| number.parse::<u16>().is_ok())
            })
        };
        if value.text().is_some_and(|text| !is_local(text)) {
            let hint = "write an address such as \"127.0.0.1:0,to=9\"";
            self.refuse(value.span(), "VNC can listen only on this machine", hint);
        }
    }

    /// Lima writes the name of an interface into a script that root runs at boot.
    fn networks(&mut self, lima: TomlNode<'a, 'i>) {
        let is_name =
            |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        for network in lima.get("networks").into_iter().flat_map(TomlNode::elements) {
            let broken = |name: &TomlNode<'_, '_>| !name.text().is_none_or(is_name);
            if let Some(name) = network.get("interface").filter(broken) {
                let hint = "use letters, digits, \".\", \"_\" and \"-\"";
                self.refuse(name.span(), "this is not the name of a network interface", hint);
            }
        }
    }

    fn firmware(&mut self, lima: TomlNode<'a, 'i>) {
        let images = lima.get("firmware").and_then(|firmware| firmware.get("images"));
        for image in images.into_iter().flat_map(TomlNode::elements) {
            let Some(place) = image.get("location") else { continue };
            if let Some(Err(error)) = place.text().map(|text| text::location(text, "firmware")) {
                let hint = "the VM runs this code when it boots";
                self.refuse(place.span(), error.to_string(), hint);
            }
        }
    }
}

/// Whether this can be a top-level key of Lima's YAML. `cai` writes it into a Lima expression.
/// `status` is `cai`'s own name for the state of the VM.
fn is_lima_key(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric())
        && key != "status"
}
