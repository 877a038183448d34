//! Users and groups: `useradd`, `usermod`, `userdel`, `groupadd`, `groupmod`, `groupdel` and
//! `gpasswd`, with the exit codes of Debian's `passwd` package.

use serde::{Deserialize, Serialize};

use super::{Caller, Guest};
use crate::simulate::arguments::Arguments;
use crate::simulate::reply::Reply;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The gid.
    pub gid: u32,
    /// The members listed in `/etc/group`.
    pub members: Vec<String>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The uid.
    pub uid: u32,
    /// The gid of the primary group.
    pub gid: u32,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
}

const NOT_UNIQUE: i32 = 4;
const NO_SUCH: i32 = 6;
const BUSY: i32 = 8;
const EXISTS: i32 = 9;

/// A failed command is the error, with its exit code and message.
type AccountResult<T> = std::result::Result<T, Reply>;

impl Guest {
    /// Runs one of the account commands as root.
    pub(super) fn account_command(
        &mut self,
        name: &str,
        words: &[String],
        caller: Caller<'_>,
    ) -> Reply {
        if !caller.root {
            return Reply::failed(1, format!("{name}: Permission denied."));
        }
        let command = match name {
            "groupadd" => Self::groupadd,
            "groupmod" => Self::groupmod,
            "useradd" => Self::useradd,
            "usermod" => Self::usermod,
            "userdel" => Self::userdel,
            "groupdel" => Self::groupdel,
            _ => Self::gpasswd,
        };
        match command(self, words) {
            Ok(()) => Reply::done(),
            Err(reply) => reply,
        }
    }

    /// The highest free gid below 1000. Debian's packages allocate gids in this order.
    pub(super) fn free_system_gid(&self) -> u32 {
        (100..1000).rev().find(|gid| !self.has_gid(*gid)).unwrap_or_default()
    }

    /// The lowest free gid of 1000 or more.
    fn free_gid(&self) -> u32 {
        (1000..60_000).find(|gid| !self.has_gid(*gid)).unwrap_or_default()
    }

    fn has_gid(&self, gid: u32) -> bool {
        self.groups.values().any(|group| group.gid == gid)
    }

    fn groupadd(&mut self, words: &[String]) -> AccountResult<()> {
        let arguments = parse("groupadd", words, &["-g=", "-r"])?;
        let name = one("groupadd", &arguments)?;
        if self.groups.contains_key(name) {
            return Err(Reply::failed(EXISTS, format!("groupadd: group '{name}' already exists")));
        }
        let gid = match number("groupadd", arguments.value("-g"))? {
            Some(gid) if self.has_gid(gid) => {
                let message = format!("groupadd: GID '{gid}' already exists");
                return Err(Reply::failed(NOT_UNIQUE, message));
            }
            Some(gid) => gid,
            None if arguments.has("-r") => self.free_system_gid(),
            None => self.free_gid(),
        };
        self.groups.insert(name.to_owned(), Group { gid, members: Vec::new() });
        Ok(())
    }

    /// Changes a group. Files, sockets and sessions keep the old gid.
    fn groupmod(&mut self, words: &[String]) -> AccountResult<()> {
        let arguments = parse("groupmod", words, &["-g="])?;
        let name = one("groupmod", &arguments)?;
        let gid = number("groupmod", arguments.value("-g"))?;
        let Some(group) = self.groups.get(name) else {
            return Err(Reply::failed(NO_SUCH, format!("groupmod: group '{name}' does not exist")));
        };
        let old = group.gid;
        let Some(gid) = gid.filter(|gid| *gid != old) else {
            return Ok(());
        };
        if self.has_gid(gid) {
            let message = format!("groupmod: GID '{gid}' already exists");
            return Err(Reply::failed(NOT_UNIQUE, message));
        }
        if let Some(group) = self.groups.get_mut(name) {
            group.gid = gid;
        }
        for account in self.users.values_mut().filter(|account| account.gid == old) {
            account.gid = gid;
        }
        Ok(())
    }

    fn useradd(&mut self, words: &[String]) -> AccountResult<()> {
        let arguments = parse("useradd", words, &["-u=", "-s=", "-g=", "-m", "-r"])?;
        let name = one("useradd", &arguments)?.to_owned();
        if self.users.contains_key(&name) {
            return Err(Reply::failed(EXISTS, format!("useradd: user '{name}' already exists")));
        }
        let group = self.primary_group("useradd", &arguments)?;
        if group.is_none() && self.groups.contains_key(&name) {
            let message = format!(
                "useradd: group {name} exists - if you want to add this user to that group, use -g."
            );
            return Err(Reply::failed(EXISTS, message));
        }
        let taken = |uid: u32| self.users.values().any(|account| account.uid == uid);
        let uid = match number("useradd", arguments.value("-u"))? {
            Some(uid) if taken(uid) => {
                return Err(Reply::failed(NOT_UNIQUE, format!("useradd: UID {uid} is not unique")));
            }
            Some(uid) => uid,
            None => (1000..60_000).find(|uid| !taken(*uid)).unwrap_or_default(),
        };
        let gid = group.unwrap_or_else(|| {
            let gid = if self.has_gid(uid) { self.free_gid() } else { uid };
            self.groups.insert(name.clone(), Group { gid, members: Vec::new() });
            gid
        });
        let shell = arguments.value("-s").unwrap_or("/bin/sh").to_owned();
        let home = format!("/home/{name}");
        self.users.insert(name, Account { uid, gid, home, shell });
        Ok(())
    }

