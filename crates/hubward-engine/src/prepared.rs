//! A sync made ready against the account: object type, properties, compiled mapping, owners.

use std::sync::Arc;

use hubward_core::convert::{ConvertContext, Owners, fold_match_value};
use hubward_core::mapping::Mapping;
use hubward_core::spec::{Match, Mode, Model, ObjectSync, OnMatchChange};
use hubward_core::{PropertyDef, PropertyType};
use hubward_hubspot::ApiVersion;

use crate::analyze::Rules;
use crate::association::Associations;
use crate::engine::SyncJob;
use crate::error::EngineError;
use crate::object_type::ObjectType;
use crate::preflight::Preflight;
use crate::sight::Sight;
use crate::strategy::MatchKind;

/// Everything about a sync that does not change while it runs.
pub(crate) struct Prepared {
    pub(crate) sync: ObjectSync,
    pub(crate) model: Model,
    pub(crate) object: ObjectType,
    pub(crate) kind: MatchKind,
    pub(crate) folding: Folding,
    /// The match property can be written, so a row whose match value changed keeps its record.
    pub(crate) match_writable: bool,
    pub(crate) mapping: Mapping,
    pub(crate) associations: Option<Arc<Associations>>,
    pub(crate) owners: Owners,
    pub(crate) preflight: Preflight,
    /// Mapped properties, the match property left out, of which HubSpot gives each value to one record only.
    pub(crate) unique: Vec<Arc<str>>,
    pub(crate) normalises_dates: bool,
}

impl Prepared {
    /// Puts together what the project declares and what the account says.
    pub(crate) fn new(job: &SyncJob, sight: &Sight, mapping: Mapping, version: ApiVersion) -> Self {
        let unique_here = |name: &str, property: &PropertyDef| {
            property.has_unique_value || (sight.object.path == "contacts" && name == "email")
        };
        let entries = mapping.entries().iter();
        let unique = entries
            .filter(|entry| *entry.name != *job.sync.match_.property && unique_here(&entry.name, &entry.property))
            .map(|entry| Arc::clone(&entry.name))
            .collect();
        Self {
            sync: job.sync.clone(),
            model: job.model.clone(),
            object: sight.object.clone(),
            kind: sight.kind,
            match_writable: match_writable(&job.sync.match_, &sight.properties),
            folding: Folding::new(&job.sync.match_.property, &sight.properties, sight.kind),
            mapping,
            associations: sight.associations.clone(),
            owners: sight.owners.clone(),
            preflight: sight.preflight.clone(),
            unique,
            normalises_dates: version == ApiVersion::V2026_09,
        }
    }

    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            model: &self.model,
            mapping: &self.mapping,
            nulls: self.sync.nulls,
            kind: self.kind,
            match_column: &self.sync.match_.column,
            match_property: &self.sync.match_.property,
            folding: &self.folding,
            mode: self.sync.mode,
            associations: self.associations.as_deref(),
            preflight: &self.preflight,
            unique: &self.unique,
            context: self.context(),
        }
    }

    /// Text that changes when the same row may have to be written otherwise: the mapping's, and the mode, because rows that
    /// `insert` left alone are not what `upsert` would have made of them.
    pub(crate) fn signature(&self) -> String {
        let associations = self.associations.as_ref().map(|associations| format!(" {}", associations.signature()));
        format!("{} {:?}{}", self.mapping.signature(), self.sync.mode, associations.unwrap_or_default())
    }

    /// The columns that a row's fingerprint is made of.
    pub(crate) fn columns(&self) -> Vec<String> {
        scanned_columns(self.mapping.columns(), &self.sync)
    }

    /// A row whose match value changed looks for its record anew.
    pub(crate) fn rematches(&self) -> bool {
        self.sync.on_match_change == OnMatchChange::Rematch && self.kind != MatchKind::Id
    }

    fn context(&self) -> ConvertContext<'_> {
        ConvertContext { owners: &self.owners, version_normalises_dates: self.normalises_dates }
    }
}

