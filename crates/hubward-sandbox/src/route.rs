//! Owns the paths: one table of data from method and path, in all three families of versions, to an operation (api.md 1.2).

use crate::auth::Need;

/// Version of the API that a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
    V3,
    V4,
    March2026,
    September2026,
}

impl Version {
    /// 2026-09 enforces an admin's rules and normalises dates (api.md 1.3).
    pub(crate) fn enforces(self) -> bool {
        self == Version::September2026
    }

    pub(crate) fn is_dated(self) -> bool {
        matches!(self, Version::March2026 | Version::September2026)
    }
}

/// Which budget a request draws from (api.md 11.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Budget {
    Burst,
    Search,
    Associations,
    /// The sending of events: so many a second, and nothing else.
    Events,
    /// Neither the ten-second nor the daily budget.
    Exempt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    Objects,
    Properties,
    Validations,
    Limits,
    Schemas,
    Pipelines,
    Owners,
    Lists,
    Associations,
    AssociationTypes,
    Events,
    EventReads,
    Account,
    PrivateApps,
    Consent,
    OAuth,
    Installs,
}

macro_rules! operations {
    ($($area:ident $method:literal $pattern:literal => $operation:ident $kind:literal $budget:ident $need:ident;)*) => {
        /// What a request asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Operation { $($operation),* }

        /// Literal segments stand before `{}`, which takes any one segment.
        const TABLE: &[(Area, &str, &str, Operation, &str, Budget, Need)] =
            &[$((Area::$area, $method, $pattern, Operation::$operation, $kind, Budget::$budget, Need::$need)),*];
    };
}

