//! Groups, users and files in the guest.

use super::declared::Declared;
use super::engine::shared;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_docker_group_moves_and_its_socket_follows,
        a_user_is_made_and_taken_out_of_a_group,
        a_group_and_its_first_member_come_in_one_apply,
        a_file_comes_is_restored_and_goes,
    ]
}

fn the_docker_group_moves_and_its_socket_follows() {
    let engine = shared();
    let container = engine.container("keeper");
    let (dockerd, boot) = (engine.dockerd(), engine.boot());
    let shell = engine.open_shell();
    let tables = "[[groups]]\nname = \"docker\"\ngid = 2375";
    engine.declare(&Declared { tables, ..Declared::default() });
    engine.plan_says(&[
        "~ group.docker",
        "-> 2375",
        "! restart.containai-secure  session refresh",
        "Stops no containers.",
    ]);
    engine.apply_mends();
    assert_eq!(engine.guest("stat -c %g /var/run/docker.sock"), "2375");
    assert!(engine.guest("id -G").split(' ').any(|gid| gid == "2375"));
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!((engine.dockerd(), engine.boot()), (dockerd, boot), "something was restarted");
    shell.lives();
}

const LOGIN: &str = "[[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n";

fn a_user_is_made_and_taken_out_of_a_group() {
    let engine = shared();
    let second = |shell: &str, groups: &str| {
        let tables = format!(
            "{LOGIN}\n[[users]]\nname = \"second\"\nuid = 3001\nshell = \"{shell}\"\n\
             groups = [{groups}]\n"
        );
        engine.declare(&Declared { tables: &tables, ..Declared::default() });
    };
    second("/bin/sh", "\"docker\"");
    engine.plan_says(&[
        "+ user.second",
        "+ group_membership.second.docker",
        "Stops no containers.",
    ]);
    engine.apply_mends();
    assert_eq!(engine.guest("getent passwd second | cut -d: -f3,7"), "3001:/bin/sh");
    assert_eq!(engine.guest("id -Gn second"), "second docker");
    engine.guest("sudo -u second docker version --format '{{.Server.Version}}'");

    second("/bin/bash", "");
    engine.plan_says(&[
        "~ user.second",
        "- group_membership.second.docker",
        "Stops no containers.",
    ]);
    engine.apply_mends();
    assert_eq!(engine.guest("getent passwd second | cut -d: -f7"), "/bin/bash");
    assert_eq!(engine.guest("id -Gn second"), "second");
}

fn a_group_and_its_first_member_come_in_one_apply() {
    let engine = shared();
    let boot = engine.boot();
    let tables = "[[groups]]\nname = \"builders\"\ngid = 3000\n\n\
                  [[users]]\nname = \"@lima\"\ngroups = [\"docker\", \"builders\"]\n";
    engine.declare(&Declared { tables, ..Declared::default() });
    engine.plan_says(&[
        "+ group.builders",
        "+ group_membership.@lima.builders",
        "! restart.containai-secure  session refresh",
    ]);
    engine.apply_mends();
    // The groups are effective: sessions over Lima's connection have them.
    assert!(engine.guest("id -G").split(' ').any(|gid| gid == "3000"));
    assert_eq!(engine.boot(), boot, "the VM was restarted");
}

fn a_file_comes_is_restored_and_goes() {
    let engine = shared();
    let container = engine.container("keeper");
    let (dockerd, boot) = (engine.dockerd(), engine.boot());
    let file = "'/opt/a b/team'";
    engine.write("team.txt", "of this\nmachine\n");
    let tables = "[[files]]\npath = \"/opt/a b/team\"\nsource = \"./team.txt\"\nmode = \"0640\"\n\
                  owner = \"root:docker\"\n";
    engine.declare(&Declared { tables, ..Declared::default() });
    engine.plan_says(&["+ file./opt/a b/team", "Stops no containers."]);
    engine.apply_mends();
    let status = || engine.guest(&format!("sudo stat -c '%a %U %G' {file}"));
    assert_eq!(status(), "640 root docker");
    assert_eq!(engine.guest("stat -c '%a %U' '/opt/a b'"), "755 root");
    assert_eq!(engine.guest(&format!("sudo cat {file}")), "of this\nmachine");

    engine.guest(&format!("echo other | sudo tee {file} >/dev/null && sudo chmod 600 {file}"));
    engine.plan_says(&["~ file./opt/a b/team", "- other", "+ of this", "\"0600\" -> \"0640\""]);
    engine.apply_mends();
    assert_eq!(status(), "640 root docker");

    engine.declare(&Declared::default());
    engine.plan_says(&[
        "- file./opt/a b/team",
        "no longer in containai.toml",
        "Stops no containers.",
    ]);
    engine.apply_mends();
    assert_eq!(
        engine.guest("sudo find '/opt/a b' /var/lib/cai/sent -type f"),
        "",
        "nothing is left"
    );
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!((engine.dockerd(), engine.boot()), (dockerd, boot), "something was restarted");
}
