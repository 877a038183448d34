//! The one script that looks at a guest. It costs as much as one `true` (measured: the connection
//! is what takes time), so it looks at everything that any resource wants to know.

use crate::host::CommandSpec;
use crate::lima::Ssh;

const SCRIPT: &str = include_str!("probe.sh");

/// A word that marks the lines of the document. What a guest prints may hold anything, but not
/// what it cannot have known.
pub fn mark(seed: u128) -> String {
    format!("cai-{seed:032x}")
}

/// The script, in a session of the login user. On Lima's live master connection its groups are those
/// of every `limactl shell` and of the socket's forward.
pub fn look(ssh: &Ssh, mark: &str) -> CommandSpec {
    ssh.look(&["sh", "-s", "--", mark]).stdin(SCRIPT)
}
