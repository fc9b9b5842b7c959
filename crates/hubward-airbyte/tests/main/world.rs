//! A sandbox, and a destination that writes to it as a platform would run it.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_airbyte::{Failure, Host, Out, Written};
use hubward_conformance::{Disagreement, Verdict};
use hubward_core::WallClock;
use hubward_engine::Cancel;
use hubward_hubspot::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};
use hubward_sandbox::{Sandbox, SandboxConfig, TOKEN};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::protocol::message;

pub(crate) const STARTED: &str = "2026-11-22T10:00:00Z";

struct TestClock {
    started: Instant,
}

impl WallClock for TestClock {
    fn now(&self) -> jiff::Timestamp {
        let started: jiff::Timestamp = STARTED.parse().expect("a valid instant");
        started + self.started.elapsed()
    }
}

type Disagreements = Arc<Mutex<Vec<Disagreement>>>;
/// Answers in the sandbox's place: path and body in, status and body out.
type Script = Box<dyn FnMut(&str, &Value) -> Option<(u16, Value)> + Send>;

struct InProcess {
    sandbox: Sandbox,
    script: Arc<Mutex<Option<Script>>>,
    disagreements: Disagreements,
}

impl InProcess {
    fn heard(&self, verdict: Verdict) {
        self.disagreements.lock().expect("no comparison panics").extend(verdict.disagreements);
    }
}

