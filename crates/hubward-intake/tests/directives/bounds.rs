//! Whatever a mapping and an event hold, resolving ends, stays within its bounds and never panics.

use hubward_intake::directives::{
    EVENT_DEPTH_MAX, Event, MAPPING_DEPTH_MAX, Mapping, RESULT_DEPTH_MAX, RESULT_VALUES_MAX,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::mapped;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c.$@{}\\[\\]'\"| ]{0,8}".prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        Just(json!("{% if a %}{{ b | replace: 'a', c }}{% endif %}")),
    ]
}

const NAMES: [&str; 40] = [
    "a",
    "b",
    "c",
    "0",
    "length",
    "",
    "_metadata",
    "@path",
    "@template",
    "@if",
    "@case",
    "@replace",
    "@arrayPath",
    "@json",
    "@flatten",
    "@merge",
    "@transform",
    "@literal",
    "@excludeWhenNull",
    "@liquid",
    "@nope",
    "exists",
    "blank",
    "then",
    "else",
    "operator",
    "value",
    "pattern",
    "replacement",
    "pattern2",
    "mode",
    "separator",
    "direction",
    "objects",
    "apply",
    "mapping",
    "omitArrays",
    "ignorecase",
    "global",
    "__segment_internal_directive",
];

fn tree(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 60, 5, move |inner| {
        let members = vec((prop::sample::select(names), inner.clone()), 0..4);
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

fn object(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    vec((prop::sample::select(names), tree(names)), 0..4).prop_map(|members| {
        Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    })
}

/// A valid mapping more often than chance would give one.
fn directive() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        prop::sample::select(&["$.a", "b.c", "", "$.a[0]", "a.length", "0"][..])
            .prop_map(|path| json!({ "@path": path })),
        scalar(),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(value, then, other)| json!({"@if": {"blank": value, "then": then, "else": other}})),
            inner
                .clone()
                .prop_map(|value| json!({"@replace": {"pattern": "a", "replacement": "$`$'", "value": value}})),
            inner.clone().prop_map(|shape| json!({"@arrayPath": ["$.a", {"x": shape}]})),
            inner.clone().prop_map(|value| json!({"@json": {"mode": "encode", "value": value}})),
            inner.clone().prop_map(|value| json!({"@json": {"mode": "decode", "value": value}})),
            inner.clone().prop_map(|value| json!({"@flatten": {"separator": ".", "value": value}})),
            inner
                .clone()
                .prop_map(|value| json!({"@merge": {"direction": "left", "objects": [{"a": value}, {"@path": ""}]}})),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| json!({"@transform": {"apply": {"a": a}, "mapping": {"b": b}}})),
            inner.prop_map(|value| json!({"@excludeWhenNull": value})),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_checked_and_what_is_valid_is_resolved(mapping in tree(&NAMES), event in object(&NAMES)) {
        let _ = mapped(&mapping, &event);
    }

    #[test]
    fn directives_end_whatever_the_event_holds(directive in directive(), event in object(&NAMES)) {
        let _ = mapped(&json!({ "x": directive }), &event);
    }

    #[test]
    fn a_mapping_without_directives_is_itself(mapping in object(&["a", "b", "c", "0", "", "length"]), event in object(&NAMES)) {
        let Ok(Some(resolved)) = mapped(&mapping, &event) else { panic!("it is a valid mapping") };
        // But for how whole numbers are written.
        prop_assert_eq!(whole(resolved), whole(mapping));
    }
}

fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64()),
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, whole(value))).collect())
        }
        other => other,
    }
}

fn nested(depth: usize, around: impl Fn(Value) -> Value) -> Value {
    (0..depth).fold(json!({}), |inner, _| around(inner))
}

#[test]
fn too_much_depth_is_refused_on_every_side() {
    assert!(Mapping::new(&nested(MAPPING_DEPTH_MAX - 1, |inner| json!({ "a": inner }))).is_ok());
    assert!(Mapping::new(&nested(MAPPING_DEPTH_MAX, |inner| json!({ "a": inner }))).is_err());
    assert!(Mapping::new(&json!({ "a": nested(600, |inner| Value::Array(vec![inner])) })).is_err());
    assert!(Event::new(&nested(EVENT_DEPTH_MAX - 1, |inner| json!({ "a": inner }))).is_ok());
    assert!(Event::new(&nested(EVENT_DEPTH_MAX, |inner| json!({ "a": inner }))).is_err());
    // Each step wraps the event twice as deep as the one before.
    let wrap = json!({"a": {"@path": ""}});
    let doubled = |inner: Value| json!({"@transform": {"apply": inner, "mapping": inner}});
    let wraps = |steps: usize| (0..steps).fold(wrap.clone(), |inner, _| doubled(inner));
    assert!(mapped(&wraps(8), &json!({})).is_ok(), "256 deep");
    let error = mapped(&wraps(9), &json!({})).expect_err("512 deep");
    assert_eq!(error, format!("the result is nested more than {RESULT_DEPTH_MAX} deep"));
}

#[test]
fn a_result_that_doubles_at_every_step_is_refused_before_it_fills_the_memory() {
    let double = json!({"l": {"@path": ""}, "r": {"@path": ""}});
    let twice = |inner: Value| json!({"@transform": {"apply": double, "mapping": inner}});
    let mapping = (0..30).fold(json!({"@path": ""}), |inner, _| twice(inner));
    let error = mapped(&mapping, &json!({"a": 1})).expect_err("2^30 values");
    assert!(error.contains(&RESULT_VALUES_MAX.to_string()), "{error}");
}

#[test]
fn a_text_that_grows_at_every_match_is_refused() {
    let event = json!({ "a": "x".repeat(30_000) });
    let replace = json!({"@replace": {"pattern": "x", "replacement": "$`$'$`$'$`", "value": {"@path": "$.a"}}});
    let error = mapped(&json!({ "x": replace }), &event).expect_err("billions of bytes");
    assert!(error.contains("too large"), "{error}");
    let template = json!({ "@template": "{{a}}".repeat(1_000) });
    let error = mapped(&json!({ "x": template }), &event).expect_err("thirty million bytes");
    assert!(error.contains("too large"), "{error}");
}

#[test]
fn checking_takes_no_longer_for_directives_within_directives() {
    let mapping = (0..45).fold(json!(1), |inner, _| json!({"@if": {"exists": "x", "then": inner}}));
    assert_eq!(mapped(&json!({ "x": mapping }), &json!({})), Ok(Some(json!({"x": 1}))));
}
