//! `log-N`: what changed since the base, as checksummed frames that are durable before they count.
//!
//! ```text
//! file   magic (8), format (4), 0 (4), generation (8), then frames
//! frame  check (8), magic (4), length of the body (4), body
//! ```
//!
//! A frame's check is seeded with the generation and the frame's place, so bytes of another log or of a reused disk block
//! never pass for a frame. Only the last frame can be torn, because each is durable before the next is written; a bad frame
//! with a good one behind it is damage and is refused, not cut.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::manifest::FORMAT;
use crate::StoreError;
use crate::files::map;

const MAGIC: [u8; 8] = *b"HUBWLOG\0";
const HEADER: usize = 24;
const FRAME_MAGIC: [u8; 4] = *b"hwlf";
const FRAME_HEADER: usize = 16;
/// Largest body of one frame, in bytes.
const MAX_BODY: usize = 256 << 20;

#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: PathBuf,
    generation: u64,
    /// End of the last good frame.
    len: u64,
    /// It is not known what is on the disk behind `len`.
    poisoned: bool,
}

impl Log {
    /// Makes an empty log, in place of one that a cut-off compaction left.
    pub(super) fn create(path: &Path, generation: u64) -> Result<Self, StoreError> {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        header[16..].copy_from_slice(&generation.to_le_bytes());
        let create = || {
            let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
            file.write_all(&header)?;
            file.sync_all()?;
            Ok(file)
        };
        Ok(Self {
            file: create().map_err(|e| StoreError::io("writing", path, e))?,
            path: path.to_owned(),
            generation,
            len: HEADER as u64,
            poisoned: false,
        })
    }

    /// Reads the log, giving each good frame's body and its place in the file to `replay`, and cuts a torn tail off.
    pub(super) fn open(
        path: &Path,
        generation: u64,
        mut replay: impl FnMut(u64, &[u8]) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => StoreError::corrupt(path, "the file is missing"),
            _ => StoreError::io("opening", path, e),
        })?;
        let bytes = map(&file, path)?;
        check_header(&bytes, generation, path)?;
        let mut at = HEADER;
        while let Some(body) = frame_at(&bytes, at, generation) {
            replay((at + FRAME_HEADER) as u64, body)?;
            at += FRAME_HEADER + body.len();
        }
        if at < bytes.len() {
            if let Some(good) = later_frame(&bytes, at, generation) {
                return Err(StoreError::corrupt(
                    path,
                    format!("the frame at byte {at} does not match its checksum, but one at byte {good} does"),
                ));
            }
            drop(bytes);
            file.set_len(at as u64)
                .and_then(|()| file.sync_all())
                .map_err(|e| StoreError::io("cutting the torn end of", path, e))?;
        }
        Ok(Self { file, path: path.to_owned(), generation, len: at as u64, poisoned: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Starts a frame; records are encoded behind what is returned.
    pub(super) fn start_frame() -> Vec<u8> {
        vec![0; FRAME_HEADER]
    }

    pub(super) fn body_of(frame: &[u8]) -> &[u8] {
        &frame[FRAME_HEADER..]
    }

    /// Writes a frame and makes it durable; `between` runs after the writing and before the syncing. Tells the place of
    /// the frame's body. After an error the frame does not count.
    pub(super) fn append(
        &mut self,
        frame: &mut [u8],
        between: impl FnOnce() -> io::Result<()>,
    ) -> Result<u64, StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned { path: self.path.clone() });
        }
        let body = frame.len() - FRAME_HEADER;
        if body > MAX_BODY {
            return Err(StoreError::TooLarge { what: "one frame of the ledger's log", limit: MAX_BODY as u64 });
        }
        frame[8..12].copy_from_slice(&FRAME_MAGIC);
        frame[12..16].copy_from_slice(&(body as u32).to_le_bytes());
        let check = frame_check(&frame[8..], self.generation, self.len);
        frame[..8].copy_from_slice(&check.to_le_bytes());

        if let Err(e) = self.file.write_all_at(frame, self.len) {
            // Take the part that was written back at once: it may be what filled the disk.
            self.poisoned = self.file.set_len(self.len).is_err();
            return Err(StoreError::io("writing", &self.path, e));
        }
        if let Err(e) = between().and_then(|()| self.file.sync_data()) {
            // After a failed sync nobody knows what the disk holds: only reading it again tells.
            self.poisoned = true;
            return Err(StoreError::io("syncing", &self.path, e));
        }
        let body_at = self.len + FRAME_HEADER as u64;
        self.len += frame.len() as u64;
        Ok(body_at)
    }

    /// Reads a part of the log.
    pub(super) fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, offset).map_err(|e| StoreError::io("reading", &self.path, e))?;
        Ok(bytes)
    }

    /// Maps the whole log, for a compaction that reads most of it.
    pub(super) fn map(&self) -> Result<Mmap, StoreError> {
        map(&self.file, &self.path)
    }
}

fn check_header(bytes: &[u8], generation: u64, path: &Path) -> Result<(), StoreError> {
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        return Err(StoreError::corrupt(path, "it is shorter than its header"));
    };
    if header[..8] != MAGIC || header[16..] != generation.to_le_bytes() {
        return Err(StoreError::corrupt(path, format!("it is not the log of generation {generation}")));
    }
    Ok(())
}

fn frame_check(rest: &[u8], generation: u64, at: u64) -> u64 {
    xxh3_64_with_seed(rest, generation.rotate_left(40) ^ at)
}

/// The body of the frame at this place, if there is a good one.
fn frame_at(bytes: &[u8], at: usize, generation: u64) -> Option<&[u8]> {
    let header: &[u8; FRAME_HEADER] = bytes.get(at..)?.first_chunk()?;
    if header[8..12] != FRAME_MAGIC {
        return None;
    }
    let len = u32::from_le_bytes(*header[12..].first_chunk()?) as usize;
    let frame = bytes.get(at..at + FRAME_HEADER + len)?;
    let check = u64::from_le_bytes(*header.first_chunk()?);
    (len <= MAX_BODY && check == frame_check(&frame[8..], generation, at as u64)).then(|| &frame[FRAME_HEADER..])
}

/// The place of a good frame behind a bad one.
fn later_frame(bytes: &[u8], bad: usize, generation: u64) -> Option<usize> {
    let mut at = bad + 1;
    while at + FRAME_HEADER <= bytes.len() {
        if bytes[at + 8..at + 12] == FRAME_MAGIC && frame_at(bytes, at, generation).is_some() {
            return Some(at);
        }
        at += 1;
    }
    None
}
