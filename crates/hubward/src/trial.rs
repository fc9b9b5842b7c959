//! One event through the project's mappings: which fire and why, and what they come to, rehearsed or delivered.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hubward_core::spec::MappingSpec;
use hubward_core::{Outcome, WallClock as _};
use hubward_engine::door::DoorMemory;
use hubward_engine::{Cancel, EngineError, Silent, state_dir};
use hubward_hubspot::{FIRST_MADE_UP_ID, Rehearsal, Transport};
use hubward_intake::actions::{ActiveMapping, Intent, ReceivedEvent, RecordIntent, Verdict};
use hubward_intake::deliver::{Delivered, Delivery, Input, MapMemory, MemoryFuture, Options, UserMemory};
use hubward_intake::fql::why;
use hubward_project::{AccountSpec, SpoolSpec};
use hubward_store::{Roles, Spool};
use serde_json::{Value, json};

use crate::args::Global;
use crate::clock::SystemClock;
use crate::event_door::open_spool;
use crate::exit::Failure;
use crate::project_files::{Credentials, Opened, open};
use crate::session::{Network, connect, database, make_state_dir};
use crate::witness::Witness;

/// The project of a command that looks at events, and why it cannot ask the account, where it cannot.
pub(crate) fn open_project(global: &Global) -> Result<(Opened, Option<Failure>), Failure> {
    match open(&global.project, Credentials::Needed) {
        Ok(opened) => Ok((opened, None)),
        // What is wrong besides the credentials is told by the second reading.
        Err(failure) => open(&global.project, Credentials::NotNeeded).map(|opened| (opened, Some(failure))),
    }
}

/// What one mapping makes of the event.
pub(crate) struct Told {
    pub(crate) spec: MappingSpec,
    pub(crate) fires: bool,
    pub(crate) why: String,
    /// Whether something is asked of the account.
    asks: Option<Rank>,
    pub(crate) delivered: Option<Delivered>,
    /// `{method, path, body}`, and `status` and `answer` where it was sent.
    pub(crate) requests: Vec<Value>,
}

/// Contacts go first: the companies of an event find them then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Contact,
    Other,
}

impl Told {
    /// What a mapping that is asked makes of the event.
    pub(crate) fn of(spec: &MappingSpec, event: &Value) -> Self {
        let mut told = Self {
            spec: MappingSpec { enabled: true, sources: None, ..spec.clone() },
            fires: false,
            why: String::new(),
            asks: None,
            delivered: None,
            requests: Vec::new(),
        };
        // The project's files have been checked, so that every mapping of it can be used.
        let Ok(mapping) = ActiveMapping::new(&told.spec, None) else { return told };
        let verdict = match ReceivedEvent::new(event) {
            Ok(received) => mapping.decide(&received),
            Err(refusal) => Verdict::Refused(vec![refusal]),
        };
        told.fires = verdict != Verdict::NotFired;
        told.why = why(mapping.trigger(), event).join("; ");
        told.asks = match verdict {
            Verdict::Asks(Intent::Record(intent)) if is_contact(&intent) => Some(Rank::Contact),
            Verdict::Asks(_) => Some(Rank::Other),
            Verdict::NotFired | Verdict::Refused(_) => None,
        };
        told
    }

    /// What a mapping that is not asked makes of the event: nothing.
    pub(crate) fn not_asked(spec: &MappingSpec, why: String) -> Self {
        Self { fires: false, why, asks: None, delivered: None, requests: Vec::new(), spec: spec.clone() }
    }

