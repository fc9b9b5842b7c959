//! A rolling window as a log of send instants. Pure: it is told the time.
//!
//! HubSpot's window rolls (api.md 11.3): in no span of `interval` may more than `max` requests arrive. A log of instants
//! lets a whole window go at once and still keeps that promise, where a token bucket must either pace or overshoot. What
//! others send with the same token is seen in HubSpot's `remaining` and stands in the log as theirs.

//!
//! HubSpot counts a request when it arrives, and requests do not all travel equally long: two that left ten seconds apart
//! may arrive a little closer together. So the log holds, for each send, the latest instant at which it may have arrived
//! (counted from the quickest way there, which is the same for all). While a request is under way that is a guess on the
//! safe side; its answer tells better: it took so much longer than the quickest of its kind, and at most so much longer
//! it was on its way.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::request::RequestKind;

/// How much longer than the quickest a request is believed to travel at most. Beyond that a late answer speaks of HubSpot's
/// work, which has nothing to do with when the request was counted.
const DELAY_MAX: Duration = Duration::from_millis(250);

/// So many answers of a kind are seen before the quickest of them is taken for the quickest there is.
const QUICKEST_AFTER: u32 = 20;

/// Kept free between an old send that has left the window and the one that takes its place: clocks tick, and what is known
/// of the quickest way is never quite right.
const MARGIN: Duration = Duration::from_millis(25);

/// The log is as long as the limit, so a limit beyond all sense is not taken at its word; HubSpot's are in the hundreds.
const MAX_BELIEVED: u32 = 100_000;
/// The same for the window's length; HubSpot's is ten seconds.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const INTERVAL_MAX: Duration = Duration::from_secs(60);

/// The whole part of a share of a limit; a hair more than the product, so that 29 % of 100 is 29 in binary fractions too.
pub(crate) fn whole_share(limit: f64, share: f64) -> u64 {
    (limit * share + 1e-6).floor() as u64
}

/// A request of ours.
#[derive(Clone, Copy, Debug)]
struct Send {
    sent_at: Instant,
    answered: Option<(RequestKind, Instant)>,
    /// The latest instant at which HubSpot may have counted it.
    counted_at: Instant,
}

/// The least time from sending to answer among so many answers.
#[derive(Clone, Copy, Debug)]
struct Quickest {
    took: Duration,
    answers: u32,
}

