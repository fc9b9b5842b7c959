//! Owns `load`: what a test or a demonstration puts into the account at once. It checks names and ids, not values.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::{Map, Value};

use crate::account::{Account, TypeAt};
use crate::apps::AppInput;
use crate::association_labels::{self, LabelCreate};
use crate::auth::TokenInput;
use crate::event_definitions::{self, DefinitionInput};
use crate::list_load::{self, ListInput};
use crate::objects;
use crate::owners::Owner;
use crate::property::{Property, PropertyCreate};
use crate::record::Record;
use crate::rules::Rule;
use crate::sandbox::Inner;
use crate::schemas::{self, SchemaInput};
use crate::settings::SettingsInput;
use crate::values;

/// A `load` document that cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct LoadError {
    field: String,
    problem: String,
}

fn wrong(field: impl Into<String>, problem: impl fmt::Display) -> LoadError {
    LoadError { field: field.into(), problem: problem.to_string() }
}

/// An id that a document gives as a number or as text.
pub(crate) fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    number(&value).ok_or_else(|| serde::de::Error::custom(format!("{value} is no id")))
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

const KEYS: &[&str] = &[
    "settings",
    "properties",
    "schemas",
    "records",
    "owners",
    "labels",
    "rules",
    "tokens",
    "apps",
    "lists",
    "event_definitions",
    "usertokens",
];

pub(crate) fn load(inner: &Inner, document: &Value) -> Result<(), LoadError> {
    let document = document.as_object().ok_or_else(|| wrong("the document", "must be a JSON object"))?;
    if let Some(key) = document.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(wrong(key, format!("unknown key; use {}", KEYS.join(", "))));
    }
    let now_ms = inner.clock.now_ms();
    for (at, token) in list::<TokenInput>(document, "tokens")?.into_iter().enumerate() {
        if token.token.is_empty() {
            return Err(wrong(format!("tokens[{at}].token"), "must not be empty"));
        }
        inner.auth().load(token);
    }
    for app in list::<AppInput>(document, "apps")? {
        inner.auth().apps.put(app);
    }
    let mut account = inner.account();
    for mut owner in list::<Owner>(document, "owners")? {
        owner.created_ms = now_ms;
        account.owners.insert(owner.id, owner);
    }
    for (at, schema) in list::<SchemaInput>(document, "schemas")?.into_iter().enumerate() {
        schemas::add(&mut account, schema, now_ms)
            .map_err(|refusal| wrong(format!("schemas[{at}]"), &refusal.body().message))?;
    }
    for (name, creates) in map(document, "properties")? {
        let field = format!("properties.{name}");
        let type_at = find(&account, &field, name)?;
        for create in items::<PropertyCreate>(creates, &field)? {
            let property = Property::from_create(create, now_ms);
            let object_type = &mut account.types[type_at];
            let standard =
                object_type.known(&property.name).is_some_and(|at| object_type.property(at).computed.is_some());
            if standard {
                return Err(wrong(&field, format!("{} is filled in by HubSpot and cannot be replaced", property.name)));
            }
            object_type.put_property(property);
        }
    }
    labels(&mut account, document)?;
    settings(inner, &mut account, document)?;
    rules(&mut account, document)?;
    for (name, records) in map(document, "records")? {
        let field = format!("records.{name}");
        let type_at = find(&account, &field, name)?;
        let records = records.as_array().ok_or_else(|| wrong(&field, "must be an array"))?;
        for (at, record) in records.iter().enumerate() {
            put_record(&mut account, type_at, record, &format!("{field}[{at}]"), now_ms)?;
        }
    }
    for (at, input) in list::<ListInput>(document, "lists")?.into_iter().enumerate() {
        list_load::put(&mut account, input, now_ms)
            .map_err(|(field, problem)| wrong(format!("lists[{at}].{field}"), problem))?;
    }
    events(&mut account, document, now_ms)
}

/// Definitions of events, and the contacts of known visitors.
fn events(account: &mut Account, document: &Map<String, Value>, now_ms: i64) -> Result<(), LoadError> {
    for (at, definition) in list::<DefinitionInput>(document, "event_definitions")?.into_iter().enumerate() {
        event_definitions::add(account, definition, true, now_ms)
            .map_err(|refusal| wrong(format!("event_definitions[{at}]"), &refusal.body().message))?;
    }
    for (token, contact) in map(document, "usertokens")? {
        let id = number(contact).ok_or_else(|| wrong(format!("usertokens.{token}"), "is no record id"))?;
        account.events.visitors.insert(token.clone(), id);
    }
    Ok(())
}

fn find(account: &Account, field: &str, name: &str) -> Result<TypeAt, LoadError> {
    account.find(name).ok_or_else(|| wrong(field, format!("no object type {name:?}")))
}

fn list<T: DeserializeOwned>(document: &Map<String, Value>, key: &str) -> Result<Vec<T>, LoadError> {
    document.get(key).map_or(Ok(Vec::new()), |value| items(value, key))
}

fn items<T: DeserializeOwned>(value: &Value, field: &str) -> Result<Vec<T>, LoadError> {
    let list = value.as_array().ok_or_else(|| wrong(field, "must be an array"))?;
    let mut all = Vec::with_capacity(list.len());
    for (at, item) in list.iter().enumerate() {
        all.push(T::deserialize(item).map_err(|error| wrong(format!("{field}[{at}]"), error))?);
    }
    Ok(all)
}

fn map<'d>(document: &'d Map<String, Value>, key: &str) -> Result<Vec<(&'d String, &'d Value)>, LoadError> {
    let Some(value) = document.get(key) else {
        return Ok(Vec::new());
    };
    Ok(value.as_object().ok_or_else(|| wrong(key, "must be an object"))?.iter().collect())
}