operations! {
    Objects "POST" "{}/batch/create" => BatchCreate "batch_create" Burst ObjectWrite;
    Objects "POST" "{}/batch/read" => BatchRead "batch_read" Burst ObjectRead;
    Objects "POST" "{}/batch/update" => BatchUpdate "batch_update" Burst ObjectWrite;
    Objects "POST" "{}/batch/upsert" => BatchUpsert "upsert" Burst ObjectWrite;
    Objects "POST" "{}/batch/archive" => BatchArchive "batch_archive" Burst ObjectDelete;
    Objects "POST" "{}/search" => Search "search" Search ObjectRead;
    Objects "POST" "{}/merge" => Merge "merge" Burst ObjectWrite;
    Objects "POST" "{}/gdpr-delete" => GdprDelete "gdpr_delete" Burst ObjectDelete;
    Objects "GET" "{}" => List "list" Burst ObjectRead;
    Objects "POST" "{}" => Create "create" Burst ObjectWrite;
    Objects "GET" "{}/{}" => Read "read" Burst ObjectRead;
    Objects "PATCH" "{}/{}" => Update "update" Burst ObjectWrite;
    Objects "DELETE" "{}/{}" => Archive "archive" Burst ObjectDelete;
    Objects "PUT" "{}/{}/associations/default/{}/{}" => AssociateDefaultOne "associate" Associations AssociationWrite;
    Objects "PUT" "{}/{}/associations/{}/{}" => AssociateOne "associate" Associations AssociationWrite;
    Objects "DELETE" "{}/{}/associations/{}/{}" => DissociateOne "dissociate" Associations AssociationWrite;
    Objects "GET" "{}/{}/associations/{}" => AssociationsOf "associations_read" Associations ObjectRead;
    Associations "POST" "{}/{}/batch/create" => AssociateBatch "associate" Associations AssociationWrite;
    Associations "POST" "{}/{}/batch/associate/default" => AssociateDefault "associate" Associations AssociationWrite;
    Associations "POST" "{}/{}/batch/read" => AssociationsRead "associations_read" Associations ObjectRead;
    Associations "POST" "{}/{}/batch/archive" => DissociateBatch "dissociate" Associations AssociationWrite;
    Associations "POST" "{}/{}/batch/labels/archive" => DissociateLabels "dissociate" Associations AssociationWrite;
    Associations "POST" "usage/high-usage-report/{}" => HighUsage "association_limits" Associations AnyRecords;
    AssociationTypes "GET" "{}/{}/labels" => LabelList "association_labels" Associations ObjectRead;
    AssociationTypes "POST" "{}/{}/labels" => LabelCreate "association_labels" Associations AssociationWrite;
    AssociationTypes "PUT" "{}/{}/labels" => LabelUpdate "association_labels" Associations AssociationWrite;
    AssociationTypes "DELETE" "{}/{}/labels/{}" => LabelDelete "association_labels" Associations AssociationWrite;
    AssociationTypes "GET" "definitions/configurations/all" => LimitsAll "association_limits" Associations AnyRecords;
    AssociationTypes "GET" "definitions/configurations/{}/{}" => LimitsOfPair "association_limits" Associations ObjectRead;
    AssociationTypes "POST" "definitions/configurations/{}/{}/batch/create" => LimitsCreate "association_limits" Associations AssociationWrite;
    AssociationTypes "POST" "definitions/configurations/{}/{}/batch/update" => LimitsUpdate "association_limits" Associations AssociationWrite;
    AssociationTypes "POST" "definitions/configurations/{}/{}/batch/purge" => LimitsPurge "association_limits" Associations AssociationWrite;
    Properties "GET" "{}/groups" => GroupList "property_groups" Burst SchemaRead;
    Properties "POST" "{}/groups" => GroupCreate "property_groups" Burst SchemaWrite;
    Properties "GET" "{}/groups/{}" => GroupRead "property_groups" Burst SchemaRead;
    Properties "PATCH" "{}/groups/{}" => GroupUpdate "property_groups" Burst SchemaWrite;
    Properties "DELETE" "{}/groups/{}" => GroupArchive "property_groups" Burst SchemaWrite;
    Properties "POST" "{}/batch/create" => PropertyBatchCreate "properties" Burst SchemaWrite;
    Properties "POST" "{}/batch/read" => PropertyBatchRead "properties" Burst SchemaRead;
    Properties "POST" "{}/batch/archive" => PropertyBatchArchive "properties" Burst SchemaWrite;
    Properties "GET" "{}" => PropertyList "properties" Burst SchemaRead;
    Properties "POST" "{}" => PropertyCreate "properties" Burst SchemaWrite;
    Properties "GET" "{}/{}" => PropertyRead "properties" Burst SchemaRead;
    Properties "PATCH" "{}/{}" => PropertyUpdate "properties" Burst SchemaWrite;
    Properties "DELETE" "{}/{}" => PropertyArchive "properties" Burst SchemaWrite;
    Validations "GET" "{}" => ValidationList "property_validations" Burst SchemaRead;
    Validations "GET" "{}/{}" => ValidationsOf "property_validations" Burst SchemaRead;
    Validations "GET" "{}/{}/rule-type/{}" => ValidationRead "property_validations" Burst SchemaRead;
    Validations "PUT" "{}/{}/rule-type/{}" => ValidationSet "property_validations" Burst SchemaWrite;
    Limits "GET" "custom-properties" => LimitProperties "limits" Burst AnyRecords;
    Limits "GET" "custom-object-types" => LimitTypes "limits" Burst CustomAny;
    Schemas "GET" "" => SchemaList "schemas" Burst CustomSchemaRead;
    Schemas "POST" "" => SchemaCreate "schemas" Burst CustomSchemaWrite;
    Schemas "POST" "batch/read" => SchemaBatchRead "schemas" Burst CustomSchemaRead;
    Schemas "POST" "{}/associations" => SchemaAssociate "schemas" Burst CustomSchemaWrite;
    Schemas "DELETE" "{}/associations/{}" => SchemaDissociate "schemas" Burst CustomSchemaWrite;
    Schemas "GET" "{}" => SchemaRead "schemas" Burst CustomSchemaRead;
    Schemas "PATCH" "{}" => SchemaUpdate "schemas" Burst CustomSchemaWrite;
    Schemas "DELETE" "{}" => SchemaArchive "schemas" Burst CustomSchemaWrite;
    Pipelines "GET" "{}/{}/stages" => StageList "pipelines" Burst SchemaRead;
    Pipelines "POST" "{}/{}/stages" => StageCreate "pipelines" Burst SchemaWrite;
    Pipelines "GET" "{}/{}/stages/{}" => StageRead "pipelines" Burst SchemaRead;
    Pipelines "PATCH" "{}/{}/stages/{}" => StageUpdate "pipelines" Burst SchemaWrite;
    Pipelines "PUT" "{}/{}/stages/{}" => StageReplace "pipelines" Burst SchemaWrite;
    Pipelines "DELETE" "{}/{}/stages/{}" => StageDelete "pipelines" Burst SchemaWrite;
    Pipelines "GET" "{}/{}/stages/{}/audit" => StageAudit "pipelines" Burst SchemaRead;
    Pipelines "GET" "{}/{}/audit" => PipelineAudit "pipelines" Burst SchemaRead;
    Pipelines "GET" "{}" => PipelineList "pipelines" Burst SchemaRead;
    Pipelines "POST" "{}" => PipelineCreate "pipelines" Burst SchemaWrite;
    Pipelines "GET" "{}/{}" => PipelineRead "pipelines" Burst SchemaRead;
    Pipelines "PATCH" "{}/{}" => PipelineUpdate "pipelines" Burst SchemaWrite;
    Pipelines "PUT" "{}/{}" => PipelineReplace "pipelines" Burst SchemaWrite;
    Pipelines "DELETE" "{}/{}" => PipelineDelete "pipelines" Burst SchemaWrite;
    Owners "GET" "" => OwnerList "owners" Burst Owners;
    Owners "GET" "{}" => OwnerRead "owners" Burst Owners;
    Lists "POST" "" => ListCreate "lists" Burst ListCreate;
    Lists "GET" "" => ListSeveral "lists" Burst ListRead;
    Lists "POST" "search" => ListSearch "lists" Burst ListRead;
    Lists "POST" "all" => ListAll "lists" Burst ListRead;
    Lists "GET" "idmapping" => ListOfLegacy "lists" Burst ListRead;
    Lists "POST" "idmapping" => ListsOfLegacy "lists" Burst ListRead;
    Lists "GET" "object-type-id/{}/name/{}" => ListByName "lists" Burst ListRead;
    Lists "GET" "records/{}/{}/memberships" => ListsOfRecord "lists" Burst ListRead;
    Lists "POST" "records/memberships/batch/read" => ListsOfRecords "lists" Burst ListRead;
    Lists "GET" "{}" => ListRead "lists" Burst ListRead;
    Lists "DELETE" "{}" => ListDelete "lists" Burst ListWrite;
    Lists "PUT" "{}/restore" => ListRestore "lists" Burst ListWrite;
    Lists "PUT" "{}/update-list-name" => ListRename "lists" Burst ListWrite;
    Lists "PUT" "{}/update-list-filters" => ListRefilter "lists" Burst ListWrite;
    Lists "GET" "{}/schedule-conversion" => ListConversionRead "lists" Burst ListRead;
    Lists "PUT" "{}/schedule-conversion" => ListConversionSet "lists" Burst ListWrite;
    Lists "DELETE" "{}/schedule-conversion" => ListConversionCancel "lists" Burst ListWrite;
    Lists "GET" "{}/memberships" => ListMembers "lists" Burst ListRead;
    Lists "DELETE" "{}/memberships" => ListClear "lists" Burst ListWrite;
    Lists "GET" "{}/memberships/join-order" => ListJoinOrder "lists" Burst ListRead;
    Lists "PUT" "{}/memberships/add" => ListAdd "lists" Burst ListWrite;
    Lists "PUT" "{}/memberships/remove" => ListRemove "lists" Burst ListWrite;
    Lists "PUT" "{}/memberships/add-and-remove" => ListAddAndRemove "lists" Burst ListWrite;
    Lists "PUT" "{}/memberships/add-from/{}" => ListAddFrom "lists" Burst ListWrite;
    Events "POST" "send" => EventSend "event" Events EventSend;
    Events "POST" "send/batch" => EventSendBatch "event" Events EventSend;
    Events "GET" "event-definitions" => EventDefinitionList "event_definitions" Burst EventDefinitions;
    Events "POST" "event-definitions" => EventDefinitionCreate "event_definitions" Burst EventDefinitions;
    Events "GET" "event-definitions/{}" => EventDefinitionRead "event_definitions" Burst EventDefinitions;
    Events "PATCH" "event-definitions/{}" => EventDefinitionUpdate "event_definitions" Burst EventDefinitions;
    Events "DELETE" "event-definitions/{}" => EventDefinitionDelete "event_definitions" Burst EventDefinitions;
    Events "POST" "event-definitions/{}/property" => EventPropertyCreate "event_definitions" Burst EventDefinitions;
    Events "PATCH" "event-definitions/{}/property/{}" => EventPropertyUpdate "event_definitions" Burst EventDefinitions;
    Events "DELETE" "event-definitions/{}/property/{}" => EventPropertyDelete "event_definitions" Burst EventDefinitions;
    EventReads "GET" "" => EventReadList "event_occurrences" Burst EventReads;
    EventReads "GET" "event-types" => EventTypes "event_occurrences" Burst EventReads;
    Account "GET" "details" => AccountDetails "account" Burst Nothing;
    Account "GET" "api-usage/daily/private-apps" => AccountUsage "account" Burst Nothing;
    PrivateApps "POST" "get/access-token-info" => TokenInfo "oauth" Exempt Anyone;
    Consent "GET" "authorize" => ConsentPage "oauth" Exempt Anyone;
    Consent "POST" "authorize" => Consent "oauth" Exempt Anyone;
    OAuth "POST" "token" => OAuthToken "oauth" Exempt Anyone;
    OAuth "POST" "token/introspect" => OAuthIntrospect "oauth" Exempt Anyone;
    OAuth "POST" "token/revoke" => OAuthRevoke "oauth" Exempt Anyone;
    OAuth "GET" "access-tokens/{}" => OAuthAccessToken "oauth" Exempt Anyone;
    OAuth "GET" "refresh-tokens/{}" => OAuthRefreshToken "oauth" Exempt Anyone;
    OAuth "DELETE" "refresh-tokens/{}" => OAuthRefreshTokenDelete "oauth" Exempt Anyone;
    Installs "DELETE" "external-install" => Uninstall "oauth" Burst Nothing;
}

