//! How many requests are in flight: grows while HubSpot is well, halves when it is not.
//!
//! Sustained full speed draws 423 and 502/504 (api.md 11.4) long before the request budget is spent; fewer requests at once
//! is the remedy. How many requests may start is the limiter's business.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How many requests may be in flight: at first, at most, and how fast after trouble.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    start: usize,
    max: usize,
    /// Places won back by one round of good answers after trouble.
    regain: f64,
}

/// Requests on records, associations, lists. Two-second batches at HubSpot's highest rates keep about the most in flight
/// (api.md 11.4); the start is for the first second of a run, before anything is known.
pub(crate) const RECORDS: Range = Range { start: 16, max: 40, regain: 1.0 };
/// Events, which HubSpot queues and answers without a look at them. Their 1,250 requests a second (api.md 11.1) keep 250 in
/// flight at 200 ms: it starts a little above, and stays below the thousand files that many machines let a program open.
pub(crate) const EVENTS: Range = Range { start: 320, max: 512, regain: 20.0 };

struct State {
    /// How many may be in flight.
    target: f64,
    /// Permits in existence; above the target until requests in flight come back.
    permits: usize,
    /// One halving for all requests of one trouble: those sent before it say nothing new.
    halved_at: Option<Instant>,
}

/// Additive increase, multiplicative decrease, in the order of asking.
pub(crate) struct Concurrency {
    range: Range,
    semaphore: Arc<Semaphore>,
    state: Mutex<State>,
}

impl Concurrency {
    pub(crate) fn new(range: Range) -> Self {
        Self {
            range,
            semaphore: Arc::new(Semaphore::new(range.start)),
            state: Mutex::new(State { target: range.start as f64, permits: range.start, halved_at: None }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place in flight.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Place {
        let permit = Arc::clone(&self.semaphore).acquire_owned().await.expect("the semaphore is never closed");
        Place { permit: Some(permit), concurrency: Arc::clone(self) }
    }

    /// HubSpot answered well: one more at once, or after there has been trouble a fraction of one.
    pub(crate) fn went_well(&self) {
        let mut state = self.state();
        let step =
            if state.halved_at.is_none() { 1.0 } else { self.range.regain / state.target.max(self.range.regain) };
        state.target = (state.target + step).min(self.range.max as f64);
        let wanted = state.target as usize;
        if wanted > state.permits {
            self.semaphore.add_permits(wanted - state.permits);
            state.permits = wanted;
        }
    }

    /// HubSpot is overloaded: half as many, once for everything that was in flight together.
    pub(crate) fn overloaded(&self, sent_at: Instant, now: Instant) {
        let mut state = self.state();
        if state.halved_at.is_some_and(|at| sent_at <= at) {
            return;
        }
        state.halved_at = Some(now);
        state.target = (state.target / 2.0).max(1.0);
        let wanted = state.target as usize;
        if state.permits > wanted {
            // Idle permits go at once, those in flight when they come back.
            state.permits -= self.semaphore.forget_permits(state.permits - wanted);
        }
    }

    #[cfg(test)]
    fn target(&self) -> usize {
        self.state().target as usize
    }
}

/// A place in flight, given back on drop.
pub(crate) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    concurrency: Arc<Concurrency>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let mut state = self.concurrency.state();
        if state.permits > state.target as usize {
            state.permits -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: usize = RECORDS.start;
    const MAX: usize = RECORDS.max;

    #[tokio::test(start_paused = true)]
    async fn trouble_halves_once_for_everything_in_flight_and_good_answers_grow_it() {
        let concurrency = Arc::new(Concurrency::new(RECORDS));
        let mut places = Vec::new();
        for _ in 0..START {
            places.push(concurrency.acquire().await);
        }
        let sent_at = Instant::now();
        tokio::time::advance(Duration::from_millis(400)).await;
        for _ in 0..START {
            concurrency.overloaded(sent_at, Instant::now());
        }
        assert_eq!(concurrency.target(), START / 2);
        drop(places);
        assert_eq!(concurrency.semaphore.available_permits(), START / 2);

        for _ in 0..START / 2 + 1 {
            concurrency.went_well();
        }
        assert_eq!(concurrency.target(), START / 2 + 1);
        assert_eq!(concurrency.semaphore.available_permits(), START / 2 + 1);

        tokio::time::advance(Duration::from_millis(400)).await;
        for _ in 0..20 {
            tokio::time::advance(Duration::from_millis(1)).await;
            concurrency.overloaded(Instant::now(), Instant::now());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(concurrency.target(), 1, "never less than one");
    }

    #[tokio::test(start_paused = true)]
    async fn events_win_back_their_places_in_the_time_of_a_few_rounds() {
        let concurrency = Arc::new(Concurrency::new(EVENTS));
        concurrency.overloaded(Instant::now(), Instant::now());
        assert_eq!(concurrency.target(), EVENTS.start / 2);
        let mut rounds = 0;
        while concurrency.target() < EVENTS.start {
            for _ in 0..concurrency.target() {
                concurrency.went_well();
            }
            rounds += 1;
            assert!(rounds < 12, "{}", concurrency.target());
        }
        for _ in 0..100 {
            tokio::time::advance(Duration::from_millis(1)).await;
            concurrency.overloaded(Instant::now(), Instant::now());
        }
        assert_eq!(concurrency.target(), 1, "never less than one");
        for _ in 0..EVENTS.max * EVENTS.max {
            concurrency.went_well();
        }
        assert_eq!(concurrency.target(), EVENTS.max);
    }

    #[tokio::test(start_paused = true)]
    async fn without_trouble_it_grows_to_the_most_and_no_further() {
        let concurrency = Arc::new(Concurrency::new(RECORDS));
        for _ in 0..200 {
            concurrency.went_well();
        }
        assert_eq!(concurrency.target(), MAX);
        assert_eq!(concurrency.semaphore.available_permits(), MAX);
    }
}
