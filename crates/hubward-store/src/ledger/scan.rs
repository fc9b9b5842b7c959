//! Scans: which rows of the source are new, changed or unchanged, and afterwards which entries the source no longer has.

use std::collections::BinaryHeap;

use super::base::{Base, bucket_start, tag_at, tag_of};
use super::log_table::Slot;
use super::{Entry, EntryHead, Ledger, Probe};
use crate::StoreError;

/// Rows probed together. Each stage's reads do not depend on one another, so the processor has many cache misses under way
/// at once instead of one after the other.
const BLOCK: usize = 64;

impl Ledger {
    /// Starts a scan: nothing is seen yet.
    pub fn begin_scan(&mut self) {
        self.rows.bits.forget_seen();
        self.rows.table.forget_seen();
        self.rows.seen = 0;
        self.rows.scanning = true;
    }

    /// Compares rows of the source with the ledger and marks their entries as seen. `out` is emptied and gets one answer
    /// for each row, in order. A key that is not in the ledger is `Added` each time it is met: only the caller can tell that
    /// it came twice.
    ///
    /// # Errors
    /// The base cannot be read; the scan must then begin again.
    ///
    /// # Panics
    /// If the two slices differ in length.
    pub fn probe(&mut self, keys: &[u128], fingerprints: &[u64], out: &mut Vec<Probe>) -> Result<(), StoreError> {
        assert_eq!(keys.len(), fingerprints.len(), "a key and a fingerprint for each row");
        out.clear();
        out.reserve(keys.len());
        let mut blocks = keys.chunks(BLOCK).zip(fingerprints.chunks(BLOCK));
        match self.base.take() {
            Some(base) => {
                let probed =
                    blocks.try_for_each(|(keys, fingerprints)| self.probe_block(&base, keys, fingerprints, out));
                self.base = Some(base);
                probed
            }
            None => {
                for (&key, &fingerprint) in keys.iter().zip(fingerprints) {
                    out.push(self.probe_log(key, fingerprint));
                }
                Ok(())
            }
        }
    }

    fn probe_block(
        &mut self,
        base: &Base,
        keys: &[u128],
        fingerprints: &[u64],
        out: &mut Vec<Probe>,
    ) -> Result<(), StoreError> {
        let (tags, directory, header) = (base.tags(), base.directory(), base.header());
        let mut ranges = [(0, 0); BLOCK];
        for (range, &key) in ranges.iter_mut().zip(keys) {
            let bucket = header.bucket(key) as usize;
            *range = (bucket_start(directory, bucket), bucket_start(directory, bucket + 1));
        }
        let mut wanted = [0; BLOCK];
        let mut firsts = [0; BLOCK];
        for (i, (&key, &fingerprint)) in keys.iter().zip(fingerprints).enumerate() {
            let (start, end) = ranges[i];
            wanted[i] = tag_of(key, fingerprint);
            if start < end {
                firsts[i] = tag_at(tags, start);
            }
        }
        for (i, (&key, &fingerprint)) in keys.iter().zip(fingerprints).enumerate() {
            let (start, end) = ranges[i];
            let agreeing = if start < end && firsts[i] == wanted[i] {
                Some(start)
            } else {
                (start + 1..end).find(|&row| tag_at(tags, row) == wanted[i])
            };
            out.push(match agreeing {
                Some(row) => self.mark_row(row, key, fingerprint, Probe::Unchanged),
                None => self.probe_by_key(base, key, fingerprint)?,
            });
        }
        Ok(())
    }

    /// For a row that no tag agrees with: the log or, by the whole key, the base tells whether it is known.
    fn probe_by_key(&mut self, base: &Base, key: u128, fingerprint: u64) -> Result<Probe, StoreError> {
        if let Some(number) = self.rows.table.find(key) {
            return Ok(self.mark_slot(number, fingerprint));
        }
        Ok(match base.find(key)? {
            Some((row, _)) => self.mark_row(row, key, fingerprint, Probe::Changed),
            None => Probe::Added,
        })
    }

    /// Marks a row of the base as seen, unless the log knows better.
    fn mark_row(&mut self, row: usize, key: u128, fingerprint: u64, answer: Probe) -> Probe {
        match self.rows.bits.both(row) {
            (_, true) => self.probe_log(key, fingerprint),
            (true, false) => Probe::SeenAgain,
            (false, false) => {
                self.rows.bits.set_seen(row);
                self.rows.seen += 1;
                answer
            }
        }
    }

