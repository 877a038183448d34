use super::{hints, refuses};
use crate::config::parse;

#[test]
fn two_forwards_of_one_port_of_this_machine_are_refused() {
    let forwards = |entries: &[&str]| {
        let tables = entries.iter().map(|entry| format!("[[vm.port_forwards]]\n{entry}\n"));
        parse(&format!("version = 1\n{}", tables.collect::<String>()))
    };
    for (entries, is_fine) in [
        (["guest_port = 80", "guest_port = 81"], true),
        (["guest_port = 80\nhost_port = 8080", "guest_port = 8080"], false),
        (["guest_ports = [8000, 8010]", "guest_port = 9000\nhost_port = 8010"], false),
        (["guest_ports = [8000, 8010]", "guest_port = 9000\nhost_port = 8011"], true),
        (
            [
                "guest_port = 80\nhost_port = 8080\nproto = \"udp\"",
                "guest_port = 81\nhost_port = 8080\nproto = \"tcp\"",
            ],
            true,
        ),
        (
            [
                "guest_port = 80\nhost_port = 8080\nproto = \"any\"",
                "guest_port = 81\nhost_port = 8080\nproto = \"tcp\"",
            ],
            false,
        ),
        (
            [
                "guest_port = 80\nhost_port = 8080\nhost_ip = \"0.0.0.0\"",
                "guest_port = 81\nhost_port = 8080",
            ],
            false,
        ),
        (
            [
                "guest_port = 80\nhost_port = 8080\nhost_ip = \"127.0.0.2\"",
                "guest_port = 81\nhost_port = 8080",
            ],
            true,
        ),
        (["guest_port = 8080\nignore = true", "guest_port = 81\nhost_port = 8080"], true),
    ] {
        let read = forwards(&entries);
        assert_eq!(read.is_ok(), is_fine, "{entries:?}: {read:?}");
        if let Err(errors) = read {
            assert!(errors[0].message.contains("of this machine"), "{errors:?}");
        }
    }
}

#[test]
fn a_range_has_as_many_ports_on_both_sides() {
    for (entry, message) in [
        ("guest_ports = [8000, 8010]\nhost_ports = [9000, 9011]", "different numbers of ports"),
        ("guest_port = 80\nhost_ports = [9000, 9011]", "`host_ports` needs `guest_ports`"),
        ("guest_ports = [8000, 8010]\nhost_port = 80", "cannot be forwarded to `host_port`"),
        ("guest_ports = [8010, 8000]", "not a range of ports"),
        ("guest_ports = [0, 8000]", "a port is a number"),
        ("guest_ports = [2000, 3000]", "Docker's API"),
        ("guest_port = 80\nignore = true\nhost_port = 81", "has no effect with `ignore`"),
        ("guest_port = 80\nguest_ports = [81, 82]", "both `guest_port` and `guest_ports`"),
    ] {
        let read = parse(&format!("version = 1\n[[vm.port_forwards]]\n{entry}"));
        let errors = read.expect_err(entry);
        assert!(errors.iter().any(|error| error.message.contains(message)), "{entry}: {errors:?}");
    }
}

#[test]
fn a_forward_has_two_ends() {
    let one = |keys: &str| format!("[[vm.port_forwards]]\n{keys}");
    let cases = [
        ("host_port = 80", "2:1 this forward has neither `guest_port` nor `guest_socket`"),
        ("guest_port = 0", "3:14 0 is not a port: write a number from 1 to 65535"),
        ("guest_port = 65536", "3:14 65536 is not a port: write a number from 1 to 65535"),
        ("gest_port = 80\nguest_port = 80", "3:1 unknown key `gest_port`"),
        (
            "guest_port = 80\nguest_socket = \"/a\"\nhost_port = 1",
            "4:16 this forward has both `guest_port`",
        ),
        (
            "guest_port = 80\nhost_port = 80\nhost_socket = \"/a.sock\"",
            "5:15 this forward has both `host_port`",
        ),
        (
            "guest_socket = \"/a\"",
            "2:1 this forward of a socket has neither `host_socket` nor `host_port`",
        ),
        (
            "guest_socket = \"/a\"\nhost_port = 1\nguest_ip = \"::1\"",
            "5:12 `guest_ip` cannot be used with `guest_socket`",
        ),
        (
            "guest_port = 1\nhost_socket = \"/a.sock\"\nhost_ip = \"::1\"",
            "5:11 `host_ip` cannot be used with `host_socket`",
        ),
        ("guest_port = 1\nhost_ip = \"localhost\"", "4:11 \"localhost\" is not an IP address: "),
        (
            "guest_port = 1\nhost_socket = \"a.sock\"",
            "4:15 \"a.sock\" is not the path of a socket: ",
        ),
        (
            "guest_socket = \"/a\"\nhost_port = 1\nproto = \"udp\"",
            "5:9 a socket does not support UDP",
        ),
        ("guest_port = 1\nproto = \"icmp\"", "4:9 unknown value `icmp`"),
    ];
    for (keys, expected) in cases {
        refuses(&[(&one(keys), expected)]);
    }
    let twice = "[vm]\nport_forwards = [{ guest_port = 1 },\n{ guest_port = 1, host_port = 2 }]";
    refuses(&[(twice, "4:16 duplicate forward of the guest's port 1")]);
    // Keys that are left out have their defaults, and a forward without a protocol is for both.
    let covered =
        twice.replace("host_port = 2", "guest_ip = \"127.0.0.1\", proto = \"tcp\", host_port = 2");
    refuses(&[(&covered, "4:16 duplicate forward of the guest's port 1")]);
    let rest = "port_forwards = [{ guest_port = 1, proto = \"udp\", ignore = true }, { guest_port = 1, host_port = 2 }]";
    assert!(parse(&format!("version = 1\n[vm]\n{rest}")).is_ok());
    let both = "port_forwards = [{ guest_port = 1, proto = \"tcp\" }, { guest_port = 1, proto = \"udp\" }]";
    assert!(parse(&format!("version = 1\n[vm]\n{both}")).is_ok());
    let to = |port: u16| format!("{{ guest_port = {port}, host_socket = \"/a.sock\" }}");
    let same = format!("[vm]\nport_forwards = [{},\n{}]", to(1), to(2));
    refuses(&[(&same, "4:33 duplicate forward to /a.sock")]);
}

#[test]
fn the_engine_is_never_offered_over_tcp() {
    let cases = [
        ("guest_port = 2375", "3:14 cai does not forward Docker's API over TCP (port 2375)"),
        (
            "guest_port = 1\nhost_port = 2376",
            "4:13 cai does not forward Docker's API over TCP (port 2376)",
        ),
        (
            "guest_socket = \"/var/run/docker.sock\"\nhost_port = 1",
            "3:16 cai already forwards the engine's socket",
        ),
        (
            "guest_socket = \"/run/./docker.sock/\"\nhost_socket = \"/a.sock\"",
            "3:16 cai already forwards the engine's socket",
        ),
        (
            "guest_port = 1\nhost_socket = \"/var/run/docker.sock\"",
            "4:15 cai already forwards the engine's socket",
        ),
    ];
    for (keys, expected) in cases {
        let file = format!("[[vm.port_forwards]]\n{keys}");
        refuses(&[(&file, expected)]);
        let hints = hints(&format!("version = 1\n{file}"));
        let over_tcp = keys.contains("_port = 237") || keys.contains("host_port");
        assert_eq!(hints[0].contains("is root in the VM"), over_tcp, "{keys}: {hints:?}");
    }
}
