//! Reduces a graph to some of its resources.

use std::collections::BTreeSet;

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::{Edge, Graph, GraphError};
use crate::model::address::Address;

impl Graph {
    /// The resources with these addresses, everything that they require, and everything that they notify.
    ///
    /// # Errors
    /// The first address that no resource has.
    pub fn targeted<'a>(&self, targets: &'a [String]) -> Result<BTreeSet<Address>, &'a str> {
        let mut open = Vec::new();
        for target in targets {
            let positions = (0..self.order.len()).filter(|position| {
                self.at(*position).is_some_and(|node| node.address.to_string() == *target)
            });
            let before = open.len();
            open.extend(positions);
            if open.len() == before {
                return Err(target);
            }
        }
        let mut notified = open.clone();
        while let Some(position) = notified.pop() {
            let next = self.after(position).filter(|(_, edge)| *edge == Edge::Notifies);
            let next: Vec<usize> =
                next.map(|(next, _)| next).filter(|next| !open.contains(next)).collect();
            open.extend(&next);
            notified.extend(next);
        }
        let mut kept = BTreeSet::new();
        while let Some(position) = open.pop() {
            let Some(node) = self.at(position) else { continue };
            if kept.insert(node.address.clone()) {
                let required = self.before(position).filter(|(_, edge)| *edge == Edge::Requires);
                open.extend(required.map(|(position, _)| position));
            }
        }
        Ok(kept)
    }

    /// The graph with only these resources. A relation through a removed resource is kept.
    ///
    /// # Errors
    /// As [`Graph::new`].
    pub fn only(self, kept: &BTreeSet<Address>) -> Result<Self, GraphError> {
        let is_kept = |index: NodeIndex| kept.contains(&self.nodes[index].address);
        let mut edges = Vec::new();
        for from in self.nodes.node_indices().filter(|index| is_kept(*index)) {
            let mut seen = BTreeSet::new();
            let mut open: Vec<_> =
                self.nodes.edges(from).map(|edge| (edge.target(), *edge.weight())).collect();
            while let Some((index, way)) = open.pop() {
                if !seen.insert((index, way)) {
                    continue;
                }
                if is_kept(index) {
                    edges.push((from, index, way));
                    continue;
                }
                let further = self.nodes.edges(index);
                open.extend(further.map(|edge| (edge.target(), way.max(*edge.weight()))));
            }
        }
        let kept: Vec<bool> = self.nodes.node_indices().map(is_kept).collect();
        let (nodes, _) = self.nodes.into_nodes_edges();
        let mut graph = DiGraph::new();
        let indices: Vec<Option<NodeIndex>> = nodes
            .into_iter()
            .zip(kept)
            .map(|(node, kept)| kept.then(|| graph.add_node(node.weight)))
            .collect();
        for (from, to, edge) in edges {
            if let (Some(from), Some(to)) = (indices[from.index()], indices[to.index()]) {
                graph.add_edge(from, to, edge);
            }
        }
        Self::ordered_by(graph)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::address::Kind;
    use crate::reconcile::graph::Edge;

    #[test]
    fn a_part_keeps_the_order_across_what_is_left_out() {
        let config = crate::config::parse("version = 1").unwrap();
        let graph = Graph::new(&[&config]).unwrap();
        let kept = graph.ordered().map(|node| node.address.clone());
        let kept: BTreeSet<Address> =
            kept.filter(|it| matches!(it.kind, Kind::SOCKET | Kind::VM | Kind::CONTEXT)).collect();
        let part = graph.only(&kept).unwrap();
        let kinds: Vec<Kind> = part.ordered().map(|node| node.address.kind).collect();
        assert_eq!(kinds, [Kind::VM, Kind::SOCKET, Kind::CONTEXT]);
        let mut before = part.before(1);
        assert!(before.any(|it| it == (0, Edge::Requires)), "through the restart");
    }

    #[test]
    fn of_nothing_there_is_nothing() {
        let config = crate::config::parse("version = 1").unwrap();
        let part = Graph::new(&[&config]).unwrap().only(&BTreeSet::new()).unwrap();
        assert_eq!(part.ordered().count(), 0);
    }
}
