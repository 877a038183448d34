//! Whether the egress rules work: only a connection from a container shows that.

use crate::guest::Operation;
use crate::host::{CommandError, CommandSpec, Output};
use crate::lima::Ssh;
use crate::model::egress::DestinationHost;
use crate::plan::{Code, Finding};
use crate::resource::{Case, Egress};

/// The port of a name that is allowed on all ports.
const PORT: u16 = 443;
/// The address of cloud metadata. `try-egress.sh` connects to it.
const METADATA: &str = "169.254.169.254:80";

/// Connections from a temporary container: one that is allowed, and one that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressAttempt {
    /// The allowed name and its port, if the policy has one.
    pub allowed: Option<(String, u16)>,
    /// The command that tries both.
    pub command: CommandSpec,
}

impl EgressAttempt {
    /// For an engine whose rules are as the file says, if dockerd answers.
    pub fn on(case: &Case<'_>) -> Option<Self> {
        let policy = case.config.egress.as_ref()?.policy();
        case.facts.guest.present().filter(|guest| guest.docker_answers())?;
        let metadata = METADATA.parse().ok()?;
        if case.effect(&Egress::own_address()).is_some() || policy.decide(&metadata).allows() {
            return None;
        }
        let ssh =
            Ssh::new(case.facts.tools.ssh.clone()?, &case.facts.directory, &case.config.vm.name);
        let names = policy.entries.into_iter().filter_map(|entry| match entry.to.host {
            DestinationHost::Name(name) => Some((name, entry.to.port.unwrap_or(PORT))),
            DestinationHost::Below(_) | DestinationHost::Network(_) => None,
        });
        let allowed = names.into_iter().next();
        let (name, port) = allowed.clone().unwrap_or_default();
        let command = Operation::TryEgress { name: &name, port }.command(&ssh);
        Some(Self { allowed, command })
    }

    /// The findings about the connections, and a sentence if there are none.
    ///
    /// # Errors
    /// When the output lacks a result.
    pub fn judge(&self, output: Output) -> Result<(Vec<Finding>, String), CommandError> {
        let lines: Vec<&str> = output.stdout.lines().collect();
        let has_result = |what: &str| lines.iter().any(|line| line.starts_with(what));
        if !has_result("blocked ") || self.allowed.is_some() && !has_result("allowed ") {
            let why = "expected a line for each connection";
            return Err(CommandError::unreadable(&self.command, output, why));
        }
        Ok(self.findings(&lines))
    }

    fn findings(&self, lines: &[&str]) -> (Vec<Finding>, String) {
        let has = |line: &str| lines.contains(&line);
        let mut findings = Vec::new();
        let allowed = self.allowed.as_ref().map(|(name, port)| format!("{name}:{port}"));
        if let (Some(allowed), true) = (&allowed, has("allowed blocked")) {
            findings.push(
                Finding::new(Code::EgressNameBlocked, Some(Egress::own_address()))
                    .because(format!("a container cannot reach {allowed}, but the VM can"))
                    .so("containers cannot use what [egress] allows")
                    .by_hand("see `cai logs egress`, which needs `log = true` under [egress]"),
            );
        }
        if has("blocked open") {
            findings.push(
                Finding::new(Code::EgressOpen, Some(Egress::own_address()))
                    .because("the rules did not refuse a connection to 169.254.169.254")
                    .so("containers can connect to blocked destinations")
                    .by_hand("run `cai apply`, then `cai doctor --deep` again"),
            );
        }
        let reached = match allowed {
            Some(name) if has("allowed ok") => {
                format!("A container reaches {name}, and the rules refuse")
            }
            Some(name) => {
                format!("Neither a container nor the VM reaches {name}. The rules refuse")
            }
            None => "The rules refuse".to_owned(),
        };
        (findings, format!("{reached} 169.254.169.254."))
    }
}
