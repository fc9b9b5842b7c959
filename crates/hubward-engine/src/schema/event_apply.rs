//! Making events, their properties and options. HubSpot holds the names of each unique, so that a repeated creation is
//! refused and never makes a second one; what is doubtful is read back before it is called made or failed.

use hubward_core::ErrorKind;
use hubward_core::declared::{DeclaredEvent, DeclaredEventProperty};
use hubward_hubspot::{ApiError, CallMeta, EventDefinition, NewEventDefinition, NewEventProperty};

use super::apply::{Maker, READABLE_AFTER, options};
use super::change::{Change, Target, Work};
use super::refusal::doubtful;

impl Maker<'_> {
    /// Carries out one change of an event; a change of something else is left alone.
    pub(super) async fn carry_out_event(&mut self, change: &Change, place: usize) {
        let event = change.target.name();
        let result = match &change.work {
            Work::Event { declared, on, primary } => {
                if let Target::New(name) = on
                    && self.path(on).is_none()
                {
                    let why = format!("the object type {name} was not made");
                    return self.end(&[place], &super::Ending::NotTried(why));
                }
                self.make_event(declared, primary).await
            }
            Work::EventProperty(property) => self.make_event_property(event, property).await,
            Work::EventOptions { property, add } => {
                let client = self.engine.client();
                match client.add_event_options(event, property, &options(add), &CallMeta::default()).await {
                    Ok(now) => all_there(
                        add.iter().map(|option| option.value.as_str()),
                        |value| now.options.iter().any(|held| held.value == value),
                        "option",
                    ),
                    Err(error) => Err(error),
                }
            }
            _ => return,
        };
        self.settle(change, place, result);
    }

    async fn make_event(&self, declared: &DeclaredEvent, primary: &str) -> Result<(), ApiError> {
        let new = NewEventDefinition {
            name: declared.name.clone(),
            label: declared.label.clone(),
            description: declared.description.clone(),
            primary_object: Some(primary.to_owned()),
            properties: declared.properties.iter().map(new_property).collect(),
            include_default_properties: declared.default_properties,
        };
        let has = |made: &EventDefinition, name: &str| made.properties.iter().any(|held| held.name == name);
        let names = || declared.properties.iter().map(|property| property.name.as_str());
        match self.engine.client().create_event_definition(&new, &CallMeta::default()).await {
            Ok(made) => all_there(names(), |name| has(&made, name), "property"),
            Err(error) if doubtful(&error) => {
                tokio::time::sleep(READABLE_AFTER).await;
                let found = self.event(&declared.name).await?;
                // Another primary object would be somebody else's event: the next comparison tells it.
                let there = found.is_some_and(|found| {
                    found.primary_object.eq_ignore_ascii_case(primary) && names().all(|name| has(&found, name))
                });
                if there { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    async fn make_event_property(&self, event: &str, property: &DeclaredEventProperty) -> Result<(), ApiError> {
        let new = new_property(property);
        let made = self.engine.client().create_event_property(event, &new, &CallMeta::default()).await;
        let Err(error) = made else { return Ok(()) };
        if !doubtful(&error) {
            return Err(error);
        }
        tokio::time::sleep(READABLE_AFTER).await;
        let there = self.event(event).await?.is_some_and(|found| {
            found.properties.iter().any(|held| held.name == property.name && held.type_ == property.type_)
        });
        if there { Ok(()) } else { Err(error) }
    }

    /// The event as the account has it now.
    async fn event(&self, name: &str) -> Result<Option<EventDefinition>, ApiError> {
        let events = self.engine.client().event_definitions(&CallMeta::default()).await?;
        Ok(events.into_iter().find(|known| known.name == name))
    }
}

/// A success is unproven until the answer shows everything that was asked for.
fn all_there<'a>(
    mut asked: impl Iterator<Item = &'a str>,
    holds: impl Fn(&str) -> bool,
    what: &str,
) -> Result<(), ApiError> {
    match asked.find(|name| !holds(name)) {
        None => Ok(()),
        Some(name) => Err(ApiError::new(ErrorKind::Other, format!("HubSpot answered without the {what} {name:?}"))),
    }
}

fn new_property(property: &DeclaredEventProperty) -> NewEventProperty {
    NewEventProperty {
        name: property.name.clone(),
        label: property.label.clone(),
        type_: property.type_.name().to_owned(),
        description: property.description.clone(),
        options: options(&property.options),
    }
}
