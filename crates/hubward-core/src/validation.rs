//! An admin's validation rules of single properties (api.md 5.5), checked before a value is sent.
//!
//! HubSpot shows the rules but says little of what their arguments mean. A value is called bad here only where every reading
//! of its rule refuses it; kinds of rules that cannot be read that surely, and rules by which HubSpot mends the value itself,
//! are left to HubSpot.

use std::collections::HashMap;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::convert::to_utc;
use crate::{Reason, Value};

/// The code of a row that breaks a rule.
pub const VALIDATION_RULE: &str = "VALIDATION_RULE";

/// The size that one pattern may have when it is compiled, in bytes.
const PATTERN_MAX_BYTES: usize = 1 << 20;

/// One rule of one property, as HubSpot shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationRule {
    pub property: String,
    /// `MAX_LENGTH`, `REGEX`, …
    pub rule_type: String,
    pub arguments: Vec<String>,
    /// HubSpot mends a value that breaks the rule instead of refusing it.
    pub normalizes: bool,
}

/// The rules of an object type, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Validations {
    by_property: HashMap<String, Vec<Rule>>,
}

#[derive(Clone, Debug)]
struct Rule {
    test: Test,
    /// As HubSpot shows it, for a reason.
    shown: String,
}

#[derive(Clone, Debug)]
enum Test {
    MinNumber(f64),
    MaxNumber(f64),
    Decimals(usize),
    MinLength(usize),
    MaxLength(usize),
    Pattern(Regex),
    AllowedDomains(Vec<String>),
    BlockedDomains(Vec<String>),
    Start(jiff::civil::DateTime),
    End(jiff::civil::DateTime),
}

impl Validations {
    #[must_use]
    pub fn new(rules: &[ValidationRule]) -> Self {
        let mut by_property: HashMap<String, Vec<Rule>> = HashMap::new();
        for rule in rules.iter().filter(|rule| !rule.normalizes) {
            if let Some(test) = Test::of(rule) {
                let shown = format!("{} {}", rule.rule_type, rule.arguments.join(", "));
                by_property.entry(rule.property.clone()).or_default().push(Rule { test, shown });
            }
        }
        Self { by_property }
    }

    /// Checks the values that a row writes; what is empty clears, and no rule speaks of that.
    ///
    /// # Errors
    /// `VALIDATION_RULE` for the first value that breaks a rule.
    pub fn check(&self, values: &[(Arc<str>, Option<String>)]) -> Result<(), Reason> {
        if self.by_property.is_empty() {
            return Ok(());
        }
        for (name, value) in values {
            let Some(value) = value.as_deref().filter(|value| !value.is_empty()) else { continue };
            let Some(rules) = self.by_property.get(name.as_ref()) else { continue };
            for rule in rules {
                if rule.test.is_broken_by(value) {
                    let text = format!("{value:?} breaks the account's rule {} for {name}", rule.shown);
                    return Err(Reason::new(VALIDATION_RULE, text).on(name, Some(value.to_owned())));
                }
            }
        }
        Ok(())
    }
}

impl Test {
    fn of(rule: &ValidationRule) -> Option<Self> {
        let first = rule.arguments.first().map(|text| text.trim())?;
        let domains = || rule.arguments.iter().map(|text| text.trim().trim_start_matches('@').to_lowercase()).collect();
        let instant = || to_utc(&Value::Text(first.to_owned()));
        Some(match rule.rule_type.as_str() {
            "MIN_NUMBER" => Self::MinNumber(first.parse().ok()?),
            "MAX_NUMBER" => Self::MaxNumber(first.parse().ok()?),
            "DECIMAL" => Self::Decimals(first.parse().ok()?),
            "MIN_LENGTH" => Self::MinLength(first.parse().ok()?),
            "MAX_LENGTH" => Self::MaxLength(first.parse().ok()?),
            // What this library cannot read (look-around, back references) is left to HubSpot.
            "REGEX" => Self::Pattern(RegexBuilder::new(first).size_limit(PATTERN_MAX_BYTES).build().ok()?),
            "EMAIL_ALLOWED_DOMAINS" => Self::AllowedDomains(domains()),
            "EMAIL_BLOCKED_DOMAINS" => Self::BlockedDomains(domains()),
            "START_DATE" | "START_DATETIME" => Self::Start(instant()?),
            "END_DATE" | "END_DATETIME" => Self::End(instant()?),
            _ => return None,
        })
    }

