//! The sandbox against HubSpot's fidelity checklist (api.md section 16), driven in process and over a real socket.
//!
//! One test an item, named after it.

mod association_types;
mod associations;
mod batches;
mod conformance;
mod control;
mod event_definitions;
mod event_reads;
mod events;
mod harness;
mod identity;
mod limits;
mod list_members;
mod lists;
mod merging;
mod oauth;
mod object_types;
mod pipelines;
mod properties;
mod refusals;
mod schemas;
mod search;
mod socket;
mod values;
