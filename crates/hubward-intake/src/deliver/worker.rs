//! The worker: takes events from the spool, makes windows of them, and settles what is done.
//!
//! A window waits a moment from its first event, so that what belongs together goes together; under load it holds whatever
//! has gathered meanwhile. Several windows may be on their way at once, but never two that concern one user or one record:
//! an event that shares a name with one under way waits for it, and so does every later event that shares a name with an
//! event that waits. So writes to one record keep the order of the events.
//!
//! An event is settled once every mapping that fired for it has a final outcome, and what was refused is durable. Until
//! then it belongs to the spool: a kill at any moment loses nothing.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_core::OutcomeCounts;
use hubward_engine::door::Pause;
use hubward_engine::{Cancel, EngineError};
use hubward_store::{Spool, SpoolError, Stored};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::names::{find_name, record_name};
use super::rejected::Rejections;
use super::window::{Asked, Delivered, Delivery, Input};
use crate::actions::Intent;

/// How long the spool is asked for events at a time.
const TAKE_WAIT: Duration = Duration::from_secs(5);
/// The first pause before an undecided event is tried again; doubled at each.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// How often HubSpot is asked whether a grant is good again.
const PROBE_EVERY: Duration = Duration::from_secs(15);
/// How long delivery rests when the account's limits, its rights or the state of this machine are in the way.
const REST: Duration = Duration::from_secs(60);
const REST_SHORT: Duration = Duration::from_secs(5);
/// How often old events are spoken of.
const OLD_AGAIN: Duration = Duration::from_secs(600);

/// How a worker works; the defaults are right outside tests.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// How long a window waits for company, from its first event.
    pub window: Duration,
    /// Events in one window at most.
    pub window_events_max: usize,
    /// Windows on their way at once.
    pub windows_max: usize,
    /// Events and bytes that are held in memory, those on their way included; the others wait in the spool.
    pub held_events_max: usize,
    pub held_bytes_max: usize,
    /// Events that wait longer than this are spoken of.
    pub old_after: Duration,
    /// Ends once the spool is empty.
    pub until_empty: bool,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(1),
            window_events_max: 5_000,
            windows_max: 4,
            held_events_max: 20_000,
            held_bytes_max: 64 << 20,
            old_after: Duration::from_secs(3_600),
            until_empty: false,
        }
    }
}

/// Something that a person should know while the worker works.
#[derive(Clone, Debug)]
pub enum Note {
    /// Delivery rests; events wait.
    Paused {
        error: EngineError,
    },
    Resumed,
    /// Events have waited longer than they should.
    Old {
        events: u64,
        oldest_received_at_ms: i64,
    },
    /// The spool or the state cannot be written; it is tried again.
    Trouble {
        message: String,
    },
}

/// What a worker has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerState {
    /// Events that are settled.
    pub events: u64,
    /// Of them, those that no mapping fired for.
    pub without_mapping: u64,
    /// Outcomes, one for each mapping that fired.
    pub outcomes: OutcomeCounts,
    pub warnings: u64,
    /// Why delivery rests, if it does.
    pub paused: Option<String>,
}

/// Delivers the events of a spool.
pub struct Worker {
    delivery: Arc<Delivery>,
    spool: Arc<dyn Spool>,
    rejections: Rejections,
    options: WorkerOptions,
    cancel: Cancel,
    note: Box<dyn Fn(Note) + Send + Sync>,
    state: Arc<Mutex<WorkerState>>,
}

/// An event in memory.
struct Held {
    stored: Stored,
    asked: Asked,
    /// What it shares with other events.
    names: Vec<String>,
    /// Final outcomes so far.
    done: Vec<Delivered>,
    tries: u32,
    not_before: Option<Instant>,
    /// All its outcomes are final; that they are durable is still open.
    finished: bool,
}

impl Held {
    fn bytes(&self) -> usize {
        // The event as it is stored, and about as much again for what was made of it.
        2 * self.stored.payload.len() + 512
    }
}

struct Flow {
    held: VecDeque<Held>,
    busy: HashMap<String, usize>,
    /// Events and bytes on their way.
    in_flight: (usize, usize),
    /// When the first event that waits for a window came.
    since: Option<Instant>,
    resting_until: Option<Instant>,
    /// The grant is asked after before anything is sent again.
    probe: bool,
    unreachable_in_a_row: u32,
    spoke_of_old: Option<Instant>,
    unsettled: Vec<u64>,
    empty: bool,
}

type Done = (Vec<Held>, Vec<Vec<Delivered>>, Option<EngineError>);

