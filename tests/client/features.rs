//! Services that several files describe. `cai` creates each one in the first run, and the next plan
//! is empty.

use serde_json::{Value, json};

use super::case::{Case, Setting};
use super::compose::Composer;
use super::daemon::GROUP;
use super::image::Image;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    // Each Compose prints these services in its own way.
    let both = Composer::ALL;
    let plugin = [Composer::Plugin];
    let trials = [
        of(&both, "a_group_by_a_variable_is_not_repeated", a_group_by_a_variable_is_not_repeated),
        of(&both, "a_group_by_extends_is_not_repeated", a_group_by_extends_is_not_repeated),
        of(&both, "the_default_override_is_included", the_default_override_is_included),
        of(&plugin, "a_read_only_mount_is_no_drift", a_read_only_mount_is_no_drift),
        of(&plugin, "a_container_is_found_by_its_labels", a_container_is_found_by_its_labels),
        of(&plugin, "what_compose_refuses_is_quoted", what_compose_refuses_is_quoted),
    ];
    // Compose 1 has no `include`.
    let included = "a_service_that_is_included_is_accepted";
    let included = of(&plugin, included, a_service_that_is_included_is_accepted);
    trials.into_iter().flatten().chain(included.into_iter().skip(1)).collect()
}

fn of(chosen: &[Composer], name: &str, run: fn(Composer)) -> Vec<libtest_mimic::Trial> {
    Composer::trials_of(chosen, "features", name, run)
}

/// A project of one service, whose container does not exist.
struct Project {
    case: Case,
    composer: Composer,
    image: String,
}

/// A project in a separate directory, with these lines in its entry of the `containai.toml`.
fn project(composer: Composer, file: &str, lines: &str) -> Project {
    let case = Case::new(&Setting::new(Image::manager(GROUP, false)));
    case.daemon.docker(&["rm", "--force", &case.name]);
    composer.equip(&case.sandbox);
    let image = super::image::ensure(case.daemon, Image::manager(GROUP, false));
    let entry = format!("compose_file = \"./{}/{file}\"\nservice = \"manager\"\n", case.name);
    case.declare(&format!("{entry}{lines}"));
    Project { case, composer, image }
}

impl Project {
    /// Writes a file of the project, with `IMAGE`, `SOCKETS` and `NAME` replaced.
    fn write(&self, file: &str, text: &str) {
        let sockets = self.case.daemon.path("shared").display().to_string();
        let text = text.replace("IMAGE", &self.image).replace("SOCKETS", &sockets);
        let text = text.replace("NAME", &self.case.name);
        self.case.sandbox.write(&self.case.compose_file(file), &text);
    }

    /// A part of `docker inspect` of a container.
    #[track_caller]
    fn inspect(&self, name: &str, format: &str) -> Value {
        let text = self.case.daemon.docker(&["inspect", "--format", format, name]);
        serde_json::from_str(&text).unwrap()
    }

    fn container(&self) -> String {
        let separator = if self.composer == Composer::Plugin { "-" } else { "_" };
        format!("{}{separator}manager{separator}1", self.case.name)
    }

    fn remove(&self, name: &str) {
        self.case.daemon.docker(&["rm", "--force", "--volumes", name]);
    }
}

const SERVICE: &str = "version: \"3.8\"\nservices:\n  manager:\n    image: IMAGE\n    container_name: NAME\n    \
                       network_mode: none\n    stop_signal: SIGKILL\n    volumes: [\"SOCKETS:/var/run:ro\"]\n";

fn a_read_only_mount_is_no_drift(composer: Composer) {
    let project = project(composer, "dind.yml", "");
    project.write("dind.yml", SERVICE);
    project.case.apply_mends();
    assert!(project.case.connects());
    let mounts = project.inspect(&project.case.name, "{{json .Mounts}}");
    assert_eq!(mounts[0]["RW"], false, "{mounts}");
    // The container has the declared mode from the start.
    project.remove(&project.case.name);
    let path =
        format!("compose_file = \"./{}/dind.yml\"\nservice = \"manager\"\n", project.case.name);
    project.case.declare(&format!("{path}mode = \"rw\"\n"));
    project.case.apply_mends();
    let mounts = project.inspect(&project.case.name, "{{json .Mounts}}");
    assert_eq!(mounts[0]["RW"], true, "{mounts}");
}

fn a_group_by_a_variable_is_not_repeated(composer: Composer) {
    let project = project(composer, "dind.yml", "");
    project
        .write("dind.yml", &format!("{SERVICE}    group_add: [\"${{DOCKER_GID:-999}}\", \"7\"]\n"));
    project.write(".env", "DOCKER_GID=2375\n");
    project.case.apply_mends();
    assert!(project.case.connects());
    let groups = || project.inspect(&project.case.name, "{{json .HostConfig.GroupAdd}}");
    assert_eq!(groups(), json!(["2375", "7"]));
    assert!(!project.case.sandbox.path(project.case.compose_file("dind.cai.yml")).exists());
    // With another gid, the override adds the missing group. With the first gid, it drops it again.
    project.write(".env", "DOCKER_GID=998\n");
    project.remove(&project.case.name);
    project.case.apply_mends();
    assert_eq!(groups().as_array().unwrap().len(), 3, "{}", groups());
    project.write(".env", "DOCKER_GID=2375\n");
    project.remove(&project.case.name);
    project.case.apply_mends();
    assert!(project.case.connects());
}

