//! Writes a `base-N` from entries that come in ascending order of key; the number of rows is known before.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3Default;

use super::base::Header;
use super::entry::{EntryHead, PayloadRef};
use crate::StoreError;

const BUFFER: usize = 1 << 18;

/// One section of the file, hashed as it is written.
struct Section {
    file: BufWriter<File>,
    hasher: Xxh3Default,
}

impl Section {
    /// Each section has a handle of its own, because handles made by cloning share one position.
    fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self {
            file: BufWriter::with_capacity(BUFFER, file),
            hasher: Xxh3Default::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.file.write_all(bytes)
    }

    fn finish(mut self) -> io::Result<u64> {
        self.file.flush()?;
        Ok(self.hasher.digest())
    }
}

pub(super) struct BaseWriter {
    path: PathBuf,
    header: Header,
    hot: Section,
    cold: Section,
    directory: Section,
    /// Rows written.
    written: u64,
    /// Buckets whose first row is known.
    started: u64,
}

impl BaseWriter {
    /// Starts the file, in place of one that a cut-off compaction left.
    pub(super) fn create(path: &Path, rows: u64) -> Result<Self, StoreError> {
        let header = Header::sized(rows);
        let open = || {
            File::create(path)?.set_len(header.file_len())?;
            Ok(Self {
                path: path.to_owned(),
                header,
                hot: Section::open(path, super::base::HEADER as u64)?,
                cold: Section::open(path, header.cold_offset())?,
                directory: Section::open(path, header.directory_offset())?,
                written: 0,
                started: 0,
            })
        };
        open().map_err(|e| StoreError::io("writing", path, e))
    }

    pub(super) fn push(&mut self, head: &EntryHead, payload: PayloadRef) -> Result<(), StoreError> {
        self.write(head, payload)
            .map_err(|e| StoreError::io("writing", &self.path, e))
    }

    fn write(&mut self, head: &EntryHead, payload: PayloadRef) -> io::Result<()> {
        self.start_buckets(self.header.bucket(head.key) + 1)?;
        let mut hot = [0; super::base::HOT];
        hot[..16].copy_from_slice(&head.key.to_le_bytes());
        hot[16..].copy_from_slice(&head.fingerprint.to_le_bytes());
        self.hot.write(&hot)?;
        let mut cold = [0; super::base::COLD];
        cold[..8].copy_from_slice(&head.mapped.to_le_bytes());
        cold[8..16].copy_from_slice(&head.match_hash.to_le_bytes());
        cold[16..24].copy_from_slice(&head.record_id.to_le_bytes());
        cold[24..].copy_from_slice(&payload.bits().to_le_bytes());
        self.cold.write(&cold)?;
        self.written += 1;
        Ok(())
    }

    /// Gives the buckets before `until` that have no first row yet the next row as theirs.
    fn start_buckets(&mut self, until: u64) -> io::Result<()> {
        while self.started < until {
            self.directory.write(&(self.written as u32).to_le_bytes())?;
            self.started += 1;
        }
        Ok(())
    }

    /// Ends the file and makes it durable.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        assert_eq!(
            self.written, self.header.rows,
            "the ledger's count is the number of its live entries"
        );
        let path = self.path.clone();
        let end = || -> io::Result<()> {
            self.start_buckets(self.header.buckets + 1)?;
            self.header.hot_check = self.hot.finish()?;
            self.header.cold_check = self.cold.finish()?;
            self.header.directory_check = self.directory.finish()?;
            let mut file = OpenOptions::new().write(true).open(&self.path)?;
            file.write_all(&self.header.encode())?;
            file.sync_all()
        };
        end().map_err(|e| StoreError::io("writing", &path, e))
    }
}
