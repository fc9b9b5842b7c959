//! The standard object types: what each takes, needs at creation, begins with and calculates (api.md 3.4).

use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{Account, text};

/// An account that takes leads without an association, so that all types can be treated alike.
fn lenient() -> Account {
    let account = Account::new(Tier::Unlimited);
    account.load(json!({ "settings": { "leads_need_association": false } }));
    account
}

/// Every standard type by plural name, singular name and id, with a record that it takes.
fn records() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let when = "2026-11-22T09:00:00Z";
    vec![
        ("contacts", "contact", "0-1", json!({ "email": "a@example.com" })),
        ("companies", "company", "0-2", json!({ "domain": "example.com" })),
        ("deals", "deal", "0-3", json!({ "dealname": "D", "dealstage": "contractsent", "amount": "12.5" })),
        ("tickets", "ticket", "0-5", json!({ "subject": "T", "hs_pipeline": "0", "hs_pipeline_stage": "1" })),
        ("products", "product", "0-7", json!({ "name": "Chair", "price": "10", "hs_sku": "C1" })),
        (
            "line_items",
            "line_item",
            "0-8",
            json!({ "name": "Chair", "quantity": 2, "price": "10", "hs_product_id": "1" }),
        ),
        (
            "quotes",
            "quote",
            "0-14",
            json!({ "hs_title": "Q", "hs_expiration_date": "2026-12-31T00:00:00Z", "hs_status": "DRAFT" }),
        ),
        (
            "communications",
            "communication",
            "0-18",
            json!({ "hs_timestamp": when, "hs_communication_channel_type": "SMS", "hs_communication_logged_from": "CRM" }),
        ),
        ("tasks", "task", "0-27", json!({ "hs_timestamp": when, "hs_task_subject": "Call", "hs_task_type": "CALL" })),
        ("notes", "note", "0-46", json!({ "hs_timestamp": when, "hs_note_body": "N" })),
        ("meetings", "meeting", "0-47", json!({ "hs_timestamp": when, "hs_meeting_outcome": "SCHEDULED" })),
        (
            "calls",
            "call",
            "0-48",
            json!({ "hs_timestamp": when, "hs_call_direction": "INBOUND", "hs_call_duration": "3800" }),
        ),
        (
            "emails",
            "email",
            "0-49",
            json!({ "hs_timestamp": when, "hs_email_direction": "EMAIL", "hs_email_subject": "E" }),
        ),
        ("invoices", "invoice", "0-53", json!({ "hs_currency": "USD", "hs_invoice_date": when, "hs_due_date": when })),
        (
            "subscriptions",
            "subscription",
            "0-69",
            json!({ "hs_name": "S", "hs_status": "active", "hs_recurring_billing_start_date": "2026-12-01" }),
        ),
        ("discounts", "discount", "0-84", json!({ "hs_label": "Ten", "hs_type": "PERCENT", "hs_value": "10" })),
        ("fees", "fee", "0-85", json!({ "hs_label": "Fee", "hs_type": "FIXED", "hs_value": "5" })),
        ("taxes", "tax", "0-86", json!({ "hs_label": "VAT", "hs_type": "PERCENT", "hs_value": "19" })),
        (
            "commerce_payments",
            "commerce_payment",
            "0-101",
            json!({ "hs_initial_amount": "5", "hs_initiated_date": when }),
        ),
        ("postal_mail", "postal_mail", "0-116", json!({ "hs_timestamp": when, "hs_postal_mail_body": "P" })),
        (
            "orders",
            "order",
            "0-123",
            json!({ "hs_order_name": "O", "hs_external_order_id": "1", "hs_shipping_address_city": "Ulm" }),
        ),
        ("leads", "lead", "0-136", json!({ "hs_lead_name": "L", "hs_lead_label": "WARM" })),
        ("carts", "cart", "0-142", json!({ "hs_cart_name": "C", "hs_total_price": "1" })),
        ("services", "service", "0-162", json!({ "hs_name": "S" })),
        ("courses", "course", "0-410", json!({ "hs_course_name": "C", "hs_course_id": "1" })),
        ("listings", "listing", "0-420", json!({ "hs_name": "L", "hs_price": "100", "hs_listing_type": "house" })),
        ("appointments", "appointment", "0-421", json!({ "hs_appointment_name": "A", "hs_appointment_start": when })),
    ]
}

