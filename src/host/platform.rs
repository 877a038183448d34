//! The kind of the machine. It is a fact like any other, so that a simulated host can have another
//! one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Arch;

/// The operating system and the processor of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system.
    pub os: Os,
    /// The processor.
    pub arch: Arch,
}

/// An operating system that Lima runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// macOS.
    MacOs,
    /// Linux, and anything else that is not macOS.
    Linux,
}

impl Platform {
    /// The platform that this program was built for.
    pub fn native() -> Self {
        let os = if cfg!(target_os = "macos") { Os::MacOs } else { Os::Linux };
        let arch = if cfg!(target_arch = "aarch64") { Arch::Aarch64 } else { Arch::X86_64 };
        Self { os, arch }
    }

    /// The longest path of a Unix socket in bytes, including the terminating NUL (`sun_path`).
    pub fn socket_path_limit(self) -> usize {
        match self.os {
            Os::MacOs => 104,
            Os::Linux => 108,
        }
    }
}

impl fmt::Display for Platform {
    /// For example `linux x86_64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let os = match self.os {
            Os::MacOs => "macos",
            Os::Linux => "linux",
        };
        write!(f, "{os} {}", self.arch.as_str())
    }
}
