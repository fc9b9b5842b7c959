//! Merge, permanent deletion, secondary e-mails, property history (api.md 3.2, 3.5, 3.10).

use serde_json::{Value, json};

use crate::harness::{Account, text, unique_property};

const CONTACTS: &str = "/crm/objects/2026-09/contacts";
const UPSERT: &str = "/crm/objects/2026-09/contacts/batch/upsert";

async fn merge(account: &Account, object: &str, primary: &str, other: &str) -> Value {
    let body = json!({ "primaryObjectId": primary, "objectIdToMerge": other });
    let answer = account.post(&format!("/crm/objects/2026-09/{object}/merge"), body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

async fn properties(account: &Account, object: &str, id: &str, names: &str) -> Value {
    let answer = account.get(&format!("/crm/objects/2026-09/{object}/{id}?properties={names}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["properties"].clone()
}

#[tokio::test]
async fn a_merge_keeps_the_primarys_values_and_both_emails() {
    let account = Account::unlimited();
    let one = account
        .make(
            "contacts",
            json!({ "email": "a@example.com", "city": "Ulm", "lifecyclestage": "lead", "hs_additional_emails": "a2@example.com" }),
        )
        .await;
    let two = account
        .make(
            "contacts",
            json!({ "email": "b@example.com", "city": "Bern", "zip": "3000", "lifecyclestage": "customer" }),
        )
        .await;
    let survivor = text(&merge(&account, "contacts", &one, &two).await["id"]);
    let names = "email,city,zip,lifecyclestage,hs_additional_emails,hs_merged_object_ids";
    let held = properties(&account, "contacts", &survivor, names).await;
    assert_eq!((&held["email"], &held["city"], &held["zip"]), (&json!("a@example.com"), &json!("Ulm"), &json!("3000")));
    assert_eq!(held["lifecyclestage"], "customer", "the further of the two stages");
    assert_eq!(held["hs_additional_emails"], "a2@example.com;b@example.com");
    assert_eq!(held["hs_merged_object_ids"], format!("{one};{two}"));
    for email in ["a@example.com", "a2@example.com", "B@example.com"] {
        let input = json!({ "id": email, "idProperty": "email", "properties": { "phone": "1" } });
        let answer = account.post(UPSERT, json!({ "inputs": [input] })).await;
        assert_eq!((&answer.results()[0]["id"], &answer.results()[0]["new"]), (&json!(survivor), &json!(false)));
        let read = account.get(&format!("{CONTACTS}/{email}?idProperty=email")).await;
        assert_eq!(read.body["id"], json!(survivor));
    }
    assert_eq!(account.count("contacts").await, 1);
}

#[tokio::test]
async fn a_merged_away_id_may_be_merged_again_and_leads_to_the_last_survivor() {
    let account = Account::unlimited();
    let mut ids = Vec::new();
    for at in 0..3 {
        ids.push(account.make("contacts", json!({ "email": format!("c{at}@example.com") })).await);
    }
    merge(&account, "contacts", &ids[0], &ids[1]).await;
    let last = text(&merge(&account, "contacts", &ids[2], &ids[1]).await["id"]);
    for id in &ids {
        assert_eq!(account.get(&format!("{CONTACTS}/{id}")).await.body["id"], json!(last));
    }
    let body = json!({ "properties": [], "inputs": [{ "id": ids[0] }, { "id": ids[2] }] });
    let read = account.post(&format!("{CONTACTS}/batch/read"), body).await;
    assert_eq!((read.status, read.results().len()), (200, 1), "two old ids are one record");
    let body = json!({ "primaryObjectId": ids[0], "objectIdToMerge": ids[1] });
    assert_eq!(account.post(&format!("{CONTACTS}/merge"), body).await.status, 400, "both are the same record by now");
}

#[tokio::test]
async fn every_type_merges_and_a_unique_value_of_the_lesser_record_is_free_again() {
    let account = Account::unlimited();
    account.load(json!({
        "schemas": [{ "name": "car", "primaryDisplayProperty": "vin", "properties": [unique_property("vin")] }],
        "properties": { "companies": [unique_property("ext")] },
    }));
    let one = account.make("car", json!({ "vin": "1" })).await;
    let two = account.make("car", json!({ "vin": "2" })).await;
    let survivor = text(&merge(&account, "car", &one, &two).await["id"]);
    assert_eq!(properties(&account, "car", &survivor, "vin").await["vin"], "1");
    account.make("car", json!({ "vin": "2" })).await;
    let one = account.make("companies", json!({ "name": "One", "domain": "one.example.com" })).await;
    let two = account.make("companies", json!({ "name": "Two", "domain": "two.example.com", "ext": "k2" })).await;
    let survivor = text(&merge(&account, "companies", &one, &two).await["id"]);
    let held = properties(&account, "companies", &survivor, "name,domain,hs_additional_domains,ext").await;
    assert_eq!((&held["name"], &held["domain"]), (&json!("One"), &json!("one.example.com")));
    assert_eq!((&held["hs_additional_domains"], &held["ext"]), (&json!("two.example.com"), &json!("k2")));
    let input = json!({ "id": "k2", "idProperty": "ext", "properties": { "city": "Ulm" } });
    let answer = account.post("/crm/v3/objects/companies/batch/upsert", json!({ "inputs": [input] })).await;
    assert_eq!(answer.results()[0]["id"], json!(survivor));
}

#[tokio::test]
async fn with_primary_id_preservation_the_survivor_keeps_its_id() {
    let account = Account::unlimited();
    account.load(json!({ "settings": { "merge_keeps_primary_id": true } }));
    let one = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let two = account.make("contacts", json!({ "email": "b@example.com" })).await;
    let company = account.make("companies", json!({ "name": "One" })).await;
    let path = format!("/crm/objects/2026-09/contacts/{two}/associations/default/companies/{company}");
    assert_eq!(account.put(&path, Value::Null).await.status, 200);
    assert_eq!(merge(&account, "contacts", &one, &two).await["id"], json!(one));
    assert_eq!(account.get(&format!("{CONTACTS}/{two}")).await.body["id"], json!(one));
    assert_eq!(
        properties(&account, "contacts", &one, "hs_merged_object_ids").await["hs_merged_object_ids"],
        json!(two)
    );
    let linked = account.get(&format!("/crm/objects/2026-09/companies/{company}/associations/contacts")).await;
    assert_eq!(linked.results().len(), 1);
    assert_eq!(linked.results()[0]["toObjectId"].to_string(), one);
}

#[tokio::test]
async fn more_than_250_merged_identities_are_414() {
    let account = Account::unlimited();
    let mut records = vec![json!({ "id": 1, "properties": { "firstname": "A" } })];
    records.extend((2..=250).map(|id| json!({ "id": id, "merged_into": 1 })));
    account.load(json!({ "records": { "contacts": records } }));
    let other = account.make("contacts", json!({ "firstname": "B" })).await;
    let answer =
        account.post(&format!("{CONTACTS}/merge"), json!({ "primaryObjectId": "1", "objectIdToMerge": other })).await;
    assert_eq!(answer.status, 414);
}

#[tokio::test]
async fn a_permanent_deletion_takes_all_and_blocks_the_address() {
    let account = Account::unlimited();
    let id = account
        .make("contacts", json!({ "email": "a@example.com", "hs_additional_emails": "second@example.com" }))
        .await;
    let delete = |body: Value| account.post("/crm/objects/2026-09/contacts/gdpr-delete", body);
    assert_eq!(delete(json!({ "objectId": id })).await.status, 204);
    assert_eq!(account.get(&format!("{CONTACTS}/{id}?archived=true")).await.status, 404);
    assert_eq!(account.count("contacts").await, 0);
    let nobody = json!({ "objectId": "Nobody@example.com", "idProperty": "email" });
    assert_eq!(delete(nobody).await.status, 204);
    for email in ["a@example.com", "Second@example.com", "nobody@example.com"] {
        let answer = account.post(CONTACTS, json!({ "properties": { "email": email } })).await;
        assert_eq!((answer.status, &answer.embedded()[0]["error"]), (400, &json!("INVALID_EMAIL")));
        let input = json!({ "id": email, "idProperty": "email", "properties": {}, "objectWriteTraceId": "1" });
        let answer = account.post(UPSERT, json!({ "inputs": [input] })).await;
        assert_eq!((answer.status, answer.results().len(), answer.errors().len()), (207, 0, 1));
    }
    let by_email = account.make("contacts", json!({ "email": "b@example.com" })).await;
    let body = json!({ "objectId": "b@example.com", "idProperty": "email" });
    assert_eq!(delete(body).await.status, 204);
    assert_eq!(account.get(&format!("{CONTACTS}/{by_email}")).await.status, 404);
    account.load(json!({ "settings": { "gdpr_blocks_emails": false } }));
    account.make("contacts", json!({ "email": "c@example.com" })).await;
    assert_eq!(delete(json!({ "objectId": "c@example.com", "idProperty": "email" })).await.status, 204);
    account.make("contacts", json!({ "email": "c@example.com" })).await;
}

#[tokio::test]
async fn a_secondary_email_is_unique_as_a_primary_one_is() {
    let account = Account::unlimited();
    let one = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let two = account.make("contacts", json!({ "email": "b@example.com" })).await;
    let set = async |id: &str, value: &str| {
        account.patch(&format!("{CONTACTS}/{id}"), json!({ "properties": { "hs_additional_emails": value } })).await
    };
    assert_eq!(set(&one, "X@example.com;x@example.com;a@example.com").await.status, 200);
    let held = properties(&account, "contacts", &one, "hs_additional_emails").await;
    assert_eq!(held["hs_additional_emails"], "x@example.com", "kept in lower case, once, without the primary one");
    for taken in ["a@example.com", "x@example.com"] {
        let answer = set(&two, taken).await;
        assert_eq!(answer.status, 400);
        assert!(answer.message().ends_with(&format!("{one} already has that value.")), "{}", answer.message());
        let answer = account.patch(&format!("{CONTACTS}/{two}"), json!({ "properties": { "email": taken } })).await;
        assert_eq!(answer.status, 400);
    }
    let answer = account.post(CONTACTS, json!({ "properties": { "email": "x@example.com" } })).await;
    assert_eq!((answer.status, answer.message()), (409, &*format!("Contact already exists. Existing ID: {one}")));
    let answer = set(&two, "nonsense").await;
    assert_eq!((answer.status, &answer.embedded()[0]["error"]), (400, &json!("INVALID_EMAIL")));
    assert_eq!(set(&one, ";y@example.com").await.status, 200);
    let held = properties(&account, "contacts", &one, "hs_additional_emails").await;
    assert_eq!(held["hs_additional_emails"], "x@example.com;y@example.com");
    assert_eq!(set(&one, "").await.status, 200);
    assert_eq!(set(&two, "x@example.com").await.status, 200, "an address taken off is free");
}

#[tokio::test]
async fn a_secondary_email_that_becomes_the_primary_one_trades_places() {
    let account = Account::unlimited();
    let id =
        account.make("contacts", json!({ "email": "a@example.com", "hs_additional_emails": "b@example.com" })).await;
    let answer =
        account.patch(&format!("{CONTACTS}/{id}"), json!({ "properties": { "email": "b@example.com" } })).await;
    assert_eq!(answer.status, 200);
    let held = properties(&account, "contacts", &id, "email,hs_additional_emails").await;
    assert_eq!((&held["email"], &held["hs_additional_emails"]), (&json!("b@example.com"), &json!("a@example.com")));
    let read = account.get(&format!("{CONTACTS}/a@example.com?idProperty=email")).await;
    assert_eq!(read.body["id"], json!(id));
    let body = json!({ "properties": ["email"], "idProperty": "email", "inputs": [{ "id": "a@example.com" }, { "id": "B@example.com" }] });
    let read = account.post(&format!("{CONTACTS}/batch/read"), body).await;
    assert_eq!((read.status, read.results().len()), (200, 1));
}

#[tokio::test]
async fn past_values_are_told_newest_first_where_they_are_asked_for() {
    let account = Account::unlimited();
    let id = account.make("contacts", json!({ "firstname": "A", "city": "Ulm" })).await;
    let path = format!("{CONTACTS}/{id}");
    for city in ["Bern", "Bern", ""] {
        account.advance(1_000).await;
        account.patch(&path, json!({ "properties": { "city": city } })).await;
    }
    let query = "propertiesWithHistory=city,firstname,nope,phone";
    let read = account.get(&format!("{path}?{query}")).await.body;
    let history = &read["propertiesWithHistory"];
    let values: Vec<&Value> = history["city"].as_array().unwrap().iter().map(|entry| &entry["value"]).collect();
    assert_eq!(values, [&json!(""), &json!("Bern"), &json!("Ulm")], "the same value again is no change");
    assert!(text(&history["city"][0]["timestamp"]) > text(&history["city"][1]["timestamp"]));
    assert_eq!(history["city"][0]["sourceType"], "INTEGRATION");
    assert_eq!((history["firstname"].as_array().unwrap().len(), &history["phone"]), (1, &json!([])));
    assert!(history.get("nope").is_none());
    let body = json!({ "properties": [], "propertiesWithHistory": ["city"], "inputs": [{ "id": id }] });
    let batch = account.post(&format!("{CONTACTS}/batch/read"), body).await;
    assert_eq!(batch.results()[0]["propertiesWithHistory"]["city"], history["city"]);
    let list = account.get(&format!("{CONTACTS}?{query}&limit=50")).await;
    assert_eq!(list.results()[0]["propertiesWithHistory"]["city"], history["city"]);
    assert_eq!(account.get(&format!("{CONTACTS}?{query}&limit=51")).await.status, 400);
    assert!(account.get(&path).await.body.get("propertiesWithHistory").is_none());
}
