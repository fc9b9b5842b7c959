//! The configured catalog: which streams come, what each writes to, how, and by which key.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::entries::Entries;
use crate::failure::Failure;

/// A stream's name within its namespace; an empty namespace is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName {
    pub namespace: Option<String>,
    pub name: String,
}

impl StreamName {
    #[must_use]
    pub fn new(name: &str, namespace: Option<&str>) -> Self {
        Self { namespace: namespace.filter(|text| !text.is_empty()).map(str::to_owned), name: name.to_owned() }
    }

    /// From the text of a `stream_descriptor`.
    pub(crate) fn of_descriptor(json: &str) -> Result<Self, String> {
        let entries = Entries::of(json).map_err(|error| format!("its stream_descriptor is not an object ({error})"))?;
        let text = |key: &str| -> Result<Option<String>, String> {
            match entries.get(key) {
                Some(value) => serde_json::from_str(value).map_err(|_| format!("its {key} is not a text")),
                None => Ok(None),
            }
        };
        let name = text("name")?.ok_or("its stream_descriptor has no name")?;
        Ok(Self::new(&name, text("namespace")?.as_deref()))
    }

    /// As a `stream_descriptor`.
    pub(crate) fn descriptor(&self) -> Value {
        let mut descriptor = Map::new();
        descriptor.insert("name".to_owned(), json!(self.name));
        if let Some(namespace) = &self.namespace {
            descriptor.insert("namespace".to_owned(), json!(namespace));
        }
        Value::Object(descriptor)
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What is done with a stream's records. The words are those of the protocol's sync modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `append`: create; a record that exists is rejected.
    Insert,
    /// `append_dedup`: create or update.
    Upsert,
    /// `update`: a record that does not exist is rejected.
    Update,
    /// `soft_delete`: move to HubSpot's recycle bin.
    SoftDelete,
}

impl Operation {
    /// As the protocol spells it.
    #[must_use]
    pub fn sync_mode(self) -> &'static str {
        match self {
            Self::Insert => "append",
            Self::Upsert => "append_dedup",
            Self::Update => "update",
            Self::SoftDelete => "soft_delete",
        }
    }

    /// From the protocol's word; `overwrite` and unknown words have none.
    #[must_use]
    pub fn of_sync_mode(word: &str) -> Option<Self> {
        [Self::Insert, Self::Upsert, Self::Update, Self::SoftDelete].into_iter().find(|mode| mode.sync_mode() == word)
    }
}

/// One stream of the catalog, read and checked as far as the catalog alone tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    pub name: StreamName,
    /// `destination_object_name`, or else the stream's name: PyAirbyte has no way to say the former.
    pub object: String,
    pub operation: Operation,
    /// The matching key; only `append` may do without.
    pub key: Option<String>,
    /// The properties that the stream's schema declares, and its records may write; none: every key is written.
    pub columns: Option<Vec<String>>,
    pub generation_id: Option<i64>,
    pub sync_id: Option<i64>,
}

/// The streams of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    pub streams: Vec<Stream>,
    /// What the log should say of it.
    pub notes: Vec<String>,
}

#[derive(Deserialize)]
struct CatalogIn {
    streams: Option<Vec<ConfiguredIn>>,
}

#[derive(Deserialize)]
struct ConfiguredIn {
    stream: StreamIn,
    destination_sync_mode: Option<String>,
    destination_object_name: Option<String>,
    primary_key: Option<Vec<Vec<String>>>,
    generation_id: Option<i64>,
    minimum_generation_id: Option<i64>,
    sync_id: Option<i64>,
    include_files: Option<bool>,
}

#[derive(Deserialize)]
struct StreamIn {
    name: String,
    namespace: Option<String>,
    json_schema: Option<Value>,
    is_file_based: Option<bool>,
}

