//! What a change does that the changes after it depend on.

use crate::guest::DockerdSettings;

/// An effect of a change on something else than its own resource. A change with a problem has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SideEffect {
    /// It changes settings that dockerd reads only when it starts.
    DockerdSettings(DockerdSettings),
    /// The account of this name gives up its uid.
    FreesUid(String),
    /// The group of this name gives up its gid.
    FreesGid(String),
    /// The group of this name gets another gid, which its members have in a new session only.
    RenumbersGroup(String),
    /// A user becomes a member of a group.
    Joins {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// A user is no longer a member of a group.
    Leaves {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// The guest's Docker socket gets its group, or the group its access.
    OpensSocket,
    /// This is the text of daemon.json afterwards.
    DaemonJson(String),
    /// The guest gets another seccomp profile.
    WritesSeccompProfile,
}
