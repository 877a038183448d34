use crate::config::{Config, parse};

const PACKAGE: &str = "[[sysbox.packages]]\narch = \"x86_64\"\nurl = \"/s.deb\"\nsha256 = \"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\"\n";

fn config(rest: &str) -> Config {
    parse(&format!("version = 1\n{rest}")).unwrap()
}

fn messages(rest: &str) -> Vec<String> {
    config(rest).warnings().into_iter().map(|warning| warning.message).collect()
}

#[test]
fn the_default_engine_needs_no_word() {
    assert_eq!(config("").warnings(), []);
}

#[test]
fn what_is_wrong_with_an_old_sysbox_is_named() {
    let old = |version: &str| {
        format!("vm.arch = \"x86_64\"\n[sysbox]\nversion = \"{version}\"\n{PACKAGE}")
    };
    let warnings = config(&old("0.6.7")).warnings();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].message.contains("Sysbox 0.6.7: Docker inside a Sysbox container fails"));
    assert!(warnings[0].message.contains("CVE-2025-31133"), "{}", warnings[0].message);
    assert_eq!(warnings[0].hint, "write version = \"0.7.1\" under [sysbox]");
    let of_0_7_0 = messages(&old("0.7.0"));
    assert!(of_0_7_0[0].contains("Sysbox 0.7.0: a deadlock in sysbox-fs"), "{of_0_7_0:?}");
    assert_eq!(messages(&old("0.6.7+vendor.1")).len(), 1);
    assert_eq!(messages(&old("0.7.1")), Vec::<String>::new());
    let off = old("0.6.7").replace("[sysbox]\n", "[sysbox]\nenabled = false\n");
    assert_eq!(messages(&off), Vec::<String>::new());
}

#[test]
fn sysbox_under_dockers_own_mapping_is_named() {
    let remapped = "[docker.daemon]\nuserns-remap = \"default\"\n";
    let warnings = config(remapped).warnings();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].message.starts_with("`userns-remap` together with Sysbox"));
    assert!(warnings[0].hint.starts_with("remove `userns-remap` from `[docker.daemon]`"));
    let alone = format!("{remapped}[sysbox]\nenabled = false\n");
    assert_eq!(messages(&alone), [""; 0]);
    assert_eq!(messages("[docker.daemon]\nuserns-remap = \"\"\n"), [""; 0]);
}

#[test]
fn a_disk_that_lima_would_format_at_every_boot_is_named() {
    let disks = |entries: &str| messages(&format!("[vm.lima]\nadditionalDisks = [{entries}]\n"));
    let warnings = disks("\"twelve-bytes\"");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("Lima formats the disk `twelve-bytes` at every boot"));
    for fine in [
        "\"eleven-byte\"",
        "{ name = \"twelve-bytes\", format = false }",
        "{ name = \"twelve-bytes\", fsType = \"xfs\" }",
    ] {
        assert_eq!(disks(fine), [""; 0], "{fine}");
    }
}

/// Users copy from the example.
#[test]
fn the_example_with_every_option_needs_no_word() {
    let example = include_str!("../../../examples/every-option.toml");
    assert_eq!(parse(example).unwrap().warnings(), []);
}

#[test]
fn an_image_without_a_package_is_named() {
    let warnings = messages(&format!("[sysbox]\nversion = \"0.8.0\"\n{PACKAGE}"));
    assert_eq!(warnings, ["the file has an image for aarch64, but no package of Sysbox 0.8.0"]);
}

#[test]
fn keys_that_the_guest_may_use_are_named() {
    let warnings = messages("[vm.lima.ssh]\nforwardAgent = true");
    assert!(warnings.len() == 1 && warnings[0].contains("your SSH keys"), "{warnings:#?}");
    assert_eq!(messages("[vm.lima.ssh]\nforwardAgent = false"), Vec::<String>::new());
}

#[test]
fn sockets_of_dockerd_in_two_places_keep_it_from_starting() {
    let warnings = messages("[docker.daemon]\nhosts = [\"fd://\"]");
    assert!(warnings.len() == 1 && warnings[0].contains("dockerd does not start"), "{warnings:#?}");
}

#[test]
fn a_version_of_lima_that_excludes_the_current_one_is_explained() {
    let warnings = config("[lima]\nversion = \"1.1\"").warnings();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let expected = "`version` under [lima] means \">=1.1, <2.0\", so Lima 2.2.0 is refused";
    assert_eq!(warnings[0].message, expected);
    assert_eq!(warnings[0].hint, "write version = \">=1.1\" to accept later versions too");
    for version in [">=1.1", "2", "2.2", "~1.1", "=1.1.0", ">=1.1, <2"] {
        assert_eq!(messages(&format!("[lima]\nversion = \"{version}\"")), [""; 0], "{version}");
    }
}

