//! Group commit: what several batches confirmed at about the same time becomes one durable frame of the ledger.

use std::sync::{Arc, Mutex, MutexGuard};

use hubward_store::{Change, Ledger};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::error::EngineError;

/// Batches that may wait for the writer before a sender waits too.
const QUEUE_BATCHES_MAX: usize = 64;

/// A ledger shared by the corridor's tasks.
pub(crate) type SharedLedger = Arc<Mutex<Ledger>>;

/// Locks the ledger. A panic while it was held leaves it in a state that its own log repairs on the next open, so a
/// poisoned lock is taken as it is.
pub(crate) fn lock(ledger: &SharedLedger) -> MutexGuard<'_, Ledger> {
    match ledger.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

struct Order {
    changes: Vec<Change>,
    done: oneshot::Sender<Result<(), EngineError>>,
}

/// A handle on the writer. The writer ends, and lets go of the ledger, once the handle is dropped.
pub(crate) struct LedgerWriter {
    orders: mpsc::Sender<Order>,
}

impl LedgerWriter {
    /// Starts the writer; the task ends after the last order has been answered.
    pub(crate) fn start(ledger: SharedLedger) -> (Self, JoinHandle<()>) {
        let (orders, queue) = mpsc::channel(QUEUE_BATCHES_MAX);
        let task = tokio::spawn(write_all(ledger, queue));
        (Self { orders }, task)
    }

    /// Returns when the changes are durable.
    pub(crate) async fn record(&self, changes: Vec<Change>) -> Result<(), EngineError> {
        if changes.is_empty() {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        if self.orders.send(Order { changes, done }).await.is_err() {
            return Err(EngineError::new("state", "the ledger writer has ended"));
        }
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(EngineError::new("state", "the ledger writer has ended")),
        }
    }
}

async fn write_all(ledger: SharedLedger, mut queue: mpsc::Receiver<Order>) {
    // A compaction that failed is not tried again at every frame; the end of the run tries once more, and tells.
    let mut compacts = true;
    while let Some(first) = queue.recv().await {
        let mut orders = vec![first];
        while let Ok(next) = queue.try_recv() {
            orders.push(next);
        }
        let ledger = Arc::clone(&ledger);
        // On a blocking thread: an fsync takes milliseconds, and Tokio's paused clock must not run ahead meanwhile.
        let finished = tokio::task::spawn_blocking(move || {
            let mut changes = Vec::new();
            let mut waiting = Vec::new();
            for order in orders {
                changes.extend(order.changes);
                waiting.push(order.done);
            }
            let mut ledger = lock(&ledger);
            let result = ledger.append(&changes).map_err(EngineError::from);
            if result.is_ok()
                && compacts
                && let Err(error) = ledger.compact_if_full()
            {
                // What was appended is durable all the same.
                tracing::warn!(%error, "the ledger could not be compacted");
                compacts = false;
            }
            (result, waiting, compacts)
        })
        .await;
        match finished {
            Ok((result, waiting, still)) => {
                compacts = still;
                for done in waiting {
                    // A sender that no longer waits was cancelled; what it wanted is durable all the same.
                    let _ = done.send(result.clone());
                }
            }
            Err(panic) => {
                tracing::error!(%panic, "ledger.append panicked");
                return;
            }
        }
    }
}
