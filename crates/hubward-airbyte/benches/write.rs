//! Records of twelve fields through `write`, beside reading the same stdin and discarding it.
//!
//! `cargo bench -p hubward-airbyte --bench write -- [RECORDS] [TIER]`: 1,000,000 records and tier unlimited by default. The
//! source and the sandbox are processes of their own; what is measured is this one, the destination. Afterwards the
//! account's records are compared with their source.
//!
//! At tier professional the time is compared with the least that the limit allows.
#![expect(clippy::print_stdout, reason = "figures are its output")]

#[allow(dead_code, unreachable_pub, reason = "the measurements of the engine use all of it")]
#[path = "../../hubward-engine/benches/support/mod.rs"]
mod support;

use std::io::{self, BufWriter, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hubward_airbyte::{Host, Out};
use hubward_core::WallClock;
use hubward_engine::Cancel;
use hubward_hubspot::{HttpOptions, HttpTransport};
use hubward_sandbox::TOKEN;
use serde::Deserialize;
use serde_json::{Value, json};
use support::Account;
use support::process::{Cost, Meter};

/// The first argument of the process that is the source.
const SOURCE: &str = "be-the-source";
/// Records between two STATEs, as the platform has it.
const RECORDS_A_STATE: u64 = 10_000;
/// Requests that tier professional may send in any ten seconds (api.md 2.3).
const BURST: u64 = 190;
const RECORDS_A_BATCH: u64 = 100;
const COLUMNS: [&str; 12] = [
    "email",
    "firstname",
    "lastname",
    "company",
    "city",
    "country",
    "phone",
    "jobtitle",
    "website",
    "zip",
    "lead_score",
    "signed_up",
];

fn main() {
    if support::served_sandbox() {
        return;
    }
    let arguments = support::arguments();
    if arguments.first().is_some_and(|first| first == SOURCE) {
        be_the_source(arguments[1].parse().expect("a number"));
        return;
    }
    let records: u64 = arguments.first().map_or(1_000_000, |text| text.parse().expect("RECORDS is a number"));
    let tier = arguments.get(1).map_or("unlimited", String::as_str);
    println!("{records} records of {} fields, tier {tier}, load average {}", COLUMNS.len(), support::load_average());

    let (bytes, discarded) = discarded(records);
    let rate = |cost: &Cost| records as f64 / cost.seconds;
    println!(
        "read and discarded, {:.0} MiB: {}; {:.0} records/s",
        bytes as f64 / 1048576.0,
        discarded.times(),
        rate(&discarded)
    );

    let account = Account::start(tier, 0);
    let load = json!({"properties": {"contacts": [
        {"name": "lead_score", "label": "Score", "type": "number", "fieldType": "number"},
        {"name": "signed_up", "label": "Signed up", "type": "datetime", "fieldType": "date"}]}});
    account.control("POST", "load", &load.to_string());
    let (states, cost) = written(&account, records);
    assert_eq!(states, records.div_ceil(RECORDS_A_STATE), "every STATE came back");
    println!("written: {}; {:.0} records/s", cost.shown(), rate(&cost));
    println!(
        "  processor time of a record: {:.2} µs, of which reading alone {:.2} µs",
        cost.cpu_seconds * 1e6 / records as f64,
        discarded.cpu_seconds * 1e6 / records as f64
    );
    if tier == "professional" {
        let batches = records.div_ceil(RECORDS_A_BATCH);
        let least = (batches - 1).div_euclid(BURST) as f64 * 10.0;
        println!(
            "  least time that the limit allows {batches} batches: {least:.1} s; ratio {:.3}",
            cost.seconds / least
        );
    }
    let stats = account.control("GET", "stats", "");
    println!(
        "  requests: {}, {} answered 429, most in any ten seconds {}",
        stats["total"], stats["throttled"], stats["max_in_10s"]
    );
    compared(&account, records);
    println!("verified: {records} records; load average {}", support::load_average());
}

/// The same stdin, read by the same pieces and dropped.
fn discarded(records: u64) -> (u64, Cost) {
    let (mut source, mut input) = source(records);
    let meter = Meter::start();
    let mut buffer = vec![0; 128 * 1024];
    let mut bytes = 0;
    loop {
        match input.read(&mut buffer).expect("the source writes") {
            0 => break,
            read => bytes += read as u64,
        }
    }
    let cost = meter.stop();
    assert!(source.wait().expect("it ends").success());
    (bytes, cost)
}

struct SystemClock;

impl WallClock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

/// Counts the STATEs that go out and keeps what else is said for the case that it fails.
#[derive(Clone, Default)]
struct Heard {
    states: Arc<AtomicU64>,
    other: Arc<Mutex<String>>,
}

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.starts_with(b"{\"type\":\"STATE\"") {
            self.states.fetch_add(1, Ordering::Relaxed);
        } else {
            self.other.lock().expect("no panic").push_str(&String::from_utf8_lossy(bytes));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(account: &Account, records: u64) -> (u64, Cost) {
    let config = json!({"credentials": {"type": "PrivateApp", "access_token": TOKEN}}).to_string();
    let properties: serde_json::Map<String, Value> =
        COLUMNS.iter().map(|column| ((*column).to_owned(), json!({"type": "string"}))).collect();
    let catalog = json!({"streams": [{
        "stream": {"name": "people", "json_schema": {"type": "object", "properties": properties}},
        "destination_sync_mode": "append_dedup", "destination_object_name": "CONTACT", "primary_key": [["email"]]}]})
    .to_string();
    let heard = Heard::default();
    let out = Out::new(Box::new(heard.clone()), Arc::new(SystemClock));
    let host = Host {
        transport: Arc::new(HttpTransport::new(&HttpOptions::default()).expect("a transport")),
        base_url: Some(account.url()),
        clock: Arc::new(SystemClock),
        seed: 7,
        run: uuid::Uuid::nil(),
        aws: Vec::new(),
    };
    let (mut source, input) = source(records);
    let meter = Meter::start();
    let written = support::runtime().block_on(hubward_airbyte::write(
        config.as_bytes(),
        catalog.as_bytes(),
        Box::new(input),
        &host,
        &out,
        Cancel::new(),
    ));
    let cost = meter.stop();
    assert!(source.wait().expect("it ends").success());
    let counts = &written.streams[0].1;
    let said = heard.other.lock().expect("no panic").clone();
    assert_eq!((written.failure, counts.accepted, counts.rejected), (None, records, 0), "{said}");
    (heard.states.load(Ordering::Relaxed), cost)
}

/// A process that writes the records, and its output.
fn source(records: u64) -> (Child, std::process::ChildStdout) {
    let program = std::env::current_exe().expect("this program has a path");
    let mut child = Command::new(program)
        .args([SOURCE, &records.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the source starts");
    let output = child.stdout.take().expect("its output is piped");
    (child, output)
}

fn company(number: u64) -> String {
    format!("Company {} Ltd", number % 5_000)
}

fn be_the_source(records: u64) {
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    for number in 1..=records {
        let first = ["Ana", "Bartholomew", "Zoë", "李"][(number % 4) as usize];
        let city = ["São Paulo", "Oslo", "Kraków"][(number % 3) as usize];
        writeln!(
            out,
            r#"{{"type":"RECORD","record":{{"stream":"people","emitted_at":1760000000000,"data":{{"email":"customer.{number}@example.com","firstname":"{first}","lastname":"Surname{}","company":"{}","city":"{city}","country":"Norway","phone":"+47 {:08}","jobtitle":"Engineer","website":"https://example.com/{number}","zip":"{:05}","lead_score":{}.5,"signed_up":"2026-01-{:02}T10:00:00Z"}}}}}}"#,
            number % 10_000,
            company(number),
            number * 37 % 100_000_000,
            number % 100_000,
            number % 100,
            number % 28 + 1
        )
        .expect("the destination reads");
        if number % RECORDS_A_STATE == 0 || number == records {
            writeln!(
                out,
                r#"{{"type":"STATE","state":{{"type":"STREAM","id":{number},"stream":{{"stream_descriptor":{{"name":"people"}},"stream_state":{{"at":{number}}}}}}}}}"#
            )
            .expect("the destination reads");
        }
    }
    writeln!(
        out,
        r#"{{"type":"TRACE","trace":{{"type":"STREAM_STATUS","emitted_at":1,"stream_status":{{"stream_descriptor":{{"name":"people"}},"status":"COMPLETE"}}}}}}"#
    )
    .expect("the destination reads");
    out.flush().expect("the destination reads");
}

#[derive(Deserialize)]
struct Records {
    results: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    email: String,
    company: String,
    lead_score: String,
}

fn compared(account: &Account, records: u64) {
    let all: Records = account.typed("GET", "records/contacts", "");
    assert_eq!(all.results.len() as u64, records, "one record for each");
    let mut seen = std::collections::HashSet::new();
    for One { properties } in all.results {
        let number: u64 = properties
            .email
            .strip_prefix("customer.")
            .and_then(|rest| rest.strip_suffix("@example.com"))
            .expect("an address of the source")
            .parse()
            .expect("a number");
        assert!(seen.insert(number), "{number} twice");
        assert_eq!(properties.company, company(number));
        assert_eq!(properties.lead_score, format!("{}.5", number % 100));
    }
}
