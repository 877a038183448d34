use super::*;

/// Output of Docker 20.10 for a container that docker-compose 1.29.2 created, shortened.
const INSPECTED: &str = r#"[{"Id": "872c99e0233c", "Name": "/manager", "RestartCount": 4,
  "State": {"Status": "running", "ExitCode": 0, "Error": "", "StartedAt": "2026-11-21T07:47:00Z"},
  "HostConfig": {"GroupAdd": null, "PidMode": "", "Runtime": "runc"},
  "Mounts": [{"Type": "bind", "Source": "/srv/run", "Destination": "/var/run", "RW": false},
    {"Type": "volume", "Name": "dind_data", "Source": "/v", "Destination": "/data", "RW": true}],
  "Config": {"User": "mcp", "Labels": {"com.docker.compose.project": "dind",
    "com.docker.compose.service": "m", "com.docker.compose.project.working_dir": "/srv/dind",
    "com.docker.compose.project.config_files": "a.yml,/srv/dind/b.yml",
    "com.docker.compose.project.environment_file": "/srv/prod.env"}}}]"#;

fn container() -> Inspected {
    Inspected::parse(INSPECTED).unwrap().remove("manager").unwrap()
}

#[test]
fn a_container_is_read_with_what_is_null_as_nothing() {
    let container = container();
    assert!(container.state.runs() && container.state.health.is_none());
    assert_eq!(container.state.restarts, 4);
    assert!(container.group_add.is_empty() && !container.host_pids);
    let compose = container.compose.unwrap();
    assert_eq!((compose.project.as_str(), compose.service.as_str()), ("dind", "m"));
    assert_eq!(compose.files, [Path::new("/srv/dind/a.yml"), Path::new("/srv/dind/b.yml")]);
    assert_eq!(compose.directory.as_deref(), Some(Path::new("/srv/dind")));
    assert_eq!(compose.env_files, [Path::new("/srv/prod.env")]);
    assert!(Inspected::parse("[]").unwrap().is_empty());
}

#[test]
fn what_compose_made_is_read_line_by_line() {
    let text =
        "proj-m-2\t2\tproj\tm\t/p/a.yml,/p/b.yml\t/p\nproj_m_1\t1\tproj\tm\ta.yml\t/p\nodd\n";
    let made = MadeContainer::parse(text);
    let names: Vec<_> = made.iter().map(|it| (it.name.as_str(), it.number)).collect();
    assert_eq!(names, [("proj-m-2", 2), ("proj_m_1", 1)]);
    assert_eq!(made[0].labels.files, [Path::new("/p/a.yml"), Path::new("/p/b.yml")]);
    assert_eq!(made[1].labels.files, [Path::new("/p/a.yml")]);
    assert_eq!((made[1].labels.project.as_str(), made[1].labels.service.as_str()), ("proj", "m"));
}

#[test]
fn a_path_lies_in_the_nearest_mount_whatever_run_is_called() {
    let container = container();
    let mount = |path| container.mount_of(path).map(MountSeen::what);
    assert_eq!(mount("/var/run/docker.sock"), Some("/srv/run"));
    assert_eq!(mount("/run/docker.sock"), Some("/srv/run"));
    assert_eq!(mount("/data/docker.sock"), Some("dind_data"));
    assert_eq!(mount("/var/running/docker.sock"), None);
}
