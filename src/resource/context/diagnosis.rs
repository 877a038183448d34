//! Why the docker command does not reach this engine: it is missing, or something leads it elsewhere.

use crate::docker::ContextMetadata;
use crate::plan::{Code, Finding, Problem, Severity};
use crate::resource::Case;

/// The name of a VM and a context that another installation of ContainAI would remove.
const CONTESTED: &str = "containai-secure";

/// The docker command is missing.
pub(in crate::resource) fn command(case: &Case<'_>) -> Option<Finding> {
    if case.facts.tools.docker.is_some() {
        return None;
    }
    let finding = Finding::new(Code::DockerCliMissing, case.context());
    Some(
        finding
            .because("the docker command is not on PATH")
            .so("you cannot use the engine from this machine, and cai cannot change its context")
            .by_hand("install the docker command-line client; this machine does not need a daemon"),
    )
}

/// Finds faults of the context.
pub(in crate::resource) fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let endpoint = format!("unix://{}", case.facts.docker_socket().display());
    let context = match &case.facts.context {
        // Without a VM, apply creates both.
        None => case.facts.vm.present().is_some().then(|| missing(case, &endpoint)),
        Some(context) if context.host != endpoint => Some(elsewhere(case, context, &endpoint)),
        Some(_) => None,
    };
    let is_contested = |it: &Finding| it.code == Code::ContainaiConflict;
    let conflict = if context.as_ref().is_some_and(is_contested) { None } else { unmarked(case) };
    context.into_iter().chain(conflict).chain(shadowed(case, &endpoint)).collect()
}

fn missing(case: &Case<'_>, endpoint: &str) -> Finding {
    let name = &case.config.context.name;
    Finding::new(Code::ContextMissing, case.context())
        .saw("wanted", endpoint)
        .because(format!("the Docker context {name} does not exist"))
        .so(format!("`docker --context {name}` does not work"))
        .repaired_by([case.context()])
        .by_hand("cai apply")
}

fn elsewhere(case: &Case<'_>, context: &ContextMetadata, endpoint: &str) -> Finding {
    let name = &case.config.context.name;
    let is_foreign = case.effect(&case.context()).is_some_and(|change| {
        matches!(change.problem.as_deref(), Some(Problem::ForeignContext { .. }))
    });
    let code = if is_foreign && name.as_str() == CONTESTED {
        Code::ContainaiConflict
    } else {
        Code::ContextEndpoint
    };
    let finding = Finding::new(code, case.context())
        .saw("endpoint", context.host.as_str())
        .saw("wanted", endpoint)
        .saw("description", context.description.as_str())
        .so(format!("`docker --context {name}` does not reach this engine"))
        .repaired_by([case.context()])
        .by_hand("cai apply");
    finding.because(if is_foreign {
        format!(
            "the Docker context {name} points to {} instead of this VM's socket and was not created by cai",
            context.host
        )
    } else {
        format!("the Docker context {name} has the endpoint {}", context.host)
    })
}

/// A VM or context with the name that another ContainAI claims, and without cai's mark.
fn unmarked(case: &Case<'_>) -> Option<Finding> {
    let vm = case.facts.vm.present().filter(|_| case.name() == CONTESTED);
    let vm = vm.is_some_and(|vm| !vm.managed);
    let context = case.facts.context.as_ref();
    let context = context.filter(|_| case.config.context.name.as_str() == CONTESTED);
    let context = context.is_some_and(|context| !context.is_marked());
    let what = match (vm, context) {
        (false, false) => return None,
        (true, false) => "the VM",
        (false, true) => "the Docker context",
        (true, true) => "the VM and the Docker context",
    };
    let address = if vm { case.vm() } else { case.context() };
    Some(
        Finding::new(Code::ContainaiConflict, address)
            .severity(Severity::Notice)
            .saw("vm_bears_the_mark", !vm)
            .saw("context_bears_the_mark", !context)
            .because(format!("cai did not create {what} {CONTESTED}"))
            .so("the `cai setup` of another ContainAI installation would remove it")
            .by_hand("use only one of the two programs, or other names under [vm] and [context]"),
    )
}

/// A variable that takes precedence over the context.
fn shadowed(case: &Case<'_>, endpoint: &str) -> Option<Finding> {
    let environment = case.environment;
    let name = case.config.context.name.as_str();
    let (variable, value) = match (&environment.docker_host, &environment.docker_context) {
        (Some(host), _) if host == endpoint => return None,
        (Some(host), _) => ("DOCKER_HOST", host),
        (None, Some(context)) if context == name => return None,
        (None, Some(context)) => ("DOCKER_CONTEXT", context),
        (None, None) => return None,
    };
    Some(
        Finding::new(Code::ContextShadowed, case.context())
            .severity(Severity::Notice)
            .saw("DOCKER_HOST", environment.docker_host.clone())
            .saw("DOCKER_CONTEXT", environment.docker_context.clone())
            .saw("current_context", environment.current_context.as_deref().unwrap_or("default"))
            .because(format!(
                "{variable} is set to {value}, which takes precedence over the current context"
            ))
            .so("`docker` without --context does not reach this engine")
            .by_hand(format!("unset {variable}")),
    )
}
