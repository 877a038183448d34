use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::config::diagnostic::{line_of, place_of};

/// Which layers a layer may override: those of a lower rank, and those that it extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The organization's file, with the defaults of all files.
    Organization,
    /// The file, and those that it extends.
    File,
    /// The local file beside it, which is not under version control.
    Local,
}

/// One text of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its path, for messages.
    pub shown: String,
    /// Its absolute path. Local paths in the text are relative to its directory.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
    /// Its rank.
    pub rank: Rank,
    /// The layers that it extends.
    pub(super) extends: Vec<usize>,
    /// The first offset of its text.
    start: usize,
}

/// The texts of a configuration, each with its own range of offsets. The file itself starts at 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    layers: Vec<Layer>,
    /// The layers from the lowest to the highest.
    pub(super) order: Vec<usize>,
}

/// A position in a text.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The text.
    pub layer: &'a Layer,
    /// The byte in it.
    pub offset: usize,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.layer.shown, self.line())
    }
}

impl Place<'_> {
    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        line_of(&self.layer.text, self.offset)
    }

    /// The line and the column, in characters, counted from 1.
    pub fn line_and_column(&self) -> (usize, usize) {
        place_of(&self.layer.text, self.offset)
    }
}

impl Sources {
    /// A configuration of a single text.
    pub fn single(shown: &str, text: &str) -> Self {
        let mut sources = Self::default();
        let index = sources.add(shown.to_owned(), PathBuf::new(), text.to_owned(), Rank::File);
        sources.order.push(index);
        sources
    }

    pub(super) fn add(&mut self, shown: String, path: PathBuf, text: String, rank: Rank) -> usize {
        // An error at the end of a text must not be at the start of the next one.
        let start = self.layers.last().map_or(0, |last| last.start + last.text.len() + 1);
        self.layers.push(Layer { shown, path, text, rank, extends: Vec::new(), start });
        self.layers.len() - 1
    }

    /// The texts: the file, then its layers in the order in which they were found.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The texts from the lowest layer to the highest, with their indexes.
    pub(in crate::config) fn ordered(&self) -> impl Iterator<Item = (usize, &Layer)> {
        self.order.iter().map(|index| (*index, &self.layers[*index]))
    }

    /// The other texts than the file's own, from the lowest layer to the highest.
    pub fn others(&self) -> impl Iterator<Item = &Layer> {
        self.ordered().filter(|(index, _)| *index != 0).map(|(_, layer)| layer)
    }

    pub(super) fn layer_mut(&mut self, index: usize) -> &mut Layer {
        &mut self.layers[index]
    }

    /// The same layers with other texts of the same length.
    #[must_use]
    pub fn masked(&self, mask: impl Fn(&str) -> String) -> Self {
        let mut masked = self.clone();
        for layer in &mut masked.layers {
            layer.text = mask(&layer.text);
        }
        masked
    }

    /// The same layers with other texts, in the order of `layers`.
    #[must_use]
    pub fn edited(&self, texts: &[String]) -> Self {
        let mut edited = Self { layers: Vec::new(), order: self.order.clone() };
        for (Layer { shown, path, rank, extends, .. }, text) in self.layers.iter().zip(texts) {
            let added = edited.add(shown.clone(), path.clone(), text.clone(), *rank);
            edited.layers[added].extends.clone_from(extends);
        }
        edited
    }

    /// The layer with this offset.
    pub(super) fn index(&self, offset: usize) -> usize {
        self.layers.partition_point(|layer| layer.start <= offset).saturating_sub(1)
    }

    /// The place of an offset; `None` only without texts.
    pub fn at(&self, offset: usize) -> Option<Place<'_>> {
        let layer = self.layers.get(self.index(offset))?;
        Some(Place { layer, offset: offset - layer.start })
    }

    /// The line of an offset: unique among all texts.
    pub(in crate::config) fn line(&self, offset: usize) -> (usize, usize) {
        (self.index(offset), self.at(offset).map_or(1, |place| place.line()))
    }

    /// The offsets of a range of one text.
    pub(in crate::config) fn offsets(&self, index: usize, range: Range<usize>) -> Range<usize> {
        let start = self.layers[index].start;
        range.start + start..range.end + start
    }

    /// The directory of the text with this offset.
    pub fn directory(&self, offset: usize) -> &Path {
        self.at(offset).and_then(|place| place.layer.path.parent()).unwrap_or(Path::new(""))
    }

    /// Whether a layer may override values of another one.
    pub(super) fn is_above(&self, high: usize, low: usize) -> bool {
        let (above, below) = (&self.layers[high], &self.layers[low]);
        above.rank > below.rank || self.extends(high, low)
    }

    fn extends(&self, high: usize, low: usize) -> bool {
        let bases = &self.layers[high].extends;
        bases.contains(&low) || bases.iter().any(|base| self.extends(*base, low))
    }
}
