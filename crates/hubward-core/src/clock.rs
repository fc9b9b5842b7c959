//! The wall clock, passed in.

use jiff::Timestamp;

/// Where the time of day comes from. Durations and sleeps are Tokio's (and so can be paused in tests); this is only for
/// what is written down: when a run began, when a request was sent.
pub trait WallClock: Send + Sync {
    fn now(&self) -> Timestamp;
}
