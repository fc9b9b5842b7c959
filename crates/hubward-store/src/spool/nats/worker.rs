//! The worker's role on a stream: holds its share of the partitions, hands out their events, settles them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::message::{AckKind, Message};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::lease::{Lease, Leases};
use super::{NatsOptions, PARTITIONS, envelope, server, subject};
use crate::spool::{SpoolError, Stored};

/// Messages that one partition has on the way at most, and those that wait for a taker.
const AHEAD: usize = 64;
const QUEUE: usize = 256;
/// After this time the server would hand an event out again by itself; leases decide long before.
const ACK_WAIT: Duration = Duration::from_secs(24 * 3600);

/// A partition that is this worker's.
#[derive(Debug)]
struct Owned {
    lease: Lease,
    /// Tells this time of holding from an earlier one.
    epoch: u64,
    /// Events up to this one may have been handed out by an earlier holder.
    doubtful: u64,
    /// Others are to have it as soon as nothing of it is handed out.
    leaving: bool,
    task: JoinHandle<()>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An event that is handed out or given back.
#[derive(Debug)]
struct Held {
    partition: u32,
    message: Message,
    event: Stored,
}

#[derive(Debug, Default)]
struct State {
    owned: HashMap<u32, Owned>,
    handed_out: BTreeMap<u64, Held>,
    given_back: BTreeMap<u64, Held>,
    epochs: u64,
    closed: bool,
}

/// Partition and epoch of a message that has come.
type Come = (u32, u64, Message);

#[derive(Debug)]
pub(super) struct Worker {
    context: Context,
    leases: Leases,
    options: NatsOptions,
    state: Mutex<State>,
    come: tokio::sync::Mutex<mpsc::Receiver<Come>>,
    coming: mpsc::Sender<Come>,
    given_back: Notify,
    tending: Mutex<Option<JoinHandle<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    pub(super) fn start(context: Context, workers: Store, options: NatsOptions, id: &str) -> Arc<Self> {
        let (coming, come) = mpsc::channel(QUEUE);
        let worker = Arc::new(Self {
            context,
            leases: Leases::new(workers, id.to_owned(), options.lease),
            options,
            state: Mutex::default(),
            come: tokio::sync::Mutex::new(come),
            coming,
            given_back: Notify::new(),
            tending: Mutex::new(None),
        });
        let tended = Arc::downgrade(&worker);
        let every = worker.options.lease / 4;
        let tending = tokio::spawn(async move {
            while let Some(worker) = tended.upgrade() {
                // A server that is away for a while costs partitions, not the worker: the next round tries again.
                if let Err(error) = worker.tend().await {
                    worker.forget_ended();
                    tracing::warn!("{error}");
                }
                drop(worker);
                tokio::time::sleep(every).await;
            }
        });
        *lock(&worker.tending) = Some(tending);
        worker
    }

    /// Renews what is held, gives up what is too much, takes what is free.
    async fn tend(self: &Arc<Self>) -> Result<(), SpoolError> {
        self.leases.show_up().await?;
        let held: Vec<(u32, Lease)> =
            lock(&self.state).owned.iter().map(|(number, owned)| (*number, owned.lease)).collect();
        for (partition, renewed) in join_all(
            held.into_iter().map(async |(partition, lease)| (partition, self.leases.renew(partition, lease).await)),
        )
        .await
        {
            match renewed {
                Ok(Some(lease)) => {
                    if let Some(owned) = lock(&self.state).owned.get_mut(&partition) {
                        owned.lease = lease;
                    }
                }
                Ok(None) => lock(&self.state).lose(partition),
                Err(error) => {
                    tracing::warn!("{error}");
                }
            }
        }
        self.forget_ended();
        let seats = self.leases.seats().await?;
        let share = (PARTITIONS as usize).div_ceil(seats.workers.max(1));
        let surplus = lock(&self.state).too_many(share);
        for (partition, lease) in surplus {
            self.leases.let_go(partition, lease).await;
        }
        let free = (0..PARTITIONS).filter(|partition| !seats.held.contains(partition));
        for partition in free {
            let (enough, closed) = {
                let state = lock(&self.state);
                (state.owned.values().filter(|owned| !owned.leaving).count() >= share, state.closed)
            };
            if closed || enough {
                break;
            }
            if let Some(lease) = self.leases.acquire(partition).await? {
                self.take_over(partition, lease).await?;
            }
        }
        Ok(())
    }

