//! Observed machines as data. Each test changes a healthy one.

use containai::config::{self, Config};
use containai::docker::ContextMetadata;
use containai::guest::{
    Account, Container, DOCKER_SERVICE, DaemonJson, Document, Group, GuestFacts, GuestSocket,
    LoadedJson, Section, Unit,
};
use containai::host::Ping;
use containai::lima::{self, Status};
use containai::plan::Observation;
use containai::resource::facts::{Facts, Former, Tools, VmFacts};
use containai::resource::record::Record;

pub const DIRECTORY: &str = "/home/dev/.lima/containai-secure";

/// A file that declares sizes, so that changes of them can be planned.
pub fn config() -> Config {
    config_with("")
}

/// The same file with more lines at its end.
pub fn config_with(lines: &str) -> Config {
    // Most tests do not cover Sysbox.
    let sysbox = if lines.contains("[sysbox]") { "" } else { "[sysbox]\nenabled = false\n" };
    let source = format!(
        "version = 1\n[vm]\ncpus = 4\nmemory = \"4GiB\"\ndisk = \"50GiB\"\n[docker]\n\
         source = \"preinstalled\"\n{sysbox}{lines}"
    );
    config::parse(&source).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// A machine that matches the file.
pub fn healthy(config: &Config) -> Facts {
    Facts {
        platform: containai::simulate::LINUX,
        cpus: Some(8),
        tools: Tools {
            limactl: Some(("/bin/limactl".into(), semver::Version::new(2, 2, 0))),
            ssh: Some("/bin/ssh".into()),
            docker: Some("/bin/docker".into()),
            brew: None,
        },
        lima_releases: "/home/dev/.local/share/cai/lima".into(),
        lima_files: vec![],
        home: Some("/home/dev".into()),
        record: Some(Record::default()),
        former: Former::default(),
        directory: DIRECTORY.into(),
        vm: Observation::Present(VmFacts {
            status: Status::Running,
            user: Some("dev".into()),
            protected: true,
            managed: true,
            cpus: Some(4),
            memory: Some(4 << 30),
            disk: Some(50 << 30),
            arch: Some("x86_64".into()),
            vm_type: Some("qemu".into()),
            yaml: containai::resource::template(config).into(),
            text: lima::to_yaml(&containai::resource::template(config)).into(),
        }),
        guest: Observation::Present(guest()),
        agent: None,
        master: true,
        engine_socket: None,
        socket: Some(Ping::Answered { api_version: "1.41".into() }),
        exposed: false,
        missing: std::collections::BTreeSet::default(),
        files: std::collections::BTreeMap::new(),
        data_disk: None,
        context: Some(ContextMetadata {
            host: format!("unix://{DIRECTORY}/sock/docker.sock"),
            description: "Docker in the Lima VM containai-secure, managed by cai".into(),
        }),
        clients: std::collections::BTreeMap::new(),
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
    let docker = Group { gid: 999, members: vec!["dev".into()] };
    let active = Unit { active: "active".into(), enabled: "enabled".into() };
    GuestFacts {
        user: "dev".into(),
        session_groups: ["dev", "docker"].map(String::from).into(),
        groups: [("docker".into(), docker), ("adm".into(), Group { gid: 4, members: vec![] })]
            .into(),
        accounts: [("dev".into(), Account { uid: 1001, gid: 1001, shell: "/bin/bash".into() })]
            .into(),
        arch: "amd64".into(),
        cpus: Some(4),
        memory: Some(3_900 << 20),
        dockerd_installed: true,
        packages: [("docker.io".into(), "20.10.24+dfsg1-1".into())].into(),
        units: [(DOCKER_SERVICE.into(), active)].into(),
        daemon_json: DaemonJson {
            text: Some("{\n    \"live-restore\": true\n}\n".into()),
            sha256: Some("0".repeat(64)),
            loaded: LoadedJson::Current,
            profile_is_newer: false,
        },
        seccomp_profile: None,
        mounts_data_disk: false,
        runtimes: ["runc", "io.containerd.runc.v2"].map(String::from).into(),
        engine: None,
        socket: Some(GuestSocket {
            mode: "660".into(),
            owner: "root".into(),
            group: "docker".into(),
            gid: 999,
        }),
        provision_failed: None,
        provision_log: Vec::new(),
        daemon_log: Vec::new(),
        docker_as_root: Some(Section { text: String::new(), status: 0 }),
        containers: Some(vec![container("agent-1", "runc")]),
        unfinished: std::collections::BTreeMap::default(),
        stopped_by_cai: Vec::new(),
        not_loaded: Vec::new(),
        document: Document::default(),
    }
}

/// A container that runs.
pub fn container(name: &str, runtime: &str) -> Container {
    Container {
        id: format!("id-of-{name}"),
        name: name.into(),
        runtime: runtime.into(),
        started: "2026-11-21".into(),
        auto_remove: false,
    }
}

/// Stops dockerd.
pub fn stop_dockerd(guest: &mut GuestFacts) {
    guest.units.insert(
        DOCKER_SERVICE.into(),
        Unit { active: "inactive".into(), enabled: "enabled".into() },
    );
    guest.docker_as_root = None;
    guest.containers = None;
    guest.runtimes.clear();
}

/// Changes the observed guest.
pub fn bend_guest(facts: &mut Facts, bend: impl FnOnce(&mut GuestFacts)) {
    if let Observation::Present(guest) = &mut facts.guest {
        bend(guest);
    }
}

/// Changes what Lima reports about the VM.
pub fn bend_vm(facts: &mut Facts, bend: impl FnOnce(&mut VmFacts)) {
    if let Observation::Present(vm) = &mut facts.vm {
        bend(vm);
    }
}

/// Lima reports the VM in this state, and its guest does not answer.
pub fn put_down(facts: &mut Facts, status: Status) {
    facts.guest = Observation::Unobservable(containai::plan::Reason::VmIs(status.clone()));
    facts.master = false;
    facts.socket = Some(Ping::Missing);
    bend_vm(facts, |vm| vm.status = status);
}
