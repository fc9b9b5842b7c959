//! Tables: what each type makes of each kind of value.

use proptest::prelude::*;

use super::{ConvertContext, Converted, Owners, append_form, convert, fold_match_value};
use crate::spec::Conversion;
use crate::{PropertyDef, PropertyOption, PropertyType, Reason, Value};

pub(crate) fn property(name: &str, type_: PropertyType) -> PropertyDef {
    PropertyDef {
        name: name.to_owned(),
        label: format!("The {name}"),
        type_,
        field_type: "text".to_owned(),
        group: "contactinformation".to_owned(),
        options: Vec::new(),
        external_options: false,
        referenced_object_type: None,
        has_unique_value: false,
        calculated: false,
        read_only_value: false,
        hubspot_defined: false,
    }
}

fn choice(field_type: &str, options: &[(&str, &str)]) -> PropertyDef {
    let mut property = property("plan", PropertyType::Enumeration);
    property.field_type = field_type.to_owned();
    for (value, label) in options {
        property.options.push(PropertyOption {
            label: (*label).to_owned(),
            value: (*value).to_owned(),
            hidden: false,
        });
    }
    property
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.to_owned())
}

fn to(value: &Value, property: &PropertyDef) -> Result<Converted, Reason> {
    as_(value, property, Conversion::Auto)
}

fn as_(value: &Value, property: &PropertyDef, conversion: Conversion) -> Result<Converted, Reason> {
    let owners = Owners::unknown();
    let ctx = ConvertContext {
        owners: &owners,
        version_normalises_dates: false,
    };
    convert(value, property, conversion, &ctx)
}

/// Every value in the table becomes its text.
fn becomes(property: &PropertyDef, table: &[(Value, &str)]) {
    for (value, expected) in table {
        assert_eq!(
            to(value, property),
            Ok(Converted::Text((*expected).to_owned())),
            "{value:?}"
        );
    }
}

/// Every value in the table is refused under this code, with property and value named.
fn refuses(property: &PropertyDef, category: &str, values: &[Value]) {
    for value in values {
        let reason = to(value, property).expect_err(&format!("{value:?} must be refused"));
        assert_eq!(reason.category.as_deref(), Some(category), "{value:?}");
        assert_eq!(reason.property.as_deref(), Some(property.name.as_str()));
        assert!(reason.value.is_some() && !reason.text.is_empty());
    }
}

#[test]
fn null_stays_null_and_the_empty_text_clears_every_type() {
    for type_ in [
        "string",
        "number",
        "bool",
        "enumeration",
        "date",
        "datetime",
        "phone_number",
        "json",
    ] {
        let property = property("p", PropertyType::from_name(type_));
        assert_eq!(to(&Value::Null, &property), Ok(Converted::Null));
        assert_eq!(to(&text(""), &property), Ok(Converted::Text(String::new())));
        for conversion in [Conversion::Date, Conversion::DateTime, Conversion::Raw] {
            assert_eq!(
                as_(&Value::Null, &property, conversion),
                Ok(Converted::Null)
            );
            assert_eq!(
                as_(&text(""), &property, conversion),
                Ok(Converted::Text(String::new()))
            );
        }
    }
}

#[test]
fn strings_take_every_value_as_its_text() {
    becomes(
        &property("note", PropertyType::String),
        &[
            (text(" São Paulo "), " São Paulo "),
            (Value::Bool(true), "true"),
            (Value::Int(-7), "-7"),
            (Value::UInt(u64::MAX), "18446744073709551615"),
            (Value::Float(5.0), "5"),
            (Value::Float(0.1), "0.1"),
            (Value::Float(-0.0), "0"),
            (Value::Float(1e21), "1e21"),
            (decimal("12.50"), "12.50"),
            (Value::Date("2020-02-29".parse().unwrap()), "2020-02-29"),
            (Value::Time("03:30:17".parse().unwrap()), "03:30:17"),
            (
                Value::DateTime("2020-02-29T03:30:17.5".parse().unwrap()),
                "2020-02-29T03:30:17.5",
            ),
            (
                Value::Timestamp("2020-02-29T03:30:17Z".parse().unwrap()),
                "2020-02-29T03:30:17Z",
            ),
            (Value::Bytes(vec![0, 255]), "00ff"),
            (
                Value::List(vec![Value::Int(1), text("é"), Value::Null]),
                r#"[1,"é",null]"#,
            ),
            (
                Value::Map(vec![
                    ("z".to_owned(), Value::Float(2.0)),
                    ("a".to_owned(), Value::Null),
                ]),
                r#"{"z":2,"a":null}"#,
            ),
        ],
    );
}

