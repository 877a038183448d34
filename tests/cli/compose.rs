//! Compose files on the simulated host: `cai` uses Compose's configuration.

use super::fake;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        variables_extends_and_include_are_resolved,
        a_default_override_and_a_container_without_a_name_are_found,
        a_container_of_compose_run_is_not_the_services,
        the_engines_own_socket_is_used_with_its_own_group,
        a_mount_of_this_machines_socket_is_named,
        a_socket_is_found_wherever_its_directory_is_mounted,
        a_service_with_another_user_converges_in_one_apply,
        a_stopped_container_is_judged_by_its_changed_service,
        a_service_without_a_mount_is_named_by_the_first_apply,
        an_included_service_is_overridden_by_another_document,
        what_cannot_be_simulated_is_told_and_left_out,
    ]
}

const FILE: &str =
    "version = 1\n[sysbox]\nenabled = false\n[[socket_clients]]\nservice = \"manager\"\n";

/// A simulated host with a compose file, and a file that names it.
struct Simulated {
    sandbox: Sandbox,
}

impl Simulated {
    fn new(file: &str, compose: &str, lines: &str) -> Self {
        let sandbox = fake::fresh();
        let entry = format!("compose_file = \"./{file}\"\n{lines}");
        sandbox.write("home/containai.toml", &format!("{FILE}{entry}"));
        sandbox.write(&format!("home/{file}"), compose);
        Self { sandbox }
    }

    fn cai(&self, arguments: &[&str]) -> Ran {
        self.sandbox.cai(&[&["--simulate=world"], arguments].concat())
    }

    #[track_caller]
    fn converges(&self) -> Ran {
        let ran = self.cai(&["apply", "--yes"]);
        ran.success();
        let plan = self.cai(&["plan"]);
        assert!(plan.success().contains("No changes."), "{ran}\n{plan}");
        ran
    }

    /// The saved world, without blanks.
    fn world(&self) -> String {
        let text = std::fs::read_to_string(self.sandbox.path("home/world/world.json")).unwrap();
        text.split_whitespace().collect()
    }
}

fn variables_extends_and_include_are_resolved() {
    let compose = "include: [part/more.yml]\nservices:\n  manager:\n    extends: {file: base.yml, service: base}\n    \
                   container_name: ${NAME:?set it}-$$1\n    group_add: [\"${GID:-999}\"]\n    \
                   volumes: [\"${SOCK}:/var/run:ro\"]\nvolumes:\n  sock:\n";
    let machine = Simulated::new("dind.yml", compose, "container = \"manager\"\n");
    machine.sandbox.write("home/.env", "NAME=my\nSOCK=sock\n");
    machine.sandbox.write("home/base.yml", "services:\n  base:\n    group_add: [2375]\n");
    machine.sandbox.directory("home/part");
    machine.sandbox.write("home/part/more.yml", "services:\n  other:\n    image: x\n");
    machine.converges();
    let world = machine.world();
    assert!(world.contains("\"group_add\":[\"2375\",\"999\"]"), "{world}");
    assert!(world.contains("\"name\":\"my-$1\""), "{world}");
    // As Compose refuses it, so does the simulated one.
    machine.sandbox.write("home/.env", "NAME=my\nSOCK=nosuch\n");
    machine.cai(&["simulate", "reset"]).success();
    let refused = machine.cai(&["apply", "--yes"]);
    assert!(refused.fails_with(1).contains("undefined volume nosuch"), "{refused}");
}

fn a_default_override_and_a_container_without_a_name_are_found() {
    let compose = "services:\n  manager:\n    image: x\nvolumes:\n  sock:\n";
    let machine = Simulated::new("compose.yaml", compose, "");
    let more =
        "services:\n  manager:\n    volumes: [\"sock:/var/run:ro\"]\n    group_add: [2375]\n";
    machine.sandbox.write("home/compose.override.yaml", more);
    machine.converges();
    let world = machine.world();
    assert!(world.contains("\"name\":\"home-manager-1\""), "{world}");
    assert!(world.contains("compose.override.yaml\""), "{world}");
    machine.cai(&["simulate", "break", "client-user"]).success();
    let plan = machine.cai(&["plan"]);
    assert!(plan.success().contains("recreates 1 container: home-manager-1"), "{plan}");
    machine.converges();
}

