//! The second pass's work, request by request: rows that join, then rows that left, then members that nobody names.

use std::collections::VecDeque;
use std::sync::Arc;

use hubward_core::membership::{Standing, owed_ids};
use hubward_core::spec::ListMode;
use hubward_store::{Entry, Ledger, Payload};

use crate::error::EngineError;
use crate::list::desk::Step;
use crate::list::resolve::Slot;
use crate::spill::SpillReader;
use crate::tally::{Tally, Ticket};

/// Entries of the ledger that are read together.
const CHUNK_ROWS: usize = 10_000;

/// What is to be done about one row, removed row or member.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) whose: Whose,
    /// As the ledger has it.
    pub(crate) entry: Entry,
    /// Of the row as it is now.
    pub(crate) fingerprint: u64,
    pub(crate) joins: Option<u64>,
    pub(crate) leaves: Vec<u64>,
    /// Of those that are owed an outcome.
    pub(crate) ticket: Option<Ticket>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Row {
        id: u64,
        remembered: bool,
        was_joining: bool,
    },
    /// A row that has its word already, with records that it has given up.
    ClearUp,
    /// A row that left the model.
    Removed,
    /// A member that no row names (`exclusive`).
    Stranger,
}

impl Operation {
    /// Ids that it adds to a request.
    pub(crate) fn ids(&self) -> usize {
        usize::from(self.joins.is_some()) + self.leaves.len()
    }

    /// The operation of a row of the model.
    pub(crate) fn of_row(
        mode: ListMode,
        step: Step,
        entry: Entry,
        fingerprint: u64,
        named: &[u64],
        ticket: impl FnOnce() -> Ticket,
    ) -> Option<Self> {
        let owed = owed_ids(&entry.payload.written);
        let mut leaves: Vec<u64> = owed.into_iter().filter(|id| named.binary_search(id).is_err()).collect();
        let (whose, joins) = match step {
            Step::Nothing => return None,
            Step::ClearUp => (Whose::ClearUp, None),
            Step::Go { id, remembered, was_joining } => {
                let joins = mode != ListMode::Remove;
                if !joins {
                    leaves.push(id);
                }
                (Whose::Row { id, remembered, was_joining }, joins.then_some(id))
            }
        };
        let ticket = (whose != Whose::ClearUp).then(ticket);
        Some(Self { whose, entry, fingerprint, joins, leaves, ticket })
    }
}

/// Gives the work out.
pub(crate) struct Operations {
    pub(crate) mode: ListMode,
    pub(crate) reader: Option<SpillReader>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) position: usize,
    /// Records that rows of the model name, sorted.
    pub(crate) named: Arc<Vec<u64>>,
    /// There are rows that left the model and whose records leave the list.
    pub(crate) removed: bool,
    pub(crate) after: Option<u128>,
    pub(crate) strangers: std::vec::IntoIter<u64>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) ready: VecDeque<Operation>,
    /// Ids of what is ready.
    pub(crate) ids: usize,
}

impl Operations {
    /// Operations of `ids_max` ids together at most, one at the least; none when all are given out. Blocking.
    pub(crate) fn next(&mut self, ledger: &Ledger, ids_max: usize) -> Result<Vec<Operation>, EngineError> {
        // Operations that need no request count for one id.
        while self.ids.max(self.ready.len()) <= ids_max && self.fill(ledger)? {}
        let mut ids = 0;
        let mut given = Vec::new();
        while let Some(operation) = self.ready.front() {
            if !given.is_empty() && (ids + operation.ids() > ids_max || given.len() >= ids_max) {
                break;
            }
            ids += operation.ids();
            given.extend(self.ready.pop_front());
        }
        self.ids -= ids;
        Ok(given)
    }

    /// What was not given out.
    pub(crate) fn left(self) -> impl Iterator<Item = Operation> {
        self.ready.into_iter()
    }

    fn push(&mut self, operation: Operation) {
        self.ids += operation.ids();
        self.ready.push_back(operation);
    }

    /// Makes more work ready; false when there is none.
    fn fill(&mut self, ledger: &Ledger) -> Result<bool, EngineError> {
        if let Some(reader) = &mut self.reader {
            let Some((_, marks)) = reader.next_batch()? else {
                self.reader = None;
                return Ok(true);
            };
            for mark in marks {
                let step = self.slots.get(self.position).map_or(Step::Nothing, |slot| slot.step());
                self.position += 1;
                if step == Step::Nothing {
                    continue;
                }
                let Some(entry) = ledger.get(mark.key)? else { continue };
                let (tally, named) = (&self.tally, Arc::clone(&self.named));
                let operation = Operation::of_row(self.mode, step, entry, mark.fingerprint, &named, || tally.ticket());
                if let Some(operation) = operation {
                    self.push(operation);
                }
            }
            return Ok(true);
        }
        if self.removed {
            let entries = ledger.unseen_batch(self.after, CHUNK_ROWS)?;
            match entries.last() {
                Some(last) => self.after = Some(last.key),
                None => self.removed = false,
            }
            for entry in entries {
                let mut leaves = owed_ids(&entry.payload.written);
                if Standing::of(entry.mapped).may_be_in() && entry.record_id != 0 {
                    leaves.push(entry.record_id);
                }
                leaves.retain(|id| self.named.binary_search(id).is_err());
                let ticket = Some(self.tally.ticket());
                self.push(Operation { whose: Whose::Removed, entry, fingerprint: 0, joins: None, leaves, ticket });
            }
            return Ok(true);
        }
        let before = self.ready.len();
        while self.ready.len() - before < CHUNK_ROWS
            && let Some(id) = self.strangers.next()
        {
            let payload = Payload { key_text: format!("member {id}"), ..Payload::default() };
            let entry =
                Entry { key: 0, fingerprint: 0, mapped: 0, match_hash: 0, record_id: id, associated: 0, payload };
            self.push(Operation {
                whose: Whose::Stranger,
                entry,
                fingerprint: 0,
                joins: None,
                leaves: vec![id],
                ticket: None,
            });
        }
        Ok(self.ready.len() > before)
    }
}
