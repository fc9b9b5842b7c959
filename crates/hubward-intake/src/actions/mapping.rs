//! A mapping that is ready for events: checked once, its trigger and its directives read once.

use std::sync::Arc;

use hubward_core::convert::email_address;
use hubward_core::spec::{Action, MappingFinding, MappingSpec, SyncMode};
use serde_json::{Map, Value};

use super::check::{check, sync_mode_of};
use super::defaults::filled;
use super::intent::{ContactLink, Intent, Refusal, User, Verdict};
use super::payload::{Payload, not_blank, text};
use super::wishes::{SpeltOut, plain};
use super::{events, fields, upsert_company, upsert_contact, upsert_custom_object, upsert_object};
use crate::directives::{Event, Mapping};
use crate::fql::Trigger;

/// The field in which Segment's own mappings keep the sync mode.
pub(super) const SYNC_MODE_FIELD: &str = "__segment_internal_sync_mode";
/// The field that makes the whole mapping the argument of one directive.
pub(super) const ROOT_DIRECTIVE: &str = "__segment_internal_directive";

/// A mapping that is ready for events.
#[derive(Debug)]
pub struct ActiveMapping {
    name: Arc<str>,
    action: Action,
    enabled: bool,
    sources: Option<Vec<String>>,
    trigger: Trigger,
    mode: SyncMode,
    mapping: Mapping,
    properties: SpeltOut,
    sensitive: SpeltOut,
    /// The fields of the action's searches that the mapping spells out.
    search: Vec<String>,
    target_search: Vec<String>,
    /// The account's id, where the project says it.
    hub_id: Option<u64>,
}

/// An event as mappings read it; made once for all mappings that it goes through.
#[derive(Debug)]
pub struct ReceivedEvent<'a> {
    event: &'a Value,
    prepared: Event,
}

impl<'a> ReceivedEvent<'a> {
    /// # Errors
    /// If it is no object, or nested deeper than mappings can read: no mapping can be carried out for it.
    pub fn new(event: &'a Value) -> Result<Self, Refusal> {
        match Event::new(event) {
            Ok(prepared) => Ok(Self { event, prepared }),
            Err(error) => {
                Err(Refusal { code: "INVALID_EVENT", field: String::new(), value: None, message: error.message })
            }
        }
    }

    fn user(&self) -> User {
        let id = |name: &str| self.event.get(name).and_then(text).as_deref().and_then(not_blank).map(str::to_owned);
        User { user_id: id("userId"), anonymous_id: id("anonymousId") }
    }

    fn contact(&self) -> ContactLink {
        let given = self.event.pointer("/context/traits/email").and_then(Value::as_str);
        let email = given.and_then(|given| email_address(given).ok()).map(|address| address.to_lowercase());
        ContactLink { email, user: self.user() }
    }
}

impl ActiveMapping {
    /// Checks a mapping and prepares it. `hub_id` is the account's id, where it is known.
    ///
    /// # Errors
    /// Everything that [`check`] finds, if there is an error among it.
    pub fn new(spec: &MappingSpec, hub_id: Option<u64>) -> Result<Self, Vec<MappingFinding>> {
        let found = check(spec);
        if found.iter().any(|finding| finding.is_error) {
            return Err(found);
        }
        let empty = Map::new();
        let mapped = filled(spec.action, spec.fields.as_object().unwrap_or(&empty));
        let names = |field: &str| -> Vec<String> {
            let members = mapped.get(field).and_then(plain);
            members.into_iter().flat_map(Map::keys).cloned().collect()
        };
        let (search, target_search) = match spec.action {
            Action::UpsertCompany => (names("companysearchfields"), Vec::new()),
            Action::UpsertCustomObjectRecord => {
                (names("customObjectSearchFields"), names("searchFieldsToAssociateCustomObjects"))
            }
            _ => (Vec::new(), Vec::new()),
        };
        let trigger = spec.trigger.as_deref().or(spec.action.default_trigger()).unwrap_or_default();
        let (Ok(trigger), Ok(mode)) = (Trigger::parse(trigger), sync_mode_of(spec)) else { return Err(found) };
        let mut directives = mapped.clone();
        directives.remove(SYNC_MODE_FIELD);
        let Ok(mapping) = Mapping::new(&Value::Object(directives)) else { return Err(found) };
        Ok(Self {
            name: spec.name.as_str().into(),
            action: spec.action,
            enabled: spec.enabled,
            sources: spec.sources.clone(),
            trigger,
            mode,
            mapping,
            properties: SpeltOut::of(mapped.get("properties")),
            sensitive: SpeltOut::of(mapped.get("sensitive_properties")),
            search,
            target_search,
            hub_id,
        })
    }

    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    #[must_use]
    pub fn trigger(&self) -> &Trigger {
        &self.trigger
    }

    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether it is for the events of a write key, by the key's name.
    #[must_use]
    pub fn takes(&self, source: &str) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.iter().any(|known| known == source))
    }

    /// What the mapping makes of an event, whether it is enabled and for the event's write key or not.
    #[must_use]
    pub fn decide(&self, event: &ReceivedEvent<'_>) -> Verdict {
        if !self.trigger.matches(event.event) {
            return Verdict::NotFired;
        }
        match self.asks(event) {
            Ok(intent) => Verdict::Asks(intent),
            Err(refusals) => Verdict::Refused(refusals),
        }
    }

    /// What the action gets: the directives resolved.
    ///
    /// # Errors
    /// That a directive failed for the event, or that the mapping gives no object.
    fn resolved(&self, event: &ReceivedEvent<'_>) -> Result<Map<String, Value>, Refusal> {
        let refuse = |field: String, message: String| Refusal { code: "MAPPING_FAILED", field, value: None, message };
        match self.mapping.resolve(&event.prepared) {
            Ok(Some(Value::Object(members))) => Ok(members),
            Ok(None) => Ok(Map::new()),
            Ok(Some(_)) => Err(refuse(String::new(), "the mapping gives no object for this event".to_owned())),
            Err(error) => Err(refuse(error.path.trim_start_matches('/').replace('/', "."), error.message)),
        }
    }

    fn asks(&self, event: &ReceivedEvent<'_>) -> Result<Intent, Vec<Refusal>> {
        let resolved = self.resolved(event).map_err(|refusal| vec![refusal])?;
        let payload = Payload::read(fields::of(self.action), &resolved)?;
        match self.action {
            Action::UpsertContact => upsert_contact::intent(&payload, &self.properties, event.user()),
            Action::UpsertCompany => upsert_company::intent(&payload, &self.properties, &self.search, event.contact()),
            Action::UpsertCustomObjectRecord => {
                upsert_custom_object::intent(&payload, &self.properties, &self.search, &self.target_search)
            }
            Action::UpsertObject => {
                upsert_object::intent(&payload, &self.properties, &self.sensitive, self.mode, event.user())
            }
            Action::SendCustomBehavioralEvent => events::behavioral(&payload, &self.properties, self.hub_id),
            Action::CustomEvent => events::custom(&payload, &self.properties, self.mode),
        }
    }
}
