//! The event door: receiving events, what decides whether a mapping fires, and what it makes of an event.
//!
//! Owns Segment's tracking API over HTTP ([`receive`]), the trigger language ([`fql`]) and the directives of mappings
//! ([`directives`]). Leaves to the caller: keeping events (`hubward_store::spool`), the clock, randomness. Apart from
//! [`receive`] there is no I/O in here.

pub mod actions;
pub mod deliver;
pub mod directives;
pub mod fql;
pub mod receive;
