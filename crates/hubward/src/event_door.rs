//! What the commands of the event door share: opening the spool, and the worker that delivers.

use std::path::Path;
use std::sync::Arc;

use hubward_core::WallClock as _;
use hubward_engine::Cancel;
use hubward_project::SpoolSpec;
use hubward_store::{EmbeddedOptions, EmbeddedSpool, Holder, NatsOptions, NatsSpool, Roles, Spool, SpoolError};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::clock::SystemClock;
use crate::courier::Courier;
use crate::exit::Failure;

/// A worker within this process; none where nothing is delivered.
pub(crate) struct Worker(Option<(Cancel, JoinHandle<()>)>);

impl Worker {
    pub(crate) const NONE: Self = Self(None);

    /// Asks it to stop, and waits for what is under way; what it could not settle is handed out again.
    pub(crate) async fn stopped(self) {
        if let Some((cancel, task)) = self.0 {
            cancel.set();
            let _ = task.await;
        }
    }
}

/// Begins to deliver the spool's events to the account, beside whatever else the process does.
pub(crate) fn start_worker(courier: Courier, spool: Arc<dyn Spool>) -> Worker {
    let cancel = Cancel::new();
    let asked = cancel.clone();
    let printer = courier.printer;
    let task = tokio::spawn(async move {
        if let Err(failure) = courier.deliver(spool, asked).await {
            printer.failure_for_people(&failure);
            printer.say("delivery has ended; events are accepted and wait in the spool");
        }
    });
    Worker(Some((cancel, task)))
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
        SpoolSpec::Nats { url, stream, max_bytes } => {
            let options = NatsOptions::new(url.clone(), stream.clone(), *max_bytes);
            let worker = Uuid::now_v7().simple().to_string();
            let spool = NatsSpool::open(&options, roles, &worker).await.map_err(|error| failure(&error))?;
            Ok(Arc::new(spool))
        }
    }
}

pub(crate) fn failure(error: &SpoolError) -> Failure {
    let code = if matches!(error, SpoolError::Held { .. }) { "locked" } else { "spool" };
    Failure::new(code, error.to_string())
}
