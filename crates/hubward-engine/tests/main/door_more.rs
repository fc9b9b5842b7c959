//! Doors beyond single records: associations, lists, events, and what an account lacks.

use std::sync::Arc;

use hubward_core::Outcome;
use hubward_core::event::EventIds;
use hubward_core::spec::Mode;
use hubward_engine::Cancel;
use hubward_engine::door::{
    AssociationType, Door, DoorMemory, Happening, ListChange, MappedEvent, Member, NewEventDefinition,
    NewEventProperty, NewProperty, Pair, PropertyGroup, Sensitivity,
};
use serde_json::{Value, json};

use crate::door::{all, by, codes, door, firms, intents, open, people, target};
use crate::events::{EVENT, world as events_world};
use crate::harness::{World, copy_folder};

fn ids(answered: &hubward_engine::door::Answered) -> Vec<u64> {
    answered.outcomes.iter().filter_map(|settled| settled.record_id).collect()
}

/// Two hundred contacts and twenty companies.
async fn both(door: &Door) -> (Vec<u64>, Vec<u64>) {
    let contacts = target(door, "contacts", by("email"), Mode::Upsert).await;
    let companies = target(door, "companies", by("domain"), Mode::Upsert).await;
    let contacts = door.write(&contacts, people(200)).await;
    let companies = door.write(&companies, firms(20)).await;
    (ids(&contacts), ids(&companies))
}

fn kind(category: &str, type_id: u64) -> AssociationType {
    AssociationType { category: category.to_owned(), type_id }
}

