//! The Docker socket in the guest, and access to it.

use super::GuestFacts;

/// The Docker socket in the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestSocket {
    /// The permission bits, in octal.
    pub mode: String,
    /// The owner's name.
    pub owner: String,
    /// The group's name; `UNKNOWN` if the gid has no name.
    pub group: String,
    /// The group's gid.
    pub gid: u32,
}

impl GuestSocket {
    /// Whether every user of the guest can connect, which needs write permission.
    pub fn is_open(&self) -> bool {
        self.mode.ends_with(['2', '3', '6', '7'])
    }

    /// Whether the members of its group cannot connect, because the group has no write permission.
    pub fn is_closed(&self) -> bool {
        let group = self.mode.chars().rev().nth(1);
        !group.is_some_and(|digit| matches!(digit, '2' | '3' | '6' | '7'))
    }
}

/// Its mode, owner, group and gid.
impl std::fmt::Display for GuestSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "mode {} of {}, group {} ({})", self.mode, self.owner, self.group, self.gid)
    }
}

impl GuestFacts {
    /// Whether the login user owns the Docker socket, through a drop-in of `docker.socket` as in
    /// Lima's template docker-rootful. Then the groups do not matter.
    pub fn owns_socket(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| {
            let owner = socket.mode.chars().rev().nth(2);
            socket.owner == self.user && owner.is_some_and(|bits| "2367".contains(bits))
        })
    }

    /// Whether the session can open the Docker socket, as its owner, as a member of its group, or
    /// because everyone can.
    pub fn session_reaches_docker(&self) -> bool {
        self.socket.as_ref().is_none_or(|socket| {
            self.owns_socket()
                || self.session_groups.contains(&socket.group) && !socket.is_closed()
                || socket.is_open()
        })
    }
}

/// Reads `kind|mode|owner|uid|group|gid` from `stat`.
pub(super) fn socket(line: &str) -> Option<GuestSocket> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    match fields[..] {
        ["socket", mode, owner, _, group, gid] => Some(GuestSocket {
            mode: mode.into(),
            owner: owner.into(),
            group: group.into(),
            gid: gid.parse().ok()?,
        }),
        _ => None,
    }
}
