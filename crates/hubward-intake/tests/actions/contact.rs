//! Upsert Contact.

use hubward_core::spec::Action;
use hubward_intake::actions::{Find, OnFound, OnMissing, Origin, User, Verdict};
use serde_json::{Value, json};

use crate::{path, record, refusals, refused, spec, values, verdict, warnings};

fn contact(fields: Value) -> hubward_core::spec::MappingSpec {
    spec(Action::UpsertContact, fields)
}

fn identify(traits: Value) -> Value {
    json!({ "type": "identify", "userId": "u1", "anonymousId": "a1", "traits": traits })
}

#[test]
fn an_identify_becomes_a_contact_by_its_address() {
    let event = identify(json!({
        "email": " Ann@X.com ", "first_name": " Ann ", "firstName": "no", "lastName": "Lee", "phone": 1555,
        "company": true, "address": { "street": "1 St", "postal_code": "00501" },
    }));
    let intent = record(&contact(json!({})), &event);
    assert_eq!(intent.object, "contacts");
    assert_eq!(intent.find, Find::Unique { property: "email".to_owned(), value: "ann@x.com".to_owned() });
    assert_eq!((intent.on_missing, intent.on_found), (OnMissing::Create, OnFound::Update));
    assert_eq!(
        values(&intent.properties),
        json!({
            "company": "true", "firstname": "Ann", "lastname": "Lee", "phone": "1555", "address": "1 St", "zip": "00501",
        })
    );
    let user = User { user_id: Some("u1".to_owned()), anonymous_id: Some("a1".to_owned()) };
    assert_eq!(intent.users, [user]);
    assert!(!intent.moves_stage && intent.warnings.is_empty());
    assert_eq!(verdict(&contact(json!({})), &json!({ "type": "track" })), Verdict::NotFired);
}

#[test]
fn missing_and_null_write_nothing_and_the_empty_text_clears() {
    let fields = json!({ "properties": { "a": path("traits.a"), "b": path("traits.b"), "c": path("traits.c") } });
    let event = identify(json!({ "email": "a@x.com", "phone": "", "website": null, "a": "", "b": null }));
    let intent = record(&contact(fields), &event);
    assert_eq!(values(&intent.properties), json!({ "phone": "", "a": "" }));
}

#[test]
fn the_stage_is_in_lower_case_and_moves() {
    let intent = record(&contact(json!({ "lifecyclestage": "Lead " })), &identify(json!({ "email": "a@x.com" })));
    assert_eq!(values(&intent.properties), json!({ "lifecyclestage": "lead" }));
    assert!(intent.moves_stage);
    let fields = json!({ "properties": { "lifecyclestage": "customer" } });
    assert!(record(&contact(fields), &identify(json!({ "email": "a@x.com" }))).moves_stage);
}

#[test]
fn other_properties_are_flattened_and_go_before_the_named_fields() {
    let fields = json!({ "properties": { "company": "Other", "a": path("traits.a"), "o": path("traits.o"), "s": "  x ", "n": 7, "t": "007" } });
    let event = identify(json!({ "email": "a@x.com", "company": "Acme", "a": ["a", { "b": 1 }, 3], "o": { "z": 1 } }));
    let intent = record(&contact(fields), &event);
    assert_eq!(
        values(&intent.properties),
        json!({ "company": "Other", "a": "a;{\"b\":1};3", "o": "{\"z\":1}", "s": "x", "n": 7, "t": "007" })
    );
    assert!(intent.properties.values().all(|wish| wish.origin == Origin::Mapping));
}

#[test]
fn names_from_a_whole_object_are_known_to_come_from_the_event() {
    let event = identify(json!({ "email": "A@x.com", "plan": "gold", "nope": 1 }));
    let intent = record(&contact(json!({ "properties": path("traits"), "company": "Acme" })), &event);
    let origins: Vec<(&str, Origin)> =
        intent.properties.iter().map(|(name, wish)| (name.as_str(), wish.origin)).collect();
    assert_eq!(origins, [("company", Origin::Mapping), ("plan", Origin::Event), ("nope", Origin::Event)]);
    assert!(intent.warnings.is_empty(), "the address is the one the contact is found by");
    let merged = json!({ "@merge": { "direction": "right", "objects": [path("traits"), { "tier": "x" }] } });
    let intent = record(&contact(json!({ "properties": merged })), &event);
    assert_eq!(intent.properties["tier"].origin, Origin::Mapping);
    assert_eq!(intent.properties["nope"].origin, Origin::Event);
}

#[test]
fn an_address_under_properties_does_not_change_the_contacts() {
    let fields = json!({ "properties": { "email": "other@x.com" } });
    let intent = record(&contact(fields), &identify(json!({ "email": "a@x.com" })));
    assert_eq!(values(&intent.properties), json!({}));
    assert_eq!(
        warnings(&intent),
        ["properties.email: the record is found by email, so that it keeps the value it is found by"]
    );
}

#[test]
fn everything_that_is_wrong_with_an_event_is_told_at_once() {
    let event = identify(json!({ "email": "no address", "company": { "name": "Acme" }, "phone": [1] }));
    assert_eq!(
        refusals(&contact(json!({})), &event),
        ["INVALID_EMAIL email", "INVALID_FIELD company", "INVALID_FIELD phone"]
    );
    assert_eq!(refused(&contact(json!({})), &event)[1].message, "`company` must be a text, and it is an object");
    for email in [json!(null), json!(""), json!("  ")] {
        assert_eq!(refusals(&contact(json!({})), &identify(json!({ "email": email }))), ["MISSING_FIELD email"]);
    }
    assert_eq!(refusals(&contact(json!({})), &json!({ "type": "identify" })), ["MISSING_FIELD email"]);
    let fields = json!({ "phone": { "@json": { "mode": "decode", "value": path("traits.p") } }, "company": { "@liquid": "{{ 'x' | date: '%Y' | divided_by: 0 }}" } });
    let failed = verdict(&contact(fields), &identify(json!({ "email": "a@x.com", "p": "[]" })));
    assert!(matches!(failed, Verdict::Refused(_)), "{failed:?}");
}

#[test]
fn an_address_with_signs_of_a_path_is_an_address() {
    let intent = record(&contact(json!({})), &identify(json!({ "email": "77#a?b/c@evil.com" })));
    assert_eq!(intent.find, Find::Unique { property: "email".to_owned(), value: "77#a?b/c@evil.com".to_owned() });
}
