//! The user that a container's program must run as.

use super::{Need, described};
use crate::config::SocketClient;
use crate::docker::client::{ExistingContainer, Process};
use crate::plan::ClientProblem;
use crate::resource::socket_client::{ClientFacts, verdict};

/// Checks whether the program runs as the declared user, or will once it is started.
pub(super) fn user(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
    need: &mut Need,
) -> Result<(), ClientProblem> {
    let container = || verdict::title(client, facts).to_owned();
    let gid = verdict::gid(client, facts);
    let process = seen.inside.as_ref().and_then(|it| it.process(verdict::uid(client, seen)));
    let Some(uid) = verdict::uid(client, seen) else {
        return match (&client.user, process) {
            (Some(user), Some(_)) => {
                let user = user.to_string();
                Err(ClientProblem::NoUser { container: container(), user })
            }
            _ => Ok(()),
        };
    };
    let is_declared = match process {
        Some(process) => process.uid == uid,
        None => seen.inside.is_some() || instead_of_services(client, facts).is_none(),
    };
    if is_declared {
        return Ok(());
    }
    let account = seen.accounts.by_uid(uid);
    let word = match account {
        Some(account) => account.name.clone(),
        None => format!("{uid}:{gid}"),
    };
    if is_declared_user(client, seen, user_in(&seen.inspected.user)) {
        return match process {
            Some(_) => Err(ClientProblem::ImageUser { container: container(), user: word }),
            None => Ok(()),
        };
    }
    let is_in_group = account.is_none_or(|account| seen.accounts.lists(account, gid));
    need.group |= !is_in_group && !seen.inspected.group_add.contains(&gid.to_string());
    need.user = Some(word);
    Ok(())
}

/// The declared user, in Docker's notation, if the service sets another one. If the service sets none,
/// the image decides, and its entrypoint may change the user.
pub(super) fn instead_of_services(client: &SocketClient, facts: &ClientFacts) -> Option<String> {
    let service = described(facts)?.user.as_deref()?;
    let uid = client.uid.map(|uid| uid.to_string());
    let name = client.user.as_ref().map(ToString::to_string);
    let own = Some(user_in(service));
    if uid.as_deref() == own || name.as_deref() == own {
        return None;
    }
    // Without a group, Docker gives a number that the image does not know the group root.
    let number = uid.map(|uid| format!("{uid}:{}", verdict::gid(client, facts)));
    number.or(name)
}

/// Whether a user in Docker's notation is the declared one.
pub(super) fn is_declared_user(
    client: &SocketClient,
    seen: &ExistingContainer,
    user: &str,
) -> bool {
    let uid = verdict::uid(client, seen);
    let account = uid.and_then(|uid| seen.accounts.by_uid(uid));
    uid.is_some_and(|uid| user == uid.to_string())
        || account.is_some_and(|account| user == account.name)
}

/// The user in Docker's `USER:GROUP`.
pub(super) fn user_in(word: &str) -> &str {
    word.split(':').next().unwrap_or_default()
}

pub(super) fn user_name(process: &Process, seen: &ExistingContainer) -> String {
    let account = seen.accounts.by_uid(process.uid);
    account.map_or_else(|| process.uid.to_string(), |account| account.name.clone())
}
