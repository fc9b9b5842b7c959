//! Owns the properties API: definitions (api.md 5).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, ObjectType, TypeAt};
use crate::answers::{Refusal, Reply};
use crate::batch;
use crate::call::{self, Call};
use crate::input::{self, Batch};
use crate::limits_tracking::{MOST_CUSTOM_PROPERTIES, custom_properties};
use crate::property::{Choice, Kind, Property, PropertyCreate};

/// Most unique properties of a type `[DOC-PROP]`.
const MOST_UNIQUE: usize = 10;

#[derive(Deserialize)]
struct NameInput {
    name: String,
}

pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let archived = call.flag("archived");
    let sensitivity = call.query("dataSensitivity").unwrap_or("non_sensitive");
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let mut results = Vec::new();
    for property in &object_type.properties {
        if property.archived_at_ms.is_some() == archived && property.data_sensitivity == sensitivity {
            results.push(property.shown());
        }
    }
    Ok(Reply::of(200, &json!({ "results": results })))
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let property = call::property(object_type, call.param(1))?;
    if property.archived_at_ms.is_some() != call.flag("archived") {
        return Err(missing(object_type, call.param(1)));
    }
    Ok(Reply::of(200, &property.shown()))
}

fn missing(object_type: &ObjectType, name: &str) -> Refusal {
    Refusal::new(
        404,
        "OBJECT_NOT_FOUND",
        format!("Property \"{name}\" does not exist in object type {}", object_type.id),
    )
}

/// Checks a create body by itself (api.md 5.2); `group` says whether it must name its group.
pub(crate) fn check_form(create: &PropertyCreate, group: bool) -> Result<(), Refusal> {
    let name = &create.name;
    let required = [
        ("label", create.label.is_none()),
        ("type", create.kind.is_none()),
        ("fieldType", create.field_type.is_none()),
        ("groupName", group && create.group_name.is_none()),
    ];
    if let Some((field, _)) = required.into_iter().find(|(_, absent)| *absent) {
        return Err(Refusal::validation(format!("Invalid input JSON: property {name:?} needs {field}")));
    }
    let good_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 100
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !good_name {
        let message = format!(
            "Property name {name:?} must start with a letter and hold only lower-case letters, digits and underscores"
        );
        return Err(Refusal::validation(message).sub_category("PropertyValidationError.INVALID_PROPERTY_NAME"));
    }
    if let (Some(kind), Some(field_type)) = (create.kind, &create.field_type)
        && !kind.takes_field_type(field_type)
    {
        return Err(Refusal::validation(format!(
            "The fieldType {field_type} does not fit the type of the property {name}"
        )));
    }
    let options: &[Choice] = create.options.as_deref().unwrap_or_default();
    check_options(name, create.kind, options)
}

/// Checks what a create body asks of its object type: the group, the ceilings, the name's freedom.
fn check_place(account: &Account, object_type: &ObjectType, create: &PropertyCreate) -> Result<(), Refusal> {
    let name = &create.name;
    if create.data_sensitivity.as_deref().is_some_and(|level| level != "non_sensitive")
        && !account.settings.sensitive_data
    {
        return Err(Refusal::validation("Sensitive data is not enabled in this account")
            .sub_category("PORTAL_NOT_ENABLED_FOR_SENSITIVE_DATA"));
    }
    let group = create.group_name.as_deref().unwrap_or_default();
    if object_type.groups.get(group).is_none_or(|group| group.archived) {
        return Err(Refusal::validation(format!("Property group {group:?} does not exist")));
    }
    if create.has_unique_value == Some(true) {
        if matches!(&*object_type.id, "0-7" | "0-19" | "0-54") {
            return Err(Refusal::validation(format!(
                "Unique properties are not available on object type {}",
                object_type.id
            )));
        }
        let own =
            object_type.properties.iter().filter(|property| property.has_unique_value && !property.hubspot_defined);
        if own.filter(|property| property.archived_at_ms.is_none()).count() >= MOST_UNIQUE {
            return Err(Refusal::validation(format!(
                "An object type may have at most {MOST_UNIQUE} unique properties"
            )));
        }
    }
    if custom_properties(object_type) >= MOST_CUSTOM_PROPERTIES {
        return Err(Refusal::validation(format!(
            "An object type may have at most {MOST_CUSTOM_PROPERTIES} custom properties"
        )));
    }
    if object_type.defined(name).is_some() {
        return Err(Refusal::new(409, "OBJECT_ALREADY_EXISTS", format!("A property named '{name}' already exists."))
            .sub_category("Properties.PROPERTY_WITH_NAME_EXISTS")
            .context("name", vec![name.clone()]));
    }
    Ok(())
}

