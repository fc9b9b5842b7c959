//! The control API, and the APIs around records: properties, schemas, pipelines, owners.

use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{Account, text, unique_property};

#[tokio::test]
async fn wrong_control_input_is_400_and_names_the_field() {
    let account = Account::unlimited();
    for (method, path, body, field) in [
        ("PUT", "limits", json!({ "bursts": 1 }), "bursts"),
        ("PUT", "limits", json!({ "burst": "many" }), "burst"),
        ("PUT", "clock", json!({ "advance_ms": -1 }), "advance_ms"),
        ("PUT", "clock", json!({ "advance": 1 }), "advance"),
        ("POST", "faults", json!([{ "match": { "kind": "nope" }, "do": { "status": 502 } }]), "match.kind"),
        ("POST", "faults", json!([{ "match": { "path_regex": "(" }, "do": { "status": 502 } }]), "path_regex"),
        ("POST", "faults", json!([{ "do": { "status": 429, "policy": "HOURLY" } }]), "policy"),
        ("POST", "faults", json!([{ "do": {} }]), "do"),
        ("POST", "faults", json!([{ "do": { "stauts": 502 } }]), "stauts"),
        ("POST", "load", json!({ "recrods": {} }), "recrods"),
        ("POST", "load", json!({ "records": { "nope": [] } }), "records.nope"),
        (
            "POST",
            "load",
            json!({ "records": { "contacts": [{ "properties": { "nope": "x" } }] } }),
            "records.contacts[0].properties.nope",
        ),
        ("POST", "load", json!({ "owners": [{ "email": "x" }] }), "owners[0]"),
        (
            "POST",
            "load",
            json!({ "rules": [{ "object": "contacts", "property": "nope", "type": "REQUIRED" }] }),
            "rules[0].property",
        ),
        ("GET", "requests?after=x", Value::Null, "after"),
    ] {
        let answer = account.send(method, &format!("/_sandbox/{path}"), body).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.message().contains(field), "{path}: {}", answer.message());
    }
    assert_eq!(account.get("/_sandbox/nope").await.status, 404);
    assert_eq!(account.get("/_sandbox/reset").await.status, 405);
}