impl Transport for InProcess {
    fn send(
        &self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + '_>> {
        Box::pin(async move {
            let path = request.url.trim_start_matches("http://sandbox").to_owned();
            let method = request.method.clone();
            let content_type = request.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let body = hubward_conformance::Body::of(content_type, &request.body);
            self.heard(hubward_conformance::request(method.as_str(), &path, body));
            if let Some(script) = self.script.lock().expect("no script panics").as_mut() {
                let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
                if let Some((status, answer)) = script(&path, &body) {
                    let body = bytes::Bytes::from(answer.to_string());
                    return Ok(HttpResponse { status, headers: http::HeaderMap::new(), body });
                }
            }
            let work = self.sandbox.handle(&method, &path, &request.headers, request.body);
            match tokio::time::timeout(request.timeout, work).await {
                Err(_) => Err(TransportError { kind: TransportErrorKind::TimedOut, message: "timed out".to_owned() }),
                Ok(Err(_)) => Err(TransportError { kind: TransportErrorKind::Lost, message: "cut".to_owned() }),
                Ok(Ok(response)) => {
                    let status = response.status().as_u16();
                    self.heard(hubward_conformance::answer(method.as_str(), &path, status, response.body()));
                    Ok(HttpResponse { status, headers: response.headers().clone(), body: response.into_body() })
                }
            }
        })
    }
}

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    started: Instant,
    script: Arc<Mutex<Option<Script>>>,
    disagreements: Disagreements,
    pub(crate) config: Value,
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let disagreements = std::mem::take(&mut *self.disagreements.lock().expect("no comparison panics"));
            Verdict { disagreements, excused: Vec::new() }.assert_agrees();
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut SandboxConfig)) -> Self {
        let mut config = SandboxConfig::new(STARTED.parse().expect("a valid instant"));
        config.tier = hubward_sandbox::Tier::Enterprise;
        change(&mut config);
        Self {
            sandbox: Sandbox::new(config),
            started: Instant::now(),
            script: Arc::default(),
            disagreements: Arc::default(),
            config: json!({ "credentials": { "type": "PrivateApp", "access_token": TOKEN } }),
        }
    }

    pub(crate) fn load(&self, document: &Value) {
        self.sandbox.load(document).expect("the sandbox takes the document");
    }

    /// Contacts with two properties of our own, companies and deals with a unique key, and the custom object `cars`.
    pub(crate) fn stocked() -> Self {
        let world = Self::new();
        world.load(&json!({
            "properties": {
                "contacts": [property("lead_score", "number"), property("customer_no", "string")],
                "companies": [unique("retl_identifier")],
                "deals": [unique("order_no")],
            },
            "schemas": [cars()],
        }));
        world
    }

    pub(crate) fn host(&self) -> Host {
        Host {
            transport: Arc::new(InProcess {
                sandbox: self.sandbox.clone(),
                script: Arc::clone(&self.script),
                disagreements: Arc::clone(&self.disagreements),
            }),
            base_url: Some("http://sandbox".to_owned()),
            clock: Arc::new(TestClock { started: self.started }),
            seed: 7,
            run: Uuid::from_u128(7),
            aws: Vec::new(),
        }
    }

    pub(crate) fn config(&self) -> Vec<u8> {
        self.config.to_string().into_bytes()
    }

    pub(crate) fn out(&self) -> (Out, Heard) {
        let heard = Heard::default();
        (Out::new(Box::new(heard.clone()), Arc::new(TestClock { started: self.started })), heard)
    }

    pub(crate) async fn check(&self) -> Vec<Value> {
        let (out, heard) = self.out();
        hubward_airbyte::check(&self.config(), &self.host(), &out).await.expect("told");
        heard.messages()
    }

    pub(crate) async fn discover(&self) -> Vec<Value> {
        let (out, heard) = self.out();
        hubward_airbyte::discover(&self.config(), &self.host(), &out).await.expect("told");
        heard.messages()
    }

    /// Writes these messages to the end.
    pub(crate) async fn write(&self, streams: Vec<Value>, messages: Vec<Value>) -> Told {
        let mut text = String::new();
        for message in messages {
            text.push_str(&message.to_string());
            text.push('\n');
        }
        self.write_text(streams, text).await
    }

    pub(crate) async fn write_text(&self, streams: Vec<Value>, text: String) -> Told {
        let (out, heard) = self.out();
        let catalog = json!({ "streams": streams }).to_string();
        let input = Box::new(io::Cursor::new(text.into_bytes()));
        let config = self.config();
        let written =
            hubward_airbyte::write(&config, catalog.as_bytes(), input, &self.host(), &out, Cancel::new()).await;
        Told { messages: heard.messages(), written }
    }

    /// Begins a write whose stdin stays open.
    pub(crate) fn begin(&self, streams: Vec<Value>) -> Begun {
        let (out, heard) = self.out();
        let catalog = json!({ "streams": streams }).to_string();
        let (sender, receiver) = mpsc::channel();
        let input = Box::new(Fed { receiver, ready: VecDeque::new() });
        let (config, host, cancel) = (self.config(), self.host(), Cancel::new());
        let stop = cancel.clone();
        let task =
            tokio::spawn(
                async move { hubward_airbyte::write(&config, catalog.as_bytes(), input, &host, &out, stop).await },
            );
        Begun { sender: Some(sender), heard, cancel, task }
    }

    /// Calls the sandbox's control API or HubSpot's paths directly.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let method: http::Method = method.parse().expect("a method");
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
        headers.insert("content-type", "application/json".parse().expect("a header"));
        let body = if body.is_null() { bytes::Bytes::new() } else { bytes::Bytes::from(body.to_string()) };
        let answer = self.sandbox.handle(&method, path, &headers, body).await.expect("control is never cut");
        assert!(answer.status().is_success(), "{method} {path}: {:?}", answer.body());
        if answer.body().is_empty() { Value::Null } else { serde_json::from_slice(answer.body()).expect("JSON") }
    }

    pub(crate) async fn fault(&self, rules: Value) {
        self.call("POST", "/_sandbox/faults", rules).await;
    }

    pub(crate) fn script(&self, script: impl FnMut(&str, &Value) -> Option<(u16, Value)> + Send + 'static) {
        *self.script.lock().expect("no script panics") = Some(Box::new(script));
    }

    /// Every record of a type that is not archived.
    pub(crate) async fn records(&self, object: &str) -> Vec<Value> {
        let answer = self.call("GET", &format!("/_sandbox/records/{object}"), Value::Null).await;
        let all = answer["results"].as_array().expect("a list").clone();
        all.into_iter().filter(|record| record["archived"] != json!(true)).collect()
    }

    /// The values of one property, sorted.
    pub(crate) async fn values(&self, object: &str, property: &str) -> Vec<String> {
        let records = self.records(object).await;
        let mut values: Vec<String> =
            records.iter().filter_map(|record| record["properties"][property].as_str().map(str::to_owned)).collect();
        values.sort();
        values
    }

    /// One record by one of its properties.
    pub(crate) async fn record(&self, object: &str, property: &str, value: &str) -> Value {
        let records = self.records(object).await;
        let mut found = records.into_iter().filter(|record| record["properties"][property] == value);
        let record = found.next().unwrap_or_else(|| panic!("no record of {object} has {property} {value}"));
        assert!(found.next().is_none(), "two records of {object} have {property} {value}");
        record
    }

    pub(crate) async fn requests(&self) -> Vec<Value> {
        let answer = self.call("GET", "/_sandbox/requests?after=0", Value::Null).await;
        answer["results"].as_array().expect("a list").clone()
    }
}

