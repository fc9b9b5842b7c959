//! The first pass: the record of every row that differs.
//!
//! Afterwards the ledger says durably which record each of these rows names and which it has given up, so that the second
//! pass, or the next run, knows all that may be on the list because of this sync.

use std::collections::HashMap;

use hubward_core::Outcome;

use crate::association::Target;
use crate::corridor::Stopped;
use crate::error::EngineError;
use crate::ledger_writer::lock;
use crate::list::desk::{Conclusion, Desk, Step};
use crate::list::doubt::Doubts;
use crate::list::find::{Found, Sought};
use crate::list::prepare::record_id;
use crate::list::rows::{Candidate, Rows};
use crate::run::blocking;
use crate::spill::Kind;
use crate::strategy::MatchKind;

/// So many look-ups in a row that HubSpot could not be made to answer end the run.
const EXHAUSTED_IN_A_ROW_MAX: u32 = 3;

/// What the second pass does about each row of the spill, in 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot(u64);

const REMEMBERED: u64 = 1 << 63;
const WAS_JOINING: u64 = 1 << 62;
const CLEAR_UP: u64 = 1 << 61;
const ID_BITS: u64 = CLEAR_UP - 1;

impl Slot {
    fn of(step: Step) -> Self {
        Self(match step {
            Step::Nothing => 0,
            Step::ClearUp => CLEAR_UP,
            Step::Go { id, remembered, was_joining } => {
                let mut bits = id & ID_BITS;
                if remembered {
                    bits |= REMEMBERED;
                }
                if was_joining {
                    bits |= WAS_JOINING;
                }
                bits
            }
        })
    }

    pub(crate) fn step(self) -> Step {
        match self.0 {
            0 => Step::Nothing,
            CLEAR_UP => Step::ClearUp,
            bits => Step::Go {
                id: bits & ID_BITS,
                remembered: bits & REMEMBERED != 0,
                was_joining: bits & WAS_JOINING != 0,
            },
        }
    }
}

/// What the pass came to.
#[derive(Default)]
pub(crate) struct Resolved {
    /// One for each row of the spill, in order.
    pub(crate) slots: Vec<Slot>,
    /// Rows with work for the second pass.
    pub(crate) going: u64,
    /// Records that rows have given up.
    pub(crate) owed: Vec<u64>,
    /// Rows of the spill of which it is not known whom they name.
    pub(crate) doubts: Doubts,
    /// Rows that differ in the source and name the record that they named before.
    pub(crate) same: u64,
    /// Rows that are the same in the source and have to be looked at all the same.
    pub(crate) differs: u64,
    pub(crate) stopped: Option<Stopped>,
}

impl Desk {
    /// Finds the records of all rows of the spill.
    pub(crate) async fn resolve(&self, rows: Rows) -> Resolved {
        let mut resolved = Resolved::default();
        let mut exhausted = 0;
        let mut rows = Some(rows);
        while resolved.stopped.is_none() {
            if self.cancel.is_set() {
                resolved.stopped = Some(Stopped::Interrupted);
                break;
            }
            let Some(mut reading) = rows.take() else { break };
            let ledger = std::sync::Arc::clone(&self.ledger);
            let read = blocking(move || {
                let block = reading.next_block(&lock(&ledger))?;
                Ok((reading, block))
            });
            let block = match read.await {
                Ok((reading, block)) if block.is_empty() => {
                    let miscounted = reading.miscounted();
                    // Counted as unchanged before the other row with its key turned up.
                    self.tally.uncount_unchanged(miscounted);
                    self.tally.many(Outcome::Invalid, miscounted);
                    break;
                }
                Ok((reading, block)) => {
                    rows = Some(reading);
                    block
                }
                Err(error) => {
                    resolved.stopped = Some(Stopped::Failed(error));
                    break;
                }
            };
            let count = block.len() as u64;
            let (concluded, found) = self.settle_block(block).await;
            exhausted = if found.exhausted == 0 { 0 } else { exhausted + found.exhausted };
            if let Some(error) = found.stop {
                resolved.stopped = Some(Stopped::Failed(error.into()));
            } else if exhausted >= EXHAUSTED_IN_A_ROW_MAX
                && let Some(error) = found.last_exhausted
            {
                resolved.stopped = Some(Stopped::Failed(error.into()));
            }
            if let Err(error) = self.note(&mut resolved, concluded).await {
                resolved.stopped = Some(Stopped::Failed(error));
            }
            self.progress.advance(count);
        }
        resolved
    }

