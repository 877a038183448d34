//! The scripts that install Sysbox and start containers again, run by a real shell. Around them is a
//! guest made of directories and fake programs, whose dpkg runs the maintainer scripts of the stand-in
//! package. Those do what Sysbox's own do.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use containai::guest::{Container, Operation};
use containai::host::Input;
use containai::lima::Ssh;
use containai::model::VmName;
use containai::model::digest::sha256;

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    let has_jq = Command::new("jq").arg("--version").output().is_ok();
    let installs = trials![
        the_package_does_not_see_that_network_keys_are_missing,
        the_package_does_not_restart_docker_when_it_miscounts,
        what_the_package_does_not_write_does_not_matter,
        a_half_configured_package_is_finished_and_not_removed,
        only_the_version_that_was_named_is_removed,
        a_service_that_does_not_run_fails_the_install,
        what_the_package_does_not_declare_is_installed,
        a_runtime_that_dockerd_does_not_know_fails_the_install,
        ubuntu_lets_sysbox_mount_from_25_04_on,
    ];
    let others = trials![
        containers_are_started_in_order_and_what_fails_is_named_and_kept,
        the_second_address_is_tried_when_the_first_fails,
    ];
    installs.into_iter().map(|trial| trial.with_ignored_flag(!has_jq)).chain(others).collect()
}

/// A guest. Its directories stand for those of the root, and files in `state` for what runs.
struct Guest(Sandbox);

const PRETTY: &str = "{\n    \"bip\": \"10.9.0.1/16\",\n    \"default-address-pools\": [\n        \
                      {\n            \"base\": \"10.8.0.0/16\",\n            \"size\": 24\n        }\n    ],\n    \
                      \"runtimes\": {\n        \"sysbox-runc\": {\n            \"path\": \
                      \"/usr/bin/sysbox-runc\"\n        }\n    }\n}\n";
/// The keys are there, and not as the package looks for them; or they are not there at all.
const COMPACT: &str = "{\"bip\": \"10.9.0.1/16\", \"default-address-pools\": [{\"base\": \"10.8.0.0/16\", \
                       \"size\": 24}], \"runtimes\": {\"sysbox-runc\": {\"path\": \"/usr/bin/sysbox-runc\"}}}\n";
const WITHOUT: &str = "{\"bridge\": \"none\", \"runtimes\": {\"sysbox-runc\": {\"path\": \"/usr/bin/sysbox-runc\"}}}\n";

