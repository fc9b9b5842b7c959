//! Bool properties: `true` or `false` (api.md 3.4).

use super::{Refusal, quoted};
use crate::Value;
use crate::row::{trim_decimal, value_text};

pub(super) fn boolean(value: &Value) -> Result<String, Refusal> {
    match read(value) {
        Some(flag) => Ok(flag.to_string()),
        None => Err(Refusal::new(
            "INVALID_BOOLEAN",
            format!(
                "{:?} is neither true nor false; true, t, yes, 1 and false, f, no, 0 are understood",
                quoted(value)
            ),
        )),
    }
}

/// What is safely true or false: the words above in any letter case, and the numbers 1 and 0.
pub(super) fn read(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Bool(flag) => return Some(*flag),
        Value::Text(text) => text.trim().to_ascii_lowercase(),
        Value::Decimal(text) => trim_decimal(text).to_owned(),
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => value_text(value),
        _ => return None,
    };
    match text.as_str() {
        "true" | "t" | "yes" | "1" => Some(true),
        "false" | "f" | "no" | "0" => Some(false),
        _ => None,
    }
}
