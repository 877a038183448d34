//! The proxy of the guest: that of apt, of dockerd and of `cai`'s own scripts. The environment of the guest's
//! users is a key of the VM's YAML.

use serde::Serialize;
use serde_json::json;

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::vm_ref::{VmRef, in_seen_guest, recorded};
use super::{PlanContext, Resource, Restart};
use crate::config::{self, Config};
use crate::guest::probe::Look;
use crate::guest::settings::{APT_PROXY, PROXY_FILES, PROXY_HEADER, proxy_files};
use crate::guest::{DockerdSettings, Document, GuestFacts, GuestFile, Operation, Sums};
use crate::lima::Ssh;
use crate::model::address::{Address, Kind};
use crate::model::proxy::ProxyAddress;
use crate::plan::{Change, Observation, SideEffect, Step};
use crate::resource::facts::Facts;

pub(super) const KIND: Kind = Kind::new("proxy");
/// A guest has one.
const NAME: &str = "guest";

/// The sections of the guest's document.
const DECLARED: &str = "proxy_declared";
const SUMS: &str = "proxy_sums";

/// The proxy of the guest.
#[derive(Debug)]
pub struct Proxy {
    address: Address,
    vm: VmRef,
    restart: Address,
    declared: DeclaredProxy,
    files: Vec<GuestFile>,
}

/// The declaration, without credentials.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
struct DeclaredProxy {
    http: Option<String>,
    https: Option<String>,
    no_proxy: String,
    authenticated: bool,
}

/// The state of the proxy.
#[derive(Debug, PartialEq, Serialize)]
struct State {
    #[serde(flatten)]
    declared: Option<DeclaredProxy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<&'static str>,
}

impl Proxy {
    /// As the file declares it; nothing if it does not.
    pub fn new(config: &Config) -> Option<Self> {
        let proxy = config.proxy.as_ref()?;
        let settings = proxy.in_guest();
        let shown = |address: &Option<ProxyAddress>| Some(address.as_ref()?.in_guest().to_string());
        let config::Proxy { http, https, .. } = proxy;
        let declared = DeclaredProxy {
            http: shown(http),
            https: shown(https),
            no_proxy: settings.no_proxy(),
            authenticated: proxy.has_credentials(),
        };
        let files = proxy_files(&settings, &json!(declared).to_string());
        let restart = Restart::address_of(&config.vm.name);
        let (address, vm) = (Self::own_address(), VmRef::of(config));
        Some(Self { address, vm, restart, declared, files })
    }

    /// Its address, if the file declares it.
    pub(super) fn declared(config: &Config) -> Option<Address> {
        config.proxy.as_ref().map(|_| Self::own_address())
    }

    fn own_address() -> Address {
        Address::new(KIND, NAME)
    }

    /// The removal of a proxy that the file no longer declares.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        let vm = VmRef::of(config);
        let requires = vec![vm.address.clone()];
        let removal = Removal::new(address, requires, Undeclared { vm });
        Some(removal.before(vec![Restart::address_of(&config.vm.name)]).boxed())
    }

    fn wanted(&self) -> State {
        State { declared: Some(self.declared.clone()), files: Some("as written") }
    }

    fn update(&self, guest: &GuestFacts, ssh: &Ssh) -> Change {
        let actual = actual(&guest.document, &self.files);
        let change = Change::towards(&self.address, actual, self.wanted());
        if change.is_without_effect() {
            return change;
        }
        let write =
            Operation::Settings { of: DockerdSettings::Proxy, files: &self.files, delete: &[] };
        change
            .causing(SideEffect::DockerdSettings(DockerdSettings::Proxy))
            .step(Step::run("write the proxy's settings", write.command(ssh)))
    }
}

/// The state in the guest, where these files are wanted; `None` if there are none.
fn actual(document: &Document, wanted: &[GuestFile]) -> Option<State> {
    let sums = Sums::of(document, SUMS);
    if !PROXY_FILES.into_iter().any(|path| sums.has(path)) {
        return None;
    }
    let declared = document.lines(DECLARED).find_map(|line| line.strip_prefix(PROXY_HEADER));
    let declared = declared.and_then(|text| serde_json::from_str(text).ok());
    Some(State { declared, files: Some(sums.compare(wanted)) })
}

fn looks() -> Vec<Look> {
    // Only root can read the variables.
    vec![
        Look::new(DECLARED, "head -n 1", &[APT_PROXY]),
        Look::new(SUMS, "sudo -n sha256sum", &PROXY_FILES),
    ]
}

impl Resource for Proxy {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![self.vm.address.clone()]
    }

    fn notifies(&self) -> Vec<Address> {
        vec![self.restart.clone()]
    }

    fn looks(&self) -> Vec<Look> {
        looks()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        match self.vm.seen(context.facts) {
            Some((guest, ssh)) => self.update(guest, &ssh),
            None => self.vm.unseen(&self.address, self.wanted(), context.facts),
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| actual(&guest.document, &self.files).is_some())
    }
}

/// A proxy that the file no longer declares.
#[derive(Debug)]
struct Undeclared {
    vm: VmRef,
}

impl Removable for Undeclared {
    type State<'a> = State;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<State> {
        in_seen_guest(facts, |guest| Some(State { files: None, ..actual(&guest.document, &[])? }))
    }

    fn looks(&self) -> Vec<Look> {
        looks()
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let Some(ssh) = self.vm.ssh(facts) else { return change };
        let delete =
            Operation::Settings { of: DockerdSettings::Proxy, files: &[], delete: &PROXY_FILES };
        change
            .causing(SideEffect::DockerdSettings(DockerdSettings::Proxy))
            .step(Step::run("delete the proxy's settings", delete.command(&ssh)))
    }
}
