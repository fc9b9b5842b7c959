//! Rows that would be one: the same primary key, or the same match value, in several rows of the model.

use std::collections::HashMap;

use hubward_core::{Outcome, Reason};
use hubward_store::Ledger;

use crate::analyze::{Analysis, Fate, Notes, Order, Rules, invalid};
use crate::error::EngineError;
use crate::issues::Sink;
use crate::scan::{Duplicate, Scan};
use crate::spill::Mark;

/// Names of other rows that one reason lists at most.
const PARTNERS_MAX: usize = 5;
pub(crate) fn duplicate_key(key: &str, ordinal: u64, duplicate: &Duplicate) -> Reason {
    let mut others: Vec<String> = duplicate
        .ordinals
        .iter()
        .filter(|other| **other != ordinal)
        .take(PARTNERS_MAX)
        .map(|other| format!("row {other}"))
        .collect();
    if others.is_empty() {
        others.push("an earlier row".to_owned());
    }
    Reason::new(
        "DUPLICATE_KEY",
        format!(
            "primary key {key} of row {ordinal} of the model is also that of {}; a key must name one row",
            others.join(", ")
        ),
    )
}

/// Rows that would write to one record are invalid, each naming the others: HubSpot would refuse their whole batch
/// (api.md 2.5), and which of them is right is not ours to guess.
pub(crate) fn reject_duplicate_matches(
    rules: &Rules<'_>,
    scan: &Scan,
    ledger: &mut Ledger,
    sink: &mut Sink<'_>,
    order: &Order<'_>,
    analysis: &mut Analysis,
    mut candidates: Vec<(u64, u32)>,
) -> Result<(), EngineError> {
    candidates.sort_unstable();
    let mut suspects: HashMap<u64, Vec<(String, String)>> = HashMap::new();
    for pair in candidates.windows(2) {
        if pair[0].0 == pair[1].0 {
            suspects.entry(pair[0].0).or_default();
        }
    }
    // Rows that stay as they are hold their match value too.
    if !candidates.is_empty() {
        let sending = keys_to_send(scan, analysis)?;
        let mut holders: Vec<(u64, u128)> = Vec::new();
        ledger.for_each_seen(|head| {
            if candidates.binary_search_by(|(hash, _)| hash.cmp(&head.match_hash)).is_ok()
                && sending.binary_search(&head.key).is_err()
            {
                holders.push((head.match_hash, head.key));
            }
        });
        drop(sending);
        for (hash, key) in holders {
            if let Some(entry) = ledger.get(key)? {
                let value = rules.folding.fold(entry.payload.match_value.as_deref().unwrap_or_default());
                suspects.entry(hash).or_default().push((entry.payload.key_text, value));
            }
        }
    }
    drop(candidates);
    if suspects.is_empty() {
        return Ok(());
    }

    // The values themselves decide; a hash only suspects.
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    let mut members: Vec<(usize, String, String, u64, Mark)> = Vec::new();
    let mut position = 0;
    let mut reader = scan.spill.read()?;
    while let Some((batch, marks)) = reader.next_batch()? {
        for (row, mark) in marks.iter().enumerate() {
            if analysis.fates[position] != Fate::Finished
                && let Ok(judged) = rules.judge(&batch, row)?
                && suspects.contains_key(&judged.match_hash)
            {
                groups.entry(judged.match_folded.clone()).or_default().push(judged.key_text.clone());
                members.push((position, judged.key_text, judged.match_folded, judged.match_hash, *mark));
            }
            position += 1;
        }
    }
    let mut notes = Notes::new(ledger, order.dry);
    for (position, key, value, hash, mark) in members {
        let mut others: Vec<&str> = groups[&value].iter().map(String::as_str).filter(|other| *other != key).collect();
        let holds = |(other, held): &&(String, String)| *other != key && *held == value;
        others.extend(suspects[&hash].iter().filter(holds).map(|(other, _)| other.as_str()));
        if others.is_empty() {
            continue;
        }
        let more = others.len().saturating_sub(PARTNERS_MAX);
        others.truncate(PARTNERS_MAX);
        let mut named = others.join(", ");
        if more > 0 {
            named.push_str(&format!(" and {more} more"));
        }
        let reason = Reason::new(
            "DUPLICATE_MATCH",
            format!(
                "{} {value:?} of the row with primary key {key} is also that of {named}; one record cannot be two rows",
                rules.match_column
            ),
        )
        .on(rules.match_property, Some(value));
        notes.doubt(&mark)?;
        order.tally.ticket().finish(Outcome::Invalid);
        analysis.invalid += 1;
        analysis.fates[position] = Fate::Finished;
        sink.push(invalid(key, reason));
    }
    notes.flush()
}

/// Keys of the rows that are to be sent, sorted.
fn keys_to_send(scan: &Scan, analysis: &Analysis) -> Result<Vec<u128>, EngineError> {
    let mut keys = Vec::new();
    let mut position = 0;
    let mut reader = scan.spill.read()?;
    while let Some((_, marks)) = reader.next_batch()? {
        for mark in marks {
            if analysis.fates[position] != Fate::Finished {
                keys.push(mark.key);
            }
            position += 1;
        }
    }
    keys.sort_unstable();
    Ok(keys)
}
