//! The occurrences that the account may have in a calendar month (api.md 9.2, 11.1), as far as this project has used them
//! up. HubSpot tells nobody how many there are, so what others send is not seen; its refusal is the last word.

use hubward_core::event::OCCURRENCES_A_MONTH;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::run::blocking;

/// Occurrences are written down together once there are so many: a killed run forgets no more than these and what was in
/// flight.
const KEPT_TOGETHER: u64 = 20_000;

/// The month's budget in one run.
pub(crate) struct Month {
    key: String,
    /// Occurrences of this month, those that are on their way included.
    used: u64,
    /// Accepted and not written down yet.
    unkept: u64,
}

impl Month {
    /// How many more may be sent, at most `wanted`; they count as used until they are given back.
    pub(crate) fn take(&mut self, wanted: u64) -> u64 {
        let granted = wanted.min(OCCURRENCES_A_MONTH.saturating_sub(self.used));
        self.used += granted;
        granted
    }

    /// Occurrences that were not taken by HubSpot after all.
    pub(crate) fn give_back(&mut self, occurrences: u64) {
        self.used = self.used.saturating_sub(occurrences);
    }

    pub(crate) fn accepted(&mut self, occurrences: u64) {
        self.unkept += occurrences;
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
        let now = self.config.wall.now().to_zoned(jiff::tz::TimeZone::UTC);
        let key = format!("occurrences/{:04}-{:02}", now.year(), now.month());
        let used = match self.config.db.clone() {
            None => Ok(0),
            Some(db) => {
                let (account, key) = (self.account().portal_id, key.clone());
                blocking(move || Ok(db.count(account, &key)?)).await
            }
        };
        let used = used.unwrap_or_else(|error: EngineError| {
            tracing::warn!(%error, "the month's events could not be read; they are counted from 0");
            0
        });
        Month { key, used, unkept: 0 }
    }

    /// Writes down what was accepted, once it is much or with `all`.
    pub(crate) async fn keep_month(&self, month: &mut Month, all: bool) {
        let Some(db) = self.config.db.clone() else { return };
        let Some(more) = month.due(all) else { return };
        let (account, key, now) = (self.account().portal_id, month.key.clone(), self.config.wall.now());
        if let Err(error) = blocking(move || Ok(db.add_to_count(account, &key, more, now)?)).await {
            tracing::warn!(%error, "the month's events could not be counted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_occurrences_of_a_month_are_granted_once() {
        let mut month = Month { key: String::new(), used: OCCURRENCES_A_MONTH - 700, unkept: 0 };
        assert_eq!((month.take(500), month.take(500), month.take(500)), (500, 200, 0));
        month.give_back(3);
        assert_eq!((month.take(500), month.used()), (3, OCCURRENCES_A_MONTH));
    }

    #[test]
    fn what_was_accepted_is_written_down_together() {
        let mut month = Month { key: String::new(), used: 0, unkept: 0 };
        month.accepted(KEPT_TOGETHER - 1);
        assert_eq!(month.due(false), None);
        month.accepted(1);
        assert_eq!((month.due(false), month.due(true)), (Some(KEPT_TOGETHER), None));
    }
}
