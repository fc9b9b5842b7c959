//! Modes and ways of matching.

use serde_json::json;

use hubward_core::spec::{Mode, OnConflict};
use hubward_engine::Status;

use crate::harness::{INDEXED, World, column, property};

#[tokio::test(start_paused = true)]
async fn update_writes_to_records_that_exist_and_skips_the_rest() {
    let world = World::new();
    world.customers(5);
    world.load(&json!({"records": {"contacts": [
        {"properties": {"email": "person2@example.com"}}, {"properties": {"email": "person4@example.com"}}]}}));
    let mut job = world.job();
    job.sync.mode = Mode::Update;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.skipped), (2, 3), "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), 2);
    assert_eq!(contacts["person4@example.com"]["properties"]["firstname"], json!("Zoë 4"));
    // A record that appears later is found then.
    world.load(&json!({"records": {"contacts": [{"properties": {"email": "person5@example.com"}}]}}));
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.skipped, report.outcomes.unchanged), (1, 2, 2), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn update_by_record_id_rejects_unknown_ids_and_writes_the_others() {
    let world = World::new();
    world.load(&json!({"records": {"contacts": [
        {"id": "501", "properties": {"email": "a@example.com"}}, {"id": "502", "properties": {"email": "b@example.com"}}]}}));
    world.sql(
        "create table customers (id integer, email text, first_name text, city text);
         insert into customers values (1, '501', 'A', 'x'), (2, '999999', 'B', 'x'), (3, '502', 'C', 'x'), (4, 'x', 'D', 'x')",
    );
    let mut job = world.job();
    job.sync.mode = Mode::Update;
    job.sync.match_.property = "id".to_owned();
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected, report.outcomes.invalid), (2, 1, 1), "{report:?}");
    let issues = world.issues("customers");
    assert_eq!(issues["2"].1, "OBJECT_NOT_FOUND", "{issues:?}");
    assert_eq!(issues["4"].1, "INVALID_ID", "{issues:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts["b@example.com"]["properties"]["firstname"], json!("C"));
}

