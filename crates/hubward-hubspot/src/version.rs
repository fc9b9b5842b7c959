//! API versions and the one table of paths.
//!
//! Owns every URL path of HubSpot that Hubward uses, for every version it speaks. Bodies are the same across versions for
//! objects (api.md 0.1), so nothing else in the crate asks for the version except where success answers differ.

use std::fmt;
use std::str::FromStr;

/// A family of paths: `v3` (with `v4` for associations) or a dated version (api.md 1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types)] // HubSpot's own names are dates, and `V202603` reads as a number.
pub enum ApiVersion {
    V3,
    V2026_03,
    #[default]
    V2026_09,
}

impl ApiVersion {
    /// The name as the project file and HubSpot's paths spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V2026_03 => "2026-03",
            Self::V2026_09 => "2026-09",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no version that this client speaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown HubSpot API version `{0}`; use 2026-09, 2026-03 or v3")]
pub struct UnknownVersion(pub String);

impl FromStr for ApiVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        match text {
            "v3" => Ok(Self::V3),
            "2026-03" => Ok(Self::V2026_03),
            "2026-09" => Ok(Self::V2026_09),
            other => Err(UnknownVersion(other.to_owned())),
        }
    }
}

/// The places of HubSpot's API that Hubward goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Objects,
    Object,
    ObjectBatch,
    Search,
    Properties,
    Property,
    PropertyBatch,
    PropertyGroups,
    Schemas,
    Pipelines,
    Validations,
    Owners,
    AssociationBatch,
    AssociationLabels,
    AssociationLimits,
    EventDefinitions,
    EventDefinition,
    EventProperty,
    EventPropertyNamed,
    EventSend,
    EventOccurrences,
    Lists,
    List,
    ListByName,
    ListSearch,
    ListMembers,
    ListMembersChange,
    Account,
    Token,
    TokenIntrospect,
    PrivateAppToken,
}

/// Paths of the dated versions for which HubSpot's own sources disagree: the one tried first, and the other (api.md 1.2, 9.1).
const DISPUTED: [(&str, &str); 3] = [
    ("/events/{ver}/event-definitions", "/events/custom/{ver}/event-definitions"),
    ("/events/{ver}/send", "/events/custom/{ver}/send"),
    ("/events/event-occurrences/{ver}", "/events/{ver}/events"),
];

