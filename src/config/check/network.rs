//! The rules of `[proxy]` and `[[trust]]`.

use super::{Check, of};
use crate::config::types::{Config, Proxy};
use crate::model::proxy::PROXY_NAMES;

impl Check<'_, '_> {
    pub(in crate::config) fn proxy(&mut self, config: &Config) {
        let (Some(proxy), Some(place)) = (&config.proxy, self.at(&["proxy"])) else { return };
        if place.get("http").is_none() && place.get("https").is_none() {
            let hint = "add https = \"http://proxy.example.com:3128\"";
            self.refuse(place.span(), "[proxy] has neither `http` nor `https`", hint);
        }
        self.credentials(proxy);
        for (path, hint) in [
            (&["docker", "daemon", "proxies"][..], "remove it: cai passes [proxy] to dockerd"),
            (&["vm", "lima", "propagateProxyEnv"], "remove it: with [proxy], cai sets it to false"),
        ] {
            let key = path.last().copied().unwrap_or_default();
            let message = format!("`{key}` cannot be set here, because [proxy] sets it");
            self.refuse_key(path, &message, hint);
        }
        for name in config.vm.env.keys().map(ToString::to_string) {
            if PROXY_NAMES.iter().any(|it| it.eq_ignore_ascii_case(&name)) {
                let message =
                    format!("{name} cannot be set here, because [proxy] sets the proxies");
                self.refuse_key(&["vm", "env", &name], &message, "remove it, or change [proxy]");
            }
        }
    }

    fn credentials(&mut self, proxy: &Proxy) {
        for key in ["username", "password"] {
            if let Some(place) = self.at(&["proxy", key]) {
                self.source_of(place);
            }
        }
        if let (Some(place), None) = (self.at(&["proxy", "password"]), &proxy.username) {
            self.refuse(place.span(), "`password` requires `username`", "add `username`");
        }
        let user = proxy.username.as_ref().and_then(|user| user.value.as_deref());
        if let (Some(place), Some("")) = (self.at(&["proxy", "username"]), user) {
            self.refuse(place.span(), "`username` is empty", "write the user name, or remove it");
        }
        let value = proxy.password.as_ref().and_then(|password| password.value.as_ref());
        if let (Some(place), Some(_)) = (self.at(&["proxy", "password"]), value) {
            let hint = "write where cai reads it: { env = \"NAME\" }, { file = \"…\" } or \
                        { command = [\"…\"] }";
            self.refuse(place.span(), "the password must not be in this file", hint);
        }
    }

    pub(in crate::config) fn trust(&mut self, config: &Config) {
        let places = self.elements(&["trust"]);
        let names: Vec<String> =
            config.trust.iter().map(super::super::types::Trust::name).collect();
        let names = names.iter().zip(places);
        let names = names.map(|(name, place)| (name.as_str(), of(place, "certificate")));
        self.refuse_twice(names.collect(), |name| {
            format!("duplicate certificate {name}: the names of the files must differ")
        });
    }
}
