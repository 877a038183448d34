//! The keys of `daemon.json`: what type of value each one takes, and how it takes effect.
//!
//! From the JSON tags of moby's `daemon/config` and the functions of its `daemon/reload.go`. The
//! reloadable keys are tested against a real dockerd 20.10.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

/// A key of `daemon.json`.
#[derive(Debug, Clone, Copy)]
pub struct DaemonKey {
    /// Its name.
    pub name: &'static str,
    /// The type of its value.
    pub value: ValueType,
    /// How a new value takes effect.
    pub effect: Effect,
}

/// How a new value of a key takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// dockerd loads it on `SIGHUP`.
    Reload,
    /// dockerd reads it only when it starts.
    Restart,
    /// Like [`Effect::Restart`], but dockerd then uses another store. The containers, images and
    /// volumes of the old store stay on disk, but dockerd does not show them.
    HidesData,
}

/// The type of a value, as dockerd decodes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Number,
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// An object whose values are strings.
    TextMap,
    /// An object whose values are booleans.
    BoolMap,
    /// An object whose values are objects.
    ObjectMap,
    /// A list of objects.
    Objects,
    /// An object whose members have different types.
    Object,
}

impl ValueType {
    /// The type for an error message, with its article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a whole number",
            Self::Text => "a string",
            Self::Texts => "a list of strings",
            Self::TextMap => "a table whose values are strings",
            Self::BoolMap => "a table whose values are true or false",
            Self::ObjectMap => "a table of tables",
            Self::Objects => "a list of tables",
            Self::Object => "a table",
        }
    }

    /// The path within a value to the first part of the wrong type, and the expected type. `None`
    /// if dockerd can decode the value.
    pub fn mismatch(self, value: &Value) -> Option<(Vec<String>, Self)> {
        match (self, value) {
            (Self::Texts, Value::Array(items)) => within_list(items, Self::Text),
            (Self::Objects, Value::Array(items)) => within_list(items, Self::Object),
            (Self::TextMap, Value::Object(map)) => within_map(map, Self::Text),
            (Self::BoolMap, Value::Object(map)) => within_map(map, Self::Bool),
            (Self::ObjectMap, Value::Object(map)) => within_map(map, Self::Object),
            // Go decodes `null` into any type as "not set".
            (_, Value::Null)
            | (Self::Bool, Value::Bool(_))
            | (Self::Text, Value::String(_))
            | (Self::Object, Value::Object(_)) => None,
            (Self::Number, Value::Number(number)) if !number.is_f64() => None,
            _ => Some((Vec::new(), self)),
        }
    }
}

fn within_list(items: &[Value], each: ValueType) -> Option<(Vec<String>, ValueType)> {
    let items = items.iter().enumerate();
    within(items.map(|(index, item)| (index.to_string(), item)), each)
}

fn within_map(map: &Map<String, Value>, each: ValueType) -> Option<(Vec<String>, ValueType)> {
    within(map.iter().map(|(key, value)| (key.clone(), value)), each)
}

fn within<'a>(
    mut parts: impl Iterator<Item = (String, &'a Value)>,
    each: ValueType,
) -> Option<(Vec<String>, ValueType)> {
    parts.find_map(|(name, value)| {
        let (path, expected) = each.mismatch(value)?;
        Some((std::iter::once(name).chain(path).collect(), expected))
    })
}

impl DaemonKey {
    /// The known key with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        DAEMON_KEYS.iter().find(|key| key.name == name)
    }
}

/// The feature that selects containerd's image store. dockerd reads it only when it starts.
pub const SNAPSHOTTER: &str = "containerd-snapshotter";

/// How a change of a key takes effect. A key that is not in the table requires a restart.
pub fn effect(name: &str, before: Option<&Value>, after: Option<&Value>) -> Effect {
    let snapshotter =
        |value: Option<&Value>| value.and_then(|value| value.get(SNAPSHOTTER)).cloned();
    if name == "features" && snapshotter(before) != snapshotter(after) {
        return Effect::HidesData;
    }
    DaemonKey::find(name).map_or(Effect::Restart, |key| key.effect)
}

const fn key(name: &'static str, value: ValueType, effect: Effect) -> DaemonKey {
    DaemonKey { name, value, effect }
}

