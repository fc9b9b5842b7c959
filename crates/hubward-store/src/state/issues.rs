//! The rows that are invalid or rejected now, by sync and row key.

use hubward_core::{Outcome, Reason};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::{StateDb, from_ms};
use crate::StoreError;

/// A row that ended as invalid or rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The row's primary key as text; several rows without one share the empty text.
    pub key: String,
    /// [`Outcome::Invalid`] or [`Outcome::Rejected`].
    pub outcome: Outcome,
    pub reason: Reason,
    /// How often it was sent.
    pub attempts: u32,
}

/// A remembered issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueRow {
    pub sync: String,
    pub key: String,
    pub outcome: Outcome,
    pub property: Option<String>,
    pub value: Option<String>,
    /// For a person: what is wrong and what to do.
    pub reason: String,
    pub category: Option<String>,
    pub correlation_id: Option<String>,
    pub attempts: u32,
    /// When this category was first met on this property of this row.
    pub since: Timestamp,
    /// The last run that met it.
    pub run: String,
}

impl StateDb {
    /// Remembers issues of a run; one with the same key is replaced and keeps its `since` if category and property are the
    /// same.
    ///
    /// # Errors
    /// The database cannot be written.
    ///
    /// # Panics
    /// If an outcome is neither invalid nor rejected.
    pub fn record_issues(&self, run: &str, sync: &str, at: Timestamp, issues: &[Issue]) -> Result<(), StoreError> {
        for issue in issues {
            assert!(
                matches!(issue.outcome, Outcome::Invalid | Outcome::Rejected),
                "only invalid and rejected rows are issues, not {}",
                issue.outcome.name()
            );
        }
        let (run, sync, issues) = (run.to_owned(), sync.to_owned(), issues.to_vec());
        self.write("recording rejected rows", move |connection| insert(connection, &run, &sync, at, &issues))
    }

    /// Forgets the issues of rows that are settled.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn clear_issues<K: AsRef<str>>(&self, sync: &str, keys: &[K]) -> Result<(), StoreError> {
        let sync = sync.to_owned();
        let keys: Vec<String> = keys.iter().map(|key| key.as_ref().to_owned()).collect();
        self.write("clearing rejected rows", move |connection| {
            let mut statement = connection.prepare("DELETE FROM issues WHERE sync = ? AND key = ?")?;
            for key in &keys {
                statement.execute(params![sync, key])?;
            }
            Ok(())
        })
    }

    /// After a run that read the whole model: forgets the issues that it did not meet. Tells how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn keep_only(&self, sync: &str, run: &str) -> Result<u64, StoreError> {
        let (sync, run) = (sync.to_owned(), run.to_owned());
        self.write("clearing rejected rows", move |connection| {
            // A mapping of the event door may have the name of a sync; its events are no rows of that.
            let deleted = connection.execute(
                "DELETE FROM issues WHERE sync = ?1 AND run <> ?2 AND NOT EXISTS
                   (SELECT 1 FROM rejected_events WHERE mapping = issues.sync AND message_id = issues.key)",
                params![sync, run],
            )?;
            Ok(deleted as u64)
        })
    }

    /// The issues of one sync or of all, by sync and key.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn issues(&self, sync: Option<&str>) -> Result<Vec<IssueRow>, StoreError> {
        let mut issues = Vec::new();
        self.for_each_issue(sync, |issue| issues.push(issue))?;
        Ok(issues)
    }

    /// As [`StateDb::issues`], one at a time.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn for_each_issue(&self, sync: Option<&str>, mut f: impl FnMut(IssueRow)) -> Result<(), StoreError> {
        self.read("reading rejected rows", |connection| {
            let mut statement = connection.prepare(
                "SELECT sync, key, run, outcome, property, value, reason, category, correlation_id, attempts, since
                 FROM issues WHERE ?1 IS NULL OR sync = ?1 ORDER BY sync, key",
            )?;
            let mut rows = statement.query([sync])?;
            while let Some(row) = rows.next()? {
                f(issue_of(row)?);
            }
            Ok(())
        })
    }
}

/// Writes issues of one sync.
pub(super) fn insert(
    connection: &Connection,
    run: &str,
    sync: &str,
    at: Timestamp,
    issues: &[Issue],
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "INSERT INTO issues
           (sync, key, run, outcome, property, value, reason, category, correlation_id, attempts, since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (sync, key) DO UPDATE SET
           since = iif(category IS excluded.category AND property IS excluded.property, since, excluded.since),
           run = excluded.run, outcome = excluded.outcome, property = excluded.property,
           value = excluded.value, reason = excluded.reason, category = excluded.category,
           correlation_id = excluded.correlation_id, attempts = excluded.attempts",
    )?;
    for issue in issues {
        let reason = &issue.reason;
        statement.execute(params![
            sync,
            issue.key,
            run,
            issue.outcome.name(),
            reason.property,
            reason.value,
            reason.text,
            reason.category,
            reason.correlation_id,
            issue.attempts,
            at.as_millisecond(),
        ])?;
    }
    Ok(())
}

fn issue_of(row: &Row<'_>) -> rusqlite::Result<IssueRow> {
    let outcome: String = row.get(3)?;
    Ok(IssueRow {
        sync: row.get(0)?,
        key: row.get(1)?,
        run: row.get(2)?,
        outcome: if outcome == Outcome::Invalid.name() { Outcome::Invalid } else { Outcome::Rejected },
        property: row.get(4)?,
        value: row.get(5)?,
        reason: row.get(6)?,
        category: row.get(7)?,
        correlation_id: row.get(8)?,
        attempts: row.get(9)?,
        since: from_ms(10, row.get(10)?)?,
    })
}
