//! The stage's loop: rows with open associations out of the spill, in blocks, some of them in flight.
//!
//! The loop finds the targets of one block after the other, so that look-ups are full and none is made twice; reading,
//! writing and recording of several blocks go on meanwhile. No record is in two blocks at once.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use arrow_array::RecordBatch;
use hubward_core::{Outcome, WallClock};
use hubward_hubspot::Client;
use hubward_store::{StateDb, Waiting};
use tokio::task::JoinSet;

use crate::association::targets::{Targets, Trouble};
use crate::association::task::{Target, Task};
use crate::association::{AssociationCounts, Associations, Open, Stand};
use crate::cancel::Cancel;
use crate::corridor::Stopped;
use crate::error::EngineError;
use crate::issues::Issues;
use crate::ledger_writer::{LedgerWriter, SharedLedger, lock};
use crate::object_type::ObjectType;
use crate::prepared::Prepared;
use crate::progress::Progress;
use crate::row::{Verdict, WrittenRecord};
use crate::run::blocking;
use crate::scan::shown_key;
use crate::spill::{Mark, Spill, SpillReader};
use crate::strategy::MatchKind;
use crate::tally::Tally;

/// Rows of one block: as many as one request associates (api.md 7.4).
const BLOCK_ROWS_MAX: usize = 2_000;
/// Named records of one block, which is cut before it has so many rows then.
const BLOCK_TARGETS_MAX: usize = 10_000;
/// Blocks that may be in flight.
const BLOCKS_IN_FLIGHT_MAX: usize = 24;
/// So many blocks in a row that HubSpot could not be made to answer end the run.
const EXHAUSTED_IN_A_ROW_MAX: u32 = 3;
/// Missing targets of one run that are listed; all are counted.
const WAITING_LISTED_MAX: usize = 10_000;

/// What the stage works with.
pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) sync: Arc<str>,
    pub(crate) run: String,
    pub(crate) from: ObjectType,
    pub(crate) kind: MatchKind,
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) associations: Arc<Associations>,
    /// For reading; what is written goes through `writer`.
    pub(crate) ledger: SharedLedger,
    pub(crate) writer: LedgerWriter,
    pub(crate) open: Arc<Open>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) issues: Arc<Issues>,
    pub(crate) db: Option<StateDb>,
    pub(crate) wall: Arc<dyn WallClock>,
    pub(crate) progress: Arc<dyn Progress>,
    pub(crate) cancel: Cancel,
    pub(crate) targets: tokio::sync::Mutex<Targets>,
    pub(crate) state: Mutex<State>,
}

/// What the stage has come to so far.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) counts: AssociationCounts,
    /// Missing targets of rows that wait, and may be tried again in this run.
    waiting: u64,
    listed: usize,
    failed: Option<EngineError>,
}

/// What the stage came to.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) counts: AssociationCounts,
    /// Missing targets of rows that were rejected or deferred: they are not tried again in this run.
    pub(crate) settled_missing: u64,
    /// Rows that still wait, because the stage was stopped before it came to them; each misses one target at least.
    pub(crate) untried_missing: u64,
    /// Why it ended before its last row.
    pub(crate) stopped: Option<Stopped>,
    /// The list of missing targets could not be kept.
    pub(crate) failed: Option<EngineError>,
}

/// What a block's task leaves behind.
struct BlockDone {
    records: Vec<u64>,
    rows: u64,
    trouble: Trouble,
    failed: Option<EngineError>,
}

impl Stage {
    /// Carries every row that stands as `wanted` through its associations.
    pub(crate) async fn carry_out(self: Arc<Self>, spill: &Spill, wanted: fn(Stand) -> bool) -> Staged {
        let mut stopped = None;
        match spill.read() {
            Ok(reader) => {
                let reader = Reader { reader, batch: None, next: 0, position: 0, ended: false };
                self.blocks(reader, wanted, &mut stopped).await;
            }
            Err(error) => stopped = Some(Stopped::Failed(error)),
        }
        if stopped.is_some() {
            defer_due(&self.open, &self.tally);
        }
        let untried_missing = if stopped.is_some() { self.open.count(wanted) } else { 0 };
        let mut state = self.state();
        let settled_missing = state.counts.missing_target - state.waiting;
        Staged { counts: state.counts, settled_missing, untried_missing, stopped, failed: state.failed.take() }
    }

