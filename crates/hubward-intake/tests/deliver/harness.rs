//! A sandbox, a door to it, and mappings.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_core::spec::{Action, Location, MappingSpec, SyncMode};
use hubward_core::{Outcome, SecretString, WallClock};
use hubward_engine::door::{Door, DoorMemory};
use hubward_engine::{Cancel, Engine, EngineConfig, Recorder, Silent};
use hubward_hubspot::{
    ApiVersion, Auth, Client, ClientConfig, HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind,
};
use hubward_intake::actions::ActiveMapping;
use hubward_intake::deliver::{Delivered, Delivery, Input, MapMemory, Options, UserMemory};
use hubward_sandbox::{Sandbox, SandboxConfig, TOKEN, Tier};
use hubward_store::StateDb;
use serde_json::{Value, json};
use tokio::time::Instant;

const STARTED: &str = "2026-11-22T10:00:00Z";

pub(crate) struct TestClock(Instant);

impl WallClock for TestClock {
    fn now(&self) -> jiff::Timestamp {
        STARTED.parse::<jiff::Timestamp>().expect("a valid instant") + self.0.elapsed()
    }
}

/// Looks at a request before the sandbox does; what it returns is the answer.
pub(crate) type Script = Box<dyn FnMut(&str, &Value) -> Option<(u16, Value)> + Send>;

struct InProcess {
    sandbox: Sandbox,
    script: Arc<Mutex<Option<Script>>>,
}

impl Transport for InProcess {
    fn send(
        &self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + '_>> {
        Box::pin(async move {
            let path = request.url.trim_start_matches("http://sandbox").to_owned();
            if let Some(script) = self.script.lock().expect("no script panics").as_mut() {
                let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
                if let Some((status, answer)) = script(&path, &body) {
                    let (headers, body) = (http::HeaderMap::new(), bytes::Bytes::from(answer.to_string()));
                    return Ok(HttpResponse { status, headers, body });
                }
            }
            let handled = self.sandbox.handle(&request.method, &path, &request.headers, request.body);
            match tokio::time::timeout(request.timeout, handled).await {
                Err(_) => Err(TransportError { kind: TransportErrorKind::TimedOut, message: "timed out".to_owned() }),
                Ok(Err(_)) => Err(TransportError { kind: TransportErrorKind::Lost, message: "cut".to_owned() }),
                Ok(Ok(answer)) => {
                    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
                    Ok(HttpResponse { status, headers, body: answer.into_body() })
                }
            }
        })
    }
}

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) db: StateDb,
    started: Instant,
    script: Arc<Mutex<Option<Script>>>,
    pub(crate) memory: Arc<MapMemory>,
    pub(crate) cancel: Cancel,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut config = SandboxConfig::new(STARTED.parse().expect("a valid instant"));
        config.tier = Tier::Enterprise;
        let folder = tempfile::tempdir().expect("a folder");
        let db = StateDb::open(&folder.path().join("state.sqlite")).expect("a database");
        Self {
            sandbox: Sandbox::new(config),
            folder,
            db,
            started: Instant::now(),
            script: Arc::default(),
            memory: Arc::default(),
            cancel: Cancel::new(),
        }
    }

    pub(crate) fn load(&self, document: &Value) {
        self.sandbox.load(document).expect("the sandbox takes the document");
    }

    pub(crate) fn now_ms(&self) -> i64 {
        TestClock(self.started).now().as_millisecond()
    }

    pub(crate) async fn door(&self) -> Arc<Door> {
        let wall: Arc<dyn WallClock> = Arc::new(TestClock(self.started));
        let recorder = Recorder::new(Some(self.db.clone()));
        let mut config = ClientConfig::new(Auth::Token(SecretString::from(TOKEN)));
        config.base_url = "http://sandbox".to_owned();
        config.version = ApiVersion::V3;
        let transport = Arc::new(InProcess { sandbox: self.sandbox.clone(), script: Arc::clone(&self.script) });
        let observer = Arc::clone(&recorder) as Arc<dyn hubward_hubspot::Observer>;
        let client = Client::new(config, transport, Arc::clone(&wall), Some(observer));
        let engine = Engine::connect(EngineConfig {
            client,
            version: ApiVersion::V3,
            recorder,
            db: Some(self.db.clone()),
            state_dir: self.folder.path().join(".hubward"),
            wall,
            progress: Arc::new(Silent),
            read: hubward_sources::ReadOptions::default(),
            expected_portal_id: None,
            search_settles_after: hubward_engine::SEARCH_SETTLES_AFTER,
            events_settle_after: hubward_engine::EVENTS_SETTLE_AFTER,
        })
        .await
        .expect("the sandbox accepts its token");
        let memory = DoorMemory::Intents(self.folder.path().join(".hubward/events"));
        Arc::new(Arc::new(engine).door("events", memory, self.cancel.clone()).await.expect("the door opens"))
    }

    pub(crate) async fn delivery(&self, mappings: Vec<MappingSpec>) -> Delivery {
        let options = Options { contact_grace: Duration::ZERO, ..Options::default() };
        let memory = Arc::clone(&self.memory) as Arc<dyn UserMemory>;
        Delivery::new(self.door().await, active(mappings), memory, options)
    }

    pub(crate) fn script(&self, script: impl FnMut(&str, &Value) -> Option<(u16, Value)> + Send + 'static) {
        *self.script.lock().expect("no script panics") = Some(Box::new(script));
    }

    pub(crate) fn end_script(&self) {
        *self.script.lock().expect("no script panics") = None;
    }

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

    pub(crate) async fn records(&self, object: &str) -> Vec<Value> {
        let answer = self.call("GET", &format!("/_sandbox/records/{object}"), Value::Null).await;
        let all = answer["results"].as_array().expect("a list").clone();
        all.into_iter().filter(|record| record["archived"] != json!(true)).collect()
    }

    /// Records by one of their properties; a value that two records have fails the test.
    pub(crate) async fn by(&self, object: &str, property: &str) -> BTreeMap<String, Value> {
        let mut by = BTreeMap::new();
        for record in self.records(object).await {
            let Some(value) = record["properties"][property].as_str().map(str::to_owned) else { continue };
            assert!(by.insert(value.clone(), record).is_none(), "two records have {property} {value}");
        }
        by
    }

    pub(crate) async fn events(&self) -> Vec<Value> {
        let answer = self.call("GET", "/_sandbox/events", Value::Null).await;
        answer["results"].as_array().expect("a list").clone()
    }

    pub(crate) async fn lists(&self) -> BTreeMap<String, Value> {
        let answer = self.call("GET", "/_sandbox/lists", Value::Null).await;
        let lists = answer["results"].as_array().expect("a list").clone();
        lists.into_iter().map(|list| (list["name"].as_str().expect("a name").to_owned(), list)).collect()
    }

    /// Requests that were sent to HubSpot's paths, as method and path.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let answer = self.call("GET", "/_sandbox/requests?after=0", Value::Null).await;
        let all = answer["results"].as_array().expect("a list").clone();
        let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        all.iter().map(|one| format!("{} {}", text(one, "method"), text(one, "path"))).collect()
    }

    pub(crate) fn input(&self, id: impl ToString, event: Value) -> Input {
        Input {
            message_id: id.to_string(),
            source: "web".to_owned(),
            received_at_ms: self.now_ms(),
            event,
            maybe_done: false,
        }
    }

    /// Events as a window.
    pub(crate) async fn deliver(&self, delivery: &Delivery, events: Vec<Value>) -> Vec<Vec<Delivered>> {
        let inputs: Vec<Input> =
            events.into_iter().enumerate().map(|(at, event)| self.input(format!("m{at}"), event)).collect();
        let (delivered, stop) = delivery.window(&inputs).await;
        assert!(stop.is_none(), "{stop:?}");
        delivered
    }
}