/// The known keys, grouped by effect.
pub const DAEMON_KEYS: &[DaemonKey] = {
    use Effect::{HidesData, Reload, Restart};
    use ValueType::{Bool, BoolMap, Number, Object, ObjectMap, Objects, Text, TextMap, Texts};
    &[
        key("allow-nondistributable-artifacts", Texts, Reload),
        key("authorization-plugins", Texts, Reload),
        key("cluster-advertise", Text, Reload),
        key("cluster-store", Text, Reload),
        key("cluster-store-opts", TextMap, Reload),
        key("debug", Bool, Reload),
        key("default-cgroupns-mode", Text, Reload),
        key("default-ipc-mode", Text, Reload),
        key("default-runtime", Text, Reload),
        key("default-shm-size", Text, Reload),
        key("default-stop-timeout", Number, Reload),
        key("features", BoolMap, Reload),
        key("insecure-registries", Texts, Reload),
        key("labels", Texts, Reload),
        key("live-restore", Bool, Reload),
        key("max-concurrent-downloads", Number, Reload),
        key("max-concurrent-uploads", Number, Reload),
        key("max-download-attempts", Number, Reload),
        key("network-diagnostic-port", Number, Reload),
        key("nri-opts", Object, Reload),
        key("registry-mirrors", Texts, Reload),
        key("runtimes", ObjectMap, Reload),
        key("shutdown-timeout", Number, Reload),
        key("data-root", Text, HidesData),
        key("storage-driver", Text, HidesData),
        key("userns-remap", Text, HidesData),
        key("allow-direct-routing", Bool, Restart),
        key("api-cors-header", Text, Restart),
        key("bip", Text, Restart),
        key("bip6", Text, Restart),
        key("bridge", Text, Restart),
        key("bridge-accept-fwmark", Text, Restart),
        key("builder", Object, Restart),
        key("cdi-spec-dirs", Texts, Restart),
        key("cgroup-parent", Text, Restart),
        key("containerd", Text, Restart),
        key("containerd-namespace", Text, Restart),
        key("containerd-plugin-namespace", Text, Restart),
        key("cpu-rt-period", Number, Restart),
        key("cpu-rt-runtime", Number, Restart),
        key("cri-containerd", Bool, Restart),
        key("default-address-pools", Objects, Restart),
        key("default-gateway", Text, Restart),
        key("default-gateway-v6", Text, Restart),
        key("default-init", Text, Restart),
        key("default-network-opts", ObjectMap, Restart),
        key("default-ulimits", ObjectMap, Restart),
        key("deprecated-key-path", Text, Restart),
        key("dns", Texts, Restart),
        key("dns-opts", Texts, Restart),
        key("dns-search", Texts, Restart),
        key("exec-opts", Texts, Restart),
        key("exec-root", Text, Restart),
        key("experimental", Bool, Restart),
        key("firewall-backend", Text, Restart),
        key("fixed-cidr", Text, Restart),
        key("fixed-cidr-v6", Text, Restart),
        key("group", Text, Restart),
        key("host-gateway-ip", Text, Restart),
        key("host-gateway-ips", Texts, Restart),
        key("hosts", Texts, Restart),
        key("icc", Bool, Restart),
        key("init", Bool, Restart),
        key("init-path", Text, Restart),
        key("ip", Text, Restart),
        key("ip-forward", Bool, Restart),
        key("ip-forward-no-drop", Bool, Restart),
        key("ip-masq", Bool, Restart),
        key("ip6tables", Bool, Restart),
        key("iptables", Bool, Restart),
        key("ipv6", Bool, Restart),
        key("log-driver", Text, Restart),
        key("log-format", Text, Restart),
        key("log-level", Text, Restart),
        key("log-opts", TextMap, Restart),
        key("metrics-addr", Text, Restart),
        key("min-api-version", Text, Restart),
        key("mtu", Number, Restart),
        key("network-control-plane-mtu", Number, Restart),
        key("no-new-privileges", Bool, Restart),
        key("node-generic-resources", Texts, Restart),
        key("oom-score-adjust", Number, Restart),
        key("pidfile", Text, Restart),
        key("proxies", TextMap, Restart),
        key("raw-logs", Bool, Restart),
        key("resolv-conf", Text, Restart),
        key("rootless", Bool, Restart),
        key("seccomp-profile", Text, Restart),
        key("selinux-enabled", Bool, Restart),
        key("storage-opts", Texts, Restart),
        key("swarm-default-advertise-addr", Text, Restart),
        key("swarm-raft-election-tick", Number, Restart),
        key("swarm-raft-heartbeat-tick", Number, Restart),
        key("tls", Bool, Restart),
        key("tlscacert", Text, Restart),
        key("tlscert", Text, Restart),
        key("tlskey", Text, Restart),
        key("tlsverify", Bool, Restart),
        key("userland-proxy", Bool, Restart),
        key("userland-proxy-path", Text, Restart),
    ]
};

/// The runtime that Sysbox adds.
pub const SYSBOX_RUNTIME: &str = "sysbox-runc";
/// The key that selects the runtime of containers that do not name one.
pub const DEFAULT_RUNTIME: &str = "default-runtime";

/// Whether dockerd with these keys knows a runtime. It always knows `runc`, and treats a name with
/// a dot as the name of a containerd shim (`isPermissibleC8dRuntimeName` in moby, Docker 23 and
/// later).
pub fn knows_runtime(keys: &Map<String, Value>, name: &str) -> bool {
    let declared = keys.get("runtimes").and_then(Value::as_object);
    let is_shim = name.contains('.') && !name.starts_with('.') && !name.contains('/');
    name == "runc" || is_shim || declared.is_some_and(|runtimes| runtimes.contains_key(name))
}

/// The log drivers that are built into dockerd, and `none`.
pub const LOG_DRIVERS: [&str; 12] = [
    "awslogs",
    "etwlogs",
    "fluentd",
    "gcplogs",
    "gelf",
    "journald",
    "json-file",
    "local",
    "logentries",
    "none",
    "splunk",
    "syslog",
];

/// Whether a log driver is built in or has the form of a plugin name, such as `grafana/loki` or
/// `loki:latest`.
pub fn is_log_driver(name: &str) -> bool {
    LOG_DRIVERS.contains(&name) || name.contains(['/', ':'])
}
