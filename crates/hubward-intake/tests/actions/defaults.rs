//! Default mappings and triggers, beside those that the original was seen to have.

use std::io::Write as _;
use std::path::Path;

use hubward_core::spec::{Action, SyncMode};
use hubward_intake::actions::{check, default_mapping};
use serde_json::{Value, json};

use crate::{found, record, spec};

const RECORDED: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/segment/vectors/hubspot-default-mappings.json");

#[test]
fn triggers_sync_modes_and_default_mappings_are_the_originals() {
    if !Path::new(RECORDED).exists() {
        let _ = writeln!(std::io::stderr(), "skipped: there are no recorded default mappings");
        return;
    }
    let text = std::fs::read_to_string(RECORDED).expect("the recorded mappings can be read");
    let recorded: Value = serde_json::from_str(&text).expect("they are JSON");
    let actions = recorded["actions"].as_object().expect("actions by name");
    assert_eq!(actions.len(), Action::ALL.len());
    for action in Action::ALL {
        let original = &actions[action.name()];
        assert_eq!(original["defaultSubscription"], json!(action.default_trigger()), "{}", action.name());
        assert_eq!(original["defaultMapping"], Value::Object(default_mapping(action)), "{}", action.name());
        let modes: Option<Vec<&str>> = action.has_sync_mode().then(|| vec!["upsert", "add", "update"]);
        assert_eq!(original["syncMode"]["choices"], json!(modes), "{}", action.name());
        if action.has_sync_mode() {
            assert_eq!(original["syncMode"]["default"], SyncMode::default().name());
        }
    }
}

#[test]
fn the_default_mapping_of_every_action_holds_nothing_unknown() {
    for action in Action::ALL {
        let unknown: Vec<_> = check(&spec(action, Value::Object(default_mapping(action))))
            .into_iter()
            .filter(|finding| !finding.message.contains("is required"))
            .collect();
        assert_eq!(unknown, [], "{}", action.name());
    }
}

#[test]
fn a_field_that_is_null_has_no_default() {
    let event = json!({ "type": "identify", "traits": { "email": "a@x.com", "company": "Acme", "phone": "1" } });
    let with = record(&spec(Action::UpsertContact, json!({})), &event);
    assert_eq!(with.properties.keys().collect::<Vec<_>>(), ["company", "phone"]);
    let without = record(&spec(Action::UpsertContact, json!({ "company": null })), &event);
    assert_eq!(without.properties.keys().collect::<Vec<_>>(), ["phone"]);
}

#[test]
fn list_details_have_defaults_of_their_own() {
    let fields = json!({
        "object_details": { "object_type": "contact", "id_field_name": "email", "id_field_value": "a@x.com" },
        "list_details": { "list_name": "News", "list_action": true },
    });
    assert_eq!(found(&spec(Action::UpsertObject, fields.clone())), [""; 0]);
    let intent = record(&spec(Action::UpsertObject, fields), &json!({ "type": "identify" }));
    assert!(intent.lists[0].create && intent.lists[0].member);
}
