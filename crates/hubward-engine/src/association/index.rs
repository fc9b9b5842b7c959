//! Records that another sync of this project has written, by their match value: the other sync's ledger, or the sync's own.

use hubward_store::{EntryHead, Ledger};

/// Entries that are indexed at most: 64 MB. Above, targets are looked up in HubSpot.
pub(crate) const ENTRIES_MAX: u64 = 4_000_000;

/// Hash of the match value → record id.
#[derive(Debug, Default)]
pub(crate) struct Index(Vec<(u64, u64)>);

impl Index {
    /// None where the ledger is too large.
    pub(crate) fn of(ledger: &Ledger) -> Option<Self> {
        Self::of_those(ledger, |_| true)
    }

    /// Of the entries that are `wanted`. None where the ledger is too large.
    pub(crate) fn of_those(ledger: &Ledger, wanted: impl Fn(&EntryHead) -> bool) -> Option<Self> {
        if ledger.len() > ENTRIES_MAX {
            return None;
        }
        let mut pairs = Vec::with_capacity(usize::try_from(ledger.len()).unwrap_or_default());
        ledger.for_each(|head| {
            if head.record_id != 0 && head.match_hash != 0 && wanted(head) {
                pairs.push((head.match_hash, head.record_id));
            }
        });
        pairs.sort_unstable();
        pairs.dedup();
        Some(Self(pairs))
    }

    /// The record of this match value; none where there is none, or more than one.
    pub(crate) fn get(&self, match_hash: u64) -> Option<u64> {
        let at = self.0.partition_point(|(hash, _)| *hash < match_hash);
        let (hash, id) = *self.0.get(at)?;
        let next = self.0.get(at + 1).map(|(hash, _)| *hash);
        (hash == match_hash && next != Some(match_hash)).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_two_rows_have_is_left_to_hubspot() {
        let index = Index(vec![(1, 10), (2, 20), (2, 21), (5, 50)]);
        assert_eq!([0, 1, 2, 3, 5, 9].map(|hash| index.get(hash)), [None, Some(10), None, None, Some(50), None]);
    }
}
