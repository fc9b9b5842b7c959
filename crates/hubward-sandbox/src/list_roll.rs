//! Owns the roll of one list: its members in two ordered trees, by id and by when they came, so that a list of a million
//! records costs some tens of megabytes and a page of it costs the page.

use std::collections::{BTreeMap, BTreeSet};

/// Times of one member, in epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) first_ms: i64,
    pub(crate) joined_ms: i64,
}

/// In which order a page goes through the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Id,
    Joined,
}

/// A place between two members: when and who. By id only the second counts.
pub(crate) type Place = (i64, u64);

/// Where a page begins, and so which way it goes `[SPEC]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Start,
    /// Upwards, from behind this place.
    After(Place),
    /// Downwards, from before this place.
    Before(Place),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Roll {
    by_id: BTreeMap<u64, Member>,
    by_time: BTreeSet<Place>,
}

impl Roll {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: u64) -> Option<Member> {
        self.by_id.get(&id).copied()
    }

    /// Ids, ascending.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.by_id.keys().copied()
    }

    /// Puts a member there, with these times instead of those it had.
    pub(crate) fn put(&mut self, id: u64, member: Member) {
        if let Some(old) = self.by_id.insert(id, member) {
            self.by_time.remove(&(old.joined_ms, id));
        }
        self.by_time.insert((member.joined_ms, id));
    }

    pub(crate) fn take(&mut self, id: u64) -> Option<Member> {
        let member = self.by_id.remove(&id)?;
        self.by_time.remove(&(member.joined_ms, id));
        Some(member)
    }

    /// At most `limit` members, and whether there are more in the way that the page goes.
    pub(crate) fn page(&self, order: Order, from: From, limit: usize) -> (Vec<(u64, Member)>, bool) {
        let mut found: Vec<(u64, Member)> = match order {
            Order::Id => {
                let member = |(id, member): (&u64, &Member)| (*id, *member);
                match from {
                    From::Start => self.by_id.iter().take(limit + 1).map(member).collect(),
                    From::After((_, id)) => {
                        let behind = (std::ops::Bound::Excluded(id), std::ops::Bound::Unbounded);
                        self.by_id.range(behind).take(limit + 1).map(member).collect()
                    }
                    From::Before((_, id)) => self.by_id.range(..id).rev().take(limit + 1).map(member).collect(),
                }
            }
            Order::Joined => {
                let member = |(_, id): &Place| (*id, self.by_id[id]);
                match from {
                    From::Start => self.by_time.iter().take(limit + 1).map(member).collect(),
                    From::After(place) => {
                        let behind = (std::ops::Bound::Excluded(place), std::ops::Bound::Unbounded);
                        self.by_time.range(behind).take(limit + 1).map(member).collect()
                    }
                    From::Before(place) => self.by_time.range(..place).rev().take(limit + 1).map(member).collect(),
                }
            }
        };
        let more = found.len() > limit;
        found.truncate(limit);
        (found, more)
    }
}

#[cfg(test)]
mod tests {
    use super::{From, Member, Order, Roll};

    fn ids(page: &(Vec<(u64, Member)>, bool)) -> Vec<u64> {
        page.0.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn pages_go_both_ways_in_both_orders() {
        let mut members = Roll::default();
        for (id, at) in [(5, 10), (3, 20), (9, 10), (7, 30)] {
            members.put(id, Member { first_ms: at, joined_ms: at });
        }
        let page = members.page(Order::Id, From::Start, 3);
        assert_eq!((ids(&page), page.1), (vec![3, 5, 7], true));
        assert_eq!(ids(&members.page(Order::Id, From::After((0, 7)), 3)), [9]);
        assert_eq!(ids(&members.page(Order::Id, From::Before((0, 9)), 2)), [7, 5]);
        assert_eq!(ids(&members.page(Order::Joined, From::Start, 9)), [5, 9, 3, 7]);
        assert_eq!(ids(&members.page(Order::Joined, From::After((10, 5)), 9)), [9, 3, 7]);
        assert_eq!(ids(&members.page(Order::Joined, From::Before((20, 3)), 9)), [9, 5]);
    }
}
