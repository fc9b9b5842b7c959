//! What the store promises, through its public interface.

mod damage;
mod grants;
mod kill;
mod model;
mod spool;
mod spool_crashes;
mod spool_kill;
mod spool_nats;
mod state;

/// Says in one line why a test has nothing to test here.
pub(crate) fn skipped(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
