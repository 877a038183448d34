//! What a fuzzer begins with: the repository's own files of each kind, and what real tools printed.

use std::fs;
use std::path::Path;

/// The mark of the guest documents here.
const MARK: &str = "m";

/// The seeds of each target.
pub fn all() -> [(&'static str, Vec<String>); 5] {
    [
        ("config", files("examples", "toml")),
        ("limactl_list", printed("{\"name\":")),
        ("guest_document", guest_documents()),
        ("docker_metadata", docker_metadata()),
        ("compose_file", compose_files()),
    ]
}

/// The files of a directory with this ending, in order.
fn files(directory: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|own| own == ending));
    paths.sort();
    paths.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Lines of the transcripts that begin like this, each once.
fn printed(beginning: &str) -> Vec<String> {
    let texts = files("tests/contract/lima-2.2.0", "txt");
    let lines = texts.iter().flat_map(|text| text.lines());
    let mut found: Vec<String> =
        lines.filter(|line| line.starts_with(beginning)).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

/// The answers of dockerd's API about one container.
const API: &str = r#"/containers/json [{"Id":"0a1b","Names":["/agent"],"Labels":{}}]
/containers/0a1b/json {"Id":"0a1b","Name":"/agent","State":{"StartedAt":"2026-01-01T00:00:00Z"},"HostConfig":{"AutoRemove":false,"Runtime":"runc"}}
/info {"Containers":1,"Images":2,"Driver":"overlay2","DriverStatus":[["Supports d_type","true"]],"Plugins":{"Log":["json-file"]},"Debug":false,"LoggingDriver":"json-file","RegistryConfig":{"Mirrors":["https://a.example/"]},"DockerRootDir":"/var/lib/docker","Labels":null,"Runtimes":{"runc":{"path":"runc"}},"DefaultRuntime":"runc","LiveRestoreEnabled":true}
volumes 3"#;

/// A document with a section for each that is read, and one that is cut off.
fn guest_documents() -> Vec<String> {
    let sections = [
        ("user", "dev"),
        ("session", "1000 4 999"),
        ("passwd", "root:x:0:0:root:/root:/bin/bash\ndev:x:1000:1000::/home/dev:/bin/bash"),
        ("groups", "root:x:0:\nadm:x:4:dev\ndocker:x:999:dev,ci"),
        ("arch", "amd64"),
        ("cpus", "4"),
        ("memory", "MemTotal:        2030652 kB"),
        ("dockerd", "/usr/bin/dockerd"),
        ("packages", "installed docker-ce 5:28.5.1-1~ubuntu.24.04~noble"),
        (
            "units",
            "Id=docker.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\
             ExecMainStartTimestamp=Thu 2026-01-01 00:00:10 UTC\n\nId=docker.socket\nLoadState=loaded",
        ),
        ("socket", "socket|660|root|0|docker|999"),
        ("provision_failed", "1"),
        ("daemon_log", "failed to start daemon"),
        ("daemon_json", "{\"live-restore\": true, \"runtimes\": {}}"),
        ("daemon_loaded", "{\"live-restore\": false}"),
        (
            "sums",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  /etc/docker/daemon.json",
        ),
        ("written", "/etc/docker/daemon.json|1767225600"),
        ("api", API),
        ("stopped", "0a1c|agent|runc|2026-01-01T00:00:00.000000000Z|false"),
        ("kind", "socket"),
        ("bits", "660 0 2375"),
        ("group", "docker:x:2375:manager"),
        ("processes", "1 1001 1001 1001 2375\n7 0 0 0"),
        ("clients", "docker\ncurl"),
    ];
    let section = |(name, text): &(&str, &str)| format!("@{MARK} {name}\n{text}\n\n@{MARK} = 0\n");
    let whole: String = sections.iter().map(section).collect();
    let failed = whole.replace("= 0\n", "= 1\n");
    vec![format!("{whole}@{MARK} end\n"), format!("Welcome!\n{failed}@{MARK} end\n"), whole]
}

/// A context's `meta.json`, and what `docker inspect` prints of a container.
fn docker_metadata() -> Vec<String> {
    let context = r#"{"Name":"containai-secure","Metadata":{"Description":"x, managed by cai"},
        "Endpoints":{"docker":{"Host":"unix:///s/docker.sock","SkipTLSVerify":false}}}"#;
    let config = r#"{"auths":{"a.example":{"auth":"eDp5"}},"currentContext":"desktop-linux"}"#;
    let container = r#"[{"Id":"0a1b","Name":"/manager","State":{"Status":"running","Running":true,
        "Restarting":false,"ExitCode":0,"Pid":7,"StartedAt":"2026-01-01T00:00:00Z",
        "Health":{"Status":"healthy","Log":[{"Output":"ok"}]}},"RestartCount":0,
        "Image":"sha256:0a","Config":{"User":"1001:1001","Image":"a","Labels":{
        "com.docker.compose.project":"p","com.docker.compose.service":"manager",
        "com.docker.compose.project.config_files":"/a.yml,/b.yml"}},
        "HostConfig":{"GroupAdd":["2375"],"Runtime":"runc"},
        "Mounts":[{"Type":"volume","Name":"p_sock","Source":"/var/lib/docker/volumes/p_sock/_data",
        "Destination":"/var/run","Mode":"ro","RW":false}]}]"#;
    [context, config, container].map(str::to_owned).to_vec()
}

/// A service in its forms: as the plugin prints it, as Compose 1 does, with a shared piece, and with
/// tags.
fn compose_files() -> Vec<String> {
    let short = "services:\n  manager:\n    volumes: [\"sock:/var/run:ro\", \"${DATA}:/data\"]\n\
                 volumes:\n  sock: {external: true}\n";
    let long = "version: '3.8'\nx-common: &common\n  group_add: [audio, 2375]\nservices:\n  \
                manager:\n    <<: *common\n    user: mcp\n    volumes:\n      - type: volume\n        \
                source: sock\n        target: /var/run\n  other:\n    image: x\nvolumes:\n  sock:\n";
    let tagged = "services:\n  manager:\n    volumes: !override [\"sock:/var/run\"]\n    ports: \
                  !reset []\n    ? ! <<\n    : null\n";
    let json = r#"{"name":"p","services":{"manager":{"container_name":"m","group_add":["7"],
        "volumes":[{"type":"volume","source":"sock","target":"/var/run","read_only":true}]}},
        "volumes":{"sock":{"name":"p_sock"}}}"#;
    vec![short.into(), long.into(), tagged.into(), json.into()]
}
