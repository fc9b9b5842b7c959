//! Rejected records: counted, told, and in the bucket before the STATE that covers them.
//!
//! The store is on a socket, so the clock is the real one here.

use std::io::Read as _;

use bytes::Bytes;
use http::{Method, StatusCode};
use hubward_airbyte::{Aim, Operation};
use hubward_engine::Cancel;
use serde_json::{Value, json};

use crate::store::Store;
use crate::world::{Told, World, complete, of_type, people, person, record, state};

fn bad(number: u32) -> Value {
    record(
        "people",
        json!({"email": format!("bad{number}@"), "firstname": format!("Bad {number}"), "lead_score": number}),
    )
}

/// Nine records of which four are bad, a STATE, two good ones, a STATE.
fn nine_and_two() -> Vec<Value> {
    let mut messages: Vec<Value> = (1..=5).map(person).collect();
    messages.extend((1..=4).map(bad));
    messages.push(state("people", 1));
    messages.extend((6..=7).map(person));
    messages.extend([state("people", 2), complete("people")]);
    messages
}

fn assert_counted(told: &Told) {
    assert_eq!(told.stats(), [[5, 4], [2, 0]]);
    let states = told.states();
    assert_eq!(states[1]["destinationStats"].get("rejectedRecordCount"), None);
    let sums = |state: &Value| [state["committedRecordsCount"].clone(), state["rejectedRecordsCount"].clone()];
    assert_eq!(sums(&states[0]), [json!(5), json!(4)]);
    assert_eq!(sums(&states[1]), [json!(7), json!(4)]);
    let bytes: usize = nine_and_two()
        .iter()
        .filter(|message| message["type"] == "RECORD")
        .map(|message| message.to_string().len())
        .sum();
    assert_eq!(states[1]["committedBytesCount"], json!(bytes));
    for number in 1..=4 {
        assert!(told.says(&[&format!("bad{number}@"), "rejected"]), "{:?}", told.logs());
    }
    assert!(told.says(&["11 records received, 7 accepted, 4 rejected"]), "{:?}", told.logs());
}

#[tokio::test]
async fn without_a_bucket_rejected_records_are_counted_and_told() {
    for storage in [Value::Null, json!({}), json!({"storage_type": "None"})] {
        let mut world = World::stocked();
        world.config["object_storage_config"] = storage;
        assert_counted(&world.write(vec![people()], nine_and_two()).await.ok());
        assert_eq!(world.records("contacts").await.len(), 7);
    }
}

