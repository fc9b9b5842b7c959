//! The numbered steps that bring `state.sqlite` from any earlier version to the present one. Shipped steps never change.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

const STEPS: [&str; 4] = [
    include_str!("001_first.sql"),
    include_str!("002_waiting.sql"),
    include_str!("003_requests.sql"),
    include_str!("004_rejected_events.sql"),
];

/// The version that this program writes.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// Refuses a file of a later version, without changing it.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let found: u32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|e| StoreError::database("reading the version", path, e))?;
    if found > VERSION {
        return Err(StoreError::NewerFormat { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}

/// Applies the steps that are missing, in one transaction.
pub(super) fn apply(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if check(connection, path)? == VERSION {
        return Ok(());
    }
    let failed = |e| StoreError::database("bringing the tables up to date", path, e);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Read again under the lock: another process may have come first.
    let found = check(&transaction, path)?;
    for step in &STEPS[found as usize..] {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", VERSION).map_err(failed)?;
    transaction.commit().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    /// A step that users' files have gone through must stay as it was: add a new one instead.
    #[test]
    fn shipped_steps_have_not_changed() {
        let hashes: Vec<u64> = STEPS.iter().map(|step| xxh3_64(step.as_bytes())).collect();
        assert_eq!(
            hashes,
            [
                3_243_561_235_815_030_029,
                9_118_385_813_836_665_790,
                7_442_716_027_354_347_975,
                5_213_174_831_800_839_726
            ]
        );
    }

    #[test]
    fn a_file_of_a_later_version_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
        let error = apply(&mut connection, &path).unwrap_err();
        assert!(matches!(error, StoreError::NewerFormat { found, .. } if found == VERSION + 1));
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 0);
    }
}
