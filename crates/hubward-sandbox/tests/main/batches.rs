//! Items 1 to 6, 9, 13, 14: batches and their partial failure.

use serde_json::{Value, json};

use crate::harness::{Account, text, unique_property};

const CREATE: &str = "/crm/objects/2026-09/contacts/batch/create";
const UPSERT: &str = "/crm/objects/2026-09/contacts/batch/upsert";
const UPDATE: &str = "/crm/objects/2026-09/contacts/batch/update";

fn contact(at: usize) -> Value {
    json!({ "properties": { "email": format!("c{at}@example.com"), "firstname": format!("n{at}") } })
}

#[tokio::test]
async fn item_01_a_batch_of_101_is_refused_and_nothing_is_stored() {
    let account = Account::unlimited();
    let inputs: Vec<Value> = (0..101).map(contact).collect();
    let answer = account.post(CREATE, json!({ "inputs": inputs })).await;
    assert_eq!((answer.status, &answer.body["category"]), (400, &json!("VALIDATION_ERROR")));
    assert_eq!(account.count("contacts").await, 0);
    let answer = account.post(CREATE, json!({ "inputs": inputs[..100] })).await;
    assert_eq!(answer.status, 201);
    assert_eq!(account.count("contacts").await, 100);
    for operation in ["update", "upsert", "read", "archive"] {
        let inputs: Vec<Value> = (0..101).map(|at| json!({ "id": at.to_string(), "properties": {} })).collect();
        let answer =
            account.post(&format!("/crm/v3/objects/contacts/batch/{operation}"), json!({ "inputs": inputs })).await;
        assert_eq!(answer.status, 400, "{operation}");
    }
}

#[tokio::test]
async fn item_02_batch_create_without_trace_ids_stores_nothing_when_one_record_is_invalid() {
    let account = Account::unlimited();
    let bad = json!({ "properties": { "email": "b@example.com", "no_such": "x" } });
    let answer = account.post(CREATE, json!({ "inputs": [contact(0), bad, contact(2)] })).await;
    assert_eq!((answer.status, &answer.body["category"]), (400, &json!("VALIDATION_ERROR")));
    assert_eq!(account.count("contacts").await, 0);
}

#[tokio::test]
async fn item_03_batch_create_with_trace_ids_answers_207_and_stores_the_valid_records() {
    let account = Account::unlimited();
    let mut inputs =
        vec![contact(0), json!({ "properties": { "email": "b@example.com", "no_such": "x" } }), contact(2)];
    for (at, input) in inputs.iter_mut().enumerate() {
        input["objectWriteTraceId"] = json!(format!("row-{at}"));
    }
    let answer = account.post(CREATE, json!({ "inputs": inputs })).await;
    assert_eq!(
        (answer.status, &answer.body["status"], &answer.body["numErrors"]),
        (207, &json!("COMPLETE"), &json!(1))
    );
    assert_eq!(answer.sorted("email"), ["c0@example.com", "c2@example.com"]);
    assert_eq!(answer.errors()[0]["context"]["objectWriteTraceId"], json!(["row-1"]));
    assert_eq!(account.count("contacts").await, 2);
    // the same trace id twice makes the batch all or nothing
    for input in &mut inputs {
        input["objectWriteTraceId"] = json!("same");
        input["properties"]["email"] = json!(format!("x{}", text(&input["properties"]["email"])));
    }
    assert_eq!(account.post(CREATE, json!({ "inputs": inputs })).await.status, 400);
    assert_eq!(account.count("contacts").await, 2);
}

#[tokio::test]
async fn item_04_batch_upsert_with_trace_ids_answers_207_and_complete() {
    let account = Account::unlimited();
    account.make("contacts", json!({ "email": "old@example.com" })).await;
    let input = |id: &str, stage: &str| json!({ "id": id, "idProperty": "email", "properties": { "lifecyclestage": stage }, "objectWriteTraceId": id });
    let inputs = json!([
        input("old@example.com", "customer"),
        input("new@example.com", "customer"),
        input("bad@example.com", "Customer")
    ]);
    let answer = account.post(UPSERT, json!({ "inputs": inputs })).await;
    assert_eq!((answer.status, &answer.body["status"]), (207, &json!("COMPLETE")));
    let mut seen: Vec<(String, bool)> = Vec::new();
    for result in answer.results() {
        seen.push((text(&result["properties"]["email"]), result["new"] == true));
    }
    seen.sort();
    assert_eq!(seen, [("new@example.com".to_owned(), true), ("old@example.com".to_owned(), false)]);
    assert_eq!(answer.errors()[0]["context"]["objectWriteTraceId"], json!(["bad@example.com"]));
    assert_eq!(account.count("contacts").await, 2);
    // without trace ids nothing is stored
    let mut strict = inputs;
    for input in strict.as_array_mut().unwrap() {
        input.as_object_mut().unwrap().remove("objectWriteTraceId");
        input["id"] = json!(format!("z{}", text(&input["id"])));
    }
    assert_eq!(account.post(UPSERT, json!({ "inputs": strict })).await.status, 400);
    assert_eq!(account.count("contacts").await, 2);
}

