//! Removals beside other changes, other names, and other people.

use containai::config;
use containai::host::{Host, System};
use containai::plan::Plan;
use containai::reconcile::apply;
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe;
use containai::resource::record::Record;
use containai::simulate::{LINUX, SimulatedHost, World};

use super::removal::{LINES, applied, file, guest, record};
use super::{effects, failures, plan, planned};
use crate::support::fake_world::FakeWorld;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_id_goes_over_to_another_account,
        a_member_by_another_name_stays_a_member,
        a_group_and_its_user_leave_together,
        a_group_outlives_the_user_of_its_name,
        a_group_of_the_guest_is_no_users_by_its_name,
        a_network_key_of_the_file_leaves_while_sysbox_stays,
        a_seccomp_profile_is_deleted_after_its_key,
        a_profile_that_was_found_stays_with_its_key,
        a_deletion_that_was_not_shown_is_not_done,
        a_broken_record_removes_nothing_and_is_written_again,
        a_stopped_vm_says_what_will_be_removed,
        doctor_without_a_file_removes_nothing,
        variables_of_others_stay_and_are_on_no_command_line,
    ]
}

const LIMA_USER: (&str, &str) = LINES[8];

fn host(lines: &[(&str, &str)]) -> SimulatedHost<'static> {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    applied(&host, &file(lines));
    host
}

fn an_id_goes_over_to_another_account() {
    let host = host(&[("[users]", "name = \"bob\"\nuid = 2001"), LIMA_USER]);
    let next = file(&[("[users]", "name = \"robert\"\nuid = 2001"), LIMA_USER]);
    applied(&host, &next);
    let users = guest(&host.world()).users;
    assert_eq!(users["robert"].uid, 2001);
    assert!(!users.contains_key("bob"));
}

fn a_member_by_another_name_stays_a_member() {
    let group = ("[groups]", "name = \"agents\"");
    let host = host(&[group, ("[users]", "name = \"dev\"\ngroups = [\"agents\", \"docker\"]")]);
    let next = [group, ("[users]", "name = \"@lima\"\ngroups = [\"docker\", \"agents\"]")];
    applied(&host, &file(&next));
    assert_eq!(guest(&host.world()).groups["agents"].members, ["dev"]);
}

fn a_group_and_its_user_leave_together() {
    let host = host(&[
        ("[groups]", "name = \"bob\"\ngid = 2001"),
        ("[users]", "name = \"ann\"\nuid = 2002\ngroups = [\"bob\"]"),
        LIMA_USER,
    ]);
    let plain = file(&[LIMA_USER]);
    let deleted = plan(&host, &plain);
    let deleted: Vec<String> = deleted.effective().map(|it| it.address.to_string()).collect();
    assert_eq!(deleted, ["group_membership.ann.bob", "group.bob", "user.ann"]);
    applied(&host, &plain);
    let guest = guest(&host.world());
    assert!(!guest.groups.contains_key("bob") && !guest.users.contains_key("ann"));
}

fn a_group_outlives_the_user_of_its_name() {
    let group = ("[groups]", "name = \"bob\"\ngid = 2001");
    let host = host(&[group, ("[users]", "name = \"bob\"\nuid = 2002"), LIMA_USER]);
    let created = guest(&host.world());
    assert_eq!((created.users["bob"].gid, created.groups["bob"].gid), (2001, 2001));
    applied(&host, &file(&[group, LIMA_USER]));
    let left = guest(&host.world());
    assert!(!left.users.contains_key("bob"));
    assert_eq!(left.groups["bob"].gid, 2001);
}

