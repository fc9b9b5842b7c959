//! Labels, limits, associations at creation and the automatic company association (api.md 3.2, 3.9, 7.3).

use serde_json::{Value, json};

use crate::harness::{Account, text};

const LABELS: &str = "/crm/associations/2026-09/contacts/companies/labels";
const LIMITS: &str = "/crm/associations/2026-09/definitions/configurations";

fn types(category: &str, id: u64) -> Value {
    json!([{ "associationCategory": category, "associationTypeId": id }])
}

fn with(to: &Value, category: &str, id: u64) -> Value {
    json!([{ "to": { "id": to }, "types": types(category, id) }])
}

fn records(from: u64, to: u64, property: &str) -> Vec<Value> {
    (from..to).map(|id| json!({ "id": id, "properties": { property: format!("{id}") } })).collect()
}

#[tokio::test]
async fn labels_are_made_in_pairs_changed_and_deleted() {
    let account = Account::unlimited();
    account.load(json!({ "records": { "contacts": records(1, 3, "firstname"), "companies": records(1, 3, "name") } }));
    let body = json!({ "name": "advises", "label": "Advisor", "inverseLabel": "Advised by" });
    let made = account.post(LABELS, body.clone()).await;
    assert_eq!((made.status, made.results().len()), (200, 2));
    let (id, inverse) = (made.results()[0]["typeId"].as_u64().unwrap(), made.results()[1]["typeId"].as_u64().unwrap());
    assert_eq!(made.results()[1], json!({ "category": "USER_DEFINED", "typeId": inverse, "label": "Advised by" }));
    assert_eq!(account.post(LABELS, body).await.status, 400, "the name is taken");
    let plain = account.post(LABELS, json!({ "name": "partner", "label": "Partner" })).await;
    assert_eq!(plain.results().len(), 1);
    let path = "/crm/objects/2026-09/companies/1/associations/contacts/1";
    assert_eq!(account.put(path, types("USER_DEFINED", inverse)).await.status, 201);
    let update = json!({ "associationTypeId": id, "label": "Counsel" });
    assert_eq!(account.put(LABELS, update).await.status, 204);
    let read = account.get("/crm/v4/objects/contacts/1/associations/companies").await;
    assert_eq!(
        read.results()[0]["associationTypes"],
        json!([{ "category": "HUBSPOT_DEFINED", "typeId": 279, "label": null },
            { "category": "USER_DEFINED", "typeId": id, "label": "Counsel" }])
    );
    assert_eq!(account.put(LABELS, json!({ "associationTypeId": 279, "label": "x" })).await.status, 400);
    // by the inverse's id on the inverse path; both directions go, the association stays
    let delete = format!("/crm/associations/v4/companies/contacts/labels/{inverse}");
    assert_eq!(account.send("DELETE", &delete, Value::Null).await.status, 204);
    let read = account.get("/crm/v4/objects/contacts/1/associations/companies").await;
    assert_eq!(read.results()[0]["associationTypes"].as_array().unwrap().len(), 1);
    let left = account.get("/crm/v4/associations/contacts/companies/labels").await;
    let own: Vec<String> =
        left.results().iter().filter(|one| one["category"] == "USER_DEFINED").map(|one| text(&one["label"])).collect();
    assert_eq!(own, ["Partner"]);
    assert_eq!(left.results()[0], json!({ "category": "HUBSPOT_DEFINED", "typeId": 279, "label": null }));
}

#[tokio::test]
async fn the_fifty_first_label_of_a_pair_is_refused_with_437() {
    let account = Account::unlimited();
    for at in 0..50 {
        let body = json!({ "name": format!("l{at}"), "label": format!("L{at}"), "inverseLabel": format!("I{at}") });
        assert_eq!(account.post(LABELS, body).await.status, 200);
    }
    let body = json!({ "name": "more", "label": "More" });
    let answer = account.post(LABELS, body.clone()).await;
    assert_eq!(answer.status, 437);
    assert!(answer.message().starts_with("No more than 50 association types are allowed between "));
    let inverse = "/crm/associations/2026-09/companies/contacts/labels";
    assert_eq!(account.post(inverse, body.clone()).await.status, 437, "the other direction is the same pair");
    assert_eq!(account.post("/crm/associations/2026-09/contacts/deals/labels", body).await.status, 200);
}

