//! Custom Object V2.

use hubward_core::association::Kind;
use hubward_core::spec::{Action, MappingSpec, SyncMode};
use hubward_intake::actions::{Find, Link, ListWish, OnFound, OnMissing, Origin};
use serde_json::{Value, json};

use crate::{path, record, refusals, spec, values, warnings, with_mode};

fn object(mode: SyncMode, more: Value) -> MappingSpec {
    let mut fields = json!({
        "object_details": {
            "object_type": "contact", "id_field_name": "email", "id_field_value": path("traits.email"),
        },
    });
    let members = fields.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    with_mode(mode, spec(Action::UpsertObject, fields))
}

fn identify(traits: Value) -> Value {
    json!({ "type": "identify", "userId": "u1", "traits": traits })
}

#[test]
fn the_sync_mode_says_what_happens_to_records_that_are_there_or_missing() {
    for (mode, missing, found) in [
        (SyncMode::Update, OnMissing::Skip, OnFound::Update),
        (SyncMode::Upsert, OnMissing::Create, OnFound::Update),
        (SyncMode::Add, OnMissing::Create, OnFound::Leave),
    ] {
        let intent = record(&object(mode, json!({})), &identify(json!({ "email": "Ann@X.com" })));
        assert_eq!((intent.on_missing, intent.on_found), (missing, found));
        assert_eq!(intent.find, Find::Unique { property: "email".to_owned(), value: "ann@x.com".to_owned() });
        assert_eq!(intent.users.len(), 1, "companies of the user find the contact by its address");
    }
    let mut segments = object(SyncMode::Update, json!({ "__segment_internal_sync_mode": "add" }));
    segments.sync_mode = None;
    assert_eq!(record(&segments, &identify(json!({ "email": "a@x.com" }))).on_found, OnFound::Leave);
}

#[test]
fn names_are_normalised_and_values_arrive_as_they_were_sent() {
    let properties = json!({
        "New Num": 3, "flag": "TRUE", "zip": "00501", "o": { "a": 1 }, "list": ["a", "b"], "none": null, "clear": "", "s": " x ",
    });
    let more = json!({ "properties": properties, "sensitive_properties": { "SSN": "1" } });
    let mut mapping = object(SyncMode::Upsert, more);
    mapping.fields["object_details"]["property_group"] = json!("contactinformation");
    let intent = record(&mapping, &identify(json!({ "email": "a@x.com" })));
    assert_eq!(
        values(&intent.properties),
        json!({ "new_num": 3, "flag": "TRUE", "zip": "00501", "o": { "a": 1 }, "list": ["a", "b"], "clear": "", "s": "x" })
    );
    assert_eq!(values(&intent.sensitive), json!({ "ssn": "1" }));
    assert_eq!(intent.property_group.as_deref(), Some("contactinformation"));
}

#[test]
fn names_that_nothing_can_have_are_refused_or_named() {
    let more = json!({ "properties": path("traits") });
    let event = identify(json!({ "email": "a@x.com", "1st": 1, "A b": 1, "a B": 2, "a_b": 2 }));
    let intent = record(&object(SyncMode::Upsert, more), &event);
    assert_eq!(values(&intent.properties), json!({ "a_b": 2 }));
    assert_eq!(intent.properties["a_b"].origin, Origin::Event);
    assert_eq!(
        warnings(&intent),
        [
            "properties.1st: no property can have this name, so it is left out; names begin with a letter",
            "properties.a B: another key is written to a_b too; this one, the later, is taken",
        ]
    );
}

#[test]
fn records_by_id_are_only_updated() {
    let mut mapping = object(SyncMode::Update, json!({}));
    mapping.fields["object_details"] =
        json!({ "object_type": "deals", "id_field_name": "hs_object_id", "id_field_value": path("properties.id") });
    let intent = record(&mapping, &json!({ "properties": { "id": "12" } }));
    assert_eq!((intent.find, intent.users.len()), (Find::Id(12), 0));
    for id in [json!("x"), json!(0), json!("-1"), json!("1.5")] {
        let event = json!({ "properties": { "id": id } });
        assert_eq!(refusals(&mapping, &event), ["INVALID_ID object_details.id_field_value"]);
    }
    mapping.fields["object_details"]["id_field_name"] = path("key");
    mapping.sync_mode = Some(SyncMode::Upsert);
    let event = json!({ "key": "hs_object_id", "properties": { "id": 3 } });
    assert_eq!(refusals(&mapping, &event), ["INVALID_FIELD object_details.id_field_name"]);
}

