//! Contacts of identify calls.

use hubward_core::Outcome;
use hubward_core::spec::Action;
use serde_json::{Value, json};

use crate::harness::{World, code, contacts, identify, mapping, words};

#[tokio::test(start_paused = true)]
async fn a_window_of_identifies_is_full_batches_and_every_contact_has_its_values() {
    let world = World::new();
    let delivery = world.delivery(vec![contacts()]).await;
    let events = (0..250).map(|id| {
        identify(
            &format!("u{id}"),
            json!({"email": format!(" Person{id}@Example.com"), "firstName": format!("Zoë {id}")}),
        )
    });
    let delivered = world.deliver(&delivery, events.collect()).await;
    assert!(words(&delivered).iter().all(|all| *all == [Outcome::Applied]), "{delivered:?}");
    let held = world.by("contacts", "email").await;
    assert_eq!(held.len(), 250);
    for (at, delivered) in delivered.iter().enumerate() {
        let contact = &held[&format!("person{at}@example.com")];
        assert_eq!(contact["properties"]["firstname"], json!(format!("Zoë {at}")));
        assert_eq!(contact["id"].as_str().map(str::to_owned), delivered[0].record_id.map(|id| id.to_string()));
        assert_eq!(delivered[0].created, Some(true));
    }
    let writes = world.requests().await.into_iter().filter(|request| request.contains("/batch/")).count();
    assert_eq!(writes, 3);
}

#[tokio::test(start_paused = true)]
async fn of_several_events_of_one_person_the_later_value_wins_and_one_request_is_sent() {
    let world = World::new();
    let delivery = world.delivery(vec![contacts()]).await;
    let events = vec![
        identify("u1", json!({"email": "a@example.com", "firstName": "First", "phone": "1"})),
        identify("u1", json!({"email": "A@example.com", "firstName": "Second"})),
        identify("u2", json!({"email": "a@example.com", "lastName": "Last", "phone": ""})),
    ];
    let delivered = world.deliver(&delivery, events).await;
    assert_eq!(words(&delivered), vec![vec![Outcome::Applied]; 3]);
    let held = world.by("contacts", "email").await;
    let properties = &held["a@example.com"]["properties"];
    assert_eq!((&properties["firstname"], &properties["lastname"]), (&json!("Second"), &json!("Last")));
    assert!(properties["phone"].as_str().is_none_or(str::is_empty), "the empty text clears: {properties}");
    let created: Vec<Option<bool>> = delivered.iter().map(|all| all[0].created).collect();
    assert_eq!(created, [Some(true), Some(false), Some(false)]);
    assert_eq!(world.requests().await.into_iter().filter(|request| request.contains("/batch/")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_bad_event_is_refused_alone_whether_we_or_hubspot_find_it() {
    let world = World::new();
    let spec = mapping(
        "contacts",
        Action::UpsertContact,
        "",
        json!({"lifecyclestage": {"@path": "$.traits.stage"}, "properties": {"numemployees": {"@path": "$.traits.size"}}}),
    );
    let delivery = world.delivery(vec![spec]).await;
    // HubSpot refuses what we let through: as if the options had changed a moment ago.
    world.script(|path, body| {
        let bad = body["inputs"].as_array().into_iter().flatten().any(|input| input["properties"]["lifecyclestage"] == "lead");
        (path.contains("/batch/") && bad).then(|| {
            (400, json!({"status": "error", "category": "VALIDATION_ERROR", "correlationId": "c",
                "message": "Property values were not valid: [{\"isValid\":false,\"message\":\"lead was not one of the allowed options\",\"error\":\"INVALID_OPTION\",\"name\":\"lifecyclestage\",\"propertyValue\":\"lead\"}]"}))
        })
    });
    let person = |id: u32, traits: Value| {
        let mut all = json!({"email": format!("p{id}@example.com"), "firstName": format!("P{id}")});
        for (name, value) in traits.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        identify(&format!("u{id}"), all)
    };
    let events = vec![
        person(1, json!({})),
        person(2, json!({"stage": "lead"})),
        person(2, json!({"phone": "5"})),
        person(3, json!({"stage": "no such stage"})),
        person(4, json!({})),
        identify("u5", json!({"firstName": "Nobody"})),
        identify("u6", json!({"email": "no address"})),
    ];
    let delivered = world.deliver(&delivery, events).await;
    let words: Vec<Outcome> = delivered.iter().map(|all| all[0].outcome).collect();
    use Outcome::{Applied, Invalid, Rejected};
    assert_eq!(words, [Applied, Rejected, Applied, Invalid, Applied, Invalid, Invalid], "{delivered:?}");
    assert_eq!(code(&delivered[3][0]), "INVALID_OPTION");
    assert_eq!(code(&delivered[5][0]), "MISSING_FIELD");
    let held = world.by("contacts", "email").await;
    assert_eq!(held.keys().collect::<Vec<_>>(), ["p1@example.com", "p2@example.com", "p4@example.com"]);
    assert_eq!(held["p2@example.com"]["properties"]["phone"], json!("5"));
}

#[tokio::test(start_paused = true)]
async fn a_whole_object_as_properties_leaves_unknown_names_out_and_names_them() {
    let world = World::new();
    let spec = mapping("contacts", Action::UpsertContact, "", json!({"properties": {"@path": "$.traits"}}));
    let delivery = world.delivery(vec![spec]).await;
    let event = identify(
        "u1",
        json!({"email": "a@example.com", "jobtitle": "Boss", "nonsense": 1, "createdate": "2020-01-01"}),
    );
    let delivered = world.deliver(&delivery, vec![event]).await;
    assert_eq!(delivered[0][0].outcome, Outcome::Applied, "{delivered:?}");
    let warned: Vec<&str> = delivered[0][0].warnings.iter().map(|warning| warning.field.as_str()).collect();
    assert!(warned.contains(&"properties.nonsense"), "{warned:?}");
    assert_eq!(world.by("contacts", "email").await["a@example.com"]["properties"]["jobtitle"], json!("Boss"));
}

#[tokio::test(start_paused = true)]
async fn the_stage_moves_back_and_forth() {
    let world = World::new();
    world.load(
        &json!({"records": {"contacts": [{"properties": {"email": "a@example.com", "lifecyclestage": "customer"}}]}}),
    );
    let spec = mapping("contacts", Action::UpsertContact, "", json!({"lifecyclestage": {"@path": "$.traits.stage"}}));
    let delivery = world.delivery(vec![spec]).await;
    for stage in ["Lead ", "opportunity", "lead"] {
        let event = identify("u1", json!({"email": "a@example.com", "stage": stage}));
        let delivered = world.deliver(&delivery, vec![event]).await;
        assert_eq!(delivered[0][0].outcome, Outcome::Applied, "{delivered:?}");
        let held = world.by("contacts", "email").await["a@example.com"]["properties"]["lifecyclestage"].clone();
        assert_eq!(held, json!(stage.trim().to_lowercase()));
    }
}