    /// The gid of the group that `-g` names.
    fn primary_group(&self, command: &str, arguments: &Arguments) -> AccountResult<Option<u32>> {
        let Some(name) = arguments.value("-g") else { return Ok(None) };
        let missing = || format!("{command}: group '{name}' does not exist");
        let group = self.groups.get(name);
        Ok(Some(group.ok_or_else(|| Reply::failed(NO_SUCH, missing()))?.gid))
    }

    fn usermod(&mut self, words: &[String]) -> AccountResult<()> {
        let arguments = parse("usermod", words, &["-aG=", "-u=", "-s="])?;
        let name = one("usermod", &arguments)?;
        if !self.users.contains_key(name) {
            return Err(Reply::failed(NO_SUCH, format!("usermod: user '{name}' does not exist")));
        }
        let groups: Vec<&str> = arguments.all("-aG").flat_map(|list| list.split(',')).collect();
        if let Some(missing) = groups.iter().find(|group| !self.groups.contains_key(**group)) {
            let message = format!("usermod: group '{missing}' does not exist");
            return Err(Reply::failed(NO_SUCH, message));
        }
        let uid = number("usermod", arguments.value("-u"))?;
        if uid.is_some() && name == self.user {
            // The user has an open session: this command runs in it.
            let message = format!("usermod: user {name} is currently used by process 1012");
            return Err(Reply::failed(BUSY, message));
        }
        if let Some(uid) = uid
            && self.users.iter().any(|(other, account)| other != name && account.uid == uid)
        {
            let message = format!("usermod: UID '{uid}' already exists");
            return Err(Reply::failed(NOT_UNIQUE, message));
        }
        for group in groups {
            if let Some(group) = self.groups.get_mut(group)
                && !group.members.iter().any(|member| member == name)
            {
                group.members.push(name.to_owned());
            }
        }
        if let Some(account) = self.users.get_mut(name) {
            account.uid = uid.unwrap_or(account.uid);
            if let Some(shell) = arguments.value("-s") {
                shell.clone_into(&mut account.shell);
            }
        }
        Ok(())
    }

    /// Deletes the account, its memberships and its own group. The home directory stays.
    fn userdel(&mut self, words: &[String]) -> AccountResult<()> {
        let arguments = parse("userdel", words, &[])?;
        let name = one("userdel", &arguments)?;
        if name == self.user {
            let message = format!("userdel: user {name} is currently used by process 1012");
            return Err(Reply::failed(BUSY, message));
        }
        let Some(account) = self.users.remove(name) else {
            return Err(Reply::failed(NO_SUCH, format!("userdel: user '{name}' does not exist")));
        };
        for group in self.groups.values_mut() {
            group.members.retain(|member| member != name);
        }
        let is_own = |group: &Group| group.gid == account.gid && group.members.is_empty();
        if self.groups.get(name).is_some_and(is_own) {
            self.groups.remove(name);
        }
        Ok(())
    }

    /// Deletes a group. Files, sockets and sessions keep the gid.
    fn groupdel(&mut self, words: &[String]) -> AccountResult<()> {
        let arguments = parse("groupdel", words, &[])?;
        let name = one("groupdel", &arguments)?;
        let Some(gid) = self.groups.get(name).map(|group| group.gid) else {
            return Err(Reply::failed(NO_SUCH, format!("groupdel: group '{name}' does not exist")));
        };
        if let Some((user, _)) = self.users.iter().find(|(_, account)| account.gid == gid) {
            let message = format!("groupdel: cannot remove the primary group of user '{user}'");
            return Err(Reply::failed(BUSY, message));
        }
        self.groups.remove(name);
        Ok(())
    }

    /// `gpasswd -d USER GROUP`
    fn gpasswd(&mut self, words: &[String]) -> AccountResult<()> {
        let arguments = parse("gpasswd", words, &["-d="])?;
        let name = one("gpasswd", &arguments)?;
        let user = arguments.value("-d").unwrap_or_default();
        let Some(group) = self.groups.get_mut(name) else {
            let message = format!("gpasswd: group '{name}' does not exist in /etc/group");
            return Err(Reply::failed(1, message));
        };
        let before = group.members.len();
        group.members.retain(|member| member != user);
        if group.members.len() == before {
            let message = format!("gpasswd: user '{user}' is not a member of '{name}'");
            return Err(Reply::failed(3, message));
        }
        Ok(())
    }
}

fn parse(command: &str, words: &[String], known: &[&str]) -> AccountResult<Arguments> {
    Arguments::parse(words, known, false).map_err(|what| Reply::unknown(command, &what))
}

fn one<'a>(command: &str, arguments: &'a Arguments) -> AccountResult<&'a str> {
    match arguments.words.as_slice() {
        [name] => Ok(name),
        _ => Err(Reply::failed(2, format!("Usage: {command} [options] NAME"))),
    }
}

fn number(command: &str, text: Option<&str>) -> AccountResult<Option<u32>> {
    text.map(|text| {
        text.parse().map_err(|_| Reply::failed(3, format!("{command}: invalid ID '{text}'")))
    })
    .transpose()
}
