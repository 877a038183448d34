//! `limactl disk`: the disks that survive their VMs.

use serde_json::json;

use super::yaml::bytes;
use super::{Job, LimactlResult};
use crate::lima::{DISKS, Disk, Status};
use crate::simulate::guest::Store;
use crate::simulate::reply::Reply;
use crate::simulate::world::{self, World};

pub(super) fn disk(job: Job<'_>) -> LimactlResult {
    match job.arguments.words.first().map(String::as_str) {
        Some("create") => create(job),
        Some("list") => Ok(list(job)),
        Some("resize") => resize(job),
        Some("delete") => delete(job),
        other => {
            let verb = other.unwrap_or_default();
            Err(format!("the simulated limactl does not support `disk {verb}`"))
        }
    }
}

/// The names after the verb.
fn names<'a>(job: &Job<'a>) -> &'a [String] {
    job.arguments.words.get(1..).unwrap_or_default()
}

fn only<'a>(job: &Job<'a>) -> LimactlResult<&'a str> {
    match names(job) {
        [name] => Ok(name),
        names => Err(format!("accepts 1 arg(s), received {}", names.len())),
    }
}

fn size(job: &Job<'_>) -> LimactlResult<u64> {
    let size = job.arguments.value("--size");
    let size = size.ok_or_else(|| "required flag(s) \"size\" not set".to_owned())?;
    bytes(size).ok_or_else(|| format!("invalid size: '{size}'"))
}

fn create(job: Job<'_>) -> LimactlResult {
    let (name, size) = (only(&job)?, size(&job)?);
    if job.world.disks.contains_key(name) {
        let path = directory(job.world, name);
        return Err(format!("disk `{name}` already exists (`{path}`)"));
    }
    let text = job.arguments.value("--size").unwrap_or_default();
    job.log.info(&format!("Creating qcow2 disk `{name}` with size {text}"));
    job.world.disks.insert(name.to_owned(), world::Disk { size, stores: Vec::new() });
    job.world.pass(1);
    Ok(Reply::done())
}

fn list(job: Job<'_>) -> Reply {
    let mut reply = Reply::done();
    for name in names(&job).iter().filter(|name| !job.world.disks.contains_key(*name)) {
        job.log.warning(&format!("No disk matching {name} found."));
    }
    let is_named = |name: &&String| names(&job).is_empty() || names(&job).contains(name);
    for name in job.world.disks.keys().filter(is_named) {
        let disk = json!({
            "name": name,
            "size": job.world.disks[name].size,
            "format": "qcow2",
            "dir": directory(job.world, name),
            "instance": user(job.world, name).unwrap_or_default(),
            "mountPoint": format!("/mnt/lima-{name}"),
        });
        reply.stdout.extend([disk.to_string().as_str(), "\n"]);
    }
    reply
}

fn resize(job: Job<'_>) -> LimactlResult {
    let (name, size) = (only(&job)?, size(&job)?);
    let user = user(job.world, name);
    let Some(disk) = job.world.disks.get_mut(name) else {
        return Err(format!("disk `{name}` does not exists"));
    };
    if size < disk.size {
        return Err("specified size is less than the current disk size. Disk shrinking is currently unavailable".into());
    }
    if let Some(user) = user {
        return Err(format!(
            "cannot resize disk `{name}` used by running instance `{user}`. Please stop the VM instance"
        ));
    }
    disk.size = size;
    let path = directory(job.world, name);
    job.log.info(&format!("Resized disk `{name}` (`{path}`)"));
    job.world.pass(1);
    Ok(Reply::done())
}

fn delete(job: Job<'_>) -> LimactlResult {
    for name in names(&job) {
        if !job.world.disks.contains_key(name) {
            job.log.warning(&format!("Ignoring non-existent disk `{name}`"));
            continue;
        }
        if let Some(user) = user(job.world, name) {
            return Err(format!("cannot delete disk `{name}` in use by instance `{user}`"));
        }
        let path = directory(job.world, name);
        job.world.disks.remove(name);
        job.log.info(&format!("Deleted `{name}` (`{path}`)"));
        job.world.pass(1);
    }
    Ok(Reply::done())
}

fn directory(world: &World, disk: &str) -> String {
    world.computer.lima_home.join("_disks").join(disk).display().to_string()
}

/// The running instance with this disk.
fn user(world: &World, disk: &str) -> Option<String> {
    let mut running =
        world.instances.iter().filter(|(_, instance)| instance.status() != Status::Stopped);
    running
        .find(|(name, _)| attached(world, name).iter().any(|it| it == disk))
        .map(|it| it.0.clone())
}

/// The names of an instance's disks.
fn attached(world: &World, instance: &str) -> Vec<String> {
    let yaml = world.instances.get(instance).map(crate::simulate::instance::Instance::parsed);
    let disks = yaml.as_ref().and_then(|yaml| yaml.get(DISKS)?.as_array());
    let names = disks.into_iter().flatten().filter_map(Disk::named_by);
    names.map(str::to_owned).collect()
}

/// The disks of an instance that starts, with their data.
pub(super) fn attach(
    world: &mut World,
    instance: &str,
) -> LimactlResult<Vec<(String, Vec<Store>)>> {
    let mut disks = Vec::new();
    for name in attached(world, instance) {
        if let Some(user) = user(world, &name) {
            return Err(failed(&format!(
                "could not attach disk `{name}`: in use by instance `{user}`"
            )));
        }
        let Some(disk) = world.disks.get_mut(&name) else {
            return Err(failed(&format!("could not load disk `{name}`")));
        };
        disks.push((name, std::mem::take(&mut disk.stores)));
    }
    Ok(disks)
}

fn failed(why: &str) -> String {
    format!(
        "exiting, status={{Running:false Degraded:false Exiting:true Errors:[{why}] SSHLocalPort:0}}"
    )
}

/// Keeps the data on the disks of an instance that is deleted.
pub(super) fn keep_data(world: &mut World, instance: &str) {
    let guest = world.instances.get_mut(instance).and_then(|instance| instance.guest.as_mut());
    let Some(guest) = guest else { return };
    for (name, disk) in &mut world.disks {
        disk.stores.extend(guest.take_data(name));
    }
}