#[test]
fn links_with_all_their_parts_are_made_and_the_others_named() {
    let link = |value: Value| {
        json!({
            "object_type": "company", "association_label": "HUBSPOT_DEFINED:279", "id_field_name": "ext_co", "id_field_value": value,
        })
    };
    let more = json!({
        "associations": [link(path("traits.co")), link(path("traits.other")), link(path("traits.co"))],
        "dissociations": [link(path("traits.old"))],
    });
    let event = identify(json!({ "email": "a@x.com", "co": "c1", "old": 7 }));
    let kind = Kind { category: "HUBSPOT_DEFINED".to_owned(), type_id: 279 };
    let made = |value: &str, create: bool| Link {
        object: "company".to_owned(),
        kind: kind.clone(),
        find: Find::Unique { property: "ext_co".to_owned(), value: value.to_owned() },
        create,
    };
    let intent = record(&object(SyncMode::Upsert, more.clone()), &event);
    assert_eq!(intent.associations, [made("c1", true)]);
    assert_eq!(intent.dissociations, [made("7", false)]);
    assert_eq!(warnings(&intent), ["associations.1: left out, for the event has no value for id_field_value"]);
    let mut read = more;
    read["association_sync_mode"] = json!("read");
    assert_eq!(record(&object(SyncMode::Upsert, read), &event).associations, [made("c1", false)]);
}

#[test]
fn a_list_is_joined_or_left_by_its_name() {
    let more = |action: Value| json!({ "list_details": { "list_name": "News", "list_action": action, "should_create_list": false } });
    let event = identify(json!({ "email": "a@x.com", "in": "false" }));
    let lists = |action: Value| record(&object(SyncMode::Upsert, more(action)), &event).lists;
    let wish = |member| vec![ListWish { name: "News".to_owned(), member, create: false }];
    assert_eq!(lists(json!(true)), wish(true));
    assert_eq!(lists(path("traits.in")), wish(false));
    assert_eq!(
        refusals(&object(SyncMode::Upsert, more(Value::Null)), &event),
        ["INVALID_LIST list_details.list_action"]
    );
    assert_eq!(record(&object(SyncMode::Upsert, json!({})), &event).lists, []);
}

#[test]
fn an_engage_audience_tells_its_list_by_itself() {
    let mapping = object(SyncMode::Upsert, json!({ "list_details": { "connected_to_engage_audience": true } }));
    let event = |class: &str, member: Value| {
        json!({
            "type": "identify", "traits": { "email": "a@x.com", "buyers": member },
            "context": { "personas": { "computation_key": "buyers", "computation_class": class } },
        })
    };
    for (class, member) in [("audience", true), ("journey_step", false)] {
        let lists = record(&mapping, &event(class, json!(member))).lists;
        assert_eq!(lists, [ListWish { name: "buyers".to_owned(), member, create: true }]);
    }
    assert_eq!(refusals(&mapping, &event("computed_trait", json!(true))), ["INVALID_LIST computation_class"]);
    assert_eq!(refusals(&mapping, &event("audience", json!({}))), ["INVALID_LIST traits_or_props.buyers"]);
    assert_eq!(refusals(&mapping, &event("audience", Value::Null)), ["INVALID_LIST traits_or_props.buyers"]);
}

#[test]
fn the_key_has_to_have_a_value() {
    for email in [json!(""), json!(null), json!(" ")] {
        let event = identify(json!({ "email": email }));
        let found = refusals(&object(SyncMode::Upsert, json!({})), &event);
        assert_eq!(found, ["MISSING_FIELD object_details.id_field_value"]);
    }
}

#[test]
fn the_stage_moves_for_contacts_and_companies_only() {
    let mut mapping = object(SyncMode::Upsert, json!({ "properties": { "lifecyclestage": "lead" } }));
    let event = identify(json!({ "email": "a@x.com" }));
    assert!(record(&mapping, &event).moves_stage);
    mapping.fields["object_details"]["object_type"] = json!("2-17");
    assert!(!record(&mapping, &event).moves_stage);
}
