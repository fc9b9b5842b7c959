//! The one final word on a row in a run.

use std::ops::AddAssign;

/// What became of a row. Every row that enters the corridor ends in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// HubSpot confirmed the write for this very row.
    Applied,
    /// Nothing of what the sync maps has changed since HubSpot last confirmed it.
    Unchanged,
    /// Left alone by a rule of the sync (mode, `on_removed: keep`), not by a fault.
    Skipped,
    /// Our own check found that the row cannot be written; nothing was sent.
    Invalid,
    /// HubSpot refused this row and said why.
    Rejected,
    /// Undecided: not tried, or its answer was lost; it goes first in the next run.
    Deferred,
}

impl Outcome {
    /// The word used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Invalid => "invalid",
            Self::Rejected => "rejected",
            Self::Deferred => "deferred",
        }
    }
}

/// How many rows ended in each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    pub applied: u64,
    pub unchanged: u64,
    pub skipped: u64,
    pub invalid: u64,
    pub rejected: u64,
    pub deferred: u64,
}

impl OutcomeCounts {
    pub fn add(&mut self, outcome: Outcome, rows: u64) {
        match outcome {
            Outcome::Applied => self.applied += rows,
            Outcome::Unchanged => self.unchanged += rows,
            Outcome::Skipped => self.skipped += rows,
            Outcome::Invalid => self.invalid += rows,
            Outcome::Rejected => self.rejected += rows,
            Outcome::Deferred => self.deferred += rows,
        }
    }

    /// Takes rows back that were counted before.
    pub fn take(&mut self, outcome: Outcome, rows: u64) {
        let count = match outcome {
            Outcome::Applied => &mut self.applied,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Invalid => &mut self.invalid,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Deferred => &mut self.deferred,
        };
        *count = count.saturating_sub(rows);
    }

    #[must_use]
    pub fn total(&self) -> u64 {
        self.applied + self.unchanged + self.skipped + self.invalid + self.rejected + self.deferred
    }

    /// Rows that a person has to look at, or that are not done.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.invalid + self.rejected + self.deferred
    }
}

impl AddAssign for OutcomeCounts {
    fn add_assign(&mut self, other: Self) {
        self.applied += other.applied;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.invalid += other.invalid;
        self.rejected += other.rejected;
        self.deferred += other.deferred;
    }
}

/// Why a row is invalid, rejected, skipped or deferred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// The guilty property, where one is known.
    pub property: Option<String>,
    /// The guilty value as text, where one is known.
    pub value: Option<String>,
    /// A sentence for a person: what is wrong and what to do; HubSpot's own words when HubSpot refused.
    pub text: String,
    /// HubSpot's `category` or error code, or our own code for an invalid row (`INVALID_OPTION`, `DUPLICATE_KEY`, …).
    pub category: Option<String>,
    /// HubSpot's correlation id of the refusal.
    pub correlation_id: Option<String>,
}

impl Reason {
    #[must_use]
    pub fn new(category: &str, text: impl Into<String>) -> Self {
        Self { category: Some(category.to_owned()), text: text.into(), ..Self::default() }
    }

    #[must_use]
    pub fn on(mut self, property: &str, value: Option<String>) -> Self {
        self.property = Some(property.to_owned());
        self.value = value;
        self
    }
}
