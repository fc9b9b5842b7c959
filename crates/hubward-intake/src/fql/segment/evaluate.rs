//! How the original decides: by JavaScript's fields and its own strictness.

use std::borrow::Cow;

use serde_json::Value;

use super::parser::INHERITED;
use super::{Condition, Expected, Group, Joined, Node, Subject};

/// What a path leads to.
enum Found<'a> {
    Missing,
    Value(Cow<'a, Value>),
    /// Something that every JavaScript value has, such as `constructor`.
    Inherited,
}

/// None where the original fails.
pub(super) fn group(group: &Group, event: &Value) -> Option<bool> {
    if event.is_null() {
        return None;
    }
    let decisive = group.operator == Joined::Or;
    for child in &group.children {
        let holds = match child.as_ref()? {
            Node::Group(inner) => self::group(inner, event)?,
            Node::Condition(inner) => condition(inner, event)?,
        };
        if holds == decisive {
            return Some(decisive);
        }
    }
    Some(!decisive)
}

fn condition(condition: &Condition, event: &Value) -> Option<bool> {
    let field = |name: &str| event.get(name).map_or(Found::Missing, |value| Found::Value(Cow::Borrowed(value)));
    let found = match &condition.subject {
        Subject::Type => field("type"),
        Subject::Event => field("event"),
        Subject::Name => field("name"),
        Subject::UserId => field("userId"),
        Subject::Property(name) => follow(field("properties"), name)?,
        Subject::Trait(name) => follow(field("traits"), name)?,
        Subject::Context(name) => follow(field("context"), name)?,
    };
    Some(holds(&found, &condition.operator, condition.value.as_ref()))
}

/// The parts of a path within `properties`, `traits` or `context`: it is split at dots and brackets, escaped or not.
pub(in crate::fql) fn hops(name: &str) -> impl Iterator<Item = &str> {
    name.split(['.', '[', ']']).filter(|hop| !hop.is_empty())
}

/// None where there is nothing to follow: the original fails then.
fn follow<'a>(root: Found<'a>, name: &str) -> Option<Found<'a>> {
    hops(name).next()?;
    let mut found = root;
    for hop in hops(name) {
        found = match found {
            Found::Value(value) => member(value, hop),
            Found::Inherited | Found::Missing => Found::Missing,
        };
    }
    Some(found)
}

/// `value && value[hop]`: what counts as false in JavaScript stays what it is.
fn member<'a>(value: Cow<'a, Value>, hop: &str) -> Found<'a> {
    let own = match &*value {
        Value::Null | Value::Bool(false) => return Found::Value(value),
        Value::Number(number) if number.as_f64() == Some(0.0) => return Found::Value(value),
        Value::String(text) if text.is_empty() => return Found::Value(value),
        Value::Bool(true) | Value::Number(_) => None,
        Value::String(text) if hop == "length" => Some(text.encode_utf16().count().into()),
        Value::String(text) => index(hop).and_then(|index| {
            let unit = text.encode_utf16().nth(index)?;
            Some(String::from_utf16_lossy(&[unit]).into())
        }),
        Value::Array(list) if hop == "length" => Some(list.len().into()),
        Value::Array(list) => index(hop).and_then(|index| list.get(index).cloned()),
        Value::Object(fields) => fields.get(hop).cloned(),
    };
    match own {
        Some(own) => Found::Value(Cow::Owned(own)),
        None if INHERITED.contains(&hop) => Found::Inherited,
        None => Found::Missing,
    }
}

/// A place in a list or text, if it is written as JavaScript writes one.
fn index(hop: &str) -> Option<usize> {
    let index: usize = hop.parse().ok()?;
    (index.to_string() == hop).then_some(index)
}

fn holds(found: &Found<'_>, operator: &str, value: Option<&Expected>) -> bool {
    let found = match found {
        Found::Value(value) => Some(&**value),
        Found::Missing => Some(&Value::Null),
        Found::Inherited => None,
    };
    let text = || value.map_or_else(|| "undefined".to_owned(), Expected::text);
    let number = value.map_or(f64::NAN, Expected::number);
    let found_text = found.and_then(Value::as_str);
    let found_number = found.and_then(Value::as_f64);
    match operator {
        "=" => found_text.is_some_and(|found| found == text()),
        "!=" => found_text.is_none_or(|found| found != text()),
        "number_equals" => found_number.is_some_and(|found| found == number),
        "number_not_equals" => found_number.is_some_and(|found| found != number),
        "<" => found_number.is_some_and(|found| found < number),
        "<=" => found_number.is_some_and(|found| found <= number),
        ">" => found_number.is_some_and(|found| found > number),
        ">=" => found_number.is_some_and(|found| found >= number),
        "contains" => found_text.is_some_and(|found| found.contains(&text())),
        "not_contains" => found_text.is_some_and(|found| !found.contains(&text())),
        "starts_with" => found_text.is_some_and(|found| found.starts_with(&text())),
        "not_starts_with" => found_text.is_some_and(|found| !found.starts_with(&text())),
        "ends_with" => found_text.is_some_and(|found| found.ends_with(&text())),
        "not_ends_with" => found_text.is_some_and(|found| !found.ends_with(&text())),
        "exists" => found.is_none_or(|found| !found.is_null()),
        "not_exists" => found.is_some_and(Value::is_null),
        "is_true" => found == Some(&Value::Bool(true)),
        "is_false" => found == Some(&Value::Bool(false)),
        _ => false,
    }
}
