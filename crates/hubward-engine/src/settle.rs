//! Accounting for every input of a batch answer.
//!
//! A 2xx proves nothing by itself: results come in any order, may lack trace ids, and may leave inputs out (api.md 3.6).
//! These pure rules pair each row with its result or its refusal; what is left over was not answered.

use std::collections::HashMap;

use hubward_hubspot::{ApiError, BatchReply, RecordResult};

use crate::prepared::Folding;
use crate::row::Row;

/// Every row of a batch, in exactly one of three hands.
#[derive(Default)]
pub(crate) struct Accounts {
    /// HubSpot confirmed the row, with the record's id.
    pub(crate) confirmed: Vec<(Row, u64, RecordResult)>,
    pub(crate) refused: Vec<(Row, ApiError)>,
    /// Neither confirmed nor refused.
    pub(crate) unanswered: Vec<Row>,
    /// HubSpot refused something without saying what.
    pub(crate) nameless: bool,
}

/// How results name their inputs, besides the trace id (which is the row's position in the batch).
pub(crate) enum By<'a> {
    /// By the value of this property, folded as HubSpot folds it.
    Property { name: &'a str, folding: &'a Folding },
    /// By record id.
    RecordId,
}

/// A property's value in a result; none where it is empty or was left out.
pub(crate) fn value_of<'a>(record: &'a RecordResult, name: &str) -> Option<&'a str> {
    record.properties.get(name).and_then(Option::as_deref)
}

/// Pairs rows with an answer.
pub(crate) fn account(rows: Vec<Row>, reply: BatchReply, by: &By<'_>) -> Accounts {
    let mut by_trace: HashMap<String, RecordResult> = HashMap::new();
    let mut by_name: HashMap<String, RecordResult> = HashMap::new();
    for result in reply.results {
        if let Some(trace) = result.trace_id.clone() {
            by_trace.insert(trace, result);
            continue;
        }
        let name = match by {
            By::RecordId => Some(result.id.clone()),
            By::Property { name, folding } => value_of(&result, name).map(|value| folding.fold(value)),
        };
        if let Some(name) = name {
            by_name.insert(name, result);
        }
    }
    let mut errors_by_trace: HashMap<String, ApiError> = HashMap::new();
    let mut errors_by_name: HashMap<String, ApiError> = HashMap::new();
    let mut nameless: Vec<ApiError> = Vec::new();
    for mut error in reply.errors {
        // With trace ids present, `ids` may name other records (an existing id), so they are not read as inputs then.
        let names = if error.trace_ids.is_empty() { error.ids.clone() } else { Vec::new() };
        let traces = error.trace_ids.clone();
        match traces.len() + names.len() {
            0 => {
                nameless.push(error);
                continue;
            }
            1 => {}
            // One existing id cannot be that of several rows.
            _ => error.existing_id = None,
        }
        for trace in traces {
            errors_by_trace.insert(trace, error.clone());
        }
        for name in names {
            let name = match by {
                By::RecordId => name,
                By::Property { folding, .. } => folding.fold(&name),
            };
            errors_by_name.insert(name, error.clone());
        }
    }

    let alone = rows.len() == 1 && by_name.len() == 1 && nameless.is_empty();
    let mut accounts = Accounts::default();
    for (index, row) in rows.into_iter().enumerate() {
        let trace = index.to_string();
        let name = match by {
            By::RecordId => row.record_id.map(|id| id.to_string()).unwrap_or_default(),
            By::Property { folding, .. } => folding.fold(&row.ident.match_value),
        };
        if let Some(error) = errors_by_trace.remove(&trace) {
            accounts.refused.push((row, error));
        } else if let Some(result) = by_trace.remove(&trace).or_else(|| by_name.remove(&name)) {
            match result.id.parse::<u64>() {
                Ok(id) => accounts.confirmed.push((row, id, result)),
                Err(_) => accounts.unanswered.push(row),
            }
        } else if let Some(error) = errors_by_name.get(&name) {
            accounts.refused.push((row, error.clone()));
        } else {
            accounts.unanswered.push(row);
        }
    }
    // One input and one result belong together, whatever name the record goes by: a secondary e-mail address answers with
    // the primary one. Of a record id it is not so: it may have been merged, and that is looked at first.
    if alone
        && matches!(by, By::Property { .. })
        && let (Some(row), Some(result)) = (accounts.unanswered.pop(), by_name.into_values().next())
    {
        match result.id.parse::<u64>() {
            Ok(id) => accounts.confirmed.push((row, id, result)),
            Err(_) => accounts.unanswered.push(row),
        }
    }
    // One error that names nobody and one row without an answer belong together.
    if accounts.unanswered.len() == 1
        && nameless.len() == 1
        && let (Some(row), Some(error)) = (accounts.unanswered.pop(), nameless.pop())
    {
        accounts.refused.push((row, error));
    }
    accounts.nameless = !nameless.is_empty();
    accounts
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