#[tokio::test]
async fn custom_objects_have_a_user_defined_default_beside_their_labels() {
    let account = Account::unlimited();
    account.load(json!({ "schemas": [{ "name": "car", "primaryDisplayProperty": "vin", "objectTypeId": "2-77",
            "properties": [{ "name": "vin", "label": "VIN", "type": "string", "fieldType": "text" }] }],
        "labels": [{ "from": "2-77", "to": "contacts", "name": "driver", "label": "Driver", "inverseLabel": "Drives" }],
        "records": { "2-77": records(1, 3, "vin"), "contacts": records(1, 3, "firstname") } }));
    let labels = account.get("/crm/associations/2026-09/2-77/contacts/labels").await;
    assert_eq!(labels.results().len(), 2);
    assert_eq!(
        (&labels.results()[0]["category"], &labels.results()[0]["label"]),
        (&json!("USER_DEFINED"), &Value::Null)
    );
    let default = labels.results()[0]["typeId"].as_u64().unwrap();
    let driver = labels.results()[1]["typeId"].as_u64().unwrap();
    let path = "/crm/associations/2026-09/2-77/contacts/batch/create";
    let one =
        |from: u64, id: u64| json!({ "from": { "id": from }, "to": { "id": 1 }, "types": types("USER_DEFINED", id) });
    let answer = account.post(path, json!({ "inputs": [one(1, default), one(2, driver)] })).await;
    assert_eq!((answer.status, answer.results().len()), (201, 2));
    let shown = account.get("/_sandbox/records/contacts").await;
    let cars = &shown.results()[0]["associations"]["car"];
    assert_eq!(cars[1]["types"][1]["label"], "Drives");
    assert_eq!(cars[0]["types"].as_array().unwrap().len(), 1);
    // at creation the id alone leads to the type of the other end
    let body = json!({ "properties": { "vin": "v3" }, "associations": with(&json!(2), "USER_DEFINED", default) });
    assert_eq!(account.post("/crm/objects/2026-09/2-77", body).await.status, 201);
}

#[tokio::test]
async fn limits_of_a_type_are_made_read_changed_kept_and_purged() {
    let account = Account::unlimited();
    account.load(json!({ "records": { "contacts": records(1, 9, "firstname"), "companies": records(1, 9, "name") },
        "labels": [{ "from": "companies", "to": "contacts", "name": "ceo", "label": "CEO", "inverseLabel": "CEO of" }] }));
    let labels = account.get("/crm/associations/2026-09/companies/contacts/labels").await;
    let ceo = labels.results().iter().find(|one| one["label"] == "CEO").unwrap()["typeId"].as_u64().unwrap();
    let limit = |category: &str, id: u64, most: u64| json!({ "inputs": [{ "category": category, "typeId": id, "maxToObjectIds": most }] });
    let of_pair = format!("{LIMITS}/companies/contacts");
    let made = account.post(&format!("{of_pair}/batch/create"), limit("USER_DEFINED", ceo, 1)).await;
    let entry = json!({ "category": "USER_DEFINED", "typeId": ceo, "label": "CEO", "userEnforcedMaxToObjectIds": 1 });
    assert_eq!((made.status, made.results()), (201, &[entry.clone()][..]));
    let again = account.post(&format!("{of_pair}/batch/create"), limit("USER_DEFINED", ceo, 1)).await;
    assert_eq!((again.status, again.errors().len()), (207, 1));
    assert_eq!(account.get(&of_pair).await.results(), &[entry.clone()][..]);
    assert_eq!(account.get("/crm/associations/v4/definitions/configurations/all").await.results(), &[entry][..]);

    // the second CEO of a company fails its input alone, whichever end it comes from
    let inverse = account.get("/crm/associations/2026-09/contacts/companies/labels").await;
    let ceo_of = inverse.results().iter().find(|one| one["label"] == "CEO of").unwrap()["typeId"].as_u64().unwrap();
    let path = "/crm/associations/2026-09/contacts/companies/batch/create";
    let one = |from: u64, to: u64| json!({ "from": { "id": from }, "to": { "id": to }, "types": types("USER_DEFINED", ceo_of) });
    let answer = account.post(path, json!({ "inputs": [one(1, 1), one(2, 1), one(2, 2)] })).await;
    assert_eq!((answer.status, answer.results().len(), answer.errors().len()), (207, 2, 1));
    assert_eq!(answer.errors()[0]["category"], "VALIDATION_ERROR");
    assert_eq!(account.post(path, json!({ "inputs": [one(1, 1)] })).await.status, 201, "what is there stays good");
    let companies = account.get("/_sandbox/records/companies").await;
    assert_eq!(companies.results()[0]["associations"]["contacts"].as_array().unwrap().len(), 1);

    let raised = account.post(&format!("{of_pair}/batch/update"), limit("USER_DEFINED", ceo, 2)).await;
    assert_eq!((raised.status, &raised.results()[0]["userEnforcedMaxToObjectIds"]), (200, &json!(2)));
    assert_eq!(account.post(path, json!({ "inputs": [one(2, 1)] })).await.status, 201);
    assert_eq!(account.post(path, json!({ "inputs": [one(3, 1)] })).await.status, 207);
    let purge = json!({ "inputs": [{ "category": "USER_DEFINED", "typeId": ceo }] });
    let purged = account.post(&format!("{of_pair}/batch/purge"), purge.clone()).await;
    assert_eq!((purged.status, &purged.body["status"]), (200, &json!("COMPLETE")));
    let v4 = "/crm/associations/v4/definitions/configurations/companies/contacts/batch/purge";
    assert_eq!(account.post(v4, purge).await.status, 204);
    assert_eq!(account.post(path, json!({ "inputs": [one(3, 1)] })).await.status, 201);
}

