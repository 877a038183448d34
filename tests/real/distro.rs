//! Docker from the guest's distribution: its packages come over the guest's own network.

use super::engine::{Engine, alone};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![docker_is_installed_from_the_distribution]
}

fn docker_is_installed_from_the_distribution() {
    let _machine = alone();
    let engine = Engine::new("distro");
    let apply = engine.cai(&["apply", "--yes"]);
    apply.success();
    engine.works();
    engine.container("first");
    assert_ne!(engine.running(), "", "an installed engine starts no container");
    engine.delete();
}
