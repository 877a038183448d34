//! An engine on a real guest, and a user's manual actions on it.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use containai::lima::Disk;

use super::declared::Declared;
use super::shell::OpenShell;
use super::{container, image, with_container, with_vm};
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::slowest::restart_clock;

/// The name of the VM and of the context.
pub const NAME: &str = "containai-secure";

/// A home with a `containai.toml` and possibly a VM.
pub struct Engine {
    sandbox: Sandbox,
    images: String,
    source: &'static str,
    /// The VM's memory and disk. A disk cannot shrink, so later scenarios keep a disk that a
    /// scenario has grown.
    size: Cell<(&'static str, &'static str)>,
    /// The disk with Docker's data. Later scenarios keep it, because without it the VM would restart.
    data_disk: Cell<Option<&'static str>>,
    /// The text of the `containai.toml`.
    file: RefCell<String>,
    /// The `containai.toml` for which [`Engine::works`] last saw an empty plan in this scenario.
    converged: RefCell<Option<String>>,
    /// The plan and the apply that created the VM.
    pub first: Option<(Ran, Ran)>,
}

/// Only one VM runs at a time, because an emulated guest needs all of the few CPUs.
static MACHINE: Mutex<()> = Mutex::new(());
static SHARED: OnceLock<Mutex<Engine>> = OnceLock::new();

/// The engine that most scenarios share. The first scenario creates it.
pub struct Shared {
    engine: MutexGuard<'static, Engine>,
    _machine: MutexGuard<'static, ()>,
}

impl std::ops::Deref for Shared {
    type Target = Engine;
    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.engine.converged.take();
        }
    }
}

/// Waits for the shared engine and applies the default declaration. The apply is skipped if the
/// previous scenario ended with [`Engine::works`] and the same file.
pub fn shared() -> Shared {
    let machine = alone();
    let engine = SHARED.get_or_init(|| {
        let mut engine = Engine::new("preinstalled");
        if with_vm() {
            // The VM's life begins like that of a user.
            std::fs::remove_file(engine.path("containai.toml")).unwrap();
            engine.cai(&["init", "--yes"]).success();
            engine.complete();
        }
        let plan = engine.cai(&["--color=always", "plan"]);
        let apply = engine.cai(&["apply", "--yes"]);
        engine.first = Some((plan, apply));
        Mutex::new(engine)
    });
    let engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
    let shared = Shared { engine, _machine: machine };
    let converged = shared.converged.take();
    shared.declare(&Declared::default());
    if converged.as_deref() != Some(&*shared.file.borrow()) {
        shared.cai(&["apply", "--yes"]).success();
    }
    shared
}

/// Waits until no other scenario uses a VM.
pub fn alone() -> MutexGuard<'static, ()> {
    let machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    restart_clock();
    machine
}

/// Destroys the shared engine when the suite ends.
pub fn clean_up() {
    if let Some(engine) = SHARED.get() {
        let engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = engine.cai(&["plan", "--destroy"]);
        let destroyed = engine.cai(&["destroy", "--allow-destroy", NAME]);
        let list = engine.cai(&["list"]);
        let name = Disk::name_for(&NAME.parse().unwrap());
        let disk = engine.limactl(&["disk", "list", "--json", &name]);
        engine.delete();
        destroyed.success();
        if engine.data_disk.get().is_some() {
            assert!(plan.success().contains("except Docker's data"), "{plan}");
            assert!(disk.success().contains(&name), "{disk}");
        }
        assert!(!list.success().contains(NAME), "{list}");
    }
}

impl Engine {
    /// A home for an engine with Docker from this source, which declares a VM with 2 GiB of memory.
    pub fn new(source: &'static str) -> Self {
        let sandbox = Sandbox::unprivileged();
        match std::env::var_os("CAI_TEST_LIMACTL") {
            Some(path) => sandbox.link_program("limactl", &PathBuf::from(path)),
            None => sandbox.copy_program("limactl", &std::env::current_exe().unwrap()),
        }
        if with_container() {
            container::serve(&sandbox.path(container::SOCKET));
        }
        let images = match std::env::var_os("CAI_TEST_VM_CONFIG") {
            Some(path) => std::fs::read_to_string(path).unwrap(),
            None => image::declared(if source == "distro" { "plain" } else { "preinstalled" }),
        };
        let size = Cell::new(("2GiB", "8GiB"));
        let (file, converged) = (RefCell::default(), RefCell::default());
        let data_disk = Cell::new(None);
        let engine =
            Self { sandbox, images, source, size, data_disk, file, converged, first: None };
        engine.declare(&Declared::default());
        engine
    }

