//! Occurrences of custom events.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hubward_core::event::{EventIds, MappedEvent};
use hubward_core::{Outcome, Reason};
use hubward_hubspot::requests;
use tokio::task::JoinSet;

use crate::door::write::interrupted;
use crate::door::{Answered, Door, Settled, key_of};
use crate::error::EngineError;
use crate::event::{Done, EventBatch, EventRow, Sender, Stand, as_sent};
use crate::memory::Remembered;
use crate::row::Verdict;
use crate::tally::Tally;

/// Batches in flight; HubSpot takes 1,250 requests a second (api.md 9.2) and the client's limiter rules below that.
const IN_FLIGHT_MAX: usize = 32;
/// So many batches in a row that HubSpot could not be made to answer end the call.
const EXHAUSTED_IN_A_ROW_MAX: u32 = 3;
/// Occurrences that are counted for the month together; a kill forgets no more than these.
const COUNTED_TOGETHER: u64 = 1_000;

/// One occurrence to be sent.
#[derive(Clone, Debug)]
pub struct Happening {
    /// Names the input in the request log and in the door's memory.
    pub key: String,
    /// The same for every sending of the same occurrence.
    pub uuid: String,
    pub event: MappedEvent,
    /// It may have been sent before, by somebody who could not note it: it is looked for before it is sent.
    pub maybe_sent: bool,
}

impl Door {
    /// Sends occurrences, five hundred in a request. HubSpot has one word for all of a request: a refused one is divided to
    /// the guilty. After a lost answer, and for occurrences that the door's memory doubts, HubSpot is asked for them by uuid
    /// until what it does not show cannot come any more; only then they are sent again.
    pub async fn send_events(&self, happenings: Vec<Happening>) -> Answered {
        let mut outcomes: Vec<Option<Settled>> = vec![None; happenings.len()];
        let tally = Tally::new();
        let mut places: HashMap<u128, usize> = HashMap::new();
        let (mut unsent, mut unknown) = (Vec::new(), Vec::new());
        for (at, happening) in happenings.into_iter().enumerate() {
            let Happening { key, uuid, event, maybe_sent } = happening;
            let hashed = key_of(&key);
            if places.contains_key(&hashed) {
                let text = format!("{key} is also that of an earlier input of the same call");
                outcomes[at] = Some(Settled::invalid(Reason::new("DUPLICATE_KEY", text)));
                continue;
            }
            places.insert(hashed, at);
            let doubted = match self.recalled(hashed) {
                Some(Remembered::Made { .. }) => {
                    outcomes[at] = Some(Settled::new(Outcome::Applied, None));
                    continue;
                }
                Some(Remembered::Intended { .. }) => true,
                None => maybe_sent,
            };
            let row = EventRow {
                key: hashed,
                fingerprint: 0,
                key_text: key,
                event: Ok(as_sent(&uuid, &event)),
                uuid,
                intended: doubted,
                maybe_sent: doubted,
                attempts: 0,
                ticket: tally.ticket(),
            };
            if doubted { unknown.push(row) } else { unsent.push(row) }
        }
        let sender = Arc::new(Sender {
            client: self.engine.config.client.clone(),
            sync: Arc::clone(&self.name),
            ids: EventIds::new(&self.name),
            memory: self.memory(),
            cancel: self.cancel.clone(),
            wall: Arc::clone(&self.engine.config.wall),
            settles_after: self.engine.config.events_settle_after,
            unreadable: AtomicBool::new(self.unreadable.load(Ordering::Relaxed)),
            tells_applied: true,
        });
        let settles_at_ms = sender.settles_at_ms();
        let mut ready = VecDeque::new();
        cut(unknown, Stand::Unknown { settles_at_ms }, &mut ready);
        cut(unsent, Stand::Unsent, &mut ready);
        let (verdicts, stop) = if ready.is_empty() {
            (Vec::new(), None)
        } else {
            let carried = Arc::clone(&sender);
            let run = tokio::spawn(async move { carry_out(carried, ready).await });
            match run.await {
                Ok(done) => done,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        };
        self.unreadable.fetch_or(sender.unreadable.load(Ordering::Relaxed), Ordering::Relaxed);
        let mut applied = 0;
        for verdict in verdicts {
            applied += u64::from(verdict.outcome == Outcome::Applied);
            let Some(at) = verdict.key.and_then(|key| places.get(&key)) else { continue };
            let settled = Settled::new(verdict.outcome, verdict.reason);
            outcomes[*at] = Some(Settled { attempts: verdict.attempts, ..settled });
        }
        self.count_events(applied).await;
        let lost = || Settled::deferred("it left the corridor without an outcome; please report this");
        let outcomes = outcomes.into_iter().map(|settled| settled.unwrap_or_else(lost)).collect();
        Answered { outcomes, stop }
    }
}

impl Door {
    /// Counts what HubSpot took, a thousand at a time: the count is for people, and a write for each call is dear.
    async fn count_events(&self, occurrences: u64) {
        let uncounted = self.uncounted.fetch_add(occurrences, Ordering::Relaxed) + occurrences;
        if uncounted >= COUNTED_TOGETHER {
            self.write_count().await;
        }
    }

    pub(super) async fn write_count(&self) {
        let occurrences = self.uncounted.swap(0, Ordering::Relaxed);
        if occurrences > 0 {
            self.engine.count_events(occurrences).await;
        }
    }
}

fn cut(rows: Vec<EventRow>, stand: Stand, ready: &mut VecDeque<EventBatch>) {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let rows = rows.by_ref().take(requests::EVENT_BATCH_MAX).collect();
        ready.push_back(EventBatch { stand, rows });
    }
}

/// Every batch to its end. Those that a stop keeps from being sent are deferred.
async fn carry_out(sender: Arc<Sender>, mut ready: VecDeque<EventBatch>) -> (Vec<Verdict>, Option<EngineError>) {
    let mut verdicts = Vec::new();
    let mut stop = None;
    let mut exhausted_in_a_row = 0;
    let mut tasks: JoinSet<Done> = JoinSet::new();
    loop {
        if stop.is_none() && sender.cancel.is_set() {
            stop = Some(interrupted());
        }
        while stop.is_none()
            && tasks.len() < IN_FLIGHT_MAX
            && let Some(batch) = ready.pop_front()
        {
            let sender = Arc::clone(&sender);
            tasks.spawn(async move { sender.execute(batch).await });
        }
        let Some(joined) = tasks.join_next().await else { break };
        let done = match joined {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        match done.exhausted {
            Some(error) => {
                exhausted_in_a_row += 1;
                if exhausted_in_a_row >= EXHAUSTED_IN_A_ROW_MAX {
                    stop.get_or_insert(error);
                }
            }
            None => exhausted_in_a_row = 0,
        }
        if let Some(error) = done.stop {
            stop.get_or_insert(error);
        }
        for batch in done.batches.into_iter().rev() {
            ready.push_front(batch);
        }
        verdicts.extend(done.verdicts);
    }
    for EventBatch { stand, rows } in ready {
        let why = match &stop {
            Some(error) => format!("not sent: {error}"),
            None => "not sent".to_owned(),
        };
        let done = match stand {
            Stand::Unsent => sender.defer_unsent(Done::default(), rows, &why).await,
            Stand::Unknown { .. } => {
                sender.defer_unknown(Done::default(), rows, "it is not known yet whether HubSpot took it")
            }
        };
        verdicts.extend(done.verdicts);
    }
    (verdicts, stop)
}
