use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::check::Check;
use crate::config::{pattern, text};
use crate::model::{Fingerprint, InvalidValue};

/// `[docker.repository]`: an apt repository with Docker's packages, such as an internal mirror, in
/// place of `https://download.docker.com/linux`. Only with `source = "docker-ce"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// Its `https` URL. The name of the guest's distribution, such as `ubuntu`, is appended.
    #[serde(deserialize_with = "url")]
    #[schemars(regex(pattern = pattern::REPOSITORY))]
    pub url: String,
    /// Its signing key: an `https` URL that the guest downloads from; or a path on this machine that
    /// starts with `/` or `~/`, or with `./` or `../` (relative to this file). By default, the file
    /// `gpg` in the directory of the distribution.
    #[serde(default, deserialize_with = "key")]
    #[schemars(regex(pattern = pattern::PACKAGE_URL))]
    pub key: Option<String>,
    /// The fingerprint of the key. No other key is trusted. By default, that of Docker's own key.
    #[serde(default)]
    pub fingerprint: Fingerprint,
}

impl Repository {
    /// The path of its key on this machine.
    pub fn local_key(&self) -> Option<&str> {
        self.key.as_deref().filter(|key| !key.starts_with(HTTPS))
    }
}

const HTTPS: &str = "https://";

/// Refuses the parts of URLs that need a hint.
pub(super) fn check(check: &mut Check<'_, '_>) {
    for key in ["url", "key"] {
        let path = ["docker", "repository", key];
        let extra = check.at(&path).and_then(|node| Extra::of(node.text()?));
        match extra {
            Some(Extra::Account) => check.refuse_key(
                &path,
                "a URL here cannot contain a user name or password",
                "remove it; apt reads it from /etc/apt/auth.conf.d, and `key` can be a local file",
            ),
            Some(Extra::Query) => check.refuse_key(
                &path,
                "a URL here cannot contain a query or a fragment",
                "remove everything from the first \"?\" or \"#\" on",
            ),
            None => {}
        }
    }
}

/// A part of a URL that is refused with a hint. The error does not repeat it, because it can be a
/// secret.
enum Extra {
    Account,
    Query,
}

impl Extra {
    fn of(url: &str) -> Option<Self> {
        let rest = url.strip_prefix(HTTPS)?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let account = authority.contains('@').then_some(Self::Account);
        account.or_else(|| rest.contains(['?', '#']).then_some(Self::Query))
    }
}

fn url<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let value = String::deserialize(from)?;
    is_url(&value, "the URL of a repository", "").map_err(D::Error::custom)?;
    Ok(value.trim_end_matches('/').to_owned())
}

fn key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let value = String::deserialize(from)?;
    let what = "the URL or path of a key";
    text::plain(&value, what).map_err(D::Error::custom)?;
    if text::is_local(&value) && !value.ends_with('/') {
        return Ok(Some(value));
    }
    let or = r#", or a path that starts with "/", "~/" or "./""#;
    is_url(&value, what, or).map_err(D::Error::custom)?;
    Ok(Some(value))
}

/// Accepts only characters that are part of a word in apt's entries and that curl does not expand.
fn is_url(value: &str, what: &'static str, or: &str) -> Result<(), InvalidValue> {
    let wrong = |rule: String| Err(InvalidValue::new(value, what, rule));
    let Some(rest) = value.strip_prefix(HTTPS) else {
        return wrong(format!("write an https:// URL{or}"));
    };
    if Extra::of(value).is_some() {
        return Ok(());
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let is_host = host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.chars().all(|c| c != '~' && (is_plain(c) || c == ':'));
    let is_part = |part: &str| !["", ".", ".."].contains(&part) && part.chars().all(is_plain);
    if is_host && (path.is_empty() || path.trim_end_matches('/').split('/').all(is_part)) {
        return Ok(());
    }
    wrong(
        "write a host and a path with only letters, digits and \"-\", \".\", \"_\" and \"~\""
            .into(),
    )
}
