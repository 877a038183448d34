//! One container that uses the shared daemon's socket, and the file that declares it.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::daemon::{Daemon, shared};
use super::image::{self, Image};
use crate::cli::fake;
use crate::support::sandbox::{Ran, Sandbox};

/// How a container is made.
pub struct Setting<'a> {
    pub image: Image,
    /// The mode of its mount.
    pub mode: &'a str,
    /// Whether Compose makes it.
    pub compose: bool,
    /// The directory with its socket, below the daemon's.
    pub directory: &'a str,
    /// More lines of its entry in the file.
    pub lines: &'a str,
    /// More options of `docker run`.
    pub options: &'a [&'a str],
    /// What it runs instead of its program.
    pub command: &'a [&'a str],
    /// More lines of its service in the compose file.
    pub service: &'a str,
}

impl Setting<'_> {
    /// A manager whose image has the socket's group and its user in it.
    pub fn new(image: Image) -> Self {
        let (options, command) = (&[][..], &[][..]);
        let (directory, lines, service) = ("shared", "", "");
        Self { image, mode: "rw", compose: false, directory, lines, options, command, service }
    }
}

/// A container, and a machine that declares it.
pub struct Case {
    pub daemon: &'static Daemon,
    pub sandbox: Sandbox,
    pub name: String,
    image: String,
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Case {
    /// Makes and declares it, and has `cai` make the context.
    pub fn new(setting: &Setting<'_>) -> Self {
        let daemon = shared();
        let image = image::ensure(daemon, setting.image);
        let name = format!("manager-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let sandbox = fake::without_a_socket();
        daemon.serve(&sandbox);
        sandbox.cai(&["apply", "--yes"]).success();
        let case = Self { daemon, sandbox, name, image };
        case.sandbox.directory(&format!("home/{}", case.name));
        let compose =
            format!("compose_file = \"./{}/dind.yml\"\nservice = \"manager\"\n", case.name);
        case.declare(&format!("{}{}", if setting.compose { &compose } else { "" }, setting.lines));
        if setting.compose {
            case.compose(setting);
        } else {
            case.run(setting);
        }
        case
    }

    /// The directory with the socket.
    fn source(&self, setting: &Setting<'_>) -> String {
        self.daemon.path(setting.directory).display().to_string()
    }

    /// Writes the `containai.toml`.
    pub fn declare(&self, lines: &str) {
        let entry = format!(
            "[[socket_clients]]\ncontainer = \"{}\"\nuser = \"mcp\"\nuid = 1001\n{lines}",
            self.name
        );
        self.sandbox.write("home/containai.toml", &format!("{}{entry}", fake::FILE));
    }

    pub fn run(&self, setting: &Setting<'_>) {
        let mount = format!("{}:/var/run:{}", self.source(setting), setting.mode);
        let words = [
            &[
                "run",
                "--detach",
                "--network=none",
                "--stop-signal=KILL",
                "--name",
                &self.name,
                "--volume",
                &mount,
            ],
            setting.options,
            &[self.image.as_str()],
            setting.command,
        ];
        self.daemon.docker(&words.concat());
    }

    /// Two services: the manager, and one that must not be touched.
    fn compose(&self, setting: &Setting<'_>) {
        let Self { name, image, .. } = self;
        let source = self.source(setting);
        let (mode, service) = (setting.mode, setting.service);
        let text = format!(
            "version: \"3.8\"\nservices:\n  manager:\n    image: {image}\n    container_name: {name}\n    \
             stop_signal: SIGKILL\n    network_mode: none\n    volumes:\n      - {source}:/var/run:{mode}\n      - data:/data\n{service}  \
             other:\n    image: {image}\n    container_name: {name}-other\n    network_mode: none\n\
             volumes:\n  data:\n"
        );
        self.sandbox.write(&self.compose_file("dind.yml"), &text);
        let file = self.sandbox.path(self.compose_file("dind.yml"));
        let file = file.to_str().unwrap();
        self.daemon.command(&["docker-compose", "-f", file, "up", "-d"]).success();
    }

    /// A file beside the compose file, in the sandbox.
    pub fn compose_file(&self, file: &str) -> String {
        format!("home/{}/{file}", self.name)
    }

    /// What a real connection from inside comes to, made by the container's own program.
    #[track_caller]
    pub fn connects(&self) -> bool {
        let script = "echo go >/tmp/ask; cat /tmp/answer";
        match self.exec(&["sh", "-c", script]).as_str() {
            "yes" => true,
            "no" => false,
            other => panic!("{other:?}"),
        }
    }

    /// Runs a command in it as root.
    #[track_caller]
    pub fn exec(&self, words: &[&str]) -> String {
        self.daemon.docker(&[&["exec", "-u", "0", &self.name], words].concat())
    }

    /// The identifier of a container, and when it was started.
    #[track_caller]
    pub fn identity(&self, name: &str) -> String {
        self.daemon.docker(&["inspect", "--format", "{{.Id}} {{.State.StartedAt}}", name])
    }

    /// The plan as a person sees it.
    pub fn plan(&self) -> Ran {
        self.sandbox.cai(&["plan"])
    }

    /// What the plan says of the container, for a program.
    #[track_caller]
    pub fn planned(&self) -> Value {
        let ran = self.sandbox.cai(&["plan", "--json"]);
        let plan: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|why| panic!("{why}: {ran}"));
        let changes = plan["resource_changes"].as_array().unwrap();
        changes.iter().find(|change| change["kind"] == "socket_client").unwrap().clone()
    }

    /// The code of what is wrong, by the plan.
    #[track_caller]
    pub fn code(&self) -> Option<String> {
        let planned = self.planned();
        let mut reasons = planned["reasons"].as_array().unwrap().iter();
        let reason = reasons.find(|reason| reason["kind"] == "socket-client")?;
        Some(reason["data"]["code"].as_str().unwrap().to_owned())
    }

    /// Applies, and checks that nothing is left to do.
    #[track_caller]
    pub fn apply_mends(&self) -> Ran {
        let ran = self.sandbox.cai(&["apply", "--yes"]);
        println!("{ran}\n");
        ran.success();
        let again = self.sandbox.cai(&["apply", "--yes"]);
        assert!(again.success().starts_with("No changes."), "{ran}\n{again}");
        ran
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let other = format!("{}-other", self.name);
        self.daemon.run(&["rm", "--force", "--volumes", &self.name, &other]);
    }
}