    /// Begins with the oldest event of the partition that is not settled.
    async fn take_over(self: &Arc<Self>, partition: u32, lease: Lease) -> Result<(), SpoolError> {
        let failed = |error: &dyn std::fmt::Display| server("a partition cannot be read", error);
        let stream = self.context.get_stream(&self.options.stream).await.map_err(|error| failed(&error))?;
        let doubtful = stream.cached_info().state.last_sequence;
        let name = format!("partition-{partition:02}");
        // The earlier holder's consumer goes, and with it what was handed out by it: everything that is left is handed out
        // again from the beginning. There is none the first time.
        let _ = stream.delete_consumer(&name).await;
        let config = pull::Config {
            durable_name: Some(name),
            filter_subject: subject(&self.options.stream, partition),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: -1,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(|error| failed(&error))?;
        let mut messages =
            consumer.stream().max_messages_per_batch(AHEAD).messages().await.map_err(|error| failed(&error))?;
        let coming = self.coming.clone();
        let mut state = lock(&self.state);
        state.epochs += 1;
        let epoch = state.epochs;
        let task = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                match message {
                    Ok(message) => {
                        if coming.send((partition, epoch, message)).await.is_err() {
                            return;
                        }
                    }
                    // A server that is away: the stream goes on when it is back.
                    Err(error) => {
                        tracing::debug!("partition {partition}: {error}");
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
            }
        });
        state.owned.insert(partition, Owned { lease, epoch, doubtful, leaving: false, task });
        Ok(())
    }

    /// Lets go of partitions whose lease has ended without an answer of the server.
    fn forget_ended(&self) {
        let mut state = lock(&self.state);
        let now = Instant::now();
        let ended: Vec<u32> =
            state.owned.iter().filter(|(_, owned)| owned.lease.until <= now).map(|(number, _)| *number).collect();
        for partition in ended {
            state.lose(partition);
        }
    }

    pub(super) async fn take(&self, max: usize, max_wait: Duration) -> Result<Vec<Stored>, SpoolError> {
        let until = Instant::now() + max_wait;
        let mut taken = Vec::new();
        let mut come = self.come.lock().await;
        loop {
            let given_back = self.given_back.notified();
            {
                let mut state = lock(&self.state);
                if state.closed {
                    return Err(SpoolError::Closed);
                }
                state.again(max, &mut taken);
                while taken.len() < max
                    && let Ok(message) = come.try_recv()
                {
                    taken.extend(state.hand_out(message));
                }
            }
            if !taken.is_empty() || max == 0 {
                return Ok(taken);
            }
            // Nothing is awaited once an event is handed out, so a caller that gives up loses none.
            tokio::select! {
                message = come.recv() => {
                    if let Some(message) = message {
                        taken.extend(lock(&self.state).hand_out(message));
                    }
                }
                () = given_back => {}
                () = tokio::time::sleep_until(until) => return Ok(taken),
            }
        }
    }

    pub(super) async fn settle(&self, seqs: Vec<u64>) -> Result<(), SpoolError> {
        let held: Vec<(u64, Message)> = {
            let state = lock(&self.state);
            if state.closed {
                return Err(SpoolError::Closed);
            }
            let find = |seq: &u64| state.handed_out.get(seq).or_else(|| state.given_back.get(seq));
            seqs.iter().filter_map(|seq| find(seq).map(|held| (*seq, held.message.clone()))).collect()
        };
        let acks = held.iter().map(async |(seq, message)| (*seq, message.double_ack_with(AckKind::Ack).await));
        let mut failed = None;
        for (seq, acked) in join_all(acks).await {
            match acked {
                Ok(()) => {
                    let mut state = lock(&self.state);
                    state.handed_out.remove(&seq);
                    state.given_back.remove(&seq);
                }
                Err(error) => failed = failed.or(Some(server("an event cannot be settled", error))),
            }
        }
        let lost = lock(&self.state).forget_lost(&seqs);
        match failed {
            Some(error) => Err(error),
            None if lost > 0 => Err(SpoolError::TakenOver { events: lost }),
            None => Ok(()),
        }
    }

