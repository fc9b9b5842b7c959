//! `base-N`: the sorted, immutable part of a ledger, memory-mapped.
//!
//! ```text
//! header     4096 bytes: magic, format, rows, buckets, checksums
//! tags       rows × 8: hash of key and fingerprint together
//! rows       rows × 64: key (16), fingerprint, mapped, match hash, record id, associations, payload reference
//! directory  (buckets + 1) × 4: first row of each bucket
//! ```
//!
//! A key's bucket is its upper 64 bits scaled to the number of buckets, so buckets are in key order whatever the keys are;
//! with hashed keys each holds about four rows. A probe of an unchanged row reads the directory and one cache line of tags:
//! a tag that agrees says that this key with this fingerprint is there, and is wrong as seldom as a fingerprint of 64 bits is.
//! Only when no tag agrees are the rows themselves read, where the whole key decides. So a probe of ten million unchanged
//! rows walks 90 MB instead of 640. All numbers are little-endian.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::entry::{EntryHead, PayloadRef};
use crate::StoreError;
use crate::files::{map, release};

pub(super) const HEADER: usize = 4096;
pub(super) const TAG: usize = 8;
pub(super) const ROW: usize = 64;
const MAGIC: [u8; 8] = *b"HUBWBASE";
const ROWS_PER_BUCKET: u64 = 4;
/// Above this many rows a bucket is searched by halving; hashed keys never come near it.
const LINEAR_LIMIT: usize = 16;
/// Most rows of a base: row numbers have 32 bits.
pub(super) const MAX_ROWS: u64 = u32::MAX as u64 - 1;
/// Rows read in order after which their pages are let go.
const RELEASE_BEHIND: usize = 1 << 16;

/// What the header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) rows: u64,
    pub(super) buckets: u64,
    pub(super) tags_check: u64,
    pub(super) rows_check: u64,
    pub(super) directory_check: u64,
}

impl Header {
    pub(super) fn sized(rows: u64) -> Self {
        Self { rows, buckets: rows / ROWS_PER_BUCKET + 1, ..Self::default() }
    }

    pub(super) fn rows_offset(&self) -> u64 {
        HEADER as u64 + self.rows * TAG as u64
    }

    pub(super) fn directory_offset(&self) -> u64 {
        self.rows_offset() + self.rows * ROW as u64
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
        [self.rows, self.buckets, self.tags_check, self.rows_check, self.directory_check]
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Self, StoreError> {
        if bytes.len() < HEADER || bytes[..8] != MAGIC {
            return Err(StoreError::corrupt(path, "it is not a ledger base"));
        }
        if word(bytes, HEADER - 8) != xxh3_64(&bytes[..HEADER - 8]) {
            return Err(StoreError::corrupt(path, "its header does not match its checksum"));
        }
        Ok(Self {
            rows: word(bytes, 16),
            buckets: word(bytes, 24),
            tags_check: word(bytes, 32),
            rows_check: word(bytes, 40),
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
    file: File,
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
                format!("it has {} bytes instead of {}", bytes.len(), header.file_len()),
            ));
        }
        let base = Self { bytes, header, path: path.to_owned(), file };
        if xxh3_64(base.directory()) != header.directory_check {
            return Err(StoreError::corrupt(path, "its directory does not match its checksum"));
        }
        Ok(base)
    }

    pub(super) fn rows(&self) -> usize {
        self.header.rows as usize
    }

    pub(super) fn tags(&self) -> &[u8] {
        &self.bytes[HEADER..self.header.rows_offset() as usize]
    }

    fn row_section(&self) -> &[u8] {
        &self.bytes[self.header.rows_offset() as usize..self.header.directory_offset() as usize]
    }

