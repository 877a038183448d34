//! A certificate authority that the guest trusts.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::vm_ref::{VmRef, in_seen_guest, recorded};
use super::{PlanContext, Proxy, Resource, Restart, Vm};
use crate::config::Config;
use crate::guest::probe::Look;
use crate::guest::settings::{STORE_INCOMPLETE, certificate_link, certificate_path};
use crate::guest::{DockerdSettings, GuestFacts, GuestFile, Operation, Sums};
use crate::lima::Ssh;
use crate::model::address::{Address, Kind};
use crate::plan::{Change, Code, Finding, Observation, Problem, Severity, SideEffect, Step};
use crate::resource::Case;
use crate::resource::facts::Facts;

pub(super) const KIND: Kind = Kind::new("trust");

/// The sections of the guest's document.
const SUMS: &str = "trust_sums";
const LINKS: &str = "trust_links";

/// How long before it expires a certificate is reported.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The last line of a certificate.
const END: &str = "-----END CERTIFICATE-----";

/// A certificate that the guest trusts.
#[derive(Debug)]
pub struct Trust {
    address: Address,
    vm: VmRef,
    requires: Vec<Address>,
    restart: Address,
    /// The file on this machine.
    source: PathBuf,
}

/// The state of a certificate.
#[derive(Debug, PartialEq, Serialize)]
struct State {
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    /// Whether the guest's store contains it.
    in_store: bool,
}

/// A parsed certificate.
#[derive(Debug, PartialEq)]
struct Certificate {
    subject: String,
    expires: SystemTime,
}

impl Trust {
    /// All that the file declares.
    pub fn all(config: &Config) -> impl Iterator<Item = Self> + '_ {
        config.trust.iter().map(|trust| Self {
            address: Address::new(KIND, trust.name()),
            vm: VmRef::of(config),
            // The package with the store may have to be downloaded.
            requires: Proxy::declared(config)
                .into_iter()
                .chain([Vm::own_address(config)])
                .collect(),
            restart: Restart::address_of(&config.vm.name),
            source: PathBuf::from(&trust.certificate),
        })
    }

    /// The removal of a certificate that the file no longer declares.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        let vm = VmRef::of(config);
        let requires = vec![vm.address.clone()];
        let what = Undeclared { vm, name: address.name().to_owned() };
        let restart = Restart::address_of(&config.vm.name);
        Some(Removal::new(address, requires, what).before(vec![restart]).boxed())
    }

    /// The text of the file on this machine.
    fn text<'a>(&self, facts: &'a Facts) -> Result<&'a str, Problem> {
        let file = facts.files.get(&self.source);
        let file = file.ok_or_else(|| Problem::FileMissing(self.source.display().to_string()))?;
        let text = file.text.as_deref().unwrap_or_default();
        parse(text).map(|_| text).map_err(|why| Problem::Own {
            code: "certificate",
            text: format!("{} {why}", self.source.display()),
            hint: "a [[trust]] needs a file with one certificate in the PEM format".into(),
        })
    }

    fn wanted(&self, facts: &Facts) -> State {
        let file = facts.files.get(&self.source);
        let certificate = file.map(|file| format!("sha256:{}", file.sha256));
        State { certificate, in_store: true }
    }

    fn update(&self, text: &str, guest: &GuestFacts, facts: &Facts, ssh: &Ssh) -> Change {
        let name = self.address.name();
        let change = Change::towards(&self.address, actual(guest, name), self.wanted(facts));
        if change.is_without_effect() {
            return change;
        }
        let path = certificate_path(name).into();
        let files = [GuestFile { path, mode: "644", text: text.to_owned() }];
        let write =
            Operation::Settings { of: DockerdSettings::Certificates, files: &files, delete: &[] };
        change
            .causing(SideEffect::DockerdSettings(DockerdSettings::Certificates))
            .step(Step::run("add the certificate to the guest's store", write.command(ssh)))
    }
}

/// Reads a certificate.
///
/// # Errors
/// The error, to follow the name of the file in a sentence.
fn parse(text: &str) -> Result<Certificate, &'static str> {
    if text.contains("PRIVATE KEY-----") {
        return Err("contains a private key, which must not leave this machine");
    }
    // The parser refuses text after the last certificate.
    let end = text.rfind(END).map_or(text.len(), |start| start + END.len());
    let chain = x509_cert::Certificate::load_pem_chain(&text.as_bytes()[..end]);
    match chain.as_deref() {
        Ok([certificate]) => {
            let certificate = certificate.tbs_certificate();
            let (subject, validity) = (certificate.subject(), certificate.validity());
            let expires = validity.not_after.to_system_time();
            Ok(Certificate { subject: subject.to_string(), expires })
        }
        Ok([_, _, ..]) => Err("contains several certificates; write each to a separate file"),
        _ => Err("is not a certificate in the PEM format"),
    }
}

