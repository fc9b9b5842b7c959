//! From a checked project to a connected engine: client, limits, state folder, lock, database.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hubward_core::{SecretString, WallClock as _};
use hubward_engine::{EVENTS_SETTLE_AFTER, Engine, EngineConfig, Progress, Recorder, SEARCH_SETTLES_AFTER, state_dir};
use hubward_hubspot::{
    Auth, Client, ClientConfig, GrantKeeper, HttpOptions, HttpTransport, LimitShare, Observer, Transport,
};
use hubward_project::AccountSpec;
use hubward_sources::ReadOptions;
use hubward_store::{Holder, KeptGrant, ProjectLock, StateDb};
use serde_json::json;

use crate::clock::SystemClock;
use crate::environment;
use crate::exit::Failure;

/// Puts a transport around another.
pub(crate) type Around = Box<dyn FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport> + Send>;

/// How requests travel.
pub(crate) enum Network {
    /// Over the network, to the host that the environment or the project names.
    Real,
    /// The same, through something that looks at the requests on their way.
    Through(Around),
    /// To a sandbox within this process.
    InProcess(Arc<dyn Transport>),
}

/// The key under which a day's calls are remembered in the state database.
const DAILY_CALLS: &str = "daily-calls";

/// Opens a client on the account and asks HubSpot whose it is. `run` is the id that requests are logged under; empty
/// outside runs.
pub(crate) async fn connect(
    account: &AccountSpec,
    root: &Path,
    db: Option<StateDb>,
    progress: Arc<dyn Progress>,
    network: Network,
    run: &str,
) -> Result<Engine, Failure> {
    let recorder = Recorder::new(db.clone());
    recorder.set_run(run);
    let observer: Arc<dyn Observer> = Arc::<Recorder>::clone(&recorder);
    let mut config = ClientConfig::new(auth(account)?);
    config.base_url.clone_from(&account.base_url);
    if let Some(version) = &account.api_version {
        config.version = version.parse().map_err(|error: hubward_hubspot::UnknownVersion| {
            Failure::new("unknown-value", error.to_string()).at(&account.at)
        })?;
    }
    config.limits = LimitShare { share: account.share.unwrap_or(1.0), daily: account.daily };
    config.seed = uuid::Uuid::new_v4().as_u64_pair().0;
    let transport: Arc<dyn Transport> = match network {
        Network::InProcess(transport) => transport,
        network => {
            if let Some(url) = environment::base_url() {
                config.base_url = url;
            }
            let options = HttpOptions { proxy: environment::proxy(&config.base_url) };
            let real = HttpTransport::new(&options).map_err(|error| Failure::new("network", error.to_string()))?;
            match network {
                Network::Through(wrap) => wrap(Arc::new(real)),
                _ => Arc::new(real),
            }
        }
    };
    let version = config.version;
    let base_url = config.base_url.clone();
    let kept = kept_grant(account, root);
    let client = Client::new(config, transport, Arc::new(SystemClock), Some(observer));
    if let Some(kept) = kept {
        client.keep_grants(Arc::new(kept));
    }
    let engine = Engine::connect(EngineConfig {
        client,
        version,
        recorder,
        db: db.clone(),
        state_dir: state_dir(root),
        wall: Arc::new(SystemClock),
        progress,
        read: ReadOptions { env: environment::driver_search(), ..ReadOptions::default() },
        expected_portal_id: account.portal_id,
        search_settles_after: SEARCH_SETTLES_AFTER,
        events_settle_after: EVENTS_SETTLE_AFTER,
    })
    .await
    .map_err(|error| located(error, account, &base_url))?;
    if let Some(db) = db.filter(|_| account.daily.is_some()) {
        let remembered = db.metadata(engine.account().portal_id, DAILY_CALLS)?;
        let today = SystemClock.now().strftime("%F").to_string();
        if let Some(calls) = remembered.filter(|found| found.json["day"] == today.as_str()) {
            let earlier = calls.json["calls"].as_u64().unwrap_or_default();
            let limiter = engine.client().limiter();
            limiter.set_daily_used(earlier + limiter.snapshot().daily.ours);
        }
    }
    Ok(engine)
}

/// The account's key in the project is to blame for what HubSpot says of a token; and where nothing listens on this
/// machine, the sandbox has most likely not been started.
fn located(error: hubward_engine::EngineError, account: &AccountSpec, base_url: &str) -> Failure {
    let answered = error.correlation_id.is_some();
    let mut failure = Failure::from(error);
    failure.at.get_or_insert_with(|| account.at.clone());
    let here = base_url.starts_with("http://127.0.0.1") || base_url.starts_with("http://localhost");
    if here && !answered && failure.message.contains("no connection") {
        failure.help = Some(format!(
            "nothing listens at {base_url}: start `hubward sandbox` in another terminal, or set HUBSPOT_BASE_URL"
        ));
    }
    failure
}

