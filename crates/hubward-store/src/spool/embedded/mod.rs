//! The spool in a folder of this machine: append-only segments, one sync for many calls, and a log of what is settled.
//!
//! Intake and worker may be one process or two; each role is held by one process at a time. The worker learns of new events
//! by a signal within a process, and by looking at the mark every few milliseconds across processes.

mod folder;
mod frame;
mod index;
mod mark;
mod memory;
mod options;
mod ranges;
mod reader;
mod recover;
mod seen;
mod settled;
mod worker;
mod writer;

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use folder::Folder;
use mark::{Mark, MarkFile};
use memory::Memory;
pub use options::{EmbeddedOptions, SpoolHook, SpoolStep};
use ranges::Ranges;
use tokio::sync::oneshot;
use worker::Worker;
use writer::{Append, Writer, Written};

use crate::spool::{Appended, Depth, NewEvent, Spool, SpoolError, SpoolFuture, Stored};
use crate::{Holder, LockError, ProjectLock, StoreError};

/// How often a mark is looked for that an intake is about to write, and the pause in between.
const MARK_TRIES: u32 = 500;
const MARK_PAUSE: Duration = Duration::from_millis(10);

/// What a process does with the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    /// Appends.
    Intake,
    /// Takes and settles.
    Worker,
    Both,
    /// Only looks at the depth.
    Neither,
}

impl Roles {
    pub(crate) fn intake(self) -> bool {
        matches!(self, Self::Intake | Self::Both)
    }

    pub(crate) fn worker(self) -> bool {
        matches!(self, Self::Worker | Self::Both)
    }
}

/// A spool in a folder.
#[derive(Debug)]
pub struct EmbeddedSpool {
    folder: Folder,
    options: EmbeddedOptions,
    /// None once it is closed.
    intake: Mutex<Option<Intake>>,
    written: Option<Arc<Written>>,
    worker: Option<Arc<Worker>>,
    memory: Arc<Memory>,
}

#[derive(Debug)]
struct Intake {
    calls: mpsc::Sender<Append>,
    thread: Option<JoinHandle<()>>,
    _lock: ProjectLock,
}

impl Drop for Intake {
    fn drop(&mut self) {
        // The thread ends when the last sender is gone; the lock goes after it.
        let (nobody, _) = mpsc::channel();
        self.calls = nobody;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say if it panicked: each call was told that nobody answers.
            let _ = thread.join();
        }
    }
}

impl EmbeddedSpool {
    /// Opens the folder, which is made if it is missing, and cuts off what a killed process left half-written. Blocks.
    ///
    /// # Errors
    /// [`SpoolError::Held`] where another process has a role that is asked for, and whatever the disk refuses.
    pub fn open(options: &EmbeddedOptions, roles: Roles, holder: &Holder) -> Result<Self, SpoolError> {
        let folder = Folder::open(&options.folder)?;
        let marks = MarkFile::open(&folder.file("mark"))?;
        let worker_lock = roles.worker().then(|| hold(&folder, "worker", holder)).transpose()?;
        let intake_lock = match roles {
            Roles::Neither => None,
            Roles::Intake | Roles::Both => Some(hold(&folder, "intake", holder)?),
            Roles::Worker => match hold(&folder, "intake", holder) {
                Ok(lock) => Some(lock),
                Err(error @ SpoolError::Held { .. }) => {
                    // Whoever holds it has made the folder good, or is about to.
                    wait_for_mark(&marks, error)?;
                    None
                }
                Err(error) => return Err(error),
            },
        };
        let mut intake = None;
        let mut written = None;
        if let Some(lock) = intake_lock {
            let recovered = recover::recover(&folder, &marks)?;
            if roles.intake() {
                let writer = Writer::new(&folder, options, marks, recovered)?;
                written = Some(writer.written());
                let (calls, received) = mpsc::channel();
                let thread = std::thread::Builder::new().name("spool".to_owned()).spawn(move || writer.run(&received));
                let thread = thread.map_err(|e| StoreError::io("starting a thread for", folder.path(), e))?;
                intake = Some(Intake { calls, thread: Some(thread), _lock: lock });
            }
        }
        let worker = match worker_lock {
            Some(lock) => Some(Arc::new(Worker::open(&folder, options, written.clone(), lock)?)),
            None => None,
        };
        let memory = Arc::new(Memory::open(&folder.file("memory.sqlite"))?);
        Ok(Self { folder, options: options.clone(), intake: Mutex::new(intake), written, worker, memory })
    }

    fn worker(&self) -> Result<Arc<Worker>, SpoolError> {
        self.worker.clone().ok_or(SpoolError::Role("taking events"))
    }

    fn current_mark(&self) -> Result<Option<Mark>, StoreError> {
        match &self.written {
            Some(written) => Ok(Some(written.mark())),
            None => MarkFile::open(&self.folder.file("mark"))?.read(),
        }
    }

