//! `--simulate`, which runs a command on a simulated host, and `cai simulate`, which changes that
//! host.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Subcommand, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Global, Terminal, file};
use crate::cli::error::Error;
use crate::config::{self, Config};
use crate::host::{Host, Probe};
use crate::lima;
use crate::model::redact::{self, SENSITIVE};
use crate::plan::{FORMAT_VERSION, Plan};
use crate::reconcile::apply::{Outcome, apply};
use crate::reconcile::graph::Graph;
use crate::reconcile::observe::{observe, state_directory};
use crate::report;
use crate::simulate::{FAULTS, Fault, LINUX, MACOS, SimulatedHost, World, store};

/// The subcommands of `cai simulate`.
#[derive(Debug, Subcommand)]
pub(super) enum Simulate {
    /// List the faults
    List,
    /// Break the simulated host; if it has no engine yet, the file's engine is created first
    Break {
        /// The fault; see `cai simulate list`
        #[arg(value_parser = PossibleValuesParser::new(FAULTS.iter().map(|fault| fault.name)))]
        fault: String,
    },
    /// Show the simulated host
    Show,
    /// Reset the simulated host to a machine that has only the tools
    Reset {
        /// Its operating system; by default, that of this machine
        #[arg(long, value_name = "OS")]
        platform: Option<SimulatedOs>,
    },
}

/// An operating system that can be simulated.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SimulatedOs {
    /// A Mac with Apple Silicon and Homebrew
    Macos,
    /// A Linux machine with an Intel or AMD processor
    Linux,
}

/// The directory of the simulated host: from `--simulate`, or in the user's state directory.
fn directory(real: &dyn Probe, global: &Global) -> Result<PathBuf, Error> {
    if let Some(Some(directory)) = &global.simulate {
        let here = global.directory.clone().unwrap_or_default();
        return Ok(here.join(directory));
    }
    Ok(state_directory(real)?.join("simulated"))
}

/// The simulated host, if `--simulate` is given. `cai simulate` opens its own.
pub(super) fn host<'a>(
    real: &'a dyn Host,
    global: &Global,
) -> Result<Option<SimulatedHost<'a>>, Error> {
    match global.simulate {
        Some(_) => open(real, &directory(real, global)?).map(Some),
        None => Ok(None),
    }
}

fn open<'a>(real: &'a dyn Host, directory: &Path) -> Result<SimulatedHost<'a>, Error> {
    SimulatedHost::open(real, directory).map_err(failed(directory))
}

fn failed(directory: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    |source| Error::Simulation { directory: directory.to_owned(), source }
}

pub(super) fn run(
    real: &dyn Host,
    global: &Global,
    action: &Simulate,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let directory = directory(real, global)?;
    match action {
        Simulate::List => {
            if global.json {
                return terminal.json(&FaultsDocument::new(FAULTS));
            }
            let width = FAULTS.iter().map(|fault| fault.name.len()).max().unwrap_or_default();
            let line = |fault: &Fault| format!("{:width$}  {}\n", fault.name, fault.what);
            terminal.data(&FAULTS.iter().map(line).collect::<String>())
        }
        Simulate::Break { fault } => {
            let fault = Fault::find(fault).ok_or(Error::Failed)?;
            let host = open(real, &directory)?;
            let config = declared(real, global, terminal)?;
            if let Some([what, table]) = fault.lacks(&config) {
                let why = format!("the file does not declare a {what}");
                let hint = format!("add {table} to the file; see examples/every-option.toml");
                return Err(Error::Usage { why, hint });
            }
            let simulated =
                Global { simulate: global.simulate.clone().or(Some(None)), ..global.clone() };
            build(&host, &config, terminal)?;
            let strike = |world: &mut World| fault.strike(world, &config);
            if !host.change(strike).map_err(failed(&directory))? {
                let name = fault.name;
                return Err(Error::Usage {
                    why: format!("`{name}` has nothing to break ({})", fault.what),
                    hint: format!(
                        "to see the simulated host, run: {}",
                        simulated.command("simulate show")
                    ),
                });
            }
            terminal.talk(&format!("{}: {}.", fault.name, fault.what));
            terminal.talk(&format!("To see the plan, run: {}", simulated.command("plan")));
            if global.json { terminal.json(&FaultsDocument::new([fault])) } else { Ok(()) }
        }
        Simulate::Show => show(&open(real, &directory)?.world(), global, terminal),
        Simulate::Reset { platform } => {
            let platform = match platform {
                Some(SimulatedOs::Macos) => MACOS,
                Some(SimulatedOs::Linux) => LINUX,
                None => real.platform(),
            };
            let world = World::new(platform);
            store::save(real, &directory, &world).map_err(failed(&directory))?;
            // The purpose is not to print it.
            if terminal.is_quiet() { Ok(()) } else { show(&world, global, terminal) }
        }
    }
}

