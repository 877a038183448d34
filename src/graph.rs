//! The resources of a file, and the order in which they are applied.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use serde::Serialize;

use crate::address::Address;
use crate::config::Config;
use crate::resource::{KINDS, Resource};

/// What one resource is to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// The second can only be applied when the first is; it is skipped when the first fails.
    Requires,
    /// The second has to see what the first changed, so it comes after it; it is not skipped when
    /// the first fails.
    Notifies,
}

/// The resources cannot be ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// These depend on each other.
    #[error("these depend on each other: {}", join(.0))]
    Cycle(Vec<Address>),
    /// Two resources have the same address.
    #[error("there are two of {0}")]
    Duplicate(Address),
    /// A resource names one that there is not.
    #[error("{from} depends on {to}, which there is not")]
    Unknown {
        /// The resource that names it.
        from: Address,
        /// The one that is missing.
        to: Address,
    },
}

fn join(addresses: &[Address]) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(", ")
}

/// The resources of a file.
#[derive(Debug)]
pub struct Graph {
    graph: DiGraph<Box<dyn Resource>, Edge>,
    order: Vec<NodeIndex>,
}

impl Graph {
    /// The graph of a file.
    ///
    /// # Errors
    /// When the resources cannot be ordered; no file can cause that by itself.
    pub fn new(config: &Config) -> Result<Self, GraphError> {
        Self::of(KINDS.iter().flat_map(|kind| kind(config)).collect())
    }

    fn of(resources: Vec<Box<dyn Resource>>) -> Result<Self, GraphError> {
        let mut graph = DiGraph::new();
        let mut nodes = BTreeMap::new();
        for resource in resources {
            let address = resource.address().clone();
            if nodes.insert(address.clone(), graph.add_node(resource)).is_some() {
                return Err(GraphError::Duplicate(address));
            }
        }
        let mut edges = Vec::new();
        for node in graph.node_indices() {
            let resource: &dyn Resource = graph[node].as_ref();
            let find = |other: Address| {
                let from = resource.address().clone();
                nodes.get(&other).copied().ok_or(GraphError::Unknown { from, to: other })
            };
            for other in resource.requires() {
                edges.push((find(other)?, node, Edge::Requires));
            }
            for other in resource.notifies() {
                edges.push((node, find(other)?, Edge::Notifies));
            }
        }
        for (from, to, edge) in edges {
            graph.add_edge(from, to, edge);
        }
        let order = order(&graph)?;
        Ok(Self { graph, order })
    }

    /// The resources, each after all that it requires or is notified by; independent ones in the
    /// order in which the file names them.
    pub fn ordered(&self) -> impl Iterator<Item = &dyn Resource> {
        self.order.iter().map(|node| self.graph[*node].as_ref())
    }

    /// What is between the resources, from what comes first to what comes after it: in the order of
    /// what comes first, then of what comes after.
    pub fn edges(&self) -> impl Iterator<Item = (&Address, &Address, Edge)> {
        self.order.iter().flat_map(|from| {
            let mut edges: Vec<_> = self.graph.edges(*from).collect();
            edges.sort_by_key(EdgeRef::target);
            let address = |node: NodeIndex| self.graph[node].address();
            edges
                .into_iter()
                .map(move |edge| (address(*from), address(edge.target()), *edge.weight()))
        })
    }

    /// The addresses that a resource requires, directly.
    pub fn requirements(&self, address: &Address) -> BTreeSet<Address> {
        let node = self.order.iter().find(|node| self.graph[**node].address() == address);
        node.into_iter()
            .flat_map(|node| self.graph.edges_directed(*node, Direction::Incoming))
            .filter(|edge| *edge.weight() == Edge::Requires)
            .map(|edge| self.graph[edge.source()].address().clone())
            .collect()
    }
}

/// Takes the first of the ready nodes each time. (`petgraph::algo::toposort` reverses the order of
/// independent nodes, and its error names only one node of a cycle.)
fn order(graph: &DiGraph<Box<dyn Resource>, Edge>) -> Result<Vec<NodeIndex>, GraphError> {
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
        cycle.into_iter().map(|node| graph[node].address().clone()).collect();
    addresses.sort();
    Err(GraphError::Cycle(addresses))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Kind;
    use crate::plan::{Change, Context};
    use crate::value::Attributes;

    #[derive(Debug)]
    struct Node(Address, Vec<Address>);

    impl Resource for Node {
        fn address(&self) -> &Address {
            &self.0
        }
        fn requires(&self) -> Vec<Address> {
            self.1.clone()
        }
        fn plan(&self, _: Context<'_>) -> Change {
            Change::create(&self.0, Attributes::default())
        }
    }

    fn graph(nodes: &[(&str, &[&str])]) -> Result<Vec<String>, GraphError> {
        let address = |name: &&str| Address::new(Kind::Vm, *name);
        let nodes = nodes.iter().map(|(name, requires)| {
            let requires = requires.iter().map(address).collect();
            Box::new(Node(address(name), requires)) as Box<dyn Resource>
        });
        let graph = Graph::of(nodes.collect())?;
        Ok(graph.ordered().map(|resource| resource.address().name.clone()).collect())
    }

    #[test]
    fn independent_resources_keep_the_order_of_the_file() {
        assert_eq!(graph(&[("c", &[]), ("a", &[]), ("b", &[])]).unwrap(), ["c", "a", "b"]);
    }

    #[test]
    fn a_resource_comes_after_what_it_requires() {
        let order = graph(&[("a", &["z"]), ("m", &[]), ("z", &[])]).unwrap();
        assert_eq!(order, ["m", "z", "a"]);
    }

    #[test]
    fn a_cycle_names_all_its_members_and_only_them() {
        let error = graph(&[("x", &[]), ("b", &["a", "x"]), ("a", &["b"]), ("y", &["a"])]);
        assert_eq!(error.unwrap_err().to_string(), "these depend on each other: vm.a, vm.b");
    }

    #[test]
    fn a_requirement_that_is_not_there_is_named() {
        let error = graph(&[("a", &["b"])]).unwrap_err();
        assert_eq!(error.to_string(), "vm.a depends on vm.b, which there is not");
    }
}
