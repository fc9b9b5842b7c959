//! Records that change under a sync's feet: secondary addresses, changed addresses, merged and deleted records, new keys.

use hubward_core::spec::{Mode, OnMatchChange, OnRemoved};
use hubward_engine::Status;
use serde_json::{Value, json};

use crate::harness::World;

async fn id_of(world: &World, email: &str) -> String {
    world.by("contacts", "email").await[email]["id"].as_str().expect("an id").to_owned()
}

async fn merge(world: &World, primary: &str, other: &str) {
    let body = json!({"primaryObjectId": primary, "objectIdToMerge": other});
    world.call("POST", "/crm/objects/2026-09/contacts/merge", body).await;
}

/// Contact 900 with a primary and a secondary address.
fn two_addresses(world: &World) {
    world.load(&json!({"records": {"contacts": [
        {"id": "900", "properties": {"email": "main@example.com", "hs_additional_emails": "other@example.com", "city": "Wien"}}
    ]}}));
}

#[tokio::test(start_paused = true)]
async fn a_row_with_a_secondary_address_writes_to_the_contact_that_has_it() {
    for (mode, traces) in [(Mode::Upsert, true), (Mode::Upsert, false), (Mode::Update, true)] {
        let world = World::new();
        two_addresses(&world);
        world.customers(1);
        world.sql("update customers set email = 'other@example.com'");
        let mut job = world.job();
        job.sync.mode = mode;
        if !traces {
            // An answer that names no input, as HubSpot's may: the one result is the one input's.
            world.script(|path, body| {
                path.ends_with("/batch/upsert").then(|| {
                    assert_eq!(body["inputs"][0]["id"], "other@example.com");
                    let properties = json!({"email": "main@example.com", "hs_object_id": "900"});
                    (200, json!({"status": "COMPLETE", "results": [{"id": "900", "properties": properties, "new": false}]}))
                })
            });
        }
        let report = world.run(&job).await;
        assert_eq!(
            (report.status, report.outcomes.applied),
            (Status::Ok, 1),
            "{report:?} {:?}",
            world.issues("customers")
        );
        let contacts = world.by("contacts", "email").await;
        assert_eq!(contacts.len(), 1);
        if traces {
            assert_eq!(contacts["main@example.com"]["properties"]["city"], "Kraków 1");
        }
        world.end_script();
        let again = world.run(&job).await;
        assert_eq!((again.outcomes.unchanged, again.requests.total), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_rows_with_the_addresses_of_one_contact_the_second_is_told_and_never_sent_again() {
    let world = World::new();
    two_addresses(&world);
    world.customers(2);
    world.sql("update customers set email = case id when 1 then 'main@example.com' else 'other@example.com' end");
    let job = world.job();
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected), (1, 1), "{report:?}");
    let issues = world.issues("customers");
    let (refused, issue) = issues.first_key_value().expect("one row is told");
    let kept = if refused == "1" { "2" } else { "1" };
    assert!(issue.1 == "RECORD_TAKEN" && issue.2.contains(&format!("primary key {kept}")), "{issue:?}");
    // The next run writes the row that has the record once more, because the other one may have overwritten it.
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.applied, report.outcomes.rejected, report.requests.total), (1, 1, 1), "{report:?}");
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts["main@example.com"]["properties"]["city"], format!("Kraków {kept}"));
    for _ in 0..2 {
        let report = world.run(&job).await;
        assert_eq!(
            (report.outcomes.unchanged, report.outcomes.rejected, report.requests.total),
            (1, 1, 0),
            "{report:?}"
        );
    }
    // With an address of its own it is a row like any other.
    world.sql(&format!("update customers set email = 'own@example.com' where id = {refused}"));
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 1), "{report:?} {:?}", world.issues("customers"));
    let contacts = world.by("contacts", "email").await;
    assert_eq!(contacts.len(), 2);
    assert_eq!(contacts["own@example.com"]["properties"]["city"], format!("Kraków {refused}"));
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn rows_whose_records_were_merged_are_never_written_to_one_record_in_turns() {
    let world = World::new();
    world.customers(4);
    let job = world.job();
    world.run(&job).await;
    let (one, two) = (id_of(&world, "person1@example.com").await, id_of(&world, "person2@example.com").await);
    merge(&world, &one, &two).await;
    world.sql("update customers set city = 'neu ' || id");
    let report = world.run(&job).await;
    assert_eq!(
        (report.outcomes.applied, report.outcomes.rejected),
        (3, 1),
        "{report:?} {:?}",
        world.issues("customers")
    );
    let issues = world.issues("customers");
    let (refused, issue) = issues.first_key_value().expect("one of them is told");
    let kept = if refused == "1" { "2" } else { "1" };
    assert!(issue.1 == "RECORD_TAKEN" && issue.2.contains(&format!("primary key {kept}")), "{issue:?}");
    world.run(&job).await;
    let records = world.records("contacts").await;
    assert_eq!(records.len(), 3);
    let merged: Vec<&Value> = records.iter().map(|record| &record["properties"]["city"]).collect();
    assert!(
        merged.contains(&&json!(format!("neu {kept}"))) && !merged.contains(&&json!(format!("neu {refused}"))),
        "{merged:?}"
    );
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.rejected, report.requests.total), (1, 0), "{report:?}");
    // Once the other row is gone, this one has the record.
    world.sql(&format!("delete from customers where id = {kept}"));
    world.run(&job).await;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.rejected, report.outcomes.unfinished()), (0, 0), "{report:?}");
    assert_eq!(world.records("contacts").await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_record_was_merged_into_a_record_of_no_row_follows_it() {
    let world = World::new();
    world.load(&json!({"records": {"contacts": [{"id": "900", "properties": {"email": "main@example.com"}}]}}));
    world.customers(2);
    let job = world.job();
    world.run(&job).await;
    let old = id_of(&world, "person1@example.com").await;
    merge(&world, "900", &old).await;
    world.sql("update customers set city = 'neu'");
    let report = world.run(&job).await;
    assert_eq!((report.status, report.outcomes.applied), (Status::Ok, 2), "{report:?} {:?}", world.issues("customers"));
    let records = world.records("contacts").await;
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record["properties"]["city"] == "neu"), "{records:?}");
    assert_eq!(world.run(&job).await.requests.total, 0);
}

