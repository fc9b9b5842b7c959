//! Each Arrow type that a source may give, one row with a value and one with NULL.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array, DictionaryArray,
    DurationSecondArray, Float32Array, Float64Array, Int32Array, Int64Array, NullArray, RunArray, StringArray,
    StringViewArray, StructArray, Time32SecondArray, Time64NanosecondArray, TimestampMicrosecondArray,
    TimestampSecondArray, UInt8Array, UInt64Array,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Fields};
use proptest::prelude::*;
use serde_json::json;

use super::{ValueError, json_to_value, key_text, parse_json, value_at, value_json, value_text};
use crate::Value;

fn at(array: &dyn Array, row: usize) -> Value {
    let field = Field::new("c", array.data_type().clone(), true);
    value_at(array, &field, row).expect("a readable value")
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn every_plain_type_becomes_its_value() {
    let uuid = {
        let mut builder = FixedSizeBinaryBuilder::new(16);
        builder.append_value(*b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef").unwrap();
        builder.finish()
    };
    let cases: Vec<(ArrayRef, Value)> = vec![
        (Arc::new(BooleanArray::from(vec![true])), Value::Bool(true)),
        (Arc::new(UInt8Array::from(vec![255])), Value::Int(255)),
        (Arc::new(Int64Array::from(vec![i64::MIN])), Value::Int(i64::MIN)),
        (Arc::new(UInt64Array::from(vec![7])), Value::Int(7)),
        (Arc::new(UInt64Array::from(vec![u64::MAX])), Value::UInt(u64::MAX)),
        (Arc::new(Float32Array::from(vec![0.1])), Value::Float(0.1)),
        (Arc::new(Float64Array::from(vec![-2.5])), Value::Float(-2.5)),
        (
            Arc::new(Decimal128Array::from(vec![-1250]).with_precision_and_scale(10, 2).unwrap()),
            Value::Decimal("-12.50".to_owned()),
        ),
        (
            Arc::new(Decimal128Array::from(vec![12]).with_precision_and_scale(10, -2).unwrap()),
            Value::Decimal("1200".to_owned()),
        ),
        (
            Arc::new(StringViewArray::from(vec!["a text longer than twelve bytes"])),
            text("a text longer than twelve bytes"),
        ),
        (Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..]])), Value::Bytes(vec![0, 255])),
        (Arc::new(uuid), text("01234567-89ab-cdef-0123-456789abcdef")),
        (Arc::new(Date32Array::from(vec![-1])), Value::Date("1969-12-31".parse().unwrap())),
        (Arc::new(Date32Array::from(vec![2_932_896])), Value::Date("9999-12-31".parse().unwrap())),
        (Arc::new(Date64Array::from(vec![86_400_000])), Value::Date("1970-01-02".parse().unwrap())),
        (Arc::new(Time32SecondArray::from(vec![86_399])), Value::Time("23:59:59".parse().unwrap())),
        (Arc::new(Time64NanosecondArray::from(vec![1_500_000_000])), Value::Time("00:00:01.5".parse().unwrap())),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![-1])),
            Value::DateTime("1969-12-31T23:59:59.999999".parse().unwrap()),
        ),
        (
            Arc::new(TimestampSecondArray::from(vec![1_582_947_017]).with_timezone("America/New_York")),
            Value::Timestamp("2020-02-29T03:30:17Z".parse().unwrap()),
        ),
        (
            Arc::new(TimestampSecondArray::from(vec![253_402_300_799]).with_timezone("UTC")),
            Value::DateTime("9999-12-31T23:59:59".parse().unwrap()),
        ),
        (Arc::new(DurationSecondArray::from(vec![90])), text("PT90S")),
        (Arc::new(NullArray::new(1)), Value::Null),
    ];
    for (array, expected) in cases {
        assert_eq!(at(array.as_ref(), 0), expected, "{}", array.data_type());
    }
}

#[test]
fn null_is_null_in_plain_and_encoded_columns() {
    assert_eq!(at(&Int32Array::from(vec![None, Some(1)]), 0), Value::Null);
    let dictionary: DictionaryArray<Int8Type> = vec![Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    let read: Vec<Value> = (0..4).map(|row| at(&dictionary, row)).collect();
    assert_eq!(read, [text("a"), Value::Null, text("b"), text("a")]);
    let runs: RunArray<Int32Type> = vec![Some("a"), Some("a"), None, Some("b")].into_iter().collect();
    let read: Vec<Value> = (0..4).map(|row| at(&runs, row)).collect();
    assert_eq!(read, [text("a"), text("a"), Value::Null, text("b")]);
}

#[test]
fn nested_columns_keep_their_shape() {
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), None]);
    lists.append_null();
    lists.append_value([]);
    let lists = lists.finish();
    assert_eq!(at(&lists, 0), Value::List(vec![Value::Int(1), Value::Null]));
    assert_eq!(at(&lists, 1), Value::Null);
    assert_eq!(at(&lists.slice(2, 1), 0), Value::List(vec![]));

    let fields = Fields::from(vec![Field::new("n", DataType::Int32, true), Field::new("t", DataType::Utf8, true)]);
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int32Array::from(vec![1, 2])), Arc::new(StringArray::from(vec![Some("x"), None]))];
    let structs = StructArray::new(fields, columns, Some(NullBuffer::from(vec![true, true])));
    assert_eq!(at(&structs, 1), Value::Map(vec![("n".to_owned(), Value::Int(2)), ("t".to_owned(), Value::Null)]));

    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    map.keys().append_value("k");
    map.values().append_value(9);
    map.append(true).unwrap();
    assert_eq!(at(&map.finish(), 0), Value::Map(vec![("k".to_owned(), Value::Int(9))]));
}

