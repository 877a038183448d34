//! Mount × group × user × Compose, each compared with a real connection from inside.
//!
//! The normal run selects points that cover each pair of values and each outcome with each way to
//! create the container. The other points are part of the long soak test.

use std::collections::BTreeSet;

use libtest_mimic::Trial;

use super::case::{Case, Setting};
use super::compose::Composer;
use super::daemon::GROUP;
use super::image::Image;
use crate::support::slowest::trial;

/// Which user is a member of the image's group `docker`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Always,
    Never,
    /// The user became a member after the container's program started.
    Later,
}

/// A point of the matrix.
#[derive(Debug, Clone, Copy)]
struct Point {
    mode: &'static str,
    /// The gid of the image's group `docker`.
    gid: u32,
    member: Member,
    compose: Option<Composer>,
}

impl Point {
    fn all() -> Vec<Self> {
        let mut points = Vec::new();
        for mode in ["ro", "rw"] {
            for gid in [GROUP, 998] {
                for member in [Member::Always, Member::Never, Member::Later] {
                    for compose in Composer::ALL.map(Some).into_iter().chain([None]) {
                        points.push(Self { mode, gid, member, compose });
                    }
                }
            }
        }
        points
    }

    /// The last part of its trial's name.
    fn name(self) -> String {
        let Self { mode, gid, member, .. } = self;
        format!("{mode}_group_{gid}_member_{member:?}_{}", self.maker()).to_lowercase()
    }

    fn maker(self) -> &'static str {
        self.compose.map_or("by_hand", Composer::name)
    }

    /// Whether the container's program can use the socket. Only the groups of the running program
    /// matter; a read-only mount does not.
    fn works(self) -> bool {
        self.gid == GROUP && self.member == Member::Always
    }

    /// The code of the expected finding, if any.
    fn outcome(self) -> Option<&'static str> {
        match (self.works(), self.mode, self.gid, self.member) {
            (true, "ro", ..) => Some("client_mount_readonly"),
            (true, ..) => None,
            (false, _, 998, _) => Some("client_gid_mismatch"),
            (false, _, _, Member::Later) => Some("client_session_stale"),
            (false, ..) => Some("client_user_not_in_group"),
        }
    }

    /// All pairs of its values, including the outcome.
    fn pairs(self) -> BTreeSet<[String; 2]> {
        let Self { mode, gid, member, .. } = self;
        let values = [
            format!("mode {mode}"),
            format!("group {gid}"),
            format!("member {member:?}"),
            format!("made by {}", self.maker()),
            format!("outcome {:?}", self.outcome()),
        ];
        let pairs = values.iter().enumerate().flat_map(|(number, value)| {
            values[..number].iter().map(|other| [other.clone(), value.clone()])
        });
        pairs.collect()
    }
}

/// Points that together cover every pair of values of all points. The selection is deterministic:
/// each is the first point that adds the most pairs.
fn pairwise() -> Vec<Point> {
    let mut missing: BTreeSet<_> = Point::all().into_iter().flat_map(Point::pairs).collect();
    let mut chosen = Vec::new();
    while !missing.is_empty() {
        let adds = |point: &Point| point.pairs().intersection(&missing).count();
        let best = Point::all().into_iter().rev().max_by_key(adds).expect("there are points");
        missing.retain(|pair| !best.pairs().contains(pair));
        chosen.push(best);
    }
    chosen
}

/// A trial for each point. Those of the soak test are ignored and have `soak` in their names.
pub fn trials() -> Vec<Trial> {
    let chosen: BTreeSet<String> = pairwise().into_iter().map(Point::name).collect();
    let of = |point: Point| {
        let is_there = point.compose.is_none_or(Composer::is_there);
        let is_chosen = chosen.contains(&point.name());
        let group = if is_chosen { "matrix" } else { "matrix::soak" };
        let name = format!("client::{group}::{}", point.name());
        trial(name, move || check(point)).with_ignored_flag(!(is_there && is_chosen))
    };
    Point::all().into_iter().map(of).collect()
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
    assert_eq!(works, point.works());
    let expected = point.outcome();
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
        (Some(_), None) => is_told(&case, point),
    }
}

/// With a Compose file, only the service is recreated.
fn mends(case: &Case, point: Point, plan: &str) {
    let rest = case.rest();
    assert!(plan.contains(&format!("recreates 1 container: {}", case.name)), "{plan}");
    assert!(plan.contains("container recreation") && plan.contains("dind.cai.yml"), "{plan}");
    let id = case.identity(&case.name);
    case.apply_mends();
    assert!(case.connects(), "a real connection still fails");
    assert_ne!(case.identity(&case.name), id);
    case.left_alone(&rest);
    let written = case.sandbox.path(case.compose_file("dind.cai.yml"));
    let written = std::fs::read_to_string(written).unwrap();
    // The override contains only what is needed.
    assert_eq!(written.contains("volumes:"), point.mode == "ro", "{written}");
    assert_eq!(written.contains("group_add:"), !point.works(), "{written}");
    let mounts = case.daemon.docker(&["inspect", "--format", "{{json .Mounts}}", &case.name]);
    assert!(!mounts.contains("\"RW\":false"), "{mounts}");
}

/// Without a Compose file, the plan names the change, and making it by hand is sufficient.
fn is_told(case: &Case, point: Point) {
    let ran = case.sandbox.cai(&["apply", "--yes"]);
    let said = ran.fails_with(1).to_owned();
    let is_stale = point.gid == GROUP && point.member == Member::Later && point.mode == "rw";
    if is_stale {
        assert!(said.contains(&format!("restart {}", case.name)), "{said}");
        case.daemon.docker(&["restart", &case.name]);
    } else {
        assert_eq!(said.contains(":/var/run:rw"), point.mode == "ro", "{said}");
        assert_eq!(said.contains("--group-add 2375"), !point.works(), "{said}");
        case.daemon.docker(&["rm", "--force", &case.name]);
        let image = Image::manager(point.gid, point.member == Member::Always);
        let mut options: Vec<&str> = Vec::new();
        if !point.works() {
            options.extend(["--group-add", "2375"]);
        }
        case.run(&Setting { options: &options, ..Setting::new(image) });
    }
    assert!(case.connects(), "the named change did not help");
    assert!(case.plan().success().starts_with("No changes."), "{}", case.plan());
}
