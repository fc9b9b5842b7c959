//! Custom events of track calls.

use hubward_core::Outcome;
use hubward_core::spec::{Action, SyncMode};
use serde_json::{Value, json};

use crate::harness::{World, code, in_mode, mapping, words};

fn track(id: u32, properties: Value) -> Value {
    json!({"type": "track", "event": "Order Placed", "userId": format!("u{id}"), "timestamp": "2026-11-22T09:00:00.000Z",
        "context": {"traits": {"email": format!("p{id}@example.com")}}, "properties": properties})
}

fn defined(world: &World) {
    world
        .load(&json!({"event_definitions": [{"name": "order_placed", "label": "Order placed", "propertyDefinitions": [
        {"name": "amount", "label": "Amount", "type": "number"}]}]}));
}

#[tokio::test(start_paused = true)]
async fn behavioral_events_of_a_window_are_sent_together_each_once() {
    let world = World::new();
    defined(&world);
    world.load(&json!({"settings": {"events_deduplicate": false}}));
    let spec = mapping(
        "orders",
        Action::SendCustomBehavioralEvent,
        "",
        json!({"eventName": "pe1234567_order.placed", "properties": {"@path": "$.properties"}}),
    );
    let delivery = world.delivery(vec![spec]).await;
    world.fault(json!([{"match": {"kind": "event"}, "after": 0, "times": 1, "do": {"reset": "after"}}])).await;
    let events: Vec<Value> = (1..=700).map(|id| track(id, json!({"amount": id, "unknown": 1}))).collect();
    let delivered = world.deliver(&delivery, events.clone()).await;
    assert!(words(&delivered).iter().all(|all| *all == [Outcome::Applied]), "{:?}", delivered[0]);
    assert!(delivered[0][0].warnings.iter().any(|warning| warning.field == "properties.unknown"));
    let mut amounts: Vec<u32> = world
        .events()
        .await
        .iter()
        .map(|event| {
            assert_eq!(event["occurredAt"].as_str().map(|at| &at[..19]), Some("2026-11-22T09:00:00"), "{event}");
            event["properties"]["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount")
        })
        .collect();
    amounts.sort_unstable();
    assert_eq!(amounts, (1..=700).collect::<Vec<_>>());
    // The same message ids come again: they have been sent.
    world.deliver(&delivery, events).await;
    assert_eq!(world.events().await.len(), 700);
}

#[tokio::test(start_paused = true)]
async fn definitions_are_made_and_extended_as_the_sync_mode_says() {
    let spec = |mode| {
        in_mode(
            mode,
            mapping(
                "orders",
                Action::CustomEvent,
                "type = \"track\"",
                json!({"event_name": {"@path": "$.event"}, "record_details": {"object_type": "contacts", "email": {"@path": "$.context.traits.email"}},
                    "properties": {"@path": "$.properties"}}),
            ),
        )
    };
    // Not there: update refuses, upsert and add make it.
    for (mode, expected) in
        [(SyncMode::Update, Outcome::Rejected), (SyncMode::Upsert, Outcome::Applied), (SyncMode::Add, Outcome::Applied)]
    {
        let world = World::new();
        let delivery = world.delivery(vec![spec(mode)]).await;
        let delivered = world
            .deliver(
                &delivery,
                vec![track(1, json!({"Amount": 5, "at": "2026-01-02T03:04:05Z", "gift": true, "note": "x"}))],
            )
            .await;
        assert_eq!(delivered[0][0].outcome, expected, "{mode:?}: {delivered:?}");
        let events = world.events().await;
        if mode == SyncMode::Update {
            assert_eq!(code(&delivered[0][0]), "HUBSPOT_SCHEMA_MISSING");
            assert!(events.is_empty());
        } else {
            assert_eq!(events[0]["properties"]["amount"], json!("5"));
            assert_eq!(
                (&events[0]["properties"]["gift"], &events[0]["email"]),
                (&json!("true"), &json!("p1@example.com"))
            );
        }
    }
    // There, without a property: update and upsert add it, add leaves it out.
    for (mode, held) in [(SyncMode::Update, true), (SyncMode::Upsert, true), (SyncMode::Add, false)] {
        let world = World::new();
        defined(&world);
        let delivery = world.delivery(vec![spec(mode)]).await;
        let delivered = world.deliver(&delivery, vec![track(1, json!({"amount": 5, "note": "x"}))]).await;
        assert_eq!(delivered[0][0].outcome, Outcome::Applied, "{mode:?}: {delivered:?}");
        let event = &world.events().await[0];
        assert_eq!(event["properties"]["note"].is_string(), held, "{mode:?}: {event}");
        assert_eq!(delivered[0][0].warnings.is_empty(), held);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_account_or_without_a_definition_is_rejected() {
    let world = World::new();
    let spec = |name: &str| mapping("orders", Action::SendCustomBehavioralEvent, "", json!({"eventName": name}));
    for (name, expected) in [("pe999_order_placed", "INVALID_NAME"), ("pe1234567_nothing", "HUBSPOT_SCHEMA_MISSING")] {
        let delivery = world.delivery(vec![spec(name)]).await;
        let delivered = world.deliver(&delivery, vec![track(1, json!({}))]).await;
        assert_eq!((delivered[0][0].outcome, code(&delivered[0][0])), (Outcome::Rejected, expected), "{delivered:?}");
        drop(delivery);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert!(world.events().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_message_id_under_two_write_keys_is_two_occurrences() {
    let world = World::new();
    defined(&world);
    world.load(&json!({"settings": {"events_deduplicate": true}}));
    let spec = mapping("orders", Action::SendCustomBehavioralEvent, "", json!({"eventName": "pe1234567_order_placed"}));
    let delivery = world.delivery(vec![spec]).await;
    let web = world.input("m1", track(1, json!({})));
    let mut app = world.input("m1", track(2, json!({})));
    app.source = "app".to_owned();
    let (delivered, _) = delivery.window(&[web, app]).await;
    assert_eq!(words(&delivered), [[Outcome::Applied], [Outcome::Applied]], "{delivered:?}");
    assert_eq!(world.events().await.len(), 2);
}