#[test]
fn text_marked_as_json_is_parsed_and_bad_json_stays_text() {
    let metadata = HashMap::from([("ARROW:extension:name".to_owned(), "arrow.json".to_owned())]);
    let field = Field::new("c", DataType::Utf8, true).with_metadata(metadata);
    let array = StringArray::from(vec![r#"{"b":[1,18446744073709551615,1.5],"a":null}"#, "{oops"]);
    let expected = Value::Map(vec![
        ("b".to_owned(), Value::List(vec![Value::Int(1), Value::UInt(u64::MAX), Value::Float(1.5)])),
        ("a".to_owned(), Value::Null),
    ]);
    assert_eq!(value_at(&array, &field, 0), Ok(expected));
    assert_eq!(value_at(&array, &field, 1), Ok(text("{oops")));
}

#[test]
fn what_cannot_be_represented_is_an_error_that_names_the_column() {
    let field = Field::new("ends", DataType::Date32, true);
    let error = value_at(&Date32Array::from(vec![i32::MAX]), &field, 0).unwrap_err();
    assert!(matches!(error, ValueError::OutOfRange { .. }));
    assert!(error.to_string().contains("ends"), "{error}");
    assert!(value_at(&Date32Array::from(vec![0]), &field, 1).is_err(), "a row beyond the end");
    let times = Time32SecondArray::from(vec![86_400]);
    assert!(value_at(&times, &Field::new("t", times.data_type().clone(), true), 0).is_err());
}

#[test]
fn a_key_is_shown_without_ambiguity() {
    assert_eq!(key_text(&[Value::Int(5)]).as_deref(), Some("5"));
    assert_eq!(key_text(&[text("a|b\\")]).as_deref(), Some("a|b\\"), "a single column needs no escaping");
    assert_eq!(key_text(&[text("a|b"), text("c\\")]).as_deref(), Some("a\\|b|c\\\\"));
    assert_eq!(key_text(&[text(""), Value::Int(1)]).as_deref(), Some("|1"));
    assert_eq!(key_text(&[text("a"), Value::Null]), None);
    for same in [Value::Decimal("5.00".to_owned()), Value::Float(5.0), Value::UInt(5), text("5")] {
        assert_eq!(key_text(&[same]).as_deref(), Some("5"));
    }
}

#[test]
fn json_shows_numbers_as_people_write_them() {
    let list = Value::List(vec![
        Value::Float(5.0),
        Value::Float(0.25),
        Value::Float(f64::NAN),
        Value::Decimal("12.50".to_owned()),
        Value::Decimal("12345678901234567890.5".to_owned()),
        Value::Date("2020-02-29".parse().unwrap()),
    ]);
    assert_eq!(value_json(&list), json!([5, 0.25, "NaN", 12.5, "12345678901234567890.5", "2020-02-29"]));
    assert_eq!(value_text(&Value::List(vec![Value::Float(5.0)])), "[5]");
    assert_eq!(value_text(&Value::Float(1e300)), "1e300");
    assert_eq!(value_text(&Value::Null), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn different_keys_never_look_alike(left in proptest::collection::vec("[a|\\\\]{0,3}", 2..3), right in proptest::collection::vec("[a|\\\\]{0,3}", 2..3)) {
        let key = |parts: &[String]| key_text(&parts.iter().map(|part| text(part)).collect::<Vec<_>>());
        prop_assert_eq!(left == right, key(&left) == key(&right));
    }

    #[test]
    fn a_float_reads_back_from_its_text(number in any::<f64>()) {
        let text = value_text(&Value::Float(number));
        if number.is_finite() {
            prop_assert_eq!(text.parse::<f64>().unwrap(), number);
        }
    }

    #[test]
    fn json_survives_being_a_value(document in "[\\[\\]{}\":,a0-9.-]{0,12}") {
        if let Ok(json) = serde_json::from_str::<serde_json::Value>(&document)
            && let Value::Map(_) | Value::List(_) = json_to_value(&json)
        {
            let again = parse_json(&value_text(&json_to_value(&json)));
            prop_assert_eq!(value_json(&again), value_json(&json_to_value(&json)));
        }
    }
}
