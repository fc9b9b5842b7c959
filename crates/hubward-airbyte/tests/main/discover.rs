//! `discover`: the official operations first and unchanged, then ours.

use serde_json::{Value, json};

use crate::world::{World, cars, of_type, property, unique};

fn operations(messages: &[Value]) -> Vec<Value> {
    let all = of_type(messages, "DESTINATION_CATALOG");
    assert_eq!(all.len(), 1, "{messages:?}");
    all[0]["destination_catalog"]["operations"].as_array().expect("operations").clone()
}

fn named(operations: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    operations.iter().map(|one| (text(&one["object_name"]), text(&one["sync_mode"]))).collect()
}

fn find<'a>(operations: &'a [Value], object: &str, mode: &str) -> &'a Value {
    operations
        .iter()
        .find(|one| one["object_name"] == object && one["sync_mode"] == mode)
        .unwrap_or_else(|| panic!("no {mode} of {object}"))
}

fn warned(messages: &[Value], parts: &[&str]) -> bool {
    of_type(messages, "LOG").iter().any(|log| {
        let text = log["log"]["message"].as_str().unwrap_or_default();
        log["log"]["level"] == "WARN" && parts.iter().all(|part| text.contains(part))
    })
}

#[tokio::test(start_paused = true)]
async fn the_official_operations_come_first_in_their_order_and_the_others_behind_them() {
    let world = World::stocked();
    world.load(&json!({"properties": {"products": [unique("part_no")], "tickets": [unique("case_no")], "line_items": [unique("line_no")]}}));
    let operations = operations(&world.discover().await);
    let names = named(&operations);
    let upserts: Vec<&str> = names.iter().take(7).map(|(object, _)| object.as_str()).collect();
    assert_eq!(upserts, ["CONTACT", "COMPANY", "DEAL", "PRODUCT", "cars", "TICKET", "LINE_ITEM"]);
    assert!(names[..7].iter().all(|(_, mode)| mode == "append_dedup"));
    let others: Vec<(&str, &str)> = names[7..].iter().map(|(object, mode)| (object.as_str(), mode.as_str())).collect();
    let mut expected = Vec::new();
    for object in ["CONTACT", "COMPANY", "DEAL", "PRODUCT", "cars", "TICKET", "LINE_ITEM"] {
        expected.extend(["append", "update", "soft_delete"].map(|mode| (object, mode)));
    }
    assert_eq!(others, expected);
    assert_eq!(find(&operations, "CONTACT", "append_dedup")["matching_keys"], json!([["email"]]));
    assert_eq!(find(&operations, "cars", "append_dedup")["matching_keys"], json!([["car_id"], ["vin"]]));
    assert_eq!(find(&operations, "CONTACT", "update")["matching_keys"], json!([["email"], ["hs_object_id"]]));
    assert_eq!(find(&operations, "CONTACT", "append").get("matching_keys"), None);
}

#[tokio::test(start_paused = true)]
async fn a_custom_object_is_described_exactly() {
    let world = World::new();
    let mut schema = cars();
    schema["properties"] = json!([
        unique("car_id"),
        property("built", "date"),
        property("seen", "datetime"),
        property("electric", "bool"),
        property("seats", "number"),
        {"name": "colour", "label": "Colour", "type": "enumeration", "fieldType": "select",
         "options": [{"label": "Red", "value": "red"}]},
        {"name": "sum", "label": "Sum", "type": "number", "fieldType": "number",
         "modificationMetadata": {"readOnlyValue": true}},
    ]);
    world.load(&json!({ "schemas": [schema] }));
    let operations = operations(&world.discover().await);
    let own = ["car_id", "built", "seen", "electric", "seats", "colour"];
    let upsert = find(&operations, "cars", "append_dedup");
    let properties = upsert["json_schema"]["properties"].as_object().expect("properties");
    let types = |name: &str| properties[name].clone();
    assert_eq!(types("car_id"), json!({"type": "string"}));
    assert_eq!(types("built"), json!({"type": "string", "format": "date"}));
    assert_eq!(
        types("seen"),
        json!({"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"})
    );
    assert_eq!(types("electric"), json!({"type": "boolean"}));
    assert_eq!(types("seats"), json!({"type": "number"}));
    assert_eq!(types("colour"), json!({"type": "string"}));
    assert!(!properties.contains_key("sum") && !properties.contains_key("hs_object_id"));
    assert!(own.iter().all(|name| properties.contains_key(*name)));
    assert_eq!(upsert["json_schema"].get("required"), None);
    assert_eq!(upsert["json_schema"]["additionalProperties"], false);
    assert_eq!(find(&operations, "cars", "append")["json_schema"]["required"], json!(["car_id"]));
    let deleted = find(&operations, "cars", "soft_delete");
    assert_eq!(
        deleted,
        &json!({"object_name": "cars", "sync_mode": "soft_delete", "matching_keys": [["car_id"], ["hs_object_id"]],
            "json_schema": {"type": "object", "additionalProperties": false, "properties": {
                "hs_object_id": {"type": "string"}, "car_id": {"type": "string"}}}})
    );
}

