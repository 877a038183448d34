//! Compose: the program, and the options that select a project.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{ComposeLabels, override_path};

/// What runs compose files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComposeProgram {
    /// `docker compose`.
    Plugin,
    /// `docker-compose` at this path: the same program.
    Standalone(PathBuf),
    /// `docker-compose` version 1 at this path.
    First(PathBuf),
}

impl ComposeProgram {
    /// Whether the groups of a later file replace those of an earlier one. Version 2 and later
    /// merge them and refuse duplicates (measured with 1.29 and 2.26).
    pub fn replaces_groups(&self) -> bool {
        matches!(self, Self::First(_))
    }

    /// The separator in a container's name.
    pub fn separator(&self) -> char {
        if matches!(self, Self::First(_)) { '_' } else { '-' }
    }
}

/// A Compose project: the program, and the options that `config` and `up` share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeProject {
    /// The program that runs it.
    pub program: ComposeProgram,
    /// Its name, if a container's labels give it.
    pub name: Option<String>,
    /// The base directory of relative paths, unless it is the first file's.
    pub directory: Option<PathBuf>,
    /// The files that variables are read from, if any were given.
    pub env_files: Vec<PathBuf>,
    /// The compose files, without the override that `cai` writes.
    pub files: Vec<PathBuf>,
}

impl ComposeProject {
    /// The project of a compose file. If a container was created from that file, the project has
    /// the same files, options and name. A different name would create a second container.
    pub fn new(
        program: ComposeProgram,
        file: &Path,
        made_by: Option<&ComposeLabels>,
        exists: &dyn Fn(&Path) -> bool,
    ) -> Self {
        let name = made_by.map(|labels| labels.project.clone());
        let known = made_by.filter(|labels| labels.files.iter().any(|other| other == file));
        let mut files = known.map_or_else(|| vec![file.to_owned()], |labels| labels.files.clone());
        let own = override_path(file);
        // The default override may have been added or deleted since.
        files.retain(|other| *other != own && (!is_default_override(other) || exists(other)));
        if files == [file] {
            files.extend(default_override(file, exists));
        }
        let usual = files.first().and_then(|first| first.parent());
        let directory = known.and_then(|labels| labels.directory.as_deref());
        Self {
            program,
            name,
            directory: directory.filter(|it| Some(*it) != usual).map(Path::to_owned),
            env_files: known.map(|labels| labels.env_files.clone()).unwrap_or_default(),
            files,
        }
    }

    /// Its options, in the order of Compose's help.
    pub(super) fn options(&self) -> Vec<&OsStr> {
        fn all<'a>(
            option: &'static str,
            values: Vec<&'a OsStr>,
        ) -> impl Iterator<Item = &'a OsStr> {
            values.into_iter().flat_map(move |value| [OsStr::new(option), value])
        }
        fn paths(paths: &[PathBuf]) -> Vec<&OsStr> {
            paths.iter().map(|path| path.as_os_str()).collect()
        }
        all("-p", self.name.iter().map(OsStr::new).collect())
            .chain(all("--project-directory", paths(self.directory.as_slice())))
            .chain(all("--env-file", paths(&self.env_files)))
            .chain(all("-f", paths(&self.files)))
            .collect()
    }
}

/// The names that Compose looks for, in its order (2.26).
const FILES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// The override that `docker compose up` includes: only next to the file that it finds without
/// `-f`.
fn default_override(file: &Path, exists: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    let found = |names: [&str; 4]| {
        names.iter().map(|name| file.with_file_name(name)).find(|path| exists(path))
    };
    if found(FILES)? == file { found(OVERRIDES) } else { None }
}

fn is_default_override(file: &Path) -> bool {
    file.file_name().and_then(|name| name.to_str()).is_some_and(|name| OVERRIDES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(files: &[&str]) -> ComposeLabels {
        ComposeLabels {
            project: "dind".into(),
            service: "m".into(),
            files: files.iter().map(PathBuf::from).collect(),
            directory: Some("/d".into()),
            env_files: Vec::new(),
        }
    }

    /// The options for a file if these files exist.
    fn options(file: &str, labels: Option<&ComposeLabels>, exist: &[&str]) -> String {
        let exists = |path: &Path| exist.iter().any(|other| Path::new(other) == path);
        let project = ComposeProject::new(ComposeProgram::Plugin, file.as_ref(), labels, &exists);
        let words = project.options().into_iter().map(|word| word.to_string_lossy().into_owned());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_project_is_selected_by_the_files_and_options_that_made_its_container() {
        assert_eq!(options("/d/a.yml", None, &[]), "-f /d/a.yml");
        let made = labels(&["/d/a.yml", "/d/a.cai.yml", "/d/b.yml"]);
        assert_eq!(options("/d/a.yml", Some(&made), &[]), "-p dind -f /d/a.yml -f /d/b.yml");
        let elsewhere = ComposeLabels {
            directory: Some("/".into()),
            env_files: vec!["/d/prod.env".into()],
            ..labels(&["/d/a.yml"])
        };
        assert_eq!(
            options("/d/a.yml", Some(&elsewhere), &[]),
            "-p dind --project-directory / --env-file /d/prod.env -f /d/a.yml"
        );
        // Files in another directory do not apply to this one.
        let moved = labels(&["/elsewhere/a.yml"]);
        assert_eq!(options("/d/a.yml", Some(&moved), &[]), "-p dind -f /d/a.yml");
    }

    #[test]
    fn the_default_override_is_used_as_compose_would_use_it() {
        let (file, beside) = ("/d/docker-compose.yml", "/d/docker-compose.override.yml");
        let both = format!("-f {file} -f {beside}");
        assert_eq!(options(file, None, &[file, beside]), both);
        assert_eq!(options(file, None, &[file]), format!("-f {file}"));
        // Compose prefers the other file, so it does not look for an override of this one.
        let first = "/d/compose.yaml";
        assert_eq!(options(file, None, &[file, beside, first]), format!("-f {file}"));
        assert_eq!(options("/d/dind.yml", None, &["/d/dind.yml", beside]), "-f /d/dind.yml");
        // The override was added or deleted after the container was created.
        let before = labels(&[file, "/d/docker-compose.cai.yml"]);
        assert_eq!(options(file, Some(&before), &[file, beside]), format!("-p dind {both}"));
        let with = labels(&[file, beside]);
        assert_eq!(options(file, Some(&with), &[file, beside]), format!("-p dind {both}"));
        assert_eq!(options(file, Some(&with), &[file]), format!("-p dind -f {file}"));
    }
}