    /// The outcome, for people and documents; none where it is not known.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.delivered.as_ref().map(|delivered| delivered.outcome)
    }

    /// Every member that the documents of `explain` and `try` share.
    pub(crate) fn to_json(&self) -> Value {
        let delivered = self.delivered.as_ref();
        let reason = delivered.and_then(|delivered| delivered.reason.as_ref());
        let warnings: Vec<String> =
            delivered.map(|delivered| delivered.warnings.iter().map(ToString::to_string).collect()).unwrap_or_default();
        json!({
            "mapping": self.spec.name,
            "action": self.spec.action.name(),
            "fires": self.fires,
            "why": self.why,
            "requests": self.requests,
            "outcome": self.outcome().map(Outcome::name),
            "property": reason.and_then(|reason| reason.property.as_deref()),
            "value": reason.and_then(|reason| reason.value.as_deref()),
            "reason": reason.map(|reason| reason.text.as_str()),
            "category": reason.and_then(|reason| reason.category.as_deref()),
            "record_id": delivered.and_then(|delivered| delivered.record_id).filter(|id| *id < FIRST_MADE_UP_ID),
            "warnings": warnings,
        })
    }

    /// The same for people.
    pub(crate) fn to_text(&self) -> String {
        let fires = if self.fires { "fires" } else { "does not fire" };
        let mut text = format!("{} ({}) {fires}: {}\n", self.spec.name, self.spec.action.name(), self.why);
        if let Some(delivered) = &self.delivered {
            let reason = delivered.reason.as_ref();
            let of = reason.and_then(|reason| reason.property.as_deref()).map(|name| format!(" ({name})"));
            let why = reason.map(|reason| format!(": {}", reason.text)).unwrap_or_default();
            let sent = self.requests.iter().any(|request| request.get("status").is_some());
            let would = if sent { "" } else { "would be " };
            text.push_str(&format!("  {would}{}{}{why}\n", delivered.outcome.name(), of.unwrap_or_default()));
            for warning in &delivered.warnings {
                text.push_str(&format!("  warning: {warning}\n"));
            }
        }
        for request in &self.requests {
            let word = |name: &str| request[name].as_str().unwrap_or_default();
            text.push_str(&format!("  {} {}\n", word("method"), word("path")));
            if !request["body"].is_null() {
                text.push_str(&format!("    {}\n", request["body"]));
            }
            if request.get("status").is_some() {
                let status =
                    request["status"].as_u64().map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                text.push_str(&format!("    → {status} {}\n", request["answer"]));
            }
        }
        text
    }
}

fn is_contact(intent: &RecordIntent) -> bool {
    hubward_core::object_types::same(&intent.object, "contacts")
}

/// The event as it goes through the mappings.
pub(crate) fn input(event: &Value) -> Input {
    let now = SystemClock.now();
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let received = text("receivedAt").and_then(|at| at.parse::<jiff::Timestamp>().ok()).unwrap_or(now);
    Input {
        message_id: text("messageId").map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned),
        source: String::new(),
        received_at_ms: received.as_millisecond(),
        event: event.clone(),
        maybe_done: false,
    }
}

/// Where what would be sent goes.
enum Stage {
    Rehearsal(Arc<std::sync::OnceLock<Arc<Rehearsal>>>),
    Witness(Arc<std::sync::OnceLock<Arc<Witness>>>),
}

impl Stage {
    fn take(&self) -> Vec<Value> {
        match self {
            Self::Rehearsal(rehearsal) => {
                let kept = rehearsal.get().map(|rehearsal| rehearsal.take()).unwrap_or_default();
                kept.into_iter()
                    .map(|one| json!({ "method": one.method.as_str(), "path": one.path, "body": one.body }))
                    .collect()
            }
            Self::Witness(witness) => witness.get().map(|witness| witness.take()).unwrap_or_default(),
        }
    }
}

/// Which contact a user was last written as: what the project's spool remembers, and beside it what this trial writes, which
/// ends with the command.
struct TrialMemory {
    own: MapMemory,
    spool: Option<Arc<dyn Spool>>,
}

