//! Values as the original's rules see them: JSON with "undefined" told apart from null, and what becomes of a value where
//! a text, a truth or the name of its type is asked for. Leaves to the caller: how much is copied.

use indexmap::IndexMap;
use serde_json::{Number, Value};

/// Members in the order in which they came.
pub(super) type Members = IndexMap<String, Js>;

/// A JSON value, or none at all.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Js {
    Undefined,
    Null,
    Bool(bool),
    /// Whole numbers are held as integers however they were written: `5.0` is `5`.
    Number(Number),
    Text(String),
    Array(Vec<Js>),
    Object(Members),
}

/// The largest whole number up to which every whole number has a float of its own.
const EXACT_MAX: f64 = 9_007_199_254_740_991.0;

/// A number as JavaScript holds it, but for whole numbers beyond 2^53, which keep their digits.
pub(super) fn number(number: &Number) -> Number {
    if number.is_f64() {
        let float = number.as_f64().expect("it is a float");
        if float.fract() == 0.0 && float.abs() <= EXACT_MAX {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number within 2^53")]
            return Number::from(float as i64);
        }
    }
    number.clone()
}

/// Whether a JSON value counts as true.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// What kind of value it is, in the original's words.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// How many UTF-16 units a text has: what JavaScript calls its length.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

impl Js {
    pub(super) fn from_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(given) => Self::Number(number(given)),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from_json).collect()),
            Value::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::from_json(value))).collect())
            }
        }
    }

    /// As JSON: members that are undefined are left out, undefined items become null. None if the value is undefined.
    pub(super) fn into_json(self) -> Option<Value> {
        Some(match self {
            Self::Undefined => return None,
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(text),
            Self::Array(items) => {
                Value::Array(items.into_iter().map(|item| item.into_json().unwrap_or(Value::Null)).collect())
            }
            Self::Object(members) => Value::Object(
                members.into_iter().filter_map(|(name, value)| value.into_json().map(|value| (name, value))).collect(),
            ),
        })
    }

    /// Without the members that are undefined, at any depth; items of arrays stay.
    pub(super) fn without_undefined(self) -> Self {
        match self {
            Self::Array(items) => Self::Array(items.into_iter().map(Self::without_undefined).collect()),
            Self::Object(members) => Self::Object(
                members
                    .into_iter()
                    .filter(|(_, value)| *value != Self::Undefined)
                    .map(|(name, value)| (name, value.without_undefined()))
                    .collect(),
            ),
            other => other,
        }
    }

    /// Undefined in place of the members that are null; arrays are left as they are.
    pub(super) fn without_nulls(self) -> Self {
        match self {
            Self::Object(members) => Self::Object(
                members
                    .into_iter()
                    .map(|(name, value)| match value {
                        Self::Null => (name, Self::Undefined),
                        value => (name, value.without_nulls()),
                    })
                    .collect(),
            ),
            other => other,
        }
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    pub(super) fn is_truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(flag) => *flag,
            Self::Number(number) => number.as_f64() != Some(0.0),
            Self::Text(text) => !text.is_empty(),
            Self::Array(_) | Self::Object(_) => true,
        }
    }

    /// Whether the value is neither undefined nor null.
    pub(super) fn exists(&self) -> bool {
        !matches!(self, Self::Undefined | Self::Null)
    }

    /// Whether `value == ''` in JavaScript: with 0, false, and lists whose text is empty.
    pub(super) fn equals_empty_text(&self) -> bool {
        match self {
            Self::Undefined | Self::Null | Self::Object(_) => false,
            Self::Bool(_) | Self::Number(_) | Self::Text(_) => !self.is_truthy(),
            Self::Array(items) => match items.as_slice() {
                [] => true,
                [item] => !item.exists() || matches!(item, Self::Text(_) | Self::Array(_)) && item.equals_empty_text(),
                _ => false,
            },
        }
    }

    /// Appends what JavaScript makes of the value where a text is wanted.
    pub(super) fn write_text(&self, text: &mut impl std::fmt::Write) -> std::fmt::Result {
        match self {
            Self::Undefined => text.write_str("undefined"),
            Self::Null => text.write_str("null"),
            Self::Bool(flag) => write!(text, "{flag}"),
            Self::Number(number) => text.write_str(&number_text(number)),
            Self::Text(own) => text.write_str(own),
            Self::Array(items) => {
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        text.write_str(",")?;
                    }
                    if item.exists() {
                        item.write_text(text)?;
                    }
                }
                Ok(())
            }
            Self::Object(_) => text.write_str("[object Object]"),
        }
    }
}

/// A number's text by JavaScript's rules: the shortest digits that tell it from its neighbours, with an exponent from
/// 1e21 upward and below 1e-6. Whole numbers beyond 2^53 keep their digits.
pub(super) fn number_text(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    if float == 0.0 {
        return "0".to_owned();
    }
    // Rust's exponential form has the same shortest digits: `-1.25e-7`.
    let shortest = format!("{float:e}");
    let (digits, exponent) = shortest.split_once('e').expect("the exponential form has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    if (-6..21).contains(&exponent) {
        return format!("{float}");
    }
    let sign = if exponent < 0 { "-" } else { "+" };
    format!("{digits}e{sign}{}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(value: &Value) -> String {
        let mut text = String::new();
        Js::from_json(value).write_text(&mut text).expect("a text takes all");
        text
    }

    #[test]
    fn numbers_become_text_as_in_javascript() {
        for (number, expected) in [
            (json!(5.0), "5"),
            (json!(-0.0), "0"),
            (json!(0.1), "0.1"),
            (json!(1e20), "100000000000000000000"),
            (json!(1e21), "1e+21"),
            (json!(-1.5e300), "-1.5e+300"),
            (json!(0.000_001), "0.000001"),
            (json!(0.000_000_1), "1e-7"),
            (json!(0.000_000_123), "1.23e-7"),
            (json!(12_345_678_901_234_567_890_u64), "12345678901234567890"),
        ] {
            assert_eq!(text(&number), expected);
        }
    }

    #[test]
    fn lists_are_joined_and_objects_are_no_text() {
        assert_eq!(text(&json!([1, null, ["a", []], {"b": 1}])), "1,,a,,[object Object]");
    }

    #[test]
    fn what_equals_an_empty_text_is_what_javascript_says() {
        for empty in
            [json!(""), json!(0), json!(-0.0), json!(false), json!([]), json!([[]]), json!([null]), json!([""])]
        {
            assert!(Js::from_json(&empty).equals_empty_text(), "{empty}");
        }
        for other in
            [json!(" "), json!(1), json!(true), json!(null), json!({}), json!([0]), json!([false]), json!([1, 2])]
        {
            assert!(!Js::from_json(&other).equals_empty_text(), "{other}");
        }
    }
}
