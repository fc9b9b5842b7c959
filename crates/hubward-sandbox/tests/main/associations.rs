//! Items 35 to 37, and how associations are made, read and removed (api.md 7).

use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{Account, Answer, text};

const V4: &str = "/crm/v4/associations/contacts/companies";
const DATED: &str = "/crm/associations/2026-09/contacts/companies";

fn standard(id: u32) -> Value {
    json!({ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id })
}

fn own(id: u64) -> Value {
    json!({ "associationCategory": "USER_DEFINED", "associationTypeId": id })
}

fn pair(from: u64, to: u64, types: &[Value]) -> Value {
    json!({ "from": { "id": from.to_string() }, "to": { "id": to.to_string() }, "types": types })
}

fn inputs(inputs: &[Value]) -> Value {
    json!({ "inputs": inputs })
}

/// Contacts and companies 1 to 9, and labels: "Boss"/"Has boss" paired and "Partner" not.
fn account() -> Account {
    let account = Account::unlimited();
    let contacts: Vec<Value> =
        (1..10).map(|id| json!({ "id": id, "properties": { "firstname": id.to_string() } })).collect();
    let companies: Vec<Value> =
        (1..10).map(|id| json!({ "id": id, "properties": { "name": id.to_string() } })).collect();
    account.load(json!({
        "records": { "contacts": contacts, "companies": companies },
        "labels": [
            { "from": "contacts", "to": "companies", "name": "boss", "label": "Boss", "inverseLabel": "Has boss" },
            { "from": "contacts", "to": "companies", "name": "partner", "label": "Partner" },
        ],
    }));
    account
}

async fn label(account: &Account, from: &str, to: &str, label: &str) -> u64 {
    let labels = account.get(&format!("/crm/associations/2026-09/{from}/{to}/labels")).await;
    let found = labels.results().iter().find(|one| one["label"] == label).expect("the label is there");
    found["typeId"].as_u64().expect("type ids are numbers")
}

/// What one record has, as `id: label, label`; the unlabelled type as `-`.
async fn shown(account: &Account, object: &str, id: u64, to: &str) -> Vec<String> {
    let records = account.get(&format!("/_sandbox/records/{object}")).await;
    let record = records.results().iter().find(|one| one["id"] == json!(id.to_string())).expect("the record is there");
    let mut all = Vec::new();
    for link in record["associations"][to].as_array().into_iter().flatten() {
        let labels: Vec<&str> =
            link["types"].as_array().unwrap().iter().map(|one| one["label"].as_str().unwrap_or("-")).collect();
        all.push(format!("{}: {}", text(&link["id"]), labels.join(", ")));
    }
    all
}

async fn create(account: &Account, pairs: &[Value]) -> Answer {
    account.post(&format!("{DATED}/batch/create"), inputs(pairs)).await
}

#[tokio::test]
async fn item_35_a_batch_takes_2000_inputs_and_no_more() {
    let account = account();
    let pairs: Vec<Value> = (0..2_001).map(|at| pair(at % 9 + 1, at / 9 % 9 + 1, &[standard(279)])).collect();
    assert_eq!(create(&account, &pairs).await.status, 400);
    assert!(shown(&account, "contacts", 1, "companies").await.is_empty());
    let answer = create(&account, &pairs[..2_000]).await;
    assert_eq!((answer.status, answer.results().len()), (201, 2_000));
    assert_eq!(shown(&account, "contacts", 1, "companies").await.len(), 9);
}

#[tokio::test]
async fn item_35_unknown_ids_and_self_association_fail_their_pair_alone() {
    let account = account();
    let answer = create(&account, &[pair(1, 1, &[standard(279)]), pair(77, 1, &[standard(279)])]).await;
    assert_eq!((answer.status, answer.results().len(), &answer.body["numErrors"]), (207, 1, &json!(1)));
    let error = &answer.errors()[0];
    assert_eq!(
        (&error["category"], &error["subCategory"], &error["message"], &error["context"]["id"]),
        (
            &json!("VALIDATION_ERROR"),
            &json!("crm.associations.INVALID_IDENTIFIER"),
            &json!("77 is not a valid ID"),
            &json!(["77"])
        )
    );
    let path = "/crm/v4/associations/contacts/contacts/batch/create";
    let answer = account.post(path, inputs(&[pair(1, 1, &[standard(449)]), pair(1, 2, &[standard(449)])])).await;
    assert_eq!((answer.status, answer.results().len()), (207, 1));
    assert_eq!(answer.errors()[0]["message"], "Object 1 cannot be associated to itself (1)");
    assert_eq!(shown(&account, "contacts", 2, "contacts").await, ["1: -"]);
}