    /// Writes the `containai.toml`.
    pub fn declare(&self, declared: &Declared<'_>) {
        let (source, (memory, disk)) = (self.source, self.size.get());
        let Declared { cpus, docker, sysbox, tables } = declared;
        let data_disk = self.data_disk.get().map(|size| format!("data_disk = \"{size}\"\n"));
        let data_disk = data_disk.unwrap_or_default();
        let text = format!(
            "version = 1\n\n[vm]\ncpus = {cpus}\nmemory = \"{memory}\"\ndisk = \"{disk}\"\n\
             {data_disk}mounts = []\nforward = \"declared\"\n\n[docker]\nsource = \"{source}\"\n{docker}\n\n[sysbox]\n\
             {sysbox}\n\n{tables}\n\n{}",
            self.images
        );
        self.write("containai.toml", &text);
        self.file.replace(text);
    }

    /// Completes a file of `cai init` with what these guests need: their image, and nothing from the network.
    pub fn complete(&self) {
        let text = std::fs::read_to_string(self.path("containai.toml")).unwrap();
        let (memory, disk) = self.size.get();
        let size = format!("[vm]\ncpus = 2\nmemory = \"{memory}\"\ndisk = \"{disk}\"\n");
        // `init` mounts nothing, because the file is in the home directory.
        let text = text.replacen("[vm]\n", &size, 1);
        let source = self.source;
        let rest = format!("[docker]\nsource = \"{source}\"\n\n[sysbox]\nenabled = false\n");
        self.write("containai.toml", &[&text, "\n", &rest, "\n", &self.images].concat());
    }

    /// Declares another memory and disk size, and a disk for Docker's data, for this and later scenarios.
    pub fn resize(&self, memory: &'static str, disk: &'static str, data_disk: &'static str) {
        self.size.set((memory, disk));
        self.data_disk.set(Some(data_disk));
        self.declare(&Declared::default());
    }

    /// Writes a file next to the `containai.toml`.
    pub fn write(&self, name: &str, text: &str) {
        self.sandbox.write(&format!("home/{name}"), text);
    }

