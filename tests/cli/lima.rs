//! Lima that `cai` installs, from a server on this machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use super::fake;
use crate::support::documents;
use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::Sandbox;
use crate::support::trials;
use crate::support::web::{Packed, Web, ok};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    if cfg!(target_os = "macos") {
        // There, Homebrew would be asked, and it would be the real one.
        return Vec::new();
    }
    trials![
        a_machine_without_lima_gets_an_engine_in_one_apply,
        an_old_lima_gives_way_to_the_one_that_was_installed,
        an_installed_lima_is_where_the_users_data_is,
        another_archive_is_not_installed_and_nothing_depends_on_it,
        installing_lima_is_a_question_of_its_own,
        where_the_file_allows_it_there_is_one_question,
        the_proxy_of_the_environment_is_used_for_what_is_elsewhere,
        a_lima_that_others_could_replace_is_not_run,
        a_link_to_a_lima_that_others_could_replace_is_not_run,
        where_others_can_write_no_lima_is_installed,
        an_installed_lima_is_its_owners_whatever_the_umask,
    ]
}

const ARCHIVE: &str = if cfg!(target_arch = "aarch64") {
    "/v9.8.7/lima-9.8.7-Linux-aarch64.tar.gz"
} else {
    "/v9.8.7/lima-9.8.7-Linux-x86_64.tar.gz"
};
/// Where it comes to be.
const LIMACTL: &str = "home/.local/share/cai/lima/9.8.7/bin/limactl";

/// A server with a release whose `limactl` is this script, and the `[lima]` that names it.
fn release(script: &str, install: &str) -> (Web, String) {
    let script = format!("#!/bin/sh\n{script}");
    let (bytes, sum) = Packed::new().file("./bin/limactl", 0o755, &script).done();
    let web = Web::serve([(ARCHIVE, ok(&bytes))]);
    let lima = lima(&web, &sum, install);
    (web, lima)
}

fn lima(web: &Web, sum: &str, install: &str) -> String {
    let platforms = containai::config::Lima::PLATFORMS;
    let sums = platforms.map(|name| format!("{name} = \"{sum}\"\n")).concat();
    format!(
        "[lima]\nversion = \">=9\"\ninstall = \"{install}\"\nrelease = \"9.8.7\"\nurl = \"{}\"\n[lima.sha256]\n{sums}",
        web.url("")
    )
}

/// A `limactl` that has no instance and refuses to make one.
fn script() -> String {
    fake::limactl("", "echo 'fake: no' >&2; exit 7").replace("2.2.0", "9.8.7")
}

/// A home without a `limactl`, with this `[lima]` in its file.
fn without_lima(lima: &str) -> Sandbox {
    let sandbox = fake::fresh();
    std::fs::remove_file(sandbox.path("bin/limactl")).unwrap();
    sandbox.write("home/containai.toml", &format!("{}{lima}", fake::FILE));
    sandbox
}

fn a_machine_without_lima_gets_an_engine_in_one_apply() {
    let machine = FakeWorld::new("");
    // The fake, where it is not on PATH. It has to be started under its name.
    machine.sandbox.directory("elsewhere");
    let (from, to) = ("bin/limactl", "elsewhere/limactl");
    std::fs::rename(machine.sandbox.path(from), machine.sandbox.path(to)).unwrap();
    let script = format!("exec {} \"$@\"\n", machine.sandbox.path(to).display());
    let (_web, lima) = release(&script, "auto");
    machine.sandbox.write("home/containai.toml", &format!("version = 1\n[vm]\ncpus = 2\n{lima}"));
    machine.change(|world| {
        world.computer.programs.insert("limactl".into(), "9.8.7".into());
    });
    let plan = machine.cai(&["plan"]);
    for part in ["+ lima_install.lima", "version = \"9.8.7\"", ARCHIVE, "? vm.containai-secure"] {
        assert!(plan.success().contains(part), "{part:?} is missing: {plan}");
    }
    machine.cai(&["apply", "--yes"]).success();
    assert!(machine.sandbox.path(LIMACTL).is_file());
    let again = machine.cai(&["apply", "--yes"]);
    assert_eq!(
        (again.success(), again.stderr.as_str()),
        ("", "No changes. containai-secure matches containai.toml.\n")
    );
}

fn an_old_lima_gives_way_to_the_one_that_was_installed() {
    let (web, lima) = release(&script(), "auto");
    let sandbox = without_lima(&lima);
    let old = fake::limactl("", "exit 9").replace("2.2.0", "0.23.2");
    sandbox.fake_program("limactl", &old);
    let plan = sandbox.cai(&["plan"]);
    assert!(plan.success().contains("version = \"0.23.2\" -> \"9.8.7\""), "{plan}");
    let ran = sandbox.cai(&["apply", "--yes"]);
    // The new one refuses to make a VM.
    assert!(ran.fails_with(1).contains("fake: no"), "{ran}");
    assert_eq!(web.requests(), [format!("GET {ARCHIVE} HTTP/1.1")]);
    let plan = sandbox.cai(&["plan"]);
    assert!(!plan.success().contains("lima_install"), "{plan}");
    // One on PATH that will do comes first.
    let other = fake::limactl("", "echo 'other: no' >&2; exit 7").replace("2.2.0", "9.9.0");
    sandbox.fake_program("limactl", &other);
    let ran = sandbox.cai(&["apply", "--yes"]);
    assert!(ran.fails_with(1).contains("other: no"), "{ran}");
}

