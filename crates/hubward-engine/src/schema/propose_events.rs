//! A declaration for events and their properties that event syncs name, the account lacks and nobody declares. Nothing of it
//! is ever made.

use hubward_core::declared::{DeclaredEvent, DeclaredSchema, EVENT_NAME_MAX};
use hubward_core::object_types::standard;
use hubward_core::spec::{EventName, EventSubject, EventSync};
use hubward_core::suggest::nearest;
use hubward_hubspot::CallMeta;

use super::event_refused;
use super::propose::{Proposal, Proposed, ProposedEvent, guess};
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;

impl Proposal {
    /// The declaration of one event or one property of it in one line, for a hint; none where nothing is proposed for it.
    /// `event` is as a sync names it.
    #[must_use]
    pub fn event_line(&self, event: &str, property: Option<&str>) -> Option<String> {
        let found = self.events.iter().find(|known| known.name == short_name(event))?;
        let inner = match property {
            Some(name) => {
                let known = found.properties.iter().find(|known| known.name == name)?;
                format!("{{ properties: {{ {name}: {{ type: {} }} }} }}", known.type_)
            }
            None => {
                let object = found.object.iter().map(|object| format!("object: {object}"));
                let names: Vec<String> =
                    found.properties.iter().map(|known| format!("{}: {}", known.name, known.type_)).collect();
                let properties = (!names.is_empty()).then(|| format!("properties: {{ {} }}", names.join(", ")));
                format!("{{ {} }}", object.chain(properties).collect::<Vec<_>>().join(", "))
            }
        };
        Some(format!("schema: {{ events: {{ {}: {inner} }} }}", found.name))
    }

    pub(super) fn events_yaml(&self) -> String {
        if self.events.is_empty() {
            return String::new();
        }
        let mut text = "  events:\n".to_owned();
        for event in &self.events {
            text.push_str(&format!("    {}:\n", event.name));
            if let Some(object) = &event.object {
                text.push_str(&format!("      object: {object}\n"));
            }
            if !event.properties.is_empty() {
                text.push_str("      properties:\n");
            }
            for property in &event.properties {
                text.push_str(&format!(
                    "        {}: {{ type: {} }}  # {}\n",
                    property.name, property.type_, property.why
                ));
            }
        }
        text
    }

    fn event(&mut self, name: &str, object: Option<String>) -> &mut ProposedEvent {
        let at = self.events.iter().position(|known| known.name == name).unwrap_or_else(|| {
            self.events.push(ProposedEvent { name: name.to_owned(), object, properties: Vec::new() });
            self.events.len() - 1
        });
        &mut self.events[at]
    }
}

