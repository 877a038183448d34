//! Containers outside the matrix: without a client, without a shell, with a socket path that is not
//! a socket, with an unusual entrypoint, or with a program that soon exits.

use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;

use super::case::{Case, Setting};
use super::compose::Composer;
use super::daemon::{GROUP, shared};
use super::image::Image;
use crate::support::slowest::trial;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    let mixed = trial(
        "client::inside::what_compose_1_made_is_mended_by_the_plugin",
        what_compose_1_made_is_mended_by_the_plugin,
    );
    let own = trials![
        a_socket_of_another_group_is_told_from_both_sides,
        a_directory_without_a_socket_is_told,
        a_socket_that_nobody_listens_on_is_told,
        an_image_without_a_client_is_judged_by_the_kernels_word,
        an_image_without_a_shell_is_asked_by_its_own_docker,
        a_group_that_the_entrypoint_gives_up_is_the_images_to_mend,
        a_user_that_the_file_names_is_taken,
        a_container_that_restarts_for_want_of_the_group_is_mended,
        its_own_health_check_is_waited_for,
        an_engine_that_another_context_leads_to_is_asked,
    ];
    let gone = Composer::trials(
        "inside",
        "a_container_that_is_gone_is_made_again",
        a_container_that_is_gone_is_made_again,
    );
    let mixed = mixed.with_ignored_flag(!Composer::Plugin.is_there());
    own.into_iter().chain(gone).chain([mixed]).collect()
}

const BARE: Image = Image { docker: Some(GROUP), member: true, client: false, shell: true };
const NO_SHELL: Image = Image { docker: Some(GROUP), member: true, client: true, shell: false };

/// Checks that apply fails with this output.
#[track_caller]
fn is_refused(case: &Case, words: &[&str]) {
    let ran = case.sandbox.cai(&["apply", "--yes"]);
    let said = ran.fails_with(1);
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {ran}");
    }
    println!("{ran}\n");
}

fn a_socket_of_another_group_is_told_from_both_sides() {
    let image = Image::manager(GROUP, true);
    let lines = "gid = 2375\n";
    let case = Case::new(&Setting { directory: "strange", lines, ..Setting::new(image) });
    assert!(!case.connects());
    assert_eq!(case.code().as_deref(), Some("client_gid_mismatch"));
    is_refused(&case, &["group 999", "gid = 999", "--group 2375"]);
    // The hint is the same with the socket's gid in the file, and without a gid.
    for lines in ["gid = 999\n", ""] {
        case.declare(lines);
        is_refused(&case, &["--group-add 999"]);
    }
}

fn a_directory_without_a_socket_is_told() {
    std::fs::create_dir_all(shared().path("empty")).unwrap();
    let image = Image::manager(GROUP, true);
    let case = Case::new(&Setting { directory: "empty", ..Setting::new(image) });
    assert!(!case.connects());
    assert_eq!(case.code().as_deref(), Some("client_socket_missing"));
    is_refused(&case, &["/var/run/docker.sock does not exist", "does not contain a socket"]);
}

fn a_socket_that_nobody_listens_on_is_told() {
    let directory = shared().path("dead");
    std::fs::create_dir_all(&directory).unwrap();
    let socket = directory.join("docker.sock");
    drop(UnixListener::bind(&socket).unwrap());
    std::fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o660)).unwrap();
    chown(&socket, Some(0), Some(GROUP)).unwrap();
    let image = Image::manager(GROUP, true);
    let case = Case::new(&Setting { directory: "dead", ..Setting::new(image) });
    assert!(!case.connects());
    assert_eq!(case.code().as_deref(), Some("client_api_denied"));
    is_refused(&case, &["no daemon answers", "Cannot connect to the Docker daemon"]);
}

fn an_image_without_a_client_is_judged_by_the_kernels_word() {
    let case = Case::new(&Setting::new(BARE));
    assert!(case.plan().success().starts_with("No changes."), "{}", case.plan());
    assert_eq!(case.planned()["before"]["api"], "not tested");
    let outside = Image { member: false, ..BARE };
    let case = Case::new(&Setting { mode: "ro", ..Setting::new(outside) });
    assert_eq!(case.code().as_deref(), Some("client_user_not_in_group"));
}

fn an_image_without_a_shell_is_asked_by_its_own_docker() {
    let case = Case::new(&Setting::new(NO_SHELL));
    assert!(case.plan().success().starts_with("No changes."), "{}", case.plan());
    assert_eq!(case.planned()["before"]["api"], "answers");
    let outside = Image { member: false, ..NO_SHELL };
    let case = Case::new(&Setting { mode: "ro", ..Setting::new(outside) });
    assert_eq!(case.code().as_deref(), Some("client_user_not_in_group"), "{}", case.plan());
    is_refused(&case, &["--group-add 2375"]);
    let neither = Image { client: false, ..NO_SHELL };
    let case = Case::new(&Setting::new(neither));
    assert_eq!(case.planned()["before"]["api"], "not tested");
    let empty = Case::new(&Setting { directory: "none", ..Setting::new(NO_SHELL) });
    assert_eq!(empty.code().as_deref(), Some("client_socket_missing"));
}