    async fn blocks(self: &Arc<Self>, mut reader: Reader, wanted: fn(Stand) -> bool, stopped: &mut Option<Stopped>) {
        let in_flight_max = if self.associations.groups.iter().any(|group| group.object.path == self.from.path) {
            // Rows may name each other, and what one writes the other must see.
            1
        } else {
            BLOCKS_IN_FLIGHT_MAX
        };
        let mut blocks: JoinSet<BlockDone> = JoinSet::new();
        let mut in_flight: HashSet<u64> = HashSet::new();
        let mut held: VecDeque<Task> = VecDeque::new();
        let mut exhausted_in_a_row = 0;
        loop {
            if stopped.is_none() && self.cancel.is_set() {
                *stopped = Some(Stopped::Interrupted);
            }
            if stopped.is_some() && blocks.is_empty() {
                break;
            }
            let more = !reader.ended || !held.is_empty();
            if stopped.is_none() && more && blocks.len() < in_flight_max {
                let stage = Arc::clone(self);
                let mut candidates: Vec<Task> = held.drain(..).collect();
                let read = blocking(move || {
                    let result = reader.fill(&stage, wanted, &mut candidates);
                    Ok((reader, candidates, result))
                })
                .await;
                let tasks = match read {
                    Ok((back, tasks, result)) => {
                        reader = back;
                        if let Err(error) = result {
                            *stopped = Some(Stopped::Failed(error));
                        }
                        tasks
                    }
                    Err(error) => {
                        *stopped = Some(Stopped::Failed(error));
                        return;
                    }
                };
                let mut block = Vec::with_capacity(tasks.len());
                for task in tasks {
                    match in_flight.insert(task.record_id) {
                        true => block.push(task),
                        false => held.push_back(task),
                    }
                }
                if stopped.is_some() {
                    held.extend(block);
                    continue;
                }
                if !block.is_empty() {
                    let trouble = self.targets.lock().await.resolve(&mut block).await;
                    for task in self.part_mutual(&mut block) {
                        in_flight.remove(&task.record_id);
                        held.push_back(task);
                    }
                    let stage = Arc::clone(self);
                    blocks.spawn(async move { stage.block(block, trouble).await });
                    if blocks.len() < in_flight_max {
                        continue;
                    }
                }
            }
            if blocks.is_empty() {
                if reader.ended && held.is_empty() {
                    break;
                }
                continue;
            }
            tokio::select! {
                joined = blocks.join_next() => match joined {
                    Some(Ok(done)) => {
                        for record in done.records {
                            in_flight.remove(&record);
                        }
                        self.progress.advance(done.rows);
                        exhausted_in_a_row = if done.trouble.exhausted.is_some() { exhausted_in_a_row + 1 } else { 0 };
                        let error = done.failed.or(done.trouble.stop.map(EngineError::from));
                        let tired = done.trouble.exhausted.filter(|_| exhausted_in_a_row >= EXHAUSTED_IN_A_ROW_MAX);
                        if let Some(error) = error.or(tired.map(EngineError::from))
                            && !matches!(stopped, Some(Stopped::Failed(_)))
                        {
                            *stopped = Some(Stopped::Failed(error));
                        }
                    }
                    Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
                    None => {}
                },
                () = self.cancel.wait(), if stopped.is_none() => *stopped = Some(Stopped::Interrupted),
            }
        }
        let rest: Vec<Task> = held
            .into_iter()
            .map(|task| Task { deferred: Some("not sent: the run stopped".to_owned()), ..task })
            .collect();
        if let Err(error) = self.finish(rest).await {
            stopped.get_or_insert(Stopped::Failed(error));
        }
    }

