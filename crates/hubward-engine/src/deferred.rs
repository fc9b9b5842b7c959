//! The keys of rows that the last run deferred, in a small file beside the ledger, so that the next run begins with them.
//!
//! Only the order of rows hangs on this file: one that is lost, cut off or damaged costs nothing else, so it is replaced by
//! a rename and not made durable.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

/// Keys that are kept at most: 1.6 MB.
pub(crate) const DEFERRED_KEYS_MAX: usize = 100_000;
const NAME: &str = "deferred";
const KEY_BYTES: usize = 16;

/// The keys that the last run left.
pub(crate) fn read(ledger_dir: &Path) -> HashSet<u128> {
    let bytes = std::fs::read(ledger_dir.join(NAME)).unwrap_or_default();
    let (keys, _) = bytes.as_chunks::<KEY_BYTES>();
    keys.iter().take(DEFERRED_KEYS_MAX).map(|key| u128::from_le_bytes(*key)).collect()
}

/// Replaces the keys; none removes the file.
pub(crate) fn write(ledger_dir: &Path, keys: &[u128]) -> std::io::Result<()> {
    let path = ledger_dir.join(NAME);
    if keys.is_empty() {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let mut file = tempfile::NamedTempFile::new_in(ledger_dir)?;
    let bytes: Vec<u8> = keys.iter().take(DEFERRED_KEYS_MAX).flat_map(|key| key.to_le_bytes()).collect();
    file.write_all(&bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_a_damaged_file_does_no_harm() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(read(folder.path()).is_empty());
        write(folder.path(), &[1, u128::MAX, 7]).expect("written");
        assert_eq!(read(folder.path()), HashSet::from([1, u128::MAX, 7]));
        std::fs::write(folder.path().join(NAME), [1; 20]).expect("damaged");
        assert_eq!(read(folder.path()).len(), 1);
        write(folder.path(), &[]).expect("removed");
        write(folder.path(), &[]).expect("gone already");
        assert!(read(folder.path()).is_empty() && std::fs::read_dir(folder.path()).expect("a folder").count() == 0);
    }
}
