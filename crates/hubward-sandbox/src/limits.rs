//! Owns the account's limits: rolling windows, the daily count, and the headers that tell of them (api.md 11).
//!
//! A refused request does not count: HubSpot does not say whether it does.

use std::collections::{HashMap, VecDeque};

use http::HeaderValue;
use jiff::tz::TimeZone;

use crate::Tier;
use crate::answers::Refusal;
use crate::auth::Grant;
use crate::route::Budget;

const SECOND_MS: i64 = 1_000;

/// The limits in force; `None` is no limit.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) burst: Option<u64>,
    pub(crate) burst_window_ms: i64,
    pub(crate) oauth_burst: Option<u64>,
    pub(crate) daily: Option<u64>,
    pub(crate) search_per_second: Option<u64>,
    pub(crate) association_burst: Option<u64>,
    pub(crate) association_daily: Option<u64>,
    /// Requests that send events.
    pub(crate) events_per_second: Option<u64>,
    /// Occurrences in a calendar month of the account's time zone.
    pub(crate) events_monthly: Option<u64>,
}

impl Limits {
    /// Table 11.1 of api.md.
    pub(crate) fn of(tier: Tier) -> Limits {
        let (burst, daily, association_burst, association_daily) = match tier {
            Tier::Free => (100, 250_000, 100, None),
            Tier::Professional => (190, 625_000, 150, Some(500_000)),
            Tier::Enterprise => (190, 1_000_000, 150, Some(500_000)),
            Tier::Addon => (250, 2_000_000, 200, Some(1_000_000)),
            Tier::OAuth => (110, 1_000_000, 150, Some(500_000)),
            Tier::Unlimited => {
                return Limits {
                    burst: None,
                    burst_window_ms: 10_000,
                    oauth_burst: None,
                    daily: None,
                    search_per_second: None,
                    association_burst: None,
                    association_daily: None,
                    events_per_second: None,
                    events_monthly: None,
                };
            }
        };
        Limits {
            burst: Some(burst),
            burst_window_ms: 10_000,
            oauth_burst: Some(110),
            daily: Some(daily),
            search_per_second: Some(5),
            association_burst: Some(association_burst),
            association_daily,
            events_per_second: Some(1_250),
            events_monthly: Some(30_000_000),
        }
    }
}

/// Times of requests let through, oldest first.
#[derive(Debug, Default)]
struct Window(VecDeque<i64>);

impl Window {
    fn used(&mut self, now_ms: i64, window_ms: i64) -> u64 {
        while self.0.front().is_some_and(|at| *at + window_ms <= now_ms) {
            self.0.pop_front();
        }
        self.0.len() as u64
    }
}

/// What has been used of each budget.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) limits: Limits,
    time_zone: TimeZone,
    bursts: HashMap<String, Window>,
    associations: HashMap<String, Window>,
    search: Window,
    events: Window,
    month_ends_ms: i64,
    month_events: u64,
    day_ends_ms: i64,
    day_used: u64,
    associations_used: u64,
}

/// What the headers of an answer tell.
#[derive(Debug, Default)]
pub(crate) struct Told {
    burst: Option<(u64, u64, i64)>,
    daily: Option<(u64, u64)>,
}

impl Meter {
    pub(crate) fn new(limits: Limits, time_zone: TimeZone) -> Meter {
        Meter {
            limits,
            time_zone,
            bursts: HashMap::new(),
            associations: HashMap::new(),
            search: Window::default(),
            events: Window::default(),
            month_ends_ms: i64::MIN,
            month_events: 0,
            day_ends_ms: i64::MIN,
            day_used: 0,
            associations_used: 0,
        }
    }

    pub(crate) fn day_used(&mut self, now_ms: i64) -> (u64, i64) {
        self.turn_day(now_ms);
        (self.day_used, self.day_ends_ms)
    }

    fn turn_day(&mut self, now_ms: i64) {
        if now_ms < self.day_ends_ms {
            return;
        }
        self.day_used = 0;
        self.associations_used = 0;
        self.day_ends_ms = next_midnight_ms(now_ms, &self.time_zone);
    }

    /// Draws one request from its budgets, or refuses it; says what the headers tell either way.
    pub(crate) fn draw(&mut self, budget: Budget, grant: &Grant, now_ms: i64) -> (Result<(), Refusal>, Told) {
        let mut told = Told::default();
        let verdict = self.try_draw(budget, grant, now_ms, &mut told);
        (verdict, told)
    }

