//! Sendings of earlier runs without an outcome whose rows the model no longer has: it may be a window that has moved on.
//!
//! What HubSpot has of them is confirmed, so that a row that comes back is not sent twice. What it does not have is not ours
//! to send any more: its intent is cleared, and a row that comes back is sent like a new one, with the same uuid.

use std::sync::Arc;

use hubward_core::event::EventIds;
use hubward_hubspot::{CallMeta, requests};
use hubward_store::{Change, Intent};

use crate::corridor::Stopped;
use crate::event::corridor::Flow;
use crate::event::row::confirmed;

/// No row has this fingerprint but by chance: a row that comes back is looked at.
const NO_FINGERPRINT: u64 = 0;

impl Flow<'_> {
    /// Looks for these intents' events, once: what HubSpot may still be at is left to the next run.
    pub(crate) async fn settle_left(&mut self, intents: Vec<Intent>, ids: EventIds, settles_at: impl Fn(u128) -> i64) {
        for intents in intents.chunks(requests::OCCURRENCES_MAX) {
            if self.stopped.is_some() || self.sender.cancel.is_set() {
                return;
            }
            let now_ms = self.sender.now_ms();
            let uuids: Vec<String> = intents.iter().map(|intent| ids.of(&intent.key_text)).collect();
            let keys = intents.iter().map(|intent| intent.key_text.clone()).collect();
            let meta = CallMeta { sync: Some(Arc::clone(&self.sender.sync)), rows: keys };
            let found = match self.sender.is_unreadable() {
                true => None,
                false => match self.sender.found(&uuids, &meta).await {
                    Ok(found) => found,
                    Err(error) => {
                        // They stay open, and the next run asks again.
                        tracing::warn!(%error, "events of rows that left the model could not be looked for");
                        return;
                    }
                },
            };
            let mut changes = Vec::new();
            for (intent, uuid) in intents.iter().zip(&uuids) {
                if found.as_ref().is_some_and(|found| found.contains(uuid)) {
                    changes.push(confirmed(intent.key, NO_FINGERPRINT, intent.key_text.clone()));
                } else if found.is_none() || now_ms >= settles_at(intent.key) {
                    changes.push(Change::IntentCleared { key: intent.key });
                }
            }
            if let Err(error) = self.sender.writer.record(changes).await {
                self.stopped.get_or_insert(Stopped::Failed(error));
            }
        }
    }
}
