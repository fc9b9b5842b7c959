//! First run, second run, changes: the main job.

use serde_json::json;

use hubward_core::spec::{MapSource, Nulls};
use hubward_engine::{RunOptions, Status};

use crate::harness::{World, column, property};

#[tokio::test(start_paused = true)]
async fn a_first_run_writes_every_row_and_a_second_sends_nothing() {
    let world = World::new();
    world.customers(250);
    let report = world.run(&world.job()).await;
    assert_eq!(report.status, Status::Ok, "{report:?}");
    assert_eq!((report.changes.rows, report.changes.added, report.outcomes.applied), (250, 250, 250));
    assert_eq!((report.requests.upsert, report.requests.total), (3, 3), "three full or last batches, nothing else");

    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), 250);
    for id in 1..=250 {
        let contact = &contacts[&format!("person{id}@example.com")];
        assert_eq!(contact["properties"]["firstname"], json!(format!("Zoë {id}")));
        assert_eq!(contact["properties"]["city"], json!(format!("Kraków {}", id % 7)));
    }

    let again = world.run(&world.job()).await;
    assert_eq!((again.outcomes.unchanged, again.requests.total), (250, 0), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn one_changed_row_sends_one_request() {
    let world = World::new();
    world.customers(250);
    world.run(&world.job()).await;
    world.sql("update customers set city = 'Łódź' where id = 7");
    let report = world.run(&world.job()).await;
    assert_eq!((report.changes.changed, report.outcomes.applied, report.outcomes.unchanged), (1, 1, 249), "{report:?}");
    assert_eq!(report.requests.total, 1);
    assert_eq!(world.by("contacts", "email").await["person7@example.com"]["properties"]["city"], json!("Łódź"));
}

#[tokio::test(start_paused = true)]
async fn a_changed_email_of_a_known_row_changes_its_record_and_makes_no_second_one() {
    let world = World::new();
    world.customers(3);
    world.run(&world.job()).await;
    world.sql("update customers set email = 'new@example.com' where id = 2");
    let report = world.run(&world.job()).await;
    assert_eq!(report.outcomes.applied, 1, "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.keys().collect::<Vec<_>>(), ["new@example.com", "person1@example.com", "person3@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_mapping_sends_only_rows_whose_mapped_values_changed() {
    let world = World::new();
    world.customers(20);
    world.sql("alter table customers add column nick text; update customers set nick = 'Ace' where id in (3, 4)");
    world.run(&world.job()).await;
    let mut job = world.job();
    job.sync.map.push(column("jobtitle", "nick"));
    // The same value by other means is no change.
    job.sync.map[1].source = MapSource::Template("{{ row.city }}".to_owned());
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (2, 18), "{report:?}");
    assert_eq!(report.requests.total, 1);
    let again = world.run(&job).await;
    assert_eq!((again.outcomes.unchanged, again.requests.total), (20, 0));
}

#[tokio::test(start_paused = true)]
async fn invalid_rows_are_named_and_nothing_is_sent_for_them() {
    let world = World::new();
    world.load(&json!({"properties": {"contacts": [
        property("spend", "number", "number"),
        {"name": "plan", "label": "Plan", "type": "enumeration", "fieldType": "select", "groupName": "contactinformation",
         "options": [{"label": "Gold", "value": "gold", "displayOrder": 0, "hidden": false}]},
    ]}}));
    world.customers(100);
    world.sql(
        "update customers set amount = 'a lot' where id = 5;
         update customers set plan = 'Gold' where id = 6;
         update customers set email = null where id = 7;
         update customers set email = 'PERSON9@example.com ' where id = 8;",
    );
    let mut job = world.job();
    job.sync.map.push(column("spend", "amount"));
    job.sync.map.push(column("plan", "plan"));
    let report = world.run(&job).await;
    assert_eq!(
        (report.status, report.outcomes.invalid, report.outcomes.applied),
        (Status::Partial, 5, 95),
        "{report:?}"
    );
    assert_eq!(report.requests.total, 1);
    let issues = world.issues("customers");
    assert_eq!(issues.keys().map(String::as_str).collect::<Vec<_>>(), ["5", "6", "7", "8", "9"]);
    assert!(issues["6"].2.contains("gold"), "the option's internal value is named: {:?}", issues["6"]);
    assert_eq!(issues["7"].1, "MISSING_MATCH");
    assert!(issues["8"].1 == "DUPLICATE_MATCH" && issues["8"].2.contains('9'), "{:?}", issues["8"]);
    assert!(issues["9"].1 == "DUPLICATE_MATCH" && issues["9"].2.contains('8'), "{:?}", issues["9"]);
    assert_eq!(world.records("contacts").await.len(), 95);

    // Mended rows go, and their issues with them.
    world.sql(
        "update customers set amount = '1' where id = 5; update customers set email = 'p8@example.com' where id = 8",
    );
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid), (3, 2), "{report:?}");
    assert_eq!(world.issues("customers").keys().map(String::as_str).collect::<Vec<_>>(), ["6", "7"]);
}

