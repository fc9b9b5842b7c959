//! Everything that goes wrong, in one run: nothing is lost, and each is told.

use serde_json::{Value, json};

use crate::world::{World, complete, record, state, stream, unique};

#[tokio::test(start_paused = true)]
async fn a_207_a_409_a_missing_key_an_unknown_property_and_an_expired_token_lose_nothing() {
    let mut world = World::stocked();
    world.load(&json!({"properties": {"contacts": [unique("member_no")]},
        "records": {"contacts": [{"properties": {"email": "taken@example.com", "member_no": "taken"}}]}}));
    world.config = json!({ "credentials": { "type": "OAuth", "client_id": "sandbox-client",
        "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh" } });
    let columns = ["email", "firstname", "lead_score", "member_no", "nobody_knows"];
    let people = stream("people", "CONTACT", "append_dedup", "email", &columns);
    let begun = world.begin(vec![people]);
    let good = |number: u32| record("people", json!({"email": format!("g{number}@example.com"), "lead_score": number}));

    for number in 0..250 {
        begun.send(&good(number));
    }
    // 409 for a unique value that another contact has.
    begun.send(&record("people", json!({"email": "conflict@example.com", "member_no": "taken"})));
    begun.send(&record("people", json!({"firstname": "without a key"})));
    begun.send(&record("people", json!({"email": null, "firstname": "with a key of null"})));
    begun.send(&record("people", json!({"email": "unknown@example.com", "nobody_knows": 1})));
    begun.send(&record("people", json!({"email": "number@example.com", "lead_score": "many"})));
    begun.send(&state("people", 1));
    let states = begun.states(1).await;
    assert_eq!(states[0]["state"]["destinationStats"], json!({"recordCount": 250.0, "rejectedRecordCount": 5.0}));

    // The access token runs out while stdin is open.
    world.call("PUT", "/_sandbox/clock", json!({"advance_ms": 2 * 3600 * 1000})).await;
    for number in 250..260 {
        begun.send(&good(number));
    }
    begun.send(&state("people", 2));
    begun.states(2).await;

    // 207: HubSpot refuses one of a batch that nothing of ours could have found, by the trace id that it was sent with.
    world.script(|path, body| {
        let inputs = body["inputs"].as_array()?;
        let odd = inputs.iter().find(|input| input["id"] == "odd@example.com")?;
        if !path.ends_with("/batch/upsert") {
            return None;
        }
        let trace = odd["objectWriteTraceId"].as_str().expect("every input has a trace id").to_owned();
        let results: Vec<Value> = inputs
            .iter()
            .filter(|input| input["id"] != "odd@example.com")
            .enumerate()
            .map(|(number, input)| {
                json!({"id": (9000 + number).to_string(), "properties": {"email": input["id"]}, "new": true, "archived": false,
                    "createdAt": "2026-11-22T10:00:00Z", "updatedAt": "2026-11-22T10:00:00Z",
                    "objectWriteTraceId": input["objectWriteTraceId"]})
            })
            .collect();
        Some((207, json!({"status": "COMPLETE", "startedAt": "2026-11-22T10:00:00Z", "completedAt": "2026-11-22T10:00:00Z",
            "results": results, "numErrors": 1, "errors": [{"status": "error", "category": "VALIDATION_ERROR",
                "message": "The odd one is refused.", "context": {"objectWriteTraceId": [trace]}}]})))
    });
    begun.send(&record("people", json!({"email": "even@example.com"})));
    begun.send(&record("people", json!({"email": "odd@example.com"})));
    begun.send(&state("people", 3));
    begun.send(&complete("people"));
    let told = begun.end().await.ok();

    assert_eq!(told.stats(), [[250, 5], [10, 0], [1, 1]]);
    assert_eq!(told.counts(), [267, 261, 6]);
    let reasons: Vec<String> = told.reasons().into_iter().map(|(name, count)| format!("{name} {count}")).collect();
    assert_eq!(reasons.len(), 5, "{reasons:?}");
    for part in ["MISSING_KEY 2", "PROPERTY_DOESNT_EXIST 1", "INVALID_NUMBER 1", "VALIDATION_ERROR 1"] {
        assert!(reasons.iter().any(|reason| reason == part), "{part} in {reasons:?}");
    }
    for parts in [
        ["conflict@example.com", "member_no"],
        ["unknown@example.com", "nobody_knows"],
        ["number@example.com", "lead_score"],
        ["odd@example.com", "The odd one is refused."],
    ] {
        assert!(told.says(&parts), "{parts:?} in {:?}", told.logs());
    }
    let tokens = world
        .requests()
        .await
        .iter()
        .filter(|request| {
            request["path"].as_str().is_some_and(|path| path.contains("/oauth/") && path.ends_with("/token"))
        })
        .count();
    assert_eq!(tokens, 2, "the token was renewed once");
    let mut expected: Vec<String> = (0..260).map(|number| format!("g{number}@example.com")).collect();
    expected.push("taken@example.com".to_owned());
    expected.sort();
    assert_eq!(world.values("contacts", "email").await, expected, "what the sandbox itself was given");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_is_replaced_goes_back_to_the_platform() {
    let mut world = World::stocked();
    world.load(&json!({"settings": {"rotate_refresh_tokens": true}}));
    world.config = json!({ "credentials": { "type": "OAuth", "client_id": "sandbox-client",
        "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh" }, "kept": [1.5] });
    let told = world.write(vec![crate::world::people()], vec![crate::world::person(1), complete("people")]).await.ok();
    let control = crate::world::of_type(&told.messages, "CONTROL");
    assert_eq!(control.len(), 1, "{:?}", told.messages);
    let config = &control[0]["control"]["connectorConfig"]["config"];
    let token = config["credentials"]["refresh_token"].as_str().expect("a token").to_owned();
    assert_ne!(token, "sandbox-refresh");
    assert_eq!(config["kept"], json!([1.5]));
    // With the old one nothing works any more, with the new one everything does.
    let refused = world.write(vec![crate::world::people()], vec![complete("people")]).await;
    assert_eq!(serde_json::to_value(refused.failure().failure_type).expect("a word"), "config_error");
    world.config["credentials"]["refresh_token"] = json!(token);
    world.write(vec![crate::world::people()], vec![crate::world::person(2), complete("people")]).await.ok();
    assert_eq!(world.records("contacts").await.len(), 2);
}
