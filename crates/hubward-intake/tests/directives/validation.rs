//! What is wrong with a mapping, told before anything is resolved.

use hubward_intake::directives::Mapping;
use serde_json::{Value, json};

fn problems(mapping: Value) -> Vec<String> {
    match Mapping::new(&mapping) {
        Ok(_) => Vec::new(),
        Err(error) => error.problems().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_problem_is_told_with_its_path_and_in_the_mappings_order() {
    let found = problems(json!({
        "a": {"@path": 5},
        "b": {"c": {"@template": null}},
        "d": {"@if": {"exists": {"@case": {"operator": 1, "value": 2}}, "then": {"@nope": 1}}},
        "e": {"@path": "$.x", "f": 1},
    }));
    assert_eq!(
        found,
        [
            "/a/@path should be a string or a mapping directive but it is a number.",
            "/b/c/@template should be a string or a mapping directive but it is a null.",
            "/d/@if/exists/@case/operator should be a string but it is a number.",
            "/d/@if/exists/@case/value should be a string or a mapping directive but it is a number.",
            "/d/@if/then has an invalid directive: @nope.",
            "/e should only have one @-prefixed key but it has 2 keys.",
        ]
    );
}

#[test]
fn each_directive_has_its_own_demands() {
    for (directive, problem) in [
        (json!({"@liquid": {"@path": "x"}}), "/x/@liquid should be a string but it is a directive."),
        (json!({"@if": []}), "/x/@if should be an object but it is an array."),
        (json!({"@if": {"@path": "x"}}), "/x/@if should be an object but it is a directive."),
        (json!({"@replace": {"value": "x"}}), "/x/@replace should have field \"pattern\" but it doesn't."),
        (
            json!({"@replace": {"pattern": "", "value": "x"}}),
            "/x/@replace/pattern should be a string of length 1 or greater.",
        ),
        (
            json!({"@replace": {"pattern": "12345678901", "value": "x"}}),
            "/x/@replace/pattern should be a string of length 10 or less.",
        ),
        (
            json!({"@replace": {"pattern": "a", "value": "x", "ignorecase": null}}),
            "/x/@replace/ignorecase should be a boolean but it is a null.",
        ),
        (json!({"@json": {"value": 1, "mode": "x"}}), "/x/@json/mode should be one of encode, decode but it is \"x\"."),
        (json!({"@json": {"mode": "encode"}}), "/x/@json should have field \"value\" but it doesn't."),
        (
            json!({"@flatten": {"value": 1, "separator": 2}}),
            "/x/@flatten/separator should be a string but it is a number.",
        ),
        (json!({"@merge": {"objects": {}}}), "/x/@merge/objects should be an array but it is an object."),
        (json!({"@merge": {"objects": [5]}}), "/ should be a object or a mapping directive but it is a number."),
        (json!({"@arrayPath": "x"}), "/x/@arrayPath should be an array but it is a string."),
        (json!({"@arrayPath": []}), "/x/@arrayPath should be a string or a mapping directive but it is an undefined."),
        (
            json!({"@transform": {"apply": 1, "mapping": {}}}),
            "/x/@transform/apply should be a object or a mapping directive but it is a number.",
        ),
    ] {
        assert_eq!(problems(json!({ "x": directive })), [problem]);
    }
}

#[test]
fn what_the_original_lets_pass_passes() {
    for accepted in [
        json!([{"@path": 5}]),
        json!({"@literal": {"a": {"@path": 5}}}),
        json!({"@case": {}}),
        json!({"@json": {"mode": "ENCODE", "value": 1}}),
        json!({"@merge": {"objects": []}}),
        json!({"@if": {}}),
    ] {
        assert_eq!(problems(json!({ "x": accepted })), [""; 0]);
    }
}

#[test]
fn a_problem_alone_has_no_prefix_and_one_of_several_has() {
    let message = |mapping: Value| Mapping::new(&mapping).expect_err("it is wrong").to_string();
    assert_eq!(message(json!({"@path": 5})), "/@path should be a string or a mapping directive but it is a number.");
    assert_eq!(
        message(json!({"x": {"@path": 5}})),
        "ValidationError: /x/@path should be a string or a mapping directive but it is a number."
    );
}
