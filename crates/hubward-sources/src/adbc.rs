//! The `adbc` source: any database with an ADBC driver, which is a library that the user installs. Owns running a query
//! through it; finding and loading the library stands in [`driver`], listing tables in [`objects`].
//!
//! Rows arrive as the driver's own Arrow batches, brought down to the canonical types. What a driver passes as opaque bytes
//! is refused with the remedy, and so is an instant beyond the calendar: the PostgreSQL driver turns `infinity` into one.

mod driver;
mod objects;
mod redact;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use adbc_core::error::Status;
use adbc_core::options::{ObjectDepth, OptionDatabase, OptionValue};
use adbc_core::{Connection, Database, Driver, Statement};
use adbc_driver_manager::{ManagedConnection, ManagedStatement};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hubward_core::spec::ModelQuery;
use hubward_core::{ExposeSecret, SecretString};

use self::redact::Redactor;
use crate::canonical::{Canonical, json_field, opaque};
use crate::error::{SourceError, SourceErrorKind};
use crate::feed::{Feed, StopSignal};
use crate::options::{DriverSearch, ReadOptions};
use crate::text::{quoted, refuse_doubled_names};
use crate::{RowStream, Source, feed};

/// How often a running query looks whether the caller still wants it.
const STOP_LOOK_MS: u64 = 100;
/// The name of a column's type, which PostgreSQL's driver adds to every column since 1.13, and before that to those whose type
/// Arrow does not have.
const POSTGRES_TYPE: [&str; 2] = ["POSTGRESQL:type", "ADBC:postgresql:typname"];

#[derive(Clone)]
pub(crate) struct AdbcSource {
    driver: String,
    entrypoint: Option<String>,
    options: Vec<(String, SecretString)>,
    search: DriverSearch,
}

impl AdbcSource {
    pub(crate) fn new(
        driver: String,
        entrypoint: Option<String>,
        options: Vec<(String, SecretString)>,
        search: DriverSearch,
    ) -> Self {
        Self { driver, entrypoint, options, search }
    }

    /// With the search of the options, where they bring one.
    fn searching(&self, options: &ReadOptions) -> Self {
        let mut source = self.clone();
        if options.env != DriverSearch::default() {
            source.search = options.env.clone();
        }
        source
    }

    fn connect(&self) -> Result<ManagedConnection, SourceError> {
        let mut driver = driver::load(&self.driver, self.entrypoint.as_deref(), &self.search)?;
        let mut options = Vec::new();
        for (key, value) in &self.options {
            let value = OptionValue::String(value.expose_secret().to_owned());
            options.push((OptionDatabase::from(key.as_str()), value));
        }
        let connected = driver.new_database_with_opts(options).and_then(|database| database.new_connection());
        connected.map_err(|error| {
            let kind = match error.status {
                Status::Unauthenticated | Status::Unauthorized => SourceErrorKind::Auth,
                Status::NotFound => SourceErrorKind::NotFound,
                _ => SourceErrorKind::Connect,
            };
            SourceError::new(kind, format!("the driver `{}` cannot connect: {}", self.driver, self.redacted(&error)))
                .help("see the source's `options`: they are passed to the driver by their names")
        })
    }

    fn redacted(&self, error: &adbc_core::error::Error) -> String {
        Redactor::of(&self.options).text(error.message.trim())
    }

    fn refused(&self, error: &adbc_core::error::Error) -> SourceError {
        let state: String = error.sqlstate.iter().map(|byte| char::from(byte.cast_unsigned())).collect();
        let kind = match (state.as_str(), error.status) {
            ("42703", _) => SourceErrorKind::UnknownColumn,
            ("42P01", _) => SourceErrorKind::UnknownTable,
            ("42501", _) | (_, Status::Unauthenticated | Status::Unauthorized) => SourceErrorKind::Auth,
            (_, Status::Cancelled) => SourceErrorKind::Cancelled,
            (_, Status::IO | Status::Timeout) if !state.starts_with("42") => SourceErrorKind::Read,
            (_, Status::NotImplemented) => SourceErrorKind::Unsupported,
            _ => SourceErrorKind::Sql,
        };
        SourceError::new(kind, self.redacted(error))
    }

    fn statement(&self, connection: &mut ManagedConnection, sql: &str) -> Result<ManagedStatement, SourceError> {
        let mut statement = connection.new_statement().map_err(|error| self.refused(&error))?;
        statement.set_sql_query(sql).map_err(|error| self.refused(&error))?;
        Ok(statement)
    }

    fn feed_rows(&self, sql: &str, batch_rows: usize, feed: &mut Feed) -> Result<(), SourceError> {
        let mut connection = self.connect()?;
        let mut statement = self.statement(&mut connection, sql)?;
        let handle = statement.get_cancel_handle();
        let stop = feed.stop_signal();
        let cancel = || {
            // A driver that cannot cancel is waited for.
            let _ = handle.try_cancel();
        };
        let result = with_watcher(&stop, cancel, || {
            let reader = statement.execute().map_err(|error| self.refused(&error))?;
            let canonical = Canonical::of(&checked(&reader.schema())?)?;
            feed.schema(canonical.schema())?;
            for batch in reader {
                let batch = batch.map_err(|error| {
                    SourceError::read(
                        Redactor::of(&self.options).text(&format!("the driver `{}` broke off: {error}", self.driver)),
                    )
                })?;
                let batch = canonical.batch(&batch)?;
                refuse_beyond_calendar(&batch)?;
                let mut offset = 0;
                while offset < batch.num_rows() {
                    let rows = batch_rows.min(batch.num_rows() - offset);
                    if !feed.batch(batch.slice(offset, rows))? {
                        return Ok(());
                    }
                    offset += rows;
                }
            }
            Ok(())
        });
        match result {
            Err(_) if stop.is_raised() => Err(SourceError::cancelled()),
            result => result,
        }
    }
}

