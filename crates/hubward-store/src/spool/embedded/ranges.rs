//! A set of event numbers, kept as ranges: events are settled nearly in order, so a few ranges hold millions.

use std::collections::BTreeMap;

/// Ranges `start..end` that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    by_start: BTreeMap<u64, u64>,
    count: u64,
}

impl Ranges {
    /// Adds `start..end`.
    pub(super) fn insert(&mut self, mut start: u64, mut end: u64) {
        if start >= end {
            return;
        }
        if let Some((&before, &before_end)) = self.by_start.range(..=start).next_back()
            && before_end >= start
        {
            start = before;
            end = end.max(before_end);
            self.remove(before);
        }
        while let Some((&next, &next_end)) = self.by_start.range(start..=end).next() {
            end = end.max(next_end);
            self.remove(next);
        }
        self.by_start.insert(start, end);
        self.count += end - start;
    }

    fn remove(&mut self, start: u64) {
        if let Some(end) = self.by_start.remove(&start) {
            self.count -= end - start;
        }
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        self.by_start.range(..=number).next_back().is_some_and(|(_, end)| *end > number)
    }

    /// Whether every number of `start..end` is in the set.
    pub(super) fn covers(&self, start: u64, end: u64) -> bool {
        start >= end || self.by_start.range(..=start).next_back().is_some_and(|(_, known)| *known >= end)
    }

    /// The smallest number from `from` on that is not in the set.
    pub(super) fn first_gap(&self, from: u64) -> u64 {
        match self.by_start.range(..=from).next_back() {
            Some((_, end)) if *end > from => *end,
            _ => from,
        }
    }

    /// One more than the largest number; 0 for an empty set.
    pub(super) fn end(&self) -> u64 {
        self.by_start.last_key_value().map_or(0, |(_, end)| *end)
    }

    /// How many numbers are in the set.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.by_start.iter().map(|(start, end)| (*start, *end))
    }

    pub(super) fn len(&self) -> usize {
        self.by_start.len()
    }
}

impl FromIterator<u64> for Ranges {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut ranges = Self::default();
        for number in numbers {
            ranges.insert(number, number + 1);
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_a_set_of_numbers(inserts in prop::collection::vec((0_u64..60, 0_u64..12), 0..40)) {
            let mut ranges = Ranges::default();
            let mut plain = BTreeSet::new();
            for (start, len) in inserts {
                ranges.insert(start, start + len);
                plain.extend(start..start + len);
            }
            prop_assert_eq!(ranges.count(), plain.len() as u64);
            prop_assert_eq!(ranges.end(), plain.last().map_or(0, |last| last + 1));
            for number in 0..80 {
                prop_assert_eq!(ranges.contains(number), plain.contains(&number));
                let gap = (number..).find(|candidate| !plain.contains(candidate));
                prop_assert_eq!(Some(ranges.first_gap(number)), gap);
                prop_assert_eq!(ranges.covers(number, number + 5), (number..number + 5).all(|n| plain.contains(&n)));
            }
            let listed: BTreeSet<u64> = ranges.iter().flat_map(|(start, end)| start..end).collect();
            prop_assert_eq!(listed, plain);
        }
    }
}
