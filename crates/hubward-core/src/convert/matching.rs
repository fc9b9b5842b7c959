//! When two match values mean the same record.

use crate::PropertyType;
use crate::row::trim_decimal;

/// The form in which two values of a match property are compared.
///
/// E-mail addresses (`email`, `hs_additional_emails`) are trimmed and lower-cased, as HubSpot stores them (api.md 3.5,
/// inferred). Numbers lose a leading `+` and needless zeros; record ids (`id`, `hs_object_id`) their blanks. All other
/// values are compared exactly: how HubSpot compares unique text is not documented, and taking two keys for one would
/// overwrite a record, while taking one for two is refused by HubSpot with its reason.
#[must_use]
pub fn fold_match_value(property: &str, type_: &PropertyType, value: &str) -> String {
    match (property, type_) {
        ("email" | "hs_additional_emails", _) => value.trim().to_lowercase(),
        ("id" | "hs_object_id", _) => value.trim().to_owned(),
        (_, PropertyType::Number) => fold_number(value.trim()),
        _ => value.to_owned(),
    }
}

pub(super) fn fold_number(text: &str) -> String {
    // Plain notation only; scientific notation stays as written.
    if !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+')) {
        return text.to_owned();
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = trim_decimal(digits);
    let digits = digits.trim_start_matches('0');
    match digits {
        "" => "0".to_owned(),
        _ if digits.starts_with('.') => format!("{sign}0{digits}"),
        _ => format!("{sign}{digits}"),
    }
}
