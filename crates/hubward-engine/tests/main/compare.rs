//! Records that are read before they are written: `compare: hubspot`, `write: if_empty`, `write: append`, `force: true`.

use serde_json::{Value, json};

use hubward_core::spec::{Compare, MapEntry, MapSource, Mode, Nulls, WriteRule};
use hubward_engine::{Cancel, RunOptions, Status, SyncJob};

use crate::harness::{INDEXED, World, column, property};

fn comparing(world: &World) -> SyncJob {
    let mut job = world.job();
    job.sync.compare = Compare::HubSpot;
    job
}

fn ruled(property: &str, source: &str, write: WriteRule) -> MapEntry {
    MapEntry { write, ..column(property, source) }
}

fn forced(source: &str) -> MapEntry {
    MapEntry { force: true, ..column("lifecyclestage", source) }
}

async fn patch(world: &World, email: &str, properties: Value) {
    let path = format!("/crm/v3/objects/contacts/{email}?idProperty=email");
    world.call("PATCH", &path, json!({ "properties": properties })).await;
}

async fn values(world: &World, name: &str) -> Vec<(String, String)> {
    let contacts = world.by("contacts", "email").await;
    let value = |record: &Value| record["properties"][name].as_str().unwrap_or_default().to_owned();
    contacts.iter().map(|(email, record)| (email.clone(), value(record))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(email, value)| ((*email).to_owned(), (*value).to_owned())).collect()
}

