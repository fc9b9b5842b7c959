//! Values as Liquid sees them, and back.

use liquid::model::{KString, ScalarCow, Value as Liquid, ValueView};

use crate::Value;
use crate::row::{json_to_value, value_text};

/// Numbers and booleans as such, everything else that is not a list or a map as its text. A decimal is a number where a
/// float shows it unchanged, else its text, so that `{{ row.price }}` never alters digits.
pub(super) fn to_liquid(value: &Value) -> Liquid {
    match value {
        Value::Null => Liquid::Nil,
        Value::Bool(flag) => Liquid::scalar(*flag),
        Value::Int(number) => Liquid::scalar(*number),
        Value::Float(number) if shows_as(*number, &value_text(value)) => Liquid::scalar(*number),
        Value::Decimal(text) => match text.parse::<i64>() {
            Ok(whole) => Liquid::scalar(whole),
            Err(_) => match text.parse::<f64>() {
                Ok(number) if shows_as(number, text) => Liquid::scalar(number),
                _ => Liquid::scalar(KString::from_ref(text)),
            },
        },
        Value::List(items) => Liquid::Array(items.iter().map(to_liquid).collect()),
        Value::Map(entries) => {
            let mut object = liquid::Object::new();
            for (name, entry) in entries {
                object.insert(KString::from_ref(name), to_liquid(entry));
            }
            Liquid::Object(object)
        }
        other => Liquid::scalar(KString::from_string(value_text(other))),
    }
}

fn shows_as(number: f64, text: &str) -> bool {
    number.to_string() == text
}

/// What a filter was given, as a value.
pub(super) fn from_liquid(input: &dyn ValueView) -> Value {
    if input.is_nil() {
        return Value::Null;
    }
    if let Some(array) = input.as_array() {
        return Value::List(array.values().map(from_liquid).collect());
    }
    if let Some(object) = input.as_object() {
        let mut entries: Vec<(String, Value)> =
            object.iter().map(|(name, entry)| (name.as_str().to_owned(), from_liquid(entry))).collect();
        // Liquid's objects have another order each time; the same row must always give the same text.
        entries.sort_by(|left, right| left.0.cmp(&right.0));
        return Value::Map(entries);
    }
    match input.as_scalar() {
        Some(scalar) => from_scalar(&scalar, input),
        None => Value::Text(input.to_kstr().as_str().to_owned()),
    }
}

fn from_scalar(scalar: &ScalarCow<'_>, input: &dyn ValueView) -> Value {
    match input.type_name() {
        "whole number" => scalar.to_integer().map_or(Value::Null, Value::Int),
        "fractional number" => scalar.to_float().map_or(Value::Null, Value::Float),
        "boolean" => scalar.to_bool().map_or(Value::Null, Value::Bool),
        _ => Value::Text(input.to_kstr().as_str().to_owned()),
    }
}

/// JSON as Liquid sees it.
pub(super) fn json_to_liquid(json: &serde_json::Value) -> Liquid {
    to_liquid(&json_to_value(json))
}
