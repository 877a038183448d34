use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{pattern, rules};
use crate::model::{UnixName, UserRef};

/// `[[groups]]`: a group of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    pub name: UnixName,
    /// Its id, from 1 to 4294967294; none takes any, and leaves that of a group that exists.
    #[serde(default, deserialize_with = "rules::gid")]
    #[schemars(range(min = 1, max = 4_294_967_294_u32))]
    pub gid: Option<u32>,
}

impl Group {
    /// Whether images of Debian and Ubuntu have a group of this name: those of `base-passwd` and what
    /// their cloud images add.
    pub(in crate::config) fn is_of_images(name: &UnixName) -> bool {
        OF_IMAGES.contains(&name.as_str())
    }
}

const OF_IMAGES: [&str; 46] = [
    "adm",
    "audio",
    "backup",
    "bin",
    "cdrom",
    "crontab",
    "daemon",
    "dialout",
    "dip",
    "disk",
    "docker",
    "fax",
    "floppy",
    "games",
    "input",
    "irc",
    "kmem",
    "kvm",
    "list",
    "lp",
    "lxd",
    "mail",
    "man",
    "messagebus",
    "netdev",
    "news",
    "nogroup",
    "operator",
    "plugdev",
    "proxy",
    "render",
    "root",
    "sasl",
    "shadow",
    "src",
    "staff",
    "sudo",
    "sys",
    "systemd-journal",
    "tape",
    "tty",
    "users",
    "utmp",
    "video",
    "voice",
    "www-data",
];

/// `[[users]]`: a user of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Who: "@lima" is the VM's login user.
    pub name: UserRef,
    /// The user's id, from 1 to 4294967294; none takes any, and leaves that of a user who exists.
    /// Not for "@lima", who has the id of whoever runs Lima.
    #[serde(default, deserialize_with = "rules::uid")]
    #[schemars(range(min = 1, max = 4_294_967_294_u32))]
    pub uid: Option<u32>,
    /// The login shell, a path in the guest from `/`. Not for "@lima", whose shell is Lima's.
    #[serde(default, deserialize_with = "rules::shell")]
    #[schemars(regex(pattern = pattern::SHELL))]
    pub shell: Option<String>,
    /// Groups the user is in, besides any the file does not name.
    #[serde(default)]
    pub groups: Vec<UnixName>,
}

impl User {
    /// A user of whom only the groups are declared.
    pub fn in_groups(name: UserRef, groups: Vec<UnixName>) -> Self {
        Self { name, uid: None, shell: None, groups }
    }
}

pub(in crate::config) fn default_users() -> Vec<User> {
    vec![User::in_groups(UserRef::LimaUser, vec![UnixName::docker()])]
}
