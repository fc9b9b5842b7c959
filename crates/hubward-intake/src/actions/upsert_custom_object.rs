//! Upsert Custom Object Record, the first version: a record by fields, and one association.

use super::find::{has_stage, search_fields};
use super::intent::{Find, Intent, Link, OnMissing, RecordIntent, Refusal, Warning};
use super::names::kind;
use super::payload::Payload;
use super::upsert_contact::STAGE;
use super::wishes::{Form, SpeltOut, found};

const SEARCH: &str = "customObjectSearchFields";
const TARGET_SEARCH: &str = "searchFieldsToAssociateCustomObjects";

/// `search` and `target_search` are the fields that the mapping spells out.
pub(super) fn intent(
    payload: &Payload,
    properties: &SpeltOut,
    search: &[String],
    target_search: &[String],
) -> Result<Intent, Vec<Refusal>> {
    let object = payload.text("objectType").unwrap_or_default().to_owned();
    let mut refusals = Vec::new();
    let free = found(payload, "properties", Form::Flat, properties);
    let mut warnings = free.warnings;
    let find = match search_fields(&object, payload, SEARCH, search) {
        Ok((fields, missing)) => {
            if !missing.is_empty() {
                // A record that is made without them could never be found again.
                refusals.push(Refusal {
                    code: "MISSING_FIELD",
                    field: SEARCH.to_owned(),
                    value: None,
                    message: format!(
                        "the event has no value for {}, which the record is searched by",
                        missing.join(", ")
                    ),
                });
            }
            Find::Fields(fields)
        }
        Err(refusal) => {
            refusals.push(refusal);
            Find::Fields(Vec::new())
        }
    };
    let mut associations = Vec::new();
    match link(payload, target_search, &mut warnings) {
        Ok(link) => associations.extend(link),
        Err(refusal) => refusals.push(refusal),
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let create = payload.flag("createNewCustomRecord").unwrap_or(true);
    Ok(Intent::Record(Box::new(RecordIntent {
        on_missing: if create { OnMissing::Create } else { OnMissing::Skip },
        moves_stage: has_stage(&object) && free.wishes.contains_key(STAGE),
        properties: free.wishes,
        associations,
        warnings,
        ..RecordIntent::new(&object, find)
    })))
}

/// The association, where all three of its fields have a value.
fn link(payload: &Payload, wanted: &[String], warnings: &mut Vec<Warning>) -> Result<Option<Link>, Refusal> {
    let (target, label) = (payload.text("toObjectType"), payload.text("associationLabel"));
    let searched = !wanted.is_empty() || payload.free(TARGET_SEARCH).next().is_some();
    let mut missing = Vec::new();
    for (name, there) in
        [("toObjectType", target.is_some()), ("associationLabel", label.is_some()), (TARGET_SEARCH, searched)]
    {
        if !there {
            missing.push(name.to_owned());
        }
    }
    if let (Some(object), Some(label), true) = (target, label, searched) {
        let kind = kind(label).ok_or_else(|| label_refusal("associationLabel", label))?;
        let (fields, without) = search_fields(object, payload, TARGET_SEARCH, wanted)?;
        if without.is_empty() {
            return Ok(Some(Link { object: object.to_owned(), kind, find: Find::Fields(fields), create: false }));
        }
        missing = without;
    } else if missing.len() == 3 {
        return Ok(None);
    }
    let message = format!("nothing is associated, for there is no value for {}", missing.join(", "));
    warnings.push(Warning { field: TARGET_SEARCH.to_owned(), message });
    Ok(None)
}

/// That a label is none.
pub(super) fn label_refusal(field: &str, label: &str) -> Refusal {
    Refusal {
        code: "INVALID_LABEL",
        field: field.to_owned(),
        value: Some(label.to_owned()),
        message: format!("{label:?} is no association label; labels are written as `HUBSPOT_DEFINED:279`"),
    }
}
