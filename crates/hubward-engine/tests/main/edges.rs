//! Where rows could be lost, doubled or blamed: refusals of whole batches, values that move between rows, changed
//! mappings and modes, answers that leave something out.

use std::time::Duration;

use serde_json::{Value, json};

use hubward_core::spec::{MapSource, Mode};
use hubward_engine::{Cancel, RunOptions, Status};

use crate::harness::{INDEXED, World, column, property};

/// A custom property that HubSpot keeps unique.
fn unique(name: &str) -> Value {
    let mut unique = property(name, "string", "text");
    unique["hasUniqueValue"] = json!(true);
    unique
}

#[tokio::test(start_paused = true)]
async fn many_guilty_rows_of_one_batch_are_rejected_and_all_others_arrive() {
    let world = World::new();
    let holders: Vec<Value> = (0..12)
        .map(|at| json!({"properties": {"email": format!("holder{at}@example.com"), "customer_no": format!("T{at}")}}))
        .collect();
    world.load(&json!({"properties": {"contacts": [unique("customer_no")]}, "records": {"contacts": holders}}));
    world.customers(100);
    world.sql("alter table customers add column no text");
    let mut job = world.job();
    job.sync.map.push(column("customer_no", "no"));
    world.run(&job).await;
    world.sql("update customers set city = 'y'; update customers set no = 'T' || (id - 10) where id between 10 and 21");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (88, 12), "{report:?}");
    assert_eq!(world.issues("customers").len(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_names_nothing_is_halved_down_to_the_guilty_row() {
    let world = World::new();
    world.customers(100);
    world.run(&world.job()).await;
    world.sql("update customers set city = 'y'; update customers set first_name = 'bad' where id in (37, 38)");
    world.script(|path, body| {
        let bad = path.ends_with("/batch/update") && body.to_string().contains("\"bad\"");
        bad.then(|| {
            (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no", "correlationId": "c"}))
        })
    });
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (98, 2), "{report:?}");
    assert_eq!(world.issues("customers").keys().collect::<Vec<_>>(), ["37", "38"]);
}

#[tokio::test(start_paused = true)]
async fn errors_that_name_no_input_still_find_their_rows() {
    let world = World::new();
    world.customers(20);
    world.script(|path, body| {
        let inputs = body["inputs"].as_array()?;
        let bad = |input: &Value| input["properties"]["firstname"].as_str().is_some_and(|name| name.ends_with(" 3") || name.ends_with(" 4"));
        let errors = inputs.iter().filter(|input| bad(input)).count();
        if !path.ends_with("/batch/upsert") || errors == 0 {
            return None;
        }
        let results: Vec<Value> = inputs.iter().enumerate().filter(|(_, input)| !bad(input)).map(|(at, input)| json!({
            "id": (1000 + at).to_string(), "objectWriteTraceId": input["objectWriteTraceId"], "properties": {"email": input["id"]}})).collect();
        let errors = vec![json!({"status": "error", "category": "VALIDATION_ERROR", "message": "rule 7 forbids it"}); errors];
        Some((207, json!({"status": "COMPLETE", "results": results, "errors": errors})))
    });
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (18, 2), "{report:?}");
    let issues = world.issues("customers");
    assert_eq!(issues.keys().collect::<Vec<_>>(), ["3", "4"]);
    assert!(issues["3"].2.contains("rule 7"), "{issues:?}");
}

#[tokio::test(start_paused = true)]
async fn the_row_whose_record_holds_a_unique_value_is_not_blamed_for_it() {
    let world = World::new();
    world.load(&json!({"properties": {"contacts": [unique("customer_no")]}}));
    world.customers(10);
    world.sql("alter table customers add column no text; update customers set no = 'C' || id");
    let mut job = world.job();
    job.sync.map.push(column("customer_no", "no"));
    world.run(&job).await;
    world.sql("update customers set city = 'y'; update customers set no = 'C2' where id = 7");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (9, 1), "{report:?}");
    assert_eq!(world.issues("customers").keys().collect::<Vec<_>>(), ["7"]);
}

