//! A container that uses the shared daemon's socket, and the file that declares it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::compose::Composer;
use super::daemon::{Daemon, shared};
use super::image::{self, Image};
use crate::cli::fake;
use crate::support::sandbox::{Ran, Sandbox};

/// How a container is created.
pub struct Setting<'a> {
    pub image: Image,
    /// The mode of its mount.
    pub mode: &'a str,
    /// The Compose that creates it, if any.
    pub compose: Option<Composer>,
    /// The directory of its socket, relative to the daemon's directory.
    pub directory: &'a str,
    /// More lines for its entry in the file.
    pub lines: &'a str,
    /// More options for `docker run`.
    pub options: &'a [&'a str],
    /// The command that it runs instead of its program.
    pub command: &'a [&'a str],
    /// More lines for its service in the Compose file.
    pub service: &'a str,
}

impl Setting<'_> {
    /// A manager whose image has the socket's group with the user as a member.
    pub fn new(image: Image) -> Self {
        let (options, command) = (&[][..], &[][..]);
        let (directory, lines, service) = ("shared", "", "");
        Self { image, mode: "rw", compose: None, directory, lines, options, command, service }
    }
}

/// A container, and a machine that declares it.
pub struct Case {
    pub daemon: &'static Daemon,
    pub sandbox: Sandbox,
    pub name: String,
    image: String,
}

/// What the repair of a service must not change.
pub struct Rest {
    file: PathBuf,
    compose: Vec<u8>,
    other: String,
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Case {
    /// Creates and declares the container. `cai` creates the context.
    pub fn new(setting: &Setting<'_>) -> Self {
        let daemon = shared();
        let image = image::ensure(daemon, setting.image);
        let name = format!("manager-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let sandbox = fake::without_a_socket();
        daemon.serve(&sandbox);
        if let Some(composer) = setting.compose {
            composer.equip(&sandbox);
        }
        sandbox.cai(&["apply", "--yes"]).success();
        let case = Self { daemon, sandbox, name, image };
        case.sandbox.directory(&format!("home/{}", case.name));
        let compose =
            format!("compose_file = \"./{}/dind.yml\"\nservice = \"manager\"\n", case.name);
        let compose = setting.compose.map_or("", |_| compose.as_str());
        case.declare(&format!("{compose}{}", setting.lines));
        match setting.compose {
            Some(composer) => case.compose(setting, composer),
            None => case.run(setting),
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

    /// Two services: the manager, and another one that must not change.
    fn compose(&self, setting: &Setting<'_>, composer: Composer) {
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
        composer.up(self.daemon, &self.sandbox, &["-f", file]);
        composer.made(self.daemon, name);
    }

    /// Changes the Compose file and recreates its services.
    #[track_caller]
    pub fn edit(&self, composer: Composer, from: &str, to: &str) {
        let file = self.sandbox.path(self.compose_file("dind.yml"));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
        composer.up(self.daemon, &self.sandbox, &["-f", file.to_str().unwrap()]);
    }

    /// The path of a file next to the Compose file, in the sandbox.
    pub fn compose_file(&self, file: &str) -> String {
        format!("home/{}/{file}", self.name)
    }

    /// Whether the container's own program can connect to the daemon.
    #[track_caller]
    pub fn connects(&self) -> bool {
        let script = "echo go >/tmp/ask; cat /tmp/answer";
        match self.exec(&["sh", "-c", script]).as_str() {
            "yes" => true,
            "no" => false,
            other => panic!("{other:?}"),
        }
    }

    /// Runs a command in the container as root.
    #[track_caller]
    pub fn exec(&self, words: &[&str]) -> String {
        self.daemon.docker(&[&["exec", "-u", "0", &self.name], words].concat())
    }

    /// The ID of a container and the time when it was started.
    #[track_caller]
    pub fn identity(&self, name: &str) -> String {
        self.daemon.docker(&["inspect", "--format", "{{.Id}} {{.State.StartedAt}}", name])
    }

    /// The state that a repair must not change. Writes a file into the container's data volume.
    #[track_caller]
    pub fn rest(&self) -> Rest {
        let source = "{{range .Mounts}}{{if eq .Destination \"/data\"}}{{.Source}}{{end}}{{end}}";
        let data = self.daemon.docker(&["inspect", "--format", source, &self.name]);
        let file = Path::new(&data).join("kept");
        std::fs::write(&file, &self.name).unwrap();
        let compose = std::fs::read(self.sandbox.path(self.compose_file("dind.yml"))).unwrap();
        Rest { file, compose, other: self.identity(&format!("{}-other", self.name)) }
    }

    /// Checks that nothing else changed and that the container still has its volume.
    #[track_caller]
    pub fn left_alone(&self, rest: &Rest) {
        let compose = std::fs::read(self.sandbox.path(self.compose_file("dind.yml"))).unwrap();
        assert_eq!(compose, rest.compose, "the compose file was edited");
        let other = self.identity(&format!("{}-other", self.name));
        assert_eq!(other, rest.other, "the other service was touched");
        assert_eq!(std::fs::read(&rest.file).unwrap(), self.name.as_bytes(), "data were lost");
        assert_eq!(self.exec(&["cat", "/data/kept"]), self.name, "it has another volume");
    }

    /// The plan as shown to a person.
    pub fn plan(&self) -> Ran {
        self.sandbox.cai(&["plan"])
    }

    /// The plan's JSON about the container.
    #[track_caller]
    pub fn planned(&self) -> Value {
        let ran = self.sandbox.cai(&["plan", "--json"]);
        let plan: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|why| panic!("{why}: {ran}"));
        let changes = plan["resource_changes"].as_array().unwrap();
        changes.iter().find(|change| change["kind"] == "socket_client").unwrap().clone()
    }

    /// The code of the container's problem in the plan.
    #[track_caller]
    pub fn code(&self) -> Option<String> {
        let planned = self.planned();
        let mut reasons = planned["reasons"].as_array().unwrap().iter();
        let reason = reasons.find(|reason| reason["kind"] == "socket-client")?;
        Some(reason["data"]["code"].as_str().unwrap().to_owned())
    }

    /// All findings of the doctor.
    #[track_caller]
    pub fn findings(&self) -> Vec<Value> {
        let ran = self.sandbox.cai(&["doctor", "--json"]);
        let document: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|why| panic!("{why}: {ran}"));
        document["findings"].as_array().unwrap().clone()
    }

    /// The codes of the doctor's findings.
    #[track_caller]
    pub fn found(&self) -> Vec<String> {
        let code = |finding: &Value| finding["code"].as_str().unwrap().to_owned();
        self.findings().iter().map(code).collect()
    }

    /// Applies, and checks that nothing is left to do.
    #[track_caller]
    pub fn apply_mends(&self) -> Ran {
        let ran = self.sandbox.cai(&["apply", "--yes"]);
        println!("{ran}\n");
        ran.success();
        let again = self.sandbox.cai(&["apply", "--yes"]);
        again.success();
        assert!(again.stderr.starts_with("No changes."), "{ran}\n{again}");
        ran
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let other = format!("{}-other", self.name);
        self.daemon.run(&["rm", "--force", "--volumes", &self.name, &other]);
    }
}
