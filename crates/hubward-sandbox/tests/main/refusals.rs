//! Items 32 (in process) and 34, and the refusals of api.md 2.5: faults, tokens, scopes, rights, editions, paths.

use bytes::Bytes;
use http::HeaderMap;
use hubward_sandbox::{Cut, Tier};
use serde_json::{Value, json};

use crate::harness::{Account, text};

const CREATE: &str = "/crm/v3/objects/contacts";

async fn faults(account: &Account, faults: Value) {
    let answer = account.post("/_sandbox/faults", faults).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn item_32_scripted_faults_strike_before_or_after_the_work() {
    let account = Account::unlimited();
    let contact = |at: u32| json!({ "properties": { "email": format!("c{at}@example.com") } });
    for status in [502_u16, 504] {
        faults(&account, json!([{ "match": { "kind": "create" }, "do": { "status": status } }])).await;
        assert_eq!(account.post(CREATE, contact(0)).await.status, status);
    }
    faults(&account, json!([{ "do": { "status": 477, "retry_after": 120 } }])).await;
    assert_eq!(account.post(CREATE, contact(0)).await.header("retry-after"), Some("120"));
    faults(&account, json!([{ "do": { "status": 423 } }])).await;
    assert_eq!(account.post(CREATE, contact(0)).await.status, 423);
    account.advance(1_999).await;
    assert_eq!(account.post(CREATE, contact(0)).await.status, 423, "the lock lasts two seconds");
    account.advance(1).await;
    faults(&account, json!([{ "do": { "reset": "before" } }])).await;
    assert_eq!(account.attempt("POST", CREATE, &contact(0)).await.unwrap_err(), Cut);
    assert_eq!(account.count("contacts").await, 0);
    faults(&account, json!([{ "do": { "status": 524, "applied": true } }])).await;
    assert_eq!(account.post(CREATE, contact(1)).await.status, 524);
    faults(&account, json!([{ "do": { "reset": "after" } }])).await;
    assert_eq!(account.attempt("POST", CREATE, &contact(2)).await.unwrap_err(), Cut);
    assert_eq!(account.count("contacts").await, 2);
    let log = account.get("/_sandbox/requests").await;
    let told: Vec<(Value, Value)> =
        log.results().iter().map(|entry| (entry["status"].clone(), entry["fault"].clone())).collect();
    assert_eq!(
        told[told.len() - 2..],
        [(json!(524), json!("status:524 applied")), (Value::Null, json!("reset:after"))]
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_lets_some_pass_strikes_so_often_and_can_drop_results_or_delay() {
    let account = Account::unlimited();
    faults(&account, json!([{ "match": { "method": "GET", "path_regex": "contacts$" }, "after": 1, "times": 2, "do": { "status": 429, "policy": "DAILY" } }])).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(account.get(CREATE).await.status);
    }
    assert_eq!(statuses, [200, 429, 429, 200]);
    faults(&account, json!([{ "match": { "kind": "batch_create" }, "do": { "drop_result": 1 } }])).await;
    let inputs = json!([{ "properties": { "firstname": "A" } }, { "properties": { "firstname": "B" } }]);
    let answer = account.post("/crm/v3/objects/contacts/batch/create", json!({ "inputs": inputs })).await;
    assert_eq!((answer.status, answer.results().len()), (201, 1));
    assert_eq!(account.count("contacts").await, 2);
    faults(&account, json!([{ "times": null, "do": { "delay_ms": 700 } }])).await;
    let before = tokio::time::Instant::now();
    assert_eq!(account.get(CREATE).await.status, 200);
    assert_eq!(before.elapsed().as_millis(), 700);
    faults(&account, json!([])).await;
    account.get(CREATE).await;
    assert_eq!(before.elapsed().as_millis(), 700, "an empty list takes all faults away");
}

#[tokio::test]
async fn item_34_a_missing_scope_is_403_and_named() {
    let account = Account::unlimited();
    account.load(
        json!({ "tokens": [{ "token": "reader", "kind": "private_app", "scopes": ["crm.objects.contacts.read"] }] }),
    );
    let reader = account.calling_as("reader");
    assert_eq!(reader.get(CREATE).await.status, 200);
    let answer = reader.post(CREATE, json!({ "properties": { "firstname": "A" } })).await;
    assert_eq!((answer.status, &answer.body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(answer.errors()[0]["context"]["requiredGranularScopes"], json!(["crm.objects.contacts.write"]));
    assert!(answer.body["links"]["scopes"].is_string());
    let answer = reader.get("/crm-object-schemas/2026-09/schemas").await;
    assert_eq!((answer.status, answer.message()), (403, "One or more of the following scopes are required."));
    assert_eq!(answer.body["context"]["requiredGranularScopes"][0], "custom-object-read");
    assert_eq!(
        reader.get("/crm/v3/objects/tickets").await.errors()[0]["context"]["requiredGranularScopes"],
        json!(["tickets"])
    );
    assert_eq!(reader.get("/crm/owners/2026-09").await.status, 403);
}

#[tokio::test]
async fn professional_works_with_loaded_custom_objects_and_makes_no_new_ones() {
    let account = Account::new(Tier::Professional);
    account.load(json!({ "schemas": [{ "name": "car", "primaryDisplayProperty": "vin",
        "properties": [{ "name": "vin", "label": "VIN", "type": "string", "fieldType": "text" }] }] }));
    assert_eq!(account.get("/crm/v3/objects/car").await.status, 200);
    let body = json!({ "name": "bike", "labels": { "singular": "Bike", "plural": "Bikes" }, "primaryDisplayProperty": "vin",
        "properties": [{ "name": "vin", "label": "VIN", "type": "string", "fieldType": "text" }] });
    let refused = account.post("/crm-object-schemas/v3/schemas", body).await;
    assert_eq!((refused.status, &refused.body["subCategory"]), (403, &json!("SUBSCRIPTION_TIER")));
}

#[tokio::test]
async fn scope_right_and_edition_are_refused_in_different_words() {
    let account = Account::new(Tier::Free);
    account.load(json!({
        "tokens": [{ "token": "user", "kind": "user_oauth", "denied_permissions": ["contacts.write", "associations.edit"] },
            { "token": "linker", "kind": "user_oauth", "denied_permissions": ["associations.edit"] }],
        "schemas": [{ "name": "car", "primaryDisplayProperty": "vin", "properties": [{ "name": "vin", "label": "VIN", "type": "string", "fieldType": "text" }] }],
    }));
    let right = account.calling_as("user").post(CREATE, json!({ "properties": { "firstname": "A" } })).await;
    assert_eq!((right.status, &right.body["subCategory"]), (403, &json!("USER_PERMISSION")));
    let edition = account.get("/crm/v3/objects/car").await;
    assert_eq!((edition.status, &edition.body["subCategory"]), (403, &json!("SUBSCRIPTION_TIER")));
    let company = account.make("companies", json!({ "name": "One" })).await;
    let create = json!({ "properties": { "firstname": "A" }, "associations": [{ "to": { "id": company },
        "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279 }] }] });
    let linker = account.calling_as("linker");
    let answer = linker.post("/crm/objects/2026-09/contacts", create.clone()).await;
    assert_eq!((answer.status, answer.message()), (400, "Missing 'Edit Associations' permission."));
    assert_eq!(linker.post("/crm/objects/2026-03/contacts", create).await.status, 201);
}

#[tokio::test]
async fn paths_tokens_and_bodies_that_are_wrong_are_told_apart() {
    let account = Account::unlimited();
    let nobody = account.try_raw("GET", CREATE, HeaderMap::new(), Bytes::new()).await.unwrap();
    assert_eq!((nobody.status, &nobody.body["category"]), (401, &json!("INVALID_AUTHENTICATION")));
    assert_eq!(nobody.header("x-hubspot-correlation-id"), nobody.body["correlationId"].as_str());
    assert_eq!(account.calling_as("wrong").get(CREATE).await.status, 401);
    let lost = account.try_raw("GET", "/crm/objects/2026-10/contacts", HeaderMap::new(), Bytes::new()).await.unwrap();
    assert_eq!(lost.status, 404);
    assert_eq!(account.put(CREATE, json!({})).await.status, 405);
    let unknown = account.get("/crm/v3/objects/butterflies").await;
    assert_eq!(
        (unknown.status, unknown.message(), unknown.body.get("category")),
        (400, "Unable to infer object type from: butterflies", None)
    );
    let missing = account.get("/crm/v3/objects/contacts/12345").await;
    assert_eq!((missing.status, missing.message(), missing.body.get("category")), (404, "resource not found", None));
    let odd = account.get("/crm/v3/objects/contacts/abc").await;
    assert_eq!((odd.status, odd.message()), (404, "Object not found.  objectId are usually numeric."));
    assert_eq!((&odd.body["category"], &odd.body["context"]["id"]), (&json!("OBJECT_NOT_FOUND"), &json!(["abc"])));
    let broken = account.post(CREATE, json!({ "properties": { "firstname": ["a"] } })).await;
    assert_eq!((broken.status, broken.body.get("category")), (400, None));
    assert!(broken.message().starts_with("Invalid input JSON on line 1, column "), "{}", broken.message());
    let mut headers = HeaderMap::new();
    headers.insert("authorization", http::HeaderValue::from_static("Bearer pat-na1-sandbox"));
    headers.insert("content-type", http::HeaderValue::from_static("text/plain"));
    assert_eq!(account.try_raw("POST", CREATE, headers, Bytes::from("x")).await.unwrap().status, 415);
    assert!(text(&account.get("/account-info/2026-09/details").await.body["portalId"]) == "1234567");
}
