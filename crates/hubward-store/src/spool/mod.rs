//! The spool: events that were accepted and are not yet delivered.
//!
//! What [`Spool::append`] has acknowledged is durable and is handed out, in the order of acceptance, until it is settled.
//! Two implementations stand behind the trait: a folder of append-only files, and a stream of NATS JetStream that several
//! intakes and workers share.
//!
//! Nothing here reads the clock: the age of events and the window of duplicates are measured by the times that events carry.
//! Waiting is done on tokio's timer.

mod embedded;
mod nats;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
pub use embedded::{EmbeddedOptions, EmbeddedSpool, Roles, SpoolHook, SpoolStep};
pub use nats::{NatsOptions, NatsSpool};

use crate::{Holder, StoreError};

/// An event on its way into the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The event's own id; with `source` it tells duplicates.
    pub message_id: String,
    /// Name of the write key that it came by, never the key.
    pub source: String,
    /// Events of one order key are handed out in the order of acceptance: the user's id, else the anonymous id.
    pub order_key: String,
    /// When it was received, milliseconds since 1970.
    pub received_at_ms: i64,
    /// The normalised Segment call as JSON.
    pub payload: Bytes,
}

/// An event that was handed out by [`Spool::take`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number in the spool: unique, growing in the order of acceptance.
    pub seq: u64,
    pub message_id: String,
    pub source: String,
    pub order_key: String,
    /// Milliseconds since 1970.
    pub received_at_ms: i64,
    pub payload: Bytes,
    /// 1: it was certainly never handed out before, by any process. 2 or more: it was released, or it may have been handed
    /// out by a process that ended before it settled, so what it asks for may have been done already.
    pub deliveries: u32,
}

/// What became of the events of one [`Spool::append`]. Both kinds are durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    pub accepted: u64,
    /// Events whose (source, message id) was accepted before, within the window. They are not stored again.
    pub duplicates: u64,
}

/// How full the spool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Events that are not settled.
    pub events: u64,
    /// What counts against `max_bytes`: the bytes that are kept for events on the disk.
    pub bytes: u64,
    /// When the oldest event that is not settled was received, milliseconds since 1970; none in an empty spool.
    pub oldest_received_at_ms: Option<i64>,
    pub max_bytes: u64,
}

/// Why the spool could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// More bytes than `max` would be kept. Nothing of this call counts as accepted; there is room again once events are
    /// delivered.
    #[error("the spool is full: {bytes} of {max_bytes} bytes are kept; it takes events again once some are delivered")]
    Full { bytes: u64, max_bytes: u64 },
    /// The disk is full. Nothing of this call counts as accepted; later calls try again.
    #[error(
        "the disk of the spool is full: nothing acknowledged is lost, and it takes events again once there is room"
    )]
    DiskFull,
    /// One event, or the events of one call, are larger than a spool takes.
    #[error("{what} is larger than the spool takes ({limit} bytes)")]
    TooLarge { what: &'static str, limit: u64 },
    /// The spool was opened without this role.
    #[error("the spool is not open for {0}")]
    Role(&'static str),
    /// Another process holds the role.
    #[error("the spool's {role} is in use by {}: stop it, or let it do the work", held_by(.holder.as_ref()))]
    Held { role: &'static str, holder: Option<Holder> },
    /// The events were handed to another worker meanwhile; they are not settled by this call.
    #[error("{events} events are no longer this worker's: another one has taken them over")]
    TakenOver { events: u64 },
    /// The server of the spool cannot be reached or refuses. Nothing of this call counts as done, and it may be repeated.
    #[error("the spool's server: {0}")]
    Server(String),
    /// The spool's thread has ended.
    #[error("the spool is closed")]
    Closed,
    #[error(transparent)]
    Store(StoreError),
}

fn held_by(holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) => format!("`{}` (process {}, since {})", holder.command, holder.pid, holder.started_at),
        None => "another process that has just started".to_owned(),
    }
}

impl From<StoreError> for SpoolError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull { .. } => Self::DiskFull,
            other => Self::Store(other),
        }
    }
}

/// What every call of a spool returns.
pub type SpoolFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, SpoolError>> + Send + 'a>>;

/// Accepted events, durable until they are settled. Every call may be made from many tasks at once, within a tokio runtime.
pub trait Spool: Send + Sync + std::fmt::Debug {
    /// Takes events in, in this order; durable when it returns. All or nothing counts: after an error none is acknowledged
    /// (some may be kept nevertheless, and a repetition is recognised by the message ids).
    ///
    /// # Errors
    /// [`SpoolError::Full`], [`SpoolError::DiskFull`], [`SpoolError::TooLarge`], and whatever keeps it from being durable.
    fn append(&self, events: Vec<NewEvent>) -> SpoolFuture<'_, Appended>;

    /// Hands out up to `max_events` events in the order of acceptance: at once what there is, else the first that come
    /// within `max_wait`; none after that time. What was handed out is not handed out again until it is released or the
    /// process ends. Dropping the future loses nothing.
    fn take(&self, max_events: usize, max_wait: Duration) -> SpoolFuture<'_, Vec<Stored>>;

    /// These events are done with: durable when it returns, and never handed out again. A number that is settled already, or
    /// was never handed out, changes nothing.
    fn settle(&self, seqs: Vec<u64>) -> SpoolFuture<'_, ()>;

    /// These events are to be handed out again, before any later ones.
    fn release(&self, seqs: Vec<u64>) -> SpoolFuture<'_, ()>;

    fn depth(&self) -> SpoolFuture<'_, Depth>;

    /// Remembers values by key, durably, for all workers; a key's later value replaces the earlier one.
    fn remember(&self, pairs: Vec<(String, String)>) -> SpoolFuture<'_, ()>;

    /// The remembered values of these keys, in their order.
    fn recall(&self, keys: Vec<String>) -> SpoolFuture<'_, Vec<Option<String>>>;

    /// Gives back what is handed out and lets go of everything that another worker could wait for. Calls after it fail.
    fn close(&self) -> SpoolFuture<'_, ()>;
}
