//! List syncs: rows become members of a list, as an exact set.
//!
//! A run has two passes over the rows that differ from the ledger. The first finds the record of each (ledger, ledger of an
//! object sync, HubSpot) and notes durably which records are about to join; the second sends the difference, ten thousand
//! ids a request, and notes what HubSpot confirmed. Because a record is noted before it is added, a run that was killed in
//! between leaves nothing on the list that no later run would take off again.
//!
//! Memory: 8 bytes for each row that differs and, where rows leave, 8 bytes for each row of the model; 40 bytes for each
//! row whose remembered record HubSpot does not know any more. Everything else is bounded by the requests in flight.

mod check;
mod desk;
mod doubt;
mod find;
mod make;
mod merges;
mod operations;
mod plan;
mod prepare;
mod preview;
mod ready;
mod resolve;
mod rows;
mod run;
mod send;
mod settle;
mod target;

pub(crate) use target::{holds_memberships, other_kind};
