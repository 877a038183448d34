//! The simulated tools against the transcripts of the real ones: every command of
//! `lima-2.2.0/*.txt` is run in a world in the same state, and its exit code and both streams are
//! compared. What is compared in part, or not at all, is in [`EXCEPTIONS`] with the reason.

mod transcript;

use containai::simulate::{Call, LINUX, World, run};
use libtest_mimic::Trial;

use crate::support::trials;
use transcript::{Exchange, normalised, parse};

pub fn trials() -> Vec<Trial> {
    trials![
        without_an_instance,
        contexts_of_docker,
        with_a_dead_host_agent,
        a_protected_instance,
        a_running_instance,
        commands_in_the_guest,
        a_stopped_instance,
        what_is_valid,
        the_version,
        every_transcript_is_replayed,
        an_exception_that_is_none_is_found,
    ]
}

const NAME: &str = "containai-secure";

/// How far a command is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The exit code, and the last line of the log.
    Fatal,
    /// The exit code, and the beginning of the last line.
    FatalBegins(&'static str),
    /// Standard output as YAML: the same data in another form.
    Data,
    /// Not at all.
    Skipped,
}

/// Each command that is not compared as a whole, and why.
const EXCEPTIONS: [(&str, Extent, &str); 5] = [
    (
        "limactl validate $DIR/bad.yaml",
        Extent::FatalBegins("msg=\"failed to unmarshal YAML ($DIR/bad.yaml): "),
        "the rest is the text of Go's YAML library",
    ),
    (
        "limactl validate $DIR/bad2.yaml",
        Extent::Fatal,
        "unknown keys are not warned of: the simulated Lima has no list of Lima's keys",
    ),
    (
        "cat $HOME/.lima/containai-secure/lima.yaml",
        Extent::Data,
        "the simulated edit writes the YAML anew, where yq keeps its form",
    ),
    (
        "ls -la $HOME/.lima/containai-secure $HOME/.lima/containai-secure/sock",
        Extent::Skipped,
        "there are no directories; that the socket's file stays behind is asserted by itself",
    ),
    (
        "limactl --tty=false shell --workdir=/ containai-secure docker version --format {{.Server.Version}}",
        Extent::Skipped,
        "the socket had been given to the user by chown (FACTS 6), which is not simulated",
    ),
];

/// The files of the transcripts, as they are.
macro_rules! transcript {
    ($name:literal) => {
        parse(include_str!(concat!("lima-2.2.0/", $name, ".txt")))
    };
}

/// A world in which `$HOME` is the home, as the transcripts call it.
fn empty() -> World {
    World::in_home(LINUX, "$HOME".as_ref())
}

/// The YAML that the instance of the transcripts was made of: what `cat` shows of it, without what
/// the edits before that had changed.
fn yaml() -> String {
    let stopped = transcript!("stopped");
    let shown = stopped.iter().find(|exchange| exchange.line.starts_with("cat ")).unwrap();
    shown.stdout.replace("cpus: 1\n", "cpus: 2\n").replace("user:\n  name: zed\n", "")
}

/// A world with the instance of the transcripts, which runs.
fn running() -> World {
    let mut world = empty();
    // Only an image whose name says so has Docker in it.
    let with_docker = yaml().replace("disk.qcow2", "docker.qcow2");
    let create = [&["limactl", "--tty=false", "create"], &["--name=containai-secure", "-"][..]];
    let made = call(&mut world, &create.concat(), Some(&with_docker));
    assert_eq!(made.code, 0, "{made:?}");
    // Its probe asks dockerd as the user, which cannot succeed on a first boot (FACTS 8).
    let started = call(&mut world, &["limactl", "start", NAME], None);
    assert!(started.stderr.contains("did not receive an event"), "{started:?}");
    let instance = world.instances.get_mut(NAME).unwrap();
    instance.yaml = yaml();
    world.files.insert("$DIR/vm.yaml".into(), yaml());
    let guest = world.instances.get_mut(NAME).unwrap().guest.as_mut().unwrap();
    guest.packages = [("docker.io".into(), "20.10.24+dfsg1-1+b3".into())].into();
    world
}

fn call(world: &mut World, words: &[&str], stdin: Option<&str>) -> containai::simulate::Reply {
    let args: Vec<String> = words[1..].iter().map(|&word| word.to_owned()).collect();
    let call = Call { args: &args, stdin: stdin.map(str::as_bytes), ..Call::default() };
    run(world, words[0], &call).unwrap()
}