    pub(super) fn directory(&self) -> &[u8] {
        &self.bytes[self.header.directory_offset() as usize..]
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// A row by its number.
    pub(super) fn row(&self, row: usize) -> Result<BaseRow, StoreError> {
        let mut bytes = [0; ROW];
        self.read_rows(row, &mut bytes)?;
        Ok(BaseRow::decode(&bytes, 0))
    }

    /// Reads rows that lie anywhere. Not through the map: each touch would bring sixteen pages into the process's memory.
    fn read_rows(&self, first: usize, bytes: &mut [u8]) -> Result<(), StoreError> {
        let offset = self.header.rows_offset() + (first * ROW) as u64;
        self.file.read_exact_at(bytes, offset).map_err(|e| StoreError::io("reading", &self.path, e))
    }

    /// The wanted rows in order, with their numbers. The memory that they took is let go behind the reading.
    pub(super) fn rows_where<'a>(
        &'a self,
        wanted: impl Fn(usize) -> bool + 'a,
    ) -> impl Iterator<Item = (usize, BaseRow)> + 'a {
        let section = self.row_section();
        let offset = self.header.rows_offset() as usize;
        (0..self.rows()).filter_map(move |row| {
            if row.is_multiple_of(RELEASE_BEHIND) {
                let behind = row.saturating_sub(2 * RELEASE_BEHIND) * ROW;
                release(&self.bytes, offset + behind, offset + row * ROW);
            }
            wanted(row).then(|| (row, BaseRow::decode(section, row)))
        })
    }

    /// The row of a key, with its number.
    pub(super) fn find(&self, key: u128) -> Result<Option<(usize, BaseRow)>, StoreError> {
        let directory = self.directory();
        let bucket = self.header.bucket(key) as usize;
        let (mut start, mut end) = (bucket_start(directory, bucket), bucket_start(directory, bucket + 1));
        while end - start > LINEAR_LIMIT {
            let middle = start + (end - start) / 2;
            if key_at(self.row_section(), middle) <= key {
                start = middle;
            } else {
                end = middle;
            }
        }
        let mut bytes = [0; LINEAR_LIMIT * ROW];
        let rows = end - start;
        if rows > 0 {
            self.read_rows(start, &mut bytes[..rows * ROW])?;
        }
        let found = (0..rows).find(|&row| key_at(&bytes, row) == key);
        Ok(found.map(|row| (start + row, BaseRow::decode(&bytes, row))))
    }

    /// The first row whose key is greater than `key`.
    pub(super) fn first_after(&self, key: u128) -> usize {
        let rows = self.row_section();
        let (mut low, mut high) = (0, self.rows());
        while low < high {
            let middle = low + (high - low) / 2;
            if key_at(rows, middle) <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Checks every row and tag against the checksums, and that the keys ascend.
    pub(super) fn verify(&self) -> Result<(), StoreError> {
        if xxh3_64(self.tags()) != self.header.tags_check {
            return Err(StoreError::corrupt(&self.path, "its tags do not match their checksum"));
        }
        let mut hasher = Xxh3Default::new();
        let mut last = None;
        for (row, found) in self.rows_where(|_| true) {
            hasher.update(&self.row_section()[row * ROW..][..ROW]);
            if last.is_some_and(|last| last >= found.head.key) {
                return Err(StoreError::corrupt(&self.path, format!("its keys are out of order at row {row}")));
            }
            last = Some(found.head.key);
        }
        if hasher.digest() != self.header.rows_check {
            return Err(StoreError::corrupt(&self.path, "its rows do not match their checksum"));
        }
        Ok(())
    }
}

/// One row as it lies in the base.
#[derive(Clone, Copy)]
pub(super) struct BaseRow {
    pub(super) head: EntryHead,
    pub(super) payload: PayloadRef,
}

impl BaseRow {
    fn decode(rows: &[u8], row: usize) -> Self {
        let bytes: &[u8; ROW] = rows[row * ROW..].first_chunk().expect("a row lies within its section");
        Self {
            head: EntryHead {
                key: key_at(bytes, 0),
                fingerprint: word(bytes, 16),
                mapped: word(bytes, 24),
                match_hash: word(bytes, 32),
                record_id: word(bytes, 40),
                associated: word(bytes, 48),
            },
            payload: PayloadRef::from_bits(word(bytes, 56)),
        }
    }

    pub(super) fn encode(&self) -> [u8; ROW] {
        let mut bytes = [0; ROW];
        let head = &self.head;
        bytes[..16].copy_from_slice(&head.key.to_le_bytes());
        let payload = self.payload.bits();
        let numbers = [head.fingerprint, head.mapped, head.match_hash, head.record_id, head.associated, payload];
        for (i, number) in numbers.into_iter().enumerate() {
            bytes[16 + i * 8..24 + i * 8].copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

/// What a probe looks for: this key with this fingerprint.
pub(super) fn tag_of(key: u128, fingerprint: u64) -> u64 {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&key.to_le_bytes());
    bytes[16..].copy_from_slice(&fingerprint.to_le_bytes());
    xxh3_64(&bytes)
}

pub(super) fn tag_at(tags: &[u8], row: usize) -> u64 {
    word(tags, row * TAG)
}

fn key_at(rows: &[u8], row: usize) -> u128 {
    u128::from_le_bytes(*rows[row * ROW..].first_chunk().expect("a row lies within its section"))
}

pub(super) fn bucket_start(directory: &[u8], bucket: usize) -> usize {
    let bytes = directory[bucket * 4..].first_chunk().expect("a bucket lies within the directory");
    u32::from_le_bytes(*bytes) as usize
}

fn word(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(*bytes[offset..].first_chunk().expect("a word lies within its section"))
}
