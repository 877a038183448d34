//! A plan as one JSON document, for programs.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Action, Change, Declared, Disruption, Files, Hides, Plan, Problem, Reason};
use crate::guest::Container;
use crate::model::address::Address;
use crate::model::redact;
use crate::model::value::{Attributes, Known};

/// The version of the form of every document that `cai` prints. It grows when a program that
/// reads the old form would misread the new one; keys may be added without that.
pub const FORMAT_VERSION: u32 = 1;

/// A plan, as `cai plan --json` prints it.
#[derive(Debug, Serialize)]
pub struct PlanDocument<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Which file it is of, or which files.
    #[serde(flatten)]
    pub files: Files<'a>,
    /// One for each resource, in the order in which they would be applied; those that do not
    /// change too.
    #[serde(serialize_with = "resource_changes")]
    pub resource_changes: &'a [Change],
    /// How many changes have each action.
    pub summary: Summary,
}

/// What one resource would do.
#[derive(Debug, Serialize)]
pub struct ResourceChange<'a> {
    /// `vm.containai-secure`.
    pub address: &'a Address,
    /// `vm`.
    pub kind: &'static str,
    /// `no-op`, `create`, `update`, `replace`, `delete`, `release`, `refresh` or `deferred`.
    pub action: &'static str,
    /// Why.
    pub reasons: Vec<Explained<'a, Reason>>,
    /// The attributes as they are; `null` where it is absent or could not be looked at.
    pub before: Option<Values>,
    /// The attributes as they should be, those left out that are only known after apply.
    pub after: Values,
    /// `true` for each attribute that is only known after apply, as Terraform has it: such a value
    /// could not be told from a real one within `after`.
    pub after_unknown: Map<String, Value>,
    /// Where `before` and `after` hold `(sensitive value)`, or `(sensitive value, another one)`, for a
    /// value that is not shown: JSON pointers into them.
    pub sensitive: Vec<String>,
    /// The names of the attributes that change.
    pub changed: Vec<String>,
    /// `none`, `reload`, `session-refresh`, `container-recreation`, `container-stop`, `sysbox-restart`,
    /// `daemon-restart`, `vm-stop`, `vm-restart` or `replace`.
    pub disruption: Disruption,
    /// What is done if that has no effect.
    pub fallback: Option<Disruption>,
    /// The running containers that it stops, or would stop by its fallback.
    pub stops: Option<&'a [Container]>,
    /// Those of them that it starts again, in that order.
    pub restarts: Vec<&'a Container>,
    /// The data that dockerd will no longer show; omitted if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hides: Option<&'a Hides>,
    /// What is done, in order.
    pub steps: Vec<&'a str>,
    /// Why it cannot be done; `null` if it can.
    pub problem: Option<ExplainedProblem<'a>>,
}

/// A reason: its `kind`, its `data` where it has any, and the `text` for a person. Programs should
/// look at the kind; the text may change.
#[derive(Debug, Serialize)]
pub struct Explained<'a, T: Serialize> {
    /// `kind` and `data`.
    #[serde(flatten)]
    pub what: &'a T,
    /// What a person is told.
    pub text: String,
}

/// A problem, in the same form, with what to do.
#[derive(Debug, Serialize)]
pub struct ExplainedProblem<'a> {
    /// The problem.
    #[serde(flatten)]
    pub problem: Explained<'a, Problem>,
    /// What to do.
    pub hint: String,
}

/// How many changes have each action.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each is the count of the action of that name")]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub release: usize,
    pub refresh: usize,
    pub deferred: usize,
}

impl<'a> PlanDocument<'a> {
    /// The document of a plan for these files.
    pub fn new(plan: &'a Plan, declared: &[Declared<'a>]) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            files: Files::new(declared),
            resource_changes: &plan.changes,
            summary: Summary {
                create: plan.count(Action::Create),
                update: plan.count(Action::Update),
                replace: plan.count(Action::Replace),
                delete: plan.count(Action::Delete),
                release: plan.count(Action::Release),
                refresh: plan.count(Action::Refresh),
                deferred: plan.count(Action::Deferred),
            },
        }
    }
}

/// Each is only made when it is written: those of many files would take much memory.
fn resource_changes<S: Serializer>(changes: &[Change], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(changes.iter().map(ResourceChange::new))
}

impl<'a> ResourceChange<'a> {
    fn new(change: &'a Change) -> Self {
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
            sensitive: change
                .sensitive
                .iter()
                .map(|(name, key)| format!("/{name}/{key}"))
                .collect(),
            after_unknown: unknown(&change.after),
            changed: change.changed(),
            disruption: change.disruption,
            fallback: change.fallback,
            stops: change.stops.as_deref(),
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

/// The known ones of some attributes, as an object, without what looks like a secret.
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

fn unknown(attributes: &Attributes) -> Map<String, Value> {
    let unknown = attributes.iter().filter(|(_, value)| **value == Known::Unknown);
    unknown.map(|(name, _)| (name.to_owned(), true.into())).collect()
}
