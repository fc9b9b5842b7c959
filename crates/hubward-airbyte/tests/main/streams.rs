//! Streams: which object they write to, and what of their records.

use serde_json::{Value, json};

use crate::world::{World, complete, people, person, record, state, stream};

fn kind(told: &crate::world::Told) -> Value {
    serde_json::to_value(told.failure().failure_type).expect("a word")
}

#[tokio::test(start_paused = true)]
async fn three_streams_write_their_objects_and_give_three_states_back() {
    let world = World::stocked();
    let streams = vec![
        stream("people", "CONTACT", "append_dedup", "email", &["email", "firstname", "lead_score"]),
        stream("firms", "COMPANY", "append_dedup", "retl_identifier", &["retl_identifier", "name"]),
        stream("fleet", "cars", "append_dedup", "car_id", &["car_id", "maker"]),
    ];
    let told = world
        .write(
            streams,
            vec![
                person(1),
                state("people", 1),
                record("firms", json!({"retl_identifier": "r1", "name": "Ångström & Söhne"})),
                state("firms", 2),
                record("fleet", json!({"car_id": "c1", "maker": "Škoda"})),
                state("fleet", 3),
                complete("people"),
                complete("firms"),
                complete("fleet"),
            ],
        )
        .await
        .ok();
    assert_eq!(told.stats(), [[1, 0]; 3]);
    let contact = world.record("contacts", "email", "person1@example.com").await;
    assert_eq!(
        (&contact["properties"]["firstname"], &contact["properties"]["lead_score"]),
        (&json!("Zoë 1"), &json!("1"))
    );
    assert_eq!(world.record("companies", "retl_identifier", "r1").await["properties"]["name"], "Ångström & Söhne");
    assert_eq!(world.record("cars", "car_id", "c1").await["properties"]["maker"], "Škoda");
    let paths: Vec<String> = world
        .requests()
        .await
        .iter()
        .filter(|request| request["method"] != "GET")
        .map(|request| request["path"].as_str().expect("a path").to_owned())
        .collect();
    assert!(paths.iter().any(|path| path == "/crm/v3/objects/contacts/batch/upsert"), "v3 unless it is set: {paths:?}");
}

#[tokio::test(start_paused = true)]
async fn many_streams_are_completed_each() {
    let world = World::stocked();
    let names: Vec<String> = (0..21).map(|number| format!("stream_{number}")).collect();
    let streams =
        names.iter().map(|name| stream(name, "CONTACT", "append_dedup", "email", &["email", "firstname"])).collect();
    let mut messages = Vec::new();
    for (number, name) in names.iter().enumerate() {
        for row in 0..7 {
            messages.push(record(name, json!({"email": format!("p{number}-{row}@example.com"), "firstname": name})));
        }
        messages.push(state(name, number as u64));
    }
    messages.extend(names.iter().map(|name| complete(name)));
    let told = world.write(streams, messages).await.ok();
    assert_eq!(told.stats(), [[7, 0]; 21]);
    assert_eq!(world.records("contacts").await.len(), 147);
}

#[tokio::test(start_paused = true)]
async fn an_empty_stream_writes_nothing() {
    let world = World::stocked();
    world.write(vec![people()], vec![complete("people")]).await.ok();
    let writes = world.requests().await.into_iter().filter(|request| request["method"] != "GET").count();
    assert_eq!(writes, 0);
}

