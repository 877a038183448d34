//! Displays a world for a person.

use std::fmt;

use super::guest::Guest;
use super::instance::Instance;
use super::log::timestamp;
use super::world::World;

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let computer = &self.computer;
        let os = match computer.platform.os {
            crate::host::Os::MacOs => "macOS",
            crate::host::Os::Linux => "Linux",
        };
        writeln!(f, "{os} on {}, at {}", computer.platform.arch, timestamp(self.clock))?;
        let programs: Vec<String> =
            computer.programs.iter().map(|(name, version)| format!("{name} {version}")).collect();
        line(f, "programs", &programs.join(", "))?;
        for path in computer.installed.keys() {
            line(f, "installed", &path.display().to_string())?;
        }
        for (name, instance) in &self.instances {
            writeln!(f, "VM {name}: {}", instance.status())?;
            instance.show(f)?;
        }
        let contexts = self.contexts.values().filter_map(|text| {
            let meta: serde_json::Value = serde_json::from_str(text).ok()?;
            let host = meta["Endpoints"]["docker"]["Host"].as_str()?;
            Some((meta["Name"].as_str()?.to_owned(), host.to_owned()))
        });
        for (name, host) in contexts {
            writeln!(f, "Docker context {name}: {host}")?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "  {name:15} {value}")
}

impl Instance {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(guest) = &self.guest else {
            return line(f, "guest", "never started");
        };
        let names = |gids: &std::collections::BTreeSet<u32>| {
            let names: Vec<String> = gids.iter().map(|gid| guest.group_name(*gid)).collect();
            names.join(", ")
        };
        let session = self.master.as_ref().map(|session| names(&session.groups));
        line(f, "session groups", &session.unwrap_or_else(|| "no connection".into()))?;
        let socket = match &self.docker_socket {
            None => "missing".to_owned(),
            Some(socket) if !socket.permitted => "not permitted".into(),
            Some(socket) => match &socket.carried_by {
                Some(groups) => format!("forwarded with the groups {}", names(groups)),
                None => "stale".into(),
            },
        };
        line(f, "host socket", &socket)?;
        if let Some(machine) = &guest.machine {
            let mebibytes = machine.memory >> 20;
            line(f, "machine", &format!("{} processors, {mebibytes} MiB", machine.cpus))?;
        }
        guest.show(f)
    }
}

impl Guest {
    fn group_name(&self, gid: u32) -> String {
        let group = self.groups.iter().find(|(_, group)| group.gid == gid);
        group.map_or_else(|| gid.to_string(), |(name, _)| name.clone())
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packages: Vec<String> =
            self.packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
        line(f, "packages", &packages.join(", "))?;
        for (name, unit) in &self.units {
            line(f, name, &format!("{}, {}", unit.active, unit.enabled))?;
        }
        let socket =
            self.socket.map_or("missing".into(), |gid| format!("group {}", self.group_name(gid)));
        line(f, "guest socket", &socket)?;
        line(f, "runtimes", &self.runtimes().join(", "))?;
        line(f, "default", &self.default_runtime())?;
        for container in &self.containers {
            let state = if container.running { "running" } else { "stopped" };
            line(
                f,
                "container",
                &format!("{} is {state} ({})", container.name, container.runtime),
            )?;
        }
        Ok(())
    }
}
