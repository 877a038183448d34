use super::{hints, refuses};
use crate::config::parse;

fn file(line: &str) -> String {
    format!("[docker.daemon]\n{line}")
}

#[test]
fn a_value_has_the_type_that_dockerd_decodes() {
    for (line, expected) in [
        ("log-opts = { max-file = 3 }", "3:25 `log-opts.max-file` must be a string"),
        ("default-ulimits = { nofile = 65536 }", "3:30 `default-ulimits.nofile` must be a table"),
        ("mtu = \"1500\"", "3:7 `mtu` must be a whole number"),
        ("live-restore = \"true\"", "3:16 `live-restore` must be true or false"),
        ("insecure-registries = \"a\"", "3:23 `insecure-registries` must be a list of strings"),
        ("features = { buildkit = \"on\" }", "3:25 `features.buildkit` must be true or false"),
        ("labels = [\"a=b\", 3]", "3:18 `labels` must be a string"),
    ] {
        refuses(&[(&file(line), expected)]);
    }
    let hint = hints(&format!("version = 1\n{}", file("default-ulimits = { nofile = 65536 }")));
    assert_eq!(hint, ["write a table: { Name = \"nofile\", Soft = 65536, Hard = 65536 }"]);
}

#[test]
fn a_misspelt_key_is_told_and_a_new_one_is_a_warning() {
    refuses(&[(
        &file("registry-mirror = [\"https://a.example\"]"),
        "3:1 unknown key `registry-mirror` of daemon.json",
    )]);
    let misspelt = format!("version = 1\n{}", file("registry-mirror = []"));
    assert_eq!(hints(&misspelt), ["did you mean `registry-mirrors`?"]);
    refuses(&[(&file("http-proxy = \"http://a\""), "3:1 dockerd ignores `http-proxy` here")]);
    let config = parse(&format!("version = 1\n{}", file("quantum-entanglement = true"))).unwrap();
    let warnings: Vec<String> = config.warnings().into_iter().map(|it| it.message).collect();
    assert_eq!(warnings, ["unknown keys of daemon.json: quantum-entanglement"]);
}

#[test]
fn what_dockerd_does_not_start_with_is_refused() {
    for (line, expected) in [
        ("default-runtime = \"crun\"", "3:19 the runtime `crun` is not declared"),
        ("data-root = \"srv/docker\"", "3:13 `data-root` must be an absolute path"),
        ("log-driver = \"nosuch\"", "3:14 unknown log driver `nosuch`"),
        ("registry-mirrors = [\"m.example\"]", "3:21 a registry mirror must be a URL"),
        ("registry-mirrors = [\"https://u:p@m.example\"]", "3:21 a registry mirror must be a URL"),
        ("labels = [\"a\"]", "3:11 a label must be key=value"),
        ("labels = [\"a=b\", \"a=c\"]", "3:18 this label conflicts with `a=b`"),
        ("bip = \"172.20.0.1\"", "3:7 \"172.20.0.1\" is not an IPv4 network"),
        ("bip = \"172.20.0.0/16\"", "3:7 `bip` must be the address of the bridge"),
        ("bip = \"10.0.0.1/24\"\nbridge = \"none\"", "3:7 dockerd refuses `bip` together"),
        ("bip = \"10.0.0.1/24\"\nfixed-cidr = \"10.0.1.0/25\"", "4:14 `fixed-cidr` is outside"),
    ] {
        refuses(&[(&file(line), expected)]);
    }
    let both = format!("{}[vm]\ndata_disk = \"9GiB\"", file("data-root = \"/srv/docker\"\n"));
    refuses(&[(&both, "3:13 `data-root` cannot be combined with `data_disk`")]);
    for good in [
        "default-runtime = \"crun\"\nruntimes.crun.path = \"/usr/bin/crun\"",
        "default-runtime = \"io.containerd.runc.v2\"",
        "log-driver = \"grafana/loki-docker-driver:latest\"",
        "log-driver = \"none\"",
        "data-root = \"/srv/docker/\"",
        "registry-mirrors = [\"http://m.example:5000/\"]",
        "labels = [\"a=b\", \"a=b\", \"c=d\"]",
        "bip = \"10.0.0.1/24\"\nfixed-cidr = \"10.0.0.128/25\"",
        "bridge = \"none\"\nbip = \"\"",
    ] {
        assert_eq!(parse(&format!("version = 1\n{}", file(good))).err(), None, "{good}");
    }
}

#[test]
fn networks_that_overlap_are_refused() {
    let pool = |base: &str, size: u8| format!("{{ base = \"{base}\", size = {size} }}");
    let pools = |list: &[String]| file(&format!("default-address-pools = [{}]", list.join(", ")));
    let (wide, inner) = (pool("172.16.0.0/12", 24), pool("172.20.0.0/16", 24));
    refuses(&[
        (
            &pools(&[wide.clone(), inner.clone()]),
            "3:74 the pool 172.20.0.0/16 overlaps with the pool 172.16.0.0/12",
        ),
        (
            &format!("{}\nbip = \"172.20.0.1/16\"", pools(&[wide])),
            "3:35 the pool 172.16.0.0/12 overlaps with bip",
        ),
        (
            &pools(&[pool("172.20.0.0/16", 8)]),
            "3:59 the pool 172.20.0.0/16 cannot hold networks of size 8",
        ),
    ]);
    let apart = format!("version = 1\n{}\nbip = \"10.0.0.1/24\"", pools(&[inner]));
    assert_eq!(parse(&apart).err(), None);
}
