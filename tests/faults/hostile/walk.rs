//! Replaces every text of a file with every hostile text. Either the file is refused with an error
//! on that line, or the text is only a value. The places are read from the example with every key;
//! another test checks that example.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use containai::config;
use containai::config::diagnostic::{Diagnostic, line_of, render};
use containai::config::layers::Sources;

use super::base::{Gap, places, table};
use super::judge::{
    apply, facts, is_harmless, is_only_data, judge, located, machine, plan, reads_back,
};
use super::values::{FORMS, TOKEN, hostile};
use crate::support::fake_world::FakeWorld;
use crate::support::slowest::trial;
use crate::support::tally::HOSTILE;
use crate::support::trials;

/// The number of trials that share the places of the file. They can run at the same time; all places together
/// take minutes.
const SHARES: usize = 4;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    let share = |number| {
        let module = module_path!().trim_start_matches("main::");
        let name = format!("{module}::every_text_of_a_file_{number}");
        trial(name, move || every_text_of_a_file_is_refused_on_its_line_or_is_only_a_value(number))
    };
    let program = trials![the_program_itself_runs_nothing_of_a_file];
    (0..SHARES).map(share).chain(program).collect()
}

/// The maximum length of an error message, even if the wrong text is longer.
const MOST_SAID: usize = 4096;

fn every_text_of_a_file_is_refused_on_its_line_or_is_only_a_value(share: usize) {
    let directory = tempfile::tempdir().unwrap();
    let canary = directory.path().join("canary");
    let table = table();
    let mut home = PathBuf::new();
    let empty = machine(&mut home);
    let harmless = located(config::parse(&toml::to_string(&table).unwrap()).unwrap(), &home);
    let built = apply(empty.clone(), &harmless);
    assert!(built.instances.contains_key("containai-secure"), "the example is not applied");
    let machines = [&empty, &built].map(|world| facts(world, &harmless));
    let mut accepted = 0;
    let (mut lines, mut done) = (BTreeSet::new(), BTreeSet::new());
    for (row, place) in places(&table).into_iter().skip(share).step_by(SHARES).enumerate() {
        let gap = Gap::new(&table, &place);
        for (column, value) in tried(&gap, &canary).into_iter().enumerate() {
            HOSTILE.case(|| {
                let source = gap.filled(&value);
                let case = || format!("{place} as {}", shortened(&value));
                match config::parse(&source) {
                    Err(mistakes) => is_told(&mistakes, &source, &gap, &case()),
                    Ok(config) => {
                        accepted += 1;
                        let config = located(config, &home);
                        is_only_data(&config);
                        // Each place gets about twenty texts. A quarter of them is planned on each machine, and
                        // at each place other ones: all would take twice as long.
                        if let Some(facts) = machines.get((row + column) % 4) {
                            judge(&plan(&config, facts), &config, &mut lines);
                        }
                        // For each place, the first file is also applied, on a machine with another
                        // VM.
                        if done.insert(place.to_string()) {
                            apply(built.clone(), &config);
                        }
                    }
                }
            });
        }
    }
    reads_back(&lines, "sh");
    assert!(accepted > 100, "next to nothing of it was tried: {accepted}");
    // Not every share has a place whose text comes to the guest.
    let came = lines.iter().any(|line| line.contains(TOKEN));
    assert!(share > 0 || came, "nothing came to the guest");
    assert!(!canary.exists(), "something of a file was run");
}

/// The hostile texts for a place. If the place refuses a harmless text, also each hostile text in
/// every form that the place accepts.
fn tried(gap: &Gap, canary: &Path) -> Vec<String> {
    let takes = |form: &&str| config::parse(&gap.filled(&form.replace("{}", "a"))).is_ok();
    let forms: Vec<&str> = match FORMS.split_first() {
        Some((plain, forms)) if !takes(plain) => {
            forms.iter().copied().filter(takes).chain([*plain]).collect()
        }
        _ => vec!["{}"],
    };
    let fill = |form: &&str| -> Vec<String> {
        hostile(canary).iter().map(|text| form.replace("{}", text)).collect()
    };
    forms.iter().flat_map(fill).collect()
}

/// Checks that an error names the line and that all errors are readable.
fn is_told(mistakes: &[Diagnostic], source: &str, gap: &Gap, case: &str) {
    let line = |mistake: &Diagnostic| Some(line_of(source, mistake.span.as_ref()?.start));
    let told = mistakes.iter().any(|mistake| line(mistake) == Some(gap.line()));
    let text = render(mistakes, &Sources::single("f", source), false);
    assert!(told, "{case}: no error names line {}:\n{text}", gap.line());
    is_harmless(&text, case);
    let most = mistakes.len() * MOST_SAID;
    assert!(text.len() < most, "{case}: {} bytes about {} mistakes", text.len(), mistakes.len());
}

fn shortened(value: &str) -> String {
    value.chars().take(60).collect::<String>().escape_debug().to_string()
}

/// The same with the real command line and its fakes, for one text of each table.
fn the_program_itself_runs_nothing_of_a_file() {
    let table = table();
    let world = FakeWorld::new("");
    let canary = world.sandbox.path("canary");
    let (mut applied, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for place in places(&table) {
        let gap = Gap::new(&table, &place);
        for value in tried(&gap, &canary) {
            let source = gap.filled(&value);
            let parsed = config::parse(&source);
            let done = if parsed.is_ok() { &mut applied } else { &mut refused };
            if value.len() > 1000 || !done.insert(place.table()) {
                continue;
            }
            HOSTILE.case(|| {
                world.sandbox.write("home/containai.toml", &source);
                let commands: &[&[&str]] = match parsed {
                    // Files that the example names do not exist here, so it cannot be applied
                    // completely.
                    Ok(_) => &[&["plan"], &["render"], &["apply", "--yes"], &["doctor"]],
                    Err(_) => &[&["validate"], &["validate", "--json"], &["plan"]],
                };
                for command in commands {
                    let ran = world.cai(command);
                    is_harmless(&ran.stdout, "standard output");
                    is_harmless(&ran.stderr, "standard error");
                    if parsed.is_err() {
                        ran.fails_with(3);
                    }
                }
                assert!(!canary.exists(), "{place} as {} was run", shortened(&value));
            });
        }
    }
    assert!(applied.len() > 5 && refused.len() > 8, "{applied:?} {refused:?}");
}
