//! An account in this process, an engine on it, and what it holds.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hubward_core::{SecretString, WallClock};
use hubward_engine::{EVENTS_SETTLE_AFTER, Engine, EngineConfig, Recorder, SEARCH_SETTLES_AFTER, Silent};
use hubward_hubspot::{
    ApiVersion, Auth, Client, ClientConfig, HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind,
};
use hubward_sandbox::{Sandbox, SandboxConfig, TOKEN, Tier};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

/// The account of the recorded runs.
pub(crate) const PORTAL_ID: u64 = 1;

const STARTED: &str = "2026-11-22T10:00:00Z";

/// Longer than search needs to show a write.
const SEARCH_LAG: Duration = Duration::from_secs(60);

/// Object types whose records are compared.
const TYPES: [&str; 3] = ["contacts", "companies", "deals"];

struct TestClock {
    started: Instant,
}

impl WallClock for TestClock {
    fn now(&self) -> jiff::Timestamp {
        let started: jiff::Timestamp = STARTED.parse().expect("a valid instant");
        started + self.started.elapsed()
    }
}

struct InProcess(Sandbox);

impl Transport for InProcess {
    fn send(
        &self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + '_>> {
        Box::pin(async move {
            let path = request.url.trim_start_matches("http://sandbox").to_owned();
            match self.0.handle(&request.method, &path, &request.headers, request.body).await {
                Ok(response) => {
                    let status = response.status().as_u16();
                    Ok(HttpResponse { status, headers: response.headers().clone(), body: response.into_body() })
                }
                Err(cut) => Err(TransportError { kind: TransportErrorKind::Lost, message: cut.to_string() }),
            }
        })
    }
}

