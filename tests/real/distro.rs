//! Docker from the guest's distribution. The guest downloads the packages over its own network.

use super::declared::Declared;
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
    // Debian 12 has 20.10.24+dfsg1-1 and later revisions.
    engine.declare(&Declared { docker: "version = \"20.10\"", ..Declared::default() });
    assert!(
        engine.cai(&["plan"]).success().contains("No changes."),
        "the first numbers are sufficient"
    );
    engine.guest("sudo DEBIAN_FRONTEND=noninteractive apt-get -q -y remove docker.io");
    engine.apply_mends();
    engine.delete();
}
