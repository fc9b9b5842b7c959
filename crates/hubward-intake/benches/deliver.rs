//! The delivery of the event door, beside a sandbox of tier professional that answers after 200 ms and is a process of its own:
//!
//! - `cargo bench -p hubward-intake --bench deliver -- sustained [SECONDS] [EVENTS_A_SECOND]`: identifies, groups and tracks, a
//!   third each, appended to an embedded spool and delivered meanwhile; 60 seconds of 1,000 by default. Afterwards the
//!   sandbox's records are compared with what was sent.
//! - `… -- backlog [EVENTS]`: that many, 100,000 by default, wait already and are drained.
//! - `… -- down [EVENTS]`: HubSpot answers 503 while that many, 200,000 by default, fill the spool.
//!
//! The spool is in the target folder. The intake's own part, from request to spool, is what the bench `receive` measures.
#![expect(clippy::print_stdout, reason = "figures are its output")]

#[expect(dead_code, reason = "the engine's measurements use more of it")]
#[path = "../../hubward-engine/benches/support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hubward_core::spec::{Action, Location, MappingSpec};
use hubward_core::{SecretString, WallClock};
use hubward_engine::door::DoorMemory;
use hubward_engine::{Cancel, Engine, EngineConfig, Recorder, Silent};
use hubward_hubspot::{ApiVersion, Auth, Client, ClientConfig, HttpOptions, HttpTransport, Observer};
use hubward_intake::actions::ActiveMapping;
use hubward_intake::deliver::{Delivery, Note, Options, Rejections, SpoolMemory, Worker, WorkerOptions};
use hubward_sandbox::TOKEN;
use hubward_store::{EmbeddedOptions, EmbeddedSpool, Holder, NewEvent, Roles, Spool, StateDb};
use serde_json::{Value, json};
use support::process::{Meter, cpu_seconds_of};
use support::{Account, data_folder};

const LATENCY_MS: u64 = 200;
/// Users and companies that the events are spread over, so that records are written more than once.
const USERS: u64 = 20_000;
const FIRMS: u64 = 500;
/// How often events are appended, and how often the backlog is looked at.
const TICK: Duration = Duration::from_millis(100);
const APPENDED_AT_ONCE: u64 = 5_000;
/// How long HubSpot stays down once the spool is full.
const DOWN_FOR: Duration = Duration::from_secs(15);

struct SystemClock;

impl WallClock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

fn main() {
    if support::served_sandbox() {
        return;
    }
    let arguments = support::arguments();
    let number = |at: usize, default: u64| {
        arguments.get(at).map_or(default, |text| text.parse().expect("a number after the name of the measurement"))
    };
    println!("load average {}", support::load_average());
    let runtime = support::runtime();
    match arguments.first().map_or("sustained", String::as_str) {
        "sustained" => runtime.block_on(sustained(number(1, 60), number(2, 1_000))),
        "backlog" => runtime.block_on(backlog(number(1, 100_000))),
        "down" => runtime.block_on(down(number(1, 200_000))),
        other => panic!("{other}: it measures sustained, backlog or down"),
    }
    println!("load average {}", support::load_average());
}

fn mapping(name: &str, action: Action, trigger: &str, fields: Value) -> Arc<ActiveMapping> {
    let spec = MappingSpec {
        name: name.to_owned(),
        action,
        enabled: true,
        sources: None,
        trigger: Some(trigger.to_owned()),
        sync_mode: None,
        fields,
        at: Location::default(),
    };
    Arc::new(ActiveMapping::new(&spec, None).expect("a mapping"))
}

/// Event `at`: every user is identified, then grouped, then does something.
fn event(at: u64) -> Value {
    let user = at / 3 % USERS;
    let (id, time) = (format!("u{user}"), "2026-11-22T10:00:00.000Z");
    match at % 3 {
        0 => json!({"type": "identify", "userId": id, "timestamp": time,
            "traits": {"email": email(user), "firstName": format!("Zoë {at}")}}),
        1 => json!({"type": "group", "userId": id, "timestamp": time, "groupId": format!("g{}", user % FIRMS),
            "traits": {"name": format!("Firm {at}")}}),
        _ => json!({"type": "track", "event": "Order", "userId": id, "timestamp": time,
            "context": {"traits": {"email": email(user)}}, "properties": {"amount": at}}),
    }
}

fn email(user: u64) -> String {
    format!("customer.{user}@example.com")
}

async fn append(spool: &Arc<dyn Spool>, events: std::ops::Range<u64>) {
    let new = events.map(|at| {
        let payload = event(at);
        NewEvent {
            message_id: format!("m{at}"),
            source: "web".to_owned(),
            order_key: payload["userId"].as_str().expect("a user").to_owned(),
            received_at_ms: SystemClock.now().as_millisecond(),
            payload: payload.to_string().into(),
        }
    });
    spool.append(new.collect()).await.expect("appended");
}

