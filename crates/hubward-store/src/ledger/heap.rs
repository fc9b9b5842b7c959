//! `heap-N`: the payloads of the base's rows, one behind the other in no order.
//!
//! A compaction only appends the payloads that are new, so rows that have not changed cost it nothing; when more than half
//! of the file is dead it is written anew. The manifest says how many bytes count; what lies behind them was left by a
//! compaction that was cut off.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::entry::{MAX_HEAP, PayloadRef};
use crate::StoreError;

#[derive(Debug)]
pub(super) struct Heap {
    /// Absent while no payload counts. Not mapped: reads are rare and scattered, and would keep much of the file in memory.
    file: Option<File>,
    path: PathBuf,
}

impl Heap {
    /// Opens the file, cutting off what does not count.
    pub(super) fn open(path: &Path, len: u64) -> Result<Self, StoreError> {
        let mut heap = Self { file: None, path: path.to_owned() };
        if len == 0 {
            return Ok(heap);
        }
        let found = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::corrupt(path, "the file is missing"));
            }
            Err(e) => return Err(StoreError::io("opening", path, e)),
        };
        if found < len {
            return Err(StoreError::corrupt(path, format!("it has {found} bytes instead of {len}")));
        }
        let open = || {
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            if found > len {
                file.set_len(len)?;
            }
            Ok(file)
        };
        let file = open().map_err(|e| StoreError::io("opening", path, e))?;
        heap.file = Some(file);
        Ok(heap)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read(&self, payload: PayloadRef) -> Result<Vec<u8>, StoreError> {
        let behind = || StoreError::corrupt(&self.path, "a row refers to bytes behind its end");
        let file = self.file.as_ref().ok_or_else(behind)?;
        let mut bytes = vec![0; payload.len()];
        file.read_exact_at(&mut bytes, payload.offset()).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => behind(),
            _ => StoreError::io("reading", &self.path, e),
        })?;
        Ok(bytes)
    }
}

/// Appends payloads to a heap.
pub(super) struct HeapWriter {
    file: BufWriter<File>,
    path: PathBuf,
    len: u64,
}

impl HeapWriter {
    /// Goes on behind the first `len` bytes of the file, which is made if it is absent.
    pub(super) fn open(path: &Path, len: u64) -> Result<Self, StoreError> {
        let open = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
            file.set_len(len)?;
            file.seek(SeekFrom::Start(len))?;
            Ok(BufWriter::with_capacity(1 << 18, file))
        };
        Ok(Self { file: open().map_err(|e| StoreError::io("opening", path, e))?, path: path.to_owned(), len })
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<PayloadRef, StoreError> {
        if self.len + bytes.len() as u64 > MAX_HEAP {
            return Err(StoreError::TooLarge { what: "the ledger's payload file", limit: MAX_HEAP });
        }
        let payload = PayloadRef::new(self.len, bytes.len());
        self.file.write_all(bytes).map_err(|e| StoreError::io("writing", &self.path, e))?;
        self.len += bytes.len() as u64;
        Ok(payload)
    }

    /// Makes everything durable and tells the length.
    pub(super) fn finish(mut self) -> Result<u64, StoreError> {
        let end = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        end.map_err(|e| StoreError::io("writing", &self.path, e))?;
        Ok(self.len)
    }
}