fn show(world: &World, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    if !global.json {
        return terminal.data(&world.to_string());
    }
    let mut world = world.clone();
    for instance in world.instances.values_mut() {
        instance.yaml = without_variables(&instance.yaml);
    }
    let document = serde_json::to_value(&world).map_err(|error| Error::Output(error.into()))?;
    let mut document = redact::value("", &document);
    // Beside the format of the saved world, which no schema describes because it is not stable.
    document["format_version"] = FORMAT_VERSION.into();
    terminal.json(&document)
}

/// The YAML of a VM without the values of its variables. Which of them are sensitive is unknown
/// here.
fn without_variables(text: &str) -> String {
    let yaml: Map<String, Value> = serde_yaml::from_str(text).unwrap_or_default();
    let Some(Value::Object(env)) = yaml.get("env") else { return text.to_owned() };
    let names = env.keys().map(|name| (name.clone(), Value::from(SENSITIVE)));
    let hidden = Map::from_iter([("env".to_owned(), names.collect())]);
    lima::edited(text, &yaml, &hidden)
}

/// The faults, as `cai simulate list --json` and `cai simulate break --json` print them.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FaultsDocument {
    format_version: u32,
    faults: Vec<ListedFault>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ListedFault {
    name: &'static str,
    what: &'static str,
}

impl FaultsDocument {
    fn new<'a>(faults: impl IntoIterator<Item = &'a Fault>) -> Self {
        let faults = faults.into_iter().map(ListedFault::from).collect();
        Self { format_version: FORMAT_VERSION, faults }
    }
}

impl From<&Fault> for ListedFault {
    fn from(fault: &Fault) -> Self {
        Self { name: fault.name, what: fault.what }
    }
}

/// The configuration of the file, or the default one if the file does not exist.
fn declared(real: &dyn Host, global: &Global, terminal: &Terminal) -> Result<Config, Error> {
    match file::load(real, global, terminal) {
        Err(Error::NoFile) => config::parse("version = 1").map_err(|_| Error::NoFile),
        loaded => loaded.map(|file| file.config),
    }
}

/// Applies the file if its VM does not exist. The user creates the containers of
/// `[[socket_clients]]`, so a fault adds them to the world.
fn build(host: &SimulatedHost<'_>, config: &Config, terminal: &mut Terminal) -> Result<(), Error> {
    let config = &Config { socket_clients: Vec::new(), ..config.clone() };
    if host.world().instances.contains_key(config.vm.name.as_str()) {
        return Ok(());
    }
    terminal.talk("The simulated host has no engine yet; creating the one that the file declares.");
    let facts = observe(host, config)?;
    let graph = Graph::observed(&[config], std::slice::from_ref(&facts))?;
    terminal.hide(facts.secrets(config));
    let plan = Plan::new(&graph, &[facts]);
    terminal.refuse_problems(&plan)?;
    let done = apply(host, &[config], &graph, &plan, &|_| {});
    if done.failed() {
        for result in &done.results {
            if let Outcome::Failed(why) = &result.outcome {
                terminal.complain(&report::failure(&result.address.to_string(), why));
            }
        }
        terminal.complain(&report::finished(&done, &[config.context.name.as_str()]));
        return Err(Error::Failed);
    }
    Ok(())
}
