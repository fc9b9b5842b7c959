//! Dates, datetimes and the `type:` of an entry.

use super::{Converted, PropertyType, Value, as_, becomes, decimal, property, refuses, text};
use crate::spec::Conversion;

#[test]
fn a_date_is_the_day_in_utc() {
    let day = property("birthday", PropertyType::Date);
    becomes(
        &day,
        &[
            (Value::Date("2020-02-29".parse().unwrap()), "2020-02-29"),
            (Value::DateTime("2020-02-29T23:59:59".parse().unwrap()), "2020-02-29"),
            (Value::Timestamp("2020-02-29T23:30:00-02:00".parse().unwrap()), "2020-03-01"),
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
            Value::Date("-0001-01-01".parse::<jiff::civil::Date>().unwrap_or(jiff::civil::date(-1, 1, 1))),
        ],
    );
}

#[test]
fn a_datetime_is_an_instant_with_milliseconds() {
    let at = property("seen_at", PropertyType::DateTime);
    becomes(
        &at,
        &[
            (Value::Timestamp("2020-02-29T03:30:17.123999999Z".parse().unwrap()), "2020-02-29T03:30:17.123Z"),
            (Value::Timestamp("1969-12-31T23:59:59.9999Z".parse().unwrap()), "1969-12-31T23:59:59.999Z"),
            (Value::DateTime("2020-02-29T03:30:17".parse().unwrap()), "2020-02-29T03:30:17.000Z"),
            (Value::Date("2020-02-29".parse().unwrap()), "2020-02-29T00:00:00.000Z"),
            (text("2020-02-29T03:30:17.000Z"), "2020-02-29T03:30:17.000Z"),
            (text("2020-02-29T03:30:17+02:00"), "2020-02-29T01:30:17.000Z"),
            (text("2020-02-29 03:30:17"), "2020-02-29T03:30:17.000Z"),
            (text("2020-02-29"), "2020-02-29T00:00:00.000Z"),
            (Value::Int(1_427_997_766_000), "2015-04-02T18:02:46.000Z"),
            (text("1427997766001"), "2015-04-02T18:02:46.001Z"),
            (Value::Int(-1), "1969-12-31T23:59:59.999Z"),
        ],
    );
    refuses(&at, "INVALID_DATE", &[text("asd000"), Value::Bool(false), text("10:30")]);
}

#[test]
fn the_type_of_an_entry_overrules_the_property() {
    let note = property("note", PropertyType::String);
    let at = Value::Timestamp("2020-02-29T03:30:17Z".parse().unwrap());
    assert_eq!(as_(&at, &note, Conversion::Date), Ok(Converted::Text("2020-02-29".to_owned())));
    assert_eq!(as_(&at, &note, Conversion::DateTime), Ok(Converted::Text("2020-02-29T03:30:17.000Z".to_owned())));
    let day = property("day", PropertyType::Date);
    assert_eq!(as_(&text("29/02/2020"), &day, Conversion::Raw), Ok(Converted::Text("29/02/2020".to_owned())));
}
