//! The worker on an embedded spool: order, refusals, pauses, kills.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_core::Outcome;
use hubward_core::spec::{Action, MappingSpec};
use hubward_engine::Cancel;
use hubward_intake::deliver::{Delivery, Note, Options, Rejections, SpoolMemory, Worker, WorkerOptions, WorkerState};
use hubward_store::{EmbeddedOptions, EmbeddedSpool, Holder, NewEvent, Roles, Spool};
use serde_json::{Value, json};

use crate::harness::{World, active, associated, companies, contacts, group, identify, mapping};

fn spool(world: &World) -> Arc<dyn Spool> {
    let options = EmbeddedOptions::new(world.folder.path().join(".hubward/spool"), 1 << 30);
    let started_at = jiff::Timestamp::from_millisecond(world.now_ms()).expect("an instant");
    let holder = Holder { pid: std::process::id(), command: "test".to_owned(), started_at };
    Arc::new(EmbeddedSpool::open(&options, Roles::Both, &holder).expect("the spool opens"))
}

async fn append(world: &World, spool: &Arc<dyn Spool>, from: usize, events: &[Value]) {
    let new = events.iter().enumerate().map(|(at, event)| NewEvent {
        message_id: format!("m{}", from + at),
        source: "web".to_owned(),
        order_key: event["userId"].as_str().unwrap_or_default().to_owned(),
        received_at_ms: world.now_ms(),
        payload: event.to_string().into(),
    });
    let appended = spool.append(new.collect()).await.expect("appended");
    assert_eq!(appended.accepted, events.len() as u64);
}

type Notes = Arc<Mutex<Vec<String>>>;

async fn worker(
    world: &World,
    spool: &Arc<dyn Spool>,
    mappings: Vec<MappingSpec>,
    options: WorkerOptions,
    cancel: &Cancel,
) -> (Worker, Notes) {
    let memory = Arc::new(SpoolMemory(Arc::clone(spool)));
    let delivery = Arc::new(Delivery::new(world.door().await, active(mappings), memory, Options::default()));
    let notes = Notes::default();
    let kept = Arc::clone(&notes);
    let note = move |note: Note| {
        let text = match note {
            Note::Paused { error } => format!("paused: {:?}", error.pause()),
            Note::Resumed => "resumed".to_owned(),
            Note::Old { events, .. } => format!("old: {events}"),
            Note::Trouble { message } => format!("trouble: {message}"),
        };
        kept.lock().expect("no note panics").push(text);
    };
    let rejections = Rejections::new(world.db.clone(), "run");
    (Worker::new(delivery, Arc::clone(spool), rejections, options, cancel.clone(), note), notes)
}

/// Delivers all that is in the spool.
async fn drained(world: &World, spool: &Arc<dyn Spool>, mappings: Vec<MappingSpec>) -> (WorkerState, Vec<String>) {
    let options = WorkerOptions { until_empty: true, ..WorkerOptions::default() };
    let (worker, notes) = worker(world, spool, mappings, options, &world.cancel).await;
    let state = worker.state();
    worker.run().await.expect("the spool is read");
    let state = state.lock().expect("no worker panics").clone();
    let notes = notes.lock().expect("no note panics").clone();
    assert_eq!(spool.depth().await.expect("a depth").events, 0);
    (state, notes)
}

fn track(user: &str, email: &str, amount: usize) -> Value {
    json!({"type": "track", "event": "Order", "userId": user, "timestamp": "2026-11-22T09:00:00.000Z",
        "context": {"traits": {"email": email}}, "properties": {"amount": amount}})
}

fn orders(world: &World) -> MappingSpec {
    world.load(&json!({
        "settings": {"events_deduplicate": false},
        "event_definitions": [{"name": "order", "label": "Order", "propertyDefinitions": [{"name": "amount", "label": "Amount", "type": "number"}]}],
    }));
    mapping(
        "orders",
        Action::SendCustomBehavioralEvent,
        "",
        json!({"eventName": "pe1234567_order", "properties": {"@path": "$.properties"}}),
    )
}

