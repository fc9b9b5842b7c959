//! The type of a property that has to be created: only here the values decide, for the account has no type yet.

use hubward_core::convert::to_utc;
use serde_json::Value;

/// What a property that is created holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NewProperty {
    Text,
    Number,
    /// A checkbox with the options `true` and `false`.
    Flag,
    Date,
    DateTime,
}

impl NewProperty {
    /// What holds all values: a number for numbers; a flag for `true` and `false`, also as text in any letter case; a date or
    /// a date and time for ISO 8601 text; text for everything else, and where the values disagree. The empty text and null say
    /// nothing. A text of digits stays text: its leading zeros would be lost.
    #[must_use]
    pub fn of<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut kinds = values.into_iter().filter_map(Self::of_one);
        let Some(first) = kinds.next() else { return Self::Text };
        kinds.fold(first, Self::both)
    }

    fn of_one(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Bool(_) => Some(Self::Flag),
            Value::Number(_) => Some(Self::Number),
            Value::String(text) => match text.trim() {
                "" => None,
                text if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => Some(Self::Flag),
                text => Some(time(text).unwrap_or(Self::Text)),
            },
            Value::Array(_) | Value::Object(_) => Some(Self::Text),
        }
    }

    fn both(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Date, Self::DateTime) | (Self::DateTime, Self::Date) => Self::DateTime,
            _ => Self::Text,
        }
    }
}

/// A date or a date and time in the form of ISO 8601: digits, and what separates them, where they belong.
fn time(text: &str) -> Option<NewProperty> {
    let shape: String = text.chars().take(11).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let found = match shape.as_str() {
        "0000-00-00" => NewProperty::Date,
        "0000-00-00T" => NewProperty::DateTime,
        _ => return None,
    };
    to_utc(&hubward_core::Value::Text(text.to_owned())).map(|_| found)
}
