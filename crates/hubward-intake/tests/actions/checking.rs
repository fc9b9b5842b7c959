//! What is found in a mapping before any event comes.

use hubward_core::spec::{Action, MappingSpec, SyncMode};
use hubward_intake::actions::{ActiveMapping, ReceivedEvent, check};
use serde_json::{Value, json};

use crate::{found, path, spec, with_mode};

fn details(key: &str) -> Value {
    json!({ "object_type": "contact", "id_field_name": key, "id_field_value": path("userId") })
}

#[test]
fn unknown_fields_are_told_with_the_nearest_one() {
    let mapping = spec(Action::UpsertContact, json!({ "emial": 1, "enable_batching": true, "batch_size": 5 }));
    let all = check(&mapping);
    assert_eq!(found(&mapping), ["mapping-field key /emial"]);
    assert_eq!(all[0].help, "did you mean `email`?");
    let nested = json!({ "object_details": { "objekt_type": "x", "object_type": "c", "id_field_name": "email", "id_field_value": "1" },
        "associations": [{ "object_typ": "company" }, path("x"), 5] });
    assert_eq!(
        found(&spec(Action::UpsertObject, nested)),
        [
            "mapping-field key /object_details/objekt_type",
            "mapping-field key /associations/0/object_typ",
            "mapping-field value /associations/2",
        ]
    );
}

#[test]
fn what_is_required_has_to_be_mapped() {
    assert_eq!(found(&spec(Action::UpsertContact, json!({ "email": null }))), ["mapping-field key /email"]);
    assert_eq!(
        found(&spec(Action::UpsertObject, json!({}))),
        ["mapping-field mapping"],
        "the other required field has a default"
    );
    assert_eq!(
        found(&spec(Action::CustomEvent, json!({ "record_details": { "email": "a@x.com" } }))),
        ["mapping-field mapping", "mapping-field key /record_details/object_type"]
    );
    assert_eq!(found(&spec(Action::UpsertContact, json!({ "email": "" }))), ["mapping-field value /email"]);
}

#[test]
fn what_is_spelt_out_has_to_be_possible() {
    let fields =
        json!({ "createNewCompany": "maybe", "numberofemployees": "12a", "companysearchfields": "domain", "name": [] });
    assert_eq!(
        found(&spec(Action::UpsertCompany, fields)),
        [
            "mapping-field value /createNewCompany",
            "mapping-field value /companysearchfields",
            "mapping-field value /name",
            "mapping-field value /numberofemployees",
        ]
    );
    let fields = json!({
        "object_details": details("hs_object_id"), "association_sync_mode": "write", "properties": { "1st": 1 },
        "dissociations": [{ "object_type": "company", "association_label": "279", "id_field_name": "x", "id_field_value": "1" }],
    });
    assert_eq!(
        found(&with_mode(SyncMode::Upsert, spec(Action::UpsertObject, fields))),
        [
            "mapping-field value /association_sync_mode",
            "mapping-field value /dissociations/0/association_label",
            "mapping-field value /object_details/id_field_name",
            "mapping-field key /properties/1st",
        ]
    );
    assert_eq!(
        found(&spec(Action::SendCustomBehavioralEvent, json!({ "eventName": "order" }))),
        ["mapping-field value /eventName"]
    );
}

#[test]
fn directives_are_checked_at_their_place() {
    let fields = json!({ "email": { "@path": 5 }, "company": { "@nope": 1 }, "phone": { "@case": { "operator": 1 } } });
    assert_eq!(
        found(&spec(Action::UpsertContact, fields)),
        [
            "mapping-directive value /email/@path",
            "mapping-directive value /company",
            "mapping-directive value /phone/@case/operator",
        ]
    );
}

#[test]
fn triggers_are_read_and_held_against_the_originals_parser() {
    let with = |action, trigger: Option<&str>| MappingSpec {
        trigger: trigger.map(str::to_owned),
        ..spec(action, json!({ "email": path("email") }))
    };
    assert_eq!(
        found(&with(Action::UpsertContact, Some("type = "))),
        ["trigger trigger 1:8", "(warning) trigger-compat trigger 1:1"]
    );
    assert_eq!(found(&with(Action::UpsertContact, None)), [""; 0]);
    let differs = with(Action::UpsertContact, Some("type = \"a\" and type = \"b\" or type = \"c\""));
    let told = found(&differs);
    assert!(told.len() >= 2 && told.iter().all(|one| one == "(warning) trigger-compat trigger 1:1"), "{told:?}");
    assert!(check(&differs).iter().any(|one| one.message.contains("mixed-and-or")));
    assert!(ActiveMapping::new(&differs, None).is_ok(), "a warning leaves the mapping good");
    let none =
        MappingSpec { trigger: None, ..spec(Action::UpsertObject, json!({ "object_details": details("email") })) };
    assert_eq!(found(&none), ["trigger mapping"]);
}

#[test]
fn sync_modes_are_checked_wherever_they_stand() {
    let segments = |mode: &str| json!({ "object_details": details("email"), "__segment_internal_sync_mode": mode });
    assert_eq!(found(&spec(Action::UpsertObject, segments("upsert"))), [""; 0]);
    let place = "sync-mode value /__segment_internal_sync_mode";
    assert_eq!(found(&spec(Action::UpsertObject, segments("append"))), [place]);
    assert_eq!(found(&with_mode(SyncMode::Add, spec(Action::UpsertObject, segments("upsert")))), [place]);
    assert_eq!(found(&with_mode(SyncMode::Add, spec(Action::UpsertObject, segments("add")))), [""; 0]);
    assert_eq!(found(&spec(Action::UpsertContact, json!({ "__segment_internal_sync_mode": "add" }))), [place]);
}

#[test]
fn an_event_that_is_none_is_refused_for_all_mappings() {
    assert_eq!(ReceivedEvent::new(&json!([])).expect_err("no object").code, "INVALID_EVENT");
}
