//! The entries of the log in memory: an open-addressed index of 32-bit slot numbers over slots in chunks.
//!
//! The standard map would need twice the memory at the worst moment (it doubles as one piece); the chunks grow by 8,192
//! slots and only the index of 4 bytes per bucket doubles.

use super::entry::{EntryHead, PayloadRef};

const CHUNK: usize = 1 << 13;
const EMPTY: u32 = u32::MAX;

/// One key of the log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    pub(super) head: EntryHead,
    pub(super) payload: PayloadRef,
    /// The payload lies in the heap (the key is in the base and only its hashes changed), not in the log.
    pub(super) in_heap: bool,
    pub(super) removed: bool,
    pub(super) seen: bool,
}

#[derive(Debug, Default)]
pub(super) struct LogTable {
    chunks: Vec<Vec<Slot>>,
    index: Vec<u32>,
    len: usize,
}

impl LogTable {
    /// Number of keys, removed ones included.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn find(&self, key: u128) -> Option<u32> {
        if self.index.is_empty() {
            return None;
        }
        let mask = self.index.len() - 1;
        let mut bucket = bucket_of(key) & mask;
        loop {
            let number = self.index[bucket];
            if number == EMPTY {
                return None;
            }
            if self.slot(number).head.key == key {
                return Some(number);
            }
            bucket = (bucket + 1) & mask;
        }
    }

    pub(super) fn slot(&self, number: u32) -> &Slot {
        let number = number as usize;
        &self.chunks[number / CHUNK][number % CHUNK]
    }

    pub(super) fn slot_mut(&mut self, number: u32) -> &mut Slot {
        let number = number as usize;
        &mut self.chunks[number / CHUNK][number % CHUNK]
    }

    /// Adds a key that is not in the table.
    pub(super) fn insert(&mut self, slot: Slot) -> u32 {
        debug_assert!(self.find(slot.head.key).is_none(), "the key is in the table already");
        if (self.len + 1) * 4 > self.index.len() * 3 {
            self.grow();
        }
        let number = u32::try_from(self.len).expect("compaction keeps the log far below 2^32 keys");
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks[self.len / CHUNK].push(slot);
        self.len += 1;
        place(&mut self.index, slot.head.key, number);
        number
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.chunks.iter().flatten()
    }

    pub(super) fn forget_seen(&mut self) {
        for slot in self.chunks.iter_mut().flatten() {
            slot.seen = false;
        }
    }

    /// Slot numbers by ascending key.
    pub(super) fn sorted(&self) -> Vec<u32> {
        // The upper half decides between hashes, and lies in order where the slots lie anywhere.
        let half = |(number, slot): (usize, &Slot)| ((slot.head.key >> 64) as u64, number as u32);
        let mut numbers: Vec<(u64, u32)> = self.iter().enumerate().map(half).collect();
        let key = |number: u32| self.slot(number).head.key;
        numbers.sort_unstable_by(|one, other| one.0.cmp(&other.0).then_with(|| key(one.1).cmp(&key(other.1))));
        numbers.into_iter().map(|(_, number)| number).collect()
    }

    fn grow(&mut self) {
        let mut index = vec![EMPTY; (self.index.len() * 2).max(64)];
        for (number, slot) in self.iter().enumerate() {
            place(&mut index, slot.head.key, number as u32);
        }
        self.index = index;
    }
}

fn place(index: &mut [u32], key: u128, number: u32) {
    let mask = index.len() - 1;
    let mut bucket = bucket_of(key) & mask;
    while index[bucket] != EMPTY {
        bucket = (bucket + 1) & mask;
    }
    index[bucket] = number;
}

/// Keys are hashes already; the mixing only guards against callers whose keys are small or regular numbers.
fn bucket_of(key: u128) -> usize {
    let low = (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (low ^ (low >> 32) ^ (key >> 64) as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_inserted_key_is_found_and_no_other() {
        let mut table = LogTable::default();
        let key = |i: u128| (i * 0x1_0000_0001) << (i % 90);
        let mut keys: Vec<u128> = (1..40_000).map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        for &key in &keys {
            table.insert(Slot { head: EntryHead { key, ..EntryHead::default() }, ..Slot::default() });
        }
        assert_eq!(table.len(), keys.len());
        for &key in &keys {
            let number = table.find(key).expect("inserted");
            assert_eq!(table.slot(number).head.key, key);
        }
        assert_eq!(table.find(0), None);
        let sorted: Vec<u128> = table.sorted().into_iter().map(|n| table.slot(n).head.key).collect();
        assert_eq!(sorted, keys);
    }
}
