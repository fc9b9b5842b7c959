//! The ledger: what HubSpot has confirmed, by row key.
//!
//! One folder for each account and sync:
//!
//! ```text
//! LOCK      held while the ledger is open
//! MANIFEST  which generation is valid, and the caller's meta
//! base-N    the rows, sorted by key, immutable, memory-mapped
//! heap-M    the payloads of the base's rows
//! log-N     what changed since base-N, durable frame by frame
//! ```
//!
//! A change counts once its frame is on the disk; a compaction writes the next generation beside the valid one and then
//! replaces the manifest, so a kill at any moment leaves a valid state. Memory holds the keys of the log (90 bytes each,
//! bounded by [`LedgerOptions::max_log_entries`] as long as the caller compacts when due) and two bits for each row.
//!
//! Left to the caller: when to scan, when to compact, hashing, and what a fingerprint means.

mod base;
mod base_writer;
mod compact;
mod entry;
mod heap;
mod intents;
mod log;
mod log_table;
mod manifest;
mod open;
mod options;
mod record;
mod row_bits;
mod rows;
mod scan;

use std::fs::File;
use std::path::{Path, PathBuf};

use base::{Base, BaseRow};
use entry::decode_payload;
pub use entry::{Change, Entry, EntryHead, Intent, Intents, Payload, Probe};
use heap::Heap;
use log::Log;
use log_table::Slot;
pub use manifest::LedgerMeta;
use manifest::Manifest;
pub use options::{LedgerOptions, Step, StepHook};
use rows::Rows;

use crate::StoreError;

/// An open ledger. Only one can be open for a folder, in all processes together.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
    options: LedgerOptions,
    manifest: Manifest,
    /// Absent in generation 0, whose base is empty.
    base: Option<Base>,
    heap: Heap,
    log: Log,
    rows: Rows,
    /// Memory and disk may differ, or the manifest was replaced but perhaps not durably: only opening again tells.
    poisoned: bool,
    /// Holds the lock; closing it lets go.
    _lock: File,
}

/// Where a live entry is.
enum Place {
    Base(BaseRow),
    Log(u32),
}

impl Ledger {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len == 0
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the caller keeps beside the rows.
    #[must_use]
    pub fn meta(&self) -> &LedgerMeta {
        &self.manifest.meta
    }

    /// Replaces the meta as a whole; the old or the new one survives a kill.
    ///
    /// # Errors
    /// The disk refused; the ledger then still has the old meta, or is [`StoreError::Poisoned`] for further changes.
    pub fn set_meta(&mut self, meta: LedgerMeta) -> Result<(), StoreError> {
        self.check_usable()?;
        let next = Manifest { meta, ..self.manifest.clone() };
        manifest::prepare(&self.dir, &next)?;
        self.step(Step::MetaPrepared)?;
        if let Err(e) = manifest::publish(&self.dir) {
            // A rename that reports a failure may yet have happened.
            self.poisoned = true;
            return Err(e);
        }
        self.manifest = next;
        let sealed = self.step(Step::MetaPublished).and_then(|()| manifest::seal(&self.dir));
        self.poisoned = sealed.is_err();
        sealed
    }

    /// The entry of a key, with its payload read from the disk.
    ///
    /// # Errors
    /// The payload cannot be read or does not match its checksum.
    pub fn get(&self, key: u128) -> Result<Option<Entry>, StoreError> {
        match self.place(key)? {
            None => Ok(None),
            Some(Place::Log(number)) => self.slot_entry(self.rows.table.slot(number)).map(Some),
            Some(Place::Base(row)) => self.base_entry(&row).map(Some),
        }
    }

    /// The entry of a key without its payload: one short read at most.
    ///
    /// # Errors
    /// The base cannot be read.
    pub fn lookup(&self, key: u128) -> Result<Option<EntryHead>, StoreError> {
        Ok(self.place(key)?.map(|place| match place {
            Place::Log(number) => self.rows.table.slot(number).head,
            Place::Base(row) => row.head,
        }))
    }

