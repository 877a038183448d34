use super::*;
use crate::model::value::Attributes;
use crate::plan::Change;
use crate::resource::PlanContext;

#[derive(Debug)]
struct Stub(Address, Vec<Address>);

impl Resource for Stub {
    fn address(&self) -> &Address {
        &self.0
    }
    fn requires(&self) -> Vec<Address> {
        self.1.clone()
    }
    fn plan(&self, _: PlanContext<'_>) -> Change {
        Change::create(&self.0, Attributes::default())
    }
}

fn graph(nodes: &[(&str, &[&str])]) -> Result<Vec<String>, GraphError> {
    let address = |name: &&str| Address::new(Kind::VM, *name);
    let nodes = nodes.iter().map(|(name, requires)| {
        let requires = requires.iter().map(address).collect();
        Graph::node(0, None, Box::new(Stub(address(name), requires)))
    });
    let graph = Graph::of(nodes.collect())?;
    Ok(graph.ordered().map(|node| node.address.name().to_owned()).collect())
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
fn what_comes_before_and_after_is_known_by_position() {
    let address = |name: &str| Address::new(Kind::VM, name);
    let stub = |name, requires: &[&str]| {
        let requires = requires.iter().map(|name| address(name)).collect();
        Graph::node(0, None, Box::new(Stub(address(name), requires)))
    };
    let graph = Graph::of(vec![stub("a", &["z"]), stub("z", &[])]).unwrap();
    assert_eq!(graph.at(0).unwrap().address, address("z"));
    assert_eq!(graph.after(0).collect::<Vec<_>>(), [(1, Edge::Requires)]);
    assert_eq!(graph.before(1).collect::<Vec<_>>(), [(0, Edge::Requires)]);
    assert_eq!(graph.before(0).count() + graph.after(1).count(), 0);
}

#[test]
fn the_resources_of_a_file_stand_together() {
    let config = |name: &str| {
        let text = format!("version = 1\n[vm]\nname = \"{name}\"\n");
        crate::config::parse(&text).unwrap()
    };
    let graph = Graph::new(&[&config("vm-b"), &config("vm-a")]).unwrap();
    let files = graph.files();
    assert_eq!(files.iter().map(Vec::len).sum::<usize>(), graph.ordered().count());
    let files = files.iter().map(|nodes| nodes.iter().map(|node| node.file).max());
    assert_eq!(files.collect::<Vec<_>>(), [Some(0), Some(1)]);
}

#[test]
fn a_cycle_names_all_its_members_and_only_them() {
    let error = graph(&[("x", &[]), ("b", &["a", "x"]), ("a", &["b"]), ("y", &["a"])]);
    assert_eq!(error.unwrap_err().to_string(), "these resources depend on each other: vm.a, vm.b");
}

#[test]
fn a_requirement_that_is_not_there_is_named() {
    let error = graph(&[("a", &["b"])]).unwrap_err();
    assert_eq!(error.to_string(), "vm.a depends on vm.b, which does not exist");
}
