use serde_json::json;

use super::*;
use crate::failure::FailureType;

fn one(change: impl FnOnce(&mut Value)) -> Result<Catalog, Failure> {
    let mut stream = json!({
        "stream": {"name": "dim_people", "namespace": "mart", "json_schema": {"type": "object", "properties": {
            "email": {"type": "string"}, "lead_score": {"type": "number"}, "_airbyte_raw_id": {"type": "string"}}},
            "supported_sync_modes": ["full_refresh"], "is_file_based": false, "source_defined_cursor": null},
        "sync_mode": "incremental", "cursor_field": null, "destination_object_name": "CONTACT",
        "destination_sync_mode": "append_dedup", "primary_key": [["email"]],
        "generation_id": 7, "minimum_generation_id": 0, "sync_id": 8123, "include_files": false, "unheard_of": {}
    });
    change(&mut stream);
    Catalog::read(json!({"streams": [stream], "more": 1}).to_string().as_bytes())
}

#[test]
fn a_data_activation_stream_is_read() {
    let catalog = one(|_| {}).expect("a catalog");
    assert_eq!(
        catalog.streams,
        [Stream {
            name: StreamName::new("dim_people", Some("mart")),
            object: "CONTACT".to_owned(),
            operation: Operation::Upsert,
            key: Some("email".to_owned()),
            columns: Some(vec!["email".to_owned(), "lead_score".to_owned()]),
            generation_id: Some(7),
            sync_id: Some(8123),
        }]
    );
    assert!(catalog.notes.is_empty());
}

#[test]
fn nulls_and_what_is_missing_are_taken_as_absent() {
    let catalog = one(|stream| {
        for key in ["destination_object_name", "generation_id", "minimum_generation_id", "sync_id", "include_files"] {
            stream[key] = Value::Null;
        }
        stream["stream"]["namespace"] = json!("");
        stream["stream"]["is_file_based"] = Value::Null;
    })
    .expect("a catalog");
    let stream = &catalog.streams[0];
    assert_eq!(stream.object, "dim_people", "the stream's name stands for the object");
    assert_eq!(stream.name.namespace, None);
    assert_eq!((stream.generation_id, stream.sync_id), (None, None));
}

#[test]
fn what_cannot_be_carried_out_is_the_configurations_fault() {
    let cases: [(&str, Value, &str); 9] = [
        ("destination_sync_mode", json!("overwrite"), "PyAirbyte"),
        ("destination_sync_mode", json!("upsert"), "none of append"),
        ("primary_key", json!([["email"], ["vin"]]), "several"),
        ("primary_key", json!([["a", "b"]]), "nested"),
        ("primary_key", json!([[]]), "nested"),
        ("primary_key", json!([[""]]), "nested"),
        ("primary_key", json!([]), "needs a matching key"),
        ("primary_key", Value::Null, "needs a matching key"),
        ("include_files", json!(true), "files"),
    ];
    for (key, value, part) in cases {
        let failure = one(|stream| stream[key] = value.clone()).expect_err("refused");
        assert_eq!(failure.failure_type, FailureType::ConfigError, "{key} {value}");
        assert!(failure.message.contains(part), "{key} {value}: {}", failure.message);
        assert_eq!(failure.stream, Some(StreamName::new("dim_people", Some("mart"))));
    }
    let failure = Catalog::read(b"{\"streams\": 1}").expect_err("refused");
    assert_eq!(failure.failure_type, FailureType::ConfigError);
}

#[test]
fn an_insert_needs_no_key_and_a_refresh_is_noted() {
    let catalog = one(|stream| {
        stream["destination_sync_mode"] = json!("append");
        stream["primary_key"] = json!([]);
        stream["generation_id"] = json!(1);
        stream["minimum_generation_id"] = json!(1);
    })
    .expect("a catalog");
    assert_eq!(catalog.streams[0].key, None);
    assert!(catalog.notes[0].contains("never"));
}

#[test]
fn a_stream_that_comes_twice_is_refused() {
    let stream = json!({"stream": {"name": "a", "json_schema": {}}, "destination_sync_mode": "append"});
    let again = json!({"stream": {"name": "a", "namespace": "", "json_schema": {}}, "destination_sync_mode": "append"});
    let failure = Catalog::read(json!({"streams": [stream, again]}).to_string().as_bytes()).expect_err("refused");
    assert!(failure.message.contains("twice"));
}

#[test]
fn a_schema_without_properties_is_noted() {
    let notes = |schema: &str, mode: &str| {
        let catalog = format!(
            r#"{{"streams":[{{"stream":{{"name":"contacts","json_schema":{schema}}},"destination_sync_mode":"{mode}","primary_key":[["email"]]}}]}}"#
        );
        Catalog::read(catalog.as_bytes()).expect("read").notes
    };
    assert!(notes("{}", "append_dedup")[0].contains("declares no properties"));
    assert!(notes("null", "update")[0].contains("declares no properties"));
    assert!(notes("{}", "soft_delete").is_empty());
    assert!(notes(r#"{"properties":{"email":{}}}"#, "append_dedup").is_empty());
}
