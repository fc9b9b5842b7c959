//! The actions: what a mapping asks of the account for an event.
//!
//! Owns the six actions with their fields, default mappings and triggers, and the way from an event to an [`Intent`]:
//! the trigger, the directives, the removal of empty values, the checks and coercions of every field, the names that
//! events and properties get. Leaves to the delivery: everything that has to be asked of the account.

mod check;
mod defaults;
mod events;
mod fields;
mod find;
mod intent;
mod mapping;
mod merge;
mod names;
mod new_property;
mod payload;
mod upsert_company;
mod upsert_contact;
mod upsert_custom_object;
mod upsert_object;
mod wishes;

pub use check::check;
pub use defaults::default_mapping;
pub use intent::{
    ContactLink, EventIntent, EventName, Find, Intent, Link, ListWish, OnFound, OnMissing, Origin, RecordIntent,
    Refusal, SearchField, Subject, User, Verdict, Warning, Wish, Wishes,
};
pub use mapping::{ActiveMapping, ReceivedEvent};
pub use merge::RecordKey;
pub use new_property::NewProperty;

/// The property that holds a company's id in the application (`hasUniqueValue`); created where it is missing.
pub const GROUP_ID: &str = "segment_group_id";
