//! Owns the schemas API: custom object types and which other types they may be associated with (api.md 6.1).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::input;
use crate::limits_tracking::{MOST_CUSTOM_TYPES, custom_types};
use crate::properties::check_form;
use crate::schemas::{self, Included, Labels, SchemaInput, names_exist};
use crate::{Tier, batch};

fn included(call: &Call<'_>) -> Included {
    Included {
        properties: call.query("includePropertyDefinitions") != Some("false"),
        associations: call.query("includeAssociationDefinitions") != Some("false"),
        audit: call.flag("includeAuditMetadata"),
    }
}

pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let archived = call.flag("archived");
    let account = call.account();
    let mut results = Vec::new();
    for object_type in &account.types {
        if let Some(schema) = &object_type.schema
            && schema.archived == archived
            && !schema.purged
        {
            results.push(schemas::shown(&account, object_type, schema, included(call)));
        }
    }
    Ok(Reply::of(200, &json!({ "results": results })))
}

fn find(account: &Account, name: &str) -> Result<TypeAt, Refusal> {
    let found = account.find(name).filter(|at| account.types[*at].schema.is_some());
    found.ok_or_else(|| Refusal::new(404, "OBJECT_NOT_FOUND", format!("Unable to infer object type from: {name}")))
}

fn shown(account: &Account, type_at: TypeAt, included: Included) -> Value {
    let object_type = &account.types[type_at];
    let schema = object_type.schema.as_ref().expect("only custom object types are shown");
    schemas::shown(account, object_type, schema, included)
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let type_at = find(&account, call.param(0))?;
    Ok(Reply::of(200, &shown(&account, type_at, included(call))))
}

/// Those of the named types that exist.
pub(crate) fn batch_read(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wanted {
        inputs: Vec<String>,
        #[serde(default)]
        include_property_definitions: bool,
        #[serde(default)]
        include_association_definitions: bool,
        #[serde(default)]
        include_audit_metadata: bool,
    }
    let wanted: Wanted = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), batch::MOST_INPUTS)?;
    let included = Included {
        properties: wanted.include_property_definitions,
        associations: wanted.include_association_definitions,
        audit: wanted.include_audit_metadata,
    };
    let account = call.account();
    let found = wanted.inputs.iter().filter_map(|name| find(&account, name).ok());
    let results: Vec<Value> = found.map(|type_at| shown(&account, type_at, included)).collect();
    Ok(Reply::of(200, &json!({ "results": results })))
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: SchemaInput = input::parse(call.body)?;
    for property in &wanted.properties {
        check_form(property, false)?;
    }
    let mut account = call.account();
    if account.find(&wanted.name).is_some() {
        return Err(Refusal::new(
            409,
            "OBJECT_ALREADY_EXISTS",
            format!("A schema named '{}' already exists.", wanted.name),
        ));
    }
    if account.tier != Tier::Unlimited && custom_types(&account) >= MOST_CUSTOM_TYPES {
        return Err(Refusal::validation(format!(
            "An account may have at most {MOST_CUSTOM_TYPES} custom object types"
        )));
    }
    let type_at = schemas::add(&mut account, wanted, call.now_ms)?;
    Ok(Reply::of(201, &shown(&account, type_at, Included { properties: true, associations: true, audit: false })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Patch {
    labels: Option<Labels>,
    description: Option<String>,
    #[serde(default)]
    clear_description: bool,
    primary_display_property: Option<String>,
    secondary_display_properties: Option<Vec<String>>,
    required_properties: Option<Vec<String>>,
    searchable_properties: Option<Vec<String>>,
    allows_sensitive_properties: Option<bool>,
}

/// The name cannot be changed. HubSpot's single reads waver between old and new for a while `[LIVE-KALUP]`; these do not.
pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    let patch: Patch = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = find(&account, call.param(0))?;
    let object_type = &mut account.types[type_at];
    let lists = [&patch.secondary_display_properties, &patch.required_properties, &patch.searchable_properties];
    let names = lists.into_iter().flatten().flatten().chain(&patch.primary_display_property);
    names_exist(names, |name| object_type.defined(name).is_some())?;
    let Some(schema) = &mut object_type.schema else {
        return Err(Refusal::not_found());
    };
    schema.labels = patch.labels.unwrap_or_else(|| schema.labels.clone());
    schema.description = if patch.clear_description { None } else { patch.description.or(schema.description.take()) };
    schema.primary_display_property =
        patch.primary_display_property.unwrap_or_else(|| schema.primary_display_property.clone());
    schema.secondary_display_properties =
        patch.secondary_display_properties.unwrap_or_else(|| schema.secondary_display_properties.clone());
    schema.required_properties = patch.required_properties.unwrap_or_else(|| schema.required_properties.clone());
    schema.searchable_properties = patch.searchable_properties.unwrap_or_else(|| schema.searchable_properties.clone());
    schema.allows_sensitive_properties =
        patch.allows_sensitive_properties.unwrap_or(schema.allows_sensitive_properties);
    schema.updated_ms = call.now_ms;
    if let Some(plural) = schema.labels.plural.clone() {
        object_type.plural = plural;
    }
    let object_type = &account.types[type_at];
    let schema = object_type.schema.as_ref().expect("it was changed just now");
    let mut answer = schemas::definition(&account, object_type, schema);
    answer["portalId"] = json!(account.portal_id);
    Ok(Reply::of(200, &answer))
}

/// Archives a type without records; `?archived=true` deletes an archived one for good.
pub(crate) fn archive(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    if call.flag("archived") {
        return purge(&mut account, call.param(0));
    }
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

fn purge(account: &mut Account, name: &str) -> Result<Reply, Refusal> {
    let bare = name.strip_prefix(&format!("p{}_", account.portal_id)).unwrap_or(name).to_owned();
    for object_type in &mut account.types {
        if let Some(schema) = &mut object_type.schema
            && schema.archived
            && !schema.purged
            && (object_type.id == name || object_type.singular.eq_ignore_ascii_case(&bare))
        {
            schema.purged = true;
            return Ok(Reply::empty(204));
        }
    }
    Err(Refusal::new(404, "OBJECT_NOT_FOUND", format!("Unable to infer object type from: {name}")))
}

pub(crate) fn association_create(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wanted {
        from_object_type_id: String,
        to_object_type_id: String,
        name: Option<String>,
    }
    let wanted: Wanted = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = find(&account, call.param(0))?;
    let from = account.resolve(&wanted.from_object_type_id)?;
    let to = account.resolve(&wanted.to_object_type_id)?;
    if from != type_at && to != type_at {
        return Err(Refusal::validation(format!("The association does not concern {}", call.param(0))));
    }
    let definition = schemas::associate(&account, from, to, wanted.name, call.now_ms);
    let shown = definition.shown();
    if let Some(schema) = &mut account.types[type_at].schema {
        schema.associations.retain(|other| other.id != definition.id);
        schema.associations.push(definition);
    }
    Ok(Reply::of(201, &shown))
}

pub(crate) fn association_delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let type_at = find(&account, call.param(0))?;
    if let Some(schema) = &mut account.types[type_at].schema {
        let identifier = call.param(1);
        let before = schema.associations.len();
        schema.associations.retain(|other| other.id != identifier && other.name != identifier);
        if schema.associations.len() == before {
            let message = format!("Association {identifier} was not found");
            return Err(Refusal::new(404, "OBJECT_NOT_FOUND", message));
        }
    }
    Ok(Reply::empty(204))
}
