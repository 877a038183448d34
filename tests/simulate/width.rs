//! With the mark before it, too, a line fits a terminal of 80 columns.

use containai::config;
use containai::host::System;
use containai::plan::{Declared, Plan};
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe;
use containai::report::{self, Layout};
use containai::simulate::{FAULTS, LINUX, SimulatedHost, World};

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![every_fault_fits_a_terminal_of_80_columns, a_plan_fits_terminals_of_every_width]
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

const EGRESS: &str = "[egress]\nallow = [\"github.com\"]\n";

fn every_fault_fits_a_terminal_of_80_columns() {
    let sandbox = Sandbox::new();
    sandbox.write("home/dind.yml", COMPOSE);
    let mut long = Vec::new();
    for fault in FAULTS {
        let client = if fault.is_of_a_client() { CLIENT } else { "" };
        let egress = if fault.name.starts_with("egress-") { EGRESS } else { "" };
        sandbox.write("home/containai.toml", &format!("{FILE}{client}{egress}"));
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

fn a_plan_fits_terminals_of_every_width() {
    let config = config::parse(FILE).unwrap();
    let declared = [Declared { file: "containai.toml", layers: &[], vm: config.vm.name.as_str() }];
    for fault in FAULTS.iter().filter(|fault| !fault.is_of_a_client()) {
        let host = SimulatedHost::new(&System, World::new(LINUX));
        super::apply(&host, &config);
        host.change(|world| fault.strike(world, &config)).unwrap();
        let facts = [observe(&host, &config).unwrap()];
        let plan = Plan::new(&Graph::observed(&[&config], &facts).unwrap(), &facts);
        for width in [60, 80, 120, 200] {
            let layout = Layout { width, ..Layout::default() };
            let text = report::plan(&plan, &declared, &facts, layout);
            let text = anstream::adapter::strip_str(&text).to_string();
            let long = text.lines().filter(|line| line.chars().count() > width);
            let long: Vec<&str> = long.filter(|line| !has_one_value(line)).collect();
            assert!(long.is_empty(), "{} at {width}: {long:#?}", fault.name);
        }
    }
}

/// Whether the line is one value of an attribute, which is not broken.
fn has_one_value(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("+ ") || line.starts_with("-> ") || line.contains(" = ")
}
