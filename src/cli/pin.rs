//! `cai pin`

use std::collections::BTreeMap;

use super::file::{self, File, Source};
use super::{Global, Terminal, init};
use crate::cli::error::Error;
use crate::config::layers::Rank;
use crate::config::{self, Config, Pinned, Pins};
use crate::host::Host;
use crate::lima::{Build, MovingImage};
use crate::report;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    dry_run: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let mut file = file::load(host, global, terminal)?;
    file.complete(host, terminal).map_err(|wrong| Error::Config(vec![wrong]))?;
    let mut builds = Builds { host, indexes: BTreeMap::new() };
    let mut changed = false;
    for source in editable(&file) {
        let pins = pins(&file, &source, &mut builds)?;
        let text = config::pinned(source.text(), &pins)
            .map_err(|why| Error::Output(std::io::Error::other(why)))?;
        if text == source.text() {
            continue;
        }
        changed = true;
        terminal.data(&format!(
            "{}:\n{}",
            source.shown(),
            report::difference(source.text(), &text)
        ))?;
        if !dry_run {
            init::overwrite(host, &Source::alone(source.path, &text))?;
        }
    }
    if !changed {
        terminal
            .talk(&format!("{} names an exact build of everything that cai can pin.", file.shown));
    } else if !dry_run {
        terminal.talk("Run `cai plan` to see what this changes on an existing VM.");
    }
    Ok(())
}

/// The file and its layers, without the organization's file, which is not the user's to edit.
fn editable(file: &File) -> Vec<Source> {
    let layers = file.config.origin.sources.layers().iter();
    let own = layers.filter(|layer| layer.rank != Rank::Organization);
    own.map(|layer| Source::alone(layer.shown.clone().into(), &layer.text)).collect()
}

/// What one of the files should name.
fn pins(file: &File, source: &Source, builds: &mut Builds<'_>) -> Result<Pins, Error> {
    let config = &file.config;
    let mut pins = Pins::default();
    let is_main = source.shown() == file.shown;
    for image in &config.vm.images {
        let Some(moving) = MovingImage::at(&image.location) else { continue };
        let pinned = builds.newest(&moving, config)?;
        match image.arch {
            Some(arch) if config.vm.left_out.images => {
                if is_main {
                    pins.default_images.push((arch, pinned));
                }
            }
            _ => drop(pins.images.insert(image.location.clone(), pinned)),
        }
    }
    if is_main && config.sysbox.enabled && config.origin.place("sysbox.version").is_none() {
        pins.sysbox = Some(config.sysbox.version.to_string());
    }
    Ok(pins)
}

/// The builds of images, with the indexes that were downloaded.
struct Builds<'a> {
    host: &'a dyn Host,
    indexes: BTreeMap<String, Vec<u8>>,
}

impl Builds<'_> {
    fn newest(&mut self, image: &MovingImage, config: &Config) -> Result<Pinned, Error> {
        let url = image.index();
        if !self.indexes.contains_key(url) {
            let index =
                self.host.fetch(url, &config.network()).map_err(|why| Error::Fetch(why.into()))?;
            self.indexes.insert(url.to_owned(), index);
        }
        let index = self.indexes.get(url).map_or(&[][..], Vec::as_slice);
        let Build { location, digest } = image.newest(index).map_err(|why| Error::Refused {
            why: format!("{url} cannot be used: {why}"),
            hint: "write the address and the digest of one build into the file".into(),
        })?;
        Ok((location, digest))
    }
}
