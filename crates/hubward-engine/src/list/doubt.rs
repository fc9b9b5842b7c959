//! Rows of which it is not known whom they name. While there is one, a member that no row seems to name may be named all
//! the same, so that an exclusive list loses nobody.

use std::fmt::Write;

/// Why it is not known whom a row names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Other rows have its primary key.
    SharedKey,
    /// Several records have its value, or HubSpot refused the value.
    Refused,
    /// Search, which lags behind, does not find its record.
    NotFoundYet,
    /// HubSpot was not asked, or did not answer.
    Unanswered,
}

/// How many rows are in doubt, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    keyless: u64,
    shared_key: u64,
    refused: u64,
    not_found_yet: u64,
    unanswered: u64,
}

impl Doubts {
    pub(crate) fn note(&mut self, doubt: Doubt) {
        match doubt {
            Doubt::SharedKey => self.shared_key += 1,
            Doubt::Refused => self.refused += 1,
            Doubt::NotFoundYet => self.not_found_yet += 1,
            Doubt::Unanswered => self.unanswered += 1,
        }
    }

    /// With the rows whose primary key is missing: those are nowhere but in the count of the scan.
    pub(crate) fn with_keyless(self, rows: u64) -> Self {
        Self { keyless: rows, ..self }
    }

    /// What the report says where strangers stay because of them; none where nothing is in doubt.
    pub(crate) fn told(&self) -> Option<String> {
        let reasons = [
            (self.keyless, "without a primary key"),
            (self.shared_key, "with the primary key of another row"),
            (self.refused, "whose value several records have or HubSpot refused"),
            (self.not_found_yet, "whose record search does not find, which may lag behind"),
            (self.unanswered, "whose record was not looked up"),
        ];
        let rows: u64 = reasons.iter().map(|(rows, _)| rows).sum();
        if rows == 0 {
            return None;
        }
        let mut text =
            format!("members that no row names stay on the list, for of {rows} rows it is not known whom they name:");
        let mut comma = "";
        for (rows, why) in reasons {
            if rows > 0 {
                write!(text, "{comma} {rows} {why}").expect("a string takes what is written to it");
                comma = ",";
            }
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_counts_every_row_under_its_reason() {
        assert_eq!(Doubts::default().told(), None);
        let mut doubts = Doubts::default().with_keyless(2);
        for doubt in [Doubt::SharedKey, Doubt::SharedKey, Doubt::Refused, Doubt::NotFoundYet, Doubt::Unanswered] {
            doubts.note(doubt);
        }
        let told = doubts.told().expect("rows are in doubt");
        assert!(told.contains("of 7 rows"), "{told}");
        for part in [" 2 without", " 2 with the", " 1 whose value", " 1 whose record search", " 1 whose record was"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let told = Doubts::default().with_keyless(1).told().expect("a row is in doubt");
        assert!(told.ends_with(": 1 without a primary key"), "{told}");
    }
}
