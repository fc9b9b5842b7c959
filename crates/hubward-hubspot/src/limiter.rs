//! One limiter for one account: every request waits here for its budget, in the order of asking.
//!
//! The rules are a pure state machine (`state`, `window`); this file gives it Tokio's clock and makes tasks wait. A request
//! that has been let through must be sent at once: its send stands in the log.

mod state;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use hubward_core::ErrorKind;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::config::LimitShare;
use crate::request::RequestKind;
use state::{Answered, Decision, LimitHeaders, State};

/// Which of the account's limits pays for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Budget {
    /// Ten-second rolling, of most calls.
    Burst,
    /// Per second, of search.
    Search,
    /// Ten-second rolling, of associations.
    Associations,
    /// Per second, of events sent; exempt from all others and from the day's calls (api.md 9.2, 11.1).
    Events,
}

/// A budget as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSnapshot {
    /// HubSpot's limit for one window.
    pub max: u32,
    /// What we may use of it.
    pub allowed: u32,
    /// What is left of the window, as far as we know.
    pub remaining: u32,
    pub interval: Duration,
    /// HubSpot's headers named the limit; otherwise it is the careful default.
    pub learned: bool,
}

/// The day's calls as they stand. None: HubSpot tells nothing of them (OAuth tokens), or nothing was sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailySnapshot {
    pub limit: Option<u64>,
    pub remaining: Option<u64>,
    /// Our own calls today, as far as we know.
    pub ours: u64,
}

/// All budgets as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimiterSnapshot {
    pub burst: BudgetSnapshot,
    pub search: BudgetSnapshot,
    pub associations: BudgetSnapshot,
    pub events: BudgetSnapshot,
    pub daily: DailySnapshot,
}

/// The day's calls are used up; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DailyRefused {
    #[error("the account's daily API calls are used up ({remaining} left, which is not ours to use); nothing was sent")]
    UsedUp { remaining: u64 },
    #[error("the {0} API calls a day that this project may make are used up; nothing was sent")]
    OurCap(u64),
    #[error("the account's association requests of this day are used up; nothing was sent")]
    AssociationsUsedUp,
}

struct LaneGate {
    /// One task at the head of the lane; Tokio's semaphore is fair, so the others keep their order.
    head: Semaphore,
    /// Something was learned: the head asks again.
    news: Notify,
}

impl LaneGate {
    fn new() -> Self {
        Self { head: Semaphore::new(1), news: Notify::new() }
    }
}

struct Inner {
    state: Mutex<State>,
    burst: LaneGate,
    search: LaneGate,
    associations: LaneGate,
    events: LaneGate,
}

/// The limits of one account, shared by all that send to it. Cloning shares.
#[derive(Clone)]
pub struct Limiter {
    inner: Arc<Inner>,
}

impl Limiter {
    pub(crate) fn new(share: LimitShare) -> Self {
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(State::new(share.share, share.daily)),
                burst: LaneGate::new(),
                search: LaneGate::new(),
                associations: LaneGate::new(),
                events: LaneGate::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gate(&self, budget: Budget) -> &LaneGate {
        match budget {
            Budget::Burst => &self.inner.burst,
            Budget::Search => &self.inner.search,
            Budget::Associations => &self.inner.associations,
            Budget::Events => &self.inner.events,
        }
    }

    /// Waits until one request may be sent, first come first served. The request must then be sent at once.
    pub(crate) async fn acquire(&self, budget: Budget, kind: RequestKind) -> Result<Ticket, DailyRefused> {
        let gate = self.gate(budget);
        let _head = gate.head.acquire().await.expect("the semaphore is never closed");
        loop {
            let news = gate.news.notified();
            tokio::pin!(news);
            // Listening begins before the question, so that no news between question and waiting is lost.
            news.as_mut().enable();
            let now = Instant::now();
            let decision = self.state().decide(budget, now)?;
            match decision {
                Decision::Go => {
                    return Ok(Ticket { limiter: self.clone(), budget, kind, sent_at: now });
                }
                Decision::At(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = news => {}
                    }
                }
                Decision::WhenAnswered => news.await,
            }
        }
    }

    /// How the budgets stand.
    #[must_use]
    pub fn snapshot(&self) -> LimiterSnapshot {
        let now = Instant::now();
        let state = self.state();
        let budget = |lane: &state::Lane| BudgetSnapshot {
            max: lane.window.max(),
            allowed: lane.window.allowed(),
            remaining: lane.window.max().saturating_sub(lane.window.used(now)),
            interval: lane.window.interval(),
            learned: lane.learned,
        };
        LimiterSnapshot {
            burst: budget(&state.burst),
            search: budget(&state.search),
            associations: budget(&state.associations),
            events: budget(&state.events),
            daily: DailySnapshot { limit: state.daily.limit, remaining: state.daily.remaining, ours: state.daily.ours },
        }
    }

    /// Tells how many calls earlier runs of today have made, so that the project's own daily cap counts them.
    pub fn set_daily_used(&self, calls: u64) {
        self.state().daily.ours = calls;
    }
}

/// Leave to send one request. Dropping it says that the request is no longer under way.
pub(crate) struct Ticket {
    limiter: Limiter,
    budget: Budget,
    kind: RequestKind,
    pub(crate) sent_at: Instant,
}

impl Ticket {
    /// Takes in what the answer says about limits. `failure` is the answer's kind, none for a success.
    pub(crate) fn answered(&self, headers: &HeaderMap, failure: Option<ErrorKind>, retry_after: Option<Duration>) {
        let now = Instant::now();
        let answer = Answered { kind: self.kind, failure, retry_after, sent_at: self.sent_at, now };
        self.limiter.state().learn(self.budget, &LimitHeaders::read(headers), &answer);
    }

    /// HubSpot has answered, in whatever way: the request is known to have arrived by now.
    pub(crate) fn arrived(&self) {
        self.limiter.state().arrived(self.budget, self.kind, self.sent_at, Instant::now());
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.limiter.state().back(self.budget);
        self.limiter.gate(self.budget).news.notify_waiters();
    }
}

#[cfg(test)]
#[path = "limiter_tests.rs"]
mod tests;
