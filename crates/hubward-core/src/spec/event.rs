//! What an event sync declares.

use super::{Location, MapEntry};

/// A sync of rows to occurrences of a custom event. Rows are sent once, by primary key.
#[derive(Clone, Debug)]
pub struct EventSync {
    pub name: String,
    pub model: String,
    pub event: EventName,
    /// Column with the time of the event; without it HubSpot takes the time of arrival (api.md 9).
    pub occurred_at: Option<String>,
    pub subject: EventSubject,
    /// Event properties. `write` and `force` keep their defaults: an occurrence is never updated.
    pub map: Vec<MapEntry>,
    pub after: Vec<String>,
    pub at: Location,
}

/// Which event definition a row belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventName {
    /// Short name, label or fully qualified name, the same for every row.
    Name { name: String, at: Location },
    /// A column that holds one of them.
    Column { column: String, at: Location },
}

/// Whose event it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSubject {
    /// One or more ways to name the contact; HubSpot takes the first of record id, e-mail and user token that a row has
    /// (api.md 9.2).
    Contact { keys: Vec<ContactColumn> },
    /// A record of another type, by record id.
    Record { object: String, column: String, at: Location },
}

/// One way to name the contact of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactColumn {
    pub by: ContactKey,
    pub column: String,
    pub at: Location,
}

/// How an event names its contact (api.md 9: `email`, `objectId`, `utk`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactKey {
    Email,
    Id,
    Utk,
}
