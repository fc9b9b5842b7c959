//! The machine's wall clock, handed to everything that writes times down.

use hubward_core::WallClock;
use jiff::Timestamp;

/// Reads the operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl WallClock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