    pub(super) fn release(&self, seqs: &[u64]) {
        let mut state = lock(&self.state);
        for seq in seqs {
            if let Some(mut held) = state.handed_out.remove(seq) {
                held.event.deliveries = held.event.deliveries.saturating_add(1).max(2);
                state.given_back.insert(*seq, held);
            }
        }
        drop(state);
        self.given_back.notify_waiters();
    }

    pub(super) async fn close(&self) -> Result<(), SpoolError> {
        let tending = lock(&self.tending).take();
        if let Some(tending) = tending {
            tending.abort();
            let _ = tending.await;
        }
        let owned: Vec<(u32, Lease)> = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.handed_out.clear();
            state.given_back.clear();
            state.owned.drain().map(|(partition, owned)| (partition, owned.lease)).collect()
        };
        for (partition, lease) in owned {
            self.leases.let_go(partition, lease).await;
        }
        self.leases.leave().await;
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(tending) = lock(&self.tending).take() {
            tending.abort();
        }
    }
}

impl State {
    /// The partition is another worker's: what is handed out of it is not ours to settle any more.
    fn lose(&mut self, partition: u32) {
        self.owned.remove(&partition);
        self.given_back.retain(|_, held| held.partition != partition);
    }

    /// Hands out what was given back.
    fn again(&mut self, max: usize, taken: &mut Vec<Stored>) {
        while taken.len() < max
            && let Some((seq, held)) = self.given_back.pop_first()
        {
            taken.push(held.event.clone());
            self.handed_out.insert(seq, held);
        }
    }

    /// Hands out a message that has come, if its partition is still ours.
    fn hand_out(&mut self, (partition, epoch, message): Come) -> Option<Stored> {
        let owned = self.owned.get(&partition)?;
        if owned.epoch != epoch || owned.leaving {
            return None;
        }
        if owned.lease.until <= Instant::now() {
            // Whoever takes it over next, this worker perhaps, begins at the oldest event again.
            self.lose(partition);
            return None;
        }
        let seq = message.info().ok()?.stream_sequence;
        let doubtful = seq <= owned.doubtful;
        let Some(event) = envelope::unpack(&message.payload, seq, if doubtful { 2 } else { 1 }) else {
            tracing::error!("message {seq} of the stream is none of hubward's; it stays there");
            return None;
        };
        if self.handed_out.contains_key(&seq) || self.given_back.contains_key(&seq) {
            return None;
        }
        self.handed_out.insert(seq, Held { partition, message, event: event.clone() });
        Some(event)
    }

    /// Makes partitions above the share leave, and gives those of which nothing is handed out any more.
    fn too_many(&mut self, share: usize) -> Vec<(u32, Lease)> {
        let staying = self.owned.values().filter(|owned| !owned.leaving).count();
        for owned in self.owned.values_mut().filter(|owned| !owned.leaving).take(staying.saturating_sub(share)) {
            owned.leaving = true;
            owned.task.abort();
        }
        let leaving: Vec<u32> =
            self.owned.iter().filter(|(_, owned)| owned.leaving).map(|(number, _)| *number).collect();
        let mut gone = Vec::new();
        for partition in leaving {
            self.given_back.retain(|_, held| held.partition != partition);
            if self.handed_out.values().any(|held| held.partition == partition) {
                continue;
            }
            if let Some(owned) = self.owned.remove(&partition) {
                gone.push((partition, owned.lease));
            }
        }
        gone
    }

    /// Forgets those of the events whose partition is another worker's, and counts them.
    fn forget_lost(&mut self, seqs: &[u64]) -> u64 {
        let before = self.handed_out.len();
        let owned = &self.owned;
        let lost = |held: &Held| !owned.contains_key(&held.partition);
        for seq in seqs {
            if self.handed_out.get(seq).is_some_and(lost) {
                self.handed_out.remove(seq);
            }
        }
        (before - self.handed_out.len()) as u64
    }
}
