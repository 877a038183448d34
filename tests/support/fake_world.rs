//! Fake `limactl`, `ssh`, `docker` and `brew`: this test binary, started under their names with
//! `CAI_FAKE_WORLD=DIR`. They change the world saved in DIR as the simulated host changes its own.
//! This covers argument lists, streams and parsing of the real host.
//!
//! `cai` sees that world through real files and sockets, which [`FakeWorld`] keeps in sync: the
//! programs write the files, and a thread of the test listens on the sockets.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use containai::host::{Ping, Probe, System};
use containai::simulate::{Call, Instance, Outside, SimulatedHost, World, run, store};

use super::fake_fault::Fault;
use super::sandbox::{Ran, Sandbox};

/// The variable that makes this binary a fake.
pub const VARIABLE: &str = "CAI_FAKE_WORLD";
/// The variable that makes a fake kill the `cai` that started it: `before N` or `after N`, for the
/// Nth command that changes something.
pub const KILL: &str = "CAI_FAKE_KILL";
const PROGRAMS: [&str; 4] = ["limactl", "ssh", "docker", "brew"];
/// The socket on which the programs notify the test of changes to the world.
const CONTROL: &str = "control.sock";

/// Runs as one of the programs if this process was started as one.
pub fn dispatch(name: &str) -> Option<ExitCode> {
    let directory = std::env::var_os(VARIABLE)?;
    PROGRAMS.contains(&name).then(|| program(name, Path::new(&directory)))
}

/// The real files and variables that a fake program reads.
#[derive(Debug)]
struct ThisMachine;

impl Outside for ThisMachine {
    fn file(&self, path: &Path) -> Option<String> {
        fs::read_to_string(path).ok()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

fn program(name: &str, directory: &Path) -> ExitCode {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.into_string().unwrap()).collect();
    let (kill, fault) = note(directory, name, &args);
    if kill == Some("before") {
        kill_parent();
        return ExitCode::FAILURE;
    }
    if let Some(code) = fault.and_then(Fault::instead) {
        return code;
    }
    let mut stdin = Vec::new();
    std::io::stdin().read_to_end(&mut stdin).unwrap();
    let docker_host = std::env::var("DOCKER_HOST").ok();
    let call = Call {
        args: &args,
        stdin: Some(&stdin),
        docker_host: docker_host.as_deref(),
        outside: Some(&ThisMachine),
    };
    let reply = change(directory, |world| run(world, name, &call));
    if kill == Some("after") {
        kill_parent();
        return ExitCode::FAILURE;
    }
    let Some(reply) = reply else {
        eprintln!("the fake {name} is not installed in its world");
        return ExitCode::from(127);
    };
    let (mut stdout, mut stderr) = (reply.stdout.into_bytes(), reply.stderr.into_bytes());
    if let Some(fault) = fault {
        fault.spoil(&mut stdout, &mut stderr);
    }
    std::io::stdout().write_all(&stdout).unwrap();
    std::io::stderr().write_all(&stderr).unwrap();
    ExitCode::from(u8::try_from(reply.code).unwrap_or(1))
}

/// Records a call. Returns whether and when to kill the calling `cai`, and the fault of the
/// program.
fn note(directory: &Path, name: &str, args: &[String]) -> (Option<&'static str>, Option<Fault>) {
    let file = directory.join("calls");
    let mut calls = File::options().create(true).append(true).open(&file).unwrap();
    calls.lock().unwrap();
    // One line per call, even if it carries a script.
    let line = format!("{name} {}", args.join(" ")).replace('\n', "\\n");
    writeln!(calls, "{line}").unwrap();
    let text = fs::read_to_string(&file).unwrap();
    (kills(&line, &text), Fault::of_call(&text))
}

fn kills(line: &str, text: &str) -> Option<&'static str> {
    let point = std::env::var(KILL).ok()?;
    let (phase, number) = point.split_once(' ').unwrap();
    let count = text.lines().filter(|line| changes_something(line)).count();
    let now = changes_something(line) && count == number.parse::<usize>().unwrap();
    let phase = if phase == "before" { "before" } else { "after" };
    now.then_some(phase)
}

