//! The functions of the language: their names, how many arguments they take and what they give.
//!
//! Total: a function gives something for every value. The table of `docs/triggers.md` says the same in words.

use serde_json::Value;

use super::{glob, numbers};

/// A function that a trigger may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Contains,
    Match,
    Length,
    Lowercase,
    Uppercase,
    Snakecase,
    Kebabcase,
    Titlecase,
    Typeof,
    Bool,
    String,
    Number,
}

impl Function {
    /// Every function there is.
    pub const ALL: [Self; 12] = [
        Self::Contains,
        Self::Match,
        Self::Length,
        Self::Lowercase,
        Self::Uppercase,
        Self::Snakecase,
        Self::Kebabcase,
        Self::Titlecase,
        Self::Typeof,
        Self::Bool,
        Self::String,
        Self::Number,
    ];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::Match => "match",
            Self::Length => "length",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
            Self::Snakecase => "snakecase",
            Self::Kebabcase => "kebabcase",
            Self::Titlecase => "titlecase",
            Self::Typeof => "typeof",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Number => "number",
        }
    }

    /// How many arguments it takes.
    #[must_use]
    pub const fn arity(self) -> usize {
        match self {
            Self::Contains | Self::Match => 2,
            _ => 1,
        }
    }

    /// What it gives where it is true or false by itself: it may stand as a condition.
    pub(super) const fn is_condition(self) -> bool {
        matches!(self, Self::Contains | Self::Match | Self::Bool)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// What the function gives; `second` is looked at by those that take two arguments.
    pub(super) fn of(self, first: &Value, second: &Value) -> Value {
        match self {
            Self::Contains => both_text(first, second, |text, part| text.contains(part)),
            Self::Match => both_text(first, second, glob::matches),
            Self::Length => match first {
                Value::Null => 0.into(),
                Value::String(text) => text.len().into(),
                Value::Array(list) => list.len().into(),
                _ => Value::Null,
            },
            Self::Lowercase => text_of(first, |text| text.to_lowercase()),
            Self::Uppercase => text_of(first, |text| text.to_uppercase()),
            Self::Snakecase => text_of(first, |text| text.replace(' ', "_")),
            Self::Kebabcase => text_of(first, |text| text.replace(' ', "-")),
            Self::Titlecase => text_of(first, titlecase),
            Self::Typeof => kind(first).into(),
            Self::Bool => to_bool(first).into(),
            Self::String => to_text(first),
            Self::Number => to_number(first),
        }
    }
}

fn both_text(first: &Value, second: &Value, ask: fn(&str, &str) -> bool) -> Value {
    match (first, second) {
        (Value::String(first), Value::String(second)) => ask(first, second).into(),
        _ => false.into(),
    }
}

fn text_of(value: &Value, change: fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        _ => Value::Null,
    }
}

/// The first letter of each word in upper case; the others stay as they are.
fn titlecase(text: &str) -> String {
    let mut title = String::with_capacity(text.len());
    let mut begins = true;
    for c in text.chars() {
        if begins {
            title.extend(c.to_uppercase());
        } else {
            title.push(c);
        }
        begins = c.is_whitespace();
    }
    title
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn to_bool(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "false"),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

fn to_text(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(_) => value.clone(),
        Value::Number(number) => number.as_f64().map_or(Value::Null, |number| numbers::text(number).into()),
        _ => value.to_string().into(),
    }
}

fn to_number(value: &Value) -> Value {
    match value {
        Value::Number(_) => value.clone(),
        // No number is written without a digit; JavaScript would take an empty text for 0.
        Value::String(text) if text.contains(|c: char| c.is_ascii_digit()) => Value::from(numbers::of_text(text)),
        _ => Value::Null,
    }
}
