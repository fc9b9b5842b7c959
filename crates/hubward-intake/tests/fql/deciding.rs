//! What triggers say of events: every operator, every function, every type, and what is missing.

use hubward_intake::fql::Trigger;
use proptest::prelude::*;
use serde_json::{Value, json};

fn holds(text: &str, event: &Value) -> bool {
    match Trigger::parse(text) {
        Ok(trigger) => trigger.matches(event),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn event() -> Value {
    json!({
        "type": "track", "event": "Button Clicked", "userId": "u1",
        "context": { "library": { "name": "analytics.js", "version": "1.0" } },
        "properties": {
            "features": ["discounts", "dark-mode", 3, null], "total": 12, "vip": true, "off": false, "text": "5",
            "nothing": null, "product 1": { "price": "19.99" }, "a.b": 1, "ア": "ア", "object": { "a": 1 }, "more": ["discounts"],
        },
    })
}

/// All of them hold for [`event`].
#[track_caller]
fn all_hold(texts: &[&str]) {
    for text in texts {
        assert!(holds(text, &event()), "{text}");
    }
}

#[track_caller]
fn none_holds(texts: &[&str]) {
    for text in texts {
        assert!(!holds(text, &event()), "{text}");
    }
}

#[test]
fn segments_documented_examples_come_out_as_documented() {
    all_hold(&[
        "event = 'Button Clicked'",
        "type = 'identify' or type = 'track'",
        "event = 'Button Clicked' and type = 'track'",
        "match( context.library.version, '1.*' )",
        "type = 'track' and ( event = 'Click' or match( event, 'Button *' ) )",
        "'dark-mode' in properties.features",
        r"properties.product\ 1.price = '19.99'",
        "length( userId ) > 0",
    ]);
    none_holds(&[
        "event = 'Screen Tapped'",
        "context.path.path = '/login'",
        "match( context.library.version, '2.*' )",
        "!contains( context.library.name, 'js' )",
        "'blink' in properties.features",
        "!( type in ['track', 'identify'] )",
    ]);
}

#[test]
fn equality_asks_for_the_same_type_and_the_same_value() {
    all_hold(&[
        "properties.total = 12",
        "properties.total = 12.0",
        "properties.text = '5'",
        "properties.vip = true",
        "properties.features = ['discounts', 'dark-mode', 3, null]",
        "properties.text != 5",
        "properties.total != '12'",
        "properties.vip != 'true'",
        "context.library = context.library",
        "type = \"track\"",
    ]);
    none_holds(&[
        "properties.total = '12'",
        "properties.text = 5",
        "properties.vip = 'true'",
        "properties.features = ['discounts']",
    ]);
}

#[test]
fn what_is_missing_is_null() {
    all_hold(&[
        "missing = null",
        "properties.nothing = null",
        "missing.deeper.still = null",
        "properties.text.length = null",
        "missing = missing.too",
        "missing != 'x'",
        "null in [missing]",
        "null in properties.features",
        "not missing",
        "typeof(missing) = 'null'",
        "properties.off != null and userId != null",
    ]);
    none_holds(&[
        "missing",
        "missing = false",
        "missing = ''",
        "missing = 0",
        "missing < 1",
        "missing >= 0",
        "missing in ['x']",
        "'x' in missing",
    ]);
}

#[test]
fn order_is_for_numbers_only() {
    all_hold(&[
        "properties.total > 11.5",
        "properties.total >= 12",
        "properties.total < 13",
        "properties.total <= 12",
        "-1 < +0.5",
    ]);
    none_holds(&[
        "properties.text > 3",
        "properties.text < 9",
        "properties.vip >= 0",
        "properties.total > '3'",
        "'b' > 'a'",
        "properties.features > 0",
    ]);
}

#[test]
fn only_true_is_true() {
    all_hold(&[
        "properties.vip",
        "!properties.off",
        "not properties.text",
        "!properties.total",
        "true",
        "not false",
        "!null",
    ]);
    none_holds(&[
        "properties.text",
        "properties.total",
        "properties.features",
        "properties.object",
        "not properties.vip",
        "!!properties.text",
        "null",
    ]);
}

#[test]
fn lists_may_be_written_or_be_in_the_event() {
    all_hold(&[
        "type in ['track', 'identify']",
        "properties.total in [1, 12.0]",
        "userId in [userId]",
        "properties.vip in [true]",
        "properties.more in [['discounts']]",
        "not 'x' in []",
    ]);
    none_holds(&[
        "type in ['page']",
        "'3' in properties.features",
        "'a' in properties.object",
        "'b' in properties.text",
    ]);
}

#[test]
fn functions_give_what_the_documentation_says() {
    all_hold(&[
        "contains(event, 'Click')",
        "contains(event, '')",
        "length(event) = 14",
        "length(properties.features) = 4",
        r"length(properties.\ア) = 3",
        "length(missing) = 0",
        "length(properties.total) = null and length(properties.object) = null",
        "lowercase(event) = 'button clicked'",
        "uppercase(event) = 'BUTTON CLICKED'",
        "snakecase('test string') = 'test_string'",
        "kebabcase('test string') = 'test-string'",
        "titlecase('test string') = 'Test String'",
        "lowercase(missing) = null and uppercase(properties.total) = null",
        "typeof(type) = 'string' and typeof(properties.total) = 'number' and typeof(properties.features) = 'list'",
        "typeof(properties.vip) = 'bool' and typeof(properties.nothing) = 'null' and typeof(context) = 'object'",
        "string(properties.total) = '12' and string(properties.vip) = 'true' and string(missing) = null",
        "string(properties.more) = '[\"discounts\"]' and string(properties.text) = '5'",
        "number(properties.text) = 5 and number(properties.total) = 12 and number(event) = null and number('') = null",
        "number(properties.vip) = null and number('1e999') = null",
        "bool(properties.text) and bool(properties.vip) and bool(properties.total) and bool(properties.more)",
        "!bool(missing) and !bool('') and !bool('false') and !bool(0) and !bool([])",
        "contains(lowercase(event), 'button') = true",
        "match(event, '[A-C]utton ?licked')",
        "match('ab*d', 'ab\\*d') and match('ab*d', \"ab\\\\*d\")",
    ]);
    none_holds(&[
        "contains(missing, 'x')",
        "contains(properties.features, 'discounts')",
        "contains(event, missing)",
        "match(missing, '*')",
        "match(properties.total, '*')",
        "match(event, 'Button')",
        "contains(event, 'button')",
    ]);
}

#[test]
fn an_event_that_is_no_object_has_no_fields() {
    for event in [json!(null), json!([]), json!("type"), json!(3)] {
        assert!(holds("type = null", &event));
        assert!(!holds("type = 'track'", &event));
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,5}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[a-c]", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_trigger_is_true_or_false_for_every_event(
        event in any_json(),
        function in prop::sample::select(hubward_intake::fql::Function::ALL.to_vec()),
        comparison in prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]),
        literal in prop::sample::select(vec!["null", "true", "'a*'", "3", "[a, b]", "c.a", "\"[\""]),
    ) {
        let arguments = if function.arity() == 2 { "a, b.c" } else { "a" };
        let call = format!("{}({arguments})", function.name());
        for text in [format!("{call} {comparison} {literal}"), format!("a {comparison} {call}"), format!("{call} in b"), format!("{literal} in a")] {
            if let Ok(trigger) = Trigger::parse(&text) {
                let opposite = Trigger::parse(&format!("not ({text})")).expect("FQL");
                prop_assert_ne!(trigger.matches(&event), opposite.matches(&event), "{}", text);
            }
        }
    }
}
