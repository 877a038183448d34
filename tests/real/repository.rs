//! Docker's packages from an apt repository that the test makes. The engine in it is the one of the image
//! under another name. The guest serves it over HTTPS, with a certificate that it trusts.

use std::fs;
use std::path::Path;
use std::process::Command;

use containai::model::digest::sha256;

use super::declared::Declared;
use super::engine::{Engine, alone};
use crate::support::{trials, web};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![docker_comes_from_an_internal_mirror_with_its_own_key]
}

const SITE: &str = "https://mirror.test/docker/linux";
const ENGINE: &str = "docker-ce";
/// The other packages of Docker. They are empty.
const OTHERS: [&str; 4] =
    ["docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin"];
/// The version of the packages, as Docker writes it.
const VERSION: &str = "5:99.1.0-1~debian.12~bookworm";

/// Runs a program and returns its output.
fn run(words: &[&str]) -> String {
    let ran = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(ran.status.success(), "{words:?}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

/// An OpenPGP key.
struct Key {
    fingerprint: String,
    armored: String,
}

/// The directory of gpg's keys.
struct Keys(tempfile::TempDir);

impl Keys {
    fn gpg(&self, words: &[&str]) -> String {
        let home = self.0.path().to_str().unwrap();
        let options = ["gpg", "--homedir", home, "--batch", "--pinentry-mode=loopback"];
        run(&[&options[..], &["--passphrase="], words].concat())
    }

    fn create(&self, name: &str) -> Key {
        self.gpg(&["--quick-generate-key", name, "rsa2048", "sign", "never"]);
        let listed = self.gpg(&["--with-colons", "--list-keys", name]);
        let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap();
        let fingerprint = fingerprint.trim_matches(':').to_owned();
        Key { fingerprint, armored: self.gpg(&["--armor", "--export", name]) }
    }

    /// Writes a repository for Debian 12 into this directory, signed by a key. `engine` is the index's
    /// entry of a package that the guest has.
    fn repository(&self, directory: &Path, key: &Key, engine: &str) {
        let root = directory.join("debian");
        let binary = root.join("dists/bookworm/stable/binary-amd64");
        fs::create_dir_all(&binary).unwrap();
        let others: String = OTHERS.iter().map(|name| package(&root, name)).collect();
        let index = format!("{engine}{others}");
        fs::write(binary.join("Packages"), &index).unwrap();
        let release = format!(
            "Suite: bookworm\nCodename: bookworm\nArchitectures: amd64\nComponents: stable\n\
             Date: {}SHA256:\n {} {} stable/binary-amd64/Packages\n",
            run(&["date", "--utc", "--rfc-email"]),
            sha256(index.as_bytes()),
            index.len()
        );
        let plain = root.join("Release");
        fs::write(&plain, release).unwrap();
        let signed = root.join("dists/bookworm/InRelease");
        let (plain, signed) = (plain.to_str().unwrap(), signed.to_str().unwrap());
        self.gpg(&["--local-user", &key.fingerprint, "--output", signed, "--clear-sign", plain]);
        fs::write(root.join("gpg"), &key.armored).unwrap();
    }
}

fn control(name: &str) -> String {
    format!(
        "Package: {name}\nVersion: {VERSION}\nArchitecture: amd64\nDescription: stand-in\n\
         Maintainer: Tests <tests@example.org>\n"
    )
}

/// Builds an empty package and returns its entry in the index.
fn package(root: &Path, name: &str) -> String {
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir(tree.path().join("DEBIAN")).unwrap();
    fs::write(tree.path().join("DEBIAN/control"), control(name)).unwrap();
    let file = root.join(format!("{name}.deb"));
    let (tree, path) = (tree.path().to_str().unwrap(), file.to_str().unwrap());
    run(&["dpkg-deb", "--root-owner-group", "--build", tree, path]);
    let bytes = fs::read(&file).unwrap();
    format!(
        "{}Filename: {name}.deb\nSize: {}\nSHA256: {}\n\n",
        control(name),
        bytes.len(),
        sha256(&bytes)
    )
}

/// Builds a package in the guest from the installed docker.io, and returns its entry in the index.
fn package_of_engine(engine: &Engine) -> String {
    let depends = engine.guest("dpkg-query -W -f='${Depends}' docker.io");
    let control = format!(
        "{}Depends: {depends}\nConflicts: docker.io\nReplaces: docker.io\n",
        control(ENGINE)
    );
    let script = format!(
        "set -e; tree=$(mktemp -d); mkdir \"$tree/DEBIAN\"
         dpkg-query -L docker.io | while read -r path; do [ -d \"$path\" ] || echo \"$path\"; done |
           tar -C / -cf - --files-from=- 2>/dev/null | tar -C \"$tree\" -xf -
         for name in conffiles postinst prerm postrm; do
           cp -p /var/lib/dpkg/info/docker.io.$name \"$tree/DEBIAN/$name\"
         done
         printf '%s' '{control}' >\"$tree/DEBIAN/control\"
         dpkg-deb --root-owner-group -Znone --build \"$tree\" /tmp/{ENGINE}.deb >/dev/null
         rm -rf \"$tree\"
         stat -c 'Size: %s' /tmp/{ENGINE}.deb
         sha256sum /tmp/{ENGINE}.deb | sed 's/ .*//; s/^/SHA256: /'"
    );
    format!("{control}Filename: {ENGINE}.deb\n{}\n\n", engine.guest(&script))
}

/// Makes every file below a directory a complete response of a web server.
fn make_responses(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            make_responses(&path);
        } else {
            fs::write(&path, web::ok(&fs::read(&path).unwrap())).unwrap();
        }
    }
}

/// Serves a directory in the guest as `https://mirror.test/`.
fn serve(engine: &Engine, directory: &Path) {
    make_responses(directory);
    let archive = engine.path("mirror.tar");
    let (from, to) = (directory.to_str().unwrap(), archive.to_str().unwrap());
    run(&["tar", "-C", from, "-cf", to, "."]);
    engine.guest_reads(&archive, "sudo mkdir -p /srv/mirror && sudo tar -C /srv/mirror -xf -");
    engine.guest(&format!(
        "set -e; cd /tmp; echo '127.0.0.1 mirror.test' | sudo tee -a /etc/hosts >/dev/null
         {{ printf 'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n'
           stat -c 'Content-Length: %s\r' {ENGINE}.deb; printf '\\r\\n'; cat {ENGINE}.deb; }} |
           sudo tee /srv/mirror/docker/linux/debian/{ENGINE}.deb >/dev/null
         openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mirror.test \
           -addext subjectAltName=DNS:mirror.test -keyout mirror.key -out mirror.crt 2>/dev/null
         sudo cp mirror.crt /usr/local/share/ca-certificates/
         sudo update-ca-certificates >/dev/null 2>&1
         sudo systemd-run --quiet --unit=mirror --property=WorkingDirectory=/srv/mirror \
           --property=Restart=always openssl s_server -quiet -HTTP -accept 443 \
           -cert /tmp/mirror.crt -key /tmp/mirror.key"
    ));
}

/// The table of a repository.
fn table(url: &str, fingerprint: &str, rest: &str) -> String {
    format!("[docker.repository]\nurl = \"{url}\"\nfingerprint = \"{fingerprint}\"\n{rest}\n")
}

fn docker_comes_from_an_internal_mirror_with_its_own_key() {
    let _machine = alone();
    let engine = Engine::new("docker-ce");
    engine.cai(&["apply", "--yes"]).success();
    let container = engine.container("keeper");
    let dockerd = engine.dockerd();
    let declare = |docker: &str| engine.declare(&Declared { docker, ..Declared::default() });
    let entry = || engine.guest("cat /etc/apt/sources.list.d/docker.list 2>/dev/null || true");

    let keys = Keys(tempfile::tempdir().unwrap());
    let (own, other) = (keys.create("own"), keys.create("other"));
    let directory = tempfile::tempdir().unwrap();
    let package = package_of_engine(&engine);
    for (path, key) in [("docker/linux", &own), ("second", &own), ("forged", &other)] {
        keys.repository(&directory.path().join(path), key, &package);
    }
    serve(&engine, directory.path());
    engine.write("docker.asc", &own.armored);
    let (pinned, local) = (&own.fingerprint, "key = \"./docker.asc\"");

    // Another key, and packages that the key did not sign.
    declare(&table(SITE, &other.fingerprint, local));
    let failed = engine.cai(&["apply", "--yes"]);
    assert!(failed.fails_with(1).contains(&format!("found: {pinned}")), "{failed}");
    declare(&table("https://mirror.test/forged", pinned, local));
    let failed = engine.cai(&["apply", "--yes"]);
    assert!(failed.fails_with(1).contains("apt cannot use the repository"), "{failed}");
    assert_eq!(entry(), "", "the entry of a repository that does not work is there");
    assert_eq!(engine.guest("ls /etc/apt/keyrings"), "");

    declare(&table(SITE, pinned, local));
    engine.plan_says(&["~ provision.docker", SITE, pinned, "Stops no containers."]);
    engine.apply_mends();
    let written = entry();
    let signed = "[arch=amd64 signed-by=/etc/apt/keyrings/cai-docker.asc]";
    assert!(written.ends_with(&format!("{signed} {SITE}/debian bookworm stable")), "{written}");

    engine.guest("sudo sed -i 's/arch=/trusted=yes arch=/' /etc/apt/sources.list.d/docker.list");
    engine.plan_says(&["~ provision.docker", "trusted=yes"]);
    engine.apply_mends();
    assert_eq!(entry(), written);

    // The key of the repository itself.
    declare(&table("https://mirror.test/second", pinned, ""));
    engine.plan_says(&["-> \"https://mirror.test/second\"", "Stops no containers."]);
    engine.apply_mends();
    assert_eq!(engine.dockerd(), dockerd, "dockerd was restarted");

    declare(&format!("version = \"99.1\"\n{}", table(SITE, pinned, local)));
    engine.plan_says(&["~ provision.docker  dockerd restart", "Stops no containers."]);
    engine.apply_mends();
    let query = format!("dpkg-query -W -f='${{Version}}\\n' {ENGINE} {}", OTHERS.join(" "));
    assert_eq!(engine.guest(&query).lines().collect::<Vec<_>>(), [VERSION; 5]);
    assert_eq!(engine.guest("grep -rl download.docker.com /etc/apt || true"), "");

    declare("version = \"99.1\"");
    engine.plan_says(&["no longer in containai.toml: repository", "Stops no containers."]);
    engine.apply_mends();
    assert_eq!(engine.guest("grep -rl mirror.test /etc/apt || true"), "");
    assert_eq!(engine.guest("ls /etc/apt/keyrings"), "", "a key is left");
    assert_eq!(engine.running(), container, "the container did not live on");
    engine.delete();
}
