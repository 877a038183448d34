//! The table of all that can be wrong: what bends a healthy machine, and what it is found to be.

use containai::docker::{ContextMetadata, Environment};
use containai::doctor::{Code, Severity};
use containai::guest::{
    Container, DOCKER_SERVICE, Document, Group, GuestFacts, Section, Unfinished, Unit,
};
use containai::host::Ping;
use containai::lima::{Agent, Status, UserFile};
use containai::model::digest::sha256;
use containai::plan::Observation;
use containai::plan::Reason;
use containai::resource::facts::{Facts, HostFile};

use crate::support::CA;
use crate::support::machine::{bend_guest, bend_vm, config, fresh, put_down, stop_dockerd};

/// What bends a healthy machine, and the one code that it is found to be.
pub struct Bent {
    pub code: Code,
    pub severity: Severity,
    pub fixable: bool,
    /// A piece of the evidence, as `name=value` in JSON.
    pub evidence: (&'static str, &'static str),
    /// What the file says beside the usual.
    pub file: &'static str,
    pub bend: fn(&mut Facts, &mut Environment),
}

const fn bent(
    code: Code,
    evidence: (&'static str, &'static str),
    bend: fn(&mut Facts, &mut Environment),
) -> Bent {
    Bent { code, severity: Severity::Error, fixable: true, evidence, file: "", bend }
}

