//! What earlier runs read of the account: it spares requests, and never makes a row invalid.

use hubward_core::spec::SourceSpec;
use hubward_engine::Status;
use serde_json::json;

use crate::harness::{World, column, property};

/// Looks at the properties among the requests, by their paths: whatever else is asked of the account is asked with them.
async fn questions(world: &World) -> Vec<String> {
    let requests = world.requests().await;
    let paths = requests.iter().map(|request| request["path"].as_str().expect("a path").to_owned());
    paths.filter(|path| path.contains("/crm/properties/")).collect()
}

fn plan(options: &[&str]) -> serde_json::Value {
    let options: Vec<_> = options
        .iter()
        .map(|value| json!({"label": value.to_uppercase(), "value": value, "displayOrder": 0, "hidden": false}))
        .collect();
    json!({"properties": {"contacts": [{"name": "plan", "label": "Plan", "type": "enumeration", "fieldType": "select",
        "groupName": "contactinformation", "options": options}]}})
}

#[tokio::test(start_paused = true)]
async fn a_run_without_changes_asks_for_nothing_but_the_account() {
    let world = World::new();
    world.customers(5);
    world.run(&world.job()).await;
    let before = world.requests().await.len();
    assert_eq!(questions(&world).await.len(), 1, "the properties");
    let report = world.run(&world.job()).await;
    assert_eq!(report.outcomes.unchanged, 5);
    let requests = world.requests().await;
    assert_eq!(requests.len(), before + 1, "{:?}", requests.last());
    assert!(requests[before]["path"].as_str().expect("a path").contains("/account-info/"));
}

#[tokio::test(start_paused = true)]
async fn a_day_later_the_account_is_asked_again() {
    let world = World::new();
    world.customers(1);
    world.run(&world.job()).await;
    tokio::time::advance(std::time::Duration::from_secs(24 * 3600 - 60)).await;
    world.run(&world.job()).await;
    assert_eq!(questions(&world).await.len(), 1);
    tokio::time::advance(std::time::Duration::from_secs(120)).await;
    world.run(&world.job()).await;
    assert_eq!(questions(&world).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_invalid_by_what_is_only_remembered() {
    let world = World::new();
    world.load(&plan(&["gold"]));
    world.customers(3);
    let mut job = world.job();
    job.sync.map.push(column("plan", "plan"));
    world.run(&job).await;

    // A new option: the row that uses it is judged by the account as it is now.
    world.load(&plan(&["gold", "silver"]));
    world.sql("update customers set plan = 'silver' where id = 2");
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 1), "{:?}", world.issues("customers"));
    assert_eq!(questions(&world).await.len(), 2, "read anew once");

    // One that HubSpot does not have either is invalid, after another look.
    world.sql("update customers set plan = 'tin' where id = 3");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.invalid, report.outcomes.unchanged), (1, 2), "{report:?}");
    assert_eq!(questions(&world).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_property_that_is_new_or_of_another_type_is_seen_although_it_is_remembered_otherwise() {
    let world = World::new();
    world.load(&json!({"properties": {"contacts": [property("score", "number", "number")]}}));
    world.customers(3);
    let mut job = world.job();
    job.sync.map.push(column("score", "amount"));
    let report = world.run(&job).await;
    assert_eq!(report.outcomes.applied, 3, "{report:?}");

    world.load(
        &json!({"properties": {"contacts": [property("score", "string", "text"), property("shop", "string", "text")]}}),
    );
    job.sync.map.push(column("shop", "city"));
    world.sql("update customers set amount = 'many' where id = 2");
    let report = world.run(&job).await;
    assert_eq!(
        (report.outcomes.applied, report.outcomes.invalid),
        (3, 0),
        "{report:?} {:?}",
        world.issues("customers")
    );
    let people = world.by("contacts", "email").await;
    assert_eq!(people["person2@example.com"]["properties"]["score"], "many");
    assert_eq!(people["person3@example.com"]["properties"]["shop"], "Kraków 3");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_disproves_what_is_remembered_makes_the_next_run_ask_again() {
    let world = World::new();
    world.load(&plan(&["gold", "tin"]));
    world.customers(2);
    let mut job = world.job();
    job.sync.map.push(column("plan", "plan"));
    world.run(&job).await;
    world.load(&plan(&["gold"]));
    world.sql("update customers set plan = 'tin' where id = 1");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.rejected, questions(&world).await.len()), (1, 1), "{report:?}");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.invalid, questions(&world).await.len()), (1, 2), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_first_load_whose_object_type_is_wrong_says_so_although_the_model_is_read_meanwhile() {
    let world = World::new();
    world.customers(10);
    let mut job = world.job();
    job.sync.map.push(column("no_such_property", "city"));
    let report = world.run(&job).await;
    assert_eq!(report.error.as_ref().map(|error| error.code), Some("unknown-property"), "{report:?}");
    job.sync.object = "spaceships".to_owned();
    job.source = SourceSpec::Sqlite { path: world.folder.path().join("missing.sqlite") };
    let report = world.run(&job).await;
    assert_eq!(report.error.map(|error| error.code), Some("unknown-object-type"));
    assert!(world.records("contacts").await.is_empty());
}
