//! Owns the judging of one event that is sent: body, limits, definition, values. Nothing is stored here (api.md 9.2).
//!
//! What is refused, with 400 for the whole request: what the guide calls a limit `[DOC-SEND]` (more than 50 properties, long
//! or ill-formed names, long values), an event that is not defined, a time that cannot be read, an event without any
//! identifier. What the account's definition does not know (a property, an option, a value of another type) is judged
//! later by HubSpot, after its answer: the property is dropped and the rest kept, unless a setting says otherwise.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::account::Account;
use crate::answers::Refusal;
use crate::event_definitions::Definition;
use crate::event_properties::{MOST_NAME, good_name};
use crate::input::{Properties, Text};
use crate::occurrences::{Draft, TextWriter};
use crate::values::{self, Facts};

/// Properties of one occurrence.
const MOST_PROPERTIES: usize = 50;
/// Characters of a value, and of one that holds an address of the web.
const MOST_VALUE: usize = 256;
const MOST_ADDRESS: usize = 1_024;
const ADDRESSES: &[&str] = &["hs_page_url", "hs_referrer", "hs_link_href"];

/// HubSpot's body of one event.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventInput<'a> {
    #[serde(borrow)]
    event_name: Text<'a>,
    #[serde(borrow, default)]
    object_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    email: Option<Text<'a>>,
    #[serde(borrow, default)]
    utk: Option<Text<'a>>,
    #[serde(borrow, default)]
    occurred_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    uuid: Option<Text<'a>>,
    /// HubSpot's older documents let it be left out, and so do its clients of v3.
    #[serde(borrow, default)]
    properties: Properties<'a>,
}