/// Bodies of the batch updates of the last run.
async fn updates(world: &World, after: usize) -> Vec<Value> {
    let requests = world.requests().await;
    let is_update = |request: &&Value| request["path"].as_str().is_some_and(|path| path.ends_with("/batch/update"));
    requests[after..].iter().filter(is_update).map(|request| request["body"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_in_hubspot_is_written_back_and_nothing_else_is_sent() {
    let world = World::new();
    world.customers(1_000);
    let first = world.run(&comparing(&world)).await;
    assert_eq!((first.outcomes.applied, first.requests.read, first.requests.upsert), (1_000, 10, 10), "{first:?}");
    patch(&world, "person7@example.com", json!({"city": "Elsewhere"})).await;
    patch(&world, "person8@example.com", json!({"lastname": "Not ours"})).await;
    let before = world.requests().await.len();
    let report = world.run(&comparing(&world)).await;
    assert_eq!((report.status, report.outcomes.applied, report.outcomes.unchanged), (Status::Ok, 1, 999), "{report:?}");
    assert_eq!((report.requests.read, report.requests.update, report.requests.total), (10, 1, 11), "{report:?}");
    let updates = updates(&world, before).await;
    let sent = &updates[0]["inputs"];
    assert_eq!(sent.as_array().map(Vec::len), Some(1), "{sent}");
    assert_eq!(sent[0]["properties"], json!({"city": "Kraków 0"}), "only what differs");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts["person7@example.com"]["properties"]["city"], json!("Kraków 0"));
    assert_eq!(contacts["person8@example.com"]["properties"]["lastname"], json!("Not ours"));
    let third = world.run(&comparing(&world)).await;
    assert_eq!((third.outcomes.unchanged, third.requests.total), (1_000, 10), "{third:?}");
}

#[tokio::test(start_paused = true)]
async fn records_that_hold_everything_before_the_first_run_are_left_as_they_are() {
    let world = World::new();
    world.customers(3);
    world.load(&json!({"records": {"contacts": [
        {"properties": {"email": "person1@example.com", "firstname": "Zoë 1", "city": "Kraków 1"}},
        {"properties": {"email": "person2@example.com", "firstname": "Other", "city": "Kraków 2"}}]}}));
    let before = world.requests().await.len();
    let report = world.run(&comparing(&world)).await;
    assert_eq!((report.outcomes.unchanged, report.outcomes.applied), (1, 2), "{report:?}");
    assert_eq!((report.requests.read, report.requests.update, report.requests.upsert), (1, 1, 1), "{report:?}");
    assert_eq!(updates(&world, before).await[0]["inputs"][0]["properties"], json!({"firstname": "Zoë 2"}));
    assert_eq!(
        values(&world, "firstname").await,
        pairs(&[("person1@example.com", "Zoë 1"), ("person2@example.com", "Zoë 2"), ("person3@example.com", "Zoë 3")])
    );
    assert_eq!(world.run(&comparing(&world)).await.requests.total, 1);
    // What it holds already counts as ours: a value that turns NULL is cleared.
    world.sql("update customers set city = null where id = 1");
    let report = world.run(&comparing(&world)).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (1, 2), "{report:?}");
    assert_eq!(values(&world, "city").await[0].1, "");
}

#[tokio::test(start_paused = true)]
async fn values_in_another_form_than_hubspot_stores_them_are_no_difference() {
    let world = World::new();
    world.load(&json!({"properties": {"contacts": [
        property("spend", "number", "number"), property("since", "date", "date"), property("seen", "datetime", "date"),
        {"name": "vip", "label": "vip", "type": "bool", "fieldType": "booleancheckbox", "groupName": "contactinformation",
         "options": [{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}]},
        {"name": "tags", "label": "tags", "type": "enumeration", "fieldType": "checkbox", "groupName": "contactinformation",
         "options": [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}, {"label": "C", "value": "c"}]}]}}));
    world.sql(
        "create table customers (id integer primary key, email text, spend text, since text, seen text, vip text, tags text);
         insert into customers values (1, 'Ada@Example.com', '12.50', '2020-02-29', '2020-02-29T03:30:17+01:00', 'yes', 'c;a')",
    );
    let mut job = comparing(&world);
    job.sync.map = vec![
        column("email", "email"),
        column("spend", "spend"),
        column("since", "since"),
        column("seen", "seen"),
        column("vip", "vip"),
        column("tags", "tags"),
    ];
    assert_eq!(world.run(&job).await.outcomes.applied, 1);
    patch(&world, "ada@example.com", json!({"spend": "1.25e1", "tags": "a;c"})).await;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.requests.total), (1, 1), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn every_mode_and_every_way_of_matching_compares() {
    let world = World::new();
    world.customers(3);
    world.load(&json!({"records": {"contacts": [
        {"id": "11", "properties": {"email": "person1@example.com", "firstname": "Zoë 1", "city": "Kraków 1"}},
        {"id": "12", "properties": {"email": "person2@example.com", "firstname": "Old", "city": "Kraków 2"}}]}}));
    let mut update = comparing(&world);
    update.sync.mode = Mode::Update;
    let report = world.run(&update).await;
    let outcomes = (report.outcomes.unchanged, report.outcomes.applied, report.outcomes.skipped);
    assert_eq!((outcomes, report.requests.read), ((1, 1, 1), 1), "{report:?}");

    let world = World::new();
    world.load(&json!({"records": {"contacts": [
        {"id": "501", "properties": {"email": "a@example.com", "firstname": "A"}},
        {"id": "502", "properties": {"email": "b@example.com", "firstname": "Old"}}]}}));
    world.sql(
        "create table customers (id integer, email text, first_name text, city text);
         insert into customers values (1, '501', 'A', null), (2, '502', 'B', null), (3, '999999', 'C', 'x')",
    );
    let mut by_id = comparing(&world);
    by_id.sync.mode = Mode::Update;
    by_id.sync.match_.property = "id".to_owned();
    let report = world.run(&by_id).await;
    let outcomes = (report.outcomes.unchanged, report.outcomes.applied, report.outcomes.rejected);
    assert_eq!((outcomes, report.requests.update), ((1, 1, 1), 1), "{report:?} {:?}", world.issues("customers"));
    assert_eq!(values(&world, "firstname").await, pairs(&[("a@example.com", "A"), ("b@example.com", "B")]));

    let world = World::new();
    world.customers(3);
    world.load(&json!({"records": {"companies": [
        {"properties": {"name": "Zoë 1", "domain": "person1@example.com"}},
        {"properties": {"name": "Old", "domain": "person2@example.com"}}]}}));
    tokio::time::advance(INDEXED).await;
    let mut searched = comparing(&world);
    searched.sync.object = "companies".to_owned();
    searched.sync.match_.property = "domain".to_owned();
    searched.sync.map = vec![column("name", "first_name")];
    let report = world.run(&searched).await;
    assert_eq!((report.outcomes.unchanged, report.outcomes.applied), (1, 2), "{report:?}");
    assert_eq!(world.by("companies", "name").await.keys().collect::<Vec<_>>(), ["Zoë 1", "Zoë 2", "Zoë 3"]);
    tokio::time::advance(INDEXED).await;
    let report = world.run(&searched).await;
    assert_eq!((report.outcomes.unchanged, report.requests.read, report.requests.total), (3, 1, 1), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn rows_with_nothing_but_a_match_value_are_compared_by_it() {
    let world = World::new();
    world.customers(3);
    let mut job = comparing(&world);
    job.sync.map.clear();
    assert_eq!(world.run(&job).await.outcomes.applied, 3);
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.requests.total), (3, 1), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_changed_match_value_is_written_to_the_record_that_the_row_has() {
    let world = World::new();
    world.customers(2);
    world.run(&comparing(&world)).await;
    world.sql("update customers set email = 'new@example.com' where id = 1");
    let report = world.run(&comparing(&world)).await;
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (1, 1), "{report:?}");
    assert_eq!(
        values(&world, "firstname").await,
        pairs(&[("new@example.com", "Zoë 1"), ("person2@example.com", "Zoë 2")])
    );
    assert_eq!(world.run(&comparing(&world)).await.outcomes.unchanged, 2);
}

#[tokio::test(start_paused = true)]
async fn records_that_are_gone_are_made_again_in_full_and_merged_ones_are_compared_with_the_survivor() {
    let world = World::new();
    world.customers(4);
    world.run(&comparing(&world)).await;
    let contacts = world.by("contacts", "email").await;
    let id = |person: u32| contacts[&format!("person{person}@example.com")]["id"].as_str().expect("an id").to_owned();
    world.call("DELETE", &format!("/crm/v3/objects/contacts/{}", id(1)), Value::Null).await;
    world.load(&json!({"records": {"contacts": [{"id": "99", "properties": {"email": "other@example.com"}}]}}));
    let body = json!({"primaryObjectId": id(2), "objectIdToMerge": "99"});
    world.call("POST", "/crm/v3/objects/contacts/merge", body).await;
    let report = world.run(&comparing(&world)).await;
    assert_eq!((report.status, report.outcomes.applied, report.outcomes.unchanged), (Status::Ok, 1, 3), "{report:?}");
    assert_eq!(values(&world, "city").await[0], ("person1@example.com".to_owned(), "Kraków 1".to_owned()));
    assert_eq!(world.by("contacts", "email").await.len(), 4);
    assert_eq!(world.run(&comparing(&world)).await.outcomes.unchanged, 4);
}

async fn city(world: &World, person: u32) -> String {
    let contacts = world.by("contacts", "email").await;
    let city = &contacts[&format!("person{person}@example.com")]["properties"]["city"];
    city.as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_property_that_hubspot_has_a_value_for_is_not_overwritten_and_an_empty_one_is_filled() {
    let world = World::new();
    world.customers(250);
    world.load(&json!({"records": {"contacts": [
        {"properties": {"email": "person1@example.com", "city": "Theirs"}},
        {"properties": {"email": "person2@example.com", "city": ""}}]}}));
    let mut job = world.job();
    job.sync.map = vec![column("firstname", "first_name"), ruled("city", "city", WriteRule::IfEmpty)];
    let plan = world.engine().await.plan_sync(&job, false, &Cancel::new()).await.expect("a plan");
    assert_eq!(plan.requests.read, 3, "{plan:?}");
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied, report.requests.read), (Status::Ok, 250, 3), "{report:?}");
    assert_eq!(city(&world, 1).await, "Theirs");
    assert_eq!(city(&world, 2).await, "Kraków 2");
    assert_eq!(city(&world, 250).await, "Kraków 5");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts["person1@example.com"]["properties"]["firstname"], json!("Zoë 1"));
    // It is not asked for again until the row changes.
    assert_eq!(world.run(&job).await.requests.total, 0);
    // Ours is kept too once it is there.
    world.sql(
        "update customers set city = 'Moved' where id in (1, 2, 3); update customers set city = null where id = 4",
    );
    patch(&world, "person3@example.com", json!({"city": ""})).await;
    let report = world.run(&job).await;
    assert_eq!((report.requests.read, report.outcomes.applied), (1, 4), "{report:?}");
    assert_eq!(city(&world, 1).await, "Theirs");
    assert_eq!(city(&world, 2).await, "Kraków 2");
    assert_eq!(city(&world, 3).await, "Moved");
    assert_eq!(city(&world, 4).await, "Kraków 4", "NULL clears nothing");
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_has_nothing_else_to_be_written_is_not_written_at_all() {
    let world = World::new();
    world.customers(3);
    world.load(&json!({"records": {"contacts": [{"properties": {"email": "person1@example.com", "city": "Theirs"}}]}}));
    let mut job = world.job();
    job.sync.map = vec![ruled("city", "city", WriteRule::IfEmpty)];
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.outcomes.applied), (1, 2), "{report:?}");
    assert_eq!((report.requests.read, report.requests.upsert, report.requests.update), (1, 1, 0), "{report:?}");
    assert_eq!((city(&world, 1).await.as_str(), city(&world, 2).await.as_str()), ("Theirs", "Kraków 2"));
    world.sql("update customers set city = 'Moved'");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.requests.total), (3, 1), "{report:?}");
    assert_eq!(city(&world, 2).await, "Kraków 2");
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn rows_without_a_value_for_such_a_property_need_no_reading() {
    let world = World::new();
    world.customers(200);
    world.sql("update customers set city = null where id > 50");
    let mut job = world.job();
    job.sync.map = vec![column("firstname", "first_name"), ruled("city", "city", WriteRule::IfEmpty)];
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.requests.read), (200, 1), "{report:?}");
    assert_eq!(world.by("contacts", "email").await.len(), 200);
}

