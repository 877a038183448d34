//! What a repair looks at, in full looks at a machine: each is a plan that changes nothing.

use containai::simulate::Fault;

use crate::converged::takes;
use crate::fake_world::{FakeWorld, changes_something};
use crate::figure;

const FILE: &str = "version = 1\n[[groups]]\nname = \"docker\"\ngid = 2375\n";

/// How long these calls take that only look, in seconds.
fn looking(calls: &[String]) -> f64 {
    let looks = calls.iter().filter(|call| !changes_something(call));
    let took = looks.map(|call| {
        let mut words = call.split(' ').map(str::to_owned);
        let program = words.next().unwrap_or_default();
        takes(&program, &words.collect::<Vec<_>>()).as_secs_f64()
    });
    took.sum()
}

pub fn run(with: &str, tables: &str) -> bool {
    let file = format!("{FILE}{tables}");
    let world = FakeWorld::new(&file);
    world.cai(&["apply", "--yes"]).success();
    let cost = |command: &[&str]| {
        world.calls();
        world.cai(command).success();
        looking(&world.calls())
    };
    let plan = cost(&["plan"]);
    let no_op = cost(&["apply", "--yes"]);
    let status = cost(&["status"]);
    let config = containai::config::parse(&file).unwrap();
    world.change(|world| assert!(Fault::find("group").unwrap().strike(world, &config)));
    let repair = cost(&["apply", "--yes"]);
    [
        figure(&format!("full looks of a group repair{with}"), repair / plan, 2.5, ""),
        figure(
            &format!("full looks of an apply that changes nothing{with}"),
            no_op / plan,
            1.0,
            "",
        ),
        figure(&format!("full looks of a status{with}"), status / plan, 1.0, ""),
    ]
    .into_iter()
    .all(|holds| holds)
}