impl Worker {
    /// `note` is called from the worker's task and must return quickly.
    #[must_use]
    pub fn new(
        delivery: Arc<Delivery>,
        spool: Arc<dyn Spool>,
        rejections: Rejections,
        options: WorkerOptions,
        cancel: Cancel,
        note: impl Fn(Note) + Send + Sync + 'static,
    ) -> Self {
        let (note, state) = (Box::new(note), Arc::default());
        Self { delivery, spool, rejections, options, cancel, note, state }
    }

    /// What has been done so far; to be read while the worker works.
    #[must_use]
    pub fn state(&self) -> Arc<Mutex<WorkerState>> {
        Arc::clone(&self.state)
    }

    /// Works until it is cancelled (or the spool is empty, where that was asked for). What is on its way is awaited; events
    /// that are not done go back to the spool.
    ///
    /// # Errors
    /// The spool cannot be read.
    pub async fn run(self) -> Result<(), SpoolError> {
        let mut flow = Flow {
            held: VecDeque::new(),
            busy: HashMap::new(),
            in_flight: (0, 0),
            since: None,
            resting_until: None,
            probe: false,
            unreachable_in_a_row: 0,
            spoke_of_old: None,
            unsettled: Vec::new(),
            empty: false,
        };
        let mut windows: JoinSet<Done> = JoinSet::new();
        let mut failed = None;
        loop {
            let stopping = self.cancel.is_set() || failed.is_some();
            if stopping && windows.is_empty() {
                break;
            }
            if !stopping {
                self.wake(&mut flow).await;
                self.finish_held(&mut flow).await;
                self.speak_of_old(&mut flow);
                self.start(&mut flow, &mut windows);
            }
            if self.options.until_empty && flow.empty && flow.held.is_empty() && windows.is_empty() {
                break;
            }
            let room = self.room(&flow).filter(|_| !stopping);
            let next = self.next_due(&flow);
            tokio::select! {
                joined = windows.join_next(), if !windows.is_empty() => match joined {
                    Some(Ok(done)) => self.take_back(&mut flow, done).await,
                    Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                    None => {}
                },
                taken = async { self.spool.take(room.unwrap_or_default(), TAKE_WAIT).await }, if room.is_some() => {
                    match taken {
                        Ok(stored) => self.hold(&mut flow, stored),
                        Err(error) => failed = Some(error),
                    }
                }
                () = sleep_until(next), if next.is_some() => {}
                () = self.cancel.wait(), if !stopping => {}
            }
        }
        let left: Vec<u64> = flow.held.iter().map(|held| held.stored.seq).collect();
        if !flow.unsettled.is_empty() {
            self.settle(&mut flow).await;
        }
        if !left.is_empty()
            && let Err(error) = self.spool.release(left).await
        {
            // They are handed out again all the same, once this process has ended.
            tracing::warn!(%error, "events could not be given back to the spool");
        }
        failed.map_or(Ok(()), Err)
    }

    /// How many events may be taken now.
    fn room(&self, flow: &Flow) -> Option<usize> {
        let bytes: usize = flow.held.iter().map(Held::bytes).sum::<usize>() + flow.in_flight.1;
        let events = self.options.held_events_max.saturating_sub(flow.held.len() + flow.in_flight.0);
        (events > 0 && bytes < self.options.held_bytes_max).then(|| events.min(self.options.window_events_max))
    }

    fn hold(&self, flow: &mut Flow, stored: Vec<Stored>) {
        flow.empty = stored.is_empty();
        for stored in stored {
            let event: Value = match serde_json::from_slice(&stored.payload) {
                Ok(event) => event,
                // What no mapping can read is refused by each of them.
                Err(_) => Value::Null,
            };
            let input = Input {
                message_id: stored.message_id.clone(),
                source: stored.source.clone(),
                received_at_ms: stored.received_at_ms,
                event,
                maybe_done: stored.deliveries > 1,
            };
            let asked = self.delivery.decide(&input);
            let mut names: Vec<String> = asked
                .asks
                .iter()
                .filter_map(|(_, intent)| match intent {
                    Intent::Record(intent) => Some(intent),
                    Intent::Event(_) => None,
                })
                .flat_map(|intent| {
                    // Other ends that would be made: two windows that miss one at once would both make it.
                    let ends = intent.associations.iter().filter(|link| link.create);
                    let ends = ends.filter_map(|link| find_name(&link.object, &link.find));
                    record_name(intent).into_iter().chain(ends)
                })
                .collect();
            if !asked.asks.is_empty() {
                names.push(format!("order/{}", stored.order_key));
            }
            let finished = asked.asks.is_empty();
            let done = asked.refused.clone();
            if !finished {
                flow.since.get_or_insert_with(Instant::now);
            }
            flow.held.push_back(Held { stored, asked, names, done, tries: 0, not_before: None, finished });
        }
    }