    /// Intents without an outcome, by ascending time.
    ///
    /// # Errors
    /// The text of one cannot be read or does not match its checksum.
    pub fn intents(&self) -> Result<Vec<Intent>, StoreError> {
        self.rows.intents.all(&self.log)
    }

    /// Writes the changes as one frame and returns once it is durable: all of them count, or none.
    ///
    /// An entry that is confirmed while a scan is under way counts as seen by it.
    ///
    /// # Errors
    /// [`StoreError::UnknownKey`] for a fingerprint or associations of an unknown row or the confirmation of an intent that
    /// does not stand, and [`StoreError::TooLarge`], before anything is written; [`StoreError::DiskFull`] and [`StoreError::Io`] when the disk refused: none of the changes counts.
    pub fn append(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        self.check_usable()?;
        if changes.is_empty() {
            return Ok(());
        }
        let mut frame = Log::start_frame();
        if let Some(key) = self.rows.intents.missing(changes) {
            return Err(StoreError::UnknownKey { key });
        }
        for (i, change) in changes.iter().enumerate() {
            if let Change::Refingerprint { key, .. } | Change::Associated { key, .. } = change {
                self.check_known(*key, &changes[..i])?;
            }
            record::encode(change, &mut frame)?;
        }
        let options = &self.options;
        let body_at = self.log.append(&mut frame, || options.step(Step::FrameWritten))?;
        let taken = self.rows.replay(self.base.as_ref(), body_at, Log::body_of(&frame), self.log.path());
        // The frame is on the disk, so memory that has taken only a part of it must not be built upon.
        self.poisoned = taken.is_err();
        taken
    }

    /// Reads everything and checks it against the checksums: the base, and the payload of every entry. The log was checked
    /// when it was opened.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the file and what is wrong.
    pub fn verify(&self) -> Result<(), StoreError> {
        if let Some(base) = &self.base {
            base.verify()?;
        }
        for entry in self.iter() {
            entry?;
        }
        Ok(())
    }

    fn check_usable(&self) -> Result<(), StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned { path: manifest::path(&self.dir) });
        }
        Ok(())
    }

    fn check_known(&self, key: u128, before: &[Change]) -> Result<(), StoreError> {
        // Looked up first: it costs a moment, where walking through a long frame for each of its changes would not.
        if self.place(key)?.is_some() {
            return Ok(());
        }
        let confirmed = before.iter().any(|change| match change {
            Change::Confirmed(entry) => entry.key == key,
            _ => false,
        });
        if confirmed {
            return Ok(());
        }
        Err(StoreError::UnknownKey { key })
    }

    fn step(&self, step: Step) -> Result<(), StoreError> {
        self.options.step(step).map_err(|e| StoreError::io("writing", &self.dir, e))
    }

    fn place(&self, key: u128) -> Result<Option<Place>, StoreError> {
        if let Some((number, row)) = find(self.base.as_ref(), key)?
            && !self.rows.bits.is_overridden(number)
        {
            return Ok(Some(Place::Base(row)));
        }
        let number = self.rows.table.find(key);
        Ok(number.filter(|&number| !self.rows.table.slot(number).removed).map(Place::Log))
    }

    fn base_entry(&self, row: &BaseRow) -> Result<Entry, StoreError> {
        let bytes = self.heap.read(row.payload)?;
        Ok(row.head.with(decode_payload(&bytes, self.heap.path())?))
    }

    fn slot_entry(&self, slot: &Slot) -> Result<Entry, StoreError> {
        let payload = if slot.in_heap {
            decode_payload(&self.heap.read(slot.payload)?, self.heap.path())?
        } else {
            let bytes = self.log.read(slot.payload.offset(), slot.payload.len())?;
            decode_payload(&bytes, self.log.path())?
        };
        Ok(slot.head.with(payload))
    }
}

fn find(base: Option<&Base>, key: u128) -> Result<Option<(usize, BaseRow)>, StoreError> {
    match base {
        Some(base) => base.find(key),
        None => Ok(None),
    }
}
