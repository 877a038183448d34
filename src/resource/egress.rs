//! Where containers may connect: the rules in the guest and their resolver.

use serde::Serialize;

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::vm_ref::{VmRef, in_seen_guest, recorded};
use super::{PlanContext, Resource, for_downloads};
use crate::config::{self, Config};
use crate::guest::egress::{
    self, HEADER, LOADED, LOADED_SUMS, PATHS, RESOLVER_FILES, RESOLVER_UNIT, RULES, UNITS,
};
use crate::guest::probe::Look;
use crate::guest::{Document, GuestFacts, GuestFile, Operation, Sums};
use crate::lima::Ssh;
use crate::model::address::{Address, Kind};
use crate::plan::{Change, Code, Finding, Observation, Reason, Step};
use crate::resource::Case;
use crate::resource::facts::Facts;

pub(super) const KIND: Kind = Kind::new("egress");
/// There is one policy for all containers of a VM.
const NAME: &str = "containers";

/// The sections of the guest's document.
const POLICY: &str = "egress_policy";
const SUMS: &str = "egress_sums";
const LIVE: &str = "egress_live";
const LISTED: &str = "egress_listed";
const STATES: &str = "egress_units";
const IN_USE: &str = "egress_in_use";

/// The values of a state that differs.
const CHANGED: &str = "changed";
const MISSING: &str = "missing";

/// The rules and their resolver.
#[derive(Debug)]
pub struct Egress {
    address: Address,
    vm: VmRef,
    requires: Vec<Address>,
    desired: config::Egress,
    /// The files in the guest.
    files: Vec<GuestFile>,
}

/// The state of the rules and the resolver.
#[derive(Debug, PartialEq, Serialize)]
struct State {
    #[serde(flatten)]
    policy: Option<config::Egress>,
    /// Whether the rules in force are those that `cai` loaded.
    rules: &'static str,
    resolver: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<&'static str>,
}

impl Egress {
    /// As the file declares it; nothing if it does not.
    pub fn new(config: &Config) -> Option<Self> {
        let desired = config.egress.clone()?;
        // A table of strings, numbers and lists is always JSON.
        let header = serde_json::to_string(&desired).unwrap_or_default();
        let files = egress::files(&desired.policy(), &header);
        let vm = VmRef::of(config);
        // It may install packages.
        let requires = for_downloads(config).chain([vm.address.clone()]).collect();
        Some(Self { address: Self::own_address(), vm, requires, desired, files })
    }

    /// Its address.
    pub fn own_address() -> Address {
        Address::new(KIND, NAME)
    }

    /// The removal of rules that the file no longer declares.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        let vm = VmRef::of(config);
        let requires = vec![vm.address.clone()];
        Some(Removal::new(address, requires, Undeclared { vm }).boxed())
    }

    fn wanted(&self) -> State {
        let policy = Some(self.desired.clone());
        State { policy, rules: "loaded", resolver: "running", files: Some("as written") }
    }

    fn update(&self, guest: &GuestFacts, ssh: &Ssh) -> Change {
        let actual = actual(&guest.document, &self.files);
        let change = Change::towards(&self.address, actual, self.wanted());
        if change.is_without_effect() {
            return change;
        }
        let load = Operation::Egress(&self.files).command(ssh);
        change.step(Step::run("load the egress rules", load))
    }
}

/// Diagnoses the rules and the resolver.
pub(super) fn diagnose(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    case.effect(&Egress::own_address())?;
    let egress = Egress::new(case.config)?;
    // A policy that was never applied is a plain difference from the file.
    let actual = actual(&guest.document, &egress.files)?;
    let seen = |code: Code, why: &str| {
        Finding::new(code, Some(Egress::own_address()))
            .saw("rules", actual.rules)
            .saw("resolver", actual.resolver)
            .because(why)
            .repaired_by([Egress::own_address()])
            .by_hand("cai apply")
    };
    let open = "containers can connect to blocked destinations";
    match (actual.rules, actual.resolver) {
        (MISSING, _) => {
            let why = "the egress rules are not loaded in the guest";
            Some(seen(Code::EgressOpen, why).so(open))
        }
        (CHANGED, _) => {
            let why = "the egress rules in force differ from those that cai loaded";
            Some(seen(Code::EgressOpen, why).so(open))
        }
        (_, "running" | CHANGED) => None,
        _ => {
            let why = "the resolver for containers is not running";
            Some(seen(Code::EgressResolverDown, why).so("containers cannot resolve names"))
        }
    }
}

/// The state in the guest, where these files are wanted; `None` if there are no rules.
fn actual(document: &Document, wanted: &[GuestFile]) -> Option<State> {
    let (sums, in_use) = (Sums::of(document, SUMS), Sums::of(document, IN_USE));
    if !PATHS.into_iter().any(|path| sums.has(path)) && document.text(LIVE).is_none() {
        return None;
    }
    let policy = document.lines(POLICY).find_map(|line| line.strip_prefix(HEADER));
    let policy: Option<config::Egress> = policy.and_then(|text| serde_json::from_str(text).ok());
    // After an interrupted apply, the files are newer than the rules in force.
    let uses = |path: &str| in_use.agree(&sums, path);
    let rules = match (document.text(LIVE), document.text(LISTED)) {
        (None, _) => MISSING,
        (Some(live), Some(listed)) if live == listed && uses(RULES) => "loaded",
        _ => CHANGED,
    };
    let is_active = |unit: &str| {
        let text = document.section(STATES).map(|it| it.text.as_str()).unwrap_or_default();
        let blocks = text.split("\n\n").map(|block| block.lines().collect::<Vec<_>>());
        blocks.into_iter().any(|lines| {
            let has = |line: String| lines.contains(&line.as_str());
            has(format!("Id={unit}")) && has("ActiveState=active".into())
        })
    };
    let resolver = match is_active(RESOLVER_UNIT) {
        false => "not running",
        true if RESOLVER_FILES.into_iter().all(uses) => "running",
        true => CHANGED,
    };
    Some(State { policy, rules, resolver, files: Some(sums.compare(wanted)) })
}

fn looks() -> Vec<Look> {
    let look = Look::new;
    vec![
        look(POLICY, "head -n 1", &[RULES]),
        look(SUMS, "sha256sum", &PATHS),
        look(LIVE, "sudo -n nft -s -t list table inet cai_egress", &[]),
        look(LISTED, "cat", &[LOADED]),
        look(IN_USE, "cat", &LOADED_SUMS),
        look(STATES, "systemctl show --property=Id,ActiveState", &UNITS),
    ]
}

impl Resource for Egress {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
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

/// Rules that the file no longer declares.
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
        let remove = Operation::RemoveEgress(&PATHS).command(&ssh);
        let why = "running containers have no name server until they are restarted";
        change.because(Reason::Note(why)).step(Step::run("remove the egress rules", remove))
    }
}