async fn append_many(spool: &Arc<dyn Spool>, events: u64) {
    let mut at = 0;
    while at < events {
        let end = (at + APPENDED_AT_ONCE).min(events);
        append(spool, at..end).await;
        at = end;
    }
}

fn account() -> Account {
    let account = Account::start("professional", LATENCY_MS);
    let loaded = json!({
        "settings": {"events_deduplicate": false},
        "event_definitions": [{"name": "order", "label": "Order",
            "propertyDefinitions": [{"name": "amount", "label": "Amount", "type": "number"}]}],
    });
    account.control("POST", "load", &loaded.to_string());
    account
}

fn spool(folder: &Path) -> Arc<dyn Spool> {
    let options = EmbeddedOptions::new(folder.join("spool"), 64 << 30);
    let holder = Holder { pid: std::process::id(), command: "bench".to_owned(), started_at: SystemClock.now() };
    Arc::new(EmbeddedSpool::open(&options, Roles::Both, &holder).expect("the spool opens"))
}

async fn worker(
    account: &Account,
    folder: &Path,
    spool: &Arc<dyn Spool>,
    until_empty: bool,
    cancel: &Cancel,
) -> Worker {
    let db = StateDb::open(&folder.join("state.sqlite")).expect("a state database");
    let recorder = Recorder::new(Some(db.clone()));
    let mut config = ClientConfig::new(Auth::Token(SecretString::from(TOKEN)));
    config.base_url = account.url();
    config.version = ApiVersion::V3;
    let wall: Arc<dyn WallClock> = Arc::new(SystemClock);
    let transport = Arc::new(HttpTransport::new(&HttpOptions::default()).expect("a transport"));
    let observer = Arc::clone(&recorder) as Arc<dyn Observer>;
    let engine = Engine::connect(EngineConfig {
        client: Client::new(config, transport, Arc::clone(&wall), Some(observer)),
        version: ApiVersion::V3,
        recorder,
        db: Some(db.clone()),
        state_dir: folder.to_owned(),
        wall,
        progress: Arc::new(Silent),
        read: hubward_sources::ReadOptions::default(),
        expected_portal_id: None,
        search_settles_after: hubward_engine::SEARCH_SETTLES_AFTER,
        events_settle_after: hubward_engine::EVENTS_SETTLE_AFTER,
    })
    .await
    .expect("the sandbox accepts its token");
    let memory = DoorMemory::Intents(folder.join("events"));
    let door = Arc::new(engine).door("events", memory, cancel.clone()).await.expect("the door opens");
    let mappings = vec![
        mapping("contacts", Action::UpsertContact, "type = \"identify\"", json!({})),
        mapping("companies", Action::UpsertCompany, "type = \"group\"", json!({})),
        mapping(
            "orders",
            Action::SendCustomBehavioralEvent,
            "type = \"track\"",
            json!({"eventName": "pe1234567_order", "properties": {"@path": "$.properties"}}),
        ),
    ];
    let delivery =
        Delivery::new(Arc::new(door), mappings, Arc::new(SpoolMemory(Arc::clone(spool))), Options::default());
    let options = WorkerOptions { until_empty, ..WorkerOptions::default() };
    Worker::new(Arc::new(delivery), Arc::clone(spool), Rejections::new(db, "bench"), options, cancel.clone(), |note| {
        match note {
            Note::Paused { error } => println!("  note: paused, {}", error.message),
            Note::Resumed => println!("  note: resumed"),
            Note::Old { events, .. } => println!("  note: {events} old events"),
            Note::Trouble { message } => println!("  note: {message}"),
        }
    })
}

async fn sustained(seconds: u64, rate: u64) {
    let folder = tempfile::tempdir_in(data_folder()).expect("a folder");
    let (account, spool, cancel) = (account(), spool(folder.path()), Cancel::new());
    let worker = worker(&account, folder.path(), &spool, false, &cancel).await;
    let state = worker.state();
    let settled = || state.lock().expect("no worker panics").events;
    let meter = Meter::start();
    let running = tokio::spawn(worker.run());
    let began = Instant::now();
    let (mut sent, mut most) = (0, [0_u64; 4]);
    let all = seconds * rate;
    while sent < all {
        let due = ((began.elapsed().as_secs_f64() * rate as f64) as u64).min(all);
        if due > sent {
            append(&spool, sent..due).await;
            sent = due;
        }
        // By quarters: a backlog that grows from one to the next is not bounded.
        let quarter = (sent * 4 / all).min(3) as usize;
        most[quarter] = most[quarter].max(sent.saturating_sub(settled()));
        tokio::time::sleep(TICK).await;
    }
    let appended = began.elapsed().as_secs_f64();
    while settled() < all {
        tokio::time::sleep(TICK).await;
    }
    let behind = began.elapsed().as_secs_f64() - appended;
    let cost = meter.stop();
    cancel.set();
    running.await.expect("the worker does not panic").expect("the spool is read");
    println!("{all} events appended in {appended:.1} s ({:.0} events/s): {}", all as f64 / appended, cost.shown());
    println!(
        "  events not yet settled, at most, in each quarter: {most:?}; the last was settled {behind:.1} s after the last append"
    );
    println!("  outcomes: {:?}", state.lock().expect("no worker panics").outcomes);
    requests(&account, all, cost.cpu_seconds);
    compare(&account, all);
}

