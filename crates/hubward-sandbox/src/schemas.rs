//! Owns schemas as the account holds them: custom object types, made through the API or by `load` (api.md 6.1).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{Account, ObjectType, TypeAt};
use crate::answers::Refusal;
use crate::association_types::between;
use crate::clock::iso;
use crate::property::{Property, PropertyCreate};
use crate::property_groups::Group;
use crate::standard;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Labels {
    #[serde(default)]
    pub(crate) singular: Option<String>,
    #[serde(default)]
    pub(crate) plural: Option<String>,
}

/// The user behind every change.
const USER_ID: u64 = 1;

/// What a custom object type has beyond any type.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    pub(crate) labels: Labels,
    pub(crate) description: Option<String>,
    pub(crate) primary_display_property: String,
    pub(crate) secondary_display_properties: Vec<String>,
    pub(crate) required_properties: Vec<String>,
    pub(crate) searchable_properties: Vec<String>,
    pub(crate) allows_sensitive_properties: bool,
    pub(crate) associations: Vec<Definition>,
    pub(crate) archived: bool,
    /// Archived and then deleted for good: nothing shows it any more.
    pub(crate) purged: bool,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

/// That records of two types may be associated.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
}

impl Definition {
    pub(crate) fn shown(&self) -> Value {
        json!({
            "id": self.id, "fromObjectTypeId": self.from, "toObjectTypeId": self.to, "name": self.name,
            "createdAt": iso(self.created_ms), "updatedAt": iso(self.created_ms),
        })
    }
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
    pub(crate) properties: Vec<PropertyCreate>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    allows_sensitive_properties: bool,
    /// Other object types, by any of their names.
    #[serde(default)]
    associated_objects: Vec<String>,
    #[serde(default)]
    pub(crate) object_type_id: Option<String>,
}

/// What a reader of schemas asks for; without a word everything is sent, except who changed it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Included {
    pub(crate) properties: bool,
    pub(crate) associations: bool,
    pub(crate) audit: bool,
}

/// The type without its properties and associations, what `PATCH` answers with `[SPEC]`.
pub(crate) fn definition(account: &Account, object_type: &ObjectType, schema: &Schema) -> Value {
    let mut shown = json!({
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
        "archived": schema.archived,
        "createdAt": iso(schema.created_ms),
        "updatedAt": iso(schema.updated_ms),
    });
    if let Some(description) = &schema.description {
        shown["description"] = json!(description);
    }
    shown
}

pub(crate) fn shown(account: &Account, object_type: &ObjectType, schema: &Schema, included: Included) -> Value {
    let mut properties: Vec<Value> = Vec::new();
    for property in object_type.properties.iter().filter(|property| property.archived_at_ms.is_none()) {
        if included.properties {
            properties.push(serde_json::to_value(property.shown()).expect("definitions are JSON"));
        }
    }
    let own = schema.associations.iter().filter(|_| included.associations);
    let mut shown = definition(account, object_type, schema);
    shown["properties"] = Value::Array(properties);
    shown["associations"] = own.map(Definition::shown).collect();
    if included.audit {
        shown["createdByUserId"] = json!(USER_ID);
        shown["updatedByUserId"] = json!(USER_ID);
    }
    shown
}

/// The association of two types as their schema names it.
pub(crate) fn associate(account: &Account, from: TypeAt, to: TypeAt, name: Option<String>, now_ms: i64) -> Definition {
    let (from_type, to_type) = (&account.types[from], &account.types[to]);
    Definition {
        id: between(account, from, to)[0].kind.id.to_string(),
        from: from_type.id.clone(),
        to: to_type.id.clone(),
        name: name.unwrap_or_else(|| format!("{}_to_{}", from_type.singular, to_type.singular)),
        created_ms: now_ms,
    }
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
    let mut properties = standard::properties_of(name, standard::CUSTOM, now_ms);
    for mut create in wanted.properties {
        if !properties.iter().any(|property| property.name == create.name) {
            create.group_name.get_or_insert_with(|| group.clone());
            properties.push(Property::from_create(create, now_ms));
        }
    }
    let named = [&wanted.required_properties, &wanted.searchable_properties, &wanted.secondary_display_properties];
    names_exist(named.into_iter().flatten().chain([&primary]), |name| {
        properties.iter().any(|property| property.name == name)
    })?;
    let mut others = Vec::new();
    for other in &wanted.associated_objects {
        others.push(account.resolve(other)?);
    }
    let schema = Schema {
        labels: wanted.labels,
        description: wanted.description,
        allows_sensitive_properties: wanted.allows_sensitive_properties,
        associations: Vec::new(),
        purged: false,
        primary_display_property: primary,
        secondary_display_properties: wanted.secondary_display_properties,
        required_properties: wanted.required_properties,
        searchable_properties: wanted.searchable_properties,
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
        define_associations(account, type_at, &others, now_ms);
        return Ok(type_at);
    }
    let id = wanted.object_type_id.unwrap_or_else(|| account.new_type_id());
    let mut object_type = ObjectType::new(id, plural, name.clone(), properties);
    object_type.groups.insert(group.clone(), Group::named(&group));
    object_type.schema = Some(schema);
    account.types.push(object_type);
    let type_at = account.types.len() - 1;
    define_associations(account, type_at, &others, now_ms);
    Ok(type_at)
}

/// Both directions of each pair.
fn define_associations(account: &mut Account, type_at: TypeAt, others: &[TypeAt], now_ms: i64) {
    let mut all = Vec::new();
    for other in others {
        all.push(associate(account, type_at, *other, None, now_ms));
        all.push(associate(account, *other, type_at, None, now_ms));
    }
    if let Some(schema) = &mut account.types[type_at].schema {
        schema.associations = all;
    }
}

/// Refuses a schema that names properties its type has not.
pub(crate) fn names_exist<'n>(
    names: impl Iterator<Item = &'n String>,
    has: impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    for name in names {
        if !has(name) {
            return Err(Refusal::validation(format!(
                "The schema names the property {name}, which is not among its properties"
            )));
        }
    }
    Ok(())
}
