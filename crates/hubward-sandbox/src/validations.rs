//! Owns an admin's validation rules of a property: their types and arguments, and what a value must be under them (api.md 5.5).
//!
//! `FORMAT`, `SPECIAL_CHARACTERS` and `WHITESPACE` are kept and shown, not enforced: what their arguments may be is in none of
//! our sources.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, civil};
use regex::Regex;
use serde::Serialize;

use crate::answers::Invalid;
use crate::property::{Kind, Property};
use crate::values::{comparable_ms, email};

/// Every rule type `[SPEC]`.
pub(crate) const TYPES: &[&str] = &[
    "AFTER_DATETIME_DURATION",
    "AFTER_DURATION",
    "ALPHANUMERIC",
    "BEFORE_DATETIME_DURATION",
    "BEFORE_DURATION",
    "DAYS_OF_WEEK",
    "DECIMAL",
    "DOMAIN",
    "EMAIL",
    "EMAIL_ALLOWED_DOMAINS",
    "EMAIL_BLOCKED_DOMAINS",
    "END_DATE",
    "END_DATETIME",
    "FORMAT",
    "MAX_LENGTH",
    "MAX_NUMBER",
    "MIN_LENGTH",
    "MIN_NUMBER",
    "PHONE_NUMBER_WITH_EXPLICIT_COUNTRY_CODE",
    "REGEX",
    "SPECIAL_CHARACTERS",
    "START_DATE",
    "START_DATETIME",
    "URL",
    "URL_ALLOWED_DOMAINS",
    "URL_BLOCKED_DOMAINS",
    "WHITESPACE",
];

/// One rule of a property; at most one of each type.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    rule_arguments: Vec<String>,
    pub(crate) rule_type: &'static str,
    should_apply_normalization: bool,
    #[serde(skip)]
    pattern: Option<Regex>,
}

impl Rule {
    /// A rule whose type fits the property and whose arguments can be read; errs with what is wrong.
    pub(crate) fn new(
        property: &Property,
        rule_type: &str,
        rule_arguments: Vec<String>,
        should_apply_normalization: bool,
    ) -> Result<Rule, String> {
        let rule_type = TYPES
            .iter()
            .find(|known| **known == rule_type)
            .ok_or_else(|| format!("{rule_type} is no rule type; use one of {}", TYPES.join(", ")))?;
        let fits = match *rule_type {
            "MIN_NUMBER" | "MAX_NUMBER" | "DECIMAL" => property.kind == Kind::Number,
            "START_DATE" | "END_DATE" | "BEFORE_DURATION" | "AFTER_DURATION" => property.kind == Kind::Date,
            "START_DATETIME" | "END_DATETIME" | "BEFORE_DATETIME_DURATION" | "AFTER_DATETIME_DURATION" => {
                property.kind == Kind::Datetime
            }
            "DAYS_OF_WEEK" => matches!(property.kind, Kind::Date | Kind::Datetime),
            "FORMAT" => true,
            _ => matches!(property.kind, Kind::String | Kind::PhoneNumber),
        };
        if !fits {
            return Err(format!("{rule_type} does not fit the type of the property {}", property.name));
        }
        let first = rule_arguments.first().map(String::as_str);
        let readable = match *rule_type {
            "MIN_NUMBER" | "MAX_NUMBER" => first.is_some_and(|text| text.parse::<f64>().is_ok()),
            "DECIMAL" | "MIN_LENGTH" | "MAX_LENGTH" => first.is_some_and(|text| text.parse::<usize>().is_ok()),
            "START_DATE" | "END_DATE" | "START_DATETIME" | "END_DATETIME" => first.and_then(comparable_ms).is_some(),
            "BEFORE_DURATION" | "AFTER_DURATION" | "BEFORE_DATETIME_DURATION" | "AFTER_DATETIME_DURATION" => {
                first.is_some_and(|text| text.parse::<Span>().is_ok())
            }
            "ALPHANUMERIC" => matches!(first, Some("ALPHANUMERIC" | "ALPHA_ONLY" | "NUMERIC_ONLY")),
            "DAYS_OF_WEEK"
            | "EMAIL_ALLOWED_DOMAINS"
            | "EMAIL_BLOCKED_DOMAINS"
            | "URL_ALLOWED_DOMAINS"
            | "URL_BLOCKED_DOMAINS"
            | "REGEX" => first.is_some(),
            _ => true,
        };
        if !readable {
            return Err(format!("{rule_type} does not take the arguments {rule_arguments:?}"));
        }
        let pattern = match (*rule_type, first) {
            ("REGEX", Some(text)) => {
                Some(Regex::new(&format!("^(?:{text})$")).map_err(|error| format!("REGEX: {error}"))?)
            }
            _ => None,
        };
        Ok(Rule { rule_arguments, rule_type, should_apply_normalization, pattern })
    }

