//! When the ledger is compacted, and the hook by which tests stop it at a chosen step.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Called at each [`Step`]; an error is treated like one of the disk at that place.
pub type StepHook = Arc<dyn Fn(Step) -> io::Result<()> + Send + Sync>;

/// A moment between two writes, where a kill must do no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// A frame of the log is written but not synced.
    FrameWritten,
    /// The new meta lies beside the manifest.
    MetaPrepared,
    /// The manifest with the new meta is in place, the folder is not synced.
    MetaPublished,
    /// The payloads of the new generation are durable.
    HeapWritten,
    /// The base of the new generation is durable.
    BaseWritten,
    /// The log of the new generation is durable.
    LogWritten,
    /// The manifest of the new generation lies beside the valid one.
    ManifestPrepared,
    /// The new generation is valid, the folder is not synced.
    ManifestPublished,
    /// The old generation is about to be deleted.
    OldDoomed,
}

/// How a ledger behaves; [`Default`] is right outside tests.
#[derive(Clone)]
pub struct LedgerOptions {
    /// A compaction is due when the log holds more keys than this, whatever the base's size. Bounds memory at about 90 bytes
    /// for each.
    pub max_log_entries: u64,
    /// No compaction is due for the sake of the base's size before the log holds this many keys.
    pub min_log_entries: u64,
    /// A compaction is due when the log holds more keys than this part of the base's rows, in percent.
    pub max_log_percent: u64,
    /// A compaction is due when the log is longer than this, in bytes. Bounds the time of opening.
    pub max_log_bytes: u64,
    /// Dead bytes of the payload file below which it is not written anew.
    pub max_dead_payload_bytes: u64,
    /// For tests: called at each step.
    pub on_step: Option<StepHook>,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self {
            max_log_entries: 1_000_000,
            min_log_entries: 50_000,
            max_log_percent: 10,
            max_log_bytes: 128 << 20,
            max_dead_payload_bytes: 16 << 20,
            on_step: None,
        }
    }
}

impl LedgerOptions {
    pub(super) fn step(&self, step: Step) -> io::Result<()> {
        match &self.on_step {
            Some(hook) => hook(step),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for LedgerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerOptions")
            .field("max_log_entries", &self.max_log_entries)
            .field("min_log_entries", &self.min_log_entries)
            .field("max_log_percent", &self.max_log_percent)
            .field("max_log_bytes", &self.max_log_bytes)
            .field("max_dead_payload_bytes", &self.max_dead_payload_bytes)
            .finish_non_exhaustive()
    }
}