#[tokio::test]
async fn requests_are_logged_and_counted_and_controls_are_not() {
    let account = Account::new(Tier::Professional);
    let inputs = json!([{ "properties": { "firstname": "A" } }, { "properties": { "firstname": "B" } }]);
    account.post("/crm/v3/objects/contacts/batch/create", json!({ "inputs": inputs })).await;
    account.get("/crm/v3/objects/contacts/1").await;
    account.post("/crm/v3/objects/contacts/search", json!({})).await;
    let log = account.get("/_sandbox/requests").await;
    let told: Vec<(u64, u64, u64)> = log
        .results()
        .iter()
        .map(|entry| {
            (entry["seq"].as_u64().unwrap(), entry["status"].as_u64().unwrap(), entry["inputs"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(told, [(1, 201, 2), (2, 404, 0), (3, 200, 1)]);
    assert_eq!(log.results()[0]["body"]["inputs"], inputs);
    assert_eq!(log.results()[0]["answer"]["status"], "COMPLETE");
    assert_eq!(account.get("/_sandbox/requests?after=2").await.results().len(), 1);
    let stats = account.get("/_sandbox/stats").await.body;
    assert_eq!((&stats["total"], &stats["throttled"]), (&json!(3), &json!(0)));
    assert_eq!((&stats["max_in_10s"], &stats["max_search_in_1s"]), (&json!(2), &json!(1)));
    assert_eq!(stats["by_kind"]["batch_create"], json!({ "201": 1 }));
    account.post("/_sandbox/reset", Value::Null).await;
    assert_eq!(account.count("contacts").await, 0);
    assert_eq!(account.get("/_sandbox/stats").await.body["total"], json!(0));
}

#[tokio::test]
async fn load_replaces_what_exists_and_records_show_associations() {
    let account = Account::unlimited();
    let document = |city: &str| {
        json!({ "records": { "contacts": [{ "id": 5, "properties": { "email": "A@example.com", "city": city } }, { "id": "6", "archived": true, "properties": { "firstname": "F" } }] },
            "owners": [{ "id": 1, "email": "o@example.com", "firstName": "O" }], "labels": [{ "from": "contacts", "to": "companies", "name": "boss", "label": "Boss", "inverseLabel": "Has boss" }] })
    };
    account.load(document("Ulm"));
    account.load(document("Bern"));
    let records = account.get("/_sandbox/records/contacts").await;
    assert_eq!(records.results().len(), 2);
    assert_eq!(
        (&records.results()[0]["properties"]["city"], &records.results()[0]["properties"]["email"]),
        (&json!("Bern"), &json!("a@example.com"))
    );
    assert_eq!(records.results()[1]["archived"], true);
    let made = account.make("contacts", json!({ "firstname": "A" })).await;
    assert!(made.parse::<u64>().unwrap() > 6, "generated ids stay above those that load chose");
    let company = account.make("companies", json!({ "name": "One" })).await;
    let pair = json!({ "inputs": [{ "from": { "id": "5" }, "to": { "id": company } }] });
    assert_eq!(account.post("/crm/v4/associations/contacts/companies/batch/associate/default", pair).await.status, 200);
    let shown = &account.get("/_sandbox/records/contacts").await.body["results"][0]["associations"]["companies"][0];
    assert_eq!(
        *shown,
        json!({ "id": company, "types": [{ "category": "HUBSPOT_DEFINED", "typeId": 279, "label": null }] })
    );
    let labels = account.get("/crm/associations/2026-09/contacts/companies/labels").await;
    let boss = labels.results().iter().find(|label| label["label"] == "Boss").expect("the label was loaded");
    assert_eq!(boss["category"], "USER_DEFINED");
    assert_eq!(labels.results().iter().filter(|label| label["category"] == "USER_DEFINED").count(), 1);
}

#[tokio::test]
async fn properties_are_created_read_changed_and_archived() {
    let account = Account::unlimited();
    let base = "/crm/properties/2026-09/contacts";
    let create = json!({ "name": "plan", "label": "Plan", "type": "enumeration", "fieldType": "select", "groupName": "contactinformation",
        "options": [{ "label": "Free", "value": "free", "displayOrder": 0 }] });
    let made = account.post(base, create.clone()).await;
    assert_eq!((made.status, &made.body["modificationMetadata"]["readOnlyValue"]), (201, &json!(false)));
    let taken = account.post(base, create.clone()).await;
    assert_eq!((taken.status, &taken.body["category"]), (409, &json!("OBJECT_ALREADY_EXISTS")));
    assert_eq!(taken.message(), "A property named 'plan' already exists.");
    let id = account.make("contacts", json!({ "firstname": "A", "plan": "free" })).await;
    let patch = json!({ "options": [{ "label": "Pro", "value": "pro" }], "hasUniqueValue": true });
    let patched = account.patch(&format!("{base}/plan"), patch).await;
    assert_eq!((patched.status, &patched.body["hasUniqueValue"]), (200, &json!(false)));
    assert_eq!(patched.body["options"].as_array().unwrap().len(), 1, "options are replaced");
    assert_eq!(account.send("DELETE", &format!("{base}/plan"), Value::Null).await.status, 204);
    assert_eq!(account.send("DELETE", &format!("{base}/plan"), Value::Null).await.status, 404);
    assert_eq!(account.post("/crm/v3/objects/contacts", json!({ "properties": { "plan": "pro" } })).await.status, 400);
    assert_eq!(account.post(base, create).await.status, 201);
    let read = account.get(&format!("/crm/v3/objects/contacts/{id}?properties=plan")).await;
    assert_eq!(read.body["properties"]["plan"], "free", "a restored property has its old values");
    let inputs = json!([{ "name": "plan" }, { "name": "nope" }]);
    let batch = account.post(&format!("{base}/batch/read"), json!({ "archived": false, "inputs": inputs })).await;
    assert_eq!((batch.status, batch.results().len(), batch.errors().len()), (207, 1, 1));
    let list = account.get("/crm/v3/properties/contacts").await;
    let owner =
        list.results().iter().find(|property| property["name"] == "hubspot_owner_id").expect("contacts have owners");
    assert_eq!(
        (&owner["externalOptions"], &owner["referencedObjectType"], &owner["options"]),
        (&json!(true), &json!("OWNER"), &json!([]))
    );
    assert_eq!(account.post(&format!("{base}/groups"), json!({ "name": "mine", "label": "Mine" })).await.status, 201);
    assert_eq!(account.send("DELETE", &format!("{base}/groups/contactinformation"), Value::Null).await.status, 400);
    assert_eq!(account.send("DELETE", &format!("{base}/groups/mine"), Value::Null).await.status, 204);
}

#[tokio::test]
async fn a_custom_object_answers_to_all_its_names() {
    let account = Account::new(Tier::Enterprise);
    let schema = json!({ "name": "car", "labels": { "singular": "Car", "plural": "Cars" }, "primaryDisplayProperty": "vin", "requiredProperties": ["vin"],
        "properties": [unique_property("vin"), { "name": "doors", "label": "Doors", "type": "number", "fieldType": "number" }] });
    assert_eq!(
        account.post("/crm-object-schemas/2026-09/schemas", json!({ "name": "x" })).await.body["subCategory"],
        "PRIMARY_DISPLAY_PROPERTY_REQUIRED"
    );
    let made = account.post("/crm-object-schemas/2026-09/schemas", schema).await;
    assert_eq!((made.status, &made.body["fullyQualifiedName"]), (201, &json!("p1234567_car")));
    let id = text(&made.body["objectTypeId"]);
    assert!(id.starts_with("2-"));
    for (at, name) in [&*id, "p1234567_car", "car", "Cars"].iter().enumerate() {
        let input = json!({ "id": format!("vin-{at}"), "idProperty": "vin", "properties": { "doors": at } });
        let answer =
            account.post(&format!("/crm/objects/2026-09/{name}/batch/upsert"), json!({ "inputs": [input] })).await;
        assert_eq!((answer.status, &answer.results()[0]["new"]), (200, &json!(true)), "{name}");
    }
    let missing = account.post(&format!("/crm/v3/objects/{id}"), json!({ "properties": { "doors": 4 } })).await;
    assert_eq!((missing.status, &missing.body["context"]["properties"]), (400, &json!(["vin"])));
    assert_eq!(account.get("/crm/v3/schemas").await.results().len(), 1);
    let taken = account.post(&format!("/crm/v3/objects/{id}"), json!({ "properties": { "vin": "vin-1" } })).await;
    assert_eq!((taken.status, &taken.embedded()[0]["error"]), (400, &json!("CONFLICTING_UNIQUE_VALUE")));
    let full = account.send("DELETE", &format!("/crm-object-schemas/v3/schemas/{id}"), Value::Null).await;
    assert_eq!((full.status, &full.body["subCategory"]), (400, &json!("EXISTING_OBJECT_RECORDS")));
}

#[tokio::test]
async fn owners_page_and_filter_by_email() {
    let account = Account::unlimited();
    let owners: Vec<Value> =
        (1..=5).map(|id| json!({ "id": id, "email": format!("o{id}@example.com"), "archived": id == 5 })).collect();
    account.load(json!({ "owners": owners }));
    let first = account.get("/crm/owners/2026-09?limit=3").await;
    assert_eq!(first.results().len(), 3);
    let after = text(&first.body["paging"]["next"]["after"]);
    let rest = account.get(&format!("/crm/v3/owners?limit=3&after={after}")).await;
    assert_eq!((rest.results().len(), &rest.results()[0]["id"], rest.body.get("paging")), (1, &json!("4"), None));
    assert_eq!(account.get("/crm/v3/owners?email=O2%40example.com").await.results()[0]["id"], "2");
    let gone = account.get("/crm/v3/owners/5?archived=true").await;
    assert_eq!((&gone.body["userId"], gone.body["userIdIncludingInactive"].is_number()), (&Value::Null, true));
}

#[tokio::test]
async fn a_list_is_paged_to_its_end_in_the_order_of_ids() {
    let account = Account::unlimited();
    for at in 0..25 {
        account.make("companies", json!({ "name": format!("C{at}") })).await;
    }
    let mut seen: Vec<u64> = Vec::new();
    let mut path = "/crm/objects/2026-09/companies?limit=10&properties=name".to_owned();
    loop {
        let page = account.get(&path).await;
        seen.extend(page.results().iter().map(|result| text(&result["id"]).parse::<u64>().unwrap()));
        let Some(after) = page.body["paging"]["next"]["after"].as_str() else {
            break;
        };
        path = format!("/crm/objects/2026-09/companies?limit=10&properties=name&after={after}");
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted());
    assert_eq!(account.get("/crm/v3/objects/companies?limit=101").await.status, 400);
}
