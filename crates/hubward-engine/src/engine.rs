//! One account and one project's state: what every sync of a run shares.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hubward_core::WallClock;
use hubward_core::spec::{Model, ObjectSync, SourceSpec};
use hubward_hubspot::{Account, ApiVersion, Client};
use hubward_sources::{ReadOptions, Source};
use hubward_store::StateDb;

use crate::association::Rest;
use crate::error::EngineError;
use crate::metadata::Answers;
use crate::progress::Progress;
use crate::recorder::Recorder;

/// A create of unknown outcome is looked for by search this long after it was sent: HubSpot works on a request for up to
/// 100 s (524, api.md 2.4) and its index lags by up to about 30 s behind that (api.md 4.2).
pub const SEARCH_SETTLES_AFTER: Duration = Duration::from_secs(130);

/// Events of unknown outcome that HubSpot does not show so long after they were sent are not there: it works on a request
/// for up to 100 s (524, api.md 2.4) and takes events in some time later (api.md 9.2; how long is our guess).
pub const EVENTS_SETTLE_AFTER: Duration = Duration::from_secs(130);

/// What an engine is made of.
pub struct EngineConfig {
    pub client: Client,
    pub version: ApiVersion,
    /// Counts and logs requests; the observer that `client` was made with.
    pub recorder: Arc<Recorder>,
    /// None: nothing is remembered of runs and rejected rows (`preview`, tests).
    pub db: Option<StateDb>,
    /// `.hubward` of the project.
    pub state_dir: PathBuf,
    pub wall: Arc<dyn WallClock>,
    pub progress: Arc<dyn Progress>,
    pub read: ReadOptions,
    /// Refuses to work on another account than this.
    pub expected_portal_id: Option<u64>,
    /// See [`SEARCH_SETTLES_AFTER`].
    pub search_settles_after: Duration,
    /// See [`EVENTS_SETTLE_AFTER`].
    pub events_settle_after: Duration,
}

/// One sync with what it reads from.
#[derive(Clone, Debug)]
pub struct SyncJob<S = ObjectSync> {
    pub sync: S,
    pub model: Model,
    pub source: SourceSpec,
}

/// The engine: knows its account, runs syncs on it.
pub struct Engine {
    pub(crate) config: EngineConfig,
    account: Account,
    /// What the account has said of itself.
    pub(crate) answers: Answers,
    /// What rows with missing targets need for another try in the same run, by sync.
    left_over: Mutex<HashMap<String, Rest>>,
}

impl Engine {
    /// Asks HubSpot whose account the token belongs to.
    ///
    /// # Errors
    /// HubSpot cannot be reached or refuses the token; the account is not the expected one.
    pub async fn connect(config: EngineConfig) -> Result<Self, EngineError> {
        let account = config.client.account().await?;
        if let Some(expected) = config.expected_portal_id
            && expected != account.portal_id
        {
            return Err(EngineError::new(
                "wrong-account",
                format!("the token belongs to account {}, the project is for account {expected}", account.portal_id),
            )
            .help("use a token of that account, or change hubspot.portal_id in hubward.yml"));
        }
        Ok(Self { config, account, answers: Answers::default(), left_over: Mutex::default() })
    }

    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    #[must_use]
    pub fn client(&self) -> &Client {
        &self.config.client
    }

    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.config.recorder
    }

    pub(crate) fn left_over(&self) -> MutexGuard<'_, HashMap<String, Rest>> {
        match self.left_over.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// Where the ledger of a sync lies: another account never sees it.
    pub(crate) fn ledger_dir(&self, sync: &str) -> PathBuf {
        self.account_dir().join(sync)
    }

    /// Where the ledgers of this account lie.
    pub(crate) fn account_dir(&self) -> PathBuf {
        self.config.state_dir.join("ledger").join(self.account.portal_id.to_string())
    }

    /// Whether this sync has ever recorded anything for this account.
    #[must_use]
    pub fn has_ledger(&self, sync: &str) -> bool {
        self.ledger_dir(sync).exists()
    }

    pub(crate) fn spill_dir(&self) -> PathBuf {
        self.config.state_dir.join("tmp")
    }

    pub(crate) fn read_options(&self, limit: Option<u64>) -> ReadOptions {
        ReadOptions { limit, ..self.config.read.clone() }
    }
}

/// Opens a source. Blocking where the source is.
pub(crate) fn open_source(spec: &SourceSpec) -> Result<Box<dyn Source>, EngineError> {
    Ok(hubward_sources::open(spec)?)
}

/// The folder below which runs keep their state.
#[must_use]
pub fn state_dir(project: &Path) -> PathBuf {
    project.join(".hubward")
}
