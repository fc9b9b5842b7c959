//! From the spool to the account: what `intake`, `worker` and `serve` start.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hubward_core::spec::MappingSpec;
use hubward_core::{Outcome, WallClock as _};
use hubward_engine::door::{Door, DoorMemory};
use hubward_engine::{Cancel, Engine, Silent};
use hubward_intake::actions::ActiveMapping;
use hubward_intake::deliver::{
    Delivery, Note, Options, Rejections, SpoolMemory, UserMemory, Worker, WorkerOptions, WorkerState,
};
use hubward_project::{AccountSpec, SpoolSpec};
use hubward_store::{Spool, StateDb, StoreError};
use serde_json::{Value, json};

use crate::args::Global;
use crate::clock::SystemClock;
use crate::commands::intake_of;
use crate::event_door;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::project_files::Opened;
use crate::runner::new_id;
use crate::session::{Network, connect, remember_daily_calls};

/// How long until a connection that could not be made is tried again.
const CONNECT_AGAIN: Duration = Duration::from_secs(15);
/// How often the worker writes down how it goes, for `hubward status`.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// The key under which it does.
pub(crate) const WORKER_KEY: &str = "event-worker";

/// Everything that delivering needs besides the spool.
pub(crate) struct Courier {
    account: AccountSpec,
    root: PathBuf,
    state: PathBuf,
    db: StateDb,
    mappings: Vec<MappingSpec>,
    window: Duration,
    max_age: Duration,
    /// Other machines may deliver from the same spool.
    shares_spool: bool,
    pub(crate) printer: Printer,
}

impl Courier {
    /// # Errors
    /// The project names no intake, or no account that could be meant.
    pub(crate) fn new(
        opened: &Opened,
        global: &Global,
        state: &Path,
        db: StateDb,
        printer: Printer,
    ) -> Result<Self, Failure> {
        let spec = intake_of(opened)?;
        let account = opened.account(global.account.as_deref())?;
        // The event door speaks v3 unless the project says otherwise.
        let version = account.api_version.clone().unwrap_or_else(|| "v3".to_owned());
        Ok(Self {
            account: AccountSpec { api_version: Some(version), ..account.clone() },
            root: global.project.clone(),
            state: state.to_owned(),
            db,
            mappings: opened.project.mappings.clone(),
            window: spec.window,
            max_age: spec.max_age,
            shares_spool: matches!(spec.spool, SpoolSpec::Nats { .. }),
            printer,
        })
    }

