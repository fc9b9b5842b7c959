//! The one thread that writes to the database, and its queue.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::StateOptions;
use super::requests::{self, RequestRow};
use crate::StoreError;

/// Queued requests written in one transaction at most.
const LOG_BATCH: usize = 256;
/// Retention is looked at once for this many logged requests.
const RETENTION_EVERY: u32 = 2_000;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

enum Job {
    Log(Box<RequestRow>),
    /// Runs after everything queued before it is written.
    Work(Work),
    /// Answers whether all requests logged since the last flush were written.
    Flush(SyncSender<Result<(), StoreError>>),
}

/// Room for the bodies of requests that wait: they are large, and many wait where the disk is slow.
#[derive(Debug)]
struct Room {
    bytes_max: usize,
    taken: Mutex<Taken>,
    given_back: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    bytes: usize,
    /// Nobody will give anything back any more.
    closed: bool,
}

impl Room {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room; a body larger than all of it waits until it is alone.
    fn take(&self, bytes: usize) {
        let full = |taken: &mut Taken| !taken.closed && taken.bytes > 0 && taken.bytes + bytes > self.bytes_max;
        let waited = self.given_back.wait_while(self.taken(), full);
        waited.unwrap_or_else(PoisonError::into_inner).bytes += bytes;
    }

    fn give_back(&self, bytes: usize) {
        let mut taken = self.taken();
        taken.bytes = taken.bytes.saturating_sub(bytes);
        self.given_back.notify_all();
    }
}

/// Lets everybody go on once the thread is gone, however it went.
struct Closing(Arc<Room>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.taken().closed = true;
        self.0.given_back.notify_all();
    }
}

fn bytes_of(row: &RequestRow) -> usize {
    row.request.len() + row.response.len()
}

#[derive(Debug)]
pub(super) struct Writer {
    /// `None` only while being dropped.
    queue: Option<SyncSender<Job>>,
    room: Arc<Room>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Writer {
    pub(super) fn start(connection: Connection, path: &Path, options: StateOptions) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(options.max_queued_requests);
        let room =
            Arc::new(Room { bytes_max: options.max_queued_bytes, taken: Mutex::default(), given_back: Condvar::new() });
        let closing = Closing(Arc::clone(&room));
        let mut state = Thread { connection, path: path.to_owned(), options, closing, logged: 0, failure: None };
        let thread = std::thread::Builder::new()
            .name("state-writer".to_owned())
            .spawn(move || state.serve(&jobs))
            .map_err(|e| StoreError::io("starting the writer of", path, e))?;
        Ok(Self { queue: Some(queue), room, thread: Some(thread), path: path.to_owned() })
    }

    pub(super) fn log(&self, row: RequestRow) -> Result<(), StoreError> {
        self.room.take(bytes_of(&row));
        self.send(Job::Log(Box::new(row)))
    }

    pub(super) fn flush(&self) -> Result<(), StoreError> {
        let (answer, answered) = sync_channel(1);
        self.send(Job::Flush(answer))?;
        answered.recv().map_err(|_| self.gone())?
    }

    /// Runs `f` in a transaction of its own and waits for its end.
    pub(super) fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        self.send(Job::Work(Box::new(move |connection| {
            // The caller waits for it, so there is someone to receive it.
            let _ = answer.send(in_transaction(connection, f));
        })))?;
        let result = answered.recv().map_err(|_| self.gone())?;
        result.map_err(|e| StoreError::database(doing, &self.path, e))
    }

    /// As [`Writer::run`]; the transaction is synced to the disk before it counts.
    pub(super) fn run_through<T: Send + 'static>(
        &self,
        doing: &'static str,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        self.send(Job::Work(Box::new(move |connection| {
            let through = |connection: &mut Connection| {
                connection.pragma_update(None, "synchronous", "full")?;
                let result = in_transaction(connection, f);
                connection.pragma_update(None, "synchronous", "normal")?;
                result
            };
            let _ = answer.send(through(connection));
        })))?;
        let result = answered.recv().map_err(|_| self.gone())?;
        result.map_err(|e| StoreError::database(doing, &self.path, e))
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().expect("the queue is open until the drop");
        queue.send(job).map_err(|_| self.gone())
    }

    /// The thread ends early only by a panic.
    fn gone(&self) -> StoreError {
        StoreError::Poisoned { path: self.path.clone() }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported where it happened.
            let _ = thread.join();
        }
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    f: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction()?;
    let result = f(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

/// What the thread owns.
struct Thread {
    connection: Connection,
    path: PathBuf,
    options: StateOptions,
    closing: Closing,
    /// Requests logged since retention was last looked at.
    logged: u32,
    /// The first failure to log since the last flush.
    failure: Option<StoreError>,
}

impl Thread {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        let mut waiting = None;
        while let Some(job) = waiting.take().or_else(|| jobs.recv().ok()) {
            match job {
                Job::Log(row) => waiting = self.log(row, jobs),
                Job::Work(work) => work(&mut self.connection),
                Job::Flush(answer) => {
                    self.retain();
                    let _ = answer.send(self.failure.take().map_or(Ok(()), Err));
                }
            }
        }
        self.retain();
    }

    /// Writes this request and those queued right behind it in one transaction; returns the first other job.
    fn log(&mut self, first: Box<RequestRow>, jobs: &Receiver<Job>) -> Option<Job> {
        let mut rows = vec![first];
        let mut next = None;
        while rows.len() < LOG_BATCH {
            match jobs.try_recv() {
                Ok(Job::Log(row)) => rows.push(row),
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        let written = in_transaction(&mut self.connection, |connection| requests::insert(connection, &rows));
        self.note(written);
        self.closing.0.give_back(rows.iter().map(|row| bytes_of(row)).sum());
        self.logged += rows.len() as u32;
        if self.logged >= RETENTION_EVERY {
            self.retain();
        }
        next
    }

    fn retain(&mut self) {
        if self.logged == 0 {
            return;
        }
        self.logged = 0;
        let options = &self.options;
        let done = in_transaction(&mut self.connection, |connection| requests::retain(connection, options));
        self.note(done);
    }

    fn note(&mut self, result: rusqlite::Result<()>) {
        if let Err(e) = result {
            let error = StoreError::database("logging requests", &self.path, e);
            self.failure.get_or_insert(error);
        }
    }
}
