//! Events under HubSpot's limit of their own: rows of a Parquet file to occurrences of one custom event.
//!
//! `cargo bench -p hubward-engine --bench events -- [ROWS]`, 1,000,000 rows by default: to a sandbox of tier professional that
//! answers after 200 ms, over a loopback socket. Afterwards every event is compared with its row; a second run finds
//! nothing to do.
//!
//! `… -- [ROWS] paused` asks another question: what the limit, the latency and the way the engine fills them come to, this
//! machine's speed left out. The sandbox is then in this process, and time passes only while everybody waits.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod support;

use std::fs::File;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use hubward_core::spec::{
    ContactColumn, ContactKey, EventName, EventSubject, EventSync, Location, Model, ModelQuery, SourceSpec,
};
use hubward_core::{SecretString, WallClock};
use hubward_engine::{Recorder, RunOptions, Status, SyncJob, SyncReport};
use hubward_hubspot::{Auth, Client, ClientConfig, HttpRequest, HttpResponse, Observer, Transport, TransportError};
use hubward_sandbox::{Sandbox, SandboxConfig, TOKEN};
use parquet::arrow::ArrowWriter;
use serde::Deserialize;
use support::process::{Cost, Meter};
use support::{Account, data_folder, mapped};

const LATENCY_MS: u64 = 200;
/// Requests that may send events in any second (api.md 11.1).
const SENDS_A_SECOND: u64 = 1_250;
const EVENTS_A_REQUEST: u64 = 500;
/// Contacts that the events are spread over.
const CONTACTS: u64 = 1_000;
const BATCH_ROWS: u64 = 65_536;
/// Time of the first event, and between one and the next, in milliseconds.
const FIRST_AT_MS: i64 = 1_600_000_000_000;
const EVERY_MS: i64 = 60_001;

fn main() {
    if support::served_sandbox() {
        return;
    }
    let arguments = support::arguments();
    let rows: u64 = arguments
        .iter()
        .find(|text| *text != "paused")
        .map_or(1_000_000, |text| text.parse().expect("ROWS is a number"));
    if arguments.iter().any(|text| text == "paused") {
        paused(rows);
        return;
    }
    let folder = tempfile::tempdir_in(data_folder()).expect("a temporary folder");
    let source = folder.path().join("data");
    std::fs::create_dir_all(&source).expect("the folder is made");
    orders(&source.join("orders.parquet"), rows);
    let account = Account::start("professional", LATENCY_MS);
    account.control("POST", "load", &loaded());
    let job = job(&source);
    let state = folder.path().join(".hubward");
    println!("{rows} events of {CONTACTS} contacts, 4 properties each, load average {}", support::load_average());

    let before = of_process(&account);
    let (first, cost) = run(&account, &state, &job);
    let of_sandbox = of_process(&account) - before;
    assert!(first.outcomes.applied == rows && first.changes.added == rows, "{first:?}");
    let (requests, least, evenly) = least_seconds(rows);
    println!("first run: {}", cost.shown());
    println!("  {:.0} events/s; ledger and state included", rows as f64 / cost.seconds);
    println!(
        "  processor time for each event: {:.2} µs of the run, {:.2} µs of the sandbox beside it",
        cost.cpu_seconds * 1e6 / rows as f64,
        of_sandbox * 1e6 / rows as f64
    );
    println!(
        "  least time that the limit and the latency allow {requests} requests: {least:.1} s, evenly spread {evenly:.1} s; \
         ratios {:.2} and {:.2}",
        cost.seconds / least,
        cost.seconds / evenly
    );
    let stats = account.control("GET", "stats", "");
    println!(
        "  requests: {} with events ({:.2} for each 1,000), {} in all; {} answered 429; {} repeated",
        first.requests.event,
        first.requests.event as f64 * 1000.0 / rows as f64,
        stats["total"],
        stats["throttled"],
        first.requests.retried
    );
    let compared = verify(&account, rows);
    println!("verified: {compared} events, each equal to its row, none twice");

    let (second, cost) = run(&account, &state, &job);
    assert!(second.outcomes.unchanged == rows, "{second:?}");
    println!("second run, nothing new: {}; {} requests with events", cost.times(), second.requests.event);
    println!("load average {}", support::load_average());
}

/// Requests, and the seconds that limit and latency allow them at the least: with the first second's all at once, and evenly
/// spread.
fn least_seconds(rows: u64) -> (u64, f64, f64) {
    let requests = rows.div_ceil(EVENTS_A_REQUEST);
    let latency = LATENCY_MS as f64 / 1000.0;
    let least = (requests - 1).div_euclid(SENDS_A_SECOND) as f64 + latency;
    (requests, least, (requests - 1) as f64 / SENDS_A_SECOND as f64 + latency)
}

