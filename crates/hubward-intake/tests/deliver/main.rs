//! The delivery against the sandbox, in process, on a paused clock. After every test the sandbox's records are compared with
//! what the events ask for.

mod companies;
mod contacts;
mod custom_events;
mod harness;
mod objects;
mod worker;