/// Runs every command of a transcript, one after the other, in one world.
fn replay(world: &mut World, exchanges: &[Exchange]) {
    assert!(!exchanges.is_empty());
    let wrong: Vec<String> =
        exchanges.iter().filter_map(|exchange| compare(world, exchange)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Runs one command; what differs from the transcript.
fn compare(world: &mut World, exchange: &Exchange) -> Option<String> {
    let extent = EXCEPTIONS.iter().find(|(line, ..)| *line == exchange.line).map(|it| it.1);
    if extent == Some(Extent::Skipped) {
        return None;
    }
    let (code, stdout, stderr) = answer(world, exchange);
    let last = |text: &str| text.lines().last().unwrap_or_default().to_owned();
    let (told, real) = (normalised(&stderr), normalised(&exchange.stderr));
    let same = match extent {
        None => stdout == normalised(&exchange.stdout) && told == real,
        Some(Extent::Fatal) => last(&told) == last(&real),
        Some(Extent::FatalBegins(text)) => told.contains(text) && real.contains(text),
        Some(_) => data(&stdout) == data(&exchange.stdout),
    };
    (code != exchange.code || !same).then(|| {
        let Exchange { line, stdout: wanted, stderr: said, code: status } = exchange;
        format!(
            "$ {line}\n-- real: {status}\n{}{}-- simulated: {code}\n{stdout}{told}",
            normalised(wanted),
            normalised(said)
        )
    })
}

/// What the simulated program answers: code, standard output (normalised), standard error.
fn answer(world: &mut World, exchange: &Exchange) -> (i32, String, String) {
    let words = exchange.words();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words[0] == "cat" {
        let text = world.file(words[1].as_ref()).unwrap_or_default();
        return (0, normalised(&text), String::new());
    }
    let mut docker_host = None;
    if words[0] == "env" {
        docker_host = words[1].strip_prefix("DOCKER_HOST=");
        words.drain(..2);
    }
    let args: Vec<String> = words[1..].iter().map(|&word| word.to_owned()).collect();
    let reply =
        run(world, words[0], &Call { args: &args, docker_host, ..Call::default() }).unwrap();
    (reply.code, normalised(&reply.stdout), reply.stderr)
}

fn data(yaml: &str) -> serde_yaml::Value {
    serde_yaml::from_str(yaml).unwrap()
}

fn without_an_instance() {
    replay(&mut empty(), &transcript!("absent"));
}

fn contexts_of_docker() {
    let mut world = empty();
    let host = "host=unix://$HOME/.lima/containai-secure/sock/docker.sock";
    let made = call(&mut world, &["docker", "context", "create", NAME, "--docker", host], None);
    assert_eq!(made.code, 0, "{made:?}");
    replay(&mut world, &transcript!("docker"));
}

fn with_a_dead_host_agent() {
    let mut world = running();
    world.instances.get_mut(NAME).unwrap().agent = None;
    replay(&mut world, &transcript!("hostagent_killed"));
    let instance = &world.instances[NAME];
    let socket = instance.docker_socket.as_ref().unwrap();
    assert_eq!(socket.carried_by, None, "the file stays behind, and nothing listens on it");
}

fn a_protected_instance() {
    let mut world = running();
    call(&mut world, &["limactl", "stop", NAME], None);
    replay(&mut world, &transcript!("protect"));
}

fn a_running_instance() {
    replay(&mut running(), &transcript!("running"));
}

fn commands_in_the_guest() {
    replay(&mut running(), &transcript!("shell"));
}

fn a_stopped_instance() {
    let mut world = running();
    call(&mut world, &["limactl", "stop", "-f", NAME], None);
    replay(&mut world, &transcript!("stopped"));
}

fn what_is_valid() {
    let mut world = empty();
    for (name, text) in [
        ("bad.yaml", "cpus: \"x\"\n"),
        ("bad2.yaml", "images: []\nfoo: 1\n"),
        ("vm.yaml", yaml().as_str()),
    ] {
        world.files.insert(format!("$DIR/{name}").into(), text.into());
    }
    replay(&mut world, &transcript!("validate"));
}

fn the_version() {
    replay(&mut empty(), &transcript!("version"));
}

fn every_transcript_is_replayed() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract");
    let source = std::fs::read_to_string(here.join("mod.rs")).unwrap();
    for entry in std::fs::read_dir(here.join("lima-2.2.0")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let replayed = source.contains(&format!("replay(&mut world, &transcript!(\"{name}\"))"))
            || source.contains(&format!("(), &transcript!(\"{name}\"))"));
        assert!(replayed, "{name} is not replayed");
    }
    let lines: Vec<String> = ["docker", "hostagent_killed", "shell", "stopped", "validate"]
        .iter()
        .flat_map(|name| {
            let text = std::fs::read_to_string(here.join(format!("lima-2.2.0/{name}.txt")));
            parse(&text.unwrap()).into_iter().map(|exchange| exchange.line)
        })
        .collect();
    for (line, _, why) in EXCEPTIONS {
        assert!(lines.iter().any(|known| known == line), "{line} is in no transcript");
        assert!(!why.is_empty());
    }
}

fn an_exception_that_is_none_is_found() {
    // The comparison itself: a wrong exit code, a wrong word and a missing line are all seen.
    let right = &transcript!("absent")[0];
    assert_eq!(compare(&mut empty(), right), None);
    for bend in [
        (|exchange| exchange.code = 0) as fn(&mut Exchange),
        |exchange| exchange.stderr = exchange.stderr.replace("unmatched", "matched"),
        |exchange| exchange.stdout.push_str("more\n"),
    ] {
        let mut wrong = right.clone();
        bend(&mut wrong);
        assert!(compare(&mut empty(), &wrong).is_some(), "{wrong:?}");
    }
}
