//! Owns who is in one list and since when. Ids are numbers in two ordered trees, so that a list of a million records costs
//! some tens of megabytes and a page of it costs the page. Who may be put in is the caller's to judge.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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

#[derive(Debug, Default)]
pub(crate) struct Members {
    by_id: BTreeMap<u64, Member>,
    by_time: BTreeSet<Place>,
    /// When those that left had come first.
    left: HashMap<u64, i64>,
    /// Members whose records lie in the recycle bin.
    away: HashMap<u64, Member>,
    pub(crate) added_ms: Option<i64>,
    pub(crate) removed_ms: Option<i64>,
}

impl Members {
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

    /// Whether it was not there already; who is stays since when it was.
    pub(crate) fn add(&mut self, id: u64, now_ms: i64) -> bool {
        if self.by_id.contains_key(&id) {
            return false;
        }
        self.away.remove(&id);
        let first_ms = self.left.remove(&id).unwrap_or(now_ms);
        self.put(id, Member { first_ms, joined_ms: now_ms });
        self.added_ms = Some(now_ms);
        true
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, id: u64, now_ms: i64) -> bool {
        let Some(member) = self.take(id) else {
            return false;
        };
        self.left.insert(id, member.first_ms);
        self.removed_ms = Some(now_ms);
        true
    }

    pub(crate) fn clear(&mut self, now_ms: i64) {
        let ids: Vec<u64> = self.ids().collect();
        for id in ids {
            self.remove(id, now_ms);
        }
    }

    /// Its record went to the recycle bin: out of the list, not out of mind.
    pub(crate) fn set_aside(&mut self, id: u64, now_ms: i64) {
        if let Some(member) = self.take(id) {
            self.away.insert(id, member);
            self.removed_ms = Some(now_ms);
        }
    }

    /// Its record came back from the recycle bin.
    pub(crate) fn bring_back(&mut self, id: u64, now_ms: i64) {
        if let Some(member) = self.away.remove(&id) {
            self.put(id, member);
            self.added_ms = Some(now_ms);
        }
    }

    /// Nothing of it is left.
    pub(crate) fn forget(&mut self, id: u64, now_ms: i64) {
        if self.take(id).is_some() {
            self.removed_ms = Some(now_ms);
        }
        self.left.remove(&id);
        self.away.remove(&id);
    }

    /// A merge: the survivor is in wherever one of the two was, since the earlier of them came.
    pub(crate) fn merge(&mut self, id: u64, survivor: u64, now_ms: i64) {
        let Some(member) = self.take(id) else {
            self.forget(id, now_ms);
            return;
        };
        let held = self.take(survivor).unwrap_or(member);
        self.left.remove(&survivor);
        let first_ms = member.first_ms.min(held.first_ms);
        self.put(survivor, Member { first_ms, joined_ms: member.joined_ms.min(held.joined_ms) });
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

    fn put(&mut self, id: u64, member: Member) {
        self.by_time.insert((member.joined_ms, id));
        self.by_id.insert(id, member);
    }

    fn take(&mut self, id: u64) -> Option<Member> {
        let member = self.by_id.remove(&id)?;
        self.by_time.remove(&(member.joined_ms, id));
        Some(member)
    }
}

#[cfg(test)]
mod tests {
    use super::{From, Members, Order};

    fn ids(page: &(Vec<(u64, super::Member)>, bool)) -> Vec<u64> {
        page.0.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn pages_go_both_ways_in_both_orders() {
        let mut members = Members::default();
        for (id, at) in [(5, 10), (3, 20), (9, 10), (7, 30)] {
            assert!(members.add(id, at));
        }
        let page = members.page(Order::Id, From::Start, 3);
        assert_eq!((ids(&page), page.1), (vec![3, 5, 7], true));
        assert_eq!(ids(&members.page(Order::Id, From::After((0, 7)), 3)), [9]);
        assert_eq!(ids(&members.page(Order::Id, From::Before((0, 9)), 2)), [7, 5]);
        assert_eq!(ids(&members.page(Order::Joined, From::Start, 9)), [5, 9, 3, 7]);
        assert_eq!(ids(&members.page(Order::Joined, From::After((10, 5)), 9)), [9, 3, 7]);
        assert_eq!(ids(&members.page(Order::Joined, From::Before((20, 3)), 9)), [9, 5]);
    }

    #[test]
    fn who_comes_again_keeps_the_first_time_and_who_returns_from_the_bin_keeps_both() {
        let mut members = Members::default();
        members.add(1, 10);
        assert!(!members.add(1, 11), "it is there already");
        members.remove(1, 20);
        assert!(!members.remove(1, 21), "it is gone already");
        members.add(1, 30);
        members.set_aside(1, 40);
        assert_eq!(members.get(1), None);
        members.bring_back(1, 50);
        assert_eq!(members.get(1), Some(super::Member { first_ms: 10, joined_ms: 30 }));
        assert_eq!(members.len(), 1);
    }

    #[test]
    fn a_survivor_is_in_since_the_earlier_of_the_two_came() {
        let mut members = Members::default();
        members.add(1, 10);
        members.add(2, 20);
        members.merge(2, 3, 30);
        members.merge(1, 3, 30);
        assert_eq!(members.ids().collect::<Vec<u64>>(), [3]);
        assert_eq!(members.get(3).map(|member| member.joined_ms), Some(10));
        assert_eq!(members.page(Order::Joined, From::Start, 9).0.len(), 1, "one place in time as well");
    }
}
