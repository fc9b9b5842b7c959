//! Scans: which rows of the source are new, changed or unchanged, and afterwards which entries the source no longer has.

use std::collections::BinaryHeap;

use super::base::{Base, bucket_start, hot_fingerprint, hot_key, search};
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
    /// # Panics
    /// If the two slices differ in length.
    pub fn probe(&mut self, keys: &[u128], fingerprints: &[u64], out: &mut Vec<Probe>) {
        assert_eq!(
            keys.len(),
            fingerprints.len(),
            "a key and a fingerprint for each row"
        );
        out.clear();
        out.reserve(keys.len());
        let blocks = keys.chunks(BLOCK).zip(fingerprints.chunks(BLOCK));
        match self.base.take() {
            Some(base) => {
                for (keys, fingerprints) in blocks {
                    self.probe_block(&base, keys, fingerprints, out);
                }
                self.base = Some(base);
            }
            None => {
                for (&key, &fingerprint) in keys.iter().zip(fingerprints) {
                    out.push(self.probe_log(key, fingerprint));
                }
            }
        }
    }

    fn probe_block(
        &mut self,
        base: &Base,
        keys: &[u128],
        fingerprints: &[u64],
        out: &mut Vec<Probe>,
    ) {
        let (hot, directory, header) = (base.hot(), base.directory(), base.header());
        let mut ranges = [(0, 0); BLOCK];
        for (range, &key) in ranges.iter_mut().zip(keys) {
            let bucket = header.bucket(key) as usize;
            *range = (
                bucket_start(directory, bucket),
                bucket_start(directory, bucket + 1),
            );
        }
        let mut rows = [None; BLOCK];
        for ((row, &(start, end)), &key) in rows.iter_mut().zip(&ranges).zip(keys) {
            *row = search(hot, start, end, key);
        }
        for ((row, &key), &fingerprint) in rows.iter().zip(keys).zip(fingerprints) {
            let answer = match *row {
                None => self.probe_log(key, fingerprint),
                Some(row) => match self.rows.bits.both(row) {
                    (_, true) => self.probe_log(key, fingerprint),
                    (true, false) => Probe::SeenAgain,
                    (false, false) => {
                        self.rows.bits.set_seen(row);
                        self.rows.seen += 1;
                        compare(hot_fingerprint(hot, row), fingerprint)
                    }
                },
            };
            out.push(answer);
        }
    }

    fn probe_log(&mut self, key: u128, fingerprint: u64) -> Probe {
        let Some(number) = self.rows.table.find(key) else {
            return Probe::Added;
        };
        let slot = self.rows.table.slot_mut(number);
        if slot.removed {
            return Probe::Added;
        }
        if slot.seen {
            return Probe::SeenAgain;
        }
        slot.seen = true;
        self.rows.seen += 1;
        compare(slot.head.fingerprint, fingerprint)
    }

    /// Gives every entry that the scan has met to `f`, in no particular order.
    pub fn for_each_seen(&self, mut f: impl FnMut(&EntryHead)) {
        if let Some(base) = &self.base {
            for row in 0..base.rows() {
                if self.rows.bits.both(row) == (true, false) {
                    f(&base.head(row));
                }
            }
        }
        for slot in self.rows.table.iter() {
            if slot.seen && !slot.removed {
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
    pub fn unseen_batch(
        &self,
        after: Option<u128>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
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
            for row in first..base.rows() {
                if taken == limit {
                    break;
                }
                if self.rows.bits.both(row) == (false, false) {
                    keep_smallest(&mut keys, hot_key(base.hot(), row), limit);
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
            let wanted = move |&row: &usize| {
                let (seen, overridden) = rows.bits.both(row);
                !overridden && (!only_unseen || !seen)
            };
            (0..base.rows())
                .filter(wanted)
                .map(move |row| self.base_entry(base, row))
        });
        let wanted = move |slot: &&Slot| !slot.removed && (!only_unseen || !slot.seen);
        let of_log = rows
            .table
            .iter()
            .filter(wanted)
            .map(move |slot| self.slot_entry(slot));
        of_base.chain(of_log)
    }
}

fn compare(known: u64, found: u64) -> Probe {
    if known == found {
        Probe::Unchanged
    } else {
        Probe::Changed
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