fn check(account: &Account, type_at: TypeAt, create: &PropertyCreate) -> Result<(), Refusal> {
    check_form(create, true)?;
    check_place(account, &account.types[type_at], create)
}

fn check_options(name: &str, kind: Option<Kind>, options: &[Choice]) -> Result<(), Refusal> {
    if kind == Some(Kind::Bool) {
        let mut values: Vec<&str> = options.iter().map(|choice| choice.value.as_str()).collect();
        values.sort_unstable();
        if values != ["false", "true"] {
            return Err(Refusal::validation(format!(
                "The bool property {name} needs exactly the two options true and false"
            )));
        }
    }
    for (at, choice) in options.iter().enumerate() {
        if options[..at].iter().any(|earlier| earlier.value == choice.value) {
            return Err(Refusal::validation(format!(
                "The option {:?} of the property {name} is there twice",
                choice.value
            )));
        }
    }
    Ok(())
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: PropertyCreate = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    check(&account, type_at, &wanted)?;
    let name = wanted.name.clone();
    let object_type = &mut account.types[type_at];
    // an archived name is restored: old values come back, the posted definition wins `[LIVE-KALUP]`
    let at = object_type.put_property(Property::from_create(wanted, call.now_ms));
    let location = format!("https://api.hubapi.com{}/{name}", call.path);
    Ok(Reply::of(201, &object_type.property(at).shown()).at(location))
}

pub(crate) fn batch_create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Batch<PropertyCreate> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), batch::MOST_INPUTS)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let mut made = Vec::new();
    let mut errors = Vec::new();
    for create in wanted.inputs {
        match check(&account, type_at, &create) {
            Ok(()) => made.push(account.types[type_at].put_property(Property::from_create(create, call.now_ms))),
            Err(refusal) => errors.push(refusal),
        }
    }
    let mut results: Vec<Value> = Vec::new();
    for at in made {
        results.push(serde_json::to_value(account.types[type_at].property(at).shown()).expect("definitions are JSON"));
    }
    Ok(answer(call, &results, &errors, 201))
}

fn answer(call: &Call<'_>, results: &[Value], errors: &[Refusal], clean: u16) -> Reply {
    let mut out = batch::begin(1024);
    for (at, result) in results.iter().enumerate() {
        crate::answers::comma(&mut out, at);
        out.extend_from_slice(result.to_string().as_bytes());
    }
    batch::end(&mut out, errors, call.now_ms);
    Reply::json(if errors.is_empty() { clean } else { 207 }, out)
}

pub(crate) fn batch_read(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    struct Wanted {
        #[serde(default)]
        archived: bool,
        #[serde(default, rename = "dataSensitivity")]
        data_sensitivity: Option<String>,
        inputs: Vec<NameInput>,
    }
    let wanted: Wanted = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), batch::MOST_INPUTS)?;
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let mut results = Vec::new();
    let mut errors = Vec::new();
    let sensitivity = wanted.data_sensitivity.as_deref().unwrap_or("non_sensitive");
    for one in &wanted.inputs {
        let found = call::property(object_type, &one.name)
            .ok()
            .filter(|property| property.archived_at_ms.is_some() == wanted.archived)
            .filter(|property| property.data_sensitivity == sensitivity);
        match found {
            Some(property) => results.push(serde_json::to_value(property.shown()).expect("definitions are JSON")),
            None => errors.push(missing(object_type, &one.name).context("name", vec![one.name.clone()])),
        }
    }
    Ok(answer(call, &results, &errors, 200))
}

