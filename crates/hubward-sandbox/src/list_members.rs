//! Owns who is in one list, who was, and what a read sees of it. Who may be put in is the caller's to judge.

use std::collections::{HashMap, VecDeque};

use crate::list_roll::{Member, Roll};

/// The roll that reads see, some time behind the true one.
#[derive(Debug, Default)]
struct Behind {
    roll: Roll,
    /// Changes that reads do not see yet: when they will, and what a member is then.
    due: VecDeque<(i64, u64, Option<Member>)>,
}

#[derive(Debug, Default)]
pub(crate) struct Members {
    roll: Roll,
    /// Milliseconds until a read sees a change.
    lag_ms: i64,
    /// `None` while reads see every change at once.
    behind: Option<Behind>,
    /// When those that left had come first.
    left: HashMap<u64, i64>,
    /// Members whose records lie in the recycle bin.
    away: HashMap<u64, Member>,
    pub(crate) added_ms: Option<i64>,
    pub(crate) removed_ms: Option<i64>,
}

impl Members {
    pub(crate) fn lagging(lag_ms: i64) -> Members {
        let mut members = Members::default();
        members.lag(lag_ms);
        members
    }

    /// Who is there, whatever reads see.
    pub(crate) fn roll(&self) -> &Roll {
        &self.roll
    }

    /// What a read sees.
    pub(crate) fn seen(&mut self, now_ms: i64) -> &Roll {
        let Some(behind) = &mut self.behind else {
            return &self.roll;
        };
        while let Some((_, id, state)) = behind.due.pop_front_if(|(due, _, _)| *due <= now_ms) {
            match state {
                Some(member) => behind.roll.put(id, member),
                None => {
                    behind.roll.take(id);
                }
            }
        }
        &behind.roll
    }

    /// From now on reads see a change so much later; what was before, they see at once.
    pub(crate) fn lag(&mut self, lag_ms: i64) {
        self.lag_ms = lag_ms;
        self.behind = (lag_ms > 0).then(|| Behind { roll: self.roll.clone(), due: VecDeque::new() });
    }

    /// Reads see all that there is.
    pub(crate) fn show_all(&mut self) {
        self.lag(self.lag_ms);
    }

    /// Whether it was not there already; who is stays since when it was.
    pub(crate) fn add(&mut self, id: u64, now_ms: i64) -> bool {
        if self.roll.get(id).is_some() {
            return false;
        }
        self.away.remove(&id);
        let first_ms = self.left.remove(&id).unwrap_or(now_ms);
        self.put(id, Member { first_ms, joined_ms: now_ms }, now_ms);
        self.added_ms = Some(now_ms);
        true
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, id: u64, now_ms: i64) -> bool {
        let Some(member) = self.take(id, now_ms) else {
            return false;
        };
        self.left.insert(id, member.first_ms);
        self.removed_ms = Some(now_ms);
        true
    }

    pub(crate) fn clear(&mut self, now_ms: i64) {
        let ids: Vec<u64> = self.roll.ids().collect();
        for id in ids {
            self.remove(id, now_ms);
        }
    }

    /// Its record went to the recycle bin: out of the list, not out of mind.
    pub(crate) fn set_aside(&mut self, id: u64, now_ms: i64) {
        if let Some(member) = self.take(id, now_ms) {
            self.away.insert(id, member);
            self.removed_ms = Some(now_ms);
        }
    }

    /// Its record came back from the recycle bin.
    pub(crate) fn bring_back(&mut self, id: u64, now_ms: i64) {
        if let Some(member) = self.away.remove(&id) {
            self.put(id, member, now_ms);
            self.added_ms = Some(now_ms);
        }
    }

    /// Nothing of it is left.
    pub(crate) fn forget(&mut self, id: u64, now_ms: i64) {
        if self.take(id, now_ms).is_some() {
            self.removed_ms = Some(now_ms);
        }
        self.left.remove(&id);
        self.away.remove(&id);
    }

    /// A merge: the survivor is in wherever one of the two was, since the earlier of them came.
    pub(crate) fn merge(&mut self, id: u64, survivor: u64, now_ms: i64) {
        let Some(member) = self.take(id, now_ms) else {
            self.forget(id, now_ms);
            return;
        };
        let held = self.take(survivor, now_ms).unwrap_or(member);
        self.left.remove(&survivor);
        let first_ms = member.first_ms.min(held.first_ms);
        let joined_ms = member.joined_ms.min(held.joined_ms);
        self.put(survivor, Member { first_ms, joined_ms }, now_ms);
    }

    fn put(&mut self, id: u64, member: Member, now_ms: i64) {
        self.roll.put(id, member);
        self.later(id, Some(member), now_ms);
    }

    fn take(&mut self, id: u64, now_ms: i64) -> Option<Member> {
        let member = self.roll.take(id)?;
        self.later(id, None, now_ms);
        Some(member)
    }

    fn later(&mut self, id: u64, state: Option<Member>, now_ms: i64) {
        if let Some(behind) = &mut self.behind {
            behind.due.push_back((now_ms + self.lag_ms, id, state));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Members;
    use crate::list_roll::{From, Member, Order};

    #[test]
    fn who_comes_again_keeps_the_first_time_and_who_returns_from_the_bin_keeps_both() {
        let mut members = Members::default();
        members.add(1, 10);
        assert!(!members.add(1, 11), "it is there already");
        members.remove(1, 20);
        assert!(!members.remove(1, 21), "it is gone already");
        members.add(1, 30);
        members.set_aside(1, 40);
        assert_eq!(members.roll().get(1), None);
        members.bring_back(1, 50);
        assert_eq!(members.roll().get(1), Some(Member { first_ms: 10, joined_ms: 30 }));
        assert_eq!(members.roll().len(), 1);
    }

    #[test]
    fn a_survivor_is_in_since_the_earlier_of_the_two_came() {
        let mut members = Members::default();
        members.add(1, 10);
        members.add(2, 20);
        members.merge(2, 3, 30);
        members.merge(1, 3, 30);
        assert_eq!(members.roll().ids().collect::<Vec<u64>>(), [3]);
        assert_eq!(members.roll().get(3).map(|member| member.joined_ms), Some(10));
        assert_eq!(members.roll().page(Order::Joined, From::Start, 9).0.len(), 1, "one place in time as well");
    }

    #[test]
    fn a_read_sees_a_change_when_the_lag_is_over_and_not_before() {
        let mut members = Members::lagging(10);
        members.add(1, 0);
        members.add(2, 5);
        members.remove(1, 8);
        let mut seen = |now_ms| members.seen(now_ms).ids().collect::<Vec<u64>>();
        assert_eq!((seen(9), seen(10), seen(15), seen(18)), (vec![], vec![1], vec![1, 2], vec![2]));
    }
}
