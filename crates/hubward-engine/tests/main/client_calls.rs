//! The client's calls about events and lists against the sandbox, in every version: the two were written apart, from
//! HubSpot's specification.

use std::sync::Arc;
use std::time::Duration;

use hubward_core::ErrorKind;
use hubward_hubspot::definitions::NewOption;
use hubward_hubspot::{ApiVersion, CallMeta, EventInput, NewEventDefinition, NewEventProperty, ProcessingType};
use hubward_sandbox::Tier;
use serde_json::{Value, json};

use crate::harness::World;

const VERSIONS: [ApiVersion; 3] = [ApiVersion::V3, ApiVersion::V2026_03, ApiVersion::V2026_09];

fn world(version: ApiVersion) -> World {
    // Events are read back on Enterprise alone.
    let mut world = World::with(|config| config.tier = Tier::Enterprise);
    world.version = version;
    let contacts: Vec<Value> =
        (1..=600).map(|id| json!({ "id": id, "properties": { "email": format!("p{id}@example.com") } })).collect();
    world.load(&json!({ "records": { "contacts": contacts } }));
    world
}

fn property(name: &str, type_: &str) -> NewEventProperty {
    NewEventProperty { name: name.to_owned(), label: name.to_owned(), type_: type_.to_owned(), ..Default::default() }
}

fn bought() -> NewEventDefinition {
    NewEventDefinition {
        name: "bought".to_owned(),
        label: "Bought".to_owned(),
        description: Some("An invoice".to_owned()),
        primary_object: Some("CONTACT".to_owned()),
        properties: vec![
            property("amount", "number"),
            NewEventProperty {
                options: vec![NewOption { value: "pro".to_owned(), label: "Pro".to_owned() }],
                ..property("plan", "enumeration")
            },
        ],
        include_default_properties: false,
    }
}

