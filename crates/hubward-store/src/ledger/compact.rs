//! Compaction: base and log become the base of the next generation.
//!
//! Everything of the new generation is durable beside the old one before the manifest is replaced, and nothing in memory
//! changes before that either; so a failure leaves the ledger as it was, and a kill leaves one of the two.

use std::fs::{self, OpenOptions};
use std::path::Path;

use super::base::{Base, BaseRow, MAX_ROWS};
use super::base_writer::BaseWriter;
use super::entry::PayloadRef;
use super::heap::{Heap, HeapWriter};
use super::intents::OpenIntents;
use super::log::Log;
use super::log_table::{LogTable, Slot};
use super::manifest::{self, Manifest};
use super::open::{base_path, delete_leftovers, heap_path, log_path};
use super::options::Step;
use super::row_bits::RowBits;
use super::{Ledger, Rows};
use crate::StoreError;

/// The next generation, durable but not valid yet.
struct Prepared {
    manifest: Manifest,
    base: Base,
    heap: Heap,
    log: Log,
    intents: OpenIntents,
    bits: RowBits,
}

impl Ledger {
    /// Compacts if the log has grown past one of the bounds of the options; tells whether it did.
    ///
    /// # Errors
    /// As [`Ledger::compact`].
    pub fn compact_if_due(&mut self) -> Result<bool, StoreError> {
        let due = self.is_compaction_due();
        if due {
            self.compact()?;
        }
        Ok(due)
    }

    /// Compacts if the log has grown past what memory and the next opening can bear, whatever the base's size; tells whether it
    /// did. For the middle of a long run, where each compaction writes the whole base anew; [`Ledger::compact_if_due`] is for its
    /// end.
    ///
    /// # Errors
    /// As [`Ledger::compact`].
    pub fn compact_if_full(&mut self) -> Result<bool, StoreError> {
        let full = self.is_full();
        if full {
            self.compact()?;
        }
        Ok(full)
    }

    fn is_full(&self) -> bool {
        self.log_entries() > self.options.max_log_entries || self.log.len() > self.options.max_log_bytes
    }

    fn is_compaction_due(&self) -> bool {
        let options = &self.options;
        let base_rows = self.base.as_ref().map_or(0, Base::rows) as u64;
        let by_part = options.min_log_entries.max(base_rows / 100 * options.max_log_percent);
        self.log_entries() > by_part || self.is_full()
    }

    fn log_entries(&self) -> u64 {
        self.rows.table.len() as u64 + self.rows.dropped
    }

    /// Merges base and log into the next generation. Works in the middle of a scan: what was seen stays seen.
    ///
    /// # Errors
    /// The disk refused or is full. The ledger then stands as before and takes further changes, except after a failure at the
    /// very end, when it is [`StoreError::Poisoned`] until it is opened again.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        self.check_usable()?;
        if self.rows.len > MAX_ROWS {
            return Err(StoreError::TooLarge { what: "the number of rows of one sync", limit: MAX_ROWS });
        }
        let prepared = match self.prepare_generation() {
            Ok(prepared) => prepared,
            Err(e) => {
                self.undo();
                return Err(e);
            }
        };
        if let Err(e) = manifest::publish(&self.dir) {
            // A rename that reports a failure may yet have happened, so neither generation may be touched any more.
            self.poisoned = true;
            return Err(e);
        }
        // From here on the new generation is what the next opener finds.
        self.manifest = prepared.manifest;
        self.base = Some(prepared.base);
        self.heap = prepared.heap;
        self.log = prepared.log;
        let old = std::mem::take(&mut self.rows);
        self.rows =
            Rows { table: LogTable::default(), bits: prepared.bits, dropped: 0, intents: prepared.intents, ..old };
        let sealed = self
            .step(Step::ManifestPublished)
            .and_then(|()| manifest::seal(&self.dir))
            .and_then(|()| self.step(Step::OldDoomed));
        self.poisoned = sealed.is_err();
        sealed?;
        delete_leftovers(&self.dir, &self.manifest)
    }

    fn prepare_generation(&self) -> Result<Prepared, StoreError> {
        let generation = self.manifest.generation + 1;
        let dead = self.manifest.heap_len - self.manifest.heap_live;
        let rewrite_heap = dead > self.options.max_dead_payload_bytes && dead > self.manifest.heap_live;
        let (heap_number, heap_start) =
            if rewrite_heap { (self.manifest.heap + 1, 0) } else { (self.manifest.heap, self.manifest.heap_len) };
        let (base_path, heap_path) = (base_path(&self.dir, generation), heap_path(&self.dir, heap_number));
        let mut merge = Merge {
            ledger: self,
            base: BaseWriter::create(&base_path, self.rows.len)?,
            heap: HeapWriter::open(&heap_path, heap_start)?,
            rewrite_heap,
            bits: RowBits::new(self.rows.len as usize),
            row: 0,
            heap_live: 0,
        };
        merge.run()?;
        let Merge { base, heap, bits, heap_live, .. } = merge;
        let heap_len = heap.finish()?;
        self.step(Step::HeapWritten)?;
        base.finish()?;
        self.step(Step::BaseWritten)?;
        let (log, intents) = self.begin_log(&log_path(&self.dir, generation), generation)?;
        self.step(Step::LogWritten)?;
        let manifest =
            Manifest { generation, heap: heap_number, heap_len, heap_live, meta: self.manifest.meta.clone() };
        // The names of the new files must be durable before a manifest that speaks of them can be.
        manifest::seal(&self.dir)?;
        manifest::prepare(&self.dir, &manifest)?;
        self.step(Step::ManifestPrepared)?;
        let (base, heap) = (Base::open(&base_path)?, Heap::open(&heap_path, heap_len)?);
        Ok(Prepared { manifest, base, heap, log, intents, bits })
    }

    /// The new generation's log begins with the intents that have no outcome yet.
    fn begin_log(&self, path: &Path, generation: u64) -> Result<(Log, OpenIntents), StoreError> {
        let mut log = Log::create(path, generation)?;
        let intents = self.rows.intents.moved(&self.log, &mut log)?;
        Ok((log, intents))
    }

    /// Takes back what a failed compaction wrote, so that it does not keep the disk full. What fails here is done by the
    /// next opening.
    fn undo(&self) {
        let _ = delete_leftovers(&self.dir, &self.manifest);
        let _ = fs::remove_file(manifest::temporary(&self.dir));
        let heap = OpenOptions::new().write(true).open(self.heap.path());
        if let Ok(file) = heap {
            let _ = file.set_len(self.manifest.heap_len);
        }
        if self.manifest.heap_len == 0 {
            let _ = fs::remove_file(self.heap.path());
        }
    }
}

