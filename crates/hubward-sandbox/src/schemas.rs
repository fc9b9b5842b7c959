//! Owns schemas: custom object types, made through the API or by `load` (api.md 6.1).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{Account, ObjectType, TypeAt};
use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::clock::iso;
use crate::input;
use crate::properties::Group;
use crate::property::{Property, PropertyCreate};
use crate::standard;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Labels {
    #[serde(default)]
    pub(crate) singular: Option<String>,
    #[serde(default)]
    pub(crate) plural: Option<String>,
}

/// What a custom object type has beyond any type.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    labels: Labels,
    primary_display_property: String,
    secondary_display_properties: Vec<String>,
    pub(crate) required_properties: Vec<String>,
    pub(crate) searchable_properties: Vec<String>,
    allows_sensitive_properties: bool,
    pub(crate) archived: bool,
    created_ms: i64,
    updated_ms: i64,
}

impl Schema {
    pub(crate) fn uses(&self, property: &str) -> bool {
        self.primary_display_property == property
            || [&self.required_properties, &self.searchable_properties, &self.secondary_display_properties]
                .iter()
                .any(|list| list.iter().any(|name| name == property))
    }
}

/// HubSpot's create body, also what `load.schemas` takes; there `objectTypeId` may choose the id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaInput {
    pub(crate) name: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    primary_display_property: Option<String>,
    #[serde(default)]
    secondary_display_properties: Vec<String>,
    #[serde(default)]
    required_properties: Vec<String>,
    #[serde(default)]
    searchable_properties: Vec<String>,
    #[serde(default)]
    allows_sensitive_properties: bool,
    #[serde(default)]
    properties: Vec<PropertyCreate>,
    #[serde(default)]
    pub(crate) object_type_id: Option<String>,
}

fn shown(account: &Account, object_type: &ObjectType, schema: &Schema) -> Value {
    let properties: Vec<Value> = object_type
        .properties
        .iter()
        .map(|property| serde_json::to_value(property.shown()).expect("definitions are JSON"))
        .collect();
    json!({
        "id": object_type.id,
        "objectTypeId": object_type.id,
        "fullyQualifiedName": format!("p{}_{}", account.portal_id, object_type.singular),
        "name": object_type.singular,
        "labels": schema.labels,
        "primaryDisplayProperty": schema.primary_display_property,
        "secondaryDisplayProperties": schema.secondary_display_properties,
        "requiredProperties": schema.required_properties,
        "searchableProperties": schema.searchable_properties,
        "allowsSensitiveProperties": schema.allows_sensitive_properties,
        "properties": properties,
        "associations": [],
        "archived": schema.archived,
        "createdAt": iso(schema.created_ms),
        "updatedAt": iso(schema.updated_ms),
    })
}

pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let archived = call.flag("archived");
    let account = call.account();
    let mut results = Vec::new();
    for object_type in &account.types {
        if let Some(schema) = &object_type.schema
            && schema.archived == archived
        {
            results.push(shown(&account, object_type, schema));
        }
    }
    Ok(Reply::of(200, &json!({ "results": results })))
}

fn find(account: &Account, name: &str) -> Result<TypeAt, Refusal> {
    let found = account.find(name).filter(|at| account.types[*at].schema.is_some());
    found.ok_or_else(|| Refusal::new(404, "OBJECT_NOT_FOUND", format!("Unable to infer object type from: {name}")))
}

fn answer(account: &Account, type_at: TypeAt, status: u16) -> Reply {
    let object_type = &account.types[type_at];
    let schema = object_type.schema.as_ref().expect("only custom object types are answered with");
    Reply::of(status, &shown(account, object_type, schema))
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let type_at = find(&account, call.param(0))?;
    Ok(answer(&account, type_at, 200))
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: SchemaInput = input::parse(call.body)?;
    let mut account = call.account();
    if account.find(&wanted.name).is_some() {
        return Err(Refusal::new(
            409,
            "OBJECT_ALREADY_EXISTS",
            format!("A schema named '{}' already exists.", wanted.name),
        ));
    }
    let type_at = add(&mut account, wanted, call.now_ms)?;
    Ok(answer(&account, type_at, 201))
}

