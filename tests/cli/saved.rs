//! A saved plan is applied as it is, or not at all.

use std::os::unix::fs::PermissionsExt;

use containai::config;
use containai::model::digest::sha256;
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
        a_plan_that_was_changed_does_nothing_but_what_is_planned_now,
        a_plan_is_private_wherever_it_is_written,
        a_secret_that_changed_makes_it_stale_and_is_not_in_it,
        a_secret_that_is_part_of_an_address_makes_it_stale_too,
        a_saved_plan_with_a_signed_url_is_applied_and_does_not_hold_it,
        a_replacement_still_needs_its_name,
        it_takes_no_files_beside_it,
        it_replaces_no_file_but_a_saved_plan,
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
    assert!(again.fails_with(6).contains("the plan next.plan is stale"), "{again}");
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
    assert!(
        told.contains("group_membership.@lima.docker: the action changed from no-op to create"),
        "{ran}"
    );
    assert!(!told.contains("vm.containai-secure:"), "what did not move is not told: {ran}");
    assert!(!world.calls().iter().any(|call| call.contains("stop")), "nothing is done");
}

fn a_changed_file_makes_it_stale() {
    let world = FakeWorld::new(FILE);
    saved(&world);
    world.sandbox.write("home/containai.toml", "version = 1\n[vm]\ncpus = 4\n");
    let ran = world.cai(&["apply", "next.plan"]);
    assert!(ran.fails_with(6).contains("containai.toml changed since it was saved"), "{ran}");
}

fn what_is_no_saved_plan_of_this_cai_is_refused() {
    let world = FakeWorld::new(FILE);
    let text = saved(&world);
    let bend = |change: &dyn Fn(&mut Value)| {
        let mut plan: Value = serde_json::from_str(&text).unwrap();
        change(&mut plan);
        plan.to_string()
    };
    let unreadable: &dyn Fn(&mut Value) = &|plan| plan["files"] = 7.into();
    let cases = [
        ("{}".to_owned(), "not a valid saved plan"),
        (String::new(), "line 1, column 0: unexpected end of file"),
        ("[]".to_owned(), "unexpected structure"),
        (FILE.to_owned(), "not valid JSON"),
        (text[..text.len() / 2].to_owned(), "unexpected end of file"),
        (text.trim_end().trim_end_matches('}').to_owned(), "unexpected end of file"),
        (format!("{text}{text}"), "not valid JSON"),
        (bend(unreadable), "unexpected structure"),
        (bend(&|plan| plan["saved_plan_format"] = 1.into()), "format 1, written by an older cai"),
        (bend(&|plan| plan["saved_plan_format"] = 9.into()), "format 9, written by a newer cai"),
        (
            bend(&|plan| plan["plan"]["resource_changes"][1]["after"]["cpus"] = 64.into()),
            "checksum mismatch",
        ),
        (bend(&|plan| plan["cai"] = "0.0.1".into()), "checksum mismatch"),
        (bend(&|plan| plan["sha256"] = "00".into()), "checksum mismatch"),
        (
            resealed(&text, &|plan| plan["cai"] = "0.0.1".into()),
            "the plan was created by cai 0.0.1",
        ),
        (
            resealed(&text, &|plan| plan["simulated"] = true.into()),
            "the plan is for a simulated host",
        ),
    ];
    for (text, told) in cases {
        world.sandbox.write("home/bent.plan", &text);
        let ran = world.cai(&["apply", "bent.plan"]);
        assert!(ran.fails_with(3).contains(told), "{told:?}: {ran}");
    }
    // Neither does what it is about come into a message.
    world.sandbox.write("home/bent.plan", "{\"saved_plan_format\": \"s3cret\"");
    assert!(!world.cai(&["apply", "bent.plan"]).fails_with(3).contains("s3cret"));
    std::fs::write(world.sandbox.path("home/bent.plan"), b"\xff\xfe\0").unwrap();
    assert!(world.cai(&["apply", "bent.plan"]).fails_with(3).contains("not a text file"));
    let ran = world.cai(&["--simulate=other", "apply", "next.plan"]);
    assert!(ran.fails_with(3).contains("the plan is for a real host"), "{ran}");
    world.cai(&["apply", "missing.plan"]).fails_with(3);
}

