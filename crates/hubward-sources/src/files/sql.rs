//! SQL over the files of a folder: SQLite's engine, with each file as a virtual table.
//!
//! The dialect and the types are SQLite's. CSV columns are TEXT, so a comparison with a number needs a cast
//! (`cast(amount as real) > 100`): otherwise '9' would be more than 100. Dates and times come as ISO text, decimals as exact
//! text that SQLite calculates with, lists and structs as JSON text for `json_extract` and its kin.

use std::sync::{Arc, Mutex};

use arrow_schema::SchemaRef;
use rusqlite::Connection;

use super::Catalog;
use super::virtual_table::{self, Failure};
use crate::error::{SourceError, SourceErrorKind};
use crate::feed::Feed;
use crate::sqlite::rows;
use crate::text::quoted;

pub(super) fn read(catalog: Catalog, sql: &str, batch_rows: usize, feed: &mut Feed) -> Result<(), SourceError> {
    let failure = Failure::default();
    let connection = with_tables(catalog, sql, batch_rows, &failure)?;
    rows::read(connection, sql, batch_rows, feed).map_err(|error| true_cause(error, &failure))
}

pub(super) fn columns(catalog: Catalog, sql: &str) -> Result<SchemaRef, SourceError> {
    let failure = Failure::default();
    let connection = with_tables(catalog, sql, 1, &failure)?;
    rows::columns(&connection, sql).map_err(|error| true_cause(error, &failure))
}

/// SQLite knows only that a virtual table failed; why, the reader said to `failure`.
fn true_cause(error: SourceError, failure: &Failure) -> SourceError {
    let cause = failure.lock().map_or(None, |mut cause| cause.take());
    match cause {
        Some(cause) if error.kind != SourceErrorKind::Cancelled => cause,
        _ => error,
    }
}

/// A connection in which every table that `sql` names is there. A table is made when SQLite misses it: a folder may hold
/// many large files, and looking into all of them for a query on one would be waste.
fn with_tables(catalog: Catalog, sql: &str, batch_rows: usize, failure: &Failure) -> Result<Connection, SourceError> {
    let connection = Connection::open_in_memory().map_err(|error| rows::refused(&error, sql))?;
    let catalog = Arc::new(catalog);
    virtual_table::register(&connection, &catalog, batch_rows, failure).map_err(|error| rows::refused(&error, sql))?;
    let mut made: Vec<String> = Vec::new();
    loop {
        let Err(error) = connection.prepare(sql) else {
            return Ok(connection);
        };
        let refused = rows::refused(&error, sql);
        let Some(name) = refused.message.strip_prefix("no such table: ") else {
            return Err(refused);
        };
        let name = name.strip_prefix("main.").unwrap_or(name).to_owned();
        if made.contains(&name) {
            return Err(refused);
        }
        catalog.find(&name, true).map_err(|error| error.at(refused.position))?;
        let make = format!("create virtual table main.{} using {}()", quoted(&name), virtual_table::MODULE);
        connection.execute_batch(&make).map_err(|error| true_cause(rows::refused(&error, sql), failure))?;
        made.push(name);
    }
}

/// Where a virtual table leaves its own error.
pub(super) type SharedError = Arc<Mutex<Option<SourceError>>>;