#[tokio::test(start_paused = true)]
async fn a_changed_address_keeps_the_record_or_finds_another_as_the_sync_says() {
    for rule in [OnMatchChange::Keep, OnMatchChange::Rematch] {
        let world = World::new();
        world.load(&json!({"records": {"contacts": [
            {"id": "900", "properties": {"email": "there@example.com", "city": "Wien", "firstname": "Max"}}
        ]}}));
        world.customers(3);
        let mut job = world.job();
        job.sync.on_match_change = rule;
        world.run(&job).await;
        let before = id_of(&world, "person1@example.com").await;
        // One row takes the address of a contact of no row, one an address that there is none of, and one goes without a city.
        world.sql(
            "update customers set email = 'there@example.com', city = null where id = 1;
             update customers set email = 'new@example.com' where id = 2",
        );
        let report = world.run(&job).await;
        let contacts = world.by("contacts", "email").await;
        if rule == OnMatchChange::Keep {
            // HubSpot gives an address once; the record stays the row's, so the row is refused.
            assert_eq!((report.outcomes.applied, report.outcomes.rejected), (1, 1), "{report:?}");
            assert_eq!(contacts["person1@example.com"]["id"], json!(before));
            assert_eq!(contacts.len(), 4);
            assert!(!contacts.contains_key("person2@example.com"), "the record has the new address");
        } else {
            assert_eq!((report.outcomes.applied, report.outcomes.rejected), (2, 0), "{:?}", world.issues("customers"));
            assert_eq!(contacts["there@example.com"]["properties"]["firstname"], "Zoë 1");
            assert_eq!(
                contacts["there@example.com"]["properties"]["city"], "Wien",
                "what was never ours is left alone"
            );
            assert_eq!(
                contacts["person1@example.com"]["properties"]["city"], "Kraków 1",
                "the old record is as it was"
            );
            assert!(contacts.contains_key("person2@example.com") && contacts.contains_key("new@example.com"));
            let again = world.run(&job).await;
            assert_eq!((again.outcomes.unchanged, again.requests.total), (3, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_deleted_by_hand_is_made_again_or_skipped_and_the_next_run_is_quiet() {
    for gdpr in [false, true] {
        for mode in [Mode::Upsert, Mode::Update] {
            let world = World::new();
            world.customers(3);
            let mut job = world.job();
            world.run(&job).await;
            let id = id_of(&world, "person2@example.com").await;
            if gdpr {
                world.call("POST", "/crm/objects/2026-09/contacts/gdpr-delete", json!({"objectId": id})).await;
            } else {
                world.call("DELETE", &format!("/crm/objects/2026-09/contacts/{id}"), Value::Null).await;
            }
            job.sync.mode = mode;
            world.sql("update customers set city = 'x'");
            let report = world.run(&job).await;
            let people = world.by("contacts", "email").await;
            if mode == Mode::Upsert && gdpr {
                // HubSpot does not take back an address that was deleted for good; that is told, and stays so.
                assert_eq!((report.outcomes.applied, report.outcomes.rejected, people.len()), (2, 1, 2), "{report:?}");
                assert!(world.issues("customers")["2"].2.contains("permanently deleted"));
                let again = world.run(&job).await;
                assert_eq!((again.outcomes.unchanged, again.outcomes.rejected), (2, 1), "{again:?}");
            } else if mode == Mode::Upsert {
                assert_eq!(
                    (report.outcomes.applied, people.len()),
                    (3, 3),
                    "{report:?} {:?}",
                    world.issues("customers")
                );
                assert_eq!(world.run(&job).await.requests.total, 0);
            } else {
                assert_eq!((report.outcomes.applied, report.outcomes.skipped, people.len()), (2, 1, 2), "{report:?}");
                let again = world.run(&job).await;
                assert_eq!((again.outcomes.skipped, again.outcomes.unfinished()), (1, 0), "{again:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_got_a_new_primary_key_keeps_its_contact() {
    for on_removed in [OnRemoved::Keep, OnRemoved::Clear, OnRemoved::Delete] {
        let world = World::new();
        world.customers(10);
        let mut job = world.job();
        job.sync.on_removed = on_removed;
        world.run(&job).await;
        let id = id_of(&world, "person4@example.com").await;
        world.sql("update customers set id = 400 where id = 4");
        let report = world.run(&job).await;
        assert_eq!(report.outcomes.unfinished(), 0, "{report:?} {:?}", world.issues("customers"));
        let people = world.by("contacts", "email").await;
        assert_eq!((people.len(), &people["person4@example.com"]["id"]), (10, &json!(id)), "{on_removed:?}");
        assert_eq!(people["person4@example.com"]["properties"]["city"], "Kraków 4");
        let again = world.run(&job).await;
        assert_eq!((again.outcomes.unchanged, again.requests.total), (10, 0), "{on_removed:?} {again:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_somebody_moved_in_hubspot_makes_no_two_rows_of_one_record() {
    let world = World::new();
    world.customers(2);
    let job = world.job();
    world.run(&job).await;
    let id = id_of(&world, "person1@example.com").await;
    world
        .call(
            "PATCH",
            &format!("/crm/objects/2026-09/contacts/{id}"),
            json!({"properties": {"email": "moved@example.com"}}),
        )
        .await;
    world.sql("insert into customers (id, email, first_name, city) values (3, 'moved@example.com', 'Mo', 'Oslo')");
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.outcomes.rejected), (2, 1), "{report:?}");
    assert_eq!(world.issues("customers")["3"].1, "RECORD_TAKEN");
    world.run(&job).await;
    let report = world.run(&job).await;
    assert_eq!((report.outcomes.unchanged, report.outcomes.rejected, report.requests.total), (2, 1, 0), "{report:?}");
    let people = world.by("contacts", "firstname").await;
    assert_eq!(people["Zoë 1"]["id"], json!(id));
}
