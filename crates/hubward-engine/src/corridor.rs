//! The corridor's loop: rows in, batches out, many in flight, every row accounted for.
//!
//! The loop owns all state (queues, what is in flight, why it stops); tasks own the rows of their one batch and give
//! them back or finish them. Nothing is shared but the client, the ledger writer and the tally.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_core::spec::{Mode, OnConflict};
use hubward_core::{Outcome, Reason, WallClock};
use hubward_hubspot::Client;
use tokio::task::JoinSet;

use crate::association::Open;
use crate::cancel::Cancel;
use crate::compare::Comparison;
use crate::deferred::DEFERRED_KEYS_MAX;
use crate::error::EngineError;
use crate::feed::Feed;
use crate::memory::Memory;
use crate::prepared::Folding;
use crate::progress::Progress;
use crate::row::{Row, Verdict};
use crate::shared::{Found, Taken};
use crate::sought::Sought;
use crate::spilled::{Handed, Then};
use crate::strategy::{MatchKind, Step};
use crate::tally::Tally;
use crate::words::Words;

/// HubSpot's limit for one batch request (api.md 3.1).
pub(crate) const BATCH_ROWS_MAX: usize = 100;
/// Rows that wait in memory for their batch; reading stops while there are more.
const QUEUED_ROWS_MAX: usize = 4_000;
/// Rows taken from the feed at once.
const FEED_ROWS: usize = 1_000;
/// Batches that may be in flight; the client's own limiter and adaptive concurrency rule below that.
const IN_FLIGHT_BATCHES_MAX: usize = 64;
/// Look-ups that may be in flight. They wait for a small budget of their own (search) and must not keep writes waiting.
const LOOK_UPS_IN_FLIGHT_MAX: usize = 16;
/// So many batches in a row that HubSpot could not be made to answer end the run.
const EXHAUSTED_IN_A_ROW_MAX: u32 = 3;

/// What all batches of one sync share.
pub(crate) struct Corridor {
    pub(crate) client: Client,
    /// The object type as it stands in paths.
    pub(crate) object: String,
    pub(crate) sync: Arc<str>,
    pub(crate) mode: Mode,
    pub(crate) kind: MatchKind,
    pub(crate) match_property: Arc<str>,
    /// How records are found that are not matched by id or by a unique property.
    pub(crate) sought: Sought,
    pub(crate) folding: Folding,
    pub(crate) split_retries: bool,
    pub(crate) on_conflict: OnConflict,
    /// Records are read before they are written.
    pub(crate) comparison: Option<Comparison>,
    pub(crate) memory: Memory,
    /// That this run replaces records of the type is noted, durably.
    pub(crate) replaced: tokio::sync::OnceCell<()>,
    pub(crate) cancel: Cancel,
    /// Keys of rows that were deferred, the first of them.
    pub(crate) deferred: Arc<Mutex<Vec<u128>>>,
    pub(crate) words: Words,
    /// Rows that go on to the association stage.
    pub(crate) open: Arc<Open>,
    pub(crate) wall: Arc<dyn WallClock>,
    pub(crate) progress: Arc<dyn Progress>,
    /// How long after a create of unknown outcome the search index is trusted to show it.
    pub(crate) search_settles_after: Duration,
    /// Held while it is found out and recorded whose a record is that several rows may lead to.
    pub(crate) sharing: tokio::sync::Mutex<()>,
}

/// Operations sent in one request.
pub(crate) struct Batch {
    pub(crate) step: Step,
    pub(crate) rows: Vec<Row>,
}

/// What a batch's task leaves behind.
#[derive(Default)]
pub(crate) struct Done {
    /// Rows that wait for another step.
    pub(crate) requeue: Vec<(Step, Row)>,
    /// Parts of the batch that are to be sent as they are.
    pub(crate) batches: Vec<Batch>,
    /// The run cannot go on.
    pub(crate) stop: Option<EngineError>,
    /// HubSpot could not be made to answer within the retries.
    pub(crate) exhausted: Option<EngineError>,
    pub(crate) verdicts: Vec<Verdict>,
}

