//! Reading and printing triggers: what is one, what is none, and that the printed text says the same.

use hubward_intake::fql::{Comparison, Condition, FQL_BYTES_MAX, FQL_DEPTH_MAX, Function, Operand, Path, Trigger};
use proptest::prelude::*;
use serde_json::Value;

fn printed(text: &str) -> String {
    match Trigger::parse(text) {
        Ok(trigger) => trigger.to_string(),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// The message, the place and the help of what is no trigger.
fn refused(text: &str) -> String {
    let error = Trigger::parse(text).expect_err(text);
    let help = error.help.map(|help| format!(" | {help}")).unwrap_or_default();
    format!("{}:{} {}{help}", error.line, error.column, error.message)
}

#[test]
fn and_binds_tighter_than_or_and_parentheses_tighter_than_both() {
    assert_eq!(Trigger::parse("a or b and c").expect("FQL"), Trigger::parse("a or (b and c)").expect("FQL"));
    assert_eq!(printed("(a or b) and c"), "(a or b) and c");
    assert_eq!(printed("a and b and (c and d)"), "a and b and (c and d)");
    assert_eq!(printed("((((a))))"), "a");
}

#[test]
fn a_negation_takes_the_whole_comparison() {
    assert_eq!(printed("not type = 'track' and b"), "!(type = \"track\") and b");
    assert_eq!(printed("!type = 'track'"), "!(type = \"track\")");
    assert_eq!(printed("!contains(event, 'x')"), "!contains(event, \"x\")");
    assert_eq!(printed("not not a"), "!!a");
}

#[test]
fn keywords_may_be_written_in_capitals_and_nothing_in_between() {
    assert_eq!(printed("a AND b OR NOT c IN [1]"), "a and b or !(c in [1])");
    assert_eq!(refused("a And b"), "1:3 expected `and`, `or` or the end, found `And` | did you mean `and`?");
}

#[test]
fn quotes_of_both_kinds_hold_text_and_a_backslash_gives_a_quote() {
    assert_eq!(printed(r#"a = 'it\'s' or a = "\"" or a = "\*\\""#), r#"a = "it's" or a = "\"" or a = "\\*\\""#);
}

#[test]
fn a_backslash_brings_any_character_into_a_name() {
    assert_eq!(printed(r"properties.product\ 1.price = 1"), r"properties.product\ 1.price = 1");
    let trigger = Trigger::parse(r"a\.b.c").expect("FQL");
    assert_eq!(*trigger.condition(), Condition::Truth(Operand::Path(Path(vec!["a.b".into(), "c".into()]))));
    assert_eq!(printed(r"\true = true and properties.and.2 = -0.50"), r"\true = true and properties.and.2 = -0.5");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_a_way_out() {
    assert_eq!(refused(""), "1:1 the trigger is empty | write a condition, such as `type = \"track\"`");
    assert_eq!(refused("type ="), "1:7 expected a value, found the end");
    assert_eq!(refused("type == 'x'"), "1:6 `==` is no operator | did you mean `=`?");
    assert_eq!(refused("type = 'x' &&\n b"), "1:12 `&` is no operator | did you mean `and`?");
    assert_eq!(refused("type = 'x"), "1:8 the text has no closing quote");
    assert_eq!(
        refused("a and\n  contain(event, 'x')"),
        "2:3 there is no function `contain` | did you mean `contains`?"
    );
    assert_eq!(refused("contains(event)"), "1:1 `contains` takes two arguments, not 1");
    assert_eq!(refused("(a or b"), "1:8 expected `)`, found the end");
    assert_eq!(refused("a)"), "1:2 this `)` closes nothing");
    assert_eq!(refused("'x'"), "1:1 this is neither true nor false | compare it with something");
    assert_eq!(refused("length(a)"), "1:1 this is neither true nor false | compare it with something");
    assert_eq!(
        refused("(a) = 1"),
        "1:5 a condition in parentheses cannot be compared | parentheses go around conditions, which are true or false; leave them away around a value"
    );
    assert_eq!(refused("a in 'x'"), "1:6 `in` wants a list | write `[a, b]`, or a path to a list");
    assert_eq!(
        refused("properties.arr[0].x = 1"),
        "1:15 a path has no brackets | a list has no fields: ask `x in list`, or for its length"
    );
    assert_eq!(
        refused("event contains 'x'"),
        "1:7 expected `and`, `or` or the end, found `contains` | functions stand before what they ask: `contains(event, \"x\")`, `match(event, \"x*\")`"
    );
    assert_eq!(
        refused("a = 1.2.3"),
        "1:5 this is no number | a number has digits and at most one point between them; text stands in quotes"
    );
    assert_eq!(
        refused("größe = 1"),
        "1:3 unexpected character 'ö' | text stands in quotes; in a field's name a backslash goes before such a character"
    );
}

#[test]
fn the_pointer_stands_under_the_place_also_in_a_long_line() {
    let error = Trigger::parse("type = \"ä\" and").expect_err("no FQL");
    assert_eq!(error.pointer, "type = \"ä\" and\n              ^");
    let long = format!("{}type == 1 {}", "a and ".repeat(30), "x".repeat(90));
    let error = Trigger::parse(&long).expect_err("no FQL");
    let (shown, under) = error.pointer.split_once('\n').expect("two lines");
    let column = under.chars().count() - 1;
    assert_eq!(shown.chars().skip(column).take(2).collect::<String>(), "==");
    assert!(shown.chars().count() < 130, "{shown}");
}

#[test]
fn length_and_depth_are_bounded() {
    let deep = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(printed(&deep(FQL_DEPTH_MAX)), "a");
    assert!(refused(&deep(FQL_DEPTH_MAX + 1)).contains("nested deeper than 32 levels"));
    assert!(refused(&"!".repeat(5_000)).contains("nested deeper"));
    assert!(refused(&"[".repeat(5_000)).contains("nested deeper"));
    assert!(refused(&"a".repeat(FQL_BYTES_MAX + 1)).contains("10001 bytes"));
    let wide = vec!["a"; 1_500].join(" or ");
    assert_eq!(printed(&wide), wide);
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-1_000_000_000_i64..1_000_000_000).prop_map(|number| Value::from(number as f64 / 64.0)),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        ".{0,6}".prop_map(Value::String),
        "[\\\\\"'*a]{0,6}".prop_map(Value::String),
    ]
}

fn path() -> impl Strategy<Value = Path> {
    let name = prop_oneof!["[a-z0-9_-]{1,4}", ".{1,3}", "\\PC{1,3}", Just("and".to_owned()), Just("null".to_owned())];
    prop::collection::vec(name.prop_filter("a name", |name| !name.is_empty()), 1..4).prop_map(Path)
}

fn operand() -> impl Strategy<Value = Operand> {
    let leaf = prop_oneof![literal().prop_map(Operand::Literal), path().prop_map(Operand::Path)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Operand::List),
            (prop::sample::select(Function::ALL.to_vec()), inner.clone(), inner).prop_map(|(function, a, b)| {
                let arguments = if function.arity() == 2 { vec![a, b] } else { vec![a] };
                Operand::Call(function, arguments)
            }),
        ]
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let comparison = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    let list = operand().prop_filter("no literal", |operand| !matches!(operand, Operand::Literal(_)));
    let leaf = prop_oneof![
        (operand(), comparison, operand()).prop_map(|(left, comparison, right)| Condition::Compare {
            left,
            comparison,
            right
        }),
        (operand(), list).prop_map(|(item, list)| Condition::In { item, list }),
        path().prop_map(|path| Condition::Truth(Operand::Path(path))),
        any::<bool>().prop_map(|truth| Condition::Truth(Operand::Literal(Value::Bool(truth)))),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::Any),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::All),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn the_printed_trigger_reads_as_the_same_tree(condition in condition()) {
        let text = condition.to_string();
        if text.len() <= FQL_BYTES_MAX {
            let read = Trigger::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
            prop_assert_eq!(read.condition(), &condition, "{}", text);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
        let _ = Trigger::parse(&text);
    }

    #[test]
    fn no_row_of_words_makes_the_reader_panic(words in prop::collection::vec(prop::sample::select(vec![
        "type", "event", "properties.x", "(", ")", "[", "]", ",", "=", "!=", ">", "!", "not", "in", "and", "or", "'a'", "\"b", "1", "-",
        ".", "\\", "null", "true", "contains", "match(", "length", "\n", "ä",
    ]), 0..20)) {
        if let Err(error) = Trigger::parse(&words.join(" ")) {
            prop_assert!(error.line >= 1 && error.column >= 1);
        }
        if let Err(error) = Trigger::parse(&words.concat()) {
            prop_assert!(error.pointer.ends_with('^'));
        }
    }
}