#[tokio::test]
async fn a_record_has_a_ceiling_of_associations_whatever_their_labels() {
    let account = Account::unlimited();
    account.load(json!({ "records": { "contacts": records(1, 9, "firstname"), "companies": records(1, 9, "name") },
        "settings": { "association_ceilings": [{ "from": "companies", "to": "contacts", "most": 2 }] } }));
    let path = "/crm/v4/associations/contacts/companies/batch/create";
    let one = |from: u64, id: u64| json!({ "from": { "id": from }, "to": { "id": 1 }, "types": types("HUBSPOT_DEFINED", id) });
    let answer = account.post(path, json!({ "inputs": [one(1, 279), one(2, 1), one(3, 279), one(1, 1)] })).await;
    assert_eq!((answer.status, answer.results().len(), answer.errors().len()), (207, 3, 1));
    // a create counts what its own request brings, all or nothing without trace ids
    account.load(
        json!({ "settings": { "association_ceilings": [{ "from": "companies", "to": "contacts", "most": 3 }] } }),
    );
    let input = |trace: Option<u64>| {
        let mut input =
            json!({ "properties": { "firstname": "x" }, "associations": with(&json!(1), "HUBSPOT_DEFINED", 279) });
        if let Some(trace) = trace {
            input["objectWriteTraceId"] = json!(trace.to_string());
        }
        input
    };
    let create = "/crm/objects/2026-09/contacts/batch/create";
    assert_eq!(account.post(create, json!({ "inputs": [input(None), input(None)] })).await.status, 400);
    assert_eq!(account.count("contacts").await, 8);
    let partial = account.post(create, json!({ "inputs": [input(Some(1)), input(Some(2))] })).await;
    assert_eq!((partial.status, partial.results().len()), (207, 1));
    assert_eq!(partial.errors()[0]["context"]["objectWriteTraceId"], json!(["2"]));
}

#[tokio::test]
async fn a_batch_create_carries_associations_and_refuses_unknown_targets_record_by_record() {
    let account = Account::unlimited();
    account.load(json!({ "records": { "companies": records(1, 3, "name") } }));
    let input = |trace: &str, to: Value, id: u64| {
        json!({ "properties": { "firstname": trace }, "objectWriteTraceId": trace,
        "associations": with(&to, "HUBSPOT_DEFINED", id) })
    };
    let both = json!({ "properties": { "firstname": "both" }, "objectWriteTraceId": "both", "associations": [
        { "to": { "id": "1" }, "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1 }, { "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 931 }] },
        { "to": { "id": 2 }, "types": types("HUBSPOT_DEFINED", 279) }] });
    let batch = json!({ "inputs": [both, input("gone", json!("77"), 279), input("backwards", json!("1"), 280)] });
    let answer = account.post("/crm/objects/2026-09/contacts/batch/create", batch).await;
    assert_eq!((answer.status, answer.sorted("firstname")), (207, vec!["both".to_owned()]));
    let gone = answer.errors().iter().find(|one| one["context"]["objectWriteTraceId"] == json!(["gone"])).unwrap();
    assert_eq!(gone["context"]["INVALID_OBJECT_IDS"], json!(["COMPANY=77 is not valid"]));
    assert_eq!((account.count("contacts").await, answer.errors().len()), (1, 2));
    let shown = account.get("/_sandbox/records/contacts").await;
    let links = shown.results()[0]["associations"]["companies"].as_array().unwrap().clone();
    let labels: Vec<Value> = links[0]["types"].as_array().unwrap().iter().map(|one| one["label"].clone()).collect();
    assert_eq!((links.len(), labels), (2, vec![Value::Null, json!("Primary"), json!("Billing Contact")]));
    let empty = json!({ "properties": { "firstname": "x" }, "associations": [{ "to": { "id": "1" }, "types": [] }] });
    assert_eq!(account.post("/crm/v3/objects/contacts", empty).await.status, 400);
}