/// The state in the guest; `None` if there is nothing. An incomplete store may have any certificate.
fn actual(guest: &GuestFacts, name: &str) -> Option<State> {
    let (path, link) = (certificate_path(name), certificate_link(name));
    let sums = Sums::of(&guest.document, SUMS);
    let sum = sums.line(&path).and_then(|line| line.split(' ').next());
    let has = |path: &str| guest.document.lines(LINKS).any(|line| line == path);
    let (is_linked, is_incomplete) = (has(&link), has(STORE_INCOMPLETE));
    if sum.is_none() && !is_linked && !is_incomplete {
        return None;
    }
    let certificate = sum.map(|sum| format!("sha256:{sum}"));
    Some(State { certificate, in_store: is_linked && !is_incomplete })
}

fn looks(name: &str) -> Vec<Look> {
    vec![
        Look::new(SUMS, "sha256sum", &[&certificate_path(name)]),
        Look::new(LINKS, "stat -c %n", &[&certificate_link(name), STORE_INCOMPLETE]),
    ]
}

/// Reports the certificates that expire soon or have expired, by the guest's clock.
pub(super) fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let Some(now) = case.facts.engine_time() else { return Vec::new() };
    let all = Trust::all(case.config).filter_map(|trust| {
        let certificate = parse(trust.text(case.facts).ok()?).ok()?;
        let left = certificate.expires.duration_since(now);
        if left.as_ref().is_ok_and(|left| *left > SOON) {
            return None;
        }
        let date = humantime::format_rfc3339_seconds(certificate.expires).to_string();
        let date = date.split('T').next().unwrap_or_default().to_owned();
        let verb = if left.is_ok() { "expires" } else { "expired" };
        let why = format!("{} {verb} on {date}", trust.source.display());
        let finding = Finding::new(Code::CertificateExpires, trust.address.clone())
            .severity(Severity::Notice)
            .saw("subject", certificate.subject)
            .saw("expires", date)
            .because(why)
            .by_hand("replace the file, then run cai apply");
        Some(finding)
    });
    all.collect()
}

impl Resource for Trust {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn notifies(&self) -> Vec<Address> {
        vec![self.restart.clone()]
    }

    fn looks(&self) -> Vec<Look> {
        looks(self.address.name())
    }

    fn host_files(&self) -> Vec<PathBuf> {
        vec![self.source.clone()]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        match (self.text(facts), self.vm.seen(facts)) {
            (Ok(text), Some((guest, ssh))) => self.update(text, guest, facts, &ssh),
            (text, _) => {
                let change = self.vm.unseen(&self.address, self.wanted(facts), facts);
                text.err().into_iter().fold(change, Change::blocked)
            }
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| actual(guest, self.address.name()).is_some())
    }
}

/// A certificate that the file no longer declares.
#[derive(Debug)]
struct Undeclared {
    vm: VmRef,
    name: String,
}

impl Removable for Undeclared {
    type State<'a> = State;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<State> {
        in_seen_guest(facts, |guest| actual(guest, &self.name))
    }

    fn looks(&self) -> Vec<Look> {
        looks(&self.name)
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let Some(ssh) = self.vm.ssh(facts) else { return change };
        let path = certificate_path(&self.name);
        let delete =
            Operation::Settings { of: DockerdSettings::Certificates, files: &[], delete: &[&path] };
        change
            .causing(SideEffect::DockerdSettings(DockerdSettings::Certificates))
            .step(Step::run("delete the certificate from the guest's store", delete.command(&ssh)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate for 100 years, made by `openssl req -x509`. Its key was not kept.
    const CA: &str = include_str!("../../tests/support/corp-ca.pem");
    const EXPIRES: &str = "2126-11-06T02:24:56Z";

    #[test]
    fn a_file_has_one_certificate_and_no_key() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let not_one = "is not a certificate in the PEM format";
        let secret = "contains a private key, which must not leave this machine";
        let several = "contains several certificates; write each to a separate file";
        for (text, why) in [
            ("", not_one),
            ("hello", not_one),
            (CA.trim_end().trim_end_matches('-'), not_one),
            (damaged, not_one),
            (&format!("{CA}{CA}"), several),
            (&format!("{CA}{key}"), secret),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
        let certificate = parse(CA).unwrap();
        assert_eq!(certificate.subject, "CN=Corp CA");
        let expires = humantime::format_rfc3339_seconds(certificate.expires).to_string();
        assert_eq!(expires, EXPIRES);
    }
}
