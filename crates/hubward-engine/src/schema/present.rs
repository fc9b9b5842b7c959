//! What the account has of what is declared, read anew: a cached answer could hide what was made a moment ago.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hubward_core::PropertyDef;
use hubward_core::declared::{DeclaredSchema, DeclaredType};
use hubward_hubspot::{CallMeta, EventDefinition, PropertyGroup, Schema};

use super::change::Target;
use super::refusal::event_refused;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::object_type::{ObjectType, custom, standard};

/// The account's side of a comparison.
#[derive(Clone, Debug, Default)]
pub(crate) struct Present {
    pub(crate) schemas: Vec<Schema>,
    /// By [`Target::key`]; types that exist and are declared.
    pub(crate) types: HashMap<String, PresentType>,
    /// Labels as people see them, by the keys of both ends.
    pub(crate) labels: HashMap<(String, String), Vec<String>>,
    /// All that the account has, where any is declared.
    pub(crate) events: Vec<EventDefinition>,
}

/// What a type has.
#[derive(Clone, Debug, Default)]
pub(crate) struct PresentType {
    pub(crate) groups: Vec<PropertyGroup>,
    pub(crate) properties: Vec<PropertyDef>,
}

/// The custom type that a declaration makes, by its own name: labels may be those of another type.
pub(crate) fn existing<'a>(name: &str, schemas: &'a [Schema]) -> Option<&'a Schema> {
    schemas
        .iter()
        .filter(|schema| !schema.archived)
        .find(|schema| schema.name.eq_ignore_ascii_case(name) || schema.fully_qualified_name.eq_ignore_ascii_case(name))
}

pub(crate) fn of_schema(schema: &Schema) -> ObjectType {
    ObjectType {
        path: schema.object_type_id.clone(),
        id: schema.object_type_id.clone(),
        name: if schema.plural.is_empty() { schema.name.clone() } else { schema.plural.clone() },
        required: schema.required_properties.clone(),
    }
}

/// The type that `name` means, among standard types, declared ones and the account's custom ones.
pub(crate) fn resolve(name: &str, declared: &[DeclaredType], schemas: &[Schema]) -> Result<Target, EngineError> {
    if let Some(object) = standard(name) {
        return Ok(Target::Known(object));
    }
    let wanted = name.trim();
    let section = declared.iter().find(|section| {
        section.object.as_ref().is_some_and(|object| {
            [&section.name, &object.singular, &object.plural].iter().any(|known| known.eq_ignore_ascii_case(wanted))
        })
    });
    match section {
        Some(section) => Ok(match existing(&section.name, schemas) {
            Some(schema) => Target::Known(of_schema(schema)),
            None => Target::New(section.name.clone()),
        }),
        None => custom(name, schemas).map(Target::Known),
    }
}

impl Engine {
    /// Reads what the account has of everything that is declared. Types that cannot be resolved are left out: the comparison
    /// tells them.
    pub(super) async fn present(&self, schema: &DeclaredSchema) -> Result<Present, EngineError> {
        let declared = schema.types.as_slice();
        let client = self.client();
        let mut present = Present::default();
        let names = declared.iter().flat_map(|section| {
            let associated = section.object.iter().flat_map(|object| object.associated.iter().map(|(name, _)| name));
            [&section.name].into_iter().chain(section.labels.iter().map(|label| &label.to)).chain(associated)
        });
        let mut names = names.chain(schema.events.iter().map(|event| &event.object));
        if names.any(|name| standard(name).is_none()) {
            present.schemas = client.schemas().await?;
        }
        for section in declared {
            let Ok(Target::Known(object)) = resolve(&section.name, declared, &present.schemas) else { continue };
            if !(section.groups.is_empty() && section.properties.is_empty()) {
                let groups = client.property_groups(&object.path).await?;
                let properties = client.properties(&object.path).await?;
                present.types.insert(object.id.clone(), PresentType { groups, properties });
            }
            for label in &section.labels {
                let Ok(Target::Known(other)) = resolve(&label.to, declared, &present.schemas) else { continue };
                for (from, to) in [(&object, &other), (&other, &object)] {
                    if let Entry::Vacant(unread) = present.labels.entry((from.id.clone(), to.id.clone())) {
                        unread.insert(self.label_texts(&from.path, &to.path).await?);
                    }
                }
            }
        }
        if let Some(first) = schema.events.first() {
            let read = client.event_definitions(&CallMeta::default()).await;
            present.events = read.map_err(|error| event_refused(error).at(&first.at))?;
        }
        Ok(present)
    }

    /// The labels between two types as people see them, in one direction.
    pub(super) async fn label_texts(&self, from: &str, to: &str) -> Result<Vec<String>, EngineError> {
        let labels = self.client().association_labels(from, to).await?;
        Ok(labels.into_iter().filter_map(|label| label.label).collect())
    }
}
