//! What a project declares, checked and free of YAML: sources, models, syncs. `hubward-project` makes these, the engine
//! and the sources read them.

mod action;
mod event;
mod list;

use std::path::PathBuf;

pub use action::{Action, MappingFinding, MappingPlace, MappingSpec, SyncMode};
pub use event::{ContactColumn, ContactKey, EventName, EventSubject, EventSync};
pub use list::{ListMode, ListSync, ListTarget};
use secrecy::SecretString;

/// Where something was declared, for messages: file as the user wrote it (relative to the project), 1-based line and column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    pub file: String,
    pub line: u32,
    pub column: u32,
}

/// A configured place that rows are read from. Paths are absolute or relative to the working directory: `hubward-project`
/// has already resolved them against the project's folder.
#[derive(Clone, Debug)]
pub enum SourceSpec {
    Sqlite { path: PathBuf },
    Postgres { url: SecretString },
    Files { root: PathBuf },
    Adbc { driver: String, entrypoint: Option<String>, options: Vec<(String, SecretString)> },
}

/// A named query on a source, with a primary key.
#[derive(Clone, Debug)]
pub struct Model {
    pub name: String,
    pub source: String,
    pub query: ModelQuery,
    /// Column names, one or more.
    pub primary_key: Vec<String>,
    pub at: Location,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelQuery {
    Sql(String),
    Table(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Upsert,
    Update,
    Insert,
}

/// How a row finds its record. `property` is HubSpot's internal name, or `id` for the record id (mode update only).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub column: String,
    pub property: String,
    pub at: Location,
}

impl Match {
    /// A match that was declared nowhere.
    #[must_use]
    pub fn new(column: &str, property: &str) -> Self {
        Self { column: column.to_owned(), property: property.to_owned(), at: Location::default() }
    }
}

/// Where a mapped value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum MapSource {
    Column(String),
    /// A constant, as YAML had it.
    Value(crate::Value),
    /// A Liquid template; `row` is the row.
    Template(String),
}

/// `type:` of a map entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conversion {
    /// To what the property's type in HubSpot accepts.
    #[default]
    Auto,
    Date,
    DateTime,
    /// Send the value's text as it is.
    Raw,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteRule {
    #[default]
    Always,
    IfEmpty,
    Append,
}

/// One entry of `map:`: one property.
#[derive(Clone, Debug, PartialEq)]
pub struct MapEntry {
    pub property: String,
    pub source: MapSource,
    pub conversion: Conversion,
    pub write: WriteRule,
    pub force: bool,
    pub at: Location,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nulls {
    /// A value that we wrote and that turned NULL is cleared; one that was never ours is left alone.
    #[default]
    Auto,
    /// NULL never writes.
    Keep,
    /// NULL always clears.
    Clear,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRemoved {
    #[default]
    Keep,
    Clear,
    Delete,
}

/// How many rows may leave a model in one run before the run stops and asks, where their records would be touched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RemovalLimit {
    /// A fraction (0 < x ≤ 1) of the rows that the sync knows.
    Share(f64),
    Rows(u64),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    #[default]
    Ledger,
    HubSpot,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    #[default]
    Adopt,
    Reject,
}

/// What a row does whose record is known and whose match value has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMatchChange {
    /// Its record stays its record and gets the new value.
    #[default]
    Keep,
    /// The record with the new value becomes its record, or is made; the old one is left as it is.
    Rematch,
}

/// A declared association to another object type.
#[derive(Clone, Debug, PartialEq)]
pub struct AssociationSpec {
    pub to: String,
    pub match_: Match,
    pub label: Option<String>,
    pub overwrite: bool,
    pub at: Location,
}

/// A sync of rows to records of one object type.
#[derive(Clone, Debug)]
pub struct ObjectSync {
    pub name: String,
    pub model: String,
    /// As written: a name, a label, a type id (`0-1`) or a fully qualified name.
    pub object: String,
    pub object_at: Location,
    pub mode: Mode,
    pub match_: Match,
    pub map: Vec<MapEntry>,
    pub associations: Vec<AssociationSpec>,
    pub on_removed: OnRemoved,
    /// `max_removals:` of the sync, else `removal_limit:` of the project; none: the engine's default of 20 %.
    pub max_removals: Option<RemovalLimit>,
    pub nulls: Nulls,
    pub split_retries: bool,
    pub compare: Compare,
    pub on_conflict: OnConflict,
    pub on_match_change: OnMatchChange,
    pub after: Vec<String>,
    pub at: Location,
}

impl ObjectSync {
    /// An upsert of `model` to records of `object`, called as its model is: nothing mapped yet, and every other key at its
    /// default.
    #[must_use]
    pub fn new(model: &str, object: &str, match_: Match) -> Self {
        Self {
            name: model.to_owned(),
            model: model.to_owned(),
            object: object.to_owned(),
            object_at: Location::default(),
            mode: Mode::Upsert,
            match_,
            map: Vec::new(),
            associations: Vec::new(),
            on_removed: OnRemoved::default(),
            max_removals: None,
            nulls: Nulls::default(),
            split_retries: true,
            compare: Compare::default(),
            on_conflict: OnConflict::default(),
            on_match_change: OnMatchChange::default(),
            after: Vec::new(),
            at: Location::default(),
        }
    }
}

/// One sync, by what it reaches.
#[derive(Clone, Debug)]
pub enum SyncSpec {
    Object(ObjectSync),
    Event(EventSync),
    List(ListSync),
}

impl SyncSpec {
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Object(sync) => &sync.name,
            Self::Event(sync) => &sync.name,
            Self::List(sync) => &sync.name,
        }
    }

    #[must_use]
    pub fn model(&self) -> &str {
        match self {
            Self::Object(sync) => &sync.model,
            Self::Event(sync) => &sync.model,
            Self::List(sync) => &sync.model,
        }
    }

    /// `after:` as written.
    #[must_use]
    pub fn after(&self) -> &[String] {
        match self {
            Self::Object(sync) => &sync.after,
            Self::Event(sync) => &sync.after,
            Self::List(sync) => &sync.after,
        }
    }

    #[must_use]
    pub fn at(&self) -> &Location {
        match self {
            Self::Object(sync) => &sync.at,
            Self::Event(sync) => &sync.at,
            Self::List(sync) => &sync.at,
        }
    }
}
