//! What an account has: its details, property definitions, schemas, pipelines, owners, association labels (api.md 5, 6, 7, 10).

use hubward_core::{Pipeline, PropertyDef, PropertyOption, PropertyType, Stage, ValidationRule};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::issues::{strings, text};

/// The account behind a token (api.md 10.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub portal_id: u64,
    /// Sent by later 2026-09 roll-outs only.
    pub name: Option<String>,
    /// `STANDARD`, `DEVELOPER_TEST`, `SANDBOX`, `APP_DEVELOPER`; empty when HubSpot said nothing.
    pub account_type: String,
    pub time_zone: String,
    pub company_currency: String,
    pub ui_domain: String,
    /// `na1`, `eu1`, …
    pub data_hosting_location: String,
}

/// What a token may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenInfo {
    pub hub_id: Option<u64>,
    pub user_id: Option<u64>,
    pub app_id: Option<u64>,
    pub scopes: Vec<String>,
    /// OAuth only: the region in the signed token.
    pub hublet: Option<String>,
}

/// A custom object type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// `2-123456`: the name that always resolves in a path.
    pub object_type_id: String,
    pub name: String,
    pub fully_qualified_name: String,
    pub singular: String,
    pub plural: String,
    pub primary_display_property: Option<String>,
    pub required_properties: Vec<String>,
    pub searchable_properties: Vec<String>,
    pub properties: Vec<PropertyDef>,
    pub associations: Vec<SchemaAssociation>,
    pub archived: bool,
}

/// A declared association of a custom object type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaAssociation {
    pub id: String,
    pub from_object_type_id: String,
    pub to_object_type_id: String,
    pub name: Option<String>,
}

/// An owner. Owner properties take `id`, never `user_id` (api.md 3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub id: String,
    pub email: Option<String>,
    pub first_name: String,
    pub last_name: String,
    pub user_id: Option<u64>,
    pub archived: bool,
}

/// A kind of association between two object types, in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociationLabel {
    pub category: String,
    pub type_id: u64,
    /// None for the unlabelled default.
    pub label: Option<String>,
}

/// How many records one record may have by a kind of association, in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociationLimit {
    pub category: String,
    pub type_id: u64,
    /// None for the unlabelled default, which stands for every association of the two types.
    pub label: Option<String>,
    pub most: u64,
}

pub(crate) fn object(body: &[u8]) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if value.is_object() { Ok(value) } else { Err("expected a JSON object".to_owned()) }
}

pub(crate) fn results(body: &[u8]) -> Result<Vec<Value>, String> {
    #[derive(Deserialize)]
    struct Results {
        results: Vec<Value>,
    }
    serde_json::from_slice::<Results>(body).map(|body| body.results).map_err(|error| error.to_string())
}

/// A number that may be written as text.
pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// An id that may be written as a number; empty when missing.
pub(crate) fn id(value: &Value) -> String {
    strings(value).into_iter().next().unwrap_or_default()
}

