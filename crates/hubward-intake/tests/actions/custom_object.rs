//! Upsert Custom Object Record, the first version.

use hubward_core::association::Kind;
use hubward_core::spec::{Action, MappingSpec};
use hubward_intake::actions::{Find, Link, OnMissing, SearchField};
use serde_json::{Value, json};

use crate::{path, record, refusals, spec, values, warnings};

fn object(fields: Value) -> MappingSpec {
    spec(Action::UpsertCustomObjectRecord, fields)
}

fn field(property: &str, value: &str) -> SearchField {
    SearchField { property: property.to_owned(), value: value.to_owned() }
}

#[test]
fn a_record_is_searched_by_all_fields_and_its_target_too() {
    let fields = json!({
        "objectType": "deals",
        "customObjectSearchFields": { "ext_deal": path("properties.deal"), "pipeline": "default" },
        "properties": { "dealname": "D", "amount": path("properties.amount"), "gone": null },
        "toObjectType": "contacts",
        "searchFieldsToAssociateCustomObjects": { "email": path("properties.email") },
        "associationLabel": "HUBSPOT_DEFINED:3",
    });
    let event = json!({ "type": "track", "properties": { "deal": 17, "amount": 1.5, "email": "A@X.com" } });
    let intent = record(&object(fields.clone()), &event);
    assert_eq!(intent.object, "deals");
    assert_eq!(intent.find, Find::Fields(vec![field("ext_deal", "17"), field("pipeline", "default")]));
    assert_eq!(intent.on_missing, OnMissing::Create);
    assert_eq!(values(&intent.properties), json!({ "dealname": "D", "amount": 1.5 }));
    let kind = Kind { category: "HUBSPOT_DEFINED".to_owned(), type_id: 3 };
    let find = Find::Fields(vec![field("email", "a@x.com")]);
    assert_eq!(intent.associations, [Link { object: "contacts".to_owned(), kind, find, create: false }]);

    let event = json!({ "type": "track", "properties": { "deal": 17 } });
    let intent = record(&object(fields.clone()), &event);
    assert!(intent.associations.is_empty());
    assert_eq!(
        warnings(&intent),
        ["searchFieldsToAssociateCustomObjects: nothing is associated, for there is no value for email"]
    );

    let event = json!({ "type": "track", "properties": { "email": "no" } });
    assert_eq!(
        refusals(&object(fields), &event),
        ["MISSING_FIELD customObjectSearchFields", "INVALID_EMAIL searchFieldsToAssociateCustomObjects.email"]
    );
}

#[test]
fn without_search_fields_every_event_makes_a_record() {
    let intent = record(&object(json!({ "objectType": "deals", "properties": { "dealname": "D" } })), &json!({}));
    assert_eq!(intent.find, Find::Fields(Vec::new()));
    assert_eq!(intent.key(), None);
    assert!(intent.associations.is_empty() && intent.warnings.is_empty());
    let no = json!({ "objectType": "deals", "properties": { "dealname": "D" }, "createNewCustomRecord": false });
    assert_eq!(record(&object(no), &json!({})).on_missing, OnMissing::Skip);
}

#[test]
fn an_association_needs_all_three_of_its_fields() {
    let fields = json!({ "objectType": "deals", "properties": { "dealname": "D" }, "toObjectType": "contacts" });
    let intent = record(&object(fields), &json!({}));
    assert!(intent.associations.is_empty());
    assert_eq!(
        warnings(&intent),
        [
            "searchFieldsToAssociateCustomObjects: nothing is associated, for there is no value for associationLabel, searchFieldsToAssociateCustomObjects"
        ]
    );
    let label = json!({
        "objectType": "deals", "properties": { "dealname": "D" }, "toObjectType": "contacts",
        "associationLabel": path("label"), "searchFieldsToAssociateCustomObjects": { "email": "a@x.com" },
    });
    assert_eq!(refusals(&object(label), &json!({ "label": "3" })), ["INVALID_LABEL associationLabel"]);
}

#[test]
fn properties_must_be_there() {
    let fields = json!({ "objectType": "deals", "properties": path("properties") });
    assert_eq!(refusals(&object(fields.clone()), &json!({})), ["MISSING_FIELD properties"]);
    assert_eq!(refusals(&object(fields), &json!({ "properties": 5 })), ["INVALID_FIELD properties"]);
}