impl Guest {
    /// One with Docker, this `daemon.json` and this many containers.
    fn new(daemon_json: &str, containers: usize) -> Self {
        let sandbox = Sandbox::new();
        for directory in ["etc/docker", "var/lib/cai/packages", "run", "state", "package"] {
            sandbox.directory(directory);
        }
        sandbox.write("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
        sandbox.write("etc/docker/daemon.json", daemon_json);
        sandbox.write("state/containers", &"container\n".repeat(containers));
        sandbox.write("var/lib/cai/packages/sysbox-ce_0.7.1.deb", "");
        let guest = Self(sandbox);
        let package =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/sysbox_package/DEBIAN");
        for script in ["config", "postinst", "prerm", "postrm"] {
            let text = std::fs::read_to_string(package.join(script)).unwrap();
            let text = text.replace(". /usr/share/debconf/confmodule", ":");
            // A builtin, which no fake program takes the place of.
            let text = text.replace("kill -HUP", "true");
            guest.0.write(&format!("package/{script}"), &guest.placed(&text));
        }
        guest.fake_programs();
        guest
    }

    /// The text with the guest's directories in place of those of the root.
    fn placed(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for directory in ["etc", "run", "var"] {
            let own = self.0.path(directory).display().to_string();
            text = text.replace(&format!("/{directory}/"), &format!("{own}/"));
        }
        text.replace("/tmp/stand-in", &self.0.path("state/stand-in").display().to_string())
    }

    fn fake_programs(&self) {
        let state = self.0.path("state").display().to_string();
        let root = self.0.path("").display().to_string();
        let programs = [
            // A mount namespace: the view is in the place of the directory while the command runs.
            (
                "unshare",
                "view=$5; shift 5; mv \"$R/etc/docker\" \"$R/etc/real\"; ln -s \"$view\" \"$R/etc/docker\"
                \"$@\"; status=$?; rm \"$R/etc/docker\"; mv \"$R/etc/real\" \"$R/etc/docker\"; exit $status",
            ),
            (
                "dpkg-query",
                "case $2 in *Status*) cat \"$S/status\" 2>/dev/null ;; *) cat \"$S/version\" 2>/dev/null ;; esac",
            ),
            (
                "dpkg",
                "case $1 in --configure)
                 if bash \"$R/package/config\" && bash \"$R/package/postinst\" configure; then echo installed >\"$S/status\"
                 else echo half-configured >\"$S/status\"; exit 1; fi ;; esac",
            ),
            (
                "apt-get",
                "case \" $* \" in
                *' purge '*) sh \"$R/package/prerm\"; bash \"$R/package/postrm\" purge; rm \"$S/status\" \"$S/version\" ;;
                *.deb*) echo unpacked >\"$S/status\"; echo 0.7.1.linux >\"$S/version\"; dpkg --configure -a || exit 100 ;;
                esac",
            ),
            (
                "docker",
                "case $1 in
                ps) echo 'CONTAINER ID   IMAGE'; cat \"$S/containers\" ;;
                info) case $* in *range*) [ -e \"$S/no-runtime\" ] || echo 'runc sysbox-runc ' ;; *) echo ' Runtimes: runc' ;; esac ;;
                esac",
            ),
            (
                "systemctl",
                "case $1 in
                is-active) for unit; do :; done; [ ! -e \"$S/down-$unit\" ] ;;
                esac",
            ),
            ("pidof", "echo 1"),
            ("ip", "echo 'default via 10.0.2.2 dev eth0'"),
            ("sleep", ":"),
            ("sync", ":"),
        ];
        let plain = ["sysctl", "useradd", "getent", "fusermount3", "journalctl", "apparmor_parser"];
        for (name, does) in
            programs.into_iter().chain(plain.map(|name| (name, "echo \"the log of $*\"")))
        {
            let note =
                format!("S='{state}'; R='{root}'; echo \"{name} $*\" >>\"$S/calls\"\n{does}\n");
            self.0.fake_program(name, &note);
        }
    }

    /// Runs an operation's script there. Returns its exit status and stderr.
    fn run(&self, operation: &Operation<'_>) -> (Option<i32>, String) {
        let ssh = Ssh::new("ssh".into(), Path::new("/d"), &VmName::default());
        let command = operation.command(&ssh);
        let Some(Input::Text(script)) = command.stdin else { panic!("it has no script") };
        let line = command.args.last().unwrap().to_string_lossy().into_owned();
        let words = shlex::split(&line).unwrap();
        let path = format!("{}:/usr/bin:/bin", self.0.path("bin").display());
        let mut child = Command::new("/bin/sh")
            .args(&words[3..])
            .env_clear()
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let script = self.placed(&script);
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn install(&self, replaces: Option<&str>) -> (Option<i32>, String) {
        self.run(&Operation::InstallSysbox { version: "0.7.1", replaces })
    }

    fn state(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.0.path(format!("state/{name}")));
        text.unwrap_or_default().trim().to_owned()
    }

    fn set(&self, name: &str, text: &str) {
        self.0.write(&format!("state/{name}"), text);
    }

    fn called(&self, words: &str) -> bool {
        self.state("calls").contains(words)
    }

    fn daemon_json(&self) -> String {
        std::fs::read_to_string(self.0.path("etc/docker/daemon.json")).unwrap()
    }

    /// Installs the package as a person would, with dpkg alone.
    fn dpkg_installs(&self) -> bool {
        let script = format!(
            "PATH='{}':$PATH; bash \"$0/config\" && bash \"$0/postinst\" configure",
            self.0.path("bin").display()
        );
        let status = Command::new("sh").args(["-c", &script]).arg(self.0.path("package")).status();
        status.unwrap().success()
    }
}

fn the_package_does_not_see_that_network_keys_are_missing() {
    for text in [COMPACT, WITHOUT] {
        assert!(!Guest::new(text, 1).dpkg_installs(), "the stand-in should refuse {text}");
        let guest = Guest::new(text, 1);
        let (status, error) = guest.install(None);
        assert_eq!((status, guest.state("status").as_str()), (Some(0), "installed"), "{error}");
        assert_eq!(guest.daemon_json(), text, "it is not the package's to edit");
        assert!(!guest.called("systemctl restart docker"));
    }
    assert!(Guest::new(PRETTY, 1).dpkg_installs(), "the stand-in should find both keys");
}

