//! A saved plan is applied without a question, so nobody else may have written it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use crate::support::sandbox::Sandbox;
use crate::support::tally::EXPOSED;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_plan_that_others_can_write_to_is_refused, a_plan_of_another_user_is_refused]
}

fn with_plan() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    sandbox.cai(&["--simulate=world", "plan", "--out", "next.plan"]).success();
    symlink("next.plan", sandbox.path("home/link.plan")).unwrap();
    sandbox
}

fn a_plan_that_others_can_write_to_is_refused() {
    let sandbox = with_plan();
    let path = sandbox.path("home/next.plan");
    for (mode, is_refused) in [(0o666, true), (0o620, true), (0o602, true), (0o644, false)] {
        EXPOSED.case(|| {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            for name in ["next.plan", "link.plan"] {
                let ran = sandbox.cai(&["--simulate=world", "apply", name]);
                if is_refused {
                    let told = ran.fails_with(3);
                    assert!(told.contains("users other than the owner can write to"), "{ran}");
                    assert!(told.contains("chmod 600") && told.contains("plan --out"), "{ran}");
                } else {
                    ran.success();
                    sandbox.cai(&["--simulate=world", "simulate", "reset"]).success();
                }
            }
        });
    }
}

fn a_plan_of_another_user_is_refused() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let sandbox = with_plan();
    let path = sandbox.path("home/next.plan");
    EXPOSED.case(|| {
        chown(&path, Some(1), None).unwrap();
        for name in ["next.plan", "link.plan"] {
            let ran = sandbox.cai(&["--simulate=world", "apply", name]);
            let told = ran.fails_with(3);
            assert!(told.contains("belongs to another user"), "{ran}");
            assert!(told.contains("save your own plan"), "{ran}");
        }
    });
}
