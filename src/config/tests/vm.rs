use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::{hints, refuses};
use crate::config::diagnostic::render;
use crate::config::layers::Sources;
use crate::config::{ValueSource, of_environment, parse, resolve};

#[test]
fn what_cai_writes_itself_is_no_key_of_limas() {
    let keys = [
        ("vmType = \"qemu\"", "set `type` under `[vm]` instead"),
        ("arch = \"x86_64\"", "set `arch` under `[vm]` instead"),
        ("env = {}", "use `[vm.env]` instead"),
        ("rosetta = {}", "set `rosetta` under `[vm]` instead"),
        ("vmOpts.vz.rosetta.enabled = true", "set `rosetta` under `[vm]` instead"),
        (
            "portForwards = []",
            "use `[[vm.port_forwards]]` instead; cai forwards the engine's socket",
        ),
    ];
    for (key, hint) in keys {
        assert_eq!(hints(&format!("version = 1\n[vm.lima]\n{key}")), [hint], "{key}");
    }
    for key in ["vmOpts.qemu.cpuType.x86_64 = \"max\"", "user.name = \"dev\"", "vmOpts.vz.x = 1"] {
        assert!(parse(&format!("version = 1\n[vm.lima]\n{key}")).is_ok(), "{key}");
    }
}

#[test]
fn a_vm_has_an_image_for_its_architecture() {
    let other = "[vm]\narch = \"aarch64\"\nimages = [{ location = \"/a\", arch = \"x86_64\" }]";
    refuses(&[(other, "3:8 the file has no image for aarch64")]);
    // A refused entry may be the image.
    let wrong = "[vm]\narch = \"aarch64\"\nimages = [{ arch = \"aarch64\" }]";
    refuses(&[(wrong, "4:11 the key `location` is missing")]);
    for fits in ["", "images = [{ location = \"/a\" }]"] {
        assert!(parse(&format!("version = 1\n[vm]\narch = \"aarch64\"\n{fits}")).is_ok(), "{fits}");
    }
}

#[test]
fn rosetta_takes_apples_virtualization_on_apples_processors() {
    refuses(&[
        (
            "[vm]\nrosetta = true\ntype = \"qemu\"",
            "3:11 Rosetta does not run in a VM of type `qemu`",
        ),
        ("[vm]\nrosetta = true\narch = \"x86_64\"", "3:11 Rosetta does not run in a VM for x86_64"),
    ]);
    assert!(parse("version = 1\n[vm]\nrosetta = false\ntype = \"qemu\"").is_ok());
    assert!(parse("version = 1\n[vm]\nrosetta = true").is_ok());
}

#[test]
fn a_key_of_limas_reaches_no_further_than_the_vm() {
    let line = |rest: &str| format!("[vm.lima]\n{rest}");
    let cases = [
        ("base = \"https://a/b.yaml\"", "3:8 `base` cannot be set here"),
        ("copyToHost = [{ guest = \"/a\", host = \"/b\" }]", "3:14 `copyToHost` cannot be set"),
        ("ssh.forwardX11 = true", "3:18 `ssh.forwardX11` cannot be set here"),
        ("audio.device = \"wav,path=/home/a/.profile\"", "3:16 `audio.device` must be one word"),
        ("video.display = \"vnc=0.0.0.0:1\"", "3:17 `video.display` must be one word"),
        ("video.vnc.display = \"0.0.0.0:1\"", "3:21 VNC can listen only on this machine"),
        (
            "networks = [{ interface = \"$(reboot)\" }]",
            "3:27 this is not the name of a network int",
        ),
        (
            "firmware.images = [{ location = \"http://a/b\" }]",
            "3:33 \"http://a/b\" is not firmware: ",
        ),
        ("timezone = \"UTC\\nruncmd: [reboot]\"", "3:12 this contains a line break or a tab"),
        ("ssh = { \"<<\" = { forwardX11 = true } }", "3:9 `<<` is not a key of Lima's YAML"),
        ("user.home = \"/{{ .User | len }}\"", "3:13 cai does not pass this template on to Lima"),
        ("message = \"{{.Unprotect}}\"", "3:11 cai does not pass this template on to Lima"),
    ];
    for (rest, expected) in cases {
        refuses(&[(&line(rest), expected)]);
    }
    for good in [
        "message = \"\"\"Two lines\nfor {{.Name}} in {{ .Dir }}\"\"\"",
        "caCerts.certs = [\"a\\nb\"]",
        "ssh.forwardX11 = false",
        "audio.device = \"coreaudio\"",
        "video.display = \"none\"",
        "video.vnc.display = \"127.0.0.1:0,to=9\"",
        "networks = [{ lima = \"shared\", interface = \"lima0\" }]",
        "user.home = \"/home/{{.User}}.guest\"",
    ] {
        assert_eq!(parse(&format!("version = 1\n{}", line(good))).err(), None, "{good}");
    }
}

