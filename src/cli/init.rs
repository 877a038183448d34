//! `cai init`

mod questions;

use std::io;
use std::path::{Path, PathBuf};

use super::file::{self, Source};
use super::options::Init;
use super::{Global, Terminal, schema};
use crate::cli::error::Error;
use crate::host::{Host, Probe};
use crate::model::{VmName, in_home};
use crate::report::on_a_line;

/// The file that `init` writes.
const TEMPLATE: &str = include_str!("containai.toml");
/// The first line of the file of a program without a published schema.
const SCHEMA_BESIDE: &str = "#:schema ./containai.schema.json\n";
/// Readable by everyone, like other files of a repository.
const MODE: u32 = 0o644;

/// What the file declares.
#[derive(Debug, Default)]
struct InitAnswers {
    name: Option<VmName>,
    cpus: Option<u32>,
    memory: Option<String>,
    /// The directories that the VM mounts, and whether it can write to them. `None` for the default.
    mounts: Option<Vec<(String, bool)>>,
}

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    options: &Init,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let path = file::place(global);
    // A file that cannot be read is not overwritten either.
    let exists = !matches!(host.read_file(&path), Ok(None));
    if exists && !options.force {
        return Err(Error::Refused {
            why: format!("{} already exists", on_a_line(&path.display().to_string())),
            hint: "run `cai init --force` to overwrite it".into(),
        });
    }
    let mounts = options.mounts.iter().map(|mount| given(host, global, mount));
    let mounts = mounts.collect::<Result<Vec<_>, _>>()?;
    let mounts = Some(mounts).filter(|mounts| !mounts.is_empty());
    let mut answers = InitAnswers { mounts, ..InitAnswers::default() };
    if !options.yes {
        questions::ask(host, global, &path, &mut answers, terminal)?;
    }
    let source = answers.source(host, path)?;
    // Nothing is written that the next command would refuse.
    source.parse(host, terminal)?;
    if exists {
        overwrite(host, &source)?;
        terminal.talk(&format!("Wrote {}.", source.shown()));
        write_schema(host, &source, true, terminal)?;
    } else {
        write(host, &source, terminal)?;
    }
    terminal.talk(&format!(
        "To see what `cai apply` would change, run: {}\nA plan changes nothing.",
        global.command("plan")
    ));
    Ok(())
}

/// The file that `init --yes` would write.
pub(super) fn template(probe: &dyn Probe, global: &Global) -> Result<Source, Error> {
    InitAnswers::default().source(probe, file::place(global))
}

impl InitAnswers {
    /// The file at this path with these answers and the defaults of the others.
    fn source(mut self, probe: &dyn Probe, path: PathBuf) -> Result<Source, Error> {
        let default = || project(probe, &path).map(|directory| (directory, true));
        self.mounts.get_or_insert_with(|| default().into_iter().collect());
        Source::new(probe, path, with_schema(&filled(&self), schema::ADDRESS))
    }
}

/// The directory of the file. `None` for one that a VM should not be able to write to: the home
/// directory with its keys and shell configuration, a directory above it, or the root.
fn project(probe: &dyn Probe, file: &Path) -> Option<String> {
    let here = probe.current_dir().ok()?.join(file);
    let directory = probe.canonical(here.parent()?).ok()?;
    let home = probe.env("HOME").and_then(|home| probe.canonical(Path::new(&home)).ok());
    if directory.parent().is_none()
        || home.as_ref().is_some_and(|home| home.starts_with(&directory))
    {
        return None;
    }
    abbreviated(&directory, home.as_deref())
}

/// The path with `~` for the home directory, so that the file works for others too.
fn abbreviated(directory: &Path, home: Option<&Path>) -> Option<String> {
    match home.and_then(|home| directory.strip_prefix(home).ok()) {
        // The components have no slash at the end, for the home directory itself.
        Some(rest) => {
            let path: PathBuf = Path::new("~").join(rest).components().collect();
            path.to_str().map(str::to_owned)
        }
        None => directory.to_str().map(str::to_owned),
    }
}

/// A directory of the command line: `DIR` or `DIR:ro`.
fn given(probe: &dyn Probe, global: &Global, text: &str) -> Result<(String, bool), Error> {
    let (directory, writable) = match text.strip_suffix(":ro") {
        Some(directory) => (directory, false),
        None => (text.strip_suffix(":rw").unwrap_or(text), true),
    };
    let home = probe.env("HOME").map(PathBuf::from);
    let path = home.as_ref().and_then(|home| in_home(directory, home));
    let path = path.unwrap_or_else(|| file::within(global, Path::new(directory)));
    let absolute = probe.canonical(&path).map_err(|source| Error::Directory { path, source })?;
    let home = home.and_then(|home| probe.canonical(&home).ok());
    let shown = abbreviated(&absolute, home.as_deref()).ok_or_else(|| Error::Usage {
        why: format!("{} is not UTF-8", absolute.display()),
        hint: "a path in the file must be UTF-8".into(),
    })?;
    Ok((shown, writable))
}

/// The file with the line by which editors find its schema: the published one, or a copy next to the file.
fn with_schema(text: &str, address: Option<&str>) -> String {
    address.map_or_else(
        || format!("{SCHEMA_BESIDE}{text}"),
        |address| format!("#:schema {address}\n{text}"),
    )
}