#[tokio::test(start_paused = true)]
async fn namespaces_and_funny_names_tell_streams_apart() {
    let world = World::stocked();
    let mut streams = Vec::new();
    let mut messages = Vec::new();
    let names = [
        ("people", Some("a")),
        ("people", Some("b")),
        ("people", None),
        ("Ünïcode \"quoted\" /slash {x}", Some("é 名")),
    ];
    for (number, (name, namespace)) in names.into_iter().enumerate() {
        let mut one = stream(name, "CONTACT", "append_dedup", "email", &["email", "city"]);
        let mut row =
            record(name, json!({"email": format!("n{number}@example.com"), "city": format!("city {number}")}));
        let mut done = complete(name);
        let mut ack = state(name, number as u64);
        if let Some(namespace) = namespace {
            one["stream"]["namespace"] = json!(namespace);
            row["record"]["namespace"] = json!(namespace);
            done["trace"]["stream_status"]["stream_descriptor"]["namespace"] = json!(namespace);
            ack["state"]["stream"]["stream_descriptor"]["namespace"] = json!(namespace);
        }
        streams.push(one);
        messages.extend([row, ack, done]);
    }
    let told = world.write(streams, messages).await.ok();
    assert_eq!(told.stats(), [[1, 0]; 4]);
    assert_eq!(world.values("contacts", "city").await, ["city 0", "city 1", "city 2", "city 3"]);
}

#[tokio::test(start_paused = true)]
async fn values_of_every_type_arrive_as_hubspot_keeps_them() {
    let world = World::stocked();
    world.load(&json!({"properties": {"contacts": [
        {"name": "born", "label": "born", "type": "date", "fieldType": "date"},
        {"name": "seen", "label": "seen", "type": "datetime", "fieldType": "date"},
        {"name": "vip", "label": "vip", "type": "bool", "fieldType": "booleancheckbox"},
        {"name": "amount", "label": "amount", "type": "number", "fieldType": "number"},
        {"name": "notes_text", "label": "notes", "type": "string", "fieldType": "textarea"},
        {"name": "tags", "label": "tags", "type": "enumeration", "fieldType": "checkbox",
         "options": [{"label": "Red", "value": "red"}, {"label": "Blue", "value": "blue"}]},
    ]}}));
    let columns = ["email", "born", "seen", "vip", "amount", "notes_text", "tags", "city"];
    let data = json!({"email": "T@Example.com ", "born": "2026-01-03", "seen": "2026-01-03T04:05:06.789+02:00", "vip": true,
        "amount": 12.5, "notes_text": {"a": [1]}, "tags": ["red", "blue"], "city": null, "undeclared": "x",
        "_airbyte_raw_id": "r", "_airbyte_meta": {}});
    let told = world
        .write(
            vec![stream("people", "CONTACT", "append_dedup", "email", &columns)],
            vec![record("people", data), complete("people")],
        )
        .await
        .ok();
    assert_eq!(told.counts(), [1, 1, 0]);
    let properties = world.record("contacts", "email", "t@example.com").await["properties"].clone();
    assert_eq!(properties["born"], "2026-01-03");
    assert_eq!(properties["seen"], "2026-01-03T02:05:06.789Z");
    assert_eq!((&properties["vip"], &properties["amount"]), (&json!("true"), &json!("12.5")));
    assert_eq!((&properties["notes_text"], &properties["tags"]), (&json!("{\"a\":[1]}"), &json!("red;blue")));
}

#[tokio::test(start_paused = true)]
async fn null_is_not_written_and_the_empty_text_clears() {
    let world = World::stocked();
    world.load(&json!({"records": {"contacts": [
        {"properties": {"email": "a@example.com", "firstname": "kept", "lastname": "old"}}]}}));
    let columns = ["email", "firstname", "lastname"];
    let data = json!({"email": "a@example.com", "firstname": null, "lastname": ""});
    world
        .write(
            vec![stream("people", "CONTACT", "append_dedup", "email", &columns)],
            vec![record("people", data), complete("people")],
        )
        .await
        .ok();
    let properties = world.record("contacts", "email", "a@example.com").await["properties"].clone();
    assert_eq!(properties["firstname"], "kept");
    assert!(properties["lastname"].as_str().unwrap_or_default().is_empty(), "{properties}");
}

