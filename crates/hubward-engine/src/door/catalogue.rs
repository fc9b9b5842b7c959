//! What the account says of one object type: its properties, and how values become what they accept.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::convert::{ConvertContext, Converted, Owners, convert};
use hubward_core::mapping::MappedRow;
use hubward_core::pipeline::stage_properties;
use hubward_core::spec::{Conversion, Location, Match as Spec, Mode, OnConflict};
use hubward_core::suggest::nearest;
use hubward_core::{Pipeline, PropertyDef, Reason, ValidationRule, Value};
use serde_json::Value as Json;

use crate::compare::STAGE;
use crate::door::Door;
use crate::error::EngineError;
use crate::metadata::{Trust, owners_of};
use crate::object_type::ObjectType;
use crate::preflight::Preflight;
use crate::prepared::{Folding, match_kind};
use crate::strategy::MatchKind;

/// What HubSpot has refused is not read anew more often than this.
pub(super) const REFRESH_MS_MIN: i64 = 10_000;

/// How inputs find their records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// By record id.
    Id,
    /// By one property: in full batches where HubSpot keeps it unique, by search otherwise.
    Property(String),
    /// By several fields that all must fit, by search.
    Fields,
    /// Not at all: every input makes a record.
    Nothing,
}

/// One object type as the account has it.
#[derive(Clone, Debug)]
pub struct Catalogue {
    object: ObjectType,
    properties: Arc<Vec<PropertyDef>>,
    /// The definitions that values are converted by: what pipelines decide is left to them.
    by_name: HashMap<String, PropertyDef>,
    owners: Owners,
    pipelines: Option<Vec<Pipeline>>,
    validations: Vec<ValidationRule>,
    normalises_dates: bool,
    read_at_ms: i64,
}

/// Where records go, and how.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) match_: Match,
    pub(super) mode: Mode,
    pub(super) kind: MatchKind,
    pub(super) folding: Folding,
    pub(super) preflight: Arc<Preflight>,
    /// `lifecyclestage` may move back: it is cleared first (api.md 3.4), a hundred records in one request. Contacts and
    /// companies.
    pub force_stage: bool,
    /// What happens to a contact whose e-mail address another contact has.
    pub on_conflict: OnConflict,
    /// Keys name inputs, not records: what a key has made already is applied in mode insert too, and not a record that exists.
    pub made_by_key: bool,
}

impl Catalogue {
    /// The object type.
    #[must_use]
    pub fn object(&self) -> &ObjectType {
        &self.object
    }

    /// All properties of the type, those that HubSpot writes itself included.
    #[must_use]
    pub fn properties(&self) -> &[PropertyDef] {
        &self.properties
    }