#[tokio::test(start_paused = true)]
async fn events_are_defined_sent_and_read_back_in_every_version() {
    for version in VERSIONS {
        let world = world(version);
        let engine = world.engine().await;
        let (client, meta) = (engine.client(), CallMeta::default());
        assert_eq!(client.event_definitions(&meta).await.expect("none yet"), []);
        let made = client.create_event_definition(&bought(), &meta).await.expect("made");
        client.create_event_property("bought", &property("note", "string"), &meta).await.expect("added");
        let error = client.create_event_definition(&bought(), &meta).await.expect_err("the name is taken");
        assert!(matches!(error.kind, ErrorKind::Conflict | ErrorKind::Validation), "{error:?}");
        let error = client.create_event_property("sold", &property("x", "string"), &meta).await.expect_err("no event");
        assert_eq!(error.kind, ErrorKind::NotFound, "{error:?}");

        let defined = client.event_definitions(&meta).await.expect("one");
        assert_eq!(defined.len(), 1);
        assert_eq!((defined[0].name.as_str(), defined[0].label.as_str()), ("bought", "Bought"));
        assert_eq!((&defined[0].full_name, &defined[0].object_type_id), (&made.full_name, &made.object_type_id));
        assert_eq!(defined[0].primary_object, "CONTACT");
        for name in ["amount", "plan", "note"] {
            assert!(defined[0].properties.iter().any(|property| property.name == name), "{name}");
        }

        let properties = [(Arc::from("amount"), "12.5".to_owned()), (Arc::from("note"), "Ö".to_owned())];
        let uuids: Vec<String> = (0..500).map(|number| format!("u-{number}")).collect();
        let emails: Vec<String> = (1..=500).map(|id| format!("p{id}@example.com")).collect();
        let events: Vec<EventInput<'_>> = (0..500)
            .map(|at| EventInput {
                event_name: &made.full_name,
                object_id: None,
                email: Some(&emails[at]),
                utk: None,
                occurred_at: Some("2026-01-02T03:04:05.6Z"),
                uuid: &uuids[at],
                properties: &properties,
            })
            .collect();
        let reply = client.send_events(&events, &meta).await.expect("taken");
        assert_eq!(reply.attempts, 1);
        let held = world.call("GET", "/_sandbox/events?limit=1000", Value::Null).await;
        assert_eq!(held["results"].as_array().map(Vec::len), Some(500));
        assert_eq!(held["results"][499]["uuid"], "u-499");

        tokio::time::sleep(Duration::from_secs(600)).await;
        let asked: Vec<String> = uuids[..49].iter().cloned().chain(["never".to_owned()]).collect();
        let read = client.event_occurrences(&asked, &meta).await.expect("read");
        assert_eq!(read.len(), 49);
        let first = read.iter().find(|event| event.id == "u-0").expect("it is there");
        assert_eq!((&first.event_type, first.object_id.as_str()), (&made.full_name, "1"));
        assert_eq!(first.properties.get("note").map(String::as_str), Some("Ö"));
        let at: jiff::Timestamp = first.occurred_at.parse().expect("an instant");
        assert_eq!(at, "2026-01-02T03:04:05.6Z".parse().expect("an instant"));

        let unknown = EventInput { event_name: "pe1_unknown", ..events[0] };
        let error = client.send_events(&[unknown], &meta).await.expect_err("no such event");
        assert!(!matches!(error.kind, ErrorKind::Unknown), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_month_that_is_used_up_is_told_as_that_and_the_second_is_waited_out() {
    let world = world(ApiVersion::default());
    let engine = world.engine().await;
    let (client, meta) = (engine.client(), CallMeta::default());
    let made = client.create_event_definition(&bought(), &meta).await.expect("made");
    world.call("PUT", "/_sandbox/limits", json!({ "events_per_second": 2, "events_monthly": 5 })).await;
    let uuids: Vec<String> = (0..6).map(|number| format!("u-{number}")).collect();
    let events = uuids.iter().map(|uuid| EventInput {
        event_name: &made.full_name,
        object_id: Some("1"),
        email: None,
        utk: None,
        occurred_at: None,
        uuid,
        properties: &[],
    });
    let events: Vec<EventInput<'_>> = events.collect();
    let mut attempts = 0;
    for one in events[..5].chunks(1) {
        attempts += client.send_events(one, &meta).await.expect("taken").attempts;
    }
    assert!(attempts > 5, "two a second are fewer than these");
    let error = client.send_events(&events[5..], &meta).await.expect_err("the month is used up");
    assert_eq!(error.kind, ErrorKind::MonthlyLimit, "{error:?}");
    let held = world.call("GET", "/_sandbox/events", Value::Null).await;
    assert_eq!(held["results"].as_array().map(Vec::len), Some(5));
}

#[tokio::test(start_paused = true)]
async fn lists_are_made_found_filled_and_emptied_in_every_version() {
    for version in VERSIONS {
        let world = world(version);
        let engine = world.engine().await;
        let (client, meta) = (engine.client(), CallMeta::default());
        assert_eq!(client.list_by_name("0-1", "A/B c", &meta).await, Ok(None));
        assert_eq!(client.list(4_711, &meta).await, Ok(None));
        let made = client.create_list("A/B c", "0-1", &meta).await.expect("made");
        assert_eq!((made.name.as_str(), made.object_type_id.as_str()), ("A/B c", "0-1"));
        assert_eq!((&made.processing_type, made.deleted), (&ProcessingType::Manual, false));
        let error = client.create_list("A/B c", "0-1", &meta).await.expect_err("the name is taken");
        assert!(!matches!(error.kind, ErrorKind::Unknown), "{error:?}");
        assert_eq!(client.list(made.id, &meta).await.expect("read").expect("there").id, made.id);
        assert_eq!(client.list_by_name("0-1", "A/B c", &meta).await.expect("read").expect("there").id, made.id);
        assert!(client.lists(&meta).await.expect("read").iter().any(|list| list.id == made.id));

        let all: Vec<u64> = (1..=601).collect();
        let reply = client.list_change(made.id, &all, &[], &meta).await.expect("added");
        assert_eq!((reply.added.len(), reply.missing), (600, vec![601]));
        let reply = client.list_change(made.id, &[1, 2], &[3, 4, 999], &meta).await.expect("changed");
        let mut removed = reply.removed;
        removed.sort_unstable();
        assert_eq!((reply.added, removed), (vec![], vec![3, 4]));
        let reply = client.list_change(made.id, &[], &[5], &meta).await.expect("removed");
        assert_eq!(reply.removed, [5]);

        tokio::time::sleep(Duration::from_secs(600)).await;
        let (mut members, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = client.list_members(made.id, after.as_deref(), &meta).await.expect("read");
            members.extend(page);
            if next.is_none() {
                break;
            }
            after = next;
        }
        members.sort_unstable();
        let expected: Vec<u64> = (1..=600).filter(|id| ![3, 4, 5].contains(id)).collect();
        assert_eq!(members, expected);

        let error = client.list_change(4_711, &[1], &[], &meta).await.expect_err("no such list");
        assert!(matches!(error.kind, ErrorKind::NotFound | ErrorKind::NoSuchPath), "{error:?}");
    }
}
