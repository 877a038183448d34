//! The targets of the fuzzer, so that none of them rots: each is called with its seeds, and with
//! what chance makes of them. The fuzzer itself is started by `.ci/fuzz`.

mod seeds;
mod targets;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config as Cases, TestRunner};

use crate::support::tally::FUZZED;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        every_target_takes_its_seeds,
        every_target_takes_what_chance_makes_of_its_seeds,
        every_target_is_one_of_the_fuzzers,
    ]
}

type Target = fn(&[u8]);

/// The names are those of the files in `fuzz_targets`.
const TARGETS: [(&str, Target); 5] = [
    ("config", targets::config),
    ("limactl_list", targets::limactl_list),
    ("guest_document", targets::guest_document),
    ("docker_metadata", targets::docker_metadata),
    ("compose_file", targets::compose_file),
];

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(own, _)| *own == name).unwrap().1
}

/// With `CAI_FUZZ_CORPUS=DIR`, they are also written there, for the fuzzer to begin with.
fn every_target_takes_its_seeds() {
    let corpus = std::env::var_os("CAI_FUZZ_CORPUS").map(std::path::PathBuf::from);
    for (name, seeds) in seeds::all() {
        assert!(!seeds.is_empty(), "{name} has no seed");
        for (number, seed) in seeds.iter().enumerate() {
            FUZZED.case(|| target(name)(seed.as_bytes()));
            if let Some(directory) = corpus.as_ref().map(|corpus| corpus.join(name)) {
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(directory.join(format!("seed-{number}")), seed).unwrap();
            }
        }
    }
}

/// A piece of text is put in the place of another one, some times over.
fn every_target_takes_what_chance_makes_of_its_seeds() {
    let piece = prop_oneof![
        "\\PC{0,6}",
        "[\\[\\]{}=.,:\"'\n\r\t#@|a-c0-9\u{1b}\u{202e}\\\\-]{0,6}",
        Just("9".repeat(40)),
        Just("[".repeat(300)),
        Just("\u{0}".to_owned()),
        Just("{{".to_owned()),
    ];
    let change = (any::<Index>(), 0..40_usize, piece);
    let changes = proptest::collection::vec(change, 1..4);
    for (name, seeds) in seeds::all() {
        let cases = Cases { cases: 128, failure_persistence: None, ..Cases::default() };
        let tried =
            TestRunner::new(cases).run(&(any::<Index>(), changes.clone()), |(of, changes)| {
                let mut text: Vec<char> = of.get(&seeds).chars().collect();
                for (at, cut, piece) in changes {
                    let at = at.index(text.len() + 1);
                    text.splice(at..(at + cut).min(text.len()), piece.chars());
                }
                let text: String = text.into_iter().collect();
                FUZZED.case(|| target(name)(text.as_bytes()));
                Ok(())
            });
        tried.unwrap_or_else(|why| panic!("{name}: {why}"));
    }
}

fn every_target_is_one_of_the_fuzzers() {
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest: toml::Table =
        std::fs::read_to_string(own.join("Cargo.toml")).unwrap().parse().unwrap();
    let bins = manifest["bin"].as_array().unwrap();
    let names: Vec<&str> = bins.iter().map(|bin| bin["name"].as_str().unwrap()).collect();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
    assert_eq!(seeds::all().map(|(name, _)| name), TARGETS.map(|(name, _)| name));
}
