//! Reads the layers of a configuration: the files that `containai.toml` extends, the local file beside it, and
//! the organization's file.

use std::io;
use std::path::{Path, PathBuf};

use super::file::read;
use crate::cli::error::Error;
use crate::config::diagnostic::Diagnostic;
use crate::config::layers::{Rank, Read, Root, Sources, gather};
use crate::host::{NoText, Os, Probe};

/// The organization's file.
const ORGANIZATION: &str = "/etc/cai/containai.toml";
/// Where macOS keeps the preferences that a device management service sets for all users.
const MANAGED: &str = "/Library/Managed Preferences/containai.cai.plist";
/// The preference with the text of an organization's file.
const PREFERENCE: &str = "Configuration";

/// The layers of the file with this path and text, and the errors in its `extends`.
///
/// # Errors
/// If the organization's file or the local one exists but cannot be read.
pub(super) fn layers(
    probe: &dyn Probe,
    path: &Path,
    text: String,
) -> Result<(Sources, Vec<Diagnostic>), Error> {
    let here = probe.current_dir().unwrap_or_default();
    let root = |path: &Path, text: String, rank: Rank| Root {
        shown: path.display().to_string(),
        path: here.join(path),
        text,
        rank,
    };
    let mut others = Vec::new();
    if let Some(text) = read(probe, Path::new(ORGANIZATION))? {
        others.push(root(Path::new(ORGANIZATION), text, Rank::Organization));
    }
    if probe.platform().os == Os::MacOs
        && let Some(text) = managed(probe)?
    {
        others.push(root(Path::new(MANAGED), text, Rank::Organization));
    }
    let local = local(path);
    if let Some(text) = read(probe, &local)? {
        others.push(root(&local, text, Rank::Local));
    }
    let files = Read {
        home: probe.env("HOME").map(PathBuf::from),
        canonical: &|path| probe.canonical(path).unwrap_or_else(|_| path.to_owned()),
        read: &|path| {
            probe.read_file(path).map_err(|error| match error.downcast::<NoText>() {
                Ok(NoText { line }) => format!("line {line} is not UTF-8"),
                Err(error) => error.to_string(),
            })
        },
    };
    Ok(gather(root(path, text, Rank::File), others, &files))
}

/// The path of the local file: `containai.local.toml` beside `containai.toml`.
fn local(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.local.toml"))
}

fn managed(probe: &dyn Probe) -> Result<Option<String>, Error> {
    let unreadable = |source| Error::ReadFile { path: MANAGED.into(), source };
    let Some(bytes) = probe.read_bytes(Path::new(MANAGED)).map_err(unreadable)? else {
        return Ok(None);
    };
    let text = preference(&bytes).map_err(|why| unreadable(io::Error::other(why)))?;
    Ok(Some(text))
}

/// The text of the preference, from a property list in XML or Apple's binary format.
fn preference(bytes: &[u8]) -> Result<String, String> {
    let preferences = plist::Value::from_reader(io::Cursor::new(bytes));
    let preferences = preferences.map_err(|error| error.to_string())?;
    let text = preferences.as_dictionary().and_then(|all| all.get(PREFERENCE)?.as_string());
    text.map(str::to_owned)
        .ok_or_else(|| format!("the key `{PREFERENCE}` is missing, or not a text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preference_is_read_from_both_forms_of_a_property_list() {
        let list = |key: &str, value: &str| {
            format!("<plist version=\"1.0\"><dict><key>{key}</key>{value}</dict></plist>")
        };
        let text = "locked = [\"egress\"]\n";
        let xml = list("Configuration", &format!("<string>{text}</string>"));
        assert_eq!(preference(xml.as_bytes()).as_deref(), Ok(text));
        let mut binary = Vec::new();
        plist::Value::from_reader(io::Cursor::new(&xml))
            .unwrap()
            .to_writer_binary(&mut binary)
            .unwrap();
        assert_eq!(preference(&binary).as_deref(), Ok(text));
        for wrong in [list("Other", "<string>a</string>"), list("Configuration", "<true/>")] {
            let error = preference(wrong.as_bytes()).unwrap_err();
            assert_eq!(error, "the key `Configuration` is missing, or not a text");
        }
        assert!(preference(b"version = 1").is_err());
    }

    #[test]
    fn the_local_file_has_the_name_of_its_file() {
        for (file, own) in
            [("containai.toml", "containai.local.toml"), ("a/dev.toml", "a/dev.local.toml")]
        {
            assert_eq!(local(Path::new(file)), Path::new(own));
        }
    }
}
