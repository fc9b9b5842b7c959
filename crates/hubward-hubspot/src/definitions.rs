//! Making what an account lacks: property groups, properties, options, custom object types, association labels
//! (api.md 5.1, 5.2, 6.1, 7.1). Requests, answers and calls.
//!
//! Everything here is keyed by a name that HubSpot holds unique, so that a repeated creation is refused as a conflict and
//! never makes a second one; labels are the exception, for nothing says what a second label of the same name does, and their
//! creation is not repeated after a lost answer. Deciding what to create is left to the caller.

use bytes::Bytes;
use http::Method;
use hubward_core::{ErrorKind, PropertyDef};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::decode::decode_part;
use crate::error::ApiError;
use crate::issues::{strings, text};
use crate::metadata::{self, AssociationLabel, Schema};
use crate::request::{ApiRequest, CallMeta, Encoding, RequestKind};
use crate::requests::BATCH_MAX;
use crate::version::{ApiVersion, Endpoint};

/// The most properties of one batch create: the documented limit of every batch (api.md 3.1).
pub const PROPERTY_BATCH_MAX: usize = BATCH_MAX;

/// A property group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PropertyGroup {
    pub name: String,
    pub label: String,
}

/// One option of a property to be created; its place in the list is the place that people see it at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOption {
    pub value: String,
    pub label: String,
}

/// A property to be created (api.md 5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewProperty {
    pub name: String,
    pub label: String,
    /// HubSpot's `type`.
    pub type_: String,
    pub field_type: String,
    /// None only within a new object type, where HubSpot chooses the type's own group.
    pub group: Option<String>,
    pub description: Option<String>,
    pub options: Vec<NewOption>,
    pub unique: bool,
    /// Can only be set when the property is made.
    pub sensitivity: Sensitivity,
}

/// `dataSensitivity` of a property (api.md 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    #[default]
    NonSensitive,
    Sensitive,
    HighlySensitive,
}

impl Sensitivity {
    /// HubSpot's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NonSensitive => "non_sensitive",
            Self::Sensitive => "sensitive",
            Self::HighlySensitive => "highly_sensitive",
        }
    }
}

/// A custom object type to be created (api.md 6.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSchema {
    pub name: String,
    pub singular: String,
    pub plural: String,
    pub description: Option<String>,
    pub primary: String,
    pub secondary: Vec<String>,
    pub required: Vec<String>,
    pub searchable: Vec<String>,
    /// At least those that the lists above name.
    pub properties: Vec<NewProperty>,
    /// Object types by name or id.
    pub associated: Vec<String>,
}

/// An association label to be created (api.md 7.3); `inverse` makes it a paired one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewLabel {
    pub name: String,
    pub label: String,
    pub inverse: Option<String>,
}

/// What a batch create of properties came to.
#[derive(Clone, Debug, Default)]
pub struct PropertiesReply {
    pub created: Vec<PropertyDef>,
    /// Each refusal with the names of the properties it speaks of; empty where HubSpot named none.
    pub refused: Vec<(Vec<String>, ApiError)>,
}

fn definition(method: Method, path: String, body: &Value, idempotent: bool, inputs: usize) -> ApiRequest {
    ApiRequest {
        method,
        path,
        body: Some(Bytes::from(body.to_string())),
        encoding: Encoding::Json,
        kind: RequestKind::Metadata,
        idempotent,
        inputs,
        one_record: false,
    }
}

fn read(path: String) -> ApiRequest {
    let body = Value::Null;
    ApiRequest { body: None, ..definition(Method::GET, path, &body, true, 0) }
}

pub(crate) fn option_body(option: &NewOption, place: usize) -> Value {
    json!({ "value": option.value, "label": option.label, "displayOrder": place, "hidden": false })
}

/// An option as it was read, in the fields that may be written.
fn option_as_input(read: &Value) -> Value {
    let mut body = json!({ "label": read["label"], "value": read["value"], "displayOrder": -1, "hidden": false });
    for field in ["description", "displayOrder", "hidden"] {
        if !read[field].is_null() {
            body[field] = read[field].clone();
        }
    }
    body
}

/// The options of a property as it was read, with those to be added after them; none where it has them all.
pub(crate) fn with_options(raw: &Value, add: &[NewOption]) -> Option<Vec<Value>> {
    let mut options: Vec<Value> = raw["options"].as_array().into_iter().flatten().map(option_as_input).collect();
    let held = options.len();
    let last = options.iter().filter_map(|option| option["displayOrder"].as_i64()).max();
    for option in add {
        if options.iter().any(|known| strings(&known["value"]).first() == Some(&option.value)) {
            continue;
        }
        let mut body = option_body(option, options.len());
        if let Some(last) = last {
            body["displayOrder"] = json!(last.max(-1) + 1 + (options.len() - held) as i64);
        }
        options.push(body);
    }
    (options.len() > held).then_some(options)
}

