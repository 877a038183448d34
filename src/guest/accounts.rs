//! The accounts and groups of the guest, and the groups of the session.

use std::collections::{BTreeMap, BTreeSet};

use super::{DOCKER_GROUP, GuestFacts};

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Its gid.
    pub gid: u32,
    /// The members that it lists.
    pub members: Vec<String>,
}

/// An account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Its uid.
    pub uid: u32,
    /// The gid of its primary group, which every session has.
    pub gid: u32,
    /// Its login shell.
    pub shell: String,
}

impl GuestFacts {
    /// Whether a user is configured as a member of a group.
    pub fn is_member(&self, user: &str, group: &str) -> bool {
        self.groups.get(group).is_some_and(|group| group.members.iter().any(|name| name == user))
    }

    /// Whether the login user's session needs a group.
    pub fn needs_group(&self, group: &str) -> bool {
        group != DOCKER_GROUP || !self.owns_socket()
    }

    /// The groups that the login user's open session needs but lacks, because the user joined them
    /// after the session started.
    pub fn lacks_groups(&self, wanted: Vec<String>) -> Vec<String> {
        let lacks = |group: &String| {
            !self.session_groups.contains(group) && self.is_member(&self.user, group)
        };
        wanted.into_iter().filter(|group| lacks(group) && self.needs_group(group)).collect()
    }

    /// The groups that list a user as a member.
    pub fn groups_of(&self, user: &str) -> Vec<String> {
        self.groups.keys().filter(|group| self.is_member(user, group)).cloned().collect()
    }

    /// The groups that a new session of a user would have.
    pub fn fresh_groups_of(&self, user: &str) -> BTreeSet<String> {
        let own = self.accounts.get(user).map(|account| account.gid);
        let own =
            own.map(|gid| self.group_with(gid).map_or_else(|| gid.to_string(), str::to_owned));
        self.groups_of(user).into_iter().chain(own).collect()
    }

    /// The name of the group with this gid.
    pub fn group_with(&self, gid: u32) -> Option<&str> {
        let mut groups = self.groups.iter();
        groups.find(|(_, group)| group.gid == gid).map(|(name, _)| name.as_str())
    }

    /// The name of the user with this uid.
    pub fn user_with(&self, uid: u32) -> Option<&str> {
        let mut accounts = self.accounts.iter();
        accounts.find(|(_, account)| account.uid == uid).map(|(name, _)| name.as_str())
    }
}

/// The groups, one per line.
pub(super) fn groups(text: &str) -> BTreeMap<String, Group> {
    text.lines().filter_map(group).collect()
}

/// The accounts, one per line.
pub(super) fn accounts(text: &str) -> BTreeMap<String, Account> {
    text.lines().filter_map(account).collect()
}

/// `name:x:gid:a,b` as in `/etc/group`.
fn group(line: &str) -> Option<(String, Group)> {
    let [name, _, gid, members] = line.split(':').collect::<Vec<_>>()[..] else { return None };
    let members = members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some((name.to_owned(), Group { gid: gid.parse().ok()?, members }))
}

/// The names of a session's groups. A gid without a name belongs to a group that was deleted, or
/// whose gid changed after the session started. It stays a number and matches no configured group.
pub(super) fn session(numbers: &str, groups: &BTreeMap<String, Group>) -> BTreeSet<String> {
    let name = |number: &str| {
        let gid: u32 = number.parse().ok()?;
        groups.iter().find(|(_, group)| group.gid == gid).map(|(name, _)| name.clone())
    };
    numbers.split_whitespace().map(|number| name(number).unwrap_or_else(|| number.into())).collect()
}

/// `name:x:uid:gid:comment:home:shell` as in `/etc/passwd`.
fn account(line: &str) -> Option<(String, Account)> {
    let [name, _, uid, gid, _, _, shell] = line.split(':').collect::<Vec<_>>()[..] else {
        return None;
    };
    let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
    Some((name.to_owned(), Account { uid, gid, shell: shell.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "root:x:0:\ndev:x:1001:\nsudo:x:27:dev\ndocker:x:999:dev,ci\n";

    #[test]
    fn configured_and_effective_groups_are_told_apart() {
        let groups = groups(GROUPS);
        // 998 was docker's gid when the session started.
        let session_groups = session("1001 27 998", &groups);
        assert_eq!(session_groups, ["998", "dev", "sudo"].map(String::from).into());
        assert_eq!(groups["docker"].gid, 999);
        let facts = GuestFacts { groups, ..GuestFacts::default() };
        assert!(facts.is_member("dev", "docker"));
        assert!(!facts.is_member("de", "docker") && !facts.is_member("dev", "nosuch"));
    }

    #[test]
    fn an_account_has_a_group_and_a_shell() {
        let accounts = accounts("dev:x:1001:1002::/home/dev.guest:/bin/bash\nshort:x:1\n");
        let dev = Account { uid: 1001, gid: 1002, shell: "/bin/bash".into() };
        assert_eq!(accounts, [("dev".into(), dev)].into());
    }
}
