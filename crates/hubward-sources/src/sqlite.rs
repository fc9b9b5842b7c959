//! The `sqlite` source: a database file, opened read-only. Owns opening it and listing its tables; how rows become
//! columns stands in [`rows`], which the SQL over files shares.

pub(crate) mod column;
pub(crate) mod rows;

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow_schema::SchemaRef;
use hubward_core::spec::ModelQuery;
use rusqlite::{Connection, OpenFlags};

use crate::error::{SourceError, SourceErrorKind};
use crate::options::ReadOptions;
use crate::text::quoted;
use crate::{RowStream, Source, feed};

/// How long a query waits for a writer to finish.
const BUSY_TIMEOUT_MS: u64 = 5_000;

pub(crate) struct SqliteSource {
    path: PathBuf,
}

impl SqliteSource {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Source for SqliteSource {
    fn read(&self, query: &ModelQuery, options: &ReadOptions) -> Result<Box<dyn RowStream>, SourceError> {
        let path = self.path.clone();
        let sql = sql_of(query);
        let batch_rows = options.batch_rows;
        feed::start(options, move |feed| {
            let connection = open(&path)?;
            rows::read(connection, &sql, batch_rows, feed)
        })
    }

    fn columns(&self, query: &ModelQuery, _options: &ReadOptions) -> Result<SchemaRef, SourceError> {
        rows::columns(&open(&self.path)?, &sql_of(query))
    }

    fn check(&self) -> Result<(), SourceError> {
        open(&self.path).map(|_| ())
    }

    fn tables(&self) -> Result<Vec<String>, SourceError> {
        let connection = open(&self.path)?;
        let list = || {
            connection
                .prepare(
                    "select name from sqlite_schema \
                     where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' order by name",
                )?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()
        };
        list().map_err(|error| rows::refused(&error, ""))
    }
}

fn sql_of(query: &ModelQuery) -> String {
    match query {
        ModelQuery::Sql(sql) => sql.clone(),
        ModelQuery::Table(table) => format!("select * from {}", quoted(table)),
    }
}

fn open(path: &Path) -> Result<Connection, SourceError> {
    let shown = path.display();
    if !path.exists() {
        return Err(SourceError::new(SourceErrorKind::NotFound, format!("no SQLite database at {shown}"))
            .help("correct `path` of the source; it is relative to the project's folder"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let attempt = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
        // Opening alone reads nothing: a file that is no database shows only here.
        connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    attempt().map_err(|error: rusqlite::Error| {
        let help = match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => "the file is not a SQLite database, or it is encrypted",
            Some(rusqlite::ErrorCode::CannotOpen) => {
                "the file must be readable, and so must its folder while another program writes to it"
            }
            _ => "see whether another program holds the file, and whether it opens with `sqlite3`",
        };
        SourceError::new(SourceErrorKind::Connect, format!("the SQLite database {shown} cannot be opened: {error}"))
            .help(help)
    })
}
