//! Receiving events: Segment's tracking API over HTTP, and what makes a call of it an event of the spool.
//!
//! A call is answered with 200 only when it is durable. Everything that may differ between machines is passed in: the spool,
//! the clock, where new message ids come from, and who keeps what was refused.

mod answer;
mod body;
mod call;
mod http;
mod keys;
mod server;
mod times;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hubward_core::{Reason, WallClock};
use hubward_store::{NewEvent, Spool, SpoolError};
use jiff::Timestamp;
use tokio::sync::Semaphore;

pub use answer::Refusal;
pub use call::{Batch, Call, CallType};
pub use keys::WriteKeys;

/// Largest call, in bytes of JSON as it was sent (alone or within a batch).
pub const CALL_MAX_BYTES: usize = 32 * 1024;
/// Largest batch, in bytes of JSON as it was sent.
pub const BATCH_MAX_BYTES: usize = 500 * 1024;
/// Memory for bodies from their first byte to their answer, in KiB; who comes beyond it waits.
const BODIES_KIB: usize = 48 * 1024;

/// A call of a batch that was refused while others were accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCall {
    /// Name of the write key.
    pub source: String,
    /// The call's own id, else one that was made for it.
    pub message_id: String,
    /// Place in the batch, from 0.
    pub index: usize,
    pub reason: Reason,
}

/// Keeps refused calls, so that a batch that is answered with 200 drops nothing in silence.
pub trait KeepRefused: Send + Sync {
    /// Keeps them, durably when it returns. Blocks.
    ///
    /// # Errors
    /// Why they cannot be kept; then the whole batch is answered with 503.
    fn keep(&self, at: Timestamp, calls: &[RefusedCall]) -> Result<(), String>;
}

/// What an intake needs.
pub struct IntakeParts {
    pub keys: WriteKeys,
    pub spool: Arc<dyn Spool>,
    pub clock: Arc<dyn WallClock>,
    /// Makes the message id of a call that has none: different each time.
    pub new_id: Arc<dyn Fn() -> String + Send + Sync>,
    pub refused: Arc<dyn KeepRefused>,
}

/// The event door's front: clones share it.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<Inner>,
}

struct Inner {
    parts: IntakeParts,
    bodies: Semaphore,
    /// The spool took no events the last time.
    refusing: AtomicBool,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("keys", &self.inner.parts.keys).finish_non_exhaustive()
    }
}

impl Intake {
    #[must_use]
    pub fn new(parts: IntakeParts) -> Self {
        let bodies = Semaphore::new(BODIES_KIB);
        Self { inner: Arc::new(Inner { parts, bodies, refusing: AtomicBool::new(false) }) }
    }

    fn spool(&self) -> &dyn Spool {
        &*self.inner.parts.spool
    }

    /// Whether the spool takes events, as far as the last call tells.
    fn is_refusing(&self) -> bool {
        self.inner.refusing.load(Ordering::Relaxed)
    }

    /// Takes one call in.
    async fn accept_call(&self, source: &str, call: Call) -> Result<Accepted, Refusal> {
        let at = self.inner.parts.clock.now();
        let event = call.into_event(source, at, &*self.inner.parts.new_id)?;
        let warnings = event.warning.into_iter().map(|text| (0, event.event.message_id.clone(), text)).collect();
        self.append(vec![event.event]).await?;
        Ok(Accepted { warnings, refused: Vec::new() })
    }

    /// Takes a batch in: its good calls, when its bad ones are kept.
    async fn accept_batch(&self, source: &str, batch: Batch) -> Result<Accepted, Refusal> {
        let at = self.inner.parts.clock.now();
        let mut accepted = Accepted { warnings: Vec::new(), refused: Vec::new() };
        let mut events = Vec::with_capacity(batch.calls.len());
        for (index, call) in batch.calls.into_iter().enumerate() {
            match call {
                Ok(call) => match call.into_event(source, at, &*self.inner.parts.new_id) {
                    Ok(event) => {
                        let id = &event.event.message_id;
                        accepted.warnings.extend(event.warning.map(|text| (index, id.clone(), text)));
                        events.push(event.event);
                    }
                    Err(refusal) => accepted.refused.push(self.refused(source, index, refusal)),
                },
                Err(refusal) => accepted.refused.push(self.refused(source, index, refusal)),
            }
        }
        if events.is_empty() && !accepted.refused.is_empty() {
            return Err(Refusal::whole_batch(&accepted.refused));
        }
        if !accepted.refused.is_empty() {
            let keeper = Arc::clone(&self.inner.parts.refused);
            let calls = accepted.refused.clone();
            let kept = tokio::task::spawn_blocking(move || keeper.keep(at, &calls)).await;
            kept.unwrap_or_else(|_| Err("the thread that keeps them has ended".to_owned()))
                .map_err(|why| Refusal::unavailable(format!("refused calls cannot be kept: {why}")))?;
        }
        self.append(events).await?;
        Ok(accepted)
    }

    fn refused(&self, source: &str, index: usize, refusal: Refusal) -> RefusedCall {
        let message_id = refusal.message_id.unwrap_or_else(|| (self.inner.parts.new_id)());
        let reason = Reason { value: refusal.value, ..Reason::new(refusal.category, refusal.message) };
        RefusedCall { source: source.to_owned(), message_id, index, reason }
    }

    async fn append(&self, events: Vec<NewEvent>) -> Result<(), Refusal> {
        if events.is_empty() {
            return Ok(());
        }
        let appended = self.spool().append(events).await;
        let refusing = matches!(appended, Err(SpoolError::Full { .. } | SpoolError::DiskFull));
        self.inner.refusing.store(refusing, Ordering::Relaxed);
        appended.map(|_| ()).map_err(|error| Refusal::from_spool(&error))
    }
}

/// What an answer with 200 tells.
#[derive(Debug)]
struct Accepted {
    /// Place in the batch, message id, and what was changed about the call.
    warnings: Vec<(usize, String, String)>,
    refused: Vec<RefusedCall>,
}
