//! What a run sees of its account before it reads a row: object type, properties, pipelines, owners.

use std::sync::Arc;

use hubward_core::PropertyDef;
use hubward_core::convert::Owners;
use hubward_core::pipeline::stage_properties;
use hubward_core::spec::ObjectSync;

use crate::association::Associations;
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::metadata::{Known, Trust, owners_of};
use crate::object_type::ObjectType;
use crate::preflight::Preflight;
use crate::prepared::{match_kind, needs_owners};
use crate::ready::located;
use crate::strategy::MatchKind;

/// The account as one sync needs it.
#[derive(Clone)]
pub(crate) struct Sight {
    pub(crate) object: ObjectType,
    pub(crate) properties: Arc<Vec<PropertyDef>>,
    pub(crate) kind: MatchKind,
    pub(crate) owners: Owners,
    pub(crate) preflight: Preflight,
    pub(crate) associations: Option<Arc<Associations>>,
    /// Everything of it was read since the engine was made.
    pub(crate) fresh: bool,
}

impl Engine {
    /// Reads what the sync needs, all at once where one answer does not hang on another.
    ///
    /// # Errors
    /// The account lacks what the sync names, or HubSpot refuses to tell.
    pub(crate) async fn sight(&self, job: &SyncJob, trust: Trust) -> Result<Sight, EngineError> {
        let sync = &job.sync;
        let (object, mut fresh) =
            self.known_object_type(&sync.object, trust).await.map_err(|error| located(error, &sync.object_at))?;
        let pipelines = async {
            match needs_pipelines(sync, &object) {
                true => self.known_pipelines(&object, trust).await.map(Some),
                false => Ok(None),
            }
        };
        // The commonest owner property is known by its name; any other shows only in the definitions.
        let early_owners = async {
            match sync.map.iter().any(|entry| entry.property == "hubspot_owner_id") {
                true => self.known_owners(trust).await.map(Some),
                false => Ok(None),
            }
        };
        let (properties, validations, pipelines, owners) = tokio::try_join!(
            self.known_properties(&object, trust),
            self.known_validations(&object, trust),
            pipelines,
            early_owners
        )?;
        fresh &= properties.fresh && validations.fresh && pipelines.as_ref().is_none_or(|known| known.fresh);
        let preflight = Preflight::new(&object, sync.mode, pipelines.and_then(|known| known.value.as_ref().clone()))
            .with(&validations.value);
        let properties = preflight.properties(properties.value);
        let owners = match owners {
            Some(known) => Some(known),
            None if needs_owners(sync, &properties) => Some(self.known_owners(trust).await?),
            None => None,
        };
        fresh &= owners.as_ref().is_none_or(|known| known.fresh);
        let owners = owners.map_or_else(Owners::unknown, |Known { value, .. }| owners_of(&value));
        let kind = match match_kind(&sync.match_, sync.mode, &object, &properties) {
            Ok(kind) => kind,
            Err(_) if !fresh => return Box::pin(self.sight(job, Trust::Fresh)).await,
            Err(error) => return Err(error),
        };
        let associations = match self.associations(sync, &object, trust).await {
            Ok((associations, known_fresh)) => {
                fresh &= known_fresh;
                associations.map(Arc::new)
            }
            Err(_) if trust == Trust::Remembered => return Box::pin(self.sight(job, Trust::Fresh)).await,
            Err(error) => return Err(error),
        };
        Ok(Sight { object, properties, kind, owners, preflight, associations, fresh })
    }
}

/// Whether the mapping names a pipeline or a stage, so that the account's pipelines have to be read.
pub(crate) fn needs_pipelines(sync: &ObjectSync, object: &ObjectType) -> bool {
    stage_properties(&object.path).is_some_and(|(pipeline, stage)| {
        sync.map.iter().any(|entry| entry.property == pipeline || entry.property == stage)
    })
}
