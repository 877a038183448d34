//! The apt repository with Docker's packages. The guest is Ubuntu 24.04, and every repository has the
//! expected key.

use super::{Caller, Guest};
use crate::guest::input;
use crate::guest::repository::{KEY, LIST};
use crate::simulate::reply::Reply;

const SOURCES: &str = "/etc/apt/sources.list.d/";
const DISTRIBUTION: &str = "ubuntu";
/// Docker's own repository, the fingerprint of its key, and the path of the key.
const DOCKERS: [&str; 3] = [
    "https://download.docker.com/linux",
    "9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
    "/etc/apt/keyrings/docker.asc",
];

/// `URL KEY FINGERPRINT`, with the key on standard input if `KEY` is `-`.
pub(super) fn write_repository(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let [url, key, fingerprint] = words else {
        return Reply::unknown("guest", "these arguments of write-repository");
    };
    if key == "-" && input(caller.script()).is_none() {
        return Reply::failed(
            1,
            format!("cai: the local key is not the signing key {fingerprint}"),
        );
    }
    guest.add_repository([url, fingerprint, KEY], caller.now);
    Reply::done()
}

impl Guest {
    /// Adds Docker's own repository.
    pub(super) fn add_dockers_repository(&mut self, now: u64) {
        self.add_repository(DOCKERS, now);
    }

    fn add_repository(&mut self, [url, fingerprint, key]: [&str; 3], now: u64) {
        if self.text(LIST).is_some_and(|text| text.starts_with("# Written by cai.")) {
            self.files.remove(LIST);
            self.files.remove(KEY);
        }
        let site = format!("{url}/{DISTRIBUTION}");
        if self.sources(&site).next().is_some() {
            return;
        }
        let arch = &self.arch;
        let entry = format!("deb [arch={arch} signed-by={key}] {site} noble stable");
        let text = format!("# Written by cai.\n# Key: {fingerprint}\n{entry}\n");
        self.write(LIST, text, now);
        self.write(key, "(simulated)\n", now);
    }

    /// `grep -rhsF OPTIONS -e TEXT PATHS`: the lines of apt's entries with this text.
    pub(super) fn grep_sources(&self, words: &[String]) -> Reply {
        let text = words.iter().skip_while(|word| *word != "-e").nth(1);
        let found: Vec<&str> = text.map(|text| self.sources(text).collect()).unwrap_or_default();
        if found.is_empty() {
            return Reply { code: 1, ..Reply::done() };
        }
        Reply::line(found.join("\n"))
    }

    fn sources<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let files = self.files.iter().filter(|(path, _)| path.starts_with(SOURCES));
        files.flat_map(|(_, file)| file.text.lines()).filter(move |line| line.contains(text))
    }
}
