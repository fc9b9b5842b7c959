//! Whether HubSpot holds a value already, in whatever form it stores it (api.md 3.4, 3.8).

use jiff::civil::{Date, DateTime};

use super::date::{to_civil_date, to_utc};
use super::matching::{fold_match_value, fold_number};
use crate::{PropertyDef, PropertyType, Value};

/// Whether writing `sent` to a property that holds `held` would change nothing. An empty text is a property without a
/// value.
///
/// Numbers are compared by value, days and instants by what they mean, booleans without regard to case, several options
/// without regard to their order, e-mail addresses as HubSpot folds them. `;A;B` adds, so it changes nothing where A and B
/// are held among others. All other values are compared exactly: one that HubSpot keeps in a form of its own counts as
/// different, which costs a write and loses nothing.
#[must_use]
pub fn holds(property: &PropertyDef, held: &str, sent: &str) -> bool {
    if held == sent {
        return true;
    }
    if held.is_empty() || sent.is_empty() {
        return false;
    }
    let text = |value: &str| Value::Text(value.to_owned());
    match &property.type_ {
        PropertyType::Number => same_number(held.trim(), sent.trim()),
        PropertyType::Bool => held.trim().eq_ignore_ascii_case(sent.trim()),
        PropertyType::Date => {
            let (held, sent) = (to_civil_date(&text(held)), to_civil_date(&text(sent)));
            held.is_some() && held == sent
        }
        PropertyType::DateTime => match (to_utc(&text(held)), to_utc(&text(sent))) {
            (Some(held), Some(sent)) => to_the_millisecond(held) == to_the_millisecond(sent),
            _ => false,
        },
        PropertyType::Enumeration if property.is_multi() => same_options(held, sent),
        PropertyType::String if matches!(property.name.as_str(), "email" | "hs_additional_emails") => {
            fold_match_value(&property.name, &property.type_, held)
                == fold_match_value(&property.name, &property.type_, sent)
        }
        _ => false,
    }
}

/// What HubSpot keeps of an instant.
fn to_the_millisecond(instant: DateTime) -> (Date, i8, i8, i8, i16) {
    (instant.date(), instant.hour(), instant.minute(), instant.second(), instant.millisecond())
}

fn same_number(held: &str, sent: &str) -> bool {
    if fold_number(held) == fold_number(sent) {
        return true;
    }
    // Scientific notation is compared as the double that it means.
    let scientific = |text: &str| text.contains(['e', 'E']);
    if !scientific(held) && !scientific(sent) {
        return false;
    }
    match (held.parse::<f64>(), sent.parse::<f64>()) {
        (Ok(held), Ok(sent)) => held == sent,
        _ => false,
    }
}

fn same_options(held: &str, sent: &str) -> bool {
    let held: Vec<&str> = options(held).collect();
    let adds = sent.starts_with(';');
    let all_held = options(sent).all(|option| held.contains(&option));
    all_held && (adds || held.iter().all(|option| options(sent).any(|other| other == *option)))
}

fn options(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').filter(|option| !option.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::tests::property;

    fn of(type_: &str, field: &str) -> PropertyDef {
        let mut property = property("p", PropertyType::from_name(type_));
        property.field_type = field.to_owned();
        property
    }

    #[test]
    fn values_are_compared_as_hubspot_stores_them() {
        let same = [
            ("number", "number", "1", "1.0"),
            ("number", "number", "1000", "1e3"),
            ("number", "number", "0.5", "+00.50"),
            ("number", "number", "0", "-0"),
            ("bool", "booleancheckbox", "true", "TRUE"),
            ("date", "date", "2020-02-29", "1582934400000"),
            ("datetime", "date", "2020-02-29T03:30:17Z", "2020-02-29T03:30:17.000Z"),
            ("datetime", "date", "2020-02-29T03:30:17.123Z", "1582947017123"),
            ("datetime", "date", "2020-02-29T03:30:17.123Z", "2020-02-29T04:30:17.123999+01:00"),
            ("enumeration", "checkbox", "a;b;c", "c;a;b"),
            ("enumeration", "checkbox", "a;b;c", ";c;a"),
            ("string", "text", "Zoë", "Zoë"),
        ];
        for (type_, field, held, sent) in same {
            assert!(holds(&of(type_, field), held, sent), "{type_} {held} {sent}");
        }
        let differ = [
            ("number", "number", "1", "1.1"),
            ("number", "number", "9007199254740993", "9007199254740992"),
            ("number", "number", "1", ""),
            ("number", "number", "", "0"),
            ("date", "date", "2020-02-29", "2020-03-01"),
            ("date", "date", "soon", "later"),
            ("datetime", "date", "2020-02-29T03:30:17.123Z", "2020-02-29T03:30:17.124Z"),
            ("enumeration", "checkbox", "a;b", "a"),
            ("enumeration", "checkbox", "a", "a;b"),
            ("enumeration", "checkbox", "a", ";b"),
            ("enumeration", "select", "a", "A"),
            ("string", "text", "Zoë", "zoë"),
            ("string", "text", "a", "a "),
        ];
        for (type_, field, held, sent) in differ {
            assert!(!holds(&of(type_, field), held, sent), "{type_} {held} {sent}");
        }
        assert!(holds(&property("email", PropertyType::String), "a@example.com", "A@Example.com "));
    }
}
