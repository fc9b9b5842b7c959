//! All budgets of one account as one pure state machine: what may be sent now, what an answer teaches. It is told the time.

use std::time::Duration;

use http::HeaderMap;
use hubward_core::ErrorKind;
use tokio::time::Instant;

use super::window::{Window, whole_share};
use super::{Budget, DailyRefused};
use crate::request::RequestKind;

/// Before the first answer, and for accounts whose answers name no limit: HubSpot's smallest (api.md 11.1).
const BURST_FALLBACK: u32 = 100;
const BURST_INTERVAL: Duration = Duration::from_secs(10);
const ASSOCIATION_FALLBACK: u32 = 100;
/// Sources disagree about 4 or 5 a second (api.md 15): start at the safe one.
const SEARCH_START: u32 = 4;
const SEARCH_MAX: u32 = 5;
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);
/// Searches without a 429 after which the fifth a second is tried.
const SEARCH_TRUST_AFTER: u32 = 20;
/// Events sent in a second (api.md 9.2, 11.1).
const EVENTS_MAX: u32 = 1_250;
const EVENTS_INTERVAL: Duration = Duration::from_secs(1);
/// What is left of our rate of events after a 429: others send too, and no header tells how much.
const EVENTS_AFTER_STRIKE: f64 = 0.7;
/// The least it falls to.
const EVENTS_MIN: u32 = 50;
/// Events taken for which one more a second is tried again: a quarter more in each second.
const EVENTS_REGAIN_EVERY: u32 = 4;
/// A full daily budget is asked about this often: it resets at midnight in a time zone that we need not know.
const DAILY_PROBE_EVERY: Duration = Duration::from_secs(15 * 60);
/// A daily figure that rises by more than this was not merely overtaken by other answers.
const DAILY_RISE: u64 = 50;
/// A rise that means a new day.
const DAILY_NEW_DAY: u64 = 1_000;
/// How long a lock of the account lasts (api.md 2.4).
const LOCKED_FOR: Duration = Duration::from_secs(2);
/// The longest a gate stays closed after 429s in a row.
const GATE_MAX: Duration = Duration::from_secs(10);
/// The longest it stays closed because HubSpot asked; whoever waits longer had better be told.
const GATE_ASKED_MAX: Duration = Duration::from_secs(10 * 60);

/// What to do with the request at the head of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Send; it stands in the log.
    Go,
    /// Ask again then.
    At(Instant),
    /// Ask again when the request under way has been answered: it will tell the limit.
    WhenAnswered,
}

/// The headers of an answer that speak of limits (api.md 11.2).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LimitHeaders {
    pub(super) max: Option<u32>,
    pub(super) remaining: Option<u32>,
    pub(super) interval_ms: Option<u64>,
    pub(super) daily: Option<u64>,
    pub(super) daily_remaining: Option<u64>,
}

impl LimitHeaders {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
            headers.get(name)?.to_str().ok()?.trim().parse().ok()
        }
        Self {
            max: number(headers, "x-hubspot-ratelimit-max").filter(|max| *max > 0),
            remaining: number(headers, "x-hubspot-ratelimit-remaining"),
            interval_ms: number(headers, "x-hubspot-ratelimit-interval-milliseconds"),
            daily: number(headers, "x-hubspot-ratelimit-daily"),
            daily_remaining: number(headers, "x-hubspot-ratelimit-daily-remaining"),
        }
    }
}

/// When a request was sent and answered, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub(super) kind: RequestKind,
    /// None for a success.
    pub(super) failure: Option<ErrorKind>,
    pub(super) retry_after: Option<Duration>,
    pub(super) sent_at: Instant,
    pub(super) now: Instant,
}

/// One budget's window and gate.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) window: Window,
    /// HubSpot itself has named the limit.
    pub(super) learned: bool,
    /// Nothing is known yet: one request at a time.
    cautious: bool,
    in_flight: u32,
    closed_until: Option<Instant>,
    struck_at: Option<Instant>,
    strikes: u32,
    /// Answers without a 429 since the start; a 429 ends the counting for good.
    calm: Option<u32>,
}

impl Lane {
    fn new(window: Window, cautious: bool) -> Self {
        Self {
            window,
            learned: false,
            cautious,
            in_flight: 0,
            closed_until: None,
            struck_at: None,
            strikes: 0,
            calm: Some(0),
        }
    }

    fn decide(&mut self, now: Instant) -> Decision {
        if let Some(until) = self.closed_until {
            if until > now {
                return Decision::At(until);
            }
            self.closed_until = None;
        }
        if self.cautious && self.in_flight > 0 {
            return Decision::WhenAnswered;
        }
        let at = self.window.earliest(now);
        if at > now {
            return Decision::At(at);
        }
        Decision::Go
    }

