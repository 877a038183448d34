//! Merges the documents of a project.

use serde_yaml::Value;

use crate::simulate::reply::Reply;

/// The sections of a document to which `include` adds resources.
const IMPORTED: [&str; 5] = ["services", "networks", "volumes", "secrets", "configs"];

/// Adds included resources to a document. A resource in both must be identical (measured with
/// Compose 2.26); only another document can override it.
pub(super) fn import(document: &mut Value, mut included: Value) -> Result<(), Reply> {
    let Some(sections) = included.as_mapping_mut() else { return Ok(()) };
    sections.retain(|section, _| section.as_str().is_some_and(|it| IMPORTED.contains(&it)));
    for (section, resources) in sections.iter_mut() {
        let Some(resources) = resources.as_mapping_mut() else { continue };
        let Some(own) = document.get(section).and_then(Value::as_mapping) else { continue };
        let mut both = resources.iter().filter_map(|(name, it)| Some((name, it, own.get(name)?)));
        if let Some((name, ..)) = both.find(|(_, included, own)| included != own) {
            let (section, name) = (section.as_str(), name.as_str());
            let (section, name) = (section.unwrap_or_default(), name.unwrap_or_default());
            let message = format!("{section}.{name} conflicts with imported resource");
            return Err(Reply::failed(15, message));
        }
        resources.retain(|name, _| !own.contains_key(name));
    }
    merge(document, included);
    Ok(())
}

/// Merges one document into another. Lists are joined, and mounts are matched by target. Compose's
/// tags change this.
pub(super) fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (below, Value::Tagged(tagged)) if tagged.tag == "override" => *below = tagged.value,
        (below, Value::Tagged(tagged)) if tagged.tag == "reset" => *below = Value::Null,
        (_, Value::Null) => {}
        (Value::Mapping(below), Value::Mapping(above)) => {
            for (key, value) in above {
                match below.get_mut(&key) {
                    Some(Value::Sequence(mounts)) if key == "volumes" && value.is_sequence() => {
                        for mount in value.as_sequence().into_iter().flatten() {
                            mounts.retain(|other| target(other) != target(mount));
                            mounts.push(mount.clone());
                        }
                    }
                    Some(present) => merge(present, value),
                    None => {
                        let mut fresh = Value::Null;
                        merge(&mut fresh, value);
                        below.insert(key, fresh);
                    }
                }
            }
        }
        (Value::Sequence(below), Value::Sequence(above)) => below.extend(above),
        (below, above) => *below = above,
    }
}

/// The target path of an entry of `volumes`.
fn target(mount: &Value) -> Option<String> {
    match mount.as_str() {
        Some(mount) => mount.split(':').nth(1).map(str::to_owned),
        None => mount.get("target")?.as_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_merged_as_compose_merges_them() {
        let read = |text: &str| serde_yaml::from_str::<Value>(text).unwrap();
        let mut whole =
            read("a: {user: x, group_add: [1], volumes: ['s:/run:ro', 'd:/d'], gone: [1]}");
        merge(
            &mut whole,
            read("a: {user: y, group_add: [2], volumes: ['s:/run:rw'], gone: !reset [], b: }"),
        );
        let expected =
            "a: {user: y, group_add: [1, 2], volumes: ['d:/d', 's:/run:rw'], gone: null, b: null}";
        assert_eq!(whole, read(expected));
        merge(&mut whole, read("a: {group_add: !override [3]}"));
        assert_eq!(whole["a"]["group_add"], read("[3]"));
    }
}
