//! `cai pin`

use std::collections::BTreeMap;
use std::time::Duration;

use super::file::{self, ConfigFile, Source};
use super::{Global, Terminal, init};
use crate::cli::error::Error;
use crate::config::layers::{Layer, Rank};
use crate::config::{self, Config, Pinned, Pins};
use crate::doctor::{Unpinned, UnpinnedPart, unpinned};
use crate::host::{Deadline, Host};
use crate::lima::{Build, MovingImage};
use crate::model::DockerVersion;
use crate::reconcile::observe::observe;
use crate::report::{self, on_a_line};
use crate::resource::ProvisionDocker;

/// The time limit of each command that observes the VM, as for the doctor.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    dry_run: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let mut file = file::load(host, global, terminal)?;
    file.complete(host, terminal).map_err(|wrong| Error::Config(vec![wrong]))?;
    let layers = file.config.origin.sources.layers();
    let mut pinning = Pinning {
        host,
        terminal,
        pins: vec![Pins::default(); layers.len()],
        indexes: BTreeMap::new(),
        open: Vec::new(),
    };
    // What needs no index is pinned even if one cannot be read.
    let mut failed = Ok(());
    for found in unpinned(&file.config) {
        failed = failed.and(pinning.pin(found, &file.config));
    }
    let Pinning { pins, open, .. } = pinning;
    let texts = edited(&file, &pins)?;
    let changed: Vec<(&Layer, &String)> =
        layers.iter().zip(&texts).filter(|(layer, text)| layer.text != **text).collect();
    for (layer, text) in &changed {
        terminal.data(&format!(
            "{}:\n{}",
            on_a_line(&layer.shown),
            report::difference(&layer.text, text)
        ))?;
        if !dry_run {
            init::overwrite(host, &Source::alone(layer.shown.clone().into(), text))?;
        }
    }
    for sentence in &open {
        terminal.talk(sentence);
    }
    if changed.is_empty() && open.is_empty() && failed.is_ok() {
        terminal.talk(&format!("Nothing to pin in {}.", file.shown));
    } else if !changed.is_empty() && !dry_run {
        terminal.talk("Run `cai plan` to see what this changes on an existing VM.");
    }
    failed
}

/// The texts of the layers with these pins. Nothing is written if they would be invalid, for example because
/// the organization's file locks a key.
fn edited(file: &ConfigFile, pins: &[Pins]) -> Result<Vec<String>, Error> {
    let sources = &file.config.origin.sources;
    let texts = sources.layers().iter().zip(pins);
    let texts = texts.map(|(layer, pins)| config::pinned(&layer.text, pins));
    let texts: Vec<String> =
        texts.collect::<Result<_, _>>().map_err(|why| Error::Output(std::io::Error::other(why)))?;
    config::parse_layers(&sources.edited(&texts)).map_err(|errors| {
        let first = errors.into_iter().next().map(|error| error.message).unwrap_or_default();
        Error::Refused {
            why: format!("nothing was pinned, because {} would be invalid: {first}", file.shown),
            hint: "if another file locks the key, ask its owner to pin it there".into(),
        }
    })?;
    Ok(texts)
}

/// The pins of each layer, while they are gathered.
struct Pinning<'a> {
    host: &'a dyn Host,
    terminal: &'a Terminal,
    pins: Vec<Pins>,
    /// The indexes of images that were downloaded.
    indexes: BTreeMap<String, Vec<u8>>,
    /// Sentences about builds that stay open.
    open: Vec<String>,
}

impl Pinning<'_> {
    fn pin(&mut self, found: Unpinned, config: &Config) -> Result<(), Error> {
        let Unpinned { what, file, part, .. } = found;
        let layers = config.origin.sources.layers();
        let of_value = layers.iter().position(|layer| Some(&layer.shown) == file.as_ref());
        let mut layer = of_value.unwrap_or_default();
        if layers.get(layer).is_some_and(|layer| layer.rank == Rank::Organization) {
            // The checksums of a version that it names can be in the user's file.
            if !matches!(part, UnpinnedPart::SysboxPackages(_)) {
                let file = on_a_line(&layers[layer].shown).into_owned();
                self.open.push(format!("Not pinned: {what}, which {file} sets for all files."));
                return Ok(());
            }
            layer = 0;
        }
        match part {
            UnpinnedPart::Image(image) => {
                let pinned = self.newest(&image, config)?;
                self.pins[layer].images.insert(image.location().to_owned(), pinned);
            }
            UnpinnedPart::Digest => {
                self.open.push(format!(
                    "Not pinned: {what}. Add its `digest`: cai finds digests only for images of Ubuntu and \
                     Debian whose address names the newest build."
                ));
            }
            UnpinnedPart::DefaultImages(images) => {
                let pinned = images.iter().map(|(arch, it)| Ok((*arch, self.newest(it, config)?)));
                self.pins[layer].default_images = pinned.collect::<Result<_, Error>>()?;
            }
            UnpinnedPart::Docker => match self.docker(config) {
                Ok(release) => self.pins[layer].docker = Some(release.to_string()),
                Err(why) => self.open.push(format!("Not pinned: {what}. {why}")),
            },
            UnpinnedPart::SysboxVersion => {
                self.pins[layer].sysbox = Some(config.sysbox.version.to_string());
            }
            UnpinnedPart::SysboxPackages(packages) => self.pins[layer].sysbox_packages = packages,
        }
        Ok(())
    }

    fn newest(&mut self, image: &MovingImage, config: &Config) -> Result<Pinned, Error> {
        let url = image.index();
        if !self.indexes.contains_key(url) {
            let index = self.host.fetch(url, &config.network());
            self.indexes.insert(url.to_owned(), index.map_err(|why| Error::Fetch(why.into()))?);
        }
        let index = self.indexes.get(url).map_or(&[][..], Vec::as_slice);
        let Build { location, digest } = image.newest(index).map_err(|why| Error::Refused {
            why: format!("{url} cannot be used: {why}"),
            hint: "write the address and the digest of one build into the file".into(),
        })?;
        Ok((location, digest))
    }

    /// The release of Docker in the VM, which a new VM then gets as well. `Err` has a sentence if it is unknown.
    fn docker(&self, config: &Config) -> Result<DockerVersion, String> {
        let probe = Deadline::new(self.host, DEADLINE);
        let facts = observe(&probe, config)
            .map_err(|why| format!("The VM could not be inspected: {why}."))?;
        self.terminal.hide(facts.secrets(config));
        let guest = facts.guest.present().ok_or(
            "Start the VM and run `cai pin` again to pin the installed version of Docker.",
        )?;
        ProvisionDocker::release(config, guest).ok_or_else(|| {
            "The Docker in the VM does not match the file. Run `cai apply` first.".to_owned()
        })
    }
}
