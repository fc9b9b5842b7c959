//! The two actions that send custom events: by the name that HubSpot gives them, or by the account's own.

use hubward_core::spec::SyncMode;

use super::find::is_contact;
use super::intent::{EventIntent, EventName, Intent, Refusal, Subject};
use super::names::{full_event_name, own_event_name};
use super::payload::Payload;
use super::upsert_object::name_refusal;
use super::wishes::{Form, SpeltOut, found};

/// Send Custom Behavioral Event: an occurrence of an event that is defined already.
pub(super) fn behavioral(
    payload: &Payload,
    properties: &SpeltOut,
    hub_id: Option<u64>,
) -> Result<Intent, Vec<Refusal>> {
    let given = payload.text("eventName").unwrap_or_default();
    let mut refusals = Vec::new();
    let name = full_event_name(given, hub_id);
    if name.is_none() {
        refusals.push(event_name_refusal(given, hub_id));
    }
    let subject = Subject {
        object_id: payload.id("objectId"),
        email: payload.text("email").map(str::to_owned),
        utk: payload.text("utk").map(str::to_owned),
    };
    if subject == Subject::default() {
        refusals.push(missing_subject("email", "one of `email`, `utk` and `objectId` must have a value"));
    }
    let free = found(payload, "properties", Form::Flat, properties);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    Ok(Intent::Event(Box::new(EventIntent {
        event: EventName::Full(name.unwrap_or_default()),
        subject,
        occurred_at: payload.text("occurredAt").map(str::to_owned),
        properties: free.wishes,
        warnings: free.warnings,
    })))
}

/// Custom Event V2: an occurrence of an event whose definition is made or extended as the sync mode says.
pub(super) fn custom(payload: &Payload, properties: &SpeltOut, mode: SyncMode) -> Result<Intent, Vec<Refusal>> {
    let given = payload.text("event_name").unwrap_or_default();
    let mut refusals = Vec::new();
    let name = own_event_name(given);
    if name.is_none() {
        refusals.push(Refusal {
            code: "INVALID_NAME",
            field: "event_name".to_owned(),
            value: Some(given.to_owned()),
            message: format!("no event can be called {given:?}: names have letters from a to z and digits"),
        });
    }
    let details = payload.object("record_details");
    let object = details.text("object_type").unwrap_or_default().to_owned();
    let mut subject = Subject { object_id: details.id("object_id"), ..Subject::default() };
    if is_contact(&object) {
        subject.email = details.text("email").map(str::to_owned);
        subject.utk = details.text("utk").map(str::to_owned);
        if subject == Subject::default() {
            let message = "one of `object_id`, `email` and `utk` must have a value for events of contacts";
            refusals.push(missing_subject("record_details", message));
        }
    } else if subject.object_id.is_none() {
        let message = format!("events of {object} need the record's `object_id`");
        refusals.push(missing_subject("record_details.object_id", &message));
    }
    let free = found(payload, "properties", Form::Normalised, properties);
    refusals.extend(free.impossible.iter().map(|name| name_refusal("properties", name)));
    if !refusals.is_empty() {
        return Err(refusals);
    }
    Ok(Intent::Event(Box::new(EventIntent {
        event: EventName::Own {
            name: name.unwrap_or_default(),
            object,
            create: mode != SyncMode::Update,
            extend: mode != SyncMode::Add,
        },
        subject,
        occurred_at: payload.text("occurred_at").map(str::to_owned),
        properties: free.wishes,
        warnings: free.warnings,
    })))
}

fn missing_subject(field: &str, message: &str) -> Refusal {
    Refusal { code: "MISSING_SUBJECT", field: field.to_owned(), value: None, message: message.to_owned() }
}

/// That a name is not one that HubSpot gives.
pub(super) fn event_name_refusal(given: &str, hub_id: Option<u64>) -> Refusal {
    let prefix = hub_id.map_or_else(|| "pe<account>_".to_owned(), |hub_id| format!("pe{hub_id}_"));
    Refusal {
        code: "INVALID_NAME",
        field: "eventName".to_owned(),
        value: Some(given.to_owned()),
        message: format!("the event's name must begin with {prefix}, and {given:?} does not"),
    }
}
