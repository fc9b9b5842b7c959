//! The associations that wait for their target, by sync and row key.

use jiff::Timestamp;
use rusqlite::params;

use super::{StateDb, from_ms};
use crate::StoreError;

/// One association whose target is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The row's primary key as text.
    pub key: String,
    /// The target's object type, as it stands in paths.
    pub object: String,
    /// The property that the target is matched by; `id` for the record id.
    pub property: String,
    pub value: String,
    /// The labels it is to get, joined by commas.
    pub label: Option<String>,
}

/// A remembered one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRow {
    pub sync: String,
    pub waiting: Waiting,
    /// When this target was first missed.
    pub since: Timestamp,
    /// The last run that missed it.
    pub run: String,
}

impl StateDb {
    /// Remembers missing targets of a run; one that is known already keeps its `since`.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn record_waiting(&self, run: &str, sync: &str, at: Timestamp, waiting: &[Waiting]) -> Result<(), StoreError> {
        let (run, sync, waiting) = (run.to_owned(), sync.to_owned(), waiting.to_vec());
        self.write("recording missing targets", move |connection| {
            let mut statement = connection.prepare(
                "INSERT INTO waiting (sync, key, object, property, value, label, run, since)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (sync, key, object, property, value) DO UPDATE SET run = excluded.run, label = excluded.label",
            )?;
            for one in &waiting {
                statement.execute(params![
                    sync,
                    one.key,
                    one.object,
                    one.property,
                    one.value,
                    one.label,
                    run,
                    at.as_millisecond(),
                ])?;
            }
            Ok(())
        })
    }

    /// Forgets missing targets that were found.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn clear_waiting(&self, sync: &str, found: &[Waiting]) -> Result<(), StoreError> {
        let (sync, found) = (sync.to_owned(), found.to_vec());
        self.write("clearing missing targets", move |connection| {
            let mut statement = connection.prepare(
                "DELETE FROM waiting WHERE sync = ? AND key = ? AND object = ? AND property = ? AND value = ?",
            )?;
            for one in &found {
                statement.execute(params![sync, one.key, one.object, one.property, one.value])?;
            }
            Ok(())
        })
    }

    /// After a run that read the whole model: forgets what it did not miss.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn keep_only_waiting(&self, sync: &str, run: &str) -> Result<(), StoreError> {
        let (sync, run) = (sync.to_owned(), run.to_owned());
        self.write("clearing missing targets", move |connection| {
            connection.execute("DELETE FROM waiting WHERE sync = ? AND run <> ?", params![sync, run])?;
            Ok(())
        })
    }

    /// Gives the missing targets of one sync or of all to `f`, by sync and key.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn for_each_waiting(&self, sync: Option<&str>, mut f: impl FnMut(WaitingRow)) -> Result<(), StoreError> {
        self.read("reading missing targets", |connection| {
            let mut statement = connection.prepare(
                "SELECT sync, key, object, property, value, label, run, since
                 FROM waiting WHERE ?1 IS NULL OR sync = ?1 ORDER BY sync, key, object, property, value",
            )?;
            let mut rows = statement.query([sync])?;
            while let Some(row) = rows.next()? {
                f(WaitingRow {
                    sync: row.get(0)?,
                    waiting: Waiting {
                        key: row.get(1)?,
                        object: row.get(2)?,
                        property: row.get(3)?,
                        value: row.get(4)?,
                        label: row.get(5)?,
                    },
                    run: row.get(6)?,
                    since: from_ms(7, row.get(7)?)?,
                });
            }
            Ok(())
        })
    }
}
