//! The rows of a spill that differ from the ledger, block by block, each with its match value and what the ledger holds.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use hubward_core::Reason;
use hubward_core::membership::{Before, Standing, owed_ids};
use hubward_store::{Entry, Ledger};

use crate::duplicates::duplicate_key;
use crate::error::EngineError;
use crate::list::find::VALUES_MAX;
use crate::list::prepare::{Named, Prepared};
use crate::scan::{Duplicate, Scan};
use crate::spill::{Kind, SpillReader};

/// Rows of a block: as many as fill whole look-ups. A batch of the spill more is held at most.
const BLOCK_ROWS: usize = 100 * VALUES_MAX;

/// A row that differs.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// Its place in the spill.
    pub(crate) position: usize,
    pub(crate) key: u128,
    pub(crate) fingerprint: u64,
    pub(crate) kind: Kind,
    pub(crate) key_text: String,
    pub(crate) named: Result<Named, Unfit>,
    pub(crate) entry: Option<Entry>,
    /// A record that was tried for it in this run and that HubSpot does not know.
    pub(crate) gone: Option<u64>,
}

/// Why a row cannot name a record.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// Its value is missing or can be no match value.
    Value(Reason),
    /// Another row has its primary key: which of them is meant is not ours to guess.
    Key(Reason),
}

impl Candidate {
    /// What the ledger holds of its membership. A record that is gone is on no list.
    pub(crate) fn before(&self) -> Option<Before> {
        let entry = self.entry.as_ref()?;
        Some(Before {
            standing: Standing::of(entry.mapped),
            record_id: if self.gone == Some(entry.record_id) { 0 } else { entry.record_id },
            owed: owed_ids(&entry.payload.written),
        })
    }
}

/// Reads the spill once.
pub(crate) struct Rows {
    prepared: Arc<Prepared>,
    reader: SpillReader,
    position: usize,
    /// Read, and not given out yet.
    waiting: VecDeque<Candidate>,
    duplicates: HashMap<u128, Duplicate>,
    /// Rows of each duplicate key that the spill has.
    spilled: HashMap<u128, u64>,
}

impl Rows {
    pub(crate) fn new(prepared: &Arc<Prepared>, scan: &mut Scan) -> Result<Self, EngineError> {
        Ok(Self {
            prepared: Arc::clone(prepared),
            reader: scan.spill.read()?,
            position: 0,
            waiting: VecDeque::new(),
            duplicates: std::mem::take(&mut scan.duplicates),
            spilled: HashMap::new(),
        })
    }

    /// The next block; empty after the last row. Blocking.
    pub(crate) fn next_block(&mut self, ledger: &Ledger) -> Result<Vec<Candidate>, EngineError> {
        while self.waiting.len() < BLOCK_ROWS
            && let Some((batch, marks)) = self.reader.next_batch()?
        {
            for (row, mark) in marks.iter().enumerate() {
                let (key_text, named) = self.prepared.judge(&batch, row)?;
                let mut named = named.map_err(Unfit::Value);
                if let Some(duplicate) = self.duplicates.get(&mark.key) {
                    *self.spilled.entry(mark.key).or_default() += 1;
                    named = Err(Unfit::Key(duplicate_key(&key_text, mark.ordinal, duplicate)));
                }
                let entry = if mark.kind == Kind::Added { None } else { ledger.get(mark.key)? };
                self.waiting.push_back(Candidate {
                    position: self.position,
                    key: mark.key,
                    fingerprint: mark.fingerprint,
                    kind: mark.kind,
                    key_text,
                    named,
                    entry,
                    gone: None,
                });
                self.position += 1;
            }
        }
        let rows = self.waiting.len().min(BLOCK_ROWS);
        Ok(self.waiting.drain(..rows).collect())
    }

    /// Rows that the scan has counted as unchanged before another row with their key turned up.
    pub(crate) fn miscounted(&self) -> u64 {
        let mut miscounted = 0;
        for (key, found) in &self.duplicates {
            let spilled = self.spilled.get(key).copied().unwrap_or_default();
            miscounted += u64::from(found.in_ledger && spilled == found.ordinals.len() as u64);
        }
        miscounted
    }
}
