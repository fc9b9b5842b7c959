//! Adding options to a property of a custom event (api.md 9.3). HubSpot takes the list of options whole, so what stands there
//! is read first and sent back as it was.

use http::Method;
use hubward_core::{ErrorKind, PropertyDef};
use serde_json::{Value, json};

use crate::client::Client;
use crate::definitions::{NewOption, with_options};
use crate::error::ApiError;
use crate::metadata::{self, flag, items, object};
use crate::request::{ApiRequest, CallMeta, RequestKind};
use crate::requests::{get, json as body_of, post};
use crate::version::{ApiVersion, Endpoint};

/// Reads one event definition, by its short name.
#[must_use]
pub fn event_definition(version: ApiVersion, event: &str) -> ApiRequest {
    let path = Endpoint::EventDefinition.path(version, &[("name", event)]);
    ApiRequest { one_record: true, ..get(path, RequestKind::Metadata) }
}

/// Replaces the options of a property of an event.
#[must_use]
pub fn replace_event_options(version: ApiVersion, event: &str, property: &str, options: &[Value]) -> ApiRequest {
    let path = Endpoint::EventPropertyNamed.path(version, &[("name", event), ("property", property)]);
    let body = body_of(&json!({ "options": options }));
    ApiRequest { method: Method::PATCH, one_record: true, ..post(path, RequestKind::Metadata, body, 0) }
}

fn decode_properties(_status: u16, body: &[u8]) -> Result<Vec<Value>, String> {
    let body = object(body)?;
    if !body["properties"].is_array() {
        return Err("an event definition without properties".to_owned());
    }
    Ok(items(&body, "properties").filter(|property| !flag(property, "archived")).cloned().collect())
}

fn decode_property(_status: u16, body: &[u8]) -> Result<PropertyDef, String> {
    metadata::property(&object(body)?).ok_or_else(|| "a property without a name".to_owned())
}

impl Client {
    /// Adds options to an enumeration of an event, after those it has. Options whose value is there already are left out.
    /// Answers the property as it is then.
    ///
    /// # Errors
    /// The last refusal or failure of reading or writing; kind `NotFound` when the event has no such property.
    pub async fn add_event_options(
        &self,
        event: &str,
        property: &str,
        add: &[NewOption],
        meta: &CallMeta,
    ) -> Result<PropertyDef, ApiError> {
        let request = event_definition(self.version(), event);
        let properties = self.event_call(request, meta, decode_properties).await?.value;
        let Some(raw) = properties.iter().find(|raw| raw["name"] == property) else {
            let message = format!("the event {event} has no property {property}");
            return Err(ApiError::new(ErrorKind::NotFound, message));
        };
        let Some(options) = with_options(raw, add) else {
            return metadata::property(raw)
                .ok_or_else(|| ApiError::new(ErrorKind::Unreadable, "HubSpot answered a property without a name"));
        };
        let request = replace_event_options(self.version(), event, property, &options);
        Ok(self.event_call(request, meta, decode_property).await?.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_name_the_event_and_the_property_in_the_path_and_hold_options_only() {
        let read = event_definition(ApiVersion::V2026_09, "ordered");
        assert_eq!((read.method.as_str(), read.path.as_str()), ("GET", "/events/2026-09/event-definitions/ordered"));
        let raw = json!({ "name": "channel", "options": [
            { "value": "web", "label": "Web", "displayOrder": 3, "hidden": true, "description": "d" },
        ] });
        let new = |value: &str| NewOption { value: value.to_owned(), label: value.to_uppercase() };
        let options = with_options(&raw, &[new("web"), new("shop")]).expect("one is missing");
        let write = replace_event_options(ApiVersion::V3, "ordered", "channel", &options);
        assert_eq!(
            (write.method.as_str(), write.path.as_str(), write.idempotent),
            ("PATCH", "/events/v3/event-definitions/ordered/property/channel", true)
        );
        let body: Value = serde_json::from_slice(&write.body.expect("a body")).expect("JSON");
        assert_eq!(
            body,
            json!({ "options": [
                { "value": "web", "label": "Web", "displayOrder": 3, "hidden": true, "description": "d" },
                { "value": "shop", "label": "SHOP", "displayOrder": 4, "hidden": false },
            ] })
        );
        assert_eq!(with_options(&raw, &[new("web")]), None);
    }

    #[test]
    fn an_answer_without_properties_is_no_definition() {
        assert!(decode_properties(200, b"{}").is_err());
        assert_eq!(
            decode_properties(200, br#"{"properties":[{"archived":true},{"name":"a"}]}"#).map(|found| found.len()),
            Ok(1)
        );
    }
}