fn property_body(property: &NewProperty) -> Value {
    let mut body = json!({
        "name": property.name,
        "label": property.label,
        "type": property.type_,
        "fieldType": property.field_type,
    });
    if let Some(group) = &property.group {
        body["groupName"] = json!(group);
    }
    if let Some(description) = &property.description {
        body["description"] = json!(description);
    }
    if !property.options.is_empty() {
        let options: Vec<Value> =
            property.options.iter().enumerate().map(|(place, option)| option_body(option, place)).collect();
        body["options"] = json!(options);
    }
    if property.unique {
        body["hasUniqueValue"] = json!(true);
    }
    if property.sensitivity != Sensitivity::NonSensitive {
        body["dataSensitivity"] = json!(property.sensitivity.name());
    }
    body
}

/// The property groups of an object type.
#[must_use]
pub fn groups(version: ApiVersion, t: &str) -> ApiRequest {
    read(Endpoint::PropertyGroups.path(version, &[("t", t)]))
}

/// Creates a property group.
#[must_use]
pub fn create_group(version: ApiVersion, t: &str, group: &PropertyGroup) -> ApiRequest {
    let body = json!({ "name": group.name, "label": group.label, "displayOrder": -1 });
    definition(Method::POST, Endpoint::PropertyGroups.path(version, &[("t", t)]), &body, true, 0)
}

/// Creates up to [`PROPERTY_BATCH_MAX`] properties.
#[must_use]
pub fn create_properties(version: ApiVersion, t: &str, properties: &[NewProperty]) -> ApiRequest {
    let inputs: Vec<Value> = properties.iter().map(property_body).collect();
    let path = Endpoint::PropertyBatch.path(version, &[("t", t), ("op", "create")]);
    definition(Method::POST, path, &json!({ "inputs": inputs }), true, properties.len())
}

/// Reads one property whole.
#[must_use]
pub fn property(version: ApiVersion, t: &str, name: &str) -> ApiRequest {
    let path = Endpoint::Property.path(version, &[("t", t), ("name", name)]);
    ApiRequest { one_record: true, ..read(path) }
}

/// Replaces the options of a property: HubSpot takes the whole list (api.md 5.2).
#[must_use]
pub fn replace_options(version: ApiVersion, t: &str, name: &str, options: &[Value]) -> ApiRequest {
    let path = Endpoint::Property.path(version, &[("t", t), ("name", name)]);
    definition(Method::PATCH, path, &json!({ "options": options }), true, 0)
}

/// Creates a custom object type. All fields that the dated specifications require are given, although fewer are needed.
#[must_use]
pub fn create_schema(version: ApiVersion, schema: &NewSchema) -> ApiRequest {
    let properties: Vec<Value> = schema.properties.iter().map(property_body).collect();
    let mut body = json!({
        "name": schema.name,
        "labels": { "singular": schema.singular, "plural": schema.plural },
        "primaryDisplayProperty": schema.primary,
        "secondaryDisplayProperties": schema.secondary,
        "requiredProperties": schema.required,
        "searchableProperties": schema.searchable,
        "properties": properties,
        "associatedObjects": schema.associated,
        "allowsSensitiveProperties": false,
    });
    if let Some(description) = &schema.description {
        body["description"] = json!(description);
    }
    if version == ApiVersion::V2026_03 {
        // Required there, optional in v3, gone in 2026-09.
        body["shouldCreateSameObjectAssociation"] = json!(false);
    }
    definition(Method::POST, Endpoint::Schemas.path(version, &[]), &body, true, 0)
}

/// Creates an association label.
#[must_use]
pub fn create_label(version: ApiVersion, from: &str, to: &str, label: &NewLabel) -> ApiRequest {
    let mut body = json!({ "name": label.name, "label": label.label });
    if let Some(inverse) = &label.inverse {
        body["inverseLabel"] = json!(inverse);
    }
    let path = Endpoint::AssociationLabels.path(version, &[("from", from), ("to", to)]);
    definition(Method::POST, path, &body, false, 0)
}

fn decode_groups(_status: u16, body: &[u8]) -> Result<Vec<PropertyGroup>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let results = body["results"].as_array().ok_or("property groups without results")?;
    let groups = results
        .iter()
        .filter(|group| !group["archived"].as_bool().unwrap_or(false))
        .map(|group| PropertyGroup { name: text(group, "name").to_owned(), label: text(group, "label").to_owned() });
    Ok(groups.collect())
}