/// Whether a call changes something.
pub fn changes_something(call: &str) -> bool {
    let reads = [
        "limactl --version",
        "limactl list",
        "limactl disk list",
        "limactl validate",
        "ControlMaster=no",
    ];
    !reads.iter().any(|read| call.contains(read))
}

fn kill_parent() {
    let parent = nix::unistd::getppid();
    nix::sys::signal::kill(parent, nix::sys::signal::Signal::SIGKILL).unwrap();
}

/// Changes the saved world under a lock, and its files and sockets with it.
fn change<T>(directory: &Path, act: impl FnOnce(&mut World) -> T) -> T {
    let lock = File::create(directory.join("lock")).unwrap();
    lock.lock().unwrap();
    let mut world = store::load(&System, directory).unwrap().expect("a saved world");
    let before = world.clone();
    absorb(&mut world);
    let result = act(&mut world);
    if world != before {
        store::save(&System, directory, &world).unwrap();
        write_files(&before, &world);
    }
    tell(directory);
    result
}

/// Removes a socket from the world if `cai` removed its file.
fn absorb(world: &mut World) {
    let home = world.computer.lima_home.clone();
    for (name, instance) in &mut world.instances {
        if !docker_socket(&home, name).exists() {
            instance.docker_socket = None;
        }
    }
}

fn docker_socket(lima_home: &Path, name: &str) -> PathBuf {
    lima_home.join(name).join("sock/docker.sock")
}

fn write_files(before: &World, after: &World) {
    let files = after.all_files();
    for path in before.all_files().iter().filter(|path| !files.contains(path)) {
        fs::remove_file(path).unwrap();
    }
    // Lima deletes the directory with all files in it.
    for name in before.instances.keys().filter(|name| !after.instances.contains_key(*name)) {
        let _ = fs::remove_dir_all(after.computer.lima_home.join(name));
    }
    for path in files.iter().filter(|path| before.file(path) != after.file(path)) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, after.file(path).unwrap()).unwrap();
    }
}

/// Waits until the test has updated its sockets.
fn tell(directory: &Path) {
    let mut stream = UnixStream::connect(directory.join(CONTROL))
        .expect("the test that made this fake world serves its sockets");
    let mut done = Vec::new();
    stream.read_to_end(&mut done).unwrap();
}