/// Why the corridor ended before its last row.
#[derive(Debug)]
pub(crate) enum Stopped {
    Interrupted,
    Failed(EngineError),
}

#[derive(Default)]
struct Queues {
    by_step: BTreeMap<Step, VecDeque<Row>>,
    ready: VecDeque<Batch>,
    ready_look_ups: VecDeque<Batch>,
    look_ups_in_flight: usize,
    in_flight_ids: HashSet<u64>,
}

impl Corridor {
    /// Carries every row of `feed` to its outcome. Returns why it stopped early, if it did; the rows it did not reach
    /// are then deferred, and counted.
    pub(crate) async fn run(self: Arc<Self>, mut feed: Feed, tally: &Arc<Tally>) -> Option<Stopped> {
        let mut queues = Queues::default();
        let mut tasks: JoinSet<(Step, Vec<u64>, Done)> = JoinSet::new();
        let mut exhausted_in_a_row = 0;
        let mut then = Then::More;
        let mut stopped: Option<Stopped> = None;
        loop {
            if stopped.is_none() && self.cancel.is_set() {
                stopped = Some(Stopped::Interrupted);
            }
            while stopped.is_none() && then == Then::More && queues.rows() < QUEUED_ROWS_MAX {
                let handed;
                (feed, handed) = feed.read(FEED_ROWS).await;
                then = handed.then;
                let done = self.place(handed, &mut queues).await;
                self.take(done, &mut queues, &mut exhausted_in_a_row, &mut stopped).await;
            }
            if stopped.is_none() {
                queues.cut(then != Then::More && tasks.is_empty());
                while tasks.len() < IN_FLIGHT_BATCHES_MAX
                    && let Some(batch) = queues.next_batch()
                {
                    let corridor = Arc::clone(&self);
                    let held = writes_by_id(batch.step).then_some(&batch.rows);
                    let ids: Vec<u64> = held.into_iter().flatten().filter_map(|row| row.record_id).collect();
                    tasks.spawn(async move { (batch.step, ids, corridor.execute(batch).await) });
                }
            }
            if tasks.is_empty() {
                if stopped.is_some() || (then == Then::End && queues.rows() == 0) {
                    break;
                }
                if then == Then::AfterRest && queues.rows() == 0 {
                    then = Then::More;
                }
                continue;
            }
            tokio::select! {
                joined = tasks.join_next() => match joined {
                    Some(Ok((step, ids, done))) => {
                        if is_look_up(step) {
                            queues.look_ups_in_flight -= 1;
                        }
                        for id in ids {
                            queues.in_flight_ids.remove(&id);
                        }
                        self.take(done, &mut queues, &mut exhausted_in_a_row, &mut stopped).await;
                    }
                    Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
                    None => {}
                },
                () = self.cancel.wait(), if stopped.is_none() => stopped = Some(Stopped::Interrupted),
            }
        }
        if stopped.is_some() {
            self.defer_the_rest(queues, feed, &mut stopped, tally).await;
        }
        stopped
    }

    /// What a stopped run did not reach.
    async fn defer_the_rest(&self, queues: Queues, mut feed: Feed, stopped: &mut Option<Stopped>, tally: &Arc<Tally>) {
        let why = match &stopped {
            Some(Stopped::Failed(error)) => format!("not sent: the run stopped ({error})"),
            _ => "not sent: the run was interrupted".to_owned(),
        };
        let mut verdicts = Vec::new();
        for row in queues.into_rows().chain(feed.take_rows()) {
            verdicts.push(row.finish(Outcome::Deferred, Some(Reason::new("RUN_STOPPED", why.clone()))));
        }
        self.settle_verdicts(verdicts, stopped).await;
        tally.many(Outcome::Deferred, feed.remaining_rows());
        let room = DEFERRED_KEYS_MAX.saturating_sub(self.deferred_keys(|keys| keys.len()));
        match crate::run::blocking(move || feed.remaining_keys(room)).await {
            Ok(rest) => self.deferred_keys(|keys| keys.extend(rest)),
            // Only their order in the next run hangs on it.
            Err(error) => tracing::warn!(%error, "the keys of deferred rows could not be read"),
        }
    }