pub(crate) fn batch_archive(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Batch<NameInput> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), batch::MOST_INPUTS)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    for one in &wanted.inputs {
        // idempotent: a name that is not there is passed over `[LIVE-KALUP]`
        if account.types[type_at].defined(&one.name).is_some() {
            archive_one(&mut account.types[type_at], &one.name, call.now_ms)?;
        }
    }
    Ok(Reply::empty(204))
}

pub(crate) fn archive(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let type_at: TypeAt = account.resolve(call.param(0))?;
    archive_one(&mut account.types[type_at], call.param(1), call.now_ms)?;
    Ok(Reply::empty(204))
}

fn archive_one(object_type: &mut ObjectType, name: &str, now_ms: i64) -> Result<(), Refusal> {
    let at = object_type.defined(name).ok_or_else(|| missing(object_type, name))?;
    if object_type.property(at).hubspot_defined {
        return Err(Refusal::validation(format!("Property {name} is defined by HubSpot and cannot be deleted")));
    }
    let in_use = object_type.rules.iter().any(|rule| rule.property == name)
        || object_type.schema.as_ref().is_some_and(|schema| schema.uses(name));
    if in_use {
        return Err(Refusal::validation(format!("Property {name} is in use and cannot be deleted"))
            .sub_category("PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"));
    }
    let mut property = object_type.property(at).clone();
    property.archived_at_ms = Some(now_ms);
    object_type.put_property(property);
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PropertyPatch {
    label: Option<String>,
    #[serde(rename = "type")]
    kind: Option<Kind>,
    field_type: Option<String>,
    group_name: Option<String>,
    description: Option<String>,
    options: Option<Vec<Choice>>,
    display_order: Option<i64>,
    hidden: Option<bool>,
    form_field: Option<bool>,
    calculation_formula: Option<String>,
}

/// `options` replaces the whole list; `hasUniqueValue` and `dataSensitivity` are ignored with 200 `[LIVE-KALUP]`.
pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    let patch: PropertyPatch = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &mut account.types[type_at];
    let at = object_type.defined(call.param(1)).ok_or_else(|| missing(object_type, call.param(1)))?;
    let mut property = object_type.property(at).clone();
    // HubSpot lets the options of its own enumerations be changed, nothing else
    let only_options =
        patch.label.is_none() && patch.kind.is_none() && patch.field_type.is_none() && patch.group_name.is_none();
    if property.hubspot_defined && !(only_options && patch.options.is_some()) {
        return Err(Refusal::validation(format!("The definition of the property {} is read-only", property.name)));
    }
    if let Some(options) = patch.options {
        check_options(&property.name, Some(patch.kind.unwrap_or(property.kind)), &options)?;
        property.options = options;
    }
    property.label = patch.label.unwrap_or(property.label);
    property.kind = patch.kind.unwrap_or(property.kind);
    property.field_type = patch.field_type.unwrap_or(property.field_type);
    if !property.kind.takes_field_type(&property.field_type) {
        return Err(Refusal::validation(format!(
            "The fieldType {} does not fit the type of the property",
            property.field_type
        )));
    }
    property.group_name = patch.group_name.unwrap_or(property.group_name);
    property.description = patch.description.unwrap_or(property.description);
    property.display_order = patch.display_order.unwrap_or(property.display_order);
    property.hidden = patch.hidden.unwrap_or(property.hidden);
    property.form_field = patch.form_field.unwrap_or(property.form_field);
    property.calculation_formula = patch.calculation_formula.or(property.calculation_formula);
    property.updated_ms = call.now_ms;
    let at = object_type.put_property(property);
    Ok(Reply::of(200, &object_type.property(at).shown()))
}