    /// Delivers until `cancel` is set. An account that cannot be reached, or does not let us in, is tried again; events wait.
    ///
    /// # Errors
    /// The account is another one than the project's, the state cannot be opened, or the spool cannot be read.
    pub(crate) async fn deliver(self, spool: Arc<dyn Spool>, cancel: Cancel) -> Result<(), Failure> {
        let run = new_id();
        let mut told: Option<String> = None;
        let engine = loop {
            match self.connected(&run).await {
                Ok(engine) => break engine,
                Err(failure) if failure.code == "wrong-account" => return Err(failure),
                Err(failure) => {
                    if told.as_ref() != Some(&failure.message) {
                        self.printer.failure_for_people(&failure);
                        self.printer.say("delivery waits, and events with it; it is tried again every 15 seconds");
                        told = Some(failure.message.clone());
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(CONNECT_AGAIN) => {}
                () = cancel.wait() => return Ok(()),
            }
        };
        let account = engine.account().portal_id;
        self.printer.say(&format!("delivering to account {account} at {}", engine.client().host()));
        let door = self.door(&engine, "worker", cancel.clone()).await?;
        let memory: Arc<dyn UserMemory> = Arc::new(SpoolMemory(Arc::clone(&spool)));
        let options = Options { trusts_memory: !self.shares_spool, ..Options::default() };
        let delivery = self.delivery(Arc::clone(&door), account, memory, options)?;
        let rejections = Rejections::new(self.db.clone(), &run);
        let options = WorkerOptions { window: self.window, old_after: self.max_age, ..WorkerOptions::default() };
        let printer = self.printer;
        let worker = Worker::new(Arc::new(delivery), Arc::clone(&spool), rejections, options, cancel, move |note| {
            say(printer, &note);
        });
        let state = worker.state();
        let teller = tokio::spawn(tell(self.db.clone(), account, Arc::clone(&state)));
        let worked = worker.run().await;
        teller.abort();
        // The last word, which the teller may not have come to.
        write_down(&self.db, account, &state)?;
        remember_daily_calls(&engine, &self.account, &self.db)?;
        if let Ok(door) = Arc::try_unwrap(door) {
            door.close().await;
        }
        worked.map_err(|error| event_door::failure(&error))
    }

    /// The account, connected to.
    pub(crate) async fn connected(&self, run: &str) -> Result<Arc<Engine>, Failure> {
        let db = Some(self.db.clone());
        Ok(Arc::new(connect(&self.account, &self.root, db, Arc::new(Silent), Network::Real, run).await?))
    }

    /// A door with a memory of its own, by who uses it.
    pub(crate) async fn door(&self, engine: &Arc<Engine>, user: &str, cancel: Cancel) -> Result<Arc<Door>, Failure> {
        let folder = self.state.join("events").join(engine.account().portal_id.to_string()).join(user);
        Ok(Arc::new(engine.door("events", DoorMemory::Intents(folder), cancel).await?))
    }

    pub(crate) fn delivery(
        &self,
        door: Arc<Door>,
        account: u64,
        memory: Arc<dyn UserMemory>,
        options: Options,
    ) -> Result<Delivery, Failure> {
        let mut mappings = Vec::with_capacity(self.mappings.len());
        for spec in &self.mappings {
            // The project's files have been checked; the account's id may still contradict an event's name.
            let mapping = ActiveMapping::new(spec, Some(account)).map_err(|found| {
                let text = found.first().map(|finding| finding.message.clone()).unwrap_or_default();
                Failure::new("mapping-field", format!("mapping {:?} cannot be used: {text}", spec.name)).at(&spec.at)
            })?;
            mappings.push(Arc::new(mapping));
        }
        Ok(Delivery::new(door, mappings, memory, options))
    }

    /// Whether the project has a mapping of this name.
    pub(crate) fn mapping_names(&self) -> Vec<&str> {
        self.mappings.iter().map(|mapping| mapping.name.as_str()).collect()
    }
}

fn say(printer: Printer, note: &Note) {
    match note {
        Note::Paused { error } => {
            let help = error.help.as_ref().map(|help| format!("\n  {help}")).unwrap_or_default();
            printer.say(&format!("delivery rests, and events wait: {}{help}", error.message));
        }
        Note::Resumed => printer.say("delivery goes on"),
        Note::Old { events, oldest_received_at_ms } => {
            let since = jiff::Timestamp::from_millisecond(*oldest_received_at_ms)
                .map_or_else(|_| "long ago".to_owned(), |at| at.strftime("%F %T UTC").to_string());
            printer.say(&format!("{events} events wait longer than they should; the oldest came {since}"));
        }
        Note::Trouble { message } => printer.say(&format!("{message}; it is tried again")),
    }
}

/// Writes down how the worker goes, as long as it goes.
async fn tell(db: StateDb, account: u64, state: Arc<Mutex<WorkerState>>) {
    let mut last = None;
    loop {
        tokio::time::sleep(TOLD_EVERY).await;
        let now = state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if last.as_ref() != Some(&now) {
            let (db, state) = (db.clone(), Arc::clone(&state));
            let written = tokio::task::spawn_blocking(move || write_down(&db, account, &state)).await;
            // What could not be written is tried again.
            last = matches!(written, Ok(Ok(()))).then_some(now);
        }
    }
}

fn write_down(db: &StateDb, account: u64, state: &Mutex<WorkerState>) -> Result<(), StoreError> {
    let document = document(&state.lock().unwrap_or_else(PoisonError::into_inner));
    db.put_metadata(account, WORKER_KEY, &document, SystemClock.now())
}

/// How the worker goes, for `hubward status`.
fn document(state: &WorkerState) -> Value {
    let count = |outcome: Outcome| {
        let counts = &state.outcomes;
        match outcome {
            Outcome::Applied => counts.applied,
            Outcome::Unchanged => counts.unchanged,
            Outcome::Skipped => counts.skipped,
            Outcome::Invalid => counts.invalid,
            Outcome::Rejected => counts.rejected,
            Outcome::Deferred => counts.deferred,
        }
    };
    let all = [Outcome::Applied, Outcome::Unchanged, Outcome::Skipped, Outcome::Invalid, Outcome::Rejected];
    let outcomes: serde_json::Map<String, Value> =
        all.iter().map(|outcome| (outcome.name().to_owned(), json!(count(*outcome)))).collect();
    json!({
        "events": state.events,
        "without_mapping": state.without_mapping,
        "outcomes": outcomes,
        "warnings": state.warnings,
        "paused": state.paused,
    })
}