    /// Gives each new row its first step; rows that need no request are finished.
    async fn place(&self, handed: Handed, queues: &mut Queues) -> Done {
        let mut done = Done { stop: handed.error, ..Done::default() };
        let mut skipped = Vec::new();
        for row in handed.rows {
            match crate::strategy::first(self.mode, self.kind, row.record_id.is_some(), row.lost.is_some()) {
                // There is nothing to find it by.
                crate::strategy::Next::Go(Step::FindSearch) if matches!(self.sought, Sought::Nowhere) => {
                    queues.push(Step::Create, row);
                }
                crate::strategy::Next::Go(step) => {
                    let step = crate::preflight::instead_of_creating(step, &row, self.kind);
                    queues.push(self.gate(step, &row), row);
                }
                _ => skipped.push(row),
            }
        }
        let taken = handed.taken.into_iter().map(|(row, id, holder)| Taken { row, id, holder }).collect();
        self.refuse_taken(&mut done, taken, Found::Earlier).await;
        for (row, holder) in handed.blocked {
            let value = row.ident.match_value.clone();
            let text = format!(
                "{} {value:?} is still that of the record of the row with primary key {holder}, which could not give it up \
                 before; one record cannot be two rows",
                self.match_property
            );
            let reason = Reason::new("DUPLICATE_MATCH", text).on(&self.match_property, Some(value));
            done.verdicts.push(row.finish(Outcome::Invalid, Some(reason)));
        }
        self.skip_existing(skipped, &mut done).await;
        done
    }

    async fn take(&self, done: Done, queues: &mut Queues, exhausted_in_a_row: &mut u32, stopped: &mut Option<Stopped>) {
        let finished = done.verdicts.len() as u64;
        for (step, row) in done.requeue {
            queues.push(self.gate(step, &row), row);
        }
        // Parts of a refused batch go first: what is wrong with it is found out before many others meet the same.
        for batch in done.batches.into_iter().rev().filter(|batch| !batch.rows.is_empty()) {
            queues.make_ready_first(batch);
        }
        if let Some(error) = done.exhausted {
            *exhausted_in_a_row += 1;
            if *exhausted_in_a_row >= EXHAUSTED_IN_A_ROW_MAX && stopped.is_none() {
                *stopped = Some(Stopped::Failed(error));
            }
        } else if finished > 0 {
            *exhausted_in_a_row = 0;
        }
        if let Some(error) = done.stop
            && !matches!(stopped, Some(Stopped::Failed(_)))
        {
            *stopped = Some(Stopped::Failed(error));
        }
        self.settle_verdicts(done.verdicts, stopped).await;
        self.progress.advance(finished);
    }

    /// Final words on their way out: what the ledger must doubt from now on is made durable, then the words are recorded.
    async fn settle_verdicts(&self, mut verdicts: Vec<Verdict>, stopped: &mut Option<Stopped>) {
        verdicts.retain(|verdict| match verdict.handed_on {
            Some((position, stand)) => {
                self.open.set(position, stand);
                false
            }
            None => true,
        });
        let mut doubts = Vec::new();
        for verdict in &mut verdicts {
            doubts.extend(verdict.unsettle.take());
            if verdict.outcome == Outcome::Deferred {
                self.deferred_keys(|keys| keys.extend(verdict.key.filter(|_| keys.len() < DEFERRED_KEYS_MAX)));
            }
        }
        if let Err(error) = self.memory.record(doubts).await
            && !matches!(stopped, Some(Stopped::Failed(_)))
        {
            *stopped = Some(Stopped::Failed(error));
        }
        self.words.settle(verdicts).await;
    }

