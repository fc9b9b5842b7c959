//! Facts that HubSpot hides in its texts: guilty properties and values, existing ids, duplicate ids (api.md 2.5, 3.7).
//!
//! Every function here takes any text at all and never fails: what is not found is absent.

use serde_json::Value;

use crate::error::PropertyIssue;

/// The most issues kept of one answer: a full batch of records with a few dozen bad properties each.
const ISSUES_MAX: usize = 5_000;
/// The most text kept of one issue, in bytes; `INVALID_OPTION` lists every option there is.
const ISSUE_TEXT_MAX_BYTES: usize = 2_000;

/// The issues of the JSON array inside `Property values were not valid: [...]`. A list that was cut short gives what is whole.
pub(crate) fn from_message(message: &str) -> Vec<PropertyIssue> {
    let mut issues = Vec::new();
    let Some(marker) = message.find("not valid") else {
        return issues;
    };
    let Some(open) = message[marker..].find('[') else {
        return issues;
    };
    let mut rest = &message[marker + open + 1..];
    while issues.len() < ISSUES_MAX {
        rest = rest.trim_start_matches([',', ' ', '\n', '\r', '\t']);
        if !rest.starts_with('{') {
            break;
        }
        let mut items = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(item)) = items.next() else {
            break;
        };
        let read = items.byte_offset();
        issues.push(issue(text(&item, "name"), text(&item, "error"), text(&item, "message")));
        rest = &rest[read..];
    }
    issues
}

/// The issues of `errors[]`, nested arrays inside their messages included.
pub(crate) fn from_errors(errors: &[Value]) -> Vec<PropertyIssue> {
    let mut issues = Vec::new();
    for error in errors.iter().take(ISSUES_MAX) {
        let message = text(error, "message");
        let nested = from_message(message);
        if !nested.is_empty() {
            issues.extend(nested);
            continue;
        }
        let names = strings(&error["context"]["propertyName"]);
        let code = text(error, "code");
        if names.is_empty() {
            let property = text(error, "in");
            let taken = taken_values(message);
            if !taken.is_empty() {
                issues.extend(taken.into_iter().map(|taken| taken.issue));
            } else if !property.is_empty() || !code.is_empty() {
                issues.push(issue(property, code, message));
            }
        }
        for name in names {
            issues.push(issue(&name, code, message));
        }
    }
    issues.truncate(ISSUES_MAX);
    issues
}

fn issue(name: &str, code: &str, message: &str) -> PropertyIssue {
    let property = if name.is_empty() { between(message, "Property \"", "\"").unwrap_or_default() } else { name };
    PropertyIssue {
        property: property.to_owned(),
        code: code.to_owned(),
        value: quoted_value(message, property).map(|value| clipped(value, ISSUE_TEXT_MAX_BYTES)),
        message: clipped(message, ISSUE_TEXT_MAX_BYTES),
    }
}

/// The value that HubSpot quotes in front of its complaint, unless it is the property's own name.
fn quoted_value<'a>(message: &'a str, property: &str) -> Option<&'a str> {
    if let Some(rest) = message.strip_prefix("Email address ") {
        return rest.strip_suffix(" is invalid");
    }
    const COMPLAINTS: [&str; 7] = [
        " was not one of the allowed options",
        " was not a valid ",
        " is not a valid ",
        " was not a boolean",
        ", not midnight!",
        " is more than ",
        " is not one of the allowed options",
    ];
    for complaint in COMPLAINTS {
        let Some(at) = message.find(complaint) else {
            continue;
        };
        let mut value = &message[..at];
        if complaint == ", not midnight!" {
            value = value.split(" is at ").next().unwrap_or_default();
        }
        let value = value.trim_matches('"');
        return (value != property && !value.starts_with("Property ")).then_some(value);
    }
    None
}

/// A unique value that another record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) issue: PropertyIssue,
    /// The record that was to get the value.
    pub(crate) id: Option<String>,
    /// The record that has it.
    pub(crate) other: Option<String>,
}

/// Every `Cannot set PropertyValueCoordinates{…, propertyName=p, value=v} on {id}. {other} already has that value.`
pub(crate) fn taken_values(message: &str) -> Vec<Taken> {
    const START: &str = "PropertyValueCoordinates{";
    const END: &str = " already has that value";
    let mut found = Vec::new();
    let mut rest = message;
    while let Some(start) = rest.find(START) {
        let body = &rest[start + START.len()..];
        let Some(end) = body.find(END) else {
            break;
        };
        let (sentence, tail) = body.split_at(end);
        rest = &tail[END.len()..];
        let property = between(sentence, "propertyName=", ",").unwrap_or_default();
        // A value may hold braces and full stops: the last `} on ` ends it.
        let value_and_ids = sentence.split_once("value=").and_then(|(_, after)| after.rsplit_once("} on "));
        let ids = value_and_ids.and_then(|(_, ids)| ids.rsplit_once(". "));
        found.push(Taken {
            issue: PropertyIssue {
                property: property.to_owned(),
                code: "CONFLICTING_UNIQUE_VALUE".to_owned(),
                message: clipped(message, ISSUE_TEXT_MAX_BYTES),
                value: value_and_ids.map(|(value, _)| clipped(value, ISSUE_TEXT_MAX_BYTES)),
            },
            id: ids.map(|(id, _)| id.trim().to_owned()),
            other: ids.map(|(_, other)| other.trim().to_owned()),
        });
        if found.len() >= ISSUES_MAX {
            break;
        }
    }
    found
}

/// The id in `Contact already exists. Existing ID: 3401`.
pub(crate) fn existing_id(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("Existing ID: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// The ids in `Duplicate IDs found in batch input: [a, b]. IDs must be unique`.
pub(crate) fn duplicate_ids(message: &str) -> Vec<String> {
    let Some((_, rest)) = message.split_once("Duplicate IDs found in batch input: [") else {
        return Vec::new();
    };
    let list = rest.rsplit_once("]. IDs").or_else(|| rest.rsplit_once(']')).map_or(rest, |(list, _)| list);
    names(list)
}

/// The names in `… properties were cleared: a, b`.
pub(crate) fn cleared(message: &str) -> Vec<String> {
    let Some((_, rest)) = message.split_once("properties were cleared:") else {
        return Vec::new();
    };
    names(rest.trim().trim_end_matches('.').trim_start_matches('[').trim_end_matches(']'))
}

/// The scope in `Missing required scope for: sensitive-data-property-create`.
pub(crate) fn scope_in(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("equired scope for: ")?;
    let scope = rest.split_whitespace().next()?;
    Some(scope.trim_end_matches('.').to_owned())
}

fn names(list: &str) -> Vec<String> {
    list.split(',')
        .map(|name| name.trim().trim_matches(['"', '\'']).to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner)
}

/// A text field of an object; empty when it is missing or something else.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// A value that may be a text, a number, or an array of those, as texts (`context` maps to arrays of text, api.md 2.3).
pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(items) => items
            .iter()
            .filter_map(|item| match item {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// At most `max` bytes of a text, cut at a character, with a mark where something is missing.
pub(crate) fn clipped(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
#[path = "issues_tests.rs"]
mod tests;
