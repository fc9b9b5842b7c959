//! The names of the spool's files, and what lies in its folder.
//!
//! ```text
//! events-N    segments: frames of events, N is the number of the first event (16 hex digits)
//! index-N     of each segment but the last: hash and time of its events; stays for the window of duplicates
//! mark        how far the last segment is durable; read by other processes
//! worker-a/b  what is settled
//! memory.sqlite   remembered values
//! intake.lock, worker.lock
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::StoreError;

#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder if it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(|e| StoreError::io("making", path, e))?;
        Ok(Self { path: path.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn segment(&self, first_seq: u64) -> PathBuf {
        self.path.join(format!("events-{first_seq:016x}"))
    }

    pub(super) fn index(&self, first_seq: u64) -> PathBuf {
        self.path.join(format!("index-{first_seq:016x}"))
    }

    /// The segments that exist, with their sizes in bytes.
    pub(super) fn segments(&self) -> Result<BTreeMap<u64, u64>, StoreError> {
        self.numbered("events-")
    }

    /// The indexes that exist, with their sizes in bytes.
    pub(super) fn indexes(&self) -> Result<BTreeMap<u64, u64>, StoreError> {
        self.numbered("index-")
    }

    fn numbered(&self, prefix: &str) -> Result<BTreeMap<u64, u64>, StoreError> {
        let failed = |e| StoreError::io("reading", &self.path, e);
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix(prefix)).filter(|digits| digits.len() == 16);
            let Some(number) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else { continue };
            match entry.metadata() {
                Ok(metadata) => found.insert(number, metadata.len()),
                // The other process deleted it meanwhile.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(failed(e)),
            };
        }
        Ok(found)
    }
}
