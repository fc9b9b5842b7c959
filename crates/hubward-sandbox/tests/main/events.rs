//! Items 31 and 39: custom events as they are sent, whom they belong to, and what is refused.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use hubward_sandbox::{TOKEN, Tier};
use serde_json::{Value, json};

use crate::harness::{Account, Answer};

pub(crate) const SEND: &str = "/events/2026-09/send/batch";
const LOGIN: &str = "pe1234567_login";

pub(crate) fn login() -> Value {
    json!({ "name": "login", "label": "Login", "includeDefaultProperties": true, "propertyDefinitions": [
        { "name": "plan", "label": "Plan", "type": "enumeration", "options": [
            { "label": "Free", "value": "free", "displayOrder": 0, "hidden": false },
            { "label": "Pro", "value": "pro", "displayOrder": 1, "hidden": false }] },
        { "name": "seats", "label": "Seats", "type": "number" },
        { "name": "note", "label": "Note", "type": "string" }] })
}

/// An account with one contact, 7, and one event.
pub(crate) fn account(tier: Tier) -> Account {
    let account = Account::new(tier);
    account.load(json!({ "event_definitions": [login()],
        "records": { "contacts": [{ "id": 7, "properties": { "email": "ada@example.com" } }] } }));
    account
}

pub(crate) fn event(email: &str, uuid: &str, properties: Value) -> Value {
    json!({ "eventName": LOGIN, "email": email, "uuid": uuid, "properties": properties })
}

pub(crate) async fn send(account: &Account, inputs: Vec<Value>) -> Answer {
    account.post(SEND, json!({ "inputs": inputs })).await
}

pub(crate) async fn held(account: &Account) -> Vec<Value> {
    account.get("/_sandbox/events").await.results().to_vec()
}

#[tokio::test]
async fn item_39_a_send_is_204_without_a_body_on_every_path_and_stored_as_sent() {
    let account = account(Tier::Professional);
    let mut count = 0;
    for base in ["/events/v3", "/events/2026-03", "/events/custom/2026-03", "/events/2026-09", "/events/custom/2026-09"]
    {
        for batch in [false, true] {
            count += 1;
            let mut one = event("Ada@Example.com", &format!("u{count}"), json!({ "hs_city": "Köln", "seats": "3" }));
            one["occurredAt"] = json!("2025-01-02T03:04:05.6Z");
            let (path, body) = match batch {
                true => (format!("{base}/send/batch"), json!({ "inputs": [one] })),
                false => (format!("{base}/send"), one),
            };
            let answer = account.post(&path, body).await;
            assert_eq!((answer.status, &answer.body), (204, &Value::Null), "{path}");
        }
    }
    let held = held(&account).await;
    assert_eq!(held.len(), count);
    assert_eq!(
        held[0],
        json!({ "seq": 1, "eventName": LOGIN, "email": "Ada@Example.com", "objectId": null, "utk": null,
            "occurredAt": "2025-01-02T03:04:05.6Z", "uuid": "u1", "properties": { "hs_city": "Köln", "seats": "3" }, "record": "7" })
    );
    assert_eq!(held[1]["uuid"], "u2");
    assert_eq!(account.get("/_sandbox/events?after=9").await.results(), [held[9].clone()]);
    assert_eq!(account.get("/_sandbox/events?after=2&limit=3").await.results(), &held[2..5]);
    assert_eq!(account.post("/events/custom/v3/send", json!({})).await.status, 404);
}