#[tokio::test]
async fn item_05_results_come_back_in_another_order_than_the_inputs() {
    let account = Account::unlimited();
    let sent: Vec<String> = (0..20).map(|at| format!("c{at}@example.com")).collect();
    let order = |answer: &crate::harness::Answer| -> Vec<String> {
        answer.results().iter().map(|result| text(&result["properties"]["email"])).collect()
    };
    let created = account.post(CREATE, json!({ "inputs": (0..20).map(contact).collect::<Vec<_>>() })).await;
    let inputs: Vec<Value> =
        sent.iter().map(|id| json!({ "id": id, "idProperty": "email", "properties": { "city": "Ulm" } })).collect();
    let upserted = account.post(UPSERT, json!({ "inputs": inputs })).await;
    let mut ids: Vec<Value> = created.results().iter().map(|result| result["id"].clone()).collect();
    ids.sort_by_key(text);
    let inputs: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "properties": { "city": "Bern" } })).collect();
    let updated = account.post(UPDATE, json!({ "inputs": inputs })).await;
    let updated_ids: Vec<Value> = updated.results().iter().map(|result| result["id"].clone()).collect();
    assert_ne!(order(&created), sent);
    assert_ne!(order(&upserted), sent);
    assert_ne!(updated_ids, ids);
    assert_eq!(created.sorted("email").len(), 20);
    assert_eq!(upserted.sorted("email"), created.sorted("email"));
    // the same seed gives the same order
    let again = Account::unlimited().post(CREATE, json!({ "inputs": (0..20).map(contact).collect::<Vec<_>>() })).await;
    assert_eq!(order(&again), order(&created));
}

#[tokio::test]
async fn item_06_duplicate_keys_are_refused_with_or_without_trace_ids() {
    let account = Account::unlimited();
    for traced in [false, true] {
        let mut inputs = vec![];
        for (at, id) in ["a@example.com", "b@example.com", "a@example.com"].iter().enumerate() {
            let mut input = json!({ "id": id, "idProperty": "email", "properties": { "city": "Ulm" } });
            if traced {
                input["objectWriteTraceId"] = json!(at.to_string());
            }
            inputs.push(input);
        }
        let answer = account.post(UPSERT, json!({ "inputs": inputs })).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.message(), "Duplicate IDs found in batch input: [a@example.com]. IDs must be unique");
        assert_eq!(answer.body["context"]["ids"], json!(["a@example.com"]));
    }
    let id = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let input = json!({ "id": id, "properties": { "city": "Ulm" } });
    let answer = account.post(UPDATE, json!({ "inputs": [input, input] })).await;
    assert_eq!(answer.message(), format!("Duplicate IDs found in batch input: [{id}]. IDs must be unique"));
    assert_eq!(account.count("contacts").await, 1);
}

#[tokio::test]
async fn item_09_a_taken_email_in_batch_create_is_409_for_all_or_207_with_the_existing_id() {
    let account = Account::unlimited();
    let existing = account.make("contacts", json!({ "email": "c1@example.com" })).await;
    let mut inputs: Vec<Value> = (0..3).map(contact).collect();
    let answer = account.post(CREATE, json!({ "inputs": inputs })).await;
    assert_eq!(
        (answer.status, &answer.body["category"], answer.message()),
        (409, &json!("CONFLICT"), "Contact already exists")
    );
    assert_eq!(account.count("contacts").await, 1);
    for (at, input) in inputs.iter_mut().enumerate() {
        input["objectWriteTraceId"] = json!(at.to_string());
    }
    let answer = account.post(CREATE, json!({ "inputs": inputs })).await;
    assert_eq!(answer.status, 207);
    let error = &answer.errors()[0];
    assert_eq!(error["message"], json!(format!("Contact already exists. Existing ID: {existing}")));
    assert_eq!(error["context"], json!({ "objectWriteTraceId": ["1"], "existingId": [existing] }));
    assert_eq!(account.count("contacts").await, 3);
}

