//! Intents without an outcome, as memory holds them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::entry::{Intent, PayloadRef};

/// Keys are hashes already; the mixing only guards against callers whose keys are small or regular numbers.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte) ^ u128::from(self.0));
        }
    }

    fn write_u128(&mut self, key: u128) {
        let low = (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (low ^ (low >> 32) ^ (key >> 64) as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// By row key.
pub(super) type ByKey<T> = HashMap<u128, T, BuildHasherDefault<KeyHasher>>;

/// One intent.
#[derive(Clone, Debug)]
pub(super) enum OpenIntent {
    /// Of a single row, with its texts.
    Held(Box<Intent>),
    /// Of one of many rows: its payload lies in the log.
    Kept { payload: PayloadRef, at_ms: i64, note: u8 },
}
