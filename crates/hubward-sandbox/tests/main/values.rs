//! Items 16 to 22 and 40, and the rules of api.md 3.4: what a property takes and how it is kept.

use serde_json::{Value, json};

use crate::harness::{Account, text};

async fn refused(account: &Account, version: &str, properties: Value) -> Vec<(String, String)> {
    let answer = account.post(&format!("/crm/objects/{version}/contacts"), json!({ "properties": properties })).await;
    assert_eq!((answer.status, &answer.body["category"]), (400, &json!("VALIDATION_ERROR")), "{answer:?}");
    answer.embedded().iter().map(|item| (text(&item["error"]), text(&item["message"]))).collect()
}

fn typed() -> Value {
    let property = |name: &str, kind: &str, field: &str| json!({ "name": name, "label": name, "type": kind, "fieldType": field, "groupName": "custom" });
    let mut many = property("colours", "enumeration", "checkbox");
    many["options"] = json!([{ "label": "Red", "value": "red" }, { "label": "Green", "value": "green" }, { "label": "Blue", "value": "blue" }]);
    json!([
        property("score", "number", "number"),
        property("vip", "bool", "booleancheckbox"),
        property("born", "date", "date"),
        property("seen", "datetime", "date"),
        many
    ])
}

fn with_types() -> Account {
    let account = Account::unlimited();
    account
        .load(json!({ "properties": { "contacts": typed() }, "owners": [{ "id": "77", "email": "o@example.com" }] }));
    account
}

#[tokio::test]
async fn item_16_unknown_properties_stand_in_the_array_inside_message() {
    let account = Account::unlimited();
    let inputs: Vec<Value> =
        (0..3).map(|at| json!({ "properties": { "firstname": "A", "nope": at.to_string() } })).collect();
    let answer = account.post("/crm/v3/objects/contacts/batch/create", json!({ "inputs": inputs })).await;
    assert_eq!(answer.status, 400);
    assert!(answer.message().starts_with("Property values were not valid: ["));
    let embedded = answer.embedded();
    assert_eq!(embedded.len(), 3);
    assert_eq!((&embedded[0]["error"], &embedded[0]["name"]), (&json!("PROPERTY_DOESNT_EXIST"), &json!("nope")));
    assert_eq!(embedded[0]["message"], "Property \"nope\" does not exist");
    assert_eq!(answer.errors().len(), 1, "errors[] is the shorter list");
    assert_eq!(answer.errors()[0]["context"]["propertyName"], json!(["nope"]));
}

#[tokio::test]
async fn item_17_a_calculated_or_read_only_property_is_refused() {
    let account = Account::unlimited();
    for name in ["hs_full_name_or_email", "num_notes", "createdate", "hs_object_id"] {
        let items = refused(&account, "2026-09", json!({ "firstname": "A", name: "1" })).await;
        assert_eq!(
            items,
            [("READ_ONLY_VALUE".to_owned(), format!("\"{name}\" is a calculated property; its value cannot be set."))]
        );
    }
}

#[tokio::test]
async fn item_18_an_option_of_another_case_or_by_label_is_refused() {
    let account = Account::unlimited();
    for value in ["Customer", "CUSTOMER", "nope"] {
        let items = refused(&account, "2026-03", json!({ "firstname": "A", "lifecyclestage": value })).await;
        assert_eq!(items[0].0, "INVALID_OPTION");
        assert!(items[0].1.starts_with(&format!("{value} was not one of the allowed options: [label: \"Subscriber\"\nvalue: \"subscriber\"\ndisplay_order: ")), "{}", items[0].1);
    }
    account.make("contacts", json!({ "firstname": "A", "lifecyclestage": "customer" })).await;
}

#[tokio::test]
async fn item_19_an_epoch_off_midnight_is_refused_before_2026_09_and_normalized_there() {
    let account = with_types();
    for version in ["2026-03"] {
        let items = refused(&account, version, json!({ "firstname": "A", "born": 1_579_179_660_000_i64 })).await;
        assert_eq!(items, [("INVALID_DATE".to_owned(), "1579179660000 is at 13:1:0.0 UTC, not midnight!".to_owned())]);
    }
    let answer = account
        .post("/crm/v3/objects/contacts", json!({ "properties": { "firstname": "A", "born": "1579179660000" } }))
        .await;
    assert_eq!(answer.status, 400);
    let answer = account
        .post("/crm/objects/2026-09/contacts", json!({ "properties": { "firstname": "A", "born": "1579179660000" } }))
        .await;
    assert_eq!((answer.status, &answer.body["properties"]["born"]), (201, &json!("2020-01-16")));
    let warning = &answer.body["warnings"][0];
    assert_eq!(
        (&warning["category"], &warning["message"]),
        (&json!("PROPERTY_VALUE_NORMALIZED"), &json!("born was normalized"))
    );
    let context = json!({ "propertyName": "born", "rawValue": "1579179660000", "normalizedValue": "2020-01-16" });
    assert_eq!(warning["context"], context);
    let good = account
        .post("/crm/objects/2026-09/contacts", json!({ "properties": { "firstname": "A", "born": "1579132800000" } }))
        .await;
    assert_eq!((good.body["properties"]["born"].clone(), good.body.get("warnings")), (json!("2020-01-16"), None));
}

