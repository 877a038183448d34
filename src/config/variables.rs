//! Values that a file takes from outside: environment variables of `cai`, files and programs.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::layers::child;
use super::{Config, Proxy, ValueSource, Variable};
use crate::config::diagnostic::Diagnostic;
use crate::host::Network;
use crate::model::proxy::{PROXY_NAMES, ProxySettings};
use crate::model::redact::{self, SENSITIVE};
use serde_json::Value;

/// Why a value could not be read, and what to do.
pub type Unread = (String, &'static str);

/// Reads the values that come from outside the file and have not been read. `read` returns the value of a
/// source, or `None` to leave it unread.
///
/// # Errors
/// One for each value that cannot be read or used. It stays without a value.
pub fn resolve(
    config: &mut Config,
    read: impl Fn(&ValueSource) -> Result<Option<String>, Unread>,
) -> Result<(), Vec<Diagnostic>> {
    let mut mistakes = Vec::new();
    let origin = config.origin.clone();
    for (path, variable) in config.variables().filter(|(_, variable)| variable.value.is_none()) {
        let Some(from) = &variable.source else { continue };
        let (message, hint) = match read(from) {
            Ok(Some(value)) if value.contains(char::is_control) => {
                let message = format!("the value of {from} contains a control character");
                (message, "write a value that is a single line of plain text")
            }
            Ok(value) => {
                variable.value = value;
                continue;
            }
            Err(why) => why,
        };
        let mistake = Diagnostic::new(message).hint(hint);
        let key = match from {
            ValueSource::Env(_) => "env",
            ValueSource::File(_) => "file",
            ValueSource::Command(_) => "command",
        };
        mistakes.push(match origin.span(&child(&path, key)) {
            Some(span) => mistake.at(span),
            None => mistake,
        });
    }
    mistakes.sort_by_key(|mistake| mistake.span.as_ref().map(|span| span.start));
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

/// The value of an environment variable.
///
/// # Errors
/// If it is not set, or not text.
pub fn of_environment(name: &str, value: Option<OsString>) -> Result<String, Unread> {
    let Some(value) = value else {
        let message = format!("the environment variable {name} is not set or is empty");
        return Err((message, "set it before you run cai"));
    };
    value.into_string().map_err(|_| {
        let message = format!("the value of the environment variable {name} is not UTF-8");
        (message, "write a value that is a single line of plain text")
    })
}

impl Config {
    /// The sources of values outside the file that satisfy a condition, each with its place.
    pub fn sources(
        &mut self,
        is_such: impl Fn(&ValueSource) -> bool,
    ) -> Vec<(String, ValueSource)> {
        let sources = self.variables().filter_map(|(path, variable)| {
            let source = variable.source.clone().filter(&is_such)?;
            Some((path, source))
        });
        sources.collect()
    }

    /// Forgets the values of these sources.
    pub fn forget(&mut self, sources: &[ValueSource]) {
        for (_, variable) in self.variables() {
            variable
                .value
                .take_if(|_| variable.source.as_ref().is_some_and(|it| sources.contains(it)));
        }
    }

    /// Whether the value of this variable of the guest must be hidden. A variable that the file
    /// does not declare may be sensitive, so it is hidden as well, except a proxy without credentials.
    pub fn hides(&self, name: &str, value: &Value) -> bool {
        let own = self.vm.env.iter().find(|(own, _)| own.as_str() == name);
        let is_proxy = PROXY_NAMES.iter().any(|it| it.eq_ignore_ascii_case(name));
        let has_credentials = value.as_str().is_some_and(|value| value.contains('@'));
        own.map_or(!is_proxy || has_credentials, |(_, own)| own.sensitive)
    }

    /// The document as the file and its layers write it, without secrets.
    pub fn shown(&self) -> toml::Table {
        self.origin.document(&|key, text| self.masked(key, text))
    }

    /// Whether that document is without secrets, so that nothing was left out.
    pub fn is_shown_whole(&self) -> bool {
        self.shown() == self.origin.document(&|_, _| None)
    }

    /// The replacement for a text of the document that may be a secret; `None` to show the text. The source of a
    /// value, such as the name of a variable, is not a secret.
    pub(super) fn masked(&self, key: &str, text: &str) -> Option<String> {
        let value = Value::from(text);
        let name = match key.strip_prefix("vm.env.") {
            None => key.rsplit('.').next().unwrap_or_default(),
            Some(rest) => {
                let (name, source) = rest.split_once('.').unwrap_or((rest, "value"));
                if source != "value" {
                    return None;
                }
                if self.hides(name, &value) {
                    return Some(SENSITIVE.to_owned());
                }
                name
            }
        };
        let shown = redact::value(name.split('[').next().unwrap_or_default(), &value);
        (shown != value).then(|| shown.as_str().unwrap_or(SENSITIVE).to_owned())
    }

    /// The environment variables of the guest in Lima's YAML. An empty proxy is none: without it, a guest on
    /// macOS gets the proxy of the system's settings (Lima 2.2.0, `setupEnv`).
    pub fn guest_environment(&self) -> BTreeMap<String, String> {
        let own = self.vm.env.iter();
        let own = own.filter_map(|(name, it)| Some((name.to_string(), it.value.clone()?)));
        let of_proxy = self.proxy.iter().flat_map(|proxy| proxy.in_guest().all_variables());
        let of_proxy = of_proxy.filter(|(name, _)| !name.eq_ignore_ascii_case("all_proxy"));
        own.chain(of_proxy.map(|(name, value)| (name.to_owned(), value))).collect()
    }

    /// The network of downloads.
    pub fn network(&self) -> Network {
        Network {
            proxy: self.proxy.as_ref().map(Proxy::on_host),
            certificates: self.trust.iter().map(|it| it.certificate.clone().into()).collect(),
        }
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
        if let Some(proxy) = &self.proxy {
            let values = [&proxy.username, &proxy.password].into_iter().flatten();
            let is_password = |it: &Variable| Some(it) == proxy.password.as_ref();
            let values = values.filter(|it| it.sensitive || is_password(it));
            secrets.extend(values.filter_map(|it| it.value.clone()));
            let ProxySettings { http, https, .. } = proxy.on_host();
            // In a URL, it is encoded.
            secrets.extend([http, https].iter().flatten().flat_map(|url| redact::passwords(url)));
        }
        secrets.extend(redact::secrets(&self.docker.daemon));
        secrets.extend(redact::secrets(&self.vm.lima));
        secrets
    }
}