impl Engine {
    /// Adds to a proposal the events that syncs name, and the properties that they map, where neither the account nor the
    /// declaration has them. A sync whose events are named by a column adds nothing, nor one whose columns cannot be read.
    ///
    /// # Errors
    /// HubSpot refuses to tell which events the account has.
    pub async fn propose_events(
        &self,
        declared: &DeclaredSchema,
        jobs: &[SyncJob<EventSync>],
        proposal: &mut Proposal,
    ) -> Result<(), EngineError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let known = self.client().event_definitions(&CallMeta::default()).await.map_err(event_refused)?;
        for job in jobs {
            let EventName::Name { name, .. } = &job.sync.event else { continue };
            let held = known.iter().find(|event| event.name == *name || event.full_name == *name);
            let held = held.or_else(|| known.iter().find(|event| event.label.eq_ignore_ascii_case(name)));
            let section = section_of(declared, name);
            let short = match (held, section) {
                (Some(held), _) => held.name.as_str(),
                (None, Some(section)) => section.name.as_str(),
                // A label is no name that could be declared.
                (None, None) if may_be_made(short_name(name)) => short_name(name),
                (None, None) => continue,
            };
            let has = |property: &str| {
                held.is_some_and(|held| held.properties.iter().any(|known| known.name == property))
                    || section.is_some_and(|section| section.property(property).is_some())
                    // A new event has HubSpot's own, unless it is declared without them.
                    || (property.starts_with("hs_") && section.is_none_or(|section| section.default_properties))
            };
            let missing: Vec<_> =
                job.sync.map.iter().filter(|entry| !has(&entry.property) && may_be_made(&entry.property)).collect();
            let is_new = held.is_none() && section.is_none();
            if missing.is_empty() && !is_new {
                continue;
            }
            let columns = self.check_source(job).await.ok();
            let object = match &job.sync.subject {
                EventSubject::Record { object, .. } if is_new => {
                    let plural = standard(object).map(|(plural, _)| plural.to_owned());
                    Some(plural.unwrap_or_else(|| object.clone())).filter(|object| object != "contacts")
                }
                _ => None,
            };
            let event = proposal.event(short, object);
            for entry in missing {
                if event.properties.iter().any(|known| known.name == entry.property) {
                    continue;
                }
                let (type_, mut why) = guess(entry, columns.as_deref());
                let names = held.into_iter().flat_map(|held| held.properties.iter().map(|known| known.name.as_str()));
                if let Some(near) = nearest(&entry.property, names) {
                    why.push_str(&format!("; or was {near} meant?"));
                }
                event.properties.push(Proposed { name: entry.property.clone(), type_, unique: false, why });
            }
        }
        Ok(())
    }
}

/// Whether the project declares the event, as a sync names it, or the property of it.
#[must_use]
pub fn declares_event(declared: &DeclaredSchema, event: &str, property: Option<&str>) -> bool {
    section_of(declared, event).is_some_and(|section| property.is_none_or(|name| section.property(name).is_some()))
}

/// The declaration of the event that a sync names by name, full name or label.
fn section_of<'a>(declared: &'a DeclaredSchema, name: &str) -> Option<&'a DeclaredEvent> {
    let by_label = || declared.events.iter().find(|event| event.label.eq_ignore_ascii_case(name));
    declared.event(short_name(name)).or_else(by_label)
}

/// The internal name without the account's prefix, `pe1234567_`.
fn short_name(name: &str) -> &str {
    let rest = name.strip_prefix("pe").map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    match rest.and_then(|rest| rest.strip_prefix('_')) {
        Some(short) if !short.is_empty() && !name.starts_with("pe_") => short,
        _ => name,
    }
}

/// Whether HubSpot takes it as a name; what it does not take is more likely a mistake.
fn may_be_made(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= EVENT_NAME_MAX
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounts_prefix_is_no_part_of_the_name() {
        for (name, short) in [
            ("pe123_ordered", "ordered"),
            ("ordered", "ordered"),
            ("pe_x", "pe_x"),
            ("people_met", "people_met"),
            ("pe1_", "pe1_"),
        ] {
            assert_eq!(short_name(name), short);
        }
    }

    #[test]
    fn a_line_declares_the_whole_event_or_one_property_of_it() {
        let amount =
            Proposed { name: "amount".to_owned(), type_: "number", unique: false, why: "from column a".to_owned() };
        let event =
            ProposedEvent { name: "ordered".to_owned(), object: Some("deals".to_owned()), properties: vec![amount] };
        let proposal = Proposal { events: vec![event], ..Proposal::default() };
        assert_eq!(
            proposal.event_line("pe1_ordered", None).as_deref(),
            Some("schema: { events: { ordered: { object: deals, properties: { amount: number } } } }")
        );
        assert_eq!(
            proposal.event_line("ordered", Some("amount")).as_deref(),
            Some("schema: { events: { ordered: { properties: { amount: { type: number } } } } }")
        );
        assert_eq!(proposal.event_line("ordered", Some("other")), None);
        assert_eq!(
            proposal.yaml(),
            "schema:\n  events:\n    ordered:\n      object: deals\n      properties:\n        \
             amount: { type: number }  # from column a\n"
        );
    }
}