#[tokio::test(start_paused = true)]
async fn the_streams_name_stands_for_the_object() {
    let world = World::stocked();
    for name in ["contacts", "CONTACT", "0-1"] {
        let mut one = stream(name, "", "append_dedup", "email", &["email"]);
        one["destination_object_name"] = Value::Null;
        let email = format!("{name}@example.com").to_lowercase();
        world.write(vec![one], vec![record(name, json!({"email": email})), complete(name)]).await.ok();
    }
    assert_eq!(
        world.values("contacts", "email").await,
        ["0-1@example.com", "contact@example.com", "contacts@example.com"]
    );
    let mut fleet = stream("Cars", "", "append_dedup", "vin", &["vin", "car_id"]);
    fleet["destination_object_name"] = Value::Null;
    world.write(vec![fleet], vec![record("Cars", json!({"vin": "v", "car_id": "c"})), complete("Cars")]).await.ok();
    assert_eq!(world.values("cars", "vin").await, ["v"]);
}

#[tokio::test(start_paused = true)]
async fn a_catalog_that_the_account_cannot_take_is_the_configurations_fault() {
    let world = World::stocked();
    let cases = [
        (stream("a", "CONTACT", "overwrite", "email", &["email"]), "overwrite"),
        (stream("a", "SPACESHIP", "append_dedup", "email", &["email"]), "SPACESHIP"),
        (stream("a", "CONTACT", "append_dedup", "nickname", &["nickname"]), "no property"),
        (stream("a", "CONTACT", "append_dedup", "firstname", &["firstname"]), "not unique"),
        (stream("a", "CONTACT", "append_dedup", "hs_object_id", &["hs_object_id"]), "update and soft_delete only"),
        (stream("a", "CONTACT", "update", "", &["email"]), "needs a matching key"),
    ];
    for (one, part) in cases {
        let told = world.write(vec![one], vec![complete("a")]).await;
        assert!(told.failure().message.contains(part), "{part}: {}", told.failure().message);
        assert_eq!(kind(&told), "config_error", "{part}");
        assert!(told.states().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_no_message_ends_the_write_after_what_came_before_it() {
    let world = World::stocked();
    for (bad, part) in [
        ("hush", "line 3"),
        (r#"{"type":"RECORD","record":{"stream":"nobody","data":{},"emitted_at":1}}"#, "no stream nobody"),
        (r#"{"type":"RECORD","record":{"stream":"people","data":"hush","emitted_at":1}}"#, "line 3"),
    ] {
        let text = format!("{}\n{}\n{bad}\n{}\n{}\n", person(1), state("people", 1), person(99), complete("people"));
        let told = world.write_text(vec![people()], text).await;
        let message = &told.failure().message;
        assert!(message.contains(part) && !message.contains("hush"), "{message}");
        assert_eq!(told.stats(), [[1, 0]], "what came before is acknowledged");
        assert_eq!(world.values("contacts", "email").await, ["person1@example.com"], "what comes after is not read");
    }
}

#[tokio::test(start_paused = true)]
async fn records_of_one_key_are_counted_each_and_the_last_value_wins() {
    let world = World::stocked();
    let mut messages = Vec::new();
    for round in 0..40 {
        for number in 0..10 {
            let data = json!({"email": format!("Same{number}@example.com"), "firstname": format!("round {round}"),
                "lead_score": if round == 0 { json!(number) } else { Value::Null }});
            messages.push(record("people", data));
        }
        messages.push(state("people", round));
    }
    messages.push(complete("people"));
    let told = world.write(vec![people()], messages).await.ok();
    assert_eq!(told.counts(), [400, 400, 0]);
    assert_eq!(told.stats(), vec![[10, 0]; 40]);
    let records = world.records("contacts").await;
    assert_eq!(records.len(), 10);
    assert!(records.iter().all(|record| record["properties"]["firstname"] == "round 39"));
    assert!(records.iter().all(|record| record["properties"]["lead_score"].is_string()), "an earlier value stays");
}
