//! The canonical text of a value: for display, for string properties, for keys.

use std::fmt::Write;

use super::json::value_json;
use crate::Value;

/// The canonical text of a value.
///
/// NULL is the empty text. Whole floats show no fraction (`5`, not `5.0`), very large and very small ones are in
/// scientific notation (`1e21`). Dates and times are ISO 8601, instants end in `Z`, fractions of a second only as far as
/// needed. Bytes are lower-case hexadecimal. Lists and maps are JSON.
#[must_use]
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(number) => float_text(*number),
        Value::Decimal(text) | Value::Text(text) => text.clone(),
        Value::Bytes(bytes) => hex(bytes),
        Value::Date(date) => date.to_string(),
        Value::Time(time) => time.to_string(),
        Value::DateTime(datetime) => datetime.to_string(),
        Value::Timestamp(instant) => instant.to_string(),
        Value::List(_) | Value::Map(_) => value_json(value).to_string(),
    }
}

/// The shortest text that reads back as the same number.
pub(crate) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        // One zero: the sign of -0.0 means nothing to anyone.
        return "0".to_owned();
    }
    let size = number.abs();
    if (1e-6..1e21).contains(&size) { number.to_string() } else { format!("{number:e}") }
}

/// A decimal without needless zeros after the point: `12.50` → `12.5`, `5.00` → `5`, `-0.0` → `0`.
pub(crate) fn trim_decimal(text: &str) -> &str {
    if !text.contains('.') {
        return if text == "-0" { "0" } else { text };
    }
    let trimmed = text.trim_end_matches('0').trim_end_matches('.');
    if trimmed == "-0" || trimmed == "-" || trimmed.is_empty() { "0" } else { trimmed }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A UUID in its usual form, without an allocation.
pub(crate) fn uuid_bytes(uuid: [u8; 16]) -> [u8; 36] {
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (position, byte) in uuid.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    text
}

pub(super) fn uuid_text(uuid: [u8; 16]) -> String {
    uuid_bytes(uuid).iter().map(|byte| char::from(*byte)).collect()
}