    fn is_broken_by(&self, value: &str) -> bool {
        let number = || value.trim().parse::<f64>().ok();
        let domain = || value.trim().rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        let within = |domain: &str, own: &String| {
            domain == own || domain.strip_suffix(own.as_str()).is_some_and(|rest| rest.ends_with('.'))
        };
        let instant = || to_utc(&Value::Text(value.to_owned()));
        match self {
            Self::MinNumber(least) => number().is_some_and(|number| number < *least),
            Self::MaxNumber(most) => number().is_some_and(|number| number > *most),
            Self::Decimals(most) => {
                // Zeros at the end may count or not; an exponent says nothing of decimals.
                let fraction = value.trim().split_once('.').map_or("", |(_, fraction)| fraction).trim_end_matches('0');
                !value.contains(['e', 'E']) && fraction.len() > *most
            }
            // Characters or UTF-16 units: only what is too short or too long by both.
            Self::MinLength(least) => value.encode_utf16().count() < *least,
            Self::MaxLength(most) => value.chars().count() > *most,
            // Whether the whole value has to match is not said; one without any match breaks the rule either way.
            Self::Pattern(pattern) => !pattern.is_match(value),
            Self::AllowedDomains(own) => domain().is_some_and(|domain| !own.iter().any(|own| within(&domain, own))),
            Self::BlockedDomains(own) => domain().is_some_and(|domain| own.contains(&domain)),
            Self::Start(first) => instant().is_some_and(|at| at < *first),
            Self::End(last) => instant().is_some_and(|at| at.date() > last.date()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaks(rule_type: &str, arguments: &[&str], value: &str) -> bool {
        let rule = ValidationRule {
            property: "p".to_owned(),
            rule_type: rule_type.to_owned(),
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            normalizes: false,
        };
        let values = [(Arc::from("p"), Some(value.to_owned())), (Arc::from("q"), Some(String::new()))];
        match Validations::new(&[rule]).check(&values) {
            Ok(()) => false,
            Err(reason) => {
                assert_eq!(reason.category.as_deref(), Some(VALIDATION_RULE));
                assert!(reason.property.as_deref() == Some("p") && reason.text.contains(rule_type), "{}", reason.text);
                true
            }
        }
    }

    #[test]
    fn each_rule_refuses_what_breaks_it_and_nothing_else() {
        // Rule, its arguments, what breaks it, what does not.
        type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a [&'a str]);
        let cases: [Case<'_>; 10] = [
            ("MIN_NUMBER", &["5"], &["4.9", "-7", "1e0"], &["5", "6", "1e1"]),
            ("MAX_NUMBER", &["5"], &["5.1", "1e3"], &["5", "-6"]),
            ("DECIMAL", &["2"], &["1.234"], &["1.23", "1.2300", "7", "1.5e-7"]),
            ("MIN_LENGTH", &["3"], &["ab"], &["abc", "a😀"]),
            ("MAX_LENGTH", &["3"], &["abcd"], &["abc", "a😀b"]),
            ("REGEX", &["[A-Z]{2}[0-9]+"], &["ab12", ""], &["AB12", "x AB12"]),
            (
                "EMAIL_ALLOWED_DOMAINS",
                &["example.com"],
                &["a@other.com", "a@myexample.com"],
                &["a@Example.com", "a@eu.example.com"],
            ),
            ("EMAIL_BLOCKED_DOMAINS", &["@gmail.com"], &["a@gmail.com"], &["a@example.com", "a@x.gmail.com"]),
            ("START_DATE", &["2020-01-01"], &["2019-12-31"], &["2020-01-01"]),
            ("END_DATETIME", &["1577836800000"], &["2020-01-02T00:00:00.000Z"], &["2020-01-01T10:00:00.000Z"]),
        ];
        for (rule, arguments, bad, good) in cases {
            for value in bad.iter().filter(|value| !value.is_empty()) {
                assert!(breaks(rule, arguments, value), "{rule} {value}");
            }
            for value in good {
                assert!(!breaks(rule, arguments, value), "{rule} {value}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_to_hubspot() {
        for (rule, argument) in [("REGEX", "(?=x)y"), ("MIN_NUMBER", "five"), ("WHITESPACE", "NONE"), ("FORMAT", "ABC")]
        {
            assert!(!breaks(rule, &[argument], "anything at all"), "{rule}");
        }
        assert!(!breaks("MAX_LENGTH", &[], "abcdef"));
        let mended = ValidationRule {
            property: "p".to_owned(),
            rule_type: "MAX_LENGTH".to_owned(),
            arguments: vec!["1".to_owned()],
            normalizes: true,
        };
        assert_eq!(Validations::new(&[mended]).check(&[(Arc::from("p"), Some("abc".to_owned()))]), Ok(()));
    }
}
