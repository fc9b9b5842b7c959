//! `match`: a trigger and an event, in both readings.

use std::io::Write as _;
use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Done, TestProject, done, hubward};

const EVENT: &str = r#"{"type": "track", "event": "Order Completed", "userId": "u1", "properties": {"total": 12}}"#;

/// `hubward match` on [`EVENT`] in a folder without a project.
fn matched(args: &[&str]) -> Done {
    let folder = TestProject::empty();
    folder.write("event.json", EVENT);
    let mut command = hubward();
    command.current_dir(folder.path()).arg("match").args(args);
    done(&mut command)
}

#[test]
fn a_trigger_that_both_read_alike() {
    assert_snapshot!(matched(&["type = \"track\" and event = \"Order Completed\"", "event.json"]).shown(), @r#"
    exit 0
    --- stdout
    the trigger fires
    Segment's parser would fire
    --- stderr
    "#);
    let run = matched(&["--json", "type = \"identify\"", "event.json"]);
    assert_eq!(run.code, 0);
    assert_eq!(run.json(), json!({ "match": false, "segment_match": false, "warnings": [] }));
}

#[test]
fn a_trigger_that_segments_parser_reads_differently() {
    assert_snapshot!(matched(&["type = \"identify\" and userId = \"u1\" or event = \"Nope\"", "event.json"]).shown(), @r#"
    exit 0
    --- stdout
    the trigger does not fire
    Segment's parser would fire
    warning: Segment's parser reads `type = "identify" and userId = "u1" or event = "Nope"` as `type = "identify" or userId = "u1" or event = "Nope"`, and fires for events that this trigger leaves alone [read-differently]
    warning: `and` and `or` stand side by side: Segment's parser takes the last of them for all the conditions of that level [mixed-and-or]
    --- stderr
    "#);
    assert_snapshot!(matched(&["type = 'track'", "event.json"]).shown(), @r#"
    exit 0
    --- stdout
    the trigger fires
    Segment's parser would not fire
    warning: Segment's parser reads `type = 'track'` as `type = "'track'"`, and fires for some other events [read-differently]
    warning: Segment's parser takes single quotes for part of the text, 'track' [single-quotes]
    --- stderr
    "#);
}

#[test]
fn a_trigger_for_which_segments_parser_drops_the_event() {
    assert_snapshot!(matched(&["((type = \"track\"))", "event.json"]).shown(), @r#"
    exit 0
    --- stdout
    the trigger fires
    Segment's parser would drop the event with an error
    warning: Segment's parser cannot read this trigger and drops every event with an error (Cannot read properties of undefined (reading 'type')) [drops-every-event]
    warning: Segment's parser ends a group at the first `)`, so that groups within groups fail [nested-groups]
    --- stderr
    "#);
    let document = matched(&["((type = \"track\"))", "event.json", "--json"]).json();
    assert_eq!(document["match"], true);
    assert_eq!(document["segment_match"], Value::Null);
    assert_eq!(document["warnings"].as_array().expect("warnings").len(), 2);
}

#[test]
fn a_malformed_trigger_is_shown_with_its_place() {
    assert_snapshot!(matched(&["type = \"track\" and\n contain(event, \"x\")", "event.json"]).shown(), @r#"
    exit 2
    --- stdout
    --- stderr
    warning: Segment's parser does not refuse this trigger: it reads it as `type = "track" and event , "x"` [malformed]
    error: there is no function `contain`
         contain(event, "x")
         ^
      at: trigger:2:2
      help: did you mean `contains`?
    "#);
    assert_snapshot!(matched(&["type =", "event.json"]).shown(), @r#"
    exit 2
    --- stdout
    --- stderr
    warning: Segment's parser does not refuse this trigger: it reads it as `type = "eos"` [malformed]
    error: expected a value, found the end
        type =
              ^
      at: trigger:1:7
    "#);
    let run = matched(&["not type = \"track\" &&", "event.json", "--json"]);
    assert_eq!(run.code, 2);
    let document = run.json();
    assert_eq!(document["error"]["code"], "trigger");
    assert_eq!((&document["error"]["line"], &document["error"]["column"]), (&json!(1), &json!(20)));
    assert_eq!((&document["segment_match"], &document["warnings"]), (&Value::Null, &json!([])));
    // What the original makes of it is told all the same.
    assert_eq!(matched(&["type = \"track\" and type", "event.json", "--json"]).json()["match"], false);
    assert_eq!(matched(&["type = ", "event.json", "--json"]).json()["segment_match"], false);
}

#[test]
fn an_event_that_is_none() {
    let folder = TestProject::empty();
    folder.write("list.json", "[1]");
    folder.write("torn.json", "{\"type\": ");
    for file in ["list.json", "torn.json", "missing.json"] {
        let run = done(hubward().current_dir(folder.path()).args(["match", "type = \"track\"", file]));
        assert_eq!(run.code, 2, "{}", run.stdout);
        assert!(run.stderr.contains(file), "{}", run.stderr);
        let run = done(hubward().current_dir(folder.path()).args(["match", "type = \"track\"", file, "--json"]));
        let code = if file == "missing.json" { "io" } else { "event" };
        assert_eq!(run.json()["error"]["code"], code);
    }
}

#[test]
fn an_event_from_stdin() {
    let mut command = hubward();
    command.args(["match", "properties.total in [12]", "-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    child.stdin.take().expect("stdin is piped").write_all(EVENT.as_bytes()).expect("the event is taken");
    let output = child.wait_with_output().expect("the command ends");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(document["match"], true);
    assert_eq!(document["segment_match"], false);
}
