use super::{hints, mistakes, refuses};
use crate::config::parse;

#[test]
fn a_release_of_lima_is_one_that_the_file_accepts() {
    let release = "[lima]\nversion = \">=2.0\"\nrelease = \"1.2.3\"";
    refuses(&[(release, "4:11 `version` does not accept the release 1.2.3")]);
    refuses(&[
        (
            "[lima]\nurl = \"http://a.example\"",
            "3:7 \"http://a.example\" is not the URL of a mirror",
        ),
        ("[lima]\nsha256 = {}", "3:10 `sha256` requires `release`"),
    ]);
}

#[test]
fn an_archives_checksum_is_for_a_platform() {
    let file = |key: &str| {
        let digits = "0a".repeat(32);
        format!("version = 1\n[lima]\nrelease = \"2.2.0\"\n[lima.sha256]\n{key} = \"{digits}\"")
    };
    assert_eq!(mistakes(&file("linux-amd64")), ["5:1 unknown platform `linux-amd64`"]);
    assert_eq!(hints(&file("linux-x86-64")), ["did you mean `linux-x86_64`?"]);
    for key in ["linux-x86_64", "linux-aarch64", "darwin-x86_64", "darwin-aarch64"] {
        assert!(parse(&file(key)).is_ok(), "{key}");
    }
    let short = "[lima]\nrelease = \"2.2.0\"\nsha256 = { linux-x86_64 = \"0a\" }";
    refuses(&[(short, "4:27 \"0a\" is not a SHA-256 checksum: write 64 hexadecimal digits")]);
}

#[test]
fn the_engine_of_an_image_has_the_images_version() {
    let file = "[docker]\nsource = \"preinstalled\"\nversion = \"28\"";
    refuses(&[(file, "4:11 `version` cannot be set with `source = \"preinstalled\"`")]);
}

#[test]
fn only_dockers_own_packages_are_in_a_repository() {
    let table = "[docker.repository]\nurl = \"https://m.example/linux\"\n";
    for source in ["distro", "preinstalled"] {
        let file = format!("[docker]\nsource = \"{source}\"\n{table}");
        refuses(&[(&file, "4:1 `[docker.repository]` requires `source = \"docker-ce\"`")]);
    }
    assert!(parse(&format!("version = 1\n[docker]\nsource = \"docker-ce\"\n{table}")).is_ok());
}

#[test]
fn what_cai_writes_to_daemon_json_has_keys_of_its_own() {
    refuses(&[
        (
            "[docker.daemon]\nruntimes.sysbox-runc.path = \"/a\"",
            "3:10 the runtime `sysbox-runc` cannot be set here",
        ),
        (
            "[docker.daemon]\ndefault-runtime = \"sysbox-runc\"",
            "3:19 `sysbox-runc` cannot be set as the default here",
        ),
        (
            "[docker.daemon]\ndefault-runtime = \"runc\"\n[sysbox]\ndefault_runtime = true",
            "3:19 `default-runtime` conflicts with `default_runtime` under `[sysbox]`",
        ),
        ("[docker.daemon]\nseccomp-profile = \"/a\"", "3:19 `seccomp-profile` cannot be set here"),
        ("[docker]\nseccomp_profile = \"a.json\"", "3:19 \"a.json\" is not a seccomp profile: "),
    ]);
    let others =
        "runtimes.crun.path = \"/usr/bin/crun\"\ndefault-runtime = \"crun\"\nbip = \"10.9.0.1/24\"";
    assert!(parse(&format!("version = 1\n[docker.daemon]\n{others}")).is_ok());
}

#[test]
fn dockerd_listens_on_sockets_only() {
    let hosts = [
        ("[\"fd://\", \"tcp://127.0.0.1:2375\"]", 19),
        ("[\"unix:///a\", \"0.0.0.0:2375\"]", 23),
        ("[\"127.0.0.1\"]", 10),
        ("\"tcp://0.0.0.0\"", 9),
    ];
    for (value, column) in hosts {
        let file = format!("[docker.daemon]\nhosts = {value}");
        refuses(&[(&file, &format!("3:{column} cai does not expose Docker's API over TCP"))]);
    }
    let sockets = "hosts = [\"fd://\", \"unix:///run/other.sock\"]";
    assert!(parse(&format!("version = 1\n[docker.daemon]\n{sockets}")).is_ok());
}

const PACKAGE: &str = "[[sysbox.packages]]\narch = \"aarch64\"\nurl = \"./s.deb\"\nsha256 = \"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\"\n";

#[test]
fn a_package_of_sysbox_is_that_of_the_version() {
    let known = "9d6d5484f980d0a17f86c492c1262015c2afb66280bdb97215b79fde6a0261c5";
    let file = |version: &str, sum: &str| {
        let package = PACKAGE.replace(&"0a".repeat(32), sum);
        format!("[sysbox]\nversion = \"{version}\"\n{package}")
    };
    assert!(parse(&format!("version = 1\n{}", file("0.7.1", known))).is_ok());
    let other = file("0.7.2", known);
    refuses(&[(&other, "7:10 this is the package of Sysbox 0.7.1, not 0.7.2")]);
}

