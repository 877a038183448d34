//! Every code of a client through `cai doctor` on real containers: the finding, its evidence, and
//! the effect of `--fix`.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use containai::docker::client::ClientCode;
use libtest_mimic::Trial;
use serde_json::Value;

use super::case::{Case, Setting};
use super::compose::Composer;
use super::daemon::{GROUP, shared};
use super::image::Image;
use crate::support::trials;

/// A fault of a real container and the expected finding.
struct Wrong {
    code: ClientCode,
    name: &'static str,
    severity: &'static str,
    /// A piece of the evidence.
    evidence: (&'static str, &'static str),
    /// A part of the cause.
    cause: &'static str,
    /// Creates a container with this fault. A repair must not change its other state.
    make: fn(Setting<'_>) -> Case,
    /// A part of the remedy, if `--fix` cannot repair the fault.
    by_hand: Option<&'static str>,
}

const fn wrong(
    code: ClientCode,
    name: &'static str,
    evidence: (&'static str, &'static str),
    cause: &'static str,
    make: fn(Setting<'_>) -> Case,
) -> Wrong {
    Wrong { code, name, severity: "error", evidence, cause, make, by_hand: None }
}

const CASES: &[Wrong] = &[
    wrong(
        ClientCode::ContainerAbsent,
        "stopped",
        ("state", "exited"),
        "it exited with exit status 137",
        |setting| {
            let case = Case::new(&setting);
            case.daemon.docker(&["stop", &case.name]);
            case
        },
    ),
    wrong(
        ClientCode::Restarting,
        "gives_up_where_it_is_denied",
        ("state", "restarting"),
        "(last exit status: 3",
        |setting| {
            let image = Image::manager(GROUP, false);
            let service = "    restart: always\n    command: [\"sh\", \"-c\", \"docker version || exit 3; \
                           exec /bin/program\"]\n";
            let case = Case::new(&Setting { image, service, ..setting });
            // Docker doubles the wait each time, so the container is now down most of the time.
            let count = ["inspect", "--format", "{{.RestartCount}}", &case.name];
            until(|| case.daemon.docker(&count).parse::<u32>().unwrap() >= 6);
            case
        },
    ),
    wrong(
        ClientCode::SocketMissing,
        "mounts_another_directory",
        ("socket", "missing"),
        "/var/run/docker.sock does not exist",
        |setting| {
            std::fs::create_dir_all(shared().path("empty")).unwrap();
            let lines = format!("volume = \"{}\"\n", shared().path("shared").display());
            Case::new(&Setting { directory: "empty", lines: &lines, ..setting })
        },
    ),
    Wrong {
        by_hand: Some("mount /var/run/docker.sock instead"),
        ..wrong(
            ClientCode::HostSocket,
            "mounts_the_socket_of_the_host",
            ("socket", "missing"),
            "a socket of this machine",
            |setting| {
                let composer = setting.compose.unwrap();
                let case = Case::new(&setting);
                let host = case.sandbox.path("lima/containai-secure/sock").display().to_string();
                case.edit(composer, &case.daemon.path("shared").display().to_string(), &host);
                case
            },
        )
    },
    Wrong {
        severity: "warning",
        ..wrong(
            ClientCode::MountReadonly,
            "mounted_read_only",
            ("api", "answers"),
            "mounted read-only",
            |setting| Case::new(&Setting { mode: "ro", lines: "mode = \"rw\"\n", ..setting }),
        )
    },
    wrong(
        ClientCode::GidMismatch,
        "image_with_another_number",
        ("socket", "mode 660, owner 0, group 2375"),
        "group docker in the container has gid 998",
        |setting| Case::new(&Setting { image: Image::manager(998, true), ..setting }),
    ),
    wrong(
        ClientCode::UserNotInGroup,
        "user_in_no_group",
        ("groups", "1001"),
        "the socket belongs to group 2375; the program runs as 1001 (mcp)",
        |setting| Case::new(&Setting { image: Image::manager(GROUP, false), ..setting }),
    ),
    wrong(
        ClientCode::SessionStale,
        "group_joined_later",
        ("groups", "1001"),
        "joined group",
        |setting| {
            let case = Case::new(&Setting { image: Image::manager(GROUP, false), ..setting });
            case.exec(&["sed", "-i", "s/^docker:.*/&mcp/", "/etc/group"]);
            case
        },
    ),
    Wrong {
        by_hand: Some("check the daemon behind the socket"),
        ..wrong(
            ClientCode::ApiDenied,
            "nobody_listens",
            ("uid", "1001"),
            "no daemon answers",
            |setting| {
                let directory = shared().path("deaf");
                std::fs::create_dir_all(&directory).unwrap();
                let socket = directory.join("docker.sock");
                // Trials run in parallel, and a single socket is enough.
                let path = tempfile::Builder::new().tempdir_in(shared().path("")).unwrap();
                let new = path.path().join("docker.sock");
                drop(UnixListener::bind(&new).unwrap());
                std::fs::set_permissions(&new, PermissionsExt::from_mode(0o660)).unwrap();
                chown(&new, Some(0), Some(GROUP)).unwrap();
                std::fs::rename(new, socket).unwrap();
                Case::new(&Setting { directory: "deaf", ..setting })
            },
        )
    },
    Wrong {
        severity: "warning",
        by_hand: Some("docker --context containai-secure logs manager-"),
        ..wrong(
            ClientCode::Unhealthy,
            "health_check_fails",
            ("health", "unhealthy"),
            "its health check reports unhealthy",
            |setting| {
                let service = "    healthcheck:\n      test: [\"CMD\", \"sh\", \"-c\", \"exit 1\"]\n      \
                               interval: 1s\n      retries: 1\n";
                let lines = "health = \"container\"\n";
                let case = Case::new(&Setting { lines, service, ..setting });
                let health = ["inspect", "--format", "{{.State.Health.Status}}", &case.name];
                until(|| case.daemon.docker(&health) == "unhealthy");
                case
            },
        )
    },
];

/// Waits for an asynchronous effect of Docker.
fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Each case runs with one of the two Composes, a few with the older one; `matrix` and `project` run both.
pub fn trials() -> Vec<Trial> {
    let cases = CASES.iter().enumerate().flat_map(|(number, case)| {
        let composer = if number % 4 == 0 { Composer::Standalone } else { Composer::Plugin };
        Composer::trials_of(&[composer], "doctor", case.name, move |it| check(case, it))
    });
    let others = trials![without_a_compose_file_nothing_is_touched];
    cases.chain(others).collect()
}

/// The codes that these trials produce with real containers.
pub fn codes() -> impl Iterator<Item = ClientCode> {
    CASES.iter().map(|case| case.code)
}

/// The trials that do not need a daemon.
pub fn documents() -> Vec<Trial> {
    trials![every_code_has_a_real_case]
}

fn every_code_has_a_real_case() {
    let real: BTreeSet<ClientCode> = codes().collect();
    assert_eq!(real, ClientCode::ALL.into(), "a code without a container that has it");
}

/// The only finding. Checks the fields that all findings about clients share.
#[track_caller]
fn finding(case: &Case, code: ClientCode) -> Value {
    let findings = case.findings();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let finding = findings[0].clone();
    assert_eq!(finding["code"], code.code(), "{finding:#}");
    assert_eq!(finding["address"], format!("socket_client.{}", case.name), "{finding:#}");
    finding
}

fn check(wrong: &Wrong, composer: Composer) {
    let Wrong { code, severity, evidence, cause, by_hand, .. } = *wrong;
    let image = Image::manager(GROUP, true);
    let case = (wrong.make)(Setting { compose: Some(composer), ..Setting::new(image) });
    let rest = case.rest();
    let finding = finding(&case, code);
    assert_eq!(finding["severity"], severity, "{finding:#}");
    assert_eq!(finding["observed"][evidence.0], evidence.1, "{finding:#}");
    assert!(finding["cause"].as_str().unwrap().contains(cause), "{finding:#}");
    assert_eq!(finding["fixable"], by_hand.is_none(), "{finding:#}");
    let id = case.identity(&case.name);
    let ran = case.sandbox.cai(&["doctor", "--fix", "--yes"]);
    println!("{ran}\n");
    if let Some(words) = by_hand {
        ran.fails_with(1);
        let remedy = finding["remedy"].as_str().unwrap();
        assert!(remedy.contains(words), "{finding:#}");
        assert_eq!(case.identity(&case.name), id, "it was touched");
        case.left_alone(&rest);
        return;
    }
    assert!(ran.success().starts_with("Healthy."), "{ran}");
    assert!(case.connects(), "a real connection still fails");
    assert_eq!(case.findings(), Vec::<Value>::new());
    case.left_alone(&rest);
    composer.made(case.daemon, &case.name);
}

fn without_a_compose_file_nothing_is_touched() {
    let case = Case::new(&Setting::new(Image::manager(GROUP, false)));
    let id = case.identity(&case.name);
    let finding = finding(&case, ClientCode::UserNotInGroup);
    assert_eq!(finding["fixable"], false, "{finding:#}");
    let ran = case.sandbox.cai(&["doctor", "--fix", "--yes"]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("error client_user_not_in_group"), "{ran}");
    assert_eq!(case.identity(&case.name), id);
    case.daemon.docker(&["rm", "--force", &case.name]);
    let finding = self::finding(&case, ClientCode::ContainerAbsent);
    assert_eq!(
        (&finding["fixable"], &finding["observed"]),
        (&false.into(), &serde_json::json!({}))
    );
}
