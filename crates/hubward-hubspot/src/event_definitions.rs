//! Definitions of custom events: reading those of an account, making what is lacking (api.md 9.3). Requests, answers, calls.
//!
//! A definition's name and a property's name are unique where they stand, so that a repeated creation is refused and never
//! makes a second one. A definition's name and primary object cannot be changed, and a deleted name cannot be used again:
//! deciding what to create is left to the caller.

use hubward_core::{ErrorKind, PropertyDef};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::Client;
use crate::definitions::{NewOption, option_body};
use crate::error::ApiError;
use crate::issues::{strings, text};
use crate::metadata::{self, flag, id, items, object};
use crate::request::{ApiRequest, CallMeta, RequestKind};
use crate::requests::{get, json as body_of, post};
use crate::version::{ApiVersion, Endpoint, push_query};

/// Definitions on one page. HubSpot states no largest page; an account has 500 at most (api.md 9.2).
const PAGE: &str = "100";
/// Pages at most: a cursor that never ends must not either.
const PAGES_MAX: usize = 200;

/// A definition of a custom event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventDefinition {
    /// The short name, by which definitions are addressed.
    pub name: String,
    /// `pe{hub}_{name}`, by which events are sent.
    pub full_name: String,
    pub label: String,
    /// What it happens to, as HubSpot says it: `CONTACT`, `COMPANY`, `DEAL`, `TICKET`, or the name or type id of a custom
    /// type.
    pub primary_object: String,
    /// `6-…`.
    pub object_type_id: Option<String>,
    /// Archived ones left out; HubSpot's own (`hs_…`) among them.
    pub properties: Vec<PropertyDef>,
}

/// A property of an event to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEventProperty {
    pub name: String,
    pub label: String,
    /// `string`, `number`, `enumeration`, `datetime` (api.md 9.3).
    pub type_: String,
    pub description: Option<String>,
    /// Of an enumeration.
    pub options: Vec<NewOption>,
}

/// An event definition to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEventDefinition {
    pub name: String,
    pub label: String,
    pub description: Option<String>,
    /// `CONTACT`, `COMPANY`, `DEAL`, `TICKET`, or a custom type. HubSpot takes contacts for none.
    pub primary_object: Option<String>,
    pub properties: Vec<NewEventProperty>,
    /// Whether HubSpot adds its own properties (`hs_city`, `hs_page_url` and the like).
    pub include_default_properties: bool,
}

fn property_body(property: &NewEventProperty) -> Value {
    let mut body = json!({ "name": property.name, "label": property.label, "type": property.type_ });
    if let Some(description) = &property.description {
        body["description"] = json!(description);
    }
    if !property.options.is_empty() {
        let options = property.options.iter().enumerate();
        body["options"] = options.map(|(place, option)| option_body(option, place)).collect();
    }
    body
}

/// One page of the account's event definitions with their properties.
#[must_use]
pub fn event_definitions(version: ApiVersion, after: Option<&str>) -> ApiRequest {
    let mut path = Endpoint::EventDefinitions.path(version, &[]);
    push_query(&mut path, "includeProperties", "true");
    push_query(&mut path, "limit", PAGE);
    if let Some(after) = after {
        push_query(&mut path, "after", after);
    }
    get(path, RequestKind::Metadata)
}

/// Creates an event definition.
#[must_use]
pub fn create_event_definition(version: ApiVersion, definition: &NewEventDefinition) -> ApiRequest {
    let properties: Vec<Value> = definition.properties.iter().map(property_body).collect();
    let mut body = json!({
        "name": definition.name,
        "label": definition.label,
        "propertyDefinitions": properties,
        "includeDefaultProperties": definition.include_default_properties,
    });
    if let Some(description) = &definition.description {
        body["description"] = json!(description);
    }
    if let Some(primary) = &definition.primary_object {
        body["primaryObject"] = json!(primary);
    }
    post(Endpoint::EventDefinitions.path(version, &[]), RequestKind::Metadata, body_of(&body), 0)
}

