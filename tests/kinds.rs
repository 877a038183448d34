//! What each kind of resource must have: an example, a part of the schema, and a case in which it is
//! made, one in which it leaves the file, and one in which the doctor finds it. A kind without a row in
//! [`ROWS`] fails here.

use std::fs;
use std::path::Path;

use containai::config::{self, Config};
use containai::docker::Environment;
use containai::doctor::{Case, Finding, diagnose};
use containai::host::System;
use containai::model::address::{Address, Kind};
use containai::plan::{Action, Plan};
use containai::reconcile::apply::{Report, apply};
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe;
use containai::resource::KINDS;
use containai::simulate::{Fault, File, Guest, LINUX, SimulatedHost, World};

use crate::support::CA;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        every_kind_has_a_row,
        every_kind_has_an_example_and_a_part_of_the_schema,
        every_kind_is_made_and_stays_as_it_is,
        every_kind_leaves_with_its_lines,
        every_kind_is_found_by_the_doctor,
        a_file_is_after_its_owner_and_stays_if_it_was_there,
        a_file_without_a_source_or_an_owner_stops_the_plan,
        a_file_is_shown_by_its_lines_without_secrets,
    ]
}

/// One kind.
struct Row {
    kind: &'static str,
    /// The table of the file that it comes from.
    table: &'static str,
    /// Lines that declare it, where `DIR` is a directory of this machine; none where each file does.
    lines: &'static str,
    removal: Removal,
    /// Brings it into disorder.
    spoil: fn(&mut World, &Config),
}