#[tokio::test(start_paused = true)]
async fn a_conditional_rule_blames_only_the_rows_it_speaks_of() {
    let world = World::new();
    world.load(&json!({"properties": {"contacts": [property("tax_no", "string", "text")]}}));
    world.customers(30);
    world.sql("alter table customers add column tax_no text; update customers set tax_no = 'x' where id > 20");
    let mut job = world.job();
    job.sync.map.push(column("tax_no", "tax_no"));
    world.run(&job).await;
    // HubSpot names the property that is missing, not the row.
    world.script(|path, body| {
        let breaks = |input: &Value| {
            input["properties"]["city"] == json!("Berlin") && input["properties"]["tax_no"].is_null()
        };
        let broken = path.ends_with("/batch/update") && body["inputs"].as_array().is_some_and(|inputs| inputs.iter().any(breaks));
        let message = "tax_no is required because of a conditional property rule based on [city]";
        let error = json!({"message": message, "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY", "context": {"propertyName": ["tax_no"]}});
        broken.then(|| (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "invalid", "errors": [error]})))
    });
    world.sql("update customers set first_name = 'new'; update customers set city = 'Berlin' where id in (4, 25)");
    let report = world.run(&job).await;
    assert_eq!(
        (report.outcomes.applied, report.outcomes.rejected),
        (29, 1),
        "{report:?} {:?}",
        world.issues("customers")
    );
    assert_eq!(world.issues("customers").keys().collect::<Vec<_>>(), ["4"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_names_a_property_and_no_value_rejects_no_other_row_that_writes_it() {
    let world = World::new();
    world.customers(30);
    world.sql("update customers set city = null where id > 20");
    world.run(&world.job()).await;
    world.script(|path, body| {
        let bad = path.ends_with("/batch/update") && body.to_string().contains("\"worst\"");
        let error =
            json!({"message": "city is not right", "code": "INVALID_CITY", "context": {"propertyName": ["city"]}});
        bad.then(|| {
            (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "invalid", "errors": [error]}))
        })
    });
    world.sql("update customers set first_name = 'new'; update customers set city = 'worst' where id = 4");
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (29, 1), "{report:?}");
    assert_eq!(world.issues("customers").keys().collect::<Vec<_>>(), ["4"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_mapping_that_could_not_be_sent_goes_in_the_next_run() {
    let world = World::new();
    world.customers(250);
    world.run(&world.job()).await;
    // The same columns under another property: nothing changed in the source.
    let mut job = world.job();
    job.sync.map.push(column("jobtitle", "first_name"));
    world
        .fault(
            json!([{"match": {"kind": "update"}, "after": 1, "times": 1000, "do": {"status": 429, "policy": "DAILY"}}]),
        )
        .await;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.deferred), (100, 150), "{report:?}");
    world.fault(json!([])).await;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (150, 100), "{report:?}");
    for contact in world.records("contacts").await {
        assert_eq!(contact["properties"]["jobtitle"], contact["properties"]["firstname"]);
    }
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_changed_mapping_tried_on_a_few_rows_reaches_the_others_later() {
    let world = World::new();
    world.customers(30);
    world.run(&world.job()).await;
    let mut job = world.job();
    job.sync.map.push(column("jobtitle", "city"));
    let few = RunOptions { limit: Some(5), ..RunOptions::default() };
    assert_eq!(world.run_with(&job, &few).await.outcomes.applied, 5);
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (25, 5), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_a_changed_mapping_made_bad_stays_bad_until_it_is_mended() {
    let world = World::new();
    world.load(&json!({"properties": {"contacts": [property("spend", "number", "number"), unique("customer_no")]},
        "records": {"contacts": [{"properties": {"email": "holder@example.com", "customer_no": "Zoë 9"}}]}}));
    world.customers(10);
    world.sql("update customers set city = id; update customers set city = 'a lot' where id = 5");
    world.run(&world.job()).await;
    let mut job = world.job();
    job.sync.map.push(column("spend", "city"));
    job.sync.map.push(column("customer_no", "first_name"));
    for run in 0..3 {
        let report = world.run(&job).await;
        assert_eq!((report.outcomes.invalid, report.outcomes.rejected), (1, 1), "{run} {report:?}");
        assert_eq!(world.issues("customers").keys().collect::<Vec<_>>(), ["5", "9"]);
    }
    world.sql("update customers set city = '5' where id = 5");
    assert_eq!(world.run(&job).await.outcomes.applied, 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_run_sends_a_refused_row_again_and_counts_every_row_as_sent() {
    let world = World::new();
    world.customers(10);
    world.run(&world.job()).await;
    // Another column of the source than those mapped is no change, but --full sends all the same.
    world.script(|path, body| {
        let bad = path.ends_with("/batch/update") && body.to_string().contains("Zoë 3\"");
        bad.then(|| (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no"})))
    });
    let full = RunOptions { full: true, ..RunOptions::default() };
    let report = world.run_with(&world.job(), &full).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (9, 1), "{report:?}");
    world.end_script();
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (1, 9), "{report:?}");

    let mut job = world.job();
    job.sync.map[1].source = MapSource::Template("{{ row.city | upcase }}".to_owned());
    world.run(&job).await;
    world.sql("update customers set city = upper(city) where id = 2");
    let report = world.run_with(&job, &full).await;
    assert_eq!(report.outcomes.applied, 10, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn the_report_counts_changes_rightly_when_the_mapping_changed_too() {
    let world = World::new();
    world.customers(20);
    world.run(&world.job()).await;
    let mut job = world.job();
    job.sync.map[1].source = MapSource::Template("{{ row.city | replace: 'Kraków 3', 'Kraków III' }}".to_owned());
    world.sql("update customers set city = 'new' where id = 9");
    let report = world.run(&job).await;
    // 3, 10 and 17 by the mapping, 9 by the source.
    assert_eq!((report.changes.changed, report.changes.unchanged), (4, 16), "{report:?}");
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (4, 16), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn what_insert_skipped_was_never_written_and_upsert_writes_it() {
    let world = World::new();
    world.customers(3);
    world.load(&json!({"records": {"contacts": [
        {"id": "77", "properties": {"email": "person2@example.com", "firstname": "Old", "city": "theirs"}}]}}));
    let mut job = world.job();
    job.sync.mode = Mode::Insert;
    assert_eq!(world.run(&job).await.outcomes.skipped, 1);
    world.sql("update customers set city = 'moved' where id = 1; update customers set city = null where id = 2");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.skipped, report.requests.total), (2, 0), "{report:?}");
    assert_eq!(world.run(&job).await.outcomes.unchanged, 3);
    job.sync.mode = Mode::Upsert;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (2, 1), "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts["person1@example.com"]["properties"]["city"], json!("moved"));
    assert_eq!(contacts["person2@example.com"]["properties"]["firstname"], json!("Zoë 2"));
    assert_eq!(
        contacts["person2@example.com"]["properties"]["city"],
        json!("theirs"),
        "NULL clears only what was ours"
    );
}

#[tokio::test(start_paused = true)]
async fn a_ledger_of_another_object_type_is_refused() {
    let world = World::new();
    world.customers(3);
    world.run(&world.job()).await;
    let mut job = world.job();
    job.sync.object = "companies".to_owned();
    job.sync.match_.property = "name".to_owned();
    job.sync.match_.column = "first_name".to_owned();
    job.sync.map = vec![column("city", "city")];
    let report = world.run(&job).await;
    assert_eq!(report.error.map(|error| error.code), Some("other-object-type"));
    assert!(world.records("companies").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_address_that_moves_from_one_row_to_another_takes_no_record_with_it() {
    let world = World::new();
    world.customers(3);
    world.run(&world.job()).await;
    let before = world.by("contacts", "email").await;
    // 1 lets go of its address, a new row takes it; 2 takes over what 3 lets go of.
    world.sql(
        "insert into customers values (4, 'person1@example.com', 'Four', 'x', '1', 'gold');
         update customers set email = 'person1.new@example.com' where id = 1;
         update customers set email = 'person3@example.com' where id = 2;
         update customers set email = 'person3.new@example.com' where id = 3;",
    );
    let report = world.run(&world.job()).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 4), "{report:?} {:?}", world.issues("customers"));
    let after = world.by("contacts", "email").await;
    assert_eq!(after.len(), 4);
    for (old, new, name) in
        [("person1", "person1.new", "Zoë 1"), ("person2", "person3", "Zoë 2"), ("person3", "person3.new", "Zoë 3")]
    {
        let now = &after[&format!("{new}@example.com")];
        assert_eq!(now["id"], before[&format!("{old}@example.com")]["id"], "{old}");
        assert_eq!(now["properties"]["firstname"], json!(name));
    }
    assert_eq!(after["person1@example.com"]["properties"]["firstname"], json!("Four"));
}

#[tokio::test(start_paused = true)]
async fn an_adopted_record_never_belongs_to_two_rows() {
    let world = World::new();
    world.load(&json!({"properties": {"contacts": [unique("customer_no")]}}));
    world.customers(3);
    world.sql("update customers set email = 'same@example.com' where id = 1; delete from customers where id = 2");
    let mut job = world.job();
    job.sync.match_.property = "customer_no".to_owned();
    job.sync.match_.column = "id".to_owned();
    job.sync.map.push(column("email", "email"));
    world.run(&job).await;
    world.sql("insert into customers (id, email) values (2, 'same@example.com')");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.outcomes.rejected), (2, 1), "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts["same@example.com"]["properties"]["customer_no"], json!("1"));
    assert!(world.issues("customers")["2"].2.contains("primary key 1"), "{:?}", world.issues("customers"));
}

#[tokio::test(start_paused = true)]
async fn a_create_of_unknown_outcome_is_found_under_the_value_it_was_sent_with() {
    for (object, match_property) in [("contacts", "email"), ("companies", "domain")] {
        let world = World::new();
        world.customers(3);
        let mut job = world.job();
        job.sync.mode = Mode::Insert;
        job.sync.object = object.to_owned();
        job.sync.match_.property = match_property.to_owned();
        if object == "companies" {
            job.sync.map = vec![column("name", "first_name")];
        }
        let lost = json!([{"match": {"kind": "create"}, "times": 1, "do": {"reset": "after"}},
            {"match": {"kind": "search"}, "after": if object == "companies" { 1 } else { 0 }, "times": 1000, "do": {"status": 429, "policy": "DAILY"}},
            {"match": {"kind": "read"}, "times": 1000, "do": {"status": 429, "policy": "DAILY"}}]);
        world.fault(lost).await;
        assert_eq!(world.run(&job).await.outcomes.deferred, 3, "{object}");
        assert_eq!(world.records(object).await.len(), 3);
        world.fault(json!([])).await;
        world.sql("update customers set email = 'new@example.com' where id = 2");
        let report = world.run(&job).await;
        assert_eq!(world.records(object).await.len(), 3, "no row has two records: {report:?}");
        assert_eq!(report.outcomes.applied, 3, "{object} {report:?}");
        assert!(world.by(object, match_property).await.contains_key("new@example.com"), "{object}");
        assert_eq!(world.run(&job).await.requests.total, 0, "{object}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_intent_creates_nothing_in_mode_update() {
    let world = World::new();
    world.customers(3);
    let mut job = world.job();
    job.sync.mode = Mode::Insert;
    world
        .fault(json!([{"match": {"kind": "create"}, "times": 1, "do": {"reset": "before"}},
        {"match": {"kind": "read"}, "times": 1000, "do": {"status": 429, "policy": "DAILY"}}]))
        .await;
    assert_eq!(world.run(&job).await.outcomes.deferred, 3);
    world.fault(json!([])).await;
    job.sync.mode = Mode::Update;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.skipped, report.requests.create), (3, 0), "{report:?}");
    assert!(world.records("contacts").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_value_with_more_hits_than_search_can_show_hides_no_other_record() {
    let world = World::new();
    world.load(
        &json!({"records": {"companies": [{"id": "11", "properties": {"name": "Old", "domain": "one.example"}}]}}),
    );
    tokio::time::advance(INDEXED).await;
    world.sql(
        "create table customers (id integer primary key, email text, first_name text, city text);
         insert into customers values (1, 'big.example', 'Big', 'x'), (2, 'one.example', 'One', 'x')",
    );
    let mut job = world.job();
    job.sync.object = "companies".to_owned();
    job.sync.match_.property = "domain".to_owned();
    job.sync.map = vec![column("name", "first_name")];
    world.script(|path, body| {
        let values = body["filterGroups"][0]["filters"][0]["values"].as_array().cloned().unwrap_or_default();
        if !path.ends_with("/search") || !values.contains(&json!("big.example")) {
            return None;
        }
        let at: u64 = body["after"].as_str().and_then(|after| after.parse().ok()).unwrap_or_default();
        let results: Vec<Value> = (at..at + 200)
            .map(|id| json!({"id": (5000 + id).to_string(), "properties": {"domain": "big.example"}}))
            .collect();
        Some((200, json!({"total": 20_000, "results": results, "paging": {"next": {"after": (at + 200).to_string()}}})))
    });
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (1, 1), "{report:?}");
    assert_eq!(world.records("companies").await.len(), 1, "the record that was there is the one that changed");
    // Pages that never end and show nothing.
    world.script(|path, _| {
        path.ends_with("/search").then(|| (200, json!({"total": 1, "results": [], "paging": {"next": {"after": "1"}}})))
    });
    world.sql("insert into customers values (3, 'three.example', 'Three', 'x')");
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.deferred + report.outcomes.rejected, 2, "{report:?}");
    assert_eq!(world.records("companies").await.len(), 1, "an answer that makes no sense is no reason to create");
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_hubspot_refuses_costs_its_row_alone() {
    let world = World::new();
    world.customers(40);
    world.sql("update customers set email = hex(zeroblob(2000)) where id = 17");
    let mut job = world.job();
    job.sync.object = "companies".to_owned();
    job.sync.match_.property = "domain".to_owned();
    job.sync.map = vec![column("name", "first_name")];
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (39, 1), "{report:?}");
    assert_eq!(world.issues("customers").keys().collect::<Vec<_>>(), ["17"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_the_search_index() {
    let world = World::new();
    world.customers(5);
    world.fault(json!([{"match": {"kind": "create"}, "times": 1, "do": {"reset": "after"}}])).await;
    let mut job = world.job();
    job.sync.object = "companies".to_owned();
    job.sync.match_.property = "domain".to_owned();
    job.sync.map = vec![column("name", "first_name")];
    let cancel = Cancel::new();
    let options = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
    let began = tokio::time::Instant::now();
    let (report, ()) = tokio::join!(world.run_with(&job, &options), async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        cancel.set();
    });
    assert!(report.interrupted, "{report:?}");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, world.records("companies").await.len()), (5, 5), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_record_id_written_in_two_ways_is_one_record() {
    let world = World::new();
    world.load(&json!({"records": {"contacts": [{"id": "501", "properties": {"email": "a@example.com"}}]}}));
    world.sql(
        "create table customers (id integer, email text, first_name text, city text);
         insert into customers values (1, '501', 'A', 'x'), (2, '0501', 'B', 'x')",
    );
    let mut job = world.job();
    job.sync.mode = Mode::Update;
    job.sync.match_.property = "id".to_owned();
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.invalid, report.requests.total), (2, 0), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn deferred_rows_go_first_in_the_next_run() {
    let world = World::new();
    world.customers(400);
    world.script(|path, body| {
        let last = path.ends_with("/batch/upsert") && body.to_string().to_lowercase().contains("person399@");
        last.then(|| {
            (
                429,
                json!({"status": "error", "category": "RATE_LIMITS", "policyName": "DAILY", "message": "daily limit"}),
            )
        })
    });
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.applied, report.outcomes.deferred), (300, 100), "{report:?}");
    world
        .sql("insert into customers select id - 1000, 'early' || email, first_name, city, amount, plan from customers");
    let first = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let seen = std::sync::Arc::clone(&first);
    world.script(move |path, body| {
        let mut seen = seen.lock().expect("not poisoned");
        if path.contains("/batch/") && seen.is_empty() {
            *seen = body.to_string();
        }
        None
    });
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (500, 300), "{report:?}");
    let first = first.lock().expect("not poisoned").clone();
    assert!(first.contains("Person301@") && first.contains("Person400@"), "{first}");
}

#[tokio::test(start_paused = true)]
async fn two_rows_that_exchange_their_addresses_are_told_and_nothing_is_sent() {
    let world = World::new();
    world.customers(3);
    world.run(&world.job()).await;
    world.sql(
        "update customers set email = 'x' where id = 1; update customers set email = 'Person1@example.com' where id = 2;
         update customers set email = 'Person2@example.com' where id = 1",
    );
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.invalid, report.outcomes.unchanged, report.requests.total), (2, 1, 0), "{report:?}");
    assert!(world.issues("customers")["1"].2.contains("primary key 2"), "{:?}", world.issues("customers"));
    assert_eq!(world.by("contacts", "email").await["person1@example.com"]["properties"]["firstname"], json!("Zoë 1"));
}

