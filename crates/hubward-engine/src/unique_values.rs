//! Rows that would give one value of a unique property to two records, beyond the match property: HubSpot takes such a value
//! once, a contact's e-mail address above all (api.md 2.5, 3.5). Only rows that are new are looked at: where one of them has a
//! record already, HubSpot tells who holds the value.

use std::collections::{HashMap, HashSet};

use hubward_core::convert::fold_match_value;
use hubward_core::{Outcome, PropertyType, Reason};
use hubward_store::Ledger;

use crate::analyze::{Analysis, Fate, Judged, Notes, Order, Rules, invalid};
use crate::duplicates::Sharers;
use crate::error::EngineError;
use crate::issues::Sink;
use crate::scan::Scan;
use crate::spill::Kind;

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
        let mut sharers: HashMap<(String, String), Sharers> = HashMap::new();
        let mut position = 0;
        let mut reader = scan.spill.read()?;
        while let Some((batch, marks)) = reader.next_batch()? {
            order.go_on()?;
            for (row, mark) in marks.iter().enumerate() {
                if analysis.fates[position] != Fate::Finished
                    && mark.kind == Kind::Added
                    && let Ok(judged) = rules.judge(&batch, row)?
                {
                    for (name, value) in values(rules, &judged) {
                        if twice.contains(&hash(name, &value)) {
                            sharers.entry((name.to_owned(), value)).or_default().note(&judged.key_text);
                        }
                    }
                }
                position += 1;
            }
        }
        sharers.retain(|_, sharers| sharers.count > 1);
        let mut notes = Notes::new(ledger, order.dry);
        let mut position = 0;
        let mut reader = scan.spill.read()?;
        while let Some((batch, marks)) = reader.next_batch()? {
            order.go_on()?;
            for (row, mark) in marks.iter().enumerate() {
                if analysis.fates[position] != Fate::Finished
                    && mark.kind == Kind::Added
                    && let Ok(judged) = rules.judge(&batch, row)?
                    && let Some(reason) = shared_value(rules, &judged, &sharers)
                {
                    notes.doubt(mark)?;
                    order.tally.ticket().finish(Outcome::Invalid);
                    analysis.invalid += 1;
                    analysis.fates[position] = Fate::Finished;
                    sink.push(invalid(judged.key_text, reason));
                }
                position += 1;
            }
        }
        notes.flush()
    }
}

/// The first value of a row that others write too.
fn shared_value(rules: &Rules<'_>, judged: &Judged, sharers: &HashMap<(String, String), Sharers>) -> Option<Reason> {
    for (name, value) in values(rules, judged) {
        let value = (name.to_owned(), value);
        if let Some(sharers) = sharers.get(&value) {
            let (name, value) = value;
            let text = format!(
                "{name} {value:?} of the row with primary key {} is also that of {}; HubSpot gives it to one record only",
                judged.key_text,
                sharers.others(&judged.key_text)
            );
            return Some(Reason::new("DUPLICATE_VALUE", text).on(&name, Some(value)));
        }
    }
    None
}
