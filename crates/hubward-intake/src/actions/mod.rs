//! The actions: what a mapping asks of the account for an event.
//!
//! Owns the six actions with their fields, default mappings and triggers, and the way from an event to an [`Intent`]:
//! the trigger, the directives, the removal of empty values, the checks and coercions of every field, the names that
//! events and properties get. Leaves to the delivery: everything that has to be asked of the account.

mod intent;

pub use intent::{
    ContactLink, EventIntent, EventName, Find, Intent, Link, ListWish, OnFound, OnMissing, Origin, RecordIntent,
    Refusal, SearchField, Subject, User, Verdict, Warning, Wish, Wishes,
};

/// The property that holds a company's id in the application (`hasUniqueValue`); created where it is missing.
pub const GROUP_ID: &str = "segment_group_id";
