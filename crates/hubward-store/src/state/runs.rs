//! Runs and what each sync of a run reported.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::{StateDb, from_ms, parse_json};
use crate::StoreError;

/// The status of a run that was killed.
const INTERRUPTED: &str = "interrupted";

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStart {
    pub id: String,
    pub started_at: Timestamp,
    /// The HubSpot account that it writes to.
    pub account: u64,
    /// The command, without secrets.
    pub command: String,
}

/// A remembered run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub id: String,
    pub started_at: Timestamp,
    pub account: u64,
    pub command: String,
    /// `None` for a run that has not said its end: it is under way, or was killed.
    pub ended_at: Option<Timestamp>,
    /// As given to [`StateDb::finish_run`]; `interrupted` for one that never ended. Only who knows that the project's lock
    /// is held can tell that the newest of those is still running.
    pub status: String,
    /// As given to [`StateDb::finish_run`], null for a run that never ended.
    pub report: Value,
    /// The syncs that came to their end, in the order of their end.
    pub syncs: Vec<SyncRunRow>,
}

/// One sync of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncRunRow {
    pub run: String,
    pub sync: String,
    pub status: String,
    pub report: Value,
    pub ended_at: Timestamp,
}

impl StateDb {
    /// Remembers that a run begins. To be called under the project's lock: an earlier run without an end was killed.
    ///
    /// # Errors
    /// The database cannot be written, or the id was given before.
    pub fn start_run(&self, start: &RunStart) -> Result<(), StoreError> {
        let start = start.clone();
        self.write("recording the run", move |connection| {
            connection.execute(
                "INSERT INTO runs (id, started_at, account, command) VALUES (?, ?, ?, ?)",
                params![start.id, start.started_at.as_millisecond(), start.account as i64, start.command],
            )?;
            Ok(())
        })
    }

    /// Remembers how a sync of a run ended.
    ///
    /// # Errors
    /// The database cannot be written, or there is no such run.
    pub fn finish_sync(
        &self,
        run: &str,
        sync: &str,
        status: &str,
        report: &Value,
        ended_at: Timestamp,
    ) -> Result<(), StoreError> {
        let (run, sync, status) = (run.to_owned(), sync.to_owned(), status.to_owned());
        let report = report.to_string();
        self.write("recording the report of a sync", move |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO sync_runs (run, sync, status, report, ended_at) VALUES (?, ?, ?, ?, ?)",
                params![run, sync, status, report, ended_at.as_millisecond()],
            )?;
            Ok(())
        })
    }

    /// Remembers how a run ended.
    ///
    /// # Errors
    /// The database cannot be written, or there is no such run.
    pub fn finish_run(&self, run: &str, status: &str, report: &Value, ended_at: Timestamp) -> Result<(), StoreError> {
        let (run, status, report) = (run.to_owned(), status.to_owned(), report.to_string());
        self.write("recording the end of the run", move |connection| {
            let changed = connection.execute(
                "UPDATE runs SET status = ?, report = ?, ended_at = ? WHERE id = ?",
                params![status, report, ended_at.as_millisecond(), run],
            )?;
            if changed == 0 {
                return Err(rusqlite::Error::QueryReturnedNoRows);
            }
            Ok(())
        })
    }

    /// The last runs, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn runs(&self, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        self.read("reading the runs", |connection| {
            let mut runs = Vec::new();
            let mut statement = connection.prepare(&format!("{RUNS} ORDER BY started_at DESC, rowid DESC LIMIT ?"))?;
            for run in statement.query_map([limit], run_of)? {
                runs.push(with_syncs(connection, run?)?);
            }
            Ok(runs)
        })
    }

    /// One run.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn run(&self, id: &str) -> Result<Option<RunRow>, StoreError> {
        self.read("reading the run", |connection| {
            let mut statement = connection.prepare(&format!("{RUNS} WHERE id = ?"))?;
            let found = statement.query_map([id], run_of)?.next().transpose()?;
            found.map(|run| with_syncs(connection, run)).transpose()
        })
    }

    /// The last end of each sync, by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn last_sync_runs(&self) -> Result<Vec<SyncRunRow>, StoreError> {
        self.read("reading the runs", |connection| {
            // With a lone max(), SQLite takes the other columns from the row that holds the maximum.
            let mut statement = connection.prepare(
                "SELECT run, sync, status, report, max(ended_at) FROM sync_runs GROUP BY sync ORDER BY sync",
            )?;
            statement.query_map([], sync_run_of)?.collect()
        })
    }
}

const RUNS: &str = "SELECT id, started_at, account, command, ended_at, status, report FROM runs";

fn run_of(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let report: Option<String> = row.get(6)?;
    Ok(RunRow {
        id: row.get(0)?,
        started_at: from_ms(1, row.get(1)?)?,
        account: row.get::<_, i64>(2)? as u64,
        command: row.get(3)?,
        ended_at: row.get::<_, Option<i64>>(4)?.map(|ms| from_ms(4, ms)).transpose()?,
        status: row.get::<_, Option<String>>(5)?.unwrap_or_else(|| INTERRUPTED.to_owned()),
        report: report.map_or(Ok(Value::Null), |text| parse_json(6, &text))?,
        syncs: Vec::new(),
    })
}

fn with_syncs(connection: &Connection, mut run: RunRow) -> rusqlite::Result<RunRow> {
    let mut statement = connection
        .prepare("SELECT run, sync, status, report, ended_at FROM sync_runs WHERE run = ? ORDER BY ended_at, sync")?;
    for sync in statement.query_map([&run.id], sync_run_of)? {
        run.syncs.push(sync?);
    }
    Ok(run)
}

fn sync_run_of(row: &Row<'_>) -> rusqlite::Result<SyncRunRow> {
    Ok(SyncRunRow {
        run: row.get(0)?,
        sync: row.get(1)?,
        status: row.get(2)?,
        report: parse_json(3, &row.get::<_, String>(3)?)?,
        ended_at: from_ms(4, row.get(4)?)?,
    })
}
