//! Edits of a file's text that keep its comments and its form.

use std::collections::BTreeMap;

use similar::{ChangeTag, TextDiff};
use toml_edit::{DocumentMut, Item, Table, TableLike, Value, value};

use super::SysboxPackage;
use crate::model::Arch;

/// An image of one build: its location and digest.
pub type Pinned = (String, String);

/// What a file should name exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// The images by their present locations.
    pub images: BTreeMap<String, Pinned>,
    /// The images of a file that names none.
    pub default_images: Vec<(Arch, Pinned)>,
    /// The release of Docker.
    pub docker: Option<String>,
    /// The version of Sysbox, if the file does not name it.
    pub sysbox: Option<String>,
    /// The packages of Sysbox that the file does not name.
    pub sysbox_packages: Vec<SysboxPackage>,
}

/// The text with these pins.
///
/// # Errors
/// If it is not TOML.
pub fn pinned(text: &str, pins: &Pins) -> Result<String, toml_edit::TomlError> {
    let mut document: DocumentMut = text.parse()?;
    if let Some(images) = document.get_mut("vm").and_then(|vm| vm.get_mut("images")) {
        for image in tables(images) {
            let location = image.get("location").and_then(Item::as_str).map(str::to_owned);
            let Some((location, digest)) = location.and_then(|it| pins.images.get(&it)) else {
                continue;
            };
            replace(image, "location", location);
            replace(image, "digest", digest);
        }
    }
    let images = pins.default_images.iter().map(|(arch, (location, digest))| {
        entry([("arch", arch.as_str()), ("location", location), ("digest", digest)])
    });
    add(&mut document, "vm", "images", images.collect());
    if let Some(release) = &pins.docker {
        replace(table(&mut document, "docker"), "version", release);
    }
    if let Some(version) = &pins.sysbox {
        replace(table(&mut document, "sysbox"), "version", version);
    }
    let packages = pins.sysbox_packages.iter().map(|SysboxPackage { arch, url, sha256 }| {
        entry([("arch", arch.as_str()), ("url", url), ("sha256", sha256.as_str())])
    });
    add(&mut document, "sysbox", "packages", packages.collect());
    Ok(in_form_of(text, document.to_string()))
}

/// The byte order mark, with which some editors begin a file.
const MARK: char = '\u{feff}';

/// The edited text with the line ends and the byte order mark of the original one, which `toml_edit` drops.
fn in_form_of(original: &str, mut edited: String) -> String {
    let (lines, windows) = (original.matches('\n').count(), original.matches("\r\n").count());
    if windows > 0 {
        let usual = if 2 * windows > lines { "\r\n" } else { "\n" };
        edited = with_line_ends_of(original, &edited.replace("\r\n", "\n"), usual);
    }
    if original.starts_with(MARK) && !edited.starts_with(MARK) {
        edited.insert(0, MARK);
    }
    edited
}

/// The edited text with the original ends of its unchanged lines. New lines have the usual end.
fn with_line_ends_of(original: &str, edited: &str, usual: &str) -> String {
    let plain = original.replace("\r\n", "\n");
    let lines: Vec<&str> = original.split_inclusive('\n').collect();
    let diff = TextDiff::from_lines(&*plain, edited);
    let kept = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Delete);
    let line = |change: similar::Change<&str>| match change.old_index() {
        Some(index) => lines[index].to_owned(),
        None => change.value().replace('\n', usual),
    };
    kept.map(line).collect()
}

fn entry<const N: usize>(values: [(&str, &str); N]) -> Table {
    values.into_iter().map(|(key, text)| (key, value(text))).collect()
}

/// Adds tables to an array, in its form.
fn add(document: &mut DocumentMut, parent: &str, array: &str, new: Vec<Table>) {
    if new.is_empty() {
        return;
    }
    let parent = table(document, parent);
    match parent.get_mut(array) {
        Some(Item::ArrayOfTables(tables)) => tables.extend(new),
        Some(Item::Value(Value::Array(values))) => {
            values.extend(new.into_iter().map(Table::into_inline_table));
        }
        _ => drop(parent.insert(array, Item::ArrayOfTables(new.into_iter().collect()))),
    }
}

/// A table of the document, which is added at its end if it is missing.
fn table<'a>(document: &'a mut DocumentMut, name: &str) -> &'a mut dyn TableLike {
    let is_table = document.get(name).is_some_and(Item::is_table_like);
    if !is_table {
        let mut table = Table::new();
        // A table of only an array needs no header.
        table.set_implicit(true);
        document.insert(name, Item::Table(table));
    }
    match document.get_mut(name).and_then(Item::as_table_like_mut) {
        Some(table) => table,
        None => unreachable!("it was just added"),
    }
}

/// The tables of an array in either form.
fn tables(item: &mut Item) -> Vec<&mut dyn TableLike> {
    match item {
        Item::ArrayOfTables(tables) => {
            tables.iter_mut().map(|table| table as &mut dyn TableLike).collect()
        }
        Item::Value(Value::Array(array)) => {
            let tables = array.iter_mut().filter_map(Value::as_inline_table_mut);
            tables.map(|table| table as &mut dyn TableLike).collect()
        }
        _ => Vec::new(),
    }
}