/// What becomes of it without its lines.
enum Removal {
    /// The resource at this address is deleted.
    Deletes(&'static str),
    /// It cannot leave the file, for this reason.
    Never(&'static str),
}

use Removal::{Deletes, Never};

const ROWS: &[Row] = &[
    Row {
        kind: "lima_install",
        table: "lima",
        lines: "",
        removal: Never("Lima may have other VMs, and every file needs it"),
        spoil: |world, config| strike("lima-missing", world, config),
    },
    Row {
        kind: "vm",
        table: "vm",
        lines: "",
        removal: Never("only `cai destroy` deletes a VM"),
        spoil: |world, config| strike("vm-stopped", world, config),
    },
    Row {
        kind: "group",
        table: "groups",
        lines: "[[groups]]\nname = \"agents\"\n",
        removal: Deletes("group.agents"),
        spoil: |world, _| drop(guest(world).groups.remove("agents")),
    },
    Row {
        kind: "user",
        table: "users",
        lines: "[[users]]\nname = \"bob\"\nuid = 2001\n",
        removal: Deletes("user.bob"),
        spoil: |world, _| {
            if let Some(bob) = guest(world).users.get_mut("bob") {
                bob.uid = 2002;
            }
        },
    },
    Row {
        kind: "file",
        table: "files",
        lines: "[[files]]\npath = \"/etc/team/a b.conf\"\nsource = \"DIR/file\"\nmode = \"0600\"\n",
        removal: Deletes("file./etc/team/a b.conf"),
        spoil: |world, _| drop(guest(world).files.remove("/etc/team/a b.conf")),
    },
    Row {
        kind: "proxy",
        table: "proxy",
        lines: "[proxy]\nhttps = \"http://proxy.example:3128\"\n",
        removal: Deletes("proxy.guest"),
        spoil: |world, _| drop(guest(world).files.remove("/etc/cai/proxy.env")),
    },
    Row {
        kind: "trust",
        table: "trust",
        lines: "[[trust]]\ncertificate = \"DIR/corp-ca.pem\"\n",
        removal: Deletes("trust.corp-ca"),
        spoil: |world, _| drop(guest(world).files.remove("/etc/ssl/certs/cai-corp-ca.pem")),
    },
    Row {
        kind: "egress",
        table: "egress",
        lines: "[egress]\nallow = [\"github.com\"]\n",
        removal: Deletes("egress.containers"),
        spoil: |world, config| strike("egress-flushed", world, config),
    },
    Row {
        kind: "provision",
        table: "sysbox",
        lines: "[sysbox]\nenabled = true\n",
        removal: Deletes("provision.sysbox"),
        spoil: |world, config| strike("sysbox-missing", world, config),
    },
    Row {
        kind: "data_disk",
        table: "vm",
        lines: "[vm]\ndata_disk = \"20GiB\"\n",
        removal: Deletes("data_disk.containai-secure"),
        spoil: |world, _| {
            drop(guest(world).files.remove("/etc/systemd/system/var-lib-docker.mount"));
        },
    },
    Row {
        kind: "group_membership",
        table: "users",
        lines: "[[users]]\nname = \"@lima\"\ngroups = [\"docker\", \"adm\"]\n",
        removal: Deletes("group_membership.@lima.adm"),
        spoil: |world, config| strike("group", world, config),
    },
    Row {
        kind: "restart",
        table: "restart",
        lines: "[restart]\nstrategy = \"auto\"\n",
        removal: Never("every VM has a session and a daemon"),
        spoil: |world, config| strike("session", world, config),
    },
    Row {
        kind: "socket",
        table: "vm",
        lines: "",
        removal: Never("every VM has one, and Lima deletes it with the VM"),
        spoil: |world, config| strike("forward", world, config),
    },
    Row {
        kind: "context",
        table: "context",
        lines: "[context]\nname = \"of-the-team\"\n",
        removal: Deletes("context.of-the-team"),
        spoil: |world, config| strike("context-missing", world, config),
    },
    Row {
        kind: "socket_client",
        table: "socket_clients",
        lines: "[[socket_clients]]\ncontainer = \"mcp-manager\"\nvolume = \"sock\"\n\
                compose_file = \"DIR/dind.yml\"\nservice = \"manager\"\n",
        removal: Deletes("socket_client.mcp-manager"),
        spoil: |world, config| strike("client-absent", world, config),
    },
];

const COMPOSE: &str = "services:\n  manager:\n    container_name: mcp-manager\n    volumes:\n      \
                       - sock:/var/run\nvolumes:\n  sock:\n";

fn strike(fault: &str, world: &mut World, config: &Config) {
    Fault::find(fault).unwrap().strike(world, config);
}

fn guest(world: &mut World) -> &mut Guest {
    world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap()
}

/// A file with these lines, and a directory that they may name.
fn file(lines: &str) -> (Config, Sandbox) {
    let sandbox = Sandbox::new();
    sandbox.write("home/dind.yml", COMPOSE);
    sandbox.write("home/file", "of this machine\n");
    sandbox.write("home/corp-ca.pem", CA);
    let lines = lines.replace("DIR", sandbox.path("home").to_str().unwrap());
    let sysbox = if lines.contains("[sysbox]") { "" } else { "[sysbox]\nenabled = false\n" };
    let text = format!("version = 1\n{sysbox}{lines}");
    let config = config::parse(&text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    (config, sandbox)
}

fn planned(host: &SimulatedHost<'_>, config: &Config) -> (Graph, Plan) {
    let facts = [observe(host, config).unwrap()];
    let graph = Graph::observed(&[config], &facts).unwrap();
    let plan = Plan::new(&graph, &facts);
    (graph, plan)
}

/// Applies a file, after which nothing is left to be done.
#[track_caller]
fn converge(host: &SimulatedHost<'_>, config: &Config, kind: &str) {
    let (graph, plan) = planned(host, config);
    let report: Report = apply(host, &[config], &graph, &plan, &|_| {});
    assert!(!report.failed(), "{kind}: {}", containai::report::finished(&report, &[]));
    let (_, again) = planned(host, config);
    let left: Vec<_> = again.effective().map(|change| change.address.to_string()).collect();
    assert!(again.is_empty(), "{kind}: {left:?}");
}

fn is_of(row: &Row, address: &Address) -> bool {
    address.kind == Kind::new(row.kind)
}

fn every_kind_has_a_row() {
    let has_row = |kind: &Kind| ROWS.iter().any(|row| row.kind == kind.name());
    let missing = KINDS.iter().map(|entry| entry.kind).filter(|kind| !has_row(kind));
    let missing: Vec<&str> = missing.map(Kind::name).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
    for row in ROWS {
        assert!(KINDS.iter().any(|entry| entry.kind.name() == row.kind), "{}", row.kind);
    }
}

fn every_kind_has_an_example_and_a_part_of_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/every-option.toml");
    let text = fs::read_to_string(path).unwrap();
    let graph = Graph::new(&[&config::parse(&text).unwrap()]).unwrap();
    for row in ROWS {
        assert!(graph.ordered().any(|node| is_of(row, &node.address)), "{}", row.kind);
        let headers = [format!("\n[{}]\n", row.table), format!("\n[[{}]]\n", row.table)];
        assert!(headers.iter().any(|header| text.contains(header)), "{}", row.kind);
        let part = &config::schema()["properties"][row.table];
        assert!(part["description"].is_string(), "{}: {part}", row.kind);
    }
}

fn every_kind_is_made_and_stays_as_it_is() {
    for row in ROWS {
        let (config, _sandbox) = file(row.lines);
        let host = SimulatedHost::new(&System, World::new(LINUX));
        let (_, plan) = planned(&host, &config);
        let shown = plan.changes.iter().filter(|change| is_of(row, &change.address));
        assert!(shown.count() > 0, "{}", row.kind);
        converge(&host, &config, row.kind);
    }
}

fn every_kind_leaves_with_its_lines() {
    for row in ROWS {
        let address = match row.removal {
            Deletes(address) => address,
            Never(why) => {
                assert!(!why.is_empty(), "{}", row.kind);
                continue;
            }
        };
        let (with, _sandbox) = file(row.lines);
        let (without, _) = file("");
        let host = SimulatedHost::new(&System, World::new(LINUX));
        converge(&host, &without, row.kind);
        converge(&host, &with, row.kind);
        let (_, plan) = planned(&host, &without);
        let deleted = plan.effective().filter(|change| change.action == Action::Delete);
        let deleted: Vec<String> = deleted.map(|change| change.address.to_string()).collect();
        assert_eq!(deleted, [address], "{}", row.kind);
        converge(&host, &without, row.kind);
        let record = observe(&host, &without).unwrap().record.unwrap();
        assert!(record.entry(&address.parse().unwrap()).is_none(), "{}", row.kind);
    }
}

fn every_kind_is_found_by_the_doctor() {
    for row in ROWS {
        let (config, _sandbox) = file(row.lines);
        let config = &config;
        let host = SimulatedHost::new(&System, World::new(LINUX));
        converge(&host, config, row.kind);
        host.change(|world| (row.spoil)(world, config)).unwrap();
        let facts = observe(&host, config).unwrap();
        let (_, plan) = planned(&host, config);
        let environment = &Environment::default();
        let case = Case { config, is_declared: true, facts: &facts, environment, plan: &plan };
        let findings = diagnose(&case);
        let tells = |finding: &Finding| {
            let listed = finding.observed.get("addresses").and_then(|it| it.as_array().cloned());
            let mut listed = listed.unwrap_or_default().into_iter();
            let prefix = format!("{}.", row.kind);
            finding.address.iter().any(|address| is_of(row, address))
                || listed.any(|it| it.as_str().is_some_and(|it| it.starts_with(&prefix)))
        };
        assert!(findings.iter().any(tells), "{}: {findings:?}", row.kind);
    }
}

/// A file at this path, with more lines.
fn at(path: &str, lines: &str) -> (Config, Sandbox) {
    file(&format!("[[files]]\npath = {path:?}\n{lines}\n"))
}

fn a_file_is_after_its_owner_and_stays_if_it_was_there() {
    let path = "/opt/team/file";
    let users = "[[users]]\nname = \"bob\"\n[[groups]]\nname = \"agents\"\n";
    let (config, sandbox) =
        at(path, &format!("source = \"DIR/bytes\"\nowner = \"bob:agents\"\n{users}"));
    fs::write(sandbox.path("home/bytes"), [0, 0xff, b'\n']).unwrap();
    let host = SimulatedHost::new(&System, World::new(LINUX));
    converge(&host, &config, "file");
    let seen = host.change(|world| guest(world).files[path].clone()).unwrap();
    assert_eq!(seen.owner, Some(("bob".into(), "agents".into())));
    let (_, plan) = planned(&host, &config);
    let shown = plan.changes.iter().find(|change| change.address.kind == Kind::new("file"));
    assert!(shown.unwrap().after.text("content").unwrap().starts_with("sha256:"));

    let (config, _sandbox) = at("/etc/motd", "content = \"hello\\n\"");
    let (without, _) = file("");
    let host = SimulatedHost::new(&System, World::new(LINUX));
    converge(&host, &without, "file");
    host.change(|world| {
        let other = File { text: "other\n".into(), sha256: "0".repeat(64), ..File::default() };
        guest(world).files.insert("/etc/motd".into(), other);
    })
    .unwrap();
    converge(&host, &config, "file");
    let (_, plan) = planned(&host, &without);
    let actions: Vec<Action> = plan.effective().map(|change| change.action).collect();
    assert_eq!(actions, [Action::Release]);
    converge(&host, &without, "file");
    assert_eq!(
        host.change(|world| guest(world).files["/etc/motd"].text.clone()).unwrap(),
        "hello\n"
    );
}

fn a_file_without_a_source_or_an_owner_stops_the_plan() {
    let (without, _) = file("");
    for (lines, why) in [
        ("source = \"DIR/nosuch\"", "does not exist"),
        ("content = \"\"\nowner = \"nobody-here\"", "the user nobody-here does not exist"),
        ("content = \"\"\nowner = \"root:nobody-here\"", "the group nobody-here does not exist"),
    ] {
        let (config, _sandbox) = at("/etc/a", lines);
        let host = SimulatedHost::new(&System, World::new(LINUX));
        let is_missing = |plan: &Plan| {
            let mut problems = plan.problems().map(|(_, problem)| problem.to_string());
            problems.any(|problem| problem.contains(why))
        };
        if lines.starts_with("source") {
            assert!(is_missing(&planned(&host, &config).1), "{lines}: before there is a VM");
        }
        converge(&host, &without, "file");
        assert!(is_missing(&planned(&host, &config).1), "{lines}");
    }
}

fn a_file_is_shown_by_its_lines_without_secrets() {
    let sandbox = Sandbox::new();
    let write = |content: &str| {
        let file = format!("version = 1\n[[files]]\npath = \"/etc/team\"\ncontent = {content:?}\n");
        sandbox.write("home/containai.toml", &file);
    };
    write("one\ntwo\nPASSWORD=oldsecret\n");
    let made = sandbox.cai(&["--simulate", "apply", "--yes"]);
    made.success();
    let made = made.to_string();
    assert!(made.contains("+ file./etc/team") && !made.contains("oldsecret"), "{made}");
    write("one\nthree\nPASSWORD=newsecret\n");
    let plan = sandbox.cai(&["--simulate", "plan"]);
    let shown = plan.success();
    assert!(
        shown.contains("- two") && shown.contains("+ three") && shown.contains("  one"),
        "{plan}"
    );
    let json = sandbox.cai(&["--simulate", "plan", "--json"]);
    for text in [shown, json.success()] {
        assert!(!text.contains("oldsecret") && !text.contains("newsecret"), "{text}");
    }
}