#[tokio::test(start_paused = true)]
async fn a_primary_key_that_is_null_or_not_unique_makes_its_rows_invalid() {
    let world = World::new();
    world.sql(
        "create table customers (id integer, email text, first_name text, city text);
         insert into customers values (1, 'a@example.com', 'A', 'x'), (2, 'b@example.com', 'B', 'x'),
           (2, 'c@example.com', 'C', 'x'), (null, 'd@example.com', 'D', 'x')",
    );
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid), (1, 3), "{report:?}");
    assert_eq!(world.by("contacts", "email").await.keys().collect::<Vec<_>>(), ["a@example.com"]);
    // A key that doubles later takes the known row down with it, whichever of the two comes first.
    world.sql("delete from customers where id is null or email = 'c@example.com'");
    assert_eq!(world.run(&world.job()).await.outcomes.applied, 1);
    world.sql("insert into customers values (1, 'e@example.com', 'E', 'x')");
    let report = world.run(&world.job()).await;
    assert_eq!((report.outcomes.unchanged, report.outcomes.invalid), (1, 2), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn null_clears_what_was_ours_and_leaves_alone_what_never_was() {
    let world = World::new();
    world.customers(2);
    world.load(&json!({"records": {"contacts": [
        {"properties": {"email": "person2@example.com", "city": "theirs"}}]}}));
    world.sql("update customers set city = null where id = 2");
    world.run(&world.job()).await;
    assert_eq!(world.by("contacts", "email").await["person2@example.com"]["properties"]["city"], json!("theirs"));
    world.sql("update customers set city = null where id = 1");
    let report = world.run(&world.job()).await;
    assert_eq!(report.outcomes.applied, 1, "{report:?}");
    let contact = &world.by("contacts", "email").await["person1@example.com"];
    assert!(contact["properties"]["city"].as_str().unwrap_or_default().is_empty(), "{contact}");

    let mut job = world.job();
    job.sync.nulls = Nulls::Clear;
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.applied + report.outcomes.unchanged, 2, "{report:?}");
    let contact = &world.by("contacts", "email").await["person2@example.com"];
    assert!(contact["properties"]["city"].as_str().unwrap_or_default().is_empty(), "{contact}");
}

#[tokio::test(start_paused = true)]
async fn removed_rows_are_kept_counted_once_and_found_again() {
    let world = World::new();
    world.customers(10);
    world.run(&world.job()).await;
    world.sql("delete from customers where id = 4");
    let report = world.run(&world.job()).await;
    assert_eq!((report.changes.removed, report.outcomes.skipped, report.requests.total), (1, 1, 0), "{report:?}");
    assert_eq!(world.run(&world.job()).await.changes.removed, 0);
    world.sql("insert into customers values (4, 'person4@example.com', 'Back', 'Gdańsk', '1', 'gold')");
    assert_eq!(world.run(&world.job()).await.outcomes.applied, 1);
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), 10);
    assert_eq!(contacts["person4@example.com"]["properties"]["firstname"], json!("Back"));
}

