//! What is rehearsed is what is then sent, and rehearsing changes nothing.

use std::sync::Arc;

use hubward_core::Outcome;
use hubward_core::spec::Mode;
use hubward_engine::Cancel;
use hubward_engine::door::{
    AssociationType, Door, DoorMemory, Happening, ListChange, MappedEvent, Match, Member, NewEventDefinition,
    NewEventProperty, NewProperty, Pair, PropertyGroup, Record, Settled,
};
use hubward_hubspot::FIRST_MADE_UP_ID;
use serde_json::{Value, json};

use crate::door::{all, by};
use crate::events::world as events_world;
use crate::harness::World;

/// What a rich event asks for: properties, records of two types, an association, a list, an event with its definition.
async fn perform(door: &Door) -> Vec<Settled> {
    let group = PropertyGroup { name: "contactinformation".to_owned(), label: "Contact information".to_owned() };
    let property = NewProperty {
        name: "plan_name".to_owned(),
        label: "plan_name".to_owned(),
        type_: "string".to_owned(),
        field_type: "text".to_owned(),
        ..NewProperty::default()
    };
    let (contacts, refused) = door.make_properties("contacts", &group, vec![property]).await.expect("made");
    assert!(refused.is_empty(), "{refused:?}");
    let target = contacts.target(by("email"), Mode::Upsert).expect("a target");
    let mut known = Record::new("known", "person1@example.com");
    known.set("plan_name", "gold");
    let mut new = Record::new("new", "new@example.com");
    new.set("plan_name", "");
    let mut settled = door.write(&target, vec![known, new]).await.outcomes;
    let companies = door.catalogue("companies").await.expect("read");
    let firm = Record::of_fields("firm", vec![(Arc::from("name"), "Acme".to_owned())]);
    let search = companies.target(Match::Fields, Mode::Upsert).expect("a target");
    settled.extend(door.write(&search, vec![firm]).await.outcomes);
    let ids: Vec<u64> = settled.iter().filter_map(|settled| settled.record_id).collect();
    let kind = AssociationType { category: "HUBSPOT_DEFINED".to_owned(), type_id: 279 };
    let pairs = ids[..2].iter().enumerate().map(|(at, from)| Pair {
        key: format!("p{at}"),
        from: *from,
        to: ids[2],
        types: vec![kind.clone()],
    });
    let pairs: Vec<Pair> = pairs.collect();
    settled.extend(door.associate(contacts.object(), companies.object(), pairs.clone()).await.outcomes);
    settled.extend(door.dissociate(contacts.object(), companies.object(), vec![pairs[1].clone()]).await.outcomes);
    let list = door.list("VIPs", "contacts", true).await.expect("made");
    let joins = ids[..2].iter().enumerate().map(|(at, id)| Member {
        key: format!("m{at}"),
        record_id: *id,
        change: ListChange::Add,
    });
    settled.extend(door.memberships(list.id, joins.collect()).await.outcomes);
    let event_property = |name: &str| NewEventProperty {
        name: name.to_owned(),
        label: name.to_owned(),
        type_: "string".to_owned(),
        description: None,
        options: Vec::new(),
    };
    let definition = NewEventDefinition {
        name: "signed_up".to_owned(),
        label: "Signed up".to_owned(),
        description: None,
        primary_object: Some("CONTACT".to_owned()),
        properties: vec![event_property("plan")],
        include_default_properties: false,
    };
    let event = door.make_event(&definition).await.expect("made");
    door.make_event_property("signed_up", &event_property("source")).await.expect("made");
    let seen = door.event_definitions().await.expect("read");
    let seen = seen.iter().find(|one| one.name == "signed_up").expect("the event that was made");
    assert_eq!(seen.full_name, event.full_name);
    let occurred = MappedEvent {
        event: Arc::from(event.full_name.as_str()),
        object_id: None,
        email: Some("person1@example.com".to_owned()),
        utk: None,
        occurred_at: Some("2026-11-20T10:00:00Z".to_owned()),
        properties: vec![(Arc::from("plan"), "gold".to_owned())],
    };
    let happening = Happening {
        key: "e".to_owned(),
        uuid: "00000000-0000-5000-8000-000000000001".to_owned(),
        event: occurred,
        maybe_sent: false,
    };
    settled.extend(door.send_events(vec![happening]).await.outcomes);
    settled
}

/// Method, path and body of what writes, without trace ids, with one sign for every id of a record that was made. A list's
/// id is short enough to stand in other numbers, so of memberships only their being is told.
fn told(requests: &[Value], made: &[String]) -> Vec<String> {
    let mut told = Vec::new();
    for request in requests {
        let mut body = request["body"].clone();
        for input in body.get_mut("inputs").and_then(Value::as_array_mut).into_iter().flatten() {
            input.as_object_mut().expect("an input is an object").remove("objectWriteTraceId");
        }
        let path = request["path"].as_str().expect("a path");
        let mut text = format!("{} {path} {body}", request["method"]);
        for id in made {
            text = text.replace(id.as_str(), "#");
        }
        told.push(if path.contains("/memberships/") { "memberships".to_owned() } else { text });
    }
    told
}

fn writes(request: &Value) -> bool {
    let path = request["path"].as_str().unwrap_or_default();
    request["method"] != "GET" && !path.ends_with("/batch/read") && !path.ends_with("/search")
}

#[tokio::test(start_paused = true)]
async fn what_is_rehearsed_is_what_is_sent_and_nothing_is_written() {
    let world: World = events_world(0);
    let (engine, rehearsal) = world.rehearsing().await;
    let door = Arc::new(engine).door("rehearsed", DoorMemory::None, Cancel::new()).await.expect("a door");
    let rehearsed = perform(&door).await;
    assert!(rehearsed.iter().all(|settled| settled.outcome == Outcome::Applied), "{rehearsed:#?}");
    assert_eq!(rehearsed[0].record_id, Some(1_001), "who is there has the id that HubSpot knows");
    assert!(rehearsed[1].record_id.is_some_and(|id| id >= FIRST_MADE_UP_ID));
    let seen = world.requests().await;
    let sent: Vec<&Value> = seen.iter().filter(|request| writes(request)).collect();
    assert!(sent.is_empty(), "{sent:#?}");
    let kept: Vec<Value> = rehearsal
        .take()
        .into_iter()
        .map(|one| json!({ "method": one.method.as_str(), "path": one.path, "body": one.body }))
        .collect();
    assert!(rehearsal.take().is_empty());
    let made_up: Vec<String> = (0..9).map(|at| (FIRST_MADE_UP_ID + at).to_string()).collect();

    let engine = Arc::new(world.engine().await);
    let door = engine.door("real", DoorMemory::None, Cancel::new()).await.expect("a door");
    let real = perform(&door).await;
    let answered = hubward_engine::door::Answered { outcomes: real.clone(), stop: None };
    assert!(all(&answered, Outcome::Applied), "{real:#?}");
    let sent: Vec<Value> = world.requests().await.into_iter().filter(writes).collect();
    let made: Vec<String> =
        real[1..3].iter().filter_map(|settled| settled.record_id).map(|id| id.to_string()).collect();
    assert_eq!(told(&kept, &made_up), told(&sent, &made));
}