/// An identify, a group and a track of each of so many users.
fn three_each(users: usize) -> Vec<Value> {
    let mut events = Vec::new();
    for id in 0..users {
        let (user, email) = (format!("u{id}"), format!("p{id}@example.com"));
        events.push(group(&user, &format!("g{}", id % 20), json!({"name": format!("Firm {}", id % 20)})));
        events.push(identify(&user, json!({"email": email, "firstName": format!("Zoë {id}")})));
        events.push(track(&user, &email, id));
    }
    events
}

async fn all_there(world: &World, users: usize) {
    let people = world.by("contacts", "email").await;
    let firms = world.by("companies", "segment_group_id").await;
    assert_eq!((people.len(), firms.len()), (users, 20.min(users)));
    for id in 0..users {
        let contact = &people[&format!("p{id}@example.com")];
        assert_eq!(contact["properties"]["firstname"], json!(format!("Zoë {id}")));
        let firm = firms[&format!("g{}", id % 20)]["id"].as_str().expect("an id").to_owned();
        assert_eq!(associated(contact, "companies"), [firm], "{id}");
    }
    let mut amounts: Vec<usize> = world
        .events()
        .await
        .iter()
        .map(|event| event["properties"]["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount"))
        .collect();
    amounts.sort_unstable();
    assert_eq!(amounts, (0..users).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_becomes_contacts_companies_associations_and_events_whatever_happens_on_the_way() {
    let faults = [
        json!([]),
        json!([{"match": {"kind": "upsert"}, "after": 0, "times": 2, "do": {"status": 502}}]),
        json!([{"match": {"kind": "event"}, "after": 0, "times": 1, "do": {"reset": "after"}}]),
        json!([{"match": {"kind": "associate"}, "after": 0, "times": 1, "do": {"status": 524, "applied": true}}]),
        json!([{"match": {"kind": "upsert"}, "after": 0, "times": 1, "do": {"drop_result": 1}}]),
        json!([{"match": {"kind": "upsert"}, "after": 1, "times": 1, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}}]),
    ];
    for fault in faults {
        let world = World::new();
        let mappings = vec![contacts(), companies(), orders(&world)];
        let spool = spool(&world);
        append(&world, &spool, 0, &three_each(300)).await;
        append(&world, &spool, 10_000, &[json!({"type": "page", "userId": "u1"})]).await;
        world.fault(fault.clone()).await;
        let (state, _) = drained(&world, &spool, mappings).await;
        assert_eq!((state.events, state.without_mapping), (901, 1), "{fault}");
        assert_eq!((state.outcomes.applied, state.outcomes.total()), (900, 900), "{fault}: {state:?}");
        all_there(&world, 300).await;
    }
}

#[tokio::test(start_paused = true)]
async fn writes_to_one_record_keep_the_order_of_their_events_over_windows_that_overlap() {
    let world = World::new();
    let spool = spool(&world);
    let options = WorkerOptions {
        until_empty: true,
        window: Duration::from_millis(50),
        window_events_max: 7,
        ..WorkerOptions::default()
    };
    let events: Vec<Value> = (0..400)
        .map(|at| {
            identify(
                &format!("u{}", at % 9),
                json!({"email": format!("p{}@example.com", at % 9), "firstName": format!("{at}")}),
            )
        })
        .collect();
    append(&world, &spool, 0, &events).await;
    // What HubSpot is sent for each contact, in order.
    let sent: Arc<Mutex<Vec<(String, u32)>>> = Arc::default();
    let kept = Arc::clone(&sent);
    world.script(move |path, body| {
        if path.contains("/batch/upsert") {
            for input in body["inputs"].as_array().into_iter().flatten() {
                let at =
                    input["properties"]["firstname"].as_str().and_then(|text| text.parse().ok()).expect("a number");
                kept.lock().expect("no script panics").push((input["id"].as_str().expect("an id").to_owned(), at));
            }
        }
        None
    });
    let (worker, _) = worker(&world, &spool, vec![contacts()], options, &world.cancel).await;
    worker.run().await.expect("the spool is read");
    let sent = sent.lock().expect("no script panics").clone();
    let mut last = std::collections::HashMap::new();
    for (who, at) in sent {
        assert!(last.insert(who.clone(), at).is_none_or(|before| before < at), "{who}: {at} after a later one");
    }
    let held = world.by("contacts", "email").await;
    for id in 0..9 {
        let latest = (0..400).rev().find(|at| at % 9 == id).expect("one");
        assert_eq!(held[&format!("p{id}@example.com")]["properties"]["firstname"], json!(latest.to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_kept_whole_before_it_leaves_the_spool() {
    let world = World::new();
    let spool = spool(&world);
    let events = [
        identify("u1", json!({"email": "nonsense"})),
        identify("u2", json!({"email": "b@example.com"})),
        json!({"type": "identify", "userId": "u3"}),
    ];
    append(&world, &spool, 0, &events).await;
    let (state, _) = drained(&world, &spool, vec![contacts()]).await;
    assert_eq!((state.outcomes.applied, state.outcomes.invalid), (1, 2));
    let issues = world.db.issues(Some("contacts")).expect("issues");
    let told: Vec<(&str, Outcome)> = issues.iter().map(|issue| (issue.key.as_str(), issue.outcome)).collect();
    assert_eq!(told, [("m0", Outcome::Invalid), ("m2", Outcome::Invalid)]);
    assert_eq!(issues[0].category.as_deref(), Some("INVALID_EMAIL"));
    let kept = world.db.rejected_events(Some("contacts"), None, None, 10).expect("events");
    let payloads: Vec<Value> = kept.iter().map(|event| serde_json::from_slice(&event.payload).expect("JSON")).collect();
    assert_eq!(payloads, [events[0].clone(), events[2].clone()]);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_grant_pauses_delivery_and_events_wait_until_it_is_good_again() {
    let world = World::new();
    let spool = spool(&world);
    let cancel = Cancel::new();
    let (worker, notes) = worker(&world, &spool, vec![contacts()], WorkerOptions::default(), &cancel).await;
    let state = worker.state();
    world.script(|_, _| Some((401, json!({"status": "error", "category": "INVALID_AUTHENTICATION", "message": "Authentication credentials not found"}))));
    let working = tokio::spawn(worker.run());
    let person = |id: usize| identify(&format!("u{id}"), json!({"email": format!("p{id}@example.com")}));
    append(&world, &spool, 0, &(0..50).map(person).collect::<Vec<_>>()).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    append(&world, &spool, 50, &(50..80).map(person).collect::<Vec<_>>()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(spool.depth().await.expect("a depth").events, 80, "none is rejected for it");
    assert!(state.lock().expect("no worker panics").paused.is_some());
    world.end_script();
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(spool.depth().await.expect("a depth").events, 0);
    assert_eq!(world.records("contacts").await.len(), 80);
    assert!(state.lock().expect("no worker panics").paused.is_none());
    let notes = notes.lock().expect("no note panics").clone();
    // Whether the clock moves before the worker has met the first event is the spool's threads' to say.
    let first = notes.iter().find(|note| !note.starts_with("old: "));
    assert_eq!(first.map(String::as_str), Some("paused: Grant"), "{notes:?}");
    assert!(notes.iter().any(|note| note.starts_with("old: ")), "{notes:?}");
    assert_eq!(notes.last().map(String::as_str), Some("resumed"), "{notes:?}");
    cancel.set();
    working.await.expect("no panic").expect("it stops");
}

#[tokio::test(start_paused = true)]
async fn a_hubspot_that_is_down_fills_no_memory_and_loses_nothing() {
    let world = World::new();
    let spool = spool(&world);
    let cancel = Cancel::new();
    let options = WorkerOptions { held_events_max: 40, window_events_max: 25, ..WorkerOptions::default() };
    let (worker, _) = worker(&world, &spool, vec![contacts()], options, &cancel).await;
    world.script(|path, _| path.contains("/objects/").then(|| (503, json!({"status": "error", "message": "down"}))));
    let working = tokio::spawn(worker.run());
    let person = |id: usize| identify(&format!("u{id}"), json!({"email": format!("p{id}@example.com")}));
    append(&world, &spool, 0, &(0..300).map(person).collect::<Vec<_>>()).await;
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    assert_eq!(spool.depth().await.expect("a depth").events, 300);
    world.end_script();
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    assert_eq!(spool.depth().await.expect("a depth").events, 0);
    assert_eq!(world.by("contacts", "email").await.len(), 300);
    cancel.set();
    working.await.expect("no panic").expect("it stops");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_stopped_gives_back_what_it_holds_and_the_next_one_goes_on() {
    let world = World::new();
    let mappings = vec![contacts(), companies(), orders(&world)];
    let spool = spool(&world);
    append(&world, &spool, 0, &three_each(200)).await;
    for stop_after in [0_u64, 900, 1_050, 1_300, 1_700, 2_500] {
        let cancel = Cancel::new();
        let options = WorkerOptions { window_events_max: 90, ..WorkerOptions::default() };
        let memory = Arc::new(SpoolMemory(Arc::clone(&spool)));
        let engine = Arc::clone(world.door().await.engine());
        let folder = hubward_engine::door::DoorMemory::Intents(world.folder.path().join(".hubward/worker"));
        let door = Arc::new(engine.door("events", folder, cancel.clone()).await.expect("the door opens"));
        let delivery = Arc::new(Delivery::new(door, active(mappings.clone()), memory, Options::default()));
        let rejections = Rejections::new(world.db.clone(), "run");
        let worker = Worker::new(delivery, Arc::clone(&spool), rejections, options, cancel.clone(), |_| {});
        let working = tokio::spawn(worker.run());
        tokio::time::sleep(Duration::from_millis(stop_after)).await;
        cancel.set();
        working.await.expect("no panic").expect("it stops");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    drained(&world, &spool, mappings).await;
    all_there(&world, 200).await;
}

#[tokio::test(start_paused = true)]
async fn the_other_end_of_an_association_is_made_once_by_windows_that_overlap() {
    let world = World::new();
    let spool = spool(&world);
    let spec = MappingSpec {
        sync_mode: Some(hubward_core::spec::SyncMode::Upsert),
        ..mapping(
            "objects",
            Action::UpsertObject,
            "type = \"identify\"",
            json!({
                "object_details": {"object_type": "contacts", "id_field_name": "email", "id_field_value": {"@path": "$.traits.email"}},
                "association_sync_mode": "upsert",
                "associations": [{"object_type": "companies", "association_label": "HUBSPOT_DEFINED:279",
                    "id_field_name": "name", "id_field_value": "Firm"}],
            }),
        )
    };
    let events: Vec<Value> =
        (0..4).map(|id| identify(&format!("u{id}"), json!({"email": format!("p{id}@example.com")}))).collect();
    append(&world, &spool, 0, &events).await;
    // Each event is a window of its own.
    let options =
        WorkerOptions { until_empty: true, window: Duration::ZERO, window_events_max: 1, ..WorkerOptions::default() };
    let (worker, _) = worker(&world, &spool, vec![spec], options, &world.cancel).await;
    let state = worker.state();
    worker.run().await.expect("the spool is read");
    assert_eq!(state.lock().expect("no worker panics").outcomes.applied, 4);
    assert_eq!(world.records("companies").await.len(), 1);
    for contact in world.records("contacts").await {
        assert_eq!(associated(&contact, "companies").len(), 1);
    }
}