fn labels(account: &mut Account, document: &Map<String, Value>) -> Result<(), LoadError> {
    #[derive(Deserialize)]
    struct LabelInput {
        from: String,
        to: String,
        #[serde(flatten)]
        label: LabelCreate,
    }
    for (at, input) in list::<LabelInput>(document, "labels")?.into_iter().enumerate() {
        let from = find(account, &format!("labels[{at}].from"), &input.from)?;
        let to = find(account, &format!("labels[{at}].to"), &input.to)?;
        association_labels::put(account, from, to, input.label);
    }
    Ok(())
}

fn settings(inner: &Inner, account: &mut Account, document: &Map<String, Value>) -> Result<(), LoadError> {
    let Some(value) = document.get("settings") else {
        return Ok(());
    };
    let mut input = SettingsInput::deserialize(value).map_err(|error| wrong("settings", error))?;
    for (at, ceiling) in std::mem::take(&mut input.association_ceilings).into_iter().enumerate() {
        let field = format!("settings.association_ceilings[{at}]");
        let from = find(account, &format!("{field}.from"), &ceiling.from)?;
        let to = find(account, &format!("{field}.to"), &ceiling.to)?;
        account.cardinality.set_ceiling(from, to, ceiling.most);
    }
    if let Some(rotates) = input.rotate_refresh_tokens {
        inner.auth().apps.rotates = rotates;
    }
    account.settings.take(input);
    account.lists.set_lag(account.settings.list_lag_ms.into());
    Ok(())
}

fn rules(account: &mut Account, document: &Map<String, Value>) -> Result<(), LoadError> {
    #[derive(Deserialize)]
    struct RuleInput {
        #[serde(alias = "objectType")]
        object: String,
        #[serde(flatten)]
        rule: Rule,
    }
    for (at, input) in list::<RuleInput>(document, "rules")?.into_iter().enumerate() {
        let field = format!("rules[{at}]");
        let type_at = find(account, &format!("{field}.object"), &input.object)?;
        let object_type = &mut account.types[type_at];
        if object_type.defined(&input.rule.property).is_none() {
            return Err(wrong(format!("{field}.property"), format!("no property {:?}", input.rule.property)));
        }
        object_type.rules.retain(|other| {
            other.property != input.rule.property
                || std::mem::discriminant(&other.when) != std::mem::discriminant(&input.rule.when)
        });
        object_type.rules.push(input.rule);
    }
    Ok(())
}

/// One record: `{id?, properties, archived?, merged_into?}`. With `merged_into` it is only an old id of another record.
fn put_record(
    account: &mut Account,
    type_at: TypeAt,
    record: &Value,
    field: &str,
    now_ms: i64,
) -> Result<(), LoadError> {
    let record = record.as_object().ok_or_else(|| wrong(field, "must be an object"))?;
    if let Some(key) =
        record.keys().find(|key| !["id", "properties", "archived", "merged_into"].contains(&key.as_str()))
    {
        return Err(wrong(format!("{field}.{key}"), "unknown key; use id, properties, archived, merged_into"));
    }
    let id = match record.get("id") {
        Some(value) => {
            let id = number(value).ok_or_else(|| wrong(format!("{field}.id"), format!("{value} is no record id")))?;
            account.saw_record_id(id);
            id
        }
        None => account.new_record_id(),
    };
    if let Some(value) = record.get("merged_into") {
        let survivor =
            number(value).filter(|survivor| account.types[type_at].records.contains_key(survivor) && *survivor != id);
        let survivor = survivor.ok_or_else(|| {
            wrong(format!("{field}.merged_into"), format!("{value} is no record of this type loaded before"))
        })?;
        let object_type = &mut account.types[type_at];
        object_type.purge(id);
        object_type.merged.insert(id, survivor);
        if let Some(record) = object_type.records.get_mut(&survivor) {
            record.merged_ids.push(id);
        }
        account.associations.move_all(type_at, id, survivor);
        account.lists.merged(type_at, id, survivor, now_ms);
        return Ok(());
    }
    let empty = Map::new();
    let properties = match record.get("properties") {
        Some(value) => value.as_object().ok_or_else(|| wrong(format!("{field}.properties"), "must be an object"))?,
        None => &empty,
    };
    let object_type = &mut account.types[type_at];
    object_type.purge(id);
    // what is loaded was there long before: search shows it at once
    object_type.records.insert(id, Record::new(now_ms, i64::MIN));
    for (name, value) in properties {
        let at =
            object_type.defined(name).ok_or_else(|| wrong(format!("{field}.properties.{name}"), "no such property"))?;
        if object_type.property(at).computed.is_some() {
            return Err(wrong(format!("{field}.properties.{name}"), "is filled in by HubSpot"));
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let text = objects::key_value(object_type, at, &text).into_owned();
        if object_type.email == Some(at) && values::email(&text).is_none() {
            return Err(wrong(format!("{field}.properties.{name}"), format!("{text:?} is no e-mail address")));
        }
        if object_type.is_unique(at)
            && let Some(holder) = object_type.holder(at, &text)
        {
            return Err(wrong(format!("{field}.properties.{name}"), format!("{text:?} is taken by record {holder}")));
        }
        object_type.write(id, at, Some(&text));
    }
    if record.get("archived") == Some(&Value::Bool(true)) {
        account.archive(type_at, id, now_ms);
    } else {
        account.lists.restored(type_at, id, now_ms);
    }
    Ok(())
}
