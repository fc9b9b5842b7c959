use serde_json::{Value, json};

use super::*;

fn body(request: &ApiRequest) -> Value {
    serde_json::from_slice(request.body.as_deref().expect("a body")).expect("JSON")
}

fn plan() -> NewProperty {
    NewProperty {
        name: "plan".to_owned(),
        label: "Plan".to_owned(),
        type_: "enumeration".to_owned(),
        field_type: "select".to_owned(),
        group: Some("shop".to_owned()),
        description: None,
        options: vec![
            NewOption { value: "gold".to_owned(), label: "Gold".to_owned() },
            NewOption { value: "silver".to_owned(), label: "Silver".to_owned() },
        ],
        unique: true,
        sensitivity: Sensitivity::NonSensitive,
    }
}

#[test]
fn a_property_is_asked_for_with_all_that_hubspot_requires() {
    let request = create_properties(ApiVersion::V2026_09, "contacts", &[plan()]);
    assert_eq!(request.path, "/crm/properties/2026-09/contacts/batch/create");
    assert_eq!(request.inputs, 1);
    assert_eq!(
        body(&request),
        json!({ "inputs": [{
            "name": "plan", "label": "Plan", "type": "enumeration", "fieldType": "select", "groupName": "shop",
            "options": [
                { "value": "gold", "label": "Gold", "displayOrder": 0, "hidden": false },
                { "value": "silver", "label": "Silver", "displayOrder": 1, "hidden": false },
            ],
            "hasUniqueValue": true,
        }] })
    );
    let legacy = create_properties(ApiVersion::V3, "contacts", &[plan()]);
    assert_eq!(legacy.path, "/crm/v3/properties/contacts/batch/create");
}

#[test]
fn a_custom_type_is_asked_for_in_the_words_of_its_version() {
    let schema = NewSchema { name: "machine".to_owned(), primary: "serial".to_owned(), ..NewSchema::default() };
    let dated = create_schema(ApiVersion::V2026_03, &schema);
    assert_eq!(body(&dated)["shouldCreateSameObjectAssociation"], json!(false));
    let newest = create_schema(ApiVersion::V2026_09, &schema);
    assert_eq!(body(&newest).get("shouldCreateSameObjectAssociation"), None);
    assert_eq!(newest.path, "/crm-object-schemas/2026-09/schemas");
    for field in
        ["labels", "requiredProperties", "searchableProperties", "secondaryDisplayProperties", "associatedObjects"]
    {
        assert!(body(&newest).get(field).is_some(), "{field}");
    }
}

#[test]
fn only_a_label_must_not_be_asked_for_twice() {
    let label =
        NewLabel { name: "billing".to_owned(), label: "Billing".to_owned(), inverse: Some("Billed by".to_owned()) };
    let request = create_label(ApiVersion::V3, "0-1", "0-2", &label);
    assert!(!request.idempotent);
    assert_eq!(request.path, "/crm/v4/associations/0-1/0-2/labels");
    assert_eq!(body(&request), json!({ "name": "billing", "label": "Billing", "inverseLabel": "Billed by" }));
    assert!(create_group(ApiVersion::V3, "contacts", &PropertyGroup::default()).idempotent);
}

#[test]
fn a_mixed_answer_tells_which_properties_are_there_and_which_were_refused() {
    let answer = json!({
        "status": "COMPLETE",
        "results": [{ "name": "plan", "label": "Plan", "type": "string", "fieldType": "text" }],
        "numErrors": 2,
        "errors": [
            { "category": "OBJECT_ALREADY_EXISTS", "message": "A property named 'size' already exists.", "context": { "name": ["size"] } },
            { "category": "VALIDATION_ERROR", "message": "no" },
        ],
    });
    let reply = decode_created(207, answer.to_string().as_bytes()).expect("readable");
    assert_eq!(reply.created.iter().map(|property| property.name.as_str()).collect::<Vec<_>>(), ["plan"]);
    assert_eq!(reply.refused[0].0, ["size"]);
    assert_eq!(reply.refused[0].1.kind, ErrorKind::Conflict);
    assert_eq!(reply.refused[1].0, Vec::<String>::new());
    assert!(decode_created(201, b"{}").is_err());
}
