//! Observed machines, as data: a healthy one, to be bent by each test.

use containai::config::{self, Config};
use containai::docker::ContextMetadata;
use containai::facts::{Facts, Observation, Tools, VmFacts};
use containai::guest::{Container, GuestFacts, GuestSocket, Section};
use containai::host::Ping;
use containai::lima::{self, Status};

pub const DIRECTORY: &str = "/home/dev/.lima/containai-secure";

/// A file that declares sizes, so that changes of them can be planned.
pub fn config() -> Config {
    config_with("")
}

/// The same file with more lines at its end.
pub fn config_with(lines: &str) -> Config {
    let source = format!(
        "version = 1\n[vm]\ncpus = 4\nmemory = \"4GiB\"\ndisk = \"50GiB\"\n[docker]\n\
         source = \"preinstalled\"\n{lines}"
    );
    config::parse(&source).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// A machine that is just what the file says.
pub fn healthy(config: &Config) -> Facts {
    Facts {
        macos: false,
        tools: Tools {
            limactl: Some(("/bin/limactl".into(), semver::Version::new(2, 2, 0))),
            ssh: Some("/bin/ssh".into()),
            docker: Some("/bin/docker".into()),
        },
        directory: DIRECTORY.into(),
        vm: Observation::Present(VmFacts {
            status: Status::Running,
            user: Some("dev".into()),
            yaml: lima::template(config),
        }),
        guest: Observation::Present(guest()),
        master: true,
        socket: Some(Ping::Answered { api_version: "1.41".into() }),
        context: Some(ContextMetadata {
            host: format!("unix://{DIRECTORY}/sock/docker.sock"),
            description: "Docker in the Lima VM containai-secure, managed by cai".into(),
        }),
    }
}

/// A machine with the tools and nothing else.
pub fn fresh(config: &Config) -> Facts {
    Facts {
        vm: Observation::Absent,
        guest: Observation::Absent,
        master: false,
        socket: None,
        context: None,
        ..healthy(config)
    }
}

/// The guest of a healthy machine.
pub fn guest() -> GuestFacts {
    GuestFacts {
        user: "dev".into(),
        session_groups: ["dev", "docker"].map(String::from).into(),
        groups: [("docker".into(), vec!["dev".into()]), ("adm".into(), vec![])].into(),
        cpus: Some(4),
        memory: Some(3_900 << 20),
        dockerd_installed: true,
        docker_active: "active".into(),
        docker_enabled: "enabled".into(),
        socket: Some(GuestSocket {
            mode: "660".into(),
            owner: "root".into(),
            group: "docker".into(),
        }),
        provision_failed: None,
        docker_as_root: Some(Section { text: "abc|agent-1|Up 3 hours".into(), status: 0 }),
        containers: vec![Container {
            id: "abc".into(),
            name: "agent-1".into(),
            status: "Up 3 hours".into(),
        }],
        docker_log: String::new(),
    }
}

/// Bends what the guest looks like.
pub fn bend_guest(facts: &mut Facts, bend: impl FnOnce(&mut GuestFacts)) {
    if let Observation::Present(guest) = &mut facts.guest {
        bend(guest);
    }
}

/// Bends what Lima says of the VM.
pub fn bend_vm(facts: &mut Facts, bend: impl FnOnce(&mut VmFacts)) {
    if let Observation::Present(vm) = &mut facts.vm {
        bend(vm);
    }
}

/// Lima says that the VM is in this state, and its guest cannot be asked.
pub fn put_down(facts: &mut Facts, status: Status) {
    facts.guest = Observation::Unobservable(containai::plan::Reason::VmIs(status.clone()));
    facts.master = false;
    facts.socket = Some(Ping::Missing);
    bend_vm(facts, |vm| vm.status = status);
}
