//! The file in which every text is replaced: the example with every key, and the possible contents
//! of its open tables.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// The placeholder for the text to replace.
const MARK: &str = "HOSTILE-MARK";

/// One text of a file: the path of keys and indices to it, and whether it is a key.
#[derive(Debug, Clone)]
pub struct Place {
    path: Vec<Step>,
    is_key: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_key { "the key " } else { "the value " })?;
        for (number, step) in self.path.iter().enumerate() {
            match step {
                Step::Key(key) if number == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Place {
    /// The top-level table that contains it.
    pub fn table(&self) -> String {
        match &self.path[0] {
            Step::Key(key) => key.clone(),
            Step::Index(_) => unreachable!("a file is a table"),
        }
    }
}

/// The example with every key, changed so that it can be applied on a machine without the files
/// that it names.
pub fn table() -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/every-option.toml");
    let mut table: Table = fs::read_to_string(path).unwrap().parse().unwrap();
    let vm = table["vm"].as_table_mut().unwrap();
    let open = r#"
        [lima]
        timezone = "Etc/UTC"
        message = "Hello"
        user = { name = "dev", comment = "a", home = "/home/dev", shell = "/bin/bash" }
        ssh = { localPort = 0, forwardAgent = false }
        networks = [{ lima = "user-v2", interface = "eth1", macAddress = "52:55:55:12:34:56" }]
        hostResolver = { hosts = { "a.example" = "127.0.0.1" } }
        cpuType = { x86_64 = "max" }
        vmOpts = { qemu = { cpuType = { x86_64 = "max" } } }
        audio = { device = "none" }
        video = { display = "none", vnc = { display = "127.0.0.1:0,to=9" } }
        firmware = { images = [{ location = "https://a.example/b.fd", arch = "aarch64" }] }
        caCerts = { files = ["/a.pem"], certs = ["-----BEGIN CERTIFICATE-----"] }
        additionalDisks = [{ name = "data", fsType = "ext4", fsArgs = ["-m", "1"] }]
        mountType = "reverse-sshfs"
    "#;
    vm.extend(open.parse::<Table>().unwrap());
    let daemon = table["docker"]["daemon"].as_table_mut().unwrap();
    daemon.extend("labels = [\"a=b\"]\nlog-opts = { max-size = \"1m\" }".parse::<Table>().unwrap());
    table
}

/// Every text of a table, with its place.
pub fn places(table: &Table) -> Vec<Place> {
    let mut places = Vec::new();
    collect(&Value::Table(table.clone()), &mut Vec::new(), &mut places);
    places
}

fn collect(value: &Value, path: &mut Vec<Step>, places: &mut Vec<Place>) {
    match value {
        Value::String(_) => places.push(Place { path: path.clone(), is_key: false }),
        Value::Array(items) => {
            // The texts of a list are read alike, so the first one stands for all.
            let are_texts = items.iter().all(Value::is_str);
            let count = if are_texts { 1 } else { items.len() };
            for (index, item) in items.iter().enumerate().take(count) {
                path.push(Step::Index(index));
                collect(item, path, places);
                path.pop();
            }
        }
        Value::Table(table) => {
            for (key, inner) in table {
                path.push(Step::Key(key.clone()));
                places.push(Place { path: path.clone(), is_key: true });
                collect(inner, path, places);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The text of a file with a gap at a place.
pub struct Gap {
    text: String,
    line: usize,
}

impl Gap {
    pub fn new(table: &Table, place: &Place) -> Self {
        let mut file = Value::Table(table.clone());
        mark(&mut file, &place.path, place.is_key);
        let text = toml::to_string(&file).unwrap();
        let before = text.find(MARK).unwrap();
        let line = text[..before].matches('\n').count() + 1;
        Self { text, line }
    }

    /// The line of the gap, starting at 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The file with this text in the gap.
    pub fn filled(&self, value: &str) -> String {
        let quoted = quoted(value);
        self.text.replace(&format!("\"{MARK}\""), &quoted).replace(MARK, &quoted)
    }
}

/// Puts the placeholder at the end of the path.
fn mark(value: &mut Value, path: &[Step], is_key: bool) {
    match (path, value) {
        ([], value) => *value = MARK.into(),
        ([Step::Key(key)], Value::Table(table)) if is_key => {
            let value = table.remove(key).unwrap();
            table.insert(MARK.into(), value);
        }
        ([Step::Key(key), rest @ ..], value) => mark(&mut value[key.as_str()], rest, is_key),
        ([Step::Index(index), rest @ ..], value) => mark(&mut value[*index], rest, is_key),
    }
}

/// A TOML string on one line.
fn quoted(value: &str) -> String {
    let written = |character: char| match character {
        '"' | '\\' => format!("\\{character}"),
        c if c.is_control() => format!("\\U{:08X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", value.chars().map(written).collect::<String>())
}
