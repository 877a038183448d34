//! `cai init`

use std::io;

use super::file::{self, Source};
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::host::Host;

/// The file that `init` writes: the defaults, spelled out.
const TEMPLATE: &str = include_str!("containai.toml");
/// Readable by everyone, like other files of a repository.
const MODE: u32 = 0o644;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    force: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let source = template(global);
    // A file that cannot be read is not overwritten either.
    let exists = !matches!(host.read_file(&source.path), Ok(None));
    if exists && !force {
        return Err(Error::Refused {
            why: format!("{} already exists", source.shown()),
            hint: "run `cai init --force` to overwrite it".into(),
        });
    }
    if exists {
        overwrite(host, &source)?;
        terminal.talk(&format!("Wrote {}.", source.shown()));
    } else {
        write(host, &source, terminal)?;
    }
    terminal.talk("Run `cai plan` to see what `cai apply` would change. A plan changes nothing.");
    Ok(())
}

/// The file that `init` would write.
pub(super) fn template(global: &Global) -> Source {
    Source { path: file::place(global), text: TEMPLATE.to_owned() }
}

/// Writes the file if it does not exist.
pub(super) fn write(
    host: &dyn Host,
    source: &Source,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    match host.write_new(&source.path, source.text.as_bytes(), MODE) {
        Ok(()) => {
            terminal.talk(&format!("Wrote {}.", source.shown()));
            Ok(())
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
fn overwrite(host: &dyn Host, source: &Source) -> Result<(), Error> {
    let written = host.canonical(&source.path);
    let written = written.and_then(|path| host.write_file(&path, &source.text, MODE));
    written.map_err(|error| Error::WriteFile { path: source.path.clone(), source: error })
}

#[cfg(test)]
mod tests {
    use super::TEMPLATE;
    use crate::config;

    #[test]
    fn the_template_says_the_defaults() {
        let template = config::parse(TEMPLATE).unwrap();
        let mut defaults = config::parse("version = 1").unwrap();
        // The template names these keys, so that they are easy to change.
        defaults.vm.left_out = template.vm.left_out;
        assert_eq!(template, defaults);
    }

    #[test]
    fn every_setting_in_the_template_can_be_switched_on() {
        let switch_on = |line: &'static str| match line.strip_prefix('#') {
            Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
            _ => line,
        };
        let on: Vec<&str> = TEMPLATE.lines().map(switch_on).collect();
        assert!(on.contains(&"cpus = 4"));
        config::parse(&on.join("\n")).unwrap();
    }
}
