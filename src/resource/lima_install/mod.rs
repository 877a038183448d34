//! The `limactl` program: it is there, and new enough.

pub(super) mod diagnosis;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::config::{Install, Lima};
use crate::host::{Archive, CommandSpec, Os};
use crate::lima::{Release, platform_key};
use crate::model::address::{Address, Kind};
use crate::model::value::Known;
use crate::plan::{Change, Problem, Reason, Step};
use crate::resource::facts::Facts;
use crate::resource::{PlanContext, Resource};

/// How long Homebrew may take: it may fetch QEMU and all that it needs, too.
const HOMEBREW: Duration = Duration::from_secs(60 * 60);

/// The `limactl` program.
#[derive(Debug)]
pub struct LimaInstall {
    address: Address,
    lima: Lima,
}

/// The state of an installation.
#[derive(Debug, Serialize)]
struct State {
    /// Homebrew says which version it has only once it has installed it.
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

/// How Lima comes onto a machine.
enum Way {
    /// Homebrew installs or upgrades what it has.
    Homebrew { program: PathBuf, verb: &'static str },
    /// The archive of a release is unpacked.
    Archive(Release),
}

impl LimaInstall {
    /// As `[lima]` declares it.
    pub fn new(lima: &Lima) -> Self {
        Self { address: Self::own_address(), lima: lima.clone() }
    }

    /// There is one Lima on a machine.
    pub fn own_address() -> Address {
        Address::new(Kind::LIMA_INSTALL, "lima")
    }

    /// The command by which a person installs what a file wants: what comes from elsewhere is
    /// compared before root unpacks it.
    ///
    /// # Errors
    /// When nobody said what its checksum is.
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

    /// An archive goes where `cai` looks when the `limactl` on `PATH` will not do. Homebrew can
    /// only mend its own, which is beside it: any other that is earlier on `PATH` would stay so.
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

    /// What installs Lima, where it is missing or not the one that the file requires.
    fn install(&self, facts: &Facts) -> Change {
        if self.lima.install == Install::Never {
            return self.change(facts, self.required()).blocked(self.missing(facts));
        }
        let change = match self.way(facts) {
            Way::Homebrew { program, verb } => {
                let from = Some("Homebrew".to_owned());
                let after = State { version: Known::Unknown, from, sha256: None, into: None };
                let command = CommandSpec::new(program).args([verb, "lima"]).timeout(HOMEBREW);
                let step = Step::run(format!("{verb} Lima with Homebrew"), command);
                self.change(facts, after).step(step)
            }
            Way::Archive(release) => self.unpack(facts, release),
        };
        // Lima is of no use without it, and no VM would come.
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
        change.step(Step::unpack(title, Archive { url, sha256, directory }))
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

    fn missing(&self, facts: &Facts) -> Problem {
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
                // Lima cannot do without it either, but says so only when a VM has been made.
                if tools.ssh.is_some() { change } else { change.blocked(Problem::SshMissing) }
            }
            _ => self.install(context.facts),
        }
    }
}
