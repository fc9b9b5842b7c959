//! One run of a project at a time: a lock file that says who holds it.
//!
//! The operating system lets go of the lock when its holder ends, however it ends, so a dead process never blocks the next.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::StoreError;

/// How often a lock is tried whose holder has no name yet, and the pause in between.
const NAMELESS_TRIES: u32 = 20;
const NAMELESS_PAUSE: Duration = Duration::from_millis(10);

/// Who holds the lock, as told to the one who has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// The command, without secrets.
    pub command: String,
    pub started_at: Timestamp,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process holds it. The holder is unknown for the instant between its taking the lock and writing its name.
    #[error("the project is in use by {}: wait until it ends, or stop it", describe(.0.as_ref()))]
    Held(Option<Holder>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn describe(holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) => format!("`{}` (process {}, since {})", holder.command, holder.pid, holder.started_at),
        None => "another process that has just started".to_owned(),
    }
}

/// The lock, held until this is dropped.
#[derive(Debug)]
pub struct ProjectLock {
    file: File,
    path: PathBuf,
}

impl ProjectLock {
    /// Takes the lock or says at once who has it.
    ///
    /// # Errors
    /// [`LockError::Held`], or the file cannot be written.
    pub fn acquire(path: &Path, holder: &Holder) -> Result<Self, LockError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|e| StoreError::io("opening", path, e))?;
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    // Without a name it is held by a run that is about to write its name, or by a look at the holder.
                    let found = read_holder(&mut file);
                    tries += 1;
                    if found.is_some() || tries == NAMELESS_TRIES {
                        return Err(LockError::Held(found));
                    }
                    std::thread::sleep(NAMELESS_PAUSE);
                }
                Err(TryLockError::Error(e)) => {
                    return Err(StoreError::io("locking", path, e).into());
                }
            }
        }
        let text = json!({
            "pid": holder.pid,
            "command": holder.command,
            "started_at": holder.started_at.to_string(),
        });
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{text}"));
        written.map_err(|e| StoreError::io("writing", path, e))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Who holds the lock now; `None` where nobody does. Takes nothing.
    ///
    /// # Errors
    /// [`LockError::Held`] with `None` inside where it is held but the holder has not written its name yet.
    pub fn holder(path: &Path) -> Result<Option<Holder>, LockError> {
        let mut file = match OpenOptions::new().read(true).open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(StoreError::io("opening", path, e).into()),
        };
        // A shared try does not stop another reader, and a run that tries in this instant says so and can be repeated.
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => match read_holder(&mut file) {
                Some(holder) => Ok(Some(holder)),
                None => Err(LockError::Held(None)),
            },
            Err(TryLockError::Error(e)) => Err(StoreError::io("locking", path, e).into()),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ProjectLock {
    fn drop(&mut self) {
        // The name goes first, so that nobody reads the name of a holder that is gone. The file itself stays: deleting it
        // would let two processes hold two files of one name.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(Holder {
        pid: u32::try_from(json.get("pid")?.as_u64()?).ok()?,
        command: json.get("command")?.as_str()?.to_owned(),
        started_at: json.get("started_at")?.as_str()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(pid: u32) -> Holder {
        Holder {
            pid,
            command: "hubward run".to_owned(),
            started_at: Timestamp::from_second(1_800_000_000).expect("in range"),
        }
    }

    #[test]
    fn the_second_taker_is_told_who_holds_the_lock_and_gets_it_after_the_drop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(ProjectLock::holder(&path).unwrap().is_none());
        let first = ProjectLock::acquire(&path, &holder(7)).unwrap();
        match ProjectLock::acquire(&path, &holder(8)) {
            Err(LockError::Held(Some(found))) => assert_eq!(found, holder(7)),
            other => panic!("expected the holder, got {other:?}"),
        }
        assert_eq!(ProjectLock::holder(&path).unwrap(), Some(holder(7)));
        drop(first);
        assert!(ProjectLock::holder(&path).unwrap().is_none());
        ProjectLock::acquire(&path, &holder(8)).unwrap();
    }

    #[test]
    fn what_a_killed_holder_left_in_the_file_does_not_block() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        std::fs::write(&path, r#"{"pid":1,"command":"hubward run, a much longer text than the next","started_at":"2026-01-01T00:00:00Z"}"#)
            .unwrap();
        assert!(ProjectLock::holder(&path).unwrap().is_none());
        let _lock = ProjectLock::acquire(&path, &holder(9)).unwrap();
        assert_eq!(ProjectLock::holder(&path).unwrap(), Some(holder(9)));
    }
}