/// The columns that a sync reads beside the primary key: those of its mapping, and those that name associated records.
pub(crate) fn scanned_columns(mapped: Vec<String>, sync: &ObjectSync) -> Vec<String> {
    let mut columns = mapped;
    columns.extend(sync.associations.iter().map(|association| association.match_.column.clone()));
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// How HubSpot compares values of the match property.
#[derive(Clone, Debug)]
pub(crate) struct Folding {
    property: String,
    type_: PropertyType,
    kind: MatchKind,
}

impl Folding {
    pub(crate) fn new(property: &str, properties: &[PropertyDef], kind: MatchKind) -> Self {
        let type_ = properties.iter().find(|known| known.name == property).map(|known| known.type_.clone());
        Self { property: property.to_owned(), type_: type_.unwrap_or(PropertyType::String), kind }
    }

    /// Two values that fold to one text are one value to HubSpot: e-mail addresses always, and whatever search compares
    /// without regard to case (api.md 4.2).
    pub(crate) fn fold(&self, value: &str) -> String {
        let folded = fold_match_value(&self.property, &self.type_, value);
        if self.kind == MatchKind::Id {
            // HubSpot reads ids as numbers: 007 is record 7.
            let digits = folded.trim_start_matches('0');
            return if digits.is_empty() { folded } else { digits.to_owned() };
        }
        if self.kind == MatchKind::Search && self.type_ != PropertyType::Enumeration {
            folded.to_lowercase()
        } else {
            folded
        }
    }

    /// Whether search finds more than equal values: of a property with several options, one among others.
    pub(crate) fn finds_parts(&self) -> bool {
        self.type_ == PropertyType::Enumeration
    }

    /// The value as search wants it: enumerations exactly, everything else in lower case (api.md 4.2).
    pub(crate) fn searched(&self, value: &str) -> String {
        if self.type_ == PropertyType::Enumeration { value.to_owned() } else { value.to_lowercase() }
    }
}

/// What the match property can do; the user token and unknown properties are errors, a property that is not unique costs
/// searches.
///
/// # Errors
/// When the property does not exist, cannot be written where the mode creates records, or is no key at all.
pub(crate) fn match_kind(
    match_: &Match,
    mode: Mode,
    object: &ObjectType,
    properties: &[PropertyDef],
) -> Result<MatchKind, EngineError> {
    let name = match_.property.as_str();
    if matches!(name, "id" | "hs_object_id") {
        if mode == Mode::Update {
            return Ok(MatchKind::Id);
        }
        return Err(EngineError::new("match-by-id", format!("records can be matched by {name} in mode update only"))
            .help("HubSpot sets the record id when it makes a record; use mode update, or match on another property")
            .at(&match_.at));
    }
    if matches!(name, "utk" | "hutk" | "user_token" | "usertoken" | "hubspotutk" | "hs_user_token") {
        return Err(EngineError::new("match-by-user-token", "the user token is no key of HubSpot's object API")
            .help("match contacts on email or on a unique property; events can be assigned by user token")
            .at(&match_.at));
    }
    let Some(property) = properties.iter().find(|property| property.name == name) else {
        let near = hubward_core::suggest::nearest(name, properties.iter().map(|property| property.name.as_str()));
        let error = EngineError::new("unknown-property", format!("{} have no property {name:?}", object.name));
        return Err(match near {
            Some(near) => error.help(format!("did you mean {near:?}?")),
            None => error.help(format!("`hubward describe {}` lists them", object.path)),
        }
        .at(&match_.at));
    };
    if mode != Mode::Update && !property.is_writable() {
        return Err(EngineError::new(
            "read-only-property",
            format!("{name} cannot be written, so a record created by it would never be found again"),
        )
        .help("match on a property that can be written, or use mode update")
        .at(&match_.at));
    }
    // Contacts: `email` is a key although its definition may not say so (api.md 3.5).
    if property.has_unique_value || (object.path == "contacts" && name == "email") {
        return Ok(MatchKind::Unique);
    }
    Ok(MatchKind::Search)
}

/// Whether the match property can be written at all; the record id cannot.
fn match_writable(match_: &Match, properties: &[PropertyDef]) -> bool {
    properties.iter().any(|property| property.name == match_.property && property.is_writable())
}

/// Whether the mapping writes an owner property, so that owners have to be read.
pub(crate) fn needs_owners(sync: &ObjectSync, properties: &[PropertyDef]) -> bool {
    sync.map.iter().any(|entry| {
        properties.iter().any(|property| {
            property.name == entry.property && property.is_owner() && property.type_ == PropertyType::Enumeration
        })
    })
}