fn a_container_of_compose_run_is_not_the_services() {
    let compose = "services:\n  manager:\n    image: x\n    volumes: [\"sock:/var/run\"]\nvolumes:\n  sock:\n";
    let machine = Simulated::new("compose.yaml", compose, "");
    machine.converges();
    let file = machine.sandbox.path("home/world/world.json");
    let text = std::fs::read_to_string(&file).unwrap();
    // Only the container that `docker compose run` made is left.
    let text = text.replace("home-manager-1", "home-manager-run-1");
    let run = text.replace("\"oneoff\": \"False\"", "\"oneoff\": \"True\"");
    assert_ne!(run, text);
    std::fs::write(&file, run).unwrap();
    machine.converges();
    let world = machine.world();
    assert!(
        world.contains("\"home-manager-1\"") && world.contains("\"home-manager-run-1\""),
        "{world}"
    );
}

fn the_engines_own_socket_is_used_with_its_own_group() {
    let compose = "services:\n  manager:\n    container_name: portainer\n    \
                   volumes: [\"/var/run/docker.sock:/var/run/docker.sock:ro\"]\n";
    let machine = Simulated::new("dind.yml", compose, "");
    machine.converges();
    let world = machine.world();
    assert!(world.contains("\"group_add\":[\"999\"]"), "{world}");
    // A file that names another group is taken at its word.
    let machine = Simulated::new("dind.yml", compose, "gid = 2375\n");
    let refused = machine.cai(&["apply", "--yes"]);
    assert!(refused.fails_with(1).contains("set gid = 999 in its"), "{refused}");
    let plan = machine.cai(&["plan"]);
    assert!(plan.fails_with(1).contains("set gid = 999 in its"), "{plan}");
    // A socket that the file itself gives to that group is reached.
    let machine =
        Simulated::new("dind.yml", compose, "[[groups]]\nname = \"docker\"\ngid = 2375\n");
    machine.converges();
    assert!(machine.world().contains("\"group_add\":[\"2375\"]"), "{}", machine.world());
}

fn a_mount_of_this_machines_socket_is_named() {
    let compose = "services:\n  manager:\n    container_name: portainer\n    \
                   volumes: [\"${HOME}/.lima/containai-secure/sock/docker.sock:/var/run/docker.sock\"]\n";
    // Compose expands a variable and a tilde.
    let tilde = Simulated::new("dind.yml", &compose.replace("${HOME}", "~"), "");
    let refused = tilde.cai(&["apply", "--yes"]);
    assert!(refused.fails_with(1).contains("mount /var/run/docker.sock instead"), "{refused}");
    let machine = Simulated::new("dind.yml", compose, "");
    let refused = machine.cai(&["apply", "--yes"]);
    assert!(refused.fails_with(1).contains("mount /var/run/docker.sock instead"), "{refused}");
    assert!(!machine.world().contains("portainer"), "it was made all the same");
    let doctor = machine.cai(&["doctor"]);
    doctor.fails_with(1);
    assert!(doctor.stdout.contains("error client_host_socket  socket_client.manager"), "{doctor}");
    machine.sandbox.write(
        "home/dind.yml",
        &compose.replace("${HOME}/.lima/containai-secure/sock", "/var/run"),
    );
    machine.converges();
}

fn a_socket_is_found_wherever_its_directory_is_mounted() {
    for (mount, socket) in [("sock:/dind", "/dind"), ("/var/run:/host", "/host")] {
        let compose = format!(
            "services:\n  manager:\n    container_name: m\n    \
             volumes: [\"data:/data\", \"{mount}\"]\nvolumes:\n  data:\n  sock:\n"
        );
        let lines = format!("socket = \"{socket}/docker.sock\"\nmode = \"rw\"\n");
        let machine = Simulated::new("dind.yml", &compose, &lines);
        machine.converges();
        machine.cai(&["simulate", "break", "client-mount"]).success();
        let doctor = machine.cai(&["doctor"]);
        doctor.fails_with(1);
        assert!(doctor.stdout.contains("client_mount_readonly"), "{doctor}");
        machine.converges();
    }
}

fn a_service_with_another_user_converges_in_one_apply() {
    let compose = "services:\n  manager:\n    container_name: manager\n    user: root\n    \
                   volumes: [\"sock:/var/run\"]\nvolumes:\n  sock:\n";
    let machine = Simulated::new("dind.yml", compose, "user = \"client\"\nuid = 1001\n");
    machine.converges();
    assert!(machine.world().contains("\"user\":\"1001:2375\""), "{}", machine.world());
}

