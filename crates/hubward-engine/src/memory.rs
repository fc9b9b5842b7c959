//! What the corridor remembers of the rows that pass through it, and where.
//!
//! A sync has a ledger of all its rows. A door that is handed its rows in calls remembers at most what would otherwise be
//! done twice: creates that were about to be sent, and what became of them until the caller lets them go.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use hubward_store::{Change, Ledger, LedgerOptions};
use tokio::task::JoinHandle;

use crate::error::EngineError;
use crate::ledger_writer::{LedgerWriter, SharedLedger};

/// Where the corridor's changes go.
pub(crate) enum Memory {
    /// Every row: a sync's ledger.
    Whole {
        ledger: SharedLedger,
        writer: LedgerWriter,
    },
    /// What cannot be repeated.
    Creates(Arc<Creates>),
    Nothing,
}

impl Memory {
    /// Returns when the changes are durable, as far as they are kept at all.
    pub(crate) async fn record(&self, changes: Vec<Change>) -> Result<(), EngineError> {
        match self {
            Self::Whole { writer, .. } => writer.record(changes).await,
            Self::Creates(creates) => creates.record(changes).await,
            Self::Nothing => Ok(()),
        }
    }

    /// The ledger that says which rows hold which records, where there is one.
    pub(crate) fn ledger(&self) -> Option<&SharedLedger> {
        match self {
            Self::Whole { ledger, .. } => Some(ledger),
            Self::Creates(_) | Self::Nothing => None,
        }
    }
}

/// What is known of something that must not be done twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remembered {
    /// It may have been sent since this time, in milliseconds since the epoch, with this match value.
    Intended { since_ms: i64, match_value: Option<String> },
    /// HubSpot confirmed it; 0 for what has no record id.
    Made { record_id: u64 },
}

/// Creates and sendings that were intended or confirmed and not let go, in a folder of their own.
pub(crate) struct Creates {
    writer: LedgerWriter,
    known: Mutex<HashMap<u128, Remembered>>,
}

impl Creates {
    /// Reads what an earlier process left. The handle ends when the folder is free again. Blocking.
    pub(crate) fn open(dir: &Path) -> Result<(Arc<Self>, JoinHandle<()>), EngineError> {
        let mut ledger = Ledger::open(dir, LedgerOptions::default())?;
        let mut known = HashMap::new();
        for entry in ledger.iter() {
            let entry = entry?;
            known.insert(entry.key, Remembered::Made { record_id: entry.record_id });
        }
        for intent in ledger.intents()? {
            let intended = Remembered::Intended { since_ms: intent.at_ms, match_value: intent.match_value };
            known.insert(intent.key, intended);
        }
        ledger.compact_if_due()?;
        let (writer, writing) = LedgerWriter::start(Arc::new(Mutex::new(ledger)));
        Ok((Arc::new(Self { writer, known: Mutex::new(known) }), writing))
    }

    pub(crate) fn get(&self, key: u128) -> Option<Remembered> {
        self.known().get(&key).cloned()
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.known().len()
    }

    /// Records what is to be kept. Of rows that were never intended there is nothing to keep.
    async fn record(&self, changes: Vec<Change>) -> Result<(), EngineError> {
        let mut kept = Vec::new();
        {
            let mut known = self.known();
            for change in changes {
                match &change {
                    Change::Intent(intent) => {
                        let since_ms = intent.at_ms;
                        let intended = Remembered::Intended { since_ms, match_value: intent.match_value.clone() };
                        known.insert(intent.key, intended);
                        kept.push(change);
                    }
                    Change::Confirmed(entry) => {
                        if let Some(remembered) = known.get_mut(&entry.key) {
                            *remembered = Remembered::Made { record_id: entry.record_id };
                            kept.push(change);
                        }
                    }
                    Change::IntentCleared { key } => {
                        // What was made stays made, whatever is cleared afterwards.
                        if matches!(known.get(key), Some(Remembered::Intended { .. })) {
                            known.remove(key);
                            kept.push(change);
                        }
                    }
                    Change::Intents(_) | Change::ConfirmedGroup { .. } => {
                        return Err(EngineError::new(
                            "internal",
                            "rows handed over in calls are remembered one by one",
                        ));
                    }
                    Change::Refingerprint { .. } | Change::Associated { .. } | Change::Removed { .. } => {}
                }
            }
        }
        self.writer.record(kept).await
    }

    /// Lets go of these, whatever became of them.
    pub(crate) async fn forget(&self, keys: impl Iterator<Item = u128>) -> Result<(), EngineError> {
        let mut changes = Vec::new();
        {
            let mut known = self.known();
            for key in keys {
                match known.remove(&key) {
                    Some(Remembered::Intended { .. }) => changes.push(Change::IntentCleared { key }),
                    Some(Remembered::Made { .. }) => changes.push(Change::Removed { key }),
                    None => {}
                }
            }
        }
        self.writer.record(changes).await
    }

    fn known(&self) -> MutexGuard<'_, HashMap<u128, Remembered>> {
        match self.known.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

#[cfg(test)]
mod tests {
    use hubward_store::{Entry, Intent, Payload};

    use super::*;

    fn intent(key: u128) -> Change {
        Change::Intent(Intent { key, key_text: key.to_string(), match_value: None, at_ms: 7, note: 0 })
    }

    fn confirmed(key: u128, record_id: u64) -> Change {
        let payload = Payload { key_text: key.to_string(), match_value: None, written: Vec::new() };
        Change::Confirmed(Entry { key, fingerprint: 0, mapped: 0, match_hash: 0, record_id, associated: 0, payload })
    }

    #[tokio::test]
    async fn what_was_intended_or_made_is_known_to_the_next_process_until_it_is_let_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let (creates, writing) = Creates::open(folder.path()).expect("opened");
        creates.record(vec![intent(1), intent(2), intent(3), confirmed(9, 90)]).await.expect("recorded");
        creates.record(vec![confirmed(2, 20), Change::IntentCleared { key: 3 }]).await.expect("recorded");
        drop(creates);
        writing.await.expect("the writer ends");
        let (creates, writing) = Creates::open(folder.path()).expect("opened again");
        assert_eq!(creates.get(1), Some(Remembered::Intended { since_ms: 7, match_value: None }));
        assert_eq!(creates.get(2), Some(Remembered::Made { record_id: 20 }));
        assert_eq!((creates.get(3), creates.get(9)), (None, None));
        creates.forget([1, 2, 3].into_iter()).await.expect("forgotten");
        drop(creates);
        writing.await.expect("the writer ends");
        let (creates, _) = Creates::open(folder.path()).expect("opened a third time");
        assert_eq!(creates.len(), 0);
    }
}