/// Remembers how many calls were made today (UTC), so that `limits: { daily }` spans runs.
pub(crate) fn remember_daily_calls(engine: &Engine, account: &AccountSpec, db: &StateDb) -> Result<(), Failure> {
    if account.daily.is_some() {
        let calls = engine.client().limiter().snapshot().daily.ours;
        let now = SystemClock.now();
        let json = json!({ "day": now.strftime("%F").to_string(), "calls": calls });
        db.put_metadata(engine.account().portal_id, DAILY_CALLS, &json, now)?;
    }
    Ok(())
}

fn auth(account: &AccountSpec) -> Result<Auth, Failure> {
    if let Some(token) = &account.token {
        return Ok(Auth::Token(token.clone()));
    }
    match &account.oauth {
        Some(oauth) => Ok(Auth::OAuth {
            client_id: oauth.client_id.clone(),
            client_secret: oauth.client_secret.clone(),
            refresh_token: oauth.refresh_token.clone(),
        }),
        None => {
            Err(Failure::new("no-credentials", format!("account {:?} has neither `token` nor `oauth`", account.name))
                .help("add `token: ${HUBSPOT_TOKEN}`, and set the variable")
                .at(&account.at))
        }
    }
}

/// Where new refresh tokens of the account's app are kept; none for an account that is let in by a token.
fn kept_grant(account: &AccountSpec, root: &Path) -> Option<Keeper> {
    let oauth = account.oauth.as_ref().filter(|_| account.token.is_none())?;
    let grant = KeptGrant::new(&state_dir(root), &oauth.client_id, &oauth.refresh_token);
    Some(Keeper { grant, root: root.to_owned() })
}

/// Keeps refresh tokens in the project's state folder.
struct Keeper {
    grant: KeptGrant,
    root: PathBuf,
}

impl Keeper {
    fn warn(text: &str) {
        // Where stderr is closed, nobody is there to be told.
        let _ = writeln!(std::io::stderr(), "warning: {text}");
    }
}

impl GrantKeeper for Keeper {
    fn current(&self) -> Option<SecretString> {
        self.grant.current().unwrap_or_else(|error| {
            Self::warn(&format!("{error}; the configured refresh_token is used"));
            None
        })
    }

    fn rotated(&self, token: &SecretString) {
        let kept = make_state_dir(&self.root).map_err(|failure| failure.message.clone());
        let kept = kept.and_then(|_| self.grant.keep(token, SystemClock.now()).map_err(|error| error.to_string()));
        if let Err(why) = kept {
            Self::warn(&format!(
                "HubSpot gave a new refresh token and it cannot be kept: {why}. This command goes on with it; if the next one is \
                 refused (BAD_REFRESH_TOKEN), install the app again"
            ));
        }
    }
}

/// The state folder of a project, made if it is missing and kept out of version control.
pub(crate) fn make_state_dir(root: &Path) -> Result<PathBuf, Failure> {
    let dir = state_dir(root);
    if !dir.is_dir() {
        std::fs::create_dir_all(&dir).map_err(|error| Failure::io("making", &dir, &error))?;
        let ignore = dir.join(".gitignore");
        std::fs::write(&ignore, "*\n").map_err(|error| Failure::io("writing", &ignore, &error))?;
    }
    Ok(dir)
}

/// The one run of a project at a time.
pub(crate) fn lock(state: &Path, command: &str) -> Result<ProjectLock, Failure> {
    let holder = Holder { pid: std::process::id(), command: command.to_owned(), started_at: SystemClock.now() };
    Ok(ProjectLock::acquire(&state.join("lock"), &holder)?)
}

/// The project's database, made if it is missing.
pub(crate) fn database(state: &Path) -> Result<StateDb, Failure> {
    Ok(StateDb::open(&state.join("state.sqlite"))?)
}

/// The project's database, if the project has one yet.
pub(crate) fn existing_database(root: &Path) -> Result<Option<StateDb>, Failure> {
    let state = state_dir(root);
    if state.join("state.sqlite").is_file() {
        return database(&state).map(Some);
    }
    if !root.join("hubward.yml").is_file() && !root.join("hubward.yaml").is_file() {
        return Err(Failure::new("missing-file", format!("{} is no project: it has no hubward.yml", root.display()))
            .help("go to the folder of your project, or name it with --project DIR"));
    }
    Ok(None)
}