/// One rolling window of an account.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    max: u32,
    share: f64,
    interval: Duration,
    /// Our sends in the order of `counted_at`; kept for twice the interval, because an answer speaks of the time it was
    /// sent at.
    ours: VecDeque<Send>,
    /// By kind: reading a page is quicker than writing a batch.
    quickest: BTreeMap<RequestKind, Quickest>,
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
            quickest: BTreeMap::new(),
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
    fn delay_max(&self) -> Duration {
        DELAY_MAX.min(self.interval / 5)
    }

    fn span(&self) -> Duration {
        self.interval + MARGIN.min(self.interval / 50)
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
        while self.ours.front().is_some_and(|send| send.counted_at + keep <= now) {
            self.ours.pop_front();
        }
        while self.others.front().is_some_and(|at| *at + span <= now) {
            self.others.pop_front();
        }
    }

    /// Index of our first send that still stands in the window.
    fn first_ours(&self, now: Instant) -> usize {
        let span = self.span();
        self.ours.partition_point(|send| send.counted_at + span <= now)
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
            at = at.max(self.ours[first + ours - allowed].counted_at + self.span());
        }

        let total = ours + self.others.len();
        let max = self.max as usize;
        if total >= max {
            // The window must lose this many of its oldest, ours and others' merged.
            let lose = total - max + 1;
            let (mut mine, mut theirs) = (first, 0);
            let mut last = now;
            for _ in 0..lose {
                let next_mine = self.ours.get(mine).map(|send| send.counted_at);
                let next_theirs = self.others.get(theirs).copied();
                match (next_mine, next_theirs) {
                    (Some(a), Some(b)) if a <= b => {
                        last = a;
                        mine += 1;
                    }
                    (_, Some(b)) => {
                        last = b;
                        theirs += 1;
                    }
                    (Some(a), None) => {
                        last = a;
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
        self.insert(Send { sent_at: now, answered: None, counted_at: now + self.delay_max() });
    }

    /// What was sent at `sent_at` has been answered.
    pub(crate) fn answered(&mut self, kind: RequestKind, sent_at: Instant, now: Instant) {
        let took = now.saturating_duration_since(sent_at);
        let quickest = self.quickest.entry(kind).or_insert(Quickest { took, answers: 0 });
        quickest.answers = quickest.answers.saturating_add(1);
        let news = took < quickest.took || quickest.answers == QUICKEST_AFTER;
        quickest.took = quickest.took.min(took);
        // Sends without an answer stand in the log by when they were sent.
        let waits_at = sent_at + self.delay_max();
        let mut at = self.ours.partition_point(|send| send.counted_at < waits_at);
        while let Some(send) = self.ours.get(at).copied()
            && send.counted_at == waits_at
        {
            if send.sent_at == sent_at && send.answered.is_none() {
                self.ours.remove(at);
                let mut send = Send { answered: Some((kind, now)), ..send };
                send.counted_at = self.counted_at(&send);
                self.insert(send);
                break;
            }
            at += 1;
        }
        if news {
            // All of this kind travelled longer than was thought, or are known for the first time.
            let mut ours = std::mem::take(&mut self.ours);
            for send in &mut ours {
                send.counted_at = self.counted_at(send);
            }
            ours.make_contiguous().sort_by_key(|send| send.counted_at);
            self.ours = ours;
        }
    }

    fn counted_at(&self, send: &Send) -> Instant {
        let latest = send.sent_at + self.delay_max();
        let Some((kind, answered_at)) = send.answered else { return latest };
        let took = answered_at.saturating_duration_since(send.sent_at);
        match self.quickest.get(&kind) {
            Some(quickest) if quickest.answers >= QUICKEST_AFTER => {
                latest.min(send.sent_at + took.saturating_sub(quickest.took))
            }
            _ => latest,
        }
    }

    fn insert(&mut self, send: Send) {
        let at = self.ours.partition_point(|other| other.counted_at <= send.counted_at);
        self.ours.insert(at, send);
    }

    /// HubSpot says how many are left, in the answer to a request that was sent at `sent_at`.
    ///
    /// What HubSpot counts beyond everything that could be ours is others', and no more is others' than what it counts beyond
    /// everything that must be ours. Requests of ours that were sent before this one has surely arrived could be in
    /// HubSpot's count; those that had surely arrived when this one left must be.
    pub(crate) fn remaining(&mut self, kind: RequestKind, remaining: u32, sent_at: Instant, now: Instant) {
        self.forget_old(now);
        let span = self.span();
        let arrived_by = self.counted_at(&Send { sent_at, answered: Some((kind, now)), counted_at: now });
        let gone = self.ours.partition_point(|send| send.counted_at + span <= sent_at);
        let sure = self.ours.partition_point(|send| send.counted_at <= sent_at).max(gone);
        let possible = sure - gone + self.ours.range(sure..).filter(|send| send.sent_at <= arrived_by).count();
        let stays = |send: &&Send| send.sent_at + self.interval > arrived_by;
        let certain = self.ours.range(gone..sure).filter(stays).count();
        let counted = self.max.saturating_sub(remaining) as usize;
        let least = counted.saturating_sub(possible).min(MAX_BELIEVED as usize);
        let most = counted.saturating_sub(certain);
        if least >= self.others.len() {
            // All that were believed in are there still, whoever sent them. When is unknown; now is the safe guess.
            self.others.clear();
            self.others.resize(least, now);
        } else {
            while self.others.len() > most {
                self.others.pop_front();
            }
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
