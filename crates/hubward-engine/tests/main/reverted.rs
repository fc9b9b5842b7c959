//! Runs that end early, and what is taken back before the next one: a mapping, a value. What HubSpot was sent meanwhile is
//! put right, whether the ledger heard of it or not.

use serde_json::json;

use hubward_core::spec::{Mode, OnMatchChange};
use hubward_engine::{RunOptions, Status};

use crate::harness::{World, column, property};

/// Every customer's record holds what the source says.
async fn as_in_source(world: &World, rows: u32) {
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), rows as usize);
    for id in 1..=rows {
        let held = &contacts[&format!("person{id}@example.com")]["properties"];
        assert_eq!(held["firstname"], json!(format!("Zoë {id}")), "{held}");
        assert_eq!(held["city"], json!(format!("Kraków {}", id % 7)), "{held}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_was_tried_on_some_rows_and_taken_back_leaves_none_of_its_values() {
    let world = World::new();
    world.customers(10);
    let job = world.job();
    world.run(&job).await;
    let mut tried = world.job();
    tried.sync.map = vec![column("firstname", "city"), column("city", "first_name")];
    let report = world.run_with(&tried, &RunOptions { limit: Some(4), ..RunOptions::default() }).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 4), "{report:?}");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (4, 6), "{report:?}");
    as_in_source(&world, 10).await;
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_was_taken_back_after_a_kill_is_taken_back_in_hubspot_too() {
    for mode in [Mode::Upsert, Mode::Update] {
        let world = World::new();
        world.customers(3);
        world.sql("update customers set city = null where id = 2");
        let mut job = world.job();
        world.run(&job).await;
        job.sync.mode = mode;
        world.run(&job).await;
        world.sql("update customers set city = 'neu'");
        assert!(world.run_killed_at(&job, 1).await, "the update is the first batch");
        assert_eq!(world.by("contacts", "email").await["person3@example.com"]["properties"]["city"], json!("neu"));
        world.sql("update customers set city = case when id <> 2 then 'Kraków ' || id end");
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 3), "{report:?}");
        let contacts = world.by("contacts", "email").await;
        for id in [1, 3] {
            assert_eq!(
                contacts[&format!("person{id}@example.com")]["properties"]["city"],
                json!(format!("Kraków {id}"))
            );
        }
        // A city that the ledger never heard of is emptied all the same.
        let city = &contacts["person2@example.com"]["properties"]["city"];
        assert!(city.as_str().unwrap_or_default().is_empty(), "{city}");
        let again = world.run(&job).await;
        assert_eq!((again.outcomes.unchanged, again.requests.total), (3, 0), "{again:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_refused_under_a_new_match_is_no_unchanged_row_afterwards() {
    let world = World::new();
    world.load(
        &json!({"properties": {"contacts": [property("one", "string", "text"), property("two", "string", "text")]}}),
    );
    world.customers(3);
    world.sql(
        "alter table customers add column other text; update customers set other = 'other' || id || '@example.com'",
    );
    let mut job = world.job();
    job.sync.on_match_change = OnMatchChange::Rematch;
    job.sync.map.extend([column("one", "email"), column("two", "other")]);
    world.run(&job).await;
    // The same columns, so no fingerprint changes: only the mapping says that every row has another record now.
    job.sync.match_.column = "other".to_owned();
    world.script(|path, body| {
        let refused = path.ends_with("/batch/upsert") && body.to_string().contains("other2@");
        let text = "city is not one of the allowed options";
        let inner = json!([{"isValid": false, "message": text, "error": "INVALID_OPTION", "name": "city"}]);
        refused.then(|| {
            let message = format!("Property values were not valid: {inner}");
            (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": message, "correlationId": "c"}))
        })
    });
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (2, 1), "{report:?}");
    world.end_script();
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (1, 2), "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), 6);
    assert_eq!(contacts["other2@example.com"]["properties"]["firstname"], json!("Zoë 2"));
    assert_eq!(world.run(&job).await.requests.total, 0);
}
