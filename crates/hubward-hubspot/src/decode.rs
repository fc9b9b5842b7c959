//! An error answer, whatever it looks like, into an [`ApiError`]: once, here.
//!
//! Statuses and texts from api.md 2.3–2.5, 3.6–3.8, 10.2 and 11.3. Anything is tolerated: a page of HTML from a gateway, a
//! body cut short, an empty one. What HubSpot did not say is absent, never guessed.

use std::time::Duration;

use http::HeaderMap;
use hubward_core::ErrorKind;
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::Value;

use crate::error::{ApiError, PropertyIssue};
use crate::issues::{self, strings, text};
use crate::request::RequestKind;

/// The most text kept of an error's message, in bytes.
const MESSAGE_MAX_BYTES: usize = 8_000;

/// The longest wait that we take at its word; a data centre move lasts about a day (api.md 2.4).
const RETRY_AFTER_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Decodes a whole refused answer. `one_record` says that the path names one record, so that a 404 speaks of the record.
#[must_use]
pub fn decode_error(status: u16, headers: &HeaderMap, body: &[u8], kind: RequestKind, one_record: bool) -> ApiError {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let object = parsed.as_ref().filter(|value| value.is_object());
    let mut error = match object {
        Some(envelope) => decode_part(envelope),
        None => ApiError::new(ErrorKind::Other, without_words(status, body)),
    };
    if error.message.is_empty() {
        error.message = without_words(status, body);
    }
    error.status = Some(status);
    error.kind = kind_of_status(status, object, &error, kind, one_record);
    if error.correlation_id.is_none() {
        error.correlation_id = header(headers, "x-hubspot-correlation-id").map(str::to_owned);
    }
    error.retry_after = retry_after(headers);
    error
}

/// Decodes one error envelope: a whole body, or one entry of `errors[]` in a mixed batch answer. Its kind is told by
/// category and text alone.
#[must_use]
pub fn decode_part(envelope: &Value) -> ApiError {
    let message = text(envelope, "message");
    let mut error = ApiError::new(ErrorKind::Other, issues::clipped(message, MESSAGE_MAX_BYTES));
    error.category = optional(envelope, "category").or_else(|| oauth_status(envelope));
    error.sub_category = optional(envelope, "subCategory");
    error.correlation_id = optional(envelope, "correlationId");

    let context = &envelope["context"];
    error.trace_ids = strings(&context["objectWriteTraceId"]);
    error.existing_id = strings(&context["existingId"]).into_iter().next().or_else(|| issues::existing_id(message));
    for name in ["ids", "id", "objectId", "fromObjectId", "toObjectId"] {
        error.ids.extend(strings(&context[name]));
    }
    error.ids.extend(strings(&envelope["id"]));
    error.ids.extend(issues::duplicate_ids(message));
    error.cleared = issues::cleared(message);

    let empty = Vec::new();
    let nested = envelope["errors"].as_array().unwrap_or(&empty);
    collect_scopes(context, &mut error.required_scopes);
    for entry in nested {
        collect_scopes(&entry["context"], &mut error.required_scopes);
        error.trace_ids.extend(strings(&entry["context"]["objectWriteTraceId"]));
        let entry_text = text(entry, "message");
        if error.existing_id.is_none() {
            error.existing_id =
                strings(&entry["context"]["existingId"]).into_iter().next().or_else(|| issues::existing_id(entry_text));
        }
        error.cleared.extend(issues::cleared(entry_text));
    }
    if let Some(scope) = issues::scope_in(message) {
        error.required_scopes.push(scope);
    }

    error.issues = issues::from_message(message);
    for issue in issues::from_errors(nested) {
        let known = error.issues.iter().any(|have| have.property == issue.property && have.message == issue.message);
        if !known {
            error.issues.push(issue);
        }
    }
    for name in strings(&context["propertyName"]) {
        if error.issues.iter().all(|issue| issue.property != name) {
            let issue = PropertyIssue {
                property: name,
                code: error.sub_category.clone().unwrap_or_default(),
                message: error.message.clone(),
                value: None,
            };
            error.issues.push(issue);
        }
    }
    if message.contains("required properties were not set") {
        for name in strings(&context["properties"]) {
            let message = format!("A value for {name} must be provided");
            error.issues.push(PropertyIssue {
                property: name,
                code: "MISSING_REQUIRED_PROPERTY".to_owned(),
                message,
                value: None,
            });
        }
    }
    let texts = nested.iter().map(|entry| text(entry, "message"));
    for taken in std::iter::once(message).chain(texts).flat_map(issues::taken_values) {
        error.ids.extend(taken.id);
        if error.existing_id.is_none() {
            error.existing_id = taken.other;
        }
        let known = error.issues.iter_mut().find(|issue| {
            issue.property == taken.issue.property && (issue.value.is_none() || issue.value == taken.issue.value)
        });
        match known {
            Some(issue) => issue.value = taken.issue.value,
            None => error.issues.push(taken.issue),
        }
    }
    dedup(&mut error.ids);
    dedup(&mut error.trace_ids);
    dedup(&mut error.required_scopes);
    error.kind = kind_of_words(&error).unwrap_or(ErrorKind::Other);
    error
}

