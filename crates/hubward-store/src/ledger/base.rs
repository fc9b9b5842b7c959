//! `base-N`: the sorted, immutable part of a ledger, memory-mapped.
//!
//! ```text
//! header     4096 bytes: magic, format, rows, buckets, checksums
//! hot        rows × 24: key (16), fingerprint (8)            what a probe reads
//! cold       rows × 32: mapped, match hash, record id, payload reference
//! directory  (buckets + 1) × 4: first row of each bucket
//! ```
//!
//! A key's bucket is its upper 64 bits scaled to the number of buckets, so buckets are in key order whatever the keys are;
//! with hashed keys each holds about four rows. Hot and cold are apart because a probe of ten million rows then walks 240 MB
//! instead of 560. All numbers are little-endian.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use xxhash_rust::xxh3::xxh3_64;

use super::entry::{EntryHead, PayloadRef};
use crate::StoreError;
use crate::files::map;

pub(super) const HEADER: usize = 4096;
pub(super) const HOT: usize = 24;
pub(super) const COLD: usize = 32;
const MAGIC: [u8; 8] = *b"HUBWBASE";
const ROWS_PER_BUCKET: u64 = 4;
/// Above this many rows a bucket is searched by halving; hashed keys never come near it.
const LINEAR_LIMIT: usize = 16;
/// Most rows of a base: row numbers have 32 bits.
pub(super) const MAX_ROWS: u64 = u32::MAX as u64 - 1;

/// What the header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) rows: u64,
    pub(super) buckets: u64,
    pub(super) hot_check: u64,
    pub(super) cold_check: u64,
    pub(super) directory_check: u64,
}

impl Header {
    pub(super) fn sized(rows: u64) -> Self {
        Self {
            rows,
            buckets: rows / ROWS_PER_BUCKET + 1,
            ..Self::default()
        }
    }

    pub(super) fn cold_offset(&self) -> u64 {
        HEADER as u64 + self.rows * HOT as u64
    }

    pub(super) fn directory_offset(&self) -> u64 {
        self.cold_offset() + self.rows * COLD as u64
    }

    pub(super) fn file_len(&self) -> u64 {
        self.directory_offset() + (self.buckets + 1) * 4
    }