#[test]
fn a_group_that_nothing_is_known_to_make_is_named_once() {
    let users = "[[users]]\nname = \"a\"\ngroups = [\"wheel\", \"docker\", \"sudo\", \"team\"]\n\
                 [[users]]\nname = \"b\"\ngroups = [\"wheel\"]\n[[groups]]\nname = \"team\"\n";
    let expected = "the group `wheel` of a user is not declared under [[groups]]";
    assert_eq!(messages(users), [expected]);
}

#[test]
fn ids_of_the_system_are_named() {
    let id = |key: &str, id: u32, name: &str| {
        messages(&format!(
            "[[{}s]]\nname = \"{name}\"\n{key} = {id}\n",
            if key == "gid" { "group" } else { "user" }
        ))
    };
    let expected = "gid 27 of `docker`: Debian and Ubuntu reserve the ids up to 99";
    assert_eq!(id("gid", 27, "docker"), [expected]);
    assert_eq!(id("gid", 27, "sudo"), [""; 0], "it is sudo's own");
    assert_eq!(id("gid", 100, "docker"), [""; 0]);
    assert_eq!(id("uid", 99, "ci").len(), 1);
}

#[test]
fn a_key_that_lima_does_not_know_is_named_with_the_one_meant() {
    let warnings =
        config("[vm.lima]\nmountTyp = \"9p\"\nssh = { overVSock = true, local = 1 }").warnings();
    let told: Vec<(&str, &str)> =
        warnings.iter().map(|it| (it.message.as_str(), it.hint.as_str())).collect();
    assert_eq!(
        told,
        [
            ("`mountTyp` is not a key of Lima's YAML (2.2.0)", "did you mean `mountType`?"),
            (
                "`overVSock` in `ssh` is not a key of Lima's YAML (2.2.0)",
                "did you mean `overVsock`?"
            ),
            (
                "`local` in `ssh` is not a key of Lima's YAML (2.2.0)",
                "remove it, unless a newer Lima has it"
            ),
        ]
    );
    // cai does not know the options of Lima's VM drivers.
    assert_eq!(messages("[vm.lima.vmOpts.qemu]\nnew = 1"), Vec::<String>::new());
}

#[test]
fn options_of_another_log_driver_are_named() {
    let daemon = |lines: &str| format!("[docker.daemon]\n{lines}\n");
    let other = daemon("log-driver = \"journald\"\nlog-opts = { max-size = \"1m\", tag = \"x\" }");
    assert_eq!(messages(&other), ["unknown options of log driver journald: max-size"]);
    let misspelt = daemon("log-opts = { max-sise = \"1m\" }");
    assert_eq!(messages(&misspelt), ["unknown options of log driver json-file: max-sise"]);
    for good in [
        "log-driver = \"local\"\nlog-opts = { max-size = \"1m\", mode = \"non-blocking\" }",
        "log-driver = \"gelf\"\nlog-opts = { gelf-address = \"udp://192.0.2.1:1\" }",
        "log-driver = \"none\"\nlog-opts = { max-size = \"1m\" }",
    ] {
        assert_eq!(messages(&daemon(good)), [""; 0], "{good}");
    }
}

#[test]
fn a_proxy_that_egress_blocks_is_warned_about() {
    let warned = |egress: &str| {
        let text = format!(
            "version = 1\n[egress]\n{egress}\n[proxy]\nhttp = \"http://localhost:3128\"\n\
             https = \"http://10.1.2.3:8080\"\n"
        );
        let warnings = crate::config::parse(&text).unwrap().warnings().into_iter();
        let warnings = warnings.filter(|it| it.message.starts_with("[egress] blocks"));
        warnings
            .filter_map(|it| it.message.rsplit(' ').next().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(warned(""), ["http://localhost:3128", "http://10.1.2.3:8080"]);
    // This machine's address is private, so its name opens nothing.
    let allow = "allow = [\"10.1.2.0/24:8080\", \"host.lima.internal\"]";
    assert_eq!(warned(allow), ["http://localhost:3128"]);
    assert_eq!(warned("allow = [\"10.1.2.0/24\", \"192.168.5.2:3128\"]"), [""; 0]);
    assert_eq!(warned("default = \"allow\"\nblock_private = false"), [""; 0]);
}
