//! The two actions that send custom events.

use hubward_core::spec::{Action, MappingSpec, SyncMode};
use hubward_intake::actions::{EventName, Origin, Subject};
use serde_json::{Value, json};

use crate::{occurrence, path, refusals, spec, values, with_mode};

fn behavioral(fields: Value) -> MappingSpec {
    spec(Action::SendCustomBehavioralEvent, fields)
}

fn custom(mode: SyncMode, details: Value) -> MappingSpec {
    let fields = json!({ "event_name": path("event"), "record_details": details, "properties": path("properties") });
    with_mode(mode, spec(Action::CustomEvent, fields))
}

fn track(properties: Value) -> Value {
    json!({ "type": "track", "event": "Order Completed", "timestamp": "2026-01-01T01:00:00+01:00", "properties": properties })
}

#[test]
fn a_track_becomes_an_occurrence_of_a_defined_event() {
    let fields =
        json!({ "eventName": "PE1_Order  done.now", "properties": { "items": path("properties.items"), "n": " 5 " } });
    let intent = occurrence(&behavioral(fields), &track(json!({ "email": "A@X.com", "items": ["a", 1] })));
    assert_eq!(intent.event, EventName::Full("pe1_order_done_now".to_owned()));
    assert_eq!(intent.subject, Subject { email: Some("a@x.com".to_owned()), ..Subject::default() });
    assert_eq!(intent.occurred_at.as_deref(), Some("2026-01-01T00:00:00.000Z"));
    assert_eq!(values(&intent.properties), json!({ "items": "a;1", "n": "5" }));
}

#[test]
fn the_name_must_be_one_of_this_account() {
    let event = track(json!({ "email": "a@x.com" }));
    for name in ["pe2_order", "pe1_", "pe1", "order", "pex_order", "pe_order"] {
        let mapping = behavioral(json!({ "eventName": path("n") }));
        let mut event = event.clone();
        event["n"] = json!(name);
        assert_eq!(refusals(&mapping, &event), ["INVALID_NAME eventName"], "{name}");
    }
}

#[test]
fn one_of_address_token_and_id_has_to_be_there() {
    let mapping = behavioral(json!({ "eventName": "pe1_x", "utk": path("utk"), "objectId": path("id") }));
    assert_eq!(refusals(&mapping, &track(json!({}))), ["MISSING_SUBJECT email"]);
    for email in [json!(""), json!(null)] {
        let mut event = track(json!({ "email": email }));
        event["utk"] = json!("tok");
        assert_eq!(occurrence(&mapping, &event).subject.utk.as_deref(), Some("tok"));
    }
    let mut event = track(json!({ "email": "no" }));
    event["utk"] = json!("tok");
    assert_eq!(refusals(&mapping, &event), ["INVALID_EMAIL email"]);
    let mut event = track(json!({}));
    event["id"] = json!("12");
    assert_eq!(occurrence(&mapping, &event).subject.object_id, Some(12));
    event["id"] = json!("12a");
    assert_eq!(refusals(&mapping, &event), ["INVALID_ID objectId"]);
    let mut event = track(json!({ "email": "a@x.com" }));
    event["timestamp"] = json!("yesterday");
    assert_eq!(refusals(&mapping, &event), ["INVALID_TIME occurredAt"]);
}

#[test]
fn an_own_event_is_made_as_the_sync_mode_says() {
    let details = json!({ "object_type": "contact", "email": path("properties.email") });
    for (mode, create, extend) in
        [(SyncMode::Update, false, true), (SyncMode::Upsert, true, true), (SyncMode::Add, true, false)]
    {
        let intent = occurrence(&custom(mode, details.clone()), &track(json!({ "email": "a@x.com" })));
        let name = "order_completed".to_owned();
        assert_eq!(intent.event, EventName::Own { name, object: "contact".to_owned(), create, extend });
    }
}

#[test]
fn properties_of_events_keep_their_values() {
    let details = json!({ "object_type": "contact", "email": path("properties.email") });
    let properties = json!({
        "email": "a@x.com", "zip": "01234", "hex": "0x10", "plus": "+4477", "empty": "", "none": null, "list": [], "flag": "true", "Item No": 1,
    });
    let intent = occurrence(&custom(SyncMode::Upsert, details), &track(properties));
    assert_eq!(
        values(&intent.properties),
        json!({
            "email": "a@x.com", "zip": "01234", "hex": "0x10", "plus": "+4477", "empty": "", "list": [], "flag": "true", "item_no": 1,
        })
    );
    assert!(intent.properties.values().all(|wish| wish.origin == Origin::Event));
}

#[test]
fn events_of_other_records_need_the_records_id() {
    let deal = json!({ "object_type": "deal", "object_id": path("properties.id"), "email": path("properties.email") });
    let intent = occurrence(&custom(SyncMode::Upsert, deal.clone()), &track(json!({ "id": 5, "email": "a@x.com" })));
    assert_eq!(intent.subject, Subject { object_id: Some(5), ..Subject::default() });
    let without = custom(SyncMode::Upsert, deal);
    assert_eq!(refusals(&without, &track(json!({ "email": "a@x.com" }))), ["MISSING_SUBJECT record_details.object_id"]);
    let contact = custom(SyncMode::Upsert, json!({ "object_type": "contact", "email": path("properties.email") }));
    assert_eq!(refusals(&contact, &track(json!({}))), ["MISSING_SUBJECT record_details"]);
    let mut nameless = track(json!({ "email": "a@x.com" }));
    nameless["event"] = json!("!!!");
    assert_eq!(refusals(&contact, &nameless), ["INVALID_NAME event_name"]);
}