async fn backlog(events: u64) {
    let folder = tempfile::tempdir_in(data_folder()).expect("a folder");
    let (account, spool, cancel) = (account(), spool(folder.path()), Cancel::new());
    append_many(&spool, events).await;
    let worker = worker(&account, folder.path(), &spool, true, &cancel).await;
    let state = worker.state();
    let meter = Meter::start();
    worker.run().await.expect("the spool is read");
    let cost = meter.stop();
    println!("{events} events drained ({:.0} events/s): {}", events as f64 / cost.seconds, cost.shown());
    println!("  outcomes: {:?}", state.lock().expect("no worker panics").outcomes);
    requests(&account, events, cost.cpu_seconds);
    compare(&account, events);
}

async fn down(events: u64) {
    let folder = tempfile::tempdir_in(data_folder()).expect("a folder");
    let (account, spool, cancel) = (account(), spool(folder.path()), Cancel::new());
    let worker = worker(&account, folder.path(), &spool, false, &cancel).await;
    account.control("POST", "faults", &json!([{"after": 0, "times": 1_000_000, "do": {"status": 503}}]).to_string());
    let meter = Meter::start();
    let running = tokio::spawn(worker.run());
    append_many(&spool, events).await;
    tokio::time::sleep(DOWN_FOR).await;
    let cost = meter.stop();
    let depth = spool.depth().await.expect("a depth");
    assert_eq!(depth.events, events, "every event waits");
    cancel.set();
    running.await.expect("the worker does not panic").expect("the spool is read");
    println!("{events} events, {} MiB, wait while HubSpot answers 503: {}", depth.bytes >> 20, cost.shown());
}

fn requests(account: &Account, events: u64, cpu_seconds: f64) {
    let stats = account.control("GET", "stats", "");
    let total = stats["total"].as_u64().expect("a number");
    println!(
        "  {total} requests, {:.1} for each 1,000 events; {} answered 429; at most {} in 10 s",
        total as f64 * 1_000.0 / events as f64,
        stats["throttled"],
        stats["max_in_10s"]
    );
    println!("  by kind: {}", stats["by_kind"]);
    println!(
        "  processor time for each event: {:.0} µs of delivery, {:.0} µs of the sandbox beside it",
        cpu_seconds * 1e6 / events as f64,
        cpu_seconds_of(&account.child.id().to_string()) * 1e6 / events as f64
    );
}

/// Whether the sandbox holds what the events ask for: last values, associations, every occurrence once.
fn compare(account: &Account, events: u64) {
    let records = |object: &str| account.control("GET", &format!("records/{object}"), "")["results"].clone();
    let (mut names, mut firms) = (HashMap::new(), HashMap::new());
    let mut member_of = HashMap::new();
    for at in 0..events {
        let user = at / 3 % USERS;
        match at % 3 {
            0 => drop(names.insert(email(user), format!("Zoë {at}"))),
            // Groups of one company by different users are in no order but that of acceptance.
            1 => {
                firms.insert(format!("g{}", user % FIRMS), format!("Firm {at}"));
                member_of.insert(email(user), format!("g{}", user % FIRMS));
            }
            _ => {}
        }
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut firm_of_id = HashMap::new();
    let companies = records("companies");
    for company in companies.as_array().expect("a list") {
        let group = text(&company["properties"]["segment_group_id"]);
        assert_eq!(text(&company["properties"]["name"]), firms[&group], "{group}");
        firm_of_id.insert(text(&company["id"]), group);
    }
    assert_eq!((companies.as_array().map(Vec::len), firm_of_id.len()), (Some(firms.len()), firms.len()));
    let contacts = records("contacts");
    for contact in contacts.as_array().expect("a list") {
        let email = text(&contact["properties"]["email"]);
        assert_eq!(text(&contact["properties"]["firstname"]), names[&email], "{email}");
        let of: Vec<&String> = contact["associations"]["companies"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| &firm_of_id[one["id"].as_str().expect("an id")])
            .collect();
        assert_eq!(of, member_of.get(&email).into_iter().collect::<Vec<_>>(), "{email}");
    }
    assert_eq!(contacts.as_array().map(Vec::len), Some(names.len()));
    let happened = account.control("GET", "events", "")["results"].clone();
    let mut amounts: Vec<u64> = happened
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| text(&one["properties"]["amount"]).parse().expect("an amount"))
        .collect();
    amounts.sort_unstable();
    assert_eq!(amounts, (0..events).filter(|at| at % 3 == 2).collect::<Vec<_>>(), "each once");
    println!(
        "  verified: {} contacts and {} companies with their last values and associations, {} occurrences, each once",
        names.len(),
        firms.len(),
        amounts.len()
    );
}
