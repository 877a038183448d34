//! Secrets are not in any output or file, except in those that must have them: `containai.toml`,
//! Lima's files, and the disk of a simulated host.

use std::fs;
use std::io::Read;
use std::path::Path;

use clap::Command;
use containai::simulate::Fault;
use flate2::read::GzDecoder;

use crate::support::documents;
use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::tally::SECRETS;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        no_command_shows_a_secret,
        no_failure_of_a_tool_shows_a_secret,
        no_mistake_in_a_file_shows_a_secret,
        a_plan_shows_that_a_secret_changes_and_lima_gets_it,
        a_variable_that_left_the_file_is_not_shown,
        a_secret_that_is_a_word_of_json_leaves_it_json,
        a_private_key_in_a_text_is_not_shown,
        a_secret_is_on_no_command_line,
        a_variable_that_is_not_set_is_named_where_it_matters,
        a_proxy_with_a_password_from_a_program_does_not_show_it,
    ]
}

/// A file with a secret in every place that can contain one.
const FILE: &str = r#"version = 1
[lima]
url = "https://me:n33dle-lima@mirror.example"
[vm]
cpus = 2
[[vm.images]]
arch = "x86_64"
location = "https://me:n33dle-image@images.example/ubuntu.img?X-Amz-Date=1&X-Amz-Signature=n33dle-signed&pwd=n33dle"
[vm.env]
MODE = "shown"
FROM_ENV = { env = "CAI_TEST_KEY", sensitive = true }
MARKED = { value = '''n33dle "it's" n33dle\x''', sensitive = true }
HTTPS_PROXY = "http://me:n33dle-env@proxy.example:3128"
ALL_PROXY = "me:n33dle-bare@proxy.example:3128"
ftp_proxy = "me:n33dle-ab,c@proxy.example:3128"
[vm.lima]
vmOpts = { qemu = { registryToken = "n33dle-driver" } }
[docker.daemon]
log-driver = "splunk"
default-network-opts = { bridge = { auth = "bjMzZGxlOm4zM2RsZQ==" } }
[docker.daemon.log-opts]
splunk-token = "n33dle-splunk"
splunk-url = "https://me:n33dle-mirror@splunk.example"
splunk-source = "https://splunk.example/?sig=n33dle"
[docker.daemon.proxies]
http-proxy = "http://me:n33dle-proxy@proxy.example:3128"
https-proxy = "me:n33dle-proxy@proxy.example:3128"
[[sysbox.packages]]
arch = "x86_64"
url = "https://me:n33dle-sysbox@packages.example/sysbox.deb?token=n33dle-token"
sha256 = "aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44"
"#;
/// A part of each secret.
const NEEDLES: [&str; 2] = ["n33dle", "bjMzZGxlOm4zM2RsZQ"];
/// Only the first and last line show that this is a key.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nn33dle-key\nn33dle-key\n-----END PRIVATE KEY-----";
const PROXY: (&str, &str) = ("HTTPS_PROXY", "http://me:n33dle-own@proxy.example:3128");
const ONE: &str = "n33dle-one";
const TWO: &str = "n33dle-two";

fn cai(world: &FakeWorld, words: &[&str], key: &str) -> Ran {
    world.cai_with(words, &[("CAI_TEST_KEY", key), PROXY])
}

/// Runs a command and searches its output and all files.
fn searched(world: &FakeWorld, words: &[&str], key: &str) -> Ran {
    SECRETS.case(|| {
        let ran = cai(world, words, key);
        search(&ran, &world.sandbox);
        ran
    })
}

fn search(ran: &Ran, sandbox: &Sandbox) {
    let shown = anstream::adapter::strip_str(&ran.to_string()).to_string();
    for needle in NEEDLES {
        assert!(!ran.stdout.contains(needle) && !shown.contains(needle), "{needle} in {ran}");
    }
    let mut paths = vec![sandbox.home()];
    let record = sandbox.path("lima/containai-secure/cai.json");
    paths.extend(record.exists().then_some(record));
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !["containai.toml", "world.json"].iter().any(|own| path.ends_with(own)) {
            let text = contents(&path);
            for needle in NEEDLES {
                let what = path.display();
                assert!(!text.contains(needle), "{needle} in {what} after {}: {text}", ran.line);
            }
        }
    }
}

