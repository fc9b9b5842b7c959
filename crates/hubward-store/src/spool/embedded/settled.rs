//! `worker-a` and `worker-b`: which events are settled, and how far events were handed out.
//!
//! ```text
//! file   magic (8), format (4), 0 (4), generation (8), check of these (8), then frames
//! frame  check (8), magic (4), length of the body (4), body
//! body   events below this number may have been handed out (8), then ranges of settled events: start (8), end (8)
//! ```
//!
//! Both files have their room on the disk from the beginning: on a full disk events can still be settled, which is what
//! makes room again. When one is full, the other begins anew with everything in its first frame; the valid one is the one of
//! the highest generation whose first frame is whole. A frame's check is seeded with generation and place, so what an
//! earlier generation left behind the end never counts.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::folder::Folder;
use super::frame::{u32_at, u64_at};
use super::options::{EmbeddedOptions, SpoolStep};
use super::ranges::Ranges;
use crate::StoreError;
use crate::files::sync_dir;

const NAMES: [&str; 2] = ["worker-a", "worker-b"];
const MAGIC: [u8; 8] = *b"HUBWWRK\0";
const FORMAT: u32 = 1;
const HEADER: usize = 32;
const FRAME_MAGIC: [u8; 4] = *b"hwwf";
const FRAME_HEADER: usize = 16;
/// Room that each file has from the beginning, in bytes.
const CAPACITY: usize = if cfg!(test) { 16 << 10 } else { 1 << 20 };

/// What the worker has written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) ranges: Ranges,
    /// Events from this number on were certainly never handed out.
    pub(super) reached: u64,
}

/// What is written down now, by whichever process; none where no worker has ever run.
pub(super) fn read(folder: &Folder) -> Result<Option<Settled>, StoreError> {
    Ok(newest(folder)?.map(|found| found.settled))
}

struct Found {
    file: usize,
    generation: u64,
    /// End of the last good frame.
    len: usize,
    settled: Settled,
}

fn newest(folder: &Folder) -> Result<Option<Found>, StoreError> {
    let mut best: Option<Found> = None;
    for (file, name) in NAMES.iter().enumerate() {
        let path = folder.file(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(StoreError::io("reading", &path, e)),
        };
        let Some(generation) = generation_of(&bytes) else { continue };
        let format = u32_at(&bytes, 8);
        if format > FORMAT {
            return Err(StoreError::NewerFormat { path, found: format, known: FORMAT });
        }
        let mut settled = Settled::default();
        let mut len = HEADER;
        while let Some(body) = frame_at(&bytes, len, generation) {
            settled.reached = u64_at(body, 0);
            for range in body[8..].chunks_exact(16) {
                settled.ranges.insert(u64_at(range, 0), u64_at(range, 8));
            }
            len += FRAME_HEADER + body.len();
        }
        if len > HEADER && best.as_ref().is_none_or(|best| best.generation < generation) {
            best = Some(Found { file, generation, len, settled });
        }
    }
    Ok(best)
}

fn generation_of(bytes: &[u8]) -> Option<u64> {
    let header = bytes.get(..HEADER)?;
    (header[..8] == MAGIC && xxh3_64_with_seed(&header[..24], 3) == u64_at(header, 24)).then(|| u64_at(header, 16))
}

fn frame_at(bytes: &[u8], at: usize, generation: u64) -> Option<&[u8]> {
    let head = bytes.get(at..at + FRAME_HEADER)?;
    if head[8..12] != FRAME_MAGIC {
        return None;
    }
    let frame = bytes.get(at..at + FRAME_HEADER + u32_at(head, 12) as usize)?;
    let good = frame.len() >= FRAME_HEADER + 8 && u64_at(frame, 0) == frame_check(&frame[8..], generation, at);
    good.then(|| &frame[FRAME_HEADER..])
}

fn frame_check(rest: &[u8], generation: u64, at: usize) -> u64 {
    xxh3_64_with_seed(rest, generation.rotate_left(32) ^ at as u64)
}

fn frame(generation: u64, at: usize, reached: u64, ranges: impl Iterator<Item = (u64, u64)>) -> Vec<u8> {
    let mut bytes = vec![0; FRAME_HEADER];
    bytes.extend_from_slice(&reached.to_le_bytes());
    for (start, end) in ranges {
        bytes.extend_from_slice(&start.to_le_bytes());
        bytes.extend_from_slice(&end.to_le_bytes());
    }
    let body = (bytes.len() - FRAME_HEADER) as u32;
    bytes[8..12].copy_from_slice(&FRAME_MAGIC);
    bytes[12..16].copy_from_slice(&body.to_le_bytes());
    let check = frame_check(&bytes[8..], generation, at);
    bytes[..8].copy_from_slice(&check.to_le_bytes());
    bytes
}

/// The worker's pen. One process holds it, under the worker's lock.
#[derive(Debug)]
pub(super) struct SettledLog {
    files: [File; 2],
    paths: [PathBuf; 2],
    options: EmbeddedOptions,
    current: usize,
    generation: u64,
    len: usize,
    /// What is durable.
    settled: Settled,
}