fn the_package_does_not_restart_docker_when_it_miscounts() {
    // The heading and ten containers are 11 lines, and the package takes a number that ends with 1 for
    // no container.
    let by_hand = Guest::new(WITHOUT, 10);
    assert!(by_hand.dpkg_installs() && by_hand.called("systemctl restart docker"));
    let guest = Guest::new(WITHOUT, 10);
    let (status, error) = guest.install(None);
    assert_eq!(status, Some(0), "{error}");
    assert!(!guest.called("systemctl restart docker"), "{}", guest.state("calls"));
}

/// The package's scripts do not fail for any of this, so `cai` must not rely on them.
fn what_the_package_does_not_write_does_not_matter() {
    // Without a default route it writes the runtime and no network keys.
    let without_route = |guest: &Guest| guest.0.fake_program("ip", ":");
    let by_hand = Guest::new("{}\n", 0);
    without_route(&by_hand);
    assert!(by_hand.dpkg_installs());
    let text = by_hand.daemon_json();
    assert!(text.contains("sysbox-runc") && !text.contains("bip"), "{text}");
    let guest = Guest::new(PRETTY, 0);
    without_route(&guest);
    let (status, error) = guest.install(None);
    assert_eq!((status, guest.daemon_json().as_str()), (Some(0), PRETTY), "{error}");
    // In a file that is not JSON it writes nothing. `cai` stops before that.
    let by_hand = Guest::new("{\n", 0);
    assert!(by_hand.dpkg_installs());
    assert_eq!(by_hand.daemon_json(), "{\n");
    assert_ne!(Guest::new("{\n", 0).install(None).0, Some(0));
    // Without a docker command it assumes that there are containers.
    let by_hand = Guest::new(WITHOUT, 0);
    by_hand.0.fake_program("docker", "exit 127");
    assert!(!by_hand.dpkg_installs());
}

fn a_half_configured_package_is_finished_and_not_removed() {
    // Without the network keys, dpkg alone cannot finish it while there are containers.
    for text in [PRETTY, COMPACT, WITHOUT] {
        let guest = Guest::new(text, 3);
        guest.set("status", "half-configured");
        guest.set("version", "0.7.1.linux");
        let (status, error) = guest.install(None);
        assert_eq!((status, guest.state("status").as_str()), (Some(0), "installed"), "{error}");
        assert!(guest.called("dpkg --configure -a") && !guest.called("purge"));
        assert!(!guest.called("apt-get"), "it is not installed again: {}", guest.state("calls"));
        assert_eq!(guest.daemon_json(), text);
    }
    // If the installation cannot be finished, that is an error, and the next run tries again.
    let guest = Guest::new(PRETTY, 3);
    guest.set("status", "half-configured");
    guest.set("version", "0.7.1.linux");
    guest.0.write("package/postinst", "exit 127");
    assert_eq!(guest.install(None).0, Some(100));
    assert_eq!(guest.state("status"), "half-configured");
    assert!(!guest.called("purge"));
}

fn only_the_version_that_was_named_is_removed() {
    for (installed, replaces, is_removed) in [
        ("0.7.1.linux", None, false),
        ("0.6.7.linux", Some("0.6.7.linux"), true),
        // Somebody has installed another one since.
        ("0.7.1.linux", Some("0.6.7.linux"), false),
    ] {
        let guest = Guest::new(PRETTY, 3);
        guest.set("status", "installed");
        guest.set("version", installed);
        let (status, error) = guest.install(replaces);
        assert_eq!(status, Some(0), "{installed}: {error}");
        assert_eq!(guest.called("purge sysbox-ce"), is_removed, "{installed}");
        assert_eq!(guest.state("version"), "0.7.1.linux");
        // What a removal takes out of daemon.json stays there.
        assert_eq!(guest.daemon_json(), PRETTY, "{installed}");
    }
}