/// The contents of a file, unpacked.
fn contents(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let mut unpacked = Vec::new();
    let unpacked = match GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked) {
        Ok(_) => unpacked,
        Err(_) => bytes,
    };
    String::from_utf8_lossy(&unpacked).into_owned()
}

/// The ways to call each command.
fn calls(command: &Command, path: &str) -> Vec<Vec<&'static str>> {
    let below: Vec<_> = command.get_subcommands().filter(|it| it.get_name() != "help").collect();
    if !below.is_empty() {
        let path = |it: &Command| format!("{path} {}", it.get_name()).trim().to_owned();
        return below.into_iter().flat_map(|it| calls(it, &path(it))).collect();
    }
    let calls: &[&[&str]] = match path {
        "init" => &[&["-f", "new.toml", "init", "--force"]],
        "setup" => &[&["setup", "--dry-run"], &["setup"], &["setup", "--force"]],
        "import" => &[&["import", "containai-secure"]],
        "validate" => &[&["validate"], &["validate", "--explain"]],
        "plan" => &[&["plan"], &["plan", "--out", "next.plan"]],
        "apply" => &[&["apply"], &["apply", "next.plan"], &["apply", "--yes"]],
        "status" => &[&["status"]],
        "report" => &[&["report"]],
        "doctor" => &[
            &["doctor"],
            &["doctor", "--deep"],
            &["doctor", "--bundle", "b.tar.gz"],
            &["doctor", "--fix"],
            &["doctor", "--fix", "--yes"],
        ],
        "start" => &[&["start"]],
        "stop" => &[&["stop"], &["stop", "--yes"]],
        "restart" => &[&["restart"], &["restart", "--yes"]],
        "shell" => &[&["shell", "--", "id"]],
        "logs" => &[&["logs"], &["logs", "vm"], &["logs", "provision"], &["logs", "egress"]],
        "egress test" => &[&["egress", "test", "github.com:443"]],
        "allow" => &[&["allow"], &["allow", "--yes"]],
        "list" => &[&["list"]],
        // With `--containers`, it prints the password of the proxy.
        "env" => &[&["env"]],
        // It does not end.
        "watch" => &[&["watch", "--uninstall"]],
        "explain" => &[&["explain"], &["explain", "vm_drift"]],
        "destroy" => &[&["destroy"], &["destroy", "--allow-destroy", "containai-secure"]],
        "show" => &[&["show"]],
        "pin" => &[&["pin", "--dry-run"]],
        "render" => &[&["render"], &["render", "--config"]],
        "graph" => &[&["graph"], &["graph", "--format", "mermaid"]],
        "schema" => &[&["schema"]],
        "simulate list" => &[&["simulate", "list"]],
        "simulate break" => &[&["simulate", "--simulate=own", "break", "group"]],
        "simulate show" => &[&["simulate", "--simulate=own", "show"]],
        "simulate reset" => &[&["simulate", "--simulate=own", "reset"]],
        "completions" => &[&["completions", "bash"]],
        "man" => &[&["man"], &["man", "plan"]],
        "help" => &[&["help"], &["help", "plan"], &["help", "groups"]],
        new => panic!("no secret was looked for in the output of the command `{new}`"),
    };
    calls.iter().map(|call| call.to_vec()).collect()
}

fn no_command_shows_a_secret() {
    let calls = calls(&containai::cli::command_line(), "");
    for mode in [&[][..], &["--json"], &["--verbose"], &["--color=always"], &["--simulate=sim"]] {
        let world = FakeWorld::new(FILE);
        let config = containai::config::parse(FILE).unwrap();
        // On a machine without a VM, on one that differs from the file, and on a broken one.
        for (round, key) in [ONE, TWO, TWO].into_iter().enumerate() {
            if round != 1 && !mode.is_empty() {
                continue;
            }
            if round > 0 {
                cai(&world, &["apply", "--yes"], ONE).success();
                let other = FILE.replace("n33dle-proxy", &format!("n33dle-other{round}"));
                world.sandbox.write("home/containai.toml", &other.replace("\\x", "y"));
            }
            if round == 2 {
                world.change(|world| Fault::find("group").unwrap().strike(world, &config));
            }
            let _ = fs::remove_file(world.sandbox.path("home/b.tar.gz"));
            for call in &calls {
                searched(&world, &[mode, call].concat(), key);
            }
            world.sandbox.write("home/containai.toml", FILE);
        }
    }
}

