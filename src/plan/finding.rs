//! What a diagnosis finds.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Code;
use crate::model::address::Address;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is wrong with the engine.
    Notice,
    /// The engine works, and is not as the file says.
    Warning,
    /// Something that should work does not.
    Error,
}

impl Severity {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One cause, with the evidence for it and what comes of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The resource that it is about; `null` where it is none's.
    pub address: Option<Address>,
    /// What was seen, by name.
    pub observed: Map<String, Value>,
    /// The cause, in a sentence.
    pub cause: String,
    /// The command that repairs it, or what else to do.
    pub remedy: String,
    /// Whether `cai doctor --fix` repairs it.
    pub fixable: bool,
    /// What does not work because of it, in sentences.
    pub consequences: Vec<String>,
    /// What of a plan repairs it.
    #[serde(skip)]
    pub repair: Repair,
}

/// What of a plan repairs a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Repair {
    /// Nothing.
    #[default]
    None,
    /// All of it: what is inside can only be planned once it is reached.
    All,
    /// These resources.
    Only(Vec<Address>),
}

impl Finding {
    /// An error of this kind, about a resource.
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

    /// Says how bad it is.
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

    /// Says what the cause is.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    /// Says what comes of it.
    #[must_use]
    pub fn so(mut self, consequence: impl Into<String>) -> Self {
        self.consequences.push(consequence.into());
        self
    }

    /// Says what to do where `--fix` does not do it.
    #[must_use]
    pub fn by_hand(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Says which resources of a plan repair it.
    #[must_use]
    pub fn repaired_by(mut self, addresses: impl IntoIterator<Item = Address>) -> Self {
        self.repair = Repair::Only(addresses.into_iter().collect());
        self
    }

    /// Says that a whole plan repairs it.
    #[must_use]
    pub fn repaired_by_all(mut self) -> Self {
        self.repair = Repair::All;
        self
    }
}
