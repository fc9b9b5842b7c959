//! One SQLite query, streamed row by row into batches. Owns preparing, typing by the first batch and SQLite's error
//! texts; the connection (a database file, or virtual tables over files) comes from the caller.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, Statement};

use super::column::{Builder, Kind};
use crate::error::{SourceError, SourceErrorKind, SqlPosition};
use crate::feed::{BATCH_BYTES, Feed};
use crate::text::refuse_doubled_names;

/// Virtual machine steps between two looks at the stop signal: well under a millisecond.
const STEPS_PER_LOOK: i32 = 20_000;

/// Runs `sql` and feeds its rows.
pub(crate) fn read(
    mut connection: Connection,
    sql: &str,
    batch_rows: usize,
    feed: &mut Feed,
) -> Result<(), SourceError> {
    let stop = feed.stop_signal();
    let watched = stop.clone();
    connection
        .progress_handler(STEPS_PER_LOOK, Some(move || watched.is_raised()))
        .map_err(|error| refused(&error, sql))?;
    let mut statement = prepare(&connection, sql)?;
    let columns = declared_columns(&statement);
    let failed = |error: rusqlite::Error| {
        if stop.is_raised() { SourceError::cancelled() } else { refused(&error, sql) }
    };

    let mut rows = statement.query([]).map_err(failed)?;
    let batch_rows = batch_rows.max(1);
    let mut held = Held::new(columns.len());
    let mut ended = false;
    while held.rows < batch_rows && held.bytes < BATCH_BYTES {
        let Some(row) = rows.next().map_err(failed)? else {
            ended = true;
            break;
        };
        for index in 0..columns.len() {
            held.add(index, row.get_ref(index).map_err(failed)?);
        }
        held.rows += 1;
    }

    let mut batch = Batch::decided_by(&columns, &held);
    let first_rows = held.rows;
    for row in 0..first_rows {
        for (index, column) in held.columns.iter().enumerate() {
            batch.add(index, ValueRef::from(&column[row]))?;
        }
        batch.end_row();
    }
    drop(held);
    feed.schema(Arc::clone(&batch.schema))?;
    if first_rows > 0 && !feed.batch(batch.take()?)? {
        return Ok(());
    }
    while !ended {
        match rows.next().map_err(failed)? {
            Some(row) => {
                for index in 0..columns.len() {
                    batch.add(index, row.get_ref(index).map_err(failed)?)?;
                }
                batch.end_row();
            }
            None => ended = true,
        }
        let full = batch.rows >= batch_rows || batch.bytes >= BATCH_BYTES;
        if batch.rows > 0 && (full || ended) && !feed.batch(batch.take()?)? {
            return Ok(());
        }
    }
    Ok(())
}

/// The columns by their declared types; an expression counts as text.
pub(crate) fn columns(connection: &Connection, sql: &str) -> Result<SchemaRef, SourceError> {
    let statement = prepare(connection, sql)?;
    let mut fields = Vec::new();
    for (name, declared) in declared_columns(&statement) {
        let kind = declared.as_deref().map_or(Kind::Text, Kind::declared);
        fields.push(kind.field(&name));
    }
    let schema = Schema::new(fields);
    refuse_doubled_names(&schema)?;
    Ok(Arc::new(schema))
}

fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<Statement<'c>, SourceError> {
    let statement = connection.prepare(sql).map_err(|error| refused(&error, sql))?;
    if statement.column_count() == 0 || !statement.readonly() {
        return Err(SourceError::new(
            SourceErrorKind::Sql,
            "the model is not a query: it gives no rows, or would write",
        )
        .help("a model is one `select`"));
    }
    Ok(statement)
}

type DeclaredColumn = (String, Option<String>);

fn declared_columns(statement: &Statement<'_>) -> Vec<DeclaredColumn> {
    let mut columns = Vec::new();
    for column in statement.columns() {
        let declared = column.decl_type().filter(|declared| !declared.is_empty());
        columns.push((column.name().to_owned(), declared.map(str::to_owned)));
    }
    columns
}

/// The first batch, kept as SQLite gave it until its columns have types.
struct Held {
    columns: Vec<Vec<Value>>,
    rows: usize,
    bytes: usize,
}

impl Held {
    fn new(columns: usize) -> Self {
        Self { columns: vec![Vec::new(); columns], rows: 0, bytes: 0 }
    }