impl Catalog {
    /// Reads a `ConfiguredAirbyteCatalog`.
    ///
    /// # Errors
    /// A configuration that cannot be carried out, told with its stream.
    pub fn read(json: &[u8]) -> Result<Self, Failure> {
        let read: CatalogIn = serde_json::from_slice(json)
            .map_err(|error| Failure::config(format!("the configured catalog cannot be read: {error}")))?;
        let mut catalog = Self::default();
        for configured in read.streams.unwrap_or_default() {
            let stream = stream(configured, &mut catalog.notes)?;
            if catalog.streams.iter().any(|other| other.name == stream.name) {
                return Err(Failure::config(format!("the catalog has the stream {} twice", stream.name)));
            }
            catalog.streams.push(stream);
        }
        Ok(catalog)
    }

    /// Where each stream stands in `streams`.
    pub(crate) fn index(&self) -> HashMap<StreamName, usize> {
        self.streams.iter().enumerate().map(|(index, stream)| (stream.name.clone(), index)).collect()
    }
}

fn stream(configured: ConfiguredIn, notes: &mut Vec<String>) -> Result<Stream, Failure> {
    let name = StreamName::new(&configured.stream.name, configured.stream.namespace.as_deref());
    let refuse = |message: String| Err(Failure::config(format!("stream {name}: {message}")).of_stream(&name));
    if configured.include_files == Some(true) || configured.stream.is_file_based == Some(true) {
        return refuse("it carries files, and HubSpot's objects take records only: turn files off for it".to_owned());
    }
    let word = configured.destination_sync_mode.as_deref().unwrap_or("append");
    let Some(operation) = Operation::of_sync_mode(word) else {
        return refuse(if word == "overwrite" {
            "the sync mode overwrite would replace what the account holds, which this destination never does: choose \
             append_dedup (upsert) with a primary key, append (insert), update or soft_delete. PyAirbyte asks for \
             overwrite where a stream has neither a primary key nor a cursor: give the stream a primary key"
                .to_owned()
        } else {
            format!("the destination sync mode {word:?} is none of append, append_dedup, update and soft_delete")
        });
    };
    let mut keys = configured.primary_key.unwrap_or_default().into_iter();
    let key = match (keys.next(), keys.next()) {
        (None, _) => None,
        (Some(_), Some(_)) => {
            return refuse(
                "HubSpot matches by one property, and its key has several: choose one matching key".to_owned(),
            );
        }
        (Some(path), None) => match <[String; 1]>::try_from(path) {
            Ok([property]) if !property.is_empty() => Some(property),
            _ => {
                return refuse(
                    "its matching key is not the name of one property: nested keys cannot be matched".to_owned(),
                );
            }
        },
    };
    if key.is_none() && operation != Operation::Insert {
        return refuse(format!(
            "the sync mode {word} needs a matching key: set the stream's primary key to a unique property"
        ));
    }
    if configured.minimum_generation_id.is_some_and(|least| least > 0)
        && configured.minimum_generation_id == configured.generation_id
    {
        notes.push(format!(
            "stream {name}: the platform asks to drop what earlier generations wrote; records of HubSpot are never \
             deleted for that"
        ));
    }
    let columns = columns(configured.stream.json_schema.as_ref());
    if columns.is_empty() && operation != Operation::SoftDelete {
        notes.push(format!(
            "stream {name}: its schema declares no properties, so nothing of its records is written but their key"
        ));
    }
    Ok(Stream {
        object: configured
            .destination_object_name
            .filter(|object| !object.is_empty())
            .unwrap_or(configured.stream.name),
        operation,
        key,
        columns: Some(columns),
        generation_id: configured.generation_id,
        sync_id: configured.sync_id,
        name,
    })
}

/// Airbyte's own columns are never HubSpot's.
pub(crate) fn is_airbytes(column: &str) -> bool {
    column.starts_with("_airbyte_")
}

fn columns(schema: Option<&Value>) -> Vec<String> {
    let properties = schema.and_then(|schema| schema["properties"].as_object());
    properties.into_iter().flatten().map(|(name, _)| name.clone()).filter(|name| !is_airbytes(name)).collect()
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