/// `limactl validate` 2.2.0 refuses each of these.
#[test]
fn what_lima_refuses_is_a_mistake() {
    let mount =
        |rest: &str| format!("[[vm.mounts]]\nlocation = \"/srv\"\nmount_point = \"{rest}\"");
    let forward = |rest: &str| format!("[[vm.port_forwards]]\n{rest}");
    refuses(&[
        (&mount("/"), "4:15 Lima refuses a mount at / in the guest"),
        (&mount("/etc"), "4:15 Lima refuses a mount at /etc in the guest"),
        (&mount("/usr/"), "4:15 Lima refuses a mount at /usr in the guest"),
        (&mount("/./etc"), "4:15 Lima refuses a mount at /etc in the guest"),
        (&mount("//usr/./"), "4:15 Lima refuses a mount at /usr in the guest"),
        ("[[vm.mounts]]\nlocation = \"/var/\"", "3:12 Lima refuses a mount at /var in the guest"),
        (&forward("guest_port = 22"), "3:14 Lima does not forward port 22"),
        (&forward("guest_port = 80\nhost_port = 22"), "4:13 Lima does not forward port 22"),
        ("[vm.lima]\nmountType = \"nfs\"", "3:13 `nfs` is not a mount type of Lima"),
        (
            "[vm.lima]\ndns = [\"1.1.1.1\"]",
            "3:7 Lima refuses `dns` if its host resolver is enabled",
        ),
        ("[vm.lima]\nplain = true", "3:9 `plain` cannot be set here"),
    ]);
    for good in [
        &mount("/mnt/etc"),
        "[[vm.mounts]]\nlocation = \"/etc\"\nmount_point = \"/mnt/etc\"",
        &forward("guest_port = 80\nhost_port = 2222"),
        "[vm.lima]\nmountType = \"virtiofs\"\nplain = false",
        "[vm.lima]\ndns = [\"1.1.1.1\"]\nhostResolver.enabled = false",
        "[vm.lima]\ndns = []",
    ] {
        assert_eq!(parse(&format!("version = 1\n{good}")).err(), None, "{good}");
    }
}

#[test]
fn what_cannot_be_seen_is_refused_wherever_it_stands() {
    for (rest, place) in [
        ("[context]\ndescription = \"a\u{202e}b\"", "3:15 "),
        ("[vm.env]\nA = \"a\u{2066}b\"", "3:5 "),
        ("[docker.daemon]\n\"a\u{200e}b\" = 1", "3:1 "),
        ("[docker.daemon]\nlabels = [\"\\u001b\"]", "3:11 "),
        ("[vm.lima.param]\na = \"\\u009b\"", "3:5 "),
    ] {
        refuses(&[(rest, &format!("{place}invisible character \\u{{"))]);
    }
    assert!(parse("version = 1\n[context]\ndescription = \"an 👩\u{200d}💻\"").is_ok());
}

#[test]
fn a_variable_is_one_line() {
    refuses(&[(
        "[vm.env]\nA = \"b\\nPATH=/x\"",
        "3:5 the value of A contains a control character",
    )]);
    assert!(parse("version = 1\n[vm.env]\nA = \"\"\nB = \"a b=c\"").is_ok());
}