    /// The path of a file next to the `containai.toml`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.sandbox.home().join(name)
    }

    /// Runs `cai` and prints its output to the test log.
    pub fn cai(&self, arguments: &[&str]) -> Ran {
        let ran = self.sandbox.cai(arguments);
        println!("{ran}\n");
        ran
    }

    /// Runs `cai` with variables set.
    pub fn cai_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let ran = self.sandbox.cai_with(arguments, variables);
        println!("{ran}\n");
        ran
    }

    /// Runs `cai` without printing its output.
    pub fn cai_quietly(&self, arguments: &[&str]) -> Ran {
        self.sandbox.cai(arguments)
    }

    /// Plans, and checks that the plan contains all of these texts.
    #[track_caller]
    pub fn plan_says(&self, words: &[&str]) {
        let text = self.plan();
        for word in words {
            assert!(text.contains(word), "{word:?} is not in the plan:\n{text}");
        }
    }

    /// Plans, and checks that the plan does not contain this text.
    #[track_caller]
    pub fn plan_says_not(&self, word: &str) {
        let text = self.plan();
        assert!(!text.contains(word), "{word:?} is in the plan:\n{text}");
    }

    /// The plan, with the summary on one line.
    #[track_caller]
    fn plan(&self) -> String {
        let text = self.cai(&["plan"]).success().to_owned();
        match text.split_once("\nPlan: ") {
            Some((changes, summary)) => {
                format!("{changes}\nPlan: {}", summary.replace("\n  ", " "))
            }
            None => text,
        }
    }

    /// Applies, and checks that nothing is left to do and that the engine works.
    #[track_caller]
    pub fn apply_mends(&self) -> Ran {
        let apply = self.cai(&["apply", "--yes"]);
        apply.success();
        self.works();
        apply
    }

    /// Checks that a client on the host reaches the daemon through the context and that the plan is
    /// empty. A scenario must not change anything after its last call of this function, because the
    /// next scenario may start without an apply.
    #[track_caller]
    pub fn works(&self) {
        self.works_with(NAME);
    }

    /// The same through a context of this name.
    #[track_caller]
    pub fn works_with(&self, context: &str) {
        let version =
            ["docker", "--context", context, "version", "--format", "{{.Server.Version}}"];
        let version = self.sandbox.run(&version);
        assert!(!version.success().trim().is_empty(), "{version}");
        let plan = self.cai(&["plan"]);
        assert!(plan.success().starts_with("No changes."), "{plan}");
        self.converged.replace(Some(self.file.borrow().clone()));
    }

    /// Checks that the engine does not work for a client on the host.
    #[track_caller]
    pub fn is_broken(&self) {
        let version = self.docker(&["version"]);
        assert!(!version.status.success(), "nothing is broken: {version}");
    }

    /// A command as a user of this machine would run it.
    pub fn command(&self, words: &[&str]) -> Command {
        self.sandbox.command(words)
    }

    /// Puts a script in front of a program. Returns the `PATH` with the script.
    pub fn front(&self, program: &str, script: &str) -> String {
        self.sandbox.directory("front");
        self.sandbox.fake_program(&format!("../front/{program}"), script);
        let command = self.command(&["true"]);
        let (_, path) = command.get_envs().find(|(name, _)| *name == "PATH").unwrap();
        format!("{}:{}", self.sandbox.path("front").display(), path.unwrap().display())
    }

    /// Runs the real `docker` with the engine's context.
    pub fn docker(&self, arguments: &[&str]) -> Ran {
        self.sandbox.run(&[&["docker", "--context", NAME], arguments].concat())
    }

    pub fn limactl(&self, arguments: &[&str]) -> Ran {
        self.sandbox.run(&[&["limactl", "--tty=false"], arguments].concat())
    }

    /// Waits until Lima reports this status of the VM.
    pub fn awaits_status(&self, status: &str) {
        while self.limactl(&["list", "--format={{.Status}}"]).success().trim() != status {}
    }

    /// Runs a script in the guest as its user.
    #[track_caller]
    pub fn guest(&self, script: &str) -> String {
        let ran = self.limactl(&["shell", "--workdir=/", NAME, "sh", "-c", script]);
        ran.success().trim().to_owned()
    }

    /// Runs a script in the guest as its user, with a file as its input.
    #[track_caller]
    pub fn guest_reads(&self, file: &Path, script: &str) {
        let words = ["limactl", "--tty=false", "shell", "--workdir=/", NAME, "sh", "-c", script];
        let mut command = self.sandbox.command(&words);
        let status = command.stdin(File::open(file).unwrap()).status().unwrap();
        assert!(status.success(), "{script}: {status}");
    }

    /// Runs ssh like Lima, with arguments before and after the host's name.
    pub fn ssh(&self, options: &[&str], command: &[&str]) -> Ran {
        let config = self.instance("ssh.config");
        let config = config.to_str().unwrap();
        let host = format!("lima-{NAME}");
        self.sandbox.run(&[&["ssh", "-F", config], options, &[&host], command].concat())
    }

    /// A file of the instance.
    pub fn instance(&self, file: &str) -> PathBuf {
        self.sandbox.path("lima").join(NAME).join(file)
    }

    /// ssh's name for the forward of the Docker socket.
    pub fn forward(&self) -> String {
        format!("{}:/var/run/docker.sock", self.instance("sock/docker.sock").display())
    }

    /// The ID of the guest's boot.
    #[track_caller]
    pub fn boot(&self) -> String {
        self.guest("cat /proc/sys/kernel/random/boot_id")
    }

    /// The number of the guest's boots, from its journal.
    #[track_caller]
    pub fn boots(&self) -> usize {
        let script = "sudo journalctl --sync && sudo journalctl --list-boots --quiet | wc -l";
        self.guest(script).parse().unwrap()
    }

    /// The pid of dockerd in the guest.
    #[track_caller]
    pub fn dockerd(&self) -> String {
        self.guest("systemctl show --property=MainPID --value docker.service")
    }

    /// Starts an idle container from files of the guest, and returns its ID. Its program is not PID
    /// 1, which would ignore SIGTERM and delay the guest's shutdown.
    #[track_caller]
    pub fn container(&self, name: &str) -> String {
        self.container_with(name, "")
    }

    /// Starts a container with options of `docker run`.
    #[track_caller]
    pub fn container_with(&self, name: &str, options: &str) -> String {
        self.guest(&format!(
            "set -e; sudo docker rm -f {name} >/dev/null 2>&1 || true; \
             if ! sudo docker image inspect cai-test >/dev/null 2>&1; then \
             files=$(ldd /bin/sleep /bin/mkdir | grep -o '[[:space:]]/[^ ]*' | sort -u); \
             sudo tar -C / -chf - bin/sleep bin/mkdir $files 2>/dev/null | sudo docker import - cai-test >/dev/null; fi; \
             sudo docker run -d --name {name} --network=none --pid=host {options} cai-test /bin/sleep infinity"
        ))
    }

    /// The IDs of the running containers.
    #[track_caller]
    pub fn running(&self) -> String {
        self.docker(&["ps", "--quiet", "--no-trunc"]).success().trim().to_owned()
    }

    /// An open interactive shell in the guest.
    pub fn open_shell(&self) -> OpenShell {
        let script = OpenShell::SCRIPT;
        let words = ["limactl", "shell", "--workdir=/", NAME, "sh", "-c", script];
        OpenShell::start(self.command(&words))
    }

    /// Deletes the VM in any state.
    pub fn delete(&self) {
        self.limactl(&["unprotect", NAME]);
        self.limactl(&["delete", "-f", NAME]);
    }
}