pub(crate) fn active(mappings: Vec<MappingSpec>) -> Vec<Arc<ActiveMapping>> {
    mappings.iter().map(|spec| Arc::new(ActiveMapping::new(spec, None).expect("a mapping"))).collect()
}

pub(crate) fn mapping(name: &str, action: Action, trigger: &str, fields: Value) -> MappingSpec {
    MappingSpec {
        name: name.to_owned(),
        action,
        enabled: true,
        sources: None,
        trigger: (!trigger.is_empty()).then(|| trigger.to_owned()),
        sync_mode: None,
        fields,
        at: Location::default(),
    }
}

pub(crate) fn in_mode(mode: SyncMode, spec: MappingSpec) -> MappingSpec {
    MappingSpec { sync_mode: Some(mode), ..spec }
}

pub(crate) fn contacts() -> MappingSpec {
    mapping("contacts", Action::UpsertContact, "", json!({}))
}

pub(crate) fn companies() -> MappingSpec {
    mapping("companies", Action::UpsertCompany, "", json!({}))
}

pub(crate) fn identify(user: &str, traits: Value) -> Value {
    json!({"type": "identify", "userId": user, "traits": traits, "timestamp": "2026-11-22T10:00:00.000Z"})
}

pub(crate) fn group(user: &str, group: &str, traits: Value) -> Value {
    json!({"type": "group", "userId": user, "groupId": group, "traits": traits, "timestamp": "2026-11-22T10:00:00.000Z"})
}

pub(crate) fn words(delivered: &[Vec<Delivered>]) -> Vec<Vec<Outcome>> {
    delivered.iter().map(|all| all.iter().map(|one| one.outcome).collect()).collect()
}

pub(crate) fn code(delivered: &Delivered) -> &str {
    delivered.reason.as_ref().and_then(|reason| reason.category.as_deref()).unwrap_or_default()
}

/// Ids of the records of another type that a record is associated to.
pub(crate) fn associated(record: &Value, object: &str) -> Vec<String> {
    let all = record["associations"][object].as_array().cloned().unwrap_or_default();
    all.iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
}
