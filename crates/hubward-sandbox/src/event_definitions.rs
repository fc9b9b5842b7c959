//! Owns the definitions of custom events: their names, properties and the object type they happen to, and how HubSpot shows
//! them (api.md 9.3). Occurrences stand in `occurrences.rs`.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, TypeAt};
use crate::answers::Refusal;
use crate::clock::iso;
use crate::event_properties::{self, EventPropertyInput, MOST_CUSTOM_PROPERTIES, check_name, name_of, taken, too_many};
use crate::occurrences::Occurrences;
use crate::property::Property;

/// Definitions of an account `[DOC-DEF]`.
const MOST_DEFINITIONS: usize = 500;
const MOST_LABEL: usize = 100;

/// The events of an account: definitions, and what occurred.
#[derive(Default)]
pub(crate) struct Events {
    pub(crate) definitions: Vec<Definition>,
    /// By short and by full name; a deleted one keeps both.
    names: HashMap<String, usize>,
    pub(crate) occurrences: Occurrences,
    /// Contacts of known visitors, by user token.
    pub(crate) visitors: HashMap<String, u64>,
}

impl Events {
    /// The definition of a short or full name, unless it is deleted.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.known(name).filter(|at| !self.definitions[*at].deleted)
    }

    /// The definition that an event of this full name belongs to; the short name does not do there `[DOC-SEND]`.
    pub(crate) fn find_full(&self, name: &str) -> Option<usize> {
        self.find(name).filter(|at| self.definitions[*at].full_name == name)
    }

    fn known(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }
}

pub(crate) struct Definition {
    /// Position in the account, counted from 1; it makes the ids.
    number: usize,
    pub(crate) name: String,
    pub(crate) full_name: String,
    pub(crate) label: String,
    pub(crate) description: Option<String>,
    pub(crate) primary: TypeAt,
    pub(crate) matching: Option<Rule>,
    pub(crate) properties: Vec<Property>,
    property_names: HashMap<String, usize>,
    pub(crate) deleted: bool,
    created_ms: i64,
    pub(crate) updated_ms: i64,
}

/// Which property of an event holds which unique property of its record.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    pub(crate) event_property_name: String,
    pub(crate) target_object_property_name: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matching {
    primary_object_rule: Rule,
}

/// HubSpot's create body; `load` takes it with `fullyQualifiedName` too.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DefinitionInput {
    label: Option<String>,
    name: Option<String>,
    description: Option<String>,
    primary_object: Option<String>,
    #[serde(default)]
    property_definitions: Vec<EventPropertyInput>,
    custom_matching_id: Option<Matching>,
    include_default_properties: Option<bool>,
    /// Only `load` reads it.
    fully_qualified_name: Option<String>,
}

fn validation(message: impl Into<String>) -> Refusal {
    Refusal::validation(message)
}

/// The object type that an event may happen to: one of four, or a custom one.
fn primary(account: &Account, wanted: Option<&str>) -> Result<TypeAt, Refusal> {
    let wanted = wanted.unwrap_or("CONTACT");
    let found = account.find(wanted).filter(|at| {
        let object_type = &account.types[*at];
        object_type.schema.is_some() || matches!(&*object_type.id, "0-1" | "0-2" | "0-3" | "0-5")
    });
    found.ok_or_else(|| {
        validation(format!(
            "Invalid primaryObject {wanted:?}: use CONTACT, COMPANY, DEAL, TICKET or the name of a custom object"
        ))
    })
}

fn check_matching(account: &Account, primary: TypeAt, rule: &Rule, properties: &[Property]) -> Result<(), Refusal> {
    let (own, target) = (&rule.event_property_name, &rule.target_object_property_name);
    if !properties.iter().any(|property| property.name == *own) {
        return Err(validation(format!("customMatchingId names {own:?}, which is no property of the event")));
    }
    let object_type = &account.types[primary];
    if object_type.defined(target).is_none_or(|at| !object_type.is_unique(at)) {
        return Err(validation(format!(
            "customMatchingId names {target:?}, which is no unique property of {}",
            object_type.id
        )));
    }
    Ok(())
}