    /// Of rows of one object type that name each other, one waits: each must read what the other has written.
    fn part_mutual(&self, block: &mut Vec<Task>) -> Vec<Task> {
        let same = |task: &Task, want: &crate::association::task::Want| {
            let group = &self.associations.groups[self.associations.declarations[want.declaration].group];
            match want.target {
                Target::Record(id) if group.object.path == self.from.path && id != task.record_id => Some(id),
                _ => None,
            }
        };
        let mut pairs: HashSet<(u64, u64)> = HashSet::new();
        let mut parted = Vec::new();
        let mut kept = Vec::with_capacity(block.len());
        for task in std::mem::take(block) {
            let own: Vec<u64> = task.wants.iter().filter_map(|want| same(&task, want)).collect();
            if own.iter().any(|other| pairs.contains(&(*other, task.record_id))) {
                parted.push(task);
            } else {
                pairs.extend(own.into_iter().map(|other| (task.record_id, other)));
                kept.push(task);
            }
        }
        *block = kept;
        parted
    }

    async fn block(&self, mut tasks: Vec<Task>, mut trouble: Trouble) -> BlockDone {
        for group in 0..self.associations.groups.len() {
            self.group(group, &mut tasks, &mut trouble).await;
        }
        let records = tasks.iter().map(|task| task.record_id).collect();
        let rows = tasks.len() as u64;
        let failed = self.finish(tasks).await.err();
        BlockDone { records, rows, trouble, failed }
    }

    /// Records what HubSpot confirmed; only then the rows have their outcome.
    async fn finish(&self, mut tasks: Vec<Task>) -> Result<(), EngineError> {
        if tasks.is_empty() {
            return Ok(());
        }
        let changes = tasks.iter().filter_map(Task::change).collect();
        let recorded = self.writer.record(changes).await;
        if recorded.is_err() {
            for task in &mut tasks {
                task.deferred.get_or_insert_with(|| "its associations could not be recorded".to_owned());
            }
        }
        let mut verdicts = Vec::with_capacity(tasks.len());
        let (mut missing, mut found) = (Vec::new(), Vec::new());
        for task in tasks {
            let (outcome, reason) = task.outcome();
            let mut misses = 0;
            for want in &task.wants {
                if matches!(want.target, Target::Missing { .. }) {
                    misses += 1;
                    missing.push(self.waiting(&task, want));
                } else if task.stand.is_waiting() {
                    found.push(self.waiting(&task, want));
                }
            }
            {
                let mut state = self.state();
                state.counts.created += task.created;
                state.counts.removed += task.removed;
                state.counts.missing_target += misses;
                state.waiting += if matches!(outcome, Outcome::Applied | Outcome::Unchanged) { misses } else { 0 };
            }
            match outcome {
                Outcome::Applied if misses > 0 => self.open.set(task.position, Stand::WaitingApplied),
                Outcome::Unchanged if misses > 0 => self.open.set(task.position, Stand::WaitingUnchanged),
                _ => {}
            }
            task.ticket.finish(outcome);
            verdicts.push(Verdict {
                key_text: task.key_text,
                outcome,
                reason,
                attempts: 1,
                key: Some(task.key),
                unsettle: None,
                handed_on: None,
                written: WrittenRecord::default(),
            });
        }
        self.keep(missing, found).await;
        self.issues.settle(verdicts).await;
        recorded
    }

    fn waiting(&self, task: &Task, want: &crate::association::task::Want) -> Waiting {
        let declaration = &self.associations.declarations[want.declaration];
        let group = &self.associations.groups[declaration.group];
        Waiting {
            key: task.key_text.clone(),
            object: group.object.path.clone(),
            property: declaration.property.clone(),
            value: want.value.clone(),
            label: group.names(&want.kinds),
        }
    }

