//! What is said about a saved plan can be typed.

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_name_of_a_plan_is_quoted,
        standard_output_is_no_file_for_a_plan,
        a_stale_plan_is_made_anew_on_the_same_host_from_the_same_file,
        the_place_of_a_warning_is_shown_and_is_not_part_of_the_plan,
    ]
}

fn the_name_of_a_plan_is_quoted() {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    for (name, typed) in [("x;id", "'x;id'"), ("a b", "'a b'"), ("-y", "./-y")] {
        let ran = sandbox.cai(&["--simulate=world", "plan", &format!("--out={name}")]);
        ran.success();
        assert!(ran.stderr.contains(&format!("cai --simulate=world apply {typed}\n")), "{ran}");
        let shell = format!("cai --simulate=world apply {typed}");
        sandbox.run(&["sh", "-c", &shell]).success();
        sandbox.cai(&["--simulate=world", "simulate", "reset"]).success();
    }
}

fn standard_output_is_no_file_for_a_plan() {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    let ran = sandbox.cai(&["--simulate=world", "plan", "--out", "-"]);
    assert!(ran.fails_with(64).contains("--json"), "{ran}");
    assert!(!sandbox.path("home/-").exists());
}

fn a_stale_plan_is_made_anew_on_the_same_host_from_the_same_file() {
    let sandbox = Sandbox::new();
    for (file, option) in [("a b.toml", " -f 'a b.toml'"), ("containai.toml", "")] {
        sandbox.write(&format!("home/{file}"), "version = 1\n");
        let plan = ["--simulate=world", "-f", file, "plan", "--out", "next plan"];
        sandbox.cai(&plan).success();
        sandbox.write(&format!("home/{file}"), "version = 1\n[vm]\ncpus = 2\n");
        let ran = sandbox.cai(&["--simulate=world", "apply", "next plan"]);
        let again = format!("cai --simulate=world{option} plan --out 'next plan'\n");
        assert!(ran.fails_with(6).contains(&again), "{again}: {ran}");
    }
}

fn the_place_of_a_warning_is_shown_and_is_not_part_of_the_plan() {
    let sandbox = Sandbox::new();
    let mount = "[[vm.mounts]]\nlocation = \"~\"\nwritable = true\n";
    sandbox.write("home/containai.toml", &format!("version = 1\n{mount}"));
    let world = sandbox.path("world").display().to_string();
    let cai = |words: &[&str]| sandbox.cai_with(words, &[("CAI_SIMULATE", &world)]);
    let ran = cai(&["plan", "--out", "next.plan"]);
    let text = ran.success().replace("\n      # ", " ");
    assert!(text.contains("the writable mount ~ exposes your home directory"), "{ran}");
    assert!(text.contains(" (containai.toml:3)\n"), "{ran}");
    // From there, the file has another path.
    sandbox.directory("home/sub");
    cai(&["-C", "sub", "apply", "../next.plan"]).success();
}