#[tokio::test]
async fn item_35_a_create_replaces_the_labels_of_its_pair() {
    let account = account();
    let (boss, partner) = (
        label(&account, "contacts", "companies", "Boss").await,
        label(&account, "contacts", "companies", "Partner").await,
    );
    let answer = create(&account, &[pair(1, 1, &[own(boss), own(partner)])]).await;
    assert_eq!(answer.results()[0]["labels"], json!(["Boss", "Partner"]));
    assert_eq!(shown(&account, "contacts", 1, "companies").await, ["1: -, Boss, Partner"]);
    assert_eq!(shown(&account, "companies", 1, "contacts").await, ["1: -, Has boss, Partner"]);
    create(&account, &[pair(1, 1, &[standard(1), own(partner)])]).await;
    assert_eq!(shown(&account, "contacts", 1, "companies").await, ["1: -, Partner, Primary"]);
    assert_eq!(
        shown(&account, "companies", 1, "contacts").await,
        ["1: -, Partner, Contact with Primary Company"],
        "the inverse is replaced alike"
    );
    create(&account, &[pair(1, 1, &[standard(279)])]).await;
    assert_eq!(shown(&account, "contacts", 1, "companies").await, ["1: -"]);
}

#[tokio::test]
async fn item_36_archive_answers_204_on_v4_and_200_with_a_body_on_dated_paths() {
    let account = account();
    for operation in ["batch/archive", "batch/labels/archive"] {
        let input = if operation == "batch/archive" {
            json!({ "from": { "id": "1" }, "to": [{ "id": "1" }, { "id": "2" }] })
        } else {
            pair(1, 1, &[standard(279)])
        };
        for (path, status) in [(V4, 204), (DATED, 200), ("/crm/associations/2026-03/contacts/companies", 200)] {
            create(&account, &[pair(1, 1, &[standard(279)])]).await;
            let answer = account.post(&format!("{path}/{operation}"), inputs(std::slice::from_ref(&input))).await;
            assert_eq!(answer.status, status, "{path}/{operation}");
            if status == 204 {
                assert!(answer.body.is_null());
            } else {
                assert_eq!((&answer.body["status"], &answer.body["results"]), (&json!("COMPLETE"), &json!([])));
            }
            assert!(shown(&account, "contacts", 1, "companies").await.is_empty());
            assert!(shown(&account, "companies", 1, "contacts").await.is_empty());
        }
    }
}

#[tokio::test]
async fn item_37_a_type_of_the_wrong_direction_or_pair_refuses_the_request() {
    let account = account();
    let boss = label(&account, "contacts", "companies", "Boss").await;
    let has_boss = label(&account, "companies", "contacts", "Has boss").await;
    assert_ne!(boss, has_boss);
    let cases = [standard(280), standard(4), standard(2), own(has_boss), own(279), standard(999_999)];
    for wrong in cases {
        for path in [V4, DATED] {
            let body = inputs(&[pair(1, 1, &[standard(279)]), pair(2, 2, std::slice::from_ref(&wrong))]);
            let answer = account.post(&format!("{path}/batch/create"), body.clone()).await;
            assert_eq!((answer.status, &answer.body["category"]), (400, &json!("VALIDATION_ERROR")), "{wrong}");
            assert_eq!(account.post(&format!("{path}/batch/labels/archive"), body).await.status, 400);
        }
        let one = "/crm/objects/2026-09/contacts/1/associations/companies/1";
        assert_eq!(account.put(one, json!([wrong])).await.status, 400);
    }
    assert!(shown(&account, "contacts", 1, "companies").await.is_empty(), "nothing of a refused request is stored");
}

#[tokio::test]
async fn associating_by_default_keeps_labels_and_is_idempotent() {
    let account = account();
    let boss = label(&account, "contacts", "companies", "Boss").await;
    create(&account, &[pair(1, 1, &[own(boss)])]).await;
    let pairs = inputs(&[
        json!({ "from": { "id": "1" }, "to": { "id": "1" } }),
        json!({ "from": { "id": "2" }, "to": { "id": "1" } }),
    ]);
    for path in [V4, DATED] {
        let answer = account.post(&format!("{path}/batch/associate/default"), pairs.clone()).await;
        assert_eq!((answer.status, answer.results().len()), (200, 2));
        for result in answer.results() {
            assert_eq!(result["associationSpec"], standard(279));
        }
    }
    let unknown = json!({ "from": { "id": "77" }, "to": { "id": "1" } });
    let answer = account.post(&format!("{DATED}/batch/associate/default"), inputs(&[unknown])).await;
    assert_eq!((answer.status, answer.errors().len()), (200, 1), "no other status is specified here");
    assert_eq!(shown(&account, "companies", 1, "contacts").await, ["1: -, Has boss", "2: -"]);
}

