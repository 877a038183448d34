//! A VM that someone made with `limactl` and no `cai`, imported into a file.

use super::engine::{Engine, NAME, alone};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_vm_made_by_hand_is_imported_and_kept_as_it_is]
}

fn a_vm_made_by_hand_is_imported_and_kept_as_it_is() {
    let _machine = alone();
    let engine = Engine::new("preinstalled");
    by_hand(&engine);
    std::fs::remove_file(engine.path("containai.toml")).unwrap();
    let yaml = || std::fs::read_to_string(engine.instance("lima.yaml")).unwrap();
    let (before, boot, dockerd) = (yaml(), engine.boot(), engine.dockerd());

    engine.cai(&["import", NAME, "--out", "containai.toml"]).success();
    let file = std::fs::read_to_string(engine.path("containai.toml")).unwrap();
    println!("{file}");
    assert!(
        file.contains("adopted = true") && file.contains("max-concurrent-uploads = 4"),
        "{file}"
    );
    assert!(file.contains("name = \"by-hand\"") && !file.contains("s3cret"), "{file}");
    engine.works_with("lima-containai-secure");
    engine.cai(&["apply", "--yes"]).success();
    assert_eq!((yaml(), engine.boot(), engine.dockerd()), (before, boot, dockerd));
    // From now on, what leaves the file leaves the VM.
    engine.write("containai.toml", &format!("{file}\n[[groups]]\nname = \"data\"\ngid = 4321\n"));
    engine.cai(&["apply", "--yes"]).success();
    assert_eq!(engine.guest("getent group data"), "data:x:4321:");
    engine.write("containai.toml", &file);
    engine.plan_says(&["- group.data"]);
    engine.cai(&["apply", "--yes"]).success();
    engine.guest("! getent group data");
    engine.works_with("lima-containai-secure");
    engine.delete();
}

/// Makes a VM and its context as a person would: with Lima's own commands and an editor.
fn by_hand(engine: &Engine) {
    let render = engine.cai_quietly(&["render", "--json"]);
    let mut keys: serde_json::Value = serde_json::from_str(render.success()).unwrap();
    for own in ["provision", "probes"] {
        keys.as_object_mut().unwrap().remove(own);
    }
    keys["env"] = serde_json::json!({ "TOKEN": "s3cret" });
    // JSON is YAML.
    engine.write("by-hand.yaml", &keys.to_string());
    let create = format!("limactl --tty=false create --name={NAME} - <by-hand.yaml");
    for line in [&create, &format!("limactl --tty=false start {NAME}")] {
        assert!(engine.command(&["sh", "-c", line]).status().unwrap().success(), "{line}");
    }
    // The file is older than dockerd's next start, also if the VM restarts within a second.
    engine.guest(
        "sudo usermod -aG docker \"$(id -un)\" && sudo useradd -m -u 4000 -G docker by-hand && \
         sudo mkdir -p /etc/docker && echo '{\"max-concurrent-uploads\": 4}' | sudo tee /etc/docker/daemon.json && \
         sudo touch --date='1 hour ago' /etc/docker/daemon.json",
    );
    for word in ["stop", "start"] {
        engine.limactl(&[word, NAME]).success();
    }
    let socket = format!("host=unix://{}", engine.instance("sock/docker.sock").display());
    let context = ["context", "create", "lima-containai-secure", "--docker", &socket];
    assert!(engine.command(&[&["docker"], &context[..]].concat()).status().unwrap().success());
}