#[tokio::test(start_paused = true)]
async fn insert_makes_new_records_and_never_touches_old_ones() {
    let world = World::new();
    world.customers(5);
    world.load(&json!({"records": {"contacts": [
        {"id": "77", "properties": {"email": "person2@example.com", "firstname": "Old"}}]}}));
    let mut job = world.job();
    job.sync.mode = Mode::Insert;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.skipped), (4, 1), "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts["person2@example.com"]["properties"]["firstname"], json!("Old"));
    assert_eq!(world.run(&job).await.requests.total, 0);
    world.sql("update customers set city = 'moved' where id in (1, 2)");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.skipped, report.requests.total), (2, 0), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_property_that_is_not_unique_is_matched_by_search() {
    let world = World::new();
    world.load(&json!({"records": {"companies": [
        {"id": "11", "properties": {"name": "Old", "domain": "one.example"}},
        {"id": "12", "properties": {"name": "Twin", "domain": "two.example"}},
        {"id": "13", "properties": {"name": "Twin", "domain": "two.example"}}]}}));
    tokio::time::advance(INDEXED).await;
    world.sql(
        "create table customers (id integer primary key, email text, first_name text, city text);
         insert into customers values (1, 'One.example', 'One', 'x'), (2, 'two.example', 'Two', 'x'), (3, 'three.example', 'Three', 'x')",
    );
    let mut job = world.job();
    job.sync.object = "companies".to_owned();
    job.sync.match_.property = "domain".to_owned();
    job.sync.map = vec![column("name", "first_name")];
    let report = world.run(&job).await;
    assert_eq!(
        (report.outcomes.applied, report.outcomes.rejected),
        (2, 1),
        "{report:?} {:?}",
        world.issues("customers")
    );
    let issues = world.issues("customers");
    assert!(issues["2"].2.contains("12") && issues["2"].2.contains("13"), "the hits are named: {issues:?}");
    let companies = world.by("companies", "hs_object_id").await;
    assert_eq!(
        companies["11"]["properties"]["name"],
        json!("One"),
        "the record that was there is the one that changed"
    );
    assert_eq!(companies["12"]["properties"]["name"], json!("Twin"));
    assert!(companies.values().any(|company| company["properties"]["domain"] == json!("three.example")));
    // Known now: no search any more, although the index has not seen the new one.
    world.sql("update customers set first_name = 'Three!' where id = 3");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.requests.update), (1, 1), "{report:?}");
    assert_eq!(world.records("companies").await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_record_deleted_in_hubspot_is_made_again_in_upsert() {
    let world = World::new();
    world.customers(3);
    world.run(&world.job()).await;
    let id = world.by("contacts", "email").await["person2@example.com"]["id"].as_str().expect("an id").to_owned();
    world.call("DELETE", &format!("/crm/v3/objects/contacts/{id}"), serde_json::Value::Null).await;
    world.sql("update customers set city = 'x'");
    let report = world.run(&world.job()).await;
    assert_eq!(report.outcomes.applied, 3, "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), 3);
    assert_ne!(contacts["person2@example.com"]["id"], json!(id));
}

#[tokio::test(start_paused = true)]
async fn a_taken_unique_value_rejects_its_row_alone() {
    let world = World::new();
    world.load(&json!({
        "properties": {"contacts": [{"name": "customer_no", "label": "No", "type": "string", "fieldType": "text",
                                     "groupName": "contactinformation", "hasUniqueValue": true}]},
        "records": {"contacts": [{"id": "900", "properties": {"email": "other@example.com", "customer_no": "C42"}}]}}));
    world.customers(100);
    world.sql("alter table customers add column no text; update customers set no = 'C' || id");
    let mut job = world.job();
    job.sync.map.push(column("customer_no", "no"));
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (99, 1), "{report:?}");
    let issues = world.issues("customers");
    assert_eq!(issues.keys().collect::<Vec<_>>(), ["42"], "{issues:?}");
    assert_eq!(world.records("contacts").await.len(), 100);
    // On the way of an update HubSpot refuses the whole batch; the others go all the same.
    world.sql("update customers set city = 'y'; update customers set no = 'C42' where id = 50; update customers set no = 'D' where id = 42");
    let report = world.run(&job).await;
    assert_eq!(
        (report.outcomes.applied, report.outcomes.rejected),
        (99, 1),
        "{report:?} {:?}",
        world.issues("customers")
    );
    assert_eq!(world.issues("customers").keys().collect::<Vec<_>>(), ["50"]);
}

#[tokio::test(start_paused = true)]
async fn a_contact_with_that_email_is_adopted_or_rejected_as_the_sync_says() {
    for (rule, outcome) in [(OnConflict::Adopt, "applied"), (OnConflict::Reject, "rejected")] {
        let world = World::new();
        let mut unique = property("customer_no", "string", "text");
        unique["hasUniqueValue"] = json!(true);
        world.load(&json!({"properties": {"contacts": [unique]},
            "records": {"contacts": [{"id": "900", "properties": {"email": "person1@example.com"}}]}}));
        world.customers(3);
        let mut job = world.job();
        job.sync.match_.property = "customer_no".to_owned();
        job.sync.match_.column = "id".to_owned();
        job.sync.map.push(column("email", "email"));
        job.sync.on_conflict = rule;
        let report = world.run(&job).await;
        if outcome == "applied" {
            assert_eq!(
                (report.status, report.outcomes.applied),
                (Status::Ok, 3),
                "{report:?} {:?}",
                world.issues("customers")
            );
            let contacts = world.by("contacts", "email").await;
            assert_eq!(contacts["person1@example.com"]["id"], json!("900"));
            assert_eq!(contacts["person1@example.com"]["properties"]["customer_no"], json!("1"));
        } else {
            assert_eq!((report.outcomes.applied, report.outcomes.rejected), (2, 1), "{report:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn split_retries_off_rejects_a_refused_batch_whole() {
    let world = World::new();
    let mut unique = property("customer_no", "string", "text");
    unique["hasUniqueValue"] = json!(true);
    world.load(&json!({"properties": {"contacts": [unique]},
        "records": {"contacts": [{"id": "900", "properties": {"email": "other@example.com", "customer_no": "taken"}}]}}));
    world.customers(50);
    world.sql("alter table customers add column no text");
    let mut job = world.job();
    job.sync.map.push(column("customer_no", "no"));
    world.run(&job).await;
    world.sql("update customers set city = 'y'; update customers set no = 'taken' where id = 5");
    job.sync.split_retries = false;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected, report.requests.total), (0, 50, 1), "{report:?}");
}
