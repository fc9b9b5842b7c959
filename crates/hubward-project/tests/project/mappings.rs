//! `mappings/*.yml`: what they declare, and where their problems are told.

use hubward_core::spec::{Action, SyncMode};
use serde_json::json;

use crate::{BASE, loaded, places, shown};

const INTAKE: &str = "intake: { write_keys: { web: \"${TOKEN}\", app: \"app-${TOKEN}\" } }\n";

fn project(mappings: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut files = vec![("hubward.yml".to_owned(), format!("{BASE}{INTAKE}"))];
    files.extend(mappings.iter().map(|(name, text)| (format!("mappings/{name}.yml"), (*text).to_owned())));
    files
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

fn problems(mapping: &str) -> Vec<String> {
    places(&borrowed(&project(&[("m", mapping)])))
}

#[test]
fn a_mapping_is_read_with_its_defaults() {
    let least = "mapping: people\naction: upsertContact\n";
    let most = "\
mapping: orders
action: customEvent
enabled: false
sources: [web, app]
trigger: event = \"Order Completed\"
sync_mode: upsert
fields:
  email: { \"@path\": $.properties.email }
";
    let files = project(&[("a", least), ("b", most)]);
    let project = loaded(&borrowed(&files)).project;
    let people = project.mapping("people").expect("declared");
    assert_eq!(
        (people.action, people.enabled, &people.sources, &people.trigger, people.sync_mode),
        (Action::UpsertContact, true, &None, &None, None)
    );
    assert_eq!(people.fields, json!({}));
    assert!(people.takes("web") && people.takes("anything"));
    let orders = project.mapping("orders").expect("declared");
    assert_eq!((orders.action, orders.enabled, orders.sync_mode), (Action::CustomEvent, false, Some(SyncMode::Upsert)));
    assert_eq!(orders.trigger.as_deref(), Some("event = \"Order Completed\""));
    assert_eq!(orders.fields, json!({ "email": { "@path": "$.properties.email" } }));
    assert!(orders.takes("web") && !orders.takes("other"));
    assert_eq!((orders.at.file.as_str(), orders.at.line), ("mappings/b.yml", 1));
}

#[test]
fn fields_may_be_json_and_their_values_keep_their_types() {
    let mapping = r#"{ "mapping": "m", "action": "upsertContact",
        "fields": { "email": ["007", 7, 1.5, true, null, "true", {"a": 12345678901234567890}] } }"#;
    let files = project(&[("m", mapping)]);
    let project = loaded(&borrowed(&files)).project;
    assert_eq!(
        project.mappings[0].fields["email"],
        json!(["007", 7, 1.5, true, null, "true", { "a": 12_345_678_901_234_567_890_u64 }])
    );
    let yaml = "mapping: m\naction: upsertContact\nfields:\n  email: [007, 7, no, ~, 'true', true]\n";
    let files = project_of(yaml);
    let project = loaded(&borrowed(&files)).project;
    assert_eq!(project.mappings[0].fields["email"], json!(["007", 7, "no", null, "true", true]));
}

fn project_of(mapping: &str) -> Vec<(String, String)> {
    project(&[("m", mapping)])
}

#[test]
fn every_problem_of_a_mapping_is_told_at_its_place() {
    assert_eq!(
        problems("mapping: m\naction: upsertContacts\nenabled: maybe\nsources: []\ntriger: x\nsync_mode: append\n"),
        [
            "unknown-value mappings/m.yml:2:9",
            "wrong-type mappings/m.yml:3:10",
            "empty-value mappings/m.yml:4:10",
            "unknown-key mappings/m.yml:5:1",
            "unknown-value mappings/m.yml:6:12",
        ]
    );
    assert_eq!(problems("action: upsertContact\n"), ["missing-key mappings/m.yml:1:1"]);
    assert_eq!(problems("- mapping: m\n"), ["wrong-type mappings/m.yml:1:1"]);
    assert_eq!(problems(""), ["empty-file mappings/m.yml:1:1"]);
    assert_eq!(problems("mapping: m\naction: upsertContact\nsync_mode: upsert\n"), ["sync-mode mappings/m.yml:3:12"]);
    assert_eq!(problems("mapping: m\naction: upsertContact\nfields: [email]\n"), ["wrong-type mappings/m.yml:3:9"]);
    assert_eq!(
        problems("mapping: m\naction: upsertContact\nfields:\n  email: 1\n  email: 2\n"),
        ["duplicate-key mappings/m.yml:5:3"]
    );
}

#[test]
fn what_the_event_door_finds_is_told_where_it_stands() {
    let mapping = "\
mapping: m
action: upsertContact
trigger: type ? 'identify'
fields:
  emial: x
  email:
    \"@path\": 5
";
    assert_eq!(
        problems(mapping),
        ["trigger mappings/m.yml:3:15", "mapping-field mappings/m.yml:5:3", "mapping-directive mappings/m.yml:7:14"]
    );
    assert_eq!(
        problems("mapping: m\naction: upsertContact\ntrigger: a AND b\n"),
        ["trigger-compat mappings/m.yml:3:10"],
        "a warning leaves the project good"
    );
    assert_eq!(
        problems("mapping: m\naction: upsertContact\ntrigger: 'a ? b'\n"),
        ["trigger mappings/m.yml:3:10"],
        "within quotes only the beginning is certain"
    );
}

#[test]
fn mappings_have_names_of_their_own_and_write_keys_that_exist() {
    let one = "mapping: m\naction: upsertContact\nsources: wbe\n";
    let two = "mapping: m\naction: upsertCompany\n";
    let files = project(&[("a", one), ("b", two)]);
    assert_eq!(
        places(&borrowed(&files)),
        ["unknown-write-key mappings/a.yml:3:10", "duplicate-name mappings/b.yml:1:10"]
    );
    assert!(shown(&borrowed(&files)).contains("did you mean `web`?"));
}

#[test]
fn the_fifty_first_mapping_of_a_write_key_is_too_many() {
    let mapping = |index: usize, sources: &str| format!("mapping: m{index}\naction: upsertContact\n{sources}");
    let project_with = |all: usize, web: usize, app: usize| -> Vec<(String, String)> {
        let mut files = vec![("hubward.yml".to_owned(), format!("{BASE}{INTAKE}"))];
        let sources = [("", all), ("sources: web\n", web), ("sources: [app, web]\n", app)];
        let each = sources.iter().flat_map(|(sources, count)| std::iter::repeat_n(*sources, *count));
        files.extend(
            each.enumerate().map(|(index, sources)| (format!("mappings/m{index:03}.yml"), mapping(index, sources))),
        );
        files
    };
    assert_eq!(places(&borrowed(&project_with(50, 0, 0))), [""; 0]);
    assert_eq!(places(&borrowed(&project_with(51, 0, 0))), ["too-many-mappings mappings/m050.yml:1:10"]);
    assert_eq!(places(&borrowed(&project_with(20, 20, 10))), [""; 0]);
    assert_eq!(places(&borrowed(&project_with(20, 20, 11))), ["too-many-mappings mappings/m050.yml:1:10"]);
    let text = shown(&borrowed(&project_with(20, 20, 11)));
    assert!(text.contains("mapping number 51 for the write key `web`; at most 50"), "{text}");
}

#[test]
fn a_project_whose_mappings_are_all_off_is_warned_of() {
    assert_eq!(places(&[("hubward.yml", &format!("{BASE}{INTAKE}"))]), ["no-mapping hubward.yml:10:1"]);
    assert_eq!(problems("mapping: m\naction: upsertContact\nenabled: false\n"), ["no-mapping hubward.yml:10:1"]);
    let off = "mapping: m\naction: upsertContact\nenabled: false\n";
    assert_eq!(places(&[("hubward.yml", BASE), ("mappings/m.yml", off)]), ["no-mapping mappings/m.yml:1:10"]);
    assert_eq!(places(&[("hubward.yml", BASE)]), [""; 0]);
}

#[test]
fn what_a_variable_holds_is_not_told() {
    let mapping =
        "mapping: m\naction: upsertContact\ntrigger: a ? ${YES}\nfields:\n  emial: \"${TOKEN}\"\n  other: 1\n";
    let text = shown(&borrowed(&project_of(mapping)));
    assert_eq!(text.matches("once its variables are filled in").count(), 2, "{text}");
    assert!(!text.contains(crate::SECRET), "{text}");
}
