//! What calls become.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{APP_KEY, Running, answer};

#[tokio::test]
async fn every_kind_of_call_arrives_by_its_long_and_its_short_path() {
    let running = Running::start().await;
    let mut expected = Vec::new();
    for (paths, call_type, more) in [
        (["track", "t"], "track", json!({ "event": "Order Placed" })),
        (["identify", "i"], "identify", json!({ "traits": { "email": "a@example.com" } })),
        (["group", "g"], "group", json!({ "groupId": "g1" })),
        (["page", "p"], "page", json!({ "name": "Home" })),
        (["screen", "s"], "screen", json!({ "name": "Home" })),
        (["alias", "a"], "alias", json!({ "previousId": "anonymous" })),
    ] {
        for path in paths {
            let mut call = json!({ "userId": "u1", "messageId": path });
            call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let (status, body) = running.post(&format!("/v1/{path}"), call.to_string()).await;
            assert_eq!((status, body), (StatusCode::OK, json!({ "success": true })), "{path}");
            expected.push((path.to_owned(), call_type.to_owned()));
        }
    }
    let events = running.events().await;
    let found: Vec<(String, String)> = events
        .iter()
        .map(|event| {
            assert_eq!((event.source.as_str(), event.order_key.as_str()), ("web", "u1"));
            let call: Value = serde_json::from_slice(&event.payload).unwrap();
            assert_eq!(call["messageId"], event.message_id.as_str());
            (event.message_id.clone(), call["type"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_call_gets_what_segments_api_adds_and_loses_its_key() {
    let running = Running::start().await;
    // Sent two seconds after it was made, by a clock that is an hour ahead.
    let call = json!({
        "type": "page",
        "anonymousId": "anon",
        "event": "Sent",
        "writeKey": APP_KEY,
        "timestamp": "2026-12-01T12:59:58.000Z",
        "sentAt": "2026-12-01T13:00:00.000Z",
        "properties": { "a": 1.5, "b": 18446744073709551615_u64, "c": null, "d": "" },
    });
    let request = running.request(Method::POST, "/v1/t").header("content-type", "text/plain").body(call.to_string());
    assert_eq!(answer(request).await, (StatusCode::OK, json!({ "success": true })));
    let (event, stored) = running.event().await;
    assert_eq!((event.source.as_str(), event.order_key.as_str()), ("app", "anon"));
    assert_eq!(
        stored,
        json!({
            "type": "track",
            "anonymousId": "anon",
            "event": "Sent",
            "timestamp": "2026-12-01T11:59:58.000Z",
            "sentAt": "2026-12-01T13:00:00.000Z",
            "properties": { "a": 1.5, "b": 18446744073709551615_u64, "c": null, "d": "" },
            "messageId": "made-0",
            "originalTimestamp": "2026-12-01T12:59:58.000Z",
            "receivedAt": "2026-12-01T12:00:00.000Z",
        })
    );
}

#[tokio::test]
async fn ids_that_are_numbers_become_texts() {
    let running = Running::start().await;
    running.post("/v1/identify", r#"{"userId": 42, "messageId": 7}"#).await;
    let (event, call) = running.event().await;
    assert_eq!((event.message_id.as_str(), event.order_key.as_str()), ("7", "42"));
    assert_eq!((&call["userId"], &call["messageId"]), (&json!("42"), &json!("7")));
}

#[tokio::test]
async fn a_time_in_the_future_is_told_and_the_call_is_accepted() {
    let running = Running::start().await;
    let call = json!({ "userId": "u", "messageId": "m", "timestamp": "2031-01-01T00:00:00Z" });
    let (status, body) = running.post("/v1/page", call.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["success"], true);
    assert_eq!(body["warnings"][0]["messageId"], "m");
    assert!(body["warnings"][0]["reason"].as_str().unwrap().contains("lies in the future"), "{body}");
    let (_, call) = running.event().await;
    assert_eq!(call["timestamp"], "2026-12-01T12:00:00.000Z");
    assert_eq!(call["originalTimestamp"], "2031-01-01T00:00:00Z");
}

#[tokio::test]
async fn a_batch_arrives_in_order_with_what_stands_beside_it() {
    let running = Running::start().await;
    let batch = json!({
        "batch": [
            { "type": "identify", "userId": "u1", "messageId": "1", "context": { "ip": "10.0.0.1" } },
            { "type": "track", "userId": "u1", "messageId": "2", "event": "E", "timestamp": "2026-12-01T10:59:00Z" },
            { "type": "track", "userId": "u1", "messageId": "2", "event": "E" },
        ],
        "context": { "ip": "10.0.0.2", "app": "shop" },
        "sentAt": "2026-12-01T11:00:00Z",
        "writeKey": APP_KEY,
    });
    for path in ["batch", "import", "b"] {
        let request = running.request(Method::POST, &format!("/v1/{path}")).body(batch.to_string());
        assert_eq!(answer(request).await, (StatusCode::OK, json!({ "success": true })), "{path}");
    }
    let events = running.events().await;
    let calls: Vec<Value> = events.iter().map(|event| serde_json::from_slice(&event.payload).unwrap()).collect();
    assert_eq!(calls.len(), 2, "the others are duplicates");
    assert_eq!(calls[0]["context"], json!({ "ip": "10.0.0.1", "app": "shop" }));
    assert_eq!(calls[1]["context"], json!({ "ip": "10.0.0.2", "app": "shop" }));
    assert_eq!(calls[1]["timestamp"], "2026-12-01T11:59:00.000Z");
    assert!(events.iter().all(|event| event.source == "app"));
}

#[tokio::test]
async fn the_bad_calls_of_a_batch_are_kept_and_named_and_the_good_ones_are_accepted() {
    let running = Running::start().await;
    let large = "x".repeat(33_000);
    let batch = json!({ "batch": [
        { "type": "identify", "userId": "u1", "messageId": "good" },
        { "type": "identify", "messageId": "nobody" },
        { "type": "order", "userId": "u1", "messageId": "odd" },
        17,
        { "type": "track", "userId": "u1", "event": "E", "messageId": "large", "properties": { "p": large } },
        { "type": "track", "userId": "u1", "messageId": "nameless" },
        { "type": "page", "userId": "u1", "messageId": "late", "timestamp": "tomorrow" },
    ] });
    let (status, body) = running.post("/v1/batch", batch.to_string()).await;
    assert_eq!((status, &body["success"]), (StatusCode::OK, &json!(true)));
    let told: Vec<(u64, &str)> = body["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (call["index"].as_u64().unwrap(), call["messageId"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [(1, "nobody"), (2, "odd"), (3, "made-0"), (4, "large"), (5, "nameless"), (6, "late")]);
    let kept = running.kept.0.lock().unwrap().clone();
    let reasons: Vec<(&str, &str)> =
        kept.iter().map(|call| (call.message_id.as_str(), call.reason.text.as_str())).collect();
    assert_eq!(reasons.len(), 6);
    for ((id, reason), expected) in reasons.iter().zip([
        "needs a `userId` or an `anonymousId`",
        "`type` must be one of track, identify, group, page, screen, alias: not \"order\"",
        "must be a JSON object",
        "at most 32768 are accepted",
        "a call of type track needs `event`",
        "`timestamp` is no time in ISO 8601: \"tomorrow\"",
    ]) {
        assert!(reason.contains(expected), "{id}: {reason}");
    }
    assert!(kept.iter().all(|call| call.source == "web" && call.reason.value.as_ref().unwrap().len() <= 500));
    assert_eq!(running.event().await.0.message_id, "good");
    assert!(running.events().await.is_empty());
}

#[tokio::test]
async fn a_batch_without_a_good_call_is_refused_whole() {
    let running = Running::start().await;
    let (status, body) =
        running.post("/v1/batch", r#"{"batch":[{"type":"identify"},{"type":"x","userId":"u"}]}"#).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_call")));
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("call 0: ") && message.contains("call 1: "), "{message}");
    assert!(running.events().await.is_empty() && running.kept.0.lock().unwrap().is_empty());
    let (status, _) = running.post("/v1/batch", r#"{"batch":[]}"#).await;
    assert_eq!(status, StatusCode::OK, "nothing to accept is no error");
}

#[tokio::test]
async fn what_stands_beside_a_batch_counts_for_each_of_its_calls() {
    let running = Running::start().await;
    let batch = |context: usize, calls: usize| {
        let call = |at: usize| json!({ "type": "page", "userId": "u", "messageId": format!("{context}-{at}") });
        let calls: Vec<Value> = (0..calls).map(call).collect();
        json!({ "batch": calls, "context": { "app": "a".repeat(context) } }).to_string()
    };
    // As a call of its own it would be refused.
    let (status, body) = running.post("/v1/batch", batch(33_000, 2)).await;
    assert!(!status.is_success(), "{body}");
    assert!(body.to_string().contains("at most 32768"), "{body}");
    // Half a megabyte would become two hundred.
    let (status, body) = running.post("/v1/batch", batch(30_000, 6_500)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{body}");
    assert!(body.to_string().contains("send smaller batches"), "{body}");
    let (status, body) = running.post("/v1/batch", batch(30_000, 3)).await;
    assert_eq!((status, body), (StatusCode::OK, json!({ "success": true })));
    assert_eq!(running.events().await.len(), 3);
}