    /// The record of each row of a block, and what follows from it.
    pub(crate) async fn settle_block(&self, block: Vec<Candidate>) -> (Vec<(Candidate, Conclusion)>, Found) {
        let mut at_hand: HashMap<String, u64> = HashMap::new();
        let mut sought: HashMap<String, Sought> = HashMap::new();
        for row in &block {
            let Ok(named) = &row.named else { continue };
            if self.remembered(row).is_some()
                || at_hand.contains_key(&named.folded)
                || sought.contains_key(&named.folded)
            {
                continue;
            }
            // What has proved wrong once in this run is not believed again.
            match self.finder.at_hand(named).filter(|_| row.gone.is_none()) {
                Some(id) => {
                    at_hand.insert(named.folded.clone(), id);
                }
                None => {
                    let (value, folded, key_text) = (named.value.clone(), named.folded.clone(), row.key_text.clone());
                    sought.insert(folded.clone(), Sought { value, folded, key_text });
                }
            }
        }
        let mut found = Found::default();
        if self.prepared.kind != MatchKind::Id && !sought.is_empty() {
            let mut sought: Vec<Sought> = sought.into_values().collect();
            sought.sort_unstable_by(|a, b| a.folded.cmp(&b.folded));
            found = self.finder.look_up(sought).await;
        }
        let mut concluded = Vec::with_capacity(block.len());
        for row in block {
            let folded = row.named.as_ref().map(|named| named.folded.as_str()).unwrap_or_default();
            let known = self.remembered(&row).or_else(|| at_hand.get(folded).copied());
            let target = match known {
                Some(id) => Some(Target::Record(id)),
                None => match found.targets.get(folded) {
                    // The record of before is gone, and no other has come in its place.
                    Some(Target::Record(id)) if row.gone == Some(*id) => Some(Target::Missing { sure: true }),
                    Some(Target::Record(id)) if record_id(&id.to_string()).is_none() => {
                        Some(Target::Missing { sure: true })
                    }
                    other => other.cloned(),
                },
            };
            // An id that the row itself names is not to be had otherwise.
            let remembered = known.is_some() && self.prepared.kind != MatchKind::Id;
            let conclusion = self.conclude(&row, target.as_ref(), remembered);
            concluded.push((row, conclusion));
        }
        (concluded, found)
    }

    /// The record that the ledger has for just this value.
    fn remembered(&self, row: &Candidate) -> Option<u64> {
        let (entry, named) = (row.entry.as_ref()?, row.named.as_ref().ok()?);
        let holds = self.prepared.matcher.knows(entry.mapped) && entry.match_hash == named.hash && entry.record_id != 0;
        (holds && row.gone.is_none()).then_some(entry.record_id)
    }

    async fn note(&self, resolved: &mut Resolved, concluded: Vec<(Candidate, Conclusion)>) -> Result<(), EngineError> {
        let mut changes = Vec::new();
        let mut verdicts = Vec::new();
        for (row, conclusion) in concluded {
            changes.extend(conclusion.change);
            debug_assert_eq!(row.position, resolved.slots.len(), "rows come in the order of the spill");
            resolved.slots.push(Slot::of(conclusion.step));
            resolved.going += u64::from(conclusion.step != Step::Nothing);
            resolved.owed.extend(conclusion.owed);
            if let Some(doubt) = conclusion.doubt {
                resolved.doubts.note(doubt);
            }
            match (&conclusion.verdict, row.kind) {
                (Some((Outcome::Unchanged, _)), Kind::Changed) => resolved.same += 1,
                (None, Kind::Recheck) => resolved.differs += 1,
                _ => {}
            }
            if let Some((outcome, reason)) = conclusion.verdict {
                verdicts.push(self.word(row.key, row.key_text, outcome, reason));
            }
        }
        if let Err(error) = self.writer.record(changes).await {
            // Nothing was sent, and whatever these rows say is what the next run finds out again.
            self.tally.many(Outcome::Deferred, verdicts.len() as u64);
            return Err(error);
        }
        for verdict in &verdicts {
            self.tally.ticket().finish(verdict.outcome);
        }
        self.issues.settle(verdicts).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_keeps_what_a_step_says() {
        for step in [
            Step::Nothing,
            Step::ClearUp,
            Step::Go { id: 1, remembered: false, was_joining: false },
            Step::Go { id: (1 << 60) - 1, remembered: true, was_joining: true },
            Step::Go { id: 42, remembered: true, was_joining: false },
        ] {
            assert_eq!(Slot::of(step).step(), step);
        }
    }
}
