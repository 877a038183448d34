//! The rules of `[[vm.port_forwards]]`.

use super::{Check, of};
use crate::config::de::Node;
use crate::config::types::{PortForward, Proto};

/// The ports that dockerd listens on where its API is offered over TCP.
const DOCKER_PORTS: [u16; 2] = [2375, 2376];
/// The port of Lima's own connection, which it refuses at both ends.
const SSH_PORT: u16 = 22;

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(super) fn port_forwards(&mut self, forwards: &[PortForward]) {
        let places = self.elements(&["vm", "port_forwards"]);
        for (forward, place) in forwards.iter().zip(&places) {
            self.ends(*place);
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
        let guest = both().filter_map(|(forward, place)| {
            let own = (forward.guest_port?, forward.guest_ip.as_deref(), forward.proto);
            Some((own, of(*place, "guest_port")))
        });
        self.refuse_twice(guest.collect(), |(port, ..)| {
            format!("a second forward of the guest's port {port}")
        });
        let sockets = both().filter_map(|(forward, place)| {
            Some((forward.host_socket.as_deref()?, of(*place, "host_socket")))
        });
        self.refuse_twice(sockets.collect(), |path| format!("a second forward to {path}"));
    }

    /// Each end is a port or a socket. What is written counts, also where it was refused.
    fn ends(&mut self, place: Node<'a, 'i>) {
        let has = |key| place.get(key).is_some();
        match (has("guest_port"), has("guest_socket")) {
            (false, false) => {
                let hint = "write one of `guest_port` and `guest_socket`";
                self.refuse(place.span(), "a forward of nothing", hint);
            }
            (true, true) => {
                let message = "`guest_port` and `guest_socket` in one forward";
                self.refuse(of(place, "guest_socket"), message, "write one entry for each");
            }
            _ => {}
        }
        if has("host_port") && has("host_socket") {
            let message = "`host_port` and `host_socket` in one forward";
            self.refuse(of(place, "host_socket"), message, "write one entry for each");
        }
        if has("guest_socket") && !has("host_port") && !has("host_socket") {
            let hint = "write `host_socket` or `host_port`";
            self.refuse(place.span(), "a forward of a socket to nowhere", hint);
        }
        for (address, end) in [("guest_ip", "guest_socket"), ("host_ip", "host_socket")] {
            if has(address) && has(end) {
                let message = format!("`{address}` with `{end}`");
                self.refuse(of(place, address), message, "a socket has no address but its path");
            }
        }
    }

    /// Whoever reaches the engine is root in the VM. Its socket has an owner and a mode, and a
    /// port has neither: any program and any web page on this machine could use it.
    fn docker_api(&mut self, forward: &PortForward, place: Node<'a, 'i>) {
        let unsafe_port = "anyone who reaches that port is root in the VM; use the Docker context, \
                           which goes through the socket that cai forwards";
        for (key, port) in [("guest_port", forward.guest_port), ("host_port", forward.host_port)] {
            if let Some(port) = port.filter(|port| DOCKER_PORTS.contains(port)) {
                let message = format!("cai does not forward Docker's API over TCP (port {port})");
                self.refuse(of(place, key), message, unsafe_port);
            }
        }
        let docker = |path: &Option<String>| path.as_deref().is_some_and(is_docker_socket);
        for (key, path) in
            [("guest_socket", &forward.guest_socket), ("host_socket", &forward.host_socket)]
        {
            if docker(path) {
                let message = "cai forwards the socket of the engine itself";
                let hint = if forward.host_port.is_some() {
                    unsafe_port
                } else {
                    "leave this forward out: the engine's socket is {{.Dir}}/sock/docker.sock"
                };
                return self.refuse(of(place, key), message, hint);
            }
        }
    }

    fn protocol(&mut self, forward: &PortForward, place: Node<'a, 'i>) {
        let socket = place.get("guest_socket").or_else(|| place.get("host_socket"));
        if socket.is_some() && forward.proto == Some(Proto::Udp) {
            let hint = "UDP goes from port to port only";
            self.refuse(of(place, "proto"), "a socket speaks no UDP", hint);
        }
    }
}

fn is_docker_socket(path: &str) -> bool {
    path.trim_end_matches(['/', '.']).rsplit('/').next() == Some("docker.sock")
}
