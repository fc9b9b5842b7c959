//! Event syncs: every row one occurrence, once, whatever happens; compared with what the sandbox holds.

use std::collections::BTreeMap;
use std::time::Duration;

use hubward_core::spec::{
    ContactColumn, ContactKey, EventName, EventSubject, EventSync, Location, Model, ModelQuery, SourceSpec,
};
use hubward_engine::{RunOptions, Status, SyncJob, SyncReport};
use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::{World, cancelled, column};

pub(crate) const EVENT: &str = "pe1234567_order_placed";

/// An account with three events and three hundred contacts, and a source with so many orders.
pub(crate) fn world(orders: u32) -> World {
    world_of(Tier::Enterprise, orders)
}

pub(crate) fn world_of(tier: Tier, orders: u32) -> World {
    let world = World::with(|config| config.tier = tier);
    let contacts: Vec<Value> = (1..=300)
        .map(|id| json!({"id": 1_000 + id, "properties": {"email": format!("person{id}@example.com")}}))
        .collect();
    world.load(&json!({
        "event_definitions": [
            {"name": "order_placed", "label": "Order placed", "propertyDefinitions": [
                {"name": "amount", "label": "Amount", "type": "number"},
                {"name": "plan", "label": "Plan", "type": "enumeration", "options": [
                    {"label": "Gold", "value": "gold", "displayOrder": 0, "hidden": false},
                    {"label": "Blue", "value": "blue", "displayOrder": 1, "hidden": false}]},
                {"name": "note", "label": "Note", "type": "string"}]},
            {"name": "refunded", "label": "Refunded", "propertyDefinitions": [
                {"name": "amount", "label": "Amount", "type": "number"}]},
            {"name": "deal_won", "label": "Deal won", "primaryObject": "DEAL", "propertyDefinitions": [
                {"name": "amount", "label": "Amount", "type": "number"}]},
        ],
        "records": {"contacts": contacts},
    }));
    world.sql(
        "create table orders (id integer primary key, email text, cid text, at text, amount text, plan text, kind text)",
    );
    add(&world, 1, orders);
    world
}

/// Orders `from..=to`, one an hour, of 300 people in turn.
pub(crate) fn add(world: &World, from: u32, to: u32) {
    world.sql(&format!(
        "with recursive n(i) as (select {from} union all select i + 1 from n where i < {to})
         insert into orders select i, 'Person' || ((i - 1) % 300 + 1) || '@Example.com', 1000 + (i - 1) % 300 + 1,
             strftime('%Y-%m-%dT%H:%M:%SZ', 1700000000 + i * 3600, 'unixepoch'), i || '.5', 'gold', 'order_placed' from n"
    ));
}

pub(crate) fn by(by: ContactKey, column: &str) -> ContactColumn {
    ContactColumn { by, column: column.to_owned(), at: Location::default() }
}

pub(crate) fn job(world: &World) -> SyncJob<EventSync> {
    SyncJob {
        sync: EventSync {
            name: "orders".to_owned(),
            model: "orders".to_owned(),
            event: EventName::Name { name: "Order placed".to_owned(), at: Location::default() },
            occurred_at: Some("at".to_owned()),
            subject: EventSubject::Contact { keys: vec![by(ContactKey::Email, "email")] },
            map: vec![column("amount", "amount"), column("plan", "plan")],
            after: Vec::new(),
            at: Location::default(),
        },
        model: Model {
            name: "orders".to_owned(),
            source: "shop".to_owned(),
            query: ModelQuery::Sql("select * from orders order by id".to_owned()),
            primary_key: vec!["id".to_owned()],
            at: Location::default(),
        },
        source: SourceSpec::Sqlite { path: world.path() },
    }
}

pub(crate) async fn run(world: &World, job: &SyncJob<EventSync>) -> SyncReport {
    run_with(world, job, &RunOptions::default()).await
}

pub(crate) async fn run_with(world: &World, job: &SyncJob<EventSync>, options: &RunOptions) -> SyncReport {
    let engine = world.engine().await;
    let run = uuid::Uuid::now_v7().to_string();
    engine.recorder().set_run(&run);
    let report = engine.run_event_sync(job, &run, options).await;
    assert_eq!(report.outcomes.total(), report.changes.rows, "every row has one outcome: {report:?}");
    assert_eq!(report.changes.removed, 0);
    report
}