impl TrialMemory {
    /// A spool that cannot be opened, or is not there yet, remembers nothing.
    async fn of(opened: &Opened, root: &Path) -> Self {
        let state = state_dir(root);
        let spec = opened.project.intake.as_ref().map(|intake| &intake.spool);
        let there = |spec: &&SpoolSpec| !matches!(spec, SpoolSpec::Embedded { .. }) || state.join("spool").is_dir();
        let spool = match spec.filter(there) {
            Some(spec) => open_spool(spec, &state, Roles::Neither, "try").await.ok(),
            None => None,
        };
        Self { own: MapMemory::default(), spool }
    }
}

impl UserMemory for TrialMemory {
    fn recall(&self, keys: Vec<String>) -> MemoryFuture<'_, Vec<Option<String>>> {
        Box::pin(async move {
            let own = self.own.recall(keys.clone()).await?;
            let Some(spool) = &self.spool else { return Ok(own) };
            let remembered = spool.recall(keys).await?;
            Ok(own.into_iter().zip(remembered).map(|(own, remembered)| own.or(remembered)).collect())
        })
    }

    fn remember(&self, pairs: Vec<(String, String)>) -> MemoryFuture<'_, ()> {
        self.own.remember(pairs)
    }
}

/// Carries out what the mappings ask for, each by itself, and notes the outcome and the requests of each: to HubSpot where
/// `send` says so, else nothing is written.
pub(crate) async fn perform(
    all: &mut [Told],
    event: &Value,
    opened: &Opened,
    global: &Global,
    send: bool,
) -> Result<(), Failure> {
    let account = opened.account(global.account.as_deref())?;
    // The event door speaks v3 unless the project says otherwise.
    let version = account.api_version.clone().unwrap_or_else(|| "v3".to_owned());
    let account = AccountSpec { api_version: Some(version), ..account.clone() };
    let (stage, network) = staged(send);
    let db = if send { Some(database(&make_state_dir(&global.project)?)?) } else { None };
    let run = if send { uuid::Uuid::now_v7().to_string() } else { String::new() };
    let engine = Arc::new(connect(&account, &global.project, db, Arc::new(Silent), network, &run).await?);
    let hub_id = engine.account().portal_id;
    let door = Arc::new(engine.door("try", DoorMemory::None, Cancel::new()).await?);
    let mut mappings = Vec::new();
    for told in all.iter().filter(|told| told.fires) {
        let mapping = ActiveMapping::new(&told.spec, Some(hub_id));
        mappings.push(Arc::new(mapping.map_err(|_| Failure::new("mapping-field", "the mapping cannot be used"))?));
    }
    let options = Options { contact_grace: Duration::ZERO, ..Options::default() };
    let memory = Arc::new(TrialMemory::of(opened, &global.project).await);
    let delivery = Delivery::new(Arc::clone(&door), mappings, memory, options);
    let input = input(event);
    let mut order: Vec<usize> = (0..all.len()).filter(|at| all[*at].fires).collect();
    order.sort_by_key(|at| (all[*at].asks, *at));
    let mut stopped: Option<EngineError> = None;
    stage.take();
    for at in order {
        let told = &mut all[at];
        let asked = delivery.decide_by(&input, |name| name == told.spec.name);
        let (delivered, stop) = delivery.carry_out(&[asked]).await;
        told.delivered = delivered.into_iter().flatten().next();
        told.requests = stage.take();
        stopped = stopped.or(stop);
    }
    match stopped {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn staged(send: bool) -> (Stage, Network) {
    if send {
        let cell = Arc::new(std::sync::OnceLock::new());
        let held = Arc::clone(&cell);
        let network = Network::Through(Box::new(move |real| {
            let witness = Arc::clone(held.get_or_init(|| Arc::new(Witness::new(real))));
            witness as Arc<dyn Transport>
        }));
        return (Stage::Witness(cell), network);
    }
    let cell = Arc::new(std::sync::OnceLock::new());
    let held = Arc::clone(&cell);
    let network = Network::Through(Box::new(move |real| {
        let rehearsal = Arc::clone(held.get_or_init(|| Arc::new(Rehearsal::new(real))));
        rehearsal as Arc<dyn Transport>
    }));
    (Stage::Rehearsal(cell), network)
}
