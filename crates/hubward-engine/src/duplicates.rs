//! Rows that would be one: the same primary key, or the same match value, in several rows of the model.

use std::collections::{HashMap, HashSet};

use hubward_core::{Outcome, Reason};
use hubward_store::Ledger;

use crate::analyze::{Analysis, Fate, Notes, Order, Rules, invalid};
use crate::error::EngineError;
use crate::issues::Sink;
use crate::scan::{Duplicate, Scan};

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
    let mut suspects: HashSet<u64> =
        candidates.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0).collect();
    // The values themselves decide; a hash only suspects.
    let mut sharers: HashMap<String, Sharers> = HashMap::new();
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
                suspects.insert(hash);
                sharers.entry(value).or_default().note(&entry.payload.key_text);
            }
        }
    }
    drop(candidates);
    if suspects.is_empty() {
        return Ok(());
    }

    let mut position = 0;
    let mut reader = scan.spill.read()?;
    while let Some((batch, marks)) = reader.next_batch()? {
        order.go_on()?;
        for row in 0..marks.len() {
            if analysis.fates[position] != Fate::Finished
                && let Ok(judged) = rules.judge(&batch, row)?
                && suspects.contains(&judged.match_hash)
            {
                sharers.entry(judged.match_folded).or_default().note(&judged.key_text);
            }
            position += 1;
        }
    }
    sharers.retain(|_, sharers| sharers.count > 1);
    if sharers.is_empty() {
        return Ok(());
    }
    let mut notes = Notes::new(ledger, order.dry);
    let mut position = 0;
    let mut reader = scan.spill.read()?;
    while let Some((batch, marks)) = reader.next_batch()? {
        order.go_on()?;
        for (row, mark) in marks.iter().enumerate() {
            if analysis.fates[position] != Fate::Finished
                && let Ok(judged) = rules.judge(&batch, row)?
                && suspects.contains(&judged.match_hash)
                && let Some(sharers) = sharers.get(&judged.match_folded)
            {
                let (key, value) = (judged.key_text, judged.match_folded);
                let text = format!(
                    "{} {value:?} of the row with primary key {key} is also that of {}; one record cannot be two rows",
                    rules.match_column,
                    sharers.others(&key)
                );
                let reason = Reason::new("DUPLICATE_MATCH", text).on(rules.match_property, Some(value));
                notes.doubt(mark)?;
                order.tally.ticket().finish(Outcome::Invalid);
                analysis.invalid += 1;
                analysis.fates[position] = Fate::Finished;
                sink.push(invalid(key, reason));
            }
            position += 1;
        }
    }
    notes.flush()
}

/// The rows that have one value: how many they are, and as many of them as a reason names.
#[derive(Debug, Default)]
pub(crate) struct Sharers {
    pub(crate) count: usize,
    first: Vec<String>,
}

impl Sharers {
    pub(crate) fn note(&mut self, key: &str) {
        self.count += 1;
        // One more than are named: the row itself may be among them.
        if self.first.len() <= PARTNERS_MAX {
            self.first.push(key.to_owned());
        }
    }

    /// The others, as the row with this key is told of them.
    pub(crate) fn others(&self, key: &str) -> String {
        let others = self.first.iter().map(String::as_str).filter(|other| *other != key);
        let named: Vec<&str> = others.take(PARTNERS_MAX).collect();
        let mut text = named.join(", ");
        let more = self.count.saturating_sub(1 + named.len());
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        text
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_share_a_value_a_few_are_kept_and_all_are_counted() {
        let mut sharers = Sharers::default();
        for key in 1..=100_000 {
            sharers.note(&key.to_string());
        }
        assert_eq!(sharers.first.len(), PARTNERS_MAX + 1);
        assert_eq!(sharers.others("3"), "1, 2, 4, 5, 6 and 99994 more");
        assert_eq!(sharers.others("777"), "1, 2, 3, 4, 5 and 99994 more");
    }

    #[test]
    fn two_rows_name_each_other_and_nobody_more() {
        let mut sharers = Sharers::default();
        sharers.note("a");
        sharers.note("b");
        assert_eq!((sharers.others("a"), sharers.others("b")), ("b".to_owned(), "a".to_owned()));
    }
}
