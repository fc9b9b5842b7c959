//! `discover`: what can be done with which object of the account, as a DESTINATION_CATALOG.
//!
//! First come the operations that Airbyte's own destination has, under its names and in its order (`append_dedup` of CONTACT,
//! COMPANY, DEAL, PRODUCT and the custom objects), then ours.

use std::io;

use hubward_core::{ErrorKind, PropertyDef, PropertyType, Required, object_types};
use hubward_hubspot::{Client, Schema};
use serde_json::{Map, Value, json};

use crate::catalog::Operation;
use crate::check::{is_refused, not_logged_in};
use crate::config::Config;
use crate::failure::Failure;
use crate::host::Host;
use crate::out::Out;

const FAILED: &str = "Could not discover the objects of the account.";

/// The standard objects: the name in the catalog, and whether Airbyte's own destination has it.
const STANDARD: [(&str, bool); 6] =
    [("CONTACT", true), ("COMPANY", true), ("DEAL", true), ("PRODUCT", true), ("TICKET", false), ("LINE_ITEM", false)];

/// The id that every record has.
pub(crate) const RECORD_ID: &str = "hs_object_id";

/// Discovers the account's objects: one DESTINATION_CATALOG, or what went wrong and CONNECTION_STATUS FAILED.
///
/// # Errors
/// Stdout cannot be written.
pub async fn discover(config: &[u8], host: &Host, out: &Out) -> io::Result<()> {
    match discovered(config, host, out).await {
        Ok(operations) => out.catalog(&operations),
        Err(failure) => out.failed(&failure, FAILED),
    }
}

async fn discovered(config: &[u8], host: &Host, out: &Out) -> Result<Vec<Value>, Failure> {
    let config = Config::read(config)?;
    let client = host.client(&config, None, out);
    let mut objects = Vec::new();
    let mut refused = None;
    for (name, official) in STANDARD {
        let (path, id) = object_types::standard(name).expect("the standard types are known");
        match client.properties(path).await {
            Ok(properties) => {
                objects.push(Object::new(name, official, &properties, Required::standard(id).all_of, out));
            }
            Err(error) if is_refused(error.kind) => {
                out.warn(&format!("{name} is left out: {}", Failure::from(&error).message));
                refused.get_or_insert(error);
            }
            Err(error) => return Err(not_logged_in(&error)),
        }
    }
    let custom = custom_objects(&client, out).await?;
    if let Some(error) = refused.filter(|_| objects.is_empty() && custom.is_empty()) {
        return Err(not_logged_in(&error));
    }
    // The official order: custom objects after the official standard ones, and before what is ours.
    let ours = objects.iter().position(|object| !object.official).unwrap_or(objects.len());
    objects.splice(ours..ours, custom);
    Ok(operations(&objects, out))
}

async fn custom_objects(client: &Client, out: &Out) -> Result<Vec<Object>, Failure> {
    let schemas = match client.schemas().await {
        Ok(schemas) => schemas,
        Err(error) if is_refused(error.kind) || error.kind == ErrorKind::Validation => {
            out.warn(&format!("custom objects are left out: {}", Failure::from(&error).message));
            return Ok(Vec::new());
        }
        Err(error) => return Err(not_logged_in(&error)),
    };
    let objects = schemas.iter().filter(|schema| !schema.archived && object_types::standard(&schema.name).is_none());
    Ok(objects
        .map(|schema: &Schema| {
            Object::new(&schema.name, true, &schema.properties, schema.required_properties.clone(), out)
        })
        .collect())
}

/// One object of the account with what may be written of it.
struct Object {
    name: String,
    official: bool,
    /// Unique properties that may be written, the contact's e-mail first.
    keys: Vec<String>,
    /// Writable properties in the account's order, each with its schema.
    properties: Vec<(String, Value)>,
    /// What HubSpot requires of a new record.
    required: Vec<String>,
}

