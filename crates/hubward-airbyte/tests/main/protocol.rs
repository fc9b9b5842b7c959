//! Airbyte's own definition of the protocol, against which every line is held.

use std::io::Write as _;
use std::sync::OnceLock;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

pub(crate) fn shared(name: &str) -> Option<String> {
    let path = format!("{}/../../../shared/airbyte/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).ok()
}

/// Says in one line why something is not looked at here.
pub(crate) fn skipped() {
    let _ = writeln!(
        std::io::stderr(),
        "skipped: there is no ../shared/airbyte beside the project, with which this is compared"
    );
}

fn validator() -> Option<&'static Validator> {
    static VALIDATOR: OnceLock<Option<Validator>> = OnceLock::new();
    VALIDATOR
        .get_or_init(|| {
            let Some(text) = shared("airbyte_protocol.yaml") else {
                skipped();
                return None;
            };
            let document: Value = serde_saphyr::from_str(&text).expect("the protocol is YAML");
            let schema = json!({ "definitions": document["definitions"], "$ref": "#/definitions/AirbyteMessage" });
            Some(jsonschema::options().with_draft(Draft::Draft7).build(&schema).expect("the protocol is a schema"))
        })
        .as_ref()
}

/// A line of stdout: one message that the protocol allows, without a single null of ours.
pub(crate) fn message(line: &str) -> Value {
    let message: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    if let Some(validator) = validator() {
        // A null of the source's own blob comes back as it was, whatever the protocol thinks of it.
        let mut held = message.clone();
        if held["state"]["stream"]["stream_state"].is_null()
            && let Some(stream) = held.pointer_mut("/state/stream").and_then(Value::as_object_mut)
        {
            stream.remove("stream_state");
        }
        let errors: Vec<String> =
            validator.iter_errors(&held).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?} in {line}");
    }
    message
}

#[test]
fn the_protocol_tells_a_message_that_it_does_not_allow() {
    if validator().is_none() {
        return;
    }
    let refused = |line: &'static str| std::panic::catch_unwind(|| message(line)).is_err();
    assert!(refused(r#"{"type":"CONNECTION_STATUS","connectionStatus":{"status":"SUCCEEDED","message":null}}"#));
    assert!(refused(
        r#"{"type":"DESTINATION_CATALOG","destination_catalog":{"operations":[{"object_name":"A","sync_mode":"upsert","json_schema":{}}]}}"#
    ));
    assert!(!refused(r#"{"type":"LOG","log":{"level":"WARN","message":"x"}}"#));
}