/// Keeps the first of each, in order. Lists here are as long as a batch at most.
fn dedup(list: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    list.retain(|item| seen.insert(item.clone()));
}

/// The kind that category and text alone tell, or none.
fn kind_of_words(error: &ApiError) -> Option<ErrorKind> {
    let message = error.message.as_str();
    if message.starts_with("Duplicate IDs found") {
        return Some(ErrorKind::DuplicateIds);
    }
    if message.contains("by non-unique") {
        return Some(ErrorKind::NonUniqueKey);
    }
    if message.starts_with("Unable to infer object type") {
        return Some(ErrorKind::UnknownObjectType);
    }
    // 2026-09 says this with status 400 and VALIDATION_ERROR (api.md 3.8).
    if message.starts_with("Missing '") && message.contains("permission") {
        return Some(ErrorKind::MissingPermission);
    }
    if !error.required_scopes.is_empty() {
        return Some(ErrorKind::MissingScope);
    }
    match error.category.as_deref()? {
        "VALIDATION_ERROR" => Some(ErrorKind::Validation),
        "CONFLICT" | "OBJECT_ALREADY_EXISTS" => Some(ErrorKind::Conflict),
        "OBJECT_NOT_FOUND" | "RESOURCE_NOT_FOUND" => Some(ErrorKind::NotFound),
        "MISSING_SCOPES" => Some(ErrorKind::MissingScope),
        "RATE_LIMITS" => Some(ErrorKind::BurstLimit),
        "INVALID_AUTHENTICATION" => Some(ErrorKind::InvalidToken),
        "EXPIRED_AUTHENTICATION" => Some(ErrorKind::ExpiredToken),
        "BAD_REFRESH_TOKEN" | "BAD_CLIENT_ID" | "BAD_CLIENT_SECRET" | "BAD_AUTH_CODE" | "BAD_REDIRECT_URI" => {
            Some(ErrorKind::GrantRefused)
        }
        _ => None,
    }
}

/// The kind that the status tells, with the words where the status leaves it open.
fn kind_of_status(
    status: u16,
    envelope: Option<&Value>,
    error: &ApiError,
    kind: RequestKind,
    one_record: bool,
) -> ErrorKind {
    let words = kind_of_words(error);
    match status {
        400 => words.unwrap_or(if error.issues.is_empty() { ErrorKind::Malformed } else { ErrorKind::Validation }),
        401 => match words {
            Some(ErrorKind::ExpiredToken) => ErrorKind::ExpiredToken,
            _ if lower(&error.message).contains("expired") => ErrorKind::ExpiredToken,
            _ => ErrorKind::InvalidToken,
        },
        403 => forbidden(error, words),
        404 => not_found(envelope, error, words, one_record),
        409 => ErrorKind::Conflict,
        405 | 414 | 415 => ErrorKind::Malformed,
        // HubSpot's API does not redirect: whoever does so is not HubSpot's API.
        300..=399 => ErrorKind::NoSuchPath,
        423 => ErrorKind::Locked,
        429 => limit(envelope, error, kind),
        477 => ErrorKind::Migrating,
        524 | 408 => ErrorKind::Unknown,
        500..=599 => ErrorKind::Server,
        _ => words.unwrap_or(ErrorKind::Other),
    }
}