#[tokio::test(start_paused = true)]
async fn a_row_never_takes_over_a_record_whose_own_row_was_refused() {
    let world = World::new();
    world.customers(2);
    world.load(&json!({"records": {"contacts": [{"properties": {"email": "taken@example.com"}}]}}));
    world.run(&world.job()).await;
    world.sql(
        "update customers set email = 'taken@example.com' where id = 1;
         insert into customers values (3, 'person1@example.com', 'Three', 'x', '1', 'gold')",
    );
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.rejected, report.outcomes.invalid, report.outcomes.applied), (1, 1, 0), "{report:?}");
    assert_eq!(world.by("contacts", "email").await["person1@example.com"]["properties"]["firstname"], json!("Zoë 1"));
}

#[tokio::test(start_paused = true)]
async fn a_write_of_unknown_outcome_is_undone_when_the_source_goes_back() {
    let world = World::new();
    world.customers(5);
    world.run(&world.job()).await;
    world.sql("update customers set city = 'new' where id = 3");
    world.fault(json!([{"match": {"kind": "update"}, "times": 1000, "do": {"status": 503, "applied": true}}])).await;
    assert_eq!(world.run(&world.job()).await.outcomes.deferred, 1);
    assert_eq!(world.by("contacts", "email").await["person3@example.com"]["properties"]["city"], json!("new"));
    world.fault(json!([])).await;
    world.sql("update customers set city = 'Kraków 3' where id = 3");
    assert_eq!(world.run(&world.job()).await.outcomes.applied, 1);
    assert_eq!(world.by("contacts", "email").await["person3@example.com"]["properties"]["city"], json!("Kraków 3"));
}