/// Type ids of a contact's associations with a company, by the contact's id.
async fn held(world: &World, contact: u64) -> Vec<(String, Vec<u64>)> {
    let records = world.records("contacts").await;
    let id = contact.to_string();
    let record = records.iter().find(|record| record["id"] == json!(id)).expect("the contact");
    let companies = record["associations"]["companies"].as_array().cloned().unwrap_or_default();
    let one = |company: &Value| {
        let types = company["types"].as_array().cloned().unwrap_or_default();
        let mut types: Vec<u64> = types.iter().filter_map(|kind| kind["typeId"].as_u64()).collect();
        types.sort_unstable();
        (company["id"].as_str().unwrap_or_default().to_owned(), types)
    };
    companies.iter().map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn pairs_are_associated_in_bulk_labelled_and_taken_apart_each_with_its_own_word() {
    let lost = [json!({"reset": "after"}), json!({"status": 502}), json!({"status": 524, "applied": true})];
    for fault in lost {
        let world = World::new();
        let door = door(&world).await;
        let (contacts, companies) = both(&door).await;
        let contact = door.catalogue("contacts").await.expect("read").object().clone();
        let company = door.catalogue("companies").await.expect("read").object().clone();
        let pair = |at: usize, types: Vec<AssociationType>| Pair {
            key: format!("p{at}"),
            from: contacts[at],
            to: companies[at % 20],
            types,
        };
        let mut pairs: Vec<Pair> = (0..200).map(|at| pair(at, Vec::new())).collect();
        pairs.push(Pair { key: "gone".to_owned(), from: contacts[0], to: 987_654_321, types: Vec::new() });
        pairs.push(pair(5, Vec::new()));
        world.fault(json!([{"match": {"kind": "associate"}, "after": 0, "times": 1, "do": fault}])).await;
        let answered = door.associate(&contact, &company, pairs.clone()).await;
        assert!(answered.stop.is_none());
        for (at, settled) in answered.outcomes.iter().enumerate() {
            let expected = if at == 200 { Outcome::Rejected } else { Outcome::Applied };
            assert_eq!(settled.outcome, expected, "{fault} {at}: {settled:?}");
        }
        assert_eq!(codes(&answered)[200].1, "RECORD_GONE");
        assert!(
            held(&world, contacts[7])
                .await
                .iter()
                .any(|(id, types)| *id == companies[7].to_string() && types.contains(&279))
        );

        let labelled = door.associate(&contact, &company, vec![pair(7, vec![kind("HUBSPOT_DEFINED", 1)])]).await;
        assert!(all(&labelled, Outcome::Applied), "{labelled:?}");
        assert!(held(&world, contacts[7]).await[0].1.contains(&1));
        let unlabelled = door.dissociate(&contact, &company, vec![pair(7, vec![kind("HUBSPOT_DEFINED", 1)])]).await;
        assert!(all(&unlabelled, Outcome::Applied), "{unlabelled:?}");
        let left = held(&world, contacts[7]).await;
        assert!(left.len() == 1 && !left[0].1.contains(&1), "the pair stays: {left:?}");
        pairs.remove(200);
        let apart = door.dissociate(&contact, &company, pairs.clone()).await;
        assert!(all(&apart, Outcome::Applied), "{apart:?}");
        for contact in &contacts[..20] {
            assert!(held(&world, *contact).await.is_empty());
        }
        let again = door.dissociate(&contact, &company, pairs).await;
        assert!(all(&again, Outcome::Applied), "taking apart what is apart is done: {again:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_made_once_and_its_members_come_and_go_each_with_its_own_word() {
    let world = World::new();
    let door = door(&world).await;
    let (contacts, _) = both(&door).await;
    world.fault(json!([{"match": {"method": "POST", "path_regex": "lists/?$"}, "after": 0, "times": 1, "do": {"reset": "after"}}])).await;
    let list = door.list("VIPs", "contacts", true).await.expect("made");
    assert!(list.made);
    let again = door.list("VIPs", "contacts", true).await.expect("found");
    assert_eq!((again.id, again.made), (list.id, false));
    assert!(door.list("Nobody", "contacts", false).await.is_err());
    assert_eq!(world.lists().await.len(), 1);
    let member = |at: usize, id: u64, change: ListChange| Member { key: format!("m{at}"), record_id: id, change };
    let mut joining: Vec<Member> =
        contacts.iter().enumerate().map(|(at, id)| member(at, *id, ListChange::Add)).collect();
    joining.push(member(900, 123_456_789, ListChange::Add));
    joining.push(member(901, contacts[0], ListChange::Remove));
    world
        .fault(json!([{"match": {"path_regex": "memberships"}, "after": 0, "times": 1, "do": {"reset": "after"}}]))
        .await;
    let answered = door.memberships(list.id, joining).await;
    assert!(answered.outcomes[..200].iter().all(|settled| settled.outcome == Outcome::Applied), "{answered:?}");
    assert_eq!(codes(&answered)[200], (Outcome::Rejected, "RECORD_GONE".to_owned()));
    assert_eq!(codes(&answered)[201].0, Outcome::Invalid, "in and out at once");
    let members = || async { world.lists().await["VIPs"]["members"].as_array().expect("members").len() };
    assert_eq!(members().await, 200);
    let leaving = vec![
        member(0, contacts[0], ListChange::Remove),
        member(1, 55, ListChange::Remove),
        member(2, contacts[1], ListChange::Add),
    ];
    let answered = door.memberships(list.id, leaving).await;
    let words: Vec<Outcome> = answered.outcomes.iter().map(|settled| settled.outcome).collect();
    assert_eq!(words, [Outcome::Applied, Outcome::Skipped, Outcome::Applied], "{answered:?}");
    assert_eq!(members().await, 199);
}

fn happenings(count: u32) -> Vec<Happening> {
    let ids = EventIds::new("orders");
    (1..=count)
        .map(|id| Happening {
            key: format!("orders/{id}"),
            uuid: ids.of(&id.to_string()),
            event: MappedEvent {
                event: Arc::from(EVENT),
                object_id: None,
                email: Some(format!("person{}@example.com", (id - 1) % 300 + 1)),
                utk: None,
                occurred_at: Some("2026-11-20T10:00:00Z".to_owned()),
                properties: vec![(Arc::from("amount"), id.to_string())],
            },
            maybe_sent: false,
        })
        .collect()
}

/// The amounts of the account's occurrences; two of one uuid fail the test.
async fn amounts(world: &World) -> Vec<u32> {
    let answer = world.call("GET", "/_sandbox/events", Value::Null).await;
    let events = answer["results"].as_array().expect("a list").clone();
    let mut amounts: Vec<u32> = events
        .iter()
        .map(|event| event["properties"]["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount"))
        .collect();
    amounts.sort_unstable();
    amounts
}

#[tokio::test(start_paused = true)]
async fn events_are_sent_once_whatever_becomes_of_the_answer() {
    let faults = [
        json!({"status": 502}),
        json!({"status": 524, "applied": true}),
        json!({"reset": "after"}),
        json!({"reset": "before"}),
        json!({"status": 429, "policy": "SECONDLY"}),
    ];
    for fault in faults {
        let world = events_world(0);
        world.load(&json!({"settings": {"events_deduplicate": false}}));
        let door = open(&world, intents(&world), &Cancel::new()).await;
        world.fault(json!([{"match": {"kind": "event"}, "after": 1, "times": 1, "do": fault}])).await;
        let answered = door.send_events(happenings(1_200)).await;
        assert!(all(&answered, Outcome::Applied), "{fault}: {:?}", answered.stop);
        assert_eq!(amounts(&world).await, (1..=1_200).collect::<Vec<_>>(), "{fault}");
        // Handed in again before they were let go: known, and nothing is sent.
        let again = door.send_events(happenings(1_300)).await;
        assert!(all(&again, Outcome::Applied));
        assert_eq!(amounts(&world).await, (1..=1_300).collect::<Vec<_>>(), "{fault}");
        door.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_event_that_hubspot_refuses_is_rejected_alone() {
    let world = events_world(0);
    let door = door(&world).await;
    let mut events = happenings(600);
    events[77].event.event = Arc::from("pe1234567_nowhere");
    let answered = door.send_events(events).await;
    let refused: Vec<usize> = (0..600).filter(|at| answered.outcomes[*at].outcome != Outcome::Applied).collect();
    assert_eq!(refused, [77], "{:?}", answered.outcomes[77]);
    assert_eq!(answered.outcomes[77].outcome, Outcome::Rejected);
    assert_eq!(amounts(&world).await.len(), 599);
}

#[tokio::test(start_paused = true)]
async fn a_kill_while_events_are_on_their_way_doubles_none() {
    let world = events_world(0);
    world.load(&json!({"settings": {"events_deduplicate": false}}));
    let (state, kept) = (world.folder.path().join(".hubward"), world.folder.path().join("killed"));
    let first = open(&world, intents(&world), &Cancel::new()).await;
    let (from, to) = (state.clone(), kept.clone());
    world.script(move |path, body| {
        if body["inputs"][0]["eventName"].is_string() && path.contains("/send") && !to.exists() {
            copy_folder(&from, &to);
        }
        None
    });
    assert!(all(&first.send_events(happenings(700)).await, Outcome::Applied));
    world.end_script();
    first.close().await;
    std::fs::remove_dir_all(&state).expect("the state goes");
    std::fs::rename(&kept, &state).expect("the state of the kill takes its place");
    let second = open(&world, intents(&world), &Cancel::new()).await;
    // What the kill left no note of is doubted by who hands it in again.
    let mut events = happenings(700);
    for event in &mut events {
        event.maybe_sent = true;
    }
    let answered = second.send_events(events).await;
    assert!(all(&answered, Outcome::Applied), "{:?}", answered.stop);
    assert_eq!(amounts(&world).await, (1..=700).collect::<Vec<_>>());
    second.close().await;
}

fn new_property(name: &str, type_: &str, field_type: &str) -> NewProperty {
    NewProperty {
        name: name.to_owned(),
        label: name.to_owned(),
        type_: type_.to_owned(),
        field_type: field_type.to_owned(),
        ..NewProperty::default()
    }
}

#[tokio::test(start_paused = true)]
async fn properties_that_are_lacking_are_made_in_their_group_and_what_is_refused_is_told() {
    let world = World::new();
    let door = door(&world).await;
    let group = PropertyGroup { name: "segment_properties".to_owned(), label: "Segment Properties".to_owned() };
    let wanted = vec![
        new_property("plan_name", "string", "text"),
        new_property("score_now", "number", "number"),
        new_property("email", "string", "text"),
        new_property("Not A Name!", "string", "text"),
    ];
    world.fault(json!([{"match": {"path_regex": "properties/.*/batch/create"}, "after": 0, "times": 1, "do": {"reset": "after"}}])).await;
    let (catalogue, refused) = door.make_properties("contacts", &group, wanted.clone()).await.expect("made");
    assert_eq!(refused.keys().collect::<Vec<_>>(), ["Not A Name!"]);
    assert_eq!(catalogue.property("plan_name").map(|property| property.group.as_str()), Some("segment_properties"));
    assert_eq!(catalogue.convert("score_now", &json!(1.0)), Ok(Some("1".to_owned())));
    let asked = world.requests().await.len();
    let (_, refused) = door.make_properties("contacts", &group, wanted[..3].to_vec()).await.expect("there");
    assert!(refused.is_empty());
    assert_eq!(world.requests().await.len(), asked, "nothing is asked for what is known");
}

#[tokio::test(start_paused = true)]
async fn sensitive_properties_are_made_seen_and_written() {
    let world = World::new();
    world.load(&json!({"settings": {"sensitive_data": true}}));
    let door = door(&world).await;
    let group = PropertyGroup { name: "segment_properties".to_owned(), label: "Segment Properties".to_owned() };
    let wanted = NewProperty { sensitivity: Sensitivity::Sensitive, ..new_property("ssn", "string", "text") };
    let (catalogue, refused) = door.make_properties("contacts", &group, vec![wanted]).await.expect("made");
    assert!(refused.is_empty(), "{refused:?}");
    assert!(catalogue.property("ssn").is_some());
    let contacts = catalogue.target(by("email"), Mode::Upsert).expect("a target");
    let mut record = people(1).remove(0);
    record.set("ssn", "1");
    let answered = door.write(&contacts, vec![record]).await;
    assert!(all(&answered, Outcome::Applied), "{answered:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_and_its_properties_are_made_once() {
    let world = events_world(0);
    let door = open(&world, DoorMemory::None, &Cancel::new()).await;
    let property = |name: &str| NewEventProperty {
        name: name.to_owned(),
        label: name.to_owned(),
        type_: "string".to_owned(),
        description: None,
        options: Vec::new(),
    };
    let wanted = NewEventDefinition {
        name: "signed_up".to_owned(),
        label: "Signed up".to_owned(),
        description: None,
        primary_object: Some("CONTACT".to_owned()),
        properties: vec![property("plan")],
        include_default_properties: false,
    };
    world.fault(json!([{"match": {"method": "POST", "path_regex": "event-definitions|definitions"}, "after": 0, "times": 1, "do": {"reset": "after"}}])).await;
    let made = door.make_event(&wanted).await.expect("made");
    assert_eq!(made.name, "signed_up");
    let again = door.make_event(&wanted).await.expect("there already");
    assert_eq!(again.full_name, made.full_name);
    door.make_event_property("signed_up", &property("source")).await.expect("made");
    door.make_event_property("signed_up", &property("source")).await.expect("there already");
    let known = door.event_definitions().await.expect("read");
    let event = known.iter().find(|event| event.name == "signed_up").expect("the event");
    assert!(["plan", "source"].iter().all(|name| event.properties.iter().any(|held| held.name == *name)), "{event:?}");
}