/// The merge of base and log by ascending key.
struct Merge<'a> {
    ledger: &'a Ledger,
    base: BaseWriter,
    heap: HeapWriter,
    rewrite_heap: bool,
    bits: RowBits,
    row: usize,
    heap_live: u64,
}

impl Merge<'_> {
    fn run(&mut self) -> Result<(), StoreError> {
        let rows = &self.ledger.rows;
        let payloads = self.take_payloads()?;
        let mut slots = rows.table.sorted().into_iter().peekable();
        let of_base = self.ledger.base.iter().flat_map(|base| base.rows_where(|row| !rows.bits.is_overridden(row)));
        for (number, row) in of_base {
            while let Some(number) = slots.next_if(|&number| rows.table.slot(number).head.key < row.head.key) {
                self.take_slot(rows.table.slot(number), payloads[number as usize])?;
            }
            self.take_old(row, rows.bits.is_seen(number))?;
        }
        for number in slots {
            self.take_slot(rows.table.slot(number), payloads[number as usize])?;
        }
        Ok(())
    }

    /// Copies the log's payloads, in the order they lie in, and tells the place of each slot's.
    fn take_payloads(&mut self) -> Result<Vec<PayloadRef>, StoreError> {
        let log = &self.ledger.log;
        let bytes = log.map()?;
        let mut payloads = Vec::with_capacity(self.ledger.rows.table.len());
        for slot in self.ledger.rows.table.iter() {
            if slot.removed || slot.in_heap {
                payloads.push(slot.payload);
                continue;
            }
            let start = slot.payload.offset() as usize;
            let payload = bytes
                .get(start..start + slot.payload.len())
                .ok_or_else(|| StoreError::corrupt(log.path(), "a row refers to bytes behind its end"))?;
            payloads.push(self.heap.push(payload)?);
        }
        Ok(payloads)
    }

    /// `payload` lies in the new heap, unless it was in the old one.
    fn take_slot(&mut self, slot: &Slot, payload: PayloadRef) -> Result<(), StoreError> {
        if slot.removed {
            return Ok(());
        }
        if slot.in_heap {
            let (head, payload) = (slot.head, slot.payload);
            return self.take_old(BaseRow { head, payload }, slot.seen);
        }
        let head = slot.head;
        self.push(BaseRow { head, payload }, slot.seen)
    }

    /// An entry whose payload lies in the old heap.
    fn take_old(&mut self, mut row: BaseRow, seen: bool) -> Result<(), StoreError> {
        if self.rewrite_heap {
            row.payload = self.heap.push(&self.ledger.heap.read(row.payload)?)?;
        }
        self.push(row, seen)
    }

    fn push(&mut self, row: BaseRow, seen: bool) -> Result<(), StoreError> {
        if seen {
            self.bits.set_seen(self.row);
        }
        self.row += 1;
        self.heap_live += row.payload.len() as u64;
        self.base.push(&row)
    }
}