#[tokio::test(start_paused = true)]
async fn a_model_gone_empty_stops_the_run_until_it_is_allowed() {
    let world = World::new();
    world.customers(10);
    world.run(&world.job()).await;
    world.sql("delete from customers");
    let report = world.run(&world.job()).await;
    assert_eq!(report.status, Status::Failed);
    let error = report.error.expect("an error");
    assert_eq!(error.code, "model-empty");
    assert!(error.help.unwrap_or_default().contains("--allow-empty"));
    let report = world.run_with(&world.job(), &RunOptions { allow_empty: true, ..RunOptions::default() }).await;
    assert_eq!((report.status, report.outcomes.skipped), (Status::Ok, 10), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn full_sends_every_row_again_to_the_same_records() {
    let world = World::new();
    world.customers(120);
    world.run(&world.job()).await;
    let report = world.run_with(&world.job(), &RunOptions { full: true, ..RunOptions::default() }).await;
    assert_eq!((report.outcomes.applied, report.requests.total), (120, 2), "{report:?}");
    assert_eq!(world.by("contacts", "email").await.len(), 120);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_defers_what_it_did_not_reach() {
    let world = World::new();
    world.customers(10);
    let report = world.run_with(&world.job(), &crate::harness::cancelled()).await;
    assert!(report.interrupted, "{report:?}");
    assert!(world.records("contacts").await.is_empty());
    assert_eq!(world.run(&world.job()).await.outcomes.applied, 10);
}

#[tokio::test(start_paused = true)]
async fn a_plan_tells_what_a_run_then_does_and_a_changed_world_refuses_it() {
    let world = World::new();
    world.customers(150);
    let job = world.job();
    let engine = world.engine().await;
    let plan = engine.plan_sync(&job, false, &hubward_engine::Cancel::new()).await.expect("a plan");
    assert_eq!((plan.added, plan.changed, plan.requests.upsert, plan.invalid), (150, 0, 2, 0), "{plan:?}");
    assert!(world.records("contacts").await.is_empty());
    world.sql("update customers set city = 'x' where id = 1");
    let options = RunOptions { expected_digest: Some(plan.digest), ..RunOptions::default() };
    let refused = world.run_with(&job, &options).await;
    assert_eq!(refused.error.map(|error| error.code), Some("plan-outdated"));
    assert!(world.records("contacts").await.is_empty());
    world.sql("update customers set city = 'Kraków 1' where id = 1");
    let report = world.run_with(&job, &options).await;
    assert_eq!((report.status, report.requests.upsert), (Status::Ok, 2), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_placeholder_in_thousands_of_rows_makes_these_invalid_and_names_a_few() {
    let world = World::new();
    let mut card = property("card", "string", "text");
    card["hasUniqueValue"] = json!(true);
    world.load(&json!({"properties": {"contacts": [card]}}));
    world.customers(3_000);
    world.sql(
        "alter table customers add column card text; update customers set card = 'none' where id > 2000;
         update customers set email = 'nobody@example.com' where id between 11 and 2000",
    );
    let mut job = world.job();
    job.sync.map.push(column("card", "card"));
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.invalid), (10, 2_990), "{report:?}");
    let issues = world.issues("customers");
    assert!(
        issues["500"].1 == "DUPLICATE_MATCH" && issues["500"].2.contains("11, 12, 13, 14, 15 and 1984 more"),
        "{:?}",
        issues["500"]
    );
    assert!(
        issues["2002"].1 == "DUPLICATE_VALUE" && issues["2002"].2.contains("2001, 2003, 2004, 2005, 2006 and 994 more")
    );
    let contacts = world.by("contacts", "email").await;
    assert!((1..=10).all(|id| contacts.contains_key(&format!("person{id}@example.com"))) && contacts.len() == 10);
}