#[tokio::test]
async fn a_new_primary_company_demotes_the_old_one() {
    let account = account();
    create(&account, &[pair(1, 1, &[standard(1)]), pair(2, 1, &[standard(1)])]).await;
    create(&account, &[pair(1, 2, &[standard(1)])]).await;
    assert_eq!(shown(&account, "contacts", 1, "companies").await, ["1: -", "2: -, Primary"]);
    // from the company's side too, and its other contacts keep theirs
    let path = "/crm/associations/2026-09/companies/contacts/batch/create";
    assert_eq!(account.post(path, inputs(&[pair(3, 1, &[standard(2)])])).await.status, 201);
    assert_eq!(shown(&account, "contacts", 1, "companies").await, ["1: -", "2: -", "3: -, Primary"]);
    assert_eq!(shown(&account, "contacts", 2, "companies").await, ["1: -, Primary"]);
    account.load(json!({ "records": { "deals": [{ "id": 1, "properties": { "dealname": "D" } }] } }));
    let path = "/crm/associations/2026-09/deals/companies/batch/create";
    account.post(path, inputs(&[pair(1, 1, &[standard(5)]), pair(1, 2, &[standard(5)])])).await;
    assert_eq!(shown(&account, "deals", 1, "companies").await, ["1: -", "2: -, Primary"]);
}

#[tokio::test]
async fn a_first_company_becomes_primary_only_where_the_settings_say_so() {
    let account = account();
    let default = |from: u64, to: u64| json!({ "from": { "id": from }, "to": { "id": to } });
    account.post(&format!("{DATED}/batch/associate/default"), inputs(&[default(1, 1)])).await;
    assert_eq!(shown(&account, "contacts", 1, "companies").await, ["1: -"]);
    account.load(json!({ "settings": { "first_company_is_primary": true } }));
    account.post(&format!("{DATED}/batch/associate/default"), inputs(&[default(2, 2), default(2, 3)])).await;
    assert_eq!(shown(&account, "contacts", 2, "companies").await, ["2: -, Primary", "3: -"]);
    let path = "/crm/associations/2026-09/companies/contacts/batch/create";
    account.post(path, inputs(&[pair(1, 3, &[standard(280)])])).await;
    assert_eq!(shown(&account, "contacts", 3, "companies").await, ["1: -, Primary"]);
}

#[tokio::test]
async fn labels_archive_takes_the_named_labels_or_all_with_the_default() {
    let account = account();
    let (boss, partner) = (
        label(&account, "contacts", "companies", "Boss").await,
        label(&account, "contacts", "companies", "Partner").await,
    );
    let types = [own(boss), own(partner)];
    create(&account, &[pair(1, 1, &types), pair(1, 2, &types)]).await;
    let path = format!("{DATED}/batch/labels/archive");
    account.post(&path, inputs(&[pair(1, 1, &[own(boss)]), pair(1, 2, &[standard(279)])])).await;
    assert_eq!(shown(&account, "contacts", 1, "companies").await, ["1: -, Partner"]);
    assert_eq!(shown(&account, "companies", 1, "contacts").await, ["1: -, Partner"]);
    account.post(&path, inputs(&[pair(1, 1, &[own(partner)])])).await;
    assert_eq!(shown(&account, "contacts", 1, "companies").await, ["1: -"], "without its last label it stays");
}

#[tokio::test]
async fn one_pair_is_associated_labelled_and_removed_by_its_own_paths() {
    for base in ["/crm/v4/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"] {
        let account = account();
        let made = account.put(&format!("{base}/contacts/1/associations/default/companies/2"), Value::Null).await;
        assert_eq!((made.status, &made.results()[0]["from"]["id"]), (200, &json!("1")));
        let path = format!("{base}/contacts/1/associations/companies/2");
        let typed = account.put(&path, json!([standard(1), standard(931)])).await;
        assert_eq!(typed.status, 201);
        assert_eq!(
            typed.body,
            json!({ "fromObjectTypeId": "0-1", "fromObjectId": 1, "toObjectTypeId": "0-2", "toObjectId": 2,
                "labels": ["Primary", "Billing Contact"] })
        );
        assert_eq!(shown(&account, "contacts", 1, "companies").await, ["2: -, Primary, Billing Contact"]);
        for _ in 0..2 {
            assert_eq!(account.send("DELETE", &path, Value::Null).await.status, 204);
            assert!(shown(&account, "companies", 2, "contacts").await.is_empty());
        }
        assert_eq!(
            account.put(&format!("{base}/contacts/1/associations/companies/77"), json!([standard(1)])).await.status,
            400
        );
    }
}

