//! Values to JSON and back.

use serde_json::{Map, Number, Value as Json};

use super::text::value_text;
use crate::Value;

/// A value as JSON, for previews and for lists and maps sent as text.
///
/// Whole floats lose their fraction (`5`, not `5.0`). A decimal becomes a JSON number where that loses nothing (up to 15
/// digits), text otherwise. What JSON lacks (NaN, dates, bytes) becomes its [`value_text`].
#[must_use]
pub fn value_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => Json::Number((*number).into()),
        Value::UInt(number) => Json::Number((*number).into()),
        Value::Float(number) => float_json(*number),
        Value::Decimal(text) => decimal_json(text),
        Value::Text(text) => Json::String(text.clone()),
        Value::Bytes(_) | Value::Date(_) | Value::Time(_) | Value::DateTime(_) | Value::Timestamp(_) => {
            Json::String(value_text(value))
        }
        Value::List(items) => Json::Array(items.iter().map(value_json).collect()),
        Value::Map(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (name, entry) in entries {
                map.insert(name.clone(), value_json(entry));
            }
            Json::Object(map)
        }
    }
}

/// Whole numbers up to here are exact in a float.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

fn float_json(number: f64) -> Json {
    if number.fract() == 0.0 && number.abs() <= MAX_EXACT {
        // Exact by the bound above.
        #[allow(clippy::cast_possible_truncation)]
        return Json::Number((number as i64).into());
    }
    match Number::from_f64(number) {
        Some(number) => Json::Number(number),
        None => Json::String(value_text(&Value::Float(number))),
    }
}

fn decimal_json(text: &str) -> Json {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let number = match text.parse::<i64>() {
        Ok(whole) => Some(Number::from(whole)),
        Err(_) if digits <= 15 => text.parse::<f64>().ok().and_then(Number::from_f64),
        Err(_) => None,
    };
    number.map_or_else(|| Json::String(text.to_owned()), Json::Number)
}

/// JSON text as a value; text that is not JSON stays text.
#[must_use]
pub fn parse_json(text: &str) -> Value {
    match serde_json::from_str::<Json>(text) {
        Ok(json) => json_to_value(&json),
        Err(_) => Value::Text(text.to_owned()),
    }
}

/// A JSON document as a value. Numbers that fit neither 64-bit integers are floats.
#[must_use]
pub fn json_to_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => {
            if let Some(whole) = number.as_i64() {
                Value::Int(whole)
            } else if let Some(whole) = number.as_u64() {
                Value::UInt(whole)
            } else {
                Value::Float(number.as_f64().unwrap_or(f64::NAN))
            }
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(json_to_value).collect()),
        Json::Object(map) => Value::Map(map.iter().map(|(name, entry)| (name.clone(), json_to_value(entry))).collect()),
    }
}
