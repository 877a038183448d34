//! The rules of the keys of `[docker.daemon]`: values that dockerd would refuse or ignore.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::Check;
use crate::config::de::TomlNode;
use crate::config::diagnostic::Diagnostic;
use crate::config::suggest;
use crate::model::daemon_key::{DAEMON_KEYS, DaemonKey, ValueType, is_log_driver, knows_runtime};
use crate::model::{Ipv4Network, is_unshowable};

/// Keys that dockerd reads below another key. At the top level it accepts and ignores them.
const PROXIES: [&str; 3] = ["http-proxy", "https-proxy", "no-proxy"];

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(in crate::config) fn daemon_keys(&mut self, keys: &Map<String, Value>) {
        let Some(daemon) = self.at(&["docker", "daemon"]) else { return };
        for (key, span) in daemon.keys() {
            self.daemon_key(key, span);
        }
        for (key, value) in keys {
            let mismatch = DaemonKey::find(key).and_then(|known| known.value.mismatch(value));
            if let (Some((path, expected)), Some(place)) = (mismatch, daemon.get(key)) {
                self.daemon_type(key, &path, expected, place);
            }
        }
        self.data_root(daemon);
        self.default_runtime(keys, daemon);
        self.log_driver(daemon);
        self.daemon_mirrors(daemon);
        self.daemon_labels(daemon);
        self.daemon_networks(daemon);
    }

    fn daemon_key(&mut self, key: &str, span: Range<usize>) {
        let shown = suggest::shown(key);
        if PROXIES.contains(&key) {
            let message = format!("dockerd ignores {shown} here");
            self.refuse(span, message, "write it under `[docker.daemon.proxies]`");
            return;
        }
        let names: Vec<&str> = DAEMON_KEYS.iter().map(|known| known.name).collect();
        if !names.contains(&key)
            && let Some(meant) = suggest::nearest(key, &names)
        {
            let message = format!("unknown key {shown} of daemon.json");
            self.refuse(span, message, format!("did you mean `{meant}`?"));
        }
    }

    fn daemon_type(
        &mut self,
        key: &str,
        path: &[String],
        expected: ValueType,
        place: TomlNode<'a, 'i>,
    ) {
        let part = path.iter().try_fold(place, |node, step| match step.parse::<usize>() {
            Ok(index) => node.elements().nth(index),
            Err(_) => node.get(step),
        });
        let mut name = key.to_owned();
        for step in path.iter().filter(|step| step.parse::<usize>().is_err()) {
            name = format!("{name}.{step}");
        }
        let hint = match (key, expected) {
            ("default-ulimits", ValueType::Object) => {
                "write a table: { Name = \"nofile\", Soft = 65536, Hard = 65536 }"
            }
            (_, ValueType::Text) => "write it in quotes",
            (_, ValueType::Number | ValueType::Bool) => "write it without quotes",
            _ => "dockerd does not start with a value of a different type",
        };
        let span = part.unwrap_or(place).span();
        if !self.diagnostics.iter().any(|other| other.span.as_ref() == Some(&span)) {
            let message = format!("{} must be {}", suggest::shown(&name), expected.name());
            self.refuse(span, message, hint);
        }
    }

    fn data_root(&mut self, daemon: TomlNode<'a, 'i>) {
        let Some(place) = daemon.get("data-root") else { return };
        if place.text().is_some_and(|path| !path.is_empty() && !path.starts_with('/')) {
            let message = "`data-root` must be an absolute path";
            let hint = "write the full path of a directory in the guest, such as \"/srv/docker\"";
            self.refuse(place.span(), message, hint);
        } else if self.at(&["vm", "data_disk"]).is_some() {
            let message = "`data-root` cannot be combined with `data_disk` under [vm]";
            let hint = "remove one of them: with `data_disk`, Docker's data is on that disk";
            self.refuse(place.span(), message, hint);
        }
    }

    fn default_runtime(&mut self, keys: &Map<String, Value>, daemon: TomlNode<'a, 'i>) {
        let Some(place) = daemon.get("default-runtime") else { return };
        let Some(name) = place.text().filter(|name| *name != super::daemon::RUNTIME) else {
            return;
        };
        if !knows_runtime(keys, name) {
            let message = format!("the runtime {} is not declared", suggest::shown(name));
            let hint = "declare it under `[docker.daemon.runtimes]`: dockerd does not start with an \
                        unknown default runtime";
            self.refuse(place.span(), message, hint);
        }
    }

    fn log_driver(&mut self, daemon: TomlNode<'a, 'i>) {
        let Some(place) = daemon.get("log-driver") else { return };
        let Some(name) = place.text().filter(|name| !is_log_driver(name)) else { return };
        let message = format!("unknown log driver {}", suggest::shown(name));
        let hint = "containers would not start with it; write a plugin with its tag, such as \
                    \"grafana/loki-docker-driver:latest\"";
        self.refuse(place.span(), message, hint);
    }

    fn daemon_mirrors(&mut self, daemon: TomlNode<'a, 'i>) {
        for mirror in daemon.get("registry-mirrors").into_iter().flat_map(TomlNode::elements) {
            let Some(url) = mirror.text() else { continue };
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
            if host.is_empty() || host.contains('@') || url.contains(['?', '#']) {
                let message = "a registry mirror must be a URL with a scheme and a host";
                let hint = "write \"https://HOST\" or \"http://HOST\", without a user or a query";
                self.refuse(mirror.span(), message, hint);
            }
        }
    }

    /// dockerd compares entire labels, so it accepts a label that is written twice.
    fn daemon_labels(&mut self, daemon: TomlNode<'a, 'i>) {
        let mut labels = BTreeMap::new();
        for label in daemon.get("labels").into_iter().flat_map(TomlNode::elements) {
            let Some(text) = label.text() else { continue };
            let other = text.split_once('=').and_then(|(key, _)| labels.insert(key, text));
            // Another rule reports invisible characters.
            if !text.contains('=') && !text.contains(is_unshowable) {
                self.refuse(label.span(), "a label must be key=value", "write \"key=value\"");
            } else if let Some(other) = other.filter(|other| *other != text) {
                let message = format!("this label conflicts with {}", suggest::shown(other));
                let hint = "remove one of them: dockerd refuses two values for one key";
                self.refuse(label.span(), message, hint);
            }
        }
    }

    /// The network of the bridge and the address pools, which must not overlap.
    fn daemon_networks(&mut self, daemon: TomlNode<'a, 'i>) {
        let bridge = daemon.get("bridge").and_then(TomlNode::text).filter(|name| !name.is_empty());
        let bip = daemon.get("bip").filter(|bip| bip.text() != Some(""));
        if let (Some(bip), Some(_)) = (bip, bridge) {
            let message = "dockerd refuses `bip` together with `bridge`";
            self.refuse(bip.span(), message, "remove one of them");
        }
        let mut taken: Vec<(Ipv4Network, String)> = Vec::new();
        let bip = self.network(daemon.get("bip"));
        if let (Some((network, span)), None) = (&bip, bridge) {
            if network.is_network() && network.prefix() < 32 {
                let hint = "write an address within it, such as \"172.20.0.1/16\"";
                self.refuse(
                    span.clone(),
                    "`bip` must be the address of the bridge, not of its network",
                    hint,
                );
            }
            taken.push((*network, "bip".into()));
        }
        if let Some((fixed, span)) = self.network(daemon.get("fixed-cidr"))
            && let Some((bip, _)) = bip
            && !bip.contains(fixed)
        {
            let hint = format!("it must be within the network of `bip`, {bip}");
            self.refuse(span, "`fixed-cidr` is outside of `bip`", hint);
        }
        for pool in daemon.get("default-address-pools").into_iter().flat_map(TomlNode::elements) {
            self.pool(pool, &mut taken);
        }
    }

    fn pool(&mut self, pool: TomlNode<'a, 'i>, taken: &mut Vec<(Ipv4Network, String)>) {
        let base = pool.get("base");
        if base.and_then(TomlNode::text).is_some_and(|text| text.contains(':')) {
            return;
        }
        let Some((network, span)) = self.network(base) else { return };
        if let Some((_, other)) = taken.iter().find(|(other, _)| other.overlaps(network)) {
            let message = format!("the pool {network} overlaps with {other}");
            self.refuse(span, message, "write networks that do not overlap");
        }
        taken.push((network, format!("the pool {network}")));
        let size = pool.get("size").and_then(|size| Some((size.whole_number()?, size.span())));
        if let Some((size, span)) = size
            && !(i64::from(network.prefix())..=32).contains(&size)
        {
            let message = format!("the pool {network} cannot hold networks of size {size}");
            let hint = format!("write a number from {} to 32", network.prefix());
            self.refuse(span, message, hint);
        }
    }

    /// The network in a text, and its place. Invalid text is refused.
    fn network(&mut self, place: Option<TomlNode<'a, 'i>>) -> Option<(Ipv4Network, Range<usize>)> {
        let place = place?;
        let text = place.text().filter(|text| !text.is_empty())?;
        match text.parse::<Ipv4Network>() {
            Ok(network) => Some((network, place.span())),
            Err(error) => {
                self.diagnostics.push(Diagnostic::new(error.to_string()).at(place.span()));
                None
            }
        }
    }
}