/// The template with these answers.
fn filled(answers: &InitAnswers) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = TEMPLATE.to_owned();
    if let Some(name) = &answers.name {
        text = text.replace("containai-secure", name.as_str());
    }
    if let Some(cpus) = answers.cpus {
        text = text.replace("#cpus = 4", &format!("cpus = {cpus}"));
    }
    if let Some(memory) = &answers.memory {
        text = text.replace("#memory = \"8GiB\"", &format!("memory = {}", quoted(memory)));
    }
    let template = "[[vm.mounts]]\nlocation = \".\"\nwritable = true\n";
    let tables = answers.mounts.iter().flatten().map(|(location, writable)| {
        format!("[[vm.mounts]]\nlocation = {}\nwritable = {writable}\n", quoted(location))
    });
    let tables: Vec<String> = tables.collect();
    if !tables.is_empty() {
        return text.replace(template, &tables.join("\n"));
    }
    let none = "#[[vm.mounts]]\n#location = \"~/project\"\n#writable = true\n";
    let empty =
        "\n# Delete this line before you enable [[vm.mounts]].\nmounts = []\n\n# Directories";
    text.replace(template, none).replace("\n\n# Directories", empty)
}

/// Writes the schema next to a file that expects it there. An existing one may be of the version that a project
/// has chosen, so only `force` overwrites it.
fn write_schema(
    host: &dyn Host,
    source: &Source,
    force: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    if !source.text().starts_with(SCHEMA_BESIDE) {
        return Ok(());
    }
    let path = source.path.with_file_name("containai.schema.json");
    let text = schema::text(schema::FILE);
    let written = if force {
        host.write_file(&path, &text, MODE)
    } else {
        host.write_new(&path, text.as_bytes(), MODE)
    };
    match written {
        Ok(()) => {
            let shown = path.display().to_string();
            let shown = on_a_line(&shown);
            terminal.talk(&format!("Wrote {shown} for completion in editors."));
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::WriteFile { path, source }),
    }
}

/// Writes the file, and its schema if it belongs next to it, if the file does not exist.
pub(super) fn write(
    host: &dyn Host,
    source: &Source,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    match host.write_new(&source.path, source.text().as_bytes(), MODE) {
        Ok(()) => {
            terminal.talk(&format!("Wrote {}.", source.shown()));
            write_schema(host, source, false, terminal)
        }
        // The path could not be read, but it exists.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Error::Refused {
            why: format!("{} is a broken symbolic link", source.shown()),
            hint: "create its target, or delete the link".into(),
        }),
        Err(error) => Err(Error::WriteFile { path: source.path.clone(), source: error }),
    }
}

/// Overwrites the file. If it is a symbolic link, its target is overwritten.
pub(super) fn overwrite(host: &dyn Host, source: &Source) -> Result<(), Error> {
    let written = host.canonical(&source.path);
    let written = written.and_then(|path| host.write_file(&path, source.text(), MODE));
    written.map_err(|error| Error::WriteFile { path: source.path.clone(), source: error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::config::Forwarding;

    fn with(mounts: &[(&str, bool)]) -> InitAnswers {
        let mounts = mounts.iter().map(|(path, writable)| ((*path).to_owned(), *writable));
        InitAnswers { mounts: Some(mounts.collect()), ..InitAnswers::default() }
    }

    #[test]
    fn the_template_says_the_defaults() {
        let template = config::parse(&filled(&with(&[("/project", true)]))).unwrap();
        let mut defaults = config::parse("version = 1").unwrap();
        // Mounts are the user's choice.
        defaults.vm.left_out = template.vm.left_out;
        defaults.vm.mounts.clone_from(&template.vm.mounts);
        defaults.vm.forward = Forwarding::Declared;
        defaults.origin.clone_from(&template.origin);
        assert_eq!(template, defaults);
    }

    #[test]
    fn every_answer_is_in_the_file() {
        let mut answers = with(&[("~/a \"b\"", true), ("/c", false)]);
        answers.name = Some("agents".parse().unwrap());
        answers.cpus = Some(3);
        answers.memory = Some("6GiB".into());
        let config = config::parse(&filled(&answers)).unwrap();
        assert_eq!((config.vm.name.as_str(), config.context.name.as_str()), ("agents", "agents"));
        assert_eq!(config.vm.cpus, Some(3));
        assert_eq!(config.vm.memory.map(|it| it.to_string()).as_deref(), Some("6GiB"));
        let mounts: Vec<_> =
            config.vm.mounts.iter().map(|it| (it.location.as_str(), it.writable)).collect();
        assert_eq!(mounts, [("~/a \"b\"", true), ("/c", false)]);
    }

    #[test]
    fn a_release_names_its_schema_on_the_first_line() {
        let address = "https://schema.example/containai.schema.json";
        let text = with_schema(&filled(&with(&[])), Some(address));
        assert!(text.starts_with("#:schema https://schema.example/containai.schema.json\n# "));
        config::parse(&text).unwrap();
    }

    #[test]
    fn without_a_directory_nothing_is_mounted() {
        let config = config::parse(&filled(&with(&[]))).unwrap();
        assert!(config.vm.mounts.is_empty() && !config.vm.left_out.mounts);
    }

    #[test]
    fn every_setting_in_the_template_can_be_switched_on() {
        let switch_on = |line: &str| match line.strip_prefix('#') {
            Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
            _ => line.to_owned(),
        };
        let text = filled(&with(&[("/project", true)]));
        let on: Vec<String> = text.lines().map(switch_on).collect();
        assert!(on.iter().any(|line| line == "cpus = 4"));
        config::parse(&on.join("\n")).unwrap();
    }
}