    /// Keeps the list of missing targets; a database that fails does not stop rows that HubSpot has confirmed.
    async fn keep(&self, mut missing: Vec<Waiting>, found: Vec<Waiting>) {
        let Some(db) = self.db.clone() else { return };
        {
            let mut state = self.state();
            missing.truncate(WAITING_LISTED_MAX - state.listed.min(WAITING_LISTED_MAX));
            state.listed += missing.len();
        }
        if missing.is_empty() && found.is_empty() {
            return;
        }
        let (run, sync, at) = (self.run.clone(), self.sync.to_string(), self.wall.now());
        let kept = blocking(move || {
            if !missing.is_empty() {
                db.record_waiting(&run, &sync, at, &missing)?;
            }
            if !found.is_empty() {
                db.clear_waiting(&sync, &found)?;
            }
            Ok(())
        })
        .await;
        if let Err(error) = kept {
            self.state().failed.get_or_insert(error);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        match self.state.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

/// Counts the rows whose associations were not reached as deferred.
pub(crate) fn defer_due(open: &Open, tally: &Arc<Tally>) {
    tally.many(Outcome::Deferred, open.count(|stand| stand == Stand::Only));
    tally.settle_handed(Outcome::Deferred, open.count(Stand::is_handed_on));
}

/// Reads the spill from where it stands.
struct Reader {
    reader: SpillReader,
    batch: Option<(RecordBatch, Vec<Mark>)>,
    /// The row of the batch that is next.
    next: usize,
    position: usize,
    ended: bool,
}

impl Reader {
    /// Adds rows to a block until it is full. Blocking.
    fn fill(&mut self, stage: &Stage, wanted: fn(Stand) -> bool, tasks: &mut Vec<Task>) -> Result<(), EngineError> {
        let mut targets: usize = tasks.iter().map(|task| task.wants.len()).sum();
        while tasks.len() < BLOCK_ROWS_MAX && targets < BLOCK_TARGETS_MAX {
            let row = self.next;
            let Some((batch, marks)) = &self.batch else {
                self.batch = self.reader.next_batch()?;
                self.next = 0;
                if self.batch.is_none() {
                    self.ended = true;
                    return Ok(());
                }
                continue;
            };
            let Some(mark) = marks.get(row) else {
                self.batch = None;
                continue;
            };
            let position = self.position;
            self.next += 1;
            self.position += 1;
            let stand = stage.open.get(position);
            if !wanted(stand) {
                continue;
            }
            let task = task(stage, batch, row, mark, position, stand)?;
            targets += task.wants.len();
            tasks.push(task);
        }
        Ok(())
    }
}

fn task(
    stage: &Stage,
    batch: &RecordBatch,
    row: usize,
    mark: &Mark,
    position: usize,
    stand: Stand,
) -> Result<Task, EngineError> {
    let key_text = shown_key(&stage.prepared.model, batch, row)?;
    let Ok(wants) = stage.associations.wants(batch, row) else {
        return Err(EngineError::new("internal", "a row was valid when it was checked and is not any more"));
    };
    let Some(head) = lock(&stage.ledger).lookup(mark.key)? else {
        return Err(EngineError::new("internal", "a row whose record was confirmed is not in the ledger"));
    };
    stage.open.set(position, Stand::Nothing);
    let ticket = match stand {
        Stand::Settled | Stand::Same | Stand::Fresh => stage.tally.take_over(),
        Stand::WaitingApplied => stage.tally.reopen(Outcome::Applied),
        Stand::WaitingUnchanged => stage.tally.reopen(Outcome::Unchanged),
        Stand::Nothing | Stand::Only => stage.tally.ticket(),
    };
    Ok(Task {
        position,
        stand,
        key: mark.key,
        key_text,
        fingerprint: mark.fingerprint,
        wanted: stage.associations.hash(&wants),
        before: head.associated,
        record_id: head.record_id,
        fresh: stand == Stand::Fresh,
        wants,
        created: 0,
        removed: 0,
        rejected: None,
        deferred: (head.record_id == 0).then(|| "the ledger does not know its record".to_owned()),
        gone: false,
        ticket,
    })
}
