//! Mount × group × user × Compose, each against what a real connection from inside does.

use libtest_mimic::Trial;

use super::case::{Case, Setting};
use super::compose::Composer;
use super::daemon::GROUP;
use super::image::Image;

/// Which user is in the group of the image that is called `docker`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Always,
    Never,
    /// Since after the container's program began.
    Later,
}

/// One point of the matrix.
#[derive(Debug, Clone, Copy)]
struct Point {
    mode: &'static str,
    /// The id of the image's group `docker`.
    gid: u32,
    member: Member,
    compose: Option<Composer>,
}

/// All trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for mode in ["ro", "rw"] {
        for gid in [GROUP, 998] {
            for member in [Member::Always, Member::Never, Member::Later] {
                for compose in Composer::ALL.map(Some).into_iter().chain([None]) {
                    let point = Point { mode, gid, member, compose };
                    let name = format!(
                        "client::matrix::{mode}_group_{gid}_member_{member:?}_{}",
                        compose.map_or("by_hand", Composer::name)
                    );
                    let trial = Trial::test(name.to_lowercase(), move || {
                        check(point);
                        Ok(())
                    });
                    let is_there = compose.is_none_or(Composer::is_there);
                    trials.push(trial.with_ignored_flag(!is_there));
                }
            }
        }
    }
    trials
}

fn check(point: Point) {
    let Point { mode, gid, member, compose } = point;
    let image = Image::manager(gid, member == Member::Always);
    let lines = "mode = \"rw\"\n";
    let case = Case::new(&Setting { mode, compose, lines, ..Setting::new(image) });
    if member == Member::Later {
        case.exec(&["sed", "-i", "s/^docker:.*/&mcp/", "/etc/group"]);
    }
    let works = case.connects();
    let expected = match (works, mode, gid, member) {
        (true, "ro", ..) => Some("client_mount_readonly"),
        (true, ..) => None,
        (false, _, 998, _) => Some("client_gid_mismatch"),
        (false, _, _, Member::Later) => Some("client_session_stale"),
        (false, ..) => Some("client_user_not_in_group"),
    };
    // A read-only mount stops nobody; the group of the running program decides.
    assert_eq!(works, gid == GROUP && member == Member::Always);
    let plan = case.plan();
    println!("{plan}\n");
    assert_eq!(case.code().as_deref(), expected, "{plan}");
    assert_eq!(case.found(), expected.map_or(vec![], |code| vec![code.to_owned()]));
    match (expected, compose) {
        (None, _) => assert!(plan.success().starts_with("No changes."), "{plan}"),
        (Some(_), Some(composer)) => {
            mends(&case, point, &plan.stdout);
            composer.made(case.daemon, &case.name);
        }
        (Some(_), None) => is_told(&case, point, works),
    }
}

/// With a compose file the service is made anew, and nothing else.
fn mends(case: &Case, point: Point, plan: &str) {
    let rest = case.rest();
    assert!(plan.contains(&format!("stops 1 container: {}", case.name)), "{plan}");
    assert!(plan.contains("container recreation") && plan.contains("dind.cai.yml"), "{plan}");
    let id = case.identity(&case.name);
    case.apply_mends();
    assert!(case.connects(), "a real connection still fails");
    assert_ne!(case.identity(&case.name), id);
    case.left_alone(&rest);
    let written = case.sandbox.path(case.compose_file("dind.cai.yml"));
    let written = std::fs::read_to_string(written).unwrap();
    // Only what is needed.
    assert_eq!(written.contains("volumes:"), point.mode == "ro", "{written}");
    let lacked_group = !(point.gid == GROUP && point.member == Member::Always);
    assert_eq!(written.contains("group_add:"), lacked_group, "{written}");
    let mounts = case.daemon.docker(&["inspect", "--format", "{{json .Mounts}}", &case.name]);
    assert!(!mounts.contains("\"RW\":false"), "{mounts}");
}

/// Without one, what to change is said, and changing it by hand is enough.
fn is_told(case: &Case, point: Point, works: bool) {
    let ran = case.sandbox.cai(&["apply", "--yes"]);
    let said = ran.fails_with(1).to_owned();
    let is_stale = point.gid == GROUP && point.member == Member::Later && point.mode == "rw";
    if is_stale {
        assert!(said.contains(&format!("restart {}", case.name)), "{said}");
        case.daemon.docker(&["restart", &case.name]);
    } else {
        assert_eq!(said.contains(":/var/run:rw"), point.mode == "ro", "{said}");
        assert_eq!(said.contains("--group-add 2375"), !works, "{said}");
        case.daemon.docker(&["rm", "--force", &case.name]);
        let image = Image::manager(point.gid, point.member == Member::Always);
        let mut options: Vec<&str> = Vec::new();
        if !works {
            options.extend(["--group-add", "2375"]);
        }
        case.run(&Setting { options: &options, ..Setting::new(image) });
    }
    assert!(case.connects(), "what was told did not help");
    assert!(case.plan().success().starts_with("No changes."), "{}", case.plan());
}
