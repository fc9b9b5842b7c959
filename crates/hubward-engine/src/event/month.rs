//! The occurrences that the account may have in a calendar month (api.md 9.2, 11.1), as far as this project has used them
//! up. HubSpot tells nobody how many there are, so what others send is not seen; its refusal is the last word.

use hubward_core::event::OCCURRENCES_A_MONTH;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::run::blocking;

/// Occurrences are written down together once there are so many: a killed run forgets no more than these and what was in
/// flight.
const KEPT_TOGETHER: u64 = 20_000;

/// The month's budget in one run. What HubSpot took is booked to the month in which it was heard of.
pub(crate) struct Month {
    key: String,
    /// Occurrences of this month, those that are on their way included.
    used: u64,
    /// Those of them that are on their way.
    in_flight: u64,
    /// Accepted and not written down yet.
    unkept: u64,
}

impl Month {
    /// How many more may be sent, at most `wanted`; they count as used until they are given back.
    pub(crate) fn take(&mut self, wanted: u64) -> u64 {
        let granted = wanted.min(OCCURRENCES_A_MONTH.saturating_sub(self.used));
        self.claim(granted);
        granted
    }

    /// Counts occurrences that are used whatever the budget says: an earlier run may have sent them.
    pub(crate) fn claim(&mut self, occurrences: u64) {
        self.used += occurrences;
        self.in_flight += occurrences;
    }

    /// Occurrences that were not taken by HubSpot after all.
    pub(crate) fn give_back(&mut self, occurrences: u64) {
        self.used = self.used.saturating_sub(occurrences);
        self.in_flight = self.in_flight.saturating_sub(occurrences);
    }

    pub(crate) fn accepted(&mut self, occurrences: u64) {
        self.in_flight = self.in_flight.saturating_sub(occurrences);
        self.unkept += occurrences;
    }

    /// Another month has begun, with so many occurrences so far.
    fn begin(&mut self, key: String, used: u64) {
        self.key = key;
        self.used = used + self.in_flight;
    }

    /// Occurrences of this month so far.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    fn due(&mut self, all: bool) -> Option<u64> {
        let due = if all { self.unkept > 0 } else { self.unkept >= KEPT_TOGETHER };
        due.then(|| std::mem::take(&mut self.unkept))
    }
}

impl Engine {
    /// What this project has sent in the present calendar month (UTC). A database that fails is told and costs nothing else.
    pub(crate) async fn month(&self) -> Month {
        let key = month_key(self.config.wall.now());
        let used = self.used_in(&key).await;
        Month { key, used, in_flight: 0, unkept: 0 }
    }

    async fn used_in(&self, key: &str) -> u64 {
        let Some(db) = self.config.db.clone() else { return 0 };
        let (account, key) = (self.account().portal_id, key.to_owned());
        blocking(move || Ok(db.count(account, &key)?)).await.unwrap_or_else(|error: EngineError| {
            tracing::warn!(%error, "the month's events could not be read; they are counted from 0");
            0
        })
    }

    /// Notes what HubSpot took just now.
    pub(crate) async fn accepted(&self, month: &mut Month, occurrences: u64) {
        let key = month_key(self.config.wall.now());
        if key != month.key {
            self.keep_month(month, true).await;
            let used = self.used_in(&key).await;
            month.begin(key, used);
        }
        month.accepted(occurrences);
        self.keep_month(month, false).await;
    }

    /// Adds to what was sent in the present month.
    pub(crate) async fn count_events(&self, occurrences: u64) {
        let mut month = Month { key: month_key(self.config.wall.now()), used: 0, in_flight: 0, unkept: occurrences };
        self.keep_month(&mut month, true).await;
    }

    /// Writes down what was accepted, once it is much or with `all`.
    pub(crate) async fn keep_month(&self, month: &mut Month, all: bool) {
        let Some(more) = month.due(all) else { return };
        let Some(db) = self.config.db.clone() else { return };
        let (account, key, now) = (self.account().portal_id, month.key.clone(), self.config.wall.now());
        if let Err(error) = blocking(move || Ok(db.add_to_count(account, &key, more, now)?)).await {
            tracing::warn!(%error, "the month's events could not be counted");
        }
    }
}

fn month_key(now: jiff::Timestamp) -> String {
    let now = now.to_zoned(jiff::tz::TimeZone::UTC);
    format!("occurrences/{:04}-{:02}", now.year(), now.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_occurrences_of_a_month_are_granted_once() {
        let mut month = Month { key: String::new(), used: OCCURRENCES_A_MONTH - 700, in_flight: 0, unkept: 0 };
        assert_eq!((month.take(500), month.take(500), month.take(500)), (500, 200, 0));
        month.give_back(3);
        assert_eq!((month.take(500), month.used()), (3, OCCURRENCES_A_MONTH));
    }

    #[test]
    fn what_an_earlier_run_may_have_sent_counts_until_it_is_given_back() {
        let mut month = Month { key: String::new(), used: OCCURRENCES_A_MONTH - 100, in_flight: 0, unkept: 0 };
        month.claim(300);
        assert_eq!(month.take(500), 0);
        month.give_back(250);
        assert_eq!((month.take(500), month.used()), (50, OCCURRENCES_A_MONTH));
    }

    #[test]
    fn a_new_month_begins_with_what_is_on_its_way() {
        let mut month = Month { key: "a".to_owned(), used: 1_000, in_flight: 0, unkept: 0 };
        month.take(700);
        month.accepted(500);
        month.begin("b".to_owned(), 10);
        assert_eq!((month.key.as_str(), month.used()), ("b", 210));
        month.give_back(200);
        assert_eq!(month.used(), 10);
    }

    #[test]
    fn what_was_accepted_is_written_down_together() {
        let mut month = Month { key: String::new(), used: 0, in_flight: 0, unkept: 0 };
        month.accepted(KEPT_TOGETHER - 1);
        assert_eq!(month.due(false), None);
        month.accepted(1);
        assert_eq!((month.due(false), month.due(true)), (Some(KEPT_TOGETHER), None));
    }
}
