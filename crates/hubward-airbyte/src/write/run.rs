//! The loop of a write: lines in, batches out, outcomes in, acknowledgements out. One task owns all the accounts.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use hubward_core::Reason;
use hubward_engine::Cancel;
use hubward_engine::door::{Answered, Door, Pause};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::accounts::{Accounts, Fate, Window};
use crate::failure::{Failure, FailureType};
use crate::out::Out;
use crate::write::convert::{Refused, Row};
use crate::write::desk::Desk;
use crate::write::hand_over::{Decided, fate, hand_over, reason_of};
use crate::write::input::{self, Incoming, Origin, Parser, Piece, lines};
use crate::write::prepare::{Prepared, of_engine};
use crate::write::queues::{Batch, Key, Queues, Rules};
use crate::write::told::Told;

/// Lines that are not settled yet, in bytes. What is made of a line takes about as much again.
const IN_FLIGHT_BYTES: usize = 16 * 1024 * 1024;
/// Pieces of input that are parsed at the same time.
const PARSING_MAX: usize = 4;
/// Batches that are handed to the corridor; how many requests are in flight decides the client.
const BATCHES_MAX: usize = 48;
/// How long a batch waits to be full.
const FILLS_WITHIN: Duration = Duration::from_secs(1);

/// One record that waits for its outcome.
#[derive(Debug)]
pub(super) struct Waiting {
    window: Window,
    origin: Origin,
    pub(super) row: Row,
}

type Parsing = FuturesOrdered<JoinHandle<Vec<Incoming>>>;

/// One write.
pub(crate) struct Run {
    streams: Vec<Arc<Prepared>>,
    parser: Arc<Parser>,
    queues: Queues<Waiting>,
    accounts: Accounts,
    desk: Desk,
    told: Told,
    out: Out,
    /// When the first record of a batch that is not full came, by stream.
    since: Vec<Option<Instant>>,
    /// What the source said of each stream: COMPLETE, INCOMPLETE or nothing.
    status: Vec<Option<bool>>,
    under_way: JoinSet<(Batch<Waiting>, Answered)>,
    /// Nothing more is read.
    ended: bool,
    /// What was read after a line that cannot be used is not listened to.
    deaf: bool,
    /// Nothing new is sent.
    stopped: bool,
    /// No STATE goes out any more.
    silent: bool,
    failure: Option<Failure>,
}

impl Run {
    pub(crate) fn new(
        streams: Vec<Arc<Prepared>>,
        rules: &[Rules],
        parser: Parser,
        desk: Desk,
        stores: bool,
        out: Out,
    ) -> Self {
        Self {
            parser: Arc::new(parser),
            queues: Queues::new(rules),
            accounts: Accounts::new(streams.len(), stores),
            desk,
            told: Told::new(out.clone(), &streams),
            out,
            since: vec![None; streams.len()],
            status: vec![None; streams.len()],
            under_way: JoinSet::new(),
            ended: false,
            deaf: false,
            stopped: false,
            silent: false,
            failure: None,
            streams,
        }
    }