/// Sets a key and keeps the comments around it.
fn replace(table: &mut dyn TableLike, key: &str, text: &str) {
    let mut new = value(text);
    match table.get_mut(key) {
        Some(item) => {
            if let (Some(old), Some(new)) = (item.as_value(), new.as_value_mut()) {
                *new.decor_mut() = old.decor().clone();
            }
            *item = new;
        }
        None => drop(table.insert(key, new)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(location: &str) -> Pins {
        let pin = ("https://a/2/i.img".to_owned(), "sha256:aa".to_owned());
        Pins { images: BTreeMap::from([(location.to_owned(), pin)]), ..Pins::default() }
    }

    #[test]
    fn comments_and_everything_else_stay() {
        let text = "# Top.\nversion = 1\n\n[[vm.images]]\narch = \"x86_64\" # ours\nlocation = \"https://a/i.img\" # why\n\n\
                    [[vm.images]]\nlocation = \"/b\"\n\n# The end.\n[docker]\n";
        let expected = text.replace(
            "\"https://a/i.img\" # why\n",
            "\"https://a/2/i.img\" # why\ndigest = \"sha256:aa\"\n",
        );
        assert_eq!(pinned(text, &pins("https://a/i.img")).unwrap(), expected);
        // A second run changes nothing.
        assert_eq!(pinned(&expected, &pins("https://a/i.img")).unwrap(), expected);
        let inline =
            "vm.images = [{ location = \"https://a/i.img\", digest = \"sha256:00\" }] # x\n";
        let expected =
            "vm.images = [{ location = \"https://a/2/i.img\", digest = \"sha256:aa\" }] # x\n";
        assert_eq!(pinned(inline, &pins("https://a/i.img")).unwrap(), expected);
    }

    #[test]
    fn a_file_of_windows_keeps_its_form() {
        let text = "\u{feff}# Top.\r\nversion = 1\r\n[[vm.images]]\r\nlocation = \"https://a/i.img\" # why\r\n";
        assert_eq!(pinned(text, &Pins::default()).unwrap(), text);
        let expected = text.replace(
            "\"https://a/i.img\" # why\r\n",
            "\"https://a/2/i.img\" # why\r\ndigest = \"sha256:aa\"\r\n",
        );
        assert_eq!(pinned(text, &pins("https://a/i.img")).unwrap(), expected);
        let mixed = |text: &str| text.replace("version = 1\r\n", "version = 1\n");
        assert_eq!(pinned(&mixed(text), &pins("https://a/i.img")).unwrap(), mixed(&expected));
    }

    #[test]
    fn what_the_file_does_not_name_is_added() {
        let image = ("https://a/1.img".to_owned(), "sha256:aa".to_owned());
        let pins = Pins {
            default_images: vec![(Arch::X86_64, image)],
            sysbox: Some("0.7.1".into()),
            ..Pins::default()
        };
        let text = pinned("version = 1\n[vm]\ncpus = 2\n", &pins).unwrap();
        let expected = "version = 1\n[vm]\ncpus = 2\n\n[[vm.images]]\narch = \"x86_64\"\nlocation = \"https://a/1.img\"\n\
                        digest = \"sha256:aa\"\n\n[sysbox]\nversion = \"0.7.1\"\n";
        assert_eq!(text, expected);
        let inline = pinned(
            "sysbox = { enabled = true }\n",
            &Pins { sysbox: pins.sysbox, ..Pins::default() },
        );
        assert_eq!(inline.unwrap(), "sysbox = { enabled = true , version = \"0.7.1\" }\n");
    }

    #[test]
    fn packages_join_those_of_the_file_in_their_form() {
        let sha256 = "0a".repeat(32);
        let package =
            |arch| SysboxPackage { arch, url: "/s".into(), sha256: sha256.parse().unwrap() };
        let pins = Pins {
            docker: Some("28.5.1".into()),
            sysbox_packages: vec![package(Arch::X86_64), package(Arch::Aarch64)],
            ..Pins::default()
        };
        let tables = "# Ours.\n[docker]\nversion = \"28\" # kept\n[sysbox]\nenabled = true\n[[sysbox.packages]]\n\
                      arch = \"riscv\" # first\n[context]\nname = \"a\"\n";
        let added = ["x86_64", "aarch64"].map(|arch| {
            format!(
                "\n[[sysbox.packages]]\narch = \"{arch}\"\nurl = \"/s\"\nsha256 = \"{sha256}\"\n"
            )
        });
        let expected = tables
            .replace("\"28\"", "\"28.5.1\"")
            .replace("# first\n", &format!("# first\n{}", added.concat()));
        assert_eq!(pinned(tables, &pins).unwrap(), expected);
        for other in [
            "sysbox = { packages = [{ arch = \"riscv\" }] } # x\n",
            "sysbox.enabled = true # x\ndocker.source = \"docker-ce\"\n",
            "[sysbox]\npackages = [\n  { arch = \"riscv\" }, # x\n]\n",
            "docker = {}\nsysbox = {} # x\n",
        ] {
            let text = pinned(other, &pins).unwrap();
            assert!(text.contains("# x"), "{text}");
            let read: toml::Table = text.parse().unwrap_or_else(|why| panic!("{why}: {text}"));
            let packages = read["sysbox"]["packages"].as_array().unwrap();
            let last = packages.last().unwrap();
            assert_eq!(last["arch"].as_str(), Some("aarch64"), "{text}");
            assert_eq!(last["sha256"].as_str(), Some(sha256.as_str()), "{text}");
            assert_eq!(read["docker"]["version"].as_str(), Some("28.5.1"), "{text}");
        }
    }
}