/// Every occurrence that the sandbox holds, in the order of its arrival.
pub(crate) async fn held(world: &World) -> Vec<Value> {
    let mut held = Vec::new();
    loop {
        let after = held.len();
        let path = format!("/_sandbox/events?after={after}&limit=1000");
        let page = world.call("GET", &path, Value::Null).await["results"].as_array().expect("a list").clone();
        if page.is_empty() {
            return held;
        }
        held.extend(page);
    }
}

fn instant(text: &Value) -> jiff::Timestamp {
    text.as_str().expect("a text").parse().expect("an instant")
}

/// Orders `1..=rows` and nothing else are in the sandbox, each once, as the source has it.
pub(crate) async fn all_there(world: &World, rows: u32) {
    let mut by_amount: BTreeMap<String, Value> = BTreeMap::new();
    for event in held(world).await {
        let amount = event["properties"]["amount"].as_str().expect("a number").to_owned();
        assert!(by_amount.insert(amount.clone(), event).is_none(), "two occurrences of {amount}");
    }
    assert_eq!(by_amount.len(), rows as usize, "none is missing");
    for id in 1..=rows {
        let event = &by_amount[&format!("{id}.5")];
        let person = (id - 1) % 300 + 1;
        let at = jiff::Timestamp::from_second(1_700_000_000 + i64::from(id) * 3_600).expect("an instant");
        assert_eq!(event["eventName"], EVENT);
        assert_eq!(event["email"], format!("person{person}@example.com"));
        assert_eq!(instant(&event["occurredAt"]), at);
        assert_eq!(event["properties"]["plan"], "gold");
        assert_eq!(event["record"], (1_000 + person).to_string());
    }
}

/// Requests that sent events.
async fn sendings(world: &World) -> usize {
    let requests = world.requests().await;
    requests.iter().filter(|request| request["path"].as_str().is_some_and(|path| path.contains("/send"))).count()
}

