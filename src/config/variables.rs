//! Values that a file reads from environment variables of `cai`.

use std::ffi::OsString;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::de::Node;
use super::parse_error::Refused;
use crate::config::diagnostic::Diagnostic;
use crate::model::EnvName;
use crate::model::redact;

/// Reads the values of `[vm.env]` that come from the environment. `look` returns the value of an
/// environment variable, if it is set. `source` is the text of the file.
///
/// # Errors
/// One for each variable that is not set or whose value the guest cannot have. It stays without a value.
pub fn resolve(
    config: &mut Config,
    source: &str,
    look: impl Fn(&str) -> Option<OsString>,
) -> Result<(), Vec<Diagnostic>> {
    let mut mistakes = Vec::new();
    for (name, variable) in &mut config.vm.env {
        let Some(env) = &variable.env else { continue };
        let (message, hint) = match look(env.as_str()).map(OsString::into_string) {
            None => (
                format!("the environment variable {env} is not set or is empty"),
                "set it before you run cai; the guest's variable gets its value",
            ),
            Some(Err(_)) => (
                format!("the value of the environment variable {env} is not UTF-8"),
                "the guest's environment variables are single lines of plain text",
            ),
            Some(Ok(value)) if value.contains(char::is_control) => (
                format!("the value of the environment variable {env} contains a control character"),
                "the guest's environment variables are single lines of plain text",
            ),
            Some(Ok(value)) => {
                variable.value = Some(value);
                continue;
            }
        };
        let mistake = Diagnostic::new(message).hint(hint);
        mistakes.push(match place(source, &["vm", "env", name.as_str(), "env"]) {
            Some(span) => mistake.at(span),
            None => mistake,
        });
    }
    mistakes.sort_by_key(|mistake| mistake.span.as_ref().map(|span| span.start));
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

fn place(source: &str, path: &[&str]) -> Option<std::ops::Range<usize>> {
    let table = DeTable::parse(source).ok()?;
    let document = Spanned::new(0..0, DeValue::Table(table.into_inner()));
    let refused = Refused::default();
    let mut nodes = path.iter();
    nodes.try_fold(Node::new(&document, &refused), |node, key| node.get(key)).map(Node::span)
}

impl Config {
    /// The environment variables that the file needs but that are not set.
    pub fn without_value(&self) -> impl Iterator<Item = &EnvName> {
        let variables = self.vm.env.values().filter(|variable| variable.value.is_none());
        variables.filter_map(|variable| variable.env.as_ref())
    }

    /// Whether the value of this variable of the guest must be hidden. A variable that the file
    /// does not declare may be sensitive, so it is hidden as well.
    pub fn hides(&self, name: &str) -> bool {
        let mut own = self.vm.env.iter().filter(|(own, _)| own.as_str() == name);
        own.next().is_none_or(|(_, variable)| variable.sensitive)
    }

    /// The secrets of a file: its sensitive variables, the passwords in its URLs and proxies, and
    /// values that look like secrets in `[docker.daemon]` and `[vm.lima]`.
    pub fn secrets(&self) -> Vec<String> {
        let (marked, plain): (Vec<_>, Vec<_>) =
            self.vm.env.values().partition(|variable| variable.sensitive);
        let images = self.vm.images.iter().flat_map(|image| {
            [Some(&image.location), image.kernel.as_ref(), image.initrd.as_ref()]
        });
        let urls = images
            .chain(plain.into_iter().map(|variable| variable.value.as_ref()))
            .chain([self.lima.url.as_ref()])
            .chain(self.sysbox.packages.iter().map(|package| Some(&package.url)));
        let mut secrets: Vec<String> =
            marked.into_iter().filter_map(|variable| variable.value.clone()).collect();
        let variables = self.vm.env.iter().filter(|(_, variable)| !variable.sensitive);
        secrets.extend(variables.filter_map(|(name, variable)| {
            redact::proxy_passwords(name.as_str(), variable.value.as_deref()?)
        }));
        secrets.extend(urls.flatten().flat_map(|url| redact::passwords(url)));
        secrets.extend(redact::secrets(&self.docker.daemon));
        secrets.extend(redact::secrets(&self.vm.lima));
        secrets
    }
}