/// A home with the fakes on its `PATH` and their world.
pub struct FakeWorld {
    pub sandbox: Sandbox,
    directory: PathBuf,
    /// The home directories of the user and of Lima.
    places: [(&'static str, PathBuf); 2],
    stop: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl FakeWorld {
    /// A machine with the tools and nothing else, and this `containai.toml`.
    pub fn new(file: &str) -> Self {
        Self::at("home", "lima", file)
    }

    /// A machine whose home directory and Lima directory have these names.
    pub fn at(home: &str, lima: &str, file: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("home/containai.toml", file);
        if home != "home" {
            std::os::unix::fs::symlink(sandbox.home(), sandbox.path(home)).unwrap();
        }
        let places = [("HOME", sandbox.path(home)), ("LIMA_HOME", sandbox.path(lima))];
        sandbox.directory("world");
        let directory = sandbox.path("world");
        let mut world = World::in_home(containai::simulate::LINUX, &places[0].1);
        world.computer.lima_home.clone_from(&places[1].1);
        store::save(&System, &directory, &world).unwrap();
        for name in PROGRAMS {
            sandbox.link_program(name, &std::env::current_exe().unwrap());
        }
        let stop = Arc::new(AtomicBool::new(false));
        let control = UnixListener::bind(directory.join(CONTROL)).unwrap();
        let mut sockets = Sockets { directory: directory.clone(), open: BTreeMap::new() };
        let stopped = stop.clone();
        let server = std::thread::spawn(move || sockets.serve(&control, &stopped));
        Self { sandbox, directory, places, stop, server: Some(server) }
    }

    /// A machine to which this `containai.toml` is already applied.
    pub fn converged(file: &str) -> Self {
        let machine = Self::new(file);
        machine.cai(&["apply", "--yes"]).success();
        machine.calls();
        machine
    }

    /// Runs `cai` on this machine.
    pub fn cai(&self, arguments: &[&str]) -> Ran {
        self.cai_with(arguments, &[])
    }

    /// Runs `cai` on this machine, with more variables.
    pub fn cai_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        self.sandbox.cai_with(arguments, &[&self.variables(), variables].concat())
    }

    /// The environment variables with which `cai` uses this machine.
    pub fn variables(&self) -> [(&str, &str); 3] {
        let [home, lima] = &self.places;
        [
            (VARIABLE, self.directory.to_str().unwrap()),
            (home.0, home.1.to_str().unwrap()),
            (lima.0, lima.1.to_str().unwrap()),
        ]
    }

    /// The current world.
    pub fn world(&self) -> World {
        store::load(&System, &self.directory).unwrap().expect("a saved world")
    }

    /// The calls of programs since the last call of this function, with their arguments.
    pub fn calls(&self) -> Vec<String> {
        let file = self.directory.join("calls");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        text.lines().map(str::to_owned).collect()
    }

    /// Changes the world from outside.
    pub fn change<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        change(&self.directory, act)
    }
}

impl Drop for FakeWorld {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// The sockets of a fake world that have a listener.
struct Sockets {
    directory: PathBuf,
    open: BTreeMap<PathBuf, UnixListener>,
}

impl Sockets {
    fn serve(&mut self, control: &UnixListener, stop: &AtomicBool) {
        control.set_nonblocking(true).unwrap();
        while !stop.load(Ordering::Relaxed) {
            let mut idle = true;
            while let Ok((told, _)) = control.accept() {
                self.bring_in_step();
                // The notifying program waits for this end.
                drop(told);
                idle = false;
            }
            for (path, listener) in &self.open {
                while let Ok((stream, _)) = listener.accept() {
                    self.answer(path, stream);
                    idle = false;
                }
            }
            if idle {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn world(&self) -> World {
        store::load(&System, &self.directory).unwrap().expect("a saved world")
    }

    fn bring_in_step(&mut self) {
        let world = self.world();
        let mut wanted = BTreeMap::new();
        for (name, instance) in &world.instances {
            let directory = world.computer.lima_home.join(name);
            wanted.insert(directory.join("ssh.sock"), instance.master.is_some().then_some(true));
            wanted.insert(docker_socket(&world.computer.lima_home, name), listens(instance));
        }
        self.open.retain(|path, _| match wanted.get(path) {
            Some(Some(true)) => path.exists(),
            Some(Some(false)) => false,
            Some(None) | None => {
                let _ = fs::remove_file(path);
                false
            }
        });
        for (path, state) in wanted {
            match state {
                Some(true) if !self.open.contains_key(&path) => {
                    let listener = bind(&path);
                    listener.set_nonblocking(true).unwrap();
                    self.open.insert(path, listener);
                }
                // A stale file: nothing listens on it.
                Some(false) if !path.exists() => drop(bind(&path)),
                None => {
                    let _ = fs::remove_file(&path);
                }
                _ => {}
            }
        }
    }

    /// Answers like the daemon behind the forward, or closes the connection.
    fn answer(&self, path: &Path, mut stream: UnixStream) {
        let host = SimulatedHost::new(&System, self.world());
        if let Ping::Answered { api_version } = host.ping(path) {
            let _ = stream.read(&mut [0; 1024]);
            let head = format!("HTTP/1.0 200 OK\r\nApi-Version: {api_version}\r\n\r\nOK");
            let _ = stream.write_all(head.as_bytes());
        }
    }
}

/// Whether something listens on the Docker socket. `None` if the file does not exist.
fn listens(instance: &Instance) -> Option<bool> {
    Some(instance.docker_socket.as_ref()?.carried_by.is_some())
}

fn bind(path: &Path) -> UnixListener {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = fs::remove_file(path);
    UnixListener::bind(path).unwrap()
}
