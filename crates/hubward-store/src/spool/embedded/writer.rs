//! The one thread that writes events: it gathers what came while it synced, writes it as one frame and syncs once.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::folder::Folder;
use super::frame::{FrameBuilder, HEADER, MAX_BODY, event_len};
use super::index::{self, IndexEntry};
use super::mark::{Mark, MarkFile};
use super::options::{EmbeddedOptions, SpoolStep};
use super::recover::{Recovered, create_segment};
use super::seen::{Hashes, Seen, hash};
use crate::StoreError;
use crate::spool::{Appended, NewEvent, SpoolError};

/// Bytes of events that one group gathers before it is written, beside the one call that is larger.
const GROUP_BYTES: usize = 4 << 20;

/// One call that waits for its events to be durable.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) events: Vec<NewEvent>,
    pub(super) done: oneshot::Sender<Result<Appended, SpoolError>>,
}

/// What the writing thread tells the others of its process.
#[derive(Debug)]
pub(super) struct Written {
    mark: Mutex<Mark>,
    /// Of the last segment.
    entries: Mutex<(u64, Vec<IndexEntry>)>,
    pub(super) grown: Notify,
}

impl Written {
    pub(super) fn mark(&self) -> Mark {
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When an event of the last segment was received.
    pub(super) fn received_at(&self, seq: u64) -> Option<i64> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let index = usize::try_from(seq.checked_sub(entries.0)?).ok()?;
        entries.1.get(index).map(|entry| entry.received_at_ms)
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    folder: Folder,
    options: EmbeddedOptions,
    marks: MarkFile,
    file: File,
    mark: Mark,
    /// The file may hold something behind the mark that could not be cut off.
    dirty: bool,
    /// The next segment has been begun and is not in use yet.
    turning: bool,
    /// Sizes of the complete segments as last looked up.
    complete: BTreeMap<u64, u64>,
    seen: Seen,
    written: Arc<Written>,
    frame: FrameBuilder,
    /// Of the frame under construction.
    entries: Vec<IndexEntry>,
    in_frame: Hashes,
}

/// A call whose events are in the frame under construction.
type Pending = (oneshot::Sender<Result<Appended, SpoolError>>, Appended);

impl Writer {
    pub(super) fn new(
        folder: &Folder,
        options: &EmbeddedOptions,
        marks: MarkFile,
        recovered: Recovered,
    ) -> Result<Self, StoreError> {
        let mark = recovered.mark;
        let mut seen = Seen::new(options.window_ms, options.max_seen);
        for first_seq in folder.indexes()?.into_keys() {
            for entry in index::read(folder, first_seq)?.unwrap_or_default() {
                seen.insert(entry.hash, entry.received_at_ms);
            }
        }
        for entry in &recovered.entries {
            seen.insert(entry.hash, entry.received_at_ms);
        }
        let path = folder.segment(mark.segment);
        let file =
            File::options().read(true).write(true).open(&path).map_err(|e| StoreError::io("opening", &path, e))?;
        let mut writer = Self {
            folder: folder.clone(),
            options: options.clone(),
            marks,
            file,
            mark,
            dirty: false,
            turning: false,
            complete: BTreeMap::new(),
            seen,
            written: Arc::new(Written {
                mark: Mutex::new(mark),
                entries: Mutex::new((mark.segment, recovered.entries)),
                grown: Notify::new(),
            }),
            frame: FrameBuilder::new(),
            entries: Vec::new(),
            in_frame: Hashes::default(),
        };
        writer.look_up_sizes()?;
        Ok(writer)
    }

    pub(super) fn written(&self) -> Arc<Written> {
        Arc::clone(&self.written)
    }

    /// Writes until every sender is gone.
    pub(super) fn run(mut self, calls: &Receiver<Append>) {
        while let Ok(first) = calls.recv() {
            let mut group = vec![first];
            let mut bytes = 0;
            while bytes < GROUP_BYTES
                && let Ok(next) = calls.try_recv()
            {
                bytes += next.events.iter().map(event_len).sum::<usize>();
                group.push(next);
            }
            self.write_group(group);
        }
    }

