//! Docker contexts: where they are stored, and the command lines that change them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::host::CommandSpec;
use crate::model::ContextName;

/// How the description of a context that `cai` made ends. A context without it is somebody
/// else's. (The command line can write no other metadata.)
pub const MARK: &str = "managed by cai";

/// Where Docker keeps a context: a directory named by the SHA-256 of its name.
pub fn metadata_path(docker_config: &Path, name: &ContextName) -> PathBuf {
    let directory = Sha256::digest(name.as_str())
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    docker_config.join("contexts/meta").join(directory).join("meta.json")
}

/// What `cai` reads of a context's `meta.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextMetadata {
    /// The `host=` of its `docker` endpoint.
    pub host: String,
    /// Its description.
    pub description: String,
}

/// A `meta.json` that is none.
#[derive(Debug, thiserror::Error)]
#[error("not a Docker context: {0}")]
pub struct UnreadableContext(#[from] serde_json::Error);

impl ContextMetadata {
    /// Reads a `meta.json`; unknown keys, which other tools may add, are ignored.
    ///
    /// # Errors
    /// When it is not JSON of that form.
    pub fn parse(text: &str) -> Result<Self, UnreadableContext> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Meta {
            #[serde(default)]
            metadata: Metadata,
            #[serde(default)]
            endpoints: Endpoints,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct Metadata {
            description: String,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Endpoints {
            docker: Endpoint,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct Endpoint {
            host: String,
        }
        let meta: Meta = serde_json::from_str(text)?;
        Ok(Self { host: meta.endpoints.docker.host, description: meta.metadata.description })
    }

    /// Whether `cai` made it.
    pub fn is_marked(&self) -> bool {
        self.description.ends_with(MARK)
    }
}

/// Builds command lines for one `docker` command line program.
#[derive(Debug, Clone)]
pub struct Docker {
    program: PathBuf,
}

impl Docker {
    /// For the program at this path.
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Creates a context. It never becomes the current one by this.
    pub fn create_context(&self, name: &ContextName, wanted: &ContextMetadata) -> CommandSpec {
        self.context("create", name, wanted)
    }

    /// Updates a context in place; what else it holds stays.
    pub fn update_context(&self, name: &ContextName, wanted: &ContextMetadata) -> CommandSpec {
        self.context("update", name, wanted)
    }

    fn context(&self, verb: &str, name: &ContextName, wanted: &ContextMetadata) -> CommandSpec {
        // The option's value is a line of CSV, so a home directory with a comma needs quotes.
        let endpoint = format!("\"host={}\"", wanted.host.replace('"', "\"\""));
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
        // The directory that docker 28.2.2 made for this name (docker.txt of the measurements).
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
    fn what_is_no_context_is_refused() {
        assert!(ContextMetadata::parse("{\"Name\":").is_err());
        assert!(ContextMetadata::parse("\"x\"").is_err());
    }
}
