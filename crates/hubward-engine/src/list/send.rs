//! The second pass: membership requests, several in flight, and what a refusal of a whole request means.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hubward_core::membership::{Misfit, fits};
use hubward_core::spec::ListMode;
use hubward_core::{ErrorKind, Outcome, Reason, Verdict as Means};
use hubward_hubspot::{ApiError, MembershipReply};
use tokio::task::JoinSet;

use crate::corridor::Stopped;
use crate::error::EngineError;
use crate::ledger_writer::lock;
use crate::list::desk::{Desk, Step};
use crate::list::operations::{Operation, Operations};
use crate::list::rows::{Candidate, Unfit};
use crate::list::target::{refused, seen};
use crate::run::blocking;
use crate::spill::Kind;

/// Requests in flight: each may hold ten thousand ids, and the client's limiter rules below that.
const IN_FLIGHT_MAX: usize = 4;
/// So many requests in a row that HubSpot could not be made to answer end the run.
const EXHAUSTED_IN_A_ROW_MAX: u32 = 3;
/// So many refusals in a row, with nothing accepted in between, end the run: it is not the rows that HubSpot refuses.
/// Halving ten thousand rows down to one takes fourteen.
const REFUSED_IN_A_ROW_MAX: u32 = 40;
/// Rows that are looked at together when their remembered records have proved to be gone.
const AGAIN_ROWS: usize = 10_000;

/// A row whose remembered record HubSpot does not know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    pub(crate) key: u128,
    pub(crate) fingerprint: u64,
    pub(crate) gone: u64,
}

/// What the pass, or one request of it, came to.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) stopped: Option<Stopped>,
    /// Members that no row names and that were taken off.
    pub(crate) strangers: u64,
    /// Rows to be looked at once more.
    pub(crate) again: Vec<Again>,
    /// A request that HubSpot could not be made to answer.
    exhausted: Option<ApiError>,
}

impl Desk {
    /// Carries all operations out. Those that the pass does not come to are deferred by the caller.
    pub(crate) async fn send(self: &Arc<Self>, operations: Operations) -> Sent {
        let mut sent = Sent::default();
        let mut exhausted_in_a_row = 0;
        let named = Arc::clone(&operations.named);
        let mut operations = Some(operations);
        let mut tasks: JoinSet<Sent> = JoinSet::new();
        loop {
            if sent.stopped.is_none() && self.cancel.is_set() {
                sent.stopped = Some(Stopped::Interrupted);
            }
            while sent.stopped.is_none()
                && tasks.len() < IN_FLIGHT_MAX
                && let Some(mut left) = operations.take()
            {
                let desk = Arc::clone(self);
                let next = blocking(move || {
                    let given = left.next(&lock(&desk.ledger), desk.ids_max.load(Ordering::Relaxed))?;
                    Ok((left, given))
                });
                match next.await {
                    Ok((_, given)) if given.is_empty() => {}
                    Ok((left, given)) => {
                        operations = Some(left);
                        let (desk, named) = (Arc::clone(self), Arc::clone(&named));
                        tasks.spawn(async move { desk.carry_out(given, &named).await });
                    }
                    Err(error) => sent.stopped = Some(Stopped::Failed(error)),
                }
            }
            match tasks.join_next().await {
                None => break,
                Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
                Some(Ok(done)) => {
                    match done.exhausted {
                        None => exhausted_in_a_row = 0,
                        Some(error) => {
                            exhausted_in_a_row += 1;
                            if exhausted_in_a_row >= EXHAUSTED_IN_A_ROW_MAX && sent.stopped.is_none() {
                                sent.stopped = Some(Stopped::Failed(error.into()));
                            }
                        }
                    }
                    if let Some(stopped) = done.stopped
                        && !matches!(sent.stopped, Some(Stopped::Failed(_)))
                    {
                        sent.stopped = Some(stopped);
                    }
                    sent.strangers += done.strangers;
                    sent.again.extend(done.again);
                }
            }
        }
        if let Some(left) = operations {
            self.defer(left.left().collect(), "the run ended before its turn").await;
        }
        sent
    }