    fn write_group(&mut self, group: Vec<Append>) {
        let mut pending: Vec<Pending> = Vec::with_capacity(group.len());
        for call in group {
            let bytes: usize = call.events.iter().map(event_len).sum();
            if bytes > MAX_BODY / 2 {
                let error = SpoolError::TooLarge { what: "one call", limit: MAX_BODY as u64 / 2 };
                let _ = call.done.send(Err(error));
                continue;
            }
            if self.frame.len() + bytes > MAX_BODY {
                self.finish_frame(&mut pending);
            }
            if let Err(error) = self.has_room(bytes) {
                let _ = call.done.send(Err(error));
                continue;
            }
            pending.push((call.done, self.gather(&call.events)));
        }
        self.finish_frame(&mut pending);
    }

    /// Puts a call's events into the frame, but for duplicates.
    fn gather(&mut self, events: &[NewEvent]) -> Appended {
        let mut appended = Appended::default();
        for event in events {
            let hash = hash(event.source.as_bytes(), event.message_id.as_bytes());
            if self.seen.contains(hash, event.received_at_ms) || !self.in_frame.insert(hash) {
                appended.duplicates += 1;
                continue;
            }
            self.frame.push(event);
            self.entries.push(IndexEntry { hash, received_at_ms: event.received_at_ms });
            appended.accepted += 1;
        }
        appended
    }

    /// Whether `bytes` more may be kept.
    fn has_room(&mut self, bytes: usize) -> Result<(), SpoolError> {
        let bytes = bytes as u64 + self.frame.len() as u64;
        if self.used() + bytes > self.options.max_bytes {
            // The worker may have deleted segments since.
            self.look_up_sizes()?;
        }
        let used = self.used();
        if used + bytes > self.options.max_bytes {
            return Err(SpoolError::Full { bytes: used, max_bytes: self.options.max_bytes });
        }
        Ok(())
    }

    fn used(&self) -> u64 {
        self.complete.values().sum::<u64>() + self.mark.len
    }

    fn look_up_sizes(&mut self) -> Result<(), StoreError> {
        self.complete = self.folder.segments()?;
        self.complete.remove(&self.mark.segment);
        Ok(())
    }

    /// Makes the frame durable and tells everyone whose events are in it.
    fn finish_frame(&mut self, pending: &mut Vec<Pending>) {
        let mut result = Ok(());
        if self.frame.events() > 0 {
            result = self.write_frame();
            if result.is_ok() {
                // Also when nobody can be told: what is durable is a duplicate from now on.
                for entry in &self.entries {
                    self.seen.insert(entry.hash, entry.received_at_ms);
                }
                result = self.publish();
            }
        }
        self.entries.clear();
        self.in_frame.clear();
        self.frame.clear();
        for (done, appended) in pending.drain(..) {
            // After an error no call is acknowledged, not even one whose events were known already: it may be that they were
            // known from this frame. A repetition is cheap.
            let answer = result.as_ref().map(|()| appended).map_err(|error| self.copy(error));
            // Nobody may be waiting any more: a connection that is gone.
            let _ = done.send(answer);
        }
    }

    fn write_frame(&mut self) -> Result<(), SpoolError> {
        self.mend()?;
        let full = self.mark.len + self.frame.len() as u64 > self.options.segment_bytes;
        if self.turning || (full && self.mark.len > HEADER as u64) {
            self.next_segment()?;
        }
        let at = self.mark.len;
        let events = self.frame.events();
        let bytes = self.frame.seal(self.mark.segment, at, self.mark.next_seq);
        self.dirty = true;
        let written = self
            .options
            .step(SpoolStep::GroupBegun)
            .and_then(|()| self.file.write_all_at(bytes, at))
            .and_then(|()| self.options.step(SpoolStep::GroupWritten))
            .and_then(|()| self.file.sync_data())
            .and_then(|()| self.options.step(SpoolStep::GroupSynced));
        if let Err(e) = written {
            // What was written may be what filled the disk: it goes at once, or else before the next frame.
            let _ = self.mend();
            return Err(StoreError::io("writing", &self.folder.segment(self.mark.segment), e).into());
        }
        self.dirty = false;
        self.mark.len += bytes.len() as u64;
        self.mark.next_seq += events;
        let mut entries = self.written.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.1.extend_from_slice(&self.entries);
        Ok(())
    }