/// What says whose event it is: the first one given, in HubSpot's order.
#[derive(Debug)]
pub(crate) enum Identifier<'a> {
    /// Value of the unique property that `customMatchingId` names.
    Matching(&'a str),
    Record(&'a str),
    Email(&'a str),
    Visitor(&'a str),
}

/// An event that was found good.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) draft: Draft,
    /// Never empty.
    pub(crate) identifiers: Vec<Identifier<'a>>,
    pub(crate) id_was_sent: bool,
}

fn given<'a>(text: Option<&'a Text<'_>>) -> Option<&'a str> {
    text.map(Text::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// `made_id` makes the id of an event that comes without one; `text` gets what is kept of it.
pub(crate) fn judge<'a>(
    account: &Account,
    input: &'a EventInput<'_>,
    made_id: impl FnOnce() -> String,
    text: &mut TextWriter,
    now_ms: i64,
) -> Result<Judged<'a>, Refusal> {
    let name = input.event_name.as_str();
    let definition_at = account.events.find_full(name).ok_or_else(|| {
        Refusal::validation(format!("There is no event {name:?} in this account"))
            .context("eventName", vec![name.to_owned()])
    })?;
    let definition = &account.events.definitions[definition_at];
    let occurred_ms = match given(input.occurred_at.as_ref()) {
        Some(text) => time_ms(text).ok_or_else(|| {
            Refusal::validation(format!(
                "Invalid occurredAt {text:?}: it is neither ISO-8601 with a time zone nor epoch milliseconds"
            ))
            .context("occurredAt", vec![text.to_owned()])
        })?,
        None => now_ms,
    };
    let sent = properties(account, definition, &input.properties, now_ms)?;
    let (email, object_id, utk) =
        (given(input.email.as_ref()), given(input.object_id.as_ref()), given(input.utk.as_ref()));
    let mut identifiers = Vec::with_capacity(1);
    if let Some(rule) = &definition.matching
        && let Some((_, value)) = sent.iter().find(|(name, _)| **name == *rule.event_property_name)
    {
        identifiers.push(Identifier::Matching(value));
    }
    identifiers.extend(object_id.map(Identifier::Record));
    identifiers.extend(email.map(Identifier::Email));
    identifiers.extend(utk.map(Identifier::Visitor));
    if identifiers.is_empty() {
        // the words that Segment's integration quotes of HubSpot's refusal
        return Err(Refusal::validation("email, utk, or objectId is required"));
    }
    let id = given(input.uuid.as_ref());
    let id_was_sent = id.is_some();
    let id = id.map_or_else(|| Cow::Owned(made_id()), Cow::Borrowed);
    text.begin(&id, email, object_id, utk);
    for (name, value) in &sent {
        text.property(name, value);
    }
    let draft = Draft { definition: definition_at, occurred_ms, place: text.end() };
    Ok(Judged { draft, identifiers, id_was_sent })
}

/// ISO-8601 with a time zone, or epoch milliseconds `[DOC-SEND]`.
pub(crate) fn time_ms(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let ms = text.parse().ok()?;
        return jiff::Timestamp::from_millisecond(ms).is_ok().then_some(ms);
    }
    Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}

/// The properties that are kept, by their defined names.
fn properties<'d, 'a>(
    account: &Account,
    definition: &'d Definition,
    sent: &'a Properties<'_>,
    now_ms: i64,
) -> Result<Vec<(&'d str, &'a str)>, Refusal> {
    if sent.0.len() > MOST_PROPERTIES {
        return Err(Refusal::validation(format!(
            "An event has at most {MOST_PROPERTIES} properties, but {} were sent",
            sent.0.len()
        )));
    }
    let mut kept: Vec<(&str, &str)> = Vec::with_capacity(sent.0.len());
    for (name, value) in in_order(sent) {
        let lower = values::lower(name);
        let value = value.map_or("", Text::as_str);
        let most = if ADDRESSES.contains(&&*lower) { MOST_ADDRESS } else { MOST_VALUE };
        if value.len() > most && value.chars().count() > most {
            return Err(of_property(
                name,
                format!("The value of the property {name} is longer than {most} characters"),
            ));
        }
        let Some(at) = definition.property(&lower) else {
            if !good_name(&lower) {
                return Err(of_property(
                    name,
                    format!(
                        "The property name {name:?} is not one: it starts with a letter, holds letters, digits and underscores, and has at most {MOST_NAME} characters"
                    ),
                ));
            }
            if account.settings.events_refuse_undefined_properties {
                return Err(of_property(name, format!("The event {} has no property {name:?}", definition.name)));
            }
            continue;
        };
        let property = &definition.properties[at];
        kept.retain(|(other, _)| *other != property.name);
        if value.is_empty() {
            continue;
        }
        let facts = Facts {
            owners: &BTreeMap::new(),
            pipelines: &[],
            pipeline_role: 0,
            is_email: false,
            held: None,
            normalizes: true,
            now_ms,
        };
        match values::check(property, value, &facts) {
            Ok(_) => kept.push((&property.name, value)),
            Err(invalid) if account.settings.events_refuse_invalid_values => {
                return Err(of_property(name, invalid.message));
            }
            Err(_) => {}
        }
    }
    Ok(kept)
}

fn of_property(name: &str, message: String) -> Refusal {
    Refusal::validation(message).context("propertyName", vec![name.to_owned()])
}

/// As they came, or sorted where two names differ only in their letters' case: then the last one counts `[DOC-SEND]`.
fn in_order<'a>(sent: &'a Properties<'_>) -> Vec<(&'a str, Option<&'a Text<'a>>)> {
    let mut all: Vec<(&str, Option<&Text<'_>>)> =
        sent.0.iter().map(|(name, value)| (name.as_str(), value.as_ref())).collect();
    if all.iter().any(|(name, _)| name.bytes().any(|b| b.is_ascii_uppercase())) {
        all.sort_by_key(|(name, _)| *name);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::time_ms;

    #[test]
    fn a_time_is_iso_with_its_zone_or_epoch_milliseconds() {
        assert_eq!(time_ms("2026-11-20T10:00:00Z"), Some(1_795_168_800_000));
        assert_eq!(time_ms("2026-11-20T11:00:00.5+01:00"), Some(1_795_168_800_500));
        assert_eq!(time_ms("1795168800000"), Some(1_795_168_800_000));
        for bad in ["2026-11-20", "2026-11-20T10:00:00", "yesterday", "", "1.5", "99999999999999999"] {
            assert_eq!(time_ms(bad), None, "{bad}");
        }
    }
}
