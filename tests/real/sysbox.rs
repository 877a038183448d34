//! Sysbox from a package on this machine: a stand-in that the test builds from `sysbox_package/`, or the
//! real package that `CAI_TEST_SYSBOX_PACKAGE` names. The real services do not run in a container. The
//! stand-in affects Docker like the real package, but its runtime is runc.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use containai::model::digest::sha256;

use super::declared::Declared;
use super::engine::{Engine, NAME, shared};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![sysbox_is_installed_beside_a_container_from_a_local_file]
}

/// The name of the package next to the `containai.toml`.
const PACKAGE: &str = "sysbox-ce.deb";
const WRONG: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// The package's state in the guest, in dpkg's terms.
const STATUS: &str = "dpkg-query -W -f='${db:Status-Status}' sysbox-ce 2>/dev/null || true";

/// The path of the real package, if there is one.
fn real() -> Option<PathBuf> {
    std::env::var_os("CAI_TEST_SYSBOX_PACKAGE").map(PathBuf::from)
}

fn dpkg_deb(arguments: &[&OsStr]) -> String {
    let ran = Command::new("dpkg-deb").args(arguments).output().expect("dpkg-deb is installed");
    assert!(ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

/// A package next to the `containai.toml`.
struct Package {
    path: PathBuf,
    /// The version without the suffix `.linux`.
    version: String,
    sha256: String,
}

/// Copies the package next to the `containai.toml`.
fn package(engine: &Engine) -> Package {
    let path = engine.path(PACKAGE);
    if let Some(real) = real() {
        std::fs::copy(real, &path).unwrap();
    } else {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/sysbox_package");
        let options = ["--root-owner-group", "--build"].map(OsStr::new);
        dpkg_deb(&[options[0], options[1], source.as_os_str(), path.as_os_str()]);
    }
    let version = dpkg_deb(&["--field".as_ref(), path.as_os_str(), "Version".as_ref()]);
    let version = version.trim_end_matches(".linux").to_owned();
    let sha256 = sha256(std::fs::read(&path).unwrap());
    Package { path, version, sha256 }
}

/// The table `[sysbox]` for the package, which is copied next to the `containai.toml`.
pub fn table(engine: &Engine) -> String {
    let Package { version, sha256, .. } = package(engine);
    table_of(&version, &sha256)
}

/// The table for this machine's architecture.
fn table_of(version: &str, sha256: &str) -> String {
    let package = |arch: &str| {
        format!(
            "[[sysbox.packages]]\narch = \"{arch}\"\nurl = \"./{PACKAGE}\"\nsha256 = \"{sha256}\"\n"
        )
    };
    format!("version = \"{version}\"\n{}{}", package("x86_64"), package("aarch64"))
}

fn declare(engine: &Engine, version: &str, sha256: &str) {
    engine.declare(&Declared { sysbox: &table_of(version, sha256), ..Declared::default() });
}

/// Installs it with `cai`.
pub fn install(engine: &Engine) {
    let package = package(engine);
    declare(engine, &package.version, &package.sha256);
    engine.cai(&["apply", "--yes"]).success();
}

fn sysbox_is_installed_beside_a_container_from_a_local_file() {
    let engine = shared();
    // An earlier scenario may have declared networks, which stay and which Sysbox uses.
    engine.guest(
        "sudo dpkg --purge sysbox-ce && echo '{\"live-restore\": true}' | sudo tee /etc/docker/daemon.json >/dev/null && \
         sudo systemctl reset-failed docker && sudo systemctl restart docker",
    );
    let container = engine.container("keeper");
    let Package { path, version, sha256 } = package(&engine);

    // A manual installation fails, as with the real Sysbox, and leaves the package half-configured.
    if real().is_some() {
        engine.guest("sudo apt-get -q -y install fuse3 iptables lsb-release rsync");
    }
    engine.guest_reads(&path, "cat >/tmp/sysbox.deb");
    let refused =
        engine.limactl(&["shell", "--workdir=/", NAME, "sudo", "dpkg", "-i", "/tmp/sysbox.deb"]);
    assert!(!refused.status.success(), "{refused}");
    assert!(refused.stderr.to_lowercase().contains("remove them"), "{refused}");
    assert_eq!(engine.guest(STATUS), "half-configured");

    declare(&engine, &version, WRONG);
    let failed = engine.cai(&["apply", "--yes"]);
    let why = failed.fails_with(1);
    assert!(why.contains(WRONG) && why.contains(&sha256), "{failed}");
    assert_eq!(engine.guest(STATUS), "half-configured");
    assert_eq!(engine.guest("sudo find /var/lib/cai -name '*.deb'"), "");

    declare(&engine, &version, &sha256);
    engine.plan_says(&[
        "~ provision.sysbox",
        "the installation of sysbox-ce is incomplete (half-configured)",
        "! restart.containai-secure  dockerd restart",
        "dockerd keeps its bridge address",
        "stops no container",
    ]);
    engine.apply_mends();
    assert_eq!(engine.guest(STATUS), "installed");
    assert_eq!(engine.running(), container, "the container did not live on");
    let runtimes = engine.docker(&["info", "--format", "{{.DefaultRuntime}} {{json .Runtimes}}"]);
    let runtimes = runtimes.success();
    assert!(runtimes.starts_with("runc ") && runtimes.contains("\"sysbox-runc\""), "{runtimes}");

    let run = ["run", "--rm", "--runtime=sysbox-runc", "--network=none", "cai-test"];
    let ran = engine.docker(&[&run[..], &["/bin/sleep", "0"]].concat());
    ran.success();
    if real().is_none() {
        engine.guest("test -e /run/cai-test-sysbox-runc");
    }
    // The daemon uses the networks that Sysbox requires; they are not only in its file.
    engine.docker(&["network", "create", "pools"]).success();
    let subnet = "{{(index .IPAM.Config 0).Subnet}}";
    let subnet = engine.docker(&["network", "inspect", "--format", subnet, "pools"]);
    engine.docker(&["network", "rm", "pools"]).success();
    assert!(subnet.success().starts_with("172.25."), "{subnet}");

    let run = ["run", "--detach", "--name=system", "--runtime=sysbox-runc", "--network=none"];
    engine.docker(&[&run[..], &["cai-test", "/bin/sleep", "infinity"]].concat()).success();
    engine.guest("sudo systemctl stop sysbox-fs.service");
    let dockerd = engine.dockerd();
    engine.plan_says(&[
        "~ provision.sysbox  Sysbox restart",
        "services = \"inactive\" -> \"active\"",
        "restarts 1 container: system",
        "Restarts Sysbox.",
    ]);
    let since = |name: &str| {
        let format = "{{.State.Running}} {{.State.StartedAt}}";
        engine.docker(&["inspect", "--format", format, name]).success().trim().to_owned()
    };
    let (system, keeper) = (since("system"), since("keeper"));
    engine.cai(&["doctor", "--fix", "--yes"]).success();
    engine.works();
    assert_eq!(engine.dockerd(), dockerd, "dockerd was restarted");
    assert!(since("system").starts_with("true "), "it was not started again");
    assert_ne!(since("system"), system, "it was not restarted");
    assert_eq!(since("keeper"), keeper, "the container of runc did not live on");
    engine.docker(&["rm", "-f", "system"]).success();
    assert_eq!(engine.running(), container, "the container did not live on");
}
