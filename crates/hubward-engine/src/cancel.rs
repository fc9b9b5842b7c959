//! A clean stop: set once, seen by the corridor's loop and by the thread that reads the source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hubward_sources::CancelFlag;
use tokio::sync::Notify;

/// Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    set: Arc<AtomicBool>,
    notify: Arc<Notify>,
    reading: CancelFlag,
}

impl Cancel {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop: what is in flight is awaited and recorded, nothing new is sent.
    pub fn set(&self) {
        self.set.store(true, Ordering::Release);
        self.reading.cancel();
        self.notify.notify_waiters();
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// The flag for the thread that reads the source.
    #[must_use]
    pub fn reading(&self) -> CancelFlag {
        self.reading.clone()
    }

    /// Returns when [`Cancel::set`] has been called.
    pub async fn wait(&self) {
        let notified = self.notify.notified();
        tokio::pin!(notified);
        // Registered before the flag is read, so that a `set` in between is not missed.
        notified.as_mut().enable();
        if self.is_set() {
            return;
        }
        notified.await;
    }
}
