//! What the commands of the event door share: opening the spool, and the worker that delivers.

use std::path::Path;
use std::sync::Arc;

use hubward_core::WallClock as _;
use hubward_project::SpoolSpec;
use hubward_store::{EmbeddedOptions, EmbeddedSpool, Holder, Roles, Spool, SpoolError};

use crate::clock::SystemClock;
use crate::exit::Failure;
use crate::project_files::Opened;

/// Whether this version has a worker.
pub(crate) const DELIVERS: bool = false;

/// A worker within this process.
pub(crate) enum Worker {
    /// Nothing is delivered.
    None,
}

impl Worker {
    /// Lets what is under way come to its end.
    pub(crate) async fn stop(self) {
        match self {
            Self::None => {}
        }
    }
}

/// Begins to deliver the spool's events to the account. The one place where the delivery is plugged in: with it,
/// [`DELIVERS`] becomes true and [`Worker`] holds its task.
pub(crate) fn start_worker(_opened: &Opened, _spool: Arc<dyn Spool>) -> Worker {
    Worker::None
}

/// Opens the project's spool; `state` is the folder of its local state.
pub(crate) async fn open_spool(
    spec: &SpoolSpec,
    state: &Path,
    roles: Roles,
    command: &str,
) -> Result<Arc<dyn Spool>, Failure> {
    let holder = Holder { pid: std::process::id(), command: command.to_owned(), started_at: SystemClock.now() };
    match spec {
        SpoolSpec::Embedded { max_bytes } => {
            let options = EmbeddedOptions::new(state.join("spool"), *max_bytes);
            let opened = tokio::task::spawn_blocking(move || EmbeddedSpool::open(&options, roles, &holder)).await;
            let spool = opened.unwrap_or(Err(SpoolError::Closed)).map_err(|error| failure(&error))?;
            Ok(Arc::new(spool))
        }
        SpoolSpec::Nats { .. } => Err(Failure::new("spool", "this version has no spool of type nats")),
    }
}

pub(crate) fn failure(error: &SpoolError) -> Failure {
    let code = if matches!(error, SpoolError::Held { .. }) { "locked" } else { "spool" };
    Failure::new(code, error.to_string())
}