    /// One property by its internal name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&PropertyDef> {
        self.by_name.get(name)
    }

    /// Whether HubSpot gives each value of this property to one record only, so that records are matched by it in batches.
    #[must_use]
    pub fn is_unique(&self, name: &str) -> bool {
        self.property(name).is_some_and(|property| property.has_unique_value)
            || (self.object.path == "contacts" && name == "email")
    }

    /// A JSON value as the text that HubSpot accepts for the property: by its type, its options, the account's owners.
    /// `null` is none; the empty text stays empty and clears. An array fills a multiple-checkbox property, and is JSON text
    /// elsewhere, as an object is. Labels of pipelines and stages become ids when the record is written.
    ///
    /// # Errors
    /// The reason why the value cannot be written: those of [`hubward_core::convert`], `PROPERTY_DOESNT_EXIST` and
    /// `READ_ONLY_VALUE`.
    pub fn convert(&self, property: &str, value: &Json) -> Result<Option<String>, Reason> {
        let definition = self.writable(property)?;
        converted(definition, value, &self.owners, self.normalises_dates)
    }

    fn writable(&self, name: &str) -> Result<&PropertyDef, Reason> {
        let Some(definition) = self.property(name) else {
            let mut text = format!("{} have no property {name:?}", self.object.name);
            if let Some(near) = nearest(name, self.by_name.keys().map(String::as_str)) {
                text.push_str(&format!("; did you mean {near:?}?"));
            }
            return Err(Reason::new("PROPERTY_DOESNT_EXIST", text).on(name, None));
        };
        if !definition.is_writable() {
            let text = format!("{name} of {} cannot be written: HubSpot sets it", self.object.name);
            return Err(Reason::new("READ_ONLY_VALUE", text).on(name, None));
        }
        Ok(definition)
    }

    /// A way to write records of this type.
    ///
    /// # Errors
    /// The match property does not exist, cannot be written although the mode makes records, or is no key; mode update
    /// without a match.
    pub fn target(self: &Arc<Self>, match_: Match, mode: Mode) -> Result<Target, EngineError> {
        let (kind, name) = match &match_ {
            Match::Id => (MatchKind::Id, "id"),
            Match::Property(name) => {
                let spec = Spec { column: String::new(), property: name.clone(), at: Location::default() };
                let kind = match_kind(&spec, mode, &self.object, &self.properties);
                (kind.map_err(|error| EngineError { at: None, ..error })?, name.as_str())
            }
            Match::Fields => (MatchKind::Search, ""),
            Match::Nothing if mode == Mode::Update => {
                return Err(EngineError::new("match-nothing", "records can only be made without a match, not updated"));
            }
            Match::Nothing => (MatchKind::Search, ""),
        };
        let folding = Folding::new(name, &self.properties, kind);
        let preflight = Preflight::new(&self.object, mode, self.pipelines.clone()).with(&self.validations);
        Ok(Target {
            catalogue: Arc::clone(self),
            kind,
            folding,
            preflight: Arc::new(preflight),
            match_,
            mode,
            force_stage: false,
            made_by_key: false,
            on_conflict: OnConflict::default(),
        })
    }
}

impl Target {
    /// What is known of the object type.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The definition of the stage that may move back, where it may and there is one.
    pub(super) fn forced_stage(&self) -> Option<PropertyDef> {
        let named = matches!(self.catalogue.object.path.as_str(), "contacts" | "companies");
        self.catalogue.property(STAGE).filter(|_| self.force_stage && named).cloned()
    }

    /// Judges the properties of one record beyond their single values, puts ids where pipelines and stages have labels, and
    /// adds what has to go with them.
    pub(super) fn settle(&self, properties: &mut Vec<(Arc<str>, String)>) -> Result<(), Reason> {
        let values = std::mem::take(properties).into_iter().map(|(name, text)| (name, Some(text))).collect();
        let mut mapped = MappedRow { match_value: None, match_folded: None, values };
        let judged = self.preflight.settle(&mut mapped);
        properties.extend(mapped.values.into_iter().map(|(name, text)| (name, text.unwrap_or_default())));
        judged?;
        self.preflight.complete(properties);
        Ok(())
    }
}

