//! Acknowledgements: when, in which order, and as they came.

use serde_json::{Value, json};

use crate::world::{World, complete, global_state, people, person, record, state, status, stream};

#[tokio::test(start_paused = true)]
async fn a_state_is_acknowledged_while_stdin_is_open_and_nothing_after_a_kill() {
    let world = World::stocked();
    let begun = world.begin(vec![people()]);
    begun.send(&person(1));
    begun.send(&state("people", 1));
    let states = begun.states(1).await;
    assert_eq!(states[0]["state"]["destinationStats"], json!({"recordCount": 1.0}));
    assert_eq!(states[0]["state"]["stream"]["stream_state"], json!({"cursor": 1}));
    assert_eq!(world.values("contacts", "email").await, ["person1@example.com"]);

    begun.send(&person(2));
    begun.send(&state("people", 2));
    begun.cancel.set();
    let told = begun.finish().await;
    assert!(told.failure().message.contains("interrupted"));
    assert_eq!(told.states().len(), 1, "no STATE goes out after the signal");
}

#[tokio::test(start_paused = true)]
async fn every_state_comes_back_once_and_as_it_was_spelled() {
    let world = World::stocked();
    let mut text = String::new();
    for number in 1..=250 {
        text.push_str(&format!("{}\n", person(number)));
        if number % 50 == 0 {
            text.push_str(&format!(
                "{{\"type\":\"STATE\",\"state\":{{\"type\":\"STREAM\",\"id\":{number},\"stream\":{{\"stream_descriptor\":{{\"name\":\"people\",\"namespace\":null}},\"stream_state\":{{\"at\":1.50,\"big\":123456789012345678901234567890}}}},\"sourceStats\":{{\"recordCount\":50.0}},\"more\":[1e3]}}}}\n"
            ));
        }
    }
    text.push_str(&format!("{}\n", complete("people")));
    let told = world.write_text(vec![people()], text).await.ok();
    assert_eq!(told.stats(), [[50, 0]; 5]);
    let ids: Vec<u64> = told.states().iter().map(|state| state["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids, [50, 100, 150, 200, 250]);
    let sums: Vec<u64> =
        told.states().iter().map(|state| state["committedRecordsCount"].as_u64().expect("a sum")).collect();
    assert_eq!(sums, ids);
    assert_eq!(world.records("contacts").await.len(), 250);
}

#[tokio::test(start_paused = true)]
async fn states_are_spelled_as_they_came() {
    let world = World::stocked();
    let (out, heard) = world.out();
    let line = r#"{"type":"STATE","state":{"type":"STREAM","id":4,"stream":{"stream_descriptor":{"name":"people"},"stream_state":{"at":1.50,"big":123456789012345678901234567890,"t":"\u00e9"}},"more":[1e3]}}"#;
    let input = format!("{line}\n{}\n", complete("people"));
    let catalog = json!({ "streams": [people()] }).to_string();
    let written = hubward_airbyte::write(
        &world.config(),
        catalog.as_bytes(),
        Box::new(std::io::Cursor::new(input.into_bytes())),
        &world.host(),
        &out,
        hubward_engine::Cancel::new(),
    )
    .await;
    assert_eq!(written.failure, None);
    let begin = line.strip_suffix("}}").expect("an end");
    assert!(heard.text().lines().any(|line| line.starts_with(begin)), "{}", heard.text());
}

#[tokio::test(start_paused = true)]
async fn an_explicit_null_as_the_state_survives() {
    let world = World::stocked();
    let mut null = state("people", 3);
    null["state"]["stream"]["stream_state"] = Value::Null;
    let told = world.write(vec![people()], vec![null, complete("people")]).await.ok();
    let state = &told.states()[0];
    assert!(state["stream"].as_object().expect("an object").contains_key("stream_state"));
    assert!(state["stream"]["stream_state"].is_null());
}

#[tokio::test(start_paused = true)]
async fn a_global_state_speaks_of_every_stream() {
    let world = World::stocked();
    let companies = stream("firms", "COMPANY", "append_dedup", "retl_identifier", &["retl_identifier", "name"]);
    let firm = |id: &str| record("firms", json!({"retl_identifier": id, "name": id}));
    let told = world
        .write(
            vec![people(), companies],
            vec![
                person(1),
                firm("a"),
                person(2),
                global_state(1),
                firm("b"),
                global_state(2),
                global_state(3),
                complete("people"),
                complete("firms"),
            ],
        )
        .await
        .ok();
    assert_eq!(told.stats(), [[3, 0], [1, 0], [0, 0]]);
    let ids: Vec<u64> = told.states().iter().map(|state| state["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(told.states()[2]["committedRecordsCount"], 4);
}

#[tokio::test(start_paused = true)]
async fn a_clear_sends_a_global_state_and_no_records() {
    let world = World::stocked();
    let told = world.write(vec![people()], vec![global_state(1), complete("people")]).await.ok();
    assert_eq!(told.stats(), [[0, 0]]);
    assert!(world.records("contacts").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_old_state_without_a_type_comes_back_too() {
    let world = World::stocked();
    let old = json!({"type": "STATE", "state": {"data": {"cursor": 5}}});
    let told = world.write(vec![people()], vec![person(1), old, complete("people")]).await.ok();
    assert_eq!(told.states()[0]["data"], json!({"cursor": 5}));
    assert_eq!(told.stats(), [[1, 0]]);
}

#[tokio::test(start_paused = true)]
async fn states_of_one_stream_and_of_all_do_not_mix() {
    let world = World::stocked();
    let messages = vec![person(1), state("people", 1), person(2), global_state(2), person(3), complete("people")];
    let told = world.write(vec![people()], messages).await;
    assert!(told.failure().message.contains("cannot be acknowledged together"));
    assert_eq!(told.stats(), [[1, 0]], "what was acknowledged stays so");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_became_complete_fails_and_keeps_what_was_acknowledged() {
    let world = World::stocked();
    let told = world.write(vec![people()], vec![person(1), state("people", 1), person(2)]).await;
    assert!(told.failure().message.contains("never became complete"));
    assert_eq!(serde_json::to_value(told.failure().failure_type).expect("a word"), "transient_error");
    assert_eq!(told.stats(), [[1, 0]]);
    assert_eq!(world.records("contacts").await.len(), 2, "what arrived was written");

    let told = world.write(vec![people()], vec![status("people", "INCOMPLETE")]).await;
    assert!(told.failure().message.contains("incomplete"));
    let told = world.write(vec![people()], vec![status("people", "STARTED"), status("people", "RUNNING")]).await;
    assert!(told.failure().message.contains("never became complete"));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_truncates_deletes_nothing() {
    let world = World::stocked();
    world.write(vec![people()], vec![person(1), complete("people")]).await.ok();
    let mut refresh = people();
    refresh["minimum_generation_id"] = json!(7);
    let told = world.write(vec![refresh.clone()], vec![person(2), state("people", 1), complete("people")]).await.ok();
    assert!(told.says(&["never", "deleted"]));
    assert_eq!(world.records("contacts").await.len(), 2);
    let told = world.write(vec![refresh], vec![person(3)]).await;
    assert!(told.failure().message.contains("complete"));
    assert_eq!(world.records("contacts").await.len(), 3);
}
