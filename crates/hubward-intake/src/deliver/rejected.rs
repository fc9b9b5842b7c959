//! Events that a mapping could not carry out: kept with their reason before they leave the spool.

use hubward_core::Outcome;
use hubward_store::{Issue, RejectedEvent, StateDb, StoreError, Stored};
use jiff::Timestamp;

use super::window::Delivered;

/// Where refused events are kept.
#[derive(Clone, Debug)]
pub struct Rejections {
    db: StateDb,
    /// The id of this delivery among the runs.
    run: String,
}

impl Rejections {
    #[must_use]
    pub fn new(db: StateDb, run: &str) -> Self {
        Self { db, run: run.to_owned() }
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &StateDb {
        &self.db
    }

    /// Keeps what was refused of these events, durably, and forgets what an earlier delivery had refused and this one has
    /// carried out.
    ///
    /// # Errors
    /// The database cannot be written; nothing counts as kept then.
    pub async fn keep(&self, at: Timestamp, events: Vec<(Stored, Vec<Delivered>)>) -> Result<(), StoreError> {
        let mut bad = Vec::new();
        let mut well = Vec::new();
        for (stored, delivered) in events {
            for one in delivered {
                match one.outcome {
                    Outcome::Invalid | Outcome::Rejected => bad.push(RejectedEvent {
                        mapping: one.mapping.to_string(),
                        issue: Issue {
                            key: stored.message_id.clone(),
                            outcome: one.outcome,
                            reason: one.reason.unwrap_or_default(),
                            attempts: stored.deliveries,
                        },
                        source: stored.source.clone(),
                        order_key: stored.order_key.clone(),
                        received_at_ms: stored.received_at_ms,
                        payload: stored.payload.clone(),
                    }),
                    Outcome::Applied | Outcome::Unchanged | Outcome::Skipped if stored.deliveries > 1 => {
                        well.push((one.mapping.to_string(), stored.message_id.clone()));
                    }
                    _ => {}
                }
            }
        }
        if bad.is_empty() && well.is_empty() {
            return Ok(());
        }
        let (db, run) = (self.db.clone(), self.run.clone());
        let kept = tokio::task::spawn_blocking(move || {
            db.record_rejected_events(&run, at, &bad)?;
            if !well.is_empty() {
                db.clear_rejected_events(&well)?;
            }
            Ok(())
        });
        match kept.await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