    fn deferred_keys<T>(&self, f: impl FnOnce(&mut Vec<u128>) -> T) -> T {
        let mut keys = match self.deferred.lock() {
            Ok(keys) => keys,
            Err(poisoned) => poisoned.into_inner(),
        };
        f(&mut keys)
    }
}

impl Queues {
    fn rows(&self) -> usize {
        self.by_step.values().map(VecDeque::len).sum::<usize>()
            + self.ready.iter().chain(&self.ready_look_ups).map(|batch| batch.rows.len()).sum::<usize>()
    }

    fn make_ready_first(&mut self, batch: Batch) {
        if is_look_up(batch.step) {
            self.ready_look_ups.push_front(batch);
        } else {
            self.ready.push_front(batch);
        }
    }

    fn make_ready(&mut self, batch: Batch) {
        if is_look_up(batch.step) {
            self.ready_look_ups.push_back(batch);
        } else {
            self.ready.push_back(batch);
        }
    }

    fn push(&mut self, step: Step, row: Row) {
        if row.alone {
            self.ready.push_back(Batch { step, rows: vec![row] });
            return;
        }
        self.by_step.entry(step).or_default().push_back(row);
    }

    /// Cuts full batches; with `flush` also one batch of what is left, so that no row waits for company that cannot come.
    fn cut(&mut self, flush: bool) {
        let mut cut = Vec::new();
        for (&step, queue) in &mut self.by_step {
            let size = if step == Step::UpdateOne { 1 } else { BATCH_ROWS_MAX };
            while queue.len() >= size {
                cut.push(Batch { step, rows: queue.drain(..size).collect() });
            }
            if flush && !queue.is_empty() {
                cut.push(Batch { step, rows: queue.drain(..).collect() });
            }
        }
        for batch in cut {
            self.make_ready(batch);
        }
    }

    /// The next batch that may be sent now. Two writes to one record never travel together: a batch gives back the rows
    /// whose record is already in it or in flight.
    fn next_batch(&mut self) -> Option<Batch> {
        let mut waiting = VecDeque::new();
        let mut next = None;
        while let Some(mut batch) = self.ready.pop_front() {
            if !writes_by_id(batch.step) {
                next = Some(batch);
                break;
            }
            let (mine, held): (Vec<Row>, Vec<Row>) = std::mem::take(&mut batch.rows)
                .into_iter()
                .partition(|row| row.record_id.is_none_or(|id| self.in_flight_ids.insert(id)));
            if !held.is_empty() {
                waiting.push_back(Batch { step: batch.step, rows: held });
            }
            if !mine.is_empty() {
                batch.rows = mine;
                next = Some(batch);
                break;
            }
        }
        // Held rows go behind what is ready, and are tried again when something has come back.
        self.ready.append(&mut waiting);
        if next.is_none() && self.look_ups_in_flight < LOOK_UPS_IN_FLIGHT_MAX {
            next = self.ready_look_ups.pop_front();
            self.look_ups_in_flight += usize::from(next.is_some());
        }
        next
    }

    fn into_rows(self) -> impl Iterator<Item = Row> {
        let ready = self.ready.into_iter().chain(self.ready_look_ups).flat_map(|batch| batch.rows);
        ready.chain(self.by_step.into_values().flatten())
    }
}

/// A step that writes to records by their ids, so that no other such step may have the same record under way.
fn writes_by_id(step: Step) -> bool {
    matches!(step, Step::Update | Step::UpdateOne | Step::ClearStage)
}

/// A step that only reads. A create of unknown outcome is none of these: it sleeps most of its time.
fn is_look_up(step: Step) -> bool {
    matches!(step, Step::FindUnique | Step::FindSearch | Step::LookUnique | Step::Compare)
}
