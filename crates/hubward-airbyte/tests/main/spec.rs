//! The specification: what Airbyte's own destination accepts, ours does too.

use hubward_airbyte::specification;
use serde_json::{Value, json};

use crate::protocol::{shared, skipped};
use crate::world::World;

/// Texts may differ; everything else decides what a saved configuration means.
const TEXTS: [&str; 5] = ["title", "description", "examples", "order", "documentationUrl"];

/// What would break a configuration that `official` accepts, or a form that shows it.
fn breaking(official: &Value, ours: &Value, path: &str, found: &mut Vec<String>) {
    match (official, ours) {
        (Value::Object(official), Value::Object(own)) => {
            for (key, value) in official {
                let path = format!("{path}/{key}");
                if TEXTS.contains(&key.as_str()) && (value.is_string() || value.is_number() || value.is_array()) {
                    continue;
                }
                match own.get(key) {
                    None => found.push(format!("{path} is missing")),
                    Some(other) if key == "required" => {
                        // Fewer may be required, never more.
                        let names = |list: &Value| list.as_array().cloned().unwrap_or_default();
                        let more: Vec<Value> =
                            names(other).into_iter().filter(|name| !names(value).contains(name)).collect();
                        if !more.is_empty() {
                            found.push(format!("{path} asks for {more:?} too"));
                        }
                    }
                    Some(other) if key == "oneOf" => branches(value, other, &path, found),
                    Some(other) => breaking(value, other, &path, found),
                }
            }
            if let (None, Some(required)) = (official.get("required"), own.get("required")) {
                found.push(format!("{path} asks for {required} too"));
            }
        }
        _ if official != ours => found.push(format!("{path} is {ours} and not {official}")),
        _ => {}
    }
}

/// Branches are told apart by their constant; ours may have more, in whatever order.
fn branches(official: &Value, ours: &Value, path: &str, found: &mut Vec<String>) {
    let constant = |branch: &Value| {
        let properties = branch["properties"].as_object().expect("a branch has properties").clone();
        let constants =
            properties.into_iter().filter(|(_, one)| one["enum"].as_array().is_some_and(|list| list.len() == 1));
        constants.map(|(name, one)| (name, one["enum"][0].clone())).next().expect("a branch has a constant")
    };
    for branch in official.as_array().expect("branches") {
        let of = constant(branch);
        match ours.as_array().expect("branches").iter().find(|other| constant(other) == of) {
            Some(other) => breaking(branch, other, &format!("{path}/{of:?}"), found),
            None => found.push(format!("{path} has no branch {of:?}")),
        }
    }
}

fn compared(official: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    breaking(official, ours, "", &mut found);
    found
}

#[test]
fn nothing_of_the_official_specification_is_broken() {
    let Some(text) = shared("destination-hubspot-spec-skeleton.json") else {
        skipped();
        return;
    };
    let official: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(compared(&official, &specification()), Vec::<String>::new());
    // Mutants of ours are told.
    let mut mutant = specification();
    mutant["connectionSpecification"]["required"] = json!(["credentials", "api_version"]);
    assert!(!compared(&official, &mutant).is_empty());
    let mut mutant = specification();
    mutant["connectionSpecification"]["properties"]["credentials"]["oneOf"][0]["properties"]["type"]["enum"] =
        json!(["oauth"]);
    assert!(!compared(&official, &mutant).is_empty());
    let mut mutant = specification();
    mutant["connectionSpecification"]["properties"]["object_storage_config"]["oneOf"][1]["properties"]["s3_bucket_region"]
        ["enum"][3] = json!("mars-1");
    assert!(!compared(&official, &mutant).is_empty());
}

#[test]
fn secrets_are_marked_and_nothing_else_is() {
    fn secrets(value: &Value, found: &mut Vec<String>) {
        if let Some(properties) = value["properties"].as_object() {
            for (name, property) in properties {
                if property["airbyte_secret"] == true {
                    found.push(name.clone());
                }
            }
        }
        match value {
            Value::Object(entries) => entries.values().for_each(|one| secrets(one, found)),
            Value::Array(items) => items.iter().for_each(|one| secrets(one, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    secrets(&specification()["connectionSpecification"], &mut found);
    found.sort();
    assert_eq!(
        found,
        ["access_key_id", "access_token", "client_id", "client_secret", "refresh_token", "secret_access_key"]
    );
}

#[tokio::test]
async fn the_message_is_one_that_the_protocol_allows_and_the_schema_accepts_every_configuration() {
    let world = World::new();
    let (out, heard) = world.out();
    out.spec(&specification()).expect("told");
    let messages = heard.messages();
    assert_eq!(messages.len(), 1);
    let schema = &messages[0]["spec"]["connectionSpecification"];
    let validator = jsonschema::options().with_draft(jsonschema::Draft::Draft7).build(schema).expect("a schema");
    let oauth = json!({"type": "OAuth", "client_id": "i", "client_secret": "s", "refresh_token": "r"});
    let s3 = json!({"storage_type": "S3", "s3_bucket_name": "b", "s3_bucket_region": "", "bucket_path": "p",
        "format": {"format_type": "CSV", "flattening": "No flattening"}});
    for config in [
        json!({"credentials": oauth}),
        json!({"credentials": {"type": "PrivateApp", "access_token": "t"}}),
        json!({"credentials": oauth, "object_storage_config": {"storage_type": "None"}}),
        json!({"credentials": oauth, "object_storage_config": s3, "api_version": "v3"}),
    ] {
        assert!(validator.is_valid(&config), "{config}");
    }
    assert!(!validator.is_valid(&json!({})));
    assert!(!validator.is_valid(&json!({"credentials": {"type": "PrivateApp"}})));
}
