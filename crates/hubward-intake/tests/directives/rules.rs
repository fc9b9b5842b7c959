//! What each directive makes of an event.

use serde_json::{Value, json};

use crate::{fault, mapped, x};

fn event() -> Value {
    json!({
        "type": "track",
        "userId": "u",
        "traits": {
            "email": "Ann@X.com", "zero": 0, "no": false, "empty": "", "nul": null, "price": 2.50, "big": 1e21,
            "list": [{"id": 1, "n": null}, {"id": 2}, "three", 0],
            "deep": {"a": {"b": 1}, "l": [1, [2]], "nothing": {}, "none": []},
            "text": "{\"q\":[1,null]}", "street": "Straße"
        }
    })
}

fn on_event(directive: Value) -> Value {
    x(directive, &event())
}

fn refused(directive: Value) -> String {
    fault(directive, &event())
}

fn path(path: &str) -> Value {
    json!({ "@path": path })
}

#[test]
fn a_path_may_be_given_by_a_directive() {
    assert_eq!(on_event(json!({"@path": {"@template": "traits.{{userId}}"}})), Value::Null);
    assert_eq!(on_event(json!({"@path": {"@literal": "$.type"}})), "track");
    assert_eq!(refused(json!({"@path": {"@path": "$.traits.zz"}})), "@path: expected string, got undefined");
    assert_eq!(refused(json!({"@path": {"@path": "$.traits.nul"}})), "@path: expected string, got null");
}

#[test]
fn if_asks_for_existence_and_blank_means_not_blank() {
    let exists = |at: &str| on_event(json!({"@if": {"exists": path(at), "then": "yes", "else": "no"}}));
    for there in ["$.traits.zero", "$.traits.empty", "$.traits.no", "$.traits.deep.none"] {
        assert_eq!(exists(there), "yes", "{there}");
    }
    for gone in ["$.traits.nul", "$.traits.zz", "$"] {
        assert_eq!(exists(gone), "no", "{gone}");
    }
    let blank = |at: &str| on_event(json!({"@if": {"blank": path(at), "then": "filled", "else": "blank"}}));
    for filled in ["$.traits.email", "$.traits.price", "$.traits.deep.nothing"] {
        assert_eq!(blank(filled), "filled", "{filled}");
    }
    for empty in ["$.traits.zero", "$.traits.no", "$.traits.empty", "$.traits.nul", "$.zz", "$.traits.deep.none"] {
        assert_eq!(blank(empty), "blank", "{empty}");
    }
}

#[test]
fn if_ignores_an_else_that_counts_as_false_but_not_such_a_then() {
    let gone = |otherwise: Value| mapped(&json!({"x": {"@if": {"exists": path("$.zz"), "else": otherwise}}}), &event());
    for ignored in [json!(0), json!(""), json!(false), json!(null)] {
        assert_eq!(gone(ignored), Ok(Some(json!({}))));
    }
    assert_eq!(gone(json!([])), Ok(Some(json!({"x": []}))));
    let there = json!({"x": {"@if": {"exists": path("$.type"), "then": null}}});
    assert_eq!(mapped(&there, &event()), Ok(Some(json!({"x": null}))));
    for literal in [json!(0), json!(""), json!(false), json!(null)] {
        let message = refused(json!({"@if": {"exists": literal, "then": 1}}));
        assert_eq!(message, "@if requires an \"exists\" key or a \"blank\" key");
    }
}

#[test]
fn case_turns_text_and_leaves_everything_else() {
    let case = |operator: &str, at: &str| on_event(json!({"@case": {"operator": operator, "value": path(at)}}));
    assert_eq!(case("lower", "$.traits.email"), "ann@x.com");
    assert_eq!(case("upper", "$.traits.street"), "STRASSE");
    assert_eq!(case("upper", "$.traits.price"), 2.5);
    assert_eq!(case("title", "$.traits.price"), 2.5);
    assert_eq!(
        refused(json!({"@case": {"operator": "title", "value": "a"}})),
        "operator key should have a value of \"lower\" or \"upper\""
    );
    assert_eq!(refused(json!({"@case": {"value": "a"}})), "@case requires a \"operator\" key");
}