    /// Reads to the end and settles everything; what it came to, and what broke it off.
    pub(crate) async fn carry_out(
        mut self,
        input: Box<dyn Read + Send>,
        door: Arc<Door>,
        cancel: Cancel,
    ) -> (Told, Option<Failure>) {
        let mut pieces = input::start(input);
        let budget = Arc::new(Semaphore::new(IN_FLIGHT_BYTES));
        let mut parsing = Parsing::new();
        let mut held: VecDeque<Bytes> = VecDeque::new();
        let mut line = 1;
        loop {
            self.send(&door);
            let all_read = self.ended && held.is_empty() && parsing.is_empty();
            if !self.silent && self.under_way.is_empty() && (self.stopped || (all_read && self.queues.is_empty())) {
                self.desk.store_all();
            }
            self.acknowledge();
            if self.is_over(&parsing, &held) {
                break;
            }
            let reads = !self.ended && held.is_empty() && parsing.len() < PARSING_MAX;
            let takes = !self.desk.is_crowded();
            let flush_at = self.flush_at().filter(|_| !self.stopped);
            tokio::select! {
                () = cancel.wait(), if !self.silent => self.interrupt(),
                Some(joined) = self.under_way.join_next() => {
                    let (batch, answered) = match joined {
                        Ok(done) => done,
                        Err(error) => std::panic::resume_unwind(error.into_panic()),
                    };
                    self.settle(batch, answered);
                }
                stored = self.desk.next(), if self.desk.is_storing() => match stored {
                    Ok(stored) => {
                        for (window, records) in stored.windows {
                            self.accounts.stored(window, records);
                        }
                    }
                    Err(failure) => {
                        self.desk.close();
                        self.break_off(failure);
                    }
                },
                Some(incoming) = parsing.next(), if takes => {
                    let incoming = match incoming {
                        Ok(incoming) => incoming,
                        Err(error) => std::panic::resume_unwind(error.into_panic()),
                    };
                    for one in incoming {
                        if self.stopped || self.deaf {
                            break;
                        }
                        self.take(one);
                    }
                }
                permit = share(&budget, held.front().map_or(0, Bytes::len)), if !held.is_empty() => {
                    if let Some(bytes) = held.pop_front() {
                        let count = lines(&bytes);
                        let (parser, first) = (Arc::clone(&self.parser), line);
                        line += count;
                        parsing.push_back(tokio::spawn(async move {
                            parser.parse(&Arc::new(Piece::new(bytes, permit)), first)
                        }));
                    }
                }
                piece = pieces.recv(), if reads => match piece {
                    Some(Ok(bytes)) => held.push_back(bytes),
                    Some(Err(error)) => self.unreadable(&error),
                    None => self.ended = true,
                },
                () = tokio::time::sleep_until(flush_at.unwrap_or_else(Instant::now)), if flush_at.is_some() => {
                    self.flush_due(Instant::now());
                }
            }
            if self.stopped || self.deaf {
                held.clear();
            }
            if self.ended && held.is_empty() && parsing.is_empty() {
                self.flush_all();
            }
        }
        drop::<mpsc::Receiver<io::Result<Bytes>>>(pieces);
        self.finish()
    }