    /// Whether a value, in the form it is kept in, keeps the rule.
    fn holds(&self, value: &str, now_ms: i64) -> bool {
        let argument = self.rule_arguments.first().map_or("", String::as_str);
        let number = |text: &str| text.parse::<f64>().unwrap_or(0.0);
        let ms = |text: &str| comparable_ms(text).unwrap_or(0);
        let listed = |domain: &str| {
            self.rule_arguments.iter().any(|own| {
                let own = own.trim_start_matches('@').to_lowercase();
                domain == own || domain.strip_suffix(&*own).is_some_and(|rest| rest.ends_with('.'))
            })
        };
        match self.rule_type {
            "MIN_NUMBER" => number(value) >= number(argument),
            "MAX_NUMBER" => number(value) <= number(argument),
            "DECIMAL" => {
                let digits = value.split_once('.').map_or(0, |(_, part)| part.len());
                digits <= argument.parse().unwrap_or(usize::MAX)
            }
            "MIN_LENGTH" => value.chars().count() >= argument.parse().unwrap_or(0),
            "MAX_LENGTH" => value.chars().count() <= argument.parse().unwrap_or(usize::MAX),
            "REGEX" => self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(value)),
            "ALPHANUMERIC" => value.chars().all(|c| match argument {
                "ALPHA_ONLY" => c.is_alphabetic(),
                "NUMERIC_ONLY" => c.is_numeric(),
                _ => c.is_alphanumeric(),
            }),
            "EMAIL" => email(value).is_some(),
            "EMAIL_ALLOWED_DOMAINS" => value.rsplit_once('@').is_some_and(|(_, domain)| listed(&domain.to_lowercase())),
            "EMAIL_BLOCKED_DOMAINS" => value.rsplit_once('@').is_none_or(|(_, domain)| !listed(&domain.to_lowercase())),
            "URL" => host(value).is_some(),
            "URL_ALLOWED_DOMAINS" => host(value).is_some_and(|host| listed(&host)),
            "URL_BLOCKED_DOMAINS" => host(value).is_none_or(|host| !listed(&host)),
            "DOMAIN" => is_domain(value),
            "PHONE_NUMBER_WITH_EXPLICIT_COUNTRY_CODE" => {
                value.starts_with('+') && value.chars().filter(char::is_ascii_digit).count() >= 7
            }
            "START_DATE" | "START_DATETIME" => ms(value) >= ms(argument),
            "END_DATE" | "END_DATETIME" => ms(value) <= ms(argument),
            // at least so long before or after now
            "AFTER_DURATION" | "AFTER_DATETIME_DURATION" => {
                shifted(now_ms, argument, false).is_none_or(|limit| ms(value) >= self.cut(limit))
            }
            "BEFORE_DURATION" | "BEFORE_DATETIME_DURATION" => {
                shifted(now_ms, argument, true).is_none_or(|limit| ms(value) <= self.cut(limit))
            }
            "DAYS_OF_WEEK" => {
                let day = zoned(ms(value)).map(|at| weekday(at.weekday()));
                day.is_none_or(|day| self.rule_arguments.iter().any(|own| own.eq_ignore_ascii_case(day)))
            }
            _ => true,
        }
    }

    /// Dates are compared as days, not as moments.
    fn cut(&self, ms: i64) -> i64 {
        if self.rule_type.ends_with("DATETIME_DURATION") { ms } else { ms - ms.rem_euclid(86_400_000) }
    }
}

/// The first rule of a property that a value breaks. The codes are the rules' names; HubSpot's are in none of our sources.
pub(crate) fn check(property: &Property, value: &str, now_ms: i64) -> Result<(), Invalid> {
    let broken = property.validations.iter().find(|rule| !rule.holds(value, now_ms));
    match broken {
        None => Ok(()),
        Some(rule) => Err(Invalid {
            name: property.name.clone(),
            code: rule.rule_type,
            message: format!(
                "{value} does not meet the validation rule {} [{}] of the property {}",
                rule.rule_type,
                rule.rule_arguments.join(", "),
                property.name
            ),
        }),
    }
}

fn zoned(ms: i64) -> Option<jiff::Zoned> {
    Some(Timestamp::from_millisecond(ms).ok()?.to_zoned(TimeZone::UTC))
}

fn shifted(now_ms: i64, period: &str, back: bool) -> Option<i64> {
    let span: Span = period.parse().ok()?;
    let now = zoned(now_ms)?;
    let then = if back { now.checked_sub(span) } else { now.checked_add(span) };
    Some(then.ok()?.timestamp().as_millisecond())
}

fn weekday(day: civil::Weekday) -> &'static str {
    match day {
        civil::Weekday::Monday => "MONDAY",
        civil::Weekday::Tuesday => "TUESDAY",
        civil::Weekday::Wednesday => "WEDNESDAY",
        civil::Weekday::Thursday => "THURSDAY",
        civil::Weekday::Friday => "FRIDAY",
        civil::Weekday::Saturday => "SATURDAY",
        civil::Weekday::Sunday => "SUNDAY",
    }
}

fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-')
        })
}

/// The host of a web address, in lower case.
fn host(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    is_domain(host).then(|| host.to_lowercase())
}
