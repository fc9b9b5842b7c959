//! Events under HubSpot's limit of their own: rows of a Parquet file to occurrences of one custom event.
//!
//! `cargo bench -p hubward-engine --bench events -- [ROWS]`, 1,000,000 rows by default: to a sandbox of tier professional that
//! answers after 200 ms, over a loopback socket. Afterwards every event is compared with its row; a second run finds
//! nothing to do.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod support;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use hubward_core::spec::{
    ContactColumn, ContactKey, EventName, EventSubject, EventSync, Location, Model, ModelQuery, SourceSpec,
};
use hubward_engine::{RunOptions, Status, SyncJob, SyncReport};
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
    let rows: u64 = support::arguments().first().map_or(1_000_000, |text| text.parse().expect("ROWS is a number"));
    let folder = tempfile::tempdir_in(data_folder()).expect("a temporary folder");
    let source = folder.path().join("data");
    std::fs::create_dir_all(&source).expect("the folder is made");
    orders(&source.join("orders.parquet"), rows);
    let account = Account::start("professional", LATENCY_MS);
    account.control("POST", "load", &loaded());
    let job = job(&source);
    let state = folder.path().join(".hubward");
    println!("{rows} events of {CONTACTS} contacts, 4 properties each, load average {}", support::load_average());

    let (first, cost) = run(&account, &state, &job);
    assert!(first.outcomes.applied == rows && first.changes.added == rows, "{first:?}");
    let requests = rows.div_ceil(EVENTS_A_REQUEST);
    let least = (requests - 1).div_euclid(SENDS_A_SECOND) as f64 + LATENCY_MS as f64 / 1000.0;
    let evenly = (requests - 1) as f64 / SENDS_A_SECOND as f64 + LATENCY_MS as f64 / 1000.0;
    println!("first run: {}", cost.shown());
    println!("  {:.0} events/s; ledger and state included", rows as f64 / cost.seconds);
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
