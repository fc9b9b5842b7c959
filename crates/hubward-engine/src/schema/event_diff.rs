//! The comparison of declared events with those that the account has (api.md 9.3). An event's name and the object type that
//! it happens to cannot be changed, nor the type of a property; properties and options are added.

use hubward_core::declared::{DeclaredEvent, DeclaredEventProperty, EVENT_OBJECTS, EVENT_PROPERTIES_MAX};
use hubward_core::{PropertyDef, PropertyType};
use hubward_hubspot::{EventDefinition, Schema};

use super::change::{Target, Work};
use super::diff::Comparison;

impl Comparison<'_> {
    /// What one event lacks, or cannot have.
    pub(super) fn event(&mut self, declared: &DeclaredEvent) {
        let Some(on) = self.resolved(&declared.object, &declared.object_at) else { return };
        let present = self.present;
        let Some(primary) = word_of(&on, &present.schemas) else {
            // The standard types that have no events are told with the file; a name that only the account resolves to one is not.
            return self.conflict(
                &declared.object_at,
                format!("no event can happen to {}", on.name()),
                "use contacts, companies, deals, tickets, or a custom object type",
            );
        };
        match present.events.iter().find(|known| known.name == declared.name) {
            Some(known) => self.same_event(declared, &on, known),
            None => {
                let work = Work::Event { declared: Box::new(declared.clone()), on, primary };
                self.push(&Target::Event(declared.name.clone()), &declared.at, work);
            }
        }
    }

    fn same_event(&mut self, declared: &DeclaredEvent, on: &Target, known: &EventDefinition) {
        let name = &declared.name;
        match happens_to(known, on, &self.present.schemas) {
            Some(true) => {}
            Some(false) => {
                let has = for_people(&known.primary_object);
                return self.conflict(
                    &declared.object_at,
                    format!("the event {name} happens to {has} in the account, and the project declares {}", on.name()),
                    format!(
                        "HubSpot never changes the object type of an event: declare `object: {has}`, or an event of another name"
                    ),
                );
            }
            None => self.found.notes.push(format!(
                "event {name}: HubSpot calls the object type that it happens to {:?}, which may or may not be {}",
                known.primary_object,
                on.name()
            )),
        }
        if known.label != declared.label {
            self.found
                .notes
                .push(format!("event {name}: it has the label {:?} in the account; left as it is", known.label));
        }
        let target = Target::Event(name.clone());
        let own = known.properties.iter().filter(|property| !is_hubspots(property)).count();
        let mut more = 0;
        for property in &declared.properties {
            match known.properties.iter().find(|held| held.name == property.name) {
                Some(held) => self.same_event_property(&target, property, held),
                None => {
                    more += 1;
                    self.push(&target, &property.at, Work::EventProperty(Box::new(property.clone())));
                }
            }
        }
        if more > 0 && own + more > EVENT_PROPERTIES_MAX {
            self.conflict(
                &declared.at,
                format!(
                    "the event {name} has {own} properties of its own in the account, and the project adds {more}: HubSpot allows {EVENT_PROPERTIES_MAX}"
                ),
                "delete in HubSpot what nobody uses, or declare a second event",
            );
        }
    }

    /// A property that is there already: only options may be missing.
    fn same_event_property(&mut self, target: &Target, property: &DeclaredEventProperty, held: &PropertyDef) {
        let (event, name) = (target.name(), &property.name);
        if !same_type(property, held) {
            let (has, wants) = (held.type_.name(), property.type_.name());
            return self.conflict(
                &property.at,
                format!(
                    "{name} of the event {event} has the type {has} in the account, and the project declares {wants}"
                ),
                format!("declare `type: {has}`, or give the property another name; nothing that exists is changed"),
            );
        }
        let mut add = Vec::new();
        for option in &property.options {
            match held.options.iter().find(|known| known.value == option.value) {
                None => add.push(option.clone()),
                Some(known) if known.label != option.label => self.found.notes.push(format!(
                    "event {event}: the option {} of {name} has the label {:?} in the account; left as it is",
                    option.value, known.label
                )),
                Some(_) => {}
            }
        }
        if add.is_empty() {
            return;
        }
        if is_hubspots(held) {
            return self.conflict(
                &property.at,
                format!("{name} of the event {event} is HubSpot's own property, whose options cannot be changed"),
                "take the property out of `schema:`, or declare one of another name",
            );
        }
        self.push(target, &property.at, Work::EventOptions { property: name.clone(), add });
    }
}

/// HubSpot's word for the object type of an event; a custom one is named by its internal name.
fn word_of(on: &Target, schemas: &[Schema]) -> Option<String> {
    match on {
        Target::Known(object) => match EVENT_OBJECTS.iter().find(|(id, _)| *id == object.id) {
            Some((_, word)) => Some((*word).to_owned()),
            None => {
                let schema = schemas.iter().find(|schema| schema.object_type_id == object.id)?;
                Some(schema.name.clone())
            }
        },
        Target::New(name) | Target::Event(name) => Some(name.clone()),
    }
}

/// Whether an event happens to the type; none where HubSpot's word is none of those that are known. HubSpot's documents do
/// not say by which of its names it tells a custom type.
fn happens_to(known: &EventDefinition, on: &Target, schemas: &[Schema]) -> Option<bool> {
    let word = known.primary_object.trim();
    let standard = EVENT_OBJECTS.iter().find(|(id, name)| word.eq_ignore_ascii_case(name) || word == *id);
    if let Some((id, _)) = standard {
        return Some(on.key() == *id);
    }
    let named = |schema: &&Schema| {
        [&schema.object_type_id, &schema.name, &schema.fully_qualified_name, &schema.singular, &schema.plural]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(word))
    };
    let meant: Vec<&Schema> = schemas.iter().filter(named).collect();
    match meant.as_slice() {
        [] if on.key().starts_with("0-") && !word.is_empty() => Some(false),
        [] => None,
        several => Some(several.iter().any(|schema| schema.object_type_id == on.key())),
    }
}

/// HubSpot's word as a project writes it.
fn for_people(word: &str) -> String {
    let standard = hubward_core::object_types::standard(word).map(|(plural, _)| plural.to_owned());
    standard.unwrap_or_else(|| word.to_owned())
}

fn is_hubspots(property: &PropertyDef) -> bool {
    property.hubspot_defined || property.name.starts_with("hs_")
}

/// A bool may be kept as the two options that it is shown with.
fn same_type(property: &DeclaredEventProperty, held: &PropertyDef) -> bool {
    let as_options = || {
        let mut values: Vec<&str> = held.options.iter().map(|option| option.value.as_str()).collect();
        values.sort_unstable();
        held.type_ == PropertyType::Enumeration && values == ["false", "true"]
    };
    property.type_ == held.type_ || (property.type_ == PropertyType::Bool && as_options())
}

#[cfg(test)]
#[path = "event_diff_tests.rs"]
mod tests;
