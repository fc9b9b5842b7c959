//! Who holds which partition: entries that vanish when their holder does not renew them.

use std::collections::BTreeSet;
use std::time::Duration;

use async_nats::jetstream::kv::{CreateErrorKind, Operation, Store, UpdateErrorKind};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::server;
use crate::spool::SpoolError;

/// A partition that this worker holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    pub(super) revision: u64,
    /// Until then nobody else can have taken it, counted from before it was renewed.
    pub(super) until: Instant,
}

/// Who is there and what is held, by whoever.
#[derive(Debug, Default)]
pub(super) struct Seats {
    pub(super) workers: usize,
    pub(super) held: BTreeSet<u32>,
}

/// The bucket with the leases.
#[derive(Clone, Debug)]
pub(super) struct Leases {
    store: Store,
    me: String,
    time: Duration,
}

impl Leases {
    pub(super) fn new(store: Store, me: String, time: Duration) -> Self {
        Self { store, me, time }
    }

    /// Says that this worker lives.
    pub(super) async fn show_up(&self) -> Result<(), SpoolError> {
        let put = self.store.put(format!("worker.{}", self.me), Bytes::new()).await;
        put.map(|_| ()).map_err(|error| server("the list of workers cannot be written", error))
    }

    pub(super) async fn seats(&self) -> Result<Seats, SpoolError> {
        let failed = |error: &dyn std::fmt::Display| server("the list of workers cannot be read", error);
        let mut seats = Seats::default();
        let mut keys = self.store.keys().await.map_err(|error| failed(&error))?;
        while let Some(key) = keys.next().await {
            let key = key.map_err(|error| failed(&error))?;
            if key.starts_with("worker.") {
                seats.workers += 1;
            } else if let Some(partition) = key.strip_prefix("partition.").and_then(|number| number.parse().ok()) {
                seats.held.insert(partition);
            }
        }
        Ok(seats)
    }

    /// Takes a partition that nobody holds; none if somebody was quicker.
    pub(super) async fn acquire(&self, partition: u32) -> Result<Option<Lease>, SpoolError> {
        let until = Instant::now() + self.time;
        match self.store.create(key(partition), self.me.clone().into()).await {
            Ok(revision) => Ok(Some(Lease { revision, until })),
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(server("a partition cannot be taken", error)),
        }
    }

    /// Holds it longer; none if it is somebody else's by now.
    pub(super) async fn renew(&self, partition: u32, lease: Lease) -> Result<Option<Lease>, SpoolError> {
        let until = Instant::now() + self.time;
        match self.store.update(key(partition), self.me.clone().into(), lease.revision).await {
            Ok(revision) => Ok(Some(Lease { revision, until })),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => self.look_again(partition, until).await,
            Err(error) => Err(server("a partition cannot be held", error)),
        }
    }

    /// A renewal whose answer was lost has changed the revision, and the partition is still ours.
    async fn look_again(&self, partition: u32, until: Instant) -> Result<Option<Lease>, SpoolError> {
        let entry =
            self.store.entry(key(partition)).await.map_err(|error| server("a partition cannot be held", error))?;
        let ours = entry.filter(|entry| entry.operation == Operation::Put && entry.value == self.me.as_bytes());
        let Some(entry) = ours else {
            return Ok(None);
        };
        match self.store.update(key(partition), self.me.clone().into(), entry.revision).await {
            Ok(revision) => Ok(Some(Lease { revision, until })),
            Err(_) => Ok(None),
        }
    }

    /// Lets go of it, so that others need not wait.
    pub(super) async fn let_go(&self, partition: u32, lease: Lease) {
        // Where that fails, the lease ends by itself.
        let _ = self.store.delete_expect_revision(key(partition), Some(lease.revision)).await;
    }

    pub(super) async fn leave(&self) {
        let _ = self.store.delete(format!("worker.{}", self.me)).await;
    }
}

fn key(partition: u32) -> String {
    format!("partition.{partition:02}")
}
