//! Opening a ledger: the lock, the first manifest, what a kill left behind, the replay of the log.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::base::Base;
use super::heap::Heap;
use super::log::Log;
use super::manifest::{self, Manifest};
use super::row_bits::RowBits;
use super::{Ledger, LedgerOptions, Rows};
use crate::StoreError;
use crate::files::sync_dir;

const LOCK: &str = "LOCK";
const BASE: &str = "base-";
const HEAP: &str = "heap-";
const LOG: &str = "log-";

pub(super) fn base_path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("{BASE}{generation}"))
}

pub(super) fn heap_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{HEAP}{number}"))
}

pub(super) fn log_path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("{LOG}{generation}"))
}

impl Ledger {
    /// Opens the ledger in `dir`, which is made if it is absent, and brings it to what was last acknowledged: the log is
    /// replayed, a torn frame at its end is cut off, leftovers of a cut-off compaction are deleted.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another opener holds it, [`StoreError::NewerFormat`] for a ledger of a later version
    /// (which is not touched), [`StoreError::Corrupt`] for a damaged one.
    pub fn open(dir: &Path, options: LedgerOptions) -> Result<Self, StoreError> {
        if !dir.is_dir() {
            fs::create_dir_all(dir).map_err(|e| StoreError::io("making", dir, e))?;
            if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_dir(parent)?;
            }
        }
        let lock = acquire(&dir.join(LOCK))?;
        let manifest = match manifest::read(dir)? {
            Some(manifest) => manifest,
            None => begin(dir)?,
        };
        delete_leftovers(dir, &manifest)?;
        let base = match manifest.generation {
            0 => None,
            generation => Some(Base::open(&base_path(dir, generation))?),
        };
        let heap = Heap::open(&heap_path(dir, manifest.heap), manifest.heap_len)?;
        let base_rows = base.as_ref().map_or(0, Base::rows);
        let mut rows = Rows { bits: RowBits::new(base_rows), len: base_rows as u64, ..Rows::default() };
        let path = log_path(dir, manifest.generation);
        let log =
            Log::open(&path, manifest.generation, |body_at, body| rows.replay(base.as_ref(), body_at, body, &path))?;
        Ok(Self { dir: dir.to_owned(), options, manifest, base, heap, log, rows, poisoned: false, _lock: lock })
    }
}

/// Tries to take the lock, and the pause between two: half a second in all.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Takes the lock and writes who holds it, for the message that a second opener gets.
fn acquire(path: &Path) -> Result<File, StoreError> {
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
            // A lock that was just let go lives on for a moment where a child process was being started meanwhile: until it
            // runs its own program, it holds a copy of every open file.
            Err(TryLockError::WouldBlock) if tries < LOCK_TRIES => {
                tries += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(TryLockError::WouldBlock) => return Err(held(&mut file, path)),
            Err(TryLockError::Error(e)) => return Err(StoreError::io("locking", path, e)),
        }
    }
    let named =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "process {}", std::process::id()));
    named.map_err(|e| StoreError::io("writing", path, e))?;
    Ok(file)
}

/// Who has the lock. The name is a courtesy: without it the message still says what to do.
fn held(file: &mut File, path: &Path) -> StoreError {
    let mut holder = String::new();
    let _ = file.read_to_string(&mut holder);
    let holder = holder.trim();
    StoreError::Locked {
        path: path.to_owned(),
        holder: if holder.is_empty() { "another process".to_owned() } else { holder.to_owned() },
    }
}

/// Makes an empty ledger of generation 0. A kill in between leaves at most an empty log, which is made again.
fn begin(dir: &Path) -> Result<Manifest, StoreError> {
    for name in names(dir)? {
        let has_rows = name.starts_with(BASE) || name.starts_with(HEAP) || (name.starts_with(LOG) && name != "log-0");
        if has_rows {
            return Err(StoreError::corrupt(&manifest::path(dir), format!("it is missing although {name} exists")));
        }
    }
    let manifest = Manifest::default();
    Log::create(&log_path(dir, 0), 0)?;
    manifest::prepare(dir, &manifest)?;
    manifest::publish(dir)?;
    manifest::seal(dir)?;
    Ok(manifest)
}

/// Deletes files that are not of the valid generation. What cannot be deleted does no harm and is tried again next time.
pub(super) fn delete_leftovers(dir: &Path, manifest: &Manifest) -> Result<(), StoreError> {
    let valid =
        [base_path(dir, manifest.generation), heap_path(dir, manifest.heap), log_path(dir, manifest.generation)];
    for name in names(dir)? {
        let path = dir.join(&name);
        let ours = [BASE, HEAP, LOG]
            .iter()
            .any(|prefix| name.strip_prefix(prefix).is_some_and(|number| number.parse::<u64>().is_ok()));
        if ours && !valid.contains(&path) {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

fn names(dir: &Path) -> Result<Vec<String>, StoreError> {
    let read = || -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for item in fs::read_dir(dir)? {
            names.extend(item?.file_name().into_string().ok());
        }
        Ok(names)
    };
    read().map_err(|e| StoreError::io("listing", dir, e))
}
