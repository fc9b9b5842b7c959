//! Owns the rules for one value: what a property of each type takes, in which form it is kept, and HubSpot's words when it
//! refuses (api.md 3.4 and 3.7). A good value that is kept as sent costs no allocation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil;

use crate::answers::Invalid;
use crate::clock::iso;
use crate::owners::Owner;
use crate::pipelines::Pipeline;
use crate::property::{Kind, Property};

/// Longest string `[DOC-PROP]`, in characters.
const MOST_CHARACTERS: usize = 65_536;
const DAY_MS: i64 = 86_400_000;
const THOUSAND_YEARS_MS: i64 = 31_556_952_000_000;

/// What a value is judged against besides its property.
pub(crate) struct Facts<'a> {
    pub(crate) owners: &'a BTreeMap<u64, Owner>,
    pub(crate) pipelines: &'a [Pipeline],
    /// 1 when the property holds pipelines, 2 when it holds stages.
    pub(crate) pipeline_role: u8,
    pub(crate) is_email: bool,
    /// The value held now, which `;A;B` appends to.
    pub(crate) held: Option<&'a str>,
    /// 2026-09 normalises dates that older versions refuse.
    pub(crate) normalizes: bool,
    pub(crate) now_ms: i64,
}

/// A value as it will be kept.
#[derive(Debug, PartialEq)]
pub(crate) struct Kept<'a> {
    pub(crate) value: Cow<'a, str>,
    /// Whether 2026-09 reports it as `PROPERTY_VALUE_NORMALIZED`.
    pub(crate) normalized: bool,
}

fn plain(value: Cow<'_, str>) -> Kept<'_> {
    Kept { value, normalized: false }
}

/// Judges a value that is not empty (an empty one clears and needs no judging).
pub(crate) fn check<'a>(property: &Property, raw: &'a str, facts: &Facts<'_>) -> Result<Kept<'a>, Invalid> {
    let refuse = |code: &'static str, message: String| Invalid { name: property.name.clone(), code, message };
    match property.kind {
        Kind::String | Kind::PhoneNumber | Kind::Json | Kind::ObjectCoordinates => {
            if facts.is_email {
                return email(raw)
                    .ok_or_else(|| refuse("INVALID_EMAIL", format!("Email address {raw} is invalid")))
                    .map(plain);
            }
            if raw.len() > MOST_CHARACTERS && raw.chars().count() > MOST_CHARACTERS {
                let message = format!("{} is longer than the {MOST_CHARACTERS} characters allowed", property.name);
                return Err(refuse("INVALID_LENGTH", message));
            }
            Ok(plain(Cow::Borrowed(raw)))
        }
        Kind::Number => match is_number(raw) {
            true => Ok(plain(Cow::Borrowed(raw))),
            false => Err(refuse("INVALID_INTEGER", format!("{} was not a valid number", property.name))),
        },
        Kind::Bool => match raw {
            "true" | "false" => Ok(plain(Cow::Borrowed(raw))),
            _ => Err(refuse("INVALID_BOOLEAN_OPTION", not_allowed(property, raw))),
        },
        Kind::Enumeration if facts.pipeline_role > 0 => {
            let known = facts.pipelines.iter().any(|pipeline| match facts.pipeline_role {
                1 => pipeline.id == raw,
                _ => pipeline.stages.iter().any(|stage| stage.id == raw),
            });
            if known {
                Ok(plain(Cow::Borrowed(raw)))
            } else {
                Err(refuse("INVALID_OPTION", stages_allowed(raw, facts)))
            }
        }
        Kind::Enumeration if property.is_owner() => {
            let owner = raw.parse::<u64>().ok().and_then(|id| facts.owners.get(&id));
            match owner {
                Some(owner) if !owner.archived => Ok(plain(Cow::Borrowed(raw))),
                _ => Err(refuse("INVALID_OPTION", format!("{raw} was not one of the allowed options: []"))),
            }
        }
        Kind::Enumeration if property.external_options => Ok(plain(Cow::Borrowed(raw))),
        Kind::Enumeration => {
            enumeration(property, raw, facts.held).map_err(|one| refuse("INVALID_OPTION", not_allowed(property, one)))
        }
        Kind::Date => date(raw, facts.normalizes, facts.now_ms).map_err(|message| refuse("INVALID_DATE", message)),
        Kind::Datetime => {
            datetime(raw, facts.normalizes, facts.now_ms).map_err(|(code, message)| refuse(code, message))
        }
    }
}

/// An address in the form it is kept: trimmed and in lower case. `.test` is refused as undeliverable `[LIVE-EU]`.
pub(crate) fn email(raw: &str) -> Option<Cow<'_, str>> {
    let trimmed = raw.trim();
    let (local, domain) = trimmed.rsplit_once('@')?;
    let good_local = !local.is_empty()
        && local.len() <= 64
        && !local.contains(|c: char| c.is_whitespace() || "@,;:<>()[]\"".contains(c));
    let labels_good = domain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    });
    let top = domain.rsplit('.').next().unwrap_or_default();
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    if !(good_local
        && dots
        && labels_good
        && domain.contains('.')
        && top.len() >= 2
        && !top.eq_ignore_ascii_case("test"))
    {
        return None;
    }
    Some(lower(trimmed))
}

pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_uppercase) { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) }
}

/// Digits with at most one decimal point; scientific notation is taken `[DOC-PROP]`.
fn is_number(raw: &str) -> bool {
    let body = raw.strip_prefix(['-', '+']).unwrap_or(raw);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_good = match mantissa.split_once('.') {
        Some((whole, part)) => {
            (digits(whole) || whole.is_empty()) && (digits(part) || part.is_empty()) && mantissa.len() > 1
        }
        None => digits(mantissa),
    };
    mantissa_good && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}

/// Internal values, case and all; `A;B` replaces, `;A;B` appends to a multiple choice `[DOC-PROP]`. Errs with the value refused.
fn enumeration<'a>(property: &Property, raw: &'a str, held: Option<&str>) -> Result<Kept<'a>, &'a str> {
    let allowed = |one: &str| property.options.iter().any(|choice| choice.value == one);
    if !property.is_multiple() {
        return if allowed(raw) { Ok(plain(Cow::Borrowed(raw))) } else { Err(raw) };
    }
    for one in raw.split(';').filter(|one| !one.is_empty()) {
        if !allowed(one) {
            return Err(one);
        }
    }
    if !raw.starts_with(';') {
        return Ok(plain(Cow::Borrowed(raw)));
    }
    let mut values: Vec<&str> = held.unwrap_or_default().split(';').filter(|one| !one.is_empty()).collect();
    for one in raw.split(';').filter(|one| !one.is_empty()) {
        if !values.contains(&one) {
            values.push(one);
        }
    }
    Ok(plain(Cow::Owned(values.join(";"))))
}

/// HubSpot's layout of the refusal `[CODEFUND-479]`.
fn not_allowed(property: &Property, raw: &str) -> String {
    let mut message = format!("{raw} was not one of the allowed options: [");
    for (at, choice) in property.options.iter().enumerate() {
        if at > 0 {
            message.push_str(", ");
        }
        message.push_str(&format!(
            "label: \"{}\"\nvalue: \"{}\"\ndisplay_order: {}\nhidden: {}\nread_only: false\n",
            choice.label, choice.value, choice.display_order, choice.hidden
        ));
    }
    message.push(']');
    message
}

fn stages_allowed(raw: &str, facts: &Facts<'_>) -> String {
    let mut all = Vec::new();
    for pipeline in facts.pipelines {
        match facts.pipeline_role {
            1 => all.push(format!("label: \"{}\"\nvalue: \"{}\"\n", pipeline.label, pipeline.id)),
            _ => all.extend(
                pipeline.stages.iter().map(|stage| format!("label: \"{}\"\nvalue: \"{}\"\n", stage.label, stage.id)),
            ),
        }
    }
    format!("{raw} was not one of the allowed options: [{}]", all.join(", "))
}

fn epoch(raw: &str) -> Option<i64> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| raw.parse().ok()).flatten()
}

fn absurd(ms: i64, now_ms: i64) -> Option<String> {
    let far = ms.saturating_sub(now_ms).saturating_abs() > THOUSAND_YEARS_MS;
    far.then(|| format!("{ms} is more than 1,000 years ago or 1,000 years from now."))
}

/// Kept as `YYYY-MM-DD`.
fn date(raw: &str, normalizes: bool, now_ms: i64) -> Result<Kept<'_>, String> {
    if is_calendar_date(raw) {
        let ms = date_ms(raw).ok_or_else(|| format!("{raw} was not a valid date."))?;
        return absurd(ms, now_ms).map_or(Ok(plain(Cow::Borrowed(raw))), Err);
    }
    let normalized = |ms: i64| Kept { value: Cow::Owned(day(ms)), normalized: true };
    if let Some(ms) = epoch(raw) {
        if let Some(message) = absurd(ms, now_ms) {
            return Err(message);
        }
        let rest = ms.rem_euclid(DAY_MS);
        if rest == 0 {
            return Ok(plain(Cow::Owned(day(ms))));
        }
        if normalizes {
            return Ok(normalized(ms));
        }
        let (hour, minute, second, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
        return Err(format!("{ms} is at {hour}:{minute}:{second}.{milli} UTC, not midnight!"));
    }
    match lenient_ms(raw) {
        Some(ms) if normalizes => absurd(ms, now_ms).map_or(Ok(normalized(ms)), Err),
        _ => Err(format!("{raw} was not a valid date.")),
    }
}

