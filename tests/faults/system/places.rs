//! Home and Lima directories with unusual locations and names.

use std::path::Path;

use crate::support::fake_world::FakeWorld;
use crate::support::tally::SYSTEM;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_engine_is_made_in_a_home_of_any_name,
        a_docker_context_can_lead_to_a_socket_of_any_name,
        a_socket_whose_path_is_too_long_is_refused_in_the_plan,
        a_path_that_is_not_absolute_is_refused,
    ]
}

const FILE: &str = "version = 1\n[vm]\ncpus = 2\n";
/// Names that tools misread without quotes.
const NAMES: [&str; 6] =
    ["j. o'hara", "the \"best\"", "žluťoučký 機", "$HOME `id`", "a:b,c=d", "back\\slash; #"];

/// The endpoint of this machine's context in Docker's store.
fn endpoint(world: &containai::simulate::World) -> String {
    let metas = world.contexts.values().map(|text| text.parse::<serde_json::Value>().unwrap());
    let mut ours = metas.filter(|meta| meta["Name"] == "containai-secure");
    ours.next().unwrap()["Endpoints"]["docker"]["Host"].as_str().unwrap().to_owned()
}

fn an_engine_is_made_in_a_home_of_any_name() {
    for name in NAMES {
        // Inside and outside the home directory.
        for lima in [format!("{name}/.lima"), format!("of {name}")] {
            SYSTEM.case(|| {
                let machine = FakeWorld::at(name, &lima, FILE);
                let ran = machine.cai(&["apply", "--yes"]);
                assert!(ran.status.success(), "{lima}: {ran}");
                let directory = machine.sandbox.path(&lima).join("containai-secure");
                let calls = machine.calls();
                let config = format!("ssh -F {}/ssh.config ", directory.display());
                assert!(calls.iter().any(|call| call.starts_with(&config)), "{config}: {calls:#?}");
                let socket = directory.join("sock/docker.sock");
                let world = machine.world();
                assert_eq!(endpoint(&world), format!("unix://{}", socket.display()), "{lima}");
                let instance = &world.instances["containai-secure"];
                assert!(instance.docker_socket.is_some(), "{lima}");
                assert!(
                    !instance.yaml.contains(name),
                    "the VM is tied to a home: {}",
                    instance.yaml
                );
                let plan = machine.cai(&["plan"]);
                assert!(plan.success().contains("No changes."), "{lima}: {plan}");
                machine.cai(&["doctor"]).success();
                let destroy = machine.cai(&["destroy", "--allow-destroy", "containai-secure"]);
                assert!(destroy.status.success(), "{lima}: {destroy}");
            });
        }
    }
}

/// The same endpoints with the real `docker`, whose option has special syntax.
fn a_docker_context_can_lead_to_a_socket_of_any_name() {
    let docker = containai::docker::DockerCli::new("docker".into());
    let sandbox = crate::support::sandbox::Sandbox::new();
    for (number, name) in NAMES.into_iter().chain(["a=\"b\"", "x,\"y\""]).enumerate() {
        SYSTEM.case(|| {
            let wanted = containai::docker::ContextMetadata {
                host: format!("unix:///home/{name}/.lima/vm/sock/docker.sock"),
                description: format!("in {name}"),
            };
            let context = format!("c{number}").parse().unwrap();
            let command = docker.create_context(&context, &wanted);
            let words: Vec<&str> = command.args.iter().map(|arg| arg.to_str().unwrap()).collect();
            sandbox.run(&[&["docker"], &words[..]].concat()).success();
            let store = sandbox.home().join(".docker");
            let path = containai::docker::metadata_path(&store, &context);
            let meta = std::fs::read_to_string(path).unwrap();
            let seen = containai::docker::ContextMetadata::parse(&meta).unwrap();
            assert_eq!(seen, wanted, "{name}");
        });
    }
}

fn a_socket_whose_path_is_too_long_is_refused_in_the_plan() {
    let limit = if cfg!(target_os = "macos") { 103 } else { 107 };
    let longest = |machine: &FakeWorld, lima: &str| {
        let directory = machine.sandbox.path(lima).join("containai-secure");
        containai::lima::Ssh::longest_socket(&directory).as_os_str().len()
    };
    // Without letters except for the prefix.
    let short = longest(&FakeWorld::new(FILE), "l") - 1;
    for (more, fits) in [(limit - short, true), (limit - short + 1, false), (200, false)] {
        SYSTEM.case(|| {
            let lima = "l".repeat(more);
            let machine = FakeWorld::at("home", &lima, FILE);
            let length = longest(&machine, &lima);
            assert_eq!(length <= limit, fits, "{length}");
            if fits {
                machine.cai(&["apply", "--yes"]).success();
                return;
            }
            for command in [&["plan"][..], &["apply", "--yes"]] {
                let ran = machine.cai(command);
                let said = ran.fails_with(1);
                let figures =
                    format!("is {length} bytes long, but the limit for a socket is {limit}");
                assert!(said.contains(&figures) && said.contains("LIMA_HOME"), "{ran}");
            }
            let calls = machine.calls();
            assert!(!calls.iter().any(|call| call.contains("create")), "{calls:?}");
            assert!(!Path::new(&machine.sandbox.path(&lima)).exists());
        });
    }
}

fn a_path_that_is_not_absolute_is_refused() {
    let machine = FakeWorld::new(FILE);
    for variable in ["HOME", "LIMA_HOME", "DOCKER_CONFIG"] {
        for command in [&["plan"][..], &["apply", "--yes"]] {
            SYSTEM.case(|| {
                let ran = machine.cai_with(command, &[(variable, "not/absolute")]);
                let said = ran.fails_with(1);
                assert!(said.contains(&format!("{variable} is not an absolute path")), "{ran}");
            });
        }
    }
    machine.cai(&["apply", "--yes"]).success();
}
