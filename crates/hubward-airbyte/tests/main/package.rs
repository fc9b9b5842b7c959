//! The image and its metadata, as far as they can be looked at without Docker.

use std::collections::BTreeSet;

use hubward_airbyte::specification;
use serde_json::Value;

fn file(name: &str) -> String {
    let path = format!("{}/package/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn metadata() -> Value {
    let metadata: Value = serde_saphyr::from_str(&file("metadata.yaml")).expect("YAML");
    metadata["data"].clone()
}

#[test]
fn the_image_starts_as_the_platform_starts_it() {
    let text = file("Dockerfile");
    let entry = "/airbyte/destination-hubspot";
    assert!(text.contains(&format!("ENV AIRBYTE_ENTRYPOINT=\"{entry}\"")));
    assert!(text.contains(&format!("ENTRYPOINT [\"{entry}\"]")));
    // The platform starts it by a shell, in this folder, and its names are the metadata's.
    let base = text.lines().rfind(|line| line.starts_with("FROM ")).expect("a base");
    assert!(base.contains("debian") && base.contains("slim"), "a base with /bin/sh: {base}");
    assert!(text.contains("WORKDIR /config"));
    assert!(text.contains("ca-certificates"), "TLS needs them");
    let metadata = metadata();
    let version = metadata["dockerImageTag"].as_str().expect("a version");
    assert!(text.contains(&format!("io.airbyte.version=\"{version}\"")));
    let name = metadata["dockerRepository"].as_str().expect("a name");
    assert!(text.contains(&format!("io.airbyte.name=\"{name}\"")));
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    // What is copied out of the build is what the build makes.
    assert!(text.contains("cargo build --locked --release -p hubward"));
    assert!(text.contains("target/release/hubward"));
}

#[test]
fn the_metadata_is_our_own_and_turns_data_activation_on() {
    let metadata = metadata();
    let id = metadata["definitionId"].as_str().expect("an id");
    assert!(uuid::Uuid::parse_str(id).is_ok());
    assert_ne!(id, "c8ccd253-8525-4bbd-801c-f0b84ac71f61", "that one is the official destination's");
    assert_eq!(metadata["supportsDataActivation"], true);
    assert_eq!(metadata["supportsRefreshes"], true);
    assert_eq!(metadata["connectorType"], "destination");
    assert_eq!(metadata["connectorSubtype"], "api");
    let hosts: Vec<&str> =
        metadata["allowedHosts"]["hosts"].as_array().expect("hosts").iter().filter_map(Value::as_str).collect();
    assert!(hosts.contains(&"api.hubapi.com"));
    assert!(hosts.contains(&"api-eu1.hubapi.com"), "the region of a token names its host");
    for needed in
        ["name", "documentationUrl", "license", "githubIssueLabel", "releaseStage", "supportLevel", "icon", "tags"]
    {
        assert!(!metadata[needed].is_null(), "{needed}");
    }
    let specification = specification();
    assert!(specification["connectionSpecification"].is_object());
}

#[test]
fn the_documents_name_the_least_platform_version() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/airbyte.md")).expect("docs");
    assert!(docs.contains("Airbyte 1.8"));
    let modes: BTreeSet<&str> = ["`append`", "`append_dedup`", "`update`", "`soft_delete`", "`overwrite`"]
        .into_iter()
        .filter(|mode| docs.contains(mode))
        .collect();
    assert_eq!(modes.len(), 5, "{modes:?}");
}