#[tokio::test(start_paused = true)]
async fn append_adds_options_without_reading_and_null_takes_none_away() {
    let world = World::new();
    world.load(&json!({"properties": {"contacts": [
        {"name": "tags", "label": "tags", "type": "enumeration", "fieldType": "checkbox", "groupName": "contactinformation",
         "options": [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}, {"label": "C", "value": "c"}]}]},
        "records": {"contacts": [{"properties": {"email": "person1@example.com", "tags": "c"}}]}}));
    world.customers(2);
    world.sql("alter table customers add column tags text; update customers set tags = 'a;b'");
    for nulls in [Nulls::Auto, Nulls::Clear] {
        let mut job = world.job();
        job.sync.nulls = nulls;
        job.sync.map = vec![column("firstname", "first_name"), ruled("tags", "tags", WriteRule::Append)];
        world.sql("update customers set tags = 'a;b'");
        let report = world.run(&job).await;
        assert_eq!((report.status, report.requests.read), (Status::Ok, 0), "{report:?}");
        let expected = pairs(&[("person1@example.com", "c;a;b"), ("person2@example.com", "a;b")]);
        assert_eq!(values(&world, "tags").await, expected);
        world.run_with(&job, &RunOptions { full: true, ..RunOptions::default() }).await;
        assert_eq!(values(&world, "tags").await, expected, "added once");
        world.sql("update customers set tags = null where id = 1; update customers set tags = '' where id = 2");
        world.run(&job).await;
        assert_eq!(values(&world, "tags").await, expected);
        assert_eq!(world.run(&job).await.requests.total, 0);
    }
    let mut wrong = world.job();
    wrong.sync.map = vec![ruled("firstname", "first_name", WriteRule::Append)];
    let problems = world.engine().await.check_sync(&wrong).await;
    assert!(problems.iter().any(|problem| problem.code == "append-not-multi"), "{problems:?}");
    assert_eq!(world.run(&wrong).await.error.expect("refused").code, "append-not-multi");
}

