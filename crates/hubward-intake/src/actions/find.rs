//! How the record of an event is found: by a unique property, by its id, or by several fields.

use hubward_core::object_types;

use super::intent::{Find, Refusal, SearchField};
use super::payload::{Payload, address, not_blank, record_id, text};

/// The property of the record id.
pub(super) const RECORD_ID: &str = "hs_object_id";

/// By a unique property, or the record id. Addresses of contacts are folded as HubSpot folds them.
///
/// # Errors
/// That the value cannot be one of the property. `path` is the field that the value comes from.
pub(super) fn by_property(object: &str, property: &str, value: &str, path: &str) -> Result<Find, Refusal> {
    let property = property.trim();
    if property == RECORD_ID {
        let id = record_id(&value.into()).ok_or_else(|| Refusal {
            code: "INVALID_ID",
            field: path.to_owned(),
            value: Some(value.to_owned()),
            message: format!("{value:?} is not a record id: record ids are whole numbers above zero"),
        })?;
        return Ok(Find::Id(id));
    }
    let value = folded(object, property, value, path)?;
    Ok(Find::Unique { property: property.to_owned(), value })
}

/// The fields of a search, and the names of those to which the event gives no value.
///
/// # Errors
/// That a value is no text, number or flag, or not one that the property can have.
pub(super) fn search_fields(
    object: &str,
    payload: &Payload,
    field: &str,
    wanted: &[String],
) -> Result<(Vec<SearchField>, Vec<String>), Refusal> {
    let mut fields = Vec::new();
    for (property, value) in payload.free(field) {
        let path = format!("{field}.{property}");
        let given = text(value).ok_or_else(|| Refusal {
            code: "INVALID_FIELD",
            field: path.clone(),
            value: Some(value.to_string()),
            message: format!("`{path}` must be a text, a number or a flag to search for"),
        })?;
        if let Some(given) = not_blank(&given) {
            let value = folded(object, property, given, &path)?;
            fields.push(SearchField { property: property.trim().to_owned(), value });
        }
    }
    fields.sort();
    let found = |name: &String| fields.iter().any(|field| field.property == name.trim());
    let mut missing: Vec<String> = wanted.iter().filter(|name| !found(name)).cloned().collect();
    missing.extend(
        payload.free(field).map(|(name, _)| name).filter(|name| !found(name) && !wanted.contains(name)).cloned(),
    );
    Ok((fields, missing))
}

fn folded(object: &str, property: &str, value: &str, path: &str) -> Result<String, Refusal> {
    if property == "email" && is_contact(object) {
        let address = address(value, path).map_err(|mut refusals| refusals.remove(0))?;
        return Ok(address.and_then(|address| address.as_str().map(str::to_owned)).unwrap_or_default());
    }
    Ok(value.trim().to_owned())
}

/// Whether a name means contacts.
pub(super) fn is_contact(object: &str) -> bool {
    object_types::same(object, "contacts")
}

/// Whether records of a type have a life-cycle stage (api.md 3.4).
pub(super) fn has_stage(object: &str) -> bool {
    is_contact(object) || object_types::same(object, "companies")
}
