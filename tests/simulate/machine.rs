//! A simulated machine with one VM, and what is typed on it.

use std::path::PathBuf;

use containai::host::{Ping, Probe, System};
use containai::simulate::{Call, LINUX, Reply, SimulatedHost, World, run};

/// The YAML of a VM with Docker in its image, started by a script, its socket forwarded.
pub const YAML: &str = "images: [{location: /images/docker.img}]\n\
     portForwards:\n- guestSocket: /var/run/docker.sock\n  hostSocket: \"{{.Dir}}/sock/docker.sock\"\n\
     provision:\n- mode: system\n  script: systemctl enable --now docker.service\n";

/// A machine with one VM, and what is typed on it.
pub struct Machine(pub SimulatedHost<'static>);

impl Machine {
    /// With a VM that was just started for the first time; its user is in no group.
    pub fn new() -> Self {
        Self::of(YAML)
    }

    pub fn of(yaml: &str) -> Self {
        let machine = Self(SimulatedHost::new(&System, World::new(LINUX)));
        machine.types("limactl create --name=vm -", Some(yaml)).is(0);
        machine
    }

    pub fn started() -> Self {
        let machine = Self::new();
        machine.host("limactl start vm").is(0);
        machine
    }

    pub fn types(&self, line: &str, stdin: Option<&str>) -> Answer {
        let words = shlex::split(line).unwrap();
        let call = Call { args: &words[1..], stdin: stdin.map(str::as_bytes), ..Call::default() };
        Answer(
            line.to_owned(),
            self.0.change(|world| run(world, &words[0], &call)).unwrap().unwrap(),
        )
    }

    pub fn host(&self, line: &str) -> Answer {
        self.types(line, None)
    }

    pub fn directory(&self) -> PathBuf {
        self.0.world().computer.lima_home.join("vm")
    }

    /// `ssh` to the guest over Lima's connection, or one of its control commands.
    pub fn ssh(&self, rest: &str) -> Answer {
        self.host(&format!("ssh -F {}/ssh.config {rest}", self.directory().display()))
    }

    pub fn guest(&self, line: &str) -> Answer {
        self.ssh(&format!("lima-vm {line}"))
    }

    pub fn forward(&self, operation: &str) -> Answer {
        let socket = self.directory().join("sock/docker.sock");
        let socket = socket.display();
        self.ssh(&format!("-O {operation} -L {socket}:/var/run/docker.sock lima-vm"))
    }

    pub fn socket(&self) -> PathBuf {
        self.directory().join("sock/docker.sock")
    }

    pub fn ping(&self) -> Ping {
        self.0.ping(&self.socket())
    }

    /// Puts a text into `daemon.json`.
    pub fn daemon_json(&self, text: &str) {
        let line = format!("ssh -F {}/ssh.config lima-vm", self.directory().display());
        self.types(&format!("{line} 'sudo -n dd of=/etc/docker/daemon.json'"), Some(text)).is(0);
    }

    pub fn join_docker(&self) {
        self.guest("sudo -n usermod -aG docker dev").is(0);
    }
}

/// What a command left.
pub struct Answer(String, pub Reply);

impl Answer {
    #[track_caller]
    pub fn is(&self, code: i32) -> &Self {
        assert_eq!(self.1.code, code, "{}: {:?}", self.0, self.1);
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        let said = format!("{}{}", self.1.stdout, self.1.stderr);
        assert!(said.contains(text), "{}: {said}", self.0);
        self
    }
}
