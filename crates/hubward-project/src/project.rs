//! What a checked project holds beyond the words of `hubward_core::spec`: accounts, schedules.
//! Everything here has passed every check that needs no connection; nothing here knows YAML.

use std::time::Duration;

use hubward_core::SecretString;
use hubward_core::declared::DeclaredSchema;
use hubward_core::spec::{Location, MappingSpec, Model, SourceSpec, SyncSpec};

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
    /// What events become, those that are not enabled too, in the order of the files.
    pub mappings: Vec<MappingSpec>,
    /// `schema:` of all files: what the account shall have.
    pub schema: DeclaredSchema,
    /// `schedule:` of the syncs that have one, by sync name.
    pub schedules: Vec<(String, Schedule)>,
    /// `removal_limit:`, the fraction (0 < x ≤ 1) of a sync's known rows that may leave its model in one run before the
    /// run stops and asks for `--allow-removals`, for syncs without `max_removals:`; it stands in them already.
    pub removal_limit: Option<f64>,
    /// `intake:`, where the project has an event door.
    pub intake: Option<IntakeSpec>,
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

    #[must_use]
    pub fn mapping(&self, name: &str) -> Option<&MappingSpec> {
        self.mappings.iter().find(|mapping| mapping.name == name)
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

/// `intake:`: the event door.
#[derive(Clone, Debug)]
pub struct IntakeSpec {
    /// Address and port, as written.
    pub listen: String,
    /// At least one; names and keys are all different.
    pub write_keys: Vec<WriteKey>,
    pub spool: SpoolSpec,
    /// How long events are gathered before they are sent, counted from the first.
    pub window: Duration,
    /// Age from which events that still wait are reported.
    pub max_age: Duration,
    pub at: Location,
}

impl IntakeSpec {
    /// `listen` when the file has none.
    pub const DEFAULT_LISTEN: &'static str = "127.0.0.1:8790";
    /// `window` when the file has none.
    pub const DEFAULT_WINDOW: Duration = Duration::from_secs(1);
    /// `max_age` when the file has none.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(86_400);
}

/// One of `write_keys:`.
#[derive(Clone, Debug)]
pub struct WriteKey {
    /// What events that come by it are said to come from.
    pub name: String,
    pub key: SecretString,
}

/// `spool:`: where accepted events wait.
#[derive(Clone, Debug)]
pub enum SpoolSpec {
    /// A folder of this machine, under the project's state.
    Embedded {
        /// Bytes of events that may wait.
        max_bytes: u64,
    },
    /// A stream of NATS JetStream.
    Nats {
        /// With the password, where it has one.
        url: SecretString,
        stream: String,
        /// Bytes of events that may wait.
        max_bytes: u64,
    },
}

impl SpoolSpec {
    /// `max` when the file has none: 10 GiB.
    pub const DEFAULT_MAX_BYTES: u64 = 10 << 30;
    /// `stream` when the file has none.
    pub const DEFAULT_STREAM: &'static str = "hubward";
}

/// When `hubward serve` runs a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    Every(Duration),
    /// Five fields, checked for syntax and ranges; one blank between fields.
    Cron(String),
}