#[tokio::test]
async fn a_user_without_the_right_to_edit_associations_is_refused_on_2026_09_alone() {
    let account = Account::unlimited();
    account.load(json!({ "records": { "contacts": records(1, 3, "firstname"), "companies": records(1, 3, "name") },
        "tokens": [{ "token": "user", "kind": "user_oauth", "denied_permissions": ["associations.edit"] }] }));
    let user = account.calling_as("user");
    let body =
        json!({ "inputs": [{ "from": { "id": "1" }, "to": { "id": "1" }, "types": types("HUBSPOT_DEFINED", 279) }] });
    for (path, status) in
        [("/crm/associations/2026-09", 400), ("/crm/associations/2026-03", 201), ("/crm/v4/associations", 201)]
    {
        let answer = user.post(&format!("{path}/contacts/companies/batch/create"), body.clone()).await;
        assert_eq!(answer.status, status, "{path}");
        if status == 400 {
            assert_eq!(answer.message(), "Missing 'Edit Associations' permission.");
        }
    }
}

#[tokio::test]
async fn the_automatic_company_association_is_off_until_it_is_turned_on() {
    let account = Account::unlimited();
    account.load(
        json!({ "records": { "companies": [{ "id": 1, "properties": { "name": "One", "domain": "one.com" } }] } }),
    );
    account.make("contacts", json!({ "email": "a@one.com" })).await;
    assert_eq!(account.get("/_sandbox/records/contacts").await.results()[0]["associations"], json!({}));
    account.load(
        json!({ "settings": { "auto_company_association": true, "auto_company_excluded_domains": ["Quiet.com"] } }),
    );
    let mail = ["b@One.com", "c@two.com", "d@two.com", "e@gmail.com", "f@quiet.com"];
    let inputs: Vec<Value> = mail.iter().map(|mail| json!({ "properties": { "email": mail } })).collect();
    let made = account.post("/crm/v3/objects/contacts/batch/create", json!({ "inputs": inputs })).await;
    assert_eq!(made.status, 201);
    account.make("contacts", json!({ "email": "g@gmail.com", "website": "https://www.three.com/team" })).await;
    let own = json!({ "properties": { "email": "h@two.com" }, "associations": with(&json!(1), "HUBSPOT_DEFINED", 1) });
    account.post("/crm/v3/objects/contacts", own).await;
    let companies = account.get("/_sandbox/records/companies").await;
    assert_eq!(companies.sorted("domain"), ["one.com", "three.com", "two.com"]);
    let domains: Vec<(Value, String)> =
        companies.results().iter().map(|one| (one["id"].clone(), text(&one["properties"]["domain"]))).collect();
    let mut seen = Vec::new();
    for contact in account.get("/_sandbox/records/contacts").await.results() {
        for link in contact["associations"]["companies"].as_array().into_iter().flatten() {
            let domain = &domains.iter().find(|(id, _)| *id == link["id"]).unwrap().1;
            let primary = link["types"].as_array().unwrap().iter().any(|one| one["label"] == "Primary");
            seen.push(format!("{} {domain} {primary}", text(&contact["properties"]["email"])));
        }
    }
    seen.sort();
    assert_eq!(
        seen,
        [
            "b@one.com one.com true",
            "c@two.com two.com true",
            "d@two.com two.com true",
            "g@gmail.com three.com true",
            "h@two.com one.com true",
            "h@two.com two.com false"
        ]
    );
}

#[tokio::test]
async fn the_high_usage_report_is_taken_for_a_known_user() {
    let account = Account::unlimited();
    account.load(json!({ "owners": [{ "id": 1, "email": "o@example.com", "userId": 42 }] }));
    let answer = account.post("/crm/v4/associations/usage/high-usage-report/42", Value::Null).await;
    assert_eq!(
        (answer.status, &answer.body["userEmail"], &answer.body["userId"]),
        (200, &json!("o@example.com"), &json!(42))
    );
    assert_eq!(account.post("/crm/associations/2026-09/usage/high-usage-report/7", Value::Null).await.status, 404);
}
