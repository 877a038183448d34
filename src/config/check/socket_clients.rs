//! The rules of `[[socket_clients]]`.

use super::{Check, of};
use crate::config::types::SocketClient;

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(in crate::config) fn socket_clients(&mut self, clients: &[SocketClient]) {
        let places = self.elements(&["socket_clients"]);
        let names: Vec<String> = clients.iter().map(SocketClient::name).collect();
        let containers =
            names.iter().zip(&places).map(|(name, place)| (name, of(*place, "container")));
        self.refuse_twice(containers.collect(), |name| {
            format!("duplicate entry for the container `{name}`")
        });
        // A service has only one entry.
        let services = clients.iter().zip(&places).filter_map(|(client, place)| {
            let (file, service) = (client.compose_file.as_ref()?, client.service.as_ref()?);
            Some(((file, service), of(*place, "service")))
        });
        self.refuse_twice(services.collect(), |(_, service)| {
            format!("duplicate entry for the service `{service}`")
        });
        for place in places {
            if ["container", "compose_file", "service"].iter().all(|key| place.get(key).is_none()) {
                let hint = "set it, or set both `compose_file` and `service`";
                self.refuse(place.span(), "the key `container` is missing", hint);
            }
            let pairs = [("compose_file", "service"), ("service", "compose_file")];
            for (key, other) in pairs {
                if let (Some(value), None) = (place.get(key), place.get(other)) {
                    let message = format!("`{key}` requires `{other}`");
                    let hint = "set both: cai recreates one service of a compose file";
                    self.refuse(value.span(), message, hint);
                }
            }
        }
    }
}