#[tokio::test]
async fn item_39_what_is_refused_is_400_for_the_whole_request_and_nothing_is_stored() {
    let account = account(Tier::Professional);
    let bad = |change: Value| {
        let mut one = event("ada@example.com", "bad", json!({}));
        for (key, value) in change.as_object().unwrap() {
            one[key] = value.clone();
        }
        one
    };
    let many: Value = (0..51).map(|n| (format!("p{n}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    for (change, word) in [
        (json!({ "properties": many }), "at most 50 properties"),
        (json!({ "properties": { "note": "ü".repeat(257) } }), "longer than 256"),
        (json!({ "properties": { "nowhere": "x".repeat(257) } }), "longer than 256"),
        (json!({ "properties": { "hs_page_url": "x".repeat(1_025) } }), "longer than 1024"),
        (json!({ "properties": { "x".repeat(51): "x" } }), "at most 50 characters"),
        (json!({ "properties": { "1st": "x" } }), "starts with a letter"),
        (json!({ "properties": { "a-b": "x" } }), "starts with a letter"),
        (json!({ "occurredAt": "yesterday" }), "occurredAt"),
        (json!({ "occurredAt": "2026-01-01" }), "occurredAt"),
        (json!({ "eventName": "login" }), "no event"),
        (json!({ "eventName": "pe1234567_logout" }), "no event"),
        (json!({ "eventName": "pe7_login" }), "no event"),
        (json!({ "email": "" }), "email, utk, or objectId is required"),
        (json!({ "properties": null }), "Invalid input JSON"),
        (json!({ "properties": { "note": ["x"] } }), "Invalid input JSON"),
    ] {
        let good = event("ada@example.com", "good", json!({}));
        let answer = send(&account, vec![good, bad(change.clone())]).await;
        assert_eq!(answer.status, 400, "{change}");
        assert!(answer.message().contains(word), "{change}: {}", answer.message());
    }
    let good = event("ada@example.com", "good", json!({}));
    let answer = send(&account, vec![good.clone(); 501]).await;
    assert_eq!(answer.status, 400);
    assert!(held(&account).await.is_empty());
    let full: Value = (0..50).map(|n| (format!("p{n}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let long = json!({ "note": "ü".repeat(256), "hs_page_url": "x".repeat(1_024), "hs_referrer": "x".repeat(1_024) });
    let mut inputs = vec![good; 498];
    inputs.extend([event("ada@example.com", "full", full), event("ada@example.com", "long", long.clone())]);
    assert_eq!(send(&account, inputs).await.status, 204);
    let held = held(&account).await;
    assert_eq!(held.len(), 3, "the same id counts once within a batch too");
    assert_eq!(held[2]["properties"], long);
}

#[tokio::test]
async fn what_the_definition_does_not_know_is_dropped_or_refused_as_a_setting_says() {
    let account = account(Tier::Professional);
    let sent = json!({ "plan": "Pro", "seats": "many", "note": "kept", "nowhere": "x" });
    assert_eq!(send(&account, vec![event("ada@example.com", "1", sent)]).await.status, 204);
    assert_eq!(held(&account).await[0]["properties"], json!({ "note": "kept" }));
    account.load(json!({ "settings": { "events_refuse_invalid_values": true } }));
    for (name, value) in [("plan", "Pro"), ("plan", "gold"), ("seats", "many")] {
        let answer = send(&account, vec![event("ada@example.com", "2", json!({ name: value }))]).await;
        assert_eq!((answer.status, &answer.body["context"]["propertyName"][0]), (400, &json!(name)));
    }
    let nowhere = event("ada@example.com", "3", json!({ "nowhere": "x", "plan": "pro" }));
    assert_eq!(send(&account, vec![nowhere.clone()]).await.status, 204);
    account.load(json!({ "settings": { "events_refuse_undefined_properties": true } }));
    assert_eq!(send(&account, vec![nowhere]).await.status, 400);
    assert_eq!(held(&account).await.len(), 2);
}

#[tokio::test]
async fn of_names_that_differ_in_case_only_the_last_in_order_counts() {
    let account = account(Tier::Professional);
    let sent = json!({ "note": "small", "NOTE": "large", "Note": "mixed", "HS_City": "Ulm" });
    assert_eq!(send(&account, vec![event("ada@example.com", "1", sent)]).await.status, 204);
    assert_eq!(held(&account).await[0]["properties"], json!({ "hs_city": "Ulm", "note": "small" }));
}

#[tokio::test]
async fn the_first_identifier_given_decides_and_one_that_leads_nowhere_leaves_no_record() {
    let account = account(Tier::Professional);
    account.load(json!({ "usertokens": { "visitor": 7 }, "records": { "contacts": [
        { "id": 8, "properties": { "email": "bob@example.com", "hs_additional_emails": "rob@example.com" } },
        { "id": 9, "properties": { "email": "gone@example.com" }, "archived": true },
        { "id": 10, "merged_into": 8 }] } }));
    let cases = [
        (json!({ "objectId": "8", "email": "ada@example.com" }), json!("8")),
        (json!({ "objectId": "10" }), json!("8")),
        (json!({ "objectId": "9" }), Value::Null),
        (json!({ "objectId": "4711", "email": "ada@example.com" }), Value::Null),
        (json!({ "objectId": "x" }), Value::Null),
        (json!({ "email": "ROB@example.com", "utk": "visitor" }), json!("8")),
        (json!({ "utk": "visitor" }), json!("7")),
        (json!({ "utk": "nobody" }), Value::Null),
        (json!({ "email": "no address" }), Value::Null),
    ];
    for (at, (who, _)) in cases.iter().enumerate() {
        let mut one = who.clone();
        one["eventName"] = json!(LOGIN);
        one["uuid"] = json!(at.to_string());
        one["properties"] = json!({});
        assert_eq!(send(&account, vec![one]).await.status, 204, "{who}");
    }
    for (one, (who, record)) in held(&account).await.iter().zip(&cases) {
        assert_eq!(one["record"], *record, "{who}");
    }
    assert_eq!(account.count("contacts").await, 3, "nobody was made");
    account.load(json!({ "settings": { "events_try_next_identifier": true } }));
    let mut next = event("ada@example.com", "next", json!({}));
    next["objectId"] = json!("4711");
    send(&account, vec![next]).await;
    assert_eq!(held(&account).await.last().unwrap()["record"], "7");
    let stats = account.get("/_sandbox/stats").await.body;
    assert_eq!(stats["events"]["unmatched"], 5);
}

#[tokio::test]
async fn an_unknown_email_makes_one_contact_unless_a_setting_says_otherwise() {
    let account = account(Tier::Professional);
    let two = vec![event("New@example.com", "1", json!({})), event("new@example.com", "2", json!({}))];
    assert_eq!(send(&account, two).await.status, 204);
    let held_now = held(&account).await;
    let id = held_now[0]["record"].as_str().expect("a contact was made").to_owned();
    assert_eq!(held_now[1]["record"], *id);
    let contact = account.get(&format!("/crm/objects/2026-09/contacts/{id}")).await;
    assert_eq!(contact.body["properties"]["email"], "new@example.com");
    account.load(json!({ "settings": { "events_create_contacts": false } }));
    send(&account, vec![event("other@example.com", "3", json!({}))]).await;
    assert_eq!(held(&account).await[2]["record"], Value::Null);
    assert_eq!(account.count("contacts").await, 2);
}

#[tokio::test]
async fn events_of_other_types_are_found_by_record_id_or_their_matching_property() {
    let account = Account::new(Tier::Enterprise);
    account.load(json!({
        "properties": { "companies": [crate::harness::unique_property("crm_key")] },
        "records": { "companies": [{ "id": 20, "properties": { "name": "A", "crm_key": "k1" } }] },
        "event_definitions": [{ "name": "renewed", "label": "Renewed", "primaryObject": "COMPANY", "includeDefaultProperties": false,
            "propertyDefinitions": [{ "name": "key", "label": "Key", "type": "string" }],
            "customMatchingId": { "primaryObjectRule": { "eventPropertyName": "key", "targetObjectPropertyName": "crm_key" } } }],
    }));
    let renewed = |uuid: &str, more: Value| {
        let mut one = json!({ "eventName": "pe1234567_renewed", "uuid": uuid, "properties": {} });
        for (key, value) in more.as_object().unwrap() {
            one[key] = value.clone();
        }
        one
    };
    let inputs = vec![
        renewed("1", json!({ "objectId": "20" })),
        renewed("2", json!({ "properties": { "key": "k1" } })),
        renewed("3", json!({ "properties": { "key": "k2" }, "objectId": "20" })),
        renewed("4", json!({ "email": "who@example.com" })),
    ];
    assert_eq!(send(&account, inputs).await.status, 204);
    let records: Vec<Value> = held(&account).await.iter().map(|one| one["record"].clone()).collect();
    assert_eq!(records, [json!("20"), json!("20"), Value::Null, Value::Null]);
    assert_eq!(account.count("contacts").await, 0, "an e-mail makes no contact where the event is not a contact's");
    assert_eq!(send(&account, vec![renewed("5", json!({}))]).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_stored_once_for_a_year_and_every_time_when_the_setting_is_off() {
    let account = account(Tier::Professional);
    account.load(json!({ "event_definitions": [{ "name": "logout", "label": "Logout", "propertyDefinitions": [] }] }));
    let one = event("ada@example.com", "same", json!({ "note": "first" }));
    let mut other = event("ada@example.com", "same", json!({}));
    send(&account, vec![one.clone(), one.clone()]).await;
    send(&account, vec![event("ada@example.com", "same", json!({ "note": "second" }))]).await;
    other["eventName"] = json!("pe1234567_logout");
    send(&account, vec![other]).await;
    let held_now = held(&account).await;
    assert_eq!(held_now.len(), 2, "an id is unique within its event");
    assert_eq!(held_now[0]["properties"]["note"], "first");
    assert_eq!(account.get("/_sandbox/stats").await.body["events"]["repeated"], 2);
    account.advance(365 * 86_400_000).await;
    send(&account, vec![one.clone()]).await;
    assert_eq!(held(&account).await.len(), 3);
    account.load(json!({ "settings": { "events_deduplicate": false } }));
    send(&account, vec![one.clone(), one]).await;
    assert_eq!(held(&account).await.len(), 5);
    let mut nameless = event("ada@example.com", "", json!({}));
    nameless["occurredAt"] = Value::Null;
    assert_eq!(raw(&account, SEND, &json!({ "inputs": [nameless.clone(), nameless] })).await, 204);
    let held = held(&account).await;
    assert_eq!((held.len(), &held[6]["uuid"]), (7, &Value::Null));
    assert_eq!(held[6]["occurredAt"], "2027-11-22T12:00:00Z", "now, when nothing else is said");
}

/// The status of a request that HubSpot's documents do not have, answered nevertheless.
async fn raw(account: &Account, path: &str, body: &Value) -> u16 {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {TOKEN}").parse().unwrap());
    headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
    let body = Bytes::from(body.to_string());
    account.sandbox.handle(&http::Method::POST, path, &headers, body).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn epoch_milliseconds_and_numbers_are_taken_too() {
    let account = account(Tier::Professional);
    let mut one = event("ada@example.com", "1", json!({ "seats": 3, "note": true, "plan": null }));
    one["occurredAt"] = json!(1_735_787_045_600_i64);
    one["objectId"] = json!(7);
    assert_eq!(raw(&account, "/events/v3/send", &one).await, 204);
    let bare = json!({ "eventName": LOGIN, "email": "ada@example.com" });
    assert_eq!(raw(&account, "/events/v3/send", &bare).await, 204, "clients of v3 may leave properties out");
    let held = held(&account).await;
    assert_eq!(held[1]["properties"], json!({}));
    assert_eq!((&held[0]["occurredAt"], &held[0]["record"]), (&json!("2025-01-02T03:04:05.6Z"), &json!("7")));
    assert_eq!(held[0]["properties"], json!({ "seats": "3", "note": "true" }));
}

#[tokio::test(start_paused = true)]
async fn item_31_sends_have_their_own_limit_a_second_and_touch_no_other() {
    let account = account(Tier::Professional);
    account.put("/_sandbox/limits", json!({ "burst": 1, "daily": 1 })).await;
    for at in 0..1_250 {
        let answer = send(&account, vec![]).await;
        assert_eq!(answer.status, 204, "{at}");
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("x-hubspot-ratelimit")));
    }
    let refused = send(&account, vec![event("ada@example.com", "1", json!({}))]).await;
    assert_eq!((refused.status, &refused.body["policyName"]), (429, &json!("SECONDLY")));
    assert!(held(&account).await.is_empty());
    assert_eq!(account.get("/crm/v3/objects/contacts").await.status, 200, "the one request of burst and day is left");
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(send(&account, vec![event("ada@example.com", "1", json!({}))]).await.status, 204);
    assert_eq!(account.get("/_sandbox/stats").await.body["max_events_in_1s"], 1_251);
    assert_eq!(account.get("/events/2026-09/event-definitions").await.status, 429, "definitions are ordinary calls");
}

#[tokio::test(start_paused = true)]
async fn events_of_a_month_are_counted_and_refused_whole_beyond_the_limit() {
    let account = account(Tier::Professional);
    account.put("/_sandbox/limits", json!({ "events_monthly": 3, "events_per_second": 9 })).await;
    let one = |uuid: &str| event("ada@example.com", uuid, json!({}));
    assert_eq!(send(&account, vec![one("1"), one("2")]).await.status, 204);
    let refused = send(&account, vec![one("3"), one("4")]).await;
    assert_eq!(refused.status, 429);
    assert!(refused.message().contains("monthly"), "{}", refused.message());
    assert_eq!(held(&account).await.len(), 2);
    assert_eq!(send(&account, vec![one("3")]).await.status, 204);
    let stats = account.get("/_sandbox/stats").await.body;
    assert_eq!(
        stats["events"],
        json!({ "stored": 3, "repeated": 0, "unmatched": 0, "this_month": 3, "monthly_limit": 3 })
    );
    // from noon of 22 November in UTC to 05:00 of 1 December, midnight in New York
    account.advance((8 * 24 + 17) * 3_600_000 - 1).await;
    assert_eq!(send(&account, vec![one("4")]).await.status, 429);
    account.advance(1).await;
    assert_eq!(send(&account, vec![one("4")]).await.status, 204);
}

#[tokio::test]
async fn faults_strike_sends_by_their_kind_and_the_log_holds_them() {
    let account = account(Tier::Professional);
    let fault = |deed: Value| json!([{ "match": { "kind": "event" }, "do": deed }]);
    let one = |uuid: &str| json!({ "inputs": [event("ada@example.com", uuid, json!({}))] });
    for (uuid, deed, status, stored) in [
        ("1", json!({ "status": 502 }), Some(502), false),
        ("2", json!({ "status": 524, "applied": true }), Some(524), true),
        ("3", json!({ "reset": "before" }), None, false),
        ("4", json!({ "reset": "after" }), None, true),
        ("5", json!({ "status": 429, "policy": "SECONDLY" }), Some(429), false),
    ] {
        account.post("/_sandbox/faults", fault(deed.clone())).await;
        account.get("/events/v3/event-definitions").await;
        let answer = account.attempt("POST", SEND, &one(uuid)).await;
        assert_eq!(answer.ok().map(|answer| answer.status), status, "{deed}");
        let held = held(&account).await;
        assert_eq!(held.iter().any(|one| one["uuid"] == uuid), stored, "{deed}");
    }
    let log = account.get("/_sandbox/requests").await;
    let sent: Vec<&Value> = log.results().iter().filter(|entry| entry["kind"] == "event").collect();
    assert_eq!(sent.len(), 5);
    assert!(sent.iter().all(|entry| entry["inputs"] == 1 && !entry["fault"].is_null()));
    account.post("/_sandbox/reset", Value::Null).await;
    assert!(held(&account).await.is_empty());
}
