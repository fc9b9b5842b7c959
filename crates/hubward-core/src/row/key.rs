//! The key of a row as people see it.

use std::borrow::Cow;

use super::text::{trim_decimal, value_text};
use crate::Value;

/// A row's key as shown: a single column's text as it is; of several columns `a|b`, where `\` and `|` within a part are
/// written `\\` and `\|`, so that different keys never look alike.
///
/// `None` if any part is NULL: the row has no key. An empty text is a value.
#[must_use]
pub fn key_text(values: &[Value]) -> Option<String> {
    if let [single] = values {
        return key_part(single).map(Cow::into_owned);
    }
    let mut key = String::new();
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            key.push('|');
        }
        for character in key_part(value)?.chars() {
            if matches!(character, '\\' | '|') {
                key.push('\\');
            }
            key.push(character);
        }
    }
    Some(key)
}

/// One part of a key: its text, with decimals freed of the zeros that only their column's scale gives them, so that
/// `5`, `5.0` and `5.00` are one key whatever a source's driver calls the type.
pub(crate) fn key_part(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Decimal(text) => Some(Cow::Borrowed(trim_decimal(text))),
        other => Some(Cow::Owned(value_text(other))),
    }
}
