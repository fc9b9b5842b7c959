//! `index-N`: hash and time of each event of a segment that is complete. From it the duplicates of the window are known
//! again after a restart, also when the segment is gone, and the age of the oldest event is found without reading events.
//!
//! ```text
//! file   check of the rest (8), number of the first event (8), events (8), then for each: hash (16), received at (8)
//! ```

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::folder::Folder;
use super::frame::u64_at;
use crate::StoreError;
use crate::files::{sync_dir, write_durably};

const HEADER: usize = 24;
const ENTRY: usize = 24;

/// What is kept of an event when the event itself is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IndexEntry {
    pub(super) hash: u128,
    pub(super) received_at_ms: i64,
}

/// Writes the index of a segment, durable when it returns.
pub(super) fn write(folder: &Folder, first_seq: u64, entries: &[IndexEntry]) -> Result<(), StoreError> {
    let mut bytes = vec![0; HEADER];
    bytes.reserve(entries.len() * ENTRY);
    bytes[8..16].copy_from_slice(&first_seq.to_le_bytes());
    bytes[16..24].copy_from_slice(&(entries.len() as u64).to_le_bytes());
    for entry in entries {
        bytes.extend_from_slice(&entry.hash.to_le_bytes());
        bytes.extend_from_slice(&entry.received_at_ms.to_le_bytes());
    }
    let check = xxh3_64_with_seed(&bytes[8..], 2);
    bytes[..8].copy_from_slice(&check.to_le_bytes());
    let (temporary, path) = (folder.file("index.new"), folder.index(first_seq));
    write_durably(&temporary, &bytes)?;
    fs::rename(&temporary, &path).map_err(|e| StoreError::io("renaming", &path, e))?;
    sync_dir(folder.path())
}

/// The entries of a segment's index; none if there is no good one.
pub(super) fn read(folder: &Folder, first_seq: u64) -> Result<Option<Vec<IndexEntry>>, StoreError> {
    let path = folder.index(first_seq);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::io("reading", &path, e)),
    };
    let good = bytes.len() >= HEADER
        && xxh3_64_with_seed(&bytes[8..], 2) == u64_at(&bytes, 0)
        && u64_at(&bytes, 8) == first_seq;
    Ok(good.then(|| bytes[HEADER..].chunks_exact(ENTRY).map(entry).collect()))
}

/// When an event of a complete segment was received; none where the index does not hold it.
pub(super) fn received_at(folder: &Folder, first_seq: u64, seq: u64) -> Option<i64> {
    let file = File::open(folder.index(first_seq)).ok()?;
    let mut bytes = [0; ENTRY];
    file.read_exact_at(&mut bytes, HEADER as u64 + (seq - first_seq) * ENTRY as u64).ok()?;
    Some(entry(&bytes).received_at_ms)
}

fn entry(bytes: &[u8]) -> IndexEntry {
    let hash = bytes.first_chunk().map_or(0, |chunk| u128::from_le_bytes(*chunk));
    IndexEntry { hash, received_at_ms: u64_at(bytes, 16).cast_signed() }
}