#[test]
fn a_version_of_sysbox_is_one_that_can_be_verified() {
    let version = "[sysbox]\nversion = \"0.6.7\"\n";
    refuses(&[(version, "3:11 the checksum of Sysbox 0.6.7 is unknown")]);
    let hint = hints(&format!("version = 1\n{version}")).remove(0);
    assert!(hint.contains("[[sysbox.packages]]") && hint.contains("verify"), "{hint}");
    assert!(parse(&format!("version = 1\n{version}{PACKAGE}")).is_ok());
    refuses(&[(
        &format!("vm.arch = \"x86_64\"\n{version}{PACKAGE}"),
        "4:11 the checksum of Sysbox 0.6.7 for x86_64 is unknown",
    )]);
    // One of the project's own builds, whose checksum is not built in.
    refuses(&[(
        "[sysbox]\nversion = \"0.7.0+vendor.1\"",
        "3:11 the checksum of Sysbox 0.7.0+vendor.1 is unknown",
    )]);
    assert!(parse(&format!("version = 1\n{version}enabled = false")).is_ok());
    // A refused entry may be the package.
    let wrong = format!("{version}{}", PACKAGE.replace("./s.deb", "s.deb"));
    refuses(&[(&wrong, "6:7 \"s.deb\" is not the URL or path of a package: ")]);
}

#[test]
fn a_package_is_for_one_architecture_and_needs_its_checksum() {
    refuses(&[
        (&format!("{PACKAGE}{PACKAGE}"), "7:8 duplicate package for aarch64"),
        (&PACKAGE.replace("sha256", "#"), "2:1 the key `sha256` is missing"),
        (&PACKAGE.replace("./", "http://a/"), "4:7 \"http://a/s.deb\" is not the URL or path of a"),
    ]);
}

#[test]
fn what_is_not_enabled_is_no_default() {
    let file = "[sysbox]\nenabled = false\ndefault_runtime = true";
    refuses(&[(file, "4:19 Sysbox cannot be the default runtime when it is not enabled")]);
}

#[test]
fn groups_and_users_have_ids_of_their_own() {
    refuses(&[
        (
            "groups = [{ name = \"a\" },\n{ name = \"a\" }]",
            "3:10 duplicate entry for the group `a`",
        ),
        (
            "groups = [{ name = \"a\", gid = 5 },\n{ name = \"b\", gid = 5 }]",
            "3:21 another group has the id 5",
        ),
        (
            "users = [{ name = \"a\", uid = 5 },\n{ name = \"b\", uid = 5 }]",
            "3:21 another user has the id 5",
        ),
    ]);
    let same = "groups = [{ name = \"a\", gid = 5 }]\nusers = [{ name = \"a\", uid = 5 }]";
    assert!(parse(&format!("version = 1\n{same}")).is_ok());
}

#[test]
fn a_container_is_declared_once_and_made_by_a_service_of_a_file() {
    let entry = "[[socket_clients]]\ncontainer = ";
    let compose = "compose_file = \"./a.yml\"\nservice = \"m\"";
    refuses(&[
        ("[[socket_clients]]\ngid = 1", "2:1 the key `container` is missing"),
        (&format!("{entry}\"a b\""), "3:13 \"a b\" is not a container name"),
        (&format!("{entry}\"ab\"\n{entry}\"ab\""), "5:13 duplicate entry for the container `ab`"),
        (
            &format!("{entry}\"ab\"\n{compose}\n{entry}\"cd\"\n{compose}"),
            "9:11 duplicate entry for the service `m`",
        ),
        (&format!("{entry}\"ab\"\nservice = \"m\""), "4:11 `service` requires `compose_file`"),
        (&format!("{entry}\"ab\"\ncompose_file = \"./a\""), "4:16 `compose_file` requires"),
        (
            &format!("{entry}\"ab\"\ncompose_file = \"a\"\nservice = \"m\""),
            "4:16 \"a\" is not the path",
        ),
        (&format!("{entry}\"ab\"\ngid = 0"), "4:7 the group id 0 belongs to root"),
        (
            &format!("{entry}\"ab\"\nsocket = \"docker.sock\""),
            "4:10 \"docker.sock\" is not the path",
        ),
        (&format!("{entry}\"ab\"\ncontext = \"desktop-linux\""), "4:11 \"desktop-linux\" is not"),
        (&format!("{entry}\"ab\"\nhealth = \"yes\""), "4:10 \"yes\" is not a health check"),
    ]);
    let config = parse(&format!("version = 1\n{entry}\"ab\"")).unwrap();
    let client = &config.socket_clients[0];
    assert_eq!((client.socket.as_str(), client.group.as_str()), ("/var/run/docker.sock", "docker"));
    assert_eq!((client.gid, client.mode), (None, None));
    // Compose's labels identify a container without a name here.
    let config = parse(&format!("version = 1\n[[socket_clients]]\n{compose}")).unwrap();
    assert_eq!(config.socket_clients[0].name(), "m");
    // Two engines can each have a container of that name.
    let two = format!("version = 1\n{entry}\"ab\"\n{entry}\"ab\"\ncontext = \"dind\"");
    assert_eq!(parse(&two).unwrap().socket_clients[1].name(), "dind/ab");
}

#[test]
fn limas_user_is_limas_to_make_and_the_engines_to_use() {
    refuses(&[
        (
            "users = [{ name = \"@lima\", uid = 5, groups = [\"docker\"] }]",
            "2:34 `uid` cannot be set for the user `@lima`",
        ),
        (
            "users = [{ name = \"@lima\", shell = \"/bin/sh\", groups = [\"docker\"] }]",
            "2:36 `shell` cannot be set for the user `@lima`",
        ),
        (
            "users = [{ name = \"@lima\", groups = [\"audio\"] }]",
            "2:37 the user `@lima` is not in the group `docker`",
        ),
        ("users = [{ name = \"@lima\" }]", "2:10 the user `@lima` is not in the group `docker`"),
        ("users = [{ name = \"a\", shell = \"sh\" }]", "2:32 \"sh\" is not a login shell: "),
    ]);
}
