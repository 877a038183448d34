//! The apt entry for Docker's packages.

/// The file with the entry.
pub const LIST: &str = "/etc/apt/sources.list.d/docker.list";
/// The key of a declared repository.
pub const KEY: &str = "/etc/apt/keyrings/cai-docker.asc";
/// The key of Docker's own repository, which may also be that of someone else's entry.
const DOCKERS_KEY: &str = "/etc/apt/keyrings/docker.asc";

const MARK: &str = "# Written by cai.";
const FINGERPRINT: &str = "# Key: ";

/// The signing key of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKey<'a> {
    /// The one that the repository has.
    OfRepository,
    /// The one at this `https` URL.
    Url(&'a str),
    /// This text.
    Text(&'a str),
}

/// The entry in the file.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceEntry<'a> {
    /// The URL without the name of the distribution, or the lines if `cai` did not write them so.
    pub repository: &'a str,
    /// The fingerprint of the key.
    pub fingerprint: Option<&'a str>,
    /// Whether `cai` wrote the file.
    pub is_own: bool,
}

impl<'a> SourceEntry<'a> {
    /// Reads the file. `None` if all of its lines are comments.
    pub fn read(text: &'a str, arch: &str) -> Option<Self> {
        let lines: Vec<&str> = entries(text.lines()).collect();
        let first = lines.first()?;
        if !text.starts_with(MARK) {
            let url = first.split_whitespace().find(|word| word.contains("://")).unwrap_or(first);
            return Some(Self { repository: without_end(url), fingerprint: None, is_own: false });
        }
        let repository = match lines[..] {
            [line] => written(line, arch).unwrap_or(line),
            _ => text,
        };
        let fingerprint = text.lines().find_map(|line| line.strip_prefix(FINGERPRINT));
        Some(Self { repository, fingerprint, is_own: true })
    }
}

/// Whether an entry is among these lines.
pub fn has_entry<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    entries(lines).next().is_some()
}

/// The lines that are not comments.
fn entries<'a>(lines: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    lines.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

/// The URL in an entry as `cai` writes it. Anyone could have added an option such as `trusted=yes`.
fn written<'a>(line: &'a str, arch: &str) -> Option<&'a str> {
    let rest = line.strip_prefix("deb [arch=")?.strip_prefix(arch)?.strip_prefix(" signed-by=")?;
    let rest = [KEY, DOCKERS_KEY].iter().find_map(|key| rest.strip_prefix(key))?;
    match rest.strip_prefix("] ")?.split(' ').collect::<Vec<_>>()[..] {
        [url, _, "stable"] => Some(without_end(url)),
        _ => None,
    }
}

/// The URL without the name of the distribution.
fn without_end(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.rsplit_once('/').map_or(url, |(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "# Written by cai.\n# Key: 00FF\ndeb [arch=amd64 \
        signed-by=/etc/apt/keyrings/cai-docker.asc] https://m.example/linux/ubuntu noble stable";

    fn repository(text: &str) -> Option<&str> {
        SourceEntry::read(text, "amd64").map(|entry| entry.repository)
    }

    #[test]
    fn an_entry_of_cai_has_a_url_and_a_key() {
        let expected = SourceEntry {
            repository: "https://m.example/linux",
            fingerprint: Some("00FF"),
            is_own: true,
        };
        assert_eq!(SourceEntry::read(OWN, "amd64"), Some(expected));
        let dockers = OWN.replace("cai-docker", "docker");
        assert_eq!(repository(&dockers), Some("https://m.example/linux"));
        assert_eq!(repository("# Written by cai.\n"), None);
        assert_eq!(repository(&OWN.replace("deb [", "#deb [")), None);
    }

    #[test]
    fn an_entry_of_cai_that_someone_changed_is_another_one() {
        for (from, to) in [
            ("arch=amd64 ", "arch=amd64 trusted=yes "),
            ("amd64", "arm64"),
            ("/etc/apt/keyrings/cai-docker.asc", "/tmp/k.asc"),
            ("stable", "stable test"),
            ("deb [", "deb-src ["),
            ("stable", "stable\ndeb https://other.example/ubuntu noble stable"),
        ] {
            let read = repository(&OWN.replacen(from, to, 1)).map(str::to_owned);
            assert_ne!(read.as_deref(), Some("https://m.example/linux"), "{to}");
            assert!(read.is_some(), "{to}");
        }
    }

    #[test]
    fn an_entry_of_someone_else_is_read_as_it_comes() {
        let text =
            "# by hand\ndeb  [ arch=amd64 ]  https://download.docker.com/linux/ubuntu/ noble";
        let entry = SourceEntry::read(text, "amd64").unwrap();
        assert_eq!((entry.repository, entry.is_own), ("https://download.docker.com/linux", false));
    }

    #[test]
    fn a_comment_is_no_entry() {
        for (text, expected) in [
            ("", false),
            ("# deb https://m.example/linux/ubuntu noble stable\n\n  # URIs:", false),
            ("# a\nURIs: https://m.example/linux/ubuntu", true),
        ] {
            assert_eq!(has_entry(text.lines()), expected, "{text}");
        }
    }
}
