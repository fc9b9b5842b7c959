//! `hubward map`: a mapping and an event in, the JSON that the action would get out.

use std::io::Write as _;
use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Done, TestProject, done, hubward};

const EVENT: &str = r#"{"type":"identify","traits":{"email":"A@x.com","plan":null,"tags":["a","b"],"zip":"01067"}}"#;

/// Runs `map` on a mapping and an event that stand in files.
fn map(mapping: (&str, &str), event: &str, options: &[&str]) -> Done {
    let folder = TestProject::empty();
    std::fs::write(folder.file(mapping.0), mapping.1).expect("the mapping is written");
    std::fs::write(folder.file("event.json"), event).expect("the event is written");
    let mut command = hubward();
    done(command.args(options).args(["map", mapping.0, "event.json"]).current_dir(folder.path()))
}

#[test]
fn the_mapping_resolved_is_the_data_on_stdout() {
    let mapping = json!({
        "email": {"@case": {"operator": "lower", "value": {"@path": "$.traits.email"}}},
        "plan": {"@path": "$.traits.plan"},
        "missing": {"@path": "$.traits.missing"},
        "greeting": {"@liquid": "Hello {{ traits.email | split: '@' | first }}"},
        "zip": {"@path": "$.traits.zip"},
    });
    let run = map(("mapping.json", &mapping.to_string()), EVENT, &[]);
    assert_snapshot!(run.shown(), @r#"
    exit 0
    --- stdout
    {"email":"a@x.com","plan":null,"greeting":"Hello A","zip":"01067"}
    --- stderr
    "#);
}

#[test]
fn a_mapping_may_be_yaml() {
    let mapping =
        "email: { \"@path\": $.traits.email }\nbatch_size: 100\nzip: '01067'\non: true\nall:\n  - \"@path\": $.type\n";
    let run = map(("mapping.yml", mapping), EVENT, &["--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let expected = json!({"email": "A@x.com", "batch_size": 100, "zip": "01067", "on": true, "all": ["identify"]});
    assert_eq!(run.json(), expected);
}

#[test]
fn everything_that_is_wrong_with_a_mapping_is_told_at_once() {
    let mapping = r#"{"x":{"@path":5},"y":{"@case":{"operator":true}},"z":{"@nope":1}}"#;
    let run = map(("mapping.json", mapping), EVENT, &[]);
    assert_snapshot!(run.shown(), @r"
    exit 2
    --- stdout
    --- stderr
    error: ValidationError: /x/@path should be a string or a mapping directive but it is a number.
    error: ValidationError: /y/@case/operator should be a string but it is a boolean.
    error: ValidationError: /z has an invalid directive: @nope.
      help: docs/directives.md tells what each directive takes
    ");
    let run = map(("mapping.json", mapping), EVENT, &["--json"]);
    assert_eq!(run.code, 2);
    let error = &run.json()["error"];
    assert_eq!(error["code"], "bad-mapping");
    assert_eq!(error["problems"].as_array().expect("a list").len(), 3);
    assert_eq!(
        error["problems"][1],
        json!({"path": "/y/@case/operator", "message": "should be a string but it is a boolean"})
    );
}

#[test]
fn what_fails_for_an_event_is_told_with_its_member() {
    let run = map(("mapping.json", r#"{"a":{"b":{"@liquid":"{{ traits.tags | sort }}"}}}"#), EVENT, &[]);
    assert_snapshot!(run.shown(), @r#"
    exit 2
    --- stdout
    --- stderr
    error: filter "sort" is disabled, line:1, col:1
      help: the directive at /a/b/@liquid failed for this event
    "#);
}

#[test]
fn what_is_no_document_is_refused() {
    for (mapping, event, message) in [
        ("{\"a\":", EVENT, "mapping.json is not JSON"),
        ("a: [", EVENT, "mapping.json is neither JSON nor YAML"),
        ("[1]", EVENT, "a mapping must be an object, got array"),
        ("{}", "nothing", "event.json is no event: expected"),
        ("{}", "[]", "event.json is no event: it is JSON, but no object"),
    ] {
        let run = map(("mapping.json", mapping), event, &[]);
        assert_eq!(run.code, 2, "{mapping} {event}");
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
    let both = done(hubward().args(["map", "-", "-"]).stdin(Stdio::null()));
    assert_eq!(both.code, 2);
}

#[test]
fn the_event_may_come_from_standard_input() {
    let folder = TestProject::empty();
    std::fs::write(folder.file("mapping.json"), r#"{"@path":"$.traits.tags"}"#).expect("the mapping is written");
    let mut command = hubward();
    command.args(["map", "mapping.json", "-"]).current_dir(folder.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command starts");
    child.stdin.take().expect("stdin is piped").write_all(EVENT.as_bytes()).expect("the event is taken");
    let output = child.wait_with_output().expect("the command ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[\"a\",\"b\"]\n");
}