impl Bent {
    const fn by_hand(mut self) -> Self {
        self.fixable = false;
        self
    }
    const fn warns(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
    const fn notes(mut self) -> Self {
        self.severity = Severity::Notice;
        self.by_hand()
    }
    const fn with(mut self, file: &'static str) -> Self {
        self.file = file;
        self
    }
}

pub const SYSBOX: &str = "[sysbox]\nenabled = true\n";

/// Sysbox as it should be.
pub fn install_sysbox(guest: &mut GuestFacts) {
    guest.packages.insert("sysbox-ce".into(), "0.7.1.linux".into());
    for unit in ["sysbox.service", "sysbox-mgr.service", "sysbox-fs.service"] {
        guest
            .units
            .insert(unit.into(), Unit { active: "active".into(), enabled: "enabled".into() });
    }
    guest.runtimes.push("sysbox-runc".into());
    guest.daemon_json.text = Some(
        "{\n    \"live-restore\": true,\n    \"runtimes\": {\"sysbox-runc\": {\"path\": \
         \"/usr/bin/sysbox-runc\"}},\n    \"bip\": \"172.20.0.1/16\",\n    \
         \"default-address-pools\": [{\"base\": \"172.25.0.0/16\", \"size\": 24}]\n}\n"
            .into(),
    );
}

/// The user is in no group, and the session has none.
pub fn leave_docker(guest: &mut GuestFacts) {
    guest.session_groups.remove("docker");
    guest.groups.insert("docker".into(), Group { gid: 999, members: vec![] });
}

pub fn fail_dockerd(guest: &mut GuestFacts) {
    stop_dockerd(guest);
    let failed = Unit { active: "failed".into(), enabled: "enabled".into() };
    guest.units.insert(DOCKER_SERVICE.into(), failed);
    guest.daemon_log = vec!["failed to start daemon: no space left on device".into()];
}

pub const CASES: &[Bent] = &[
    bent(Code::LimaMissing, ("required", "\">=1.1\""), |facts, _| {
        let reason = || Reason::Absent;
        facts.tools.limactl = None;
        facts.vm = Observation::Unobservable(reason());
        facts.guest = Observation::Unobservable(reason());
        facts.socket = None;
    }),
    bent(Code::LimaTooOld, ("version", "\"1.0.7\""), |facts, _| {
        facts.tools.limactl = Some(("/bin/limactl".into(), semver::Version::new(1, 0, 7)));
    }),
    bent(Code::SshMissing, ("", ""), |facts, _| {
        facts.tools.ssh = None;
        let reason = Reason::GuestSilent("ssh is not on PATH".into());
        facts.guest = Observation::Unobservable(reason);
        facts.socket = None;
    })
    .by_hand(),
    bent(Code::DockerCliMissing, ("", ""), |facts, _| facts.tools.docker = None).by_hand(),
    bent(Code::SocketPathTooLong, ("limit", "107"), |facts, _| {
        facts.directory = format!("/home/{}/.lima/containai-secure", "x".repeat(80)).into();
        let socket = facts.docker_socket();
        facts.vm = Observation::Absent;
        facts.guest = Observation::Absent;
        facts.socket = None;
        if let Some(context) = &mut facts.context {
            context.host = format!("unix://{}", socket.display());
        }
    })
    .by_hand(),
    bent(Code::VmAbsent, ("directory", "\"/home/dev/.lima/containai-secure\""), |facts, _| {
        *facts = fresh(&config());
    }),
    bent(Code::VmStopped, ("status", "\"Stopped\""), |facts, _| put_down(facts, Status::Stopped)),
    bent(Code::VmBroken, ("guest_answers", "true"), |facts, _| {
        bend_vm(facts, |vm| vm.status = Status::Broken);
    }),
    bent(Code::VmBroken, ("status", "\"Hibernated\""), |facts, _| {
        put_down(facts, Status::Other("Hibernated".into()));
    })
    .by_hand(),
    bent(Code::VmStarting, ("ssh_master", "true"), |facts, _| {
        facts.agent = Some(Agent::Starting);
        facts.guest = Observation::Unobservable(Reason::GuestSilent("refused".into()));
        facts.socket = None;
    })
    .by_hand(),
    bent(Code::VmUnreachable, ("ssh", "\"`ssh` did not finish\""), |facts, _| {
        facts.agent = Some(Agent::Started);
        facts.guest = Observation::Unobservable(Reason::GuestSilent("`ssh` did not finish".into()));
        facts.socket = None;
    })
    .by_hand(),
    bent(Code::ProvisionFailed, ("exit_status", "\"100\""), |facts, _| {
        bend_guest(facts, |guest| {
            stop_dockerd(guest);
            guest.units.clear();
            guest.groups.remove("docker");
            guest.session_groups.remove("docker");
            guest.dockerd_installed = false;
            guest.socket = None;
            guest.provision_failed = Some("100".into());
        });
        facts.socket = None;
    })
    .with("#distro"),
    bent(Code::ProvisionFailed, ("dockerd_installed", "true"), |facts, _| {
        bend_guest(facts, |guest| guest.provision_failed = Some("1".into()));
    }),
    bent(
        Code::ProvisionFailed,
        ("dockerd_log", "[\"failed to start daemon: no space left on device\"]"),
        |facts, _| {
            bend_guest(facts, |guest| {
                fail_dockerd(guest);
                guest.provision_failed = Some("1".into());
            });
            facts.socket = None;
        },
    ),
    bent(
        Code::DockerdDown,
        ("log", "[\"failed to start daemon: no space left on device\"]"),
        |facts, _| {
            bend_guest(facts, fail_dockerd);
            facts.socket = None;
        },
    ),
    bent(Code::DockerdDown, ("exit_status", "124"), |facts, _| {
        bend_guest(facts, |guest| {
            guest.docker_as_root = Some(Section { text: "no answer".into(), status: 124 });
            guest.containers = None;
        });
        facts.socket = Some(Ping::Closed);
    }),
    bent(Code::GuestSocketMissing, ("guest_socket", "\"missing\""), |facts, _| {
        bend_guest(facts, |guest| {
            guest.docker_as_root = Some(Section { text: "Cannot connect".into(), status: 1 });
            guest.socket = None;
            guest.containers = None;
        });
        facts.socket = Some(Ping::Closed);
    }),
    bent(
        Code::GuestSocketGroup,
        ("guest_socket", "\"mode 660 of root, group root (0)\""),
        |facts, _| {
            bend_guest(facts, |guest| {
                if let Some(socket) = &mut guest.socket {
                    (socket.group, socket.gid) = ("root".into(), 0);
                }
            });
            facts.socket = Some(Ping::Closed);
        },
    ),
    bent(
        Code::GuestSocketGroup,
        ("guest_socket", "\"mode 600 of root, group docker (999)\""),
        |facts, _| {
            bend_guest(facts, |guest| guest.socket.as_mut().unwrap().mode = "600".into());
            facts.socket = Some(Ping::Closed);
        },
    ),
    bent(Code::GroupMissing, ("groups_of_the_open_session", "[\"dev\"]"), |facts, _| {
        bend_guest(facts, leave_docker);
        facts.socket = Some(Ping::Closed);
    }),
    bent(Code::SessionStale, ("groups_configured", "[\"docker\"]"), |facts, _| {
        bend_guest(facts, |guest| {
            guest.session_groups.remove("docker");
        });
        facts.socket = Some(Ping::Closed);
    }),
    bent(Code::HostSocketMissing, ("host_socket", "\"does not exist\""), |facts, _| {
        facts.socket = Some(Ping::Missing);
    }),
    bent(Code::ForwardDead, ("guest", "\"dockerd answers root\""), |facts, _| {
        facts.socket = Some(Ping::Refused);
    }),
    bent(Code::ForwardDead, ("host_socket", "\"closes connections without an answer\""), |facts, _| {
        facts.socket = Some(Ping::Closed);
    }),
    bent(Code::HostSocketPermission, ("host_socket", "\"denies access\""), |facts, _| {
        facts.socket = Some(Ping::Denied);
    }),
    bent(Code::SysboxMissing, ("runtimes", "[\"runc\",\"sysbox-runc\"]"), |facts, _| {
        bend_guest(facts, |guest| {
            install_sysbox(guest);
            guest.runtimes = ["runc", "sysbox-runc"].map(String::from).into();
            // The package's script also removes the runtime from the file.
            let text = guest.daemon_json.text.as_mut().unwrap();
            *text = text.replace("\"sysbox-runc\": {\"path\": \"/usr/bin/sysbox-runc\"}", "");
            assert!(text.contains("\"runtimes\": {}"), "{text}");
            guest.packages.remove("sysbox-ce");
            guest.units.retain(|name, _| !name.starts_with("sysbox"));
        });
    })
    .with(SYSBOX),
    bent(Code::SysboxMissing, ("package", "\"0.7.1.linux\""), |facts, _| {
        bend_guest(facts, |guest| {
            install_sysbox(guest);
            guest.runtimes.pop();
        });
    })
    .with(SYSBOX)
    .by_hand(),
    bent(
        Code::SysboxUnfinished,
        ("package", "\"0.7.1.linux half-configured\""),
        |facts, _| {
            bend_guest(facts, |guest| {
                install_sysbox(guest);
                let version = guest.packages.remove("sysbox-ce").unwrap();
                let status = "half-configured".into();
                guest.unfinished.insert("sysbox-ce".into(), Unfinished { status, version });
                guest.units.retain(|name, _| !name.starts_with("sysbox"));
            });
        },
    )
    .with(SYSBOX),
    bent(
        Code::SysboxServicesDown,
        (
            "services",
            "[\"sysbox.service active\",\"sysbox-mgr.service active\",\"sysbox-fs.service failed\"]",
        ),
        |facts, _| {
            bend_guest(facts, |guest| {
                install_sysbox(guest);
                let failed = Unit { active: "failed".into(), enabled: "enabled".into() };
                guest.units.insert("sysbox-fs.service".into(), failed);
            });
        },
    )
    .with(SYSBOX),
    bent(Code::SysboxDefault, ("default_runtime", "\"sysbox-runc\""), |facts, _| {
        bend_guest(facts, |guest| {
            install_sysbox(guest);
            guest.runtimes.insert(0, "sysbox-runc".into());
            let text = guest.daemon_json.text.take().unwrap();
            guest.daemon_json.text =
                Some(text.replacen('{', "{\n    \"default-runtime\": \"sysbox-runc\",", 1));
        });
    })
    .with(SYSBOX),
    bent(Code::ContainersLeftStopped, ("containers", "[\"keep\"]"), |facts, _| {
        bend_guest(facts, |guest| {
            let left = guest.containers.as_ref().unwrap()[0].clone();
            guest.stopped_by_cai.push(Container { id: "k".into(), name: "keep".into(), ..left });
        });
    }),
    bent(Code::DaemonJsonDrift, ("keys", "[\"live-restore\"]"), |facts, _| {
        bend_guest(facts, |guest| guest.daemon_json.text = Some("{}\n".into()));
    })
    .warns(),
    bent(Code::DaemonJsonDrift, ("runtimes", "[\"runc\",\"io.containerd.runc.v2\"]"), |facts, _| {
        bend_guest(facts, |guest| {
            install_sysbox(guest);
            guest.runtimes.pop();
            guest.daemon_json.text = Some("{\n    \"live-restore\": true\n}\n".into());
        });
    })
    .with(SYSBOX),
    bent(Code::DaemonJsonDrift, ("", ""), |facts, _| {
        bend_guest(facts, |guest| guest.daemon_json.text = Some("{".into()));
    })
    .warns()
    .by_hand(),
    bent(Code::DaemonJsonDrift, ("", ""), |facts, _| {
        bend_guest(facts, |guest| {
            let text = "{\"live-restore\": true, \"default-runtime\": \"crun\"}";
            guest.daemon_json.text = Some(text.into());
        });
    })
    .warns()
    .by_hand(),
    bent(Code::VmDrift, ("cpus", "\"2, declared 4\""), |facts, _| {
        bend_vm(facts, |vm| {
            vm.yaml.insert("cpus".into(), 2.into());
        });
    })
    .warns(),
    bent(Code::VmDrift, ("cpus", "\"3, declared 4\""), |facts, _| {
        bend_guest(facts, |guest| guest.cpus = Some(3));
    })
    .warns(),
    bent(Code::VmDrift, ("disk", "\"80GiB, declared 50GiB\""), |facts, _| {
        bend_vm(facts, |vm| {
            vm.disk = Some(80 << 30);
            vm.yaml.insert("disk".into(), "80GiB".into());
        });
    })
    .warns()
    .by_hand(),
    bent(Code::VmOverridden, ("keys", "[\"cpus\"]"), |facts, _| {
        let keys = [("cpus".to_owned(), 3.into()), ("ssh".to_owned(), "any".into())];
        let path = "/home/dev/.lima/_config/override.yaml".into();
        facts.lima_files = vec![UserFile { path, wins: true, keys: keys.into_iter().collect() }];
        // So Lima starts it, and so it runs.
        bend_vm(facts, |vm| vm.cpus = Some(3));
        bend_guest(facts, |guest| guest.cpus = Some(3));
    })
    .notes(),
    bent(Code::MountExposes, ("mounts", "[\"~\"]"), |facts, _| {
        facts.home = Some("/home/dev".into());
        bend_vm(facts, |vm| {
            let mut yaml = (*vm.yaml).clone();
            yaml.insert("mounts".into(), serde_json::json!([{"location": "~", "writable": true}]));
            vm.yaml = yaml.into();
        });
    })
    .notes(),
    bent(Code::CertificateExpires, ("expires", "\"2126-11-06\""), |facts, _| {
        let sum = sha256(CA.as_bytes());
        let file = HostFile { sha256: sum.clone(), text: Some(CA.into()) };
        facts.files.insert("/team/ca.pem".into(), file);
        bend_guest(facts, |guest| {
            let seen = format!(
                "@m trust_sums\n{sum}  /usr/local/share/ca-certificates/cai-ca.crt\n@m = 0\n\
                 @m trust_links\n/etc/ssl/certs/cai-ca.pem\n@m = 0\n@m end\n"
            );
            guest.document = Document::parse(&seen, "m").unwrap();
            let now = humantime::parse_rfc3339("2126-10-08T00:00:00Z").unwrap();
            guest.engine.get_or_insert_default().time = Some(now);
        });
    })
    .notes()
    .with("[[trust]]\ncertificate = \"/team/ca.pem\"\n"),
    bent(Code::Drift, ("addresses", "[\"user.ci\",\"group_membership.ci.docker\"]"), |_, _| {})
        .warns()
        .with("[[users]]\nname = \"ci\"\ngroups = [\"docker\"]\n[[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n"),
    bent(Code::ContextMissing, ("wanted", ENDPOINT), |facts, _| facts.context = None),
    bent(Code::ContextEndpoint, ("endpoint", "\"unix:///elsewhere.sock\""), |facts, _| {
        if let Some(context) = &mut facts.context {
            context.host = "unix:///elsewhere.sock".into();
        }
    }),
    bent(Code::ContextShadowed, ("DOCKER_HOST", "\"tcp://192.0.2.1:2375\""), |_, environment| {
        environment.docker_host = Some("tcp://192.0.2.1:2375".into());
        environment.docker_context = Some("containai-secure".into());
    })
    .notes(),
    bent(Code::ContextShadowed, ("DOCKER_CONTEXT", "\"desktop-linux\""), |_, environment| {
        environment.docker_context = Some("desktop-linux".into());
    })
    .notes(),
    bent(Code::ContainaiConflict, ("vm_bears_the_mark", "false"), |facts, _| {
        bend_vm(facts, |vm| vm.managed = false);
    })
    .notes(),
    bent(Code::ContainaiConflict, ("endpoint", "\"tcp://192.0.2.1:2375\""), |facts, _| {
        facts.context = Some(ContextMetadata {
            host: "tcp://192.0.2.1:2375".into(),
            description: "ContainAI secure engine".into(),
        });
    })
    .by_hand(),
];

const ENDPOINT: &str = "\"unix:///home/dev/.lima/containai-secure/sock/docker.sock\"";