pub(crate) struct World {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut config = SandboxConfig::new(STARTED.parse().expect("a valid instant"));
        config.tier = Tier::Enterprise;
        config.portal_id = PORTAL_ID;
        Self {
            sandbox: Sandbox::new(config),
            folder: tempfile::tempdir().expect("a temporary folder"),
            clock: Arc::new(TestClock { started: Instant::now() }),
        }
    }

    pub(crate) fn load(&self, document: &Value) {
        self.sandbox.load(document).expect("the sandbox takes the document");
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Waits until search shows what was loaded.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(SEARCH_LAG).await;
    }

    pub(crate) async fn engine(&self) -> Engine {
        let wall: Arc<dyn WallClock> = Arc::<TestClock>::clone(&self.clock);
        let recorder = Recorder::new(None);
        let mut config = ClientConfig::new(Auth::Token(SecretString::from(TOKEN)));
        config.base_url = "http://sandbox".to_owned();
        config.version = ApiVersion::V3;
        let observer = Arc::clone(&recorder) as Arc<dyn hubward_hubspot::Observer>;
        let transport = Arc::new(InProcess(self.sandbox.clone()));
        Engine::connect(EngineConfig {
            client: Client::new(config, transport, Arc::clone(&wall), Some(observer)),
            version: ApiVersion::V3,
            recorder,
            db: None,
            state_dir: self.folder.path().join(".hubward"),
            wall,
            progress: Arc::new(Silent),
            read: hubward_sources::ReadOptions::default(),
            expected_portal_id: None,
            search_settles_after: SEARCH_SETTLES_AFTER,
            events_settle_after: EVENTS_SETTLE_AFTER,
        })
        .await
        .expect("the sandbox accepts its token")
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut headers = http::HeaderMap::new();
        let token = format!("Bearer {TOKEN}");
        headers.insert(http::header::AUTHORIZATION, token.parse().expect("a header"));
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        let method: http::Method = method.parse().expect("a method");
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let answer = self.sandbox.handle(&method, path, &headers, body).await.expect("no fault is set");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
    }

    async fn all(&self, path: &str) -> Vec<Value> {
        let (status, answer) = self.send("GET", path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer["results"].as_array().cloned().unwrap_or_default()
    }

    /// What the account holds, without ids and without what HubSpot writes by itself.
    pub(crate) async fn snapshot(&self) -> Value {
        let mut names: Map<String, Value> = Map::new();
        let mut records = Map::new();
        let mut raw = Vec::new();
        for object in TYPES {
            let all = self.all(&format!("/_sandbox/records/{object}")).await;
            for record in &all {
                let held = own(&record["properties"]);
                names.insert(record["id"].as_str().expect("an id").to_owned(), json!(held.to_string()));
            }
            raw.push((object, all));
        }
        for (object, all) in raw {
            let mut told: Vec<String> = all
                .iter()
                .map(|record| {
                    let mut ends = Vec::new();
                    for (to, pairs) in record["associations"].as_object().into_iter().flatten() {
                        for pair in pairs.as_array().into_iter().flatten() {
                            let other = names.get(pair["id"].as_str().unwrap_or_default());
                            let mut types: Vec<String> = pair["types"]
                                .as_array()
                                .into_iter()
                                .flatten()
                                .map(|kind| format!("{}:{}", kind["category"], kind["typeId"]))
                                .collect();
                            types.sort();
                            ends.push(format!("{to} {other:?} {types:?}"));
                        }
                    }
                    ends.sort();
                    format!("{} archived: {} associated: {ends:?}", own(&record["properties"]), record["archived"])
                })
                .collect();
            told.sort();
            records.insert(object.to_owned(), json!(told));
        }
        let events: Vec<Value> = self
            .all("/_sandbox/events")
            .await
            .iter()
            .map(|event| {
                let record = event["record"].as_str().and_then(|id| names.get(id));
                json!({
                    "eventName": event["eventName"], "email": event["email"], "occurredAt": event["occurredAt"],
                    "properties": event["properties"], "record": record,
                })
            })
            .collect();
        let lists: Vec<Value> = self
            .all("/_sandbox/lists")
            .await
            .iter()
            .map(|list| {
                let members: Vec<Option<&Value>> = list["members"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|id| names.get(id.as_str().unwrap_or_default()))
                    .collect();
                json!({ "name": list["name"], "objectTypeId": list["objectTypeId"], "members": members })
            })
            .collect();
        let mut properties = Map::new();
        for object in TYPES {
            let all = self.all(&format!("/crm/v3/properties/{object}")).await;
            let mut own: Vec<String> = all.iter().filter(|one| one["hubspotDefined"] != true).map(property).collect();
            own.sort();
            properties.insert(object.to_owned(), json!(own));
        }
        let definitions = self.all("/events/v3/event-definitions?includeProperties=true").await;
        let definitions: Vec<Value> = definitions
            .iter()
            .map(|one| {
                let held = one["properties"].as_array().into_iter().flatten();
                let held = held.filter(|property| {
                    property["hubspotDefined"] != true
                        && property["name"].as_str().is_some_and(|name| !name.starts_with("hs_"))
                });
                let mut held: Vec<String> = held.map(property).collect();
                held.sort();
                json!({ "name": one["fullyQualifiedName"], "properties": held })
            })
            .collect();
        json!({
            "records": records, "events": events, "lists": lists, "properties": properties,
            "event_definitions": definitions,
        })
    }
}

/// Name, type and options of a property.
fn property(property: &Value) -> String {
    let options: Vec<&Value> = property["options"].as_array().into_iter().flatten().map(|one| &one["value"]).collect();
    format!(
        "{} {} {} {} unique: {} {options:?}",
        property["name"],
        property["type"],
        property["fieldType"],
        property["groupName"],
        property["hasUniqueValue"] == true
    )
}

/// The properties that were written, in the order of their names.
fn own(properties: &Value) -> Value {
    let all = properties.as_object().into_iter().flatten();
    let kept = all.filter(|(name, value)| {
        let by_hubspot =
            name.starts_with("hs_") || matches!(name.as_str(), "createdate" | "lastmodifieddate" | "num_notes");
        !by_hubspot && !value.is_null() && value.as_str() != Some("")
    });
    let sorted: std::collections::BTreeMap<&String, &Value> = kept.collect();
    json!(sorted)
}
