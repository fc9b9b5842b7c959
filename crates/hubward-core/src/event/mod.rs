//! Custom events (api.md 9): from a row to one occurrence, and every reason why it cannot be one.
//!
//! Left to the caller: which rows have been sent already, reading the account's definitions, batches, sending, and what an
//! answer means.

mod identity;
mod mapping;
mod names;
mod subject;
mod time;

#[cfg(test)]
mod tests;

pub use identity::EventIds;
pub use mapping::{EventMapping, MappedEvent};
pub use names::{EventDef, SubjectType};
pub use time::occurred_at;

/// Occurrences that an account may have in a calendar month (api.md 9.2, 11.1).
pub const OCCURRENCES_A_MONTH: u64 = 30_000_000;
/// Properties of one occurrence (api.md 9.2).
pub const PROPERTIES_MAX: usize = 50;
/// Characters of a property's value (api.md 9.2).
pub const VALUE_CHARS_MAX: usize = 256;
/// Characters of a web address or referrer (api.md 9.2).
pub const URL_CHARS_MAX: usize = 1_024;
