//! A saved plan is applied as it is, or not at all.

use std::os::unix::fs::PermissionsExt;

use containai::config;
use containai::simulate::Fault;
use serde_json::Value;

use crate::support::fake_world::FakeWorld;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_saved_plan_is_applied_without_a_question,
        what_moved_since_makes_it_stale,
        a_changed_file_makes_it_stale,
        what_is_no_saved_plan_of_this_cai_is_refused,
        a_replacement_still_needs_its_name,
        it_takes_no_files_beside_it,
    ]
}

const FILE: &str = "version = 1\n[vm]\ncpus = 2\n";

fn saved(world: &FakeWorld) -> String {
    let ran = world.cai(&["plan", "--out", "next.plan"]);
    assert!(ran.success().contains("Plan:") && ran.stderr.contains("cai apply next.plan"), "{ran}");
    std::fs::read_to_string(world.sandbox.path("home/next.plan")).unwrap()
}

fn a_saved_plan_is_applied_without_a_question() {
    let world = FakeWorld::new(FILE);
    saved(&world);
    let path = world.sandbox.path("home/next.plan");
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let ran = world.cai(&["apply", "next.plan"]);
    ran.success();
    assert!(ran.stderr.contains("Apply complete"), "{ran}");
    assert!(world.cai(&["plan"]).success().contains("No changes."));
    // Once.
    let again = world.cai(&["apply", "next.plan"]);
    assert!(again.fails_with(6).contains("stale plan: next.plan"), "{again}");
}

fn what_moved_since_makes_it_stale() {
    let world = FakeWorld::new(FILE);
    world.cai(&["apply", "--yes"]).success();
    world.sandbox.write("home/containai.toml", "version = 1\n[vm]\ncpus = 3\n");
    saved(&world);
    let config = config::parse(FILE).unwrap();
    world.change(|world| Fault::find("group").unwrap().strike(world, &config));
    world.calls();
    let ran = world.cai(&["apply", "next.plan"]);
    let told = ran.fails_with(6);
    assert!(told.contains("group_membership.@lima.docker: was to stay, is to create"), "{ran}");
    assert!(!told.contains("vm.containai-secure:"), "what did not move is not told: {ran}");
    assert!(!world.calls().iter().any(|call| call.contains("stop")), "nothing is done");
}

fn a_changed_file_makes_it_stale() {
    let world = FakeWorld::new(FILE);
    saved(&world);
    world.sandbox.write("home/containai.toml", "version = 1\n[vm]\ncpus = 4\n");
    let ran = world.cai(&["apply", "next.plan"]);
    assert!(ran.fails_with(6).contains("containai.toml was changed"), "{ran}");
}

fn what_is_no_saved_plan_of_this_cai_is_refused() {
    let world = FakeWorld::new(FILE);
    let text = saved(&world);
    let bend = |change: &dyn Fn(&mut Value)| {
        let mut plan: Value = serde_json::from_str(&text).unwrap();
        change(&mut plan);
        plan.to_string()
    };
    let cases = [
        ("{}".to_owned(), "it is no saved plan"),
        ("cpus = 2".to_owned(), "it is no saved plan"),
        (text[..text.len() / 2].to_owned(), "it is no saved plan"),
        (bend(&|plan| plan["saved_plan_format"] = 0.into()), "format 0"),
        (
            bend(&|plan| plan["plan"]["resource_changes"][1]["after"]["cpus"] = 64.into()),
            "checksum",
        ),
        (bend(&|plan| plan["cai"] = "0.0.1".into()), "checksum"),
    ];
    for (text, told) in cases {
        world.sandbox.write("home/bent.plan", &text);
        let ran = world.cai(&["apply", "bent.plan"]);
        assert!(ran.fails_with(1).contains(told), "{told:?}: {ran}");
    }
    let ran = world.cai(&["--simulate=other", "apply", "next.plan"]);
    assert!(ran.fails_with(1).contains("it is of a real host"), "{ran}");
    world.cai(&["apply", "missing.plan"]).fails_with(3);
}

fn a_replacement_still_needs_its_name() {
    let world = FakeWorld::new(FILE);
    world.cai(&["apply", "--yes"]).success();
    let image = "[[vm.images]]\nlocation = \"https://images.example/other.img\"\n";
    world.sandbox.write("home/containai.toml", &format!("{FILE}{image}"));
    saved(&world);
    let ran = world.cai(&["apply", "next.plan"]);
    assert!(ran.fails_with(4).contains("--allow-replace containai-secure"), "{ran}");
    world.cai(&["apply", "next.plan", "--allow-replace", "containai-secure"]).success();
}

fn it_takes_no_files_beside_it() {
    let world = FakeWorld::new(FILE);
    saved(&world);
    world.cai(&["apply", "next.plan", "-f", "containai.toml"]).fails_with(64);
}