#[tokio::test]
async fn item_20_an_empty_string_clears_and_reads_as_null() {
    let account = Account::unlimited();
    let id = account.make("contacts", json!({ "email": "a@example.com", "city": "Ulm" })).await;
    let path = format!("/crm/v3/objects/contacts/{id}?properties=city");
    assert_eq!(account.get(&path).await.body["properties"]["city"], "Ulm");
    let answer =
        account.patch(&format!("/crm/v3/objects/contacts/{id}"), json!({ "properties": { "city": "" } })).await;
    assert_eq!(answer.status, 200);
    assert_eq!(account.get(&path).await.body["properties"].get("city"), Some(&Value::Null));
}

#[tokio::test]
async fn item_21_an_unknown_property_is_left_out_of_a_read_and_an_empty_one_is_null() {
    let account = Account::unlimited();
    let id = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let read = account.get(&format!("/crm/objects/2026-09/contacts/{id}?properties=city,no_such,email")).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.body["properties"].get("no_such"), None);
    assert_eq!(read.body["properties"].get("city"), Some(&Value::Null));
    let body = json!({ "properties": ["no_such", "city"], "inputs": [{ "id": id }] });
    let batch = account.post("/crm/v3/objects/contacts/batch/read", body).await;
    assert_eq!(batch.results()[0]["properties"].get("no_such"), None);
    assert_eq!(batch.results()[0]["properties"].get("city"), Some(&Value::Null));
}

#[tokio::test]
async fn item_22_every_value_is_a_string_whatever_was_sent() {
    let account = with_types();
    let answer = account
        .post("/crm/v3/objects/contacts", json!({ "properties": { "firstname": 12, "score": 1500, "vip": true } }))
        .await;
    assert_eq!(answer.status, 201);
    let properties = &answer.body["properties"];
    assert_eq!(
        (&properties["firstname"], &properties["score"], &properties["vip"]),
        (&json!("12"), &json!("1500"), &json!("true"))
    );
    assert!(properties.as_object().unwrap().values().all(|value| value.is_string() || value.is_null()));
    assert!(answer.body["id"].is_string());
}

#[tokio::test]
async fn item_40_an_admins_rules_hold_on_2026_09_only() {
    let account = Account::unlimited();
    account.load(json!({ "rules": [
        { "object": "contacts", "property": "lastname", "type": "REQUIRED_ON_CREATE" },
        { "object": "contacts", "property": "state", "type": "CONDITIONAL_REQUIRED", "when": { "property": "country", "values": ["US"] } },
    ] }));
    let create = json!({ "properties": { "firstname": "A" } });
    let answer = account.post("/crm/objects/2026-09/contacts", create.clone()).await;
    assert_eq!((answer.status, answer.message()), (400, "The property values provided are invalid"));
    assert_eq!(answer.errors()[0]["code"], "MISSING_REQUIRED_PROPERTY");
    assert_eq!(answer.errors()[0]["message"], "A value for lastname must be provided");
    let conditional = json!({ "properties": { "lastname": "B", "country": "US" } });
    let answer = account.post("/crm/objects/2026-09/contacts", conditional.clone()).await;
    assert_eq!(answer.errors()[0]["code"], "MISSING_CONDITIONAL_REQUIRED_PROPERTY");
    assert_eq!(
        answer.errors()[0]["message"],
        "state is required because of a conditional property rule based on [country]"
    );
    assert_eq!(account.count("contacts").await, 0);
    for path in ["/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts"] {
        assert_eq!(account.post(path, create.clone()).await.status, 201);
        assert_eq!(account.post(path, conditional.clone()).await.status, 201);
    }
    let good = json!({ "properties": { "lastname": "B", "country": "US", "state": "Ohio" } });
    assert_eq!(account.post("/crm/objects/2026-09/contacts", good).await.status, 201);
}

