//! `cai init`

use super::file::{self, Source};
use super::{Global, Terminal};
use crate::error::Error;
use crate::host::Host;

/// The file that is written: the defaults, spelled out.
const TEMPLATE: &str = include_str!("containai.toml");
/// For everybody to read, as any file of a repository.
const MODE: u32 = 0o644;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    force: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let source = template(global);
    // What is there and cannot be read is not overwritten either.
    let exists = !matches!(host.read_file(&source.path), Ok(None));
    if exists && !force {
        return Err(Error::Refused {
            why: format!("{} exists already", source.shown()),
            hint: "`cai init --force` overwrites it".into(),
        });
    }
    write(host, &source, terminal)?;
    terminal.talk("`cai plan` shows what it would do here, and changes nothing.");
    Ok(())
}

/// The file as it would be written.
pub(super) fn template(global: &Global) -> Source {
    Source { path: file::place(global), text: TEMPLATE.to_owned() }
}

pub(super) fn write(
    host: &dyn Host,
    source: &Source,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    host.write_file(&source.path, &source.text, MODE)
        .map_err(|error| Error::WriteFile { path: source.path.clone(), source: error })?;
    terminal.talk(&format!("Wrote {}.", source.shown()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::TEMPLATE;
    use crate::config;

    #[test]
    fn the_template_says_the_defaults() {
        let template = config::parse(TEMPLATE).unwrap();
        let mut defaults = config::parse("version = 1").unwrap();
        // It names them, so that they are easily changed.
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