#[tokio::test]
async fn item_13_batch_update_groups_unknown_ids_in_one_error_and_updates_the_rest() {
    let account = Account::unlimited();
    let id = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let input = |id: &str| json!({ "id": id, "properties": { "city": "Ulm" } });
    let answer = account.post(UPDATE, json!({ "inputs": [input("1"), input(&id), input("2")] })).await;
    assert_eq!(answer.status, 207);
    assert_eq!((&answer.body["numErrors"], answer.errors().len()), (&json!(1), 1));
    let error = &answer.errors()[0];
    assert_eq!((&error["category"], &error["context"]["ids"]), (&json!("OBJECT_NOT_FOUND"), &json!(["1", "2"])));
    assert!(text(&error["message"]).starts_with("Could not get some CONTACT objects"));
    assert_eq!(answer.sorted("city"), ["Ulm"]);
    // one bad value stores nothing, trace ids or not
    let other = account.make("contacts", json!({ "email": "b@example.com" })).await;
    let bad = json!({ "id": other, "properties": { "nope": "x" }, "objectWriteTraceId": "2" });
    let good = json!({ "id": id, "properties": { "city": "Bern" }, "objectWriteTraceId": "1" });
    assert_eq!(account.post(UPDATE, json!({ "inputs": [good, bad] })).await.status, 400);
    let read = account.get(&format!("/crm/v3/objects/contacts/{id}?properties=city")).await;
    assert_eq!(read.body["properties"]["city"], "Ulm");
}

#[tokio::test]
async fn item_14_batch_update_says_nothing_of_a_merged_away_id() {
    let account = Account::unlimited();
    let one = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let two = account.make("contacts", json!({ "email": "b@example.com" })).await;
    let other = account.make("contacts", json!({ "email": "c@example.com" })).await;
    let merge = json!({ "primaryObjectId": one, "objectIdToMerge": two });
    assert_eq!(account.post("/crm/objects/2026-09/contacts/merge", merge).await.status, 200);
    let input = |id: &str| json!({ "id": id, "properties": { "city": "Ulm" } });
    let answer = account.post(UPDATE, json!({ "inputs": [input(&two), input(&other)] })).await;
    assert_eq!((answer.status, answer.errors().len(), answer.results().len()), (200, 0, 1));
    assert_eq!(answer.results()[0]["id"], json!(other));
}

#[tokio::test]
async fn batch_read_collapses_duplicates_and_names_unknown_ids_once() {
    let account = Account::unlimited();
    let id = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let gone = account.make("contacts", json!({ "email": "b@example.com" })).await;
    let archive = json!({ "inputs": [{ "id": gone }, { "id": "999" }] });
    assert_eq!(account.post("/crm/v3/objects/contacts/batch/archive", archive).await.status, 204);
    let body =
        json!({ "properties": ["email"], "inputs": [{ "id": id }, { "id": id }, { "id": gone }, { "id": "999" }] });
    let answer = account.post("/crm/objects/2026-09/contacts/batch/read", body.clone()).await;
    assert_eq!((answer.status, answer.results().len(), answer.errors().len()), (207, 1, 1));
    assert_eq!(answer.errors()[0]["context"]["ids"], json!([gone, "999"]));
    let archived = account.post("/crm/objects/2026-09/contacts/batch/read?archived=true", body).await;
    assert_eq!(archived.sorted("email"), ["b@example.com"]);
}

#[tokio::test]
async fn a_unique_value_taken_by_another_record_fails_its_input_alone_only_with_trace_ids() {
    let account = Account::unlimited();
    account.load(json!({ "properties": { "companies": [unique_property("ext"), unique_property("vat")] } }));
    account.make("companies", json!({ "name": "One", "ext": "k1", "vat": "v1" })).await;
    let input =
        |ext: &str, vat: &str| json!({ "id": ext, "idProperty": "ext", "properties": { "vat": vat, "name": ext } });
    let path = "/crm/objects/2026-09/companies/batch/upsert";
    let mut inputs = vec![input("k2", "v2"), input("k3", "v1"), input("k4", "v2")];
    let strict = account.post(path, json!({ "inputs": inputs })).await;
    assert_eq!(strict.status, 400);
    let codes: Vec<String> = strict.embedded().iter().map(|item| text(&item["error"])).collect();
    assert_eq!(
        codes,
        ["CONFLICTING_UNIQUE_VALUE", "CONFLICTING_UNIQUE_VALUE"],
        "also the value that two inputs of the batch claim"
    );
    assert_eq!(account.count("companies").await, 1);
    for input in &mut inputs {
        input["objectWriteTraceId"] = input["id"].clone();
    }
    let partial = account.post(path, json!({ "inputs": inputs })).await;
    assert_eq!((partial.status, partial.sorted("ext")), (207, vec!["k2".to_owned()]));
    let mut refused: Vec<String> =
        partial.errors().iter().map(|error| text(&error["context"]["objectWriteTraceId"][0])).collect();
    refused.sort();
    assert_eq!(refused, ["k3", "k4"]);
}
