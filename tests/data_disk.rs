//! The script that moves Docker's data to a disk, run by a real shell with fake tools around it and killed at
//! every point.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use containai::guest::{GuestFile, Operation};
use containai::host::Input;
use containai::lima::Ssh;

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    if !cfg!(target_os = "linux") {
        // The script needs the tools of a Linux guest.
        return Vec::new();
    }
    trials![
        a_move_that_is_killed_is_continued_and_loses_nothing,
        a_disk_that_another_vm_left_incomplete_deletes_nothing_of_this_one,
        two_moves_at_the_same_time_are_refused,
        a_directory_that_is_a_link_is_refused,
    ]
}

const MACHINE: &str = "0123456789abcdef\n";

/// A guest whose Docker has data, with a mounted disk.
fn guest() -> Sandbox {
    let sandbox = Sandbox::new();
    for directory in ["lib/docker/volumes/v/_data", "lib/containerd", "data"] {
        sandbox.directory(directory);
    }
    sandbox.write("lib/docker/image", "an image");
    sandbox.write("lib/docker/volumes/v/_data/file", "a volume");
    sandbox.write("lib/containerd/blob", "a blob");
    sandbox.write("device", "");
    sandbox.write("machine-id", MACHINE);
    let root = sandbox.path("").display().to_string();
    let root = root.trim_end_matches('/');
    sandbox.fake_program("systemctl", "case $1 in daemon-reload | start) ;; *) exit 1 ;; esac\n");
    sandbox.fake_program("mountpoint", &format!("[ \"$2\" = {root}/data ]\n"));
    let findmnt =
        format!("case $* in *' {root}/data') readlink -f {root}/device ;; *) exit 1 ;; esac\n");
    sandbox.fake_program("findmnt", &findmnt);
    // Other containers of this machine, and its mounts.
    let grep = "case $* in *containerd-shim* | *mountinfo) exit 1 ;; esac\nPATH=${PATH#*:}\nexec grep \"$@\"\n";
    sandbox.fake_program("grep", grep);
    // A copy that is killed has begun.
    for program in ["cp", "mv", "rm", "sync", "touch"] {
        let script = "number=$(($(cat \"$HOME/count\") + 1))\necho $number >\"$HOME/count\"\n\
                      if [ $number = \"$(cat \"$HOME/kill\")\" ]; then\n\
                      for last; do :; done\n\
                      if [ \"${0##*/}\" = cp ]; then mkdir -p \"$last\"; fi\n\
                      kill -9 $PPID; exit 1; fi\n\
                      PATH=${PATH#*:}\nexec \"${0##*/}\" \"$@\"\n";
        sandbox.fake_program(program, script);
    }
    sandbox
}

/// Runs the script. The command with this number that changes something kills it.
fn moves(sandbox: &Sandbox, kill: usize) -> Ran {
    let root = sandbox.path("").display().to_string();
    let root = root.trim_end_matches('/');
    let unit = GuestFile {
        path: format!("{root}/units/docker.mount").into(),
        mode: "644",
        text: "[Mount]\n".into(),
    };
    let command = Operation::MoveData { disk: "cai-dev", files: &[unit] }.command(&Ssh::new(
        "ssh".into(),
        "/dir".as_ref(),
        &"vm".parse().unwrap(),
    ));
    let Some(Input::Text(script)) = command.stdin else { panic!("it reads a script") };
    let here = |text: &str| {
        text.replace("/var/lib/cai/data", &format!("{root}/data"))
            .replace("/var/lib/docker", &format!("{root}/lib/docker"))
            .replace("/var/lib/containerd", &format!("{root}/lib/containerd"))
            .replace("/dev/disk/by-label/lima-$disk", &format!("{root}/device"))
            .replace("/run/cai-data-disk.lock", &format!("{root}/lock"))
            .replace("/etc/machine-id", &format!("{root}/machine-id"))
            .replace("[ -b ", "[ -e ")
    };
    sandbox.write("home/script", &here(&script));
    sandbox.write("home/count", "0");
    sandbox.write("home/kill", &kill.to_string());
    let line = command.args.last().unwrap().to_string_lossy().into_owned();
    let (_, words) = line.split_once("sh -s -- ").unwrap();
    sandbox.run(&["sh", "-c", &format!("exec sh -s -- {} <\"$HOME/script\"", here(words))])
}

/// The files below a directory, with their texts.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            let inner = files(&entry.path()).into_iter();
            all.extend(inner.map(|(path, text)| (format!("{name}/{path}"), text)));
        } else {
            all.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
    all
}

fn a_move_that_is_killed_is_continued_and_loses_nothing() {
    let whole = guest();
    let [docker, containerd] =
        ["lib/docker", "lib/containerd"].map(|path| files(&whole.path(path)));
    assert_eq!((docker.len(), containerd.len()), (2, 1));
    let mut points = 0;
    loop {
        let guest = guest();
        let killed = moves(&guest, points + 1);
        let at = |path: &str| files(&guest.path(path));
        for (name, data) in [("docker", &docker), ("containerd", &containerd)] {
            let places =
                [format!("lib/{name}"), format!("lib/{name}.cai-moved"), format!("data/{name}")];
            let is_there = places.iter().any(|place| at(place) == *data);
            assert!(is_there, "point {points}: {name} is nowhere complete: {killed}");
        }
        let again = moves(&guest, 0);
        again.success();
        assert_eq!(
            (at("data/docker"), at("data/containerd")),
            (docker.clone(), containerd.clone())
        );
        assert!(
            guest.path("data/.cai-complete").exists() && guest.path("units/docker.mount").exists()
        );
        let left = at("lib").into_keys().chain(at("data").into_keys());
        let left: Vec<String> =
            left.filter(|path| path.contains("partial") || path.contains("moved")).collect();
        assert!(left.is_empty() && at("lib").is_empty(), "point {points}: {left:?}");
        if killed.status.success() {
            break;
        }
        points += 1;
    }
    assert!(points > 10, "next to no point was tried: {points}");
}

fn a_disk_that_another_vm_left_incomplete_deletes_nothing_of_this_one() {
    let guest = guest();
    moves(&guest, 0).success();
    fs::remove_file(guest.path("data/.cai-complete")).unwrap();
    guest.write("data/.cai-complete-from", MACHINE);
    guest.write("machine-id", "another\n");
    guest.write("lib/docker/new", "of this VM");
    moves(&guest, 0).success();
    assert_eq!(fs::read_to_string(guest.path("lib/docker/new")).unwrap(), "of this VM");
    assert!(guest.path("data/docker/image").exists() && guest.path("data/.cai-complete").exists());
}

fn two_moves_at_the_same_time_are_refused() {
    let guest = guest();
    let lock = File::create(guest.path("lock")).unwrap();
    lock.lock().unwrap();
    let refused = moves(&guest, 0);
    assert!(
        refused.fails_with(1).contains("an earlier run still moves Docker's data"),
        "{refused}"
    );
    assert!(guest.path("lib/docker/image").exists() && !guest.path("units").exists());
    drop(lock);
    moves(&guest, 0).success();
}

fn a_directory_that_is_a_link_is_refused() {
    let guest = guest();
    fs::rename(guest.path("lib/docker"), guest.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(guest.path("elsewhere"), guest.path("lib/docker")).unwrap();
    let refused = moves(&guest, 0);
    assert!(refused.fails_with(1).contains("is a symbolic link"), "{refused}");
    assert!(guest.path("elsewhere/image").exists());
}
