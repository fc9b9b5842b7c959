//! Upsert Company: a company by the application's own id of it, in a property made for that; else by fields.

use super::GROUP_ID;
use super::fields::COMPANY_PROPERTIES;
use super::find::search_fields;
use super::intent::{ContactLink, Find, Intent, OnMissing, RecordIntent, Refusal, Warning};
use super::payload::Payload;
use super::upsert_contact::{STAGE, stage};
use super::wishes::{Form, SpeltOut, found, named};

pub(super) fn intent(
    payload: &Payload,
    properties: &SpeltOut,
    search: &[String],
    contact: ContactLink,
) -> Result<Intent, Vec<Refusal>> {
    let value = payload.text("groupid").unwrap_or_default().to_owned();
    let mut wishes = named(payload, &COMPANY_PROPERTIES);
    wishes.extend(stage(payload));
    let free = found(payload, "properties", Form::Flat, properties);
    let mut warnings = free.warnings;
    if free.wishes.contains_key(GROUP_ID) {
        return Err(vec![Refusal {
            code: "RESERVED_PROPERTY",
            field: format!("properties.{GROUP_ID}"),
            value: None,
            message: format!("`{GROUP_ID}` holds `groupid` and cannot be written to by `properties`"),
        }]);
    }
    wishes.extend(free.wishes);
    let (mut fields, missing) =
        search_fields("companies", payload, "companysearchfields", search).map_err(|refusal| vec![refusal])?;
    if !missing.is_empty() {
        // With fewer fields than the mapping asks for, another company could be found.
        fields.clear();
        let message = format!("no company is searched for, for the event has no value for {}", missing.join(", "));
        warnings.push(Warning { field: "companysearchfields".to_owned(), message });
    }
    let create = payload.flag("createNewCompany").unwrap_or(true);
    let associate = payload.flag("associateContact").unwrap_or(true);
    Ok(Intent::Record(Box::new(RecordIntent {
        on_missing: if create { OnMissing::Create } else { OnMissing::Skip },
        moves_stage: wishes.contains_key(STAGE),
        properties: wishes,
        contacts: if associate { vec![contact] } else { Vec::new() },
        warnings,
        ..RecordIntent::new("companies", Find::Group { value, fields })
    })))
}
