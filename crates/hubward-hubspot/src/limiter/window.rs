//! A rolling window as a log of send instants. Pure: it is told the time.
//!
//! HubSpot's window rolls (api.md 11.3): in no span of `interval` may more than `max` requests arrive. A log of instants
//! lets a whole window go at once and still keeps that promise, where a token bucket must either pace or overshoot. What
//! others send with the same token is seen in HubSpot's `remaining` and stands in the log as theirs.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Extra time before an old send is believed to have left HubSpot's window: requests do not all travel equally long, so two
/// that left ten seconds apart may arrive a little closer together. It is the network's, whatever the window's length.
const GUARD: Duration = Duration::from_millis(250);

/// The log is as long as the limit, so a limit beyond all sense is not taken at its word; HubSpot's are in the hundreds.
const MAX_BELIEVED: u32 = 100_000;
/// The same for the window's length; HubSpot's is ten seconds.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const INTERVAL_MAX: Duration = Duration::from_secs(60);

/// The whole part of a share of a limit; a hair more than the product, so that 29 % of 100 is 29 in binary fractions too.
pub(crate) fn whole_share(limit: f64, share: f64) -> u64 {
    (limit * share + 1e-6).floor() as u64
}

/// One rolling window of an account.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    max: u32,
    share: f64,
    interval: Duration,
    /// Our sends, oldest first; kept for twice the interval, because an answer speaks of the time it was sent at.
    ours: VecDeque<Instant>,
    /// Sends of others that we believe in, oldest first.
    others: VecDeque<Instant>,
}

impl Window {
    pub(crate) fn new(max: u32, interval: Duration, share: f64) -> Self {
        Self {
            max: max.clamp(1, MAX_BELIEVED),
            share: if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 },
            interval,
            ours: VecDeque::new(),
            others: VecDeque::new(),
        }
    }

    pub(crate) fn max(&self) -> u32 {
        self.max
    }

    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// How many of ours may stand in a window: our share, and at least one.
    pub(crate) fn allowed(&self) -> u32 {
        (whole_share(f64::from(self.max), self.share) as u32).max(1)
    }

    /// A fifth of a very short window at most.
    fn guard(&self) -> Duration {
        GUARD.min(self.interval / 5)
    }

    fn span(&self) -> Duration {
        self.interval + self.guard()
    }

    pub(crate) fn set_max(&mut self, max: u32) {
        self.max = max.clamp(1, MAX_BELIEVED);
    }

    pub(crate) fn set_interval(&mut self, interval: Duration) {
        if (INTERVAL_MIN..=INTERVAL_MAX).contains(&interval) {
            self.interval = interval;
        }
    }

    fn forget_old(&mut self, now: Instant) {
        let keep = self.interval * 2;
        let span = self.span();
        while self.ours.front().is_some_and(|at| *at + keep <= now) {
            self.ours.pop_front();
        }
        while self.others.front().is_some_and(|at| *at + span <= now) {
            self.others.pop_front();
        }
    }

    /// Index of our first send that still stands in the window.
    fn first_ours(&self, now: Instant) -> usize {
        let span = self.span();
        self.ours.partition_point(|at| *at + span <= now)
    }

    /// How many requests, ours and others', stand in the window.
    pub(crate) fn used(&self, now: Instant) -> u32 {
        let span = self.span();
        let others = self.others.len() - self.others.partition_point(|at| *at + span <= now);
        (self.ours.len() - self.first_ours(now) + others) as u32
    }

    /// When the next request may be sent: now or earlier, or later.
    pub(crate) fn earliest(&mut self, now: Instant) -> Instant {
        self.forget_old(now);
        let first = self.first_ours(now);
        let ours = self.ours.len() - first;
        let mut at = now;

        let allowed = self.allowed() as usize;
        if ours >= allowed {
            at = at.max(self.ours[first + ours - allowed] + self.span());
        }

        let total = ours + self.others.len();
        let max = self.max as usize;
        if total >= max {
            // The window must lose this many of its oldest, ours and others' merged.
            let lose = total - max + 1;
            let (mut mine, mut theirs) = (first, 0);
            let mut last = now;
            for _ in 0..lose {
                let next_mine = self.ours.get(mine);
                let next_theirs = self.others.get(theirs);
                match (next_mine, next_theirs) {
                    (Some(a), Some(b)) if a <= b => {
                        last = *a;
                        mine += 1;
                    }
                    (_, Some(b)) => {
                        last = *b;
                        theirs += 1;
                    }
                    (Some(a), None) => {
                        last = *a;
                        mine += 1;
                    }
                    (None, None) => break,
                }
            }
            at = at.max(last + self.span());
        }
        at
    }

    /// We send now.
    pub(crate) fn sent(&mut self, now: Instant) {
        self.ours.push_back(now);
    }

    /// HubSpot says how many are left, in the answer to a request that was sent at `sent_at`.
    ///
    /// What HubSpot counts beyond everything that could be ours is others'. Requests of ours still under way may or may not
    /// be in HubSpot's count: they are all taken to be, so that others are never imagined; when the last answer of a
    /// window comes back the figure is exact.
    pub(crate) fn remaining(&mut self, remaining: u32, sent_at: Instant, now: Instant) {
        self.forget_old(now);
        let span = self.span();
        let possible = self.ours.len() - self.ours.partition_point(|at| *at + span <= sent_at);
        let counted = self.max.saturating_sub(remaining) as usize;
        let others = counted.saturating_sub(possible).min(MAX_BELIEVED as usize);
        while self.others.len() < others {
            // When they were sent is unknown; now is the safe guess.
            self.others.push_back(now);
        }
    }

    /// HubSpot says that the window is full although we thought otherwise: what fills it is spread evenly over the window,
    /// for want of knowing.
    pub(crate) fn full(&mut self, now: Instant) {
        self.forget_old(now);
        let missing = self.max.saturating_sub(self.used(now));
        for step in 1..=missing {
            let back = self.interval * (missing - step) / missing;
            self.others.push_back(now.checked_sub(back).unwrap_or(now));
        }
        self.others.make_contiguous().sort();
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
