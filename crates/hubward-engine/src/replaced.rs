//! How often records of ours were replaced by others, by object type: deleted in HubSpot and made again, merged, or archived
//! by `on_removed: delete`. Associations end with the record, so rows of other syncs that name it have work to do although
//! nothing of theirs has changed. The count stands beside the ledgers of the account; a row's hash of what it asks for holds
//! the count of the object types that it names.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::EngineError;
use crate::ledger_writer::{SharedLedger, lock};
use crate::run::blocking;

fn path(account_dir: &Path, object: &str) -> PathBuf {
    // No sync is called so: a name that begins with a dot is none.
    account_dir.join(format!(".replaced-{object}"))
}

/// The count of an object type, 0 where nothing was ever replaced. A file that cannot be read counts as nothing: what it
/// would have told is then found out when the row itself changes.
pub(crate) fn count(account_dir: &Path, object: &str) -> u64 {
    let text = std::fs::read_to_string(path(account_dir, object)).unwrap_or_default();
    text.trim().parse().unwrap_or_default()
}

/// Counts one more, durably; to be done before the ledger forgets the record that was.
///
/// # Errors
/// The disk refused.
pub(crate) async fn note(ledger: &SharedLedger, object: &str) -> Result<(), EngineError> {
    let (ledger, object) = (Arc::clone(ledger), object.to_owned());
    blocking(move || {
        let dir = lock(&ledger).dir().to_owned();
        one_more(&dir, &object).map_err(|error| {
            EngineError::new("state", format!("that a record is replaced could not be noted: {error}"))
                .help("make room on the disk, or mend the rights of the folder of the project's state")
        })
    })
    .await
}

fn one_more(ledger_dir: &Path, object: &str) -> io::Result<()> {
    let Some(account_dir) = ledger_dir.parent() else { return Ok(()) };
    let next = count(account_dir, object).saturating_add(1);
    let mut file = tempfile::NamedTempFile::new_in(account_dir)?;
    io::Write::write_all(&mut file, next.to_string().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path(account_dir, object))?;
    std::fs::File::open(account_dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_by_object_type_and_begins_at_nothing() {
        let account = tempfile::tempdir().expect("a folder");
        let ledger = account.path().join("contacts");
        std::fs::create_dir(&ledger).expect("a folder");
        assert_eq!(count(account.path(), "contacts"), 0);
        one_more(&ledger, "contacts").expect("noted");
        one_more(&ledger, "contacts").expect("noted");
        assert_eq!((count(account.path(), "contacts"), count(account.path(), "companies")), (2, 0));
    }
}
