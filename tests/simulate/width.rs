//! With the mark before it, too, a line fits a terminal of 80 columns.

use containai::simulate::FAULTS;

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![every_fault_fits_a_terminal_of_80_columns]
}

const COMPOSE: &str = "services:\n  manager:\n    container_name: mcp-manager\n    volumes:\n      \
                       - sock:/var/run\nvolumes:\n  sock:\n";
const FILE: &str =
    "version = 1\n[vm]\ncpus = 4\n[[vm.mounts]]\nlocation = \"~\"\nwritable = true\n";
const CLIENT: &str = "[[socket_clients]]\ncontainer = \"mcp-manager\"\nvolume = \"sock\"\nmode = \"rw\"\n\
                      health = \"container\"\ncompose_file = \"./dind.yml\"\nservice = \"manager\"\n";

/// A command is to be copied from one line, a word is nowhere broken, and neither are the lines of a
/// file that is shown.
fn may_be_long(line: &str) -> bool {
    let text = line.trim_start_matches("[simulated]").trim_start();
    let is_command = ["do: cai ", "do: curl ", "do: docker ", "docker --context "];
    is_command.iter().any(|start| text.starts_with(start))
        || text.starts_with(['+', '-'])
        || text.contains(" = \"")
        || text.split(' ').any(|word| word.chars().count() > 45)
}

fn every_fault_fits_a_terminal_of_80_columns() {
    let sandbox = Sandbox::new();
    sandbox.write("home/dind.yml", COMPOSE);
    let mut long = Vec::new();
    for fault in FAULTS {
        let client = if fault.is_of_a_client() { CLIENT } else { "" };
        sandbox.write("home/containai.toml", &format!("{FILE}{client}"));
        sandbox.cai(&["--simulate=world", "apply", "--yes"]).success();
        let healthy = sandbox.cai(&["--simulate=world", "doctor"]);
        assert!(healthy.success().contains("Healthy."), "{healthy}");
        sandbox.cai(&["--simulate=world", "simulate", "break", fault.name]).success();
        let ill = sandbox.cai(&["--simulate=world", "doctor"]);
        assert!(!ill.stdout.contains("Healthy."), "{}: {ill}", fault.name);
        let plan = sandbox.cai(&["--simulate=world", "plan"]);
        for ran in [healthy, ill, plan] {
            let lines = ran.stdout.lines().filter(|it| it.chars().count() > 80 && !may_be_long(it));
            long.extend(lines.map(|line| format!("{}: {line}", fault.name)));
        }
        sandbox.cai(&["--simulate=world", "simulate", "reset"]).success();
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}
