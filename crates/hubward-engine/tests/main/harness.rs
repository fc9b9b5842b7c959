//! A project in a temporary folder, a sandbox beside it, and an engine between them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_conformance::{Disagreement, Verdict};
use hubward_core::spec::{
    Conversion, Location, MapEntry, MapSource, Match, Model, ModelQuery, ObjectSync, SourceSpec, WriteRule,
};
use hubward_core::{SecretString, WallClock};
use hubward_engine::{Cancel, Engine, EngineConfig, Recorder, RunOptions, Silent, SyncJob, SyncReport};
use hubward_hubspot::{
    ApiVersion, Auth, Client, ClientConfig, HttpRequest, HttpResponse, Rehearsal, Transport, TransportError,
    TransportErrorKind,
};
use hubward_sandbox::{Sandbox, SandboxConfig, TOKEN};
use hubward_store::StateDb;
use serde_json::{Value, json};
use tokio::time::Instant;

const STARTED: &str = "2026-11-22T10:00:00Z";

/// Goes with Tokio's clock, paused or not.
pub(crate) struct TestClock {
    started: Instant,
}

impl WallClock for TestClock {
    fn now(&self) -> jiff::Timestamp {
        let started: jiff::Timestamp = STARTED.parse().expect("a valid instant");
        started + self.started.elapsed()
    }
}

/// Looks at a request (path and body) before the sandbox does; what it returns is the answer, and the sandbox never sees it.
pub(crate) type Script = Box<dyn FnMut(&str, &Value) -> Option<(u16, Value)> + Send>;

/// What did not agree with HubSpot's documents, of all requests and answers of a world.
type Disagreements = Arc<Mutex<Vec<Disagreement>>>;

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
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + '_>> {
        Box::pin(async move {
            let path = request.url.trim_start_matches("http://sandbox").to_owned();
            let content_type = request.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let body = hubward_conformance::Body::of(content_type, &request.body);
            self.heard(hubward_conformance::request(request.method.as_str(), &path, body));
            if let Some(script) = self.script.lock().expect("no script panics").as_mut() {
                let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
                if let Some((status, answer)) = script(&path, &body) {
                    let (headers, body) = (http::HeaderMap::new(), bytes::Bytes::from(answer.to_string()));
                    return Ok(HttpResponse { status, headers, body });
                }
            }
            let answer = tokio::time::timeout(
                request.timeout,
                self.sandbox.handle(&request.method, &path, &request.headers, request.body),
            )
            .await;
            match answer {
                Err(_) => Err(TransportError { kind: TransportErrorKind::TimedOut, message: "timed out".to_owned() }),
                Ok(Err(_)) => Err(TransportError { kind: TransportErrorKind::Lost, message: "cut".to_owned() }),
                Ok(Ok(response)) => {
                    let status = response.status().as_u16();
                    let method = request.method.as_str();
                    self.heard(hubward_conformance::answer(method, &path, status, response.body()));
                    Ok(HttpResponse { status, headers: response.headers().clone(), body: response.into_body() })
                }
            }
        })
    }
}

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) db: StateDb,
    clock_started: Instant,
    script: Arc<Mutex<Option<Script>>>,
    disagreements: Disagreements,
    pub(crate) version: ApiVersion,
    pub(crate) auth: Auth,
}