/// Makes each tool print everything it knows and fail when it is called with these arguments.
fn tell_all(sandbox: &Sandbox, program: &str, words: &str) {
    // A value that is no longer in the file is recognized only by its name.
    let old = r#"{"env":{"FROM_ENV":"n33dle-old"}} FROM_ENV=n33dle-old"#;
    let said = [FILE, PROXY.1, TWO, old, "  FROM_ENV: n33dle-old", KEY];
    sandbox.write("said", &(said.join("\n") + "\n"));
    let real = sandbox.path("bin/real");
    fs::create_dir_all(&real).unwrap();
    if !real.join(program).exists() {
        fs::rename(sandbox.path("bin").join(program), real.join(program)).unwrap();
    }
    let (said, real) = (sandbox.path("said"), real.join(program));
    let (said, real) = (said.display(), real.display());
    sandbox.fake_program(
        program,
        &format!(
            "case \"$*\" in {words}) cat {said}; cat {said} >&2; exit 7 ;; *) exec {real} \"$@\" ;; esac"
        ),
    );
}

fn no_failure_of_a_tool_shows_a_secret() {
    for (program, words) in [
        ("limactl", "--version"),
        ("limactl", "*list*"),
        ("limactl", "*edit*"),
        ("limactl", "*stop*"),
        ("limactl", "*start*"),
        ("limactl", "*create*"),
        ("ssh", "*"),
        ("ssh", "*write-daemon-json*"),
        ("docker", "*"),
    ] {
        let world = FakeWorld::new(FILE);
        if words != "*create*" {
            cai(&world, &["apply", "--yes"], ONE).success();
        }
        let other = FILE.replace("n33dle-proxy", "n33dle-other");
        world.sandbox.write("home/containai.toml", &other);
        tell_all(&world.sandbox, program, words);
        let mut failed = false;
        for call in [
            &["plan"][..],
            &["apply", "--yes"],
            &["--verbose", "--color=always", "apply", "--yes"],
            &["--json", "apply", "--yes"],
            &["--json", "doctor"],
            &["doctor", "--bundle", "b.tar.gz"],
            &["status"],
            &["destroy", "--allow-destroy", "containai-secure"],
        ] {
            failed |= !searched(&world, call, TWO).status.success();
        }
        assert!(failed || program == "docker", "{program} {words}: never called");
    }
}

fn no_mistake_in_a_file_shows_a_secret() {
    let world = FakeWorld::new("");
    for lines in [
        "[vm.env]\nA = { value = \"n33dle\", sensitiv = true }",
        "[vm.env]\nA = { value = \"n33dle\", sensitive = \"yes\" }",
        "[vm.env]\nA = { value = \"n33dle\", sensitive = true",
        "[vm.env]\nA = { value = \"n33dle, sensitive = true }",
        "[vm.env]\nA = { value = n33dle, sensitive = true }",
        "[vm.env]\nA = n33dle",
        "[vm.env]\nn33dle",
        "[vm.env]\nA = \"n33dle\\u0007\"",
        "[vm.env]\nA = \"\"\"\nn33dle\\q\"\"\"",
        "[vm.env]\nA = { value = \"n33dle\", env = \"B\" }",
        "[vm.env]\nA = [\"n33dle\"]",
        "[vm]\nenv = { A = \"n33dle\", B = 1 }",
        "vm.env.A = { value = \"n33dle\", x = 1 }",
        "[docker.daemon]\nproxies = { http-proxy = \"http://me:n33dle@h\", }\nhosts = [\"tcp://u:n33dle@h\"]",
        "[docker.daemon]\nauths = { \"r\" = { auth = \"n33dle\" } } x",
        "[lima]\nurl = \"http://me:n33dle@mirror.example\"",
        "[lima]\nurl = \"http://mirror.example/?sig=n33dle\"",
        "[docker.daemon]\nproxies = { http-proxy = \"me:n33dle@h:1\", }\nhosts = [\"tcp://h\"]",
        "[[vm.images]]\nlocation = \"ftp://me:n33dle@h/x.img\"",
        "[[sysbox.packages]]\nurl = \"http://me:n33dle@h/x.deb\"\narch = \"x86_64\"\nsha256 = \"0\"",
    ] {
        world.sandbox.write("home/containai.toml", &format!("version = 1\n{lines}\n"));
        for call in [&["validate"][..], &["--json", "validate"], &["plan"], &["--json", "doctor"]] {
            let ran = searched(&world, call, ONE);
            assert_eq!(ran.status.code(), Some(3), "{lines}: {ran}");
        }
    }
}

