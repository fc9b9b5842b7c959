//! What `on_removed` does to the records of rows that are still in the model, but cannot be written: nothing.

use serde_json::{Value, json};

use hubward_core::spec::{ModelQuery, OnRemoved, RemovalLimit};
use hubward_engine::{Cancel, SyncJob};

use crate::harness::{World, column, property};

/// Ten customers with a key of text and points.
async fn world(on_removed: OnRemoved) -> (World, SyncJob) {
    let world = World::new();
    world.load(&json!({"properties": {"contacts": [property("points", "number", "number")]}}));
    world.customers(10);
    world.sql("alter table customers add column k text; update customers set k = 'k' || id");
    let mut job = world.job();
    job.sync.map.push(column("points", "amount"));
    job.sync.on_removed = on_removed;
    job.sync.max_removals = Some(RemovalLimit::Share(1.0));
    job.model.primary_key = vec!["k".to_owned()];
    job.model.query = ModelQuery::Sql("select * from customers order by id".to_owned());
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.applied, 10, "{report:?}");
    (world, job)
}

async fn cities(world: &World) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let by = world.by("contacts", "email").await;
    by.into_iter().map(|(email, record)| (email, text(&record["properties"]["city"]))).collect()
}

#[tokio::test(start_paused = true)]
async fn the_record_of_an_invalid_row_under_another_key_stays_and_is_its_own_once_the_row_is_mended() {
    let broken = [
        "update customers set k = 'other', amount = 'many' where id = 4",
        "update customers set k = null where id = 4",
        "update customers set k = 'k5' where id = 4",
        "update customers set k = null, amount = 'many' where id = 4",
    ];
    for on_removed in [OnRemoved::Delete, OnRemoved::Clear] {
        for sql in broken {
            let (world, job) = world(on_removed).await;
            let before = cities(&world).await;
            let ids = world.by("contacts", "email").await;
            world.sql(sql);
            world.sql("delete from customers where id = 9");
            let report = world.run(&job).await;
            assert!(report.outcomes.invalid > 0 && report.changes.removed == 2, "{sql}: {report:?}");
            let mut expected = before.clone();
            match on_removed {
                OnRemoved::Delete => expected.retain(|(email, _)| email != "person9@example.com"),
                _ => {
                    let cleared = expected.iter_mut().find(|(email, _)| email == "person9@example.com");
                    cleared.expect("it was there").1.clear();
                }
            }
            assert_eq!(cities(&world).await, expected, "{on_removed:?} {sql}: {report:?}");
            // Nor the next time.
            world.run(&job).await;
            assert_eq!(cities(&world).await, expected, "{on_removed:?} {sql}");
            world.sql("update customers set k = 'mended', amount = '7.5', city = 'neu' where id = 4");
            let report = world.run(&job).await;
            assert_eq!(report.outcomes.unfinished(), 0, "{sql}: {report:?} {:?}", world.issues("customers"));
            let contacts = world.by("contacts", "email").await;
            let person = &contacts["person4@example.com"];
            assert_eq!(
                (&person["id"], &person["properties"]["city"]),
                (&ids["person4@example.com"]["id"], &json!("neu"))
            );
            assert_eq!(contacts.len(), expected.len());
            assert_eq!(world.run(&job).await.requests.total, 0, "{sql}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_with_neither_key_nor_match_value_holds_up_every_removal_and_says_so() {
    let (world, job) = world(OnRemoved::Delete).await;
    let before = cities(&world).await;
    world.sql("update customers set k = null, email = null where id = 4; delete from customers where id = 9");
    let plan = world.engine().await.plan_sync(&job, false, &Cancel::new()).await.expect("a plan");
    assert_eq!((plan.removed, plan.requests.archive), (2, 0), "{plan:?}");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.deferred, report.outcomes.invalid, report.requests.archive), (2, 1, 0), "{report:?}");
    assert!(report.notes.iter().any(|note| note.contains("nothing was done to their records")), "{:?}", report.notes);
    assert_eq!(cities(&world).await, before);
    world.sql("delete from customers where k is null");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (2, 8), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 8);
}
