//! What Hubward remembers between runs, on the local disk.
//!
//! - [`ledger`]: what HubSpot has confirmed, by row key; one folder for each account and sync. This is the only state whose
//!   loss would cause repeated work, so every acknowledged change is on the disk before the call returns.
//! - [`state`]: one SQLite file for a project: runs, rejected rows, the request log, cached metadata.
//! - [`spool`]: events that were accepted and are not yet delivered.
//! - [`grants`]: refresh tokens that HubSpot gave in place of configured ones. The one secret that is kept, in a file of its own.
//! - [`lock`]: one run of a project at a time, and who holds it.
//!
//! Every call blocks, those of the spool apart; an async caller runs it on a thread of its own. Nothing here reads the
//! environment, the clock or a random number: paths and times are arguments. Secrets must not arrive here, [`grants`] and the
//! address of the spool's server aside: the caller redacts request and response
//! bodies before they are logged, because this crate cannot know which bytes are secret.
//!
//! The files are little-endian. The crate needs a Unix system (positioned reads, `flock`).

pub mod error;
mod files;
pub mod grants;
pub mod ledger;
pub mod lock;
pub mod spool;
pub mod state;

pub use error::StoreError;
pub use grants::KeptGrant;
pub use ledger::{Change, Entry, EntryHead, Intent, Intents, Ledger, LedgerMeta, LedgerOptions, Payload, Probe, Step};
pub use lock::{Holder, LockError, ProjectLock};
pub use spool::{
    Appended, Depth, EmbeddedOptions, EmbeddedSpool, NatsOptions, NatsSpool, NewEvent, Roles, Spool, SpoolError,
    SpoolFuture, Stored,
};
pub use state::{
    Issue, IssueRow, Metadata, RejectedEvent, RejectedEventRow, RequestFilter, RequestRecord, RequestRow, RunRow,
    RunStart, StateDb, StateOptions, SyncRunRow, Waiting, WaitingRow,
};
