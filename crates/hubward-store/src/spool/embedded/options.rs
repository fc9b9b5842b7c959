//! How an embedded spool behaves, and the hook by which tests stop it at a chosen step.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Called at each [`SpoolStep`]; an error is treated like one of the disk at that place.
pub type SpoolHook = Arc<dyn Fn(SpoolStep) -> io::Result<()> + Send + Sync>;

/// A moment between two writes, where a kill must do no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpoolStep {
    /// A group of events is about to be written.
    GroupBegun,
    /// It is written but not synced.
    GroupWritten,
    /// It is durable but not acknowledged.
    GroupSynced,
    /// The index of a complete segment is durable, the next segment is not there.
    IndexWritten,
    /// The next segment is there, empty.
    SegmentCreated,
    /// What is settled is written but not synced.
    SettleWritten,
    /// What is settled is durable; segments that nobody needs are about to be deleted.
    SettleSynced,
}

/// How an embedded spool behaves.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// Where the files lie; made if it is missing.
    pub folder: PathBuf,
    /// Bytes of events on the disk above which nothing is accepted.
    pub max_bytes: u64,
    /// Size of a segment, in bytes, above which the next is begun. A segment is deleted when all its events are settled.
    pub segment_bytes: u64,
    /// How long duplicates are recognised, in milliseconds; kept to the hour, never shorter.
    pub window_ms: i64,
    /// Events of the window that are remembered, at about twenty bytes of memory each; beyond that the oldest are forgotten
    /// early.
    pub max_seen: usize,
    /// For tests: called at each step.
    pub on_step: Option<SpoolHook>,
}

impl EmbeddedOptions {
    /// `max_bytes` when nothing else is said: 10 GiB.
    pub const DEFAULT_MAX_BYTES: u64 = 10 << 30;
    /// `window_ms` when nothing else is said: a day.
    pub const DEFAULT_WINDOW_MS: i64 = 24 * 3_600_000;
    /// The largest segment, in bytes.
    const SEGMENT_BYTES: u64 = 64 << 20;

    #[must_use]
    pub fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self {
            folder,
            max_bytes,
            // Of a spool that holds nothing any more one segment may be left; it must not take up the whole room.
            segment_bytes: (max_bytes / 8).clamp(4 << 10, Self::SEGMENT_BYTES),
            window_ms: Self::DEFAULT_WINDOW_MS,
            max_seen: 16 << 20,
            on_step: None,
        }
    }

    pub(super) fn step(&self, step: SpoolStep) -> io::Result<()> {
        self.on_step.as_ref().map_or(Ok(()), |hook| hook(step))
    }
}

impl fmt::Debug for EmbeddedOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedOptions")
            .field("folder", &self.folder)
            .field("max_bytes", &self.max_bytes)
            .field("segment_bytes", &self.segment_bytes)
            .field("window_ms", &self.window_ms)
            .field("max_seen", &self.max_seen)
            .finish_non_exhaustive()
    }
}
