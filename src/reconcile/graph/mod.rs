//! The resources of one or several files, and the order in which they are applied.

mod target;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Config;
use crate::model::VmName;
use crate::model::address::{Address, Kind};
use crate::resource::facts::Facts;
use crate::resource::record::Record;
use crate::resource::{self, Resource};

/// The relation between two resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// The second can be applied only after the first. It is skipped if the first fails.
    Requires,
    /// The second must observe the change of the first, so it comes after it. It is not skipped if
    /// the first fails.
    Notifies,
}

/// The resources cannot be ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// These resources depend on each other.
    #[error("these resources depend on each other: {}", join(.0))]
    Cycle(Vec<Address>),
    /// Two resources have the same address.
    #[error("{0} is declared twice")]
    Duplicate(Address),
    /// A dependency does not exist.
    #[error("{from} depends on {to}, which does not exist")]
    Unknown {
        /// The resource with the dependency.
        from: Box<Address>,
        /// The missing resource.
        to: Box<Address>,
    },
}

fn join(addresses: &[Address]) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(", ")
}

/// A resource in the graph.
#[derive(Debug)]
pub struct Node {
    /// Its address in the graph.
    pub address: Address,
    /// The index of the file that declares it. A shared resource belongs to the first file.
    pub file: usize,
    /// The resource. It knows only its own file and uses unscoped addresses.
    pub resource: Box<dyn Resource>,
}

impl Node {
    /// The VM whose name distinguishes its address from those of other files.
    pub fn scope(&self) -> Option<&VmName> {
        self.address.scope.as_ref()
    }
}

/// The resources of one or several files. A position is an index in the order of application.
#[derive(Debug)]
pub struct Graph {
    nodes: DiGraph<Node, Edge>,
    order: Vec<NodeIndex>,
    /// The position of each node in the order.
    positions: Vec<usize>,
}

impl Graph {
    /// The graph of these files, which were combined with [`together`](crate::config::together).
    /// With several files, the address of each resource except Lima includes the VM of its file.
    ///
    /// # Errors
    /// When two files declare the same VM, or the resources cannot be ordered, which is not
    /// possible from a file.
    pub fn new(configs: &[&Config]) -> Result<Self, GraphError> {
        Self::with_records(configs, &[])
    }

    /// The same, with the removal of recorded resources that the files no longer declare.
    ///
    /// # Errors
    /// As [`Graph::new`].
    pub fn observed(configs: &[&Config], facts: &[Facts]) -> Result<Self, GraphError> {
        let records: Vec<_> = facts.iter().map(|facts| facts.record.as_ref()).collect();
        Self::with_records(configs, &records)
    }

    fn with_records(configs: &[&Config], records: &[Option<&Record>]) -> Result<Self, GraphError> {
        let mut nodes = Vec::new();
        for (file, config) in configs.iter().enumerate() {
            let scope = (configs.len() > 1).then_some(&config.vm.name);
            let record = records.get(file).copied().flatten();
            let resources = resource::all(config, record).into_iter();
            // Lima is installed once per machine, and all files have the same settings for it.
            let own = resources.filter(|it| file == 0 || it.address().kind != Kind::LIMA_INSTALL);
            nodes.extend(own.map(|it| Self::node(file, scope, it)));
        }
        Self::of(nodes)
    }

    fn node(file: usize, scope: Option<&VmName>, resource: Box<dyn Resource>) -> Node {
        Node { address: resource.address().clone().scoped(scope), file, resource }
    }

    fn of(resources: Vec<Node>) -> Result<Self, GraphError> {
        let mut graph = DiGraph::new();
        let mut nodes = HashMap::new();
        for node in resources {
            let address = node.address.clone();
            if nodes.insert(address.clone(), graph.add_node(node)).is_some() {
                return Err(GraphError::Duplicate(address));
            }
        }
        let mut edges = Vec::new();
        for index in graph.node_indices() {
            let node: &Node = &graph[index];
            let find = |other: Address| {
                let other = other.scoped(node.scope());
                let from = Box::new(node.address.clone());
                let found = nodes.get(&other).copied();
                found.ok_or_else(|| GraphError::Unknown { from, to: Box::new(other) })
            };
            for other in node.resource.requires() {
                edges.push((find(other)?, index, Edge::Requires));
            }
            for other in node.resource.notifies() {
                edges.push((index, find(other)?, Edge::Notifies));
            }
        }
        for (from, to, edge) in edges {
            graph.add_edge(from, to, edge);
        }
        Self::ordered_by(graph)
    }

