//! Groups and accounts in the guest.

use containai::guest::{Account, Group, GuestFacts};
use containai::model::address::Kind;
use containai::plan::{Action, Disruption};

use super::{change, effects, plan, reasons, steps};
use crate::support::machine::{bend_guest, config_with, healthy};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_id_that_another_has_is_told_with_its_holder,
        an_id_that_an_earlier_entry_gives_up_is_free,
        a_group_is_made_before_its_members_join,
        another_number_for_docker_moves_its_socket_and_renews_the_session,
        an_account_is_made_with_what_the_file_says,
        what_the_file_leaves_out_of_an_account_is_left_alone,
        a_user_who_is_no_longer_listed_leaves_the_group,
        memberships_that_the_file_does_not_speak_of_are_left_alone,
        the_login_user_by_its_own_name_is_the_login_user,
        the_login_user_by_its_own_name_stays_in_what_the_file_leaves_out,
    ]
}

fn a_group_is_made_before_its_members_join() {
    let config = config_with(
        "[[groups]]\nname = \"agents\"\ngid = 3000\n\
         [[users]]\nname = \"@lima\"\ngroups = [\"docker\", \"agents\"]\n",
    );
    let plan = plan(&config, &healthy(&config));
    assert_eq!(
        effects(&plan),
        [
            (Kind::GROUP, Action::Create),
            (Kind::GROUP_MEMBERSHIP, Action::Create),
            (Kind::RESTART, Action::Refresh),
        ]
    );
    assert!(steps(change(&plan, Kind::GROUP))[0].ends_with("'sudo -n groupadd -g 3000 agents'"));
    assert_eq!(plan.problems().count(), 0);
}

fn another_number_for_docker_moves_its_socket_and_renews_the_session() {
    let config = config_with("[[groups]]\nname = \"docker\"\ngid = 2375\n");
    let plan = plan(&config, &healthy(&config));
    let group = change(&plan, Kind::GROUP);
    let steps = steps(group);
    assert!(steps[0].ends_with("'sudo -n groupmod -g 2375 docker'"), "{steps:?}");
    assert!(steps[1].ends_with("'sudo -n chgrp docker /var/run/docker.sock'"), "{steps:?}");
    let restart = change(&plan, Kind::RESTART);
    assert_eq!(restart.disruption, Disruption::SessionRefresh, "{}", reasons(restart));
}

fn an_account_is_made_with_what_the_file_says() {
    let config = config_with(
        "[[users]]\nname = \"ci\"\nuid = 4001\nshell = \"/bin/sh\"\ngroups = [\"docker\"]\n",
    );
    let plan = plan(&config, &healthy(&config));
    let user = change(&plan, Kind::USER);
    assert!(
        steps(user)[0].ends_with("'sudo -n useradd -m -u 4001 -s /bin/sh ci'"),
        "{:?}",
        steps(user)
    );
    let order: Vec<Kind> = plan.effective().map(|change| change.address.kind).collect();
    assert_eq!(order, [Kind::USER, Kind::GROUP_MEMBERSHIP]);
}

fn what_the_file_leaves_out_of_an_account_is_left_alone() {
    let config = config_with("[[users]]\nname = \"ci\"\nuid = 4001\ngroups = []\n");
    let mut facts = healthy(&config);
    let account = |uid| Account { uid, gid: uid, shell: "/bin/zsh".into() };
    bend_guest(&mut facts, |guest| {
        guest.accounts.insert("ci".into(), account(4001));
    });
    assert!(plan(&config, &facts).is_empty());
    bend_guest(&mut facts, |guest| {
        guest.accounts.insert("ci".into(), account(1500));
    });
    let plan = plan(&config, &facts);
    assert!(steps(change(&plan, Kind::USER))[0].ends_with("'sudo -n usermod -u 4001 ci'"));
}

fn a_user_who_is_no_longer_listed_leaves_the_group() {
    let config = config_with(
        "[[groups]]\nname = \"agents\"\n[[users]]\nname = \"ci\"\ngroups = [\"adm\"]\n",
    );
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.accounts.insert("ci".into(), Account::default());
        for group in ["docker", "agents", "adm"] {
            let members = vec!["ci".into(), "dev".into()];
            guest.groups.insert(group.into(), Group { gid: 7, members });
        }
    });
    let plan = plan(&config, &facts);
    let left: Vec<String> = plan.effective().flat_map(steps).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[0].ends_with("'sudo -n gpasswd -d ci agents'"), "{left:?}");
    assert!(left[1].ends_with("'sudo -n gpasswd -d ci docker'"), "{left:?}");
}

fn memberships_that_the_file_does_not_speak_of_are_left_alone() {
    let config = config_with("[[users]]\nname = \"ci\"\ngroups = []\n");
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.accounts.insert("ci".into(), Account::default());
        let members = vec!["ci".into(), "somebody".into()];
        guest.groups.insert("adm".into(), Group { gid: 4, members });
        guest.groups.get_mut("docker").unwrap().members.push("somebody".into());
    });
    assert!(plan(&config, &facts).is_empty());
}

fn the_login_user_by_its_own_name_is_the_login_user() {
    let config = config_with("[[users]]\nname = \"dev\"\ngroups = [\"docker\"]\n");
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.session_groups.remove("docker");
    });
    let plan = plan(&config, &facts);
    assert_eq!(change(&plan, Kind::RESTART).disruption, Disruption::SessionRefresh);
}

fn the_login_user_by_its_own_name_stays_in_what_the_file_leaves_out() {
    let config = config_with("[[users]]\nname = \"dev\"\ngroups = []\n");
    let plan = plan(&config, &healthy(&config));
    assert!(plan.is_empty(), "{:?}", effects(&plan));
}

/// The guest of a Debian image, with the group sudo.
fn with_sudo(guest: &mut GuestFacts) {
    guest.groups.insert("sudo".into(), Group { gid: 27, members: vec!["dev".into()] });
}

fn an_id_that_another_has_is_told_with_its_holder() {
    let cases = [
        ("[[groups]]\nname = \"docker\"\ngid = 27\n", "group.docker: gid 27 belongs to group sudo"),
        ("[[groups]]\nname = \"new\"\ngid = 27\n", "group.new: gid 27 belongs to group sudo"),
        ("[[users]]\nname = \"ci\"\nuid = 1001\n", "user.ci: uid 1001 belongs to user dev"),
    ];
    for (lines, expected) in cases {
        let config = config_with(lines);
        let mut facts = healthy(&config);
        bend_guest(&mut facts, with_sudo);
        let plan = plan(&config, &facts);
        let problems: Vec<String> =
            plan.problems().map(|(address, problem)| format!("{address}: {problem}")).collect();
        assert_eq!(problems, [expected]);
        // A change that will not happen has no consequences.
        assert!(!effects(&plan).iter().any(|(kind, _)| *kind == Kind::RESTART), "{lines}");
    }
}

fn an_id_that_an_earlier_entry_gives_up_is_free() {
    let sudo = "[[groups]]\nname = \"sudo\"\ngid = 2700\n";
    let docker = "[[groups]]\nname = \"docker\"\ngid = 27\n";
    for (lines, is_free) in [(format!("{sudo}{docker}"), true), (format!("{docker}{sudo}"), false)]
    {
        let config = config_with(&lines);
        let mut facts = healthy(&config);
        bend_guest(&mut facts, with_sudo);
        assert_eq!(plan(&config, &facts).problems().next().is_none(), is_free, "{lines}");
    }
}
