use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidValue;
use super::text::{checked_text, written_as_text};

checked_text!(
    /// The name of a Lima VM, by Lima's rules (`pkg/identifiers`): groups of letters and digits,
    /// joined by single `.`, `_` or `-`, at most 76 characters.
    VmName, "a VM name", broken_vm_name,
    r"^(?=.{1,76}$)[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$"
);

checked_text!(
    /// The name of a user or group in the guest, by the rules of Debian's `useradd`.
    UnixName, "a user or group name", broken_unix_name,
    r"^[a-z_][a-z0-9_-]{0,31}$"
);

checked_text!(
    /// The name of a Docker context that `cai` can own, by Docker's rules. It cannot be `default`,
    /// which Docker reserves, or `desktop-linux`, which belongs to Docker Desktop.
    ContextName, "a Docker context name", broken_context_name,
    r"^(?!(default|desktop-linux)$)[A-Za-z0-9][A-Za-z0-9_.+-]+$"
);

checked_text!(
    /// The name of an environment variable.
    EnvName, "an environment variable name", broken_env_name, r"^[A-Za-z_][A-Za-z0-9_]*$"
);

/// The name of the VM if the file does not set one.
impl Default for VmName {
    fn default() -> Self {
        Self("containai-secure".into())
    }
}

/// The name of the context if the file names neither the context nor the VM.
impl Default for ContextName {
    fn default() -> Self {
        Self(VmName::default().0)
    }
}

impl UnixName {
    /// The group `docker`, whose members can use the engine's socket.
    pub fn docker() -> Self {
        Self("docker".into())
    }
}

fn broken_vm_name(name: &str) -> Option<&'static str> {
    let groups = |name: &str| {
        name.split(['.', '_', '-'])
            .all(|group| !group.is_empty() && group.chars().all(|c| c.is_ascii_alphanumeric()))
    };
    (name.len() > 76 || !groups(name)).then_some(
        r#"use letters and digits, joined by single ".", "_" or "-", at most 76 characters"#,
    )
}

fn broken_unix_name(name: &str) -> Option<&'static str> {
    let first = |c: char| c.is_ascii_lowercase() || c == '_';
    let rest = |c: char| first(c) || c.is_ascii_digit() || c == '-';
    let well_formed = name.len() <= 32 && name.starts_with(first) && name.chars().all(rest);
    (!well_formed).then_some(
        r#"use at most 32 lowercase letters, digits, "_" and "-", starting with a letter or "_""#,
    )
}

fn broken_context_name(name: &str) -> Option<&'static str> {
    let first = |c: char| c.is_ascii_alphanumeric();
    let rest = |c: char| first(c) || "_.+-".contains(c);
    match name {
        "default" => Some("Docker reserves it for this machine's engine"),
        "desktop-linux" => Some("it belongs to Docker Desktop, which cai never changes"),
        _ if name.len() >= 2 && name.starts_with(first) && name.chars().all(rest) => None,
        _ => Some(
            r#"use at least 2 letters, digits, "_", ".", "+" and "-", starting with a letter or digit"#,
        ),
    }
}

fn broken_env_name(name: &str) -> Option<&'static str> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let well_formed =
        name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit());
    (!well_formed).then_some(r#"use letters, digits and "_", starting with a letter or "_""#)
}

/// A user of the guest: the login user that Lima creates, whose name depends on who runs Lima, or
/// another user by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum UserRef {
    /// The VM's login user, written `@lima`.
    LimaUser,
    /// A user by name.
    Named(UnixName),
}

impl UserRef {
    const LIMA_USER: &str = "@lima";

    /// `@lima` or the user's name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::LimaUser => Self::LIMA_USER,
            Self::Named(name) => name.as_str(),
        }
    }
}

written_as_text!(
    UserRef,
    "`@lima`, the VM's login user, or a user by name.",
    r"^(@lima|[a-z_][a-z0-9_-]{0,31})$"
);

impl FromStr for UserRef {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        if value == Self::LIMA_USER {
            return Ok(Self::LimaUser);
        }
        if value.starts_with('@') {
            let rule = r#"write "@lima" for the VM's login user, or the name of a user"#;
            return Err(InvalidValue::new(value, "a user", rule));
        }
        value.parse().map(Self::Named)
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::check;

    #[test]
    fn vm_names_follow_limas_rule() {
        let (longest, too_long) = ("a".repeat(76), "a".repeat(77));
        let refused =
            ["", "-a", "a-", "a..b", "a.-b", "a b", "a/b", "é", "a\n", "$(id)", &too_long];
        check::<VmName>(&["containai-secure", "A1.b_c-d", "0", &longest], &refused);
        assert_eq!(VmName::default().as_str().parse(), Ok(VmName::default()));
    }

    #[test]
    fn user_and_group_names_follow_useradds_rule() {
        let (longest, too_long) = ("a".repeat(32), "a".repeat(33));
        let refused = ["", "1a", "-a", "Docker", "a b", "a:b", "a$", "é", "@lima", &too_long];
        check::<UnixName>(&["docker", "_apt", "a-1_b", &longest], &refused);
        assert_eq!(UnixName::docker().as_str().parse(), Ok(UnixName::docker()));
    }

    #[test]
    fn contexts_that_are_not_cais_are_refused() {
        check::<ContextName>(
            &["containai-secure", "a+b.c_d-e", "0a", "default2"],
            &["", "a", "-ab", "a/b", "../x", "a b", "é1", "default", "desktop-linux"],
        );
        let error = "desktop-linux".parse::<ContextName>().unwrap_err();
        assert!(error.to_string().contains("belongs to Docker Desktop"), "{error}");
    }

    #[test]
    fn variables_have_names_that_every_shell_takes() {
        check::<EnvName>(&["PATH", "_x1", "http_proxy"], &["", "1A", "A-B", "A=B", "A B", "é"]);
    }

    #[test]
    fn a_user_is_limas_or_named() {
        check::<UserRef>(&["@lima", "dev"], &["@dev", "", "A", "@lima "]);
        assert_eq!("@lima".parse(), Ok(UserRef::LimaUser));
        assert_eq!("dev".parse::<UserRef>().unwrap().as_str(), "dev");
        let error = "@limauser".parse::<UserRef>().unwrap_err();
        assert!(error.to_string().contains(r#"write "@lima""#), "{error}");
    }

    #[test]
    fn names_are_checked_when_they_come_through_serde_too() {
        assert_eq!(serde_json::to_string(&VmName::default()).unwrap(), r#""containai-secure""#);
        assert!(serde_json::from_str::<VmName>(r#""a b""#).is_err());
        assert!(serde_json::from_str::<UserRef>(r#""A""#).is_err());
    }
}
