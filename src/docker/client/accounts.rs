//! The accounts and groups of a container: its `/etc/passwd` and `/etc/group`.

/// The accounts and groups of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The accounts, in the order of the file.
    pub users: Vec<UnixAccount>,
    /// The groups, in the order of the file.
    pub groups: Vec<UnixGroup>,
}

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnixAccount {
    /// The name.
    pub name: String,
    /// The id.
    pub uid: u32,
    /// The id of the primary group.
    pub gid: u32,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnixGroup {
    /// The name.
    pub name: String,
    /// The id.
    pub gid: u32,
    /// The members that it lists.
    pub members: Vec<String>,
}

impl Accounts {
    /// Reads both files.
    pub fn parse(passwd: &str, group: &str) -> Self {
        let user = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, ..] = fields.as_slice() else { return None };
            let name = (*name).to_owned();
            Some(UnixAccount { name, uid: uid.parse().ok()?, gid: gid.parse().ok()? })
        };
        let group_of = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, gid, members] = fields.as_slice() else { return None };
            let members = members.trim().split(',').filter(|name| !name.is_empty());
            Some(UnixGroup {
                name: (*name).to_owned(),
                gid: gid.parse().ok()?,
                members: members.map(str::to_owned).collect(),
            })
        };
        Self {
            users: passwd.lines().filter_map(user).collect(),
            groups: group.lines().filter_map(group_of).collect(),
        }
    }

    /// The account with this uid.
    pub fn by_uid(&self, uid: u32) -> Option<&UnixAccount> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// The account with this name.
    pub fn by_name(&self, name: &str) -> Option<&UnixAccount> {
        self.users.iter().find(|user| user.name == name)
    }

    /// Whether a user is in a group according to these files.
    pub fn lists(&self, user: &UnixAccount, gid: u32) -> bool {
        let listed = |group: &UnixGroup| group.gid == gid && group.members.contains(&user.name);
        user.gid == gid || self.groups.iter().any(listed)
    }

    /// The account for a user in Docker's syntax, and whether Docker adds its groups: not if the
    /// text also names a group.
    pub fn meant_by(&self, word: &str) -> Option<(&UnixAccount, bool)> {
        let (user, with_groups) = match word.split_once(':') {
            Some((user, _)) => (user, false),
            None => (word, true),
        };
        let user = if user.is_empty() { "0" } else { user };
        let by_uid = || self.by_uid(user.parse().ok()?);
        Some((self.by_name(user).or_else(by_uid)?, with_groups))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_meant_by_name_or_number_and_a_group_beside_it_leaves_out_the_others() {
        let accounts = Accounts::parse(
            "root:x:0:0:root:/:/bin/sh\nmcp:x:1001:1001::/:\n\nbroken\n",
            "docker:x:2375:mcp,other\nmcp:x:1001:\n",
        );
        let mcp = accounts.by_name("mcp").unwrap();
        assert!(accounts.lists(mcp, 2375) && accounts.lists(mcp, 1001) && !accounts.lists(mcp, 1));
        for (word, with_groups) in [("mcp", true), ("1001", true), ("1001:1001", false)] {
            assert_eq!(accounts.meant_by(word), Some((mcp, with_groups)), "{word}");
        }
        assert_eq!(accounts.meant_by("").unwrap().0.uid, 0);
        assert_eq!(accounts.meant_by("55"), None);
    }
}
