//! The loop of an event sync: chunks are built side by side, cut into batches, sent with many in flight.
//!
//! The loop owns all state; tasks own the rows of their one batch and finish them or give them back.

use std::collections::VecDeque;
use std::sync::Arc;

use hubward_core::{Outcome, Reason};
use hubward_hubspot::requests;
use tokio::task::{JoinHandle, JoinSet};

use crate::corridor::Stopped;
use crate::deferred::DEFERRED_KEYS_MAX;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::event::build::Built;
use crate::event::feed::{Chunk, Feed};
use crate::event::fresh::{Fresh, FreshQueue};
use crate::event::month::Month;
use crate::event::row::{EventBatch, EventRow, Stand, deferred};
use crate::event::send::{Done, Sender};
use crate::issues::Issues;
use crate::row::Verdict;
use crate::run::blocking;
use crate::tally::Tally;

/// Batches that may be in flight: what the account's 1,250 requests a second (api.md 9.2) come to at 400 ms each.
const IN_FLIGHT_BATCHES_MAX: usize = 512;
/// Rows that wait in memory for their batch; nothing is read while there are more.
const QUEUED_ROWS_MAX: usize = 20_000;
/// Chunks that are built at once.
const BUILDERS_MAX: usize = 4;
/// While so many batches in a row have had no answer, nothing new is sent before one of them is found out about.
const LOST_IN_A_ROW_MAX: u32 = 3;
/// So many batches in a row that HubSpot could not be made to answer end the run.
const EXHAUSTED_IN_A_ROW_MAX: u32 = 3;
/// While so many batches in a row have been refused, only their parts are sent, one at a time: it may concern every row.
const REFUSED_BATCHES_IN_A_ROW_MAX: u32 = 8;
/// So many rows that HubSpot refused one by one, and nothing that it took in between, end the run.
const REFUSED_IN_A_ROW_MAX: u32 = 40;

/// The state of the loop.
pub(crate) struct Flow<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) sender: Arc<Sender>,
    pub(crate) issues: Arc<Issues>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) month: Month,
    /// Keys of rows that were deferred, the first of them.
    pub(crate) deferred: Vec<u128>,
    /// Keys that several rows have, each as often as such a row was met.
    pub(crate) doubles: Vec<u128>,
    /// Rows whose event was sent before they changed.
    pub(crate) sent_before: u64,
    /// Rows that the month's budget left behind.
    pub(crate) over_month: u64,
    pub(crate) stopped: Option<Stopped>,
    /// Rows ready to be cut into batches.
    pub(crate) rows: FreshQueue,
    /// Batches that are to be sent, or asked about, as they are.
    pub(crate) ready: VecDeque<EventBatch>,
    lost_in_a_row: u32,
    exhausted_in_a_row: u32,
    /// Batches refused since HubSpot took one.
    refused_batches: u32,
    /// Those of them that were one row.
    refused_rows: u32,
    /// The month's budget is used up.
    pub(crate) full: bool,
}

/// What the loop has come to.
pub(crate) struct Ended {
    pub(crate) stopped: Option<Stopped>,
    pub(crate) deferred: Vec<u128>,
    pub(crate) sent_before: u64,
    pub(crate) over_month: u64,
}

/// A batch that is to go.
enum Cut {
    /// Of rows that were never sent.
    Fresh(Fresh),
    Again(EventBatch),
}

type Reading = JoinHandle<(Feed, Result<Option<Chunk>, EngineError>)>;
/// A chunk under construction, with its rows' number.
type Building = (usize, JoinHandle<Built>);