/// Adds a property to an event definition, which is addressed by its short name.
#[must_use]
pub fn create_event_property(version: ApiVersion, event: &str, property: &NewEventProperty) -> ApiRequest {
    let path = Endpoint::EventProperty.path(version, &[("name", event)]);
    let body = property_body(property);
    ApiRequest { one_record: true, ..post(path, RequestKind::Metadata, body_of(&body), 0) }
}

fn read(value: &Value) -> Option<EventDefinition> {
    let name = value["name"].as_str()?;
    let either = |names: [&str; 2]| {
        let found = names.into_iter().map(|name| text(value, name)).find(|found| !found.is_empty());
        found.unwrap_or_default().to_owned()
    };
    let label = [&value["labels"]["singular"], &value["label"], &value["name"]];
    let live = |property: &&Value| !flag(property, "archived");
    Some(EventDefinition {
        name: name.to_owned(),
        full_name: either(["fullyQualifiedName", "name"]),
        label: label.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned(),
        primary_object: either(["primaryObject", "primaryObjectId"]),
        object_type_id: Some(id(&value["objectTypeId"])).filter(|id| !id.is_empty()),
        properties: items(value, "properties").filter(live).filter_map(metadata::property).collect(),
    })
}

type Page = (Vec<EventDefinition>, Option<String>);

fn decode_page(_status: u16, body: &[u8]) -> Result<Page, String> {
    let body = object(body)?;
    if !body["results"].is_array() {
        return Err("event definitions without results".to_owned());
    }
    let page = items(&body, "results").filter(|value| !flag(value, "archived")).filter_map(read).collect();
    let after = strings(&body["paging"]["next"]["after"]).into_iter().next();
    Ok((page, after))
}

fn decode_definition(_status: u16, body: &[u8]) -> Result<EventDefinition, String> {
    read(&object(body)?).ok_or_else(|| "an event definition without a name".to_owned())
}

fn decode_property(_status: u16, body: &[u8]) -> Result<PropertyDef, String> {
    metadata::property(&object(body)?).ok_or_else(|| "a property without a name".to_owned())
}

/// All calls fail with what HubSpot or the network said last; kind `Conflict` means that something of this name is there.
impl Client {
    /// The account's event definitions with their properties, page by page; archived ones left out.
    ///
    /// # Errors
    /// The last refusal or failure of any page, `MissingScope` and `NotInEdition` among them; kind `Unreadable` when the
    /// pages do not end.
    pub async fn event_definitions(&self, meta: &CallMeta) -> Result<Vec<EventDefinition>, ApiError> {
        let mut definitions = Vec::new();
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let request = event_definitions(self.version(), after.as_deref());
            let (page, next) = self.event_call(request, meta, decode_page).await?.value;
            definitions.extend(page);
            if next.is_none() {
                return Ok(definitions);
            }
            after = next;
        }
        Err(ApiError::new(
            ErrorKind::Unreadable,
            format!("HubSpot's list of event definitions does not end after {PAGES_MAX} pages"),
        ))
    }

    /// Creates an event definition with its properties; answers it as HubSpot has it then.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn create_event_definition(
        &self,
        definition: &NewEventDefinition,
        meta: &CallMeta,
    ) -> Result<EventDefinition, ApiError> {
        let request = create_event_definition(self.version(), definition);
        Ok(self.event_call(request, meta, decode_definition).await?.value)
    }

    /// Adds a property to the event definition of this short name.
    ///
    /// # Errors
    /// The last refusal or failure; `NotFound` when there is no such definition.
    pub async fn create_event_property(
        &self,
        event: &str,
        property: &NewEventProperty,
        meta: &CallMeta,
    ) -> Result<PropertyDef, ApiError> {
        let request = create_event_property(self.version(), event, property);
        Ok(self.event_call(request, meta, decode_property).await?.value)
    }
}

#[cfg(test)]
#[path = "event_definitions_tests.rs"]
mod tests;
