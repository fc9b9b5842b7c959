//! `state.sqlite`: runs, rejected rows, the request log and cached metadata of one project.
//!
//! One thread writes; a caller's write waits for it, except a logged request, which is queued. Readers open a connection of
//! their own for each call, so a stream of rows never blocks anything and other processes can look while a run is under way.
//!
//! Journal in WAL mode, synced at checkpoints only: a power cut may take the last moments of the log, never the file. What
//! must not be lost is in the ledger.
//!
//! Left to the caller: redaction (nothing secret may be handed in), ids, times, and what reports contain.

mod counters;
mod issues;
mod metadata;
mod migrations;
mod rejected_events;
mod requests;
mod runs;
mod waiting;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use issues::{Issue, IssueRow};
use jiff::Timestamp;
pub use metadata::Metadata;
pub use rejected_events::{RejectedEvent, RejectedEventRow};
pub use requests::{RequestFilter, RequestRecord, RequestRow};
pub use runs::{RunRow, RunStart, SyncRunRow};
use rusqlite::{Connection, OpenFlags};
pub use waiting::{Waiting, WaitingRow};
use writer::Writer;

use crate::StoreError;

/// How long a write waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What is kept; [`Default`] is right outside tests.
#[derive(Clone, Debug)]
pub struct StateOptions {
    /// Logged requests older than this, counted from the newest, are deleted; milliseconds.
    pub max_request_age_ms: i64,
    /// When the bodies of the logged requests are larger than this, the oldest requests are deleted; bytes.
    pub max_request_bytes: u64,
    /// Requests that may wait for the writing thread before a caller waits too.
    pub max_queued_requests: usize,
    /// Bytes of bodies that may wait for the writing thread before a caller waits too.
    pub max_queued_bytes: usize,
}

impl Default for StateOptions {
    fn default() -> Self {
        Self {
            max_request_age_ms: 14 * 24 * 3600 * 1000,
            max_request_bytes: 1 << 30,
            max_queued_requests: 1024,
            max_queued_bytes: 32 << 20,
        }
    }
}

/// The open database; clones share it. The last one to be dropped waits until everything queued is written.
#[derive(Clone, Debug)]
pub struct StateDb {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    writer: Writer,
}

impl StateDb {
    /// Opens the file, which is made if it is absent, with the default options.
    ///
    /// # Errors
    /// As [`StateDb::open_with`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, StateOptions::default())
    }

    /// Opens the file, which is made if it is absent, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::NewerFormat`] for a file of a later version (which is not changed), [`StoreError::Corrupt`] for one that
    /// is no database or a damaged one, [`StoreError::DiskFull`].
    pub fn open_with(path: &Path, options: StateOptions) -> Result<Self, StoreError> {
        let mut connection =
            Connection::open(path).map_err(|e| StoreError::database("opening the database", path, e))?;
        let set_up = || {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "foreign_keys", true)
        };
        set_up().map_err(|e| StoreError::database("opening the database", path, e))?;
        migrations::check(&connection, path)?;
        let journal = || {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "normal")
        };
        journal().map_err(|e| StoreError::database("opening the database", path, e))?;
        migrations::apply(&mut connection, path)?;
        Ok(Self { inner: Arc::new(Inner { path: path.to_owned(), writer: Writer::start(connection, path, options)? }) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs `f` on the writing thread in a transaction of its own and waits for it.
    fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.run(doing, f)
    }

    /// As [`StateDb::write`], and on the disk when it returns.
    fn write_through<T: Send + 'static>(
        &self,
        doing: &'static str,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.run_through(doing, f)
    }

    /// Runs `f` on a fresh connection that cannot write.
    fn read<T>(
        &self,
        doing: &'static str,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let read = || {
            let connection = Connection::open_with_flags(&self.inner.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            f(&connection)
        };
        read().map_err(|e| StoreError::database(doing, &self.inner.path, e))
    }
}

fn from_ms(column: usize, ms: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(ms)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Integer, Box::new(e)))
}

fn parse_json(column: usize, text: &str) -> rusqlite::Result<serde_json::Value> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e)))
}
