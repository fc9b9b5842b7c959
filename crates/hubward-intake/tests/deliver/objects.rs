//! Records of any type: sync modes, associations, dissociations, lists, properties that are made, sensitive ones.

use std::time::Duration;

use hubward_core::Outcome;
use hubward_core::spec::{Action, MappingSpec, SyncMode};
use serde_json::{Value, json};

use crate::harness::{World, associated, code, in_mode, mapping, words};

fn object(fields: Value) -> MappingSpec {
    let mut all = json!({
        "object_details": {"object_type": "contacts", "id_field_name": "email", "id_field_value": {"@path": "$.traits.email"}},
        "association_sync_mode": "upsert",
        "properties": {"@path": "$.traits.more"},
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    mapping("objects", Action::UpsertObject, "type = \"identify\"", all)
}

fn person(id: u32, more: Value) -> Value {
    json!({"type": "identify", "userId": format!("u{id}"), "traits": {"email": format!("p{id}@example.com"), "more": more}})
}

#[tokio::test(start_paused = true)]
async fn sync_modes_say_what_becomes_of_what_is_there_and_what_is_not() {
    for (mode, expected) in [
        (SyncMode::Update, [Outcome::Applied, Outcome::Skipped]),
        (SyncMode::Upsert, [Outcome::Applied, Outcome::Applied]),
        (SyncMode::Add, [Outcome::Skipped, Outcome::Applied]),
    ] {
        let world = World::new();
        world.load(&json!({"records": {"contacts": [{"properties": {"email": "p1@example.com", "jobtitle": "Old"}}]}}));
        let delivery = world.delivery(vec![in_mode(mode, object(json!({})))]).await;
        let events = vec![person(1, json!({"jobtitle": "New"})), person(2, json!({"jobtitle": "New"}))];
        let delivered = world.deliver(&delivery, events).await;
        let words: Vec<Outcome> = delivered.iter().map(|all| all[0].outcome).collect();
        assert_eq!(words, expected, "{mode:?}: {delivered:?}");
        let held = world.by("contacts", "email").await;
        let title = if mode == SyncMode::Add { "Old" } else { "New" };
        assert_eq!(held["p1@example.com"]["properties"]["jobtitle"], json!(title));
        assert_eq!(held.contains_key("p2@example.com"), mode != SyncMode::Update);
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_events_of_a_new_record_in_mode_add_the_first_makes_it_and_the_others_are_skipped() {
    let world = World::new();
    let delivery = world.delivery(vec![in_mode(SyncMode::Add, object(json!({})))]).await;
    let events = vec![person(1, json!({"jobtitle": "First"})), person(1, json!({"jobtitle": "Second"}))];
    let delivered = world.deliver(&delivery, events).await;
    assert_eq!(words(&delivered), [[Outcome::Applied], [Outcome::Skipped]], "{delivered:?}");
    let third = world.input("m9", person(1, json!({"jobtitle": "Third"})));
    let (again, _) = delivery.window(&[third]).await;
    assert_eq!(words(&again), [[Outcome::Skipped]], "{again:?}");
    assert_eq!(world.by("contacts", "email").await["p1@example.com"]["properties"]["jobtitle"], json!("First"));
}

#[tokio::test(start_paused = true)]
async fn properties_that_are_lacking_are_made_with_the_type_of_their_values_sensitive_ones_too() {
    let world = World::new();
    world.load(&json!({"settings": {"sensitive_data": true}}));
    let spec = object(json!({
        "object_details": {"object_type": "contacts", "id_field_name": "email", "id_field_value": {"@path": "$.traits.email"},
            "property_group": "app"},
        "sensitive_properties": {"ssn": {"@path": "$.traits.ssn"}},
    }));
    let delivery = world.delivery(vec![in_mode(SyncMode::Upsert, spec)]).await;
    let mut first =
        person(1, json!({"Score": 5, "Paid": true, "Since": "2020-02-03", "Plan Name": "gold", "zip code": "01234"}));
    first["traits"]["ssn"] = json!("123");
    let events = vec![first, person(2, json!({"Score": 7.5, "Paid": false}))];
    let delivered = world.deliver(&delivery, events).await;
    assert!(words(&delivered).iter().all(|all| *all == [Outcome::Applied]), "{delivered:?}");
    let held = world.by("contacts", "email").await;
    let properties = &held["p1@example.com"]["properties"];
    let expected = [
        ("score", "5"),
        ("paid", "true"),
        ("since", "2020-02-03"),
        ("plan_name", "gold"),
        ("zip_code", "01234"),
        ("ssn", "123"),
    ];
    for (name, value) in expected {
        assert_eq!(properties[name], json!(value), "{name}");
    }
    let defined = world.call("GET", "/crm/v3/properties/contacts/score", Value::Null).await;
    assert_eq!((&defined["type"], &defined["groupName"]), (&json!("number"), &json!("app")));
    let defined = world.call("GET", "/crm/v3/properties/contacts/ssn", Value::Null).await;
    assert_eq!(defined["dataSensitivity"], json!("sensitive"));
    let asked = world.requests().await.len();
    let delivered = world.deliver(&delivery, vec![person(3, json!({"Score": 1}))]).await;
    assert_eq!(delivered[0][0].outcome, Outcome::Applied);
    assert_eq!(world.requests().await.len(), asked + 1, "what is known is not asked for again");
}

fn linked(mode: &str) -> MappingSpec {
    in_mode(
        SyncMode::Upsert,
        object(json!({
            "association_sync_mode": mode,
            "associations": {"@arrayPath": ["$.traits.firms", {"object_type": "companies", "association_label": "HUBSPOT_DEFINED:279",
                "id_field_name": "firm_key", "id_field_value": {"@path": "$.key"}}]},
            "dissociations": {"@arrayPath": ["$.traits.left", {"object_type": "companies", "association_label": "HUBSPOT_DEFINED:279",
                "id_field_name": "firm_key", "id_field_value": {"@path": "$.key"}}]},
        })),
    )
}

/// Companies that are known by a key of their own.
fn with_keys(world: &World) {
    world.load(&json!({
        "properties": {"companies": [{"name": "firm_key", "label": "Key", "type": "string", "fieldType": "text",
            "groupName": "companyinformation", "hasUniqueValue": true}]},
        "records": {"companies": [{"properties": {"firm_key": "f1", "name": "One"}}, {"properties": {"firm_key": "f2", "name": "Two"}}]},
    }));
}

#[tokio::test(start_paused = true)]
async fn associations_find_their_ends_missing_ones_are_told_and_they_can_be_taken_apart() {
    for mode in ["read", "upsert"] {
        let world = World::new();
        with_keys(&world);
        let delivery = world.delivery(vec![linked(mode)]).await;
        let firms = |id: u32, keys: &[&str], left: &[&str]| {
            let list = |keys: &[&str]| -> Value { keys.iter().map(|key| json!({"key": key})).collect() };
            let mut event = person(id, json!({}));
            event["traits"]["firms"] = list(keys);
            event["traits"]["left"] = list(left);
            event
        };
        let mut events: Vec<Value> = (1..=100).map(|id| firms(id, &["f1", "f2"], &[])).collect();
        events.push(firms(101, &["f1", "f9"], &[]));
        let delivered = world.deliver(&delivery, events).await;
        assert!(words(&delivered).iter().all(|all| *all == [Outcome::Applied]), "{mode}: {delivered:?}");
        let known = world.by("companies", "firm_key").await;
        let ids: Vec<String> = known.values().map(|firm| firm["id"].as_str().expect("an id").to_owned()).collect();
        let people = world.by("contacts", "email").await;
        for id in 1..=100 {
            let mut held = associated(&people[&format!("p{id}@example.com")], "companies");
            held.sort();
            assert_eq!(held, ids[..2], "{mode} {id}");
        }
        // A company needs a name or a domain, and by its key alone none is made.
        assert_eq!(known.len(), 2, "{mode}");
        assert_eq!(associated(&people["p101@example.com"], "companies").len(), 1);
        assert!(
            delivered[100][0].warnings.iter().any(|warning| warning.message.contains("f9")),
            "{:?}",
            delivered[100]
        );

        let delivered = world.deliver(&delivery, vec![firms(1, &[], &["f1", "f9"])]).await;
        assert_eq!(delivered[0][0].outcome, Outcome::Applied, "{delivered:?}");
        let people = world.by("contacts", "email").await;
        assert_eq!(associated(&people["p1@example.com"], "companies"), [ids[1].clone()]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_needs_no_more_than_its_key_is_made() {
    let world = World::new();
    let spec = mapping(
        "deals",
        Action::UpsertObject,
        "type = \"track\"",
        json!({
            "object_details": {"object_type": "companies", "id_field_name": "firm_key", "id_field_value": {"@path": "$.properties.firm"}},
            "association_sync_mode": "upsert",
            "properties": {"name": {"@path": "$.properties.name"}},
            "associations": [{"object_type": "contacts", "association_label": "HUBSPOT_DEFINED:280", "id_field_name": "email",
                "id_field_value": {"@path": "$.properties.email"}}],
        }),
    );
    with_keys(&world);
    let delivery = world.delivery(vec![in_mode(SyncMode::Upsert, spec)]).await;
    let event = json!({"type": "track", "event": "x", "userId": "u", "properties": {"firm": "f3", "name": "Three", "email": "New@example.com"}});
    let delivered = world.deliver(&delivery, vec![event]).await;
    assert_eq!(delivered[0][0].outcome, Outcome::Applied, "{delivered:?}");
    assert!(delivered[0][0].warnings.is_empty(), "{delivered:?}");
    let firm = &world.by("companies", "firm_key").await["f3"];
    let contact = &world.by("contacts", "email").await["new@example.com"];
    assert_eq!(associated(firm, "contacts"), [contact["id"].as_str().expect("an id")]);
}

#[tokio::test(start_paused = true)]
async fn records_join_and_leave_a_list_that_is_made_once() {
    let world = World::new();
    let spec = object(json!({"list_details": {"list_name": "VIPs", "list_action": {"@path": "$.traits.vip"}}}));
    let delivery = world.delivery(vec![in_mode(SyncMode::Upsert, spec)]).await;
    let vip = |id: u32, vip: bool| {
        let mut event = person(id, json!({}));
        event["traits"]["vip"] = json!(vip);
        event
    };
    let mut events: Vec<Value> = (1..=50).map(|id| vip(id, true)).collect();
    events.push(vip(7, false));
    let delivered = world.deliver(&delivery, events).await;
    assert!(words(&delivered).iter().all(|all| *all == [Outcome::Applied]), "{delivered:?}");
    assert_eq!(world.lists().await["VIPs"]["members"].as_array().expect("members").len(), 49);
    let delivered = world.deliver(&delivery, vec![vip(8, false), vip(7, true)]).await;
    assert!(words(&delivered).iter().all(|all| *all == [Outcome::Applied]), "{delivered:?}");
    assert_eq!(world.lists().await["VIPs"]["members"].as_array().expect("members").len(), 49);
    assert_eq!(world.lists().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn custom_records_are_found_by_fields_and_those_of_the_next_window_are_not_made_twice() {
    let world = World::new();
    world.load(&json!({"records": {"companies": [{"properties": {"domain": "firm.example", "name": "Firm"}}]}}));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let spec = mapping(
        "tickets",
        Action::UpsertCustomObjectRecord,
        "type = \"track\"",
        json!({
            "objectType": "tickets",
            "customObjectSearchFields": {"subject": {"@path": "$.properties.subject"}},
            "properties": {"content": {"@path": "$.properties.text"}, "hs_pipeline": "0", "hs_pipeline_stage": "1"},
            "toObjectType": "companies", "associationLabel": "HUBSPOT_DEFINED:339",
            "searchFieldsToAssociateCustomObjects": {"domain": {"@path": "$.properties.domain"}},
        }),
    );
    let delivery = world.delivery(vec![spec]).await;
    let ticket = |subject: &str, text: &str| json!({"type": "track", "event": "x", "userId": "u", "properties": {"subject": subject, "text": text, "domain": "firm.example"}});
    let delivered = world.deliver(&delivery, vec![ticket("A", "1"), ticket("a", "2"), ticket("B", "1")]).await;
    assert!(words(&delivered).iter().all(|all| *all == [Outcome::Applied]), "{delivered:?}");
    // The search does not show them yet.
    let delivered = world.deliver(&delivery, vec![ticket("A", "3")]).await;
    assert_eq!(delivered[0][0].outcome, Outcome::Applied);
    let held = world.by("tickets", "subject").await;
    assert_eq!(held.len(), 2);
    let a = held.values().find(|ticket| ticket["properties"]["content"] == "3").expect("written again");
    assert_eq!(associated(a, "companies").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_object_type_is_told_and_the_other_mappings_go_on() {
    let world = World::new();
    let unknown = object(json!({"object_details": {"object_type": "spaceships", "id_field_name": "email",
        "id_field_value": {"@path": "$.traits.email"}}}));
    let mut known = object(json!({}));
    known.name = "known".to_owned();
    let delivery = world.delivery(vec![in_mode(SyncMode::Upsert, unknown), in_mode(SyncMode::Upsert, known)]).await;
    let delivered = world.deliver(&delivery, vec![person(1, json!({}))]).await;
    assert_eq!(words(&delivered), [[Outcome::Invalid, Outcome::Applied]], "{delivered:?}");
    assert_eq!(code(&delivered[0][0]), "UNKNOWN_OBJECT_TYPE");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_hubspot_does_not_hold_unique_rejects_the_events_of_its_mapping_only() {
    let world = World::new();
    let mut known = object(json!({}));
    known.name = "known".to_owned();
    let delivery =
        world.delivery(vec![in_mode(SyncMode::Upsert, object(json!({}))), in_mode(SyncMode::Upsert, known)]).await;
    world.script(|path, body| {
        let first = body["inputs"][0]["properties"]["jobtitle"].is_string();
        (path.contains("/batch/upsert") && first).then(|| {
            (
                400,
                json!({"status": "error", "category": "VALIDATION_ERROR", "correlationId": "c",
                "message": "Unable to perform update/upsert by non-unique 0-1 property email"}),
            )
        })
    });
    let delivered = world.deliver(&delivery, vec![person(1, json!({"jobtitle": "x"}))]).await;
    assert!(delivered[0].iter().all(|one| one.outcome == Outcome::Rejected), "{delivered:?}");
    assert_eq!(code(&delivered[0][0]), "MAPPING_REFUSED");
    let delivered = world.deliver(&delivery, vec![person(2, json!({}))]).await;
    assert_eq!(words(&delivered), [[Outcome::Applied; 2]], "{delivered:?}");
}

#[tokio::test(start_paused = true)]
async fn in_mode_add_a_bad_event_does_not_take_the_next_one_of_its_record_with_it() {
    let world = World::new();
    world.script(|path, body| {
        let bad = path.contains("/batch/create") && body.to_string().contains("Bad");
        bad.then(|| {
            let error = json!({"status": "error", "category": "VALIDATION_ERROR", "correlationId": "c", "message": "jobtitle is not valid",
                "errors": [{"message": "Bad is not valid", "code": "INVALID_JOBTITLE", "context": {"propertyName": ["jobtitle"]}}]});
            (400, error)
        })
    });
    let delivery = world.delivery(vec![in_mode(SyncMode::Add, object(json!({})))]).await;
    let titles = ["Bad", "Good", "Late"];
    let delivered =
        world.deliver(&delivery, titles.iter().map(|title| person(1, json!({"jobtitle": title}))).collect()).await;
    let expected = [[Outcome::Rejected], [Outcome::Applied], [Outcome::Skipped]];
    assert_eq!(words(&delivered), expected, "{delivered:?}");
    assert_eq!(world.by("contacts", "email").await["p1@example.com"]["properties"]["jobtitle"], json!("Good"));
}

#[tokio::test(start_paused = true)]
async fn in_mode_add_what_hangs_on_a_record_is_done_by_a_later_try_of_the_event_that_made_it() {
    let world = World::new();
    world.load(&json!({"records": {"companies": [{"properties": {"name": "Firm", "domain": "firm.example"}}]}}));
    let spec = object(json!({
        "associations": [{"object_type": "companies", "association_label": "HUBSPOT_DEFINED:279",
            "id_field_name": "domain", "id_field_value": "firm.example"}],
    }));
    world.script(|path, _| {
        path.contains("/associations/").then(|| (503, json!({"status": "error", "message": "down"})))
    });
    let delivery = world.delivery(vec![in_mode(SyncMode::Add, spec.clone())]).await;
    let event = world.input("m1", person(1, json!({"jobtitle": "New"})));
    let (delivered, _) = delivery.window(std::slice::from_ref(&event)).await;
    assert_eq!(words(&delivered), [[Outcome::Deferred]], "{delivered:?}");
    assert_eq!(world.records("contacts").await.len(), 1);
    // Hours later, when HubSpot answers again.
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    let (delivered, _) = delivery.window(std::slice::from_ref(&event)).await;
    assert_eq!(words(&delivered), [[Outcome::Deferred]], "{delivered:?}");
    world.end_script();
    let (delivered, _) = delivery.window(std::slice::from_ref(&event)).await;
    assert_eq!(words(&delivered), [[Outcome::Applied]], "{delivered:?}");
    let contact = &world.by("contacts", "email").await["p1@example.com"];
    assert_eq!(associated(contact, "companies").len(), 1);
    // Another event finds a record that exists.
    let (delivered, _) = delivery.window(&[world.input("m2", person(1, json!({"jobtitle": "Newer"})))]).await;
    assert_eq!(words(&delivered), [[Outcome::Skipped]], "{delivered:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_undecided_stays_so_whatever_else_is_refused() {
    let world = World::new();
    world.load(&json!({"records": {"companies": [{"properties": {"name": "Firm", "domain": "firm.example"}}]}}));
    let spec = object(json!({
        "associations": [{"object_type": "companies", "association_label": "HUBSPOT_DEFINED:279",
            "id_field_name": "domain", "id_field_value": "firm.example"}],
        "list_details": {"list_name": "Gone", "should_create_list": false, "list_action": {"@path": "$.traits.vip"}},
    }));
    world.script(|path, _| {
        path.contains("/associations/").then(|| (503, json!({"status": "error", "message": "down"})))
    });
    let delivery = world.delivery(vec![in_mode(SyncMode::Upsert, spec)]).await;
    let mut event = person(1, json!({"jobtitle": "New"}));
    event["traits"]["vip"] = json!(true);
    let event = world.input("m1", event);
    let (delivered, _) = delivery.window(std::slice::from_ref(&event)).await;
    assert_eq!(words(&delivered), [[Outcome::Deferred]], "{delivered:?}");
    world.end_script();
    let (delivered, _) = delivery.window(std::slice::from_ref(&event)).await;
    assert_eq!(words(&delivered), [[Outcome::Rejected]], "{delivered:?}");
    let contact = &world.by("contacts", "email").await["p1@example.com"];
    assert_eq!(associated(contact, "companies").len(), 1);
}
