//! Opening what an earlier process left: the torn end of the last segment is cut off, indexes that are missing are made,
//! and the mark is brought up to date. Done under the intake's lock, by whoever opens the spool while no intake runs.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use bytes::Bytes;

use super::folder::Folder;
use super::frame::{Frame, HEADER, header, header_is_whole, later_frame};
use super::index::{self, IndexEntry};
use super::mark::{Mark, MarkFile};
use super::seen::hash;
use super::settled;
use crate::StoreError;
use crate::files::{map, sync_dir};

/// The last segment as it stands after recovery.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) mark: Mark,
    /// Of the last segment's events.
    pub(super) entries: Vec<IndexEntry>,
}

/// Makes the folder good. The caller holds the intake's lock.
pub(super) fn recover(folder: &Folder, marks: &MarkFile) -> Result<Recovered, StoreError> {
    let segments: Vec<u64> = folder.segments()?.into_keys().collect();
    // The number of an event that is settled is not given again, even if somebody removed the segments.
    let least = settled::read(folder)?.map_or(1, |settled| settled.ranges.end().max(1));
    let Some((&last, complete)) = segments.split_last() else {
        return begin(folder, marks, least);
    };
    let existing = folder.indexes()?;
    for &segment in complete.iter().filter(|segment| !existing.contains_key(segment)) {
        let path = folder.segment(segment);
        let scanned = scan(&path, segment)?;
        if scanned.torn {
            return Err(StoreError::corrupt(&path, "a frame in it is bad although a later segment exists"));
        }
        index::write(folder, segment, &scanned.entries)?;
    }
    let path = folder.segment(last);
    let scanned = scan(&path, last)?;
    if scanned.len == 0 {
        // Its header never became durable, so nothing in it was acknowledged.
        fs::remove_file(&path).map_err(|e| StoreError::io("deleting", &path, e))?;
        return begin(folder, marks, last.max(least));
    }
    let next_seq = last + scanned.entries.len() as u64;
    if scanned.torn {
        cut(&path, scanned.len)?;
    }
    if next_seq < least {
        index::write(folder, last, &scanned.entries)?;
        return begin(folder, marks, least);
    }
    // What a process wrote that was killed before it synced may be in the system's memory only.
    sync(&path)?;
    let mark = Mark { segment: last, len: scanned.len, next_seq };
    marks.write(mark)?;
    Ok(Recovered { mark, entries: scanned.entries })
}

fn begin(folder: &Folder, marks: &MarkFile, first_seq: u64) -> Result<Recovered, StoreError> {
    create_segment(folder, first_seq)?;
    let mark = Mark { segment: first_seq, len: HEADER as u64, next_seq: first_seq };
    marks.write(mark)?;
    Ok(Recovered { mark, entries: Vec::new() })
}

/// Makes an empty segment, durable when it returns.
pub(super) fn create_segment(folder: &Folder, first_seq: u64) -> Result<File, StoreError> {
    let path = folder.segment(first_seq);
    let create = || {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        std::os::unix::fs::FileExt::write_all_at(&file, &header(first_seq), 0)?;
        file.sync_all()?;
        Ok(file)
    };
    let file = create().map_err(|e| {
        let _ = fs::remove_file(&path);
        StoreError::io("writing", &path, e)
    })?;
    sync_dir(folder.path())?;
    Ok(file)
}

/// What a segment holds.
struct Scanned {
    /// End of the last good frame; 0 where not even the header is good.
    len: u64,
    /// Something that is no frame stands behind it.
    torn: bool,
    entries: Vec<IndexEntry>,
}

fn scan(path: &Path, segment: u64) -> Result<Scanned, StoreError> {
    let file = File::open(path).map_err(|e| StoreError::io("opening", path, e))?;
    let metadata = file.metadata().map_err(|e| StoreError::io("reading", path, e))?;
    let mut scanned = Scanned { len: 0, torn: metadata.len() > 0, entries: Vec::new() };
    if metadata.len() < HEADER as u64 {
        return Ok(scanned);
    }
    let bytes = Bytes::from_owner(map(&file, path)?);
    if !header_is_whole(&bytes, segment, path)? {
        if later_frame(&bytes, 0, segment).is_some() {
            return Err(StoreError::corrupt(path, "its header is bad"));
        }
        return Ok(scanned);
    }
    let mut at = HEADER;
    let mut next_seq = segment;
    while let Some(frame) = Frame::read(bytes.slice(at..), segment, at as u64) {
        if frame.first_seq != next_seq {
            return Err(StoreError::corrupt(path, format!("the frame at byte {at} does not follow the one before it")));
        }
        scanned.entries.extend(frame.iter().map(|event| IndexEntry {
            hash: hash(&event.source, &event.message_id),
            received_at_ms: event.received_at_ms,
        }));
        next_seq = frame.end_seq();
        at += frame.len() as usize;
    }
    if let Some(later) = later_frame(&bytes, at, segment) {
        return Err(StoreError::corrupt(
            path,
            format!("the frame at byte {at} is bad, the one at byte {later} is not"),
        ));
    }
    scanned.len = at as u64;
    scanned.torn = at < bytes.len();
    Ok(scanned)
}

/// Cuts a segment off at `len`, durable when it returns.
pub(super) fn cut(path: &Path, len: u64) -> Result<(), StoreError> {
    let cut = || {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(len)?;
        file.sync_all()
    };
    cut().map_err(|e| StoreError::io("cutting the torn end off", path, e))
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let sync = || OpenOptions::new().write(true).open(path)?.sync_all();
    sync().map_err(|e| StoreError::io("syncing", path, e))
}