#[tokio::test(start_paused = true)]
async fn an_insert_that_hubspot_refuses_as_taken_writes_to_no_record_it_did_not_make() {
    let world = World::new();
    world.customers(3);
    world.load(&json!({"records": {"contacts": [{"id": "77", "properties": {"email": "person2@example.com", "firstname": "Old"}}]}}));
    let mut job = world.job();
    job.sync.mode = Mode::Insert;
    // As HubSpot did in 2025: the whole batch, without an id.
    world.script(|path, body| {
        let taken = path.ends_with("/batch/create") && body.to_string().contains("Person2@");
        taken.then(|| (409, json!({"status": "error", "category": "CONFLICT", "message": "Contact already exists"})))
    });
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.skipped), (2, 1), "{report:?}");
    assert_eq!(world.by("contacts", "email").await["person2@example.com"]["properties"]["firstname"], json!("Old"));
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_match_value_that_cannot_be_written_names_another_record_when_it_changes() {
    let world = World::new();
    let mut number = unique("badge");
    number["modificationMetadata"] = json!({"readOnlyValue": true, "readOnlyDefinition": true, "archivable": false});
    world.load(&json!({"properties": {"contacts": [number]}, "records": {"contacts": [
        {"id": "501", "properties": {"email": "a@example.com", "badge": "B1"}},
        {"id": "502", "properties": {"email": "b@example.com", "badge": "B2"}}]}}));
    world.customers(1);
    world.sql("update customers set email = 'B1'");
    let mut job = world.job();
    job.sync.mode = Mode::Update;
    job.sync.match_.property = "badge".to_owned();
    assert_eq!(world.run(&job).await.outcomes.applied, 1);
    world.sql("update customers set email = 'B2'");
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.applied, 1, "{report:?} {:?}", world.issues("customers"));
    assert_eq!(world.by("contacts", "badge").await["B2"]["properties"]["firstname"], json!("Zoë 1"));
}