#[test]
fn a_text_is_counted_in_utf16_units() {
    let property = property("note", PropertyType::String);
    assert!(to(&text(&"é".repeat(65_536)), &property).is_ok());
    assert!(to(&text(&"😀".repeat(32_768)), &property).is_ok());
    refuses(
        &property,
        "VALUE_TOO_LONG",
        &[text(&"a".repeat(65_537)), text(&"😀".repeat(32_769))],
    );
    let reason = to(&text(&"a".repeat(70_000)), &property).unwrap_err();
    assert!(
        reason.value.unwrap().chars().count() <= 301,
        "a reason quotes only the beginning"
    );
}

#[test]
fn numbers_are_digits_with_one_point_or_scientific() {
    let property = property("amount", PropertyType::Number);
    becomes(
        &property,
        &[
            (Value::Int(-1500), "-1500"),
            (Value::UInt(u64::MAX), "18446744073709551615"),
            (Value::Float(5.0), "5"),
            (Value::Float(-2.5e-9), "-2.5e-9"),
            (decimal("12.50"), "12.50"),
            (text(" 12.5 "), "12.5"),
            (text(".5"), ".5"),
            (text("1e3"), "1e3"),
            (text("-1.5E+3"), "-1.5E+3"),
        ],
    );
    let bad = [
        "abc", "1,000", "1.2.3", "1e", "e5", ".", "-", "0x10", "1_000", "NaN", "inf", "1e999",
        "12 5", "  ", "٣",
    ];
    refuses(&property, "INVALID_NUMBER", &bad.map(text));
    refuses(
        &property,
        "INVALID_NUMBER",
        &[
            Value::Bool(true),
            Value::Float(f64::NAN),
            Value::Float(f64::INFINITY),
            Value::List(vec![]),
            Value::Date("2020-01-01".parse().unwrap()),
        ],
    );
    assert!(
        to(&text("1,000"), &property)
            .unwrap_err()
            .text
            .contains("no commas")
    );
}

#[test]
fn booleans_are_read_only_where_there_is_no_doubt() {
    let property = property("active", PropertyType::Bool);
    becomes(
        &property,
        &[
            (Value::Bool(false), "false"),
            (Value::Int(1), "true"),
            (Value::Int(0), "false"),
            (decimal("1.0"), "true"),
            (Value::Float(0.0), "false"),
            (text("TRUE"), "true"),
            (text("f"), "false"),
            (text(" Yes "), "true"),
            (text("no"), "false"),
            (text("0"), "false"),
        ],
    );
    refuses(
        &property,
        "INVALID_BOOLEAN",
        &[
            text("maybe"),
            text("y"),
            text("on"),
            Value::Int(2),
            Value::List(vec![]),
            Value::Float(0.5),
        ],
    );
}

#[test]
fn an_enumeration_takes_exact_internal_values() {
    let property = choice(
        "select",
        &[
            ("bucket_1", "1 Star"),
            ("bucket_2", "2 Stars"),
            ("5", "five"),
            ("a,b", "A and B"),
        ],
    );
    becomes(
        &property,
        &[
            (text("bucket_1"), "bucket_1"),
            (Value::Int(5), "5"),
            (decimal("5.0"), "5"),
            (Value::Float(5.0), "5"),
            (text("a,b"), "a,b"),
        ],
    );
    becomes(
        &property,
        &[
            (Value::List(vec![text("bucket_2")]), "bucket_2"),
            (Value::List(vec![]), ""),
        ],
    );
    refuses(
        &property,
        "INVALID_OPTION",
        &[
            text("gold"),
            text("Bucket_1"),
            text("1 Star"),
            text(" bucket_1"),
            Value::Bool(true),
            Value::List(vec![text("5"), text("5")]),
        ],
    );
    for (value, hint) in [
        ("Bucket_1", "case-sensitive"),
        ("1 star", "internal value is \"bucket_1\""),
        (" bucket_1", "blanks"),
        ("buckt_1", "did you mean \"bucket_1\""),
        ("zzz", "internal values are \"bucket_1\", \"bucket_2\""),
    ] {
        let reason = to(&text(value), &property).unwrap_err();
        assert!(reason.text.contains(hint), "{value}: {}", reason.text);
    }
}