    /// Cuts off what a failed write left. A failed sync leaves open what the disk holds, so nothing is written behind it.
    fn mend(&mut self) -> Result<(), StoreError> {
        if self.dirty {
            let path = self.folder.segment(self.mark.segment);
            let mended = self.file.set_len(self.mark.len).and_then(|()| self.file.sync_all());
            mended.map_err(|e| StoreError::io("mending", &path, e))?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Once this has begun, nothing more is written to the old segment, however often it has to be tried: the new one may be
    /// there already, and it says which number comes first in it.
    fn next_segment(&mut self) -> Result<(), StoreError> {
        self.turning = true;
        let step = |step| {
            let stepped = self.options.step(step);
            stepped.map_err(|e| StoreError::io("beginning a segment in", self.folder.path(), e))
        };
        {
            let entries = self.written.entries.lock().unwrap_or_else(PoisonError::into_inner);
            index::write(&self.folder, self.mark.segment, &entries.1)?;
        }
        step(SpoolStep::IndexWritten)?;
        let first_seq = self.mark.next_seq;
        let file = create_segment(&self.folder, first_seq)?;
        step(SpoolStep::SegmentCreated)?;
        self.complete.insert(self.mark.segment, self.mark.len);
        self.file = file;
        self.mark = Mark { segment: first_seq, len: HEADER as u64, next_seq: first_seq };
        self.turning = false;
        *self.written.entries.lock().unwrap_or_else(PoisonError::into_inner) = (first_seq, Vec::new());
        // Only a saving; the next segment tries again.
        let _ = self.forget_indexes();
        Ok(())
    }

    /// Deletes indexes whose segments are gone and whose events have left the window.
    fn forget_indexes(&self) -> Result<(), StoreError> {
        let Some(newest) = self.entries.last().map(|entry| entry.received_at_ms) else {
            return Ok(());
        };
        let segments = self.folder.segments()?;
        for first_seq in self.folder.indexes()?.into_keys().filter(|first_seq| !segments.contains_key(first_seq)) {
            let entries = index::read(&self.folder, first_seq)?.unwrap_or_default();
            let last = entries.iter().map(|entry| entry.received_at_ms).max().unwrap_or(i64::MIN);
            if last < newest - self.options.window_ms - 3_600_000 {
                let path = self.folder.index(first_seq);
                std::fs::remove_file(&path).map_err(|e| StoreError::io("deleting", &path, e))?;
            } else {
                // Those behind it are younger.
                break;
            }
        }
        Ok(())
    }

    /// Tells this process and others what is durable.
    fn publish(&mut self) -> Result<(), SpoolError> {
        *self.written.mark.lock().unwrap_or_else(PoisonError::into_inner) = self.mark;
        self.written.grown.notify_waiters();
        Ok(self.marks.write(self.mark)?)
    }

    /// The same error for each of those who wait.
    fn copy(&self, error: &SpoolError) -> SpoolError {
        let source = match error {
            SpoolError::DiskFull => return SpoolError::DiskFull,
            SpoolError::Store(StoreError::Io { doing, path, source }) => {
                let source = std::io::Error::new(source.kind(), source.to_string());
                return SpoolError::Store(StoreError::Io { doing, path: path.clone(), source });
            }
            other => std::io::Error::other(other.to_string()),
        };
        SpoolError::Store(StoreError::Io { doing: "writing to", path: self.folder.path().to_owned(), source })
    }
}
