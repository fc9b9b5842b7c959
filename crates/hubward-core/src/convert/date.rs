//! Date and datetime properties: `YYYY-MM-DD`, and ISO 8601 in UTC with milliseconds (api.md 3.4 `[DOC-PROP]`).
//!
//! A day has no zone. Where an instant is sent to a `date`, its day in UTC is taken, because HubSpot reads dates at
//! midnight UTC; where a day or a time without a zone is sent to a `datetime`, it is read as UTC.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::{ConvertContext, Refusal, quoted};
use crate::Value;
use crate::row::{civil, trim_decimal};

/// `YYYY-MM-DD`.
pub(super) fn date(value: &Value, ctx: &ConvertContext<'_>) -> Result<String, Refusal> {
    match to_civil_date(value) {
        Some(date) if (1..=9999).contains(&date.year()) => Ok(date.to_string()),
        Some(_) => Err(out_of_years(value)),
        None => Err(refused(value, "date", ctx)),
    }
}

/// `YYYY-MM-DDThh:mm:ss.sssZ`; finer fractions are cut, not rounded.
pub(super) fn datetime(value: &Value, ctx: &ConvertContext<'_>) -> Result<String, Refusal> {
    match to_utc(value) {
        Some(utc) if (1..=9999).contains(&utc.year()) => Ok(instant_text(utc)),
        Some(_) => Err(out_of_years(value)),
        None => Err(refused(value, "date and time", ctx)),
    }
}

fn instant_text(civil: DateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second(),
        civil.millisecond()
    )
}

fn out_of_years(value: &Value) -> Refusal {
    Refusal::new("INVALID_DATE", format!("{:?} is outside the years 1 to 9999", quoted(value)))
}

fn refused(value: &Value, what: &str, ctx: &ConvertContext<'_>) -> Refusal {
    let hint = match value {
        // HubSpot does it on this version only; whoever relies on it says so in the mapping.
        Value::Text(_) if ctx.version_normalises_dates => {
            ", or leave it to HubSpot with `type: raw`, which reads some other formats on this API version"
        }
        _ => "",
    };
    Refusal::new(
        "INVALID_DATE",
        format!(
            "{:?} is not a {what}; ISO 8601 (2020-02-29, 2020-02-29T03:30:17Z) and milliseconds since 1970 are understood: cast it in the model{hint}",
            quoted(value)
        ),
    )
}

/// The calendar day that a value means: a date's own, an instant's day in UTC.
#[must_use]
pub fn to_civil_date(value: &Value) -> Option<Date> {
    to_utc(value).map(|utc| utc.date())
}

/// The instant that a value means, as civil time in UTC: timestamps; days and times without a zone, read as UTC; ISO 8601
/// text; whole numbers as milliseconds since 1970. An eight-digit number that reads as `YYYYMMDD` is that day: as
/// milliseconds it would mean the first two days of 1970.
#[must_use]
pub fn to_utc(value: &Value) -> Option<DateTime> {
    match value {
        Value::Timestamp(instant) => Some(TimeZone::UTC.to_datetime(*instant)),
        Value::DateTime(civil) => Some(*civil),
        Value::Date(date) => Some(date.at(0, 0, 0, 0)),
        Value::Int(number) => number_to_utc(&number.to_string()),
        Value::UInt(number) => number_to_utc(&number.to_string()),
        Value::Decimal(text) => number_to_utc(trim_decimal(text)),
        Value::Float(number) if number.fract() == 0.0 => number_to_utc(&number.to_string()),
        Value::Text(text) => text_to_utc(text.trim()),
        _ => None,
    }
}

fn number_to_utc(digits: &str) -> Option<DateTime> {
    if let Some(date) = compact_date(digits) {
        return Some(date.at(0, 0, 0, 0));
    }
    let ms: i64 = digits.parse().ok()?;
    civil::utc(ms.div_euclid(1_000), ms.rem_euclid(1_000) * 1_000_000)
}

/// `YYYYMMDD` of a plausible year.
pub(crate) fn compact_date(digits: &str) -> Option<Date> {
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year: i16 = digits[..4].parse().ok()?;
    let month: i8 = digits[4..6].parse().ok()?;
    let day: i8 = digits[6..].parse().ok()?;
    (1000..=9999).contains(&year).then(|| Date::new(year, month, day).ok())?
}

fn text_to_utc(text: &str) -> Option<DateTime> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return number_to_utc(text);
    }
    if !text.is_ascii() || !has_iso_day(text) {
        return None;
    }
    // UTC in its several spellings (` UTC` is BigQuery's) is what a civil time is read as anyway.
    let utc = ["Z", "z", " UTC", "+00:00", "+0000", "+00"]
        .iter()
        .find_map(|mark| text.strip_suffix(mark))
        .filter(|civil| civil.len() > 10);
    let text = utc.unwrap_or(text);
    if text.len() > 10 && has_offset(&text[10..]) {
        // As a civil time the offset would be dropped unseen.
        let instant: Timestamp = text.parse().ok()?;
        return Some(TimeZone::UTC.to_datetime(instant));
    }
    text.parse().ok()
}

/// `YYYY-MM-DD` at the beginning; then nothing, or `T` or a blank and a time.
fn has_iso_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(day) = bytes.get(..10) else {
        return false;
    };
    for (position, byte) in day.iter().enumerate() {
        let fits = match position {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        if !fits {
            return false;
        }
    }
    match bytes.get(10) {
        None => true,
        Some(b'T' | b't' | b' ') => bytes.get(11).is_some_and(u8::is_ascii_digit),
        Some(_) => false,
    }
}

/// An offset or a zone's name after the time.
fn has_offset(time: &str) -> bool {
    time.contains(['Z', 'z', '+', '-', '['])
}
