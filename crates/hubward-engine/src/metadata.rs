//! What the account says of its object types, properties, pipelines and owners, and how fresh that is.
//!
//! Every answer is kept in memory for as long as the engine lives, and in the state database for the next runs. A run may
//! begin with what is remembered; nothing is called invalid by it (see [`crate::ready`]).

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use hubward_core::convert::Owners;
use hubward_core::{Pipeline, PropertyDef, ValidationRule};
use hubward_hubspot::{ApiError, Owner, Schema, Sensitivity};
use jiff::SignedDuration;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::object_type::{ObjectType, custom, standard};
use crate::run::blocking;

/// Metadata in the state database is used for this long; `docs/guide.md` names it.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(24);
/// Clocks of machines that share a state folder differ; what is from further in the future is not believed.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);
/// Changes when the kept form changes, so that an older form is never read.
const FORM: &str = "metadata-1";

/// Codes of HubSpot's refusals that say that the account is not as its metadata was (api.md 3.7, 3.8).
const DISPROVING: [&str; 7] = [
    "PROPERTY_DOESNT_EXIST",
    "READ_ONLY_VALUE",
    "INVALID_OPTION",
    "INVALID_INTEGER",
    "INVALID_LONG",
    "INVALID_BOOLEAN_OPTION",
    "MISSING_REQUIRED_PROPERTY",
];

/// Whether a refusal of this category says that what is known of the account's properties does not hold.
pub(crate) fn disproves(category: &str) -> bool {
    DISPROVING.contains(&category)
}

/// How far an earlier answer is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Only what was read since the engine was made.
    Fresh,
    /// What an earlier run read, too, as long as it is not too old.
    Remembered,
}

/// An answer of the account.
#[derive(Debug)]
pub(crate) struct Known<T> {
    pub(crate) value: Arc<T>,
    /// It was read since the engine was made.
    pub(crate) fresh: bool,
}

/// What the engine keeps in memory, by key.
#[derive(Default)]
pub(crate) struct Answers {
    by_key: Mutex<HashMap<String, Kept>>,
}

/// An answer of any type, and whether it was read since the engine was made.
type Kept = (Arc<dyn Any + Send + Sync>, bool);

impl Answers {
    fn hold(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        match self.by_key.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    fn get<T: Send + Sync + 'static>(&self, key: &str) -> Option<Known<T>> {
        let (value, fresh) = self.hold().get(key).cloned()?;
        Some(Known { value: value.downcast().ok()?, fresh })
    }

    fn put<T: Send + Sync + 'static>(&self, key: &str, value: &Arc<T>, fresh: bool) {
        self.hold().insert(key.to_owned(), (Arc::clone(value) as Arc<dyn Any + Send + Sync>, fresh));
    }
}

impl Engine {
    /// The answer under `key`, from memory, from the state database, or read by `ask`. A key names one type of answer.
    ///
    /// # Errors
    /// HubSpot's refusal. A database that fails costs nothing but the request.
    pub(crate) async fn known<T>(
        &self,
        key: &str,
        trust: Trust,
        ask: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<Known<T>, EngineError>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        if let Some(known) = self.answers.get(key)
            && (known.fresh || trust == Trust::Remembered)
        {
            return Ok(known);
        }
        if trust == Trust::Remembered
            && let Some(value) = self.remembered(key).await
        {
            self.answers.put(key, &value, false);
            return Ok(Known { value, fresh: false });
        }
        let value = Arc::new(ask.await?);
        self.answers.put(key, &value, true);
        self.remember(key, &value).await;
        Ok(Known { value, fresh: true })
    }