    /// Starts windows that are due.
    fn start(&self, flow: &mut Flow, windows: &mut JoinSet<Done>) {
        while windows.len() < self.options.windows_max && flow.resting_until.is_none() {
            let now = Instant::now();
            let due = flow.since.is_some_and(|since| now >= since + self.options.window)
                || flow.held.len() >= self.options.window_events_max;
            if !due {
                return;
            }
            let mut waiting: HashSet<String> = HashSet::new();
            let mut chosen = Vec::new();
            let mut left = VecDeque::with_capacity(flow.held.len());
            for held in std::mem::take(&mut flow.held) {
                let free = !held.finished
                    && held.not_before.is_none_or(|at| at <= now)
                    && held.names.iter().all(|name| !flow.busy.contains_key(name) && !waiting.contains(name));
                if free && chosen.len() < self.options.window_events_max {
                    chosen.push(held);
                    continue;
                }
                waiting.extend(held.names.iter().cloned());
                left.push_back(held);
            }
            flow.held = left;
            // Those that wait for others, or for their time, are due as soon as they may go.
            flow.since = flow.since.filter(|_| flow.held.iter().any(|held| !held.finished));
            if chosen.is_empty() {
                return;
            }
            for held in &chosen {
                for name in &held.names {
                    *flow.busy.entry(name.clone()).or_default() += 1;
                }
                flow.in_flight.0 += 1;
                flow.in_flight.1 += held.bytes();
            }
            let delivery = Arc::clone(&self.delivery);
            windows.spawn(async move {
                let asked: Vec<Asked> = chosen.iter().map(|held| held.asked.clone()).collect();
                let (delivered, stop) = delivery.carry_out(&asked).await;
                (chosen, delivered, stop)
            });
        }
    }

    /// What a window came to.
    async fn take_back(&self, flow: &mut Flow, (events, delivered, stop): Done) {
        let mut undecided = false;
        let mut decided = false;
        for (mut held, delivered) in events.into_iter().zip(delivered) {
            flow.in_flight.0 -= 1;
            flow.in_flight.1 -= held.bytes();
            for name in &held.names {
                if let Some(count) = flow.busy.get_mut(name) {
                    *count -= 1;
                    if *count == 0 {
                        flow.busy.remove(name);
                    }
                }
            }
            // What was refused without a request was there before.
            let delivered = delivered.into_iter().skip(held.asked.refused.len());
            let (finals, open): (Vec<Delivered>, Vec<Delivered>) = delivered.partition(Delivered::is_final);
            decided |= !finals.is_empty();
            let mapping_of = |at: &usize| self.delivery.mappings[*at].name();
            held.asked.asks.retain(|(at, _)| open.iter().any(|one| one.mapping == *mapping_of(at)));
            held.done.extend(finals);
            held.finished = held.asked.asks.is_empty();
            if !held.finished {
                undecided = true;
                let pause = RETRY_FIRST.saturating_mul(1 << held.tries.min(6)).min(RETRY_MAX);
                held.tries += 1;
                held.not_before = Some(Instant::now() + pause);
                held.asked.maybe_done = true;
            }
            // Back to its place in the order of acceptance.
            let at = flow.held.partition_point(|known| known.stored.seq < held.stored.seq);
            flow.held.insert(at, held);
        }
        if flow.held.iter().any(|held| !held.finished) {
            flow.since.get_or_insert_with(Instant::now);
        }
        if decided {
            flow.unreachable_in_a_row = 0;
        }
        if let Some(error) = stop.filter(|_| !self.cancel.is_set()) {
            self.rest(flow, error);
        } else if undecided && !decided {
            flow.unreachable_in_a_row = flow.unreachable_in_a_row.saturating_add(1);
        }
        self.finish_held(flow).await;
    }

    fn rest(&self, flow: &mut Flow, error: EngineError) {
        let pause = match error.pause() {
            Pause::Grant => {
                flow.probe = true;
                PROBE_EVERY
            }
            // What nobody here can mend is not asked for all the time.
            Pause::Permission | Pause::Limit | Pause::Other => REST,
            Pause::Unreachable | Pause::State => {
                flow.unreachable_in_a_row = flow.unreachable_in_a_row.saturating_add(1);
                REST_SHORT.saturating_mul(1 << flow.unreachable_in_a_row.min(4)).min(REST)
            }
            Pause::Interrupted => return,
        };
        flow.resting_until = Some(Instant::now() + pause);
        let told = {
            let mut state = self.lock();
            state.paused.replace(error.message.clone()).is_some()
        };
        if !told {
            (self.note)(Note::Paused { error });
        }
    }

