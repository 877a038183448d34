//! A project with an indirect configuration: variables from a file that is named on the command
//! line, a directory other than the Compose file's, anchors, `extends`, a profile, two files, and a
//! container without an explicit name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Case, Setting};
use super::compose::Composer;
use super::daemon::GROUP;
use super::image::{Image, ensure};
use crate::cli::fake;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    Composer::trials(
        "project",
        "a_service_is_made_anew_with_all_that_made_it",
        a_service_is_made_anew_with_all_that_made_it,
    )
}

/// `base` gives the manager its mount and a group. It is not started.
const FILE: &str = r#"
x-common: &common
  image: ${IMAGE}
  network_mode: none
  stop_signal: SIGKILL
services:
  base:
    <<: *common
    profiles: [never]
    group_add: ["7"]
    volumes: ["sock:/var/run:${MODE:-rw}"]
  manager:
    <<: *common
    extends: {service: base}
    profiles: [tools]
    environment: {KEPT: "${KEPT}", NOT: "$${KEPT}"}
    volumes: ["./data:/data"]
  other:
    <<: *common
    depends_on: [third]
  third:
    <<: *common
volumes:
  sock:
    driver_opts: {type: none, o: bind, device: "${SOCKETS}"}
"#;

fn a_service_is_made_anew_with_all_that_made_it(composer: Composer) {
    let image = Image::manager(GROUP, false);
    // A case provides the machine. Its own container does not change.
    let case = Case::new(&Setting::new(Image::manager(GROUP, true)));
    let (daemon, sandbox) = (case.daemon, &case.sandbox);
    composer.equip(sandbox);
    let project = format!("odd_{}", composer.name());
    for directory in ["home/app", "home/app/docker", "home/app/data"] {
        sandbox.directory(directory);
    }
    sandbox.write("home/app/docker/compose.yml", FILE);
    let more = "services:\n  manager:\n    labels: {more: \"1\"}\n";
    sandbox.write("home/app/docker/more.yml", more);
    let sockets = daemon.path("shared").display().to_string();
    let image = ensure(daemon, image);
    let variables = format!("IMAGE={image}\nMODE=ro\nKEPT=a b\nSOCKETS={sockets}\n");
    sandbox.write("home/app/prod.env", &variables);
    let path = |relative: &str| sandbox.path(relative).to_str().unwrap().to_owned();
    let (first, second) = (path("home/app/docker/compose.yml"), path("home/app/docker/more.yml"));
    let (directory, variables) = (path("home/app"), path("home/app/prod.env"));
    let options = [
        ["--project-directory", &directory],
        ["--env-file", &variables],
        ["-p", &project],
        ["--profile", "tools"],
        ["-f", &first],
        ["-f", &second],
    ];
    composer.up(daemon, sandbox, &options.concat());
    let separator = if composer == Composer::Plugin { "-" } else { "_" };
    let named = |service: &str| format!("{project}{separator}{service}{separator}1");
    let manager = named("manager");
    // The file can name either of the two files. This one does not contain the mount.
    let entry = format!(
        "[[socket_clients]]\ncontainer = \"{manager}\"\nuser = \"mcp\"\nuid = 1001\n\
         mode = \"rw\"\ncompose_file = \"./app/docker/more.yml\"\nservice = \"manager\"\n"
    );
    sandbox.write("home/containai.toml", &format!("{}{entry}", fake::FILE));
    let config = |format: &str| -> Value {
        let text = daemon.docker(&["inspect", "--format", format, &manager]);
        serde_json::from_str(&text).unwrap()
    };
    let binds = "{{json .HostConfig.Binds}}";
    // Compose does not guarantee the order.
    let environment = || {
        let variables = config("{{json .Config.Env}}");
        let lines = variables.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned());
        lines.collect::<BTreeSet<_>>()
    };
    let (env, labels) = (environment(), config("{{json .Config.Labels}}"));
    let others = || ["other", "third"].map(|service| case.identity(&named(service)));
    let before = others();
    let doctor = sandbox.cai(&["doctor"]);
    println!("{doctor}\n");
    assert!(doctor.stdout.contains("error client_user_not_in_group"), "{doctor}");
    let ran = sandbox.cai(&["doctor", "--fix", "--yes"]);
    println!("{ran}\n");
    assert!(ran.success().starts_with("Healthy."), "{ran}");
    assert_eq!(others(), before, "another service was touched");
    assert_eq!(environment(), env);
    assert_eq!(config("{{json .Config.Labels}}")["more"], labels["more"]);
    assert_eq!(config("{{json .HostConfig.GroupAdd}}"), serde_json::json!(["7", "2375"]));
    let mounts = format!("{}{}", config(binds), config("{{json .Mounts}}"));
    assert!(mounts.contains(&path("home/app/data")), "{mounts}");
    assert!(mounts.contains(&format!("{project}_sock")), "{mounts}");
    assert!(!mounts.contains("\"RW\":false"), "{mounts}");
    // A stopped container is started without changes.
    daemon.docker(&["stop", &manager]);
    let id = daemon.docker(&["inspect", "--format", "{{.Id}}", &manager]);
    let ran = sandbox.cai(&["doctor", "--fix", "--yes"]);
    assert!(ran.success().starts_with("Healthy."), "{ran}");
    assert_eq!(daemon.docker(&["inspect", "--format", "{{.Id}}", &manager]), id, "{ran}");
    let again = sandbox.cai(&["plan"]);
    assert!(again.success().starts_with("No changes."), "{again}");
    let all = ["manager", "other", "third"].map(named);
    let words = ["rm", "--force", "--volumes"].into_iter().chain(all.iter().map(String::as_str));
    daemon.docker(&words.collect::<Vec<_>>());
}