#[test]
fn replace_knows_the_dollars_of_a_replacement_and_takes_the_pattern_as_text() {
    let replace = |pattern: &str, replacement: &str, value: &str| {
        on_event(json!({"@replace": {"pattern": pattern, "replacement": replacement, "value": value}}))
    };
    assert_eq!(replace(".", "$&$&", "a.b.c"), "a..b..c");
    assert_eq!(replace("b", "[$`|$'|$$]", "abc"), "a[a|c|$]c");
    assert_eq!(replace("b", "$1$<x>$", "abc"), "a$1$<x>$c");
    assert_eq!(replace("$&", "", "x$&y"), "xy");
    assert_eq!(replace("(a|b)*", "z", "aab(a|b)*"), "aabz");
    let ignoring = |pattern: &str, value: &str| {
        on_event(json!({"@replace": {"pattern": pattern, "replacement": "-", "ignorecase": true, "value": value}}))
    };
    assert_eq!(ignoring("ÄB", "xäbÄBy"), "x--y");
    assert_eq!(ignoring("ß", "SSßẞ"), "SS-ẞ", "capitals of two letters are no capitals here");
    assert_eq!(ignoring("k", "K\u{212a}"), "-\u{212a}", "the kelvin sign is no k");
    let first =
        json!({"@replace": {"pattern": "o", "replacement": "0", "pattern2": "0", "global": false, "value": "oo"}});
    assert_eq!(on_event(first), "o");
}

#[test]
fn replace_takes_numbers_and_booleans_as_text_and_answers_all_else_with_empty_text() {
    let replace = |value: Value| on_event(json!({"@replace": {"pattern": "zzz", "value": value}}));
    assert_eq!(replace(path("$.traits.big")), "1e+21");
    assert_eq!(replace(path("$.traits.no")), "false");
    for no_text in ["$.zz", "$.traits.nul", "$.traits.list", "$.traits.deep"] {
        assert_eq!(replace(path(no_text)), "", "{no_text}");
    }
    let long = json!({"@replace": {"pattern": "a", "pattern2": "12345678901", "value": "a"}});
    assert_eq!(refused(long), "@replace requires a \"pattern\" less than 10 characters");
}

#[test]
fn array_path_gives_every_item_a_shape() {
    let shaped = on_event(json!({"@arrayPath": ["$.traits.list", {"id": path("$.id"), "all": path("")}]}));
    let expected = json!([
        {"id": 1, "all": {"id": 1, "n": null}}, {"id": 2, "all": {"id": 2}}, {"all": "three"}, {"id": 0, "all": 0}
    ]);
    assert_eq!(shaped, expected);
    assert_eq!(on_event(json!({"@arrayPath": ["$.traits.list[0]", {"id": path("$.id")}]})), json!([{"id": 1}]));
    assert_eq!(on_event(json!({"@arrayPath": ["$.traits.email", {"id": path("$.id")}]})), "Ann@X.com");
    let by_directive = json!({"@arrayPath": [{"@path": "$.traits.deep.l"}]});
    assert_eq!(on_event(by_directive), json!([1, [2]]));
}

