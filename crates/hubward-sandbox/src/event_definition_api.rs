//! Owns the definitions API of custom events (api.md 9.3). Changes answer with 201, as the specification has it.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::Account;
use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::event_definitions::{self, DefinitionInput};
use crate::event_properties::{self, EventPropertyInput};
use crate::input;
use crate::property::Choice;

fn missing(name: &str) -> Refusal {
    Refusal::new(404, "OBJECT_NOT_FOUND", format!("No event definition named {name:?}"))
}

/// By short or by full name.
fn find(account: &Account, name: &str) -> Result<usize, Refusal> {
    account.events.find(name).ok_or_else(|| missing(name))
}

/// Properties come only with `includeProperties=true`; the order is that of the names.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let limit = call.page_limit(10, 100)?;
    let after = match call.query("after") {
        None => 0,
        Some(text) => text.parse::<usize>().map_err(|_| {
            Refusal::validation(format!("invalid after: {text} is no paging cursor of event definitions"))
        })?,
    };
    let descending = match call.query("sortOrder") {
        None => false,
        Some(order) if order.eq_ignore_ascii_case("asc") || order.eq_ignore_ascii_case("ascending") => false,
        Some(order) if order.eq_ignore_ascii_case("desc") || order.eq_ignore_ascii_case("descending") => true,
        Some(order) => return Err(Refusal::validation(format!("invalid sortOrder: {order} is neither ASC nor DESC"))),
    };
    let wanted = call.query("searchString").unwrap_or_default().to_lowercase();
    let account = call.account();
    let mut found: Vec<_> = account
        .events
        .definitions
        .iter()
        .filter(|own| !own.deleted && (own.name.contains(&wanted) || own.label.to_lowercase().contains(&wanted)))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if descending {
        found.reverse();
    }
    let page = found.iter().skip(after).take(limit);
    let results: Vec<Value> = page.map(|own| own.shown(&account, call.flag("includeProperties"))).collect();
    let mut answer = json!({ "total": found.len(), "results": results });
    if after + limit < found.len() {
        answer["paging"] = call.paging(&(after + limit).to_string());
    }
    Ok(Reply::of(200, &answer))
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let at = find(&account, call.param(0))?;
    Ok(Reply::of(200, &account.events.definitions[at].shown(&account, true)))
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: DefinitionInput = input::parse(call.body)?;
    let mut account = call.account();
    let at = event_definitions::add(&mut account, wanted, false, call.now_ms)?;
    Ok(Reply::of(201, &account.events.definitions[at].shown(&account, true)))
}

/// Name and primary object cannot be changed; what else a body holds is passed over.
pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Place {
        name: String,
        display_order: Option<i64>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Patch {
        label: Option<String>,
        description: Option<String>,
        #[serde(default)]
        property_order: Vec<Place>,
    }
    let patch: Patch = input::parse(call.body)?;
    if patch.label.as_ref().is_some_and(|label| label.trim().is_empty() || label.chars().count() > 100) {
        return Err(Refusal::validation("The label of an event has between 1 and 100 characters"));
    }
    let mut account = call.account();
    let at = find(&account, call.param(0))?;
    let definition = &mut account.events.definitions[at];
    if let Some(place) = patch.property_order.iter().find(|place| definition.property(&place.name).is_none()) {
        return Err(Refusal::validation(format!("propertyOrder names {:?}, which is no property", place.name)));
    }
    for (order, place) in patch.property_order.iter().enumerate() {
        if let Some(at) = definition.property(&place.name) {
            let order = i64::try_from(order).unwrap_or(i64::MAX);
            definition.properties[at].display_order = place.display_order.unwrap_or(order);
        }
    }
    if let Some(label) = patch.label {
        definition.label = label;
    }
    definition.description = patch.description.or(definition.description.take());
    definition.updated_ms = call.now_ms;
    Ok(Reply::of(201, &account.events.definitions[at].shown(&account, true)))
}

/// The name stays taken for ever `[DOC-DEF]`; what occurred stays too.
pub(crate) fn delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let at = find(&account, call.param(0))?;
    account.events.definitions[at].deleted = true;
    Ok(Reply::empty(204))
}

pub(crate) fn property_create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: EventPropertyInput = input::parse(call.body)?;
    let mut account = call.account();
    let at = find(&account, call.param(0))?;
    let made = account.events.definitions[at].add_property(wanted, call.now_ms)?;
    Ok(Reply::of(201, &made.shown()))
}

/// The property that a path names, unless it is HubSpot's own.
fn own_property(account: &Account, call: &Call<'_>) -> Result<(usize, usize), Refusal> {
    let definition_at = find(account, call.param(0))?;
    let definition = &account.events.definitions[definition_at];
    let name = call.param(1);
    let at = definition.property(name).ok_or_else(|| {
        Refusal::new(404, "OBJECT_NOT_FOUND", format!("No property {name:?} in the event {}", definition.name))
    })?;
    if definition.properties[at].hubspot_defined {
        return Err(Refusal::validation(format!("Property {name} is defined by HubSpot and cannot be changed")));
    }
    Ok((definition_at, at))
}

pub(crate) fn property_update(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    struct Patch {
        label: Option<String>,
        description: Option<String>,
        options: Option<Vec<Choice>>,
    }
    let patch: Patch = input::parse(call.body)?;
    let mut account = call.account();
    let (definition_at, at) = own_property(&account, call)?;
    let property = &mut account.events.definitions[definition_at].properties[at];
    if let Some(options) = patch.options {
        event_properties::check_options(&property.name, property.kind, &options)?;
        property.options = options;
    }
    if let Some(label) = patch.label {
        property.label = label;
    }
    if let Some(description) = patch.description {
        property.description = description;
    }
    property.updated_ms = call.now_ms;
    Ok(Reply::of(201, &property.shown()))
}

pub(crate) fn property_delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let (definition_at, at) = own_property(&account, call)?;
    let definition = &mut account.events.definitions[definition_at];
    let name = &definition.properties[at].name;
    if definition.matching.as_ref().is_some_and(|rule| rule.event_property_name == *name) {
        return Err(Refusal::validation(format!(
            "Property {name} is in use by customMatchingId and cannot be deleted"
        )));
    }
    definition.properties[at].archived_at_ms = Some(call.now_ms);
    Ok(Reply::empty(204))
}
