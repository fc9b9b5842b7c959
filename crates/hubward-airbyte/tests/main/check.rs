//! `check`: one CONNECTION_STATUS, and what a person must do in it.

use serde_json::{Value, json};

use crate::world::{World, of_type};

fn status(messages: &[Value]) -> (String, String) {
    let all = of_type(messages, "CONNECTION_STATUS");
    assert_eq!(all.len(), 1, "{messages:?}");
    let status = &all[0]["connectionStatus"];
    let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"))
}

fn failed(messages: &[Value]) -> (String, Value) {
    let (word, message) = status(messages);
    assert_eq!(word, "FAILED", "{messages:?}");
    let trace = messages.iter().position(|message| message["type"] == "TRACE").expect("a TRACE ERROR");
    let told = messages.iter().position(|message| message["type"] == "CONNECTION_STATUS").expect("a status");
    assert!(trace < told, "the failure comes first");
    (message, messages[trace]["trace"]["error"].clone())
}

#[tokio::test(start_paused = true)]
async fn a_token_that_works_succeeds_and_so_does_oauth() {
    let mut world = World::new();
    assert_eq!(status(&world.check().await).0, "SUCCEEDED");
    world.config = json!({ "credentials": { "type": "OAuth", "client_id": "sandbox-client",
        "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh" },
        "object_storage_config": { "storage_type": "None" } });
    assert_eq!(status(&world.check().await).0, "SUCCEEDED");
}

#[tokio::test(start_paused = true)]
async fn credentials_that_hubspot_refuses_fail_with_its_answer_and_without_the_secret() {
    let mut world = World::new();
    world.config["credentials"]["access_token"] = json!("pat-na1-hush");
    let (message, error) = failed(&world.check().await);
    assert!(message.starts_with("Could not connect with provided configuration. Error: "), "{message}");
    assert!(message.contains("Response from server is 401"), "{message}");
    assert_eq!(error["failure_type"], "config_error");
    assert!(!message.contains("hush") && !error.to_string().contains("hush"));
    world.config = json!({ "credentials": { "type": "OAuth", "client_id": "sandbox-client",
        "client_secret": "hush", "refresh_token": "sandbox-refresh" } });
    let (message, error) = failed(&world.check().await);
    assert!(message.contains("Response from server is "), "{message}");
    assert_eq!(error["failure_type"], "config_error");
    assert!(!message.contains("hush") && !error.to_string().contains("hush"));
}

#[tokio::test(start_paused = true)]
async fn a_token_without_any_scope_fails_and_names_what_is_missing() {
    let mut world = World::new();
    world.load(&json!({ "tokens": [
        { "token": "pat-none", "kind": "private_app", "scopes": ["oauth"] },
        { "token": "pat-one", "kind": "private_app", "scopes": ["oauth", "crm.objects.contacts.read", "crm.schemas.contacts.read"] },
    ] }));
    world.config["credentials"]["access_token"] = json!("pat-none");
    let (message, error) = failed(&world.check().await);
    assert!(message.contains("Response from server is 403") && message.contains("scope"), "{message}");
    assert_eq!(error["failure_type"], "config_error");
    world.config["credentials"]["access_token"] = json!("pat-one");
    let messages = world.check().await;
    assert_eq!(status(&messages).0, "SUCCEEDED");
    let warned = of_type(&messages, "LOG")
        .iter()
        .any(|log| log["log"]["message"].as_str().is_some_and(|text| text.contains("deals")));
    assert!(warned, "what cannot be written is said: {messages:?}");
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_cannot_be_read_fails() {
    let mut world = World::new();
    for config in [json!({}), json!({"credentials": {"type": "OAuth"}})] {
        world.config = config;
        let (_, error) = failed(&world.check().await);
        assert_eq!(error["failure_type"], "config_error");
    }
}

#[tokio::test(start_paused = true)]
async fn hubspot_out_of_reach_is_transient() {
    let world = World::new();
    world.fault(json!([{"match": {}, "times": null, "do": {"reset": "before"}}])).await;
    let (_, error) = failed(&world.check().await);
    assert_eq!(error["failure_type"], "transient_error");
}
