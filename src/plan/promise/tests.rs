use serde_json::json;

use super::*;
use crate::model::address::{Address, Kind};

/// What a change that showed this lacks if the document changes so.
fn lacking(shown: &Value, before: &Value, after: &Value) -> Option<Unshown> {
    let address = Address::new(Kind::PROVISION, "daemon");
    let state = |value: &Value| json!({ "document": value });
    let shown = Change::deferred(&address, state(shown), Reason::VmStarts);
    let shown = shown.retracting(vec!["gone".into(), "document.gone".into()], Vec::new());
    shown.lacks(&Change::between(&address, state(before), state(after)), false)
}

#[test]
fn a_deferred_change_sets_what_it_showed_and_keeps_the_rest() {
    let own = json!({ "a": 1, "list": ["x"] });
    let text = |value: &Value| json!(value.to_string());
    for (before, after, is_shown) in [
        (json!({}), json!({ "a": 1, "list": ["x"] }), true),
        (json!({ "b": 2 }), json!({ "b": 2, "a": 1, "list": ["x"] }), true),
        (json!({ "b": 2, "list": ["y"] }), json!({ "b": 2, "list": ["x", "y"] }), true),
        (json!({ "b": 2 }), json!({ "a": 1 }), false),
        (json!({ "list": ["y"], "b": 2 }), json!({ "list": ["x"] }), false),
        (json!({ "gone": 2, "b": 2 }), json!({ "b": 2, "a": 1 }), true),
        (json!({ "b": 2 }), json!({ "b": 3 }), false),
        (json!({}), json!({ "a": 2 }), false),
        (json!({ "a": 3 }), json!({ "a": 3, "c": 1 }), false),
        (json!({ "list": ["y"] }), json!({ "list": ["x", "z"] }), false),
    ] {
        let expected = (!is_shown).then(|| Unshown::Sets(vec!["document".into()]));
        assert_eq!(lacking(&own, &before, &after), expected, "{before} -> {after}");
        let (own, before, after) = (text(&own), text(&before), text(&after));
        assert_eq!(lacking(&own, &before, &after), expected, "{before} -> {after}");
    }
    assert!(lacking(&json!("one\n"), &json!("two\n"), &json!("three\n")).is_some());
}

#[test]
fn an_attribute_that_is_known_after_apply_can_get_any_value() {
    #[derive(serde::Serialize)]
    struct State {
        user: Known<&'static str>,
    }
    let address = Address::new(Kind::USER, "@lima");
    let shown = Change::create(&address, State { user: Known::Unknown });
    let now = Change::create(&address, State { user: Known::Known("dev") });
    assert_eq!(shown.lacks(&now, false), None);
    assert_eq!(
        now.lacks(&Change::create(&address, State { user: Known::Known("root") }), false),
        Some(Unshown::Sets(vec!["user".into()]))
    );
}
#[test]
fn a_key_is_removed_only_if_the_plan_showed_that() {
    let address = Address::new(Kind::VM, "vm");
    let (before, after) =
        (json!({ "env": { "A": "1", "B": "2" } }), json!({ "env": { "A": "1" } }));
    let removing = |change: Change, keys: &[&str]| {
        change.retracting(keys.iter().map(ToString::to_string).collect(), Vec::new())
    };
    let now = removing(Change::between(&address, &before, &after), &["env.B"]);
    let shown = Change::deferred(&address, &after, Reason::VmStarts);
    let unshown = Unshown::Removes(vec!["env.B".into()]);
    assert_eq!(shown.lacks(&now, false), Some(unshown));
    assert_eq!(removing(shown, &["env.B"]).lacks(&now, false), None);
    // The whole object is removed, and a key that is not an object.
    let before = json!({ "env": { "B": "2" }, "message": "hello" });
    let after = json!({ "env": null, "message": null });
    let now = removing(Change::between(&address, before, after), &["env.B", "message"]);
    let shown = |keys: &[&str]| removing(Change::deferred(&address, (), Reason::VmStarts), keys);
    assert_eq!(shown(&["env.B", "message"]).lacks(&now, false), None);
    let unshown = |name: &str| Some(Unshown::Sets(vec![name.to_owned()]));
    assert_eq!(shown(&["message"]).lacks(&now, false), unshown("env"));
    assert_eq!(shown(&["env.B"]).lacks(&now, false), unshown("message"));
}
