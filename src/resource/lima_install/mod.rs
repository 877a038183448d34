//! The `limactl` program: installed, in a version that the file accepts.

pub(super) mod diagnosis;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::config::{Config, Install, Lima};
use crate::host::{Archive, CommandSpec, Network, Os};
use crate::lima::{Release, platform_key};
use crate::model::address::{Address, Kind};
use crate::model::proxy::ProxySettings;
use crate::model::value::Known;
use crate::plan::{Change, Problem, Reason, Step};
use crate::resource::facts::Facts;
use crate::resource::{PlanContext, Resource};

/// How long Homebrew may take: it may also download QEMU and its dependencies.
const HOMEBREW: Duration = Duration::from_secs(60 * 60);

/// The `limactl` program.
#[derive(Debug)]
pub struct LimaInstall {
    address: Address,
    lima: Lima,
    network: Network,
}

/// The state of an installation.
#[derive(Debug, PartialEq, Serialize)]
struct State {
    /// With Homebrew, the version is known only after the installation.
    version: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<String>,
}

impl State {
    fn version(version: impl ToString) -> Self {
        let version = Known::Known(version.to_string());
        Self { version, from: None, sha256: None, into: None }
    }
}

/// How Lima is installed.
enum Way {
    /// Homebrew installs or upgrades its own version.
    Homebrew { program: PathBuf, verb: &'static str },
    /// The archive of a release is unpacked.
    Archive(Release),
}

impl LimaInstall {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        Self { address: Self::own_address(), lima: config.lima.clone(), network: config.network() }
    }

    /// Its address. A machine has one Lima.
    pub fn own_address() -> Address {
        Address::new(Kind::LIMA_INSTALL, "lima")
    }

    /// The command with which a person installs the declared Lima. It compares the checksum of a download
    /// before root unpacks it.
    ///
    /// # Errors
    /// If the checksum is unknown.
    pub fn by_hand(lima: &Lima, facts: &Facts) -> Result<String, Problem> {
        if facts.platform.os == Os::MacOs && facts.tools.brew.is_some() {
            let verb = if facts.tools.limactl.is_some() { "upgrade" } else { "install" };
            return Ok(format!("brew {verb} lima"));
        }
        let Release { version, url, sha256 } = Release::wanted(lima, facts.platform);
        let platform = platform_key(facts.platform);
        let sha256 = sha256.ok_or(Problem::LimaChecksum { version, platform })?;
        let url = shlex::try_quote(&url).unwrap_or_default();
        let compare = match facts.platform.os {
            Os::Linux => "sha256sum -c",
            Os::MacOs => "shasum -a 256 -c",
        };
        Ok(format!(
            "curl -fsSLo lima.tar.gz {url} && echo '{sha256}  lima.tar.gz' | {compare} && \
             sudo tar xzf lima.tar.gz -C /usr/local"
        ))
    }

    /// An archive is unpacked where `cai` looks if it cannot use the `limactl` on `PATH`. Homebrew can only
    /// upgrade the `limactl` in its own directory: another one that is earlier on `PATH` would stay first.
    fn way(&self, facts: &Facts) -> Way {
        let brew = facts.tools.brew.clone().filter(|_| facts.platform.os == Os::MacOs);
        let found = facts.tools.limactl.as_ref().map(|(path, _)| path);
        match (brew, found) {
            (Some(program), None) => Way::Homebrew { program, verb: "install" },
            (Some(program), Some(found)) if program.parent() == found.parent() => {
                Way::Homebrew { program, verb: "upgrade" }
            }
            _ => Way::Archive(Release::wanted(&self.lima, facts.platform)),
        }
    }

    /// Installs Lima if it is missing or the file does not accept its version.
    fn install(&self, facts: &Facts) -> Change {
        if self.lima.install == Install::Never {
            return self.change(facts, self.required()).blocked(self.missing(facts));
        }
        let change = match self.way(facts) {
            Way::Homebrew { program, verb } => {
                let from = Some("Homebrew".to_owned());
                let after = State { version: Known::Unknown, from, sha256: None, into: None };
                let command = CommandSpec::new(program).args([verb, "lima"]).timeout(HOMEBREW);
                let variables = self.network.proxy.iter().flat_map(ProxySettings::all_variables);
                let command = command.variables(variables);
                let step = Step::run(format!("{verb} Lima with Homebrew"), command);
                self.change(facts, after).step(step)
            }
            Way::Archive(release) => self.unpack(facts, release),
        };
        // Lima cannot create a VM without ssh.
        match (&change.problem, &facts.tools.ssh) {
            (None, None) => change.blocked(Problem::SshMissing),
            _ => change,
        }
    }

    fn unpack(&self, facts: &Facts, release: Release) -> Change {
        let directory = release.directory(&facts.lima_releases);
        let Release { version, url, sha256 } = release;
        let after = State {
            from: Some(url.clone()),
            sha256: sha256.as_ref().map(ToString::to_string),
            into: Some(directory.to_string_lossy().into_owned()),
            ..State::version(&version)
        };
        let change = self.change(facts, after);
        let required = &self.lima.version;
        if !required.matches(&version) {
            return change.blocked(Problem::LimaRelease { version, required: required.clone() });
        }
        let Some(sha256) = sha256 else {
            let platform = platform_key(facts.platform);
            return change.blocked(Problem::LimaChecksum { version, platform });
        };
        let title = format!("download and unpack Lima {version}");
        let network = self.network.clone();
        change.step(Step::unpack(title, Archive { url, sha256, directory, network }))
    }

    fn change(&self, facts: &Facts, after: State) -> Change {
        let Some((_, found)) = &facts.tools.limactl else {
            return Change::create(&self.address, after).because(Reason::Absent);
        };
        Change::between(&self.address, State::version(found), after)
    }

    fn required(&self) -> State {
        State::version(&self.lima.version)
    }

    /// Why no accepted `limactl` can be used.
    pub fn missing(&self, facts: &Facts) -> Problem {
        let install = match Self::by_hand(&self.lima, facts) {
            Ok(install) => install,
            Err(problem) => return problem,
        };
        match &facts.tools.limactl {
            None => Problem::LimaMissing { install },
            Some((_, found)) => {
                let (found, required) = (found.clone(), self.lima.version.clone());
                Problem::LimaVersion { found, required, install }
            }
        }
    }
}

impl Resource for LimaInstall {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        Vec::new()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let tools = &context.facts.tools;
        match &tools.limactl {
            Some((_, found)) if self.lima.version.matches(found) => {
                let change = Change::unchanged(&self.address, self.required());
                // Lima needs ssh as well, but reports that only after it has created a VM.
                if tools.ssh.is_some() { change } else { change.blocked(Problem::SshMissing) }
            }
            _ => self.install(context.facts),
        }
    }
}