/// The sandbox within this process, on Tokio's clock.
struct InProcess(Sandbox);

impl Transport for InProcess {
    fn send(
        &self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + '_>> {
        Box::pin(async move {
            let path = request.url.trim_start_matches("http://sandbox");
            let answer = self.0.handle(&request.method, path, &request.headers, request.body).await;
            let response = answer.expect("no fault is scripted");
            let (head, body) = response.into_parts();
            Ok(HttpResponse { status: head.status.as_u16(), headers: head.headers, body })
        })
    }
}

struct PausedClock(tokio::time::Instant);

impl WallClock for PausedClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH + self.0.elapsed()
    }
}

/// One run on a clock that stands still while anybody works.
fn paused(rows: u64) {
    let folder = tempfile::tempdir_in(data_folder()).expect("a temporary folder");
    let source = folder.path().join("data");
    std::fs::create_dir_all(&source).expect("the folder is made");
    orders(&source.join("orders.parquet"), rows);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let (report, stored) = runtime.block_on(async {
        let mut config = SandboxConfig::new(jiff::Timestamp::UNIX_EPOCH);
        config.latency = Duration::from_millis(LATENCY_MS);
        let sandbox = Sandbox::new(config);
        let load = asked(&sandbox, "POST", "/_sandbox/load", loaded()).await;
        assert_eq!(load.0, 200, "{}", load.1);
        let began = tokio::time::Instant::now();
        let mut config = ClientConfig::new(Auth::Token(SecretString::from(TOKEN)));
        config.base_url = "http://sandbox".to_owned();
        let wall: Arc<dyn WallClock> = Arc::new(PausedClock(began));
        let recorder = Recorder::new(None);
        let client = Client::new(
            config,
            Arc::new(InProcess(sandbox.clone())),
            Arc::clone(&wall),
            Some(Arc::clone(&recorder) as Arc<dyn Observer>),
        );
        let engine = support::engine_with(client, recorder, None, wall, &folder.path().join(".hubward")).await;
        let report = engine.run_event_sync(&job(&source), "paused", &RunOptions::default()).await;
        let stats = asked(&sandbox, "GET", "/_sandbox/stats", String::new()).await;
        let stats: serde_json::Value = serde_json::from_str(&stats.1).expect("JSON");
        (report, stats)
    });
    assert!(report.status == Status::Ok && report.outcomes.applied == rows, "{report:?}");
    let (requests, least, evenly) = least_seconds(rows);
    println!(
        "{rows} events on a paused clock: {:.2} s from the first question to the account's definitions on",
        report.seconds
    );
    println!(
        "  least time for {requests} requests: {least:.1} s, evenly spread {evenly:.1} s; ratios {:.3} and {:.3}",
        report.seconds / least,
        report.seconds / evenly
    );
    println!(
        "  most sends in any second: {}; {} answered 429; {} events stored",
        stored["max_events_in_1s"], stored["throttled"], stored["events"]["stored"]
    );
}

/// Calls the sandbox without a socket: status and body.
async fn asked(sandbox: &Sandbox, method: &str, path: &str, body: String) -> (u16, String) {
    let method = method.parse().expect("a method");
    let headers = http::HeaderMap::new();
    let answer = sandbox.handle(&method, path, &headers, bytes::Bytes::from(body)).await.expect("an answer");
    let status = answer.status().as_u16();
    (status, String::from_utf8(answer.into_body().to_vec()).expect("UTF-8"))
}