fn lines(bytes: &Bytes) -> Vec<Value> {
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn rejected_records_lie_where_the_platform_links_to_each_with_its_reason() {
    let store = Store::start().await;
    let mut world = World::stocked();
    world.config["object_storage_config"] = store.config(json!({"format_type": "JSONL"}));
    assert_counted(&world.write(vec![people()], nine_and_two()).await.ok());
    let objects = store.objects();
    assert_eq!(objects.len(), 1, "{:?}", objects.keys());
    let (key, content) = objects.iter().next().expect("an object");
    assert!(key.starts_with("dead/8123/people/2026-11-22_") && key.ends_with("_0.jsonl"), "{key}");
    let lines = lines(content);
    let mut emails: Vec<&str> =
        lines.iter().map(|line| line["_airbyte_data"]["email"].as_str().expect("an e-mail")).collect();
    emails.sort_unstable();
    assert_eq!(emails, ["bad1@", "bad2@", "bad3@", "bad4@"]);
    for line in &lines {
        assert_eq!(line["_airbyte_extracted_at"], 1_760_000_000_000_u64);
        assert_eq!(line["_airbyte_generation_id"], 7);
        assert_eq!(line["_airbyte_meta"], json!({"sync_id": 8123, "changes": []}));
        let data = &line["_airbyte_data"];
        assert_eq!(data["rejected_field"], "email");
        for reason in ["rejected_status", "rejected_category", "rejected_message"] {
            assert!(data[reason].as_str().is_some_and(|text| !text.is_empty()), "{reason}: {data}");
        }
    }
    let ids: std::collections::BTreeSet<&str> =
        lines.iter().map(|line| line["_airbyte_raw_id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn csv_and_gzip_hold_the_same() {
    let store = Store::start().await;
    let mut world = World::stocked();
    let format = json!({"format_type": "CSV", "flattening": "Root level flattening"});
    world.config["object_storage_config"] = store.config(format);
    world.config["object_storage_config"]["compression"] = json!({"compression_type": "GZIP"});
    assert_counted(&world.write(vec![people()], nine_and_two()).await.ok());
    let objects = store.objects();
    let (key, content) = objects.iter().next().expect("an object");
    assert!(key.ends_with(".csv.gz"), "{key}");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&content[..]).read_to_string(&mut text).expect("gzip");
    let header = text.lines().next().expect("a header");
    assert_eq!(
        header,
        "_airbyte_raw_id,_airbyte_extracted_at,_airbyte_meta,_airbyte_generation_id,email,firstname,lead_score,rejected_status,\
         rejected_category,rejected_field,rejected_value,rejected_message,rejected_correlation_id"
    );
    assert_eq!(text.lines().count(), 5);
}

#[tokio::test]
async fn nothing_rejected_writes_nothing() {
    let store = Store::start().await;
    let mut world = World::stocked();
    world.config["object_storage_config"] = store.config(json!({"format_type": "JSONL"}));
    let told = world.write(vec![people()], vec![person(1), state("people", 1), complete("people")]).await.ok();
    assert_eq!(told.stats(), [[1, 0]]);
    assert!(store.requests().is_empty());
}

#[tokio::test]
async fn each_state_with_new_rejects_has_them_stored_before_it() {
    let store = Store::start().await;
    let mut world = World::stocked();
    world.config["object_storage_config"] = store.config(json!({"format_type": "JSONL"}));
    let begun = world.begin(vec![people()]);
    for number in 1..=3 {
        begun.send(&bad(number));
        begun.send(&state("people", u64::from(number)));
        begun.states(number as usize).await;
        let stored: usize = store.objects().values().map(|content| lines(content).len()).sum();
        assert_eq!(stored, number as usize, "what the STATE covers is in the bucket");
    }
    begun.send(&complete("people"));
    let told = begun.end().await.ok();
    assert_eq!(told.stats(), [[0, 1]; 3]);
    let keys: Vec<String> = store.objects().into_keys().collect();
    assert!(keys.len() == 3 && keys[2].ends_with("_2.jsonl"), "{keys:?}");
}

#[tokio::test]
async fn a_bucket_that_refuses_holds_the_state_back() {
    let store = Store::start().await;
    let mut world = World::stocked();
    world.config["object_storage_config"] = store.config(json!({"format_type": "JSONL"}));
    store.refuse(StatusCode::FORBIDDEN, "AccessDenied");
    let told = world.write(vec![people()], nine_and_two()).await;
    assert!(told.failure().message.contains("rejects"), "{}", told.failure().message);
    assert_eq!(serde_json::to_value(told.failure().failure_type).expect("a word"), "config_error");
    assert!(told.states().is_empty());
    let everything = format!("{:?}", told.messages);
    assert!(everything.contains("AccessDenied"), "the store's own words: {everything}");
    assert!(!everything.contains("hush-secret") && !everything.contains(crate::store::KEY_ID), "{everything}");
}

#[tokio::test]
async fn a_check_writes_lists_and_deletes_one_object() {
    let store = Store::start().await;
    let mut world = World::stocked();
    world.config["object_storage_config"] = store.config(json!({"format_type": "JSONL"}));
    let status = |messages: &[Value]| of_type(messages, "CONNECTION_STATUS")[0]["connectionStatus"].clone();
    let checked = status(&world.check().await);
    assert_eq!(checked["status"], "SUCCEEDED", "{checked} {:?}", store.requests());
    assert!(store.objects().is_empty(), "it is deleted again");
    let requests = store.requests();
    assert!(matches!(&requests[0], (Method::PUT, path) if path.contains("dead/_check_test")), "{requests:?}");
    assert!(matches!(&requests[1], (Method::GET, path) if path.contains("prefix=dead")), "{requests:?}");

    store.hide();
    let hidden = status(&world.check().await);
    assert!(hidden["message"].as_str().expect("a message").contains("does not list"), "{hidden}");
    store.refuse(StatusCode::FORBIDDEN, "AccessDenied");
    let refused = status(&world.check().await);
    assert_eq!(refused["status"], "FAILED");
    let message = refused["message"].as_str().expect("a message");
    assert!(message.contains("PutObject") && !message.contains("hush-secret"), "{message}");
    store.refuse(StatusCode::NOT_FOUND, "NoSuchBucket");
    assert!(status(&world.check().await)["message"].as_str().expect("a message").contains("no such bucket"));
}

#[tokio::test]
async fn a_file_of_rejected_records_is_sent_again() {
    for format in [
        json!({"format_type": "JSONL"}),
        json!({"format_type": "CSV", "flattening": "No flattening"}),
        json!({"format_type": "CSV", "flattening": "Root level flattening"}),
    ] {
        // Its clock begins anew with each world, and objects are named by it.
        let store = Store::start().await;
        let mut world = World::stocked();
        world.config["object_storage_config"] = store.config(format);
        // The account lacks a property that the records have; somebody makes it, and they are sent again.
        let mut messages: Vec<Value> = (1..=150)
            .map(|number| {
                record("people", json!({"email": format!("r{number}@example.com"), "late": "x", "lead_score": 1.5}))
            })
            .collect();
        messages.extend([state("people", 1), complete("people")]);
        let late = crate::world::stream("people", "CONTACT", "append_dedup", "email", &["email", "late", "lead_score"]);
        let told = world.write(vec![late.clone()], messages).await.ok();
        assert_eq!(told.stats(), [[0, 150]]);
        assert_eq!(told.reasons(), [("PROPERTY_DOESNT_EXIST".to_owned(), 150)]);
        assert!(told.says(&["no property \"late\""]));
        let file = store.objects().into_values().next().expect("an object");

        world.load(&json!({"properties": {"contacts": [crate::world::property("late", "string")]}}));
        world.config["object_storage_config"] = Value::Null;
        for aim in [
            Aim::Catalog { catalog: json!({"streams": [late]}).to_string().into_bytes(), stream: None },
            Aim::Object { object: "contacts".to_owned(), operation: Operation::Upsert, key: Some("email".to_owned()) },
        ] {
            let (out, _) = world.out();
            let file = Box::new(std::io::Cursor::new(file.clone()));
            let written = hubward_airbyte::replay(&world.config(), aim, file, &world.host(), &out, Cancel::new())
                .await
                .expect("a replay");
            assert_eq!(written.failure, None);
            let counts = &written.streams[0].1;
            assert_eq!((counts.received, counts.accepted, counts.rejected), (150, 150, 0));
        }
        let records = world.records("contacts").await;
        assert_eq!(records.len(), 150);
        assert!(
            records
                .iter()
                .all(|record| record["properties"]["late"] == "x" && record["properties"]["lead_score"] == "1.5")
        );
    }
}
