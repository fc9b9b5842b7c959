//! The few file operations that durability rests on: replace a file whole, make a folder entry durable, map a file.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use memmap2::{Mmap, UncheckedAdvice};

use crate::StoreError;

/// Makes creations, renames and removals in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|handle| handle.sync_all()).map_err(|e| StoreError::io("syncing the folder", dir, e))
}

/// Writes `bytes` to `temporary` and makes them durable; the caller renames it.
pub(crate) fn write_durably(temporary: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let written = File::create(temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|e| {
        // What is left of it has no meaning; the next attempt truncates it if it cannot be removed now.
        let _ = fs::remove_file(temporary);
        StoreError::io("writing", temporary, e)
    })
}

/// Maps a file of the ledger for reading.
pub(crate) fn map(file: &File, path: &Path) -> Result<Mmap, StoreError> {
    // SAFETY: a mapped file must not shrink or change under the map. The ledger's base files are never written again once
    // the manifest names them, its log only grows behind the mapped length while mapped, and the exclusive
    // lock on the folder keeps other processes of ours away.
    let mapped = unsafe { Mmap::map(file) };
    mapped.map_err(|e| StoreError::io("mapping", path, e))
}

/// Lets go of the memory that mapped pages take; they are read again from the file, mostly from the system's cache, when
/// they are touched next. Whole pages within the range only.
pub(crate) fn release(map: &Mmap, start: usize, end: usize) {
    let start = start.next_multiple_of(PAGE);
    let end = end / PAGE * PAGE;
    if start < end {
        // SAFETY: the advice is unsafe for maps whose content is only in memory. This one is a read-only map of a file that
        // nobody changes, so the same bytes come back.
        let advised = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start) };
        // Only a saving: without it the pages stay until the system wants them.
        let _ = advised;
    }
}

/// A multiple of every page size in use up to 64 KiB.
const PAGE: usize = 1 << 16;
