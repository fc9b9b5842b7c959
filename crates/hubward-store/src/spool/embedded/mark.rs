//! `mark`: up to where the last segment is durable. What lies behind it may still be torn, cut and written anew, so nobody
//! hands it out.
//!
//! The mark itself is not synced: it is for other processes of a machine that runs. After a power cut it may be older than
//! the truth, never newer, and whoever opens the spool next brings it up to date.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::frame::u64_at;
use crate::StoreError;

const LEN: usize = 32;
/// A reader may meet a half-written mark, for an instant.
const TRIES: u32 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Number of the last segment.
    pub(super) segment: u64,
    /// End of its last durable frame, in bytes.
    pub(super) len: u64,
    /// Number of the next event.
    pub(super) next_seq: u64,
}

#[derive(Debug)]
pub(super) struct MarkFile {
    file: File,
    path: PathBuf,
}

impl MarkFile {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        Ok(Self { file: file.map_err(|e| StoreError::io("opening", path, e))?, path: path.to_owned() })
    }

    pub(super) fn write(&self, mark: Mark) -> Result<(), StoreError> {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&mark.segment.to_le_bytes());
        bytes[8..16].copy_from_slice(&mark.len.to_le_bytes());
        bytes[16..24].copy_from_slice(&mark.next_seq.to_le_bytes());
        let check = xxh3_64_with_seed(&bytes[..24], 1);
        bytes[24..].copy_from_slice(&check.to_le_bytes());
        self.file.write_all_at(&bytes, 0).map_err(|e| StoreError::io("writing", &self.path, e))
    }

    /// None where no process has written one yet.
    pub(super) fn read(&self) -> Result<Option<Mark>, StoreError> {
        let mut bytes = [0; LEN];
        for _ in 0..TRIES {
            let read = self.file.read_at(&mut bytes, 0).map_err(|e| StoreError::io("reading", &self.path, e))?;
            if read == 0 {
                return Ok(None);
            }
            if read == LEN && xxh3_64_with_seed(&bytes[..24], 1) == u64_at(&bytes, 24) {
                return Ok(Some(Mark {
                    segment: u64_at(&bytes, 0),
                    len: u64_at(&bytes, 8),
                    next_seq: u64_at(&bytes, 16),
                }));
            }
            std::thread::yield_now();
        }
        // Torn for good, by a power cut: as if there were none.
        Ok(None)
    }
}
