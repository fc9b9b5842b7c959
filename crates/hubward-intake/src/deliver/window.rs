//! One window: what its events ask for, and the outcome of every mapping that fired.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hubward_core::{Outcome, Reason};
use hubward_engine::EngineError;
use hubward_engine::door::{Door, Target};
use serde_json::Value;

use super::memory::UserMemory;
use super::records::Task;
use crate::actions::{ActiveMapping, EventIntent, Intent, ReceivedEvent, RecordIntent, Refusal, Verdict, Warning};

/// One event that is to be delivered.
#[derive(Clone, Debug)]
pub struct Input {
    pub message_id: String,
    /// Name of the write key that it came by.
    pub source: String,
    /// Milliseconds since 1970.
    pub received_at_ms: i64,
    /// The normalised Segment call.
    pub event: Value,
    /// An earlier delivery may have sent what it asks for, and could not note it.
    pub maybe_done: bool,
}

/// What became of one event by one mapping that fired for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    pub mapping: Arc<str>,
    pub outcome: Outcome,
    pub reason: Option<Reason>,
    /// The record that was written, found or left alone.
    pub record_id: Option<u64>,
    /// Whether the record was made, where HubSpot tells.
    pub created: Option<bool>,
    pub warnings: Vec<Warning>,
}

impl Delivered {
    /// Whether nothing more becomes of it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.outcome != Outcome::Deferred
    }
}

/// What one event asks for, decided; nothing has been asked of the account.
#[derive(Clone, Debug)]
pub struct Asked {
    pub message_id: String,
    pub source: String,
    pub received_at_ms: i64,
    pub maybe_done: bool,
    /// Outcomes that need no request.
    pub refused: Vec<Delivered>,
    /// Mappings, by their place, that ask for something.
    pub(super) asks: Vec<(usize, Intent)>,
}

impl Asked {
    /// Whether no mapping fired for it.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.asks.is_empty() && self.refused.is_empty()
    }
}

/// How a delivery works.
#[derive(Clone, Debug)]
pub struct Options {
    /// A company whose contact is not known yet waits this long for it, counted from its event's arrival: the identify of
    /// the same user may come a moment later.
    pub contact_grace: Duration,
    /// The door's memory has seen everything that was sent for these events. False where several machines share a spool:
    /// events that were handed out before are then looked for before they are sent.
    pub trusts_memory: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { contact_grace: Duration::from_secs(3), trusts_memory: true }
    }
}

/// Carries windows out.
pub struct Delivery {
    pub(super) door: Arc<Door>,
    pub(super) mappings: Vec<Arc<ActiveMapping>>,
    pub(super) memory: Arc<dyn UserMemory>,
    pub(super) options: Options,
    /// Addresses by memory key that this process has remembered, so that the same is not written again and again.
    pub(super) remembered: Mutex<HashMap<String, String>>,
    /// Lists by object type and name.
    pub(super) lists: tokio::sync::Mutex<HashMap<(String, String), u64>>,
    /// Keys of creates and events that the door still remembers, with when they may be let go.
    pub(super) kept: Mutex<Vec<(i64, String)>>,
}

/// What one event's mapping came to, on its way.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    pub(super) record_id: Option<u64>,
    pub(super) created: Option<bool>,
    pub(super) warnings: Vec<Warning>,
}

impl Word {
    pub(super) fn new(outcome: Outcome, reason: Option<Reason>) -> Self {
        Self { outcome, reason, record_id: None, created: None, warnings: Vec::new() }
    }

    pub(super) fn invalid(code: &str, text: impl Into<String>) -> Self {
        Self::new(Outcome::Invalid, Some(Reason::new(code, text)))
    }

    pub(super) fn deferred(why: impl Into<String>) -> Self {
        Self::new(Outcome::Deferred, Some(Reason::new("DEFERRED", why)))
    }
}

/// An event in its window and a mapping that fired for it.
pub(super) type Place = (usize, usize);