/// What somebody does to a plan.
type Bend = fn(&mut Value);

/// A changed plan with the checksum that it should have.
fn resealed(text: &str, change: &dyn Fn(&mut Value)) -> String {
    let mut plan: Value = serde_json::from_str(text).unwrap();
    change(&mut plan);
    plan["sha256"] = "".into();
    plan["sha256"] = sha256(plan.to_string().as_bytes()).into();
    plan.to_string()
}

fn a_plan_that_was_changed_does_nothing_but_what_is_planned_now() {
    let world = FakeWorld::new(FILE);
    let text = saved(&world);
    world.calls();
    // A checksum has no key: whoever can write the file can make one. What is applied is made anew.
    let cases: [(Bend, &str); 6] = [
        (|plan| plan["plan"]["resource_changes"][1]["steps"][0] = "x".into(), "steps changed"),
        (|plan| plan["plan"]["resource_changes"][1]["after"]["cpus"] = 64.into(), "after changed"),
        (
            |plan| plan["plan"]["resource_changes"][1]["action"] = "no-op".into(),
            "the action changed from no-op to create",
        ),
        (
            |plan| plan["plan"]["resource_changes"] = serde_json::json!([]),
            "is not in the saved plan",
        ),
        (|plan| plan["files"][0]["sha256"] = "00".into(), "changed since it was saved"),
        (
            |plan| plan["fingerprints"]["vm.containai-secure"] = "0".into(),
            "a sensitive value changed",
        ),
    ];
    for (change, told) in cases {
        world.sandbox.write("home/bent.plan", &resealed(&text, &change));
        let ran = world.cai(&["apply", "bent.plan"]);
        assert!(ran.fails_with(6).contains(told), "{told:?}: {ran}");
    }
    world.sandbox.write(
        "home/bent.plan",
        &resealed(&text, &|plan| {
            plan["files"][0]["path"] = "/nosuch/containai.toml".into();
        }),
    );
    world.cai(&["apply", "bent.plan"]).fails_with(3);
    let changing = |call: &String| ["create", "edit", "start"].iter().any(|it| call.contains(it));
    assert!(!world.calls().iter().any(changing), "nothing is done");
}

