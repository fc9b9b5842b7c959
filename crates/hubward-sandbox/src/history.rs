//! Owns a record's past values, as `propertiesWithHistory` shows them (api.md 3.2).
//!
//! Only what changed after the record's creation takes room: a record written once costs nothing.

use crate::record::PropertyAt;

/// Values of one property that are kept besides the present one.
const MOST_PAST_VALUES: usize = 20;

/// Past values of a record's properties and the times of the present ones.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// When a property got its present value or was cleared; a property that is not here got it at the record's creation.
    since: Vec<(PropertyAt, i64)>,
    /// What a property held before, oldest first; `None` where it was empty after having been cleared.
    past: Vec<(PropertyAt, i64, Option<Box<str>>)>,
}

impl History {
    /// Called before a value changes at `now_ms`.
    pub(crate) fn note(&mut self, at: PropertyAt, held: Option<&str>, created_ms: i64, now_ms: i64) {
        let known = self.since.iter_mut().find(|(other, _)| *other == at);
        let held_since = match &known {
            Some((_, since)) => Some(*since),
            None if held.is_some() => Some(created_ms),
            None => None,
        };
        match known {
            Some((_, since)) => *since = now_ms,
            None if held_since.is_some() || now_ms != created_ms => self.since.push((at, now_ms)),
            None => {}
        }
        if let Some(since) = held_since {
            self.past.push((at, since, held.map(Into::into)));
            let own = self.past.iter().filter(|(other, ..)| *other == at).count();
            if own >= MOST_PAST_VALUES
                && let Some(oldest) = self.past.iter().position(|(other, ..)| *other == at)
            {
                self.past.remove(oldest);
            }
        }
    }

    /// Values of a property with when they were set, newest first; a cleared one is empty.
    pub(crate) fn of<'a>(&'a self, at: PropertyAt, held: Option<&'a str>, created_ms: i64) -> Vec<(&'a str, i64)> {
        let mut all = Vec::new();
        let since = self.since.iter().find(|(other, _)| *other == at).map(|(_, since)| *since);
        if held.is_some() || since.is_some() {
            all.push((held.unwrap_or_default(), since.unwrap_or(created_ms)));
        }
        for (_, since, value) in self.past.iter().rev().filter(|(other, ..)| *other == at) {
            all.push((value.as_deref().unwrap_or_default(), *since));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{History, MOST_PAST_VALUES};

    #[test]
    fn values_are_told_newest_first_with_when_they_were_set() {
        let mut history = History::default();
        history.note(1, None, 10, 10);
        assert_eq!(history.of(1, Some("a"), 10), [("a", 10)]);
        history.note(1, Some("a"), 10, 20);
        history.note(1, None, 10, 30);
        assert_eq!(history.of(1, Some("b"), 10), [("b", 30), ("", 20), ("a", 10)]);
        history.note(2, None, 10, 40);
        assert_eq!(history.of(2, Some("x"), 10), [("x", 40)], "set after the creation");
        assert!(history.of(3, None, 10).is_empty());
    }

    #[test]
    fn a_property_keeps_the_newest_of_its_past_values_only() {
        let mut history = History::default();
        for at in 0..100 {
            history.note(1, Some("v"), 0, at);
        }
        assert_eq!(history.of(1, Some("v"), 0).len(), MOST_PAST_VALUES);
        assert_eq!(history.of(1, Some("v"), 0)[1].1, 98);
    }
}
