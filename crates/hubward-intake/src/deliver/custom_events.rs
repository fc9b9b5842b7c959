//! Custom events of a window: their definitions, their properties, their sending.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::event::EventIds;
use hubward_core::{Outcome, Reason};
use hubward_engine::EngineError;
use hubward_engine::door::{EventDefinition, Happening, MappedEvent, NewEventDefinition, NewEventProperty, Pause};
use serde_json::Value;

use super::account::{flags, is_about_the_property};
use super::window::{Asked, Delivery, Place, Word, key};
use crate::actions::{EventIntent, EventName, NewProperty, Origin};

/// What sending came to.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) words: Vec<(Place, Word)>,
    pub(super) warnings: Vec<(Place, String, String)>,
    pub(super) stop: Option<EngineError>,
}

impl Sent {
    fn failed(&mut self, error: EngineError) -> Word {
        if error.pause() == Pause::Other {
            let text =
                error.help.as_ref().map_or_else(|| error.message.clone(), |help| format!("{}: {help}", error.message));
            return Word::new(Outcome::Rejected, Some(Reason::new("EVENT_DEFINITION_REFUSED", text)));
        }
        let word = Word::deferred(error.message.clone());
        self.stop.get_or_insert(error);
        word
    }
}

/// Sends custom events. HubSpot gets each once.
pub(super) async fn send(delivery: &Delivery, asked: &[Asked], events: Vec<(Place, EventIntent)>) -> Sent {
    let mut sent = Sent::default();
    let mut by_name: Vec<(EventName, Vec<(Place, EventIntent)>)> = Vec::new();
    for (place, intent) in events {
        match by_name.iter_mut().find(|(name, _)| *name == intent.event) {
            Some((_, events)) => events.push((place, intent)),
            None => by_name.push((intent.event.clone(), vec![(place, intent)])),
        }
    }
    let mut happenings = Vec::new();
    let mut places = Vec::new();
    for (name, events) in by_name {
        let definition = match definition(delivery, &mut sent, &name, &events).await {
            Ok(definition) => definition,
            Err(word) => {
                sent.words.extend(events.into_iter().map(|(place, _)| (place, word.clone())));
                continue;
            }
        };
        for (place, intent) in events {
            match happening(delivery, &mut sent, asked, &definition, place, intent) {
                Ok(happening) => {
                    places.push(place);
                    happenings.push(happening);
                }
                Err(reason) => sent.words.push((place, Word::new(Outcome::Invalid, Some(reason)))),
            }
        }
    }
    if happenings.is_empty() {
        return sent;
    }
    let answered = delivery.door.send_events(happenings).await;
    sent.stop = sent.stop.or(answered.stop);
    for (place, settled) in places.into_iter().zip(answered.outcomes) {
        sent.words.push((place, Word::new(settled.outcome, settled.reason)));
    }
    sent
}

/// The definition of an event; made, and given the properties that it lacks, where its name allows it.
async fn definition(
    delivery: &Delivery,
    sent: &mut Sent,
    name: &EventName,
    events: &[(Place, EventIntent)],
) -> Result<EventDefinition, Word> {
    let account = delivery.door.engine().account().portal_id;
    if let EventName::Full(full) = name {
        let prefix = format!("pe{account}_");
        if !full.starts_with(&prefix) {
            return Err(Word::new(
                Outcome::Rejected,
                Some(Reason::new(
                    "INVALID_NAME",
                    format!("event {full:?} is of another account: names begin with {prefix}"),
                )),
            ));
        }
    }
    let is_it = |known: &EventDefinition| match name {
        EventName::Full(full) => known.full_name == *full,
        EventName::Own { name, .. } => known.name == *name,
    };
    let mut known = find(delivery, sent, false, is_it).await?;
    let lacks = |known: &EventDefinition| -> bool {
        let mut names = events.iter().flat_map(|(_, intent)| intent.properties.keys());
        names.any(|name| known.properties.iter().all(|held| held.name != *name))
    };
    // Somebody may have made it, or added to it, since.
    if known.as_ref().is_none_or(lacks) && delivery.door.may_refresh_events() {
        known = find(delivery, sent, true, is_it).await?;
    }
    let (create, extend, own, object) = match name {
        EventName::Full(_) => (false, false, "", ""),
        EventName::Own { name, object, create, extend } => (*create, *extend, name.as_str(), object.as_str()),
    };
    let mut values: HashMap<&str, Vec<&Value>> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    for (name, wish) in events.iter().flat_map(|(_, intent)| &intent.properties) {
        let held = values.entry(name).or_default();
        if held.is_empty() {
            order.push(name);
        }
        held.push(&wish.value);
    }
    let property = |name: &str| property(name, NewProperty::of(values.get(name).into_iter().flatten().copied()));
    let Some(mut known) = known else {
        if !create {
            let shown = match name {
                EventName::Full(full) => full.as_str(),
                EventName::Own { name, .. } => name.as_str(),
            };
            let text =
                format!("the account has no event {shown:?}; define it in HubSpot, or use a sync mode that makes it");
            return Err(Word::new(Outcome::Rejected, Some(Reason::new("HUBSPOT_SCHEMA_MISSING", text))));
        }
        let wanted = NewEventDefinition {
            name: own.to_owned(),
            label: own.to_owned(),
            description: Some(format!("{own} - (created by Hubward)")),
            primary_object: Some(primary(object)),
            properties: order.iter().map(|name| property(name)).collect(),
            include_default_properties: false,
        };
        return delivery.door.make_event(&wanted).await.map_err(|error| sent.failed(error));
    };
    if extend {
        let lacking: Vec<&str> =
            order.into_iter().filter(|name| known.properties.iter().all(|held| held.name != *name)).collect();
        let any = !lacking.is_empty();
        for name in lacking {
            if let Err(error) = delivery.door.make_event_property(&known.name, &property(name)).await {
                let word = sent.failed(error);
                if word.outcome == Outcome::Deferred {
                    return Err(word);
                }
                // Its events find out that it is not there.
            }
        }
        if any {
            known = find(delivery, sent, true, is_it).await?.unwrap_or(known);
        }
    }
    Ok(known)
}

