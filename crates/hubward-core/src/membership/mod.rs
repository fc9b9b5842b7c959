//! Who is to be a member of a list, and what HubSpot's answer means for a row: the pure rules of list syncs.
//!
//! Owns how the ledger remembers a row's membership ([`Standing`], [`Matcher`], the ids that a row still owes), which record
//! a changed row gives up, and what a membership answer says of one id. Which list it is stands in [`target`]; finding
//! records, requests and the ledger itself are left to the engine.

mod target;

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64;

pub use target::{FoundList, KnownList, MANUAL, Misfit, fits, same_name};

use crate::spec::ListMode;

/// How the record of a row stands with the list, as far as HubSpot has confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The record is known; nothing was asked of the list.
    Known = 0,
    /// It is about to be added, or was and the answer is not recorded: it may be a member by this sync.
    Joining = 1,
    /// It is a member.
    Member = 2,
    /// It was taken off the list (mode remove).
    Off = 3,
}

const STANDING_BITS: u64 = 0b11;

impl Standing {
    /// From what the ledger holds.
    #[must_use]
    pub fn of(mark: u64) -> Self {
        match mark & STANDING_BITS {
            0 => Self::Known,
            1 => Self::Joining,
            2 => Self::Member,
            _ => Self::Off,
        }
    }

    /// Whether the record may be on the list because of its row.
    #[must_use]
    pub fn may_be_in(self) -> bool {
        matches!(self, Self::Joining | Self::Member)
    }

    /// Where a row ends in this mode.
    #[must_use]
    pub fn wanted(mode: ListMode) -> Self {
        match mode {
            ListMode::Mirror | ListMode::Add => Self::Member,
            ListMode::Remove => Self::Off,
        }
    }
}

/// What rows are matched by: a record that was found by another property, or in another object type, tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matcher(u64);

impl Matcher {
    #[must_use]
    pub fn new(object_type_id: &str, property: &str) -> Self {
        Self(xxh3_64(format!("{object_type_id} {property}").as_bytes()) & !STANDING_BITS)
    }

    /// One word for the ledger: what the record was found by, and how it stands.
    #[must_use]
    pub fn mark(self, standing: Standing) -> u64 {
        self.0 | standing as u64
    }

    /// Whether the record of a row with this mark was found by the same property.
    #[must_use]
    pub fn knows(self, mark: u64) -> bool {
        mark & !STANDING_BITS == self.0
    }
}

/// What the ledger holds of a row's membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    pub standing: Standing,
    /// 0 where it is unknown.
    pub record_id: u64,
    /// Records that earlier versions of the row named and that are still to be taken off.
    pub owed: Vec<u64>,
}

/// The records that a row gives up, now that it names `now` (none: it names no record). Only mode mirror takes records off
/// that rows no longer name.
#[must_use]
pub fn owes(mode: ListMode, before: Option<&Before>, now: Option<u64>) -> Vec<u64> {
    let Some(before) = before.filter(|_| mode == ListMode::Mirror) else { return Vec::new() };
    let mut owed = before.owed.clone();
    if before.standing.may_be_in() && before.record_id != 0 {
        owed.push(before.record_id);
    }
    owed.retain(|id| Some(*id) != now);
    owed.sort_unstable();
    owed.dedup();
    owed
}

/// Ids as bytes, eight each.
#[must_use]
pub fn owed_bytes(ids: &[u64]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.to_le_bytes()).collect()
}

/// What [`owed_bytes`] wrote.
#[must_use]
pub fn owed_ids(bytes: &[u8]) -> Vec<u64> {
    let (ids, _) = bytes.as_chunks::<8>();
    ids.iter().map(|id| u64::from_le_bytes(*id)).collect()
}

/// What an answer says of one id that was to join, or to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// HubSpot changed its membership.
    Done,
    /// Nothing was to be done: it was a member already, or none.
    Already,
    /// HubSpot has no such record.
    Missing,
}

/// Reads an answer (api.md 8.2): an id that stands in neither list was so already. After a repeated request that may be our
/// own doing, so it counts as done.
#[must_use]
pub fn word(id: u64, changed: &HashSet<u64>, missing: &HashSet<u64>, repeated: bool) -> Word {
    if changed.contains(&id) {
        Word::Done
    } else if missing.contains(&id) {
        Word::Missing
    } else if repeated {
        Word::Done
    } else {
        Word::Already
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_how_the_record_was_found_and_how_it_stands() {
        let (email, number) = (Matcher::new("0-1", "email"), Matcher::new("0-1", "customer_no"));
        for standing in [Standing::Known, Standing::Joining, Standing::Member, Standing::Off] {
            assert_eq!(Standing::of(email.mark(standing)), standing);
            assert!(email.knows(email.mark(standing)) && !number.knows(email.mark(standing)));
        }
        assert_ne!(Matcher::new("0-1", "email"), Matcher::new("0-2", "email"));
    }

    fn before(standing: Standing, record_id: u64, owed: &[u64]) -> Before {
        Before { standing, record_id, owed: owed.to_vec() }
    }

    #[test]
    fn a_row_gives_up_every_record_it_may_have_put_on_the_list_but_the_one_it_names() {
        let member = before(Standing::Member, 7, &[]);
        assert_eq!(owes(ListMode::Mirror, Some(&member), Some(8)), [7]);
        assert!(owes(ListMode::Mirror, Some(&member), Some(7)).is_empty());
        assert_eq!(owes(ListMode::Mirror, Some(&member), None), [7]);
        let unsettled = before(Standing::Joining, 9, &[7, 5]);
        assert_eq!(owes(ListMode::Mirror, Some(&unsettled), Some(10)), [5, 7, 9]);
        assert_eq!(owes(ListMode::Mirror, Some(&unsettled), Some(7)), [5, 9]);
    }

    #[test]
    fn what_was_never_put_on_the_list_is_not_given_up_and_only_mirror_takes_off() {
        assert!(owes(ListMode::Mirror, Some(&before(Standing::Known, 7, &[])), Some(8)).is_empty());
        assert!(owes(ListMode::Mirror, Some(&before(Standing::Off, 7, &[])), Some(8)).is_empty());
        assert!(owes(ListMode::Mirror, Some(&before(Standing::Member, 0, &[])), None).is_empty());
        assert!(owes(ListMode::Mirror, None, Some(8)).is_empty());
        for mode in [ListMode::Add, ListMode::Remove] {
            assert!(owes(mode, Some(&before(Standing::Member, 7, &[3])), Some(8)).is_empty());
        }
    }

    #[test]
    fn owed_ids_come_back_from_their_bytes() {
        for ids in [vec![], vec![1], vec![u64::MAX, 0, 42]] {
            assert_eq!(owed_ids(&owed_bytes(&ids)), ids);
        }
    }

    #[test]
    fn an_id_in_neither_list_was_so_already_unless_the_request_was_repeated() {
        let (changed, missing) = (HashSet::from([1]), HashSet::from([2]));
        let words = |repeated| [1, 2, 3].map(|id| word(id, &changed, &missing, repeated));
        assert_eq!(words(false), [Word::Done, Word::Missing, Word::Already]);
        assert_eq!(words(true), [Word::Done, Word::Missing, Word::Done]);
    }
}