impl<'a> Flow<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        sender: Arc<Sender>,
        issues: Arc<Issues>,
        tally: Arc<Tally>,
        month: Month,
    ) -> Self {
        Self {
            engine,
            sender,
            issues,
            tally,
            month,
            deferred: Vec::new(),
            doubles: Vec::new(),
            sent_before: 0,
            over_month: 0,
            stopped: None,
            rows: FreshQueue::default(),
            ready: VecDeque::new(),
            lost_in_a_row: 0,
            exhausted_in_a_row: 0,
            refused_batches: 0,
            refused_rows: 0,
            full: false,
        }
    }

    /// Carries every row of the feed to its outcome; rows that it does not come to are deferred, and counted. From
    /// `settles_at_ms` on, in milliseconds since the epoch, the sendings of earlier runs are settled.
    pub(crate) async fn run(&mut self, feed: Feed, settles_at_ms: i64) {
        let mut idle = Some(feed);
        let mut reading: Option<Reading> = None;
        let mut building: VecDeque<Building> = VecDeque::new();
        let mut sending: JoinSet<Done> = JoinSet::new();
        let mut at_end = false;
        loop {
            if self.stopped.is_none() && self.sender.cancel.is_set() {
                self.stopped = Some(Stopped::Interrupted);
            }
            let goes_on = self.stopped.is_none() && !self.full;
            let in_build: usize = building.iter().map(|(rows, _)| rows).sum();
            if goes_on
                && !at_end
                && building.len() < BUILDERS_MAX
                && self.rows.len() + in_build < QUEUED_ROWS_MAX
                && let Some(mut feed) = idle.take()
            {
                reading = Some(tokio::task::spawn_blocking(move || {
                    let next = feed.next();
                    (feed, next)
                }));
            }
            let quiet = reading.is_none() && building.is_empty();
            while self.stopped.is_none()
                && sending.len() < IN_FLIGHT_BATCHES_MAX
                && let Some(batch) = self.cut(quiet && (at_end || self.full), sending.is_empty())
            {
                let sender = Arc::clone(&self.sender);
                sending.spawn(async move {
                    match batch {
                        Cut::Fresh(fresh) => sender.send_fresh(fresh).await,
                        Cut::Again(batch) => sender.execute(batch).await,
                    }
                });
            }
            if quiet && sending.is_empty() && (self.stopped.is_some() || self.full || at_end) {
                let nothing_left = self.rows.is_empty() && self.ready.is_empty();
                if self.stopped.is_some() || nothing_left || (self.full && self.ready.is_empty()) {
                    break;
                }
                continue;
            }
            tokio::select! {
                read = async { reading.as_mut().expect("guarded by the condition").await }, if reading.is_some() => {
                    reading = None;
                    let (feed, next) = joined(read);
                    idle = Some(feed);
                    match next {
                        Ok(Some(chunk)) => {
                            building.push_back((chunk.rows(), tokio::task::spawn_blocking(move || chunk.build())));
                        }
                        Ok(None) => at_end = true,
                        Err(error) => {
                            at_end = true;
                            self.fail(error);
                        }
                    }
                }
                // In the order of the model: the first chunk first.
                built = async { (&mut building.front_mut().expect("guarded by the condition").1).await }, if !building.is_empty() => {
                    building.pop_front();
                    self.place(joined(built), settles_at_ms).await;
                }
                Some(done) = sending.join_next() => {
                    let done = joined(done);
                    self.take(done).await;
                }
                () = self.sender.cancel.wait(), if self.stopped.is_none() => self.stopped = Some(Stopped::Interrupted),
            }
        }
        self.defer_the_rest(idle).await;
        self.engine.keep_month(&mut self.month, true).await;
    }

    /// Lets go of everything that is shared.
    pub(crate) fn end(self) -> Ended {
        let Self { stopped, deferred, sent_before, over_month, .. } = self;
        Ended { stopped, deferred, sent_before, over_month }
    }

    fn fail(&mut self, error: EngineError) {
        if !matches!(self.stopped, Some(Stopped::Failed(_))) {
            self.stopped = Some(Stopped::Failed(error));
        }
    }

    /// The next batch that may go now.
    fn cut(&mut self, flush: bool, nothing_in_flight: bool) -> Option<Cut> {
        if let Some(at) = self.ready.iter().position(|batch| batch.stand != Stand::Unsent) {
            return self.ready.remove(at).map(Cut::Again);
        }
        // HubSpot has trouble: what is sent now would only have to be looked for as well.
        if self.lost_in_a_row >= LOST_IN_A_ROW_MAX && !nothing_in_flight {
            return None;
        }
        if self.refused_batches >= REFUSED_BATCHES_IN_A_ROW_MAX && !nothing_in_flight {
            return None;
        }
        if let Some(batch) = self.ready.pop_front() {
            return Some(Cut::Again(batch));
        }
        let size = self.rows.len().min(requests::EVENT_BATCH_MAX);
        if self.full || size == 0 || (size < requests::EVENT_BATCH_MAX && !flush) {
            return None;
        }
        let granted = usize::try_from(self.month.take(size as u64)).unwrap_or(size);
        self.full = granted < size;
        self.rows.take(granted).map(Cut::Fresh)
    }

    async fn place(&mut self, built: Built, settles_at_ms: i64) {
        let Built { fresh, unknown, verdicts, changes, doubles, error } = built;
        if let Some(error) = error {
            self.fail(error);
        }
        self.sent_before += changes.len() as u64;
        self.doubles.extend(doubles);
        if let Err(error) = self.sender.memory.record(changes).await {
            self.fail(error);
        }
        let finished = verdicts.len() as u64;
        self.settle(verdicts).await;
        self.engine.config.progress.advance(finished);
        fresh.into_iter().for_each(|part| self.rows.push(part));
        // The earlier run could not write down what it did not hear of.
        self.month.claim(unknown.len() as u64);
        let mut unknown = unknown.into_iter().peekable();
        while unknown.peek().is_some() {
            let rows: Vec<EventRow> = unknown.by_ref().take(requests::EVENT_BATCH_MAX).collect();
            self.ready.push_back(EventBatch { stand: Stand::Unknown { settles_at_ms }, rows });
        }
    }

    async fn take(&mut self, done: Done) {
        if done.accepted > 0 {
            (self.lost_in_a_row, self.exhausted_in_a_row) = (0, 0);
            (self.refused_batches, self.refused_rows) = (0, 0);
            self.engine.accepted(&mut self.month, done.accepted).await;
        }
        self.month.give_back(done.finished);
        if done.lost {
            self.lost_in_a_row += 1;
        }
        // Parts of a refused batch go first: what is wrong with it is found out before many others meet the same.
        for batch in done.batches.into_iter().rev() {
            self.ready.push_front(batch);
        }
        if let Some(error) = done.exhausted {
            self.exhausted_in_a_row += 1;
            if self.exhausted_in_a_row >= EXHAUSTED_IN_A_ROW_MAX {
                self.fail(error);
            }
        }
        if let Some(refused) = done.refused {
            self.refused_batches += 1;
            self.refused_rows += u32::from(refused.single);
            if self.refused_rows >= REFUSED_IN_A_ROW_MAX {
                self.fail(refused.error.into());
            }
        }
        if let Some(error) = done.stop {
            self.fail(error);
        }
        self.settle(done.verdicts).await;
        self.engine.config.progress.advance(done.accepted + done.finished);
    }

    async fn settle(&mut self, verdicts: Vec<Verdict>) {
        for verdict in &verdicts {
            if verdict.outcome == Outcome::Deferred && self.deferred.len() < DEFERRED_KEYS_MAX {
                self.deferred.extend(verdict.key);
            }
        }
        self.issues.settle(verdicts).await;
    }

    /// What a stopped or full run did not come to.
    async fn defer_the_rest(&mut self, feed: Option<Feed>) {
        let reason = match &self.stopped {
            Some(Stopped::Failed(error)) => Reason::new("RUN_STOPPED", format!("not sent: the run stopped ({error})")),
            Some(Stopped::Interrupted) => Reason::new("RUN_STOPPED", "not sent: the run was interrupted"),
            None => Reason::new(
                "MONTHLY_LIMIT",
                format!(
                    "not sent: the account may have {} event occurrences a month, and this project has sent {} in this one \
                     (UTC)",
                    hubward_core::event::OCCURRENCES_A_MONTH,
                    self.month.used()
                ),
            ),
        };
        let mut verdicts = Vec::new();
        let (mut unknown, unsent): (Vec<EventBatch>, Vec<EventBatch>) =
            self.ready.drain(..).partition(|batch| batch.stand != Stand::Unsent);
        for batch in &unsent {
            let mut done = Done::default();
            // A failure is one of the state's, and is told by whatever stopped the run or by the next.
            self.sender.clear_intents(&mut done, &batch.rows).await;
            if let Some(error) = done.stop {
                self.fail(error);
            }
        }
        let fresh = self.rows.take(usize::MAX).map(|fresh| fresh.into_rows(&self.sender.ids, 0)).unwrap_or_default();
        let unsent_rows = unsent.into_iter().flat_map(|batch| batch.rows).chain(fresh);
        let why = "it is not known yet whether HubSpot took it; the next run looks for it";
        for row in unsent_rows {
            if row.maybe_sent {
                verdicts.push(row.finish(Outcome::Deferred, Some(deferred(why))));
                continue;
            }
            self.over_month += u64::from(self.full);
            verdicts.push(row.finish(Outcome::Deferred, Some(reason.clone())));
        }
        for row in unknown.drain(..).flat_map(|batch| batch.rows) {
            verdicts.push(row.finish(Outcome::Deferred, Some(deferred(why))));
        }
        self.settle(verdicts).await;
        let Some(mut feed) = feed else { return };
        let room = DEFERRED_KEYS_MAX.saturating_sub(self.deferred.len());
        match blocking(move || feed.remaining(room)).await {
            Ok((rows, keys)) => {
                self.tally.many(Outcome::Deferred, rows);
                self.over_month += if self.full { rows } else { 0 };
                self.deferred.extend(keys);
                if rows > 0 {
                    let verdict = crate::event::row::verdict(String::new(), None, Outcome::Deferred, Some(reason), 0);
                    self.issues.settle(vec![verdict]).await;
                }
            }
            Err(error) => self.fail(error),
        }
    }
}

/// A panic in a task is a panic here.
fn joined<T>(result: Result<T, tokio::task::JoinError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
