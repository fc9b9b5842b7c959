//! Items 24 to 28: search, its lag and its limits; the recycle bin.

use std::time::Duration;

use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{Account, Answer, text};

const SEARCH: &str = "/crm/objects/2026-09/contacts/search";

fn filter(property: &str, operator: &str, value: Value) -> Value {
    let key = if value.is_array() { "values" } else { "value" };
    json!({ "filterGroups": [{ "filters": [{ "propertyName": property, "operator": operator, key: value }] }], "properties": ["city"] })
}

async fn total(account: &Account, property: &str, operator: &str, value: Value) -> Value {
    let answer: Answer = account.post(SEARCH, filter(property, operator, value)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["total"].clone()
}

#[tokio::test(start_paused = true)]
async fn item_24_a_write_is_visible_at_once_except_in_search() {
    let account = Account::unlimited();
    let id = account.make("contacts", json!({ "email": "a@example.com", "city": "Ulm" })).await;
    assert_eq!(account.get(&format!("/crm/v3/objects/contacts/{id}")).await.status, 200);
    let body = json!({ "idProperty": "email", "inputs": [{ "id": "a@example.com" }] });
    assert_eq!(account.post("/crm/v3/objects/contacts/batch/read", body).await.results().len(), 1);
    assert_eq!(account.get("/crm/v3/objects/contacts").await.results().len(), 1);
    assert_eq!(total(&account, "city", "EQ", json!("Ulm")).await, 0);
    tokio::time::advance(Duration::from_millis(4_999)).await;
    assert_eq!(total(&account, "city", "EQ", json!("Ulm")).await, 0);
    tokio::time::advance(Duration::from_millis(25_001)).await;
    assert_eq!(total(&account, "city", "EQ", json!("Ulm")).await, 1);
    // after a change search shows the old value until the new one is indexed
    account.patch(&format!("/crm/v3/objects/contacts/{id}"), json!({ "properties": { "city": "Bern" } })).await;
    assert_eq!(total(&account, "city", "EQ", json!("Ulm")).await, 1);
    account.advance(30_000).await;
    assert_eq!(total(&account, "city", "EQ", json!("Ulm")).await, 0);
    assert_eq!(total(&account, "city", "EQ", json!("Bern")).await, 1);
}

#[tokio::test]
async fn item_25_a_search_beyond_its_limits_is_refused() {
    let account = Account::unlimited();
    let one = json!({ "propertyName": "city", "operator": "EQ", "value": "x" });
    let group = |filters: usize| json!({ "filters": vec![one.clone(); filters] });
    for (what, body) in [
        ("10,000 rows", json!({ "after": "9900", "limit": 200 })),
        ("a page of 201", json!({ "limit": 201 })),
        ("six groups", json!({ "filterGroups": vec![group(1); 6] })),
        ("seven filters in a group", json!({ "filterGroups": [group(7)] })),
        ("nineteen filters", json!({ "filterGroups": [group(6), group(6), group(6), group(1)] })),
        ("a body over 3,000 characters", json!({ "query": "x".repeat(3_000) })),
        ("two sorts", json!({ "sorts": ["city", "email"] })),
    ] {
        assert_eq!(account.post(SEARCH, body).await.status, 400, "{what}");
    }
    for (what, body) in [
        ("the last page", json!({ "after": "9800", "limit": 200 })),
        ("five groups", json!({ "filterGroups": [group(6), group(6), group(3), group(2), group(1)] })),
    ] {
        assert_eq!(account.post(SEARCH, body).await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn item_26_in_matches_lower_case_search_values_only_and_eq_any_case() {
    let account = Account::unlimited();
    account.load(json!({ "records": { "contacts": [{ "properties": { "email": "a@example.com", "city": "Ulm" } }] } }));
    assert_eq!(total(&account, "city", "EQ", json!("uLM")).await, 1);
    assert_eq!(total(&account, "city", "IN", json!(["Ulm"])).await, 0);
    assert_eq!(total(&account, "city", "IN", json!(["ulm", "bern"])).await, 1);
    assert_eq!(total(&account, "city", "NOT_IN", json!(["ulm"])).await, 0);
}

#[tokio::test(start_paused = true)]
async fn item_27_archived_records_show_only_where_they_are_asked_for() {
    let account = Account::unlimited();
    account.load(json!({ "records": { "contacts": [
        { "id": 1, "properties": { "email": "a@example.com", "city": "Ulm" } }, { "id": 2, "properties": { "city": "Ulm" } }] } }));
    assert_eq!(total(&account, "city", "EQ", json!("Ulm")).await, 2);
    assert_eq!(account.send("DELETE", "/crm/v3/objects/contacts/1", Value::Null).await.status, 204);
    assert_eq!(total(&account, "city", "EQ", json!("Ulm")).await, 1);
    assert_eq!(account.get("/crm/v3/objects/contacts/1").await.status, 404);
    let archived = account.get("/crm/v3/objects/contacts/1?archived=true").await;
    assert_eq!((archived.status, &archived.body["archived"]), (200, &json!(true)));
    assert!(archived.body["archivedAt"].is_string());
    let ids = |answer: &Answer| answer.results().iter().map(|result| text(&result["id"])).collect::<Vec<_>>();
    assert_eq!(ids(&account.get("/crm/v3/objects/contacts").await), ["2"]);
    assert_eq!(ids(&account.get("/crm/v3/objects/contacts?archived=true").await), ["1"]);
    // as HubSpot's own Python client writes it
    assert_eq!(ids(&account.get("/crm/v3/objects/contacts?archived=True").await), ["1"]);
    // its e-mail is free again
    assert_ne!(account.make("contacts", json!({ "email": "a@example.com" })).await, "1");
}

#[tokio::test(start_paused = true)]
async fn item_28_the_sixth_search_of_a_second_is_refused_and_others_go_on() {
    let account = Account::new(Tier::Professional);
    for _ in 0..5 {
        let answer = account.post(SEARCH, json!({})).await;
        assert_eq!((answer.status, answer.header("x-hubspot-ratelimit-max")), (200, None));
    }
    let answer = account.post(SEARCH, json!({})).await;
    assert_eq!((answer.status, answer.message()), (429, "You have reached your secondly limit."));
    assert_eq!(answer.body["category"], "RATE_LIMITS");
    assert_eq!(answer.header("x-hubspot-ratelimit-max"), None);
    let other = account.get("/crm/v3/objects/contacts").await;
    assert_eq!((other.status, other.header("x-hubspot-ratelimit-remaining")), (200, Some("189")));
    tokio::time::advance(Duration::from_millis(1_000)).await;
    assert_eq!(account.post(SEARCH, json!({})).await.status, 200);
}

#[tokio::test]
async fn filters_sorts_and_paging_work_together() {
    let account = Account::unlimited();
    let mut records = Vec::new();
    for at in 0..25 {
        records.push(json!({ "properties": { "name": format!("Company {at}"), "numberofemployees": (at * 10).to_string(), "city": if at % 2 == 0 { "Ulm" } else { "Bern" } } }));
    }
    account.load(json!({ "records": { "companies": records } }));
    let body = json!({
        "filterGroups": [
            { "filters": [{ "propertyName": "city", "operator": "EQ", "value": "Ulm" }, { "propertyName": "numberofemployees", "operator": "BETWEEN", "value": "20", "highValue": "60" }] },
            { "filters": [{ "propertyName": "name", "operator": "CONTAINS_TOKEN", "value": "24" }] },
        ],
        "sorts": [{ "propertyName": "numberofemployees", "direction": "DESCENDING" }], "properties": ["numberofemployees"], "limit": 2,
    });
    let first = account.post("/crm/v3/objects/companies/search", body.clone()).await;
    let values = |answer: &Answer| {
        answer.results().iter().map(|result| text(&result["properties"]["numberofemployees"])).collect::<Vec<_>>()
    };
    assert_eq!((first.body["total"].clone(), values(&first)), (json!(4), vec!["240".to_owned(), "60".to_owned()]));
    let mut next = body;
    next["after"] = first.body["paging"]["next"]["after"].clone();
    let second = account.post("/crm/v3/objects/companies/search", next).await;
    assert_eq!(values(&second), ["40", "20"]);
    assert_eq!(second.body.get("paging"), None);
    let query = account.post("/crm/v3/objects/companies/search", json!({ "query": "company 7" })).await;
    assert_eq!(query.body["total"], 2, "7 and 17");
}
