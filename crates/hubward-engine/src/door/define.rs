//! Making what an account lacks while events flow: properties, event definitions and their properties. Names are unique where
//! they stand, so that a repeated creation is refused and never makes a second one: what is there already is as good as made.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::convert::Owners;
use hubward_core::{ErrorKind, Reason};
use hubward_hubspot::definitions::PROPERTY_BATCH_MAX;
use hubward_hubspot::{
    ApiError, CallMeta, EventDefinition, NewEventDefinition, NewEventProperty, NewProperty, PropertyGroup, Sensitivity,
};

use crate::door::catalogue::converted;
use crate::door::find::refused_reason;
use crate::door::{Catalogue, Door};
use crate::error::EngineError;
use crate::metadata::Trust;
use crate::schema::{READABLE_AFTER, doubtful};

impl Door {
    /// Makes those of these properties that the type lacks, in the group that they name or `group`, which is made where it is
    /// missing. Answers the type as it is then, and why a property could not be made, by its name.
    ///
    /// # Errors
    /// HubSpot refuses everything (a scope is missing, the token is revoked) or does not answer.
    pub async fn make_properties(
        &self,
        object: &str,
        group: &PropertyGroup,
        properties: Vec<NewProperty>,
    ) -> Result<(Arc<Catalogue>, HashMap<String, Reason>), EngineError> {
        if properties.iter().any(|property| property.sensitivity != Sensitivity::NonSensitive) {
            self.read_sensitive();
        }
        // Somebody may have made them since.
        let catalogue = self.refresh(object).await?;
        let lacks = |catalogue: &Catalogue, property: &NewProperty| catalogue.property(&property.name).is_none();
        let mut wanted: Vec<NewProperty> = properties.into_iter().filter(|one| lacks(&catalogue, one)).collect();
        if wanted.is_empty() {
            return Ok((catalogue, HashMap::new()));
        }
        let path = catalogue.object().path.clone();
        let client = &self.engine.config.client;
        if wanted.iter().any(|property| property.group.is_none()) {
            let groups = client.property_groups(&path).await?;
            if groups.iter().all(|known| known.name != group.name)
                && let Err(error) = client.create_group(&path, group).await
                && !doubtful(&error)
            {
                let reason = refused_reason(&error);
                return match whole(&error) {
                    true => Err(error.into()),
                    false => Ok((catalogue, wanted.into_iter().map(|one| (one.name, reason.clone())).collect())),
                };
            }
            for property in &mut wanted {
                property.group.get_or_insert_with(|| group.name.clone());
            }
        }
        for part in wanted.chunks(PROPERTY_BATCH_MAX) {
            if let Err(error) = client.create_properties(&path, part).await
                && whole(&error)
            {
                return Err(error.into());
            }
        }
        // The answers are not trusted: what the account shows is there.
        tokio::time::sleep(READABLE_AFTER).await;
        let mut catalogue = self.refresh_now(object).await?;
        let left: Vec<NewProperty> = wanted.into_iter().filter(|one| lacks(&catalogue, one)).collect();
        let mut refused = HashMap::new();
        for property in &left {
            let reason = match client.create_properties(&path, std::slice::from_ref(property)).await {
                Ok(reply) => match reply.refused.first() {
                    None => continue,
                    Some((_, error)) if doubtful(error) => continue,
                    Some((_, error)) => refused_reason(error),
                },
                Err(error) if whole(&error) => return Err(error.into()),
                Err(error) if doubtful(&error) => continue,
                Err(error) => refused_reason(&error),
            };
            refused.insert(property.name.clone(), reason);
        }
        if left.len() > refused.len() {
            tokio::time::sleep(READABLE_AFTER).await;
            catalogue = self.refresh_now(object).await?;
        }
        for property in left.iter().filter(|one| lacks(&catalogue, one)) {
            let unseen =
                || Reason::new("PROPERTY_DOESNT_EXIST", "HubSpot does not show the property after it was made");
            refused.entry(property.name.clone()).or_insert_with(unseen);
        }
        Ok((catalogue, refused))
    }

    /// A JSON value as the text that a property of an event takes; as [`Catalogue::convert`].
    ///
    /// # Errors
    /// The reason why it cannot be written; `PROPERTY_DOESNT_EXIST` where the event does not have it.
    pub fn convert_event(
        &self,
        definition: &EventDefinition,
        property: &str,
        value: &serde_json::Value,
    ) -> Result<Option<String>, Reason> {
        let Some(held) = definition.properties.iter().find(|held| held.name == property) else {
            let text = format!("event {:?} has no property {property:?}", definition.name);
            return Err(Reason::new("PROPERTY_DOESNT_EXIST", text).on(property, None));
        };
        converted(held, value, &Owners::unknown(), self.engine.normalises_dates())
    }

    /// Reads the event definitions anew, whenever they were read.
    ///
    /// # Errors
    /// HubSpot's refusal.
    pub async fn refresh_events(&self) -> Result<Arc<Vec<EventDefinition>>, EngineError> {
        self.engine.forget_all_metadata().await;
        self.event_definitions().await
    }

    /// The account's event definitions, as they were last read.
    ///
    /// # Errors
    /// HubSpot's refusal.
    pub async fn event_definitions(&self) -> Result<Arc<Vec<EventDefinition>>, EngineError> {
        Ok(self.engine.known_events(Trust::Remembered).await?.value)
    }

    /// Makes an event definition; one of this name that is there already is answered as it is.
    ///
    /// # Errors
    /// HubSpot's refusal.
    pub async fn make_event(&self, definition: &NewEventDefinition) -> Result<EventDefinition, EngineError> {
        let client = &self.engine.config.client;
        let made = match client.create_event_definition(definition, &CallMeta::default()).await {
            Ok(made) => made,
            Err(error) if doubtful(&error) => {
                tokio::time::sleep(READABLE_AFTER).await;
                match self.event(&definition.name).await? {
                    Some(found) => found,
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        self.engine.forget_all_metadata().await;
        Ok(made)
    }

    /// Adds a property to the event of this short name; one that is there already is fine.
    ///
    /// # Errors
    /// HubSpot's refusal.
    pub async fn make_event_property(&self, event: &str, property: &NewEventProperty) -> Result<(), EngineError> {
        let made = self.engine.config.client.create_event_property(event, property, &CallMeta::default()).await;
        if let Err(error) = made {
            if !doubtful(&error) {
                return Err(error.into());
            }
            tokio::time::sleep(READABLE_AFTER).await;
            let found = self.event(event).await?;
            if !found.is_some_and(|found| found.properties.iter().any(|held| held.name == property.name)) {
                return Err(error.into());
            }
        }
        self.engine.forget_all_metadata().await;
        Ok(())
    }

    async fn event(&self, name: &str) -> Result<Option<EventDefinition>, ApiError> {
        let events = self.engine.config.client.event_definitions(&CallMeta::default()).await?;
        Ok(events.into_iter().find(|known| known.name == name))
    }
}

/// The refusal is not about what was asked for, but about everything.
fn whole(error: &ApiError) -> bool {
    use ErrorKind as Kind;
    matches!(
        error.kind,
        Kind::InvalidToken
            | Kind::ExpiredToken
            | Kind::GrantRefused
            | Kind::MissingScope
            | Kind::MissingPermission
            | Kind::NotInEdition
            | Kind::Forbidden
            | Kind::DailyLimit
            | Kind::Migrating
            | Kind::NotSent
            | Kind::BurstLimit
            | Kind::SecondlyLimit
    )
}