fn a_group_by_extends_is_not_repeated(composer: Composer) {
    let project = project(composer, "dind.yml", "");
    project
        .write("dind.yml", &format!("{SERVICE}    extends: {{file: base.yml, service: base}}\n"));
    let base =
        "version: \"3.8\"\nservices:\n  base:\n    image: IMAGE\n    group_add: [\"2375\"]\n";
    project.write("base.yml", base);
    project.case.apply_mends();
    assert!(project.case.connects());
}

fn a_container_is_found_by_its_labels(composer: Composer) {
    let project = project(composer, "dind.yml", "health = \"container\"\n");
    project.write("dind.yml", &SERVICE.replace("    container_name: NAME\n", ""));
    let name = project.container();
    let ran = project.case.apply_mends();
    assert!(ran.stderr.contains("is healthy ... done"), "{ran}");
    project.composer.made(project.case.daemon, &name);
    // A broken container has Compose's name, and is repaired in place.
    project.case.daemon.docker(&["stop", &name]);
    let plan = project.case.plan();
    assert!(plan.success().contains(&format!("{name} is not running")), "{plan}");
    project.case.apply_mends();
    let id = project.inspect(&name, "{{json .Id}}");
    // The container's name is optional in the file.
    let text = std::fs::read_to_string(project.case.sandbox.path("home/containai.toml")).unwrap();
    let line = format!("container = \"{}\"\n", project.case.name);
    assert!(text.contains(&line), "{text}");
    project.case.sandbox.write("home/containai.toml", &text.replace(&line, ""));
    assert!(project.case.plan().success().starts_with("No changes."), "{}", project.case.plan());
    assert_eq!(project.inspect(&name, "{{json .Id}}"), id);
    // The project's default name is optional, too.
    project.remove(&name);
    let file = project.case.sandbox.path(project.case.compose_file("dind.yml"));
    let other = format!("x{}", project.case.name);
    let options = ["-p", &other, "-f", file.to_str().unwrap()];
    project.composer.up(project.case.daemon, &project.case.sandbox, &options);
    let name = format!("x{name}");
    let plan = project.case.plan();
    assert!(plan.success().contains(&format!("recreates 1 container: {name}")), "{plan}");
    project.case.apply_mends();
    project.remove(&name);
}

fn the_default_override_is_included(composer: Composer) {
    let project = project(composer, "docker-compose.yml", "mode = \"rw\"\n");
    project.write("docker-compose.yml", SERVICE);
    let more = "version: \"3.8\"\nservices:\n  manager:\n    labels: {more: \"1\"}\n    volumes: [\"SOCKETS:/var/run:ro\"]\n";
    project.write("docker-compose.override.yml", more);
    project.case.apply_mends();
    let labels = || project.inspect(&project.case.name, "{{json .Config.Labels}}");
    assert_eq!(labels()["more"], "1");
    // cai's override is the last file.
    let mounts = project.inspect(&project.case.name, "{{json .Mounts}}");
    assert_eq!(mounts[0]["RW"], true, "{mounts}");
    let files = labels()["com.docker.compose.project.config_files"].as_str().unwrap().to_owned();
    assert!(files.ends_with("docker-compose.cai.yml"), "{files}");
    // After the default override is deleted, the container can still be recreated.
    let file = project.case.compose_file("docker-compose.override.yml");
    std::fs::remove_file(project.case.sandbox.path(file)).unwrap();
    project.case.daemon.docker(&["stop", &project.case.name]);
    project.case.apply_mends();
    assert_eq!(labels().get("more"), None);
}

fn a_service_that_is_included_is_accepted(composer: Composer) {
    let project = project(composer, "compose.yaml", "");
    project.write("compose.yaml", "include: [part/dind.yml]\n");
    let directory = project.case.compose_file("part");
    project.case.sandbox.directory(&directory);
    project.write("part/dind.yml", SERVICE);
    project.case.apply_mends();
    assert!(project.case.connects());
}

fn what_compose_refuses_is_quoted(composer: Composer) {
    let project = project(composer, "dind.yml", "");
    let refused = |words: &str| {
        let ran = project.case.sandbox.cai(&["apply", "--yes"]);
        let said = ran.fails_with(1).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("dind.yml") && said.contains(words), "{words:?}: {ran}");
        assert!(!said.contains("hunter2"), "a secret is shown: {ran}");
    };
    refused("the file does not exist");
    let secret = "    environment: {PASSWORD: hunter2}\n";
    project.write("dind.yml", &format!("{SERVICE}{secret}").replace("  manager:", "  other:"));
    let plugin = composer == Composer::Plugin;
    refused(if plugin {
        "no such service: manager"
    } else {
        "the service manager does not exist; services: other"
    });
    project.write("dind.yml", &format!("{SERVICE}{secret}    nosuch: 1\n"));
    refused(if plugin {
        "Additional property nosuch is not allowed"
    } else {
        "Unsupported config option"
    });
    project.write("dind.yml", "services: [\n");
    refused("node content");
    project.write("dind.yml", &SERVICE.replace("IMAGE", "${IMG:?say which}"));
    refused("say which");
}