    async fn remembered<T: DeserializeOwned + Send + Sync + 'static>(&self, key: &str) -> Option<Arc<T>> {
        let db = self.config.db.clone()?;
        let (account, key, now) = (self.account().portal_id, self.stored_key(key), self.config.wall.now());
        let read = blocking(move || {
            let Some(kept) = db.metadata(account, &key)? else { return Ok(None) };
            let age = now.duration_since(kept.at);
            if age > AGE_MAX || age < -SKEW_MAX {
                return Ok(None);
            }
            Ok(serde_json::from_value(kept.json).ok().map(Arc::new))
        });
        match read.await {
            Ok(value) => value,
            Err(error) => {
                tracing::warn!(%error, "what is remembered of the account cannot be read; it is asked again");
                None
            }
        }
    }

    async fn remember<T: Serialize>(&self, key: &str, value: &T) {
        let Some(db) = self.config.db.clone() else { return };
        let Ok(json) = serde_json::to_value(value) else { return };
        let (account, key, now) = (self.account().portal_id, self.stored_key(key), self.config.wall.now());
        if let Err(error) = blocking(move || Ok(db.put_metadata(account, &key, &json, now)?)).await {
            tracing::warn!(%error, "what the account says could not be remembered; the next run asks again");
        }
    }

    /// Makes the next run ask again: HubSpot has refused something that these answers allowed.
    pub(crate) async fn forget_metadata(&self) {
        self.answers.hold().retain(|_, (_, fresh)| *fresh);
        let Some(db) = self.config.db.clone() else { return };
        let account = self.account().portal_id;
        let begins = format!("{FORM}/");
        if let Err(error) = blocking(move || Ok(db.forget_metadata(account, &begins)?)).await {
            tracing::warn!(%error, "what is remembered of the account could not be forgotten");
        }
    }

    /// Nothing that was read of the account holds any more: it has been changed.
    pub(crate) async fn forget_all_metadata(&self) {
        self.answers.hold().clear();
        self.forget_metadata().await;
    }

    /// API versions do not show the same.
    fn stored_key(&self, key: &str) -> String {
        format!("{FORM}/{}/{key}", self.config.version.name())
    }

    /// The custom object types of the account.
    pub(crate) async fn known_schemas(&self, trust: Trust) -> Result<Known<Vec<Schema>>, EngineError> {
        self.known("schemas", trust, self.config.client.schemas()).await
    }

    /// The object type that a project calls `name`.
    pub(crate) async fn known_object_type(&self, name: &str, trust: Trust) -> Result<(ObjectType, bool), EngineError> {
        match standard(name) {
            Some(found) => Ok((found, true)),
            None => {
                let schemas = self.known_schemas(trust).await?;
                Ok((custom(name, &schemas.value)?, schemas.fresh))
            }
        }
    }

    /// The property definitions of an object type.
    pub(crate) async fn known_properties(
        &self,
        object: &ObjectType,
        trust: Trust,
    ) -> Result<Known<Vec<PropertyDef>>, EngineError> {
        self.known(&format!("properties/{}", object.path), trust, self.config.client.properties(&object.path)).await
    }

    /// The definitions of properties of an object type that hold sensitive data; none where the token may not see them.
    pub(crate) async fn known_sensitive(
        &self,
        object: &ObjectType,
        trust: Trust,
    ) -> Result<Known<Vec<PropertyDef>>, EngineError> {
        let ask = async {
            let mut all = Vec::new();
            for sensitivity in [Sensitivity::Sensitive, Sensitivity::HighlySensitive] {
                match self.config.client.properties_of(&object.path, sensitivity).await {
                    Ok(properties) => all.extend(properties),
                    Err(error) if is_not_shown(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(all)
        };
        self.known(&format!("sensitive/{}", object.path), trust, ask).await
    }

    /// The pipelines of an object type; `None` in it where the account or the token has none to show.
    pub(crate) async fn known_pipelines(
        &self,
        object: &ObjectType,
        trust: Trust,
    ) -> Result<Known<Option<Vec<Pipeline>>>, EngineError> {
        let ask = async {
            match self.config.client.pipelines(&object.path).await {
                Ok(pipelines) => Ok(Some(pipelines)),
                Err(error) if is_not_shown(&error) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.known(&format!("pipelines/{}", object.path), trust, ask).await
    }

    /// The validation rules of an object type's properties; none where the token may not see them.
    pub(crate) async fn known_validations(
        &self,
        object: &ObjectType,
        trust: Trust,
    ) -> Result<Known<Vec<ValidationRule>>, EngineError> {
        let ask = async {
            match self.config.client.validations(&object.id).await {
                Ok(rules) => Ok(rules),
                Err(error) if is_not_shown(&error) => Ok(Vec::new()),
                Err(error) => Err(error),
            }
        };
        self.known(&format!("validations/{}", object.id), trust, ask).await
    }

    /// The account's owners, archived ones left out.
    pub(crate) async fn known_owners(&self, trust: Trust) -> Result<Known<Vec<Owner>>, EngineError> {
        self.known("owners", trust, self.config.client.owners()).await
    }

    /// The custom object types of the account, as they are now.
    ///
    /// # Errors
    /// HubSpot's refusal.
    pub async fn schemas(&self) -> Result<Arc<Vec<Schema>>, EngineError> {
        Ok(self.known_schemas(Trust::Fresh).await?.value)
    }

    /// The object type that a project calls `name`, as it is now.
    ///
    /// # Errors
    /// The account has no such type, or the token may not read its custom types.
    pub async fn object_type(&self, name: &str) -> Result<ObjectType, EngineError> {
        Ok(self.known_object_type(name, Trust::Fresh).await?.0)
    }

    /// The property definitions of an object type, as they are now.
    ///
    /// # Errors
    /// HubSpot's refusal.
    pub async fn properties(&self, object: &ObjectType) -> Result<Arc<Vec<PropertyDef>>, EngineError> {
        Ok(self.known_properties(object, Trust::Fresh).await?.value)
    }
}

/// The owners that rows may name.
pub(crate) fn owners_of(read: &[Owner]) -> Owners {
    let active = read.iter().filter(|owner| !owner.archived);
    Owners::known(active.map(|owner| (owner.id.clone(), owner.email.clone())))
}

/// The question is refused, or the object type has no such thing: rows are then judged without it.
fn is_not_shown(error: &ApiError) -> bool {
    use hubward_core::ErrorKind as Kind;
    matches!(
        error.kind,
        Kind::MissingScope
            | Kind::MissingPermission
            | Kind::NotInEdition
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::NoSuchPath
            | Kind::UnknownObjectType
            | Kind::Validation
            | Kind::Malformed
    )
}
