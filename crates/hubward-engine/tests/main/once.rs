//! One row, one record: whatever was killed, merged or deleted on the way.

use serde_json::{Value, json};

use hubward_core::spec::{Compare, Mode};
use hubward_engine::Status;

use crate::harness::{INDEXED, World, column, property};

#[tokio::test(start_paused = true)]
async fn a_record_made_anew_by_a_run_that_was_killed_is_waited_for_and_not_made_again() {
    let world = World::new();
    world.customers(2);
    let mut job = world.job();
    job.sync.object = "companies".to_owned();
    job.sync.match_.property = "domain".to_owned();
    job.sync.map = vec![column("name", "first_name")];
    world.run(&job).await;
    tokio::time::advance(INDEXED).await;
    let id = world.by("companies", "name").await["Zoë 2"]["id"].as_str().expect("an id").to_owned();
    world.call("DELETE", &format!("/crm/objects/2026-09/companies/{id}"), Value::Null).await;
    world.sql("update customers set first_name = 'Neu ' || id");
    assert!(world.run_killed_at(&job, 2).await, "the record is made anew in the second batch");
    let report = world.run(&job).await;
    assert_eq!(report.status, Status::Ok, "{report:?} {:?}", world.issues("customers"));
    let companies = world.by("companies", "name").await;
    assert_eq!(companies.keys().collect::<Vec<_>>(), ["Neu 1", "Neu 2"]);
    tokio::time::advance(INDEXED).await;
    assert_eq!(world.run(&job).await.requests.total, 0);
}

/// Contact 900 with a primary and a secondary address, and a row for each.
fn two_addresses(world: &World, city: &str) {
    world.load(&json!({"records": {"contacts": [{"id": "900", "properties": {
        "email": "main@example.com", "hs_additional_emails": "other@example.com", "firstname": "Max", "city": city}}]}}));
    world.customers(2);
    world.sql("update customers set email = case id when 1 then 'main@example.com' else 'other@example.com' end");
}

#[tokio::test(start_paused = true)]
async fn of_two_new_rows_that_are_looked_up_and_found_to_be_one_contact_one_is_told() {
    for (mode, compare) in
        [(Mode::Update, Compare::Ledger), (Mode::Update, Compare::HubSpot), (Mode::Upsert, Compare::HubSpot)]
    {
        let world = World::new();
        two_addresses(&world, "Wien");
        let mut job = world.job();
        (job.sync.mode, job.sync.compare) = (mode, compare);
        let report = world.run(&job).await;
        assert_eq!((report.outcomes.applied, report.outcomes.rejected), (1, 1), "{mode:?} {compare:?} {report:?}");
        let issues = world.issues("customers");
        let (refused, issue) = issues.first_key_value().expect("one row is told");
        let kept = if refused == "1" { "2" } else { "1" };
        assert!(issue.1 == "RECORD_TAKEN" && issue.2.contains(&format!("primary key {kept}")), "{issue:?}");
        world.run(&job).await;
        let contacts = world.by("contacts", "email").await;
        assert_eq!(contacts.len(), 1);
        assert_eq!(
            contacts["main@example.com"]["properties"]["city"],
            format!("Kraków {kept}"),
            "{mode:?} {compare:?}"
        );
        let report = world.run(&job).await;
        assert_eq!((report.outcomes.unchanged, report.outcomes.rejected), (1, 1), "{report:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_new_rows_whose_one_contact_holds_all_they_say_one_is_told() {
    let world = World::new();
    two_addresses(&world, "Wien");
    world.sql("update customers set first_name = 'Max', city = 'Wien'");
    let mut job = world.job();
    job.sync.compare = Compare::HubSpot;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.outcomes.rejected), (1, 1), "{report:?}");
    assert_eq!(report.requests.update + report.requests.upsert, 0, "{report:?}");
    let issues = world.issues("customers");
    let (_, issue) = issues.first_key_value().expect("one row is told");
    assert_eq!(issue.1, "RECORD_TAKEN", "{issue:?}");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.outcomes.rejected), (1, 1), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_gets_a_record_of_its_own_at_last_gets_it_with_its_match_property() {
    let world = World::new();
    let mut card = property("card", "string", "text");
    card["hasUniqueValue"] = json!(true);
    world.load(&json!({"properties": {"contacts": [card]}}));
    world.customers(2);
    world.sql("alter table customers add column card text; update customers set card = 'C' || id");
    let mut job = world.job();
    job.sync.match_.column = "card".to_owned();
    job.sync.match_.property = "card".to_owned();
    world.run(&job).await;
    let by = world.by("contacts", "card").await;
    let body = json!({"primaryObjectId": by["C1"]["id"], "objectIdToMerge": by["C2"]["id"]});
    world.call("POST", "/crm/objects/2026-09/contacts/merge", body).await;
    world.sql("update customers set city = 'neu ' || id");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (1, 1), "{report:?}");
    let refused = world.issues("customers").into_keys().next().expect("one row is told");
    // The record that is left goes by another card, and the row that has it leaves the model: the cards of both are free.
    let left = world.records("contacts").await[0]["id"].as_str().expect("an id").to_owned();
    let body = json!({"properties": {"card": "other"}});
    world.call("PATCH", &format!("/crm/objects/2026-09/contacts/{left}"), body).await;
    world.sql(&format!("delete from customers where id <> {refused}"));
    job.sync.mode = Mode::Insert;
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.unfinished()), (Status::Ok, 0), "{report:?}");
    let by = world.by("contacts", "card").await;
    assert_eq!(by[&format!("C{refused}")]["properties"]["city"], json!(format!("neu {refused}")), "{by:?}");
    for record in world.records("contacts").await {
        assert!(record["properties"]["card"].is_string(), "no record is without its match property: {record}");
    }
}
