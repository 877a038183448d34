//! Ids of groups and users that the guest has given to others.

use serde_json::Value;

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_id_that_is_taken_stops_the_plan_and_nothing_is_touched,
        each_id_that_is_taken_is_a_finding,
        on_a_new_vm_only_what_needs_the_id_fails,
        a_group_may_take_the_id_that_one_before_it_gives_up,
    ]
}

/// The image's group sudo has the id 27, its login user 1001.
const CASES: [(&str, &str); 2] = [
    ("[[groups]]\nname = \"docker\"\ngid = 27\n", "group.docker: gid 27 belongs to group sudo"),
    ("[[users]]\nname = \"ci\"\nuid = 1001\n", "user.ci: uid 1001 belongs to user dev"),
];

/// A home with one file, and a simulated host.
struct Home(Sandbox);

impl Home {
    fn with(lines: &str) -> Self {
        let home = Self(Sandbox::new());
        home.declares(lines);
        home
    }

    fn declares(&self, lines: &str) {
        self.0.write("home/containai.toml", &format!("version = 1\n{lines}"));
    }

    fn cai(&self, words: &[&str]) -> Ran {
        self.0.cai(&[&["--simulate"], words].concat())
    }

    fn world(&self) -> String {
        let path = self.0.path("home/.local/state/cai/simulated/world.json");
        std::fs::read_to_string(path).unwrap()
    }
}

fn an_id_that_is_taken_stops_the_plan_and_nothing_is_touched() {
    for (lines, why) in CASES {
        let home = Home::with("");
        home.cai(&["apply", "--yes"]).success();
        home.declares(lines);
        let before = home.world();
        for words in [&["plan"][..], &["apply", "--yes"]] {
            let ran = home.cai(words);
            assert!(ran.fails_with(1).contains(why), "{ran}");
        }
        let doctor = home.cai(&["--json", "doctor", "--fix", "--yes"]);
        let document: Value = serde_json::from_str(&doctor.stdout).unwrap();
        let findings = document["findings"].as_array().unwrap();
        let [finding] = findings.as_slice() else { panic!("{doctor}") };
        let cause = why.split_once(": ").unwrap().1;
        assert!(finding["cause"].as_str().unwrap().contains(cause), "{doctor}");
        assert_eq!(finding["fixable"], false, "{doctor}");
        assert!(finding["remedy"].as_str().unwrap().starts_with("choose another "), "{doctor}");
        assert_eq!(home.world(), before);
    }
}

fn each_id_that_is_taken_is_a_finding() {
    let home = Home::with("");
    home.cai(&["apply", "--yes"]).success();
    let lines: String = CASES.iter().map(|(lines, _)| *lines).collect();
    home.declares(&format!("{lines}groups = [\"docker\"]\n[[users]]\nname = \"free\"\n"));
    let findings = || {
        let doctor = home.cai(&["--json", "doctor"]);
        let document: Value = serde_json::from_str(&doctor.stdout).unwrap();
        document["findings"].as_array().unwrap().clone()
    };
    let found = findings();
    let causes: Vec<&str> = found.iter().map(|it| it["cause"].as_str().unwrap()).collect();
    assert_eq!(
        causes,
        [CASES[0].1, CASES[1].1, "these resources differ from the file: user.free"],
        "{found:#?}"
    );
    let ids = ["gid", "uid"];
    for (finding, id) in found.iter().zip(ids) {
        let remedy = finding["remedy"].as_str().unwrap();
        assert!(remedy.starts_with(&format!("choose another {id}")), "{finding:#}");
    }
    let waits = "these resources cannot be applied either: group_membership.ci.docker";
    assert_eq!(found[1]["consequences"], serde_json::json!([waits]));
    // `--fix` still fixes the rest.
    home.cai(&["doctor", "--fix", "--yes"]);
    assert_eq!(findings().len(), 2);
}

fn on_a_new_vm_only_what_needs_the_id_fails() {
    for (lines, why) in CASES {
        let home = Home::with(lines);
        let ran = home.cai(&["apply", "--yes"]);
        assert!(ran.fails_with(1).contains(why), "{ran}");
        home.declares("");
        home.cai(&["apply", "--yes"]).success();
        assert!(home.cai(&["plan"]).success().contains("No changes."));
    }
}

fn a_group_may_take_the_id_that_one_before_it_gives_up() {
    let home = Home::with("");
    home.cai(&["apply", "--yes"]).success();
    let sudo = "[[groups]]\nname = \"sudo\"\ngid = 2700\n";
    let docker = "[[groups]]\nname = \"docker\"\ngid = 27\n";
    home.declares(&format!("{sudo}{docker}"));
    home.cai(&["apply", "--yes"]).success();
    assert!(home.cai(&["plan"]).success().contains("No changes."));
}