fn a_group_of_the_guest_is_no_users_by_its_name() {
    let user = ("[users]", "name = \"sudo\"");
    let host = host(&[LIMA_USER]);
    let refused = plan(&host, &file(&[user, LIMA_USER]));
    let (address, problem) = refused.problems().next().unwrap();
    assert_eq!(address.to_string(), "user.sudo");
    assert!(problem.hint().contains("declare sudo under [[groups]]"), "{}", problem.hint());
    // Declared, it is the user's group, and stays when both leave the file.
    applied(&host, &file(&[("[groups]", "name = \"sudo\""), user, LIMA_USER]));
    assert_eq!(guest(&host.world()).users["sudo"].gid, 27);
    applied(&host, &file(&[LIMA_USER]));
    let left = guest(&host.world());
    assert!(!left.users.contains_key("sudo"));
    assert_eq!((left.groups["sudo"].gid, left.groups["sudo"].members.len()), (27, 0));
}

fn a_network_key_of_the_file_leaves_while_sysbox_stays() {
    let sysbox = LINES[4];
    let host = host(&[("docker.daemon", "bip = \"10.9.0.1/24\""), sysbox, LIMA_USER]);
    let next = file(&[sysbox, LIMA_USER]);
    assert!(effects(&plan(&host, &next)).contains("no longer in containai.toml: bip"));
    applied(&host, &next);
    assert!(guest(&host.world()).files["/etc/docker/daemon.json"].text.contains("172.20.0.1/16"));
}

const PROFILE: &str = "/etc/docker/cai-seccomp.json";

/// A file with a seccomp profile, which is this file here.
fn with_profile() -> (tempfile::TempDir, config::Config) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("p.json"), "{}").unwrap();
    let config = file(&[("docker", "seccomp_profile = \"./p.json\""), LIMA_USER]);
    let config = config.located(directory.path(), None);
    (directory, config)
}

fn a_seccomp_profile_is_deleted_after_its_key() {
    let (_directory, config) = with_profile();
    let host = SimulatedHost::new(&System, World::new(LINUX));
    applied(&host, &config);
    assert!(guest(&host.world()).files.contains_key(PROFILE));
    let plain = file(&[LIMA_USER]);
    let planned = plan(&host, &plain);
    let steps: Vec<&str> =
        planned.effective().flat_map(|it| &it.steps).map(|step| step.title.as_str()).collect();
    assert_eq!(steps.last(), Some(&"delete the seccomp profile"), "{steps:?}");
    applied(&host, &plain);
    let guest = guest(&host.world());
    assert!(!guest.files.contains_key(PROFILE));
    assert!(!guest.dockerd.unwrap().loaded.contains_key("seccomp-profile"));
    assert!(!record(&host, &plain).text().contains("seccomp-profile"));
}

fn a_profile_that_was_found_stays_with_its_key() {
    let (_directory, config) = with_profile();
    let host = SimulatedHost::new(&System, World::new(LINUX));
    applied(&host, &config);
    host.remove_file(&Record::path(&observe(&host, &config).unwrap().directory)).unwrap();
    let facts = [observe(&host, &config).unwrap()];
    let graph = Graph::new(&[&config]).unwrap();
    containai::reconcile::record::adopt(&host, &[&config], &graph, &facts).unwrap();
    applied(&host, &file(&[LIMA_USER]));
    let guest = guest(&host.world());
    assert!(guest.files.contains_key(PROFILE));
    assert!(guest.files["/etc/docker/daemon.json"].text.contains("seccomp-profile"));
}

/// Someone makes bob again while the plan waits for its yes.
fn a_deletion_that_was_not_shown_is_not_done() {
    let host = host(&[("[users]", "name = \"bob\"\nuid = 2001"), LIMA_USER]);
    let bob = guest(&host.world()).users["bob"].clone();
    let with = |world: &mut World, bob: Option<_>| {
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        match bob {
            Some(bob) => guest.users.insert("bob".into(), bob),
            None => guest.users.remove("bob"),
        };
    };
    host.change(|world| with(world, None)).unwrap();
    let plain = file(&[LIMA_USER]);
    let (graph, shown): (Graph, Plan) = planned(&host, &plain);
    assert!(shown.is_empty(), "{}", effects(&shown));
    host.change(|world| with(world, Some(bob))).unwrap();
    let report = apply::apply(&host, &[&plain], &graph, &shown, &|_| {});
    assert!(failures(&report).contains("it would now be deleted"), "{}", failures(&report));
    assert!(guest(&host.world()).users.contains_key("bob"));
}