#[tokio::test]
async fn batch_read_names_records_without_associations_or_leaves_them_out() {
    let account = account();
    create(&account, &[pair(1, 1, &[standard(1)])]).await;
    let body = json!({ "inputs": [{ "id": "1" }, { "id": "2" }, { "id": "77" }] });
    let answer = account.post(&format!("{V4}/batch/read"), body.clone()).await;
    assert_eq!((answer.status, answer.results().len(), answer.errors().len()), (207, 1, 2));
    let expected = json!({ "from": { "id": "1" }, "to": [{ "toObjectId": 1, "associationTypes": [
        { "category": "HUBSPOT_DEFINED", "typeId": 279, "label": null },
        { "category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary" }] }] });
    assert_eq!(answer.results()[0], expected);
    assert_eq!(answer.errors()[0]["subCategory"], "crm.associations.NO_ASSOCIATIONS_FOUND");
    assert_eq!(answer.errors()[0]["context"]["fromObjectId"], json!(["2"]));
    account.load(json!({ "settings": { "association_read_omits_empty": true } }));
    let answer = account.post(&format!("{DATED}/batch/read"), body).await;
    assert_eq!((answer.status, answer.results(), answer.errors().len()), (200, &[expected][..], 0));
    let many: Vec<Value> = (0..1_001).map(|id| json!({ "id": id.to_string() })).collect();
    assert_eq!(account.post(&format!("{V4}/batch/read"), inputs(&many)).await.status, 400);
    assert_eq!(account.post(&format!("{V4}/batch/read"), inputs(&many[1..])).await.status, 200);
}

#[tokio::test]
async fn a_record_with_many_associations_is_read_page_by_page() {
    let account = account();
    let contacts: Vec<Value> =
        (1_000..2_200).map(|id| json!({ "id": id, "properties": { "firstname": "x" } })).collect();
    account.load(json!({ "records": { "contacts": contacts } }));
    let pairs: Vec<Value> = (1_000..2_200).map(|id| pair(id, 1, &[standard(279)])).collect();
    assert_eq!(create(&account, &pairs).await.status, 201);
    let mut seen = Vec::new();
    let mut after = String::new();
    let mut sizes = Vec::new();
    loop {
        let input = if after.is_empty() { json!({ "id": "1" }) } else { json!({ "id": "1", "after": after }) };
        let answer = account.post("/crm/v4/associations/companies/contacts/batch/read", inputs(&[input])).await;
        let result = &answer.results()[0];
        let page = result["to"].as_array().unwrap();
        sizes.push(page.len());
        seen.extend(page.iter().map(|one| one["toObjectId"].as_u64().unwrap()));
        match &result["paging"]["next"]["after"] {
            Value::Null => break,
            next => after = text(next),
        }
    }
    assert_eq!((sizes, seen), (vec![500, 500, 200], (1_000..2_200).collect::<Vec<u64>>()));
    let mut path = "/crm/objects/2026-09/companies/1/associations/contacts?limit=400".to_owned();
    let mut counts = Vec::new();
    loop {
        let answer = account.get(&path).await;
        counts.push(answer.results().len());
        let Some(link) = answer.body["paging"]["next"]["link"].as_str() else { break };
        path = link.trim_start_matches("https://api.hubapi.com").to_owned();
    }
    assert_eq!(counts, [400, 400, 400]);
    assert_eq!(account.get("/crm/v4/objects/companies/1/associations/contacts?limit=501").await.status, 400);
    assert_eq!(account.get("/crm/v4/objects/companies/77/associations/contacts").await.status, 404);
    let read = account.get("/crm/v3/objects/companies/1?associations=contacts").await;
    let inside = &read.body["associations"]["contacts"];
    assert_eq!(
        (inside["results"].as_array().unwrap().len(), &inside["paging"]["next"]["after"]),
        (500, &json!("1500"))
    );
}