/// Adds a custom object type; a type of that name is replaced, its records kept.
pub(crate) fn add(account: &mut Account, wanted: SchemaInput, now_ms: i64) -> Result<TypeAt, Refusal> {
    let name = &wanted.name;
    let good_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 50
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good_name {
        return Err(Refusal::validation(format!(
            "Schema name {name:?} must begin with a letter, hold only letters, digits and underscores, and be at most 50 long"
        )));
    }
    let Some(primary) = wanted.primary_display_property else {
        return Err(
            Refusal::validation("primaryDisplayProperty is required").sub_category("PRIMARY_DISPLAY_PROPERTY_REQUIRED")
        );
    };
    let group = format!("{name}_information");
    let mut properties = standard::properties_of(name, "hubspot_owner_id|Owner|enumeration|o|", now_ms);
    for mut create in wanted.properties {
        if !properties.iter().any(|property| property.name == create.name) {
            create.group_name.get_or_insert_with(|| group.clone());
            properties.push(Property::from_create(create, now_ms));
        }
    }
    let named = [&wanted.required_properties, &wanted.searchable_properties, &wanted.secondary_display_properties];
    for property in named.into_iter().flatten().chain([&primary]) {
        if !properties.iter().any(|other| other.name == *property) {
            return Err(Refusal::validation(format!(
                "The schema names the property {property}, which is not among its properties"
            )));
        }
    }
    let schema = Schema {
        labels: wanted.labels,
        primary_display_property: primary,
        secondary_display_properties: wanted.secondary_display_properties,
        required_properties: wanted.required_properties,
        searchable_properties: wanted.searchable_properties,
        allows_sensitive_properties: wanted.allows_sensitive_properties,
        archived: false,
        created_ms: now_ms,
        updated_ms: now_ms,
    };
    let plural = schema.labels.plural.clone().unwrap_or_else(|| name.clone());
    if let Some(type_at) = account.find(name).filter(|at| account.types[*at].schema.is_some()) {
        let object_type = &mut account.types[type_at];
        for property in properties {
            object_type.put_property(property);
        }
        object_type.schema = Some(schema);
        object_type.plural = plural;
        return Ok(type_at);
    }
    let id = wanted.object_type_id.unwrap_or_else(|| account.new_type_id());
    let mut object_type = ObjectType::new(id, plural, name.clone(), properties);
    object_type.groups.insert(group.clone(), Group::named(&group));
    object_type.schema = Some(schema);
    account.types.push(object_type);
    Ok(account.types.len() - 1)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Patch {
    labels: Option<Labels>,
    primary_display_property: Option<String>,
    secondary_display_properties: Option<Vec<String>>,
    required_properties: Option<Vec<String>>,
    searchable_properties: Option<Vec<String>>,
}

pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    let patch: Patch = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = find(&account, call.param(0))?;
    let object_type = &mut account.types[type_at];
    let Some(schema) = &mut object_type.schema else {
        return Err(Refusal::not_found());
    };
    schema.labels = patch.labels.unwrap_or_else(|| schema.labels.clone());
    schema.primary_display_property =
        patch.primary_display_property.unwrap_or_else(|| schema.primary_display_property.clone());
    schema.secondary_display_properties =
        patch.secondary_display_properties.unwrap_or_else(|| schema.secondary_display_properties.clone());
    schema.required_properties = patch.required_properties.unwrap_or_else(|| schema.required_properties.clone());
    schema.searchable_properties = patch.searchable_properties.unwrap_or_else(|| schema.searchable_properties.clone());
    schema.updated_ms = call.now_ms;
    Ok(answer(&account, type_at, 200))
}

pub(crate) fn archive(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let type_at = find(&account, call.param(0))?;
    let object_type = &mut account.types[type_at];
    if object_type.records.values().any(|record| record.archived_at_ms.is_none()) {
        let message = format!("Object type {} still has records", object_type.id);
        return Err(Refusal::validation(message).sub_category("EXISTING_OBJECT_RECORDS"));
    }
    if let Some(schema) = &mut object_type.schema {
        schema.archived = true;
    }
    Ok(Reply::empty(204))
}
