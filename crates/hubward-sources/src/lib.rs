//! Reads rows as Arrow record batches: files, SQLite, PostgreSQL and any ADBC driver.
//!
//! This crate owns SQL dialects, drivers and file formats, and brings every source's types down to one small set (see
//! [`canonical`]). It leaves to the caller what the rows mean. It reads no environment variable and no home directory:
//! what a driver search needs is passed in [`ReadOptions`].
//!
//! Every reader runs in a thread of its own behind a channel of a few batches, so that peak memory does not grow with
//! rows, reading overlaps with what the caller does, and a slow caller slows the reader.

mod adbc;
mod canonical;
mod error;
mod feed;
mod files;
mod options;
mod postgres;
mod sqlite;
mod text;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use hubward_core::spec::{ModelQuery, SourceSpec};

pub use canonical::{JSON_EXTENSION, is_json};
pub use error::{SourceError, SourceErrorKind, SqlPosition};
pub use options::{CancelFlag, DriverSearch, ReadOptions};

/// Rows of one query, batch by batch. Blocking: call it on a thread that may block.
pub trait RowStream: Send {
    /// The columns; the same for every batch.
    fn schema(&self) -> SchemaRef;

    /// The next batch, never an empty one; `None` only when the source said that it has no more rows (or the limit of
    /// [`ReadOptions::limit`] is reached).
    ///
    /// # Errors
    /// Whatever stopped the reading; every later call fails too, so that a broken stream never looks like a finished one.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, SourceError>;
}

/// A configured place that rows are read from.
pub trait Source: Send {
    /// Starts the query and waits for its columns.
    ///
    /// # Errors
    /// The source cannot be reached, or refuses the query.
    fn read(&self, query: &ModelQuery, options: &ReadOptions) -> Result<Box<dyn RowStream>, SourceError>;

    /// The columns of a query without its rows: prepares it, or reads a file's header. A type that only the rows decide
    /// (an expression in SQLite) is given as text.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn columns(&self, query: &ModelQuery, options: &ReadOptions) -> Result<SchemaRef, SourceError>;

    /// Whether the source can be opened and answers.
    ///
    /// # Errors
    /// It cannot; the error says what to do.
    fn check(&self) -> Result<(), SourceError>;

    /// What `table:` may name, sorted.
    ///
    /// # Errors
    /// As [`Source::check`]; [`SourceErrorKind::Unsupported`] where a driver cannot list its tables.
    fn tables(&self) -> Result<Vec<String>, SourceError>;
}

/// [`open_with`] with no place of its own to look for drivers; [`ReadOptions::env`] may still bring one to a reading.
///
/// # Errors
/// As [`open_with`].
pub fn open(source: &SourceSpec) -> Result<Box<dyn Source>, SourceError> {
    open_with(source, &DriverSearch::default())
}

/// Makes the source of a specification. Nothing is connected yet: [`Source::check`] does that. ADBC drivers are looked for
/// as `search` says, for checking and listing too, which take no options.
///
/// # Errors
/// The specification cannot be understood (a PostgreSQL URL that is none, an unknown `sslmode`).
pub fn open_with(source: &SourceSpec, search: &DriverSearch) -> Result<Box<dyn Source>, SourceError> {
    Ok(match source {
        SourceSpec::Sqlite { path } => Box::new(sqlite::SqliteSource::new(path.clone())),
        SourceSpec::Files { root } => Box::new(files::FilesSource::new(root.clone())),
        SourceSpec::Postgres { url } => Box::new(postgres::PostgresSource::new(url)?),
        SourceSpec::Adbc { driver, entrypoint, options } => {
            Box::new(adbc::AdbcSource::new(driver.clone(), entrypoint.clone(), options.clone(), search.clone()))
        }
    })
}
