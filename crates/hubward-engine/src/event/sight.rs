//! What an event sync needs to know of its account: the event definitions, and what the type of its records is called.

use std::sync::Arc;

use hubward_core::event::{EventDef, EventMapping, SubjectType};
use hubward_core::spec::{EventSubject, EventSync};
use hubward_hubspot::{CallMeta, EventDefinition};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::metadata::{Known, Trust};
use crate::ready::located;

/// The account as one event sync needs it.
pub(crate) struct EventSight {
    pub(crate) definitions: Vec<EventDef>,
    pub(crate) subject_type: SubjectType,
}

impl Engine {
    /// The account's event definitions with their properties.
    pub(crate) async fn known_events(&self, trust: Trust) -> Result<Known<Vec<EventDefinition>>, EngineError> {
        self.known("events", trust, self.config.client.event_definitions(&CallMeta::default())).await
    }

    /// Reads what the sync needs, as it is now.
    ///
    /// # Errors
    /// HubSpot refuses to tell, or the account lacks the type of record that the sync names.
    pub(crate) async fn event_sight(&self, sync: &EventSync) -> Result<EventSight, EngineError> {
        let (definitions, subject_type) = tokio::try_join!(self.known_events(Trust::Fresh), self.subject_type(sync))?;
        let definitions = definitions.value.iter().map(definition).collect();
        Ok(EventSight { definitions, subject_type })
    }

    async fn subject_type(&self, sync: &EventSync) -> Result<SubjectType, EngineError> {
        let (object, at) = match &sync.subject {
            EventSubject::Contact { .. } => ("contacts", &sync.at),
            EventSubject::Record { object, at, .. } => (object.as_str(), at),
        };
        let (found, _) = self.known_object_type(object, Trust::Fresh).await.map_err(|error| located(error, at))?;
        let mut names = vec![found.id.clone(), found.path.clone(), found.name.clone(), object.to_owned()];
        if !found.id.starts_with("0-")
            && let Some(schema) =
                self.known_schemas(Trust::Fresh).await?.value.iter().find(|schema| schema.object_type_id == found.id)
        {
            names.extend([schema.name.clone(), schema.fully_qualified_name.clone(), schema.singular.clone()]);
        }
        names.retain(|name| !name.is_empty());
        Ok(SubjectType { name: found.name, names })
    }
}

impl EventSight {
    /// The compiled sync, or every problem of it in one error.
    pub(crate) fn compile(self, sync: &EventSync, schema: &arrow_schema::Schema) -> Result<EventMapping, EngineError> {
        EventMapping::compile(sync, self.definitions, self.subject_type, schema)
            .map_err(|problems| EngineError::of_mapping(problems, &format!("event sync {:?}", sync.name)))
    }
}

fn definition(read: &EventDefinition) -> EventDef {
    EventDef {
        full_name: Arc::from(read.full_name.as_str()),
        name: read.name.clone(),
        label: read.label.clone(),
        primary_object: read.primary_object.clone(),
        properties: read.properties.clone(),
    }
}
