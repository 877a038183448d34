//! The VM's YAML: which entries belong to cai, which forms are equivalent, and that Lima validates
//! a new one.

use containai::lima::UserFile;
use containai::model::address::Kind;
use containai::model::value::Known;
use containai::plan::Action;
use containai::plan::Observation;
use containai::resource::facts::Facts;
use serde_json::{Value, json};

use super::{change, plan, steps};
use crate::support::machine::{bend_vm, config, config_with, fresh, healthy};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        another_form_of_the_same_is_no_difference,
        another_meaning_is_a_difference,
        a_build_of_a_moving_image_is_no_difference,
        a_default_of_the_users_own_is_not_limas,
        what_others_wrote_stays_in_the_lists,
        a_script_of_cai_is_added_where_none_is,
        a_forward_that_leaves_the_file_leaves_the_vm,
        a_replaced_vm_is_made_from_the_file_alone,
        lima_judges_what_a_change_would_write,
        a_lima_that_the_file_does_not_accept_judges_nothing,
    ]
}

const FILE: &str = "[[vm.mounts]]\nlocation = \"~\"\nwritable = true\n[[vm.mounts]]\nlocation = \"/srv\"\n\
                    [[vm.port_forwards]]\nguest_port = 80\n\
                    [vm.env]\nPORT = \"8080\"\n\
                    [vm.lima]\nnestedVirtualization = false\nhostResolver.hosts = { \"a.test\" = \"10.0.0.1\" }\n";

fn set(facts: &mut Facts, key: &str, value: Option<Value>) {
    bend_vm(facts, |vm| {
        vm.yaml.remove(key);
        vm.yaml.extend(value.map(|value| (key.to_owned(), value)));
    });
}

/// A key of the YAML with another value than the one for [`FILE`].
type Other = (&'static str, Option<Value>);

fn engine() -> Value {
    json!({"guestSocket": "/var/run/docker.sock", "hostSocket": "{{.Dir}}/sock/docker.sock"})
}

fn forms() -> Vec<Other> {
    vec![
        ("memory", Some(json!("4096MiB"))),
        ("cpus", Some(json!("4"))),
        ("env", Some(json!({"PORT": 8080}))),
        // Variables that cai did not set stay.
        ("env", Some(json!({"PORT": "8080", "MORE": ""}))),
        ("nestedVirtualization", None),
        ("nestedVirtualization", Some(json!(null))),
        (
            "hostResolver",
            Some(json!({"hosts": {"a.test": "10.0.0.1"}, "ipv6": false, "enabled": true})),
        ),
        ("containerd", Some(json!({"user": false}))),
        (
            "mounts",
            Some(json!([
                {"writable": true, "location": "/home/dev"},
                {"location": "/srv/", "mountPoint": "/srv", "sshfs": {"cache": true}},
            ])),
        ),
        (
            "portForwards",
            Some(json!([
                {"guestSocket": "/var/run/docker.sock", "hostSocket": "docker.sock", "proto": "any"},
                {"guestPort": 80, "hostPort": 80, "guestIP": "127.0.0.1", "ignore": false},
            ])),
        ),
        (
            "portForwards",
            Some(json!([
                engine(),
                {"guestPortRange": [80, 80], "hostPortRange": [80, 80], "hostIP": "127.0.0.1"},
            ])),
        ),
    ]
}

fn another_form_of_the_same_is_no_difference() {
    let config = config_with(FILE);
    for (key, value) in forms() {
        let mut facts = healthy(&config);
        set(&mut facts, key, value.clone());
        let plan = plan(&config, &facts);
        assert!(plan.is_empty(), "{key}: {value:?}: {:?}", change(&plan, Kind::VM).changed());
    }
}

fn a_build_of_a_moving_image_is_no_difference() {
    let image = |directory: &str, release: &str| {
        format!(
            "https://cloud-images.ubuntu.com/releases/{release}/{directory}/ubuntu-{release}-server-cloudimg-amd64.img"
        )
    };
    let [moving, dated] = ["release", "release-20260518"].map(|it| image(it, "24.04"));
    let plan_of = |file: &str, vm: &str| {
        let config = config_with(&format!("[[vm.images]]\nlocation = \"{file}\"\n"));
        let mut facts = healthy(&config);
        set(&mut facts, "images", Some(json!([{ "location": vm }])));
        plan(&config, &facts)
    };
    // Which build the VM was created from is unknown.
    for (file, vm) in [(&dated, &moving), (&moving, &dated)] {
        assert!(plan_of(file, vm).is_empty(), "{vm}, declared {file}");
    }
    for other in [image("release-20260601", "24.04"), image("release", "22.04")] {
        let plan = plan_of(&dated, &other);
        assert_eq!(change(&plan, Kind::VM).action, Action::Replace, "{other}");
    }
}

fn another_meaning_is_a_difference() {
    let config = config_with(FILE);
    for (key, value) in [
        ("memory", json!("4096KiB")),
        ("env", json!({"PORT": 8081})),
        ("nestedVirtualization", json!(true)),
        ("hostResolver", json!({"hosts": {"a.test": "10.0.0.1"}, "enabled": false})),
        ("mounts", json!([{"location": "/home/other", "writable": true}, {"location": "/srv"}])),
        (
            "mounts",
            json!([{"location": "~", "writable": true}, {"location": "/srv", "mountPoint": "/mnt"}]),
        ),
        ("portForwards", json!([engine(), {"guestPort": 80, "hostPort": 8080}])),
        ("portForwards", json!([engine(), {"guestPort": 80, "hostIP": "0.0.0.0"}])),
        (
            "portForwards",
            json!([{"guestSocket": "/run/docker.sock", "hostSocket": "docker.sock"}, {"guestPort": 80}]),
        ),
    ] {
        let mut facts = healthy(&config);
        set(&mut facts, key, Some(value.clone()));
        let plan = plan(&config, &facts);
        assert_eq!(change(&plan, Kind::VM).changed(), [key], "{value}");
    }
}

fn a_default_of_the_users_own_is_not_limas() {
    let config = config_with(FILE);
    let mut facts = healthy(&config);
    set(&mut facts, "nestedVirtualization", None);
    let keys = json!({"nestedVirtualization": true}).as_object().unwrap().clone();
    facts.lima_files = vec![UserFile { path: "/l/_config/default.yaml".into(), wins: false, keys }];
    assert_eq!(change(&plan(&config, &facts), Kind::VM).changed(), ["nestedVirtualization"]);
}

/// The entries of a list after the change.
fn after(facts: &Facts, file: &str, key: &str) -> Vec<Value> {
    let config = config_with(file);
    let plan = plan(&config, facts);
    match change(&plan, Kind::VM).after.get(key) {
        Some(Known::Known(Value::Array(list))) => list.clone(),
        other => panic!("{key}: {other:?}"),
    }
}

fn what_others_wrote_stays_in_the_lists() {
    let config = config_with("");
    let mut facts = healthy(&config);
    let (first, last) = (
        json!({"mode": "yq", "path": "/a", "expression": ".a = 1"}),
        json!({"script": "#!/bin/sh\ntrue"}),
    );
    let web = json!({"guestPort": 9000, "hostPort": 9001});
    bend_vm(&mut facts, |vm| {
        for key in ["provision", "probes"] {
            let own = vm.yaml[key][0].clone();
            vm.yaml[key] = json!([first, own, last]);
        }
        vm.yaml["portForwards"] = json!([web, engine()]);
    });
    // None of it requires a change.
    assert!(plan(&config, &facts).is_empty());
    // It also stays when something else changes.
    let file = "[[vm.port_forwards]]\nguest_port = 81\n";
    let provision = after(&facts, file, "provision");
    assert_eq!((provision.len(), &provision[0], &provision[2]), (3, &first, &last));
    let forwards = after(&facts, file, "portForwards");
    assert_eq!(forwards, [json!({"guestPort": 81}), web, engine()]);
}

fn a_script_of_cai_is_added_where_none_is() {
    let config = config_with("");
    let mut facts = healthy(&config);
    let own = json!({"script": "#!/bin/sh\ntrue"});
    set(&mut facts, "provision", Some(json!([own])));
    let plan = plan(&config, &facts);
    assert_eq!(change(&plan, Kind::VM).changed(), ["provision"]);
    let provision = after(&facts, "", "provision");
    assert_eq!((provision.len(), &provision[0]), (2, &own));
    assert!(provision[1]["script"].as_str().unwrap().contains("Written by cai"));
}

fn a_forward_that_leaves_the_file_leaves_the_vm() {
    let mut facts = healthy(&config_with("[[vm.port_forwards]]\nguest_port = 81\n"));
    let mine = json!({"guestPort": 82});
    bend_vm(&mut facts, |vm| vm.yaml["portForwards"].as_array_mut().unwrap().push(mine.clone()));
    assert_eq!(after(&facts, "", "portForwards"), [engine(), mine]);
}

fn a_replaced_vm_is_made_from_the_file_alone() {
    let config = config_with("[[vm.images]]\nlocation = \"/new.img\"\n");
    let mut facts = healthy(&config);
    set(&mut facts, "images", Some(json!([{"location": "/old.img"}])));
    bend_vm(&mut facts, |vm| {
        vm.yaml["provision"].as_array_mut().unwrap().push(json!({"script": "#!/bin/sh"}));
    });
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::VM);
    assert_eq!(vm.action, Action::Replace);
    let provision = vm.after.get("provision").cloned();
    assert!(matches!(provision, Some(Known::Known(Value::Array(list))) if list.len() == 1));
}