impl Endpoint {
    /// Path templates: before the dated versions, and since (api.md 1.2, 10.2, 10.3).
    fn templates(self) -> (&'static str, &'static str) {
        match self {
            Self::Objects => ("/crm/v3/objects/{t}", "/crm/objects/{ver}/{t}"),
            Self::Object => ("/crm/v3/objects/{t}/{id}", "/crm/objects/{ver}/{t}/{id}"),
            Self::ObjectBatch => ("/crm/v3/objects/{t}/batch/{op}", "/crm/objects/{ver}/{t}/batch/{op}"),
            Self::Search => ("/crm/v3/objects/{t}/search", "/crm/objects/{ver}/{t}/search"),
            Self::Properties => ("/crm/v3/properties/{t}", "/crm/properties/{ver}/{t}"),
            Self::Property => ("/crm/v3/properties/{t}/{name}", "/crm/properties/{ver}/{t}/{name}"),
            Self::PropertyBatch => ("/crm/v3/properties/{t}/batch/{op}", "/crm/properties/{ver}/{t}/batch/{op}"),
            Self::PropertyGroups => ("/crm/v3/properties/{t}/groups", "/crm/properties/{ver}/{t}/groups"),
            Self::Schemas => ("/crm-object-schemas/v3/schemas", "/crm-object-schemas/{ver}/schemas"),
            Self::Pipelines => ("/crm/v3/pipelines/{t}", "/crm/pipelines/{ver}/{t}"),
            Self::Validations => ("/crm/v3/property-validations/{t}", "/crm/property-validations/{ver}/{t}"),
            Self::Owners => ("/crm/v3/owners", "/crm/owners/{ver}"),
            Self::AssociationBatch => {
                ("/crm/v4/associations/{from}/{to}/batch/{op}", "/crm/associations/{ver}/{from}/{to}/batch/{op}")
            }
            Self::AssociationLabels => {
                ("/crm/v4/associations/{from}/{to}/labels", "/crm/associations/{ver}/{from}/{to}/labels")
            }
            Self::AssociationLimits => (
                "/crm/associations/v4/definitions/configurations/{from}/{to}",
                "/crm/associations/{ver}/definitions/configurations/{from}/{to}",
            ),
            Self::EventDefinitions => ("/events/v3/event-definitions", "/events/{ver}/event-definitions"),
            Self::EventDefinition => ("/events/v3/event-definitions/{name}", "/events/{ver}/event-definitions/{name}"),
            Self::EventPropertyNamed => (
                "/events/v3/event-definitions/{name}/property/{property}",
                "/events/{ver}/event-definitions/{name}/property/{property}",
            ),
            Self::EventProperty => {
                ("/events/v3/event-definitions/{name}/property", "/events/{ver}/event-definitions/{name}/property")
            }
            Self::EventSend => ("/events/v3/send/batch", "/events/{ver}/send/batch"),
            Self::EventOccurrences => ("/events/v3/events", "/events/event-occurrences/{ver}"),
            Self::Lists => ("/crm/v3/lists", "/crm/lists/{ver}"),
            Self::List => ("/crm/v3/lists/{id}", "/crm/lists/{ver}/{id}"),
            Self::ListByName => (
                "/crm/v3/lists/object-type-id/{type}/name/{name}",
                "/crm/lists/{ver}/object-type-id/{type}/name/{name}",
            ),
            Self::ListSearch => ("/crm/v3/lists/search", "/crm/lists/{ver}/search"),
            Self::ListMembers => ("/crm/v3/lists/{id}/memberships", "/crm/lists/{ver}/{id}/memberships"),
            Self::ListMembersChange => {
                ("/crm/v3/lists/{id}/memberships/{op}", "/crm/lists/{ver}/{id}/memberships/{op}")
            }
            Self::Account => ("/account-info/v3/details", "/account-info/{ver}/details"),
            Self::Token => ("/oauth/v3/token", "/oauth/{ver}/token"),
            Self::TokenIntrospect => ("/oauth/v3/token/introspect", "/oauth/{ver}/token/introspect"),
            // Not part of the dated families.
            Self::PrivateAppToken => {
                ("/oauth/v2/private-apps/get/access-token-info", "/oauth/v2/private-apps/get/access-token-info")
            }
        }
    }

    /// The path with its places filled in, each percent-encoded as one segment.
    pub(crate) fn path(self, version: ApiVersion, places: &[(&str, &str)]) -> String {
        let (legacy, dated) = self.templates();
        let template = match version {
            ApiVersion::V3 => legacy,
            ApiVersion::V2026_03 | ApiVersion::V2026_09 => dated,
        };
        let mut path = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            path.push_str(&rest[..open]);
            let close = open + rest[open..].find('}').expect("every place of a path template is closed");
            let place = &rest[open + 1..close];
            if place == "ver" {
                path.push_str(version.name());
            } else {
                let (_, value) =
                    places.iter().find(|(name, _)| *name == place).expect("a caller names every place of its template");
                push_encoded(&mut path, value);
            }
            rest = &rest[close + 1..];
        }
        path.push_str(rest);
        path
    }
}

/// The paths of a token endpoint, the one of the version first. OAuth's versions come and go by a calendar of their own (v1
/// is deprecated from 2027-02-16), and a running program must not lose its account with one of them (api.md 1.1, 10.2).
pub(crate) fn token_paths(version: ApiVersion, endpoint: Endpoint) -> Vec<String> {
    let mut paths = vec![endpoint.path(version, &[])];
    for other in [ApiVersion::V2026_09, ApiVersion::V2026_03, ApiVersion::V3] {
        if other != version {
            paths.push(endpoint.path(other, &[]));
        }
    }
    if endpoint == Endpoint::Token {
        paths.push("/oauth/v1/token".to_owned());
    }
    paths
}