/// Where each area's paths begin; `{ver}` is a dated version.
const PREFIXES: &[(&str, Area, Option<Version>)] = &[
    ("crm/v3/objects", Area::Objects, Some(Version::V3)),
    ("crm/v4/objects", Area::Objects, Some(Version::V4)),
    ("crm/objects/{ver}", Area::Objects, None),
    ("crm/v3/properties", Area::Properties, Some(Version::V3)),
    ("crm/properties/{ver}", Area::Properties, None),
    ("crm/v3/property-validations", Area::Validations, Some(Version::V3)),
    ("crm/property-validations/{ver}", Area::Validations, None),
    ("crm/v3/limits", Area::Limits, Some(Version::V3)),
    ("crm/limits/{ver}", Area::Limits, None),
    ("crm-object-schemas/v3/schemas", Area::Schemas, Some(Version::V3)),
    ("crm/v3/schemas", Area::Schemas, Some(Version::V3)),
    ("crm-object-schemas/{ver}/schemas", Area::Schemas, None),
    ("crm/v3/pipelines", Area::Pipelines, Some(Version::V3)),
    ("crm/pipelines/{ver}", Area::Pipelines, None),
    ("crm/v3/owners", Area::Owners, Some(Version::V3)),
    ("crm/owners/{ver}", Area::Owners, None),
    ("crm/v3/lists", Area::Lists, Some(Version::V3)),
    ("crm/lists/{ver}", Area::Lists, None),
    ("crm/v4/associations", Area::Associations, Some(Version::V4)),
    ("crm/associations/{ver}", Area::Associations, None),
    // labels stand under the first in the documentation and under the second in the specification
    ("crm/v4/associations", Area::AssociationTypes, Some(Version::V4)),
    ("crm/associations/v4", Area::AssociationTypes, Some(Version::V4)),
    ("crm/associations/{ver}", Area::AssociationTypes, None),
    // guides and documents disagree on `custom` (api.md 9.1)
    ("events/v3", Area::Events, Some(Version::V3)),
    ("events/{ver}", Area::Events, None),
    ("events/custom/{ver}", Area::Events, None),
    ("events/v3/events", Area::EventReads, Some(Version::V3)),
    ("events/{ver}/events", Area::EventReads, None),
    ("events/event-occurrences/{ver}", Area::EventReads, None),
    ("account-info/v3", Area::Account, Some(Version::V3)),
    ("account-info/{ver}", Area::Account, None),
    ("oauth/v2/private-apps", Area::PrivateApps, Some(Version::V2)),
    ("oauth/v1", Area::OAuth, Some(Version::V1)),
    ("oauth/v3", Area::OAuth, Some(Version::V3)),
    ("oauth/{ver}", Area::OAuth, None),
    // on another host of HubSpot's; a link may name the account
    ("oauth", Area::Consent, Some(Version::V1)),
    ("appinstalls/v3", Area::Installs, Some(Version::V3)),
    ("appinstalls/{ver}", Area::Installs, None),
];