fn lima_judges_what_a_change_would_write() {
    let config = config();
    let healthy = healthy(&config);
    let judged = |facts: &Facts| {
        let plan = plan(&config, facts);
        let vm = change(&plan, Kind::VM);
        let command = vm.judge.as_ref()?;
        assert_eq!(command.to_string(), "limactl validate /dev/stdin");
        Some((format!("{:?}", command.stdin), steps(vm)))
    };
    assert_eq!(judged(&healthy), None, "a plan that changes nothing costs nothing");
    let (yaml, _) = judged(&fresh(&config)).unwrap();
    assert!(yaml.contains("docker.sock") && yaml.contains("memory: 4GiB"), "{yaml}");
    let mut facts = healthy.clone();
    bend_vm(&mut facts, |vm| {
        vm.yaml.insert("cpus".into(), 2.into());
        vm.yaml.insert("timezone".into(), "UTC".into());
        let yaml = serde_json::to_string(&*vm.yaml).unwrap();
        *vm.text = format!("cpus: 2\ntimezone: UTC # mine\n{yaml}");
    });
    let (yaml, _) = judged(&facts).unwrap();
    assert!(yaml.contains("cpus: 4") && yaml.contains("timezone"), "{yaml}");
    // Protection is not part of the YAML.
    bend_vm(&mut facts, |vm| {
        vm.yaml.insert("cpus".into(), 4.into());
        vm.protected = false;
    });
    assert_eq!(judged(&Facts { vm: facts.vm.clone(), ..healthy }).map(|_| ()), None);
}

fn a_lima_that_the_file_does_not_accept_judges_nothing() {
    let config = config_with("[lima]\nversion = \">=3\"\n");
    let facts = Facts { vm: Observation::Absent, ..healthy(&config) };
    assert_eq!(change(&plan(&config, &facts), Kind::VM).judge, None);
}