fn a_plan_is_private_wherever_it_is_written() {
    let world = FakeWorld::new(FILE);
    let path = world.sandbox.path("home/next.plan");
    let mode = |path: &std::path::Path| {
        let meta = std::fs::symlink_metadata(path).unwrap();
        (meta.is_file(), meta.permissions().mode() & 0o777)
    };
    let script = "umask 000; exec cai plan --out next.plan";
    let variable = crate::support::fake_world::VARIABLE;
    let plan = || {
        let mut command = world.sandbox.command(&["sh", "-c", script]);
        let done = command.env(variable, world.sandbox.path("world")).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    plan();
    assert_eq!(mode(&path), (true, 0o600));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    plan();
    assert_eq!(mode(&path), (true, 0o600));
    // A link is replaced, and what it leads to is not written.
    let other = world.sandbox.path("home/other");
    std::fs::rename(&path, &other).unwrap();
    let before = std::fs::read_to_string(&other).unwrap();
    std::os::unix::fs::symlink(&other, &path).unwrap();
    plan();
    assert_eq!(mode(&path), (true, 0o600));
    assert_eq!(std::fs::read_to_string(&other).unwrap(), before);
}

fn a_secret_that_changed_makes_it_stale_and_is_not_in_it() {
    let world =
        FakeWorld::new(&format!("{FILE}[vm.env]\nKEY = {{ env = \"KEY\", sensitive = true }}\n"));
    let cai = |words: &[&str], key: &str| world.cai_with(words, &[("KEY", key)]);
    cai(&["plan", "--out", "next.plan"], "s3cret-1").success();
    let text = std::fs::read_to_string(world.sandbox.path("home/next.plan")).unwrap();
    assert!(!text.contains("s3cret") && text.contains("(sensitive value)"), "{text}");
    let ran = cai(&["apply", "next.plan"], "s3cret-2");
    let told = ran.fails_with(6);
    assert!(told.contains("vm.containai-secure: a sensitive value changed"), "{ran}");
    assert!(!ran.to_string().contains("s3cret"), "{ran}");
    cai(&["apply", "next.plan"], "s3cret-1").success();
    let yaml = &world.world().instances["containai-secure"].yaml;
    assert!(yaml.contains("KEY: s3cret-1"), "{yaml}");
    // Not there: refused by name, with the place in the file.
    let ran = cai(&["plan"], "");
    assert!(ran.fails_with(3).contains("the environment variable KEY is not set"), "{ran}");
}

fn a_secret_that_is_part_of_an_address_makes_it_stale_too() {
    let world = FakeWorld::new(&format!(
        "{FILE}[vm.env]\nWORD = {{ value = \"secure\", sensitive = true }}\n\
         KEY = {{ env = \"KEY\", sensitive = true }}\n"
    ));
    world.cai_with(&["plan", "--out", "next.plan"], &[("KEY", "s3cret-one")]).success();
    let ran = world.cai_with(&["apply", "next.plan"], &[("KEY", "s3cret-two")]);
    assert!(ran.fails_with(6).contains("a sensitive value changed"), "{ran}");
    world.cai_with(&["apply", "next.plan"], &[("KEY", "s3cret-one")]).success();
}

fn a_saved_plan_with_a_signed_url_is_applied_and_does_not_hold_it() {
    let file = format!(
        "{FILE}[vm.env]\nPACKAGE = \"https://h.example/a?X-Amz-Signature=s1gned\"\n\
         HTTPS_PROXY = \"me:s1g@proxy.example:3128\"\n"
    );
    let world = FakeWorld::new(&file);
    let text = saved(&world);
    assert!(!text.contains("s1g") && text.contains("?X-Amz-Signature="), "{text}");
    world.cai(&["apply", "next.plan"]).success();
    let yaml = &world.world().instances["containai-secure"].yaml;
    assert!(yaml.contains("s1gned") && yaml.contains("me:s1g@proxy.example"), "{yaml}");
    let other = file.replace("s1gned", "s2gned");
    world.sandbox.write("home/containai.toml", &other);
    world.cai(&["plan", "--out", "next.plan"]).success();
    world.change(|world| {
        let instance = world.instances.get_mut("containai-secure").unwrap();
        instance.yaml = instance.yaml.replace("s1gned", "s3gned");
    });
    let ran = world.cai(&["apply", "next.plan"]);
    assert!(ran.fails_with(6).contains("vm.containai-secure"), "{ran}");
    assert!(!ran.to_string().contains("gned"), "{ran}");
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

fn it_replaces_no_file_but_a_saved_plan() {
    let world = FakeWorld::new(FILE);
    saved(&world);
    // Another plan in the place of the old one.
    saved(&world);
    let home = world.sandbox.home();
    let pipe = home.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let ran = world.cai(&["plan", "--out", "containai.toml"]);
    assert!(
        ran.fails_with(4).contains("containai.toml already exists and is not a saved plan"),
        "{ran}"
    );
    assert_eq!(std::fs::read_to_string(home.join("containai.toml")).unwrap(), FILE);
    std::fs::write(home.join("image"), b"\xff\xd8").unwrap();
    world.cai(&["plan", "--out", "image"]).fails_with(4);
    // Whoever reads a pipe waits for a writer, so it is not even opened.
    let ran = world.cai(&["plan", "--out", "/dev/null"]);
    assert!(ran.fails_with(1).contains("not a regular file"), "{ran}");
    world.cai(&["plan", "--out", "pipe"]).fails_with(1);
    assert!(std::fs::metadata(&pipe).is_ok_and(|meta| !meta.is_file()));
}
