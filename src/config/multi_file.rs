//! Conflicts between files that are planned together, and the `[lima]` settings that they share.

use std::collections::HashMap;

use super::{Config, Install, Lima};

/// Two files that cannot be planned together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The index of the first file, from 0.
    pub first: usize,
    /// The index of the other file.
    pub second: usize,
    /// What both declare, or set to different values.
    pub what: String,
}

/// Reads a key of `[lima]`.
type LimaSetting = fn(&Lima) -> Option<String>;

/// Gives files that are planned together the same `[lima]` settings, because a machine has one
/// Lima. A VM or a Docker context can belong to only one file.
///
/// # Errors
/// The first conflict between files.
pub fn together(configs: &mut [&mut Config]) -> Result<(), Conflict> {
    let all: Vec<&Config> = configs.iter().map(|config| &**config).collect();
    if let Some(conflict) = conflict(&all) {
        return Err(conflict);
    }
    if let Some(lima) = shared_lima(&all) {
        for config in configs {
            config.lima.clone_from(&lima);
        }
    }
    Ok(())
}

fn conflict(configs: &[&Config]) -> Option<Conflict> {
    let mut owners = HashMap::new();
    for (second, config) in configs.iter().enumerate() {
        let owned = [
            format!("declare the VM {}", config.vm.name),
            format!("declare the Docker context {}", config.context.name),
        ];
        for what in owned {
            if let Some(first) = owners.insert(what.clone(), second) {
                return Some(Conflict { first, second, what });
            }
        }
    }
    let forwards = configs.iter().enumerate().flat_map(|(file, config)| {
        config.vm.port_forwards.iter().map(move |forward| (file, forward))
    });
    let forwards: Vec<_> = forwards.collect();
    for (index, (second, forward)) in forwards.iter().enumerate() {
        let others = &forwards[..index];
        let other = others.iter().filter(|(file, _)| file != second);
        let mut shared = other.filter_map(|(file, it)| Some((file, it.shared(forward)?)));
        if let Some((first, port)) = shared.next() {
            let what = format!("forward to port {port} of this machine");
            return Some(Conflict { first: *first, second: *second, what });
        }
    }
    // The keys that decide which Lima is installed and from where.
    let settings: [(&str, LimaSetting); 2] = [
        ("release", |lima| lima.release.as_ref().map(ToString::to_string)),
        ("url", |lima| lima.url.clone()),
    ];
    for (name, setting) in settings {
        let named = configs
            .iter()
            .enumerate()
            .filter_map(|(file, config)| Some((file, setting(&config.lima)?)));
        let mut named = named.collect::<Vec<_>>().into_iter();
        if let Some((first, wanted)) = named.next()
            && let Some((second, _)) = named.find(|(_, other)| *other != wanted)
        {
            let what = format!("set `{name}` under [lima], but to different values");
            return Some(Conflict { first, second, what });
        }
    }
    None
}

/// The merged `[lima]` settings: all version requirements, the strictest `install`, and the
/// release, mirror and checksums of any file. `None` without a file.
fn shared_lima(configs: &[&Config]) -> Option<Lima> {
    let mut lima = configs.first()?.lima.clone();
    for other in configs.iter().skip(1).map(|config| &config.lima) {
        for comparator in &other.version.comparators {
            if !lima.version.comparators.contains(comparator) {
                lima.version.comparators.push(comparator.clone());
            }
        }
        lima.install = match (lima.install, other.install) {
            (Install::Never, _) | (_, Install::Never) => Install::Never,
            (Install::Ask, _) | (_, Install::Ask) => Install::Ask,
            (Install::Auto, Install::Auto) => Install::Auto,
        };
        lima.release = lima.release.take().or_else(|| other.release.clone());
        lima.url = lima.url.take().or_else(|| other.url.clone());
        for (platform, sha256) in &other.sha256 {
            lima.sha256.entry(platform.clone()).or_insert_with(|| sha256.clone());
        }
    }
    Some(lima)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        crate::config::parse(&format!("version = 1\n{text}")).unwrap()
    }

    fn conflicts(first: &str, second: &str) -> Option<String> {
        conflict(&[&config(first), &config(second)]).map(|conflict| conflict.what)
    }

    #[test]
    fn a_vm_and_a_context_belong_to_one_file() {
        let a = "[vm]\nname = \"one\"\n[context]\nname = \"one\"\n";
        let b = "[vm]\nname = \"two\"\n[context]\nname = \"two\"\n";
        assert_eq!(conflicts(a, b), None);
        assert_eq!(conflicts(a, a).unwrap(), "declare the VM one");
        let same_context = "[vm]\nname = \"two\"\n[context]\nname = \"one\"\n";
        assert_eq!(conflicts(a, same_context).unwrap(), "declare the Docker context one");
    }

    #[test]
    fn one_lima_suits_all_files() {
        let a = config("[lima]\nversion = \">=1.1\"\ninstall = \"auto\"\n");
        let b = config("[lima]\nversion = \">=2, >=1.1\"\nrelease = \"2.2.0\"\n");
        let lima = shared_lima(&[&a, &b]).unwrap();
        assert_eq!(lima.version.to_string(), ">=1.1, >=2");
        assert_eq!(lima.install, Install::Ask);
        assert_eq!(lima.release.unwrap().to_string(), "2.2.0");
    }

    #[test]
    fn two_releases_of_lima_are_a_conflict() {
        let a = "[vm]\nname = \"one\"\n[lima]\nrelease = \"2.2.0\"\n[context]\nname = \"one\"\n";
        let b = "[vm]\nname = \"two\"\n[lima]\nrelease = \"2.1.0\"\n[context]\nname = \"two\"\n";
        let what = conflicts(a, b).unwrap();
        assert_eq!(what, "set `release` under [lima], but to different values");
    }
}