pub(crate) fn owned(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

pub(crate) fn flag(value: &Value, name: &str) -> bool {
    value[name].as_bool().unwrap_or(false)
}

pub(crate) fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

pub(crate) fn account(_status: u16, body: &[u8]) -> Result<Account, String> {
    let value = object(body)?;
    let portal_id = number(&value["portalId"]).ok_or("account details without a portalId")?;
    Ok(Account {
        portal_id,
        name: owned(&value, "portalName"),
        account_type: text(&value, "accountType").to_owned(),
        time_zone: text(&value, "timeZone").to_owned(),
        company_currency: text(&value, "companyCurrency").to_owned(),
        ui_domain: text(&value, "uiDomain").to_owned(),
        data_hosting_location: text(&value, "dataHostingLocation").to_owned(),
    })
}

/// Both spellings: private-app introspection (`hubId`) and OAuth introspection (`hub_id`).
pub(crate) fn token_info(_status: u16, body: &[u8]) -> Result<TokenInfo, String> {
    let value = object(body)?;
    let either = |camel: &str, snake: &str| number(&value[camel]).or_else(|| number(&value[snake]));
    if !value["scopes"].is_array() {
        return Err("token introspection without scopes".to_owned());
    }
    Ok(TokenInfo {
        hub_id: either("hubId", "hub_id"),
        user_id: either("userId", "user_id"),
        app_id: either("appId", "app_id"),
        scopes: strings(&value["scopes"]),
        hublet: owned(&value["signed_access_token"], "hublet"),
    })
}

pub(crate) fn property(value: &Value) -> Option<PropertyDef> {
    let name = value["name"].as_str()?;
    Some(PropertyDef {
        name: name.to_owned(),
        label: text(value, "label").to_owned(),
        type_: PropertyType::from_name(text(value, "type")),
        field_type: text(value, "fieldType").to_owned(),
        group: text(value, "groupName").to_owned(),
        options: items(value, "options")
            .map(|option| PropertyOption {
                label: text(option, "label").to_owned(),
                value: id(&option["value"]),
                hidden: flag(option, "hidden"),
            })
            .collect(),
        external_options: flag(value, "externalOptions"),
        referenced_object_type: owned(value, "referencedObjectType"),
        has_unique_value: flag(value, "hasUniqueValue"),
        calculated: flag(value, "calculated"),
        read_only_value: flag(&value["modificationMetadata"], "readOnlyValue"),
        hubspot_defined: flag(value, "hubspotDefined"),
    })
}

pub(crate) fn properties(_status: u16, body: &[u8]) -> Result<Vec<PropertyDef>, String> {
    Ok(results(body)?.iter().filter_map(property).collect())
}

pub(crate) fn schemas(_status: u16, body: &[u8]) -> Result<Vec<Schema>, String> {
    Ok(results(body)?.iter().map(schema).collect())
}

pub(crate) fn schema(value: &Value) -> Schema {
    Schema {
        object_type_id: [&value["objectTypeId"], &value["id"]]
            .into_iter()
            .map(id)
            .find(|id| !id.is_empty())
            .unwrap_or_default(),
        name: text(value, "name").to_owned(),
        fully_qualified_name: text(value, "fullyQualifiedName").to_owned(),
        singular: text(&value["labels"], "singular").to_owned(),
        plural: text(&value["labels"], "plural").to_owned(),
        primary_display_property: owned(value, "primaryDisplayProperty"),
        required_properties: strings(&value["requiredProperties"]),
        searchable_properties: strings(&value["searchableProperties"]),
        properties: items(value, "properties").filter_map(property).collect(),
        associations: items(value, "associations")
            .map(|association| SchemaAssociation {
                id: id(&association["id"]),
                from_object_type_id: text(association, "fromObjectTypeId").to_owned(),
                to_object_type_id: text(association, "toObjectTypeId").to_owned(),
                name: owned(association, "name"),
            })
            .collect(),
        archived: flag(value, "archived"),
    }
}

pub(crate) fn pipelines(_status: u16, body: &[u8]) -> Result<Vec<Pipeline>, String> {
    let pipelines = results(body)?
        .iter()
        .map(|value| Pipeline {
            id: id(&value["id"]),
            label: text(value, "label").to_owned(),
            archived: flag(value, "archived"),
            display_order: value["displayOrder"].as_i64().unwrap_or(i64::MAX),
            stages: items(value, "stages")
                .map(|stage| Stage {
                    id: id(&stage["id"]),
                    label: text(stage, "label").to_owned(),
                    archived: flag(stage, "archived"),
                    metadata: stage["metadata"]
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(name, value)| {
                            let value = match value {
                                Value::String(text) => text.clone(),
                                other => other.to_string(),
                            };
                            (name.clone(), value)
                        })
                        .collect(),
                })
                .collect(),
        })
        .collect();
    Ok(pipelines)
}

pub(crate) fn validations(_status: u16, body: &[u8]) -> Result<Vec<ValidationRule>, String> {
    let mut rules = Vec::new();
    for entry in results(body)? {
        for rule in items(&entry, "propertyValidationRules") {
            rules.push(ValidationRule {
                property: text(&entry, "propertyName").to_owned(),
                rule_type: text(rule, "ruleType").to_owned(),
                arguments: strings(&rule["ruleArguments"]),
                normalizes: flag(rule, "shouldApplyNormalization"),
            });
        }
    }
    Ok(rules)
}

/// One page of owners, and where the next begins.
pub(crate) fn owners(_status: u16, body: &[u8]) -> Result<(Vec<Owner>, Option<String>), String> {
    let value = object(body)?;
    if !value["results"].is_array() {
        return Err("owners without results".to_owned());
    }
    let owners = items(&value, "results")
        .map(|owner| Owner {
            id: id(&owner["id"]),
            email: owned(owner, "email"),
            first_name: text(owner, "firstName").to_owned(),
            last_name: text(owner, "lastName").to_owned(),
            user_id: number(&owner["userId"]),
            archived: flag(owner, "archived"),
        })
        .collect();
    let after = strings(&value["paging"]["next"]["after"]).into_iter().next();
    Ok((owners, after))
}

pub(crate) fn labels(_status: u16, body: &[u8]) -> Result<Vec<AssociationLabel>, String> {
    let labels = results(body)?
        .iter()
        .filter_map(|value| {
            Some(AssociationLabel {
                category: text(value, "category").to_owned(),
                type_id: number(&value["typeId"])?,
                label: owned(value, "label").filter(|label| !label.is_empty()),
            })
        })
        .collect();
    Ok(labels)
}

pub(crate) fn limits(_status: u16, body: &[u8]) -> Result<Vec<AssociationLimit>, String> {
    let limits = results(body)?
        .iter()
        .filter_map(|value| {
            Some(AssociationLimit {
                category: text(value, "category").to_owned(),
                type_id: number(&value["typeId"])?,
                label: owned(value, "label").filter(|label| !label.is_empty()),
                most: number(&value["userEnforcedMaxToObjectIds"]).or_else(|| number(&value["maxToObjectIds"]))?,
            })
        })
        .collect();
    Ok(limits)
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
