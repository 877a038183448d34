//! The names of containers, services and volumes in Docker and Compose.

use super::text::checked_text;

checked_text!(
    /// The name of a container, by Docker's rules.
    ContainerName, "a container name", broken_container,
    r"^[A-Za-z0-9][A-Za-z0-9_.-]+$"
);

checked_text!(
    /// The name of a service in a Compose file, by Compose's rules. It cannot start with `-`, so
    /// that a command does not read it as an option.
    ServiceName, "a service name", broken_service,
    r"^[A-Za-z0-9._][A-Za-z0-9._-]*$"
);

checked_text!(
    /// The source of a mount: the name of a volume, or a path on the engine's machine.
    VolumeSource, "a volume", broken_volume,
    r"^([A-Za-z0-9][A-Za-z0-9_.-]+|/[^:$\u0000-\u001f\u007f-\u009f]*)$"
);

checked_text!(
    /// How to check that a container is healthy: `container` for its own health check, or a URL
    /// that this machine requests.
    HealthCheck, "a health check", broken_health,
    r"^(container|https?://[^\s\u0000-\u001f\u007f-\u009f]+)$"
);

impl HealthCheck {
    /// The URL, if the check is a URL.
    pub fn url(&self) -> Option<&str> {
        (self.as_str() != "container").then_some(self.as_str())
    }
}

impl VolumeSource {
    /// Whether the source is a path, not the name of a volume.
    pub fn is_path(&self) -> bool {
        self.as_str().starts_with('/')
    }
}

fn is_docker_name(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(rest)
}

fn broken_container(name: &str) -> Option<&'static str> {
    (!is_docker_name(name)).then_some(
        r#"use at least 2 letters, digits, "_", "." and "-", starting with a letter or digit"#,
    )
}

fn broken_service(name: &str) -> Option<&'static str> {
    let rest = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let well_formed = !name.is_empty() && !name.starts_with('-') && name.chars().all(rest);
    (!well_formed).then_some(r#"use letters, digits, "_", "." and "-", not starting with "-""#)
}

fn broken_volume(source: &str) -> Option<&'static str> {
    // Compose reads a colon as the end of the path and a dollar sign as the start of a variable.
    let is_path = source.starts_with('/')
        && !source.contains([':', '$'])
        && !source.chars().any(char::is_control);
    (!is_path && !is_docker_name(source)).then_some(
        r#"write the name of a volume, or an absolute path on the engine's machine without ":" or "$""#,
    )
}

fn broken_health(check: &str) -> Option<&'static str> {
    let is_url = ["http://", "https://"].iter().any(|scheme| {
        check.strip_prefix(scheme).is_some_and(|rest| {
            !rest.is_empty() && !rest.chars().any(|c| c.is_whitespace() || c.is_control())
        })
    });
    (check != "container" && !is_url).then_some(
        r#"write "container" for the container's own health check, or an http:// or https:// URL"#,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::check;

    #[test]
    fn containers_and_services_are_named_by_dockers_and_composes_rules() {
        let refused = ["", "-a", "a b", "a/b", "é", "a\n", "$(id)"];
        check::<ContainerName>(&["sutazai-mcp-manager", "a1", "0_.-"], &refused);
        check::<ContainerName>(&[], &["a", ".a", "_a"]);
        check::<ServiceName>(&["mcp-manager", "a", "_a", ".a"], &refused);
    }

    #[test]
    fn a_volume_has_a_name_or_a_path() {
        check::<VolumeSource>(
            &["mcp-docker-socket", "/run/docker.sock", "/", "/a b"],
            &["", "a", "./a", "~/a", "/a:ro", "/a\n"],
        );
        assert!("/run".parse::<VolumeSource>().unwrap().is_path());
    }

    #[test]
    fn a_health_check_is_the_containers_or_a_url() {
        check::<HealthCheck>(
            &["container", "http://localhost:18081/health", "https://a"],
            &["", "Container", "http://", "ftp://a", "http://a b", "localhost:80"],
        );
        assert_eq!("container".parse::<HealthCheck>().unwrap().url(), None);
    }
}