#[tokio::test]
async fn every_standard_type_takes_a_record_by_its_names_and_id_and_gives_it_back() {
    let account = lenient();
    for (plural, singular, type_id, properties) in records() {
        let made = account.post(&format!("/crm/objects/2026-09/{plural}"), json!({ "properties": properties })).await;
        assert_eq!(made.status, 201, "{plural}: {made:?}");
        let id = text(&made.body["id"]);
        let names: Vec<&str> = properties.as_object().unwrap().keys().map(String::as_str).collect();
        for name in [singular, type_id] {
            let path = format!("/crm/objects/2026-09/{name}/{id}?properties={}", names.join(","));
            let read = account.get(&path).await;
            assert_eq!(read.status, 200, "{name}");
            for (property, value) in properties.as_object().unwrap() {
                assert_eq!(read.body["properties"][property], json!(text(value)), "{plural}.{property}");
            }
        }
        let definitions = account.get(&format!("/crm/properties/2026-09/{plural}")).await;
        for name in names.iter().chain(&["hs_object_id", "hs_lastmodifieddate", "hs_merged_object_ids"]) {
            assert!(definitions.results().iter().any(|definition| definition["name"] == *name), "{plural}.{name}");
        }
    }
}

#[tokio::test]
async fn what_a_type_needs_at_creation_is_named_when_it_is_missing() {
    let account = Account::unlimited();
    for (object, sent, missing) in [
        ("tickets", json!({ "subject": "T" }), vec!["hs_pipeline_stage"]),
        ("products", json!({ "price": "1" }), vec!["name"]),
        ("quotes", json!({ "hs_title": "Q" }), vec!["hs_expiration_date"]),
        ("notes", json!({ "hs_note_body": "N" }), vec!["hs_timestamp"]),
        ("tasks", json!({ "hs_task_subject": "T" }), vec!["hs_timestamp"]),
        ("calls", json!({ "hs_call_title": "T" }), vec!["hs_timestamp"]),
        ("meetings", json!({ "hs_meeting_title": "T" }), vec!["hs_timestamp"]),
        ("emails", json!({ "hs_email_subject": "T" }), vec!["hs_timestamp", "hs_email_direction"]),
        ("leads", json!({ "hs_lead_label": "HOT" }), vec!["hs_lead_name"]),
        ("commerce_payments", json!({ "hs_initial_amount": "1" }), vec!["hs_initiated_date"]),
    ] {
        let refused = account.post(&format!("/crm/v3/objects/{object}"), json!({ "properties": sent })).await;
        assert_eq!((refused.status, &refused.body["context"]["properties"]), (400, &json!(missing)), "{object}");
        assert_eq!(account.count(object).await, 0);
    }
}

#[tokio::test]
async fn orders_and_leads_begin_in_the_first_stage_of_their_pipeline() {
    let account = lenient();
    for (object, properties) in [("orders", json!({ "hs_order_name": "O" })), ("leads", json!({ "hs_lead_name": "L" }))]
    {
        let pipelines = account.get(&format!("/crm/pipelines/2026-09/{object}")).await;
        let first = &pipelines.results()[0];
        let made = account.post(&format!("/crm/v3/objects/{object}"), json!({ "properties": properties })).await;
        assert_eq!(made.status, 201);
        assert_eq!(made.body["properties"]["hs_pipeline"], first["id"]);
        assert_eq!(made.body["properties"]["hs_pipeline_stage"], first["stages"][0]["id"]);
        let last = first["stages"].as_array().unwrap().last().unwrap()["id"].clone();
        let path = format!("/crm/v3/objects/{object}/{}", text(&made.body["id"]));
        let moved = account.patch(&path, json!({ "properties": { "hs_pipeline_stage": last } })).await;
        assert_eq!((moved.status, &moved.body["properties"]["hs_pipeline_stage"]), (200, &last));
        let wrong = account.patch(&path, json!({ "properties": { "hs_pipeline_stage": "nope" } })).await;
        assert_eq!(wrong.embedded()[0]["error"], "INVALID_OPTION");
    }
}