    /// One request, or as many as its halves need.
    async fn carry_out(&self, operations: Vec<Operation>, named: &[u64]) -> Sent {
        let mut sent = Sent::default();
        let mut parts = vec![operations];
        let (mut refused_ids, mut accepted_ids, mut rejected) = (usize::MAX, 0, false);
        while let Some(part) = parts.pop() {
            if sent.stopped.is_some() || sent.exhausted.is_some() {
                self.defer(part, "the request was not sent: one before it was not answered").await;
                continue;
            }
            let (add, remove) = ids_of(&part);
            let meta = self.meta(part.iter().map(|operation| &operation.entry));
            let answer = self.client.list_change(self.list.id, &add, &remove, &meta).await;
            let error = match answer {
                Ok(reply) => {
                    // Before anything is recorded, so that a failure or a kill leaves these rows to the next run.
                    if let Err(error) = self.mind_merged(&remove, &reply, named).await {
                        self.defer(part, &format!("HubSpot did not say what became of merged records: {error}")).await;
                        stop_or_exhaust(&mut sent, error);
                        continue;
                    }
                    if !(add.is_empty() && remove.is_empty()) {
                        self.refused_in_a_row.store(0, Ordering::Relaxed);
                    }
                    accepted_ids = accepted_ids.max(add.len() + remove.len());
                    self.settle(part, reply, &mut sent).await;
                    continue;
                }
                Err(error) => error,
            };
            let is_refusal = is_refusal(&error);
            if !is_refusal {
                self.defer(part, &format!("HubSpot did not confirm it: {error}")).await;
                stop_or_exhaust(&mut sent, error);
                continue;
            }
            // What is wrong may be the list. Asked once for each request that is refused as a whole.
            if refused_ids == usize::MAX
                && let Err(list) = self.check_list().await
            {
                self.defer(part, &list.message).await;
                sent.stopped = Some(Stopped::Failed(list));
                continue;
            }
            if self.refused_in_a_row.fetch_add(1, Ordering::Relaxed) >= REFUSED_IN_A_ROW_MAX {
                self.defer(part, &format!("HubSpot refused one request after the other: {error}")).await;
                sent.stopped = Some(Stopped::Failed(error.into()));
                continue;
            }
            refused_ids = refused_ids.min(add.len() + remove.len());
            let (guilty, mut innocent) = part_guilty(part, &error);
            if !guilty.is_empty() {
                rejected = true;
                self.reject(guilty, &error).await;
                if !innocent.is_empty() {
                    parts.push(innocent);
                }
            } else if innocent.len() > 1 {
                let second = innocent.split_off(innocent.len() / 2);
                parts.push(second);
                parts.push(innocent);
            } else {
                rejected = true;
                self.reject(innocent, &error).await;
            }
        }
        // Refused as a whole and accepted in parts: it was its size.
        if refused_ids != usize::MAX && !rejected && accepted_ids > 0 {
            self.ids_max.fetch_min(accepted_ids, Ordering::Relaxed);
        }
        sent
    }

    /// What an answer leaves to do about records that were merged. Mode remove looks for another record by the row's value.
    async fn mind_merged(&self, asked: &[u64], reply: &MembershipReply, named: &[u64]) -> Result<(), ApiError> {
        if self.prepared.sync.mode != ListMode::Mirror {
            return Ok(());
        }
        let missing: HashSet<u64> = reply.missing.iter().copied().collect();
        let missing: Vec<u64> = asked.iter().copied().filter(|id| missing.contains(id)).collect();
        if !missing.is_empty() {
            self.follow_merged(&missing, named).await?;
        }
        self.put_back(asked, &reply.removed, named).await
    }

    /// Whether the list still is the one that is meant.
    async fn check_list(&self) -> Result<(), EngineError> {
        let sync = &self.prepared.sync;
        let meta = self.meta(std::iter::empty());
        let found = self.client.list(self.list.id, &meta).await?.map(seen);
        if found.is_none() {
            return Err(refused(sync, Misfit::Gone { known: Some(self.list.clone()) }));
        }
        let object = &self.prepared.object.id;
        fits(&sync.list, Some(&self.list), found.as_ref(), Some(object)).map_err(|misfit| refused(sync, misfit))
    }

    async fn defer(&self, operations: Vec<Operation>, why: &str) {
        let reason = Reason::new("DEFERRED", why);
        self.finish(operations, Outcome::Deferred, &reason).await;
    }

    async fn reject(&self, operations: Vec<Operation>, error: &ApiError) {
        let mut reason = Reason::new("REFUSED", error.message.clone());
        reason.category = error.category.clone().or(reason.category);
        reason.correlation_id.clone_from(&error.correlation_id);
        self.finish(operations, Outcome::Rejected, &reason).await;
    }

    /// One word for all of them; what the ledger says of them stands.
    async fn finish(&self, operations: Vec<Operation>, outcome: Outcome, reason: &Reason) {
        let mut verdicts = Vec::new();
        for operation in operations {
            if let Some(ticket) = operation.ticket {
                ticket.finish(outcome);
                let entry = operation.entry;
                verdicts.push(self.word(entry.key, entry.payload.key_text, outcome, Some(reason.clone())));
            }
        }
        self.progress.advance(verdicts.len() as u64);
        self.issues.settle(verdicts).await;
    }

    /// Rows whose remembered record is gone: looked up in HubSpot by their match value, and sent once more.
    pub(crate) async fn send_again(self: &Arc<Self>, again: Vec<Again>, named: &Arc<Vec<u64>>) -> Option<Stopped> {
        let mut left = again.len() as u64;
        let mut stopped = None;
        for rows in again.chunks(AGAIN_ROWS) {
            if self.cancel.is_set() {
                stopped = Some(Stopped::Interrupted);
            }
            if stopped.is_some() {
                break;
            }
            let count = rows.len() as u64;
            left -= count;
            let (desk, rows) = (Arc::clone(self), rows.to_vec());
            let read = blocking(move || desk.candidates(&rows)).await;
            let block = match read {
                Ok(block) => block,
                Err(error) => {
                    stopped = Some(Stopped::Failed(error));
                    left += count;
                    break;
                }
            };
            stopped = self.once_more(block, named).await;
        }
        self.tally.settle_handed(Outcome::Deferred, left);
        stopped
    }

