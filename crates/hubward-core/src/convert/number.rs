//! Number properties: digits, at most one decimal point, scientific notation (api.md 3.4 `[DOC-PROP]`).

use super::{Refusal, quoted};
use crate::Value;
use crate::row::value_text;

pub(super) fn number(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::Int(_) | Value::UInt(_) | Value::Decimal(_) => Ok(value_text(value)),
        Value::Float(number) if number.is_finite() => Ok(value_text(value)),
        Value::Text(text) if is_number(text.trim()) => Ok(text.trim().to_owned()),
        Value::Text(text) => Err(refused(value, hint(text.trim()))),
        Value::Bool(_) => Err(refused(value, "; map true and false to numbers in the model")),
        _ => Err(refused(value, "")),
    }
}

fn refused(value: &Value, hint: &str) -> Refusal {
    Refusal::new("INVALID_NUMBER", format!("{:?} is not a number{hint}", quoted(value)))
}

/// An optional sign, digits with at most one decimal point among them, an optional exponent, and within what a double
/// can hold.
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return false;
    }
    if let Some(exponent) = exponent {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if exponent.is_empty() || !digits(exponent) {
            return false;
        }
    }
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn hint(text: &str) -> &'static str {
    let without_commas = text.replace(',', "");
    if text.contains(',') && is_number(&without_commas) {
        "; HubSpot takes digits and one decimal point, no commas: cast the column to a number in the model"
    } else {
        "; cast or correct it in the model"
    }
}
