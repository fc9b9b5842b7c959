//! How many requests are in flight: grows while HubSpot is well, halves when it is not.
//!
//! Sustained full speed draws 423 and 502/504 (api.md 11.4) long before the request budget is spent; fewer requests at once
//! is the remedy. How many requests may start is the limiter's business.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Requests in flight before anything is known: the first second of a run.
const START: usize = 16;
/// Two-second batches at HubSpot's highest rates keep about this many in flight (api.md 11.4).
const MAX: usize = 40;

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
    semaphore: Arc<Semaphore>,
    state: Mutex<State>,
}

impl Concurrency {
    pub(crate) fn new() -> Self {
        Self {
            semaphore: Arc::new(Semaphore::new(START)),
            state: Mutex::new(State { target: START as f64, permits: START, halved_at: None }),
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

    /// HubSpot answered well: one more at once, or a fraction of one after there has been trouble.
    pub(crate) fn went_well(&self) {
        let mut state = self.state();
        let step = if state.halved_at.is_none() { 1.0 } else { 1.0 / state.target };
        state.target = (state.target + step).min(MAX as f64);
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

    #[tokio::test(start_paused = true)]
    async fn trouble_halves_once_for_everything_in_flight_and_good_answers_grow_it() {
        let concurrency = Arc::new(Concurrency::new());
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
    async fn without_trouble_it_grows_to_the_most_and_no_further() {
        let concurrency = Arc::new(Concurrency::new());
        for _ in 0..200 {
            concurrency.went_well();
        }
        assert_eq!(concurrency.target(), MAX);
        assert_eq!(concurrency.semaphore.available_permits(), MAX);
    }
}
