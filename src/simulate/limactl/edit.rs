//! `limactl edit`

use super::validate::{self, Refusal};
use super::yaml::{bytes, parse};
use super::{Job, LimactlResult, expression};
use crate::lima::Status;
use crate::simulate::reply::Reply;

pub(super) fn edit(Job { world, arguments, call, log }: Job<'_>) -> LimactlResult {
    let name = arguments.only()?;
    let Some(instance) = world.instances.get(name) else {
        return Err(format!("instance `{name}` not found"));
    };
    if instance.status() == Status::Running {
        return Err("cannot edit a running instance".into());
    }
    let before = parse(&instance.yaml)?;
    // Only `tee` is supported as an editor. It writes its input to the file.
    let new = call.args.iter().any(|word| word == "--tty=true").then(|| call.text()).flatten();
    let mut after = match new {
        Some(text) => parse(text)?,
        None => before.clone(),
    };
    for expression in arguments.all("--set") {
        expression::apply(&mut after, expression)?;
    }
    if let Some(cpus) = arguments.value("--cpus") {
        after["cpus"] = cpus.parse::<u32>().map_err(|error| error.to_string())?.into();
    }
    for size in ["memory", "disk"] {
        if let Some(gibibytes) = arguments.value(&format!("--{size}")) {
            after[size] = format!("{gibibytes}GiB").into();
        }
    }
    if before == after {
        log.info("Aborting, no changes made to the instance");
        return Ok(Reply::done());
    }
    let text = match new {
        Some(text) => text.to_owned(),
        None => serde_yaml::to_string(&after).map_err(|error| error.to_string())?,
    };
    validate::check(world, &text, &world.directory(name), log).map_err(
        |refusal| match refusal {
            Refusal::Unread(why) => why,
            Refusal::Invalid(why) => rejected(&why),
        },
    )?;
    let size = |yaml: &serde_json::Value| yaml["disk"].as_str().map(str::to_owned);
    if let (Some(was), Some(is)) = (size(&before), size(&after))
        && bytes(&is) < bytes(&was)
    {
        return Err(rejected(&format!(
            "field `disk`: shrinking the disk ({was} --> {is}) is not supported"
        )));
    }
    if let Some(instance) = world.instances.get_mut(name) {
        match new {
            Some(_) => instance.yaml = text,
            None => instance.write(&text),
        }
    }
    world.pass(1);
    log.info(&format!("Instance `{name}` configuration edited"));
    Ok(Reply::done())
}

fn rejected(why: &str) -> String {
    format!("the YAML is invalid, saved the buffer as `lima.REJECTED.yaml`: {why}")
}
