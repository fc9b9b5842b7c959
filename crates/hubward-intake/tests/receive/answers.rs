//! Every answer that is no 200.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Running, WEB_KEY, answer};

const GOOD: &str = r#"{"userId":"u","messageId":"m"}"#;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn refused(answer: &(StatusCode, Value), status: u16, code: &str) {
    assert_eq!((answer.0.as_u16(), answer.1["code"].as_str()), (status, Some(code)), "{answer:?}");
    assert_eq!(answer.1["success"], false);
    assert!(answer.1["message"].as_str().is_some_and(|message| message.len() > 10), "{answer:?}");
}

#[tokio::test]
async fn what_is_no_call_is_refused_with_a_reason() {
    let running = Running::start().await;
    for (body, code) in [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("{\"userId\":\"u\"} x", "invalid_json"),
        ("\u{0}", "invalid_json"),
        ("[]", "invalid_call"),
        ("{}", "invalid_call"),
        ("{\"userId\":\"  \"}", "invalid_call"),
        ("{\"userId\":{}}", "invalid_call"),
        ("{\"userId\":\"u\",\"messageId\":[]}", "invalid_call"),
        ("{\"userId\":\"u\",\"timestamp\":5}", "invalid_call"),
        ("{\"userId\":\"u\",\"timestamp\":\"x\"}", "invalid_call"),
        ("{\"userId\":\"u\",\"sentAt\":\"x\"}", "invalid_call"),
    ] {
        refused(&running.post("/v1/page", body).await, 400, code);
    }
    refused(&running.post("/v1/page", vec![0xff, 0xfe]).await, 400, "invalid_json");
    refused(&running.post("/v1/track", GOOD).await, 400, "invalid_call");
    refused(&running.post("/v1/group", GOOD).await, 400, "invalid_call");
    refused(&running.post("/v1/alias", GOOD).await, 400, "invalid_call");
    let deep = format!("{{\"userId\":\"u\",\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    refused(&running.post("/v1/page", deep).await, 400, "invalid_json");
    for body in ["{}", "{\"batch\":{}}", "[]", "{\"batch\":\"x\"}"] {
        refused(&running.post("/v1/batch", body).await, 400, "invalid_call");
    }
    refused(&running.post("/v1/batch", "{\"batch\":[{]}").await, 400, "invalid_json");
    assert!(running.events().await.is_empty());
}

#[tokio::test]
async fn a_write_key_is_needed_and_must_be_right() {
    let running = Running::start().await;
    let post = |path: &str, body: &str| running.request(Method::POST, path).body(body.to_owned());
    refused(&answer(post("/v1/page", GOOD)).await, 401, "unauthorized");
    refused(&answer(post("/v1/page", GOOD).basic_auth("wrong", Some(""))).await, 401, "unauthorized");
    refused(&answer(post("/v1/page", GOOD).bearer_auth(WEB_KEY)).await, 401, "unauthorized");
    refused(&answer(post("/v1/page", r#"{"userId":"u","writeKey":"wrong"}"#)).await, 401, "unauthorized");
    refused(&answer(post("/v1/batch", r#"{"batch":[],"writeKey":"wrong"}"#)).await, 401, "unauthorized");
    // A wrong key in the header is not mended by a right one in the body.
    let both = format!(r#"{{"userId":"u","writeKey":"{WEB_KEY}"}}"#);
    refused(&answer(post("/v1/page", &both).basic_auth("wrong", Some(""))).await, 401, "unauthorized");
    assert!(running.events().await.is_empty());
    let settings = |key: &str| running.request(Method::GET, &format!("/v1/projects/{key}/settings"));
    refused(&answer(settings("wrong")).await, 401, "unauthorized");
    let (status, document) = answer(settings(WEB_KEY)).await;
    assert_eq!(status, StatusCode::OK);
    let segment = &document["integrations"]["Segment.io"];
    assert_eq!(segment["apiHost"], format!("{}/v1", running.url.trim_start_matches("http://")));
}

#[tokio::test]
async fn paths_and_methods_that_are_none_are_told() {
    let running = Running::start().await;
    refused(&running.post("/v1/order", GOOD).await, 404, "not_found");
    refused(&running.post("/", GOOD).await, 404, "not_found");
    for (method, path, allowed) in [
        (Method::GET, "/v1/track", "POST, OPTIONS"),
        (Method::PUT, "/v1/batch", "POST, OPTIONS"),
        (Method::POST, "/healthz", "GET, HEAD, OPTIONS"),
    ] {
        let response = running.request(method, path).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["allow"].to_str().unwrap()), (405, allowed));
    }
}

#[tokio::test]
async fn a_browser_is_let_in_from_any_page() {
    let running = Running::start().await;
    let response = running
        .request(Method::OPTIONS, "/v1/t")
        .header("origin", "https://shop.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-retry-count")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("access-control-allow-origin"), "*");
    assert_eq!(header("access-control-allow-headers"), "authorization,content-type,x-retry-count");
    assert_eq!(header("access-control-allow-methods"), "POST, OPTIONS");
    assert_eq!(answer(running.request(Method::POST, "/v1/m").body(r#"{"series":[]}"#)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn bodies_are_bounded_as_sent_and_as_unpacked() {
    let running = Running::start().await;
    let call = |bytes: usize| {
        let frame = r#"{"userId":"u","messageId":"m","p":""}"#;
        let fill = "x".repeat(bytes - frame.len());
        frame.replace("\"p\":\"\"", &format!("\"p\":\"{fill}\""))
    };
    assert_eq!(running.post("/v1/page", call(32 * 1024)).await.0, StatusCode::OK);
    refused(&running.post("/v1/page", call(32 * 1024 + 1)).await, 413, "too_large");
    let chunked = reqwest::Body::wrap(http_body_util::StreamBody::new(futures_util::stream::iter(
        (0..40).map(|_| Ok::<_, std::io::Error>(http_body_util_frame(vec![b' '; 1_024]))),
    )));
    refused(&running.post("/v1/page", chunked).await, 413, "too_large");

    let item = call(32 * 1024);
    let batch = |items: usize| {
        let items: Vec<String> = (0..items)
            .map(|n| item.replace("\"m\"", &format!("\"{n}\"")).replacen('{', "{\"type\":\"page\",", 1))
            .collect();
        format!("{{\"batch\":[{}]}}", items.join(","))
    };
    // Each call with its type is a little too large for a call.
    let (status, body) = running.post("/v1/batch", batch(2)).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_call")), "{body}");
    refused(&running.post("/v1/batch", batch(16)).await, 413, "too_large");

    let packed = |body: Vec<u8>| {
        running
            .request(Method::POST, "/v1/page")
            .basic_auth(WEB_KEY, Some(""))
            .header("content-encoding", "gzip")
            .body(body)
    };
    assert_eq!(answer(packed(gzip(call(32 * 1024).replace("\"m\"", "\"g\"").as_bytes()))).await.0, StatusCode::OK);
    refused(&answer(packed(gzip(&vec![b' '; 30 << 20]))).await, 413, "too_large");
    refused(&answer(packed(GOOD.into())).await, 400, "invalid_gzip");
    refused(&answer(packed(gzip(GOOD.as_bytes())[..20].to_vec())).await, 400, "invalid_gzip");
    let brotli = running.request(Method::POST, "/v1/page").header("content-encoding", "br").body(GOOD);
    refused(&answer(brotli).await, 415, "unsupported_encoding");
    let ids: Vec<String> = running.events().await.into_iter().map(|event| event.message_id).collect();
    assert_eq!(ids, ["m", "g"]);
}

fn http_body_util_frame(bytes: Vec<u8>) -> hyper::body::Frame<bytes::Bytes> {
    hyper::body::Frame::data(bytes.into())
}
