//! The graph of the resources, as a drawing or a document.
//!
//! Arrows point from the earlier resource to the later one. The arrows of notifications, which do
//! not require success, are dashed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::address::Address;
use crate::plan::{Declared, FORMAT_VERSION};
use crate::reconcile::graph::{Edge, Graph};

/// The graph in Graphviz's DOT language.
pub fn dot(graph: &Graph) -> String {
    let quoted = |address: &Address| {
        format!("\"{}\"", address.to_string().replace('\\', "\\\\").replace('"', "\\\""))
    };
    let mut text = "digraph {\n  rankdir = LR\n  node [shape = box]\n".to_owned();
    for node in graph.ordered() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}", quoted(&node.address));
    }
    for (from, to, edge) in graph.edges() {
        let style = match edge {
            Edge::Requires => "",
            Edge::Notifies => " [style = dashed]",
        };
        let _ = writeln!(text, "  {} -> {}{style}", quoted(from), quoted(to));
    }
    text + "}\n"
}

/// The graph in Mermaid's language.
pub fn mermaid(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    let mut numbers = BTreeMap::new();
    for (index, node) in graph.ordered().enumerate() {
        let address = &node.address;
        numbers.insert(address, index);
        let label = address.to_string().replace('#', "#35;").replace('"', "#quot;");
        let _ = writeln!(text, "  n{index}[\"{label}\"]");
    }
    for (from, to, edge) in graph.edges() {
        let arrow = match edge {
            Edge::Requires => "-->",
            Edge::Notifies => "-.->",
        };
        // Both ends are resources of this graph.
        if let (Some(from), Some(to)) = (numbers.get(from), numbers.get(to)) {
            let _ = writeln!(text, "  n{from} {arrow} n{to}");
        }
    }
    text
}

/// A graph, as `cai graph --format json` prints it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GraphDocument<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The files of the graph, with the VM that each declares.
    pub files: &'a [Declared<'a>],
    /// The addresses, in the order of application.
    pub resources: Vec<&'a Address>,
    /// The relations between them.
    pub edges: Vec<EdgeDocument<'a>>,
}

/// The relation between two resources.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EdgeDocument<'a> {
    /// The earlier resource.
    pub from: &'a Address,
    /// The later resource.
    pub to: &'a Address,
    /// `requires`: the second resource is skipped if the first fails. `notifies`: the second is
    /// observed again after the first changed.
    pub kind: Edge,
}

impl<'a> GraphDocument<'a> {
    /// The document of the graph of these files.
    pub fn new(graph: &'a Graph, declared: &'a [Declared<'a>]) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            files: declared,
            resources: graph.ordered().map(|node| &node.address).collect(),
            edges: graph.edges().map(|(from, to, kind)| EdgeDocument { from, to, kind }).collect(),
        }
    }
}
