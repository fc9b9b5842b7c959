//! Calls under lost answers, throttling, refusals and kills: nothing is lost, and nothing is there twice.

use std::sync::Arc;

use hubward_core::Outcome;
use hubward_core::spec::Mode;
use hubward_engine::Cancel;
use hubward_engine::door::{DoorMemory, Match, Record};
use serde_json::json;

use crate::door::{all, by, codes, door, firms, intents, open, people, target, values};
use crate::harness::{INDEXED, World, copy_folder};

async fn struck(world: &World, times: usize) {
    let requests = world.requests().await;
    let hit = requests.iter().filter(|request| !request["fault"].is_null()).count();
    assert_eq!(hit, times, "the fault strikes as scripted");
}

/// Everybody is there once, with the right name.
async fn everybody(world: &World, count: u32) {
    let held = values(world, "contacts", "email", "firstname").await;
    assert_eq!(held.len(), count as usize);
    for id in 1..=count {
        assert_eq!(held[&format!("person{id}@example.com")], format!("Zoë {id}"));
    }
}

#[tokio::test(start_paused = true)]
async fn upserts_are_repeated_until_each_has_its_answer() {
    let faults = [
        json!({"status": 502}),
        json!({"status": 429, "policy": "TEN_SECONDLY_ROLLING"}),
        json!({"status": 423}),
        json!({"reset": "after"}),
        json!({"reset": "before"}),
        json!({"status": 524, "applied": true}),
        json!({"drop_result": 1}),
    ];
    for fault in faults {
        let world = World::new();
        let door = door(&world).await;
        let contacts = target(&door, "contacts", by("email"), Mode::Upsert).await;
        world.fault(json!([{"match": {"kind": "upsert"}, "after": 1, "times": 1, "do": fault}])).await;
        let answered = door.write(&contacts, people(250)).await;
        assert!(all(&answered, Outcome::Applied), "{fault}: {answered:?}");
        struck(&world, 1).await;
        everybody(&world, 250).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_value_is_rejected_with_hubspots_reason_and_its_neighbours_are_written() {
    let world = World::new();
    let door = door(&world).await;
    let contacts = target(&door, "contacts", by("email"), Mode::Upsert).await;
    let mut records = people(100);
    // Past the catalogue: as if the options had changed since it was read.
    records[40].set("lifecyclestage", "no such stage");
    let answered = door.write(&contacts, records).await;
    for (at, settled) in answered.outcomes.iter().enumerate() {
        if at == 40 {
            assert_eq!(settled.outcome, Outcome::Rejected, "{settled:?}");
            let reason = settled.reason.as_ref().expect("a reason");
            assert_eq!(reason.property.as_deref(), Some("lifecyclestage"));
        } else {
            assert_eq!(settled.outcome, Outcome::Applied, "{at}: {settled:?}");
        }
    }
    assert_eq!(world.records("contacts").await.len(), 99);
}

#[tokio::test(start_paused = true)]
async fn creates_of_unknown_outcome_are_looked_for_and_never_made_twice() {
    let lost = [
        json!({"reset": "after"}),
        json!({"reset": "before"}),
        json!({"status": 524, "applied": true}),
        json!({"status": 502}),
    ];
    for fault in lost {
        // By a unique property, by search, by several fields.
        let world = World::new();
        let door = door(&world).await;
        let contacts = target(&door, "contacts", by("email"), Mode::Insert).await;
        world.fault(json!([{"match": {"kind": "create"}, "after": 0, "times": 1, "do": fault}])).await;
        let answered = door.write(&contacts, people(150)).await;
        assert!(all(&answered, Outcome::Applied), "{fault}: {answered:?}");
        assert!(answered.outcomes.iter().all(|settled| settled.created == Some(true)), "{fault}: {answered:?}");
        struck(&world, 1).await;
        everybody(&world, 150).await;

        for fields in [false, true] {
            let world = World::new();
            let door = self::door(&world).await;
            let match_ = if fields { Match::Fields } else { by("domain") };
            let companies = target(&door, "companies", match_, Mode::Upsert).await;
            let mut records = firms(30);
            if fields {
                for record in &mut records {
                    record.fields = vec![
                        (Arc::from("domain"), record.match_value.clone()),
                        (Arc::from("city"), "Kraków".to_owned()),
                    ];
                }
            }
            world.fault(json!([{"match": {"kind": "create"}, "after": 0, "times": 1, "do": fault}])).await;
            let answered = door.write(&companies, records).await;
            assert!(all(&answered, Outcome::Applied), "{fault} {fields}: {answered:?}");
            struck(&world, 1).await;
            let held = values(&world, "companies", "domain", "name").await;
            assert_eq!(held.len(), 30, "{fault} {fields}");
            assert_eq!(held["firm7.example"], "Firm 7");
        }
    }
}

fn nameless(count: u32) -> Vec<Record> {
    (1..=count)
        .map(|id| {
            let mut record = Record::new(format!("n{id}"), "");
            record.set("dealname", format!("Deal {}", id % 2));
            record.set("pipeline", "default");
            record.set("dealstage", "appointmentscheduled");
            record
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_lost_create_that_nothing_tells_from_others_is_rejected_and_never_sent_twice() {
    for fault in [json!({"reset": "after"}), json!({"reset": "before"})] {
        let world = World::new();
        let door = open(&world, intents(&world), &Cancel::new()).await;
        let deals = target(&door, "deals", Match::Nothing, Mode::Insert).await;
        let made = door.write(&deals, nameless(5)).await;
        assert!(all(&made, Outcome::Applied), "{made:?}");
        assert!(made.outcomes.iter().all(|settled| settled.created == Some(true) && settled.record_id.is_some()));
        assert_eq!(world.records("deals").await.len(), 5);
        // Handed in again before they were let go: known, and nothing is sent.
        let again = door.write(&deals, nameless(5)).await;
        assert_eq!(
            again.outcomes.iter().map(|settled| settled.record_id).collect::<Vec<_>>(),
            made.outcomes.iter().map(|settled| settled.record_id).collect::<Vec<_>>()
        );
        assert_eq!(world.records("deals").await.len(), 5);
        door.forget(["n1", "n2", "n3", "n4", "n5"]).await.expect("forgotten");
        assert_eq!(door.remembered(), 0);

        world.fault(json!([{"match": {"kind": "create"}, "after": 0, "times": 1, "do": fault}])).await;
        let lost = door.write(&deals, nameless(3)).await;
        assert_eq!(codes(&lost), vec![(Outcome::Rejected, "UNKNOWN_OUTCOME".to_owned()); 3]);
        let there = world.records("deals").await.len();
        let again = door.write(&deals, nameless(3)).await;
        assert_eq!(codes(&again), vec![(Outcome::Rejected, "UNKNOWN_OUTCOME".to_owned()); 3]);
        assert_eq!(world.records("deals").await.len(), there, "never sent twice");
        // A person has looked, and wants them again.
        door.forget(["n1", "n2", "n3"]).await.expect("forgotten");
        let again = door.write(&deals, nameless(3)).await;
        assert!(all(&again, Outcome::Applied));
        assert_eq!(world.records("deals").await.len(), there + 3);
    }
}

/// The state folder as it was when the sandbox had the create in hand.
async fn killed_in_create(world: &World, match_: Match, records: Vec<Record>) {
    let (state, kept) = (world.folder.path().join(".hubward"), world.folder.path().join("killed"));
    let door = open(world, intents(world), &Cancel::new()).await;
    let companies = target(&door, "companies", match_, Mode::Upsert).await;
    let (from, to) = (state.clone(), kept.clone());
    world.script(move |path, _| {
        if path.contains("/batch/create") && !to.exists() {
            copy_folder(&from, &to);
        }
        None
    });
    let answered = door.write(&companies, records).await;
    assert!(all(&answered, Outcome::Applied));
    world.end_script();
    door.close().await;
    std::fs::remove_dir_all(&state).expect("the state goes");
    std::fs::rename(&kept, &state).expect("the state of the kill takes its place");
}

#[tokio::test(start_paused = true)]
async fn a_kill_while_creates_are_on_their_way_makes_none_twice() {
    for fields in [false, true] {
        let world = World::new();
        let mut records = firms(20);
        for record in &mut records {
            record.fields = vec![(Arc::from("domain"), record.match_value.clone())];
        }
        let match_ = || if fields { Match::Fields } else { by("domain") };
        killed_in_create(&world, match_(), records.clone()).await;
        let door = open(&world, intents(&world), &Cancel::new()).await;
        assert_eq!(door.remembered(), 20);
        let companies = target(&door, "companies", match_(), Mode::Upsert).await;
        let mut changed = records;
        changed[3].set("city", "Łódź");
        let answered = door.write(&companies, changed).await;
        assert!(all(&answered, Outcome::Applied), "{answered:?}");
        let held = values(&world, "companies", "domain", "city").await;
        assert_eq!((held.len(), held["firm4.example"].as_str()), (20, "Łódź"));
        door.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_a_moment_ago_is_known_although_the_search_does_not_show_it_yet() {
    let world = World::with(|config| config.search_lag_ms = (20_000, 30_000));
    let door = open(&world, intents(&world), &Cancel::new()).await;
    let companies = target(&door, "companies", by("domain"), Mode::Upsert).await;
    let first = door.write(&companies, firms(10)).await;
    assert!(all(&first, Outcome::Applied));
    let second = door.write(&companies, firms(10)).await;
    assert!(all(&second, Outcome::Applied), "{second:?}");
    assert_eq!(world.records("companies").await.len(), 10);
    door.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_another_address_leads_to_is_adopted_or_rejected() {
    let world = World::new();
    world.load(&json!({"records": {"contacts": [
        {"properties": {"email": "main@example.com", "hs_additional_emails": "second@example.com", "firstname": "A"}}]}}));
    let door = open(&world, DoorMemory::None, &Cancel::new()).await;
    let contacts = target(&door, "contacts", by("email"), Mode::Upsert).await;
    let mut second = Record::new("1", "SECOND@example.com");
    second.set("firstname", "B");
    let answered = door.write(&contacts, vec![second]).await;
    assert!(all(&answered, Outcome::Applied), "{answered:?}");
    let records = world.records("contacts").await;
    assert_eq!((records.len(), &records[0]["properties"]["firstname"]), (1, &json!("B")));
    let found =
        door.find(&contacts, &[Record::new("1", "second@example.com"), Record::new("2", "none@example.com")]).await;
    let id = records[0]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    use hubward_engine::door::Found;
    assert_eq!(found.outcomes, [Found::Record(id), Found::Missing { sure: true }]);
}

#[tokio::test(start_paused = true)]
async fn many_calls_at_once_share_the_limits_and_leave_nobody_out() {
    let world = World::new();
    let door = Arc::new(door(&world).await);
    let contacts = target(&door, "contacts", by("email"), Mode::Upsert).await;
    world.fault(json!([{"match": {"kind": "upsert"}, "after": 7, "times": 3, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}}])).await;
    let mut calls = tokio::task::JoinSet::new();
    let records = people(4_000);
    for part in records.chunks(100) {
        let (door, contacts, part) = (Arc::clone(&door), contacts.clone(), part.to_vec());
        calls.spawn(async move { door.write(&contacts, part).await });
    }
    while let Some(answered) = calls.join_next().await {
        assert!(all(&answered.expect("no call panics"), Outcome::Applied));
    }
    everybody(&world, 4_000).await;
    tokio::time::sleep(INDEXED).await;
}