#[tokio::test]
async fn a_required_property_cannot_be_emptied_in_any_version() {
    let account = Account::unlimited();
    account.load(json!({
        "rules": [{ "object": "contacts", "property": "lastname", "type": "REQUIRED" }],
        "schemas": [{ "name": "car", "primaryDisplayProperty": "vin", "requiredProperties": ["vin"],
            "properties": [{ "name": "vin", "label": "VIN", "type": "string", "fieldType": "text" }] }],
    }));
    let contact = account.make("contacts", json!({ "lastname": "B" })).await;
    let car = account.make("car", json!({ "vin": "1" })).await;
    for version in ["2026-03", "2026-09"] {
        for (object, id, name) in [("contacts", &contact, "lastname"), ("car", &car, "vin")] {
            let answer = account
                .patch(&format!("/crm/objects/{version}/{object}/{id}"), json!({ "properties": { name: "" } }))
                .await;
            assert_eq!(answer.status, 400);
            assert!(answer.message().starts_with("Cannot update object with type: "), "{}", answer.message());
            assert!(
                answer.message().contains(&format!("the following properties were cleared: [{name}]")),
                "{}",
                answer.message()
            );
        }
    }
}

#[tokio::test]
async fn values_of_the_wrong_form_are_refused_with_their_code() {
    let account = with_types();
    for (name, value, code) in [
        ("score", json!("abc"), "INVALID_INTEGER"),
        ("vip", json!("yes"), "INVALID_BOOLEAN_OPTION"),
        ("born", json!("soon"), "INVALID_DATE"),
        ("seen", json!("asd000"), "INVALID_LONG"),
        ("email", json!("not an address"), "INVALID_EMAIL"),
        ("colours", json!("red;pink"), "INVALID_OPTION"),
        ("hubspot_owner_id", json!("78"), "INVALID_OPTION"),
        ("city", json!("x".repeat(65_537)), "INVALID_LENGTH"),
    ] {
        let items = refused(&account, "2026-09", json!({ "firstname": "A", name: value })).await;
        assert_eq!(items[0].0, code, "{name}");
    }
    account.make("contacts", json!({ "firstname": "A", "hubspot_owner_id": 77, "city": "x".repeat(65_536) })).await;
}

#[tokio::test]
async fn a_multiple_choice_is_replaced_or_appended_to() {
    let account = with_types();
    let id = account.make("contacts", json!({ "firstname": "A", "colours": "red;green" })).await;
    let path = format!("/crm/v3/objects/contacts/{id}");
    let set = async |value: &str| {
        text(&account.patch(&path, json!({ "properties": { "colours": value } })).await.body["properties"]["colours"])
    };
    assert_eq!(set(";blue;red").await, "red;green;blue");
    assert_eq!(set("blue").await, "blue");
}

#[tokio::test]
async fn a_lifecycle_stage_moves_forward_only_until_it_is_cleared() {
    let account = Account::unlimited();
    let id = account.make("contacts", json!({ "firstname": "A", "lifecyclestage": "customer" })).await;
    let path = format!("/crm/v3/objects/contacts/{id}");
    let set = async |value: &str| {
        assert_eq!(account.patch(&path, json!({ "properties": { "lifecyclestage": value } })).await.status, 200);
        text(&account.get(&format!("{path}?properties=lifecyclestage")).await.body["properties"]["lifecyclestage"])
    };
    assert_eq!(set("lead").await, "customer");
    assert_eq!(set("evangelist").await, "evangelist");
    assert_eq!(set("").await, "null");
    assert_eq!(set("lead").await, "lead");
}

#[tokio::test]
async fn a_deal_needs_a_stage_that_fits_its_pipeline() {
    let account = Account::unlimited();
    let create =
        async |properties: Value| account.post("/crm/v3/objects/deals", json!({ "properties": properties })).await;
    assert_eq!(create(json!({ "dealname": "D" })).await.body["context"]["properties"], json!(["dealstage"]));
    let answer = create(json!({ "dealname": "D", "dealstage": "nope" })).await;
    assert_eq!(answer.embedded()[0]["error"], "INVALID_OPTION");
    let made = create(json!({ "dealname": "D", "dealstage": "contractsent" })).await;
    assert_eq!(made.body["properties"]["pipeline"], "default");
    let stages = json!([{ "label": "Only", "stageId": "only", "metadata": { "probability": "0.5" } }]);
    let pipeline = json!({ "label": "Second", "pipelineId": "second", "displayOrder": 1, "stages": stages });
    assert_eq!(account.post("/crm/v3/pipelines/deals", pipeline).await.status, 201);
    let answer = create(json!({ "dealname": "D", "pipeline": "second", "dealstage": "contractsent" })).await;
    assert_eq!(answer.status, 400);
    assert_eq!(create(json!({ "dealname": "D", "dealstage": "only" })).await.body["properties"]["pipeline"], "second");
    let closed = account
        .patch(
            &format!("/crm/v3/objects/deals/{}", text(&made.body["id"])),
            json!({ "properties": { "dealstage": "closedwon" } }),
        )
        .await;
    assert!(text(&closed.body["properties"]["closedate"]).starts_with("2026-11-22T"));
}
