//! The one script that looks at a guest, at everything that any resource wants to know. The docker
//! client takes longer than all the rest (measured: 0.6 s of processor time for each question in an
//! emulated guest), so it is asked at the same time.

use crate::host::CommandSpec;
use crate::lima::Ssh;

/// The script itself, for a POSIX shell; its argument is the mark.
pub const SCRIPT: &str = concat!(include_str!("section.sh"), include_str!("probe.sh"));

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
