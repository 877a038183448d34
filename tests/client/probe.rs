//! The script that inspects a guest, with a real dockerd.

use containai::guest::GuestFacts;
use serde_json::json;

use super::daemon::Daemon;
use super::image::{self, Image};
use crate::probe::look;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_real_daemon_is_read_without_its_client]
}

fn shown(guest: &GuestFacts) -> Vec<String> {
    guest.containers.as_ref().unwrap().iter().map(ToString::to_string).collect()
}

fn a_real_daemon_is_read_without_its_client() {
    let options = ["--label", "a=b", "--debug", "--registry-mirror", "https://m.example"];
    let daemon = Daemon::start(&[], &options);
    let sandbox = Sandbox::new();
    let look = || look(&sandbox, "active", &daemon.socket());
    let guest = look();
    assert!(guest.docker_answers(), "{:?}", guest.docker_as_root);
    assert_eq!(shown(&guest), [""; 0]);
    let engine = guest.engine.unwrap();
    assert_eq!((engine.containers, engine.images, engine.volumes), (0, 0, Some(0)));
    let image = Image { docker: None, member: false, client: false, shell: true };
    let image = image::make(&daemon, image);
    let run = |options: &[&str]| {
        let network = ["run", "--detach", "--network=none", "--stop-signal=KILL"];
        daemon.docker(&[&network, options, &[image.as_str(), "sleep", "1000"]].concat())
    };
    let stopped = run(&["--name=stopped"]);
    daemon.docker(&["stop", "stopped"]);
    // A label that names another container, and one that looks like JSON.
    let (label, quoted) =
        (format!("--label=Id={stopped}"), format!("--label=a=\"Id\":\"{stopped}\""));
    let one = run(&["--name=one", "--rm", &label, &quoted]);
    let volume = run(&["--name=two", "--volume=data:/data"]);
    let many: Vec<String> = (0..6).map(|it| run(&[&format!("--name=more-{it}")])).collect();
    let guest = look();
    let format = "{{.Id}}|{{slice .Name 1}}|{{.HostConfig.Runtime}}|{{.State.StartedAt}}|{{.HostConfig.AutoRemove}}";
    let mut all = [many, vec![volume, one]].concat();
    let mut words = vec!["inspect", "--format", format];
    words.extend(all.iter().map(String::as_str));
    let mut expected: Vec<String> = daemon.docker(&words).lines().map(str::to_owned).collect();
    let mut listed = shown(&guest);
    // The order of containers that were created in the same second is undefined.
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
    all.push(stopped);
    let engine = guest.engine.unwrap();
    assert_eq!(engine.containers, all.len());
    assert_eq!((engine.images, engine.volumes), (1, Some(1)));
    assert_eq!(guest.runtimes[0], "runc");
    assert!(engine.log_drivers.iter().any(|name| name == "json-file"), "{engine:?}");
    for (key, value) in [
        ("debug", json!(true)),
        ("data-root", json!(daemon.path("data"))),
        ("default-runtime", json!("runc")),
        ("labels", json!(["a=b"])),
        ("live-restore", json!(false)),
        ("log-driver", json!("json-file")),
        ("registry-mirrors", json!(["https://m.example/"])),
        ("storage-driver", json!("vfs")),
    ] {
        assert_eq!(engine.in_force[key], value, "{key}");
    }
}