fn a_plan_shows_that_a_secret_changes_and_lima_gets_it() {
    let world = FakeWorld::new(FILE);
    cai(&world, &["apply", "--yes"], ONE).success();
    assert!(cai(&world, &["plan"], ONE).success().contains("No changes."));
    // Comments that cai did not write stay in the VM's file.
    world.change(|world| {
        let instance = world.instances.get_mut("containai-secure").unwrap();
        instance.yaml = instance.yaml.replace("containerd:", "# mine\ncontainerd:");
    });
    let plan = searched(&world, &["plan"], TWO);
    let plan = plan.success();
    assert!(plan.contains("- FROM_ENV: (sensitive value)\n"), "{plan}");
    assert!(plan.contains("+ FROM_ENV: (sensitive value, changed)\n"), "{plan}");
    assert!(plan.contains("  MARKED: (sensitive value)\n"), "{plan}");
    let markdown = searched(&world, &["plan", "--markdown"], TWO);
    let line = "\n+   FROM_ENV: (sensitive value, changed)\n";
    assert!(markdown.success().contains(line), "{markdown}");
    let json: serde_json::Value =
        serde_json::from_str(searched(&world, &["--json", "plan"], TWO).success()).unwrap();
    let vm = &json["resource_changes"][1];
    assert_eq!(vm["sensitive"], serde_json::json!(["/env/FROM_ENV", "/env/MARKED"]));
    assert_eq!(vm["changed"], serde_json::json!(["env"]));
    assert_eq!(vm["after"]["env"]["MODE"], "shown");
    searched(&world, &["apply", "--yes"], TWO).success();
    let world = world.world();
    let yaml = &world.instances["containai-secure"].yaml;
    let keys: serde_json::Value = serde_yaml::from_str(yaml).unwrap();
    assert_eq!(keys["env"]["FROM_ENV"], TWO);
    assert_eq!(keys["env"]["MARKED"], "n33dle \"it's\" n33dle\\x");
    assert!(yaml.starts_with("# Managed by cai") && yaml.contains("# mine\n"), "{yaml}");
}

fn a_variable_that_left_the_file_is_not_shown() {
    let world = FakeWorld::new(FILE);
    cai(&world, &["apply", "--yes"], ONE).success();
    let without = FILE.lines().filter(|line| !line.starts_with("FROM_ENV"));
    let without: Vec<&str> = without.collect();
    world.sandbox.write("home/containai.toml", &without.join("\n"));
    for call in [&["plan"][..], &["--json", "plan"], &["doctor"], &["apply", "--yes"]] {
        searched(&world, call, "");
    }
    let yaml = &world.world().instances["containai-secure"].yaml;
    assert!(!yaml.contains("FROM_ENV"), "{yaml}");
}

fn a_secret_that_is_a_word_of_json_leaves_it_json() {
    let with = |lines: &str| format!("version = 1\n[vm]\ncpus = 2\n[vm.env]\n{lines}");
    let marked = "FLAG = { value = \"true\", sensitive = true }\nformat_version = { value = \"1000\", sensitive = true }\n";
    let world = FakeWorld::new(&with(&format!("DEBUG = \"null\"\n{marked}")));
    for round in 0..3 {
        for call in [
            &["validate"][..],
            &["plan"],
            &["status"],
            &["doctor"],
            &["render"],
            &["graph"],
            &["explain"],
            &["schema"],
            &["simulate", "list"],
            &["--simulate=sim", "plan"],
            &["--simulate=sim", "apply", "--yes"],
            &["--simulate=sim", "simulate", "show"],
            &["apply", "--yes"],
        ] {
            // In the last round, the VM matches the file.
            if round == 0 && call.first() == Some(&"apply") {
                continue;
            }
            let ran = cai(&world, &[&["--json"], call].concat(), "");
            if call.contains(&"apply") {
                assert!(documents::report(&ran)["format_version"].is_number(), "{ran}");
                continue;
            }
            let json: serde_json::Value =
                serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
            if call == ["plan"] {
                assert!(json["format_version"].is_number(), "{ran}");
            }
        }
        if round == 0 {
            cai(&world, &["apply", "--yes"], "").success();
            world.sandbox.write("home/containai.toml", &with(marked));
        }
    }
}