/// 403: scope, right of the user, edition of the account, or a cause that HubSpot keeps to itself. HubSpot documents no code
/// for the middle two, so the words decide; words that say nothing stay `Forbidden`.
fn forbidden(error: &ApiError, words: Option<ErrorKind>) -> ErrorKind {
    if let Some(kind @ (ErrorKind::MissingScope | ErrorKind::MissingPermission)) = words {
        return kind;
    }
    let said = lower(&format!(
        "{} {} {}",
        error.message,
        error.category.as_deref().unwrap_or_default(),
        error.sub_category.as_deref().unwrap_or_default()
    ));
    const EDITION: [&str; 12] = [
        "subscription",
        "edition",
        "upgrade",
        "tier",
        "enterprise",
        "professional",
        "feature",
        "not enabled",
        "not_enabled",
        "portal does not have",
        "account does not have",
        "hub does not have",
    ];
    let has = |word: &str| said.contains(word);
    if has("scope") {
        ErrorKind::MissingScope
    } else if has("user") && has("permission") {
        ErrorKind::MissingPermission
    } else if EDITION.into_iter().any(has) {
        ErrorKind::NotInEdition
    } else if has("permission") || has("user does not have") || has("user is not allowed") {
        ErrorKind::MissingPermission
    } else {
        ErrorKind::Forbidden
    }
}

/// 404: the record that the path names, or the path itself (an unknown version segment answers 404, api.md 1.1).
fn not_found(envelope: Option<&Value>, error: &ApiError, words: Option<ErrorKind>, one_record: bool) -> ErrorKind {
    if let Some(kind @ (ErrorKind::NotFound | ErrorKind::UnknownObjectType)) = words {
        return kind;
    }
    let says_record = lower(&error.message).starts_with("resource not found")
        || lower(&error.message).starts_with("object not found");
    if envelope.is_some() && one_record && says_record { ErrorKind::NotFound } else { ErrorKind::NoSuchPath }
}

/// 429: which limit. Older bodies name no policy, and some name it in the text only (api.md 11.3).
fn limit(envelope: Option<&Value>, error: &ApiError, kind: RequestKind) -> ErrorKind {
    let policy = envelope.map_or("", |value| text(value, "policyName"));
    let said = lower(&format!("{policy} {}", error.message));
    if said.contains("monthly") || said.contains("month's") || said.contains("per month") {
        ErrorKind::MonthlyLimit
    } else if said.contains("daily") {
        ErrorKind::DailyLimit
    } else if said.contains("ten_secondly") {
        ErrorKind::BurstLimit
    } else if said.contains("secondly") || matches!(kind, RequestKind::Search | RequestKind::Event) {
        ErrorKind::SecondlyLimit
    } else {
        ErrorKind::BurstLimit
    }
}

fn collect_scopes(context: &Value, scopes: &mut Vec<String>) {
    for name in ["requiredGranularScopes", "requiredScopes", "missingScopes"] {
        scopes.extend(strings(&context[name]));
    }
}

/// The token endpoint puts its code where others say `error` (api.md 10.2).
fn oauth_status(envelope: &Value) -> Option<String> {
    let status = text(envelope, "status");
    if status.starts_with("BAD_") {
        return Some(status.to_owned());
    }
    (text(envelope, "error") == "invalid_grant").then(|| "BAD_REFRESH_TOKEN".to_owned())
}

fn optional(envelope: &Value, name: &str) -> Option<String> {
    let found = text(envelope, name);
    (!found.is_empty()).then(|| found.to_owned())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `Retry-After` in seconds, as HubSpot writes it, or as a date, as gateways may: then against the answer's own `Date`, so
/// that no clock is needed and a wrong one does no harm.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = header(headers, "retry-after")?.trim();
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    }
    let instant = |text: &str| DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok();
    let until = instant(asked)?;
    let now = instant(header(headers, "date")?.trim())?;
    let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    Some(wait.min(RETRY_AFTER_MAX))
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// Our words for an answer that has none we can read.
fn without_words(status: u16, body: &[u8]) -> String {
    let shown = issues::clipped(String::from_utf8_lossy(body).trim(), 200);
    if shown.is_empty() {
        format!("HubSpot answered {status} with an empty body")
    } else {
        format!("HubSpot answered {status} with a body that gives no reason: {shown}")
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
