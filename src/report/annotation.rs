//! Annotations of GitHub Actions: lines of output that its runner shows on the lines of a file. Their form and
//! their escapes are those of the runner's "workflow commands".

use std::path::{Path, PathBuf};

use super::Diagnostic;
use crate::model::clean_path;

/// The directories that paths of annotations depend on.
#[derive(Debug, Clone, Default)]
pub struct AnnotationPaths {
    /// The directory that the paths of diagnostics are relative to.
    pub here: PathBuf,
    /// The root of the repository, which annotations are relative to.
    pub repository: Option<PathBuf>,
}

/// The annotation of a diagnostic.
pub fn annotation(diagnostic: &Diagnostic, paths: &AnnotationPaths) -> String {
    // GitHub's levels have the names of the severities.
    let level = diagnostic.severity.word();
    let mut properties = Vec::new();
    if let Some(file) = &diagnostic.file {
        properties.push(format!("file={}", property(&paths.of(file))));
    }
    let numbers = [("line", diagnostic.line), ("col", diagnostic.column)];
    for (name, number) in numbers {
        properties.extend(number.map(|number| format!("{name}={number}")));
    }
    properties.push("title=cai".to_owned());
    let parts = [Some(&diagnostic.summary), diagnostic.detail.as_ref(), diagnostic.hint.as_ref()];
    let message: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    format!("::{level} {}::{}", properties.join(","), data(&message.join("\n")))
}

impl AnnotationPaths {
    /// The path relative to the root of the repository. Unchanged for a file outside it.
    fn of(&self, file: &str) -> String {
        let path = clean_path(&self.here.join(file).to_string_lossy());
        let inside =
            self.repository.as_ref().and_then(|root| Path::new(&path).strip_prefix(root).ok());
        inside.map_or_else(|| file.to_owned(), |path| path.display().to_string())
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_with_the_path_in_the_repository() {
        let paths = AnnotationPaths { here: "/repo/team".into(), repository: Some("/repo".into()) };
        let mut error = Diagnostic::new("100% wrong:\n::set-env name=A::b");
        error.file = Some("../base,1.toml".into());
        error.line = Some(3);
        error.column = Some(10);
        error.hint = Some("write it".into());
        let expected = "::error file=base%2C1.toml,line=3,col=10,title=cai::\
            100%25 wrong:%0A::set-env name=A::b%0Awrite it";
        assert_eq!(annotation(&error, &paths), expected);
        error.file = Some("/etc/cai/containai.toml".into());
        assert!(annotation(&error, &paths).starts_with("::error file=/etc/cai/containai.toml,"));
    }
}
