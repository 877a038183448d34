//! A plan as a JSON document for programs.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{
    Change, Counts, Declared, Disruption, Fallback, Hides, Impact, Plan, Problem, Reason, Stored,
};
use crate::guest::Container;
use crate::model::address::Address;
use crate::model::redact;
use crate::model::value::{Attributes, Known};

/// The format version of every document that `cai` prints. It is increased when a program could
/// misread the new format. Added keys do not increase it.
pub const FORMAT_VERSION: u32 = 1;

/// A plan, as `cai plan --json` prints it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanDocument<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The files of the plan, with the VM that each declares.
    pub files: &'a [Declared<'a>],
    /// The addresses that the plan is limited to. Omitted if it is about everything.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub targets: &'a [String],
    /// One entry per resource, in the order of application, including unchanged ones.
    #[serde(serialize_with = "resource_changes")]
    #[schemars(with = "Vec<ResourceChange<'a>>")]
    pub resource_changes: &'a [Change],
    /// The number of changes.
    pub summary: Counts,
    /// The containers that the plan affects.
    pub containers: Impact<'a>,
}

/// The planned change of one resource.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResourceChange<'a> {
    /// `vm.containai-secure`.
    pub address: &'a Address,
    /// `vm`.
    pub kind: &'static str,
    /// `no-op`, `create`, `update`, `replace`, `delete`, `release`, `refresh` or `deferred`.
    pub action: &'static str,
    /// The reasons.
    pub reasons: Vec<Explained<'a, Reason>>,
    /// The present attributes; `null` if the resource does not exist or could not be observed.
    #[schemars(with = "Option<Map<String, Value>>")]
    pub before: Option<Values>,
    /// The attributes after the change, without those that are known after apply.
    #[schemars(with = "Map<String, Value>")]
    pub after: Values,
    /// `true` for each attribute that is known after apply, as in Terraform: within `after`, such a
    /// value could not be distinguished from a real one.
    pub after_unknown: Map<String, Value>,
    /// JSON pointers to the values in `before` and `after` that are replaced with `(sensitive
    /// value)` or `(sensitive value, changed)`.
    pub sensitive: Vec<String>,
    /// The names of the attributes that change.
    pub changed: Vec<String>,
    /// `none`, `reload`, `session-refresh`, `container-recreation`, `container-stop`, `sysbox-restart`,
    /// `daemon-restart`, `vm-stop`, `vm-restart` or `replace`.
    pub disruption: Disruption,
    /// What is done if the change has no effect.
    pub fallback: Option<FallbackDocument<'a>>,
    /// The running containers that the change stops. `null` if they could not be listed.
    pub stops: Option<&'a [Container]>,
    /// The containers that are started again, in that order.
    pub restarts: Vec<&'a Container>,
    /// The counted contents of a VM that is deleted; omitted if they could not be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contents: Option<Stored>,
    /// The Lima disk that keeps the containers, images and volumes of a VM that is deleted; omitted if
    /// none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_on: Option<String>,
    /// The data that dockerd will no longer show; omitted if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hides: Option<&'a Hides>,
    /// The descriptions of the steps, in order.
    pub steps: Vec<&'a str>,
    /// Why the change is impossible; `null` if it is possible.
    pub problem: Option<ExplainedProblem<'a>>,
}

/// What is done if a change has no effect.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FallbackDocument<'a> {
    /// One of the disruptions of a change.
    pub disruption: Disruption,
    /// The running containers that it stops. `null` if they could not be listed.
    pub stops: Option<&'a [Container]>,
    /// The containers that are started again, in that order.
    pub restarts: Vec<&'a Container>,
}

impl<'a> FallbackDocument<'a> {
    fn new(fallback: &'a Fallback) -> Self {
        Self {
            disruption: fallback.disruption,
            stops: fallback.stops.as_deref(),
            restarts: fallback.restarted(),
        }
    }
}

/// A reason: its `kind`, its `data` if it has any, and a `text` for the user. Programs should use
/// the kind, because the text may change.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}")]
pub struct Explained<'a, T: Serialize> {
    /// `kind` and `data`.
    #[serde(flatten)]
    pub what: &'a T,
    /// The message for the user.
    pub text: String,
}

/// A problem in the same format, with a hint.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainedProblem<'a> {
    /// The problem.
    #[serde(flatten)]
    pub problem: Explained<'a, Problem>,
    /// How to fix it.
    pub hint: String,
}

impl<'a> PlanDocument<'a> {
    /// The document of a plan for these files.
    pub fn new(plan: &'a Plan, declared: &'a [Declared<'a>]) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            files: declared,
            targets: &plan.targets,
            resource_changes: &plan.changes,
            summary: plan.counts(),
            containers: plan.impact(),
        }
    }
}

/// Each is only made when it is written: those of many files would take much memory.
fn resource_changes<S: Serializer>(changes: &[Change], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(changes.iter().map(ResourceChange::new))
}

impl<'a> ResourceChange<'a> {
    /// The document of a change.
    pub fn new(change: &'a Change) -> Self {
        let (before, after) = change.shown();
        Self {
            address: &change.address,
            kind: change.address.kind.name(),
            action: change.action.word(),
            reasons: change
                .reasons
                .iter()
                .map(|reason| Explained { what: reason, text: reason.to_string() })
                .collect(),
            before: before.map(Values),
            after: Values(after),
            sensitive: secrets(change),
            after_unknown: unknown(&change.after),
            changed: change.changed(),
            disruption: change.disruption,
            fallback: change.fallback.as_ref().map(FallbackDocument::new),
            stops: change.stops.as_deref(),
            contents: change.contents,
            kept_on: change.kept_on.clone(),
            hides: change.hides.as_deref(),
            restarts: change.restarted(),
            steps: change.steps.iter().map(|step| step.title.as_ref()).collect(),
            problem: change.problem.as_ref().map(|problem| ExplainedProblem {
                problem: Explained { what: problem, text: problem.to_string() },
                hint: problem.hint(),
            }),
        }
    }
}

/// The known attributes as an object, without values that look like secrets.
#[derive(Debug)]
pub struct Values(Attributes);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter_map(|(name, value)| match value {
            Known::Known(value) => Some((name, redact::value(name, value))),
            Known::Unknown => None,
        }))
    }
}

fn secrets(change: &Change) -> Vec<String> {
    let mut pointers = change.after.secrets();
    pointers.extend(change.before.iter().flat_map(Attributes::secrets));
    pointers.sort_unstable();
    pointers.dedup();
    pointers
}

fn unknown(attributes: &Attributes) -> Map<String, Value> {
    let unknown = attributes.iter().filter(|(_, value)| **value == Known::Unknown);
    unknown.map(|(name, _)| (name.to_owned(), true.into())).collect()
}