/// A path understood.
#[derive(Debug)]
pub(crate) struct Routed {
    pub(crate) operation: Operation,
    pub(crate) version: Version,
    pub(crate) kind: &'static str,
    pub(crate) budget: Budget,
    pub(crate) need: Need,
    /// The segments that `{}` took, percent-decoded.
    pub(crate) params: Vec<String>,
}

/// Why a path is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    NoSuchPath,
    NotThatMethod,
}

/// Every kind that the table names: what faults may match and stats count by.
pub(crate) fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&'static str> = TABLE.iter().map(|row| row.4).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

pub(crate) fn route(method: &str, path: &str) -> Result<Routed, Lost> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut lost = Lost::NoSuchPath;
    for (prefix, area, version) in PREFIXES {
        let Some((version, rest)) = begins_with(&segments, prefix, *version) else {
            continue;
        };
        // folders are not part of this account, and no list has that id
        if *area == Area::Lists && rest.first() == Some(&"folders") {
            continue;
        }
        for (of, verb, pattern, operation, kind, budget, need) in TABLE {
            if of != area || !served(*area, *operation, version) {
                continue;
            }
            let Some(params) = matches(pattern, rest) else {
                continue;
            };
            if *verb != method {
                lost = Lost::NotThatMethod;
                continue;
            }
            return Ok(Routed { operation: *operation, version, kind, budget: *budget, need: *need, params });
        }
    }
    Err(lost)
}