#[tokio::test]
async fn an_archive_takes_a_hundred_from_ids_unless_the_settings_lift_that() {
    let account = account();
    let many: Vec<Value> =
        (1..=101).map(|id| json!({ "from": { "id": id.to_string() }, "to": [{ "id": "1" }] })).collect();
    create(&account, &[pair(1, 1, &[standard(279)])]).await;
    let path = format!("{DATED}/batch/archive");
    assert_eq!(account.post(&path, inputs(&many)).await.status, 400);
    assert_eq!(shown(&account, "contacts", 1, "companies").await.len(), 1);
    assert_eq!(account.post(&path, inputs(&many[..100])).await.status, 200, "unknown ids are passed over");
    assert!(shown(&account, "contacts", 1, "companies").await.is_empty());
    account.load(json!({ "settings": { "association_archive_from_ids": null } }));
    assert_eq!(account.post(&path, inputs(&many)).await.status, 200);
}

#[tokio::test]
async fn associations_of_an_archived_record_are_gone_from_both_ends() {
    let account = account();
    create(&account, &[pair(1, 1, &[standard(1)]), pair(2, 1, &[standard(1)])]).await;
    account.send("DELETE", "/crm/v3/objects/contacts/1", Value::Null).await;
    let archive = json!({ "inputs": [{ "id": "2" }] });
    assert_eq!(shown(&account, "companies", 1, "contacts").await, ["2: -, Contact with Primary Company"]);
    account.post("/crm/objects/2026-09/contacts/batch/archive", archive).await;
    assert!(shown(&account, "companies", 1, "contacts").await.is_empty());
    let answer = create(&account, &[pair(1, 1, &[standard(1)])]).await;
    assert_eq!((answer.status, answer.errors().len()), (207, 1), "an archived record is no end");
}

#[tokio::test]
async fn a_merge_moves_associations_to_the_survivor() {
    let account = account();
    let boss = label(&account, "contacts", "companies", "Boss").await;
    create(&account, &[pair(1, 1, &[standard(1)]), pair(2, 2, &[standard(1), own(boss)])]).await;
    let merge = json!({ "primaryObjectId": "1", "objectIdToMerge": "2" });
    let survivor = account.post("/crm/v3/objects/contacts/merge", merge).await;
    let survivor: u64 = text(&survivor.body["id"]).parse().unwrap();
    assert_eq!(shown(&account, "contacts", survivor, "companies").await, ["1: -, Primary", "2: -, Boss"]);
    assert_eq!(shown(&account, "companies", 2, "contacts").await, [format!("{survivor}: -, Has boss")]);
    // the merged-away id stands for it
    assert_eq!(create(&account, &[pair(2, 3, &[standard(279)])]).await.status, 201);
    assert_eq!(shown(&account, "companies", 3, "contacts").await, [format!("{survivor}: -")]);
}

#[tokio::test]
async fn item_31_association_calls_have_windows_and_headers_of_their_own() {
    let account = Account::new(Tier::Professional);
    let read = format!("{DATED}/batch/read");
    for _ in 0..150 {
        let answer = account.post(&read, inputs(&[])).await;
        assert_eq!((answer.status, answer.header("x-hubspot-ratelimit-max")), (200, None));
    }
    for (method, path) in [
        ("POST", &*read),
        ("GET", "/crm/objects/2026-09/contacts/1/associations/companies"),
        ("DELETE", "/crm/v4/objects/contacts/1/associations/companies/1"),
        ("GET", "/crm/v4/associations/contacts/companies/labels"),
        ("GET", "/crm/associations/v4/definitions/configurations/all"),
    ] {
        let answer = account.send(method, path, Value::Null).await;
        assert_eq!((answer.status, answer.header("x-hubspot-ratelimit-max")), (429, None), "{path}");
        assert_eq!(answer.body["policyName"], "TEN_SECONDLY_ROLLING");
    }
    let stats = account.get("/_sandbox/stats").await;
    assert_eq!(
        (&stats.body["max_in_10s"], &stats.body["max_associations_in_10s"]),
        (&json!(0), &json!(155)),
        "refused ones arrived too"
    );
    assert_eq!(account.get("/crm/v3/objects/contacts").await.header("x-hubspot-ratelimit-remaining"), Some("189"));
    for (tier, most) in [(Tier::Free, 100), (Tier::Enterprise, 150), (Tier::Addon, 200)] {
        let account = Account::new(tier);
        let mut passed = 0;
        while account.post(&read, inputs(&[])).await.status == 200 {
            passed += 1;
        }
        assert_eq!(passed, most, "{tier}");
    }
}