    fn probe_log(&mut self, key: u128, fingerprint: u64) -> Probe {
        match self.rows.table.find(key) {
            Some(number) => self.mark_slot(number, fingerprint),
            None => Probe::Added,
        }
    }

    fn mark_slot(&mut self, number: u32, fingerprint: u64) -> Probe {
        let slot = self.rows.table.slot_mut(number);
        if slot.removed {
            return Probe::Added;
        }
        if slot.seen {
            return Probe::SeenAgain;
        }
        slot.seen = true;
        self.rows.seen += 1;
        if slot.head.fingerprint == fingerprint { Probe::Unchanged } else { Probe::Changed }
    }

    /// Gives every entry that the scan has met to `f`, in no particular order.
    pub fn for_each_seen(&self, mut f: impl FnMut(&EntryHead)) {
        if let Some(base) = &self.base {
            for (_, row) in base.rows_where(|row| self.rows.bits.both(row) == (true, false)) {
                f(&row.head);
            }
        }
        for slot in self.rows.table.iter() {
            if slot.seen && !slot.removed {
                f(&slot.head);
            }
        }
    }

    /// Gives every entry to `f`, in no particular order, without reading payloads.
    pub fn for_each(&self, mut f: impl FnMut(&EntryHead)) {
        if let Some(base) = &self.base {
            for (_, row) in base.rows_where(|row| !self.rows.bits.is_overridden(row)) {
                f(&row.head);
            }
        }
        for slot in self.rows.table.iter() {
            if !slot.removed {
                f(&slot.head);
            }
        }
    }

    /// Number of entries that the scan has not met. Means removed rows only if the source was read to its end.
    #[must_use]
    pub fn unseen_count(&self) -> u64 {
        self.rows.len - self.rows.seen
    }

    /// The entries that the scan has not met, in no particular order. An item is an error where its payload cannot be read.
    pub fn unseen(&self) -> impl Iterator<Item = Result<Entry, StoreError>> + '_ {
        self.entries(true)
    }

    /// The next `limit` entries that the scan has not met, by ascending key, after the key `after`. For callers that change
    /// the ledger between one batch and the next; a compaction in between does no harm.
    ///
    /// # Errors
    /// A payload cannot be read or does not match its checksum.
    pub fn unseen_batch(&self, after: Option<u128>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut keys = BinaryHeap::new();
        for slot in self.rows.table.iter() {
            let key = slot.head.key;
            if !slot.removed && !slot.seen && after.is_none_or(|after| key > after) {
                keep_smallest(&mut keys, key, limit);
            }
        }
        if let Some(base) = &self.base {
            let first = after.map_or(0, |after| base.first_after(after));
            let mut taken = 0;
            for number in first..base.rows() {
                if taken == limit {
                    break;
                }
                if self.rows.bits.both(number) == (false, false) {
                    keep_smallest(&mut keys, base.row(number)?.head.key, limit);
                    taken += 1;
                }
            }
        }
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys.into_sorted_vec() {
            entries.extend(self.get(key)?);
        }
        Ok(entries)
    }

    /// All entries, in no particular order. An item is an error where its payload cannot be read.
    pub fn iter(&self) -> impl Iterator<Item = Result<Entry, StoreError>> + '_ {
        self.entries(false)
    }

    fn entries(&self, only_unseen: bool) -> impl Iterator<Item = Result<Entry, StoreError>> + '_ {
        let rows = &self.rows;
        let of_base = self.base.iter().flat_map(move |base| {
            let wanted = move |row| {
                let (seen, overridden) = rows.bits.both(row);
                !overridden && (!only_unseen || !seen)
            };
            base.rows_where(wanted).map(|(_, row)| self.base_entry(&row))
        });
        let wanted = move |slot: &&Slot| !slot.removed && (!only_unseen || !slot.seen);
        let of_log = rows.table.iter().filter(wanted).map(move |slot| self.slot_entry(slot));
        of_base.chain(of_log)
    }
}

fn keep_smallest(keys: &mut BinaryHeap<u128>, key: u128, limit: usize) {
    if keys.len() < limit {
        keys.push(key);
    } else if keys.peek().is_some_and(|&largest| key < largest) {
        keys.pop();
        keys.push(key);
    }
}
