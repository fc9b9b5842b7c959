//! Which events were accepted lately, told by (source, message id): 128 bits of hash in tables, one or more for each hour.
//!
//! 128 bits because a collision would be an event that is taken for a duplicate and lost. A table is closed when it is
//! nearly as full as it may get before it would double, so an event takes about twenty bytes.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::Xxh3;

/// An hour in milliseconds: the grain of the window.
const HOUR_MS: i64 = 3_600_000;
/// Events of one table: seven eighths of a power of two, where the standard table would grow.
const TABLE_MAX: usize = (1 << 20) / 8 * 7;

pub(super) fn hash(source: &[u8], message_id: &[u8]) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(&(source.len() as u64).to_le_bytes());
    hasher.update(source);
    hasher.update(message_id);
    hasher.digest128()
}

/// The bits are a hash already.
#[derive(Debug, Default)]
pub(super) struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

/// A set of such hashes.
pub(super) type Hashes = HashSet<u128, BuildHasherDefault<Already>>;

/// The events of the window, at most so many.
#[derive(Debug)]
pub(super) struct Seen {
    /// From the oldest hour to the newest.
    tables: VecDeque<(i64, Hashes)>,
    window_ms: i64,
    max: usize,
    len: usize,
}

impl Seen {
    pub(super) fn new(window_ms: i64, max: usize) -> Self {
        Self { tables: VecDeque::new(), window_ms, max, len: 0 }
    }

    /// Whether this event was accepted within the window before `at_ms`; the window is kept to the hour, never shorter.
    pub(super) fn contains(&self, hash: u128, at_ms: i64) -> bool {
        let oldest = hour(at_ms.saturating_sub(self.window_ms));
        self.tables.iter().rev().any(|(hour, table)| *hour >= oldest && table.contains(&hash))
    }

    pub(super) fn insert(&mut self, hash: u128, at_ms: i64) {
        let hour = hour(at_ms);
        // Only a clock that was set back puts an event before the newest hour; it counts as of that hour.
        let fits = |(newest, table): &(i64, Hashes)| *newest >= hour && table.len() < TABLE_MAX;
        if !self.tables.back().is_some_and(fits) {
            let newest = self.tables.back().map_or(hour, |(newest, _)| hour.max(*newest));
            self.tables.push_back((newest, Hashes::default()));
            self.forget(newest);
        }
        if let Some((_, table)) = self.tables.back_mut()
            && table.insert(hash)
        {
            self.len += 1;
        }
    }

    /// Forgets the hours that have left the window, and the oldest tables while there are too many events.
    fn forget(&mut self, newest: i64) {
        let oldest = hour((newest * HOUR_MS).saturating_sub(self.window_ms));
        while let Some((hour, table)) = self.tables.front() {
            if *hour >= oldest && (self.len <= self.max || self.tables.len() == 1) {
                break;
            }
            self.len -= table.len();
            self.tables.pop_front();
        }
    }
}

fn hour(at_ms: i64) -> i64 {
    at_ms.div_euclid(HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * HOUR_MS;

    #[test]
    fn an_event_is_known_for_the_whole_window_and_forgotten_after_it() {
        let mut seen = Seen::new(DAY_MS, 1_000);
        let one = hash(b"web", b"1");
        seen.insert(one, 10);
        assert!(seen.contains(one, DAY_MS));
        assert!(seen.contains(one, DAY_MS + HOUR_MS - 1));
        assert!(!seen.contains(one, DAY_MS + HOUR_MS));
        seen.insert(hash(b"web", b"2"), DAY_MS + HOUR_MS);
        assert_eq!(seen.tables.len(), 1, "the old hour's memory is given back");
    }

    #[test]
    fn the_same_id_from_another_source_is_another_event() {
        assert_ne!(hash(b"web", b"1"), hash(b"app", b"1"));
        assert_ne!(hash(b"we", b"b1"), hash(b"web", b"1"));
    }

    #[test]
    fn a_clock_that_was_set_back_forgets_nothing() {
        let mut seen = Seen::new(DAY_MS, 1_000);
        seen.insert(1, 5 * HOUR_MS);
        seen.insert(2, 2 * HOUR_MS);
        assert!(seen.contains(1, 5 * HOUR_MS) && seen.contains(2, 2 * HOUR_MS));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut seen = Seen::new(DAY_MS, 2);
        for (number, hours) in [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)] {
            seen.insert(number, hours * HOUR_MS);
        }
        assert!(!seen.contains(1, 4 * HOUR_MS));
        assert!(seen.contains(5, 4 * HOUR_MS) && seen.contains(4, 4 * HOUR_MS));
        assert!(seen.len <= 3);
    }
}