#[tokio::test(start_paused = true)]
async fn every_row_becomes_one_occurrence_and_a_thousand_take_two_requests() {
    let world = world(1_000);
    let report = run(&world, &job(&world)).await;
    assert_eq!(
        (report.status, report.outcomes.applied, report.changes.added),
        (Status::Ok, 1_000, 1_000),
        "{report:?}"
    );
    assert_eq!((report.requests.event, report.requests.total, sendings(&world).await), (2, 2, 2));
    assert!(report.sent);
    all_there(&world, 1_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_is_sent_once_ever_also_in_full_and_after_it_left_the_model() {
    let world = world(30);
    let mut job = job(&world);
    assert_eq!(run(&world, &job).await.outcomes.applied, 30);
    let full = RunOptions { full: true, ..RunOptions::default() };
    let report = run_with(&world, &job, &full).await;
    assert_eq!((report.status, report.outcomes.unchanged, report.requests.total), (Status::Ok, 30, 0), "{report:?}");
    // A window that moves on, is empty for a while, and comes back.
    for window in ["id > 20", "id > 1000", "true"] {
        job.model.query = ModelQuery::Sql(format!("select * from orders where {window} order by id"));
        let report = run(&world, &job).await;
        assert_eq!((report.status, report.outcomes.applied, report.requests.total), (Status::Ok, 0, 0), "{window}");
    }
    add(&world, 31, 35);
    let report = run(&world, &job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (5, 30));
    all_there(&world, 35).await;
}

#[tokio::test(start_paused = true)]
async fn a_row_that_changes_after_it_was_sent_is_skipped_once_with_a_note() {
    let world = world(10);
    let job = job(&world);
    run(&world, &job).await;
    world.sql("update orders set plan = 'blue' where id <= 3");
    let report = run(&world, &job).await;
    assert_eq!((report.status, report.outcomes.skipped, report.outcomes.unchanged), (Status::Ok, 3, 7), "{report:?}");
    assert_eq!((report.changes.changed, report.requests.total), (3, 0));
    assert!(report.notes.iter().any(|note| note.contains("3 rows changed")), "{:?}", report.notes);
    let report = run(&world, &job).await;
    assert_eq!((report.outcomes.skipped, report.outcomes.unchanged, report.notes.len()), (0, 10, 0));
    all_there(&world, 10).await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_cannot_be_sent_are_told_with_property_and_value_and_hold_up_nobody() {
    let world = world(12);
    world.sql(
        "update orders set email = 'nobody' where id = 2; update orders set email = null where id = 3;
         update orders set at = 'soon' where id = 4; update orders set amount = 'many' where id = 5;
         update orders set plan = 'Gold' where id = 6",
    );
    let job = job(&world);
    let report = run(&world, &job).await;
    assert_eq!(
        (report.status, report.outcomes.applied, report.outcomes.invalid),
        (Status::Partial, 7, 5),
        "{report:?}"
    );
    let issues = world.issues("orders");
    let codes: Vec<(&str, &str)> = issues.iter().map(|(key, (_, code, _))| (key.as_str(), code.as_str())).collect();
    let expected = [
        ("2", "INVALID_EMAIL"),
        ("3", "MISSING_SUBJECT"),
        ("4", "INVALID_TIME"),
        ("5", "INVALID_NUMBER"),
        ("6", "INVALID_OPTION"),
    ];
    assert_eq!(codes, expected);
    assert_eq!(held(&world).await.len(), 7);
    // Put right, they go and are no issues any more.
    world.sql("delete from orders");
    add(&world, 1, 12);
    let report = run(&world, &job).await;
    assert_eq!((report.status, report.outcomes.applied, report.outcomes.unchanged), (Status::Ok, 5, 7), "{report:?}");
    assert!(world.issues("orders").is_empty());
    all_there(&world, 12).await;
}

#[tokio::test(start_paused = true)]
async fn two_rows_of_one_key_are_both_invalid() {
    let world = world(5);
    let mut job = job(&world);
    run(&world, &job).await;
    add(&world, 6, 7);
    // Keys 1 (sent before) and 6 (new) come twice.
    job.model.query = ModelQuery::Sql(
        "select * from orders union all select * from orders where id in (1, 6) order by id".to_owned(),
    );
    let report = run(&world, &job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid, report.outcomes.unchanged), (1, 4, 4), "{report:?}");
    assert!(world.issues("orders").values().all(|(_, code, _)| code == "DUPLICATE_KEY"));
    assert_eq!(held(&world).await.len(), 6);
}

/// The second row of a key may come long after the first, when others of its batch could have been on their way already.
#[tokio::test(start_paused = true)]
async fn two_rows_of_one_key_far_apart_are_both_invalid_and_neither_is_sent() {
    let world = world(5_200);
    let mut job = job(&world);
    job.model.query = ModelQuery::Sql(
        "select * from (select * from orders order by id) union all select * from orders where id in (1, 777)"
            .to_owned(),
    );
    let report = run(&world, &job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid), (5_198, 4), "{report:?}");
    assert_eq!(report.requests.event, 11, "full batches, however the invalid rows lie");
    let held = held(&world).await;
    assert_eq!(held.len(), 5_198);
    assert!(
        held.iter().all(|event| event["properties"]["amount"] != "1.5" && event["properties"]["amount"] != "777.5")
    );
}

/// Invalid rows leave gaps; the batches are full all the same, and each row keeps its own event, key and outcome.
#[tokio::test(start_paused = true)]
async fn batches_are_full_however_many_rows_between_are_invalid() {
    let world = world(6_000);
    world.sql("update orders set email = 'nobody' where id % 3 = 0");
    let report = run(&world, &job(&world)).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid), (4_000, 2_000), "{report:?}");
    assert_eq!(report.requests.event, 8, "two for each thousand");
    let mut amounts: Vec<f64> =
        held(&world).await.iter().map(|e| e["properties"]["amount"].as_str().unwrap().parse().unwrap()).collect();
    amounts.sort_by(f64::total_cmp);
    let expected: Vec<f64> = (1..=6_000).filter(|id| id % 3 != 0).map(|id| f64::from(id) + 0.5).collect();
    assert_eq!(amounts, expected);
    let again = run(&world, &job(&world)).await;
    assert_eq!((again.outcomes.unchanged, again.requests.event), (4_000, 0), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_the_sync_is_told_before_anything_is_sent() {
    let world = world(5);
    let wrong = |change: &dyn Fn(&mut EventSync)| {
        let mut job = job(&world);
        change(&mut job.sync);
        job
    };
    let name = |name: &str| EventName::Name { name: name.to_owned(), at: Location::default() };
    type Change<'a> = &'a dyn Fn(&mut EventSync);
    let cases: [(Change<'_>, &str); 6] = [
        (&|sync| sync.event = name("order_placd"), "unknown-event"),
        (&|sync| sync.event = name("Deal won"), "event-object"),
        (&|sync| sync.map.push(column("nope", "plan")), "unknown-property"),
        (&|sync| sync.map.push(column("note", "nope")), "unknown-column"),
        (&|sync| sync.occurred_at = Some("when".to_owned()), "unknown-column"),
        (
            &|sync| {
                sync.subject = EventSubject::Record {
                    object: "spaceships".to_owned(),
                    column: "cid".to_owned(),
                    at: Location::default(),
                }
            },
            "unknown-object-type",
        ),
    ];
    for (change, code) in cases {
        let job = wrong(change);
        let report = run_with(&world, &job, &RunOptions::default()).await;
        let error = report.error.as_ref().expect("the run stops");
        assert_eq!((report.status, error.code), (Status::Failed, code), "{error:?}");
        assert_eq!(world.engine().await.check_event_sync(&job).await[0].code, code);
        let planned = world.engine().await.plan_event_sync(&job, false, &RunOptions::default().cancel).await;
        assert_eq!(planned.expect_err("no plan").code, code);
    }
    assert_eq!(sendings(&world).await, 0);
    assert!(world.engine().await.check_event_sync(&job(&world)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn events_go_to_contacts_by_id_and_to_deals_by_id_and_the_name_may_stand_in_a_column() {
    let world = world(4);
    world.load(&json!({"records": {"deals": [{"id": 77, "properties": {"dealname": "Big"}}]}}));
    world.sql("update orders set kind = 'Refunded' where id = 2; update orders set kind = 'nope' where id = 3");
    let mut job = job(&world);
    job.sync.event = EventName::Column { column: "kind".to_owned(), at: Location::default() };
    job.sync.subject = EventSubject::Contact { keys: vec![by(ContactKey::Id, "cid"), by(ContactKey::Email, "email")] };
    job.sync.map.pop();
    let report = run(&world, &job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid), (3, 1), "{report:?}");
    let names: Vec<Value> = held(&world).await.iter().map(|event| event["eventName"].clone()).collect();
    assert_eq!(names, [EVENT, "pe1234567_refunded", EVENT]);
    assert_eq!(held(&world).await[1]["record"], "1002");

    job.sync.name = "won".to_owned();
    job.sync.event = EventName::Name { name: "deal_won".to_owned(), at: Location::default() };
    job.sync.subject =
        EventSubject::Record { object: "deal".to_owned(), column: "deal".to_owned(), at: Location::default() };
    job.sync.occurred_at = None;
    job.model.query = ModelQuery::Sql("select id, 77.0 as deal, amount from orders where id = 1".to_owned());
    let report = run(&world, &job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 1), "{report:?}");
    let won = held(&world).await.pop().expect("it is there");
    assert_eq!((&won["record"], &won["objectId"]), (&json!("77"), &json!("77")));
    assert!(won["occurredAt"].as_str().is_some_and(|at| at.starts_with("2026-11-22")), "the time of arrival: {won}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_what_a_run_does_and_a_saved_one_is_held_to() {
    let world = world(1_001);
    world.sql("update orders set at = 'soon' where id = 7");
    let job = job(&world);
    let engine = world.engine().await;
    let plan = engine.plan_event_sync(&job, false, &RunOptions::default().cancel).await.expect("a plan");
    assert_eq!((plan.added, plan.invalid, plan.requests.event, plan.requests.total), (1_001, 1, 2, 2), "{plan:?}");
    assert_eq!((plan.daily_share, plan.samples.len()), (None, 10));
    assert!(plan.monthly_share.is_some_and(|share| share > 0.0 && share < 0.001), "{plan:?}");
    assert_eq!(sendings(&world).await, 0);
    let held_to = RunOptions { expected_digest: Some(plan.digest), ..RunOptions::default() };
    world.sql("update orders set plan = 'blue' where id = 9");
    let report = run_with(&world, &job, &held_to).await;
    assert_eq!(report.error.as_ref().map(|error| error.code), Some("plan-outdated"), "{report:?}");
    assert_eq!(sendings(&world).await, 0);
    world.sql("update orders set plan = 'gold' where id = 9");
    let report = run_with(&world, &job, &held_to).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid, report.requests.event), (1_000, 1, 2), "{report:?}");
    let plan = engine.plan_event_sync(&job, true, &RunOptions::default().cancel).await.expect("a plan");
    assert_eq!((plan.added, plan.unchanged, plan.requests.total), (1, 1_000, 0), "the invalid row is still new");
}

#[tokio::test(start_paused = true)]
async fn a_preview_shows_the_very_requests() {
    let world = world(3);
    world.sql("update orders set email = 'nobody' where id = 2");
    let job = job(&world);
    let preview =
        world.engine().await.preview_event_sync(&job, 10, &RunOptions::default().cancel).await.expect("a preview");
    assert_eq!((preview.requests.len(), preview.invalid.len()), (1, 1));
    let body: Value = serde_json::from_slice(preview.requests[0].body.as_ref().expect("a body")).expect("JSON");
    run(&world, &job).await;
    let held = held(&world).await;
    assert_eq!(body["inputs"].as_array().map(Vec::len), Some(2));
    for (input, event) in body["inputs"].as_array().expect("a list").iter().zip(&held) {
        for name in ["eventName", "email", "uuid", "properties"] {
            assert_eq!(input[name], event[name], "{name}");
        }
        assert_eq!(instant(&input["occurredAt"]), instant(&event["occurredAt"]));
    }
}

#[tokio::test(start_paused = true)]
async fn the_month_has_an_end_and_what_would_go_above_it_is_deferred() {
    let world = world(700);
    let now = "2026-11-22T10:00:00Z".parse().expect("an instant");
    let used = hubward_core::event::OCCURRENCES_A_MONTH - 600;
    let account = world.engine().await.account().portal_id;
    world.db.add_to_count(account, "occurrences/2026-11", used, now).expect("counted");
    let job = job(&world);
    let plan = world.engine().await.plan_event_sync(&job, false, &RunOptions::default().cancel).await.expect("a plan");
    assert!(plan.warnings.iter().any(|warning| warning.contains("30000000")), "{plan:?}");
    let report = run(&world, &job).await;
    assert_eq!((report.status, report.outcomes.applied, report.outcomes.deferred), (Status::Partial, 600, 100));
    assert!(report.notes.iter().any(|note| note.contains("a month")), "{:?}", report.notes);
    assert_eq!(world.db.count(account, "occurrences/2026-11").expect("read"), used + 600);
    assert_eq!(held(&world).await.len(), 600);
    // The next month begins with them, although the model has others before them.
    tokio::time::sleep(Duration::from_secs(9 * 24 * 3_600)).await;
    add(&world, 701, 800);
    let mut reversed = job.clone();
    reversed.model.query = ModelQuery::Sql("select * from orders order by id desc".to_owned());
    let report = run(&world, &reversed).await;
    assert_eq!((report.status, report.outcomes.applied, report.outcomes.unchanged), (Status::Ok, 200, 600));
    let held = held(&world).await;
    let amounts = |events: &[Value]| -> Vec<String> {
        let mut numbers: Vec<String> =
            events.iter().map(|event| event["properties"]["amount"].as_str().unwrap_or_default().to_owned()).collect();
        numbers.sort_unstable();
        numbers
    };
    let deferred: Vec<String> = (601..=700).map(|id| format!("{id}.5")).collect();
    assert_eq!(amounts(&held[600..700]), deferred);
    all_there(&world, 800).await;
    assert_eq!(world.db.count(account, "occurrences/2026-12").expect("read"), 200);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_sends_nothing_and_loses_nothing() {
    let world = world(20);
    let job = job(&world);
    let report = run_with(&world, &job, &cancelled()).await;
    assert!(report.interrupted && report.status == Status::Failed, "{report:?}");
    assert_eq!(held(&world).await.len(), 0);
    assert_eq!(run(&world, &job).await.outcomes.applied, 20);
    all_there(&world, 20).await;
}

#[tokio::test(start_paused = true)]
async fn a_ledger_of_records_is_no_ledger_of_events() {
    let world = world(3);
    world.customers(3);
    let mut objects = world.job();
    objects.sync.name = "orders".to_owned();
    world.run(&objects).await;
    let report = run_with(&world, &job(&world), &RunOptions::default()).await;
    assert_eq!(report.error.as_ref().map(|error| error.code), Some("other-sync-kind"), "{report:?}");
}