impl Door {
    /// What the account says of an object type, by name, label or type id. Read once and kept until HubSpot refuses what it
    /// allows ([`Door::refresh`] reads at once).
    ///
    /// # Errors
    /// The account has no such type, or HubSpot refuses to tell.
    pub async fn catalogue(&self, object: &str) -> Result<Arc<Catalogue>, EngineError> {
        if self.is_stale(object) {
            return self.refresh(object).await;
        }
        let mut catalogues = self.catalogues.lock().await;
        if let Some(known) = catalogues.get(object) {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(self.read_catalogue(object, Trust::Remembered).await?);
        catalogues.insert(object.to_owned(), Arc::clone(&read));
        Ok(read)
    }

    /// Reads the catalogue anew, for a property that is not in it or a refusal that it does not explain. What was read within
    /// the last ten seconds is taken as it is.
    ///
    /// # Errors
    /// As for [`Door::catalogue`].
    pub async fn refresh(&self, object: &str) -> Result<Arc<Catalogue>, EngineError> {
        let mut catalogues = self.catalogues.lock().await;
        let now_ms = self.engine.config.wall.now().as_millisecond();
        if let Some(known) = catalogues.get(object)
            && (now_ms - known.read_at_ms).abs() < REFRESH_MS_MIN
        {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(self.read_anew(object).await?);
        catalogues.insert(object.to_owned(), Arc::clone(&read));
        Ok(read)
    }

    /// Reads the catalogue anew, whenever it was read.
    ///
    /// # Errors
    /// As for [`Door::catalogue`].
    pub async fn refresh_now(&self, object: &str) -> Result<Arc<Catalogue>, EngineError> {
        let mut catalogues = self.catalogues.lock().await;
        let read = Arc::new(self.read_anew(object).await?);
        catalogues.insert(object.to_owned(), Arc::clone(&read));
        Ok(read)
    }

    async fn read_anew(&self, object: &str) -> Result<Catalogue, EngineError> {
        if let Ok(mut stale) = self.stale.lock() {
            stale.remove(object);
        }
        self.engine.forget_all_metadata().await;
        self.read_catalogue(object, Trust::Fresh).await
    }

    fn is_stale(&self, object: &str) -> bool {
        self.stale.lock().is_ok_and(|stale| stale.contains(object))
    }

    /// HubSpot has refused what the catalogue of this type allows.
    pub(super) async fn disprove(&self, object: &ObjectType) {
        let names: Vec<String> = {
            let catalogues = self.catalogues.lock().await;
            let same = catalogues.iter().filter(|(_, known)| known.object.id == object.id);
            same.map(|(name, _)| name.clone()).collect()
        };
        if let Ok(mut stale) = self.stale.lock() {
            stale.extend(names);
        }
    }

    async fn read_catalogue(&self, object: &str, trust: Trust) -> Result<Catalogue, EngineError> {
        let engine = &self.engine;
        let object = engine.known_object_type(object, trust).await?.0;
        let pipelines = async {
            match stage_properties(&object.path) {
                Some(_) => engine.known_pipelines(&object, trust).await.map(|known| known.value.as_ref().clone()),
                None => Ok(None),
            }
        };
        let (properties, validations, pipelines) = tokio::try_join!(
            engine.known_properties(&object, trust),
            engine.known_validations(&object, trust),
            pipelines
        )?;
        let mut all = properties.value;
        if self.sensitive.load(std::sync::atomic::Ordering::Relaxed) {
            let more = engine.known_sensitive(&object, trust).await?;
            if !more.value.is_empty() {
                all = Arc::new(all.iter().chain(more.value.iter()).cloned().collect());
            }
        }
        // Owners matter to those who write an owner's e-mail address; a token that may not see them writes ids.
        let owners = if all.iter().any(|property| property.is_owner() && property.is_writable()) {
            match engine.known_owners(trust).await {
                Ok(known) => owners_of(&known.value),
                Err(error) if matches!(error.pause(), crate::door::Pause::Permission) => Owners::unknown(),
                Err(error) => return Err(error),
            }
        } else {
            Owners::unknown()
        };
        let rules = Preflight::new(&object, Mode::Upsert, pipelines.clone());
        let converted = rules.properties(Arc::clone(&all));
        Ok(Catalogue {
            by_name: converted.iter().map(|property| (property.name.clone(), property.clone())).collect(),
            properties: all,
            owners,
            pipelines,
            validations: validations.value.as_ref().clone(),
            normalises_dates: engine.normalises_dates(),
            read_at_ms: engine.config.wall.now().as_millisecond(),
            object,
        })
    }
}

pub(super) fn converted(
    property: &PropertyDef,
    value: &Json,
    owners: &Owners,
    normalises_dates: bool,
) -> Result<Option<String>, Reason> {
    let context = ConvertContext { owners, version_normalises_dates: normalises_dates };
    match convert(&value_of(value), property, Conversion::Auto, &context)? {
        Converted::Null => Ok(None),
        Converted::Text(text) => Ok(Some(text)),
    }
}

/// A JSON value as the conversion takes it. Numbers beyond 64 bits keep their digits.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => Value::Int(number),
            (None, Some(number), _) => Value::UInt(number),
            (None, None, Some(number)) => Value::Float(number),
            (None, None, None) => Value::Text(number.to_string()),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(value_of).collect()),
        Json::Object(entries) => {
            Value::Map(entries.iter().map(|(name, value)| (name.clone(), value_of(value))).collect())
        }
    }
}