impl Object {
    fn new(name: &str, official: bool, properties: &[PropertyDef], required: Vec<String>, out: &Out) -> Self {
        let is_contact = name == "CONTACT";
        let mut keys: Vec<String> = properties
            .iter()
            .filter(|property| property.has_unique_value && !property.read_only_value && property.name != RECORD_ID)
            .map(|property| property.name.clone())
            .filter(|property| !is_contact || property != "email")
            .collect();
        if is_contact && properties.iter().any(|property| property.name == "email") {
            keys.insert(0, "email".to_owned());
        }
        let mut listed = Vec::new();
        for property in properties {
            let coordinates = property.type_ == PropertyType::Other("object_coordinates".to_owned());
            if keys.contains(&property.name) || (property.is_writable() && !coordinates) {
                let schema = schema_of(&property.type_).unwrap_or_else(|type_| {
                    out.warn(&format!(
                        "{name}.{} has the type {type_}, which is not known here; it is offered as a text",
                        property.name
                    ));
                    json!({ "type": "string" })
                });
                listed.push((property.name.clone(), schema));
            }
        }
        let required = required.into_iter().filter(|name| listed.iter().any(|(known, _)| known == name)).collect();
        Self { name: name.to_owned(), official, keys, properties: listed, required }
    }

    /// The schema of an operation: the record's id where it is a key, then `properties`.
    fn schema(&self, with_id: bool, keys_only: bool, required: &[String]) -> Value {
        let mut properties = Map::new();
        if with_id {
            properties.insert(RECORD_ID.to_owned(), json!({ "type": "string" }));
        }
        for (name, schema) in &self.properties {
            if !keys_only || self.keys.contains(name) {
                properties.insert(name.clone(), schema.clone());
            }
        }
        let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    fn operation(&self, operation: Operation) -> Value {
        let (keys, schema): (Vec<&str>, Value) = match operation {
            Operation::Upsert => (self.unique().collect(), self.schema(false, false, &[])),
            Operation::Insert => (Vec::new(), self.schema(false, false, &self.required)),
            Operation::Update => (self.with_id().collect(), self.schema(true, false, &[])),
            Operation::SoftDelete => (self.with_id().collect(), self.schema(true, true, &[])),
        };
        let mut message = json!({
            "object_name": self.name,
            "sync_mode": operation.sync_mode(),
            "json_schema": schema,
        });
        if !keys.is_empty() {
            message["matching_keys"] = keys.iter().map(|key| json!([key])).collect();
        }
        message
    }

    fn unique(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }

    /// Own keys before the record's id, which few sources know.
    fn with_id(&self) -> impl Iterator<Item = &str> {
        self.unique().chain([RECORD_ID])
    }
}

fn operations(objects: &[Object], out: &Out) -> Vec<Value> {
    let (mut upserts, mut others) = (Vec::new(), Vec::new());
    let (official, ours): (Vec<&Object>, Vec<&Object>) = objects.iter().partition(|object| object.official);
    for object in official.into_iter().chain(ours) {
        if object.properties.is_empty() {
            out.warn(&format!("{} is left out: it has no property that may be written", object.name));
            continue;
        }
        if object.keys.is_empty() {
            out.warn(&format!(
                "{} cannot be upserted: it has no property with unique values (make one in HubSpot and require unique \
                 values for it); it is offered for append, and for update and soft_delete by {RECORD_ID}",
                object.name
            ));
        } else {
            upserts.push(object.operation(Operation::Upsert));
        }
        for operation in [Operation::Insert, Operation::Update, Operation::SoftDelete] {
            others.push(object.operation(operation));
        }
    }
    upserts.append(&mut others);
    upserts
}

/// A property's type as JSON Schema; the name of one that this version does not know.
fn schema_of(type_: &PropertyType) -> Result<Value, String> {
    Ok(match type_ {
        PropertyType::String | PropertyType::Enumeration | PropertyType::PhoneNumber => json!({ "type": "string" }),
        PropertyType::Number => json!({ "type": "number" }),
        PropertyType::Bool => json!({ "type": "boolean" }),
        PropertyType::Date => json!({ "type": "string", "format": "date" }),
        PropertyType::DateTime => {
            json!({ "type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone" })
        }
        PropertyType::Other(name) => return Err(name.clone()),
    })
}
