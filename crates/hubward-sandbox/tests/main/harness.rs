//! A sandbox in process and short ways to speak to it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use hubward_conformance::{Body, Exception};
use hubward_sandbox::{Cut, Sandbox, SandboxConfig, TOKEN, Tier};
use serde_json::{Value, json};

/// 2026-11-22T12:00:00Z.
pub(crate) const STARTED_S: i64 = 1_795_348_800;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The results' values of one property, sorted.
    pub(crate) fn sorted(&self, property: &str) -> Vec<String> {
        let mut all: Vec<String> = self.results().iter().map(|result| text(&result["properties"][property])).collect();
        all.sort();
        all
    }

    pub(crate) fn results(&self) -> &[Value] {
        self.body["results"].as_array().expect("the answer has results")
    }

    pub(crate) fn errors(&self) -> &[Value] {
        self.body["errors"].as_array().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().expect("the answer has a message")
    }

    /// The objects of the JSON array inside `message`.
    pub(crate) fn embedded(&self) -> Vec<Value> {
        let (_, array) = self.message().split_once(": ").expect("the message embeds an array");
        serde_json::from_str(array).expect("the embedded array is JSON")
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(crate) struct Account {
    pub(crate) sandbox: Sandbox,
    token: String,
    excused: Arc<Mutex<Vec<&'static Exception>>>,
}

impl Account {
    pub(crate) fn new(tier: Tier) -> Account {
        Account::with(tier, Duration::ZERO)
    }

    pub(crate) fn with(tier: Tier, latency: Duration) -> Account {
        let started_at = jiff::Timestamp::from_second(STARTED_S).expect("a time in range");
        let config = SandboxConfig { tier, latency, seed: 7, ..SandboxConfig::new(started_at) };
        Account { sandbox: Sandbox::new(config), token: TOKEN.to_owned(), excused: Arc::default() }
    }

    pub(crate) fn unlimited() -> Account {
        Account::new(Tier::Unlimited)
    }

    /// The same account, called with another token.
    pub(crate) fn calling_as(&self, token: &str) -> Account {
        Account { sandbox: self.sandbox.clone(), token: token.to_owned(), excused: Arc::clone(&self.excused) }
    }

    pub(crate) async fn try_raw(
        &self,
        method: &str,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Cut> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let response = self.sandbox.handle(&method, path, &headers, body.clone()).await?;
        self.conform(method.as_str(), path, &headers, &body, &response);
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        Ok(Answer { status, headers, body })
    }

    /// Every answer is as HubSpot's documents have it, and so is every request that was answered with success. The
    /// account's own control paths are not HubSpot's.
    fn conform(&self, method: &str, path: &str, headers: &HeaderMap, body: &[u8], response: &http::Response<Bytes>) {
        if path.starts_with("/_sandbox") {
            return;
        }
        let status = response.status();
        let mut verdicts = vec![hubward_conformance::answer(method, path, status.as_u16(), response.body())];
        if status.is_success() {
            let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            verdicts.push(hubward_conformance::taken(method, path, Body::of(content_type, body)));
        }
        for verdict in verdicts {
            verdict.assert_agrees();
            self.excused.lock().expect("no comparison panics here").extend(verdict.excused);
        }
    }

    /// The exceptions that covered something of what this account was asked and answered.
    pub(crate) fn excused(&self) -> Vec<&'static Exception> {
        self.excused.lock().expect("no comparison panics here").clone()
    }

    pub(crate) async fn attempt(&self, method: &str, path: &str, body: &Value) -> Result<Answer, Cut> {
        let mut headers = HeaderMap::new();
        headers
            .insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", self.token)).expect("a token is ASCII"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        self.try_raw(method, path, headers, body).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        self.attempt(method, path, &body).await.expect("no fault cuts this request")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, body).await
    }

    pub(crate) fn load(&self, document: Value) {
        self.sandbox.load(&document).expect("the document is good");
    }

    /// Creates one record and answers with its id.
    pub(crate) async fn make(&self, object: &str, properties: Value) -> String {
        let answer = self.post(&format!("/crm/v3/objects/{object}"), json!({ "properties": properties })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        text(&answer.body["id"])
    }

    /// How many records a type has, the recycle bin included.
    pub(crate) async fn count(&self, object: &str) -> usize {
        self.get(&format!("/_sandbox/records/{object}")).await.results().len()
    }

    pub(crate) async fn advance(&self, ms: i64) {
        assert_eq!(self.put("/_sandbox/clock", json!({ "advance_ms": ms })).await.status, 200);
    }
}

/// A text property that is unique, for `load`.
pub(crate) fn unique_property(name: &str) -> Value {
    json!({ "name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "custom", "hasUniqueValue": true })
}
