//! The corridor for doors that are handed their work in calls: no model, no scan, no ledger of rows.
//!
//! A [`Door`] writes, archives, finds and associates records, changes lists and sends events. Each call takes its inputs in
//! memory and answers with exactly one outcome for each, in the order of the inputs ([`Answered`]). How a batch is made, how
//! a refused one is divided, what a lost answer means and what a limit does is the corridor's, the same as for a sync.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use hubward_core::{Outcome, spec::Mode};
//! # use hubward_engine::{Cancel, Engine, EngineError};
//! use hubward_engine::door::{DoorMemory, Match, Record};
//!
//! # async fn example(engine: Arc<Engine>, rows: Vec<serde_json::Value>) -> Result<(), EngineError> {
//! let door = engine.door("orders", DoorMemory::None, Cancel::new()).await?;
//! let catalogue = door.catalogue("contacts").await?;
//! let target = catalogue.target(Match::Property("email".to_owned()), Mode::Upsert)?;
//! let mut records = Vec::new();
//! for row in &rows {
//!     let key = row["id"].to_string();
//!     let mut record = Record::new(key, row["email"].as_str().unwrap_or_default());
//!     match catalogue.convert("firstname", &row["first_name"]) {
//!         Ok(Some(text)) => record.set("firstname", text),
//!         Ok(None) => {}
//!         // The record is invalid, and this is the reason.
//!         Err(_reason) => continue,
//!     }
//!     records.push(record);
//! }
//! let answered = door.write(&target, records).await;
//! for settled in &answered.outcomes {
//!     if settled.outcome == Outcome::Rejected {
//!         // settled.reason says why, in HubSpot's words.
//!     }
//! }
//! if let Some(stop) = answered.stop {
//!     // A revoked token, a missing scope, the day's limit: nothing goes on before `stop` is dealt with.
//!     return Err(stop);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **Outcomes.** `applied`, `unchanged` (only where records are read before they are written), `skipped` (a rule: the record
//! exists in mode insert, or does not in mode update), `invalid` (our check; nothing was sent), `rejected` (HubSpot's refusal,
//! or a create of unknown outcome that cannot be looked for: `UNKNOWN_OUTCOME`), `deferred` (undecided: the caller keeps it
//! and calls again). Deferred inputs of a call with a `stop` wait until that is over ([`EngineError::pause`]).
//!
//! **Nothing twice.** Upserts by a unique property, updates by id, associations and memberships are repeated after a lost
//! answer; creates and events never are: they are looked for first. With [`DoorMemory::Intents`] that holds across a kill:
//! the intent is durable before the request, and what was made is remembered by the input's key until [`Door::forget`]. So an
//! input that is handed in again under the same key is not created again. Without it, only answers lost in the same call are
//! looked for.
//!
//! **The caller's duty.** Keys are unique within a call, and two calls at the same time never hold the same record, key or
//! pair. Within a call that is checked, and the second input is invalid. A call is carried to its end even where its future is
//! dropped; set the [`Cancel`] to end early, and what was not sent comes back deferred.

mod archive;
mod associate;
mod catalogue;
mod define;
mod events;
mod find;
mod lists;
mod stop;
mod write;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hubward_core::{Outcome, Reason};
use hubward_hubspot::CallMeta;
use tokio::task::JoinHandle;

use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::memory::{Creates, Memory, Remembered};
use crate::run::blocking;

pub use crate::object_type::ObjectType;
pub use associate::Pair;
pub use catalogue::{Catalogue, Match, Target};
pub use events::Happening;
pub use find::Found;
pub use hubward_core::event::MappedEvent;
pub use hubward_hubspot::{
    AssociationType, EventDefinition, NewEventDefinition, NewEventProperty, NewOption, NewProperty, PropertyGroup,
    Sensitivity,
};
pub use lists::{ListChange, ListRef, Member};
pub use stop::Pause;

/// What a door remembers between calls and processes.
#[derive(Clone, Debug)]
pub enum DoorMemory {
    /// Nothing. A create whose answer is lost is looked for in the same call only.
    None,
    /// Creates and events that were intended or made, in this folder, which the door has for itself.
    Intents(PathBuf),
}

/// One way into the corridor. Calls may run at the same time.
pub struct Door {
    engine: Arc<Engine>,
    /// In the request log and in messages, where a sync has its name.
    name: Arc<str>,
    cancel: Cancel,
    creates: Option<Arc<Creates>>,
    writing: Option<JoinHandle<()>>,
    catalogues: tokio::sync::Mutex<HashMap<String, Arc<Catalogue>>>,
    /// Object types (as their callers name them) whose catalogue HubSpot has disproved.
    stale: Mutex<HashSet<String>>,
    /// The account's occurrences cannot be read back.
    unreadable: AtomicBool,
    /// Sensitive properties are read too.
    sensitive: AtomicBool,
    /// When event definitions were last read anew because of an event that needed it.
    events_read_at_ms: AtomicI64,
    /// Occurrences that HubSpot took and that are not counted yet.
    uncounted: AtomicU64,
}

/// What one record shall hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Names the input in the request log, in reasons of other inputs, and in the door's memory.
    pub key: String,
    /// Of [`Match::Property`]; folded where HubSpot folds it.
    pub match_value: String,
    /// Of [`Match::Id`]; with another match, a record that is known to be the one.
    pub record_id: Option<u64>,
    /// Of [`Match::Fields`]: what the record must hold to be the one. At most six.
    pub fields: Vec<(Arc<str>, String)>,
    /// Converted texts ([`Catalogue::convert`]); the empty text clears. A property that stands here twice gets the later one.
    pub properties: Vec<(Arc<str>, String)>,
}