/// v4 objects paths hold associations only; the dated families hold both. All lists by a cursor are new in 2026-09.
fn served(area: Area, operation: Operation, version: Version) -> bool {
    if operation == Operation::ListAll && version != Version::September2026 {
        return false;
    }
    let of_associations = area != Area::Objects
        || matches!(
            operation,
            Operation::AssociateDefaultOne
                | Operation::AssociateOne
                | Operation::DissociateOne
                | Operation::AssociationsOf
        );
    match version {
        Version::V4 => of_associations,
        Version::V3 => area != Area::Objects || !of_associations,
        Version::V1 | Version::V2 | Version::March2026 | Version::September2026 => true,
    }
}

fn begins_with<'s>(
    segments: &'s [&'s str],
    prefix: &str,
    version: Option<Version>,
) -> Option<(Version, &'s [&'s str])> {
    let mut found = version;
    let mut at = 0;
    for part in prefix.split('/') {
        let segment = *segments.get(at)?;
        if part == "{ver}" {
            found = Some(match segment {
                "2026-03" => Version::March2026,
                "2026-09" => Version::September2026,
                _ => return None,
            });
        } else if part != segment {
            return None;
        }
        at += 1;
    }
    Some((found?, &segments[at..]))
}

fn matches(pattern: &str, rest: &[&str]) -> Option<Vec<String>> {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    if parts.len() != rest.len() {
        return None;
    }
    let mut params = Vec::new();
    for (part, segment) in parts.iter().zip(rest) {
        if *part == "{}" {
            params.push(decode(segment, false));
        } else if part != segment {
            return None;
        }
    }
    Some(params)
}

