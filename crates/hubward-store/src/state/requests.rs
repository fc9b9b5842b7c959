//! The request log: every request to HubSpot and its answer, found by run, by row key, or by failure.

use std::borrow::Cow;

use bytes::Bytes;
use hubward_core::RowKeys;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{StateDb, StateOptions, from_ms};
use crate::StoreError;

/// One request as it was sent, redacted by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow {
    pub run: String,
    /// Empty where the request belongs to no sync.
    pub sync: String,
    pub at: Timestamp,
    /// Until the answer was read, milliseconds.
    pub ms: u64,
    pub method: String,
    pub path: String,
    /// 0 where no answer came.
    pub status: u16,
    /// 1 for the first sending.
    pub attempt: u32,
    /// Keys, as text, of the rows that it carried.
    pub rows: RowKeys,
    pub request: Bytes,
    pub response: Bytes,
    /// No answer, a refusal, or a refusal of some of its rows.
    pub failed: bool,
}

/// A logged request with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Ascends in the order of logging and is never given twice.
    pub seq: u64,
    pub request: RequestRow,
}

/// Which requests to read; the default is all, from the first.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    pub run: Option<String>,
    /// Only requests that carried the row with this key.
    pub key: Option<String>,
    pub failed_only: bool,
    /// Only requests with a greater number: the last one's of the page before.
    pub after: Option<u64>,
    /// Most requests to return.
    pub limit: Option<u32>,
}

impl StateDb {
    /// Queues a request to be written; waits only when the queue is full. A failure to write is told by
    /// [`StateDb::flush`].
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] if the writing thread has died.
    pub fn log_request(&self, row: RequestRow) -> Result<(), StoreError> {
        self.inner.writer.log(row)
    }

    /// Waits until everything queued is written.
    ///
    /// # Errors
    /// The first failure to write a request since the last flush; that request is not in the log.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.inner.writer.flush()
    }

    /// Reads logged requests by ascending number.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestRecord>, StoreError> {
        let mut records = Vec::new();
        self.for_each_request(filter, |record| records.push(record))?;
        Ok(records)
    }

    /// As [`StateDb::requests`], one at a time.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn for_each_request(&self, filter: &RequestFilter, mut f: impl FnMut(RequestRecord)) -> Result<(), StoreError> {
        // The written form of a key finds the few requests that may have carried it; their keys themselves decide.
        let by_key = if filter.key.is_some() {
            "seq IN (SELECT seq FROM request_keys
                     WHERE instr(keys, :written) AND EXISTS (SELECT 1 FROM json_each(keys) WHERE value = :key))"
        } else {
            ":key IS NULL AND :written IS NULL"
        };
        let written = filter.key.as_ref().map(|key| serde_json::Value::from(key.as_str()).to_string());
        let failed = if filter.failed_only { "failed" } else { "TRUE" };
        let sql = format!(
            "SELECT seq, run, sync, at, ms, method, path, status, attempt, failed, request, response, packed
             FROM requests JOIN request_bodies USING (seq)
             WHERE {by_key} AND {failed} AND (:run IS NULL OR run = :run) AND seq > :after
             ORDER BY seq LIMIT :limit"
        );
        self.read("reading the request log", |connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut keys = connection.prepare("SELECT keys FROM request_keys WHERE seq = ?")?;
            let mut rows = statement.query(named_params! {
                ":key": filter.key,
                ":written": written,
                ":run": filter.run,
                ":after": filter.after.unwrap_or(0) as i64,
                ":limit": filter.limit.map_or(-1, i64::from),
            })?;
            while let Some(row) = rows.next()? {
                let mut record = record_of(row)?;
                let written: Option<String> = keys.query_row([record.seq as i64], |row| row.get(0)).optional()?;
                if let Some(written) = written {
                    record.request.rows = keys_of(&written)?;
                }
                f(record);
            }
            Ok(())
        })
    }
}

