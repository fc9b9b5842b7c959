//! When HubSpot refuses, loses an answer, or is not there.

use serde_json::{Value, json};

use crate::world::{Told, World, complete, people, person, record, state, stream};

fn kind(told: &Told) -> Value {
    serde_json::to_value(told.failure().failure_type).expect("a word")
}

fn hundred_with_states() -> Vec<Value> {
    let mut messages: Vec<Value> = Vec::new();
    for number in 1..=300 {
        messages.push(person(number));
        if number % 100 == 0 {
            messages.push(state("people", u64::from(number)));
        }
    }
    messages.push(complete("people"));
    messages
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_itself_is_waited_for() {
    let world = World::stocked();
    world
        .fault(json!([
            {"match": {"kind": "upsert"}, "times": 1, "do": {"status": 429, "policy": "TEN_SECONDLY_ROLLING"}},
            {"match": {"kind": "upsert"}, "times": 1, "do": {"status": 502}},
            {"match": {"kind": "upsert"}, "times": 1, "do": {"reset": "after"}},
            {"match": {"kind": "upsert"}, "times": 1, "do": {"status": 524, "applied": true}},
        ]))
        .await;
    let told = world.write(vec![people()], hundred_with_states()).await.ok();
    assert_eq!(told.stats(), [[100, 0]; 3]);
    assert_eq!(world.records("contacts").await.len(), 300);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_not_there_ends_the_write_and_nothing_beyond_is_acknowledged() {
    let world = World::stocked();
    world.fault(json!([{"match": {"kind": "upsert"}, "after": 1, "times": null, "do": {"status": 503}}])).await;
    let told = world.write(vec![people()], hundred_with_states()).await;
    assert_eq!(kind(&told), "transient_error", "{}", told.failure().message);
    // One batch was taken, whichever was first; a STATE goes out only if all before it was in it.
    let written: std::collections::BTreeSet<String> = world.values("contacts", "email").await.into_iter().collect();
    assert_eq!(written.len(), 100);
    for state in told.states() {
        let last = state["id"].as_u64().expect("an id");
        assert!((1..=last).all(|number| written.contains(&format!("person{number}@example.com"))), "{state}");
    }
    let [received, accepted, rejected] = told.counts();
    assert!(accepted <= 100 && rejected == 0 && received > accepted);
}

#[tokio::test(start_paused = true)]
async fn a_used_up_day_is_transient_and_a_revoked_token_is_not() {
    let world = World::stocked();
    world.fault(json!([{"match": {"kind": "upsert"}, "times": null, "do": {"status": 429, "policy": "DAILY"}}])).await;
    let told = world.write(vec![people()], hundred_with_states()).await;
    assert_eq!(kind(&told), "transient_error", "{}", told.failure().message);
    assert!(told.states().is_empty() && world.records("contacts").await.is_empty());

    let mut world = World::stocked();
    world.load(&json!({ "tokens": [{ "token": "pat-reads", "kind": "private_app", "scopes": [
        "oauth", "crm.objects.contacts.read", "crm.schemas.contacts.read"] }] }));
    world.config["credentials"]["access_token"] = json!("pat-reads");
    let told = world.write(vec![people()], hundred_with_states()).await;
    assert_eq!(kind(&told), "config_error");
    assert!(told.failure().message.contains("crm.objects.contacts.write"), "{}", told.failure().message);
    assert!(told.states().is_empty() && world.records("contacts").await.is_empty());

    let mut world = World::stocked();
    world.config["credentials"]["access_token"] = json!("pat-na1-hush");
    let told = world.write(vec![people()], hundred_with_states()).await;
    assert_eq!(kind(&told), "config_error");
    assert!(!told.failure().message.contains("hush"));
}

#[tokio::test(start_paused = true)]
async fn one_conflict_in_a_batch_costs_one_record() {
    let world = World::stocked();
    // The contact's number is taken, which an upsert by e-mail does not see coming.
    world.load(&json!({"properties": {"contacts": [crate::world::unique("member_no")]},
        "records": {"contacts": [{"properties": {"email": "taken@example.com", "member_no": "m5"}}]}}));
    let mut messages: Vec<Value> = (0..8)
        .map(|number| {
            record("people", json!({"email": format!("c{number}@example.com"), "member_no": format!("m{number}")}))
        })
        .collect();
    messages.extend([state("people", 1), complete("people")]);
    let columns = ["email", "member_no"];
    let told = world.write(vec![stream("people", "CONTACT", "append_dedup", "email", &columns)], messages).await.ok();
    assert_eq!((told.counts(), told.stats()), ([8, 7, 1], vec![[7, 1]]));
    assert!(told.says(&["c5@example.com"]), "{:?}", told.logs());
    assert_eq!(world.values("contacts", "member_no").await, ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_an_insert_makes_no_second_record() {
    let world = World::stocked();
    world.fault(json!([{"match": {"kind": "batch_create"}, "times": 1, "do": {"reset": "after"}}])).await;
    let people = stream("people", "CONTACT", "append", "email", &["email", "firstname", "lead_score"]);
    let messages = (1..=5).map(person).chain([state("people", 1), complete("people")]).collect();
    let told = world.write(vec![people], messages).await.ok();
    assert_eq!(told.stats(), [[5, 0]]);
    assert_eq!(world.records("contacts").await.len(), 5);

    // Without any key it cannot be looked for: it is rejected as unknown, and never made twice.
    let world = World::stocked();
    world.fault(json!([{"match": {"kind": "batch_create"}, "times": 1, "do": {"reset": "after"}}])).await;
    let deals = stream("orders", "COMPANY", "append", "", &["name"]);
    let messages = (1..=3)
        .map(|number| record("orders", json!({"name": format!("d{number}")})))
        .chain([state("orders", 1), complete("orders")])
        .collect();
    let told = world.write(vec![deals], messages).await.ok();
    assert_eq!(told.reasons(), [("UNKNOWN_OUTCOME".to_owned(), 3)]);
    assert_eq!(told.stats(), [[0, 3]]);
    assert_eq!(world.records("companies").await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn of_records_that_became_one_write_only_the_guilty_one_is_rejected() {
    let world = World::stocked();
    world.load(&json!({"properties": {"contacts": [crate::world::unique("member_no")]},
        "records": {"contacts": [{"properties": {"email": "taken@example.com", "member_no": "m1"}}]}}));
    let row = |firstname: &str, number: Value| {
        record("people", json!({"email": "a@example.com", "firstname": firstname, "member_no": number}))
    };
    let messages = vec![
        row("first", json!(null)),
        row("second", json!("m1")),
        row("third", json!(null)),
        state("people", 1),
        complete("people"),
    ];
    let columns = ["email", "firstname", "member_no"];
    let told = world.write(vec![stream("people", "CONTACT", "append_dedup", "email", &columns)], messages).await.ok();
    assert_eq!((told.counts(), told.stats()), ([3, 2, 1], vec![[2, 1]]));
    assert_eq!(world.record("contacts", "email", "a@example.com").await["properties"]["firstname"], "third");
}

#[tokio::test(start_paused = true)]
async fn the_scopes_that_the_official_app_asks_for_are_enough_to_upsert() {
    let mut world = World::stocked();
    let scopes: Vec<String> = ["contacts", "companies", "deals", "custom"]
        .iter()
        .flat_map(|object| [format!("crm.schemas.{object}.read"), format!("crm.objects.{object}.write")])
        .chain(["oauth".to_owned()])
        .collect();
    world.load(&json!({ "tokens": [{ "token": "pat-official", "kind": "private_app", "scopes": scopes }] }));
    world.config["credentials"]["access_token"] = json!("pat-official");
    let statuses = world.check().await;
    assert_eq!(statuses.last().expect("a status")["connectionStatus"]["status"], "SUCCEEDED", "{statuses:?}");
    let streams = vec![
        people(),
        stream("firms", "COMPANY", "append_dedup", "retl_identifier", &["retl_identifier", "name"]),
        stream("orders", "DEAL", "append_dedup", "order_no", &["order_no", "dealname", "dealstage"]),
        stream("fleet", "cars", "append_dedup", "car_id", &["car_id", "maker"]),
    ];
    let told = world
        .write(
            streams,
            vec![
                person(1),
                record("firms", json!({"retl_identifier": "r1", "name": "n"})),
                record("orders", json!({"order_no": "o1", "dealname": "d", "dealstage": "appointmentscheduled"})),
                record("fleet", json!({"car_id": "c1", "maker": "m"})),
                complete("people"),
                complete("firms"),
                complete("orders"),
                complete("fleet"),
            ],
        )
        .await
        .ok();
    for (stream, counts) in &told.written.streams {
        assert_eq!((counts.accepted, counts.rejected), (1, 0), "{}", stream.name);
    }
    // What has to look first says which scope it lacks.
    let update = stream("people", "CONTACT", "soft_delete", "email", &["email"]);
    let told = world
        .write(vec![update], vec![record("people", json!({"email": "person1@example.com"})), complete("people")])
        .await;
    assert_eq!(kind(&told), "config_error");
    assert!(told.failure().message.contains("crm.objects.contacts.read"), "{}", told.failure().message);
}

#[tokio::test(start_paused = true)]
async fn records_refused_together_after_the_run_broke_off_are_undecided() {
    let world = World::stocked();
    let mut tries = 0;
    world.script(move |path, body| {
        let inputs = body["inputs"].as_array().filter(|_| path.ends_with("/batch/upsert"))?;
        let error = |status: u16, category: &str| {
            Some((status, json!({"status": "error", "category": category, "message": "No.", "correlationId": "c"})))
        };
        if inputs.iter().any(|input| input["id"] == "forbidden@example.com") {
            return error(403, "MISSING_SCOPES");
        }
        tries += 1;
        // Its second answer comes when the other stream's refusal has broken the run off.
        if tries == 1 { error(502, "UNKNOWN") } else { error(400, "VALIDATION_ERROR") }
    });
    let columns = ["email", "firstname"];
    let streams = ["first", "second"].map(|name| stream(name, "CONTACT", "append_dedup", "email", &columns));
    let begun = world.begin(streams.to_vec());
    let twice = |name: &str| record("second", json!({"email": "twice@example.com", "firstname": name}));
    begun.send_at_once(&[
        record("first", json!({"email": "forbidden@example.com", "firstname": "x"})),
        twice("innocent"),
        twice("to blame"),
        state("second", 1),
        complete("first"),
        complete("second"),
    ]);
    let told = begun.end().await;
    assert_eq!(kind(&told), "config_error", "{}", told.failure().message);
    let counts = &told.written.streams[1].1;
    assert_eq!((counts.received, counts.accepted, counts.rejected), (2, 0, 0), "{:?}", counts.reasons);
    assert!(told.states().is_empty());
    assert!(told.says(&["second", "2 undecided"]), "{:?}", told.logs());
}