/// The state of a window under way.
pub(super) struct Window<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) asked: &'a [Asked],
    pub(super) words: HashMap<Place, Word>,
    /// Warnings beside the outcome.
    pub(super) warnings: HashMap<Place, Vec<Warning>>,
    pub(super) stop: Option<EngineError>,
}

impl Delivery {
    /// `memory` knows the users' addresses. Mappings that are not enabled are not asked.
    #[must_use]
    pub fn new(
        door: Arc<Door>,
        mappings: Vec<Arc<ActiveMapping>>,
        memory: Arc<dyn UserMemory>,
        options: Options,
    ) -> Self {
        Self {
            door,
            mappings: mappings.into_iter().filter(|mapping| mapping.is_enabled()).collect(),
            memory,
            options,
            remembered: Mutex::default(),
            lists: tokio::sync::Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// The door that it writes through.
    #[must_use]
    pub fn door(&self) -> &Arc<Door> {
        &self.door
    }

    /// What an event asks for by the mappings that are for its write key. Pure.
    #[must_use]
    pub fn decide(&self, input: &Input) -> Asked {
        self.decide_by(input, |_| true)
    }

    /// As [`Delivery::decide`], by those mappings only whose names are `wanted`.
    #[must_use]
    pub fn decide_by(&self, input: &Input, wanted: impl Fn(&str) -> bool) -> Asked {
        let mut asked = Asked {
            message_id: input.message_id.clone(),
            source: input.source.clone(),
            received_at_ms: input.received_at_ms,
            maybe_done: input.maybe_done,
            refused: Vec::new(),
            asks: Vec::new(),
        };
        let mine = |mapping: &ActiveMapping| mapping.takes(&input.source) && wanted(mapping.name());
        let received = ReceivedEvent::new(&input.event);
        for (at, mapping) in self.mappings.iter().enumerate().filter(|(_, mapping)| mine(mapping)) {
            let verdict = match &received {
                Ok(event) => mapping.decide(event),
                Err(refusal) => Verdict::Refused(vec![refusal.clone()]),
            };
            match verdict {
                Verdict::NotFired => {}
                Verdict::Asks(intent) => asked.asks.push((at, intent)),
                Verdict::Refused(refusals) => asked.refused.push(Delivered {
                    mapping: Arc::clone(mapping.name()),
                    outcome: Outcome::Invalid,
                    reason: Some(joined(&refusals)),
                    record_id: None,
                    created: None,
                    warnings: Vec::new(),
                }),
            }
        }
        asked
    }

    /// Delivers events: an entry for each input, in their order, with the outcome of every mapping that fired. The error is
    /// what keeps the account from being written to at all; what it concerns is deferred.
    pub async fn window(&self, inputs: &[Input]) -> (Vec<Vec<Delivered>>, Option<EngineError>) {
        let asked: Vec<Asked> = inputs.iter().map(|input| self.decide(input)).collect();
        self.carry_out(&asked).await
    }

    /// Delivers events that are decided already. Two calls at the same time must not concern one record.
    pub async fn carry_out(&self, asked: &[Asked]) -> (Vec<Vec<Delivered>>, Option<EngineError>) {
        let mut window = Window { delivery: self, asked, words: HashMap::new(), warnings: HashMap::new(), stop: None };
        let mut tasks: Vec<Task> = Vec::new();
        let mut events: Vec<(Place, EventIntent)> = Vec::new();
        for (at, one) in asked.iter().enumerate() {
            for (mapping, intent) in &one.asks {
                match intent {
                    Intent::Record(intent) => tasks.push(Task { place: (at, *mapping), intent: (**intent).clone() }),
                    Intent::Event(intent) => events.push(((at, *mapping), (**intent).clone())),
                }
            }
        }
        Box::pin(window.deliver(tasks, events)).await;
        self.let_go().await;
        let delivered = asked
            .iter()
            .enumerate()
            .map(|(at, one)| {
                let mut all = one.refused.clone();
                for (mapping, intent) in &one.asks {
                    let place = (at, *mapping);
                    let mut word = window.words.remove(&place).unwrap_or_else(|| Word::deferred("it was not come to"));
                    word.warnings.extend(intent.warnings().iter().cloned());
                    word.warnings.extend(window.warnings.remove(&place).unwrap_or_default());
                    all.push(Delivered {
                        mapping: Arc::clone(self.mappings[*mapping].name()),
                        outcome: word.outcome,
                        reason: word.reason,
                        record_id: word.record_id,
                        created: word.created,
                        warnings: word.warnings,
                    });
                }
                all
            })
            .collect();
        (delivered, window.stop)
    }

    /// An event is settled as far as this mapping goes, and is not handed in again: what the door remembers of it can go.
    pub fn settled(&self, mapping: &str, asked: &Asked) {
        self.keep(key(mapping, &asked.source, &asked.message_id), self.now_ms());
    }

    /// Keeps in mind that the door remembers this key, until `until_ms`.
    pub(super) fn keep(&self, key: String, until_ms: i64) {
        self.kept().push((until_ms, key));
    }

    /// Lets the door forget what cannot be asked for again.
    async fn let_go(&self) {
        let now_ms = self.now_ms();
        let due: Vec<String> = {
            let mut kept = self.kept();
            let (due, rest): (Vec<_>, Vec<_>) =
                std::mem::take(&mut *kept).into_iter().partition(|(at, _)| *at <= now_ms);
            *kept = rest;
            due.into_iter().map(|(_, key)| key).collect()
        };
        if !due.is_empty()
            && let Err(error) = self.door.forget(due.iter().map(String::as_str)).await
        {
            tracing::warn!(%error, "what was made could not be let go; it is remembered on");
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(i64, String)>> {
        match self.kept.lock() {
            Ok(kept) => kept,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.door.now().as_millisecond()
    }
}

impl Window<'_> {
    pub(super) fn settle(&mut self, place: Place, word: Word) {
        self.words.insert(place, word);
    }

    pub(super) fn warn(&mut self, place: Place, field: impl Into<String>, message: impl Into<String>) {
        let warning = Warning { field: field.into(), message: message.into() };
        self.warnings.entry(place).or_default().push(warning);
    }

    /// Notes what keeps the account from being written to.
    pub(super) fn stopped(&mut self, error: Option<EngineError>) {
        if self.stop.is_none() {
            self.stop = error;
        }
    }

    /// A name for an event's mapping in the request log and in the door's memory.
    pub(super) fn key(&self, place: Place) -> String {
        let asked = &self.asked[place.0];
        key(self.delivery.mappings[place.1].name(), &asked.source, &asked.message_id)
    }
}

/// What one mapping asks for of one event, in the request log and in the door's memory.
pub(super) fn key(mapping: &str, source: &str, message_id: &str) -> String {
    format!("{mapping}/{source}/{message_id}")
}

/// A target that may be used by a task of its own.
pub(super) fn forced(mut target: Target, moves_stage: bool) -> Target {
    target.force_stage = moves_stage;
    target
}

/// Several refusals as one reason.
fn joined(refusals: &[Refusal]) -> Reason {
    let texts: Vec<&str> = refusals.iter().map(|refusal| refusal.message.as_str()).collect();
    let first = refusals.first();
    let code = first.map_or("INVALID_EVENT", |refusal| refusal.code);
    let mut reason = Reason::new(code, texts.join("; "));
    if let Some(first) = first.filter(|refusal| !refusal.field.is_empty()) {
        reason.property = Some(first.field.clone());
        reason.value.clone_from(&first.value);
    }
    reason
}

/// Whether an intent is to write a contact by its address, as identifies do.
pub(super) fn address_of(intent: &RecordIntent) -> Option<&str> {
    use crate::actions::Find;
    match &intent.find {
        Find::Unique { property, value } if property == "email" && super::names::is_contact(&intent.object) => {
            Some(value)
        }
        _ => None,
    }
}
