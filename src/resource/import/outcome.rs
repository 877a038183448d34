//! What a plan of the imported file would still do.

use serde_json::Value;

use super::Draft;
use crate::lima::DISKS;
use crate::model::address::Kind;
use crate::model::listed;
use crate::plan::{Action, Change, Plan, Reason};

/// The lists of Lima's YAML from which a plan can remove entries.
const LISTS: [&str; 2] = ["portForwards", DISKS];

impl Draft {
    /// Says what an apply would still change.
    pub fn differs(&mut self, change: &Change) {
        let (address, attributes) = (&change.address, change.changed());
        if address.kind == Kind::VM {
            self.unchanged.retain(|key| !attributes.contains(key));
            if attributes.iter().any(|name| name == "env") {
                self.variables.clear();
            }
        }
        if let Some(problem) = &change.problem {
            return self.remark(format!("{address} cannot be applied: {problem}."));
        }
        let what = match change.action {
            Action::Create => format!("creates {address}"),
            Action::Delete => format!("deletes {address}"),
            _ if attributes.is_empty() => format!("changes {address}"),
            _ => format!("changes {address}: {}", listed(attributes)),
        };
        let disturbs =
            change.disruption.sentence(1).map(|it| format!(" {it}.")).unwrap_or_default();
        self.remark(format!("`cai apply` {what}.{disturbs}"));
    }
}

/// What a plan removes: resources, and keys and entries of others.
pub fn removals(plan: &Plan) -> Vec<String> {
    plan.effective().filter_map(removal).collect()
}

fn removal(change: &Change) -> Option<String> {
    let address = &change.address;
    let mut keys = lost(change);
    let mut is_deleted = change.action == Action::Delete;
    for reason in &change.reasons {
        match reason {
            Reason::KeysNoLongerDeclared(names) => keys.extend(names.iter().cloned()),
            // Whether a guest that cannot be seen has it is unknown.
            Reason::NoLongerDeclared => is_deleted |= change.action == Action::Deferred,
            _ => {}
        }
    }
    match is_deleted {
        true => Some(address.to_string()),
        false if keys.is_empty() => None,
        false => Some(format!("{} of {address}", listed(keys))),
    }
}

/// The lists that lose an entry.
fn lost(change: &Change) -> Vec<String> {
    let entries =
        |list: Option<&Value>| list.and_then(Value::as_array).cloned().unwrap_or_default();
    let loses = |name: &&str| {
        let before = change.before.as_ref().and_then(|before| before.known(name));
        let after = entries(change.after.known(name));
        entries(before).iter().any(|entry| !after.contains(entry))
    };
    LISTS.into_iter().filter(loses).map(str::to_owned).collect()
}