/// Customers whose plan is their stage.
fn staged(world: &World, force: bool) -> SyncJob {
    let mut job = world.job();
    let stage = if force { forced("plan") } else { column("lifecyclestage", "plan") };
    job.sync.map = vec![column("firstname", "first_name"), stage];
    job
}

#[tokio::test(start_paused = true)]
async fn a_forced_stage_moves_back_and_forth_in_bulk_and_an_unforced_one_forward_only() {
    let world = World::new();
    world.customers(300);
    world.sql("update customers set plan = 'customer'");
    let report = world.run(&staged(&world, true)).await;
    assert_eq!((report.outcomes.applied, report.requests.upsert), (300, 3), "{report:?}");
    world.sql("update customers set plan = case when id <= 150 then 'lead' else 'evangelist' end");
    let report = world.run(&staged(&world, true)).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 300), "{report:?}");
    // Three reads, three writes, and the 150 that move back are emptied before, spread over these batches.
    assert_eq!(report.requests.read, 3, "{report:?}");
    assert!(report.requests.update <= 6, "{report:?}");
    let stages = values(&world, "lifecyclestage").await;
    assert_eq!(stages.iter().filter(|(_, stage)| stage == "lead").count(), 150);
    assert_eq!(stages.iter().filter(|(_, stage)| stage == "evangelist").count(), 150);
    assert_eq!(world.run(&staged(&world, true)).await.requests.total, 0);

    let world = World::new();
    world.customers(2);
    world.sql("update customers set plan = 'customer'");
    world.run(&staged(&world, false)).await;
    world.sql("update customers set plan = case when id = 1 then 'lead' else 'evangelist' end");
    world.run(&staged(&world, false)).await;
    let expected = pairs(&[("person1@example.com", "customer"), ("person2@example.com", "evangelist")]);
    assert_eq!(values(&world, "lifecyclestage").await, expected);
    // Compared without force, a stage that HubSpot would not move back is no difference for ever.
    let mut compared = staged(&world, false);
    compared.sync.compare = Compare::HubSpot;
    let report = world.run(&compared).await;
    assert_eq!((report.outcomes.unchanged, report.requests.update), (2, 0), "{report:?}");
    assert_eq!(values(&world, "lifecyclestage").await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_hubspots_answer_shows_unmoved_is_cleared_and_written_again() {
    let world = World::new();
    world.customers(2);
    world.sql("update customers set plan = 'customer'");
    world.run(&staged(&world, true)).await;
    world.sql("update customers set plan = 'lead'");
    // The bulk read shows nothing of the stage, so that only the answer to the write tells that it did not move.
    let mut answered = false;
    world.script(move |path, body| {
        let inputs = body["inputs"].as_array().cloned().unwrap_or_default();
        let shown = if path.ends_with("/batch/read") {
            json!({})
        } else if path.ends_with("/batch/update") && !std::mem::replace(&mut answered, true) {
            json!({"lifecyclestage": "customer"})
        } else {
            return None;
        };
        let results: Vec<Value> = inputs.iter().map(|input| json!({"id": input["id"], "properties": shown})).collect();
        Some((200, json!({"status": "COMPLETE", "results": results})))
    });
    let report = world.run(&staged(&world, true)).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2), "{report:?}");
    world.end_script();
    assert_eq!(
        values(&world, "lifecyclestage").await,
        pairs(&[("person1@example.com", "lead"), ("person2@example.com", "lead")])
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_between_clearing_and_writing_is_made_good_by_the_next_one() {
    for compare in [Compare::Ledger, Compare::HubSpot] {
        let world = World::new();
        world.customers(150);
        world.sql("update customers set plan = 'customer'");
        let mut job = staged(&world, true);
        job.sync.compare = compare;
        world.run(&job).await;
        world.sql("update customers set plan = 'lead'");
        // Clearing goes through, and every write after it is lost.
        world.script(|path, body| {
            let clears = body["inputs"][0]["properties"] == json!({"lifecyclestage": ""});
            (path.ends_with("/batch/update") && !clears).then(|| (503, json!({"status": "error", "message": "down"})))
        });
        let report = world.run(&job).await;
        assert_eq!(report.outcomes.deferred, 150, "{report:?}");
        world.end_script();
        assert!(values(&world, "lifecyclestage").await.iter().all(|(_, stage)| stage.is_empty()));
        // Even a row that is as it was before the run that failed is written.
        world.sql("update customers set plan = 'customer' where id <= 75");
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 150), "{report:?}");
        let stages = values(&world, "lifecyclestage").await;
        assert_eq!(stages.iter().filter(|(_, stage)| stage == "customer").count(), 75);
        assert_eq!(stages.iter().filter(|(_, stage)| stage == "lead").count(), 75);
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_at_any_moment_of_a_forced_move_is_made_good_by_the_next_run() {
    let mut cut_short = 0;
    for step in 1..=8 {
        let world = World::new();
        world.customers(150);
        world.sql("update customers set plan = 'customer'");
        let mut job = staged(&world, true);
        job.sync.compare = Compare::HubSpot;
        world.run(&job).await;
        world.sql("update customers set plan = 'lead'");
        cut_short += u32::from(world.run_killed_at(&job, step).await);
        // Half of the rows are what they were before the killed run.
        world.sql("update customers set plan = 'customer' where id <= 75");
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.unfinished()), (Status::Ok, 0), "{step}: {report:?}");
        let stages = values(&world, "lifecyclestage").await;
        assert_eq!(stages.iter().filter(|(_, stage)| stage == "customer").count(), 75, "{step} {stages:?}");
        assert_eq!(stages.iter().filter(|(_, stage)| stage == "lead").count(), 75, "{step}");
        assert_eq!(world.run(&job).await.outcomes.unchanged, 150, "{step}");
    }
    assert_eq!(cut_short, 6, "two reads, two clearings and two writes");
}

