//! The warnings: none where both readings agree, one where they do not, and what they say.

use std::sync::LazyLock;

use hubward_intake::fql::segment::SegmentTrigger;
use hubward_intake::fql::{Trigger, differences, reading_of_malformed};
use proptest::prelude::*;
use serde_json::{Value, json};

fn warnings(text: &str) -> Vec<String> {
    match Trigger::parse(text) {
        Ok(trigger) => differences(text, &trigger).iter().map(ToString::to_string).collect(),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// The codes only, in order.
fn codes(text: &str) -> Vec<&'static str> {
    let trigger = Trigger::parse(text).expect(text);
    differences(text, &trigger).iter().map(|warning| warning.code).collect()
}

#[test]
fn where_both_readings_agree_there_is_no_warning() {
    for text in [
        "type = \"identify\"",
        "type = \"track\" and event = \"Order Completed\"",
        "type = \"identify\" or type = \"track\" or type = \"page\"",
        "type=\"track\"",
        "(type = \"track\" or type = \"page\") and userId != null",
        "(type = \"track\") and (event = \"a\" or event = \"b\")",
        "contains(event, \"Order\") and type = \"track\"",
        "match(event, \"Order*\") or match(properties.email, \"*@x.com\") or match(event, \"*\")",
        "properties.total >= 12 and properties.total < 20.5 and properties.total = 13",
        "properties.vip = true and traits.plan != \"gold\" and userId = true",
        "properties.total > 5 and properties.total != 13",
        "type = \"track\" and contains(event, \"a\") and !contains(event, \"b\")",
        "properties.missing = null and name != null",
        r#"properties.product\ 1.price = "19.99""#,
        "context.app.name = \"web\"",
        "event > 5",
    ] {
        assert_eq!(warnings(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_warning_says_what_the_original_reads_and_why() {
    assert_eq!(
        warnings("type = \"track\" and event = \"a\" or event = \"b\""),
        [
            "Segment's parser reads `type = \"track\" and event = \"a\" or event = \"b\"` as `type = \"track\" or event = \"a\" or event = \"b\"`, \
             and fires for events that this trigger leaves alone [read-differently]",
            "`and` and `or` stand side by side: Segment's parser takes the last of them for all the conditions of that level [mixed-and-or]",
        ]
    );
    assert_eq!(
        warnings("properties.total != 13"),
        [
            "Segment's parser decides `properties.total != 13` by other rules, and leaves events alone that this trigger fires for [read-differently]",
            "Segment's parser takes `properties.total != 13` for false where the field is missing or no number; here it is true [not-equal-number]",
        ]
    );
    assert_eq!(
        warnings("((type = \"track\"))"),
        [
            "Segment's parser cannot read this trigger and drops every event with an error (Cannot read properties of undefined (reading 'type')) [drops-every-event]",
            "Segment's parser ends a group at the first `)`, so that groups within groups fail [nested-groups]",
        ]
    );
}

#[test]
fn of_a_malformed_trigger_it_is_told_what_the_original_makes() {
    let told = |text: &str| reading_of_malformed(text).map(|warning| warning.message);
    let reads = "Segment's parser does not refuse this trigger: it reads it as `type = \"track\"`";
    assert_eq!(told("type = \"track\" and foo > ").as_deref(), Some(reads));
    assert_eq!(told("type == \"track\""), Some(reads.replace("`type = \"track\"`", "`type = \"=\"`")));
    assert_eq!(told(""), None);
}

#[test]
fn every_kind_of_difference_is_named() {
    for (text, expected) in [
        ("type = \"a\" or type = \"b\" and event = \"c\"", "mixed-and-or"),
        ("type = \"track\" and (event = \"a\" or (event = \"b\" or event = \"c\"))", "nested-groups"),
        ("type = \"track\" and (contains(event, \"X\") or contains(event, \"Y\"))", "function-in-group"),
        ("type = \"a\" OR event = \"b\"", "capitals"),
        ("not type = \"track\"", "negation"),
        ("!(type = \"track\")", "negation"),
        ("!contains(event, \"x\")", "negated-function"),
        ("messageId != null and type = \"track\"", "unknown-field"),
        ("contains(type, \"t\") and event = \"a\"", "unknown-field"),
        ("lowercase(event) = \"a\"", "unknown-function"),
        ("type in [\"track\"]", "in"),
        ("type = 'track'", "single-quotes"),
        (r#"event = "a\"b""#, "escapes"),
        ("properties.total != 13", "not-equal-number"),
        ("properties.vip != true", "compared-as-text"),
        ("event = null", "compared-as-text"),
        ("type = 3", "compared-as-text"),
        ("name = true", "compared-as-text"),
        ("properties.s > \"3\"", "order"),
        ("match(event, \"Or*ed\")", "glob"),
        ("match(event, \"Order\")", "glob"),
        ("match(event, \"?rder*\")", "glob"),
        ("match(event, \"**\")", "glob"),
        ("type!=\"track\"", "blanks"),
        ("properties.x >=5", "blanks"),
        ("properties.x>5", "blanks"),
        ("type = \"a\"or type = \"b\"", "blanks"),
        ("type = \"a\"\r\nand event = \"b\"", "blanks"),
        ("! contains(event, \"a\")", "blanks"),
        ("\"track\" = type", "value"),
        ("properties.a = properties.b", "value"),
        ("contains(event, properties.a)", "value"),
        ("properties.vip and type = \"a\"", "bare-value"),
        ("true", "bare-value"),
        ("properties != null", "field-names"),
        ("name.first = \"a\"", "field-names"),
        (r#"properties.a\.b = "x""#, "field-names"),
        ("properties.or = \"x\"", "field-names"),
        ("properties.0 = \"x\"", "field-names"),
        ("context.app.name != null", "path"),
        ("properties.name.length > 3", "path"),
        ("properties.list.length = 3", "path"),
        (r#"properties.list.\0 = "a""#, "path"),
        ("properties.constructor != null", "path"),
        ("type = \"track\" or (messageId = \"x\")", "drops-events"),
    ] {
        assert!(codes(text).contains(&expected), "{text}: {:?}", warnings(text));
    }
}

/// Found by the property test when no event of its own could show the difference.
#[test]
fn a_difference_that_takes_a_beginning_a_content_and_an_end_is_shown_by_an_event() {
    let text = r#"!match(event, "*b") and contains(event, "b") and match(event, "b") and match(event, "a*")"#;
    let (trigger, original) = (Trigger::parse(text).expect("FQL"), SegmentTrigger::parse(text));
    let event = json!({ "type": "track", "event": "abc" });
    assert_eq!((trigger.matches(&event), original.matches(&event)), (false, Some(true)));
    assert!(!differences(text, &trigger).is_empty());
}

/// Conditions that both readings know, that they read differently, and that one does not know.
const CONDITIONS: [&str; 30] = [
    "type = \"track\"",
    "type != \"track\"",
    "event = \"ab\"",
    "contains(event, \"a\")",
    "contains(event, \"b\")",
    "!contains(event, \"a\")",
    "match(event, \"a*\")",
    "match(event, \"*b\")",
    "match(event, \"*\")",
    "!match(event, \"*b\")",
    "match(event, \"a*b\")",
    "match(event, \"b\")",
    "properties.x = 5",
    "properties.x != 5",
    "properties.x > 3",
    "properties.x <= 5",
    "properties.x = true",
    "properties.x = false",
    "properties.x != true",
    "properties.x = \"5\"",
    "properties.x != null",
    "properties.x = null",
    "properties.x > \"3\"",
    "event = null",
    "not type = \"track\"",
    "!(type = \"track\")",
    "messageId = \"ab\"",
    "event in [\"ab\"]",
    "properties.x",
    "type = 'track'",
];

fn trigger() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(CONDITIONS.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(3, 6, 3, |inner| {
        let word = prop::sample::select(vec![" and ", " or ", " AND ", " OR "]);
        prop_oneof![
            4 => (prop::collection::vec(inner.clone(), 2..4), prop::sample::select(vec![" and ", " or "]))
                .prop_map(|(parts, word)| parts.join(word)),
            1 => (inner.clone(), word, inner.clone()).prop_map(|(a, word, b)| format!("{a}{word}{b}")),
            2 => inner.prop_map(|inner| format!("({inner})")),
        ]
    })
}

/// Every text of up to three of the letters that the conditions speak of and one that they do not, so that each combination of
/// beginning, end and content is there; and what is no such text.
fn names() -> Vec<Value> {
    let mut texts = vec![String::new()];
    let mut names: Vec<Value> = Vec::new();
    for _ in 0..3 {
        texts = texts.iter().flat_map(|text| ["a", "b", "c"].map(|letter| format!("{text}{letter}"))).collect();
        names.extend(texts.iter().map(|text| json!(text)));
    }
    names.extend([json!("null"), json!("*b"), json!("a*b"), Value::Null, json!(7)]);
    names
}

/// Events with whatever can make a difference to [`CONDITIONS`].
static TELLING_EVENTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut events = Vec::new();
    for kind in [json!("track"), json!("'track'"), json!("page"), Value::Null] {
        for name in names() {
            for x in [
                json!(5),
                json!(4),
                json!(3),
                json!(9),
                json!(true),
                json!(false),
                json!("5"),
                json!("true"),
                json!("c"),
                Value::Null,
                json!([]),
            ] {
                for id in [json!("ab"), Value::Null] {
                    events.push(json!({ "type": kind, "event": name, "properties": { "x": x }, "messageId": id }));
                }
            }
        }
    }
    events
});

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-2_i32..16).prop_map(Value::from),
        (-2.0..16.0).prop_map(Value::from),
        "[ab5 ]{0,3}".prop_map(Value::String),
        prop::sample::select(vec!["track", "null", "true", "undefined", "Order"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array), fields(inner),]
    })
}

fn fields(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["a", "b", "length", "0", "a b"]);
    prop::collection::vec((name, value), 0..4)
        .prop_map(|fields| Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

fn any_event() -> impl Strategy<Value = Value> {
    let part = || prop_oneof![4 => fields(any_value()), 1 => Just(Value::Null)];
    (any_value(), any_value(), any_value(), any_value(), part(), part(), part()).prop_map(
        |(kind, event, name, user, properties, traits, context)| {
            json!({ "type": kind, "event": event, "name": name, "userId": user, "properties": properties, "traits": traits, "context": context })
        },
    )
}

/// Comparisons of any field with any operator and value, well or badly spelled.
fn comparison() -> impl Strategy<Value = String> {
    let field = prop::sample::select(vec![
        "type",
        "event",
        "name",
        "userId",
        "properties.a",
        "properties.a.b",
        "traits.b",
        "context.a",
        "context.a.b.a",
        "properties.length",
        "properties.a.length",
        r"traits.a\ b",
        r"properties.a.\0",
        r"properties.a\.b",
        "properties",
        "name.a",
        "anonymousId",
    ]);
    let value = prop::sample::select(vec![
        "\"a\"",
        "\"\"",
        "\"null\"",
        "\"true\"",
        "\"5\"",
        "'a'",
        "5",
        "0",
        "2",
        "-1",
        "1.5",
        "null",
        "true",
        "false",
        "properties.b",
    ]);
    let operator = prop::sample::select(vec![" = ", " != ", " < ", " <= ", " > ", " >= ", "=", "!="]);
    let pattern = prop::sample::select(vec![
        "\"a*\"", "\"*b\"", "\"*\"", "\"a\"", "\"\"", "\"a*b\"", "'a*'", "\"a?\"", "\"[a]*\"", "5",
    ]);
    prop_oneof![
        (field.clone(), operator, value.clone())
            .prop_map(|(field, operator, value)| format!("{field}{operator}{value}")),
        (prop::sample::select(vec!["", "!", "not "]), field.clone(), value)
            .prop_map(|(not, field, value)| format!("{not}contains({field}, {value})")),
        (prop::sample::select(vec!["", "!"]), field, pattern)
            .prop_map(|(not, field, pattern)| format!("{not}match({field}, {pattern})")),
    ]
}

proptest! {
    #[test]
    fn without_a_warning_both_readings_agree_and_with_one_some_event_shows_it(text in trigger()) {
        let trigger = Trigger::parse(&text).expect("FQL");
        let original = SegmentTrigger::parse(&text);
        let differs = TELLING_EVENTS.iter().any(|event| original.matches(event) != Some(trigger.matches(event)));
        let warned = differences(&text, &trigger);
        prop_assert_eq!(differs, !warned.is_empty(), "{}: {:?}", text, warned);
    }

    #[test]
    fn without_a_warning_both_readings_agree_on_any_event(
        parts in prop::collection::vec(comparison(), 1..4),
        word in prop::sample::select(vec![" and ", " or "]),
        events in prop::collection::vec(any_event(), 12),
    ) {
        let text = parts.join(word);
        let trigger = Trigger::parse(&text).expect("FQL");
        let warned = differences(&text, &trigger);
        if warned.is_empty() {
            let original = SegmentTrigger::parse(&text);
            for event in &events {
                prop_assert_eq!(original.matches(event), Some(trigger.matches(event)), "{}\n{}", text, event);
            }
        } else {
            prop_assert!(warned.iter().any(|warning| warning.code != "read-differently"), "no reason: {} {:?}", text, warned);
        }
    }
}
