//! `on_removed: clear` and `delete`: what becomes of the records of rows that left the model.

use serde_json::{Value, json};

use hubward_core::spec::{Mode, OnRemoved, RemovalLimit};
use hubward_engine::{RunOptions, Status, SyncJob};

use crate::harness::{World, cancelled, column};

fn removing(world: &World, on_removed: OnRemoved) -> SyncJob {
    let mut job = world.job();
    job.sync.on_removed = on_removed;
    job.sync.max_removals = Some(RemovalLimit::Share(1.0));
    job
}

fn deleting(world: &World) -> SyncJob {
    removing(world, OnRemoved::Delete)
}

fn clearing(world: &World) -> SyncJob {
    removing(world, OnRemoved::Clear)
}

async fn merge(world: &World, primary: &str, other: &str) -> String {
    let body = json!({"primaryObjectId": primary, "objectIdToMerge": other});
    let merged = world.call("POST", "/crm/v3/objects/contacts/merge", body).await;
    merged["id"].as_str().expect("an id").to_owned()
}

async fn id_of(world: &World, person: u32) -> String {
    let contacts = world.by("contacts", "email").await;
    contacts[&format!("person{person}@example.com")]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(start_paused = true)]
async fn delete_archives_the_records_of_removed_rows_in_full_batches_and_no_others() {
    let world = World::new();
    world.customers(600);
    world.run(&deleting(&world)).await;
    world.sql("delete from customers where id <= 250");
    let report = world.run(&deleting(&world)).await;
    assert_eq!((report.status, report.changes.removed), (Status::Ok, 250), "{report:?}");
    assert_eq!((report.outcomes.applied, report.outcomes.unchanged), (250, 350), "{report:?}");
    assert_eq!((report.requests.archive, report.requests.read, report.requests.total), (3, 3, 6), "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), 350);
    assert!((251..=600).all(|id| contacts.contains_key(&format!("person{id}@example.com"))));
    let third = world.run(&deleting(&world)).await;
    assert_eq!((third.requests.total, third.changes.removed), (0, 0), "{third:?}");
}

#[tokio::test(start_paused = true)]
async fn clear_empties_what_this_sync_wrote_and_neither_the_match_property_nor_what_others_wrote() {
    let world = World::new();
    world.customers(3);
    world.sql("update customers set city = null where id = 2");
    world.run(&clearing(&world)).await;
    for person in [1, 2] {
        let id = id_of(&world, person).await;
        let theirs = json!({"properties": {"lastname": "Theirs", "city": "Theirs"}});
        let path = format!("/crm/v3/objects/contacts/{id}");
        world
            .call("PATCH", &path, if person == 1 { json!({"properties": {"lastname": "Theirs"}}) } else { theirs })
            .await;
    }
    world.sql("delete from customers where id in (1, 2)");
    let report = world.run(&clearing(&world)).await;
    assert_eq!((report.status, report.outcomes.applied, report.requests.update), (Status::Ok, 2, 1), "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), 3);
    let value = |person: u32, name: &str| contacts[&format!("person{person}@example.com")]["properties"][name].clone();
    for person in [1, 2] {
        assert!(value(person, "firstname").as_str().unwrap_or_default().is_empty(), "{contacts:?}");
        assert_eq!(value(person, "lastname"), json!("Theirs"));
    }
    assert!(value(1, "city").as_str().unwrap_or_default().is_empty());
    assert_eq!(value(2, "city"), json!("Theirs"), "the row never wrote a city");
    assert_eq!((value(3, "firstname"), value(3, "city")), (json!("Zoë 3"), json!("Kraków 3")));
    assert_eq!(world.run(&clearing(&world)).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_comes_back_is_made_again_after_delete_and_filled_again_after_clear() {
    for on_removed in [OnRemoved::Delete, OnRemoved::Clear] {
        let world = World::new();
        world.customers(3);
        let job = removing(&world, on_removed);
        world.run(&job).await;
        world.sql("create table away as select * from customers where id = 2; delete from customers where id = 2");
        world.run(&job).await;
        world.sql("insert into customers select * from away");
        let report = world.run(&job).await;
        assert_eq!((report.changes.added, report.outcomes.applied), (1, 1), "{report:?}");
        let contacts = world.by("contacts", "email").await;
        assert_eq!(contacts.len(), 3);
        assert_eq!(contacts["person2@example.com"]["properties"]["firstname"], json!("Zoë 2"));
        assert_eq!(world.run(&job).await.requests.total, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_run_removes_and_a_limited_one_does_not_look_for_removed_rows() {
    let world = World::new();
    world.customers(10);
    world.run(&deleting(&world)).await;
    world.sql("delete from customers where id = 10");
    let limited = RunOptions { limit: Some(3), ..RunOptions::default() };
    let report = world.run_with(&deleting(&world), &limited).await;
    assert_eq!((report.changes.removed, report.requests.archive), (0, 0), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 10);
    let report = world.run_with(&deleting(&world), &RunOptions { full: true, ..RunOptions::default() }).await;
    assert_eq!((report.changes.removed, report.requests.archive), (1, 1), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_another_row_of_the_model_holds_is_left_alone() {
    for on_removed in [OnRemoved::Delete, OnRemoved::Clear] {
        let world = World::new();
        world.customers(3);
        let job = removing(&world, on_removed);
        world.run(&job).await;
        let id = id_of(&world, 2).await;
        world.sql("update customers set id = 20, first_name = 'Anew' where id = 2");
        let report = world.run(&job).await;
        assert_eq!((report.changes.added, report.changes.removed), (1, 1), "{report:?}");
        assert_eq!((report.status, report.outcomes.applied, report.outcomes.skipped), (Status::Ok, 1, 1), "{report:?}");
        assert!(report.notes[0].contains("1 left alone"), "{report:?}");
        let contacts = world.by("contacts", "email").await;
        assert_eq!(contacts.len(), 3);
        assert_eq!(contacts["person2@example.com"]["id"], json!(id));
        assert_eq!(contacts["person2@example.com"]["properties"]["firstname"], json!("Anew"));
        assert_eq!(world.run(&job).await.changes.removed, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_waits_while_a_new_row_with_its_match_value_is_not_through() {
    let world = World::new();
    world.customers(3);
    world.run(&deleting(&world)).await;
    world.sql("update customers set id = 20 where id = 2");
    world.fault(json!([{"match": {"kind": "upsert"}, "after": 0, "times": 100, "do": {"status": 503}}])).await;
    let report = world.run(&deleting(&world)).await;
    assert_eq!((report.outcomes.deferred, report.requests.archive), (2, 0), "{report:?}");
    world.fault(json!([])).await;
    let report = world.run(&deleting(&world)).await;
    assert_eq!((report.status, report.outcomes.applied, report.outcomes.skipped), (Status::Ok, 1, 1), "{report:?}");
    assert_eq!(world.by("contacts", "email").await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_a_known_row_takes_over_is_free_once_the_removed_record_is_gone() {
    let world = World::new();
    world.customers(3);
    world.run(&deleting(&world)).await;
    world.sql("delete from customers where id = 1; update customers set email = 'Person1@example.com' where id = 2");
    world.run(&deleting(&world)).await;
    let report = world.run(&deleting(&world)).await;
    assert_eq!((report.status, report.outcomes.unfinished()), (Status::Ok, 0), "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.keys().collect::<Vec<_>>(), ["person1@example.com", "person3@example.com"]);
    assert_eq!(contacts["person1@example.com"]["properties"]["firstname"], json!("Zoë 2"));
}

#[tokio::test(start_paused = true)]
async fn the_survivor_of_a_merge_that_a_row_of_the_model_holds_is_neither_deleted_nor_cleared() {
    for on_removed in [OnRemoved::Delete, OnRemoved::Clear] {
        let world = World::new();
        world.customers(3);
        let job = removing(&world, on_removed);
        world.run(&job).await;
        let survivor = merge(&world, &id_of(&world, 2).await, &id_of(&world, 1).await).await;
        world.sql("delete from customers where id = 1");
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.skipped), (Status::Ok, 1), "{report:?}");
        let contacts = world.by("contacts", "email").await;
        assert_eq!(contacts["person2@example.com"]["id"], json!(survivor));
        assert_eq!(contacts["person2@example.com"]["properties"]["firstname"], json!("Zoë 2"));
        assert_eq!(world.run(&job).await.changes.removed, 0);
    }
}

/// Primary ID preservation (api.md 3.10): the id of the removed row survives, and the living row's was merged into it.
#[tokio::test(start_paused = true)]
async fn a_record_into_which_that_of_a_living_row_was_merged_is_left_alone_when_it_kept_its_id() {
    let world = World::new();
    world.customers(2);
    world.run(&deleting(&world)).await;
    let (kept, away) = (id_of(&world, 1).await, id_of(&world, 2).await);
    world.script(move |path, _| {
        path.ends_with("/batch/read").then(|| {
            let properties = json!({"hs_merged_object_ids": away, "hs_object_id": kept});
            (200, json!({"status": "COMPLETE", "results": [{"id": kept, "properties": properties}]}))
        })
    });
    world.sql("delete from customers where id = 1");
    let report = world.run(&deleting(&world)).await;
    assert_eq!((report.outcomes.skipped, report.requests.archive), (1, 0), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 2);
}

/// The other reading of api.md 3.6: an id that was merged away is left out of a batch answer without a word.
#[tokio::test(start_paused = true)]
async fn an_id_that_the_bulk_read_leaves_out_is_read_by_itself_before_it_is_touched() {
    let world = World::new();
    world.customers(3);
    world.run(&deleting(&world)).await;
    merge(&world, &id_of(&world, 2).await, &id_of(&world, 1).await).await;
    world.script(|path, _| path.ends_with("/batch/read").then(|| (200, json!({"status": "COMPLETE", "results": []}))));
    world.sql("delete from customers where id = 1");
    let report = world.run(&deleting(&world)).await;
    assert_eq!((report.outcomes.skipped, report.requests.archive), (1, 0), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_removed_rows_that_were_merged_into_one_record_are_removed_with_it() {
    for on_removed in [OnRemoved::Delete, OnRemoved::Clear] {
        let world = World::new();
        world.customers(3);
        let job = removing(&world, on_removed);
        world.run(&job).await;
        merge(&world, &id_of(&world, 2).await, &id_of(&world, 1).await).await;
        world.sql("delete from customers where id in (1, 2)");
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2), "{report:?}");
        let contacts = world.by("contacts", "email").await;
        match on_removed {
            OnRemoved::Delete => assert_eq!(contacts.keys().collect::<Vec<_>>(), ["person3@example.com"]),
            _ => assert_eq!(contacts["person2@example.com"]["properties"]["firstname"].as_str().unwrap_or(""), ""),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn records_that_are_gone_already_count_as_deleted_and_are_skipped_when_they_were_to_be_cleared() {
    for (on_removed, applied, skipped) in [(OnRemoved::Delete, 1, 0), (OnRemoved::Clear, 0, 1)] {
        let world = World::new();
        world.customers(3);
        let job = removing(&world, on_removed);
        world.run(&job).await;
        let id = id_of(&world, 1).await;
        world.call("DELETE", &format!("/crm/v3/objects/contacts/{id}"), Value::Null).await;
        world.sql("delete from customers where id = 1");
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.applied, report.outcomes.skipped), (Status::Ok, applied, skipped));
        assert_eq!((report.requests.archive, report.requests.update), (0, 0), "{report:?}");
        assert_eq!(world.run(&job).await.changes.removed, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_required_property_cannot_be_emptied_so_the_row_is_rejected_and_stays() {
    let world = World::new();
    world.customers(150);
    world.sql("update customers set city = null where id > 120");
    world.run(&clearing(&world)).await;
    world.load(&json!({"rules": [{"objectType": "contacts", "property": "city", "type": "REQUIRED"}]}));
    world.sql("delete from customers where id between 100 and 125");
    let report = world.run(&clearing(&world)).await;
    assert_eq!((report.status, report.outcomes.rejected), (Status::Partial, 21), "{report:?}");
    assert_eq!(report.outcomes.applied + 21, report.changes.removed, "{report:?}");
    let issues = world.issues("customers");
    assert_eq!(issues["110"].0, "rejected");
    assert!(issues["110"].2.contains("city"), "{issues:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts["person110@example.com"]["properties"]["firstname"], json!("Zoë 110"), "nothing was written");
    // It stays removed, and is tried again.
    assert_eq!(world.run(&clearing(&world)).await.outcomes.rejected, 21);
    // One that comes back is written as it is, and its issue is gone.
    world.sql("insert into customers values (110, 'Person110@example.com', 'Back', 'Kraków', '1', 'gold')");
    let report = world.run(&clearing(&world)).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (1, 20), "{report:?}");
    assert!(!world.issues("customers").contains_key("110"));
}

#[tokio::test(start_paused = true)]
async fn what_a_schema_requires_is_not_even_tried_to_be_emptied() {
    let world = World::new();
    world.load(&json!({"schemas": [{
        "name": "plants", "labels": {"singular": "Plant", "plural": "Plants"}, "primaryDisplayProperty": "name",
        "requiredProperties": ["name"], "searchableProperties": ["name"], "associatedObjects": [],
        "properties": [
            {"name": "code", "label": "Code", "type": "string", "fieldType": "text", "hasUniqueValue": true},
            {"name": "name", "label": "Name", "type": "string", "fieldType": "text"},
            {"name": "bed", "label": "Bed", "type": "string", "fieldType": "text"}]}]}));
    world.customers(3);
    let mut job = clearing(&world);
    job.sync.object = "plants".to_owned();
    job.sync.match_.property = "code".to_owned();
    job.sync.map = vec![column("name", "first_name"), column("bed", "city")];
    assert_eq!(world.run(&job).await.outcomes.applied, 3);
    world.sql("delete from customers where id = 2");
    for _ in 0..2 {
        let report = world.run(&job).await;
        assert_eq!((report.status, report.outcomes.invalid), (Status::Partial, 1), "{report:?}");
        assert_eq!(report.requests.total, 0, "{report:?}");
        assert_eq!(world.issues("customers")["2"].1, "REQUIRED_PROPERTY_CLEARED");
    }
    assert_eq!(world.by("plants", "name").await.len(), 3);
    job.sync.on_removed = OnRemoved::Delete;
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 1), "{report:?}");
    assert_eq!(world.by("plants", "name").await.keys().collect::<Vec<_>>(), ["Zoë 1", "Zoë 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_insert_left_alone_is_not_deleted_by_a_later_upsert_sync() {
    let world = World::new();
    world.customers(2);
    world
        .load(&json!({"records": {"contacts": [{"properties": {"email": "person1@example.com", "lastname": "Old"}}]}}));
    let mut insert = world.job();
    insert.sync.mode = Mode::Insert;
    assert_eq!(world.run(&insert).await.outcomes.skipped, 1);
    world.sql("delete from customers");
    let allowed = RunOptions { allow_empty: true, ..RunOptions::default() };
    let report = world.run_with(&deleting(&world), &allowed).await;
    assert_eq!((report.outcomes.applied, report.outcomes.skipped), (1, 1), "{report:?}");
    assert_eq!(world.by("contacts", "email").await.keys().collect::<Vec<_>>(), ["person1@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn faults_while_removing_lose_no_row_and_touch_no_other() {
    let faults = [
        json!({"times": 2, "do": {"status": 502}}),
        json!({"times": 1, "do": {"status": 423}}),
        json!({"times": 2, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}}),
        json!({"times": 2, "do": {"reset": "after"}}),
        json!({"times": 2, "do": {"reset": "before"}}),
        json!({"times": 1, "do": {"status": 524, "applied": true}}),
    ];
    for (on_removed, kind) in
        [(OnRemoved::Delete, "archive"), (OnRemoved::Clear, "update"), (OnRemoved::Delete, "read")]
    {
        for fault in &faults {
            let world = World::new();
            world.customers(300);
            let job = removing(&world, on_removed);
            world.run(&job).await;
            world.sql("delete from customers where id <= 150");
            let mut rule = fault.clone();
            rule["match"] = json!({"kind": kind});
            rule["after"] = json!(1);
            world.fault(json!([rule])).await;
            let report = world.run(&job).await;
            assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 150), "{kind} {fault}: {report:?}");
            let hit = world.requests().await.iter().filter(|request| !request["fault"].is_null()).count();
            assert_eq!(Some(hit as u64), fault["times"].as_u64(), "{kind} {fault}: the fault strikes");
            gone(&world, on_removed, 150, 300).await;
            assert_eq!(world.run(&job).await.requests.total, 0);
        }
    }
}

/// Rows `1..=removed` are gone from HubSpot, or emptied there; the others are as they were.
async fn gone(world: &World, on_removed: OnRemoved, removed: u32, rows: u32) {
    let contacts = world.by("contacts", "email").await;
    for id in 1..=rows {
        let contact = contacts.get(&format!("person{id}@example.com"));
        let name = contact.and_then(|contact| contact["properties"]["firstname"].as_str()).unwrap_or_default();
        match (id <= removed, on_removed) {
            (true, OnRemoved::Delete) => assert!(contact.is_none(), "{id} is still there"),
            (true, _) => assert!(contact.is_some() && name.is_empty(), "{id}: {contact:?}"),
            (false, _) => assert_eq!(name, format!("Zoë {id}")),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_result_of_a_clear_is_asked_for_again() {
    let world = World::new();
    world.customers(300);
    world.run(&clearing(&world)).await;
    world.sql("delete from customers where id <= 150");
    world.fault(json!([{"match": {"kind": "update"}, "after": 0, "times": 2, "do": {"drop_result": 1}}])).await;
    let report = world.run(&clearing(&world)).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 150), "{report:?}");
    gone(&world, OnRemoved::Clear, 150, 300).await;
}

/// A killed run is one whose archive was done and whose answer never came: the ledger still has the rows.
#[tokio::test(start_paused = true)]
async fn a_run_after_a_kill_finishes_what_the_first_one_began() {
    for (on_removed, kind) in [(OnRemoved::Delete, "archive"), (OnRemoved::Clear, "update")] {
        let world = World::new();
        world.customers(300);
        let job = removing(&world, on_removed);
        world.run(&job).await;
        world
            .sql("create table away as select * from customers where id <= 150; delete from customers where id <= 150");
        world.fault(json!([{"match": {"kind": kind}, "after": 0, "times": 100, "do": {"reset": "after"}}])).await;
        let report = world.run(&job).await;
        assert_eq!(report.outcomes.deferred, 150, "{report:?}");
        gone(&world, on_removed, 150, 300).await;
        world.fault(json!([])).await;
        // Half of them are back before the next run: what was done to their records is undone.
        world.sql("insert into customers select * from away where id <= 75");
        let report = world.run(&job).await;
        assert_eq!((report.status, report.changes.removed), (Status::Ok, 75), "{report:?}");
        assert_eq!(report.outcomes.applied + report.outcomes.skipped, 150, "{report:?}");
        let contacts = world.by("contacts", "email").await;
        for id in (1..=75).chain(151..=300) {
            let contact = &contacts[&format!("person{id}@example.com")];
            assert_eq!(contact["properties"]["firstname"], json!(format!("Zoë {id}")), "{kind} {id}");
            assert_eq!(contact["properties"]["city"], json!(format!("Kraków {}", id % 7)), "{kind} {id}");
        }
        assert_eq!(contacts.len(), if on_removed == OnRemoved::Delete { 225 } else { 300 });
        assert_eq!(world.run(&job).await.requests.total, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_at_any_moment_of_a_removal_is_made_good_by_the_next_run() {
    for on_removed in [OnRemoved::Delete, OnRemoved::Clear] {
        let mut cut_short = 0;
        for step in 1..=6 {
            let world = World::new();
            world.customers(250);
            let job = removing(&world, on_removed);
            world.run(&job).await;
            world.sql(
                "create table away as select * from customers where id <= 150; delete from customers where id <= 150",
            );
            cut_short += u32::from(world.run_killed_at(&job, step).await);
            world.sql("insert into customers select * from away where id <= 75");
            let report = world.run(&job).await;
            assert_eq!((report.status, report.outcomes.unfinished()), (Status::Ok, 0), "{step}: {report:?}");
            let contacts = world.by("contacts", "email").await;
            for id in (1..=75).chain(151..=250) {
                let contact = &contacts[&format!("person{id}@example.com")];
                assert_eq!(contact["properties"]["firstname"], json!(format!("Zoë {id}")), "{step} {id}");
            }
            for id in 76..=150 {
                let contact = contacts.get(&format!("person{id}@example.com"));
                let name = contact.and_then(|contact| contact["properties"]["firstname"].as_str()).unwrap_or_default();
                assert!(name.is_empty() && contact.is_some() == (on_removed == OnRemoved::Clear), "{step} {id}");
            }
            assert_eq!(world.run(&job).await.requests.total, 0, "{step}");
        }
        assert_eq!(cut_short, 4, "two reads and two writes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_with_nothing_but_its_match_value_comes_back_after_a_kill_too() {
    let world = World::new();
    world.customers(2);
    let mut job = deleting(&world);
    job.sync.map.clear();
    world.run(&job).await;
    world.sql("create table away as select * from customers where id = 2; delete from customers where id = 2");
    assert!(world.run_killed_at(&job, 2).await, "the archive is the second batch");
    assert_eq!(world.by("contacts", "email").await.len(), 1);
    world.sql("insert into customers select * from away");
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 1), "{report:?}");
    assert_eq!(world.by("contacts", "email").await.len(), 2);
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_defers_removals_and_a_failed_one_does_not_begin_them() {
    let world = World::new();
    world.customers(10);
    world.run(&deleting(&world)).await;
    world.sql("delete from customers where id = 1; update customers set city = 'x' where id = 2");
    let report = world.run_with(&deleting(&world), &cancelled()).await;
    assert_eq!((report.status, report.requests.archive), (Status::Failed, 0), "{report:?}");
    world
        .fault(
            json!([{"match": {"kind": "update"}, "after": 0, "times": 100, "do": {"status": 429, "policy": "DAILY"}}]),
        )
        .await;
    let report = world.run(&deleting(&world)).await;
    assert_eq!((report.status, report.outcomes.deferred), (Status::Failed, 2), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 10);
    world.fault(json!([])).await;
    let report = world.run(&deleting(&world)).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_to_delete_stops_the_run_with_every_removal_deferred() {
    let world = World::new();
    world.customers(300);
    world.run(&deleting(&world)).await;
    world.sql("delete from customers where id <= 150");
    world.fault(json!([{"match": {"kind": "archive"}, "after": 0, "times": 100, "do": {"status": 403}}])).await;
    let report = world.run(&deleting(&world)).await;
    assert_eq!((report.status, report.outcomes.deferred), (Status::Failed, 150), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 300);
}

#[tokio::test(start_paused = true)]
async fn more_removals_than_the_catch_allows_stop_the_run_before_anything_is_sent() {
    for on_removed in [OnRemoved::Delete, OnRemoved::Clear] {
        let world = World::new();
        world.customers(10);
        let mut job = removing(&world, on_removed);
        job.sync.max_removals = None;
        world.run(&job).await;
        world.sql("delete from customers where id <= 3; insert into customers values (11, 'new@example.com', 'N', 'x', '', '')");
        let before = world.requests().await.len();
        let plan = world.engine().await.plan_sync(&job, false, &hubward_engine::Cancel::new()).await.expect("a plan");
        assert_eq!((plan.removed, plan.requests.read, plan.warnings.len()), (3, 1, 2), "{plan:?}");
        assert_eq!(plan.requests.archive + plan.requests.update, 1, "{plan:?}");
        let report = world.run(&job).await;
        let error = report.error.clone().expect("it stops");
        assert_eq!((error.code, report.sent, report.requests.total), ("too-many-removals", false, 0), "{report:?}");
        assert!(error.message.contains("3 of 10 rows"), "{error:?}");
        assert!(error.help.unwrap_or_default().contains("--allow-removals"));
        let writes = world.requests().await;
        assert!(writes[before..].iter().all(|request| request["method"] == json!("GET")), "{writes:?}");
        // Two of ten are a fifth; and the flag lifts the catch.
        world.sql("insert into customers values (3, 'Person3@example.com', 'Zoë 3', 'Kraków 3', '', 'gold')");
        assert_eq!(world.run(&job).await.status, Status::Ok);
        world.sql("delete from customers where id > 6");
        let allowed = RunOptions { allow_removals: true, ..RunOptions::default() };
        assert_eq!(world.run_with(&job, &allowed).await.status, Status::Ok);
        let filled = world.records("contacts").await;
        let filled =
            filled.iter().filter(|record| !record["properties"]["firstname"].as_str().unwrap_or("").is_empty());
        assert_eq!(filled.count(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn the_catch_takes_a_number_of_rows_and_keep_knows_no_catch() {
    let world = World::new();
    world.customers(10);
    let mut job = deleting(&world);
    job.sync.max_removals = Some(RemovalLimit::Rows(2));
    world.run(&job).await;
    world.sql("delete from customers where id <= 3");
    assert_eq!(world.run(&job).await.error.expect("it stops").code, "too-many-removals");
    let report = world.run(&world.job()).await;
    assert_eq!((report.status, report.outcomes.skipped), (Status::Ok, 3), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn records_of_custom_and_searched_types_are_removed_too() {
    let world = World::new();
    world.customers(30);
    let mut job = deleting(&world);
    job.sync.object = "companies".to_owned();
    job.sync.match_.property = "domain".to_owned();
    job.sync.map = vec![column("name", "first_name")];
    world.run(&job).await;
    world.sql("delete from customers where id <= 5");
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied, report.requests.archive), (Status::Ok, 5, 1), "{report:?}");
    assert_eq!(world.by("companies", "name").await.len(), 25);
}