    pub(super) fn bucket(&self, key: u128) -> u64 {
        (((key >> 64) * u128::from(self.buckets)) >> 64) as u64
    }

    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&super::manifest::FORMAT.to_le_bytes());
        for (i, number) in self.numbers().into_iter().enumerate() {
            bytes[16 + i * 8..24 + i * 8].copy_from_slice(&number.to_le_bytes());
        }
        let check = xxh3_64(&bytes[..HEADER - 8]);
        bytes[HEADER - 8..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    fn numbers(&self) -> [u64; 5] {
        [
            self.rows,
            self.buckets,
            self.hot_check,
            self.cold_check,
            self.directory_check,
        ]
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Self, StoreError> {
        if bytes.len() < HEADER || bytes[..8] != MAGIC {
            return Err(StoreError::corrupt(path, "it is not a ledger base"));
        }
        if word(bytes, HEADER - 8) != xxh3_64(&bytes[..HEADER - 8]) {
            return Err(StoreError::corrupt(
                path,
                "its header does not match its checksum",
            ));
        }
        Ok(Self {
            rows: word(bytes, 16),
            buckets: word(bytes, 24),
            hot_check: word(bytes, 32),
            cold_check: word(bytes, 40),
            directory_check: word(bytes, 48),
        })
    }
}

/// An open base.
#[derive(Debug)]
pub(super) struct Base {
    bytes: Mmap,
    header: Header,
    path: PathBuf,
}

impl Base {
    /// Maps a base and checks its header, its length and its directory; the rows are checked by [`Base::verify`].
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => StoreError::corrupt(path, "the file is missing"),
            _ => StoreError::io("opening", path, e),
        })?;
        let bytes = map(&file, path)?;
        let header = Header::decode(&bytes, path)?;
        if header.file_len() != bytes.len() as u64 {
            return Err(StoreError::corrupt(
                path,
                format!(
                    "it has {} bytes instead of {}",
                    bytes.len(),
                    header.file_len()
                ),
            ));
        }
        let base = Self {
            bytes,
            header,
            path: path.to_owned(),
        };
        if xxh3_64(base.directory()) != header.directory_check {
            return Err(StoreError::corrupt(
                path,
                "its directory does not match its checksum",
            ));
        }
        Ok(base)
    }

    pub(super) fn rows(&self) -> usize {
        self.header.rows as usize
    }

    pub(super) fn hot(&self) -> &[u8] {
        &self.bytes[HEADER..self.header.cold_offset() as usize]
    }

    fn cold(&self) -> &[u8] {
        &self.bytes[self.header.cold_offset() as usize..self.header.directory_offset() as usize]
    }

    pub(super) fn directory(&self) -> &[u8] {
        &self.bytes[self.header.directory_offset() as usize..]
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn head(&self, row: usize) -> EntryHead {
        let hot = self.hot();
        let cold = &self.cold()[row * COLD..][..COLD];
        EntryHead {
            key: hot_key(hot, row),
            fingerprint: hot_fingerprint(hot, row),
            mapped: word(cold, 0),
            match_hash: word(cold, 8),
            record_id: word(cold, 16),
        }
    }

    pub(super) fn payload(&self, row: usize) -> PayloadRef {
        PayloadRef::from_bits(word(self.cold(), row * COLD + 24))
    }

    /// The row of a key.
    pub(super) fn find(&self, key: u128) -> Option<usize> {
        let directory = self.directory();
        let bucket = self.header.bucket(key) as usize;
        search(
            self.hot(),
            bucket_start(directory, bucket),
            bucket_start(directory, bucket + 1),
            key,
        )
    }

    /// The first row whose key is greater than `key`.
    pub(super) fn first_after(&self, key: u128) -> usize {
        let hot = self.hot();
        let (mut low, mut high) = (0, self.rows());
        while low < high {
            let middle = low + (high - low) / 2;
            if hot_key(hot, middle) <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Checks every row against the checksums, and that the keys ascend.
    pub(super) fn verify(&self) -> Result<(), StoreError> {
        if xxh3_64(self.hot()) != self.header.hot_check {
            return Err(StoreError::corrupt(
                &self.path,
                "its keys do not match their checksum",
            ));
        }
        if xxh3_64(self.cold()) != self.header.cold_check {
            return Err(StoreError::corrupt(
                &self.path,
                "its rows do not match their checksum",
            ));
        }
        let hot = self.hot();
        for row in 1..self.rows() {
            if hot_key(hot, row - 1) >= hot_key(hot, row) {
                return Err(StoreError::corrupt(
                    &self.path,
                    format!("its keys are out of order at row {row}"),
                ));
            }
        }
        Ok(())
    }
}

pub(super) fn hot_key(hot: &[u8], row: usize) -> u128 {
    let bytes = hot[row * HOT..]
        .first_chunk()
        .expect("a row lies within its section");
    u128::from_le_bytes(*bytes)
}

pub(super) fn hot_fingerprint(hot: &[u8], row: usize) -> u64 {
    word(hot, row * HOT + 16)
}

pub(super) fn bucket_start(directory: &[u8], bucket: usize) -> usize {
    let bytes = directory[bucket * 4..]
        .first_chunk()
        .expect("a bucket lies within the directory");
    u32::from_le_bytes(*bytes) as usize
}

fn word(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(
        *bytes[offset..]
            .first_chunk()
            .expect("a word lies within its section"),
    )
}

/// The row with this key among rows `start..end`.
pub(super) fn search(hot: &[u8], mut start: usize, mut end: usize, key: u128) -> Option<usize> {
    while end - start > LINEAR_LIMIT {
        let middle = start + (end - start) / 2;
        if hot_key(hot, middle) <= key {
            start = middle;
        } else {
            end = middle;
        }
    }
    (start..end).find(|&row| hot_key(hot, row) == key)
}