fn a_group_that_the_entrypoint_gives_up_is_the_images_to_mend() {
    let image = Image::manager(GROUP, false);
    let case = Case::new(&Setting {
        options: &["--user", "root", "--group-add", "2375"],
        command: &["su", "mcp", "-c", "exec /bin/program"],
        ..Setting::new(image)
    });
    // A process of `docker exec -u` has the group, but the program does not.
    assert!(!case.connects());
    let exec = ["exec", "-u", "1001:1001", &case.name, "docker", "version"];
    case.daemon.docker(&exec);
    assert_eq!(case.code().as_deref(), Some("client_user_not_in_group"));
    is_refused(&case, &["RUN addgroup -g 2375 docker && adduser mcp docker"]);
}

fn a_user_that_the_file_names_is_taken() {
    let image = Image::manager(GROUP, true);
    let service = "    user: root\n";
    let case =
        Case::new(&Setting { compose: Some(Composer::Standalone), service, ..Setting::new(image) });
    assert!(case.connects(), "root may");
    let plan = case.plan();
    assert!(plan.success().contains("-> 1001"), "{plan}");
    case.apply_mends();
    assert!(case.connects());
    assert_eq!(case.exec(&["sh", "-c", "stat -c %u /proc/1"]), "1001");
}

fn a_container_that_restarts_for_want_of_the_group_is_mended() {
    let image = Image::manager(GROUP, false);
    // As in the original project, the program exits if it is denied.
    let service = "    restart: always\n    command: [\"sh\", \"-c\", \"docker version || exit 3; \
                   exec /bin/program\"]\n";
    let case = Case::new(&Setting {
        compose: Some(Composer::Standalone),
        mode: "ro",
        service,
        ..Setting::new(image)
    });
    // Docker doubles the wait each time, so the container is now down most of the time.
    let count = ["inspect", "--format", "{{.RestartCount}}", &case.name];
    while case.daemon.docker(&count).parse::<u32>().unwrap() < 6 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let plan = case.plan();
    println!("{plan}\n");
    let words = [
        "client_restarting",
        "last exit status: 3",
        "permission denied",
        "group 2375",
        "recreates 1",
    ];
    for word in words {
        assert!(plan.success().replace("\n      # ", " ").contains(word), "{word:?}: {plan}");
    }
    case.apply_mends();
    assert!(case.connects());
}

fn its_own_health_check_is_waited_for() {
    let image = Image::manager(GROUP, false);
    let service = "    healthcheck:\n      test: [\"CMD\", \"docker\", \"version\"]\n      \
                   interval: 1s\n      retries: 1\n";
    let lines = "health = \"container\"\n";
    let case = Case::new(&Setting {
        compose: Some(Composer::Standalone),
        service,
        lines,
        ..Setting::new(image)
    });
    let ran = case.apply_mends();
    assert!(ran.stderr.contains("is healthy ... done"), "{ran}");
    let format = "{{.State.Health.Status}}";
    assert_eq!(case.daemon.docker(&["inspect", "--format", format, &case.name]), "healthy");
}

fn a_container_that_is_gone_is_made_again(composer: Composer) {
    let image = Image::manager(GROUP, true);
    // The plugin refuses a group that two files add.
    let service = "    group_add: [2375, \"7\"]\n";
    let case = Case::new(&Setting { compose: Some(composer), service, ..Setting::new(image) });
    case.daemon.docker(&["rm", "--force", &case.name]);
    let plan = case.plan();
    assert!(plan.success().contains(&format!("+ socket_client.{}", case.name)), "{plan}");
    case.apply_mends();
    assert!(case.connects());
    case.daemon.docker(&["stop", &case.name]);
    assert_eq!(case.code().as_deref(), Some("client_container_absent"));
    case.apply_mends();
    assert!(case.connects());
}

fn what_compose_1_made_is_mended_by_the_plugin() {
    let image = Image::manager(GROUP, false);
    let compose = Some(Composer::Standalone);
    let case = Case::new(&Setting { compose, mode: "ro", ..Setting::new(image) });
    // If both are installed, cai uses the plugin.
    Composer::Plugin.equip(&case.sandbox);
    let rest = case.rest();
    case.apply_mends();
    assert!(case.connects());
    case.left_alone(&rest);
    Composer::Plugin.made(case.daemon, &case.name);
}

fn an_engine_that_another_context_leads_to_is_asked() {
    let case = Case::new(&Setting { mode: "ro", ..Setting::new(Image::manager(GROUP, true)) });
    case.declare("context = \"elsewhere\"\nmode = \"rw\"\n");
    let plan = case.plan();
    assert!(plan.success().contains("its engine does not answer"), "{plan}");
    let endpoint = format!("host=unix://{}", case.daemon.socket().display());
    let create = ["docker", "context", "create", "elsewhere", "--docker", &endpoint];
    case.sandbox.run(&create).success();
    assert_eq!(case.code().as_deref(), Some("client_mount_readonly"));
    assert_eq!(case.planned()["address"], format!("socket_client.elsewhere/{}", case.name));
}
