//! A stream of the catalog, resolved against the account: object type, key, columns, target.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::PropertyType;
use hubward_core::spec::Mode;
use hubward_engine::EngineError;
use hubward_engine::door::{Catalogue, Door, Match, Target};

use crate::catalog::{Operation, Stream};
use crate::discover::RECORD_ID;
use crate::failure::{Failure, FailureType, failure_type};
use crate::out::Out;
use crate::write::convert::type_of;

/// What a record is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// It is only made.
    None,
    /// The record's id.
    Id,
    /// A unique property.
    Property(String, PropertyType),
}

impl Key {
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Id => Some(RECORD_ID),
            Self::Property(name, _) => Some(name),
        }
    }
}

/// A stream that can be written.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) stream: Stream,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) target: Target,
    /// For records without a value of a key that the stream did not ask for itself.
    pub(crate) keyless: Option<Target>,
    pub(crate) key: Key,
    /// Properties to write, the key left out.
    pub(crate) columns: HashMap<String, Arc<str>>,
    /// Only `columns` are written; otherwise whatever a record has.
    pub(crate) declared: bool,
}

impl Prepared {
    /// Asks the account what the stream needs to know.
    ///
    /// # Errors
    /// The account has no such object or key, or does not let us see it.
    pub(crate) async fn of(stream: &Stream, door: &Door, out: &Out) -> Result<Self, Failure> {
        let told = |error: &EngineError| {
            let mut failure = of_engine(error, FailureType::ConfigError);
            failure.message = format!("stream {}: {}", stream.name, failure.message);
            failure.of_stream(&stream.name)
        };
        let catalogue = door.catalogue(&stream.object).await.map_err(|error| told(&error))?;
        let key = key(stream, &catalogue)?;
        let match_ = match &key {
            Key::None => Match::Nothing,
            Key::Id => Match::Id,
            Key::Property(name, _) => Match::Property(name.clone()),
        };
        let mode = match stream.operation {
            Operation::Insert => Mode::Insert,
            Operation::Upsert => Mode::Upsert,
            Operation::Update | Operation::SoftDelete => Mode::Update,
        };
        let target = catalogue.target(match_, mode).map_err(|error| told(&error))?;
        let keyless = (stream.key.is_none() && key != Key::None)
            .then(|| catalogue.target(Match::Nothing, mode))
            .transpose()
            .map_err(|error| told(&error))?;
        // An archived record needs no values.
        let declared = stream.columns.as_ref().filter(|_| stream.operation != Operation::SoftDelete);
        let mut columns = HashMap::new();
        for name in declared.into_iter().flatten().filter(|name| key.name() != Some(name.as_str())) {
            warn_of(name, stream, &catalogue, out);
            columns.insert(name.clone(), Arc::from(name.as_str()));
        }
        let declared = stream.columns.is_some() || stream.operation == Operation::SoftDelete;
        Ok(Self { stream: stream.clone(), catalogue, target, keyless, key, columns, declared })
    }

    /// Two streams that write the same records by the same key stand in one lane.
    pub(crate) fn lane(&self) -> (String, Option<String>) {
        (self.catalogue.object().id.clone(), self.key.name().map(str::to_owned))
    }

    /// A column's records are rejected one by one, with this reason; the log says it once at the beginning.
    pub(crate) fn described(&self) -> String {
        let by = self.key.name().map(|name| format!(" by {name}")).unwrap_or_default();
        format!(
            "stream {} → {} ({}{by})",
            self.stream.name,
            self.catalogue.object().name,
            self.stream.operation.sync_mode()
        )
    }
}

fn warn_of(name: &str, stream: &Stream, catalogue: &Catalogue, out: &Out) {
    let object = &catalogue.object().name;
    match catalogue.property(name) {
        None => out.warn(&format!(
            "stream {}: {object} have no property {name:?}; records with a value for it will be rejected",
            stream.name
        )),
        Some(property) if !property.is_writable() => out.warn(&format!(
            "stream {}: {name} of {object} is set by HubSpot; records with a value for it will be rejected",
            stream.name
        )),
        Some(_) => {}
    }
}

fn key(stream: &Stream, catalogue: &Catalogue) -> Result<Key, Failure> {
    let refuse =
        |message: String| Err(Failure::config(format!("stream {}: {message}", stream.name)).of_stream(&stream.name));
    let object = &catalogue.object().name;
    let Some(name) = stream.key.as_deref().or_else(|| implied(stream, catalogue)) else {
        return Ok(Key::None);
    };
    if matches!(name, RECORD_ID | "id") && catalogue.property("id").is_none() {
        return match stream.operation {
            Operation::Update | Operation::SoftDelete => Ok(Key::Id),
            Operation::Upsert | Operation::Insert => refuse(format!(
                "{RECORD_ID} names records that exist already, so it can be the key of update and soft_delete only"
            )),
        };
    }
    if catalogue.property(name).is_none() {
        return refuse(format!("{object} have no property {name:?}, which is to be its matching key"));
    }
    if !catalogue.is_unique(name) {
        return refuse(format!(
            "{name} of {object} is not unique in HubSpot, so it cannot be the matching key: choose a property with unique \
             values ({})",
            keys_of(catalogue)
        ));
    }
    Ok(Key::Property(name.to_owned(), type_of(catalogue.property(name))))
}

/// An insert whose stream names no key is kept from doubling a record by a unique property that the stream has.
fn implied<'a>(stream: &'a Stream, catalogue: &Catalogue) -> Option<&'a str> {
    if stream.operation != Operation::Insert {
        return None;
    }
    let columns = stream.columns.as_deref().unwrap_or_default();
    let mut unique = columns.iter().map(String::as_str).filter(|name| {
        catalogue.is_unique(name) && catalogue.property(name).is_some_and(hubward_core::PropertyDef::is_writable)
    });
    let first = unique.next()?;
    Some(unique.find(|name| *name == "email").unwrap_or(first))
}

fn keys_of(catalogue: &Catalogue) -> String {
    let unique = catalogue.properties().iter().filter(|property| catalogue.is_unique(&property.name));
    let names: Vec<&str> = unique.map(|property| property.name.as_str()).filter(|name| *name != RECORD_ID).collect();
    if names.is_empty() { "it has none yet: make one".to_owned() } else { names.join(", ") }
}

/// `unknown` is the kind of an error that HubSpot has no part in.
pub(crate) fn of_engine(error: &EngineError, unknown: FailureType) -> Failure {
    let mut message = error.message.clone();
    if let Some(help) = &error.help {
        message.push_str(". What to do: ");
        message.push_str(help);
    }
    let mut failure = match error.kind.map_or(unknown, failure_type) {
        FailureType::ConfigError => Failure::config(message),
        FailureType::TransientError => Failure::transient(message),
        FailureType::SystemError => Failure::system(message),
    };
    let correlation = error.correlation_id.as_ref().map(|id| format!(" correlationId={id}")).unwrap_or_default();
    failure.internal_message = Some(format!("{}{correlation}", error.code));
    failure
}
