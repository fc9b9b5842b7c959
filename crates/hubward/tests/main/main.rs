//! The whole program: the real command, a real project, and a sandbox in a process of its own.

mod airbyte;
mod apply_schema;
mod associations;
mod bad_input;
mod chinook;
mod chinook_events;
mod clients;
mod day;
mod delivered;
mod event_chaos;
mod explain;
mod intake;
mod interrupted;
mod map;
mod oauth;
mod projects;
mod removals;
mod runs;
mod schema_events;
mod segment;
mod segment_delivered;
mod server;
mod support;
mod triggers;
