//! What the rows of a plan ask for, counted before anything is sent.

use std::collections::HashSet;

use hubward_core::fingerprint::match_hash;
use hubward_hubspot::requests::{ASSOCIATION_BATCH_MAX, ASSOCIATION_READ_MAX};

use crate::association::Associations;
use crate::association::task::Want;
use crate::corridor::BATCH_ROWS_MAX;
use crate::report::RequestCounts;
use crate::strategy::MatchKind;

/// Different values that are told apart, in 16 MB; what goes beyond is taken for known.
const VALUES_MAX: usize = 1_000_000;

/// Pairs, and what has to be asked for them.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// Rows with associations to be written.
    pub(crate) rows: u64,
    /// Pairs, by group.
    pairs: Vec<u64>,
    /// Records whose associations are read first, by group.
    reads: Vec<u64>,
    values: HashSet<u64>,
    unique: u64,
    searched: u64,
}

impl Links {
    /// Counts one row; `made_now` where its record does not exist yet.
    pub(crate) fn note(&mut self, associations: &Associations, wants: &[Want], made_now: bool) {
        self.rows += 1;
        let groups = associations.groups.len();
        self.pairs.resize(groups, 0);
        self.reads.resize(groups, 0);
        let mut named = vec![false; groups];
        for want in wants {
            let declaration = &associations.declarations[want.declaration];
            self.pairs[declaration.group] += 1;
            named[declaration.group] = true;
            let name = match_hash(&format!("{} {}", declaration.look_up, want.folded));
            if declaration.way == MatchKind::Id || self.values.len() >= VALUES_MAX || !self.values.insert(name) {
                continue;
            }
            match declaration.way {
                MatchKind::Search => self.searched += 1,
                MatchKind::Unique | MatchKind::Id => self.unique += 1,
            }
        }
        for (group, named) in named.into_iter().enumerate() {
            self.reads[group] += u64::from(!made_now && (named || associations.groups[group].rule.removes()));
        }
    }

    /// Adds the requests to those of a plan. Records that a ledger knows are counted as if they had to be looked up.
    pub(crate) fn add_to(&self, counts: &mut RequestCounts) {
        let requests =
            |inputs: &[u64], size: usize| inputs.iter().map(|count| count.div_ceil(size as u64)).sum::<u64>();
        counts.read += self.unique.div_ceil(BATCH_ROWS_MAX as u64);
        counts.search += self.searched.div_ceil(BATCH_ROWS_MAX as u64);
        counts.associate += requests(&self.pairs, ASSOCIATION_BATCH_MAX) + requests(&self.reads, ASSOCIATION_READ_MAX);
    }
}