#[tokio::test(start_paused = true)]
async fn deals_whose_pipeline_follows_from_the_stage_are_compared_too() {
    let world = World::new();
    world.customers(3);
    let mut job = comparing(&world);
    job.sync.object = "deals".to_owned();
    job.sync.match_.property = "dealname".to_owned();
    job.sync.map = vec![
        column("dealname", "email"),
        MapEntry {
            source: MapSource::Value(hubward_core::Value::Text("Appointment Scheduled".to_owned())),
            ..column("dealstage", "x")
        },
    ];
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 3), "{report:?} {:?}", world.issues("customers"));
    tokio::time::advance(INDEXED).await;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.requests.total), (3, 1), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn faults_while_reading_and_clearing_lose_nothing() {
    let faults = [
        json!({"times": 2, "do": {"status": 502}}),
        json!({"times": 1, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}}),
        json!({"times": 2, "do": {"reset": "after"}}),
        json!({"times": 2, "do": {"reset": "before"}}),
        json!({"times": 1, "do": {"status": 524, "applied": true}}),
        json!({"times": 2, "do": {"drop_result": 1}}),
    ];
    for kind in ["read", "update"] {
        for fault in &faults {
            let world = World::new();
            world.customers(250);
            world.sql("update customers set plan = 'customer'");
            let mut job = staged(&world, true);
            job.sync.compare = Compare::HubSpot;
            job.sync.map.push(ruled("city", "city", WriteRule::IfEmpty));
            world.run(&job).await;
            world.sql("update customers set plan = 'lead', city = 'Moved', first_name = 'Anew ' || id where id <= 150");
            let mut rule = fault.clone();
            rule["match"] = json!({"kind": kind});
            rule["after"] = json!(1);
            world.fault(json!([rule])).await;
            let report = world.run(&job).await;
            assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 150), "{kind} {fault}: {report:?}");
            let contacts = world.by("contacts", "email").await;
            for id in 1..=250 {
                let value = |name: &str| contacts[&format!("person{id}@example.com")]["properties"][name].clone();
                let (stage, name) = if id <= 150 { ("lead", "Anew") } else { ("customer", "Zoë") };
                assert_eq!(value("lifecyclestage"), json!(stage), "{kind} {fault} {id}");
                assert_eq!(value("firstname"), json!(format!("{name} {id}")), "{kind} {fault} {id}");
                assert_eq!(value("city"), json!(format!("Kraków {}", id % 7)), "{kind} {fault} {id}");
            }
            let again = world.run(&job).await;
            assert_eq!((again.outcomes.unchanged, again.requests.update), (250, 0), "{kind} {fault}: {again:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_a_comparing_sync_counts_ten_reads_for_a_thousand_rows() {
    let world = World::new();
    world.customers(1_000);
    world.run(&comparing(&world)).await;
    world.sql("update customers set city = 'x' where id = 1");
    let plan = world.engine().await.plan_sync(&comparing(&world), false, &Cancel::new()).await.expect("a plan");
    assert_eq!((plan.changed, plan.requests.read, plan.requests.update), (1, 10, 1), "{plan:?}");
    let report = world.run(&comparing(&world)).await;
    assert_eq!((report.requests.total, report.outcomes.applied), (plan.requests.total, 1), "{report:?}");
}
