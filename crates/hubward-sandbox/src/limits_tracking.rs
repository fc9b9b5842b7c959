//! Owns the limits API: how much of its ceilings the account uses (api.md 5.4 and 6.1).

use serde_json::json;

use crate::account::{Account, ObjectType};
use crate::answers::{Refusal, Reply};
use crate::call::Call;

/// Custom properties of one object type, and of all types `[LIVE-KALUP]`.
pub(crate) const MOST_CUSTOM_PROPERTIES: usize = 1_000;
const MOST_CUSTOM_PROPERTIES_IN_ALL: usize = 10_000;
/// Custom object types, by contract on Enterprise.
pub(crate) const MOST_CUSTOM_TYPES: usize = 10;

/// Definitions of the user in a type, archived ones left out.
pub(crate) fn custom_properties(object_type: &ObjectType) -> usize {
    let own = object_type.properties.iter().filter(|property| !property.hubspot_defined);
    own.filter(|property| property.archived_at_ms.is_none()).count()
}

/// Custom object types that are not archived.
pub(crate) fn custom_types(account: &Account) -> usize {
    account.types.iter().filter(|object_type| object_type.schema.is_some() && !object_type.is_archived()).count()
}

fn share(usage: usize, limit: usize) -> f64 {
    let (usage, limit) = (u32::try_from(usage).unwrap_or(u32::MAX), u32::try_from(limit).unwrap_or(u32::MAX));
    f64::from(usage) / f64::from(limit)
}

pub(crate) fn of_custom_properties(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let mut overall = 0;
    let mut types = Vec::new();
    for object_type in account.types.iter().filter(|object_type| !object_type.is_archived()) {
        let usage = custom_properties(object_type);
        overall += usage;
        types.push(json!({
            "objectTypeId": object_type.id, "singularLabel": object_type.singular, "pluralLabel": object_type.plural,
            "usage": usage, "limit": MOST_CUSTOM_PROPERTIES, "percentage": share(usage, MOST_CUSTOM_PROPERTIES),
        }));
    }
    Ok(Reply::of(
        200,
        &json!({
            "overallLimit": MOST_CUSTOM_PROPERTIES_IN_ALL, "overallUsage": overall,
            "overallPercentage": share(overall, MOST_CUSTOM_PROPERTIES_IN_ALL), "byObjectType": types,
        }),
    ))
}

pub(crate) fn of_custom_types(call: &Call<'_>) -> Result<Reply, Refusal> {
    let usage = custom_types(&call.account());
    let percentage = share(usage, MOST_CUSTOM_TYPES);
    Ok(Reply::of(200, &json!({ "limit": MOST_CUSTOM_TYPES, "usage": usage, "percentage": percentage })))
}
