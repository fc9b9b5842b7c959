//! The event door's pure parts: what decides whether a mapping fires, and what it makes of an event.
//!
//! Owns the trigger language ([`fql`]) and the directives of mappings ([`directives`]). Leaves to the caller: receiving
//! events, keeping them, sending what comes of them. There is no I/O, no clock and no randomness in here.

pub mod actions;
pub mod deliver;
pub mod directives;
pub mod fql;