/// Runs `work` while another thread calls `cancel` once as soon as the caller wants no more.
fn with_watcher<T>(
    stop: &StopSignal,
    cancel: impl FnOnce() + Send,
    work: impl FnOnce() -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    /// Ends the watch even when `work` panics: the scope would wait for it for ever.
    struct EndWatch<'a>(&'a AtomicBool, &'a thread::Thread);
    impl Drop for EndWatch<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
            self.1.unpark();
        }
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if stop.is_raised() {
                    cancel();
                    return;
                }
                thread::park_timeout(Duration::from_millis(STOP_LOOK_MS));
            }
        });
        let _end = EndWatch(&done, watcher.thread());
        work()
    })
}

impl Source for AdbcSource {
    fn read(&self, query: &ModelQuery, options: &ReadOptions) -> Result<Box<dyn RowStream>, SourceError> {
        let source = self.searching(options);
        let sql = sql_of(query);
        let batch_rows = options.batch_rows.max(1);
        feed::start(options, move |feed| source.feed_rows(&sql, batch_rows, feed))
    }

    fn columns(&self, query: &ModelQuery, options: &ReadOptions) -> Result<SchemaRef, SourceError> {
        let source = self.searching(options);
        let sql = sql_of(query);
        let mut connection = source.connect()?;
        let mut statement = source.statement(&mut connection, &sql)?;
        let schema = match statement.execute_schema() {
            Ok(schema) => schema,
            // Not every driver can say the columns beforehand: begin the query and leave it.
            Err(error) if error.status == Status::NotImplemented => {
                statement.execute().map_err(|error| source.refused(&error))?.schema().as_ref().clone()
            }
            Err(error) => return Err(source.refused(&error)),
        };
        let schema = Canonical::of(&checked(&schema)?)?.schema();
        refuse_doubled_names(&schema)?;
        Ok(schema)
    }

    fn check(&self) -> Result<(), SourceError> {
        self.connect().map(|_| ())
    }

    fn tables(&self) -> Result<Vec<String>, SourceError> {
        let connection = self.connect()?;
        let listed = connection
            .get_objects(ObjectDepth::Tables, None, None, None, None, None)
            .map_err(|error| self.refused(&error))?;
        let mut names = Vec::new();
        for batch in listed {
            let batch = batch.map_err(|error| SourceError::read(format!("the tables cannot be listed: {error}")))?;
            objects::table_names(&batch, &mut names)?;
        }
        names.sort();
        names.dedup();
        Ok(names)
    }
}

fn sql_of(query: &ModelQuery) -> String {
    match query {
        ModelQuery::Sql(sql) => sql.clone(),
        ModelQuery::Table(table) => {
            let parts: Vec<String> = table.split('.').map(name_part).collect();
            format!("select * from {}", parts.join("."))
        }
    }
}

/// Plain lower-case names stay bare, so that a database which folds to upper case finds them; others need quotes, and the
/// standard's double quotes are the best guess for a dialect that is not known.
fn name_part(part: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts_well = part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if starts_well && part.chars().all(plain) { part.to_owned() } else { quoted(part) }
}

/// What PostgreSQL's driver says about types that Arrow does not have: JSON is marked, the rest refused.
fn checked(schema: &Schema) -> Result<Schema, SourceError> {
    let mut fields: Vec<Field> = Vec::new();
    for field in schema.fields() {
        let name = field.name();
        let typed = POSTGRES_TYPE.iter().find_map(|key| field.metadata().get(key));
        match typed.map(String::as_str) {
            Some("json" | "jsonb") if field.data_type() == &DataType::Utf8 => {
                fields.push(json_field(name));
            }
            Some("money") => {
                return Err(SourceError::new(
                    SourceErrorKind::Unsupported,
                    format!("column `{name}` has the type money, which the driver gives without its decimal point"),
                )
                .help(format!("cast it to a number in the model: cast({name} as numeric)")));
            }
            Some(other) if other != "bytea" && field.data_type() == &DataType::Binary => {
                return Err(opaque(name));
            }
            _ => fields.push(field.as_ref().clone()),
        }
    }
    Ok(Schema::new(fields))
}

/// The years -9999 to 9999 in days and microseconds from 1970.
const CALENDAR_DAYS: std::ops::RangeInclusive<i32> = -4_371_587..=2_932_896;
const CALENDAR_MICROS: std::ops::RangeInclusive<i64> = -377_705_116_800_000_000..=253_402_300_799_999_999;

fn refuse_beyond_calendar(batch: &RecordBatch) -> Result<(), SourceError> {
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let beyond = match field.data_type() {
            DataType::Timestamp(_, _) => {
                let values = column.as_primitive::<TimestampMicrosecondType>();
                values.iter().flatten().any(|value| !CALENDAR_MICROS.contains(&value))
            }
            DataType::Date32 => {
                let values = column.as_primitive::<Date32Type>();
                values.iter().flatten().any(|value| !CALENDAR_DAYS.contains(&value))
            }
            _ => false,
        };
        if beyond {
            let name = field.name();
            return Err(SourceError::new(
                SourceErrorKind::Unsupported,
                format!("column `{name}` holds a date beyond the calendar, perhaps `infinity`"),
            )
            .help(format!("replace it in the model, for instance with NULL: nullif({name}, 'infinity')")));
        }
    }
    Ok(())
}