#[test]
fn json_goes_both_ways() {
    let json_of = |mode: &str, at: &str| on_event(json!({"@json": {"mode": mode, "value": path(at)}}));
    assert_eq!(json_of("encode", "$.traits.deep"), r#"{"a":{"b":1},"l":[1,[2]],"nothing":{},"none":[]}"#);
    assert_eq!(json_of("encode", "$.traits.big"), "1e+21");
    assert_eq!(json_of("decode", "$.traits.text"), json!({"q": [1, null]}));
    assert_eq!(json_of("decode", "$.traits.email"), "Ann@X.com");
    let whole = json!({"mode": "encode", "value": {"b": path("$.zz"), "2": [path("$.zz")], "1": "\u{7}"}});
    assert_eq!(on_event(json!({ "@json": whole })), r#"{"1":"\u0007","2":[null]}"#);
    assert_eq!(refused(json!({"@json": {"mode": "encode", "value": 0}})), "@json requires a \"value\" key");
}

#[test]
fn flatten_joins_names_and_drops_what_is_empty() {
    let flat =
        |at: &str, omit: bool| on_event(json!({"@flatten": {"separator": "_", "omitArrays": omit, "value": path(at)}}));
    assert_eq!(flat("$.traits.deep", false), json!({"a_b": 1, "l_0": 1, "l_1_0": 2}));
    assert_eq!(flat("$.traits.deep", true), json!({"a_b": 1, "l": [1, [2]], "none": []}));
    assert_eq!(flat("$.type", false), json!({"": "track"}));
    assert_eq!(flat("$.zz", false), json!({}));
}

#[test]
fn merge_is_shallow_and_undefined_overwrites() {
    let merge =
        |direction: &str, objects: Value| on_event(json!({"@merge": {"direction": direction, "objects": objects}}));
    let objects = json!([{"a": {"x": 1}, "b": 1}, {"a": {"y": 2}}, path("$.traits.nul")]);
    assert_eq!(merge("right", objects.clone()), json!({"a": {"y": 2}, "b": 1}));
    assert_eq!(merge("left", objects), json!({"a": {"x": 1}, "b": 1}));
    assert_eq!(merge("right", json!([{"a": 1}, {"a": path("$.zz")}])), json!({}));
    assert_eq!(merge("right", json!([path("$.traits.deep.l"), path("$.userId")])), json!({"0": "u", "1": [2]}));
}

#[test]
fn transform_resolves_twice() {
    let applied = json!({"who": path("$.userId"), "list": path("$.traits.list"), "gone": path("$.zz")});
    let mapping = json!({"id": path("$.who"), "first": path("$.list[0].id"), "event": path("$.type")});
    assert_eq!(on_event(json!({"@transform": {"apply": applied, "mapping": mapping}})), json!({"id": "u", "first": 1}));
}

#[test]
fn exclude_when_null_looks_into_objects_and_not_into_lists() {
    let value = json!({"a": null, "b": {"c": null, "d": [null, {"e": null}]}});
    assert_eq!(on_event(json!({"@excludeWhenNull": value})), json!({"b": {"d": [null, {"e": null}]}}));
    assert_eq!(mapped(&json!({"x": {"@excludeWhenNull": path("$.traits.nul")}}), &event()), Ok(Some(json!({}))));
}

#[test]
fn undefined_members_are_removed_and_undefined_items_kept() {
    let mapping = json!({"a": path("$.zz"), "b": [path("$.zz"), {"c": path("$.zz")}], "d": path("$.traits.nul")});
    assert_eq!(mapped(&mapping, &event()), Ok(Some(json!({"b": [null, {}], "d": null}))));
    assert_eq!(mapped(&path("$.zz"), &event()), Ok(None));
}

#[test]
fn a_root_directive_receives_all_other_members() {
    let root = json!({"@transform": {"apply": {"id": path("$.userId")}}});
    let mapping = json!({"__segment_internal_directive": root, "user": path("$.id"), "n": 1});
    assert_eq!(mapped(&mapping, &event()), Ok(Some(json!({"user": "u", "n": 1}))));
    let two = json!({"__segment_internal_directive": {"@if": {}, "@path": ""}, "a": 1});
    assert_eq!(mapped(&two, &event()), Err("The root mapping must only have a single directive object".to_owned()));
    let text = json!({"__segment_internal_directive": {"@path": "$.a"}});
    assert_eq!(mapped(&text, &event()), Err("The root directive must be an object".to_owned()));
}

#[test]
fn metadata_beside_a_directive_is_ignored() {
    assert_eq!(on_event(json!({"_metadata": {"label": "x"}, "@path": "$.type"})), "track");
}

#[test]
fn liquid_reads_the_event_or_the_item_it_stands_for() {
    assert_eq!(on_event(json!({"@liquid": "{{ traits.email | downcase }} {{ traits.price }}"})), "ann@x.com 2.5");
    let each = json!({"@arrayPath": ["$.traits.list", {"t": {"@liquid": "<{{ id }}>"}}]});
    assert_eq!(on_event(each), json!([{"t": "<1>"}, {"t": "<2>"}, {"t": "<>"}, {"t": "<>"}]));
    assert_eq!(on_event(json!({"@liquid": ""})), "");
    let limit = "x".repeat(1_000);
    assert_eq!(on_event(json!({"@liquid": limit})), json!(limit));
    assert_eq!(
        refused(json!({"@liquid": format!("{limit}x")})),
        "liquid template values are limited to 1000 characters"
    );
}

#[test]
fn numbers_keep_their_value() {
    let event = json!({"whole": 5.0, "id": 12_345_678_901_234_567_890_u64, "fraction": 0.1});
    let mapping = json!({"whole": path("$.whole"), "id": path("$.id"), "fraction": path("$.fraction"), "own": 3.0});
    let expected = json!({"whole": 5, "id": 12_345_678_901_234_567_890_u64, "fraction": 0.1, "own": 3});
    assert_eq!(mapped(&mapping, &event), Ok(Some(expected)));
}