fn a_private_key_in_a_text_is_not_shown() {
    let file = |key: &str| {
        format!("version = 1\n[vm]\ncpus = 2\n[vm.lima]\nmessage = '''\nlook:\n{key}\n'''\n")
    };
    let world = FakeWorld::new(&file(KEY));
    let created = searched(&world, &["plan"], "");
    assert!(created.success().contains("[redacted]"), "{created}");
    cai(&world, &["apply", "--yes"], "").success();
    // Only the middle of the key differs.
    world.sandbox.write("home/containai.toml", &file(&KEY.replacen("key\n", "other\n", 1)));
    let plan = searched(&world, &["plan"], "");
    let plan = plan.success();
    assert!(plan.contains("- ") && plan.matches("[redacted]").count() > 1, "{plan}");
}

fn a_secret_is_on_no_command_line() {
    let world = FakeWorld::new(FILE);
    cai(&world, &["apply", "--yes"], ONE).success();
    // Only its mark shows that this value is secret.
    let marked = |key: &str| {
        let line = format!("KEY = {{ value = \"{key}\", sensitive = true }}");
        world.sandbox.write("home/containai.toml", &format!("version = 1\n[vm.env]\n{line}\n"));
        cai(&world, &["apply", "--yes"], "").success();
    };
    marked(ONE);
    marked(TWO);
    world.sandbox.write("home/containai.toml", &FILE.replace("n33dle-proxy", "n33dle-other"));
    cai(&world, &["apply", "--yes"], TWO).success();
    let calls = world.calls();
    assert!(calls.iter().any(|call| call.contains("--tty=true edit")), "{calls:#?}");
    assert!(calls.iter().any(|call| call.contains("write-daemon-json")), "{calls:#?}");
    for call in calls {
        assert!(NEEDLES.iter().all(|needle| !call.contains(needle)), "{call}");
    }
}

fn a_variable_that_is_not_set_is_named_where_it_matters() {
    let world = FakeWorld::new(FILE);
    for call in
        [&["plan"][..], &["apply", "--yes"], &["setup", "--force"], &["status"], &["doctor"]]
    {
        let ran = searched(&world, call, "");
        let told = ran.fails_with(3);
        assert!(told.contains("the environment variable CAI_TEST_KEY is not set"), "{ran}");
        assert!(told.contains("containai.toml:11:20"), "{ran}");
    }
    for call in
        [&["validate"][..], &["graph"], &["render"], &["destroy"], &["--simulate=s", "plan"]]
    {
        searched(&world, call, "").success();
    }
    let yaml = searched(&world, &["render"], "");
    assert!(yaml.success().contains("FROM_ENV: (sensitive value)"), "{yaml}");
}

/// A file whose secrets come from a program and from a file outside the home directory.
fn from_outside(world: &FakeWorld) -> String {
    world.sandbox.write("token", "n33dle-token\n");
    let password = "echo >>\"$HOME/runs\"; echo 'n33dle@/ \"'\n";
    world.sandbox.fake_program("get-secret", password);
    format!(
        "version = 1\n[vm.env]\nTOKEN = {{ file = \"{}\" }}\n[proxy]\nhttps = \"http://localhost:3128\"\n\
         username = \"me\"\npassword = {{ command = [\"get-secret\", \"proxy\"] }}\n",
        world.sandbox.path("token").display()
    )
}