/// Takes a create body; its position among the definitions. `loading` replaces one of the same name and knows no limits.
pub(crate) fn add(account: &mut Account, input: DefinitionInput, loading: bool, now_ms: i64) -> Result<usize, Refusal> {
    let label = match (input.label, &input.name) {
        (Some(label), _) if !label.trim().is_empty() => label,
        (None, Some(name)) if loading => name.clone(),
        _ => return Err(validation("An event definition needs a label")),
    };
    if label.chars().count() > MOST_LABEL {
        return Err(validation(format!("The label of an event has at most {MOST_LABEL} characters")));
    }
    let events = &account.events;
    let name = match input.name {
        Some(name) => name,
        None => name_of(&label, |name| events.known(name).is_none() || loading),
    };
    check_name("The event name", &name)?;
    let known = events.known(&name);
    if !loading {
        match known {
            Some(at) if events.definitions[at].deleted => {
                return Err(validation(format!("The event name '{name}' was deleted and cannot be used again."))
                    .context("name", vec![name]));
            }
            Some(_) => return Err(taken("An event definition named", &name)),
            None => {}
        }
        if account.tier != crate::Tier::Unlimited
            && events.definitions.iter().filter(|definition| !definition.deleted).count() >= MOST_DEFINITIONS
        {
            return Err(validation(format!("An account may have at most {MOST_DEFINITIONS} event definitions")));
        }
    }
    let primary = primary(account, input.primary_object.as_deref())?;
    if input.property_definitions.len() > MOST_CUSTOM_PROPERTIES {
        return Err(too_many());
    }
    let mut properties = Vec::new();
    if input.include_default_properties.unwrap_or(true) {
        properties = event_properties::defaults(now_ms);
    }
    for input in input.property_definitions {
        let made = event_properties::property(
            input,
            &|name| properties.iter().any(|other: &Property| other.name == name),
            now_ms,
        )?;
        properties.push(made);
    }
    let matching = input.custom_matching_id.map(|matching| matching.primary_object_rule);
    if let Some(rule) = &matching {
        check_matching(account, primary, rule, &properties)?;
    }
    let full_name = input.fully_qualified_name.filter(|_| loading);
    let full_name = full_name.unwrap_or_else(|| format!("pe{}_{name}", account.portal_id));
    let events = &mut account.events;
    let at = known.unwrap_or(events.definitions.len());
    let definition = Definition {
        number: at + 1,
        name: name.clone(),
        full_name: full_name.clone(),
        label,
        description: input.description,
        primary,
        matching,
        property_names: properties.iter().enumerate().map(|(at, own)| (own.name.clone(), at)).collect(),
        properties,
        deleted: false,
        created_ms: now_ms,
        updated_ms: now_ms,
    };
    match events.definitions.get_mut(at) {
        Some(old) => {
            let old = std::mem::replace(old, definition);
            events.names.remove(&old.full_name);
        }
        None => events.definitions.push(definition),
    }
    events.names.insert(name, at);
    events.names.insert(full_name, at);
    Ok(at)
}

impl Definition {
    /// The property of that name unless it is deleted.
    pub(crate) fn property(&self, name: &str) -> Option<usize> {
        let at = *self.property_names.get(name)?;
        self.properties[at].archived_at_ms.is_none().then_some(at)
    }

    /// Adds a property; a deleted one of the same name is replaced.
    pub(crate) fn add_property(&mut self, input: EventPropertyInput, now_ms: i64) -> Result<&Property, Refusal> {
        let custom = self.properties.iter().filter(|own| !own.hubspot_defined && own.archived_at_ms.is_none()).count();
        if custom >= MOST_CUSTOM_PROPERTIES {
            return Err(too_many());
        }
        let property = event_properties::property(input, &|name| self.property(name).is_some(), now_ms)?;
        let at = match self.property_names.get(&property.name) {
            Some(at) => *at,
            None => self.properties.len(),
        };
        self.property_names.insert(property.name.clone(), at);
        if at < self.properties.len() {
            self.properties[at] = property;
        } else {
            self.properties.push(property);
        }
        self.updated_ms = now_ms;
        Ok(&self.properties[at])
    }

    /// As the definitions API shows it.
    pub(crate) fn shown(&self, account: &Account, with_properties: bool) -> Value {
        let object_type = &account.types[self.primary];
        let mut properties = Vec::new();
        for property in self.properties.iter().filter(|own| with_properties && own.archived_at_ms.is_none()) {
            properties.push(serde_json::to_value(property.shown()).expect("definitions are JSON"));
        }
        let primary = match &object_type.schema {
            Some(_) => object_type.singular.clone(),
            None => object_type.shouted(),
        };
        let mut shown = json!({
            "labels": { "singular": self.label, "plural": self.label },
            "name": self.name, "fullyQualifiedName": self.full_name,
            "id": self.number.to_string(), "objectTypeId": format!("6-{}", 1_000_000 + self.number),
            "primaryObject": primary, "primaryObjectId": object_type.id,
            "trackingType": "MANUAL", "archived": self.deleted, "associations": [],
            "createdAt": iso(self.created_ms), "updatedAt": iso(self.updated_ms),
            "properties": properties,
        });
        if let Some(description) = &self.description {
            shown["description"] = json!(description);
        }
        if let Some(rule) = &self.matching {
            shown["customMatchingId"] = json!({ "primaryObjectRule": {
                "eventPropertyName": rule.event_property_name,
                "targetObjectPropertyName": rule.target_object_property_name,
            } });
        }
        shown
    }
}
