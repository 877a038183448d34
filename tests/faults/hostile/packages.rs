//! Checks that root installs only the intended packages in a guest: it checks the fingerprint of
//! the package source's key and the checksum of a package. A real shell runs the scripts, with
//! fakes of the programs that they call and a directory in place of the guest's.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use containai::config::DockerSource;
use containai::guest::{Operation, provisioning};
use containai::host::Input;
use containai::lima::Ssh;
use containai::model::VmName;

use crate::support::sandbox::Sandbox;
use crate::support::tally::HOSTILE;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        dockers_packages_are_taken_with_its_own_key_and_no_other,
        a_package_with_another_checksum_is_not_installed,
        the_address_of_a_package_is_no_argument,
    ]
}

/// The fingerprint of Docker's key, from Docker's instructions for Debian and Ubuntu.
pub(super) const DOCKERS: &str = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88";
const OTHER: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

/// A guest without Docker whose tools record their calls.
pub(super) fn guest() -> Sandbox {
    let sandbox = Sandbox::new();
    for directory in ["etc", "etc/apt", "etc/apt/sources.list.d", "run", "var"] {
        sandbox.directory(directory);
    }
    sandbox.write("etc/os-release", "ID=ubuntu\nVERSION_CODENAME=noble\n");
    let calls = sandbox.path("calls");
    for name in ["apt-get", "apt-cache", "curl", "dpkg", "dpkg-query", "gpg", "systemctl"] {
        let does = match name {
            // Handles the options `-K -` and `-o`.
            "curl" => {
                "case \" $* \" in *\" -K - \"*) cat >\"$CONFIG\" ;; esac
                while [ \"$1\" != -o ]; do shift; done; echo fetched >\"$2\""
            }
            "gpg" => "cat \"$KEYS\"",
            "apt-cache" => "echo \" $2 | 5:28.5.1-1~ubuntu.24.04~noble | https://example.com\"",
            "dpkg" => "[ \"$1\" != --print-architecture ] || echo amd64",
            _ => ":",
        };
        let script = format!("echo \"{name} $*\" >>'{}'\n{does}\n", calls.display());
        sandbox.fake_program(name, &script);
    }
    sandbox
}

/// Runs a script of the guest with all directories of the guest replaced by those of the sandbox.
pub(super) fn run(sandbox: &Sandbox, script: &str, arguments: &[&str]) -> Output {
    let mut script = script.to_owned();
    for directory in ["etc", "run", "var"] {
        let own = format!("{}/", sandbox.path(directory).display());
        script = script.replace(&format!("/{directory}/"), &own);
    }
    // Excludes the test machine's own programs of these names.
    let path = format!("{}:/usr/bin:/bin", sandbox.path("bin").display());
    let mut child = Command::new("/bin/sh")
        .args(["-s", "--"])
        .args(arguments)
        .env_clear()
        .env("PATH", path)
        .env("KEYS", sandbox.path("keys"))
        .env("CONFIG", sandbox.path("curlrc"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub(super) fn calls(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path("calls")).unwrap_or_default()
}

/// The output of `gpg --with-colons` for a key with a subkey.
pub(super) fn key(fingerprint: &str, sub: &str) -> String {
    format!(
        "pub:-:4096:1:a:1:::-:::scESC::::::23::0:\nfpr:::::::::{fingerprint}:\n\
             uid:-::::1::a::Docker::::::::::0:\nsub:-:4096:1:b:1::::::s::::::23:\nfpr:::::::::{sub}:\n"
    )
}

fn dockers_packages_are_taken_with_its_own_key_and_no_other() {
    let own = key(DOCKERS, OTHER);
    let cases = [
        (own.clone(), true),
        (key(OTHER, DOCKERS), false),
        (own.clone() + &key(OTHER, OTHER), false),
        (key(OTHER, OTHER) + &own, false),
        (key(&DOCKERS.to_lowercase(), OTHER), false),
        (key(&DOCKERS[24..], OTHER), false),
        (String::new(), false),
    ];
    for (keys, is_taken) in cases {
        HOSTILE.case(|| {
            let sandbox = guest();
            sandbox.write("keys", &keys);
            let script = provisioning::script(DockerSource::DockerCe);
            // With a version, the test machine's own dockerd does not match.
            let output = run(&sandbox, &script, &["docker", "docker-ce", "28.5.1"]);
            let (calls, error) = (calls(&sandbox), String::from_utf8_lossy(&output.stderr));
            let list = sandbox.path("etc/apt/sources.list.d/docker.list");
            assert_eq!(output.status.success(), is_taken, "{keys}\n{calls}\n{error}");
            assert_eq!(
                calls.contains(
                    " --allow-downgrades docker-ce=5:28.5.1-1~ubuntu.24.04~noble docker-ce-cli=5:"
                ),
                is_taken,
                "{calls}"
            );
            assert_eq!(sandbox.path("etc/apt/keyrings/docker.asc").exists(), is_taken);
            let fetched: Vec<&str> =
                calls.lines().filter(|call| call.starts_with("curl")).collect();
            assert_eq!(fetched.len(), 1, "{calls}");
            assert!(fetched[0].contains("--proto =https"), "{calls}");
            assert!(
                fetched[0].ends_with(" https://download.docker.com/linux/ubuntu/gpg"),
                "{calls}"
            );
            if is_taken {
                let list = std::fs::read_to_string(list).unwrap();
                assert!(
                    list.contains("/apt/keyrings/docker.asc] https://download.docker.com/"),
                    "{list}"
                );
            } else {
                let expected = format!("is not the signing key {DOCKERS}; found: ");
                assert!(error.contains(&expected), "{error}");
                assert!(!list.exists(), "a source without a key makes every update fail");
            }
        });
    }
}

fn a_package_with_another_checksum_is_not_installed() {
    // No file has this checksum.
    let own = "6bf8c8e3f2c3cf1a7a0b8f4c1c0b3e8e";
    for source in ["https://a.example/sysbox.deb", "/given.deb"] {
        for is_own in [true, false] {
            HOSTILE.case(|| {
                let sandbox = guest();
                sandbox.write("given.deb", "fetched\n");
                let source = match source.strip_prefix('/') {
                    Some(file) => sandbox.path(file).display().to_string(),
                    None => source.to_owned(),
                };
                let sum = sum(&sandbox.path("given.deb"));
                let wanted = if is_own { sum.clone() } else { format!("{own}{own}") };
                let sources = [source];
                let operation =
                    Operation::FetchSysbox { version: "0.7.1", sha256: &wanted, sources: &sources };
                let ssh = Ssh::new("ssh".into(), Path::new("/d"), &VmName::default());
                let Some(Input::Text(script)) = operation.command(&ssh).stdin else { panic!() };
                let output = run(&sandbox, &script, &["fetch-sysbox", "0.7.1", &wanted]);
                let (calls, error) = (calls(&sandbox), String::from_utf8_lossy(&output.stderr));
                assert_eq!(output.status.success(), is_own, "{calls}\n{error}");
                let package = sandbox.path("var/lib/cai/packages/sysbox-ce_0.7.1.deb");
                assert_eq!(package.exists(), is_own);
                assert!(!sandbox.path("var/lib/cai/packages/sysbox-ce_0.7.1.deb.part").exists());
                if !is_own {
                    assert!(error.contains(&sum) && error.contains(&wanted), "{error}");
                }
                for call in calls.lines().filter(|call| call.starts_with("curl")) {
                    assert!(call.contains("--proto =https --proto-redir =https"), "{call}");
                }
            });
        }
    }
}

/// Everyone in the guest can read the arguments of processes, and a URL can contain a password.
fn the_address_of_a_package_is_no_argument() {
    let cases = [
        ("https://me:hidden@a.example/s.deb", "https://me:hidden@a.example/s.deb"),
        (
            r#"https://me:a"hidden\b%@a.example/s.deb"#,
            r#"https://me:a\"hidden\\b%@a.example/s.deb"#,
        ),
        (
            "https://a.example/s.deb?key=hidden&x=$HOME#'",
            "https://a.example/s.deb?key=hidden&x=$HOME#'",
        ),
    ];
    for (source, quoted) in cases {
        HOSTILE.case(|| {
            let sandbox = guest();
            sandbox.write("given.deb", "fetched\n");
            let sum = sum(&sandbox.path("given.deb"));
            let sources = [source.to_owned()];
            let operation =
                Operation::FetchSysbox { version: "0.7.1", sha256: &sum, sources: &sources };
            let ssh = Ssh::new("ssh".into(), Path::new("/d"), &VmName::default());
            let Some(Input::Text(script)) = operation.command(&ssh).stdin else { panic!() };
            let output = run(&sandbox, &script, &["fetch-sysbox", "0.7.1", &sum]);
            let (calls, error) = (calls(&sandbox), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{calls}\n{error}");
            assert!(!calls.contains("hidden"), "{calls}");
            let config = std::fs::read_to_string(sandbox.path("curlrc")).unwrap();
            assert_eq!(config, format!("url = \"{quoted}\"\n"));
        });
    }
}

fn sum(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}