/// The other path of a request whose path HubSpot's sources dispute, query and all; none where there is one path only.
pub(crate) fn disputed(version: ApiVersion, path: &str) -> Option<String> {
    if version == ApiVersion::V3 {
        return None;
    }
    for (first, other) in DISPUTED {
        let Some(rest) = path.strip_prefix(&first.replace("{ver}", version.name())) else { continue };
        return Some(format!("{}{rest}", other.replace("{ver}", version.name())));
    }
    None
}

/// Appends `?name=value` or `&name=value`, percent-encoded.
pub(crate) fn push_query(path: &mut String, name: &str, value: &str) {
    path.push(if path.contains('?') { '&' } else { '?' });
    path.push_str(name);
    path.push('=');
    push_encoded(path, value);
}

/// Percent-encodes everything but RFC 3986's unreserved characters and the comma, which HubSpot's lists are joined by and
/// which needs no encoding in either a segment or a query.
fn push_encoded(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b',' => {
                out.push(char::from(byte));
            }
            other => {
                out.push('%');
                out.push(char::from(HEX[usize::from(other >> 4)]));
                out.push(char::from(HEX[usize::from(other & 15)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_follows_the_version() {
        let places = [("t", "contacts"), ("op", "upsert")];
        assert_eq!(Endpoint::ObjectBatch.path(ApiVersion::V3, &places), "/crm/v3/objects/contacts/batch/upsert");
        assert_eq!(
            Endpoint::ObjectBatch.path(ApiVersion::V2026_09, &places),
            "/crm/objects/2026-09/contacts/batch/upsert"
        );
        assert_eq!(
            Endpoint::AssociationLabels.path(ApiVersion::V3, &[("from", "0-1"), ("to", "0-2")]),
            "/crm/v4/associations/0-1/0-2/labels"
        );
    }

    #[test]
    fn a_token_endpoint_has_every_version_once_and_v1_last() {
        let paths = token_paths(ApiVersion::V3, Endpoint::Token);
        assert_eq!(paths, ["/oauth/v3/token", "/oauth/2026-09/token", "/oauth/2026-03/token", "/oauth/v1/token"]);
        let paths = token_paths(ApiVersion::V2026_03, Endpoint::TokenIntrospect);
        assert_eq!(paths[0], "/oauth/2026-03/token/introspect");
        assert_eq!(paths.len(), 3);
    }

    #[test]
    fn a_value_in_a_path_stays_one_segment() {
        let path = Endpoint::Object.path(ApiVersion::V2026_03, &[("t", "contacts"), ("id", "a/b?c@d e.é")]);
        assert_eq!(path, "/crm/objects/2026-03/contacts/a%2Fb%3Fc%40d%20e.%C3%A9");
    }

    #[test]
    fn a_path_that_is_disputed_has_another_and_no_other_path_has() {
        let other = |version, path: &str| disputed(version, path);
        assert_eq!(
            other(ApiVersion::V2026_09, "/events/2026-09/send/batch").as_deref(),
            Some("/events/custom/2026-09/send/batch")
        );
        assert_eq!(
            other(ApiVersion::V2026_03, "/events/2026-03/event-definitions?limit=100").as_deref(),
            Some("/events/custom/2026-03/event-definitions?limit=100")
        );
        assert_eq!(
            other(ApiVersion::V2026_09, "/events/event-occurrences/2026-09?id=a").as_deref(),
            Some("/events/2026-09/events?id=a")
        );
        assert_eq!(other(ApiVersion::V3, "/events/v3/send/batch"), None);
        assert_eq!(other(ApiVersion::V2026_09, "/crm/lists/2026-09/7"), None);
    }

    #[test]
    fn a_version_is_read_by_hubspots_name_only() {
        assert_eq!("2026-09".parse(), Ok(ApiVersion::V2026_09));
        assert_eq!("v3".parse(), Ok(ApiVersion::V3));
        assert!("v4".parse::<ApiVersion>().is_err());
    }
}