fn a_service_that_does_not_run_fails_the_install() {
    let guest = Guest::new(PRETTY, 0);
    let (status, error) = guest.run(&Operation::RestartSysbox);
    assert_eq!(status, Some(0), "{error}");
    assert!(guest.called("systemctl restart sysbox.service"), "{}", guest.state("calls"));
    for unit in ["sysbox.service", "sysbox-mgr.service", "sysbox-fs.service"] {
        let guest = Guest::new(PRETTY, 0);
        guest.set(&format!("down-{unit}"), "");
        for operation in [
            Operation::InstallSysbox { version: "0.7.1", replaces: None },
            Operation::RestartSysbox,
        ] {
            let (status, error) = guest.run(&operation);
            assert_eq!(status, Some(1), "{unit}: {error}");
            assert!(error.contains(&format!("cai: {unit} is not active")), "{error}");
        }
        assert!(guest.called(&format!("journalctl -u {unit}")));
        assert_eq!(guest.state("status"), "installed", "the package hid it");
    }
}

fn a_runtime_that_dockerd_does_not_know_fails_the_install() {
    let guest = Guest::new(PRETTY, 0);
    guest.set("no-runtime", "");
    let (status, error) = guest.install(None);
    assert_eq!(status, Some(1), "{error}");
    assert!(error.contains("dockerd does not know the runtime sysbox-runc"), "{error}");
    assert!(guest.called("systemctl reload docker.service"));
    assert_eq!(guest.daemon_json(), PRETTY, "it is not cai's new file");
    // dockerd refuses the file that cai has just written.
    guest.0.write("var/lib/cai/daemon.json.previous", COMPACT);
    guest.0.write("var/lib/cai/daemon.json.wrote", &sha256(PRETTY.as_bytes()));
    let (status, error) = guest.run(&Operation::RestartSysbox);
    assert_eq!(status, Some(1), "{error}");
    assert!(error.contains("daemon.json is restored"), "{error}");
    assert_eq!(guest.daemon_json(), COMPACT);
}

fn what_the_package_does_not_declare_is_installed() {
    for (program, package) in [("fusermount3", "fuse3"), ("sysctl", "procps"), ("ip", "iproute2")] {
        let guest = Guest::new(PRETTY, 0);
        std::fs::remove_file(guest.0.path("bin").join(program)).unwrap();
        if ["/usr/bin", "/bin"].iter().any(|at| Path::new(at).join(program).exists()) {
            continue;
        }
        // The package's own scripts need it, too.
        let note = format!(
            "#!/bin/sh\necho \"apt-get $*\" >>'{}'\n",
            guest.0.path("state/calls").display()
        );
        let more = format!(
            "case \" $* \" in *' {package} '*|*' {package}') ln -s /bin/true '{}' ;; esac\n",
            guest.0.path("bin").join(program).display()
        );
        let apt = std::fs::read_to_string(guest.0.path("bin/apt-get")).unwrap();
        let apt = format!("{note}{more}{}", apt.split_once('\n').unwrap().1);
        std::fs::write(guest.0.path("bin/apt-get"), apt).unwrap();
        let permissions = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(guest.0.path("bin/apt-get"), permissions).unwrap();
        let (status, error) = guest.install(None);
        assert_eq!(status, Some(0), "{program}: {error}");
        assert!(guest.called(&format!("install --no-install-recommends {package}\n")), "{program}");
    }
}

fn ubuntu_lets_sysbox_mount_from_25_04_on() {
    for (release, is_told) in [("24.04", false), ("25.04", true), ("26.04", true)] {
        let guest = Guest::new(PRETTY, 0);
        guest.0.write("etc/os-release", &format!("ID=ubuntu\nVERSION_ID=\"{release}\"\n"));
        guest.0.directory("etc/apparmor.d/local");
        guest.0.write("etc/apparmor.d/fusermount3", "profile\n");
        guest.0.write("etc/apparmor.d/local/fusermount3", "  capability sys_admin,\n");
        for _ in 0..2 {
            let (status, error) = guest.install(None);
            assert_eq!(status, Some(0), "{release}: {error}");
        }
        let rules =
            std::fs::read_to_string(guest.0.path("etc/apparmor.d/local/fusermount3")).unwrap();
        let lines: Vec<&str> = rules.lines().collect();
        assert_eq!(lines.len(), if is_told { 4 } else { 1 }, "{rules}");
        assert_eq!(lines[0], "  capability sys_admin,", "somebody else's rule stays");
        assert_eq!(guest.called("apparmor_parser -r "), is_told, "{release}");
    }
}

