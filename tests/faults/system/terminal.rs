//! No terminal, a limited terminal, and a user who disables colors.

use crate::support::fake_world::FakeWorld;
use crate::support::tally::SYSTEM;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        without_a_terminal_nobody_is_asked,
        a_dumb_terminal_and_no_color_get_plain_text,
        colours_are_there_where_nobody_minds,
    ]
}

const FILE: &str = "version = 1\n[vm]\ncpus = 2\n";

fn without_a_terminal_nobody_is_asked() {
    for command in [&["apply"][..], &["setup"], &["destroy"], &["doctor", "--fix"]] {
        SYSTEM.case(|| {
            let machine = if command == ["destroy"] {
                FakeWorld::converged(FILE)
            } else {
                FakeWorld::new(FILE)
            };
            let before = machine.world();
            let ran = machine.cai(command);
            let said = ran.fails_with(4);
            assert!(said.contains("confirmation needs a terminal"), "{ran}");
            assert!(said.contains("help: ") && said.contains("run `cai "), "{ran}");
            assert!(!said.contains('\u{1b}') && !ran.stdout.contains('\u{1b}'), "{ran}");
            assert_eq!(machine.world(), before);
        });
    }
}

fn on_terminal(machine: &FakeWorld, variables: &[(&str, &str)]) -> String {
    let variables = [&machine.variables(), variables].concat();
    let mut session = machine.sandbox.start_on_terminal(&["apply", "--yes"], &variables);
    let ran = session.end();
    assert!(ran.status.success(), "{variables:?}: {ran}");
    ran.stderr
}

fn a_dumb_terminal_and_no_color_get_plain_text() {
    for (variables, plain) in [
        (&[("TERM", "dumb")][..], &["\u{1b}"][..]),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], &["\u{1b}[3", "\u{1b}[9", "\u{1b}[1m"]),
    ] {
        SYSTEM.case(|| {
            let machine = FakeWorld::new(FILE);
            let said = on_terminal(&machine, variables);
            assert!(said.contains("vm.containai-secure"), "{said}");
            for sequence in plain {
                assert!(!said.contains(sequence), "{variables:?}: {sequence:?} is in {said:?}");
            }
            assert!(machine.cai(&["plan"]).success().contains("No changes."));
        });
    }
}

/// Without this, the test above could not fail.
fn colours_are_there_where_nobody_minds() {
    let said = on_terminal(&FakeWorld::new(FILE), &[("TERM", "xterm")]);
    assert!(said.contains("\u{1b}[3") || said.contains("\u{1b}[9"), "{said:?}");
}
