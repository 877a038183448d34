//! Findings of a diagnosis.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Code;
use crate::model::address::Address;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Useful to know; the engine is fine.
    Notice,
    /// The engine works, but differs from the file.
    Warning,
    /// Something does not work.
    Error,
}

impl Severity {
    /// The name of the severity.
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A cause, with its evidence and consequences.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// The kind of the finding.
    pub code: Code,
    /// Its severity.
    pub severity: Severity,
    /// The affected resource; `null` if there is none.
    pub address: Option<Address>,
    /// The evidence, by name.
    pub observed: Map<String, Value>,
    /// The cause, in one sentence.
    pub cause: String,
    /// The command that fixes it, or another instruction.
    pub remedy: String,
    /// Whether `cai doctor --fix` fixes it.
    pub fixable: bool,
    /// The consequences, in sentences.
    pub consequences: Vec<String>,
    /// The part of a plan that fixes it.
    #[serde(skip)]
    pub repair: Repair,
}

/// The part of a plan that fixes a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Repair {
    /// Nothing.
    #[default]
    None,
    /// The whole plan: resources inside can be planned only when they are reachable.
    All,
    /// These resources.
    Only(Vec<Address>),
}

impl Finding {
    /// Creates a finding of severity error.
    pub fn new(code: Code, address: impl Into<Option<Address>>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            address: address.into(),
            observed: Map::new(),
            cause: String::new(),
            remedy: String::new(),
            fixable: false,
            consequences: Vec::new(),
            repair: Repair::None,
        }
    }

    /// Sets the severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Adds evidence.
    #[must_use]
    pub fn saw(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.observed.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    /// Adds a consequence.
    #[must_use]
    pub fn so(mut self, consequence: impl Into<String>) -> Self {
        self.consequences.push(consequence.into());
        self
    }

    /// Sets the instruction for a finding that `--fix` does not fix.
    #[must_use]
    pub fn by_hand(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Sets the resources of a plan that fix it.
    #[must_use]
    pub fn repaired_by(mut self, addresses: impl IntoIterator<Item = Address>) -> Self {
        self.repair = Repair::Only(addresses.into_iter().collect());
        self
    }

    /// Marks it as fixed by a whole plan.
    #[must_use]
    pub fn repaired_by_all(mut self) -> Self {
        self.repair = Repair::All;
        self
    }
}