    fn add(&mut self, column: usize, value: ValueRef<'_>) {
        let value = match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(value) => Value::Integer(value),
            ValueRef::Real(value) => Value::Real(value),
            ValueRef::Text(bytes) => {
                self.bytes += bytes.len();
                match std::str::from_utf8(bytes) {
                    Ok(text) => Value::Text(text.to_owned()),
                    // Text that is none: as bytes it fits no text column and is refused with its row, or the column is bytes.
                    Err(_) => Value::Blob(bytes.to_vec()),
                }
            }
            ValueRef::Blob(bytes) => {
                self.bytes += bytes.len();
                Value::Blob(bytes.to_vec())
            }
        };
        self.columns[column].push(value);
    }
}

/// A batch under construction; counts rows over the whole stream for messages.
struct Batch {
    schema: SchemaRef,
    builders: Vec<Builder>,
    rows: usize,
    bytes: usize,
    rows_before: u64,
}

impl Batch {
    fn decided_by(columns: &[DeclaredColumn], held: &Held) -> Self {
        let mut fields = Vec::new();
        let mut builders = Vec::new();
        for ((name, declared), values) in columns.iter().zip(&held.columns) {
            let kind = Kind::decide(declared.as_deref(), values.iter().map(ValueRef::from));
            fields.push(kind.field(name));
            builders.push(Builder::new(kind));
        }
        Self { schema: Arc::new(Schema::new(fields)), builders, rows: 0, bytes: 0, rows_before: 0 }
    }

    fn add(&mut self, column: usize, value: ValueRef<'_>) -> Result<(), SourceError> {
        match self.builders[column].append(value) {
            Ok(bytes) => self.bytes += bytes,
            Err(_) => return Err(self.misfit(column, value)),
        }
        Ok(())
    }

    fn misfit(&self, column: usize, value: ValueRef<'_>) -> SourceError {
        let field = self.schema.field(column);
        let row = self.rows_before + self.rows as u64 + 1;
        let name = field.name();
        let what = match value {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(value) => format!("the integer {value}"),
            ValueRef::Real(value) => format!("the number {value}"),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => format!("the text '{}'", text.chars().take(40).collect::<String>()),
                Err(_) => "a text that is not UTF-8".to_owned(),
            },
            ValueRef::Blob(_) => "bytes that are no UTF-8 text".to_owned(),
        };
        SourceError::read(format!(
            "row {row}, column `{name}`: {what} does not fit the column, which the rows before made {}",
            field.data_type()
        ))
        .help(format!("give the column one type in the model, for instance: cast({name} as text) as {name}"))
    }

    fn end_row(&mut self) {
        self.rows += 1;
    }

    fn take(&mut self) -> Result<RecordBatch, SourceError> {
        let columns = self.builders.iter_mut().map(Builder::finish).collect();
        self.rows_before += self.rows as u64;
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| SourceError::read(format!("a batch could not be built: {error}")))
    }
}

/// SQLite's refusal in our words, with the place in the SQL where SQLite names one.
pub(crate) fn refused(error: &rusqlite::Error, sql: &str) -> SourceError {
    use SourceErrorKind::{Cancelled, Connect, Read, Sql, UnknownColumn, UnknownTable};
    let (message, position) = match error {
        rusqlite::Error::SqlInputError { msg, offset, .. } => {
            let offset = usize::try_from(*offset).unwrap_or(0);
            (msg.clone(), Some(SqlPosition::of_byte(sql, offset)))
        }
        rusqlite::Error::SqliteFailure(_, Some(message)) => (message.clone(), None),
        rusqlite::Error::MultipleStatement => ("the model holds more than one statement".to_owned(), None),
        other => (other.to_string(), None),
    };
    let (kind, help) = if message.starts_with("no such column") {
        (UnknownColumn, Some("correct the column's name in the model"))
    } else if message.starts_with("no such table") {
        (UnknownTable, Some("correct the table's name in the model"))
    } else {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => (Cancelled, None),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                (Connect, Some("another program holds the database: try again when it is done"))
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure | ErrorCode::NotADatabase) => {
                (Read, Some("the database is damaged: see `pragma integrity_check`"))
            }
            _ => (Sql, None),
        }
    };
    let mut refused = SourceError::new(kind, message).at(position);
    refused.help = help.map(str::to_owned);
    refused
}
