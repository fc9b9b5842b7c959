//! Owns the sandbox's time: Tokio's clock plus what the control API advanced it by.
//!
//! Tokio's clock rather than the machine's, so that a paused clock in a test rules limits, expiry and search lag.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;

/// Milliseconds since the Unix epoch in the account's own time.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_at_ms: i64,
    advance_ms: AtomicI64,
}

impl Clock {
    pub(crate) fn new(started_at: jiff::Timestamp) -> Clock {
        Clock { started: Instant::now(), started_at_ms: started_at.as_millisecond(), advance_ms: AtomicI64::new(0) }
    }

    /// Milliseconds since the sandbox began, what was advanced included.
    pub(crate) fn elapsed_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX / 4);
        elapsed + self.advance_ms.load(Ordering::Relaxed)
    }

    /// The account's wall time in epoch milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        self.started_at_ms + self.elapsed_ms()
    }

    pub(crate) fn advance(&self, by_ms: i64) {
        self.advance_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

/// ISO-8601 in UTC with up to millisecond precision; trailing zeros are left out, as HubSpot does `[LIVE-AMP]`.
pub(crate) fn iso(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(timestamp) => timestamp.to_string(),
        Err(_) => ms.to_string(),
    }
}
