//! The file whose every text is replaced: the example that has every key, and what its open tables
//! can hold.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// What stands in the text for what is replaced.
const MARK: &str = "HOSTILE-MARK";

/// One text of a file: the keys and indices that lead to it, and whether it is a key itself.
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
    /// The table at the top of the file that it is in.
    pub fn table(&self) -> String {
        match &self.path[0] {
            Step::Key(key) => key.clone(),
            Step::Index(_) => unreachable!("a file is a table"),
        }
    }
}

/// The example with every key, in a form that can be applied on a machine without files.
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

/// Every text of a table: what it is called, and what it says.
pub fn places(table: &Table) -> Vec<Place> {
    let mut places = Vec::new();
    collect(&Value::Table(table.clone()), &mut Vec::new(), &mut places);
    places
}

fn collect(value: &Value, path: &mut Vec<Step>, places: &mut Vec<Place>) {
    match value {
        Value::String(_) => places.push(Place { path: path.clone(), is_key: false }),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
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

/// The text of a file, with a gap where a place was.
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

    /// The line of the gap, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The file with this in the gap.
    pub fn filled(&self, value: &str) -> String {
        let quoted = quoted(value);
        self.text.replace(&format!("\"{MARK}\""), &quoted).replace(MARK, &quoted)
    }
}

/// Puts the mark where the path leads.
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

/// A string of TOML on one line.
fn quoted(value: &str) -> String {
    let written = |character: char| match character {
        '"' | '\\' => format!("\\{character}"),
        c if c.is_control() => format!("\\U{:08X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", value.chars().map(written).collect::<String>())
}