impl Record {
    /// A record that is found by the target's match property.
    #[must_use]
    pub fn new(key: impl Into<String>, match_value: impl Into<String>) -> Self {
        Self { key: key.into(), match_value: match_value.into(), ..Self::default() }
    }

    /// A record that is known by its id.
    #[must_use]
    pub fn of_id(key: impl Into<String>, record_id: u64) -> Self {
        Self { key: key.into(), record_id: Some(record_id), ..Self::default() }
    }

    /// A record that is found by several fields at once.
    #[must_use]
    pub fn of_fields(key: impl Into<String>, fields: Vec<(Arc<str>, String)>) -> Self {
        Self { key: key.into(), fields, ..Self::default() }
    }

    /// Adds a property.
    pub fn set(&mut self, property: &str, text: impl Into<String>) {
        self.properties.push((Arc::from(property), text.into()));
    }
}

/// The one outcome of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub outcome: Outcome,
    /// Why it is not applied.
    pub reason: Option<Reason>,
    /// The record that it was written to, found in, or made as; none where that is not known.
    pub record_id: Option<u64>,
    /// Whether the record was made by this input, where HubSpot tells.
    pub created: Option<bool>,
    /// How many requests held it.
    pub attempts: u32,
}

impl Settled {
    pub(crate) fn new(outcome: Outcome, reason: Option<Reason>) -> Self {
        Self { outcome, reason, record_id: None, created: None, attempts: 0 }
    }

    pub(crate) fn invalid(reason: Reason) -> Self {
        Self::new(Outcome::Invalid, Some(reason))
    }

    pub(crate) fn deferred(why: impl Into<String>) -> Self {
        Self::new(Outcome::Deferred, Some(Reason::new("DEFERRED", why)))
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "every input has its outcome here"]
pub struct Answered<T = Settled> {
    /// One for each input, in their order.
    pub outcomes: Vec<T>,
    /// Why the call ended before its last input, where it did; the inputs that it did not come to are deferred.
    pub stop: Option<EngineError>,
}

impl Engine {
    /// Opens a door. `name` stands in the request log and in messages, where a sync has its name.
    ///
    /// # Errors
    /// The folder of the memory cannot be opened, or another process has it.
    pub async fn door(self: &Arc<Self>, name: &str, memory: DoorMemory, cancel: Cancel) -> Result<Door, EngineError> {
        let (creates, writing) = match memory {
            DoorMemory::None => (None, None),
            DoorMemory::Intents(dir) => {
                // The writer is a task, so it is started inside the runtime that the blocking thread belongs to.
                let (creates, writing) = blocking(move || Creates::open(&dir)).await?;
                (Some(creates), Some(writing))
            }
        };
        Ok(Door {
            engine: Arc::clone(self),
            name: Arc::from(name),
            cancel,
            creates,
            writing,
            catalogues: tokio::sync::Mutex::default(),
            stale: Mutex::default(),
            unreadable: AtomicBool::new(false),
            sensitive: AtomicBool::new(false),
            events_read_at_ms: AtomicI64::new(i64::MIN),
            uncounted: AtomicU64::new(0),
        })
    }
}

impl Door {
    /// The engine behind it.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The time by the engine's clock.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        self.engine.config.wall.now()
    }

    /// How long after a create the account's search is trusted to show it.
    #[must_use]
    pub fn search_settles_after(&self) -> std::time::Duration {
        self.engine.config.search_settles_after
    }

    /// Catalogues that are read from now on hold sensitive properties too, at two more requests each.
    pub fn read_sensitive(&self) {
        self.reads_sensitive_anew();
    }

    /// As [`Door::read_sensitive`]; tells whether that is new, so that what was read before lacks them.
    pub fn reads_sensitive_anew(&self) -> bool {
        !self.sensitive.swap(true, Ordering::Relaxed)
    }

    /// Whether the event definitions may be read anew because an event needs what they lack: at most every ten seconds.
    #[must_use]
    pub fn may_refresh_events(&self) -> bool {
        let now_ms = self.now().as_millisecond();
        let last_ms = self.events_read_at_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(last_ms) < catalogue::REFRESH_MS_MIN && last_ms != i64::MIN {
            return false;
        }
        self.events_read_at_ms.store(now_ms, Ordering::Relaxed);
        true
    }

    /// Lets go of what is remembered of these keys: their inputs will not be handed in again, or are to be done again.
    ///
    /// # Errors
    /// The disk refused; they are then remembered on.
    pub async fn forget<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Result<(), EngineError> {
        match &self.creates {
            Some(creates) => creates.forget(keys.into_iter().map(key_of)).await,
            None => Ok(()),
        }
    }

    /// How many creates and events are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.creates.as_ref().map_or(0, |creates| creates.len())
    }

    /// Ends the door; its folder is free for another process then.
    pub async fn close(self) {
        self.write_count().await;
        let Self { creates, writing, .. } = self;
        drop(creates);
        if let Some(writing) = writing
            && let Err(panic) = writing.await
            && panic.is_panic()
        {
            std::panic::resume_unwind(panic.into_panic());
        }
    }

    fn memory(&self) -> Memory {
        self.creates.as_ref().map_or(Memory::Nothing, |creates| Memory::Creates(Arc::clone(creates)))
    }

    fn recalled(&self, key: u128) -> Option<Remembered> {
        self.creates.as_ref()?.get(key)
    }

    fn meta<'a>(&self, keys: impl Iterator<Item = &'a str>) -> CallMeta {
        CallMeta { sync: Some(Arc::clone(&self.name)), rows: keys.map(str::to_owned).collect() }
    }
}

/// A key as the memory knows it.
fn key_of(key: &str) -> u128 {
    xxhash_rust::xxh3::xxh3_128(key.as_bytes())
}
