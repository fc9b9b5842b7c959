//! `memory.sqlite`: values by key that all workers share, such as the e-mail of a user.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};

use crate::StoreError;

/// How long a write waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Memory {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl Memory {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let open = || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            // Each call is durable when it returns.
            connection.pragma_update(None, "synchronous", "full")?;
            connection.execute_batch(
                "create table if not exists memory (key text primary key, value text not null) without rowid, strict",
            )?;
            Ok(connection)
        };
        let connection = open().map_err(|e| StoreError::database("opening the database", path, e))?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned() })
    }

    pub(super) fn remember(&self, pairs: &[(String, String)]) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut write = || {
            let transaction = connection.transaction()?;
            {
                // A value that is there already costs no write.
                let mut statement = transaction.prepare(
                    "insert into memory values (?1, ?2) on conflict (key) do update set value = excluded.value \
                     where value <> excluded.value",
                )?;
                for (key, value) in pairs {
                    statement.execute((key, value))?;
                }
            }
            transaction.commit()
        };
        write().map_err(|e| StoreError::database("remembering values", &self.path, e))
    }

    pub(super) fn recall(&self, keys: &[String]) -> Result<Vec<Option<String>>, StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || {
            let mut statement = connection.prepare("select value from memory where key = ?1")?;
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                values.push(statement.query_row([key], |row| row.get(0)).optional()?);
            }
            Ok(values)
        };
        read().map_err(|e| StoreError::database("recalling values", &self.path, e))
    }
}
