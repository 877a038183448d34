//! The rules of `[vm.lima]`: the keys that Lima takes from elsewhere, and what Lima 2.2.0 makes of
//! a value beyond what the plan shows of it.

use std::ops::Range;

use super::Check;
use crate::config::de::Node;
use crate::config::suggest::{self, shown};
use crate::config::text::{self, broken_template};

/// The keys of Lima's YAML that `cai` writes itself, and what stands for each in this file.
const MODELLED: [(&str, &str); 13] = [
    ("images", "write `[[vm.images]]`"),
    ("cpus", "write `cpus` under `[vm]`"),
    ("memory", "write `memory` under `[vm]`"),
    ("disk", "write `disk` under `[vm]`"),
    ("vmType", "write `type` under `[vm]`"),
    ("arch", "write `arch` under `[vm]`"),
    ("rosetta", ROSETTA),
    ("env", "write `[vm.env]`"),
    ("mounts", "write `[[vm.mounts]]`"),
    ("provision", "cai installs what `[docker]` asks for"),
    ("probes", "cai waits for the engine of `[docker]`"),
    ("portForwards", "write `[[vm.port_forwards]]`; cai forwards the socket of the engine"),
    ("containerd", "cai turns it off in favour of the engine of `[docker]`"),
];

const ROSETTA: &str = "write `rosetta` under `[vm]`";

/// Keys that reach further than the VM, and why that is not for a file that others may have written.
const REFUSED: [(&[&str], &str); 5] = [
    (&["base"], "Lima would add templates from there, scripts among them, that no plan has shown"),
    (&["copyToHost"], "the guest could write any file of this machine; mount a directory instead"),
    (&["ssh", "forwardX11"], WINDOWS),
    (&["ssh", "forwardX11Trusted"], WINDOWS),
    (&["plain"], "Lima would forward no socket, so the Docker context could not reach the engine"),
];

/// How Lima can mount directories.
const MOUNT_TYPES: [&str; 4] = ["reverse-sshfs", "9p", "virtiofs", "wsl2"];

const WINDOWS: &str = "programs of the guest could see and type into the windows of this machine";

/// What QEMU's own options hang on: a word may not bring some, such as a file to write.
const WORDS: [&[&str]; 2] = [&["audio", "device"], &["video", "display"]];

/// The keys whose texts have several lines.
const LINES: [&[&str]; 2] = [&["message"], &["caCerts", "certs"]];

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(super) fn lima_keys(&mut self) {
        let Some(lima) = self.at(&["vm", "lima"]) else { return };
        for (key, span) in lima.keys() {
            if let Some((_, hint)) = MODELLED.iter().find(|(modelled, _)| *modelled == key) {
                let message = format!("`{key}` cannot be set here: cai writes it itself");
                self.refuse(span, message, *hint);
            } else if !is_lima_key(key) {
                let message = format!("{} is no key of Lima's YAML", shown(key));
                self.refuse(span, message, "they are letters and digits: `hostResolver`");
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
                let message = format!("`{}` is one word", path.join("."));
                self.refuse(value.span(), message, "options of QEMU can name files to write");
            }
        }
        self.lima_values(lima);
        self.vnc(lima);
        self.networks(lima);
        self.firmware(lima);
    }

    /// Values that `limactl validate` refuses (measured with Lima 2.2.0). Without a `limactl` they would
    /// only fail on another machine.
    fn lima_values(&mut self, lima: Node<'a, 'i>) {
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
            && !resolver.is_some_and(Node::is_false)
        {
            let hint = "write `hostResolver.enabled = false` beside it, or leave `dns` out";
            self.refuse(value.span(), "Lima refuses `dns` while its host resolver is on", hint);
        }
    }

    /// What Lima writes into a template or a line of its own, below this key.
    fn lima_texts(&mut self, lima: Node<'a, 'i>, key: &str) {
        let Some(value) = lima.get(key) else { return };
        let lines: Vec<Range<usize>> = LINES
            .iter()
            .filter_map(|path| path.iter().try_fold(lima, |node, key| node.get(key)))
            .flat_map(Node::texts)
            .map(|(_, span)| span)
            .collect();
        for (text, place) in value.texts() {
            if text == "<<" {
                let hint = "it would merge into the keys beside it: write them out";
                self.refuse(place, "`<<` is no key of Lima's YAML", hint);
            } else if let Some(why) = broken_template(text) {
                self.refuse(place, "this is a template that cai does not pass on", why);
            } else if text.contains(['\n', '\t']) && !lines.contains(&place) {
                let hint = "Lima writes it into a line of its own, and what follows would be more";
                self.refuse(place, "this has more than one line, or a tab", hint);
            }
        }
    }

    /// QEMU would take options here too, and other addresses.
    fn vnc(&mut self, lima: Node<'a, 'i>) {
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
            let hint = "write one such as \"127.0.0.1:0,to=9\"";
            self.refuse(value.span(), "the screen of the VM is shown on this machine only", hint);
        }
    }

    /// Lima writes an interface's name into a script that root runs at boot.
    fn networks(&mut self, lima: Node<'a, 'i>) {
        let is_name =
            |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        for network in lima.get("networks").into_iter().flat_map(Node::elements) {
            let broken = |name: &Node<'_, '_>| !name.text().is_none_or(is_name);
            if let Some(name) = network.get("interface").filter(broken) {
                let hint = "use letters, digits, \".\", \"_\" and \"-\"";
                self.refuse(name.span(), "this is no name of a network interface", hint);
            }
        }
    }

    fn firmware(&mut self, lima: Node<'a, 'i>) {
        let images = lima.get("firmware").and_then(|firmware| firmware.get("images"));
        for image in images.into_iter().flat_map(Node::elements) {
            let Some(place) = image.get("location") else { continue };
            if let Some(Err(error)) = place.text().map(|text| text::location(text, "firmware")) {
                let hint = "the guest's processor runs it";
                self.refuse(place.span(), error.to_string(), hint);
            }
        }
    }
}

/// Whether this can be a key at the top of Lima's YAML. It is written into an expression of Lima's,
/// and `status` is what `cai` calls the state of the VM.
fn is_lima_key(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric())
        && key != "status"
}
