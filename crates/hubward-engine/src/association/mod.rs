//! Associations: the second half of a sync's way.
//!
//! Rows whose properties HubSpot has confirmed go through here, block after block, once every row of the sync has its record:
//! the records that they name are found (ledger, batch read, search), what their own records hold already is read where that
//! decides something, the difference is written in full requests, and the ledger notes what HubSpot confirmed. A row whose
//! associations are open has a fingerprint in the ledger that the next scan does not take for its own, so a kill at any
//! moment leaves association work only; and associating twice is idempotent (api.md 7.3).

mod both_ends;
mod compile;
mod existing;
mod find;
mod group;
mod index;
mod links;
mod open;
mod preview;
mod run;
pub(crate) mod send;
mod stage;
mod targets;
mod task;

pub(crate) use compile::Associations;
pub(crate) use find::LookUp;
pub(crate) use index::Index;
pub(crate) use links::Links;
pub(crate) use open::{Open, Stand};
pub(crate) use run::Rest;
pub(crate) use stage::{Stage, Staged, State, defer_due};
pub(crate) use task::{Target, Want};

/// What the ledger's `associated` says of a record that the sync found and left alone (mode insert): it is not ours to
/// associate.
pub(crate) const NOT_OURS: u64 = u64::MAX;

/// Associations of one sync in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct AssociationCounts {
    /// Pairs that HubSpot associated, or gave a label.
    pub created: u64,
    /// Pairs that it took apart, or took a label off.
    pub removed: u64,
    /// Records that rows name and HubSpot does not have, once for each row that names one.
    pub missing_target: u64,
}
