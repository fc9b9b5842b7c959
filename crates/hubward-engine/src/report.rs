//! What a run says of itself; the numbers behind `run --json`.

use hubward_core::OutcomeCounts;
use serde::Serialize;

use crate::association::AssociationCounts;
use crate::error::EngineError;

/// How a sync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every row is applied, unchanged or skipped.
    Ok,
    /// Finished, but some rows are invalid, rejected or deferred.
    Partial,
    /// Stopped before its end; what was not sent is deferred.
    Failed,
}

/// What the model holds, compared with the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    pub rows: u64,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    pub unchanged: u64,
}

/// Requests of one sync by kind, each attempt counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequestCounts {
    pub total: u64,
    pub upsert: u64,
    pub create: u64,
    pub update: u64,
    pub read: u64,
    pub search: u64,
    pub archive: u64,
    /// Associations written, removed and read.
    pub associate: u64,
    /// Event occurrences sent, and read back.
    pub event: u64,
    /// Lists made and read, and memberships changed and read.
    pub list: u64,
    /// Attempts that HubSpot answered with 429.
    pub throttled: u64,
    /// Attempts that repeated an earlier one.
    pub retried: u64,
}

/// One sync's part of a run.
#[derive(Clone, Debug)]
pub struct SyncReport {
    pub sync: String,
    pub status: Status,
    pub changes: Changes,
    pub outcomes: OutcomeCounts,
    pub associations: AssociationCounts,
    pub requests: RequestCounts,
    pub seconds: f64,
    pub error: Option<EngineError>,
    /// First reasons of deferred rows, and whatever else a person should know.
    pub notes: Vec<String>,
    /// Something was written to HubSpot, or may have been.
    pub sent: bool,
    pub interrupted: bool,
}
