use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Columns, Template};
use crate::{Reason, Value};

fn row(entries: &[(&str, Value)]) -> BTreeMap<String, Value> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn render(template: &str, entries: &[(&str, Value)]) -> Result<Option<String>, Reason> {
    Template::parse(template).expect("the template parses").render(&row(entries))
}

fn rendered(template: &str, entries: &[(&str, Value)]) -> String {
    render(template, entries).expect("the template renders").unwrap_or_default()
}

/// The example that the reference product's documentation gives against NULL, read from it; none where it is absent.
fn guarded() -> Option<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/seeds/hightouch-hubspot-destination.txt");
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find(|line| line.starts_with("{%- if row[")).map(str::to_owned)
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn println_skip() {
    println!("skipped: there is no ../shared/seeds beside the project");
}

#[test]
fn the_guarded_to_unix_of_the_field_runs_unchanged() {
    let Some(guarded) = guarded() else {
        println_skip();
        return;
    };
    let at = Value::Timestamp("2015-04-30T00:00:00Z".parse().unwrap());
    assert_eq!(render(&guarded, &[("column_name", Value::Null)]), Ok(None));
    assert_eq!(render(&guarded, &[("column_name", at)]), Ok(Some("1430352000000".to_owned())));
}

#[test]
fn to_unix_refuses_null_and_text_that_is_no_date() {
    let reason = render("{{ row.at | to_unix }}", &[("at", Value::Null)]).unwrap_err();
    assert_eq!(reason.category.as_deref(), Some("TEMPLATE_FAILED"));
    assert!(reason.text.contains("to_unix was given NULL"), "{}", reason.text);
    let reason = render("{{ row.at | to_unix_s }}", &[("at", text("soon"))]).unwrap_err();
    assert!(reason.text.contains("\"soon\""), "{}", reason.text);
}