/// What stdout was given.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Heard {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no writer panics").clone()).expect("UTF-8")
    }

    /// Every line, held against the protocol.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.text().lines().map(message).collect()
    }
}

/// What a write told.
pub(crate) struct Told {
    pub(crate) messages: Vec<Value>,
    pub(crate) written: Written,
}

impl Told {
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.written.failure, None);
        assert!(of_type(&self.messages, "TRACE").is_empty(), "no failure is told: {:?}", self.messages);
        self
    }

    /// The failure, which one TRACE tells in the same words.
    pub(crate) fn failure(&self) -> &Failure {
        let failure = self.written.failure.as_ref().expect("it failed");
        let traces = of_type(&self.messages, "TRACE");
        assert_eq!(traces.len(), 1, "{traces:?}");
        assert_eq!(traces[0]["trace"]["error"]["message"], failure.message);
        failure
    }

    pub(crate) fn states(&self) -> Vec<Value> {
        of_type(&self.messages, "STATE").into_iter().map(|message| message["state"].clone()).collect()
    }

    /// `[recordCount, rejectedRecordCount]` of every STATE.
    pub(crate) fn stats(&self) -> Vec<[u64; 2]> {
        let count = |state: &Value, key: &str| state["destinationStats"][key].as_f64().unwrap_or_default() as u64;
        self.states().iter().map(|state| [count(state, "recordCount"), count(state, "rejectedRecordCount")]).collect()
    }

    pub(crate) fn logs(&self) -> Vec<String> {
        let logs = of_type(&self.messages, "LOG");
        logs.iter().map(|message| message["log"]["message"].as_str().expect("a message").to_owned()).collect()
    }

    /// Whether the log says all of this in one line.
    pub(crate) fn says(&self, parts: &[&str]) -> bool {
        self.logs().iter().any(|line| parts.iter().all(|part| line.contains(part)))
    }

    /// received, accepted, rejected of the first stream.
    pub(crate) fn counts(&self) -> [u64; 3] {
        let counts = &self.written.streams[0].1;
        [counts.received, counts.accepted, counts.rejected]
    }

    pub(crate) fn reasons(&self) -> Vec<(String, u64)> {
        let counts = &self.written.streams[0].1;
        counts.reasons.iter().map(|(name, count)| (name.clone(), *count)).collect()
    }
}

pub(crate) fn of_type(messages: &[Value], type_: &str) -> Vec<Value> {
    messages.iter().filter(|message| message["type"] == type_).cloned().collect()
}

/// A write that is going on.
pub(crate) struct Begun {
    sender: Option<mpsc::Sender<Vec<u8>>>,
    pub(crate) heard: Heard,
    pub(crate) cancel: Cancel,
    task: tokio::task::JoinHandle<Written>,
}

impl Begun {
    pub(crate) fn send(&self, message: &Value) {
        let line = format!("{message}\n").into_bytes();
        self.sender.as_ref().expect("stdin is open").send(line).expect("it is read");
    }

