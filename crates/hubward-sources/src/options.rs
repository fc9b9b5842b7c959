//! How to read: batch size, limit, cancelling, and where drivers may lie.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Raised by the caller, seen by every reader between batches and, where the source allows it, within a query.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Asks every reader that holds this flag to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where ADBC drivers are looked for, beside the operating system's own places. The binary fills it from its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriverSearch {
    /// The folders of `ADBC_DRIVER_PATH`, in order.
    pub driver_paths: Vec<PathBuf>,
    /// The user's home folder: `~/.config/adbc/drivers` holds what `dbc install` put there.
    pub home: Option<PathBuf>,
    /// The active Python environment (`VIRTUAL_ENV` or `CONDA_PREFIX`): a driver installed by pip lies in its
    /// `site-packages`.
    pub venv: Option<PathBuf>,
}

/// How to read a query.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Rows per batch at most. Batches are smaller where rows are large. ADBC drivers choose their own.
    pub batch_rows: usize,
    /// Stop after this many rows.
    pub limit: Option<u64>,
    pub cancel: CancelFlag,
    /// Where ADBC drivers may lie; the default leaves it to what [`crate::open_with`] was given.
    pub env: DriverSearch,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { batch_rows: 8192, limit: None, cancel: CancelFlag::default(), env: DriverSearch::default() }
    }
}
