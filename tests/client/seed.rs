//! The scenario for which client support was created: a manager next to Docker-in-Docker, with the
//! socket in a volume that both mount.

use super::compose::Composer;
use super::daemon::{Daemon, GROUP, shared};
use super::image::{Image, ensure};
use crate::cli::fake;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    Composer::trials_of(
        &[Composer::Plugin],
        "seed",
        "a_manager_beside_docker_in_docker_gets_its_volume_writable",
        a_manager_beside_docker_in_docker_gets_its_volume_writable,
    )
}

fn a_manager_beside_docker_in_docker_gets_its_volume_writable(composer: Composer) {
    let outer = shared();
    // Trials run in parallel.
    let project = format!("dind-{}", composer.name());
    let name = &format!("sutazai-mcp-manager-{}", composer.name());
    let image = ensure(outer, Image::manager(GROUP, true));
    let sandbox = fake::without_a_socket();
    outer.serve(&sandbox);
    composer.equip(&sandbox);
    sandbox.cai(&["apply", "--yes"]).success();
    sandbox.directory(&format!("home/{project}"));
    let compose = format!(
        "version: '3.8'\nservices:\n  manager:\n    image: {image}\n    container_name: {name}\n    \
         network_mode: none\n    stop_signal: SIGKILL\n    volumes:\n      \
         - mcp-docker-socket:/var/run:ro\nvolumes:\n  mcp-docker-socket:\n"
    );
    let file = format!("home/{project}/docker-compose.dind.yml");
    sandbox.write(&file, &compose);
    let entry = format!(
        "[[socket_clients]]\ncontainer = \"{name}\"\nvolume = \"mcp-docker-socket\"\nmode = \"rw\"\ngid = 2375\nuser = \"mcp\"\n\
         uid = 1001\ncompose_file = \"./{project}/docker-compose.dind.yml\"\nservice = \"manager\"\n"
    );
    sandbox.write("home/containai.toml", &format!("{}{entry}", fake::FILE));
    let file = sandbox.path(&file);
    composer.up(outer, &sandbox, &["-f", file.to_str().unwrap()]);
    let volume = [
        "volume",
        "inspect",
        "--format",
        "{{.Mountpoint}}",
        &format!("{project}_mcp-docker-socket"),
    ];
    let volume = outer.docker(&volume);

    // Without the orchestrator, the manager has no socket.
    sandbox.cai(&["plan"]).fails_with(1);
    assert!(sandbox.cai(&["plan"]).stdout.contains("client_socket_missing"));

    // The orchestrator puts its socket into the volume, with group 2375.
    let socket = format!("{volume}/docker.sock");
    let inner = Daemon::start(&[&socket], &["--group", "2375"]);
    let ask = ["exec", name, "docker", "info", "--format", "{{.ID}}"];
    let id = inner.docker(&["info", "--format", "{{.ID}}"]);
    assert_eq!(outer.docker(&ask), id, "a read-only volume does not keep it from connecting");

    let plan = sandbox.cai(&["plan"]);
    println!("{plan}\n");
    let text = plan.success();
    assert!(text.contains("client_mount_readonly") && !text.contains("denied"), "{plan}");
    assert!(text.contains("+     - mcp-docker-socket:/var/run:rw"), "{plan}");
    sandbox.cai(&["apply", "--yes"]).success();
    let mounts = outer.docker(&["inspect", "--format", "{{json .Mounts}}", name]);
    assert!(
        mounts.contains(&format!("{project}_mcp-docker-socket")) && mounts.contains("\"RW\":true"),
        "{mounts}"
    );
    assert_eq!(outer.docker(&ask), id, "the volume is another one");
    let again = sandbox.cai(&["plan"]);
    assert!(again.success().starts_with("No changes."), "{again}");
    composer.made(outer, name);
    outer.docker(&["rm", "--force", "--volumes", name]);
}