    /// The resources, each after its dependencies. Independent resources keep the order of the
    /// files.
    pub fn ordered(&self) -> impl Iterator<Item = &Node> {
        self.order.iter().map(|index| &self.nodes[*index])
    }

    /// The same, file by file: nothing of a file waits for anything of a later one.
    pub fn files(&self) -> Vec<Vec<&Node>> {
        let nodes = |order: &[NodeIndex]| order.iter().map(|index| &self.nodes[*index]).collect();
        let is_same =
            |one: &NodeIndex, other: &NodeIndex| self.nodes[*one].file == self.nodes[*other].file;
        self.order.chunk_by(is_same).map(nodes).collect()
    }

    /// The resources of one file, in the same order.
    pub fn of_file(&self, file: usize) -> impl Iterator<Item = &dyn Resource> {
        let own = self.ordered().filter(move |node| node.file == file);
        own.map(|node| node.resource.as_ref())
    }

    /// The resource at a position.
    pub fn at(&self, position: usize) -> Option<&Node> {
        self.order.get(position).map(|index| &self.nodes[*index])
    }

    /// The positions of the direct predecessors of a resource, with their relation to it.
    pub fn before(&self, position: usize) -> impl Iterator<Item = (usize, Edge)> {
        self.neighbours(position, Direction::Incoming)
    }

    /// The positions of the direct successors of a resource, with its relation to them.
    pub fn after(&self, position: usize) -> impl Iterator<Item = (usize, Edge)> {
        self.neighbours(position, Direction::Outgoing)
    }

    fn neighbours(
        &self,
        position: usize,
        direction: Direction,
    ) -> impl Iterator<Item = (usize, Edge)> {
        let index = self.order.get(position);
        index.into_iter().flat_map(move |index| self.nodes.edges_directed(*index, direction)).map(
            move |edge| {
                let other = match direction {
                    Direction::Incoming => edge.source(),
                    Direction::Outgoing => edge.target(),
                };
                (self.positions[other.index()], *edge.weight())
            },
        )
    }

    /// All relations from an earlier to a later resource, ordered by the earlier one, then by the
    /// later one.
    pub fn edges(&self) -> impl Iterator<Item = (&Address, &Address, Edge)> {
        self.order.iter().flat_map(|from| {
            let mut edges: Vec<_> = self.nodes.edges(*from).collect();
            edges.sort_by_key(EdgeRef::target);
            let address = |node: NodeIndex| &self.nodes[node].address;
            edges
                .into_iter()
                .map(move |edge| (address(*from), address(edge.target()), *edge.weight()))
        })
    }

    /// Computes the order.
    fn ordered_by(graph: DiGraph<Node, Edge>) -> Result<Self, GraphError> {
        let order = order(&graph)?;
        let mut positions = vec![0; order.len()];
        for (position, index) in order.iter().enumerate() {
            positions[index.index()] = position;
        }
        Ok(Self { nodes: graph, order, positions })
    }
}

/// Takes the first ready node each time. (`petgraph::algo::toposort` reverses the order of
/// independent nodes, and its error names only one node of a cycle.)
fn order(graph: &DiGraph<Node, Edge>) -> Result<Vec<NodeIndex>, GraphError> {
    let incoming = |node| graph.edges_directed(node, Direction::Incoming).count();
    let mut waiting: Vec<usize> = graph.node_indices().map(incoming).collect();
    let mut ready: BinaryHeap<_> =
        graph.node_indices().filter(|node| waiting[node.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(graph.node_count());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for edge in graph.edges(node) {
            let next = edge.target();
            waiting[next.index()] -= 1;
            if waiting[next.index()] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    if order.len() == graph.node_count() {
        return Ok(order);
    }
    let cycle = tarjan_scc(graph).into_iter().find(|group| group.len() > 1).unwrap_or_default();
    let mut addresses: Vec<Address> =
        cycle.into_iter().map(|node| graph[node].address.clone()).collect();
    addresses.sort();
    Err(GraphError::Cycle(addresses))
}
