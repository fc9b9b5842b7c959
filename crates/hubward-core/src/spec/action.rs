//! What a mapping of the event door declares.

use super::Location;

/// What an event becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    SendCustomBehavioralEvent,
    UpsertContact,
    UpsertCompany,
    UpsertCustomObjectRecord,
    UpsertObject,
    CustomEvent,
}

impl Action {
    pub const ALL: [Self; 6] = [
        Self::SendCustomBehavioralEvent,
        Self::UpsertContact,
        Self::UpsertCompany,
        Self::UpsertCustomObjectRecord,
        Self::UpsertObject,
        Self::CustomEvent,
    ];

    /// The name in mapping files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendCustomBehavioralEvent => "sendCustomBehavioralEvent",
            Self::UpsertContact => "upsertContact",
            Self::UpsertCompany => "upsertCompany",
            Self::UpsertCustomObjectRecord => "upsertCustomObjectRecord",
            Self::UpsertObject => "upsertObject",
            Self::CustomEvent => "customEvent",
        }
    }

    /// Whether it can be told what to do with what exists and what is missing.
    #[must_use]
    pub fn has_sync_mode(self) -> bool {
        matches!(self, Self::UpsertObject | Self::CustomEvent)
    }

    /// The trigger of a mapping that names none; none for actions that need one named.
    #[must_use]
    pub fn default_trigger(self) -> Option<&'static str> {
        match self {
            Self::SendCustomBehavioralEvent => Some("type = \"track\""),
            Self::UpsertContact => Some("type = \"identify\""),
            Self::UpsertCompany => Some("type = \"group\""),
            Self::UpsertCustomObjectRecord | Self::UpsertObject | Self::CustomEvent => None,
        }
    }
}

/// `sync_mode:` of an action that has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncMode {
    /// Records: only those that exist are written. Events: properties are added to definitions, none is created.
    #[default]
    Update,
    /// Both.
    Upsert,
    /// Records: only those that do not exist are written. Events: definitions are created, none is extended.
    Add,
}

impl SyncMode {
    pub const ALL: [Self; 3] = [Self::Update, Self::Upsert, Self::Add];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Add => "add",
        }
    }
}

/// A mapping of the event door, as its file declares it. What its fields and its trigger mean is for the event door.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingSpec {
    pub name: String,
    pub action: Action,
    pub enabled: bool,
    /// Names of write keys; none: all of them.
    pub sources: Option<Vec<String>>,
    /// As written; none: the action's own.
    pub trigger: Option<String>,
    /// None: the action's default, where it has one.
    pub sync_mode: Option<SyncMode>,
    /// Field name to value or directive, as JSON: an object. Fields that are left out take the action's default.
    pub fields: serde_json::Value,
    pub at: Location,
}

impl MappingSpec {
    /// Whether it is for the events of a write key.
    #[must_use]
    pub fn takes(&self, source: &str) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.iter().any(|known| known == source))
    }
}

/// What the event door finds in a mapping: a problem, or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingFinding {
    pub is_error: bool,
    /// One of the codes of project files.
    pub code: &'static str,
    pub at: MappingPlace,
    pub message: String,
    pub help: String,
}

/// A place in a mapping file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingPlace {
    /// The names that lead to a key below `fields`, each after a slash: `/email/@path`. Where there is no such place, the
    /// nearest above it.
    Key(String),
    /// The same, for what stands under the key.
    Value(String),
    /// In the trigger, from 1 each, in characters.
    Trigger { line: u32, column: u32 },
    /// The mapping as a whole.
    Mapping,
}
