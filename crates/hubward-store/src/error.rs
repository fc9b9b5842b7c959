//! Everything that can go wrong with what is remembered, each with what, where and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why the store could not do what it was asked. After any of these, what was acknowledged before is still valid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk, or the quota, is full.
    #[error("the disk is full while {doing} {path}: nothing acknowledged is lost; free some space and run again", path = .path.display())]
    DiskFull { doing: &'static str, path: PathBuf },
    /// The operating system refused.
    #[error("{doing} {path} failed: {source}", path = .path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// A file does not hold what was written to it.
    #[error("{path} is damaged: {what}; restore it from a backup, or move it away and the next run compares from scratch", path = .path.display())]
    Corrupt { path: PathBuf, what: String },
    /// A later version of Hubward wrote the file.
    #[error(
        "{path} has format version {found}, this program knows versions up to {known}: update hubward (nothing was changed)",
        path = .path.display()
    )]
    NewerFormat { path: PathBuf, found: u32, known: u32 },
    /// Another process has the ledger open.
    #[error("{path} is locked by {holder}: wait until it ends, or stop it", path = .path.display())]
    Locked { path: PathBuf, holder: String },
    /// A fingerprint was to be changed for a row that the ledger does not hold. A fault of the caller; nothing was written.
    #[error("the ledger holds no row with key {key:032x}: a fingerprint can only be changed for a confirmed row")]
    UnknownKey { key: u128 },
    /// Something is larger than the file format allows. Nothing was written.
    #[error("{what} is larger than the limit of {limit}: make it smaller")]
    TooLarge { what: &'static str, limit: u64 },
    /// An earlier write failed in a way that leaves open what is on the disk.
    #[error("{path} takes no more changes because an earlier write failed: free space or mend the disk, then run again", path = .path.display())]
    Poisoned { path: PathBuf },
    /// SQLite refused.
    #[error("{doing} in {path} failed: {source}", path = .path.display())]
    Database { doing: &'static str, path: PathBuf, source: rusqlite::Error },
}

impl StoreError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { doing, path: path.to_owned() }
            }
            _ => Self::Io { doing, path: path.to_owned(), source },
        }
    }

    pub(crate) fn corrupt(path: &Path, what: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), what: what.into() }
    }

    pub(crate) fn database(doing: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull { doing, path: path.to_owned() },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::corrupt(path, source.to_string()),
            _ => Self::Database { doing, path: path.to_owned(), source },
        }
    }
}