    /// Waits until so many STATEs came back.
    pub(crate) async fn states(&self, number: usize) -> Vec<Value> {
        loop {
            let states = of_type(&self.heard.messages(), "STATE");
            if states.len() >= number || self.task.is_finished() {
                return states;
            }
            // The thread that reads is outside the paused clock: it gets real time, and everything else the clock's.
            std::thread::sleep(Duration::from_millis(1));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn end(mut self) -> Told {
        self.sender = None;
        self.finish().await
    }

    /// Waits for it to end although stdin stays open.
    pub(crate) async fn finish(self) -> Told {
        let written = self.task.await.expect("no panic");
        Told { messages: self.heard.messages(), written }
    }
}

struct Fed {
    receiver: mpsc::Receiver<Vec<u8>>,
    ready: VecDeque<u8>,
}

impl Read for Fed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            match self.receiver.recv() {
                Ok(bytes) => self.ready.extend(bytes),
                Err(_) => return Ok(0),
            }
        }
        self.ready.read(buffer)
    }
}

pub(crate) fn property(name: &str, type_: &str) -> Value {
    let field_type = match type_ {
        "number" => "number",
        "bool" => "booleancheckbox",
        "date" | "datetime" => "date",
        _ => "text",
    };
    json!({ "name": name, "label": name, "type": type_, "fieldType": field_type })
}

pub(crate) fn unique(name: &str) -> Value {
    let mut property = property(name, "string");
    property["hasUniqueValue"] = json!(true);
    property
}

pub(crate) fn cars() -> Value {
    json!({
        "name": "cars",
        "labels": { "singular": "Car", "plural": "Cars" },
        "primaryDisplayProperty": "car_id",
        "requiredProperties": ["car_id"],
        "properties": [unique("car_id"), unique("vin"), property("maker", "string")],
        "associatedObjects": ["CONTACT"],
    })
}

/// A stream of the catalog whose schema declares these properties.
pub(crate) fn stream(name: &str, object: &str, mode: &str, key: &str, columns: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> =
        columns.iter().map(|column| ((*column).to_owned(), json!({ "type": "string" }))).collect();
    let mut stream = json!({
        "stream": { "name": name, "json_schema": { "type": "object", "properties": properties },
            "supported_sync_modes": ["full_refresh", "incremental"] },
        "sync_mode": "incremental",
        "destination_sync_mode": mode,
        "destination_object_name": object,
        "generation_id": 7, "minimum_generation_id": 0, "sync_id": 8123,
    });
    if !key.is_empty() {
        stream["primary_key"] = json!([[key]]);
    }
    stream
}

/// Contacts, upserted by e-mail.
pub(crate) fn people() -> Value {
    stream("people", "CONTACT", "append_dedup", "email", &["email", "firstname", "lead_score"])
}

pub(crate) fn record(stream: &str, data: Value) -> Value {
    json!({ "type": "RECORD", "record": { "stream": stream, "data": data, "emitted_at": 1_760_000_000_000_u64 } })
}

pub(crate) fn person(number: u32) -> Value {
    let email = format!("person{number}@example.com");
    record("people", json!({ "email": email, "firstname": format!("Zoë {number}"), "lead_score": number }))
}

pub(crate) fn state(stream: &str, id: u64) -> Value {
    json!({ "type": "STATE", "state": { "type": "STREAM", "id": id, "stream": {
        "stream_descriptor": { "name": stream }, "stream_state": { "cursor": id } } } })
}

pub(crate) fn global_state(id: u64) -> Value {
    json!({ "type": "STATE", "state": { "type": "GLOBAL", "id": id,
        "global": { "shared_state": { "lsn": id }, "stream_states": [] } } })
}

pub(crate) fn complete(stream: &str) -> Value {
    status(stream, "COMPLETE")
}

pub(crate) fn status(stream: &str, status: &str) -> Value {
    json!({ "type": "TRACE", "trace": { "type": "STREAM_STATUS", "emitted_at": 1.5, "stream_status": {
        "stream_descriptor": { "name": stream }, "status": status } } })
}