fn an_installed_lima_is_where_the_users_data_is() {
    let (_web, lima) = release(&script(), "auto");
    let sandbox = without_lima(&lima);
    let data = sandbox.path("data");
    let data = [("XDG_DATA_HOME", data.to_str().unwrap())];
    let ran = sandbox.cai_with(&["apply", "--yes", "--json"], &data);
    ran.fails_with(1);
    let results = &documents::report(&ran)["results"];
    assert_eq!(results[0]["address"], "lima_install.lima", "{ran}");
    assert_eq!(results[0]["outcome"], "applied", "{ran}");
    let limactl = sandbox.path("data/cai/lima/9.8.7/bin/limactl");
    assert_eq!(std::fs::metadata(limactl).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(!sandbox.path("home/.local/share").exists());
    let plan = sandbox.cai_with(&["plan"], &data);
    assert!(!plan.success().contains("lima_install"), "{plan}");
}

fn another_archive_is_not_installed_and_nothing_depends_on_it() {
    let (bytes, sum) = Packed::new().file("./bin/limactl", 0o755, "#!/bin/sh\nexit 9\n").done();
    let web = Web::serve([(ARCHIVE, ok(&bytes))]);
    let wanted = "0a".repeat(32);
    let sandbox = without_lima(&lima(&web, &wanted, "auto"));
    let ran = sandbox.cai(&["apply", "--yes"]);
    let error = ran.fails_with(1);
    for part in [
        "error: lima_install.lima: http://127.0.0.1:",
        &format!("has the SHA-256 {sum}, but {wanted} was expected"),
        "help: do not use the archive before you know the reason",
        "vm.containai-secure skipped: lima_install.lima was not applied",
    ] {
        assert!(error.contains(part), "{part:?} is missing: {ran}");
    }
    assert!(!sandbox.path(LIMACTL).exists());
}

fn installing_lima_is_a_question_of_its_own() {
    let (web, lima) = release(&script(), "ask");
    let sandbox = without_lima(&lima);
    let ran = sandbox.cai(&["apply"]);
    let error = ran.fails_with(4);
    assert!(error.contains("+ lima_install.lima") && error.contains("needs a terminal"), "{ran}");
    let question = format!(
        "Install Lima 9.8.7 into {}? Only \"yes\" is accepted:",
        sandbox.path("home/.local/share/cai/lima/9.8.7").display()
    );
    for typed in ["no", "yes\nno"] {
        let ran = sandbox.cai_on_terminal(&["apply"], typed);
        assert!(ran.fails_with(4).contains(&question), "{ran}");
        assert_eq!(ran.stderr.contains("Apply? Only"), typed != "no", "{ran}");
    }
    assert_eq!(web.requests(), [""; 0], "something was done before both were agreed to");
    sandbox.cai_on_terminal(&["apply"], "yes\nyes").fails_with(1);
    assert!(sandbox.path(LIMACTL).is_file());
    // What is installed is not asked about.
    let ran = sandbox.cai_on_terminal(&["apply"], "no");
    assert!(!ran.fails_with(4).contains("Install Lima"), "{ran}");
}

fn where_the_file_allows_it_there_is_one_question() {
    let (web, lima) = release(&script(), "auto");
    let sandbox = without_lima(&lima);
    let ran = sandbox.cai_on_terminal(&["apply"], "no");
    assert!(!ran.fails_with(4).contains("Install Lima"), "{ran}");
    assert_eq!(web.requests(), [""; 0]);
    sandbox.cai_on_terminal(&["apply"], "yes").fails_with(1);
    assert!(sandbox.path(LIMACTL).is_file());
}

fn the_proxy_of_the_environment_is_used_for_what_is_elsewhere() {
    let (_web, own) = release(&script(), "auto");
    let sandbox = without_lima(&own);
    // Nobody listens there, and nobody has to for what is on this machine.
    let nowhere = [("ALL_PROXY", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1")];
    sandbox.cai_with(&["apply", "--yes"], &nowhere).fails_with(1);
    assert!(sandbox.path(LIMACTL).is_file());

    let proxy = Web::serve([]);
    let elsewhere = own.replace("http://127.0.0.1", "https://lima.invalid");
    let sandbox = without_lima(&elsewhere);
    let ran = sandbox.cai_with(&["apply", "--yes"], &[("https_proxy", &proxy.url(""))]);
    let error = ran.fails_with(1);
    assert!(error.contains("lima_install.lima: https://lima.invalid:"), "{ran}");
    assert!(error.contains("could not be downloaded") && error.contains("HTTPS_PROXY"), "{ran}");
    let requests = proxy.requests();
    assert!(requests[0].starts_with("CONNECT lima.invalid:"), "{requests:?}");
}

/// Where `cai` keeps Lima.
const RELEASES: &str = "home/.local/share/cai/lima";

fn a_lima_that_others_could_replace_is_not_run() {
    let (_web, lima) = release(&script(), "auto");
    let sandbox = without_lima(&lima);
    sandbox.cai(&["apply", "--yes"]).fails_with(1);
    let runs = || fs::read_to_string(sandbox.path("home/calls")).unwrap().lines().count();
    let refuses = |told: &str, advice: &str| {
        let before = runs();
        for words in [&["plan"][..], &["apply", "--yes"], &["doctor"]] {
            let ran = sandbox.cai(words);
            ran.fails_with(1);
            // A diagnosis is wrapped to the width of a terminal.
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in ["limactl is not safe to run", told, advice] {
                assert!(said.contains(part), "{part:?} is missing: {ran}");
            }
        }
        assert_eq!(runs(), before, "it was run");
    };
    for (relative, mode) in
        [("", 0o777), ("9.8.7", 0o775), ("9.8.7/bin", 0o1777), ("9.8.7/bin/limactl", 0o757)]
    {
        let path = sandbox.path(RELEASES).join(relative);
        let own = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let place = sandbox.path(RELEASES).join(relative);
        let place = place.to_str().unwrap().trim_end_matches('/');
        refuses(
            &format!("users other than the owner can write to {place} (mode {mode:04o})"),
            "chmod go-w",
        );
        fs::set_permissions(&path, own).unwrap();
    }
    if nix::unistd::Uid::effective().is_root() {
        let path = sandbox.path(RELEASES).join("9.8.7");
        chown(&path, Some(1), None).unwrap();
        refuses(&format!("{} belongs to another user (uid 1)", path.display()), "chown");
        chown(&path, Some(0), None).unwrap();
    }
    sandbox.cai(&["plan"]).success();
    // Where another one is run, it is in nobody's way.
    fs::set_permissions(sandbox.path(RELEASES), Permissions::from_mode(0o777)).unwrap();
    sandbox.fake_program("limactl", &fake::limactl("", "exit 7").replace("2.2.0", "9.9.0"));
    sandbox.cai(&["plan"]).success();
}

fn a_link_to_a_lima_that_others_could_replace_is_not_run() {
    let (_web, lima) = release(&script(), "auto");
    let sandbox = without_lima(&lima);
    sandbox.cai(&["apply", "--yes"]).fails_with(1);
    sandbox.link_program("limactl", &sandbox.path(LIMACTL));
    sandbox.cai(&["plan"]).success();
    let runs = || fs::read_to_string(sandbox.path("home/calls")).unwrap().lines().count();
    let before = runs();
    let bin = sandbox.path(RELEASES).join("9.8.7/bin");
    fs::set_permissions(&bin, Permissions::from_mode(0o777)).unwrap();
    let ran = sandbox.cai(&["plan"]);
    let told = format!("users other than the owner can write to {} (mode 0777)", bin.display());
    assert!(ran.fails_with(1).contains(&told), "{ran}");
    assert!(ran.stderr.contains("bin/limactl is not safe to run"), "{ran}");
    assert_eq!(runs(), before, "it was run");
}

fn where_others_can_write_no_lima_is_installed() {
    let (web, lima) = release(&script(), "auto");
    let sandbox = without_lima(&lima);
    sandbox.directory(RELEASES);
    fs::set_permissions(sandbox.path(RELEASES), Permissions::from_mode(0o770)).unwrap();
    let ran = sandbox.cai(&["apply", "--yes"]);
    let place = sandbox.path(RELEASES).display().to_string();
    for part in [
        "lima_install.lima: cai does not install programs where other users could replace them",
        &format!("users other than the owner can write to {place} (mode 0770)"),
        "chmod go-w",
    ] {
        assert!(ran.fails_with(1).contains(part), "{part:?} is missing: {ran}");
    }
    assert_eq!(web.requests(), [""; 0]);
    assert!(!sandbox.path(LIMACTL).exists());
}

fn an_installed_lima_is_its_owners_whatever_the_umask() {
    for umask in ["000", "002", "077"] {
        let (_web, lima) = release(&script(), "auto");
        let sandbox = without_lima(&lima);
        let ran = sandbox.run(&["sh", "-c", &format!("umask {umask}; cai apply --yes")]);
        assert!(ran.fails_with(1).contains("fake: no"), "{ran}");
        let mut path = sandbox.path(LIMACTL);
        while path != sandbox.home() {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o022, 0, "umask {umask}: {}", path.display());
            path.pop();
        }
        let plan = sandbox.cai(&["plan"]);
        assert!(!plan.success().contains("lima_install"), "umask {umask}: {plan}");
    }
}