fn a_proxy_with_a_password_from_a_program_does_not_show_it() {
    let world = FakeWorld::new("");
    world.sandbox.write("home/containai.toml", &from_outside(&world));
    let runs = || fs::read_to_string(world.sandbox.path("home/runs")).unwrap_or_default().len();
    for call in [&["validate"][..], &["graph"], &["render"], &["--simulate=s", "plan"]] {
        searched(&world, call, "").success();
    }
    assert_eq!(runs(), 0, "a command that compares nothing ran the program");
    for call in [&["plan"][..], &["status"], &["doctor"], &["env", "--containers"]] {
        let told = searched(&world, call, "");
        assert!(
            told.fails_with(3).contains("the command get-secret may not be used yet"),
            "{told}"
        );
    }
    assert_eq!(runs(), 0, "a program ran before it was allowed");
    // A file of the directory needs no consent, unless it is a link to another place.
    let token = |path: &str| format!("version = 1\n[vm.env]\nTOKEN = {{ file = {path:?} }}\n");
    let file = from_outside(&world);
    world.sandbox.write("home/token", "public\n");
    world.sandbox.write("home/containai.toml", &token("./token"));
    cai(&world, &["plan"], "").success();
    fs::remove_file(world.sandbox.path("home/token")).unwrap();
    std::os::unix::fs::symlink(world.sandbox.path("token"), world.sandbox.path("home/token"))
        .unwrap();
    cai(&world, &["plan"], "").fails_with(3);
    fs::remove_file(world.sandbox.path("home/token")).unwrap();
    world.sandbox.write("home/containai.toml", &file);
    let allow = cai(&world, &["allow"], "");
    assert!(allow.fails_with(4).contains("confirmation needs a terminal"), "{allow}");
    cai(&world, &["allow", "--yes"], "").success();
    searched(&world, &["plan", "--out", "next.plan"], "").success();
    assert_eq!(runs(), 1);
    for call in [
        &["apply", "--yes", "--verbose"][..],
        &["--json", "plan"],
        &["status"],
        &["doctor"],
        &["doctor", "--bundle", "b.tar.gz"],
    ] {
        searched(&world, call, "");
    }
    assert!(cai(&world, &["plan"], "").success().contains("No changes."));
    let guest = world.world().instances["containai-secure"].guest.clone().unwrap();
    let url = "http://me:n33dle%40%2F%20%22@host.lima.internal:3128";
    assert!(guest.files["/etc/cai/proxy.env"].text.contains(&format!("HTTPS_PROXY=\"{url}\"\n")));
    let yaml: serde_json::Value =
        serde_yaml::from_str(&world.world().instances["containai-secure"].yaml).unwrap();
    assert_eq!(yaml["env"]["https_proxy"], url);
    assert_eq!(yaml["env"]["TOKEN"], "n33dle-token");
    assert_eq!(yaml["propagateProxyEnv"], false);
    // Only this command prints it.
    let shown = cai(&world, &["env", "--containers"], "");
    assert!(shown.success().contains(&format!("https_proxy={url}\n")), "{shown}");

    // The allowance includes the files that the arguments name.
    let file = from_outside(&world);
    world.sandbox.write("home/script", "echo n33dle-script\n");
    let with_script = file.replace("[\"get-secret\", \"proxy\"]", "[\"sh\", \"./script\"]");
    world.sandbox.write("home/containai.toml", &with_script);
    cai(&world, &["plan"], "").fails_with(3);
    cai(&world, &["allow", "--yes"], "").success();
    fs::rename(world.sandbox.path("home/script"), world.sandbox.path("script")).unwrap();
    fs::copy(world.sandbox.path("script"), world.sandbox.path("home/script")).unwrap();
    cai(&world, &["plan"], "").success();
    world.sandbox.write("home/script", "echo changed\n");
    cai(&world, &["plan"], "").fails_with(3);
    fs::remove_file(world.sandbox.path("home/script")).unwrap();
    world.sandbox.write("home/containai.toml", &file);
    cai(&world, &["allow", "--yes"], "").success();

    // Another password is a change, and the output of a program that fails is not shown.
    world.sandbox.fake_program("get-secret", "echo n33dle-other");
    let plan = searched(&world, &["plan"], "");
    assert!(plan.success().contains("~ proxy.guest"), "{plan}");
    for (script, why) in [
        (
            "echo n33dle; echo 'sign in first' >&2; exit 1",
            "get-secret failed with exit status 1: sign in first",
        ),
        (
            "echo n33dle; echo n33dle",
            "the value of the command get-secret contains a control character",
        ),
    ] {
        world.sandbox.fake_program("get-secret", script);
        let plan = searched(&world, &["plan"], "");
        let told = plan.fails_with(3).replace("\n  ", " ");
        assert!(told.contains(why) && told.contains("containai.toml:7:24"), "{plan}");
    }
    let nosuch = from_outside(&world).replace("get-secret", "nosuch");
    world.sandbox.write("home/containai.toml", &nosuch);
    cai(&world, &["allow", "--yes"], "").success();
    let plan = searched(&world, &["plan"], "");
    assert!(plan.fails_with(3).contains("the program nosuch is not on PATH"), "{plan}");
    fs::remove_file(world.sandbox.path("token")).unwrap();
    let plan = searched(&world, &["plan"], "");
    assert!(plan.fails_with(3).contains("token does not exist"), "{plan}");
}
