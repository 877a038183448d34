use super::*;
use crate::config::pattern;

fn check(rule: Rule, pattern: &str, accepted: &[&str], refused: &[&str]) {
    let schema = serde_json::json!({ "pattern": pattern });
    let schema = jsonschema::validator_for(&schema).unwrap();
    for value in accepted {
        assert_eq!(rule(value), Ok(()), "{value:?}");
        assert!(schema.is_valid(&(*value).into()), "the schema must accept {value:?}");
    }
    for value in refused.iter().chain(&["", "/a\0", "/a\nb", "/a\u{1b}[2J", "https://a/\u{9b}"]) {
        assert!(rule(value).is_err(), "{value:?} must be refused");
    }
}

#[test]
fn an_image_is_at_a_url_or_at_a_path_that_means_the_same_everywhere() {
    let accepted = ["https://a/b.img", "file:///a", "/a b/ü.img", "~/a", "/"];
    let refused = ["a.img", "./a", "../a", "~", "~user/a", "https://", "http://a", "HTTPS:a"];
    check(|value| location(value, "an image"), pattern::LOCATION, &accepted, &refused);
}

#[test]
fn what_is_mounted_is_a_path_of_this_machine_and_where_is_one_of_the_vm() {
    // Paths that Lima would expand or split.
    let more = ["/a/../b", "/{{.Name}}", "/a, b", "/a]", "/a: b", "/a #b"];
    let refused = [["src", "./src", "~user", "https://a/b"].as_slice(), &more].concat();
    check(mount_location, pattern::MOUNT_LOCATION, &["~", "~/src", "/src", "/a b"], &refused);
    let refused = [["~", "~/src", "mnt", "./mnt"].as_slice(), &more].concat();
    check(mount_point, pattern::ABSOLUTE, &["/", "/mnt/src", "/c#/a:b"], &refused);
}

#[test]
fn a_digest_has_an_algorithm_and_as_many_digits_as_it_makes() {
    let (sha256, sha512) = ("0a".repeat(32), "0a".repeat(64));
    let accepted = [format!("sha256:{sha256}"), format!("sha512:{sha512}")];
    let refused = [
        sha256.clone(),
        format!("sha256:{sha512}"),
        format!("sha512:{sha256}"),
        format!("sha256:{}", sha256.to_uppercase()),
        format!("sha256:{}", "0g".repeat(32)),
        format!("md5:{}", "0a".repeat(16)),
        format!("sha256:{sha256} "),
    ];
    check(
        digest,
        pattern::DIGEST,
        &accepted.each_ref().map(String::as_str),
        &refused.each_ref().map(String::as_str),
    );
}

#[test]
fn a_kernel_command_line_is_one_line() {
    check(kernel_cmdline, pattern::PLAIN, &["root=/dev/vda rw", "é"], &["{{ fd_connect \"/a\" }}"]);
}

#[test]
fn files_of_this_machine_may_lie_beside_the_file() {
    let accepted = ["/a", "~/a", "./a", "../a b"];
    check(
        seccomp_profile,
        pattern::LOCAL_PATH,
        &accepted,
        &["a", "~", "https://a/b", "file:///a", ".a"],
    );
    check(
        package_url,
        pattern::PACKAGE_URL,
        &accepted,
        &["a.deb", "http://a/b", "https://", "file:///a"],
    );
    check(package_url, pattern::PACKAGE_URL, &["https://a/b.deb"], &[]);
}

#[test]
fn a_file_extends_files_of_this_machine() {
    let accepted = ["base.toml", "../a b.toml", "/a", "~/a"];
    let refused = ["https://a/b.toml", "~user/a", "~", "a/"];
    check(extended_file, pattern::EXTENDED, &accepted, &refused);
}

#[test]
fn a_container_has_a_compose_file_here_and_a_socket_inside() {
    let accepted = ["/a.yml", "~/a.yml", "./a b.yml", "../a"];
    check(compose_file, pattern::LOCAL_PATH, &accepted, &["a.yml", "https://a/b"]);
    let refused = ["docker.sock", "~/a", "unix:///a", "/run/:a", "/$HOME/a"];
    let accepted = ["/var/run/docker.sock", "/a b"];
    check(container_socket, pattern::CONTAINER_PATH, &accepted, &refused);
}

#[test]
fn a_mirror_is_encrypted_or_on_this_machine() {
    let accepted = ["https://a", "http://localhost:1/a", "http://127.0.0.1", "http://[::1]/"];
    let refused = ["http://a", "http://localhost.a", "http://127.0.0.1.a/", "https://", "/a"];
    check(mirror, pattern::MIRROR, &accepted, &refused);
}

#[test]
fn what_is_forwarded_has_addresses_and_paths() {
    check(
        ip,
        pattern::IP,
        &["127.0.0.1", "::1", "0.0.0.0"],
        &["localhost", "1.2.3", "127.0.0.1/8"],
    );
    let accepted = ["/run/a.sock", "{{.Dir}}/sock/a.sock"];
    let refused = [
        "a.sock",
        "~/a.sock",
        "./a",
        "unix:///a",
        "/a/../b.sock",
        "/a:/b.sock",
        "/%d/a.sock",
        "/$HOME/a.sock",
        "{{/* */}}/a.sock",
        "{{.Dir/a.sock",
        "{{.Param.x}}/a.sock",
        "{{ printf \"/etc\" }}/a.sock",
    ];
    check(socket, pattern::SOCKET, &accepted, &refused);
    check(host_socket, pattern::HOST_SOCKET, &accepted, &refused);
    check(socket, pattern::SOCKET, &["/run/a"], &[]);
    check(host_socket, pattern::HOST_SOCKET, &[], &["/home/dev", "{{.Home}}", "/a/.sock"]);
}

#[test]
fn a_shell_fits_into_a_field() {
    check(
        shell,
        pattern::SHELL,
        &["/bin/bash", "/usr/sbin/nologin"],
        &["bash", "~/sh", "/bin/sh:x"],
    );
}
