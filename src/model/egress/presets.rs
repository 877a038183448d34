//! Named lists of destinations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Destination;

/// The services, and where their programs connect.
macro_rules! presets {
    ($($(#[doc = $doc:literal])* $name:ident $text:literal $entries:expr;)*) => {
        /// A service that containers may use.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Preset {
            $($(#[doc = $doc])* $name,)*
        }

        impl Preset {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in the file.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            fn entries(self) -> &'static [&'static str] {
                match self { $(Self::$name => &$entries,)* }
            }
        }
    };
}

presets! {
    /// Claude's API and Claude Code (code.claude.com/docs, "Network configuration").
    Anthropic "anthropic" [
        "api.anthropic.com:443", "claude.ai:443", "platform.claude.com:443", "console.anthropic.com:443",
        "statsig.anthropic.com:443",
    ];
    /// OpenAI's API and Codex.
    Openai "openai" ["api.openai.com:443", "auth.openai.com:443", "chatgpt.com:443"];
    /// GitHub: the site, its API, git over HTTPS and SSH, releases and packages (api.github.com/meta lists
    /// the domains).
    Github "github" [
        "github.com:443", "github.com:22", "*.github.com:443", "ssh.github.com:443",
        "*.githubusercontent.com:443", "ghcr.io:443", "github-cloud.s3.amazonaws.com:443",
    ];
    /// npm's registry, and Yarn's name for it.
    Npm "npm" ["registry.npmjs.org:443", "registry.yarnpkg.com:443"];
    /// The Python package index.
    Pypi "pypi" ["pypi.org:443", "files.pythonhosted.org:443"];
    /// Rust's registry: crates.io, its index and its downloads.
    Crates "crates" ["crates.io:443", "index.crates.io:443", "static.crates.io:443"];
    /// Debian's packages, over HTTP or HTTPS.
    Debian "debian" [
        "deb.debian.org:80", "deb.debian.org:443", "security.debian.org:80", "security.debian.org:443",
    ];
    /// Docker Hub, for an engine inside a container (docs.docker.com, "Allowlist for Docker Desktop").
    DockerHub "docker-hub" [
        "registry-1.docker.io:443", "auth.docker.io:443", "hub.docker.com:443",
        "production.cloudflare.docker.com:443", "production.cloudfront.docker.com:443",
        "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com:443",
    ];
}

impl Preset {
    /// Where its programs connect.
    pub fn destinations(self) -> impl Iterator<Item = Destination> {
        self.entries().iter().filter_map(|entry| entry.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_destination_is_valid_and_has_a_port() {
        for preset in Preset::ALL {
            assert_eq!(preset.destinations().count(), preset.entries().len(), "{}", preset.name());
            assert!(preset.destinations().all(|it| it.port.is_some()), "{}", preset.name());
            let name = serde_json::to_value(preset).unwrap();
            assert_eq!(name, preset.name());
        }
    }
}