async fn find(
    delivery: &Delivery,
    sent: &mut Sent,
    anew: bool,
    is_it: impl Fn(&EventDefinition) -> bool,
) -> Result<Option<EventDefinition>, Word> {
    let read = if anew { delivery.door.refresh_events().await } else { delivery.door.event_definitions().await };
    match read {
        Ok(all) => Ok(all.iter().find(|known| is_it(known)).cloned()),
        Err(error) => Err(sent.failed(error)),
    }
}

fn happening(
    delivery: &Delivery,
    sent: &mut Sent,
    asked: &[Asked],
    definition: &EventDefinition,
    place: Place,
    intent: EventIntent,
) -> Result<Happening, Reason> {
    let one = &asked[place.0];
    let mapping = delivery.mappings[place.1].name();
    let mut properties: Vec<(Arc<str>, String)> = Vec::new();
    for (name, wish) in &intent.properties {
        match delivery.door.convert_event(definition, name, &wish.value) {
            Ok(Some(text)) => properties.push((Arc::from(name.as_str()), text)),
            Ok(None) => {}
            Err(reason) if is_about_the_property(&reason) && wish.origin == Origin::Event => {
                sent.warnings.push((place, format!("properties.{name}"), reason.text));
            }
            Err(reason) => return Err(reason),
        }
    }
    properties.sort();
    let received = jiff::Timestamp::from_millisecond(one.received_at_ms).ok();
    Ok(Happening {
        key: key(mapping, &one.source, &one.message_id),
        // Two write keys may use one message id, and HubSpot may take the second occurrence for a repetition of the first.
        uuid: EventIds::new(mapping).of(&format!("{}/{}", one.source, one.message_id)),
        event: MappedEvent {
            event: Arc::from(definition.full_name.as_str()),
            object_id: intent.subject.object_id.map(|id| id.to_string()),
            email: intent.subject.email,
            utk: intent.subject.utk,
            occurred_at: intent.occurred_at.or_else(|| received.map(|at| at.to_string())),
            properties,
        },
        maybe_sent: one.maybe_done && !delivery.options.trusts_memory,
    })
}

fn property(name: &str, kind: NewProperty) -> NewEventProperty {
    let type_ = match kind {
        NewProperty::Text => "string",
        NewProperty::Number => "number",
        NewProperty::Flag => "enumeration",
        NewProperty::Date | NewProperty::DateTime => "datetime",
    };
    NewEventProperty {
        name: name.to_owned(),
        label: name.to_owned(),
        type_: type_.to_owned(),
        description: None,
        options: if kind == NewProperty::Flag { flags() } else { Vec::new() },
    }
}

/// What HubSpot calls the type of record that an event happens to.
fn primary(object: &str) -> String {
    match super::names::folded(object).as_str() {
        "contacts" => "CONTACT".to_owned(),
        "companies" => "COMPANY".to_owned(),
        "deals" => "DEAL".to_owned(),
        "tickets" => "TICKET".to_owned(),
        _ => object.trim().to_owned(),
    }
}
