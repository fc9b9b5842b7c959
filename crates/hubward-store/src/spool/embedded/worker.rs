//! The worker's role: hands out, settles, and deletes segments that nobody needs.

use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::folder::Folder;
use super::mark::{Mark, MarkFile};
use super::options::{EmbeddedOptions, SpoolStep};
use super::ranges::Ranges;
use super::reader::Reader;
use super::settled::SettledLog;
use super::writer::Written;
use crate::files::sync_dir;
use crate::spool::{SpoolError, Stored};
use crate::{ProjectLock, StoreError};

/// How often the mark of another process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How many events ahead of the last one it is written down that they may have been handed out, so that this costs a sync
/// for thousands of them.
const AHEAD: u64 = 4_096;

#[derive(Debug)]
pub(super) struct Worker {
    folder: Folder,
    options: EmbeddedOptions,
    /// The intake of this process, if it is here.
    written: Option<Arc<Written>>,
    marks: MarkFile,
    /// Always locked before `place`.
    log: Mutex<SettledLog>,
    place: Mutex<Place>,
    given_back: Notify,
    _lock: ProjectLock,
}

#[derive(Debug)]
struct Place {
    reader: Reader,
    /// Events below it are written down as handed out, perhaps.
    reached: u64,
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    pub(super) fn open(
        folder: &Folder,
        options: &EmbeddedOptions,
        written: Option<Arc<Written>>,
        lock: ProjectLock,
    ) -> Result<Self, StoreError> {
        let log = SettledLog::open(folder, options)?;
        let marks = MarkFile::open(&folder.file("mark"))?;
        let mark = match &written {
            Some(written) => Some(written.mark()),
            None => marks.read()?,
        };
        let mut reader = Reader::open(folder, log.settled(), mark.map_or(u64::MAX, |mark| mark.next_seq))?;
        let needless = reader.needless(&log.settled().ranges);
        let reached = log.settled().reached;
        let worker = Self {
            folder: folder.clone(),
            options: options.clone(),
            written,
            marks,
            log: Mutex::new(log),
            place: Mutex::new(Place { reader, reached, closed: false }),
            given_back: Notify::new(),
            _lock: lock,
        };
        worker.delete(&needless)?;
        Ok(worker)
    }

    fn mark(&self) -> Result<Option<Mark>, StoreError> {
        match &self.written {
            Some(written) => Ok(Some(written.mark())),
            None => self.marks.read(),
        }
    }

    pub(super) async fn take(self: Arc<Self>, max: usize, max_wait: Duration) -> Result<Vec<Stored>, SpoolError> {
        let until = Instant::now() + max_wait;
        loop {
            let grown = self.written.as_ref().map(|written| written.grown.notified());
            let given_back = self.given_back.notified();
            self.reach(max).await?;
            // Nothing is awaited between reading and returning, so a caller that gives up loses no event. The frames that
            // are read were written a moment ago and are in the system's memory, but for those of a backlog.
            let taken = self.take_now(max)?;
            if !taken.is_empty() || max == 0 {
                return Ok(taken);
            }
            if self.is_short(max) {
                // Another taker was quicker and has used up what was written down.
                continue;
            }
            let now = Instant::now();
            if now >= until {
                return Ok(taken);
            }
            let look = if grown.is_some() { until } else { until.min(now + LOOK_EVERY) };
            let come = async {
                match grown {
                    Some(grown) => grown.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = come => {}
                () = given_back => {}
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }

    /// Writes down that the next events may be handed out, before they are.
    async fn reach(self: &Arc<Self>, max: usize) -> Result<(), SpoolError> {
        let needed = {
            let place = lock(&self.place);
            if place.closed {
                return Err(SpoolError::Closed);
            }
            place.reader.reach(max)
        };
        if !self.is_short(max) {
            return Ok(());
        }
        let worker = Arc::clone(self);
        super::blocking(move || {
            let mut log = lock(&worker.log);
            let reached = needed + AHEAD;
            if log.settled().reached < reached {
                log.append(reached, &Ranges::default())?;
            }
            lock(&worker.place).reached = log.settled().reached;
            Ok(())
        })
        .await
    }

    fn is_short(&self, max: usize) -> bool {
        let place = lock(&self.place);
        place.reader.reach(max) > place.reached
    }

    fn take_now(&self, max: usize) -> Result<Vec<Stored>, SpoolError> {
        let mut place = lock(&self.place);
        if place.closed {
            return Err(SpoolError::Closed);
        }
        // Read under the lock, so that two takers see it in one order.
        let Some(mark) = self.mark()? else {
            return Ok(Vec::new());
        };
        let reached = place.reached;
        Ok(place.reader.take(max, mark, reached)?)
    }

    pub(super) fn settle(&self, seqs: &[u64]) -> Result<(), SpoolError> {
        let mut log = lock(&self.log);
        let known = {
            let place = lock(&self.place);
            if place.closed {
                return Err(SpoolError::Closed);
            }
            place.reader.known(seqs)
        };
        if known.count() == 0 {
            return Ok(());
        }
        let reached = log.settled().reached;
        log.append(reached, &known)?;
        let needless = lock(&self.place).reader.settled(&known, &log.settled().ranges);
        if !needless.is_empty() {
            let stepped = self.options.step(SpoolStep::SettleSynced);
            stepped.map_err(|e| StoreError::io("deleting segments in", self.folder.path(), e))?;
            self.delete(&needless)?;
        }
        Ok(())
    }

    fn delete(&self, segments: &[u64]) -> Result<(), StoreError> {
        for segment in segments {
            let path = self.folder.segment(*segment);
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(StoreError::io("deleting", &path, e)),
            }
        }
        if segments.is_empty() { Ok(()) } else { sync_dir(self.folder.path()) }
    }

    pub(super) fn release(&self, seqs: &[u64]) {
        lock(&self.place).reader.give_back(seqs);
        self.given_back.notify_waiters();
    }

    pub(super) fn ranges(&self) -> Ranges {
        lock(&self.log).settled().ranges.clone()
    }

    pub(super) fn received_at(&self, seq: u64) -> Option<i64> {
        lock(&self.place).reader.received_at(seq)
    }

    /// Writes down what was really handed out, so that the next worker doubts nothing else.
    pub(super) fn close(&self) -> Result<(), SpoolError> {
        let mut log = lock(&self.log);
        let reached = {
            let mut place = lock(&self.place);
            place.closed = true;
            place.reader.handed_out_below()
        };
        if log.settled().reached != reached {
            log.append(reached, &Ranges::default())?;
        }
        Ok(())
    }
}
