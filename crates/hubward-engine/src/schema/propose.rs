//! A declaration for properties that syncs map, the account lacks and nobody declares: YAML for a person to look over, with
//! types guessed from the source's columns. Nothing of it is ever made.

use arrow_schema::{DataType, Schema};
use hubward_core::Value;
use hubward_core::declared::DeclaredSchema;
use hubward_core::spec::{Conversion, MapEntry, MapSource};
use hubward_core::suggest::nearest;

use super::section_of;
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;

/// Properties that could be declared, by object type, and events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    pub(super) types: Vec<(String, Vec<Proposed>)>,
    pub(super) events: Vec<ProposedEvent>,
}

/// An event that could be declared, or one that is there or declared and lacks properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProposedEvent {
    pub(super) name: String,
    /// Of an event that is not there, if it does not happen to contacts.
    pub(super) object: Option<String>,
    pub(super) properties: Vec<Proposed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proposed {
    pub(super) name: String,
    pub(super) type_: &'static str,
    pub(super) unique: bool,
    /// Where the type comes from, for the reader.
    pub(super) why: String,
}

impl Proposal {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.events.is_empty()
    }

    /// Ready to paste, once the types have been looked over.
    #[must_use]
    pub fn yaml(&self) -> String {
        let mut text = "schema:\n".to_owned();
        for (object, properties) in &self.types {
            text.push_str(&format!("  {object}:\n    properties:\n"));
            for property in properties {
                let unique = if property.unique { ", unique: true" } else { "" };
                text.push_str(&format!(
                    "      {}: {{ type: {}{unique} }}  # {}\n",
                    property.name, property.type_, property.why
                ));
            }
        }
        text.push_str(&self.events_yaml());
        text
    }

    /// The declaration of one property in one line, for a hint; none where nothing is proposed for it.
    #[must_use]
    pub fn line(&self, property: &str, is_of: impl Fn(&str) -> bool) -> Option<String> {
        let (object, properties) = self.types.iter().find(|(object, _)| is_of(object))?;
        let found = properties.iter().find(|known| known.name == property)?;
        let unique = if found.unique { ", unique: true" } else { "" };
        Some(format!("schema: {{ {object}: {{ properties: {{ {property}: {{ type: {}{unique} }} }} }} }}", found.type_))
    }

    fn add(&mut self, object: &str, proposed: Proposed) {
        let at = self.types.iter().position(|(known, _)| known == object).unwrap_or_else(|| {
            self.types.push((object.to_owned(), Vec::new()));
            self.types.len() - 1
        });
        let properties = &mut self.types[at].1;
        match properties.iter_mut().find(|known| known.name == proposed.name) {
            Some(known) => known.unique |= proposed.unique,
            None => properties.push(proposed),
        }
    }
}

impl Engine {
    /// Looks for properties that a sync maps or matches by and that neither the account nor the declaration has. A sync whose
    /// object type or columns cannot be read adds nothing: `check` tells why.
    ///
    /// # Errors
    /// HubSpot refuses to tell what the account has.
    pub async fn propose_schema(&self, declared: &DeclaredSchema, jobs: &[SyncJob]) -> Result<Proposal, EngineError> {
        let mut proposal = Proposal::default();
        for job in jobs {
            let Ok(object) = self.object_type(&job.sync.object).await else { continue };
            let properties = self.properties(&object).await?;
            let section = section_of(&declared.types, &job.sync.object);
            let missing = |name: &str| {
                !matches!(name, "id" | "hs_object_id")
                    && properties.iter().all(|property| property.name != name)
                    && section.is_none_or(|section| section.property(name).is_none())
                    && may_be_made(name)
            };
            let matched = &job.sync.match_;
            if !missing(&matched.property) && !job.sync.map.iter().any(|entry| missing(&entry.property)) {
                continue;
            }
            let columns = self.check_source(job).await.ok();
            let known: Vec<&str> = properties.iter().map(|property| property.name.as_str()).collect();
            let heading = section.map_or(object.path.as_str(), |section| section.name.as_str());
            for entry in job.sync.map.iter().filter(|entry| missing(&entry.property)) {
                let (type_, mut why) = guess(entry, columns.as_deref());
                if let Some(near) = nearest(&entry.property, known.iter().copied()) {
                    why.push_str(&format!("; or was {near} meant?"));
                }
                let unique = entry.property == matched.property;
                proposal.add(heading, Proposed { name: entry.property.clone(), type_, unique, why });
            }
            if missing(&matched.property) {
                let type_ = column_type(&matched.column, columns.as_deref());
                let why = format!("rows are matched by it, from column {}", matched.column);
                proposal.add(heading, Proposed { name: matched.property.clone(), type_, unique: true, why });
            }
        }
        Ok(proposal)
    }
}

/// Whether HubSpot takes it as a name; what it does not take is more likely a mistake.
fn may_be_made(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 100
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// A type and what it was guessed from.
pub(super) fn guess(entry: &MapEntry, columns: Option<&Schema>) -> (&'static str, String) {
    let (type_, why) = match &entry.source {
        MapSource::Column(column) => (column_type(column, columns), format!("from column {column}")),
        MapSource::Template(_) => ("string", "from a template".to_owned()),
        MapSource::Value(value) => (value_type(value), "from a constant".to_owned()),
    };
    match entry.conversion {
        Conversion::Date => ("date", why),
        Conversion::DateTime => ("datetime", why),
        Conversion::Auto | Conversion::Raw => (type_, why),
    }
}

fn column_type(name: &str, columns: Option<&Schema>) -> &'static str {
    match columns.and_then(|columns| columns.column_with_name(name)).map(|(_, field)| field.data_type()) {
        Some(DataType::Boolean) => "bool",
        Some(DataType::Date32 | DataType::Date64) => "date",
        Some(DataType::Timestamp(..)) => "datetime",
        Some(data_type) if data_type.is_numeric() => "number",
        _ => "string",
    }
}

fn value_type(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Decimal(_) => "number",
        Value::Date(_) => "date",
        Value::DateTime(_) | Value::Timestamp(_) => "datetime",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposed(name: &str, unique: bool) -> Proposed {
        Proposed { name: name.to_owned(), type_: "number", unique, why: "from column n".to_owned() }
    }

    #[test]
    fn a_property_of_two_syncs_stands_once_and_is_unique_if_one_of_them_matches_by_it() {
        let mut proposal = Proposal::default();
        proposal.add("contacts", proposed("shoe_size", false));
        proposal.add("companies", proposed("size", false));
        proposal.add("contacts", proposed("shoe_size", true));
        assert_eq!(
            proposal.yaml(),
            "schema:\n  contacts:\n    properties:\n      shoe_size: { type: number, unique: true }  # from column n\n  \
             companies:\n    properties:\n      size: { type: number }  # from column n\n"
        );
    }

    #[test]
    fn what_hubspot_would_not_take_as_a_name_is_not_proposed() {
        for name in ["Shoe", "shoe-size", "1st", "", "größe"] {
            assert!(!may_be_made(name), "{name}");
        }
        assert!(may_be_made("shoe_size2"));
    }
}
