//! Tables: what each type makes of each kind of value. Here what is common to them and the plain types.

mod choices;
mod dates;
mod laws;

use super::{ConvertContext, Converted, Owners, convert, fold_match_value};
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
        property.options.push(PropertyOption { label: (*label).to_owned(), value: (*value).to_owned(), hidden: false });
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
    let ctx = ConvertContext { owners: &owners, version_normalises_dates: false };
    convert(value, property, conversion, &ctx)
}

/// Every value in the table becomes its text.
fn becomes(property: &PropertyDef, table: &[(Value, &str)]) {
    for (value, expected) in table {
        assert_eq!(to(value, property), Ok(Converted::Text((*expected).to_owned())), "{value:?}");
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
    for type_ in ["string", "number", "bool", "enumeration", "date", "datetime", "phone_number", "json"] {
        let property = property("p", PropertyType::from_name(type_));
        assert_eq!(to(&Value::Null, &property), Ok(Converted::Null));
        assert_eq!(to(&text(""), &property), Ok(Converted::Text(String::new())));
        for conversion in [Conversion::Date, Conversion::DateTime, Conversion::Raw] {
            assert_eq!(as_(&Value::Null, &property, conversion), Ok(Converted::Null));
            assert_eq!(as_(&text(""), &property, conversion), Ok(Converted::Text(String::new())));
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
            (Value::DateTime("2020-02-29T03:30:17.5".parse().unwrap()), "2020-02-29T03:30:17.5"),
            (Value::Timestamp("2020-02-29T03:30:17Z".parse().unwrap()), "2020-02-29T03:30:17Z"),
            (Value::Bytes(vec![0, 255]), "00ff"),
            (Value::List(vec![Value::Int(1), text("é"), Value::Null]), r#"[1,"é",null]"#),
            (
                Value::Map(vec![("z".to_owned(), Value::Float(2.0)), ("a".to_owned(), Value::Null)]),
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
    refuses(&property, "VALUE_TOO_LONG", &[text(&"a".repeat(65_537)), text(&"😀".repeat(32_769))]);
    let reason = to(&text(&"a".repeat(70_000)), &property).unwrap_err();
    assert!(reason.value.unwrap().chars().count() <= 301, "a reason quotes only the beginning");
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
    let bad =
        ["abc", "1,000", "1.2.3", "1e", "e5", ".", "-", "0x10", "1_000", "NaN", "inf", "1e999", "12 5", "  ", "٣"];
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
    assert!(to(&text("1,000"), &property).unwrap_err().text.contains("no commas"));
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
        &[text("maybe"), text("y"), text("on"), Value::Int(2), Value::List(vec![]), Value::Float(0.5)],
    );
}

#[test]
fn an_email_is_trimmed_and_lightly_checked() {
    let email = property("email", PropertyType::String);
    becomes(
        &email,
        &[
            (text(" Ana@Example.com "), "Ana@Example.com"),
            (text("o'brien+x@mail.exämple.org"), "o'brien+x@mail.exämple.org"),
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
    becomes(&property("work_email", PropertyType::String), &[(text("ana"), "ana")]);
}

#[test]
fn match_values_fold_only_where_hubspot_is_known_to() {
    let string = PropertyType::String;
    assert_eq!(fold_match_value("email", &string, " ÄNA@Example.com"), "äna@example.com");
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
