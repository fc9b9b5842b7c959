//! What a checked project holds beyond the words of `hubward_core::spec`: accounts, event and list syncs, schedules.
//! Everything here has passed every check that needs no connection; nothing here knows YAML.

use std::time::Duration;

use hubward_core::SecretString;
use hubward_core::declared::DeclaredType;
use hubward_core::spec::{Location, MapEntry, Match, Model, ObjectSync, SourceSpec};

/// A project whose files are free of errors.
#[derive(Clone, Debug)]
pub struct Project {
    /// `name:`, or the name of the project's folder.
    pub name: String,
    /// At least one, in the order of the file.
    pub accounts: Vec<AccountSpec>,
    /// Name, specification and place of each source, in the order of the file. Paths are resolved against the project.
    pub sources: Vec<(String, SourceSpec, Location)>,
    pub models: Vec<Model>,
    pub syncs: Vec<SyncSpec>,
    /// `schema:` of all files: what the account shall have, each object type once as written.
    pub schema: Vec<DeclaredType>,
    /// `schedule:` of the syncs that have one, by sync name.
    pub schedules: Vec<(String, Schedule)>,
    /// `removal_limit:`, the fraction (0 < x ≤ 1) of a sync's known rows that may leave its model in one run before the
    /// run stops and asks for `--allow-removals`, for syncs without `max_removals:`; it stands in them already.
    pub removal_limit: Option<f64>,
}

impl Project {
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&SourceSpec> {
        self.sources.iter().find(|(known, _, _)| known == name).map(|(_, spec, _)| spec)
    }

    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    #[must_use]
    pub fn sync(&self, name: &str) -> Option<&SyncSpec> {
        self.syncs.iter().find(|sync| sync.name() == name)
    }

    /// The account of this name; without a name, the only one or the one named `default`.
    #[must_use]
    pub fn account(&self, name: Option<&str>) -> Option<&AccountSpec> {
        match name {
            Some(name) => self.accounts.iter().find(|account| account.name == name),
            None if self.accounts.len() == 1 => self.accounts.first(),
            None => self.accounts.iter().find(|account| account.name == AccountSpec::DEFAULT),
        }
    }

    #[must_use]
    pub fn schedule(&self, sync: &str) -> Option<&Schedule> {
        self.schedules.iter().find(|(name, _)| name == sync).map(|(_, schedule)| schedule)
    }
}

/// One HubSpot account that the project may write to.
#[derive(Clone, Debug)]
pub struct AccountSpec {
    /// [`AccountSpec::DEFAULT`] unless `hubspot:` is a map of named accounts.
    pub name: String,
    /// A private-app token, service key or the like. Goes before `oauth` when both are given.
    pub token: Option<SecretString>,
    pub oauth: Option<OAuthSpec>,
    /// An `http` or `https` URL without a trailing slash.
    pub base_url: String,
    /// As written: `2026-09`, `2026-03` or `v3`; `None` leaves the choice to the door (api.md 1.1).
    pub api_version: Option<String>,
    /// Guard: the run must stop before it writes when the token belongs to another account.
    pub portal_id: Option<u64>,
    /// Fraction (0 < x ≤ 1) of the account's limits that may be used.
    pub share: Option<f64>,
    /// Requests per day that may be used.
    pub daily: Option<u64>,
    pub at: Location,
}

impl AccountSpec {
    /// Name of the account when `hubspot:` holds just one.
    pub const DEFAULT: &'static str = "default";
    /// `base_url` when the file has none.
    pub const DEFAULT_BASE_URL: &'static str = "https://api.hubapi.com";
}

/// `oauth:` of an account. `client_id` is no secret; the other two are.
#[derive(Clone, Debug)]
pub struct OAuthSpec {
    pub client_id: String,
    pub client_secret: SecretString,
    pub refresh_token: SecretString,
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
    /// The fully qualified name, the same for every row.
    Name(String),
    /// A column that holds it.
    Column(String),
}

/// Whose event it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSubject {
    Contact {
        by: ContactKey,
        column: String,
        at: Location,
    },
    /// A record of another type, by record id.
    Record {
        object: String,
        column: String,
        at: Location,
    },
}

/// How an event names its contact (api.md 9: `email`, `objectId`, `utk`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactKey {
    Email,
    Id,
    Utk,
}

/// A sync of rows to the members of a list.
#[derive(Clone, Debug)]
pub struct ListSync {
    pub name: String,
    pub model: String,
    pub list: ListTarget,
    /// `property` may be `id`.
    pub match_: Match,
    pub mode: ListMode,
    /// Make a record for a row that has none, so that it can join the list.
    pub create_missing: bool,
    /// Members that this sync did not add leave too. Mode mirror only.
    pub exclusive: bool,
    pub after: Vec<String>,
    pub at: Location,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListTarget {
    /// Made if missing.
    Name(String),
    Id(u64),
}

/// What a list sync does with the model's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListMode {
    /// Rows join; rows that leave the model leave the list.
    #[default]
    Mirror,
    /// Rows join, none leave.
    Add,
    /// The model's rows are taken off.
    Remove,
}

/// When `hubward serve` runs a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    Every(Duration),
    /// Five fields, checked for syntax and ranges; one blank between fields.
    Cron(String),
}
