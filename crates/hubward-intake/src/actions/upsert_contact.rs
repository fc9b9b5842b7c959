//! Upsert Contact: a contact by its e-mail address.

use super::fields::CONTACT_PROPERTIES;
use super::intent::{Find, Intent, Origin, RecordIntent, Refusal, User, Wish};
use super::payload::Payload;
use super::wishes::{Form, SpeltOut, found, named, without_key};

/// The property that moves both ways.
pub(super) const STAGE: &str = "lifecyclestage";

pub(super) fn intent(payload: &Payload, properties: &SpeltOut, user: User) -> Result<Intent, Vec<Refusal>> {
    let email = payload.text("email").unwrap_or_default().to_owned();
    let mut wishes = named(payload, &CONTACT_PROPERTIES);
    wishes.extend(stage(payload));
    let free = found(payload, "properties", Form::Flat, properties);
    let mut warnings = free.warnings;
    wishes.extend(free.wishes);
    without_key(&mut wishes, "properties", "email", &email, &mut warnings);
    Ok(Intent::Record(Box::new(RecordIntent {
        moves_stage: wishes.contains_key(STAGE),
        properties: wishes,
        users: vec![user],
        warnings,
        ..RecordIntent::new("contacts", Find::Unique { property: "email".to_owned(), value: email })
    })))
}

/// The life-cycle stage in lower case, as HubSpot's own stages are named.
pub(super) fn stage(payload: &Payload) -> Option<(String, Wish)> {
    let stage = payload.text(STAGE)?.to_lowercase();
    Some((STAGE.to_owned(), Wish { value: stage.into(), origin: Origin::Mapping }))
}