/// One run as the program does it: a new connection to the account, then the sync.
fn run(account: &Account, state: &Path, job: &SyncJob<EventSync>) -> (SyncReport, Cost) {
    let meter = Meter::start();
    let report = support::runtime().block_on(async {
        let engine = support::engine(account, state).await;
        let run = uuid::Uuid::now_v7().to_string();
        engine.recorder().set_run(&run);
        engine.run_event_sync(job, &run, &RunOptions::default()).await
    });
    let cost = meter.stop();
    assert_eq!(report.status, Status::Ok, "{report:?}");
    (report, cost)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Events {
    results: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    email: Option<String>,
    record: Option<String>,
    occurred_at: String,
    uuid: Option<String>,
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    number: String,
    amount: String,
    country: String,
    channel: String,
}

/// Compares every event of the account with its row; the number of events.
fn verify(account: &Account, rows: u64) -> u64 {
    let Events { results } = account.typed("GET", "events", "");
    let mut seen = vec![false; usize::try_from(rows).expect("it fits")];
    let mut uuids = std::collections::HashSet::with_capacity(seen.len());
    for event in &results {
        let row: u64 = event.properties.number.parse().expect("a row's number");
        let at = usize::try_from(row).expect("it fits");
        assert!(!std::mem::replace(&mut seen[at], true), "event {row} came twice");
        assert!(uuids.insert(event.uuid.as_deref().expect("every event has one")), "two events have one uuid");
        assert_eq!(event.email.as_deref(), Some(email(row % CONTACTS).as_str()));
        assert!(event.record.is_some(), "event {row} found its contact");
        let occurred: jiff::Timestamp = event.occurred_at.parse().expect("a time");
        assert_eq!(occurred.as_millisecond(), FIRST_AT_MS + row as i64 * EVERY_MS);
        assert_eq!(event.properties.amount.parse::<f64>().expect("a number"), amount(row));
        assert_eq!(
            (event.properties.country.as_str(), event.properties.channel.as_str()),
            (country(row), channel(row))
        );
    }
    assert!(seen.iter().all(|seen| *seen), "every row has its event");
    results.len() as u64
}

/// Processor seconds that the sandbox has taken so far.
fn of_process(account: &Account) -> f64 {
    support::process::cpu_seconds_of(&account.child.id().to_string())
}

fn email(contact: u64) -> String {
    format!("customer.{contact}@example.com")
}

fn amount(row: u64) -> f64 {
    (row * 37 % 100_000) as f64 / 4.0
}

fn country(row: u64) -> &'static str {
    ["Brazil", "Norway", "Côte d’Ivoire", "Poland"][(row % 4) as usize]
}

fn channel(row: u64) -> &'static str {
    ["web", "shop", "phone"][(row % 3) as usize]
}

fn orders(path: &Path, rows: u64) {
    let file = File::create(path).expect("the file is made");
    let mut writer = ArrowWriter::try_new(file, batch(0..1).schema(), None).expect("a writer");
    for first in (0..rows).step_by(BATCH_ROWS as usize) {
        writer.write(&batch(first..rows.min(first + BATCH_ROWS))).expect("the rows are written");
    }
    writer.close().expect("the file is whole");
}

fn batch(rows: std::ops::Range<u64>) -> RecordBatch {
    let texts =
        |make: &dyn Fn(u64) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.clone().map(make))) };
    let times = rows.clone().map(|row| FIRST_AT_MS + row as i64 * EVERY_MS);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| row as i64)))),
        ("email", texts(&|row| email(row % CONTACTS))),
        ("at", Arc::new(TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC"))),
        ("amount", Arc::new(Float64Array::from_iter_values(rows.clone().map(amount)))),
        ("country", texts(&|row| country(row).to_owned())),
        ("channel", texts(&|row| channel(row).to_owned())),
    ];
    RecordBatch::try_from_iter(columns).expect("the columns fit together")
}

fn loaded() -> String {
    let property = |name: &str, kind: &str| serde_json::json!({ "name": name, "label": name, "type": kind });
    let contacts: Vec<_> =
        (0..CONTACTS).map(|contact| serde_json::json!({ "properties": { "email": email(contact) } })).collect();
    serde_json::json!({
        "records": { "contacts": contacts },
        "event_definitions": [{
            "name": "order_placed", "label": "Order placed", "primaryObject": "CONTACT",
            "propertyDefinitions": [
                property("number", "number"), property("amount", "number"), property("country", "string"),
                property("channel", "string"),
            ],
        }],
    })
    .to_string()
}

fn job(source: &Path) -> SyncJob<EventSync> {
    let at = Location::default;
    SyncJob {
        sync: EventSync {
            name: "orders".to_owned(),
            model: "orders".to_owned(),
            event: EventName::Name { name: "order_placed".to_owned(), at: at() },
            occurred_at: Some("at".to_owned()),
            subject: EventSubject::Contact {
                keys: vec![ContactColumn { by: ContactKey::Email, column: "email".to_owned(), at: at() }],
            },
            map: [("number", "id"), ("amount", "amount"), ("country", "country"), ("channel", "channel")]
                .map(|(property, column)| mapped(property, column))
                .to_vec(),
            after: Vec::new(),
            at: at(),
        },
        model: Model {
            name: "orders".to_owned(),
            source: "files".to_owned(),
            query: ModelQuery::Table("orders".to_owned()),
            primary_key: vec!["id".to_owned()],
            at: at(),
        },
        source: SourceSpec::Files { root: source.to_owned() },
    }
}