/// Kept as ISO-8601 in UTC.
fn datetime(raw: &str, normalizes: bool, now_ms: i64) -> Result<Kept<'_>, (&'static str, String)> {
    let not_long = || ("INVALID_LONG", format!("{raw} was not a valid long."));
    let (ms, normalized) = match epoch(raw) {
        Some(ms) => (ms, false),
        None => {
            let strict = raw.contains('T') && raw.ends_with('Z');
            if !strict && !normalizes {
                return Err(not_long());
            }
            (lenient_ms(raw).ok_or_else(not_long)?, !strict)
        }
    };
    if let Some(message) = absurd(ms, now_ms) {
        return Err(("INVALID_DATE", message));
    }
    Ok(Kept { value: Cow::Owned(iso(ms)), normalized })
}

fn is_calendar_date(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    bytes.len() == 10
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes.iter().enumerate().all(|(at, b)| at == 4 || at == 7 || b.is_ascii_digit())
}

fn date_ms(raw: &str) -> Option<i64> {
    let date: civil::Date = raw.parse().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// What 2026-09 is taken to understand beyond the documented forms: ISO with any offset or none, and dates with slashes.
fn lenient_ms(raw: &str) -> Option<i64> {
    let raw = raw.trim();
    if let Ok(timestamp) = raw.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    let utc = jiff::tz::TimeZone::UTC;
    if let Ok(local) = raw.parse::<civil::DateTime>() {
        return Some(local.to_zoned(utc).ok()?.timestamp().as_millisecond());
    }
    if raw.contains('/') {
        let parts: Vec<i16> = raw.split('/').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [a, b, c] = parts[..] else { return None };
        let (year, month, day) = if a > 31 { (a, b, c) } else { (c, a, b) };
        let date = civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        return Some(date.to_zoned(utc).ok()?.timestamp().as_millisecond());
    }
    None
}

fn day(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(timestamp) => timestamp.to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
        Err(_) => ms.to_string(),
    }
}

/// Epoch milliseconds of a kept or searched date or datetime.
pub(crate) fn comparable_ms(text: &str) -> Option<i64> {
    epoch(text).or_else(|| lenient_ms(text))
}

#[cfg(test)]
mod tests {
    use super::{date, datetime, email, is_number};

    const NOW: i64 = 1_790_000_000_000;

    #[test]
    fn numbers_are_digits_with_one_point_or_scientific() {
        for good in ["0", "1500", "-1.5", "1e3", "1.5E-7", ".5", "5.", "+3"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", "-", ".", "1,5", "1.2.3", "abc", "1e", "0x10", "NaN", " 5"] {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn a_date_is_a_day_or_midnight_and_2026_09_normalizes_the_rest() {
        assert_eq!(date("2026-02-28", false, NOW).unwrap().value, "2026-02-28");
        assert_eq!(date("1579132800000", false, NOW).unwrap().value, "2020-01-16");
        assert_eq!(date("1579179660000", false, NOW).unwrap_err(), "1579179660000 is at 13:1:0.0 UTC, not midnight!");
        let kept = date("1579179660000", true, NOW).unwrap();
        assert_eq!((&*kept.value, kept.normalized), ("2020-01-16", true));
        assert!(date("2026-02-30", true, NOW).is_err());
        assert!(date("-62044444800000", true, NOW).unwrap_err().contains("more than 1,000 years ago"));
    }

    #[test]
    fn a_datetime_needs_its_z_before_2026_09() {
        assert_eq!(datetime("2026-01-02T03:04:05.600Z", false, NOW).unwrap().value, "2026-01-02T03:04:05.6Z");
        assert_eq!(datetime("1767323045000", false, NOW).unwrap().value, "2026-01-02T03:04:05Z");
        assert_eq!(datetime("asd000", false, NOW).unwrap_err().1, "asd000 was not a valid long.");
        assert!(datetime("2026-01-02T03:04:05+02:00", false, NOW).is_err());
        assert_eq!(datetime("2026-01-02T03:04:05+02:00", true, NOW).unwrap().value, "2026-01-02T01:04:05Z");
    }

    #[test]
    fn an_address_is_trimmed_and_kept_in_lower_case() {
        assert_eq!(email(" Ada@Example.COM ").unwrap(), "ada@example.com");
        for bad in [
            "ada",
            "ada@",
            "@example.com",
            "a b@example.com",
            "ada@example",
            "ada@example.test",
            "a..b@example.com",
            "a@-x.com",
        ] {
            assert!(email(bad).is_none(), "{bad}");
        }
        assert!(email("jörg@bücher.example").is_some());
    }
}
