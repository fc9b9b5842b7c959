//! Doubt: what makes the next run look at a row again and write it, whatever its values have become by then.
//!
//! A write is not undone by a kill that comes before its answer is recorded. So a row that the ledger knows is doubted,
//! durably, before the request that may change its record; what HubSpot confirms ends the doubt. Which rows are doubted for
//! other reasons is the caller's to say.

use hubward_store::{Change, Entry, Payload};

use crate::corridor::Corridor;
use crate::error::EngineError;
use crate::row::Row;
use crate::strategy::Step;

/// In place of the hash of what a row wrote: nobody knows what its record holds. No row hashes to it but by a chance of 2^-64.
pub(crate) const DOUBTED: u64 = 0x4449_4420_4954_3f3f;

/// Odd, so that adding it again and again comes back to a fingerprint only after 2^64 times.
const ANOTHER_FINGERPRINT: u64 = 0x9e37_79b9_7f4a_7c15;

/// Doubts the row with this key, whose columns have this fingerprint now.
pub(crate) fn doubt(key: u128, fingerprint: u64) -> Change {
    Change::Refingerprint { key, fingerprint: !fingerprint, mapped: DOUBTED }
}

/// Doubts the row of an entry, whose fingerprint may be that of its columns or stand for a doubt already.
pub(crate) fn doubt_entry(entry: &Entry) -> Change {
    let fingerprint = entry.fingerprint.wrapping_add(ANOTHER_FINGERPRINT);
    Change::Refingerprint { key: entry.key, fingerprint, mapped: DOUBTED }
}

/// A step that may change what a record holds.
pub(crate) fn writes(step: Step) -> bool {
    matches!(step, Step::Upsert | Step::Update | Step::UpdateOne | Step::Create | Step::ClearStage)
}

impl Corridor {
    /// Doubts those of these rows that the ledger knows, in one frame and once a run.
    pub(crate) async fn doubt_before_writing(&self, rows: &mut [Row]) -> Result<(), EngineError> {
        let mut doubts = Vec::new();
        for row in rows.iter().filter(|row| row.in_ledger && !row.doubted) {
            doubts.push(doubt_row(row));
        }
        self.memory.record(doubts).await?;
        for row in rows {
            row.doubted = true;
        }
        Ok(())
    }
}

/// What may be in the record after this write stands in the bitmap, so that it can be emptied again.
fn doubt_row(row: &Row) -> Change {
    let (ident, doubt) = (&row.ident, doubt(row.ident.key, row.ident.fingerprint));
    let Some(before) = &row.before else { return doubt };
    let written = either(&before.written, &ident.written);
    // A confirmation would end the intent of a create whose answer is lost.
    if written == before.written || row.lost.is_some() {
        return doubt;
    }
    Change::Confirmed(Entry {
        key: ident.key,
        fingerprint: !ident.fingerprint,
        mapped: DOUBTED,
        match_hash: before.match_hash,
        record_id: before.record_id,
        associated: before.associated,
        payload: Payload { key_text: ident.key_text.clone(), match_value: before.match_value.clone(), written },
    })
}

/// The bits that one or both of two bitmaps have.
fn either(one: &[u8], other: &[u8]) -> Vec<u8> {
    let (long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
    let mut bits = long.to_vec();
    for (bit, other) in bits.iter_mut().zip(short) {
        *bit |= other;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fingerprint: u64) -> Entry {
        let payload = Payload { key_text: "1".to_owned(), match_value: None, written: Vec::new() };
        Entry { key: 1, fingerprint, mapped: 5, match_hash: 0, record_id: 9, associated: 0, payload }
    }

    #[test]
    fn a_doubt_on_a_doubt_is_no_trust() {
        let real = 77;
        for mut fingerprint in [real, !real] {
            for _ in 0..3 {
                let Change::Refingerprint { fingerprint: next, mapped, .. } = doubt_entry(&entry(fingerprint)) else {
                    panic!("a doubt is a change of the fingerprint");
                };
                assert!(next != real && mapped == DOUBTED);
                fingerprint = next;
            }
        }
    }

    #[test]
    fn bitmaps_of_different_lengths_are_put_together() {
        assert_eq!(either(&[0b1], &[0b10, 0b1]), [0b11, 0b1]);
        assert_eq!(either(&[0b10, 0b1], &[]), [0b10, 0b1]);
    }
}
