//! Sendings of earlier runs without an outcome whose rows the model no longer has: it may be a window that has moved on.
//!
//! What HubSpot has of them is confirmed, so that a row that comes back is not sent twice. What it does not have once that is
//! settled is not ours to send any more: its intent is cleared, and a row that comes back is sent like a new one, with the
//! same uuid. Where HubSpot does not show occurrences, the intents stand.

use std::sync::Arc;
use std::time::Duration;

use hubward_core::event::EventIds;
use hubward_hubspot::{CallMeta, requests};
use hubward_store::{Change, Intent};

use crate::corridor::Stopped;
use crate::event::corridor::Flow;
use crate::event::row::confirmed;

/// No row has this fingerprint but by chance: a row that comes back is looked at.
const NO_FINGERPRINT: u64 = 0;

impl Flow<'_> {
    /// Finds out about these intents' events. Waits as long as HubSpot may still be at one that it does not show.
    pub(crate) async fn settle_left(&mut self, intents: Vec<Intent>, ids: EventIds, settles_at_ms: i64) {
        let began_ms = self.sender.now_ms();
        let missing = self.look_for_left(intents, &ids, began_ms >= settles_at_ms).await;
        if !missing.is_empty() {
            let wait = Duration::from_millis(settles_at_ms.saturating_sub(self.sender.now_ms()).max(0).unsigned_abs());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.sender.cancel.wait() => {}
            }
            self.look_for_left(missing, &ids, true).await;
        }
        self.engine.keep_month(&mut self.month, true).await;
    }

    /// Looks once, and gives back what HubSpot does not show and may still come; none with `settled`.
    async fn look_for_left(&mut self, intents: Vec<Intent>, ids: &EventIds, settled: bool) -> Vec<Intent> {
        let mut missing = Vec::new();
        for intents in intents.chunks(requests::OCCURRENCES_MAX) {
            if self.stopped.is_some() || self.sender.cancel.is_set() || self.sender.is_unreadable() {
                return Vec::new();
            }
            let uuids: Vec<String> = intents.iter().map(|intent| ids.of(&intent.key_text)).collect();
            let keys = intents.iter().map(|intent| &intent.key_text).collect();
            let meta = CallMeta { sync: Some(Arc::clone(&self.sender.sync)), rows: keys };
            let found = match self.sender.found(&uuids, &meta).await {
                Ok(Some(found)) => found,
                // They stay open, and the next run asks again.
                Ok(None) => return Vec::new(),
                Err(error) => {
                    tracing::warn!(%error, "events of rows that left the model could not be looked for");
                    return Vec::new();
                }
            };
            let mut changes = Vec::new();
            for (intent, uuid) in intents.iter().zip(&uuids) {
                if found.contains(uuid) {
                    changes.push(confirmed(intent.key, NO_FINGERPRINT, intent.key_text.clone()));
                } else if settled {
                    changes.push(Change::IntentCleared { key: intent.key });
                } else {
                    missing.push(intent.clone());
                }
            }
            match self.sender.memory.record(changes).await {
                Ok(()) => {
                    self.month.claim(found.len() as u64);
                    self.engine.accepted(&mut self.month, found.len() as u64).await;
                }
                Err(error) => {
                    self.stopped.get_or_insert(Stopped::Failed(error));
                }
            }
        }
        missing
    }
}