fn record_of(row: &Row<'_>) -> rusqlite::Result<RequestRecord> {
    Ok(RequestRecord {
        seq: row.get::<_, i64>(0)? as u64,
        request: RequestRow {
            run: row.get(1)?,
            sync: row.get(2)?,
            at: from_ms(3, row.get(3)?)?,
            ms: row.get::<_, i64>(4)? as u64,
            method: row.get(5)?,
            path: row.get(6)?,
            status: row.get(7)?,
            attempt: row.get(8)?,
            rows: RowKeys::default(),
            request: body_of(row, 10)?,
            response: body_of(row, 11)?,
            failed: row.get(9)?,
        },
    })
}

/// Bodies shorter than this together are kept as they are.
const PACKED_FROM: usize = 4_096;

/// A body as it is kept: packed ones take a fifth of the room and of the time.
fn packed(body: &[u8], packs: bool) -> Cow<'_, [u8]> {
    if packs { Cow::Owned(lz4_flex::block::compress_prepend_size(body)) } else { Cow::Borrowed(body) }
}

fn body_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    let kept: Vec<u8> = row.get(column)?;
    if !row.get::<_, bool>(12)? {
        return Ok(kept.into());
    }
    let body = lz4_flex::block::decompress_size_prepended(&kept)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, Box::new(e)))?;
    Ok(body.into())
}

fn keys_of(written: &str) -> rusqlite::Result<RowKeys> {
    let keys: Vec<String> = serde_json::from_str(written)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))?;
    Ok(keys.into_iter().collect())
}

fn written(keys: &RowKeys) -> String {
    let mut text = Vec::with_capacity(keys.len() * 12);
    let mut serializer = serde_json::Serializer::new(&mut text);
    serde::Serializer::collect_seq(&mut serializer, keys.iter()).expect("texts are written to memory");
    String::from_utf8(text).expect("JSON is UTF-8")
}

pub(super) fn insert(connection: &Connection, rows: &[Box<RequestRow>]) -> rusqlite::Result<()> {
    let mut requests = connection.prepare(
        "INSERT INTO requests (run, sync, at, ms, method, path, status, attempt, failed, bytes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let mut bodies =
        connection.prepare("INSERT INTO request_bodies (seq, request, response, packed) VALUES (?, ?, ?, ?)")?;
    let mut keys = connection.prepare("INSERT INTO request_keys (seq, keys) VALUES (?, ?)")?;
    for row in rows {
        let packs = row.request.len() + row.response.len() >= PACKED_FROM;
        let (request, response) = (packed(&row.request, packs), packed(&row.response, packs));
        let seq = requests.insert(params![
            row.run,
            row.sync,
            row.at.as_millisecond(),
            row.ms as i64,
            row.method,
            row.path,
            row.status,
            row.attempt,
            row.failed,
            (request.len() + response.len()) as i64,
        ])?;
        bodies.execute(params![seq, request, response, packs])?;
        if !row.rows.is_empty() {
            keys.execute(params![seq, written(&row.rows)])?;
        }
    }
    Ok(())
}

/// Deletes the requests that are too old or too many.
pub(super) fn retain(connection: &Connection, options: &StateOptions) -> rusqlite::Result<()> {
    let last_by_age: Option<i64> = connection.query_row(
        "SELECT max(seq) FROM requests WHERE at < (SELECT at FROM requests ORDER BY seq DESC LIMIT 1) - ?",
        [options.max_request_age_ms],
        |row| row.get(0),
    )?;
    // The newest request whose bodies, with those of all newer ones, pass the limit.
    let last_by_bytes: Option<i64> = connection
        .query_row(
            "SELECT seq FROM (SELECT seq, sum(bytes) OVER (ORDER BY seq DESC) AS total FROM requests)
             WHERE total > ? LIMIT 1",
            [options.max_request_bytes as i64],
            |row| row.get(0),
        )
        .optional()?;
    let Some(last) = last_by_age.max(last_by_bytes) else {
        return Ok(());
    };
    for table in ["request_keys", "request_bodies", "requests"] {
        connection.execute(&format!("DELETE FROM {table} WHERE seq <= ?"), [last])?;
    }
    Ok(())
}
