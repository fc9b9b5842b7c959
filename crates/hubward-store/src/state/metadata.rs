//! What was last read of an account's schema, so that a check need not ask again.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use super::{StateDb, from_ms, parse_json};
use crate::StoreError;

/// A cached answer and when it was read. How old it may be is the caller's rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    pub json: Value,
    pub at: Timestamp,
}

impl StateDb {
    /// Remembers an answer of an account under a key, in place of an earlier one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn put_metadata(&self, account: u64, key: &str, json: &Value, at: Timestamp) -> Result<(), StoreError> {
        let (key, json) = (key.to_owned(), json.to_string());
        self.write("caching metadata", move |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO metadata (account, key, at, json) VALUES (?, ?, ?, ?)",
                params![account as i64, key, at.as_millisecond(), json],
            )?;
            Ok(())
        })
    }

    /// Forgets every answer of an account whose key begins with `begins`.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn forget_metadata(&self, account: u64, begins: &str) -> Result<(), StoreError> {
        let begins = begins.to_owned();
        self.write("forgetting metadata", move |connection| {
            connection.execute(
                "DELETE FROM metadata WHERE account = ?1 AND substr(key, 1, length(?2)) = ?2",
                params![account as i64, begins],
            )?;
            Ok(())
        })
    }

    /// What was last remembered under a key.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn metadata(&self, account: u64, key: &str) -> Result<Option<Metadata>, StoreError> {
        self.read("reading cached metadata", |connection| {
            connection
                .query_row(
                    "SELECT json, at FROM metadata WHERE account = ? AND key = ?",
                    params![account as i64, key],
                    |row| {
                        Ok(Metadata { json: parse_json(0, &row.get::<_, String>(0)?)?, at: from_ms(1, row.get(1)?)? })
                    },
                )
                .optional()
        })
    }

    /// What is kept under this key for each account.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn metadata_of(&self, key: &str) -> Result<Vec<Metadata>, StoreError> {
        self.read("reading cached metadata", |connection| {
            let mut statement = connection.prepare("SELECT json, at FROM metadata WHERE key = ? ORDER BY account")?;
            let kept = statement.query_map([key], |row| {
                Ok(Metadata { json: parse_json(0, &row.get::<_, String>(0)?)?, at: from_ms(1, row.get(1)?)? })
            })?;
            kept.collect()
        })
    }
}
