//! The Docker socket in the guest, and who may open it.

use super::GuestFacts;

/// The Docker socket as the guest sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestSocket {
    /// The permission bits, in octal.
    pub mode: String,
    /// The owner's name.
    pub owner: String,
    /// The group's name; `UNKNOWN` where its number has none.
    pub group: String,
    /// The group's number.
    pub gid: u32,
}

impl GuestSocket {
    /// Whether every user of the guest may connect: whoever may write to a socket may.
    pub fn is_open(&self) -> bool {
        self.mode.ends_with(['2', '3', '6', '7'])
    }

    /// Whether not even the members of its group may connect, for which they have to write to it.
    pub fn is_closed(&self) -> bool {
        let group = self.mode.chars().rev().nth(1);
        !group.is_some_and(|digit| matches!(digit, '2' | '3' | '6' | '7'))
    }
}

/// As `ls` would say it: its mode, its owner, its group with the number.
impl std::fmt::Display for GuestSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "mode {} of {}, group {} ({})", self.mode, self.owner, self.group, self.gid)
    }
}

impl GuestFacts {
    /// Whether the login user opens the Docker socket as its owner, by a drop-in of `docker.socket` as
    /// Lima's template docker-rootful has it. Then nothing depends on its groups.
    pub fn owns_socket(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| {
            let owner = socket.mode.chars().rev().nth(2);
            socket.owner == self.user && owner.is_some_and(|bits| "2367".contains(bits))
        })
    }

    /// Whether the session may open the Docker socket: its owner, its group or everybody may.
    pub fn session_reaches_docker(&self) -> bool {
        self.socket.as_ref().is_none_or(|socket| {
            self.owns_socket()
                || self.session_groups.contains(&socket.group) && !socket.is_closed()
                || socket.is_open()
        })
    }
}

/// `kind|mode|owner|uid|group|gid` of `stat`.
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
