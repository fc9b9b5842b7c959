//! What holds for every value.

use proptest::prelude::*;

use super::{Converted, PropertyType, Value, as_, choice, property, text, to};
use crate::spec::Conversion;

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
        "[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9](:[0-9]{2})?(Z|[+-][0-9:]{2,5})?".prop_map(Value::Text),
        "[AB;,\\[\\]\" ]{0,12}".prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        (i64::MIN..i64::MAX).prop_map(|ns| Value::Timestamp(jiff::Timestamp::from_nanosecond(ns.into()).unwrap())),
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