#[test]
fn a_variable_says_where_it_is_from() {
    refuses(&[
        ("[vm.env]\nA = { sensitive = true }", "3:5 this value needs one of"),
        (
            "[vm.env]\nA = { value = \"b\", env = \"C\" }",
            "3:5 this value has both `value` and `env`",
        ),
        ("[vm.env]\nA = { value = \"b\", valeu = \"b\" }", "3:20 unknown key `valeu`"),
        ("[vm.env]\nA = { env = \"A-B\" }", "3:13 \"A-B\" is not an environment variable name"),
        ("[vm.env]\nA = { value = 4711 }", "3:15 expected a string, found a whole number"),
        ("[vm.env]\nA = true", "3:5 expected a string, found true or false"),
        (
            "[vm.env]\nA = { value = \"b\\u0007\" }",
            "3:15 the value of A contains a control character",
        ),
    ]);
}

#[test]
fn a_variable_is_read_from_the_environment_or_missed() {
    let source = "version = 1\n[vm.env]\nA = { env = \"ONE\", sensitive = true }\nB = { env = \"TWO\" }\n\
        C = \"3\"\n";
    let mut config = parse(source).unwrap();
    let env = |set: &'static [(&str, &[u8])]| {
        move |from: &ValueSource| {
            let ValueSource::Env(name) = from else { panic!("{from} is not read") };
            let name = name.as_str();
            let value = set.iter().find(|(own, _)| *own == name);
            let value = value.map(|(_, value)| OsString::from_vec(value.to_vec()));
            of_environment(name, value).map(Some)
        }
    };
    let mistakes = resolve(&mut config, env(&[("ONE", b"s3cret")])).unwrap_err();
    let text = render(&mistakes, &Sources::single("f", source), false);
    assert!(text.starts_with("error: the environment variable TWO is not set"), "{text}");
    assert!(text.contains("f:4:13") && mistakes.len() == 1, "{text}");
    assert_eq!(
        config.vm.env.values().map(|it| it.value.as_deref()).collect::<Vec<_>>(),
        [Some("s3cret"), None, Some("3")]
    );
    assert_eq!(config.secrets(), ["s3cret"]);
    assert!(config.hides("A", &"".into()) && !config.hides("B", &"".into()));
    assert!(config.hides("unheard of", &"".into()));
    assert!(!format!("{config:?}").contains("s3cret"));
    let bell = env(&[("ONE", b"a\x07"), ("TWO", b"a\x07")]);
    assert_eq!(resolve(&mut parse(source).unwrap(), bell).unwrap_err().len(), 2);
    // The guest would get a different value.
    let no_text = env(&[("TWO", b"s3cr\xff")]);
    let mistakes = resolve(&mut config, no_text).unwrap_err();
    let text = render(&mistakes, &Sources::single("f", source), false);
    assert!(text.contains("the value of the environment variable TWO is not UTF-8"), "{text}");
    assert!(!text.contains("s3cr"), "{text}");
}

#[test]
fn a_value_has_one_source() {
    let file = |value: &str| format!("[vm.env]\nA = {value}");
    for (value, message) in [
        ("{ env = \"B\", command = [\"c\"] }", "3:5 this value has both `env` and `command`"),
        ("{ value = \"b\", file = \"./c\" }", "3:5 this value has both `value` and `file`"),
        ("{ sensitive = true }", "3:5 this value needs one of"),
        ("{ file = \"c\" }", "3:14 \"c\" is not the path of a file on this machine"),
        ("{ command = [] }", "3:17 `command` must start with a program"),
        ("{ command = \"op read\" }", "3:17 expected an array, found a string"),
    ] {
        refuses(&[(&file(value), message)]);
    }
    let value = |text: &str| {
        parse(&format!("version = 1\n{}", file(text))).unwrap().vm.env.into_values().next().unwrap()
    };
    assert!(value("{ file = \"./c\" }").sensitive);
    assert!(value("{ command = [\"op\", \"read\"] }").sensitive);
    assert!(!value("{ env = \"B\" }").sensitive);
}
