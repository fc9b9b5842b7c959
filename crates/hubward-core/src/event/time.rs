//! When an event happened, as HubSpot takes it: ISO 8601 in UTC with milliseconds (api.md 9.2).

use jiff::civil::DateTime;

use crate::convert::date::compact_date;
use crate::convert::{quoted, to_utc};
use crate::row::{civil, trim_decimal};
use crate::{Reason, Value};

/// Numbers below this are seconds since 1970, others milliseconds: seconds reach the year 5138, and milliseconds below it
/// end in March 1973, before anything that is sent as an event.
const SECONDS_BELOW: f64 = 1e11;

/// The text of `occurredAt`. `None` for NULL and empty text: HubSpot then takes the time of arrival. Understood are
/// timestamps; dates (midnight UTC) and times without a zone, read as UTC; ISO 8601 text; numbers and their text as seconds
/// or milliseconds since 1970, told apart by their size; an eight-digit number that reads as `YYYYMMDD` is that day. What is
/// finer than a millisecond is cut.
///
/// # Errors
/// `INVALID_TIME` for everything else, and for times outside the years 1 to 9999.
pub fn occurred_at(value: &Value) -> Result<Option<String>, Reason> {
    let utc = match value {
        Value::Null => return Ok(None),
        Value::Text(text) if text.trim().is_empty() => return Ok(None),
        Value::Text(text) => match of_digits(text.trim()) {
            Some(number) => number,
            None => to_utc(value),
        },
        Value::Int(number) => of_integer(*number),
        Value::UInt(number) => i64::try_from(*number).ok().and_then(of_integer),
        Value::Float(number) => of_float(*number),
        Value::Decimal(text) => of_digits(trim_decimal(text)).flatten(),
        _ => to_utc(value),
    };
    match utc {
        Some(utc) if (1..=9999).contains(&utc.year()) => Ok(Some(text_of(utc))),
        Some(_) => Err(refused(value, "is outside the years 1 to 9999")),
        None => Err(refused(
            value,
            "is not a time; ISO 8601 (2026-02-28, 2026-02-28T03:30:17Z), seconds and milliseconds since 1970 are \
             understood: cast it in the model",
        )),
    }
}

fn refused(value: &Value, why: &str) -> Reason {
    let text = quoted(value);
    Reason::new("INVALID_TIME", format!("{text:?} {why}")).on("occurredAt", Some(text))
}

/// A number in digits, with a sign or a fraction; the outer `None` says that the text is none.
fn of_digits(text: &str) -> Option<Option<DateTime>> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    if fraction.bytes().all(|byte| byte == b'0') {
        let whole = text.split('.').next().unwrap_or(text);
        return Some(whole.parse().ok().and_then(of_integer));
    }
    Some(text.parse().ok().and_then(of_float))
}

fn of_integer(number: i64) -> Option<DateTime> {
    if (10_000_000..100_000_000).contains(&number)
        && let Some(day) = compact_date(&number.to_string())
    {
        return Some(day.at(0, 0, 0, 0));
    }
    // Exact: an i64 below the limit is far within what a double holds.
    if (number as f64).abs() < SECONDS_BELOW {
        return civil::utc(number, 0);
    }
    civil::utc(number.div_euclid(1_000), number.rem_euclid(1_000) * 1_000_000)
}

fn of_float(number: f64) -> Option<DateTime> {
    if !number.is_finite() {
        return None;
    }
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return of_integer(number as i64);
    }
    let ms = if number.abs() < SECONDS_BELOW { (number * 1_000.0).round() } else { number.floor() };
    if ms.abs() >= 9e15 {
        return None;
    }
    let ms = ms as i64;
    civil::utc(ms.div_euclid(1_000), ms.rem_euclid(1_000) * 1_000_000)
}

/// `YYYY-MM-DDThh:mm:ss.sssZ`, written by hand: every row of a large model comes by here.
fn text_of(utc: DateTime) -> String {
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |at: usize, digits: usize, mut number: u32| {
        for position in (at..at + digits).rev() {
            text[position] = b'0' + u8::try_from(number % 10).expect("a remainder of ten is a digit");
            number /= 10;
        }
    };
    put(0, 4, u32::from(utc.year().unsigned_abs()));
    put(5, 2, u32::from(utc.month().unsigned_abs()));
    put(8, 2, u32::from(utc.day().unsigned_abs()));
    put(11, 2, u32::from(utc.hour().unsigned_abs()));
    put(14, 2, u32::from(utc.minute().unsigned_abs()));
    put(17, 2, u32::from(utc.second().unsigned_abs()));
    put(20, 3, u32::from(utc.millisecond().unsigned_abs()));
    String::from_utf8(text.to_vec()).expect("digits are ASCII")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn sent(value: Value) -> Option<String> {
        occurred_at(&value).expect("understood")
    }

    #[test]
    fn one_instant_is_understood_in_every_form_that_sources_deliver() {
        let expected = Some("2026-11-20T10:30:05.250Z".to_owned());
        let instant: jiff::Timestamp = "2026-11-20T10:30:05.25Z".parse().expect("an instant");
        assert_eq!(sent(Value::Timestamp(instant)), expected);
        assert_eq!(sent(Value::DateTime(date(2026, 11, 20).at(10, 30, 5, 250_999_999))), expected);
        for text in ["2026-11-20T11:30:05.25+01:00", "2026-11-20 10:30:05.250", "1795170605250", "1795170605.25"] {
            assert_eq!(sent(Value::Text(text.to_owned())), expected, "{text}");
        }
        assert_eq!(sent(Value::Int(1_795_170_605_250)), expected);
        assert_eq!(sent(Value::Float(1_795_170_605.25)), expected);
        assert_eq!(sent(Value::Decimal("1795170605250.00".to_owned())), expected);
        assert_eq!(sent(Value::Int(1_795_170_605)).as_deref(), Some("2026-11-20T10:30:05.000Z"));
        assert_eq!(sent(Value::UInt(1_795_170_605)).as_deref(), Some("2026-11-20T10:30:05.000Z"));
        assert_eq!(sent(Value::Text("1795170605".to_owned())).as_deref(), Some("2026-11-20T10:30:05.000Z"));
    }

    #[test]
    fn a_day_alone_is_its_midnight_in_utc() {
        for value in [
            Value::Date(date(2026, 2, 28)),
            Value::Text("2026-02-28".to_owned()),
            Value::Int(20_260_228),
            Value::Float(20_260_228.0),
        ] {
            assert_eq!(sent(value).as_deref(), Some("2026-02-28T00:00:00.000Z"));
        }
    }

    #[test]
    fn nothing_leaves_the_time_to_hubspot() {
        assert_eq!(sent(Value::Null), None);
        assert_eq!(sent(Value::Text("  ".to_owned())), None);
    }

    #[test]
    fn what_is_no_time_is_refused_with_its_value() {
        for value in [
            Value::Text("yesterday".to_owned()),
            Value::Text("20.11.2026".to_owned()),
            Value::Bool(true),
            Value::Float(f64::NAN),
            Value::Int(i64::MAX),
            Value::UInt(u64::MAX),
            // Microseconds: they would mean the year 58 848.
            Value::Int(1_795_170_605_250_000),
        ] {
            let reason = occurred_at(&value).expect_err("refused");
            assert_eq!(
                (reason.category.as_deref(), reason.property.as_deref()),
                (Some("INVALID_TIME"), Some("occurredAt"))
            );
            assert!(reason.value.is_some(), "{reason:?}");
        }
    }
}