fn decode_group(_status: u16, body: &[u8]) -> Result<PropertyGroup, String> {
    let group: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let name = group["name"].as_str().ok_or("a property group without a name")?;
    Ok(PropertyGroup { name: name.to_owned(), label: text(&group, "label").to_owned() })
}

/// An entry of `errors[]` names its properties in `context.name` (api.md 5.4).
fn decode_created(_status: u16, body: &[u8]) -> Result<PropertiesReply, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let results = body["results"].as_array().ok_or("a batch of properties without results")?;
    let created = results.iter().filter_map(metadata::property).collect();
    let refused = body["errors"].as_array().into_iter().flatten().map(|entry| {
        let mut names = strings(&entry["context"]["name"]);
        for nested in entry["errors"].as_array().into_iter().flatten() {
            names.extend(strings(&nested["context"]["name"]));
        }
        (names, decode_part(entry))
    });
    Ok(PropertiesReply { created, refused: refused.collect() })
}

fn decode_raw(_status: u16, body: &[u8]) -> Result<Value, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if body["name"].is_string() { Ok(body) } else { Err("a property without a name".to_owned()) }
}

fn decode_property(status: u16, body: &[u8]) -> Result<PropertyDef, String> {
    let raw = decode_raw(status, body)?;
    metadata::property(&raw).ok_or_else(|| "a property without a name".to_owned())
}

fn decode_schema(_status: u16, body: &[u8]) -> Result<Schema, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let schema = metadata::schema(&body);
    if schema.object_type_id.is_empty() { Err("a schema without an id".to_owned()) } else { Ok(schema) }
}

/// All calls fail with what HubSpot or the network said last; kind `Conflict` means that something of this name is there.
impl Client {
    async fn define<T>(&self, request: ApiRequest, decode: fn(u16, &[u8]) -> Result<T, String>) -> Result<T, ApiError> {
        Ok(self.call(&request, &CallMeta::default(), decode).await?.value)
    }

    /// The property groups of an object type, archived ones left out.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn property_groups(&self, t: &str) -> Result<Vec<PropertyGroup>, ApiError> {
        self.define(groups(self.version(), t), decode_groups).await
    }

    /// Creates a property group.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn create_group(&self, t: &str, group: &PropertyGroup) -> Result<PropertyGroup, ApiError> {
        self.define(create_group(self.version(), t, group), decode_group).await
    }

    /// Creates up to [`PROPERTY_BATCH_MAX`] properties. An archived property of the same name comes back with its old values
    /// and the new definition (api.md 5.1). A success status is no proof for each: the caller accounts for every name.
    ///
    /// # Errors
    /// The last refusal or failure of the whole batch.
    pub async fn create_properties(&self, t: &str, properties: &[NewProperty]) -> Result<PropertiesReply, ApiError> {
        self.define(create_properties(self.version(), t, properties), decode_created).await
    }

    /// Adds options to an enumeration, after those it has; what stands there is sent back as it was read, for HubSpot takes
    /// the list whole (api.md 5.2). Options whose value is there already are left out. Answers the property as it is then.
    ///
    /// # Errors
    /// The last refusal or failure of reading or writing.
    pub async fn add_options(&self, t: &str, name: &str, add: &[NewOption]) -> Result<PropertyDef, ApiError> {
        let version = self.version();
        let raw = self.define(property(version, t, name), decode_raw).await?;
        let Some(options) = with_options(&raw, add) else {
            return metadata::property(&raw)
                .ok_or_else(|| ApiError::new(ErrorKind::Unreadable, "HubSpot answered a property without a name"));
        };
        self.define(replace_options(version, t, name, &options), decode_property).await
    }

    /// Creates a custom object type.
    ///
    /// # Errors
    /// The last refusal or failure; `MissingScope` or `NotInEdition` for accounts without custom objects.
    pub async fn create_schema(&self, schema: &NewSchema) -> Result<Schema, ApiError> {
        self.define(create_schema(self.version(), schema), decode_schema).await
    }

    /// Creates an association label; answers its kind, and that of the other direction where HubSpot tells it.
    ///
    /// # Errors
    /// The last refusal or failure; kind `Unknown` means that it may have been created and must be looked for.
    pub async fn create_label(
        &self,
        from: &str,
        to: &str,
        label: &NewLabel,
    ) -> Result<Vec<AssociationLabel>, ApiError> {
        self.define(create_label(self.version(), from, to, label), metadata::labels).await
    }
}

#[cfg(test)]
#[path = "definitions_tests.rs"]
mod tests;
