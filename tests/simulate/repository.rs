//! Docker's packages from a declared repository, on the simulated host.

use containai::config::{self, Config};
use containai::guest::repository::{KEY, LIST};
use containai::host::System;
use containai::plan::Disruption;
use containai::reconcile::observe::observe;
use containai::resource::record::Record;
use containai::simulate::{File, Guest, LINUX, SimulatedHost, World};

use super::removal::{applied, guest};
use super::{apply, effects, plan};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        docker_comes_from_the_repository_and_never_from_dockers_own,
        an_edit_is_repaired_and_a_new_url_is_written_without_a_restart,
        an_entry_leaves_with_its_lines_also_for_another_source,
        a_repository_is_left_and_used_where_someone_else_added_it,
        a_key_of_this_machine_is_read_when_it_is_needed,
    ]
}

const MIRROR: &str = "https://m.example/docker/linux";
const OTHER: &str = "https://n.example/linux";

fn file(docker: &str) -> Config {
    config::parse(&format!("version = 1\n[docker]\n{docker}\n[sysbox]\nenabled = false\n")).unwrap()
}

fn with(url: &str, lines: &str) -> Config {
    file(&format!("{lines}\n[docker.repository]\nurl = \"{url}\""))
}

fn empty() -> SimulatedHost<'static> {
    SimulatedHost::new(&System, World::new(LINUX))
}

fn entry(host: &SimulatedHost<'_>) -> Option<String> {
    guest(&host.world()).files.get(LIST).map(|file| file.text.clone())
}

fn change_guest(host: &SimulatedHost<'_>, change: impl FnOnce(&mut Guest)) {
    let change = |world: &mut World| {
        change(world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap());
    };
    host.change(change).unwrap();
}

fn docker_comes_from_the_repository_and_never_from_dockers_own() {
    for lines in ["", "version = \"28.5.1\""] {
        let host = empty();
        applied(&host, &with(MIRROR, lines));
        let world = host.world();
        let text = entry(&host).unwrap();
        assert!(text.contains(&format!("{MIRROR}/ubuntu noble stable")), "{text}");
        assert!(guest(&world).packages.contains_key("docker-ce"));
        let written = |file: &&File| file.text.contains("download.docker.com");
        assert_eq!(guest(&world).files.values().filter(written).count(), 0);
        assert!(!world.instances["containai-secure"].yaml.contains("download.docker.com"));
        // An engine that is gone comes back from the same place.
        change_guest(&host, |guest| guest.packages.clear());
        applied(&host, &with(MIRROR, lines));
        assert_eq!(entry(&host), Some(text));
    }
}

fn an_edit_is_repaired_and_a_new_url_is_written_without_a_restart() {
    let host = empty();
    applied(&host, &file(""));
    assert!(entry(&host).unwrap().contains("https://download.docker.com/linux/ubuntu"));
    let started = || guest(&host.world()).dockerd.unwrap().started;
    let before = started();
    let mut texts = Vec::new();
    for config in [with(MIRROR, ""), with(OTHER, ""), with(OTHER, "version = \"29.5.2\"")] {
        let planned = plan(&host, &config);
        assert!(planned.effective().all(|change| change.disruption == Disruption::None));
        applied(&host, &config);
        texts.push(entry(&host).unwrap());
    }
    assert!(texts[0].contains(MIRROR) && texts[1].contains(OTHER), "{texts:?}");
    assert_eq!(texts[1], texts[2]);
    let config = with(OTHER, "");
    for (from, to) in
        [("arch=", "trusted=yes arch="), ("\ndeb", "\n#deb"), ("# Key: 9", "# Key: 0")]
    {
        change_guest(&host, |guest| {
            let file = guest.files.get_mut(LIST).unwrap();
            file.text = file.text.replacen(from, to, 1);
        });
        assert!(effects(&plan(&host, &config)).contains("Update provision.docker"), "{to}");
        applied(&host, &config);
        assert_eq!(entry(&host).as_ref(), Some(&texts[1]));
    }
    assert_eq!(started(), before, "dockerd was restarted");
}

fn an_entry_leaves_with_its_lines_also_for_another_source() {
    for next in ["", "source = \"distro\"", "source = \"preinstalled\""] {
        let host = empty();
        applied(&host, &with(MIRROR, ""));
        let packages = guest(&host.world()).packages;
        let next = file(next);
        let shown = effects(&plan(&host, &next));
        assert!(shown.contains("no longer in containai.toml: repository"), "{shown}");
        applied(&host, &next);
        let after = guest(&host.world());
        assert!(!after.files.contains_key(LIST) && !after.files.contains_key(KEY));
        assert_eq!(after.packages, packages);
        let record = Record::path(&observe(&host, &next).unwrap().directory);
        let record = host.world().files[&record].clone();
        assert!(!record.contains("repository") && !record.contains("provision.docker"), "{record}");
    }
    // Another version then comes from Docker's own repository.
    let host = empty();
    applied(&host, &with(MIRROR, ""));
    applied(&host, &file("version = \"28.5.1\""));
    assert!(entry(&host).unwrap().contains("https://download.docker.com/linux/ubuntu"));
}

fn a_repository_is_left_and_used_where_someone_else_added_it() {
    let host = empty();
    applied(&host, &with(MIRROR, ""));
    let text = format!("Types: deb\nURIs: {OTHER}/ubuntu\nSuites: noble\nComponents: stable\n");
    change_guest(&host, |guest| {
        let file = File { text: text.clone(), ..File::default() };
        guest.files.insert("/etc/apt/sources.list.d/corp.sources".into(), file);
    });
    applied(&host, &with(OTHER, ""));
    assert_eq!(entry(&host), None, "the entry of cai was for another repository");
    applied(&host, &file(""));
    let files = guest(&host.world()).files;
    assert_eq!(files["/etc/apt/sources.list.d/corp.sources"].text, text);
}

fn a_key_of_this_machine_is_read_when_it_is_needed() {
    let directory = tempfile::tempdir().unwrap();
    let file = with(MIRROR, "").located(directory.path(), None);
    let text = format!("[docker.repository]\nurl = \"{MIRROR}\"\nkey = \"./docker.asc\"");
    let config = config::parse(&format!("version = 1\n{text}\n[sysbox]\nenabled = false\n"));
    let config = config.unwrap().located(directory.path(), None);
    let host = empty();
    assert!(plan(&host, &config).problems().next().is_some(), "the key is missing");
    assert!(apply(&host, &config).failed());
    let armored = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBFit2ioBEAD\n";
    std::fs::write(directory.path().join("docker.asc"), armored).unwrap();
    applied(&host, &config);
    applied(&host, &file);
}
