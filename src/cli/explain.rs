//! `cai explain`

use schemars::JsonSchema;
use serde::Serialize;

use super::Terminal;
use crate::cli::error::Error;
use crate::doctor::Code;
use crate::plan::FORMAT_VERSION;
use crate::report;

pub(super) fn run(code: Option<&str>, json: bool, terminal: &mut Terminal) -> Result<(), Error> {
    let codes = match code {
        Some(name) => Code::ALL.iter().copied().filter(|code| code.name() == name).collect(),
        None => Code::ALL.to_vec(),
    };
    if json {
        let codes: Vec<Explanation> = codes.into_iter().map(Explanation::from).collect();
        return terminal.json(&ExplainDocument { format_version: FORMAT_VERSION, codes });
    }
    match (code, codes.as_slice()) {
        (Some(_), [code]) => terminal.data(&report::explanation(*code, terminal.layout().width)),
        _ => terminal.data(&report::codes()),
    }
}

/// The output of `cai explain --json`.
#[derive(Serialize, JsonSchema)]
pub(super) struct ExplainDocument {
    format_version: u32,
    codes: Vec<Explanation>,
}

#[derive(Serialize, JsonSchema)]
struct Explanation {
    code: Code,
    meaning: &'static str,
    text: &'static str,
}

impl From<Code> for Explanation {
    fn from(code: Code) -> Self {
        Self { code, meaning: code.meaning(), text: code.text() }
    }
}
