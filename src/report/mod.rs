//! The output for the user: plans, progress and errors; and the documents and graphs for programs.

mod annotation;
mod apply;
mod attributes;
mod change;
mod containers;
mod diagnostic;
mod doctor;
mod error;
mod graph;
mod json;
mod markdown;
mod origin;
mod palette;
mod plan;
mod record;
mod stream;
mod text;

pub use annotation::{AnnotationPaths, annotation};
pub use apply::{destroyed, finished, powered, progress, running, still_running};
pub use attributes::difference;
pub use change::lost;
pub use containers::{containers, other_files};
pub use diagnostic::{Diagnostic, DiagnosticsDocument};
pub use doctor::{DoctorDocument, Examined, codes, diagnosis, explanation, finding};
pub use error::{error, failure, problem, warning};
pub use graph::{EdgeDocument, GraphDocument, dot, mermaid};
pub use json::{CommandDocument, ErrorDocument, ReportDocument, ResultDocument};
pub use markdown::{destruction_markdown, markdown};
pub use origin::origin;
pub use plan::{destruction, plan};
pub use record::record;
pub use stream::{Hook, Line, StepStatus};
pub use text::{Layout, commented, fitted, on_a_line, table};
