//! Upsert Company.

use hubward_core::spec::{Action, MappingSpec};
use hubward_intake::actions::{ContactLink, Find, OnMissing, SearchField, User};
use serde_json::{Value, json};

use crate::{path, record, refusals, spec, values, warnings};

fn company(fields: Value) -> MappingSpec {
    spec(Action::UpsertCompany, fields)
}

fn group(traits: Value) -> Value {
    json!({ "type": "group", "userId": "u1", "groupId": " g1 ", "traits": traits, "context": { "traits": { "email": "Ann@X.com" } } })
}

#[test]
fn a_group_becomes_a_company_by_its_id_with_its_contact() {
    let intent =
        record(&company(json!({})), &group(json!({ "name": "Acme", "employees": "12", "website": "acme.com" })));
    assert_eq!(intent.object, "companies");
    assert_eq!(intent.find, Find::Group { value: "g1".to_owned(), fields: Vec::new() });
    assert_eq!(intent.on_missing, OnMissing::Create);
    assert_eq!(values(&intent.properties), json!({ "name": "Acme", "domain": "acme.com", "numberofemployees": 12 }));
    let user = User { user_id: Some("u1".to_owned()), anonymous_id: None };
    assert_eq!(intent.contacts, [ContactLink { email: Some("ann@x.com".to_owned()), user }]);
    assert!(intent.users.is_empty());
}

#[test]
fn what_the_flags_say_is_done() {
    let intent = record(&company(json!({ "createNewCompany": "false", "associateContact": false })), &group(json!({})));
    assert_eq!((intent.on_missing, intent.contacts.len()), (OnMissing::Skip, 0));
}

#[test]
fn all_search_fields_have_to_hold_and_without_one_nothing_is_searched() {
    let fields = json!({ "companysearchfields": { "name": path("traits.name"), "domain": path("traits.website") } });
    let intent = record(&company(fields.clone()), &group(json!({ "name": " Acme ", "website": "acme.com" })));
    let field = |property: &str, value: &str| SearchField { property: property.to_owned(), value: value.to_owned() };
    let expected = vec![field("domain", "acme.com"), field("name", "Acme")];
    assert_eq!(intent.find, Find::Group { value: "g1".to_owned(), fields: expected });
    for website in [json!(null), json!("")] {
        let intent = record(&company(fields.clone()), &group(json!({ "name": "Acme", "website": website })));
        assert_eq!(intent.find, Find::Group { value: "g1".to_owned(), fields: Vec::new() });
        assert_eq!(
            warnings(&intent),
            ["companysearchfields: no company is searched for, for the event has no value for domain"]
        );
    }
    let event = group(json!({ "name": ["Acme"] }));
    let named = json!({ "name": null, "companysearchfields": { "name": path("traits.name") } });
    assert_eq!(refusals(&company(named), &event), ["INVALID_FIELD companysearchfields.name"]);
}

#[test]
fn the_stage_of_a_company_moves_too() {
    let intent = record(&company(json!({ "lifecyclestage": "Customer" })), &group(json!({})));
    assert!(intent.moves_stage);
    assert_eq!(values(&intent.properties), json!({ "lifecyclestage": "customer" }));
}

#[test]
fn what_cannot_be_a_company_is_refused() {
    let own = json!({ "properties": { "segment_group_id": "x" } });
    assert_eq!(refusals(&company(own), &group(json!({}))), ["RESERVED_PROPERTY properties.segment_group_id"]);
    assert_eq!(refusals(&company(json!({})), &json!({ "type": "group", "traits": {} })), ["MISSING_FIELD groupid"]);
    for employees in [json!("12a"), json!(1.5), json!({}), json!(true)] {
        let event = group(json!({ "employees": employees }));
        assert_eq!(refusals(&company(json!({})), &event), ["INVALID_FIELD numberofemployees"]);
    }
    let cleared = record(&company(json!({})), &group(json!({ "employees": "" })));
    assert_eq!(values(&cleared.properties), json!({ "numberofemployees": "" }));
}
