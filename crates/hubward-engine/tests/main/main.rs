//! The corridor against the sandbox, in process, on a paused clock. After every run the sandbox's records are compared
//! with the source; the report is only ever compared with what is known from both.

mod associations;
mod associations_before;
mod associations_faults;
mod associations_insert;
mod associations_missing;
mod associations_overwrite;
mod associations_values;
mod client_calls;
mod compare;
mod compare_wide;
mod costs;
mod dates;
mod edges;
mod events;
mod events_faults;
mod faults;
mod harness;
mod identity;
mod list_world;
mod lists;
mod lists_account;
mod lists_exclusive;
mod lists_faults;
mod modes;
mod oauth;
mod objects;
mod once;
mod preflight;
mod remembered;
mod removals;
mod removals_invalid;
mod reverted;
mod rows;
mod schema;
mod schema_events;