    fn look(&self) -> Result<Depth, SpoolError> {
        let mut depth = Depth { max_bytes: self.options.max_bytes, ..Depth::default() };
        let Some(mark) = self.current_mark()? else {
            return Ok(depth);
        };
        let mut settled = match &self.worker {
            Some(worker) => worker.ranges(),
            None => settled::read(&self.folder)?.map(|settled| settled.ranges).unwrap_or_default(),
        };
        let segments = self.folder.segments()?;
        depth.bytes = segments.range(..mark.segment).map(|(_, bytes)| bytes).sum::<u64>() + mark.len;
        // What is not there any more is settled.
        settled.insert(0, segments.keys().next().copied().unwrap_or(mark.next_seq));
        let mut numbers = Ranges::default();
        numbers.insert(0, mark.next_seq);
        depth.events = numbers.count().saturating_sub(settled.count());
        let oldest = settled.first_gap(0);
        if oldest < mark.next_seq {
            depth.oldest_received_at_ms = self.received_at(oldest, &segments.into_keys().collect::<Vec<_>>());
        }
        Ok(depth)
    }

    fn received_at(&self, seq: u64, segments: &[u64]) -> Option<i64> {
        let known = self.written.as_ref().and_then(|written| written.received_at(seq));
        let known = known.or_else(|| self.worker.as_ref().and_then(|worker| worker.received_at(seq)));
        let segment = *segments.iter().rev().find(|first| **first <= seq)?;
        known.or_else(|| index::received_at(&self.folder, segment, seq)).or_else(|| {
            // The last segment as seen from outside: its frames one after another.
            let file = std::fs::File::open(self.folder.segment(segment)).ok()?;
            let mut at = frame::HEADER as u64;
            loop {
                let frame = reader::read_frame(&file, segment, at).ok()??;
                if let Some(event) = frame.iter().find(|event| event.seq == seq) {
                    return Some(event.received_at_ms);
                }
                at += frame.len();
            }
        })
    }
}

fn hold(folder: &Folder, role: &'static str, holder: &Holder) -> Result<ProjectLock, SpoolError> {
    ProjectLock::acquire(&folder.file(&format!("{role}.lock")), holder).map_err(|error| match error {
        LockError::Held(holder) => SpoolError::Held { role, holder },
        LockError::Store(error) => error.into(),
    })
}

/// Waits for an intake that has just been started in a new folder.
fn wait_for_mark(marks: &MarkFile, held: SpoolError) -> Result<(), SpoolError> {
    for _ in 0..MARK_TRIES {
        if marks.read()?.is_some() {
            return Ok(());
        }
        std::thread::sleep(MARK_PAUSE);
    }
    Err(held)
}

/// Runs what touches the disk on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(SpoolError::Closed))
}

impl Spool for EmbeddedSpool {
    fn append(&self, events: Vec<NewEvent>) -> SpoolFuture<'_, Appended> {
        let (done, answer) = oneshot::channel();
        let sent = match &*self.intake.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(intake) => intake.calls.send(Append { events, done }).map_err(|_| SpoolError::Closed),
            None => Err(SpoolError::Role("accepting events")),
        };
        Box::pin(async move {
            sent?;
            answer.await.unwrap_or(Err(SpoolError::Closed))
        })
    }

    fn take(&self, max_events: usize, max_wait: Duration) -> SpoolFuture<'_, Vec<Stored>> {
        Box::pin(async move { self.worker()?.take(max_events, max_wait).await })
    }

    fn settle(&self, seqs: Vec<u64>) -> SpoolFuture<'_, ()> {
        Box::pin(async move {
            let worker = self.worker()?;
            blocking(move || worker.settle(&seqs)).await
        })
    }

    fn release(&self, seqs: Vec<u64>) -> SpoolFuture<'_, ()> {
        Box::pin(async move {
            self.worker()?.release(&seqs);
            Ok(())
        })
    }

    fn depth(&self) -> SpoolFuture<'_, Depth> {
        // A few small reads; the files are in the system's memory.
        Box::pin(async move { self.look() })
    }

    fn remember(&self, pairs: Vec<(String, String)>) -> SpoolFuture<'_, ()> {
        let memory = Arc::clone(&self.memory);
        Box::pin(blocking(move || Ok(memory.remember(&pairs)?)))
    }

    fn recall(&self, keys: Vec<String>) -> SpoolFuture<'_, Vec<Option<String>>> {
        let memory = Arc::clone(&self.memory);
        Box::pin(blocking(move || Ok(memory.recall(&keys)?)))
    }

    fn close(&self) -> SpoolFuture<'_, ()> {
        Box::pin(async move {
            let intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner).take();
            let worker = self.worker.clone();
            blocking(move || {
                drop(intake);
                worker.map_or(Ok(()), |worker| worker.close())
            })
            .await
        })
    }
}