/// Percent-decoding; `+` means a blank in queries and forms only.
pub(crate) fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |b: u8| (b as char).to_digit(16);
        match bytes[at] {
            b'%' if at + 2 < bytes.len() => match (hex(bytes[at + 1]), hex(bytes[at + 2])) {
                (Some(high), Some(low)) => {
                    out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                    at += 2;
                }
                _ => out.push(b'%'),
            },
            b'+' if plus => out.push(b' '),
            b => out.push(b),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The pairs of a query or a form.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((decode(key, true), decode(value, true)));
    }
    pairs
}

impl Routed {
    /// The other object type of a path that names two.
    pub(crate) fn other_type(&self) -> Option<&str> {
        use Operation as O;
        let at = match self.operation {
            O::AssociateDefaultOne | O::AssociateOne | O::DissociateOne | O::AssociationsOf => 2,
            O::AssociateBatch
            | O::AssociateDefault
            | O::AssociationsRead
            | O::DissociateBatch
            | O::DissociateLabels
            | O::LabelList
            | O::LabelCreate
            | O::LabelUpdate
            | O::LabelDelete
            | O::LimitsOfPair
            | O::LimitsCreate
            | O::LimitsUpdate
            | O::LimitsPurge => 1,
            _ => return None,
        };
        self.params.get(at).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lost, Operation, Version, decode, route};

    #[test]
    fn one_operation_answers_on_all_three_families() {
        for (path, version) in [
            ("/crm/v3/objects/contacts/batch/upsert", Version::V3),
            ("/crm/objects/2026-03/contacts/batch/upsert", Version::March2026),
            ("/crm/objects/2026-09/contacts/batch/upsert", Version::September2026),
        ] {
            let routed = route("POST", path).unwrap();
            assert_eq!((routed.operation, routed.version), (Operation::BatchUpsert, version));
            assert_eq!(routed.params, ["contacts"]);
        }
    }

    #[test]
    fn a_bad_version_is_lost_and_a_bad_method_is_told_apart() {
        assert_eq!(route("GET", "/crm/objects/2026-10/contacts").unwrap_err(), Lost::NoSuchPath);
        assert_eq!(route("GET", "/crm/v4/objects/contacts").unwrap_err(), Lost::NoSuchPath);
        assert_eq!(route("PUT", "/crm/v3/objects/contacts/1").unwrap_err(), Lost::NotThatMethod);
        assert_eq!(route("GET", "/crm/v3/properties/contacts/groups").unwrap().operation, Operation::GroupList);
    }

    #[test]
    fn percent_signs_are_decoded_once() {
        assert_eq!(decode("a%40example.com", false), "a@example.com");
        assert_eq!(decode("a+b%2Bc%", true), "a b+c%");
    }
}