    fn candidates(&self, rows: &[Again]) -> Result<Vec<Candidate>, EngineError> {
        let ledger = lock(&self.ledger);
        let mut block = Vec::with_capacity(rows.len());
        for row in rows {
            let entry = ledger.get(row.key)?;
            let payload = entry.as_ref().map(|entry| entry.payload.clone()).unwrap_or_default();
            let named = match payload.match_value {
                Some(value) => Ok(self.prepared.named(value)),
                None => Err(Unfit::Value(Reason::new("MISSING_MATCH", "the row has no match value"))),
            };
            block.push(Candidate {
                position: 0,
                key: row.key,
                fingerprint: row.fingerprint,
                kind: Kind::Changed,
                key_text: payload.key_text,
                named,
                entry,
                gone: Some(row.gone),
            });
        }
        Ok(block)
    }

    async fn once_more(&self, block: Vec<Candidate>, named: &Arc<Vec<u64>>) -> Option<Stopped> {
        let (concluded, found) = self.settle_block(block).await;
        let mut stopped = found.stop.or(found.last_exhausted).map(|error| Stopped::Failed(error.into()));
        let mut changes = Vec::new();
        for (_, conclusion) in &concluded {
            changes.extend(conclusion.change.clone());
        }
        let recorded = self.writer.record(changes).await;
        let mut verdicts = Vec::new();
        let mut operations = Vec::new();
        for (row, conclusion) in concluded {
            let ticket = self.tally.take_over();
            let (outcome, reason) = match (&recorded, conclusion.verdict, conclusion.change) {
                (Err(_), ..) => (Outcome::Deferred, Some(Reason::new("DEFERRED", "its record could not be recorded"))),
                (Ok(()), Some(word), _) => word,
                (Ok(()), None, Some(hubward_store::Change::Confirmed(entry)))
                    if matches!(conclusion.step, Step::Go { .. }) =>
                {
                    let mode = self.prepared.sync.mode;
                    let (step, fingerprint) = (conclusion.step, row.fingerprint);
                    operations.extend(Operation::of_row(mode, step, entry, fingerprint, named, || ticket));
                    continue;
                }
                (Ok(()), None, _) => (Outcome::Deferred, Some(Reason::new("DEFERRED", "its record changed meanwhile"))),
            };
            ticket.finish(outcome);
            verdicts.push(self.word(row.key, row.key_text, outcome, reason));
        }
        self.issues.settle(verdicts).await;
        if let Err(error) = recorded {
            return Some(Stopped::Failed(error));
        }
        if stopped.is_some() {
            self.defer(operations, "HubSpot did not answer whether there is another record").await;
            return stopped;
        }
        let done = Box::pin(self.carry_out(operations, named)).await;
        // They were looked up just now, so none of them comes back.
        debug_assert!(done.again.is_empty());
        stopped = done.stopped.or(done.exhausted.map(|error| Stopped::Failed(error.into())));
        stopped
    }
}

fn stop_or_exhaust(sent: &mut Sent, error: ApiError) {
    if error.kind.verdict(true) == Means::Stop {
        sent.stopped = Some(Stopped::Failed(error.into()));
    } else {
        sent.exhausted = Some(error);
    }
}

/// The ids of a request, each once, sorted.
fn ids_of(operations: &[Operation]) -> (Vec<u64>, Vec<u64>) {
    let mut add: Vec<u64> = operations.iter().filter_map(|operation| operation.joins).collect();
    let mut remove: Vec<u64> = operations.iter().flat_map(|operation| operation.leaves.iter().copied()).collect();
    for ids in [&mut add, &mut remove] {
        ids.sort_unstable();
        ids.dedup();
    }
    (add, remove)
}

/// Nothing was done, and a smaller or another request may be taken.
fn is_refusal(error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::Malformed | ErrorKind::NoSuchPath) || error.kind.verdict(true) == Means::FixRows
}

/// Parts the operations whose ids the refusal names from the others. Named by nobody, or all of them, tells nothing.
fn part_guilty(operations: Vec<Operation>, error: &ApiError) -> (Vec<Operation>, Vec<Operation>) {
    let ids: HashSet<u64> = error.ids.iter().filter_map(|id| id.parse().ok()).collect();
    let is_named = |operation: &Operation| {
        operation.joins.is_some_and(|id| ids.contains(&id)) || operation.leaves.iter().any(|id| ids.contains(id))
    };
    let named = operations.iter().filter(|operation| is_named(operation)).count();
    if named == 0 || (named == operations.len() && named > 1) {
        return (Vec::new(), operations);
    }
    operations.into_iter().partition(is_named)
}