fn a_stopped_container_is_judged_by_its_changed_service() {
    let compose = "services:\n  manager:\n    container_name: m\n    group_add: [2375]\n    \
                   volumes: [\"sock:/var/run\"]\nvolumes:\n  sock:\n";
    let mount = "    volumes: [\"sock:/var/run\"]\n";
    for (declared, old, new) in [
        ("uid = 1001\n", "container_name: m\n", "container_name: m\n    user: root\n"),
        ("volume = \"sock\"\n", mount, ""),
        ("mode = \"rw\"\n", ":/var/run", ":/var/run:ro"),
        ("", "    group_add: [2375]\n", ""),
    ] {
        let machine = Simulated::new("dc.yml", compose, declared);
        machine.converges();
        machine.cai(&["simulate", "break", "client-absent"]).success();
        machine.sandbox.write("home/dc.yml", &compose.replace(old, new));
        machine.converges();
        // The override already has what the service lacks.
        machine.cai(&["simulate", "break", "client-absent"]).success();
        machine.converges();
    }
    // The changed service would mount a socket of this machine.
    let machine = Simulated::new("dc.yml", compose, "");
    machine.converges();
    machine.cai(&["simulate", "break", "client-absent"]).success();
    let host = "${HOME}/.lima/containai-secure/sock/docker.sock:/var/run/docker.sock";
    machine.sandbox.write("home/dc.yml", &compose.replace("sock:/var/run", host));
    let refused = machine.cai(&["plan"]);
    assert!(refused.fails_with(1).contains("mount /var/run/docker.sock instead"), "{refused}");
}

/// The container is created, because its image may create the socket itself.
fn a_service_without_a_mount_is_named_by_the_first_apply() {
    let compose = "services:\n  manager:\n    container_name: portainer\n";
    let machine = Simulated::new("dind.yml", compose, "");
    let refused = machine.cai(&["apply", "--yes"]);
    let said = refused.fails_with(1).replace("\n      ", " ");
    assert!(said.contains("nothing is mounted at /var/run/docker.sock in portainer"), "{said}");
    assert!(said.contains("help: write volume = \"…\" in its [[socket_clients]]"), "{said}");
}

fn an_included_service_is_overridden_by_another_document() {
    let include = "include: [part/inc.yml, part/same.yml]\n";
    let machine = Simulated::new("dind.yml", include, "container = \"manager\"\n");
    machine.sandbox.directory("home/part");
    let service = "services:\n  manager:\n    container_name: manager\n    \
                   volumes: [\"sock:/var/run\"]\n";
    // Two included files may declare the same service if their declarations are identical.
    for file in ["home/part/inc.yml", "home/part/same.yml"] {
        machine.sandbox.write(file, &format!("name: other\n{service}volumes:\n  sock:\n"));
    }
    machine.converges();
    assert!(machine.world().contains("\"group_add\":[\"2375\"]"), "{}", machine.world());
    assert!(machine.world().contains("\"project\":\"home\""), "{}", machine.world());
    // A second document may override an included service. The document that includes it may not.
    let own = "services:\n  manager:\n    group_add: [7]\n";
    machine.sandbox.write("home/dind.yml", &format!("{include}---\n{own}"));
    machine.cai(&["simulate", "reset"]).success();
    machine.converges();
    assert!(machine.world().contains("\"group_add\":[\"7\",\"2375\"]"), "{}", machine.world());
    machine.sandbox.write("home/dind.yml", &format!("{include}{own}"));
    machine.cai(&["simulate", "reset"]).success();
    let refused = machine.cai(&["apply", "--yes"]);
    let conflict = "services.manager conflicts with imported resource";
    assert!(refused.fails_with(1).contains(conflict), "{refused}");
}

fn what_cannot_be_simulated_is_told_and_left_out() {
    let compose =
        "include: [\"https://git.example/part.git\"]\nservices:\n  other:\n    image: x\n";
    let machine = Simulated::new("dind.yml", compose, "");
    let ran = machine.converges();
    let note = "the simulated docker does not support `include` of https://git.example/part.git";
    assert!(ran.stderr.contains(note), "{ran}");
}