impl Drop for World {
    /// Every request of the client and every answer of the sandbox is as HubSpot's documents have it. Said at the end: a
    /// panic inside the transport would be taken for a failure of the run.
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
        change(&mut config);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = StateDb::open(&folder.path().join("state.sqlite")).expect("a state database");
        Self {
            sandbox: Sandbox::new(config),
            folder,
            db,
            clock_started: Instant::now(),
            script: Arc::default(),
            disagreements: Arc::default(),
            version: ApiVersion::default(),
            auth: Auth::Token(SecretString::from(TOKEN)),
        }
    }

    /// Another project on the same account.
    pub(crate) fn sharing(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = StateDb::open(&folder.path().join("state.sqlite")).expect("a state database");
        Self {
            sandbox: self.sandbox.clone(),
            folder,
            db,
            clock_started: self.clock_started,
            script: Arc::default(),
            disagreements: Arc::clone(&self.disagreements),
            version: ApiVersion::default(),
            auth: Auth::Token(SecretString::from(TOKEN)),
        }
    }

    pub(crate) fn load(&self, document: &Value) {
        self.sandbox.load(document).expect("the sandbox takes the document");
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("source.sqlite")
    }

    /// Runs SQL on the source.
    pub(crate) fn sql(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.path()).expect("the source opens");
        connection.execute_batch(sql).expect("the SQL runs");
    }

    /// Customers `1..=rows`, each with its own values.
    pub(crate) fn customers(&self, rows: u32) {
        self.sql(
            "create table customers (id integer primary key, email text, first_name text, city text, amount text, plan text)",
        );
        let mut connection = rusqlite::Connection::open(self.path()).expect("the source opens");
        let transaction = connection.transaction().expect("a transaction");
        for id in 1..=rows {
            transaction
                .execute(
                    "insert into customers values (?1, ?2, ?3, ?4, ?5, 'gold')",
                    rusqlite::params![
                        id,
                        format!("Person{id}@example.com"),
                        format!("Zoë {id}"),
                        format!("Kraków {}", id % 7),
                        format!("{}.50", id)
                    ],
                )
                .expect("the row goes in");
        }
        transaction.commit().expect("the rows stay");
    }

    pub(crate) async fn engine(&self) -> Engine {
        self.engine_over(self.transport()).await
    }

    /// An engine that reads from the sandbox and writes nothing, and what it would have written.
    pub(crate) async fn rehearsing(&self) -> (Engine, Arc<Rehearsal>) {
        let rehearsal = Arc::new(Rehearsal::new(self.transport()));
        let transport: Arc<dyn Transport> = Arc::<Rehearsal>::clone(&rehearsal);
        (self.engine_over(transport).await, rehearsal)
    }

    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(InProcess {
            sandbox: self.sandbox.clone(),
            script: Arc::clone(&self.script),
            disagreements: Arc::clone(&self.disagreements),
        })
    }

    async fn engine_over(&self, transport: Arc<dyn Transport>) -> Engine {
        let wall: Arc<dyn WallClock> = Arc::new(TestClock { started: self.clock_started });
        let recorder = Recorder::new(Some(self.db.clone()));
        let mut config = ClientConfig::new(self.auth.clone());
        config.base_url = "http://sandbox".to_owned();
        config.version = self.version;
        let client = Client::new(
            config,
            transport,
            Arc::clone(&wall),
            Some(Arc::clone(&recorder) as Arc<dyn hubward_hubspot::Observer>),
        );
        Engine::connect(EngineConfig {
            client,
            version: self.version,
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
        .expect("the sandbox accepts its token")
    }

    pub(crate) async fn run(&self, job: &SyncJob) -> SyncReport {
        self.run_with(job, &RunOptions::default()).await
    }

    pub(crate) async fn run_with(&self, job: &SyncJob, options: &RunOptions) -> SyncReport {
        let engine = self.engine().await;
        let run = uuid::Uuid::now_v7().to_string();
        engine.recorder().set_run(&run);
        let report = engine.run_sync(job, &run, options).await;
        let total = report.changes.rows + report.changes.removed;
        assert_eq!(report.outcomes.total(), total, "every row has one outcome: {report:?}");
        report
    }

    /// A run that is killed while its `request`th batch is on its way: HubSpot carries that one out, nothing after it is
    /// sent, and the state is as it was just before. Tells whether the run came so far.
    pub(crate) async fn run_killed_at(&self, job: &SyncJob, request: u32) -> bool {
        let (state, kept) = (self.folder.path().join(".hubward"), self.folder.path().join("killed"));
        let (from, to) = (state.clone(), kept.clone());
        let mut sent = 0;
        self.script(move |path, _| {
            if !path.contains("/batch/") {
                return None;
            }
            sent += 1;
            if sent == request {
                copy_folder(&from, &to);
            }
            (sent > request).then(|| (503, json!({"status": "error", "message": "killed"})))
        });
        self.run(job).await;
        self.end_script();
        if kept.exists() {
            std::fs::remove_dir_all(&state).expect("the state goes");
            std::fs::rename(&kept, &state).expect("the state of the kill takes its place");
            return true;
        }
        false
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

    /// Answers in the sandbox's place whatever `script` wants to answer; replaces an earlier script.
    pub(crate) fn script(&self, script: impl FnMut(&str, &Value) -> Option<(u16, Value)> + Send + 'static) {
        *self.script.lock().expect("no script panics") = Some(Box::new(script));
    }

    pub(crate) fn end_script(&self) {
        *self.script.lock().expect("no script panics") = None;
    }

    pub(crate) async fn fault(&self, rules: Value) {
        self.call("POST", "/_sandbox/faults", rules).await;
    }

    /// Every record of a type that is not archived.
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

    /// Requests that write or look up records, since `after`.
    pub(crate) async fn requests(&self) -> Vec<Value> {
        let answer = self.call("GET", "/_sandbox/requests?after=0", Value::Null).await;
        answer["results"].as_array().expect("a list").clone()
    }

    pub(crate) fn issues(&self, sync: &str) -> BTreeMap<String, (String, String, String)> {
        self.db
            .issues(Some(sync))
            .expect("issues can be read")
            .into_iter()
            .map(|issue| {
                let word = issue.outcome.name().to_owned();
                (issue.key, (word, issue.category.unwrap_or_default(), issue.reason))
            })
            .collect()
    }

    /// The customers sync of this world: upsert by e-mail unless changed.
    pub(crate) fn job(&self) -> SyncJob {
        SyncJob {
            sync: ObjectSync {
                map: vec![column("firstname", "first_name"), column("city", "city")],
                ..ObjectSync::new("customers", "contacts", Match::new("email", "email"))
            },
            model: Model {
                name: "customers".to_owned(),
                source: "shop".to_owned(),
                query: ModelQuery::Sql("select * from customers order by id".to_owned()),
                primary_key: vec!["id".to_owned()],
                at: Location::default(),
            },
            source: SourceSpec::Sqlite { path: self.path() },
        }
    }
}

pub(crate) fn column(property: &str, column: &str) -> MapEntry {
    MapEntry {
        property: property.to_owned(),
        source: MapSource::Column(column.to_owned()),
        conversion: Conversion::Auto,
        write: WriteRule::Always,
        force: false,
        at: Location::default(),
    }
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// A custom property as in HubSpot's create body.
pub(crate) fn property(name: &str, type_: &str, field_type: &str) -> Value {
    json!({"name": name, "label": name, "type": type_, "fieldType": field_type, "groupName": "contactinformation"})
}

/// A run that was asked to stop before it began.
pub(crate) fn cancelled() -> RunOptions {
    let cancel = Cancel::new();
    cancel.set();
    RunOptions { cancel, ..RunOptions::default() }
}

/// Long enough for the search index to show everything.
pub(crate) const INDEXED: Duration = Duration::from_secs(60);