fn container(name: &str, started: &str) -> Container {
    let (id, runtime) = (format!("id-{name}"), "sysbox-runc".to_owned());
    Container { id, name: name.into(), runtime, started: started.into(), auto_remove: false }
}

fn containers_are_started_in_order_and_what_fails_is_named_and_kept() {
    let guest = Guest::new(PRETTY, 0);
    let noted =
        ["first", "stays", "gone", "fails", "back", "last"].map(|name| container(name, "T1"));
    assert_eq!(guest.run(&Operation::RememberContainers(&noted)).0, Some(0));
    let docker = format!(
        "echo \"docker $*\" >>'{}'
        for id; do :; done
        case $1 in
        inspect) case $id in
          id-gone) echo 'Error: No such object: id-gone' >&2; exit 1 ;;
          id-stays) echo 'true T1' ;;
          id-back) echo 'true T2' ;;
          *) echo 'false T1' ;; esac ;;
        start) if [ \"$id\" = id-fails ] && [ ! -e '{}' ]; then echo 'no such network'; exit 1; fi ;;
        esac",
        guest.0.path("state/calls").display(),
        guest.0.path("state/well").display()
    );
    guest.0.fake_program("docker", &docker);
    let changes = |guest: &Guest| -> Vec<String> {
        let calls = guest.state("calls");
        let changes = calls.lines().filter(|it| it.contains(" start ") || it.contains(" restart "));
        changes.map(str::to_owned).collect()
    };
    let (status, error) = guest.run(&Operation::StartContainers);
    assert_eq!(status, Some(1), "{error}");
    // One that could not be stopped is restarted; one that was started meanwhile is not touched.
    let order = [
        "docker start id-first",
        "docker restart id-stays",
        "docker start id-fails",
        "docker start id-last",
    ];
    assert_eq!(changes(&guest), order);
    assert!(error.contains("the container fails does not start: no such network"), "{error}");
    assert!(error.contains("sudo docker start fails"), "{error}");
    // The next run tries only the remaining container.
    guest.set("well", "");
    std::fs::remove_file(guest.0.path("state/calls")).unwrap();
    assert_eq!(guest.run(&Operation::StartContainers).0, Some(0));
    assert_eq!(changes(&guest), ["docker start id-fails"]);
    assert!(!guest.0.path("var/lib/cai/stopped-containers").exists());
    assert_eq!(guest.run(&Operation::StartContainers).0, Some(0), "nothing is left to start");
}

/// The first address serves nothing, or another package.
fn the_second_address_is_tried_when_the_first_fails() {
    let guest = Guest::new(PRETTY, 0);
    let curl = "read -r line; while [ \"$1\" != -o ]; do shift; done
                case $line in *absent*) exit 22 ;; *wrong*) echo other >\"$2\" ;; *) echo right >\"$2\" ;; esac";
    guest.0.fake_program("curl", curl);
    let (absent, wrong) = ("https://absent.example/s.deb", "https://user:secret@wrong.example/s");
    let right = sha256(b"right\n");
    let fetch = |sources: &[&str]| {
        let sources: Vec<String> = sources.iter().map(|it| (*it).to_owned()).collect();
        guest.run(&Operation::FetchSysbox { version: "0.7.1", sha256: &right, sources: &sources })
    };
    let (status, error) = fetch(&[absent, wrong]);
    assert_eq!(status, Some(4), "{error}");
    let other = sha256(b"other\n");
    for reason in [
        "the package could not be downloaded from absent.example\n",
        &format!("the package from wrong.example is {other}, but should be {right}\n"),
        "the Sysbox 0.7.1 package is not available from any source\n",
    ] {
        assert!(error.contains(reason), "{reason:?} is missing: {error}");
    }
    assert!(!error.contains("secret"), "{error}");
    let package = guest.0.path("var/lib/cai/packages/sysbox-ce_0.7.1.deb");
    assert!(!package.with_extension("deb.part").exists(), "a rejected package was left behind");
    for first in [absent, wrong] {
        let (status, error) = fetch(&[first, "https://right.example/s.deb", absent]);
        assert_eq!(status, Some(0), "{error}");
        assert_eq!(std::fs::read_to_string(&package).unwrap(), "right\n");
        std::fs::remove_file(&package).unwrap();
    }
}
