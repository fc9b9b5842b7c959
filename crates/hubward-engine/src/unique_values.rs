//! Rows that would give one value of a unique property to two records, beyond the match property: HubSpot takes such a value
//! once, a contact's e-mail address above all (api.md 2.5, 3.5). Only rows that are new are looked at: where one of them has a
//! record already, HubSpot tells who holds the value.

use std::collections::{HashMap, HashSet};

use hubward_core::convert::fold_match_value;
use hubward_core::{Outcome, PropertyType, Reason};
use hubward_store::Ledger;

use crate::analyze::{Analysis, Fate, Judged, Notes, Order, Rules, invalid};
use crate::error::EngineError;
use crate::issues::Sink;
use crate::scan::Scan;
use crate::spill::Kind;

/// Names of other rows that one reason lists at most.
const PARTNERS_MAX: usize = 5;

/// Hashes of the unique values that rows are about to write, each with the row's position in the spill.
#[derive(Default)]
pub(crate) struct UniqueValues {
    written: Vec<(u64, u32)>,
}

/// The unique values of one row: property, and the value as HubSpot compares it.
fn values<'a>(rules: &'a Rules<'_>, judged: &'a Judged) -> impl Iterator<Item = (&'a str, String)> {
    judged.mapped.values.iter().filter_map(|(name, value)| {
        let value = value.as_deref().filter(|value| !value.is_empty())?;
        let unique = rules.unique.iter().any(|unique| unique.as_ref() == name.as_ref());
        unique.then(|| (name.as_ref(), fold_match_value(name, &PropertyType::String, value)))
    })
}

fn hash(name: &str, value: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(value.as_bytes(), xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
}

impl UniqueValues {
    /// Takes down what a row that is to be sent writes.
    pub(crate) fn note(&mut self, rules: &Rules<'_>, judged: &Judged, position: u32) {
        if !rules.unique.is_empty() {
            self.written.extend(values(rules, judged).map(|(name, value)| (hash(name, &value), position)));
        }
    }

    /// Makes rows invalid that write the same value, each naming the others.
    pub(crate) fn reject_doubles(
        mut self,
        rules: &Rules<'_>,
        scan: &Scan,
        ledger: &mut Ledger,
        sink: &mut Sink<'_>,
        order: &Order<'_>,
        analysis: &mut Analysis,
    ) -> Result<(), EngineError> {
        self.written.sort_unstable();
        let twice: HashSet<u64> =
            self.written.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0).collect();
        drop(self);
        if twice.is_empty() {
            return Ok(());
        }
        // The values themselves decide; a hash only suspects.
        let mut groups: HashMap<(String, String), Vec<(usize, String)>> = HashMap::new();
        let mut marks = HashMap::new();
        let mut position = 0;
        let mut reader = scan.spill.read()?;
        while let Some((batch, batch_marks)) = reader.next_batch()? {
            for (row, mark) in batch_marks.iter().enumerate() {
                if analysis.fates[position] != Fate::Finished
                    && mark.kind == Kind::Added
                    && let Ok(judged) = rules.judge(&batch, row)?
                {
                    for (name, value) in values(rules, &judged) {
                        if twice.contains(&hash(name, &value)) {
                            let group = groups.entry((name.to_owned(), value)).or_default();
                            group.push((position, judged.key_text.clone()));
                            marks.insert(position, *mark);
                        }
                    }
                }
                position += 1;
            }
        }
        let mut notes = Notes::new(ledger, order.dry);
        let mut groups: Vec<_> = groups.into_iter().filter(|(_, rows)| rows.len() > 1).collect();
        groups.sort_unstable();
        for ((name, value), rows) in groups {
            for (position, key) in &rows {
                if analysis.fates[*position] == Fate::Finished {
                    continue;
                }
                let others: Vec<&str> =
                    rows.iter().filter(|(at, _)| at != position).map(|(_, key)| key.as_str()).collect();
                let more = others.len().saturating_sub(PARTNERS_MAX);
                let mut named = others[..others.len() - more].join(", ");
                if more > 0 {
                    named.push_str(&format!(" and {more} more"));
                }
                let text = format!(
                    "{name} {value:?} of the row with primary key {key} is also that of {named}; HubSpot gives it to one record only"
                );
                let reason = Reason::new("DUPLICATE_VALUE", text).on(&name, Some(value.clone()));
                notes.doubt(&marks[position])?;
                order.tally.ticket().finish(Outcome::Invalid);
                analysis.invalid += 1;
                analysis.fates[*position] = Fate::Finished;
                sink.push(invalid(key.clone(), reason));
            }
        }
        notes.flush()
    }
}
