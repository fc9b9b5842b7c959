//! Reading what occurred: when it can be read, by what it is found, and whose it is.

use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::events::{account, event, send};
use crate::harness::{Account, Answer};

const AT: &str = "/events/event-occurrences/2026-09";

fn ids(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.results().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

fn at(email: &str, uuid: &str, occurred_at: &str, properties: Value) -> Value {
    let mut one = event(email, uuid, properties);
    one["occurredAt"] = json!(occurred_at);
    one
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_is_read_after_a_lag_on_every_path_by_the_id_it_was_sent_with() {
    let account = account(Tier::Enterprise);
    account.load(json!({ "settings": { "event_lag_ms": [2_000, 4_000] } }));
    let many: Vec<Value> =
        (0..50).map(|n| event("ada@example.com", &format!("u{n}"), json!({ "note": "x" }))).collect();
    send(&account, many).await;
    let count = async || ids(&account.get(&format!("{AT}?limit=1000")).await).len();
    account.advance(1_999).await;
    assert_eq!(count().await, 0);
    account.advance(1_000).await;
    let some = count().await;
    assert!((1..50).contains(&some), "{some}: the lag is jittered");
    account.advance(1_001).await;
    assert_eq!(count().await, 50);
    for path in [AT, "/events/event-occurrences/2026-03", "/events/v3/events", "/events/2026-09/events"] {
        let one = account.get(&format!("{path}?id=u7")).await;
        assert_eq!(one.results().len(), 1, "{path}");
        assert_eq!(
            one.results()[0],
            json!({ "id": "u7", "eventType": "pe1234567_login", "objectType": "CONTACT", "objectId": "7",
                "occurredAt": "2026-11-22T12:00:00Z", "properties": { "note": "x" } })
        );
        let types = account.get(&format!("{path}/event-types")).await;
        assert_eq!(types.body["eventTypes"], json!(["pe1234567_login"]));
    }
    let found = ids(&account.get(&format!("{AT}?id=u1&id=u2,u3&id=none&id=u1")).await).join(" ");
    assert_eq!(found, "u3 u2 u1");
}

#[tokio::test(start_paused = true)]
async fn occurrences_are_found_by_type_record_time_and_property() {
    let account = account(Tier::Enterprise);
    account.load(json!({ "event_definitions": [{ "name": "logout", "label": "Logout" }],
        "records": { "contacts": [{ "id": 8, "properties": { "email": "bob@example.com", "city": "Ulm" } }] } }));
    let mut out = at("ada@example.com", "out", "2026-01-04T00:00:00Z", json!({}));
    out["eventName"] = json!("pe1234567_logout");
    let inputs = vec![
        at("ada@example.com", "a1", "2026-01-01T00:00:00Z", json!({ "plan": "free", "note": "a" })),
        at("bob@example.com", "b2", "2026-01-02T00:00:00Z", json!({ "plan": "pro" })),
        at("ada@example.com", "a3", "2026-01-03T00:00:00Z", json!({ "plan": "pro", "note": "c" })),
        out,
        at("no address", "nobody", "2026-01-05T00:00:00Z", json!({})),
    ];
    assert_eq!(send(&account, inputs).await.status, 204);
    account.advance(5_000).await;
    for (query, expected) in [
        ("", "out a3 b2 a1"),
        ("sort=occurredAt", "a1 b2 a3 out"),
        ("sort=-occurredAt", "out a3 b2 a1"),
        ("eventType=pe1234567_login", "a3 b2 a1"),
        ("eventType=pe1234567_nothing", ""),
        ("objectType=contact&objectId=8", "b2"),
        ("objectType=contact&objectId=4711", ""),
        ("objectType=contact&objectProperty.email=ADA@example.com", "out a3 a1"),
        ("objectType=contact&objectProperty.city=Ulm", "b2"),
        ("objectType=company", ""),
        ("occurredAfter=2026-01-01T00:00:00Z&occurredBefore=2026-01-04T00:00:00Z", "a3 b2"),
        ("property.plan=pro", "a3 b2"),
        ("property.plan=pro&property.note=c", "a3"),
        ("id=b2&eventType=pe1234567_logout", ""),
        ("id=nobody", ""),
    ] {
        assert_eq!(ids(&account.sandbox_answer(&format!("{AT}?{query}")).await).join(" "), expected, "{query}");
    }
    let shown = account.get(&format!("{AT}?id=a3&properties=note,plan2")).await;
    assert_eq!(shown.results()[0]["properties"], json!({ "note": "c" }));
    for bad in [
        "objectId=7",
        "objectType=contact&objectId=x",
        "objectType=dragon",
        "objectProperty.email=a@example.com",
        "objectType=contact&objectProperty.nope=1",
        "occurredAfter=soon",
        "sort=name",
        "after=x",
        "before=x",
        "limit=1001",
    ] {
        assert_eq!(account.sandbox_get(&format!("{AT}?{bad}")).await, 400, "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_hold_every_occurrence_once_although_more_arrive() {
    let account = account(Tier::Enterprise);
    let day = |n: u32| format!("2026-01-{:02}T00:00:00Z", n / 3 + 1);
    let inputs = (0..40).map(|n| at("ada@example.com", &format!("u{n}"), &day(n), json!({}))).collect();
    send(&account, inputs).await;
    account.advance(5_000).await;
    let mut seen: Vec<String> = Vec::new();
    let mut after = String::new();
    loop {
        let page = account.get(&format!("{AT}?limit=7{after}")).await;
        seen.extend(ids(&page).iter().map(|id| (*id).to_owned()));
        let Some(next) = page.body["paging"]["next"]["after"].as_str() else {
            break;
        };
        after = format!("&after={next}");
        send(&account, vec![at("ada@example.com", &format!("new{}", seen.len()), "2026-02-01T00:00:00Z", json!({}))])
            .await;
        account.advance(5_000).await;
    }
    seen.sort();
    let mut all: Vec<String> = (0..40).map(|n| format!("u{n}")).collect();
    all.sort();
    assert_eq!(seen, all);
}

#[tokio::test(start_paused = true)]
async fn occurrences_follow_their_record_through_a_merge_and_end_with_it() {
    let account = account(Tier::Enterprise);
    account.load(json!({ "records": { "contacts": [{ "id": 8, "properties": { "email": "bob@example.com" } }] } }));
    let inputs = vec![event("ada@example.com", "a", json!({})), event("bob@example.com", "b", json!({}))];
    send(&account, inputs).await;
    account.advance(5_000).await;
    let merged =
        account.post("/crm/v3/objects/contacts/merge", json!({ "primaryObjectId": "7", "objectIdToMerge": "8" })).await;
    let survivor = merged.body["id"].as_str().expect("a survivor").to_owned();
    for id in ["7", "8", &survivor] {
        let found = account.get(&format!("{AT}?objectType=contact&objectId={id}&sort=occurredAt")).await;
        assert_eq!(ids(&found), ["a", "b"], "{id}");
        assert!(found.results().iter().all(|one| one["objectId"] == *survivor));
    }
    let held = account.get("/_sandbox/events").await;
    assert!(held.results().iter().all(|one| one["record"] == *survivor));
    let old = json!({ "eventName": "pe1234567_login", "objectId": "8", "uuid": "late", "properties": {} });
    send(&account, vec![old]).await;
    assert_eq!(account.get("/_sandbox/events?after=2").await.results()[0]["record"], *survivor);
    account.post("/crm/v3/objects/contacts/gdpr-delete", json!({ "objectId": survivor })).await;
    assert!(ids(&account.get(AT).await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_without_an_id_gets_one_that_finds_it() {
    let account = account(Tier::Enterprise);
    let one = json!({ "eventName": "pe1234567_login", "email": "ada@example.com", "properties": {} });
    send(&account, vec![one.clone(), one]).await;
    account.advance(5_000).await;
    let all = account.get(AT).await;
    let both = ids(&all);
    assert_ne!(both[0], both[1]);
    assert_eq!(ids(&account.get(&format!("{AT}?id={}", both[1])).await), [both[1]]);
}

impl Account {
    /// Asked as no document has it: `objectProperty.{name}` stands there as a placeholder.
    pub(crate) async fn sandbox_answer(&self, path: &str) -> Answer {
        let mut headers = http::HeaderMap::new();
        let token = format!("Bearer {}", hubward_sandbox::TOKEN);
        headers.insert(http::header::AUTHORIZATION, token.parse().expect("a token is ASCII"));
        let response = self.sandbox.handle(&http::Method::GET, path, &headers, bytes::Bytes::new()).await;
        let response = response.expect("no fault cuts this request");
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
    }

    pub(crate) async fn sandbox_get(&self, path: &str) -> u16 {
        self.sandbox_answer(path).await.status
    }
}