#[test]
fn the_filters_of_our_own_give_what_they_promise() {
    let entries = [
        ("at", text("2020-02-29 03:30:17")),
        ("tags", text(r#"["a","b"]"#)),
        ("list", Value::List(vec![Value::Int(1), text("x")])),
        ("first_name", text("Zoë")),
        (
            "map",
            Value::Map(vec![
                ("b".to_owned(), Value::Int(1)),
                ("a".to_owned(), Value::Int(2)),
                ("c".to_owned(), Value::Int(3)),
            ]),
        ),
    ];
    for (template, expected) in [
        ("{{ row.at | to_unix }}", "1582947017000"),
        ("{{ row.at | to_unix_s }}", "1582947017"),
        ("{{ row['at'] | to_date }}", "2020-02-29"),
        ("{{ row.at | date: '%d/%m/%Y' }}", "29/02/2020"),
        ("{% assign tags = row.tags | parse_json %}{{ tags[1] }}", "b"),
        ("{{ row.list | to_json }}", r#"[1,"x"]"#),
        ("{{ row.first_name | upcase }} on {{ row[\"at\"] | to_unix }}", "ZOË on 1582947017000"),
        (
            "{% for t in row.list reversed %}{{ forloop.index }}{{ t }}{% unless forloop.last %},{% endunless %}{% endfor %}",
            "1x,21",
        ),
        ("{% for i in (1..5) offset:1 limit:2 %}{{ i }}{% endfor %}", "23"),
        ("{% for i in (1..9) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "12"),
        ("{% for x in row.none %}{{ x }}{% else %}none{% endfor %}", "none"),
    ] {
        let mut all = entries.to_vec();
        all.push(("none", Value::Null));
        assert_eq!(rendered(template, &all), expected, "{template}");
    }
}

#[test]
fn numbers_and_dates_print_as_their_text() {
    let entries = [
        ("price", Value::Decimal("12.50".to_owned())),
        ("whole", Value::Float(5.0)),
        ("huge", Value::UInt(u64::MAX)),
        ("day", Value::Date("2020-02-29".parse().unwrap())),
        ("flag", Value::Bool(false)),
    ];
    assert_eq!(
        rendered("{{ row.price }} {{ row.whole }} {{ row.huge }} {{ row.day }} {{ row.flag }}", &entries),
        "12.50 5 18446744073709551615 2020-02-29 false"
    );
    assert_eq!(rendered("{{ row.price | times: 2 }}", &entries), "25");
    assert_eq!(rendered("{{ row.day | to_unix }}", &entries), "1582934400000");
}

#[test]
fn an_empty_output_is_null_and_blanks_are_a_value() {
    assert_eq!(render("{{ row.a }}", &[("a", Value::Null)]), Ok(None));
    assert_eq!(render("{{ row.a }}", &[("a", text(""))]), Ok(None));
    assert_eq!(render(" ", &[]), Ok(Some(" ".to_owned())));
}

#[test]
fn the_columns_are_found_without_running() {
    let columns = |template: &str| Template::parse(template).expect("it parses").columns().clone();
    let known = |names: &[&str]| Columns::Known(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(columns("{{ row.b }}{{ row['a b'] | append: row[\"c\"] }}"), known(&["a b", "b", "c"]));
    assert_eq!(columns("{% if row.a == 'row.x' %}{{ x.row.y }}{% endif %}"), known(&["a"]));
    assert_eq!(columns("{% comment %}{{ row.gone }}{% endcomment %}row.text{{ row.here }}"), known(&["here"]));
    assert_eq!(columns("{% raw %}{{ row.gone }}{% endraw %}"), known(&[]));
    assert_eq!(columns("{{- row.a-}}{%- assign x = row.b.c -%}"), known(&["a", "b"]));
    assert_eq!(columns("{{ \"}}\" | append: row.a }}"), known(&["a"]));
    assert_eq!(columns("{{ row[row.key] }}"), Columns::All);
    assert_eq!(columns("{{ row | to_json }}"), Columns::All);
}

#[test]
fn a_template_of_the_whole_row_sees_every_column() {
    assert_eq!(
        rendered("{{ row[row.key] }} {{ row | to_json }}", &[("key", text("a")), ("a", Value::Int(7))]),
        r#"7 {"a":7,"key":"a"}"#
    );
}

#[test]
fn an_unknown_column_or_variable_is_named() {
    let reason = render("{{ row.missing }}", &[("a", Value::Int(1))]).unwrap_err();
    assert!(reason.text.contains("missing"), "{}", reason.text);
    let reason = render("{{ first_name }}", &[]).unwrap_err();
    assert!(reason.text.contains("first_name"), "{}", reason.text);
}

#[test]
fn what_does_not_parse_says_why_and_where() {
    let error = Template::parse("fine\n{{ row.a | }}").unwrap_err();
    assert_eq!(error.line, Some(2), "{error:?}");
    assert!(!error.message.contains('\n'));
    let error = Template::parse("{{ row.a | shout }}").unwrap_err();
    assert!(error.message.contains("shout"), "{error}");
    let error = Template::parse("{% if row.a %}").unwrap_err();
    assert!(!error.message.is_empty());
    let error = Template::parse("{% assign row = 1 %}").unwrap_err();
    assert!(error.message.contains("hide the row"), "{error}");
    for tag in ["tablerow i in (1..2)", "include 'other'", "render 'other'"] {
        let error = Template::parse(&format!("{{% {tag} %}}")).unwrap_err();
        assert!(error.message.contains("does not exist here"), "{error}");
    }
}

#[test]
fn a_template_that_runs_away_is_stopped() {
    let reason = render("{% for i in (1..9000000000000000000) %}{% endfor %}", &[]).unwrap_err();
    assert!(reason.text.contains("turns"), "{}", reason.text);
    let nested = "{% for i in (1..90000) %}{% for j in (1..90000) %}{% endfor %}{% endfor %}";
    assert!(render(nested, &[]).unwrap_err().text.contains("turns"));
    let long = "{% for i in (1..90000) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}";
    assert!(render(long, &[]).unwrap_err().text.contains("longer than"));
}

#[test]
fn a_variable_that_doubles_is_stopped() {
    let assigned = "{% assign x = 'ab' %}{% for i in (1..90) %}{% assign x = x | append: x %}{% endfor %}";
    let captured =
        "{% assign x = 'ab' %}{% for i in (1..90) %}{% capture x %}{{ x }}{{ x }}{% endcapture %}{% endfor %}";
    let listed = "{% assign x = 'a b' | split: ' ' %}{% for i in (1..90) %}{% assign x = x | concat: x %}{% endfor %}";
    for template in [assigned, captured, listed] {
        let reason = render(template, &[]).unwrap_err();
        assert!(reason.text.contains("variable x is longer"), "{}", reason.text);
    }
    assert_eq!(
        rendered("{% capture x %}{{ 1 | plus: 2 }}{% endcapture %}{% assign y = x | append: '!' %}{{ y }}", &[]),
        "3!"
    );
}

#[test]
fn no_filter_reads_the_clock() {
    assert!(render("{{ 'now' | date: '%Y' }}", &[]).is_err());
    assert!(render("{{ 'today' | date: '%Y' }}", &[]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_template_panics(
        parts in proptest::collection::vec(prop_oneof![
            Just("{{"), Just("}}"), Just("{%"), Just("%}"), Just("row"), Just(".a"), Just("['a']"), Just("[row.a]"),
            Just(" | "), Just("to_unix"), Just("date: '%Y %Q'"), Just("parse_json"), Just("upcase"), Just(" if "),
            Just("endif"), Just("for i in (1..3)"), Just("endfor"), Just("-"), Just("'"), Just("null"), Just("é"),
            Just(" comment "), Just(" endcomment "), Just("assign x = "), Just("split: ''"), Just("size"), Just("\n"),
        ], 0..14),
        value in prop_oneof![Just(Value::Null), Just(Value::Int(-5)), Just(text("2020-01-01")), Just(text("{}")), Just(Value::List(vec![]))],
    ) {
        let source = parts.concat();
        if let Ok(template) = Template::parse(&source) {
            let _ = template.render(&row(&[("a", value)]));
        }
    }
}
