//! Counts that outlive a run, such as the events sent in a month. They lie beside the cached answers of the account.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::StateDb;
use crate::StoreError;

impl StateDb {
    /// Adds to a count of an account, which begins at 0, and returns what it is then. The key must not be one of
    /// [`StateDb::put_metadata`].
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn add_to_count(&self, account: u64, key: &str, more: u64, at: Timestamp) -> Result<u64, StoreError> {
        let key = key.to_owned();
        self.write("counting", move |connection| {
            connection.query_row(
                "INSERT INTO metadata (account, key, at, json) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (account, key) DO UPDATE
                 SET at = excluded.at, json = CAST(CAST(json AS INTEGER) + CAST(excluded.json AS INTEGER) AS TEXT)
                 RETURNING CAST(json AS INTEGER)",
                params![account as i64, key, at.as_millisecond(), more.to_string()],
                |row| Ok(row.get::<_, i64>(0)?.unsigned_abs()),
            )
        })
    }

    /// A count of an account, 0 where nothing was ever added to it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn count(&self, account: u64, key: &str) -> Result<u64, StoreError> {
        let found = self.read("reading a count", |connection| {
            connection
                .query_row(
                    "SELECT CAST(json AS INTEGER) FROM metadata WHERE account = ? AND key = ?",
                    params![account as i64, key],
                    |row| row.get::<_, i64>(0),
                )
                .optional()
        })?;
        Ok(found.map_or(0, i64::unsigned_abs))
    }
}