    fn try_draw(&mut self, budget: Budget, grant: &Grant, now_ms: i64, told: &mut Told) -> Result<(), Refusal> {
        self.turn_day(now_ms);
        let oauth = grant.kind.is_oauth();
        // the daily count is for the account's own tokens; for marketplace apps none is stated `[DOC-USAGE]`
        let daily = if oauth || matches!(budget, Budget::Exempt | Budget::Events) { None } else { self.limits.daily };
        match budget {
            Budget::Exempt => return Ok(()),
            Budget::Events => {
                if let Some(most) = self.limits.events_per_second {
                    if self.events.used(now_ms, SECOND_MS) >= most {
                        return Err(refused("You have reached your secondly limit.", Some("SECONDLY")));
                    }
                    self.events.0.push_back(now_ms);
                }
                return Ok(());
            }
            Budget::Associations => {
                if self.limits.association_daily.is_some_and(|most| self.associations_used >= most) {
                    return Err(refused("You have reached your daily limit.", Some("DAILY")));
                }
                if let Some(most) = self.limits.association_burst {
                    let window = self.associations.entry(grant.app.clone()).or_default();
                    if window.used(now_ms, self.limits.burst_window_ms) >= most {
                        return Err(rolling());
                    }
                    window.0.push_back(now_ms);
                }
                self.associations_used += 1;
                return Ok(());
            }
            Budget::Search | Budget::Burst => {}
        }
        if let Some(most) = daily.filter(|most| self.day_used >= *most) {
            if budget == Budget::Burst {
                told.daily = Some((most, 0));
            }
            return Err(refused("You have reached your daily limit.", Some("DAILY")));
        }
        if budget == Budget::Search {
            if let Some(most) = self.limits.search_per_second {
                if self.search.used(now_ms, SECOND_MS) >= most {
                    return Err(refused("You have reached your secondly limit.", None));
                }
                self.search.0.push_back(now_ms);
            }
        } else if let Some(most) = if oauth { self.limits.oauth_burst } else { self.limits.burst } {
            let window_ms = self.limits.burst_window_ms;
            let window = self.bursts.entry(grant.app.clone()).or_default();
            let used = window.used(now_ms, window_ms);
            if used >= most {
                told.burst = Some((most, 0, window_ms));
                told.daily = daily.map(|most| (most, most - self.day_used));
                return Err(rolling());
            }
            window.0.push_back(now_ms);
            told.burst = Some((most, most - used - 1, window_ms));
        }
        if let Some(most) = daily {
            self.day_used += 1;
            if budget == Budget::Burst {
                told.daily = Some((most, most - self.day_used));
            }
        }
        Ok(())
    }
}

impl Meter {
    /// Events of this month, and how many there may be.
    pub(crate) fn month_events(&mut self, now_ms: i64) -> (u64, Option<u64>) {
        if now_ms >= self.month_ends_ms {
            self.month_events = 0;
            self.month_ends_ms = next_month_ms(now_ms, &self.time_zone);
        }
        (self.month_events, self.limits.events_monthly)
    }

    /// Counts events of one request, or refuses all of them. The words are ours: no capture of this refusal is known.
    pub(crate) fn draw_events(&mut self, count: u64, now_ms: i64) -> Result<(), Refusal> {
        let (used, most) = self.month_events(now_ms);
        if most.is_some_and(|most| used + count > most) {
            return Err(refused("You have reached your monthly limit of custom event occurrences.", None));
        }
        self.month_events += count;
        Ok(())
    }
}

fn rolling() -> Refusal {
    refused("You have reached your ten_secondly_rolling limit.", Some("TEN_SECONDLY_ROLLING"))
}

/// The refusal of a limit by its policy; the search limit's has no policy name `[LIVE-GROUP]`.
pub(crate) fn refused(message: &str, policy: Option<&'static str>) -> Refusal {
    Refusal::new(429, "RATE_LIMITS", message).with(|body| body.policy = policy)
}

impl Told {
    pub(crate) fn write(&self, headers: &mut http::HeaderMap) {
        let number = |n: u64| HeaderValue::from(n);
        if let Some((most, left, window_ms)) = self.burst {
            headers.insert("x-hubspot-ratelimit-max", number(most));
            headers.insert("x-hubspot-ratelimit-remaining", number(left));
            headers.insert("x-hubspot-ratelimit-interval-milliseconds", HeaderValue::from(window_ms));
        }
        if let Some((most, left)) = self.daily {
            headers.insert("x-hubspot-ratelimit-daily", number(most));
            headers.insert("x-hubspot-ratelimit-daily-remaining", number(left));
        }
    }
}

/// When the day that holds `now_ms` ends in the account's time zone.
pub(crate) fn next_midnight_ms(now_ms: i64, time_zone: &TimeZone) -> i64 {
    let midnight = jiff::Timestamp::from_millisecond(now_ms)
        .and_then(|now| now.to_zoned(time_zone.clone()).date().tomorrow())
        .and_then(|date| date.to_zoned(time_zone.clone()));
    midnight.map_or(now_ms + 86_400_000, |zoned| zoned.timestamp().as_millisecond())
}

fn next_month_ms(now_ms: i64, time_zone: &TimeZone) -> i64 {
    let first = jiff::Timestamp::from_millisecond(now_ms)
        .and_then(|now| now.to_zoned(time_zone.clone()).date().last_of_month().tomorrow())
        .and_then(|date| date.to_zoned(time_zone.clone()));
    first.map_or(now_ms + 30 * 86_400_000, |zoned| zoned.timestamp().as_millisecond())
}

/// The account's time zone; a machine without a time zone database gets the offset of US/Eastern's winter.
pub(crate) fn time_zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or_else(|_| match name {
        "UTC" | "Etc/UTC" => TimeZone::UTC,
        _ => TimeZone::fixed(jiff::tz::offset(-5)),
    })
}