#[test]
fn without_options_nothing_can_be_checked() {
    becomes(
        &choice("select", &[]),
        &[(text("anything"), "anything"), (Value::Int(5), "5")],
    );
    let mut external = choice("select", &[("a", "A")]);
    external.external_options = true;
    becomes(&external, &[(text("b"), "b")]);
    becomes(&choice("checkbox", &[]), &[(text("a; b"), "a;b")]);
}

#[test]
fn an_enumeration_of_true_and_false_reads_booleans() {
    let property = choice("booleancheckbox", &[("true", "Yes"), ("false", "No")]);
    becomes(
        &property,
        &[
            (Value::Bool(true), "true"),
            (Value::Int(0), "false"),
            (text("YES"), "true"),
        ],
    );
    refuses(&property, "INVALID_OPTION", &[text("maybe")]);
}

#[test]
fn several_options_are_joined_by_semicolons() {
    let property = choice(
        "checkbox",
        &[("A", "a"), ("B", "b"), ("x,y", "with comma"), ("1", "one")],
    );
    becomes(
        &property,
        &[
            (Value::List(vec![text("A"), text("B")]), "A;B"),
            (
                Value::List(vec![text("A"), Value::Null, text("A"), Value::Int(1)]),
                "A;1",
            ),
            (Value::List(vec![]), ""),
            (text("A;B"), "A;B"),
            (text("A; B ;"), "A;B"),
            (text(";A;B"), ";A;B"),
            (text("x,y;A"), "x,y;A"),
            (text("x,y"), "x,y"),
            (text(r#"["A","x,y"]"#), "A;x,y"),
            (text("[]"), ""),
        ],
    );
    refuses(
        &property,
        "INVALID_OPTION",
        &[
            text("A,B"),
            text("A;C"),
            Value::List(vec![text("A;B")]),
            text(";"),
            Value::Bool(true),
        ],
    );
    assert!(
        to(&text("A,B"), &property)
            .unwrap_err()
            .text
            .contains("semicolons")
    );
    assert_eq!(append_form("A;B"), ";A;B");
    assert_eq!(append_form(";A"), ";A");
    assert_eq!(append_form(""), "");
}

#[test]
fn an_owner_is_an_id_or_an_address_that_is_looked_up() {
    let mut by_reference = property("account_manager", PropertyType::Enumeration);
    by_reference.referenced_object_type = Some("OWNER".to_owned());
    for property in [
        by_reference,
        property("hubspot_owner_id", PropertyType::Enumeration),
    ] {
        let owners = Owners::known([
            ("101".to_owned(), Some("Jane@Example.com".to_owned())),
            ("102".to_owned(), None),
        ]);
        let ctx = ConvertContext {
            owners: &owners,
            version_normalises_dates: false,
        };
        let owner = |value: &Value| convert(value, &property, Conversion::Auto, &ctx);
        let found = |id: &str| Ok(Converted::Text(id.to_owned()));
        assert_eq!(owner(&Value::Int(101)), found("101"));
        assert_eq!(owner(&decimal("102.0")), found("102"));
        assert_eq!(owner(&text(" jane@example.COM ")), found("101"));
        for (value, hint) in [
            (Value::Int(7), "no owner"),
            (text("jan@example.com"), "did you mean"),
            (text("Jane"), "neither"),
        ] {
            let reason = owner(&value).unwrap_err();
            assert_eq!(reason.category.as_deref(), Some("UNKNOWN_OWNER"));
            assert!(reason.text.contains(hint), "{}", reason.text);
        }
        assert_eq!(
            to(&text("7"), &property),
            found("7"),
            "unknown owners: an id passes"
        );
        assert!(
            to(&text("a@b.c"), &property)
                .unwrap_err()
                .text
                .contains("could not be read")
        );
    }
}

#[test]
fn a_date_is_the_day_in_utc() {
    let day = property("birthday", PropertyType::Date);
    becomes(
        &day,
        &[
            (Value::Date("2020-02-29".parse().unwrap()), "2020-02-29"),
            (
                Value::DateTime("2020-02-29T23:59:59".parse().unwrap()),
                "2020-02-29",
            ),
            (
                Value::Timestamp("2020-02-29T23:30:00-02:00".parse().unwrap()),
                "2020-03-01",
            ),
            (text("2020-02-29"), "2020-02-29"),
            (text(" 2020-02-29T23:30:00-02:00 "), "2020-03-01"),
            (text("2020-02-29 01:00:00+05"), "2020-02-28"),
            (text("2020-02-29 01:00:00"), "2020-02-29"),
            (text("2020-02-29 01:00:00 UTC"), "2020-02-29"),
            (text("2020-02-29T01:00:00.123456"), "2020-02-29"),
            (Value::Int(1_430_352_000_000), "2015-04-30"),
            (text("1579179660000"), "2020-01-16"),
            (Value::Float(1_430_352_000_000.0), "2015-04-30"),
            (decimal("1430352000000.000"), "2015-04-30"),
            (Value::Int(0), "1970-01-01"),
            (Value::Int(-1), "1969-12-31"),
            (Value::Int(20_200_229), "2020-02-29"),
            (text("20200229"), "2020-02-29"),
            (text("0001-01-01"), "0001-01-01"),
            (text("9999-12-31"), "9999-12-31"),
        ],
    );
    let bad = [
        "29/02/2020",
        "2020-2-9",
        "2019-02-29",
        "2020-02-30",
        "yesterday",
        "2020-02",
        "12:30",
        "2020-02-29T",
        "2020-02-29Tx",
        "2020-02-29T25:00:00Z",
        "2020-02-29T01:00:00+99:00",
        "0000-01-01",
        "-0001-01-01",
        "1e12",
        "99999999999999999999",
        " ",
        "２０２０-01-01",
    ];
    refuses(&day, "INVALID_DATE", &bad.map(text));
    refuses(
        &day,
        "INVALID_DATE",
        &[
            Value::Bool(true),
            Value::Float(0.5),
            Value::Int(i64::MAX),
            Value::Time("03:30:17".parse().unwrap()),
            Value::Date(
                "-0001-01-01"
                    .parse::<jiff::civil::Date>()
                    .unwrap_or(jiff::civil::date(-1, 1, 1)),
            ),
        ],
    );
}

#[test]
fn a_datetime_is_an_instant_with_milliseconds() {
    let at = property("seen_at", PropertyType::DateTime);
    becomes(
        &at,
        &[
            (
                Value::Timestamp("2020-02-29T03:30:17.123999999Z".parse().unwrap()),
                "2020-02-29T03:30:17.123Z",
            ),
            (
                Value::Timestamp("1969-12-31T23:59:59.9999Z".parse().unwrap()),
                "1969-12-31T23:59:59.999Z",
            ),
            (
                Value::DateTime("2020-02-29T03:30:17".parse().unwrap()),
                "2020-02-29T03:30:17.000Z",
            ),
            (
                Value::Date("2020-02-29".parse().unwrap()),
                "2020-02-29T00:00:00.000Z",
            ),
            (text("2020-02-29T03:30:17.000Z"), "2020-02-29T03:30:17.000Z"),
            (
                text("2020-02-29T03:30:17+02:00"),
                "2020-02-29T01:30:17.000Z",
            ),
            (text("2020-02-29 03:30:17"), "2020-02-29T03:30:17.000Z"),
            (text("2020-02-29"), "2020-02-29T00:00:00.000Z"),
            (Value::Int(1_427_997_766_000), "2015-04-02T18:02:46.000Z"),
            (text("1427997766001"), "2015-04-02T18:02:46.001Z"),
            (Value::Int(-1), "1969-12-31T23:59:59.999Z"),
        ],
    );
    refuses(
        &at,
        "INVALID_DATE",
        &[text("asd000"), Value::Bool(false), text("10:30")],
    );
}

#[test]
fn the_type_of_an_entry_overrules_the_property() {
    let note = property("note", PropertyType::String);
    let at = Value::Timestamp("2020-02-29T03:30:17Z".parse().unwrap());
    assert_eq!(
        as_(&at, &note, Conversion::Date),
        Ok(Converted::Text("2020-02-29".to_owned()))
    );
    assert_eq!(
        as_(&at, &note, Conversion::DateTime),
        Ok(Converted::Text("2020-02-29T03:30:17.000Z".to_owned()))
    );
    let day = property("day", PropertyType::Date);
    assert_eq!(
        as_(&text("29/02/2020"), &day, Conversion::Raw),
        Ok(Converted::Text("29/02/2020".to_owned()))
    );
}

#[test]
fn an_email_is_trimmed_and_lightly_checked() {
    let email = property("email", PropertyType::String);
    becomes(
        &email,
        &[
            (text(" Ana@Example.com "), "Ana@Example.com"),
            (
                text("o'brien+x@mail.exämple.org"),
                "o'brien+x@mail.exämple.org",
            ),
        ],
    );
    let bad = [
        "ana",
        "ana@",
        "@example.com",
        "a@b@c.de",
        "a b@c.de",
        "ana@example",
        "ana@.com",
        "ana@example.",
        "a@b.c;d@e.f",
        " ",
    ];
    refuses(&email, "INVALID_EMAIL", &bad.map(text));
    becomes(
        &property("work_email", PropertyType::String),
        &[(text("ana"), "ana")],
    );
}

#[test]
fn match_values_fold_only_where_hubspot_is_known_to() {
    let string = PropertyType::String;
    assert_eq!(
        fold_match_value("email", &string, " ÄNA@Example.com"),
        "äna@example.com"
    );
    assert_eq!(fold_match_value("id", &string, " 42 "), "42");
    assert_eq!(fold_match_value("sku", &string, " Ab "), " Ab ");
    for (number, folded) in [
        ("5.00", "5"),
        ("+5", "5"),
        ("007", "7"),
        ("-0.50", "-0.5"),
        ("0.0", "0"),
        (".5", "0.5"),
        ("1e3", "1e3"),
        ("-0", "0"),
    ] {
        assert_eq!(fold_match_value("n", &PropertyType::Number, number), folded);
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        any::<f64>().prop_map(Value::Float),
        "-?[0-9]{1,30}(\\.[0-9]{1,9})?".prop_map(Value::Decimal),
        any::<String>().prop_map(Value::Text),
        "[0-9TZ:+. -]{0,30}".prop_map(Value::Text),
        "[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9](:[0-9]{2})?(Z|[+-][0-9:]{2,5})?"
            .prop_map(Value::Text),
        "[AB;,\\[\\]\" ]{0,12}".prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        (i64::MIN..i64::MAX)
            .prop_map(|ns| Value::Timestamp(jiff::Timestamp::from_nanosecond(ns.into()).unwrap())),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            proptest::collection::vec(("[a-z]{0,3}", inner), 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn conversion_never_panics_and_a_refusal_names_the_property(value in any_value(), type_ in 0usize..9, conversion in 0usize..4) {
        let property = match type_ {
            0 => property("p", PropertyType::String),
            1 => property("p", PropertyType::Number),
            2 => property("p", PropertyType::Bool),
            3 => property("p", PropertyType::Date),
            4 => property("p", PropertyType::DateTime),
            5 => choice("select", &[("A", "a"), ("B", "b")]),
            6 => choice("checkbox", &[("A", "a"), ("B", "b")]),
            7 => property("hubspot_owner_id", PropertyType::Enumeration),
            _ => property("email", PropertyType::String),
        };
        let conversion = [Conversion::Auto, Conversion::Date, Conversion::DateTime, Conversion::Raw][conversion];
        match as_(&value, &property, conversion) {
            Ok(Converted::Null) => prop_assert!(value.is_null()),
            Ok(Converted::Text(_)) => {}
            Err(reason) => prop_assert_eq!(reason.property, Some(property.name)),
        }
    }

    #[test]
    fn what_was_converted_converts_to_itself(value in any_value(), type_ in 0usize..6) {
        let property = match type_ {
            0 => property("p", PropertyType::Number),
            1 => property("p", PropertyType::Bool),
            2 => property("p", PropertyType::Date),
            3 => property("p", PropertyType::DateTime),
            4 => choice("checkbox", &[("A", "a"), ("B", "b")]),
            _ => property("email", PropertyType::String),
        };
        if let Ok(Converted::Text(once)) = to(&value, &property) {
            prop_assert_eq!(to(&Value::Text(once.clone()), &property), Ok(Converted::Text(once)));
        }
    }

    #[test]
    fn an_instant_to_the_millisecond_survives_the_round_trip(ms in -62_135_596_800_000i64..253_402_300_799_999) {
        let instant = jiff::Timestamp::from_millisecond(ms).unwrap();
        let at = property("at", PropertyType::DateTime);
        let Ok(Converted::Text(sent)) = to(&Value::Timestamp(instant), &at) else { panic!("every instant converts") };
        prop_assert_eq!(sent.len(), 24);
        prop_assert_eq!(sent.parse::<jiff::Timestamp>().unwrap(), instant);
        let day = property("day", PropertyType::Date);
        let of_instant = to(&Value::Timestamp(instant), &day);
        prop_assert_eq!(&to(&text(&sent), &day), &of_instant);
        prop_assert_eq!(Ok(Converted::Text(sent[..10].to_owned())), of_instant);
    }
}
