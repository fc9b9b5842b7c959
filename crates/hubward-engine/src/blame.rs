//! Who is to blame when HubSpot refuses a whole batch.
//!
//! HubSpot names properties, values, ids or trace ids, rarely rows. These pure rules turn what it named into the guilty
//! rows, so that one more request sends the rest; where nothing fits, the caller halves the batch.

use hubward_core::Reason;
use hubward_hubspot::ApiError;

use crate::row::Row;

/// The guilty rows of a refused batch, by position in `rows`, each with its reason. Empty: HubSpot named nothing that
/// tells rows apart.
pub(crate) fn guilty(error: &ApiError, rows: &[Row], match_property: &str) -> Vec<(usize, Reason)> {
    let mut guilty: Vec<(usize, Reason)> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if let Some(reason) = blames(error, index, row, rows.len(), match_property) {
            guilty.push((index, reason));
        }
    }
    // A property without a value accuses every row that writes it; when that is all of several rows, it may still be one
    // bad value among good ones, unless the property itself is at fault.
    if guilty.len() == rows.len() && rows.len() > 1 && !accuses_the_property(error) && !names_values(error) {
        guilty.clear();
    }
    guilty
}

fn blames(error: &ApiError, index: usize, row: &Row, rows: usize, match_property: &str) -> Option<Reason> {
    let trace = index.to_string();
    if error.trace_ids.contains(&trace) {
        return Some(reason_of(error, Some(row)));
    }
    let id = row.record_id.map(|id| id.to_string());
    if let Some(id) = &id
        && error.ids.contains(id)
    {
        return Some(reason_of(error, Some(row)));
    }
    if error.ids.contains(&row.ident.match_value) {
        return Some(reason_of(error, Some(row)));
    }
    for issue in &error.issues {
        let ours = if issue.property == match_property {
            Some(row.ident.match_value.as_str())
        } else {
            row.value_of(&issue.property)
        };
        let hit = match (&issue.value, ours) {
            (Some(bad), Some(ours)) => bad == ours,
            (None, Some(_)) => true,
            // A required property that this row leaves out or empties.
            (None, None) => issue.code.starts_with("MISSING_"),
            (Some(_), None) => false,
        };
        if hit {
            return Some(Reason {
                property: Some(issue.property.clone()),
                value: ours.map(str::to_owned),
                text: issue.message.clone(),
                category: Some(issue.code.clone()),
                correlation_id: error.correlation_id.clone(),
            });
        }
    }
    for cleared in &error.cleared {
        if row.value_of(cleared) == Some("") {
            return Some(Reason { property: Some(cleared.clone()), ..reason_of(error, None) });
        }
    }
    (rows == 1).then(|| reason_of(error, Some(row)))
}

/// The property itself is at fault, so every row that writes it is.
fn accuses_the_property(error: &ApiError) -> bool {
    error.issues.iter().any(|issue| matches!(issue.code.as_str(), "PROPERTY_DOESNT_EXIST" | "READ_ONLY_VALUE"))
}

fn names_values(error: &ApiError) -> bool {
    error.issues.iter().any(|issue| issue.value.is_some()) || !error.trace_ids.is_empty() || !error.ids.is_empty()
}

/// HubSpot's refusal as a row's reason: its own words, the first issue's property, the correlation id.
pub(crate) fn reason_of(error: &ApiError, row: Option<&Row>) -> Reason {
    let issue = error.issues.first();
    let property = issue.map(|issue| issue.property.clone());
    let value = issue.and_then(|issue| issue.value.clone()).or_else(|| {
        let property = property.as_deref()?;
        row?.value_of(property).map(str::to_owned)
    });
    Reason {
        property,
        value,
        text: issue.map_or_else(|| error.message.clone(), |issue| issue.message.clone()),
        category: issue.map(|issue| issue.code.clone()).or_else(|| error.category.clone()),
        correlation_id: error.correlation_id.clone(),
    }
}
