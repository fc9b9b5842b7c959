//! Who is to blame when HubSpot refuses a whole batch.
//!
//! HubSpot names properties, values, ids or trace ids, rarely rows. These pure rules tell the rows that are guilty beyond
//! doubt, so that one more request sends the rest, from rows that only may be: those are parted from the others and
//! halved, because an innocent row must never be rejected for its neighbour.

use hubward_core::Reason;
use hubward_hubspot::{ApiError, PropertyIssue};

use crate::prepared::Folding;
use crate::row::Row;

/// What a refusal says of the rows of its batch, by position.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Guilty beyond doubt, each with its reason. Never empty.
    Certain(Vec<(usize, Reason)>),
    /// At least one of these is; neither none nor all of the rows.
    Among(Vec<usize>),
    /// HubSpot named nothing that tells rows apart.
    Nobody,
}

/// What the ids of an error speak of.
#[derive(Clone, Copy)]
pub(crate) enum Ids<'a> {
    Records,
    MatchValues(&'a Folding),
}

/// Reads a refusal of a batch.
pub(crate) fn blame(error: &ApiError, rows: &[Row], match_property: &str, ids: Ids<'_>) -> Blame {
    let named: Vec<bool> = rows.iter().enumerate().map(|(index, row)| is_named(error, index, row, ids)).collect();
    let any_named = named.contains(&true);
    let mut certain = Vec::new();
    let mut among = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if named[index] {
            certain.push((index, reason_of(error, Some(row), match_property)));
            continue;
        }
        match by_issues(error, row, match_property, any_named) {
            Some((true, reason)) => certain.push((index, reason)),
            Some((false, _)) => among.push(index),
            None => {}
        }
    }
    if !certain.is_empty() {
        Blame::Certain(certain)
    } else if among.is_empty() || among.len() == rows.len() {
        Blame::Nobody
    } else {
        Blame::Among(among)
    }
}

/// By trace id, by id, or because it empties what HubSpot does not let be emptied.
fn is_named(error: &ApiError, index: usize, row: &Row, ids: Ids<'_>) -> bool {
    let by_id = |id: &String| match ids {
        Ids::Records => row.record_id.is_some_and(|own| own.to_string() == *id),
        Ids::MatchValues(folding) => {
            *id == row.ident.match_value || folding.fold(id) == folding.fold(&row.ident.match_value)
        }
    };
    error.trace_ids.contains(&index.to_string())
        || error.ids.iter().any(by_id)
        || error.cleared.iter().any(|property| row.value_of(property) == Some(""))
}

/// By the properties and values that HubSpot complains of; the flag says whether that leaves no doubt.
fn by_issues(error: &ApiError, row: &Row, match_property: &str, any_named: bool) -> Option<(bool, Reason)> {
    let mut doubtful = None;
    for issue in &error.issues {
        let ours = value_for(issue, row, match_property);
        let certain = match (&issue.value, ours) {
            // The record that holds a unique value writes it too and is innocent; the id names the one that wants it.
            (Some(bad), Some(ours)) if bad == ours && issue.code == "CONFLICTING_UNIQUE_VALUE" => {
                let holds = row.record_id.map(|id| id.to_string());
                if any_named || (holds.is_some() && holds == error.existing_id) {
                    continue;
                }
                true
            }
            (Some(bad), Some(ours)) if bad == ours => true,
            (Some(_), _) => continue,
            // A required property, where the rule may be about other rows: only those that leave it out are suspect.
            (None, ours) if issue.code.starts_with("MISSING_") => {
                if ours.is_some_and(|ours| !ours.is_empty()) {
                    continue;
                }
                false
            }
            // The property itself is at fault, so every row that writes it is.
            (None, Some(_)) => matches!(issue.code.as_str(), "PROPERTY_DOESNT_EXIST" | "READ_ONLY_VALUE"),
            (None, None) => continue,
        };
        let reason = reason_by(error, issue, ours);
        if certain {
            return Some((true, reason));
        }
        doubtful.get_or_insert((false, reason));
    }
    doubtful
}

fn value_for<'a>(issue: &PropertyIssue, row: &'a Row, match_property: &str) -> Option<&'a str> {
    row.value_of(&issue.property)
        .or_else(|| (issue.property == match_property).then_some(row.ident.match_value.as_str()))
}

fn reason_by(error: &ApiError, issue: &PropertyIssue, ours: Option<&str>) -> Reason {
    Reason {
        property: (!issue.property.is_empty()).then(|| issue.property.clone()),
        value: issue.value.clone().or_else(|| ours.map(str::to_owned)),
        text: issue.message.clone(),
        category: Some(issue.code.clone()).filter(|code| !code.is_empty()).or_else(|| error.category.clone()),
        correlation_id: error.correlation_id.clone(),
    }
}

/// HubSpot's refusal as a row's reason: its own words about this row where it has any, its first words otherwise.
pub(crate) fn reason_of(error: &ApiError, row: Option<&Row>, match_property: &str) -> Reason {
    let of_row = row.and_then(|row| {
        let ours = |issue: &PropertyIssue| value_for(issue, row, match_property).map(str::to_owned);
        let same = error.issues.iter().find(|issue| issue.value.is_some() && issue.value == ours(issue));
        let fits = || error.issues.iter().find(|issue| issue.value.is_none() && ours(issue).is_some());
        same.or_else(fits).map(|issue| (issue, ours(issue)))
    });
    let (issue, ours) = match of_row {
        Some((issue, ours)) => (Some(issue), ours),
        None => (error.issues.first(), None),
    };
    match issue {
        Some(issue) => reason_by(error, issue, ours.as_deref()),
        None => Reason {
            property: error.cleared.first().cloned(),
            value: None,
            text: error.message.clone(),
            category: error.category.clone(),
            correlation_id: error.correlation_id.clone(),
        },
    }
}

#[cfg(test)]
#[path = "blame_tests.rs"]
mod tests;