    /// Ends a rest that is over; of a grant HubSpot is asked first.
    async fn wake(&self, flow: &mut Flow) {
        let Some(until) = flow.resting_until else { return };
        if Instant::now() < until {
            return;
        }
        if flow.probe {
            let probed = tokio::select! {
                probed = self.delivery.door.engine().client().account() => probed,
                () = self.cancel.wait() => return,
            };
            if probed.is_err_and(|error| EngineError::from(error).pause() == Pause::Grant) {
                flow.resting_until = Some(Instant::now() + PROBE_EVERY);
                return;
            }
            flow.probe = false;
        }
        flow.resting_until = None;
        for held in &mut flow.held {
            held.not_before = None;
        }
        self.lock().paused = None;
        (self.note)(Note::Resumed);
    }

    /// Makes refusals durable and settles events that are done.
    async fn finish_held(&self, flow: &mut Flow) {
        let now = Instant::now();
        let ready = |held: &Held| held.finished && held.not_before.is_none_or(|at| at <= now);
        if flow.held.iter().any(ready) {
            let (done, left): (Vec<Held>, Vec<Held>) = std::mem::take(&mut flow.held).into_iter().partition(ready);
            flow.held = left.into();
            let told = |held: &Held| !held.done.is_empty();
            let kept: Vec<(Stored, Vec<Delivered>)> =
                done.iter().filter(|held| told(held)).map(|held| (held.stored.clone(), held.done.clone())).collect();
            match self.rejections.keep(self.delivery.door.now(), kept).await {
                Ok(()) => {
                    self.count(&done);
                    for held in &done {
                        for one in &held.done {
                            self.delivery.settled(&one.mapping, &held.asked);
                        }
                    }
                    flow.unsettled.extend(done.iter().map(|held| held.stored.seq));
                }
                Err(error) => {
                    (self.note)(Note::Trouble { message: error.to_string() });
                    for mut held in done {
                        held.not_before = Some(now + REST_SHORT);
                        let at = flow.held.partition_point(|known| known.stored.seq < held.stored.seq);
                        flow.held.insert(at, held);
                    }
                }
            }
        }
        if !flow.unsettled.is_empty() {
            self.settle(flow).await;
        }
    }

    async fn settle(&self, flow: &mut Flow) {
        let seqs = std::mem::take(&mut flow.unsettled);
        match self.spool.settle(seqs.clone()).await {
            Ok(()) => {}
            // They come again, there or here.
            Err(SpoolError::TakenOver { events }) => {
                tracing::warn!(events, "events were taken over by another worker before they were settled");
            }
            Err(error) => {
                (self.note)(Note::Trouble { message: error.to_string() });
                flow.unsettled = seqs;
                tokio::time::sleep(RETRY_FIRST).await;
            }
        }
    }

    fn count(&self, done: &[Held]) {
        let mut state = self.lock();
        for held in done {
            state.events += 1;
            state.without_mapping += u64::from(held.done.is_empty());
            for one in &held.done {
                state.outcomes.add(one.outcome, 1);
                state.warnings += one.warnings.len() as u64;
                for warning in &one.warnings {
                    tracing::info!(mapping = %one.mapping, event = %held.stored.message_id, "{warning}");
                }
            }
        }
    }

    fn speak_of_old(&self, flow: &mut Flow) {
        let Some(oldest) = flow.held.iter().map(|held| held.stored.received_at_ms).min() else { return };
        let age_ms = self.delivery.now_ms() - oldest;
        let old_ms = i64::try_from(self.options.old_after.as_millis()).unwrap_or(i64::MAX);
        let spoke = flow.spoke_of_old.is_some_and(|at| at.elapsed() < OLD_AGAIN);
        if age_ms < old_ms || spoke {
            return;
        }
        flow.spoke_of_old = Some(Instant::now());
        let limit = self.delivery.now_ms() - old_ms;
        let events = flow.held.iter().filter(|held| held.stored.received_at_ms <= limit).count() as u64;
        (self.note)(Note::Old { events, oldest_received_at_ms: oldest });
    }

    /// When something is to be done without anything happening.
    fn next_due(&self, flow: &Flow) -> Option<Instant> {
        let window = flow.since.map(|since| since + self.options.window).filter(|_| flow.resting_until.is_none());
        let retry = flow.held.iter().filter_map(|held| held.not_before).min();
        let now = Instant::now();
        [window.filter(|at| *at > now), retry.filter(|at| *at > now), flow.resting_until].into_iter().flatten().min()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, WorkerState> {
        match self.state.lock() {
            Ok(state) => state,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}
