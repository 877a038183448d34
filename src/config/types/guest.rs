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
    /// Its id, from 1 to 4294967294. By default, a new group gets any free id and an existing group
    /// keeps its id.
    #[serde(default, deserialize_with = "rules::gid")]
    #[schemars(range(min = 1, max = 4_294_967_294_u32))]
    pub gid: Option<u32>,
}

impl Group {
    /// Whether Debian and Ubuntu images have a group of this name: from `base-passwd` or added by
    /// their cloud images.
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
    /// Its name. "@lima" is the VM's login user.
    pub name: UserRef,
    /// The user's id, from 1 to 4294967294. By default, a new user gets any free id and an existing
    /// user keeps its id. Not for "@lima", which has the id of the user who runs Lima.
    #[serde(default, deserialize_with = "rules::uid")]
    #[schemars(range(min = 1, max = 4_294_967_294_u32))]
    pub uid: Option<u32>,
    /// The login shell, an absolute path in the guest. Not for "@lima", whose shell Lima sets.
    #[serde(default, deserialize_with = "rules::shell")]
    #[schemars(regex(pattern = pattern::SHELL))]
    pub shell: Option<String>,
    /// Groups of the user. The user stays in other groups as well.
    #[serde(default)]
    pub groups: Vec<UnixName>,
}

impl User {
    /// A user with only groups declared.
    pub fn in_groups(name: UserRef, groups: Vec<UnixName>) -> Self {
        Self { name, uid: None, shell: None, groups }
    }
}

pub(in crate::config) fn default_users() -> Vec<User> {
    vec![User::in_groups(UserRef::LimaUser, vec![UnixName::docker()])]
}
