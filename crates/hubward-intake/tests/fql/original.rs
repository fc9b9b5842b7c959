//! The original's reading, held against recorded runs of it, and rule by rule.

use hubward_intake::fql::segment::SegmentTrigger;
use serde_json::{Value, json};

/// Every recorded case: the tree, the decision and the text written again.
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn the_recorded_runs_come_out_the_same() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/segment/vectors/fql.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: there are no recorded runs beside this project");
        return;
    };
    let recorded: Value = serde_json::from_str(&text).expect("JSON");
    let cases = recorded["cases"].as_array().expect("cases");
    assert!(cases.len() > 40);
    for case in cases {
        let query = case["query"].as_str().expect("text");
        let read = SegmentTrigger::parse(query);
        assert_eq!(read.to_json(), case["ast"], "{query}");
        assert_eq!(read.matches(&recorded["event"]).unwrap_or(false), case["matches"] == true, "{query}");
        assert_eq!(json!(read.regenerated()), case["regenerated"], "{query}");
    }
}

/// What the original makes of a trigger, in its own words.
fn read(text: &str) -> String {
    let trigger = SegmentTrigger::parse(text);
    trigger.regenerated().unwrap_or_else(|| trigger.error().unwrap_or("fails when it decides").to_owned())
}

#[test]
fn the_last_word_of_a_level_rules_it() {
    assert_eq!(read("type = \"a\" and type = \"b\" or type = \"c\""), "type = \"a\" or type = \"b\" or type = \"c\"");
    assert_eq!(
        read("type = \"a\" and (type = \"b\" or type = \"c\")"),
        "type = \"a\" and (type = \"b\" or type = \"c\")"
    );
    assert_eq!(read("(type = \"b\" or type = \"c\")"), "type = \"b\" or type = \"c\"");
}

#[test]
fn a_function_ends_its_group() {
    assert_eq!(
        read("type = \"track\" and (contains(event, \"X\") or contains(event, \"Y\"))"),
        "type = \"track\" or contains(event, \"X\") or contains(event, \"Y\")"
    );
    assert_eq!(
        read("(!contains(event, \"X\") and match(name, \"*x\")) or type = \"a\""),
        "!contains(event, \"X\") or match(name, \"*x\") or type = \"a\""
    );
}

#[test]
fn what_it_does_not_know_is_passed_over() {
    assert_eq!(read("messageId != null and type = \"track\""), "type = \"track\"");
    assert_eq!(read("!(type = \"track\")"), "type = \"track\"");
    assert_eq!(read("type = \"a\" AND name = \"b\""), "type = \"a\" and name = \"b\"");
    assert_eq!(read("contains(type, \"x\") and userId = \"b\""), "userId = \"b\"");
    assert_eq!(read("valueOf = 1 and type = \"a\""), "type = \"a\"");
    assert_eq!(read("(messageId = \"x\") and type = \"a\""), "fails when it decides");
}

#[test]
fn blanks_decide_what_an_operator_is() {
    assert_eq!(read("type=\"a\""), "type = \"a\"");
    assert_eq!(read("type!=\"a\""), "Cannot read properties of undefined (reading 'type')");
    assert_eq!(read("properties.x >=5"), "properties.x > NaN");
    // A quote that is not eaten begins another text.
    assert_eq!(read("type = \"a\"and name = \"b\""), "type = \"a\"");
    assert_eq!(read("type = \"a\"\r\n"), "Cannot read properties of undefined (reading 'type')");
    assert_eq!(read("type = an"), "type = \"a\"");
}

#[test]
fn any_word_may_be_an_operator() {
    assert_eq!(read("event contains \"x\""), "contains(event, \"x\")");
    assert_eq!(read("properties.or = \"x\""), "properties.properties . \"or\"");
    let trigger = SegmentTrigger::parse("type in [\"track\"]");
    assert_eq!(trigger.regenerated().as_deref(), Some("type in \"[\""));
    assert_eq!(trigger.matches(&json!({ "type": "track" })), Some(false));
}

#[test]
fn paths_lead_through_what_javascript_calls_false() {
    let event =
        json!({ "type": "track", "properties": { "zero": 0, "text": "", "word": "abc", "list": ["a"], "a.b": 1 } });
    for (text, expected) in [
        ("properties.zero.x = 0", Some(true)),
        ("properties.text.x != null", Some(true)),
        ("properties.word.x != null", Some(false)),
        ("properties.word.length = 3", Some(true)),
        (r"properties.list.\0 = ", Some(false)),
        (r#"properties.list.\0 = "a""#, Some(true)),
        (r"properties.a\.b = 1", Some(false)),
        ("properties.constructor != null", Some(true)),
        ("name.first = null", Some(true)),
        (r"properties.\. = null", None),
    ] {
        assert_eq!(SegmentTrigger::parse(text).matches(&event), expected, "{text}");
    }
    assert_eq!(SegmentTrigger::parse("type = \"a\"").matches(&Value::Null), None);
}
