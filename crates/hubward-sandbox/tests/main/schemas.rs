//! Custom object types through the schemas API (api.md 6.1).

use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{Account, text, unique_property};

const SCHEMAS: &str = "/crm-object-schemas/2026-09/schemas";

fn car() -> Value {
    let mut doors = unique_property("doors");
    doors["hasUniqueValue"] = json!(false);
    doors["type"] = json!("number");
    doors["fieldType"] = json!("number");
    let mut vin = unique_property("vin");
    for property in [&mut doors, &mut vin] {
        property.as_object_mut().unwrap().remove("groupName");
    }
    json!({
        "name": "car", "labels": { "singular": "Car", "plural": "Cars" }, "description": "Vehicles",
        "primaryDisplayProperty": "vin", "secondaryDisplayProperties": ["doors"], "requiredProperties": ["vin"],
        "searchableProperties": ["vin"], "associatedObjects": ["CONTACT", "0-2"], "properties": [vin, doors],
    })
}

async fn made(account: &Account) -> String {
    let answer = account.post(SCHEMAS, car()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    text(&answer.body["objectTypeId"])
}

#[tokio::test]
async fn a_new_type_has_its_properties_its_group_and_its_associations_in_both_directions() {
    let account = Account::new(Tier::Enterprise);
    let id = made(&account).await;
    let read = account.get(&format!("{SCHEMAS}/{id}")).await.body;
    assert_eq!((&read["name"], &read["fullyQualifiedName"]), (&json!("car"), &json!("p1234567_car")));
    assert_eq!((&read["description"], &read["requiredProperties"]), (&json!("Vehicles"), &json!(["vin"])));
    let mut pairs: Vec<(String, String)> = Vec::new();
    for one in read["associations"].as_array().unwrap() {
        assert!(one["id"].is_string());
        pairs.push((text(&one["fromObjectTypeId"]), text(&one["toObjectTypeId"])));
    }
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(pairs, [pair(&id, "0-1"), pair("0-1", &id), pair(&id, "0-2"), pair("0-2", &id)]);
    let named = |name: &str| read["properties"].as_array().unwrap().iter().any(|property| property["name"] == name);
    for name in ["vin", "doors", "hs_object_id", "hs_createdate", "hs_pipeline", "hubspot_owner_id"] {
        assert!(named(name), "{name}");
    }
    let groups = account.get(&format!("/crm/properties/2026-09/{id}/groups")).await;
    assert!(groups.results().iter().any(|group| group["name"] == "car_information"));
    let bare = account.get(&format!("{SCHEMAS}/{id}?includePropertyDefinitions=false&includeAssociationDefinitions=false&includeAuditMetadata=true")).await.body;
    assert_eq!((&bare["properties"], &bare["associations"]), (&json!([]), &json!([])));
    assert!(bare["createdByUserId"].is_number());
}

#[tokio::test]
async fn types_are_read_in_a_batch_by_any_of_their_names() {
    let account = Account::new(Tier::Enterprise);
    let id = made(&account).await;
    let body = json!({ "inputs": ["p1234567_car", "nope"], "includePropertyDefinitions": true,
        "includeAssociationDefinitions": false, "includeAuditMetadata": false });
    let read = account.post(&format!("{SCHEMAS}/batch/read"), body).await;
    assert_eq!((read.status, read.results().len()), (200, 1));
    assert_eq!((&read.results()[0]["objectTypeId"], &read.results()[0]["associations"]), (&json!(id), &json!([])));
    assert!(!read.results()[0]["properties"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_change_answers_with_the_definition_alone_and_rules_what_records_need() {
    let account = Account::new(Tier::Enterprise);
    let id = made(&account).await;
    let patch = json!({ "clearDescription": true, "requiredProperties": ["vin", "doors"], "labels": { "singular": "Auto", "plural": "Autos" } });
    let patched = account.patch(&format!("{SCHEMAS}/car"), patch).await;
    assert_eq!((patched.status, &patched.body["portalId"]), (200, &json!(1_234_567)));
    assert!(patched.body.get("properties").is_none() && patched.body.get("description").is_none());
    let create = async |properties: Value| {
        account.post(&format!("/crm/v3/objects/{id}"), json!({ "properties": properties })).await
    };
    let refused = create(json!({ "vin": "1" })).await;
    assert_eq!((refused.status, &refused.body["context"]["properties"]), (400, &json!(["doors"])));
    assert_eq!(create(json!({ "vin": "1", "doors": 5 })).await.status, 201);
    assert_eq!(account.get("/crm/v3/objects/Autos").await.results().len(), 1, "the new plural is a name of it");
    let unknown = account.patch(&format!("{SCHEMAS}/{id}"), json!({ "requiredProperties": ["nope"] })).await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn a_type_with_records_stays_and_an_archived_one_is_deleted_for_good_on_request() {
    let account = Account::new(Tier::Enterprise);
    let id = made(&account).await;
    let car = account.make("car", json!({ "vin": "1" })).await;
    let delete = async |path: &str| account.send("DELETE", path, Value::Null).await;
    let path = format!("{SCHEMAS}/{id}");
    let refused = delete(&path).await;
    assert_eq!((refused.status, &refused.body["subCategory"]), (400, &json!("EXISTING_OBJECT_RECORDS")));
    assert_eq!(delete(&format!("{path}?archived=true")).await.status, 404, "it is not archived");
    assert_eq!(delete(&format!("/crm/v3/objects/car/{car}")).await.status, 204);
    assert_eq!(delete(&path).await.status, 204);
    assert_eq!(account.get(SCHEMAS).await.results().len(), 0);
    assert_eq!(account.get(&format!("{SCHEMAS}?archived=true")).await.results().len(), 1);
    assert_eq!(account.get("/crm/v3/objects/car").await.status, 400);
    assert_eq!(delete(&format!("{path}?archived=true")).await.status, 204);
    assert_eq!(account.get(&format!("{SCHEMAS}?archived=true")).await.results().len(), 0);
    assert_ne!(made(&account).await, id, "the name is free, the id is another");
}

#[tokio::test]
async fn associations_of_a_type_are_defined_and_removed_afterwards() {
    let account = Account::new(Tier::Enterprise);
    let id = made(&account).await;
    let path = format!("{SCHEMAS}/{id}/associations");
    let body = json!({ "fromObjectTypeId": id, "toObjectTypeId": "0-3", "name": "car_to_deal" });
    let defined = account.post(&path, body).await;
    assert_eq!((defined.status, &defined.body["name"]), (201, &json!("car_to_deal")));
    assert_eq!((&defined.body["fromObjectTypeId"], &defined.body["toObjectTypeId"]), (&json!(id), &json!("0-3")));
    let count = async || account.get(&format!("{SCHEMAS}/{id}")).await.body["associations"].as_array().unwrap().len();
    assert_eq!(count().await, 5);
    let one = format!("{path}/{}", text(&defined.body["id"]));
    assert_eq!(account.send("DELETE", &one, Value::Null).await.status, 204);
    assert_eq!((count().await, account.send("DELETE", &one, Value::Null).await.status), (4, 404));
    let foreign = json!({ "fromObjectTypeId": "0-1", "toObjectTypeId": "0-3" });
    assert_eq!(account.post(&path, foreign).await.status, 400);
}

#[tokio::test]
async fn a_schema_that_does_not_hold_together_is_refused() {
    let account = Account::new(Tier::Enterprise);
    let with = |field: &str, value: Value| {
        let mut schema = car();
        schema[field] = value;
        schema
    };
    for bad in [
        with("name", json!("1car")),
        with("name", json!("x".repeat(51))),
        with("requiredProperties", json!(["nope"])),
        with("primaryDisplayProperty", json!("nope")),
        with("associatedObjects", json!(["butterflies"])),
        with("properties", json!([{ "name": "vin", "label": "VIN", "type": "string" }])),
    ] {
        assert_eq!(account.post(SCHEMAS, bad.clone()).await.status, 400, "{bad}");
    }
    assert_eq!(account.get(SCHEMAS).await.results().len(), 0);
    made(&account).await;
    let taken = account.post(SCHEMAS, car()).await;
    assert_eq!((taken.status, &taken.body["category"]), (409, &json!("OBJECT_ALREADY_EXISTS")));
    assert_eq!(account.get(&format!("{SCHEMAS}/contacts")).await.status, 404, "not a custom object");
}
