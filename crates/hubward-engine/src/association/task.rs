//! One row on its way through the association stage.

use std::collections::BTreeSet;

use hubward_core::association::Kind;
use hubward_core::{Outcome, Reason};
use hubward_store::Change;

use crate::association::Stand;
use crate::tally::Ticket;

/// One record that a row names.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    /// Position of its declaration.
    pub(crate) declaration: usize,
    /// As the row has it.
    pub(crate) value: String,
    /// As HubSpot compares it.
    pub(crate) folded: String,
    pub(crate) kinds: BTreeSet<Kind>,
    /// The row says which labels the pair has, and others are to go.
    pub(crate) exact: bool,
    pub(crate) target: Target,
}

/// What is known of the record that a row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Unknown,
    Record(u64),
    /// HubSpot has no such record. `sure` unless only search was asked, which lags behind.
    Missing {
        sure: bool,
    },
    /// It cannot be told which record, or the value itself was refused.
    Refused(Reason),
    /// It was not found out.
    Failed(String),
}

/// A row with association work.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) position: usize,
    pub(crate) stand: Stand,
    pub(crate) key: u128,
    pub(crate) key_text: String,
    pub(crate) fingerprint: u64,
    /// Hash of what it asks for.
    pub(crate) wanted: u64,
    /// What the ledger has as confirmed.
    pub(crate) before: u64,
    pub(crate) record_id: u64,
    /// Its record has no associations that we know of: it was made in this run, and nothing has been associated since.
    pub(crate) fresh: bool,
    pub(crate) wants: Vec<Want>,
    pub(crate) created: u64,
    pub(crate) removed: u64,
    /// What HubSpot refused, the first of it.
    pub(crate) rejected: Option<Reason>,
    /// Why it is not decided.
    pub(crate) deferred: Option<String>,
    /// HubSpot does not know the row's own record any more.
    pub(crate) gone: bool,
    pub(crate) ticket: Ticket,
}

impl Task {
    fn is_complete(&self) -> bool {
        self.rejected.is_none()
            && self.deferred.is_none()
            && !self.gone
            && self.wants.iter().all(|want| matches!(want.target, Target::Record(_)))
    }

    /// What the ledger is to note: confirmed, or still open and looked at again by the next scan.
    pub(crate) fn change(&self) -> Option<Change> {
        let (key, fingerprint) = (self.key, self.fingerprint);
        if self.is_complete() {
            return Some(Change::Associated { key, fingerprint, associated: self.wanted });
        }
        if self.gone {
            // Whatever the ledger says of the record is void: the next run writes the row anew.
            return Some(crate::doubt::doubt(key, fingerprint));
        }
        Some(Change::Associated { key, fingerprint: !fingerprint, associated: self.before })
    }

    /// The row's word: what is undecided or refused first, then whether anything was written.
    pub(crate) fn outcome(&self) -> (Outcome, Option<Reason>) {
        if self.gone {
            let text = format!("record {} is gone in HubSpot; the next run writes the row anew", self.record_id);
            return (Outcome::Deferred, Some(Reason::new("RECORD_GONE", text)));
        }
        if let Some(why) = &self.deferred {
            return (Outcome::Deferred, Some(Reason::new("DEFERRED", why.clone())));
        }
        if let Some(reason) = &self.rejected {
            return (Outcome::Rejected, Some(reason.clone()));
        }
        let wrote = self.created + self.removed > 0;
        let properties = matches!(self.stand, Stand::Settled | Stand::Fresh | Stand::WaitingApplied);
        (if wrote || properties { Outcome::Applied } else { Outcome::Unchanged }, None)
    }
}
