//! Every row that enters the corridor leaves it with exactly one outcome, and a type makes forgetting impossible.
//!
//! A [`Ticket`] stands for one row (or, through [`Tally::many`], for rows that are counted without ever being built). The
//! only way to be rid of it is to finish it with an outcome; dropping one by accident is counted as lost, which fails
//! debug builds at once and turns the report of a release build into a failed run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use hubward_core::{Outcome, OutcomeCounts};

/// The counts of one sync in one run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Mutex<OutcomeCounts>,
    lost: AtomicU64,
    /// Rows between one part of the way and the next.
    handed: AtomicU64,
}

impl Tally {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// A ticket for one row.
    pub(crate) fn ticket(self: &Arc<Self>) -> Ticket {
        Ticket { tally: Some(Arc::clone(self)) }
    }

    /// Tickets for rows that go together.
    pub(crate) fn tickets(self: &Arc<Self>, rows: u64) -> Tickets {
        Tickets { tally: Arc::clone(self), rows }
    }

    /// A ticket for a row that an earlier part of the way has handed on.
    pub(crate) fn take_over(self: &Arc<Self>) -> Ticket {
        self.handed.fetch_sub(1, Ordering::AcqRel);
        self.ticket()
    }

    /// The outcome of rows that were handed on and whose next part never came.
    pub(crate) fn settle_handed(&self, outcome: Outcome, rows: u64) {
        self.handed.fetch_sub(rows, Ordering::AcqRel);
        self.many(outcome, rows);
    }

    /// A ticket for a row that has an outcome already and gets another try.
    pub(crate) fn reopen(self: &Arc<Self>, outcome: Outcome) -> Ticket {
        self.counts().take(outcome, 1);
        self.ticket()
    }

    /// Counts rows that never became a [`Ticket`]: unchanged rows, rows that a stopped run did not reach.
    pub(crate) fn many(&self, outcome: Outcome, rows: u64) {
        self.counts().add(outcome, rows);
    }

    /// Takes rows back from one outcome; for a row whose duplicate turned up after it was counted as unchanged.
    pub(crate) fn uncount_unchanged(&self, rows: u64) {
        let mut counts = self.counts();
        debug_assert!(counts.unchanged >= rows, "rows taken back were counted before");
        counts.unchanged = counts.unchanged.saturating_sub(rows);
    }

    pub(crate) fn snapshot(&self) -> OutcomeCounts {
        *self.counts()
    }

    /// Rows whose ticket was dropped without an outcome, or that were handed on to nobody. Anything but zero is a fault of
    /// Hubward.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire) + self.handed.load(Ordering::Acquire)
    }

    fn counts(&self) -> MutexGuard<'_, OutcomeCounts> {
        match self.counts.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

/// One row on its way through the corridor.
#[derive(Debug)]
#[must_use = "a row must end in an outcome"]
pub(crate) struct Ticket {
    tally: Option<Arc<Tally>>,
}

impl Ticket {
    /// The row's final word.
    pub(crate) fn finish(mut self, outcome: Outcome) {
        if let Some(tally) = self.tally.take() {
            tally.counts().add(outcome, 1);
        }
    }

    /// The row has another part of its way before it, which takes it over by [`Tally::take_over`].
    pub(crate) fn hand_on(mut self) {
        if let Some(tally) = self.tally.take() {
            tally.handed.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Rows on their way through the corridor together, which a type of their own makes as hard to forget as a single one.
#[derive(Debug)]
#[must_use = "rows must end in an outcome"]
pub(crate) struct Tickets {
    tally: Arc<Tally>,
    rows: u64,
}

impl Tickets {
    /// The final word on all of them.
    pub(crate) fn finish(mut self, outcome: Outcome) {
        self.tally.many(outcome, std::mem::take(&mut self.rows));
    }

    /// The last `rows` of them, or as many as there are, go on by themselves.
    pub(crate) fn split_off(&mut self, rows: u64) -> Self {
        let rows = rows.min(self.rows);
        self.rows -= rows;
        Self { tally: Arc::clone(&self.tally), rows }
    }

    /// A ticket for one of them; none when there is none left.
    pub(crate) fn one(&mut self) -> Option<Ticket> {
        self.rows = self.rows.checked_sub(1)?;
        Some(self.tally.ticket())
    }

    /// # Panics
    /// If the others are of another sync.
    pub(crate) fn join(&mut self, mut others: Self) {
        assert!(Arc::ptr_eq(&self.tally, &others.tally), "rows of one run are counted together");
        self.rows += std::mem::take(&mut others.rows);
    }
}

impl Drop for Tickets {
    fn drop(&mut self) {
        if self.rows > 0 {
            self.tally.lost.fetch_add(self.rows, Ordering::AcqRel);
            // As for one row.
            debug_assert!(std::thread::panicking(), "rows left the corridor without an outcome");
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(tally) = self.tally.take() {
            tally.lost.fetch_add(1, Ordering::AcqRel);
            // A panic elsewhere drops rows on its way; a second panic would hide the first.
            debug_assert!(std::thread::panicking(), "a row left the corridor without an outcome");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finished_tickets_are_counted_once_each() {
        let tally = Tally::new();
        tally.ticket().finish(Outcome::Applied);
        tally.ticket().finish(Outcome::Rejected);
        tally.many(Outcome::Unchanged, 7);
        let counts = tally.snapshot();
        assert_eq!((counts.applied, counts.rejected, counts.unchanged), (1, 1, 7));
        assert_eq!((counts.total(), tally.lost()), (9, 0));
    }

    #[test]
    fn a_row_that_is_handed_on_is_owed_its_outcome() {
        let tally = Tally::new();
        for _ in 0..3 {
            tally.ticket().hand_on();
        }
        assert_eq!((tally.snapshot().total(), tally.lost()), (0, 3));
        tally.take_over().finish(Outcome::Applied);
        tally.settle_handed(Outcome::Deferred, 2);
        tally.reopen(Outcome::Applied).finish(Outcome::Rejected);
        let counts = tally.snapshot();
        assert_eq!((counts.applied, counts.deferred, counts.rejected, tally.lost()), (0, 2, 1, 0));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "without an outcome")]
    fn a_forgotten_ticket_fails_debug_builds() {
        let tally = Tally::new();
        drop(tally.ticket());
    }
}