    /// Requests that were under way together are refused together: one strike for all of them.
    fn is_fresh(&self, sent_at: Instant) -> bool {
        self.struck_at.is_none_or(|at| sent_at > at)
    }

    fn strike(&mut self, first: Duration, retry_after: Option<Duration>, sent_at: Instant, now: Instant) {
        if self.is_fresh(sent_at) {
            self.strikes += 1;
            self.struck_at = Some(now);
            self.window.full(now);
        }
        let pause = (first * 2u32.saturating_pow(self.strikes.saturating_sub(1))).min(GATE_MAX);
        self.close_for(pause.max(retry_after.unwrap_or_default()), now);
        self.calm = None;
    }

    fn close_for(&mut self, pause: Duration, now: Instant) {
        let until = now + pause.min(GATE_ASKED_MAX);
        self.closed_until = Some(self.closed_until.map_or(until, |at| at.max(until)));
    }
}

/// The day's calls.
#[derive(Debug, Default)]
pub(super) struct Daily {
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    /// Ours today, as far as we know.
    pub(super) ours: u64,
    cap: Option<u64>,
    share: f64,
    probe_at: Option<Instant>,
}

impl Daily {
    /// What we leave to others.
    fn reserve(&self) -> u64 {
        let limit = self.limit.unwrap_or(0);
        limit.saturating_sub(whole_share(limit as f64, self.share))
    }

    fn check(&mut self, now: Instant) -> Result<(), DailyRefused> {
        if self.cap.is_some_and(|cap| self.ours >= cap) {
            return Err(DailyRefused::OurCap(self.cap.unwrap_or(0)));
        }
        let Some(remaining) = self.remaining.filter(|left| *left <= self.reserve()) else {
            return Ok(());
        };
        let probe_at = *self.probe_at.get_or_insert(now + DAILY_PROBE_EVERY);
        if probe_at <= now {
            self.probe_at = Some(now + DAILY_PROBE_EVERY);
            return Ok(());
        }
        Err(DailyRefused::UsedUp { remaining })
    }

    fn sent(&mut self) {
        self.ours += 1;
        self.remaining = self.remaining.map(|left| left.saturating_sub(1));
    }

    fn learn(&mut self, limit: Option<u64>, remaining: Option<u64>) {
        if limit.is_some() {
            self.limit = limit;
        }
        let Some(told) = remaining else {
            return;
        };
        let Some(known) = self.remaining else {
            self.remaining = Some(told);
            return;
        };
        // Answers overtake each other, so small rises are old news. A large one is a new day.
        let asked = self.probe_at.is_some() && told > self.reserve();
        if told > known + DAILY_NEW_DAY {
            self.ours = 0;
        }
        if told < known || told > known + DAILY_RISE || asked {
            self.remaining = Some(told);
        }
        if self.remaining.is_some_and(|left| left > self.reserve()) {
            self.probe_at = None;
        }
    }

    fn exhausted(&mut self, now: Instant) {
        self.remaining = Some(0);
        self.probe_at = Some(now + DAILY_PROBE_EVERY);
    }
}

/// The state of one account's budgets.
#[derive(Debug)]
pub(super) struct State {
    pub(super) burst: Lane,
    pub(super) search: Lane,
    pub(super) associations: Lane,
    pub(super) events: Lane,
    /// Events taken since the rate was last changed.
    events_taken: u32,
    pub(super) daily: Daily,
    /// The day's association requests are used up; they are asked about again then.
    associations_probe_at: Option<Instant>,
}

