//! The rules of `[[vm.port_forwards]]`.

use super::{Check, of};
use crate::config::de::TomlNode;
use crate::config::types::{PortForward, Proto};

/// The ports on which dockerd usually exposes its API over TCP.
const DOCKER_PORTS: [u16; 2] = [2375, 2376];
/// The port of Lima's SSH connection. Lima refuses to forward it from or to.
const SSH_PORT: u16 = 22;

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(super) fn port_forwards(&mut self, forwards: &[PortForward]) {
        let places = self.elements(&["vm", "port_forwards"]);
        for (forward, place) in forwards.iter().zip(&places) {
            self.ends(forward, *place);
            self.docker_api(forward, *place);
            self.protocol(forward, *place);
            for (key, port) in
                [("guest_port", forward.guest_port), ("host_port", forward.host_port)]
            {
                if port == Some(SSH_PORT) {
                    let hint = "use `limactl shell` or `ssh -F` to log in to the VM";
                    self.refuse(of(*place, key), "Lima does not forward port 22", hint);
                }
            }
        }
        let both = || forwards.iter().zip(&places);
        for (index, (forward, place)) in both().enumerate() {
            if let Some(port) = forwards[..index].iter().find_map(|other| other.shared(forward)) {
                let message = format!("another forward already uses port {port} of this machine");
                let hint = "set another `host_port`, or other `host_ports` for a range";
                self.refuse(place.span(), message, hint);
            }
        }
        for (index, (forward, place)) in both().enumerate() {
            let first = both().take(index).find(|(other, _)| forward.is_covered_by(other));
            if let (Some((_, first)), Some(port)) = (first, forward.guest_port) {
                let [first, second] = [first, place].map(|place| of(*place, "guest_port"));
                let message = format!("duplicate forward of the guest's port {port}");
                self.refuse_second(first.start, second, message);
            }
        }
        let sockets = both().filter_map(|(forward, place)| {
            Some((forward.host_socket.as_deref()?, of(*place, "host_socket")))
        });
        self.refuse_twice(sockets.collect(), |path| format!("duplicate forward to {path}"));
    }

    /// Each end must be a port or a socket. Refused values count as well.
    fn ends(&mut self, forward: &PortForward, place: TomlNode<'a, 'i>) {
        let has = |key| place.get(key).is_some();
        match (has("guest_port") || has("guest_ports"), has("guest_socket")) {
            (false, false) => {
                let hint = "set one of them";
                let message = "this forward has neither `guest_port` nor `guest_socket`";
                self.refuse(place.span(), message, hint);
            }
            (true, true) => {
                let message = "this forward has both `guest_port` and `guest_socket`";
                self.refuse(of(place, "guest_socket"), message, "write one entry for each");
            }
            _ => {}
        }
        if has("guest_port") && has("guest_ports") {
            let message = "this forward has both `guest_port` and `guest_ports`";
            self.refuse(of(place, "guest_ports"), message, "write one entry for each");
        }
        self.ranges(forward, place);
        let ends = ["host_port", "host_ports", "host_socket", "host_ip"];
        if let Some(end) = ends.into_iter().find(|end| forward.ignore && has(end)) {
            let message = format!("`{end}` has no effect with `ignore`");
            self.refuse(of(place, end), message, "remove it: nothing is forwarded");
        }
        if has("host_port") && has("host_socket") {
            let message = "this forward has both `host_port` and `host_socket`";
            self.refuse(of(place, "host_socket"), message, "write one entry for each");
        }
        if has("guest_socket") && !has("host_port") && !has("host_socket") {
            let hint = "set one of them";
            let message = "this forward of a socket has neither `host_socket` nor `host_port`";
            self.refuse(place.span(), message, hint);
        }
        for (address, end) in [("guest_ip", "guest_socket"), ("host_ip", "host_socket")] {
            if has(address) && has(end) {
                let message = format!("`{address}` cannot be used with `{end}`");
                self.refuse(of(place, address), message, "remove it: a socket has only a path");
            }
        }
    }

    /// Lima needs as many ports on this machine as in the guest.
    fn ranges(&mut self, forward: &PortForward, place: TomlNode<'a, 'i>) {
        let count = |(first, last): (u16, u16)| last - first;
        match (forward.guest_ports, forward.host_ports) {
            (Some(guest), Some(host)) if count(guest) != count(host) => {
                let message = "`guest_ports` and `host_ports` have different numbers of ports";
                self.refuse(of(place, "host_ports"), message, "write as many ports on both sides");
            }
            (None, Some(_)) if forward.guest_port.is_some() || forward.guest_socket.is_some() => {
                let hint = "write `guest_ports`, or `host_port` for a single port";
                self.refuse(of(place, "host_ports"), "`host_ports` needs `guest_ports`", hint);
            }
            (Some(_), _) if forward.host_port.is_some() || forward.host_socket.is_some() => {
                let end = if forward.host_port.is_some() { "host_port" } else { "host_socket" };
                let message = format!("`guest_ports` cannot be forwarded to `{end}`");
                self.refuse(of(place, end), message, "write `host_ports`");
            }
            _ => {}
        }
    }

    /// Anyone who can connect to the engine is root in the VM. Its socket has an owner and a mode,
    /// but any program and any web page on this machine could use a port.
    fn docker_api(&mut self, forward: &PortForward, place: TomlNode<'a, 'i>) {
        let unsafe_port = "anyone who can connect to that port is root in the VM; use the Docker \
                           context, which uses the socket that cai forwards";
        if forward.ignore {
            return;
        }
        let single = |port: Option<u16>| port.map(|port| (port, port));
        for (key, ports) in [
            ("guest_port", single(forward.guest_port)),
            ("host_port", single(forward.host_port)),
            ("guest_ports", forward.guest_ports),
            ("host_ports", forward.host_ports),
        ] {
            let within =
                |port: &&u16| ports.is_some_and(|(first, last)| (first..=last).contains(*port));
            if let Some(port) = DOCKER_PORTS.iter().find(within) {
                let message = format!("cai does not forward Docker's API over TCP (port {port})");
                self.refuse(of(place, key), message, unsafe_port);
            }
        }
        let containerd = |path: &str| path.ends_with("/containerd.sock");
        if forward.host_port.is_some() && forward.guest_socket.as_deref().is_some_and(containerd) {
            let message = "cai does not forward containerd's API over TCP";
            self.refuse(of(place, "guest_socket"), message, unsafe_port);
        }
        let docker = |path: &Option<String>| path.as_deref().is_some_and(is_docker_socket);
        for (key, path) in
            [("guest_socket", &forward.guest_socket), ("host_socket", &forward.host_socket)]
        {
            if docker(path) {
                let message = "cai already forwards the engine's socket";
                let hint = if forward.host_port.is_some() {
                    unsafe_port
                } else {
                    "remove this forward: the engine's socket is {{.Dir}}/sock/docker.sock"
                };
                return self.refuse(of(place, key), message, hint);
            }
        }
    }

    fn protocol(&mut self, forward: &PortForward, place: TomlNode<'a, 'i>) {
        let socket = place.get("guest_socket").or_else(|| place.get("host_socket"));
        if socket.is_some() && forward.proto == Some(Proto::Udp) {
            let hint = "forward UDP from a port to a port";
            self.refuse(of(place, "proto"), "a socket does not support UDP", hint);
        }
    }
}

fn is_docker_socket(path: &str) -> bool {
    path.trim_end_matches(['/', '.']).rsplit('/').next() == Some("docker.sock")
}