#[tokio::test]
async fn what_hubspot_calculates_follows_and_cannot_be_set() {
    let account = Account::unlimited();
    let deal = account.make("deals", json!({ "dealname": "D", "dealstage": "contractsent", "amount": "10" })).await;
    let names = "hs_is_closed,hs_is_closed_won,hs_deal_stage_probability,amount_in_home_currency";
    let path = format!("/crm/v3/objects/deals/{deal}");
    let read = async || account.get(&format!("{path}?properties={names}")).await.body["properties"].clone();
    let before = read().await;
    assert_eq!((&before["hs_is_closed"], &before["hs_deal_stage_probability"]), (&json!("false"), &json!("0.9")));
    assert_eq!(before["amount_in_home_currency"], "10");
    assert_eq!(account.patch(&path, json!({ "properties": { "dealstage": "closedwon" } })).await.status, 200);
    let after = read().await;
    assert_eq!((&after["hs_is_closed"], &after["hs_is_closed_won"]), (&json!("true"), &json!("true")));
    let line = json!({ "name": "Chair", "price": "10", "quantity": "3", "discount": "1" });
    let line = account.make("line_items", line).await;
    let read =
        account.get(&format!("/crm/v3/objects/line_items/{line}?properties=amount,hs_pre_discount_amount")).await;
    assert_eq!(
        (&read.body["properties"]["amount"], &read.body["properties"]["hs_pre_discount_amount"]),
        (&json!("27"), &json!("30"))
    );
    for (object, id, name) in [("deals", &deal, "hs_is_closed"), ("line_items", &line, "amount")] {
        let set = json!({ "properties": { name: "1" } });
        let refused = account.patch(&format!("/crm/v3/objects/{object}/{id}"), set).await;
        assert_eq!(refused.embedded()[0]["error"], "READ_ONLY_VALUE");
    }
}

#[tokio::test]
async fn batches_and_upserts_reach_every_type_through_a_unique_property() {
    let account = lenient();
    for (plural, _, _, properties) in records() {
        if plural == "products" {
            continue;
        }
        let unique =
            json!({ "name": "ext", "label": "Ext", "type": "string", "fieldType": "text", "hasUniqueValue": true });
        account.load(json!({ "properties": { plural: [unique] } }));
        let mut input = json!({ "id": "k1", "idProperty": "ext", "properties": properties, "objectWriteTraceId": "1" });
        for created in [true, false] {
            let path = format!("/crm/objects/2026-09/{plural}/batch/upsert");
            let answer = account.post(&path, json!({ "inputs": [input] })).await;
            assert_eq!((answer.status, &answer.results()[0]["new"]), (200, &json!(created)), "{plural}: {answer:?}");
            input["objectWriteTraceId"] = json!("2");
        }
        assert_eq!(account.count(plural).await, 1);
    }
}

#[tokio::test]
async fn a_lead_begins_with_a_contact() {
    let account = Account::unlimited();
    let path = "/crm/objects/2026-09/leads";
    let contact = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let refused = account.post(path, json!({ "properties": { "hs_lead_name": "L" } })).await;
    assert_eq!((refused.status, &refused.body["category"]), (400, &json!("VALIDATION_ERROR")));
    let labels = account.get("/crm/associations/2026-09/leads/contacts/labels").await;
    let kind = &labels.results()[0];
    let types = json!([{ "associationCategory": kind["category"], "associationTypeId": kind["typeId"] }]);
    let with = |name: &str, trace: &str| json!({ "properties": { "hs_lead_name": name }, "associations": [{ "to": { "id": contact }, "types": types }], "objectWriteTraceId": trace });
    let mut single = with("L", "0");
    single.as_object_mut().unwrap().remove("objectWriteTraceId");
    let made = account.post(path, single).await;
    assert_eq!(made.status, 201, "{made:?}");
    let mut alone = with("alone", "2");
    alone.as_object_mut().unwrap().remove("associations");
    let batch = account.post(&format!("{path}/batch/create"), json!({ "inputs": [with("M", "1"), alone] })).await;
    assert_eq!((batch.status, batch.results().len(), batch.errors().len()), (207, 1, 1));
    assert_eq!(batch.errors()[0]["context"]["objectWriteTraceId"], json!(["2"]));
    let id = text(&made.body["id"]);
    let renamed = account.patch(&format!("{path}/{id}"), json!({ "properties": { "hs_lead_name": "N" } })).await;
    assert_eq!(renamed.status, 200, "a change needs no association");
}
