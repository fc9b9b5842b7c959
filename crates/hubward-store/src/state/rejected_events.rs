//! Events that a mapping could not carry out: why, among the issues, and the event itself, so that it can be sent again.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::params;

use super::issues::{self, Issue};
use super::{StateDb, from_ms};
use crate::StoreError;

/// An event that ended as invalid or rejected by a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedEvent {
    pub mapping: String,
    /// Its key is the event's message id.
    pub issue: Issue,
    /// Name of the write key that it came by.
    pub source: String,
    pub order_key: String,
    /// Milliseconds since 1970.
    pub received_at_ms: i64,
    /// The normalised call as JSON.
    pub payload: Bytes,
}

/// A kept one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedEventRow {
    pub mapping: String,
    pub message_id: String,
    pub source: String,
    pub order_key: String,
    /// Milliseconds since 1970.
    pub received_at_ms: i64,
    pub rejected_at: Timestamp,
    pub payload: Bytes,
}

impl StateDb {
    /// Keeps events with their reasons, among the issues of a sync of the mapping's name. On the disk when it returns, for
    /// they are about to be taken from where they waited. One that is kept already is replaced.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn record_rejected_events(&self, run: &str, at: Timestamp, events: &[RejectedEvent]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let (run, events) = (run.to_owned(), events.to_vec());
        self.write_through("recording rejected events", move |connection| {
            let mut statement = connection.prepare(
                "INSERT INTO rejected_events (mapping, message_id, source, order_key, received_at, rejected_at, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (mapping, message_id) DO UPDATE SET
                   source = excluded.source, order_key = excluded.order_key, received_at = excluded.received_at,
                   rejected_at = excluded.rejected_at, payload = excluded.payload",
            )?;
            for event in &events {
                issues::insert(connection, &run, &event.mapping, at, std::slice::from_ref(&event.issue))?;
                statement.execute(params![
                    event.mapping,
                    event.issue.key,
                    event.source,
                    event.order_key,
                    event.received_at_ms,
                    at.as_millisecond(),
                    event.payload.as_ref(),
                ])?;
            }
            Ok(())
        })
    }

    /// Kept events in the order in which they were received, of one mapping or of all, rejected at `since` or later; at most
    /// `limit`, after those that came up to `after` (time of reception, message id, mapping).
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn rejected_events(
        &self,
        mapping: Option<&str>,
        since: Option<Timestamp>,
        after: Option<(i64, &str, &str)>,
        limit: u32,
    ) -> Result<Vec<RejectedEventRow>, StoreError> {
        self.read("reading rejected events", |connection| {
            let mut statement = connection.prepare(
                "SELECT mapping, message_id, source, order_key, received_at, rejected_at, payload FROM rejected_events
                 WHERE (?1 IS NULL OR mapping = ?1) AND (?2 IS NULL OR rejected_at >= ?2)
                   AND (?3 IS NULL OR (received_at, message_id, mapping) > (?3, ?4, ?5))
                 ORDER BY received_at, message_id, mapping LIMIT ?6",
            )?;
            let (at, id, name) = match after {
                Some((at, id, name)) => (Some(at), Some(id), Some(name)),
                None => (None, None, None),
            };
            let mut rows =
                statement.query(params![mapping, since.map(Timestamp::as_millisecond), at, id, name, limit])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(RejectedEventRow {
                    mapping: row.get(0)?,
                    message_id: row.get(1)?,
                    source: row.get(2)?,
                    order_key: row.get(3)?,
                    received_at_ms: row.get(4)?,
                    rejected_at: from_ms(5, row.get(5)?)?,
                    payload: Bytes::from(row.get::<_, Vec<u8>>(6)?),
                });
            }
            Ok(events)
        })
    }

    /// Forgets events (mapping, message id) and their issues: they have been carried out.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn clear_rejected_events(&self, events: &[(String, String)]) -> Result<(), StoreError> {
        let events = events.to_vec();
        self.write("clearing rejected events", move |connection| {
            let mut kept = connection.prepare("DELETE FROM rejected_events WHERE mapping = ? AND message_id = ?")?;
            let mut issues = connection.prepare("DELETE FROM issues WHERE sync = ? AND key = ?")?;
            for (mapping, message_id) in &events {
                kept.execute(params![mapping, message_id])?;
                issues.execute(params![mapping, message_id])?;
            }
            Ok(())
        })
    }
}