impl SettledLog {
    pub(super) fn open(folder: &Folder, options: &EmbeddedOptions) -> Result<Self, StoreError> {
        let paths = NAMES.map(|name| folder.file(name));
        let open = |path: &PathBuf| -> Result<File, StoreError> {
            let open = || {
                let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
                let len = file.metadata()?.len();
                if len < CAPACITY as u64 {
                    // Written, not only reserved: what has a block on the disk can be overwritten when the disk is full.
                    file.write_all_at(&vec![0; CAPACITY - len as usize], len)?;
                    file.sync_all()?;
                }
                Ok(file)
            };
            open().map_err(|e| StoreError::io("making room for", path, e))
        };
        let files = [open(&paths[0])?, open(&paths[1])?];
        sync_dir(folder.path())?;
        let mut log = Self {
            files,
            paths,
            options: options.clone(),
            current: 1,
            generation: 0,
            len: usize::MAX,
            settled: Settled::default(),
        };
        if let Some(found) = newest(folder)? {
            log.current = found.file;
            log.generation = found.generation;
            log.len = found.len;
            log.settled = found.settled;
        }
        Ok(log)
    }

    pub(super) fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Writes down that these ranges are settled and events below `reached` may be handed out; durable when it returns.
    /// After an error nothing has changed, and it may be repeated.
    pub(super) fn append(&mut self, reached: u64, ranges: &Ranges) -> Result<(), StoreError> {
        let at = self.len;
        let need = FRAME_HEADER + 8 + 16 * ranges.len();
        if at.checked_add(need).is_some_and(|end| end <= CAPACITY) {
            let bytes = frame(self.generation, at, reached, ranges.iter());
            self.write(self.current, &bytes, at)?;
            self.len += bytes.len();
            for (start, end) in ranges.iter() {
                self.settled.ranges.insert(start, end);
            }
            self.settled.reached = reached;
            return Ok(());
        }
        let mut settled = Settled { ranges: self.settled.ranges.clone(), reached };
        for (start, end) in ranges.iter() {
            settled.ranges.insert(start, end);
        }
        let generation = self.generation + 1;
        let mut bytes = vec![0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[16..24].copy_from_slice(&generation.to_le_bytes());
        let check = xxh3_64_with_seed(&bytes[..24], 3);
        bytes[24..].copy_from_slice(&check.to_le_bytes());
        bytes.extend(frame(generation, HEADER, reached, settled.ranges.iter()));
        let other = 1 - self.current;
        self.write(other, &bytes, 0)?;
        self.current = other;
        self.generation = generation;
        self.len = bytes.len();
        self.settled = settled;
        Ok(())
    }

    fn write(&self, file: usize, bytes: &[u8], at: usize) -> Result<(), StoreError> {
        let write = || {
            self.files[file].write_all_at(bytes, at as u64)?;
            self.options.step(SpoolStep::SettleWritten)?;
            self.files[file].sync_data()
        };
        write().map_err(|e| StoreError::io("writing", &self.paths[file], e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &std::path::Path) -> (Folder, SettledLog) {
        let folder = Folder::open(dir).unwrap();
        let log = SettledLog::open(&folder, &EmbeddedOptions::new(dir.to_owned(), 1 << 30)).unwrap();
        (folder, log)
    }

    #[test]
    fn what_is_settled_is_known_again_also_when_the_files_have_been_filled_many_times() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, mut log) = open(dir.path());
        let mut expected = Settled::default();
        let mut most = 0;
        // Every other event, and those between them in the next step.
        for step in 0..400_u64 {
            let ranges: Ranges = (0..20).map(|n| (step / 2 * 20 + n) * 2 + step % 2).collect();
            log.append(step, &ranges).unwrap();
            for (start, end) in ranges.iter() {
                expected.ranges.insert(start, end);
            }
            expected.reached = step;
            most = most.max(log.generation);
            if step % 50 == 0 {
                assert_eq!(read(&folder).unwrap().unwrap(), expected);
            }
        }
        assert!(most > 2, "the files changed places: {most}");
        assert_eq!(read(&folder).unwrap().unwrap(), expected);
        drop(log);
        let (_, log) = open(dir.path());
        assert_eq!(*log.settled(), expected);
    }

    #[test]
    fn a_torn_change_of_files_leaves_the_older_one_valid() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, mut log) = open(dir.path());
        log.append(7, &[1, 2, 3].into_iter().collect()).unwrap();
        let before = read(&folder).unwrap().unwrap();
        let path = folder.file(NAMES[1 - log.current]);
        // As the next generation's header would look, with half of its first frame.
        log.len = CAPACITY;
        log.append(8, &[5].into_iter().collect()).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in [8, HEADER, HEADER + 10, log.len - 8] {
            let mut torn = vec![0; whole.len()];
            torn[..cut].copy_from_slice(&whole[..cut]);
            fs::write(&path, torn).unwrap();
            assert_eq!(read(&folder).unwrap().unwrap(), before, "cut at {cut}");
        }
    }
}