    /// Whether nothing is left to wait for.
    fn is_over(&self, parsing: &Parsing, held: &VecDeque<Bytes>) -> bool {
        let idle = self.under_way.is_empty() && (self.silent || !self.desk.is_storing());
        if self.stopped {
            return idle;
        }
        idle && self.ended && held.is_empty() && parsing.is_empty() && self.queues.is_empty()
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Record { stream, origin, row } => {
                let window = self.accounts.received(stream, origin.len() as u64);
                self.told.counts[stream].received += 1;
                match row {
                    Ok(row) => {
                        let key = row.key.clone();
                        self.queues.push(stream, key, Waiting { window, origin, row });
                        self.fills(stream);
                    }
                    Err(refused) => {
                        let Refused { key, reason } = *refused;
                        self.reject(window, &origin, &key, "invalid", &reason);
                    }
                }
            }
            Incoming::State(stream, state) => {
                if self.accounts.state(stream, state).is_err() {
                    self.deaf = true;
                    self.stop_reading(Failure::system(
                        "the source sends states of one stream and of all streams; the two cannot be acknowledged together",
                    ));
                }
            }
            Incoming::Complete(stream) => {
                self.status[stream] = Some(true);
                self.flush(stream);
            }
            Incoming::Incomplete(stream) => {
                self.status[stream] = Some(false);
                self.flush(stream);
            }
            Incoming::Unreadable(failure) => {
                self.deaf = true;
                self.stop_reading(failure);
            }
        }
    }

    /// Keeps the time since which a batch of this stream is filling.
    fn fills(&mut self, stream: usize) {
        if !self.queues.is_filling(stream) {
            self.since[stream] = None;
        } else if self.status[stream].is_some() {
            // Nothing more comes that could fill it.
            self.flush(stream);
        } else if self.since[stream].is_none() {
            self.since[stream] = Some(Instant::now());
        }
    }

    fn flush(&mut self, stream: usize) {
        self.queues.flush(stream);
        self.since[stream] = None;
    }

    fn flush_all(&mut self) {
        (0..self.streams.len()).for_each(|stream| self.flush(stream));
    }

    fn flush_at(&self) -> Option<Instant> {
        self.since.iter().flatten().min().map(|since| *since + FILLS_WITHIN)
    }

    fn flush_due(&mut self, now: Instant) {
        for stream in 0..self.streams.len() {
            if self.since[stream].is_some_and(|since| since + FILLS_WITHIN <= now) {
                self.flush(stream);
            }
        }
    }

    /// Hands full batches to the corridor.
    fn send(&mut self, door: &Arc<Door>) {
        while !self.stopped && self.under_way.len() < BATCHES_MAX && self.queues.is_ready() {
            let Some(batch) = self.queues.next() else { break };
            let stream = batch.stream;
            let (door, prepared) = (Arc::clone(door), Arc::clone(&self.streams[stream]));
            self.under_way.spawn(async move {
                let answered = hand_over(&door, &prepared, &batch).await;
                (batch, answered)
            });
        }
    }

    fn settle(&mut self, batch: Batch<Waiting>, answered: Answered) {
        let Answered { outcomes, stop } = answered;
        let stream = batch.stream;
        let operation = self.streams[stream].stream.operation;
        let mut deferred = None;
        for (write, settled) in batch.writes.into_iter().zip(outcomes) {
            let key = write.key;
            match fate(operation, &settled) {
                Decided::Accepted { absent } => {
                    for record in write.records {
                        self.accounts.settled(record.window, Fate::Accepted);
                        self.told.counts[stream].accepted += 1;
                        self.told.counts[stream].absent += u64::from(absent);
                    }
                }
                // One of them is to blame; the others are not to go down with it.
                Decided::Rejected(_) if write.records.len() > 1 && key.is_some() => {
                    // Where nothing is sent any more they stay undecided.
                    if !self.stopped {
                        self.done(stream, key.as_ref(), write.records);
                    }
                    continue;
                }
                Decided::Rejected(status) => {
                    let reason = reason_of(operation, settled.reason);
                    for record in write.records {
                        let named = record.row.match_value;
                        self.reject(record.window, &record.origin, &named, status, &reason);
                    }
                }
                Decided::Undecided => {
                    deferred = deferred.or(settled.reason);
                    continue;
                }
            }
            self.done(stream, key.as_ref(), Vec::new());
        }
        (0..self.streams.len()).for_each(|stream| self.fills(stream));
        if let Some(stop) = stop {
            // Whoever learns it first: the run must not end as if nothing were missing.
            if stop.pause() == Pause::Interrupted {
                self.interrupt();
            } else {
                let failure = of_engine(&stop, FailureType::SystemError).of_stream(&self.streams[stream].stream.name);
                self.break_off(failure);
            }
        } else if let Some(reason) = deferred {
            let message =
                format!("HubSpot did not decide about some records, which have to be sent again: {}", reason.text);
            self.break_off(Failure::transient(message).of_stream(&self.streams[stream].stream.name));
        }
    }

    fn done(&mut self, stream: usize, key: Option<&Key>, again: Vec<Waiting>) {
        let Some(key) = key else { return };
        self.queues.done(stream, key, again);
    }

    fn reject(&mut self, window: Window, origin: &Origin, key: &str, status: &'static str, reason: &Reason) {
        self.told.rejected(window.stream, key, reason);
        self.accounts.settled(window, Fate::Rejected);
        self.desk.take(window, origin, status, reason);
    }

    /// Sends every STATE back that waits for nothing any more.
    fn acknowledge(&mut self) {
        if self.silent {
            return;
        }
        if self.accounts.waits_for_storage() && !self.desk.is_storing() {
            self.desk.store_all();
        }
        while let Some((state, counts)) = self.accounts.next() {
            if let Err(error) = self.out.state(&state.rendered(&counts)) {
                self.silent = true;
                self.break_off(Failure::system(format!("stdout cannot be written: {error}")));
                return;
            }
        }
    }

    /// What was read is finished; nothing more is.
    fn stop_reading(&mut self, failure: Failure) {
        self.ended = true;
        self.failure.get_or_insert(failure);
    }

    /// What is under way is awaited; nothing new is sent.
    fn break_off(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
        self.ended = true;
        self.stopped = true;
    }

    fn interrupt(&mut self) {
        self.silent = true;
        self.break_off(Failure::transient("interrupted: what was not acknowledged has to be sent again"));
    }

    fn unreadable(&mut self, error: &io::Error) {
        self.stop_reading(Failure::system(format!("the input cannot be read: {error}")));
    }

    fn finish(mut self) -> (Told, Option<Failure>) {
        self.told.summary();
        if self.failure.is_none() {
            let missing = self.streams.iter().zip(&self.status).find(|(_, status)| **status != Some(true));
            self.failure = missing.map(|(prepared, status)| {
                let name = &prepared.stream.name;
                let why =
                    if status.is_some() { "the source says that it is incomplete" } else { "it never became complete" };
                Failure::transient(format!("stream {name}: {why}; what arrived of it was written")).of_stream(name)
            });
        }
        debug_assert!(self.failure.is_some() || self.accounts.waiting() == 0, "every STATE went out");
        (self.told, self.failure)
    }
}

/// A share of the budget; one that is larger than all of it takes all.
async fn share(budget: &Arc<Semaphore>, bytes: usize) -> OwnedSemaphorePermit {
    let share = u32::try_from(bytes.min(IN_FLIGHT_BYTES)).unwrap_or(u32::MAX);
    Arc::clone(budget).acquire_many_owned(share).await.expect("the budget is never closed")
}