#[tokio::test(start_paused = true)]
async fn an_object_without_a_unique_property_says_why_it_cannot_be_upserted() {
    let world = World::new();
    let messages = world.discover().await;
    let operations = operations(&messages);
    assert!(!named(&operations).contains(&("DEAL".to_owned(), "append_dedup".to_owned())));
    assert_eq!(find(&operations, "DEAL", "update")["matching_keys"], json!([["hs_object_id"]]));
    assert!(warned(&messages, &["DEAL", "unique values"]));
}

#[tokio::test(start_paused = true)]
async fn a_type_that_nobody_knows_is_a_text_with_a_warning() {
    let world = World::new();
    world.script(|path, _| {
        path.contains("/properties/contacts").then(|| {
            (200, json!({"results": [
                {"name": "email", "label": "E-mail", "type": "string", "fieldType": "text", "groupName": "g", "options": [],
                 "description": "", "modificationMetadata": {"readOnlyValue": false, "archivable": true, "readOnlyDefinition": true}},
                {"name": "shape", "label": "Shape", "type": "json", "fieldType": "text", "groupName": "g", "options": [],
                 "description": "", "modificationMetadata": {"readOnlyValue": false, "archivable": true, "readOnlyDefinition": true}},
                {"name": "where", "label": "Where", "type": "object_coordinates", "fieldType": "text", "groupName": "g", "options": [],
                 "description": "", "modificationMetadata": {"readOnlyValue": false, "archivable": true, "readOnlyDefinition": true}}
            ]}))
        })
    });
    let messages = world.discover().await;
    let operations = operations(&messages);
    let properties = &find(&operations, "CONTACT", "append_dedup")["json_schema"]["properties"];
    assert_eq!(properties, &json!({"email": {"type": "string"}, "shape": {"type": "string"}}));
    assert!(warned(&messages, &["CONTACT.shape", "json"]));
}

#[tokio::test(start_paused = true)]
async fn without_the_scope_for_schemas_the_standard_objects_stay() {
    let mut world = World::stocked();
    world.load(&json!({ "tokens": [{ "token": "pat-some", "kind": "private_app", "scopes": [
        "oauth", "crm.objects.contacts.read", "crm.schemas.contacts.read", "crm.objects.contacts.write"] }] }));
    world.config["credentials"]["access_token"] = json!("pat-some");
    world.script(|path, _| {
        // HubSpot's own words for what this token lacks.
        path.contains("schemas/v3/schemas").then(|| {
            (403, json!({"status": "error", "message": "This app hasn't been granted all required scopes to make this call.",
                "correlationId": "1d3d4b6a-7e4d-4a6b-9f2f-1c2d3e4f5a6b", "category": "MISSING_SCOPES",
                "errors": [{"message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": ["crm.schemas.custom.read"]}}]}))
        })
    });
    let messages = world.discover().await;
    let names = named(&operations(&messages));
    assert!(names.iter().all(|(object, _)| object == "CONTACT"), "{names:?}");
    assert!(warned(&messages, &["custom objects", "crm.schemas.custom.read"]));
    assert!(warned(&messages, &["DEAL", "scope"]));
}

#[tokio::test(start_paused = true)]
async fn a_discover_that_fails_has_no_catalog() {
    let mut world = World::new();
    world.config["credentials"]["access_token"] = json!("pat-na1-hush");
    let messages = world.discover().await;
    assert!(of_type(&messages, "DESTINATION_CATALOG").is_empty());
    assert_eq!(of_type(&messages, "TRACE")[0]["trace"]["error"]["failure_type"], "config_error");
    assert_eq!(of_type(&messages, "CONNECTION_STATUS")[0]["connectionStatus"]["status"], "FAILED");
}