fn a_broken_record_removes_nothing_and_is_written_again() {
    let host = host(&[("[users]", "name = \"bob\"\nuid = 2001"), LIMA_USER]);
    let plain = file(&[("docker.daemon", "mtu = 1400"), LIMA_USER]);
    let path = Record::path(&observe(&host, &plain).unwrap().directory);
    host.write_file(&path, "{\"version\": 1, \"resources\": {\"us", 0o600).unwrap();
    let planned = plan(&host, &plain);
    assert_eq!(planned.counts().destroy, 0, "{}", effects(&planned));
    applied(&host, &plain);
    assert!(guest(&host.world()).users.contains_key("bob"));
    assert!(record(&host, &plain).text().contains("mtu"));
}

fn a_stopped_vm_says_what_will_be_removed() {
    let bob = ("[users]", "name = \"bob\"\nuid = 2001");
    let host = host(&[("docker.daemon", "mtu = 1400"), LINES[4], bob, LIMA_USER]);
    let plain = file(&[LIMA_USER]);
    host.change(|world| {
        let config = file(&[LIMA_USER]);
        containai::simulate::Fault::find("vm-stopped").unwrap().strike(world, &config)
    })
    .unwrap();
    let says = effects(&plan(&host, &plain));
    for words in [
        "Deferred user.bob: the VM is stopped; no longer in containai.toml",
        "no longer in containai.toml: bip, default-address-pools, mtu, runtimes.sysbox-runc",
        "if containers run with Sysbox, apply needs --allow-replace",
    ] {
        assert!(says.contains(words), "{words}: {says}");
    }
    applied(&host, &plain);
    assert!(!guest(&host.world()).users.contains_key("bob"));
}

fn doctor_without_a_file_removes_nothing() {
    let lines = "[sysbox]\nenabled = false\n[[users]]\nname = \"bob\"\n[[users]]\n\
                 name = \"@lima\"\ngroups = [\"docker\"]\n";
    let world = FakeWorld::converged(&format!("version = 1\n{lines}"));
    std::fs::remove_file(world.sandbox.home().join("containai.toml")).unwrap();
    let config = config::parse("version = 1").unwrap();
    world.change(|world| {
        assert!(containai::simulate::Fault::find("vm-stopped").unwrap().strike(world, &config));
    });
    let before = world.sandbox.path("lima/containai-secure/cai.json");
    let before = std::fs::read_to_string(before).unwrap();
    world.cai(&["doctor", "--fix", "--yes"]);
    let after = world.sandbox.path("lima/containai-secure/cai.json");
    assert_eq!(std::fs::read_to_string(after).unwrap(), before);
    assert!(guest(&world.world()).users.contains_key("bob"));
}

fn variables_of_others_stay_and_are_on_no_command_line() {
    let env = "[vm.env]\nTEAM = \"blue\"\n";
    let world = FakeWorld::converged(&format!("version = 1\n{env}"));
    world.change(|world| {
        let yaml = &mut world.instances.get_mut("containai-secure").unwrap().yaml;
        *yaml = yaml.replace("  TEAM: blue\n", "  TEAM: blue\n  HAND: handset-secret\n");
    });
    world.sandbox.write("home/containai.toml", "version = 1\n");
    world.calls();
    world.cai(&["apply", "--yes"]).success();
    let calls = world.calls().join("\n");
    assert!(!calls.contains("handset-secret"), "{calls}");
    let yaml = world.world().instances["containai-secure"].yaml.clone();
    assert!(yaml.contains("handset-secret") && !yaml.contains("TEAM"), "{yaml}");
}
