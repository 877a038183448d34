//! Docker contexts: their storage, and the command lines that change them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::CommandSpec;
use crate::model::ContextName;
use crate::model::digest::sha256;

/// The end of the description of a context that `cai` created. A context without it belongs to
/// someone else. (Docker's command line cannot write other metadata.)
pub const MARK: &str = "managed by cai";

/// The path of a context's metadata. Its directory is named after the SHA-256 of the context's
/// name.
pub fn metadata_path(docker_config: &Path, name: &ContextName) -> PathBuf {
    docker_config.join("contexts/meta").join(sha256(name.as_str().as_bytes())).join("meta.json")
}

/// The part of a context's `meta.json` that `cai` reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ContextMetadata {
    /// The `host=` of its `docker` endpoint.
    pub host: String,
    /// Its description.
    pub description: String,
}

/// A `meta.json` of an unexpected format.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is not valid metadata of a Docker context; fix it, or remove it with `docker context rm`"
)]
pub struct UnreadableContext(#[from] serde_json::Error);

impl ContextMetadata {
    /// Reads a `meta.json`. Unknown keys are ignored, because other tools may add them.
    ///
    /// # Errors
    /// When it is not JSON of this format.
    pub fn parse(text: &str) -> Result<Self, UnreadableContext> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Meta {
            #[serde(default)]
            metadata: Option<Metadata>,
            #[serde(default)]
            endpoints: Option<Endpoints>,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct Metadata {
            description: Option<String>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Endpoints {
            docker: Option<Endpoint>,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct Endpoint {
            host: Option<String>,
        }
        let meta: Meta = serde_json::from_str(text)?;
        let endpoint = meta.endpoints.and_then(|endpoints| endpoints.docker);
        Ok(Self {
            host: endpoint.and_then(|endpoint| endpoint.host).unwrap_or_default(),
            description: meta.metadata.and_then(|meta| meta.description).unwrap_or_default(),
        })
    }

    /// Whether `cai` created it.
    pub fn is_marked(&self) -> bool {
        self.description.ends_with(MARK)
    }
}

/// The current context in Docker's `config.json`; `None` for `default`.
///
/// # Errors
/// When it is not JSON of this format.
pub fn current_context(config: &str) -> Result<Option<String>, serde_json::Error> {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct DockerConfig {
        current_context: String,
    }
    let DockerConfig { current_context } = serde_json::from_str(config)?;
    Ok(Some(current_context).filter(|name| !name.is_empty()))
}

/// Builds command lines for one `docker` command line program.
#[derive(Debug, Clone)]
pub struct DockerCli {
    program: PathBuf,
}

impl DockerCli {
    /// Uses the program at this path.
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Creates a context. It does not become the current one.
    pub fn create_context(&self, name: &ContextName, wanted: &ContextMetadata) -> CommandSpec {
        self.context("create", name, wanted)
    }

    /// Updates a context in place and keeps its other settings.
    pub fn update_context(&self, name: &ContextName, wanted: &ContextMetadata) -> CommandSpec {
        self.context("update", name, wanted)
    }

    /// Removes a context. Without `--force`, docker refuses to remove the current one.
    pub fn remove_context(&self, name: &ContextName) -> CommandSpec {
        CommandSpec::new(&self.program).args(["context", "rm", name.as_str()])
    }

    fn context(&self, verb: &str, name: &ContextName, wanted: &ContextMetadata) -> CommandSpec {
        // docker parses the value as CSV if it contains more than one equals sign. Otherwise it
        // only removes quotes at the ends (measured with docker 28.2.2).
        let is_csv = wanted.host.contains('=');
        let host = if is_csv { wanted.host.replace('"', "\"\"") } else { wanted.host.clone() };
        let endpoint = format!("\"host={host}\"");
        CommandSpec::new(&self.program).args(["context", verb]).args([
            "--description",
            &wanted.description,
            "--docker",
            &endpoint,
            name.as_str(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_where_docker_has_it() {
        // The directory that docker 28.2.2 created for this name.
        assert_eq!(
            metadata_path(Path::new("/d"), &"containai-secure".parse().unwrap()),
            Path::new(
                "/d/contexts/meta/80d3a3cd1eccfd874f47542d24d21ccf4f3e5ad50a354f1c0f01121d22de6b7d/meta.json"
            )
        );
    }

    #[test]
    fn metadata_of_other_tools_is_no_hindrance() {
        let meta = ContextMetadata::parse(
            r#"{"Name":"a","Metadata":{"Description":"x, managed by cai","other":{"y":1}},
                "Endpoints":{"docker":{"Host":"unix:///s","SkipTLSVerify":false},"kubernetes":{}}}"#,
        )
        .unwrap();
        assert_eq!(meta.host, "unix:///s");
        assert!(meta.is_marked());
    }

    #[test]
    fn what_is_null_is_nothing() {
        let text = r#"{"Metadata":{"Description":null},"Endpoints":{"docker":null}}"#;
        assert_eq!(ContextMetadata::parse(text).unwrap(), ContextMetadata::default());
        let text = r#"{"Metadata":null,"Endpoints":null}"#;
        assert_eq!(ContextMetadata::parse(text).unwrap(), ContextMetadata::default());
    }

    #[test]
    fn the_current_context_is_read_where_there_is_one() {
        let current = |config| current_context(config).unwrap();
        assert_eq!(current(r#"{"currentContext":"a","auths":{"x":{}}}"#), Some("a".to_owned()));
        assert_eq!(current("{}"), None);
        assert_eq!(current(r#"{"currentContext":""}"#), None);
        assert!(current_context("{").is_err());
    }

    #[test]
    fn what_is_no_context_is_refused() {
        assert!(ContextMetadata::parse("{\"Name\":").is_err());
        assert!(ContextMetadata::parse("\"x\"").is_err());
    }
}
