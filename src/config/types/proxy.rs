use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Variable;
use crate::model::proxy::{NoProxy, ProxyAddress, ProxySettings};

/// `[proxy]`: the HTTP proxy of a corporate network. `cai`, the VM, its apt and dockerd use it. Containers
/// use it if they get the variables that `cai env --containers` prints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [{"required": ["http"]}, {"required": ["https"]}]))]
pub struct Proxy {
    /// The proxy for `http` addresses. In the VM, `localhost` means this machine as well.
    pub http: Option<ProxyAddress>,
    /// The proxy for `https` addresses. In the VM, `localhost` means this machine as well.
    pub https: Option<ProxyAddress>,
    /// Destinations without a proxy: names (with all names below them), addresses and networks. This
    /// machine's and the VM's own addresses need no proxy.
    #[serde(default)]
    pub no_proxy: Vec<NoProxy>,
    /// The user name for the proxies.
    pub username: Option<Variable>,
    /// The password for the proxies: a table with `env`, `file` or `command`. It is sensitive. Every user
    /// of the VM can read it in `/etc/environment` there.
    pub password: Option<Variable>,
}

impl Proxy {
    /// The settings for programs on this machine.
    pub fn on_host(&self) -> ProxySettings {
        self.settings(ProxyAddress::clone)
    }

    /// The settings for programs in the guest.
    pub fn in_guest(&self) -> ProxySettings {
        self.settings(ProxyAddress::in_guest)
    }

    /// Whether its URLs contain a password.
    pub fn has_credentials(&self) -> bool {
        self.username.is_some()
    }

    fn settings(&self, at: impl Fn(&ProxyAddress) -> ProxyAddress) -> ProxySettings {
        let value = |it: &Option<Variable>| it.as_ref().and_then(|it| it.value.clone());
        let user = value(&self.username);
        let password = value(&self.password).unwrap_or_default();
        let credentials = user.as_deref().map(|user| (user, password.as_str()));
        let url = |address: &Option<ProxyAddress>| Some(at(address.as_ref()?).url(credentials));
        ProxySettings {
            http: url(&self.http),
            https: url(&self.https),
            no_proxy: self.no_proxy.clone(),
        }
    }
}