impl State {
    pub(super) fn new(share: f64, daily_cap: Option<u64>) -> Self {
        let window = |max, interval| Window::new(max, interval, share);
        Self {
            burst: Lane::new(window(BURST_FALLBACK, BURST_INTERVAL), true),
            search: Lane::new(window(SEARCH_START, SEARCH_INTERVAL), false),
            associations: Lane::new(window(ASSOCIATION_FALLBACK, BURST_INTERVAL), false),
            events: Lane::new(window(EVENTS_MAX, EVENTS_INTERVAL), false),
            events_taken: 0,
            daily: Daily {
                cap: daily_cap,
                share: if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 },
                ..Daily::default()
            },
            associations_probe_at: None,
        }
    }

    fn lane(&mut self, budget: Budget) -> &mut Lane {
        match budget {
            Budget::Burst => &mut self.burst,
            Budget::Search => &mut self.search,
            Budget::Associations => &mut self.associations,
            Budget::Events => &mut self.events,
        }
    }

    pub(super) fn decide(&mut self, budget: Budget, now: Instant) -> Result<Decision, DailyRefused> {
        let decision = self.lane(budget).decide(now);
        if decision == Decision::Go {
            // Associations have a day of their own (api.md 7.4), of which HubSpot tells nothing until it is used up; events
            // have none (api.md 9.2).
            match budget {
                Budget::Associations => self.check_associations(now)?,
                Budget::Events => {}
                Budget::Burst | Budget::Search => {
                    self.daily.check(now)?;
                    self.daily.sent();
                }
            }
            let lane = self.lane(budget);
            lane.window.sent(now);
            lane.in_flight += 1;
        }
        Ok(decision)
    }

    fn check_associations(&mut self, now: Instant) -> Result<(), DailyRefused> {
        match self.associations_probe_at {
            Some(at) if at > now => Err(DailyRefused::AssociationsUsedUp),
            Some(_) => {
                self.associations_probe_at = Some(now + DAILY_PROBE_EVERY);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The request is no longer under way.
    pub(super) fn back(&mut self, budget: Budget) {
        let lane = self.lane(budget);
        lane.in_flight = lane.in_flight.saturating_sub(1);
    }

    /// A request that was sent at `sent_at` has been answered.
    pub(super) fn arrived(&mut self, budget: Budget, kind: RequestKind, sent_at: Instant, now: Instant) {
        self.lane(budget).window.answered(kind, sent_at, now);
    }

    pub(super) fn learn(&mut self, budget: Budget, headers: &LimitHeaders, answer: &Answered) {
        let Answered { kind, failure, retry_after, sent_at, now } = *answer;
        if budget == Budget::Events {
            self.adapt_events(failure, sent_at);
        }
        // What an association is told of a day would be about the day of associations.
        if budget != Budget::Associations {
            self.daily.learn(headers.daily, headers.daily_remaining);
        }
        let lane = self.lane(budget);
        // Answers to searches and events carry no burst headers; should one carry them all the same, they would speak of
        // another window.
        if !matches!(budget, Budget::Search | Budget::Events)
            && let Some(max) = headers.max
        {
            lane.window.set_max(max);
            lane.learned = true;
            lane.cautious = false;
            if let Some(ms) = headers.interval_ms {
                lane.window.set_interval(Duration::from_millis(ms));
            }
            if let Some(remaining) = headers.remaining {
                lane.window.remaining(kind, remaining, sent_at, now);
            }
        }
        match failure {
            None => {
                lane.cautious = false;
                lane.strikes = 0;
                if let Some(calm) = &mut lane.calm {
                    *calm = calm.saturating_add(1);
                }
                if budget == Budget::Associations {
                    self.associations_probe_at = None;
                }
            }
            Some(ErrorKind::BurstLimit) => {
                lane.strike(Duration::from_secs(1), retry_after, sent_at, now);
            }
            Some(ErrorKind::SecondlyLimit) => {
                lane.strike(Duration::from_millis(300), retry_after, sent_at, now);
            }
            // The whole account is locked: what waits would be refused too.
            Some(ErrorKind::Locked) => lane.close_for(LOCKED_FOR, now),
            // Neither an event nor an association is refused by the day's calls (api.md 7.4, 9.2): others may go on.
            Some(ErrorKind::DailyLimit) => match budget {
                Budget::Associations => self.associations_probe_at = Some(now + DAILY_PROBE_EVERY),
                Budget::Events => {}
                Budget::Burst | Budget::Search => self.daily.exhausted(now),
            },
            Some(_) => {}
        }
        self.derive_limits(budget);
    }

    /// HubSpot names no limit of events: a 429 lowers our rate, what is taken raises it again.
    fn adapt_events(&mut self, failure: Option<ErrorKind>, sent_at: Instant) {
        let max = self.events.window.max();
        match failure {
            None if max < EVENTS_MAX => {
                self.events_taken += 1;
                if self.events_taken >= EVENTS_REGAIN_EVERY {
                    self.events_taken = 0;
                    self.events.window.set_max(max + 1);
                }
            }
            Some(ErrorKind::BurstLimit | ErrorKind::SecondlyLimit) if self.events.is_fresh(sent_at) => {
                self.events_taken = 0;
                let less = whole_share(f64::from(max), EVENTS_AFTER_STRIKE) as u32;
                self.events.window.set_max(less.max(EVENTS_MIN));
            }
            _ => {}
        }
    }

    /// What HubSpot does not name: search by experience, associations by the burst limit's tier (api.md 7.4, 11.1).
    fn derive_limits(&mut self, budget: Budget) {
        if budget == Budget::Search {
            let trusted = self.search.calm.is_some_and(|calm| calm >= SEARCH_TRUST_AFTER);
            let max = if trusted { SEARCH_MAX } else { SEARCH_START };
            self.search.window.set_max(max);
        }
        if self.burst.learned && !self.associations.learned {
            let max = match self.burst.window.max() {
                0..=149 => 100,
                150..=199 => 150,
                _ => 200,
            };
            self.associations.window.set_max(max);
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
