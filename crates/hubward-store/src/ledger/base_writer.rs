//! Writes a `base-N` from entries that come in ascending order of key; the number of rows is known before.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3Default;

use super::base::{BaseRow, Header, tag_of};
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
        Ok(Self { file: BufWriter::with_capacity(BUFFER, file), hasher: Xxh3Default::new() })
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
    tags: Section,
    rows: Section,
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
                tags: Section::open(path, super::base::HEADER as u64)?,
                rows: Section::open(path, header.rows_offset())?,
                directory: Section::open(path, header.directory_offset())?,
                written: 0,
                started: 0,
            })
        };
        open().map_err(|e| StoreError::io("writing", path, e))
    }

    pub(super) fn push(&mut self, row: &BaseRow) -> Result<(), StoreError> {
        self.write(row).map_err(|e| StoreError::io("writing", &self.path, e))
    }

    fn write(&mut self, row: &BaseRow) -> io::Result<()> {
        self.start_buckets(self.header.bucket(row.head.key) + 1)?;
        self.tags.write(&tag_of(row.head.key, row.head.fingerprint).to_le_bytes())?;
        self.rows.write(&row.encode())?;
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
        assert_eq!(self.written, self.header.rows, "the ledger's count is the number of its live entries");
        let path = self.path.clone();
        let end = || -> io::Result<()> {
            self.start_buckets(self.header.buckets + 1)?;
            self.header.tags_check = self.tags.finish()?;
            self.header.rows_check = self.rows.finish()?;
            self.header.directory_check = self.directory.finish()?;
            let mut file = OpenOptions::new().write(true).open(&self.path)?;
            file.write_all(&self.header.encode())?;
            file.sync_all()
        };
        end().map_err(|e| StoreError::io("writing", &path, e))
    }
}
