//! Pure functions from what is wanted to the request that says so (api.md 3.1, 3.2, 4, 7.2).
//!
//! Nothing is sent here. The caller keeps batches within HubSpot's sizes ([`BATCH_MAX`], [`ASSOCIATION_BATCH_MAX`]) and
//! free of duplicate ids, which HubSpot refuses whole (api.md 3.6).

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::definitions::Sensitivity;
pub use crate::events::{EVENT_BATCH_MAX, OCCURRENCES_MAX, send_events};
pub use crate::lists::{MEMBERSHIPS_MAX, create_list, list_change};
use crate::request::{ApiRequest, Encoding, RequestKind};
use crate::search::SearchQuery;
use crate::version::{ApiVersion, Endpoint, push_query};

/// The most records in one batch (api.md 3.1).
pub const BATCH_MAX: usize = 100;
/// The most pairs in one request that associates (api.md 7.1, 7.4).
pub const ASSOCIATION_BATCH_MAX: usize = 2_000;
/// The most records in one read of associations (api.md 7.1).
pub const ASSOCIATION_READ_MAX: usize = 1_000;
/// The most different records whose associations one request removes; HubSpot states no limit (api.md 15).
pub const DISSOCIATION_RECORDS_MAX: usize = 100;

/// One record of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Record id, or the value of the id property; `None` for creates.
    pub id: Option<&'a str>,
    /// Names and values; `""` clears a property (api.md 2.2).
    pub properties: &'a [(Arc<str>, String)],
    /// Unique within the request. Without it one bad record of a create or upsert refuses all (api.md 3.6).
    pub trace_id: Option<&'a str>,
}

/// A kind of association: `HUBSPOT_DEFINED` or `USER_DEFINED`, and its directional type id (api.md 7.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssociationType {
    pub category: String,
    pub type_id: u64,
}

/// One pair of records to associate. `types` replaces the pair's labels (api.md 7.3).
#[derive(Clone, Copy, Debug)]
pub struct AssociationInput<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub types: &'a [AssociationType],
}

pub(crate) struct Properties<'a>(pub(crate) &'a [(Arc<str>, String)]);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(&**name, value)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InputBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a str>,
    properties: Properties<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_write_trace_id: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct Inputs<T> {
    pub(crate) inputs: Vec<T>,
}

#[derive(Serialize)]
struct IdBody<'a> {
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a str>,
    properties: &'a [String],
    properties_with_history: [&'static str; 0],
    inputs: Vec<IdBody<'a>>,
}

#[derive(Serialize)]
struct RecordBody<'a> {
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeBody<'a> {
    association_category: &'a str,
    association_type_id: u64,
}

#[derive(Serialize)]
struct PairBody<'a> {
    from: IdBody<'a>,
    to: IdBody<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    types: Vec<TypeBody<'a>>,
}

impl<'a> From<&AssociationInput<'a>> for PairBody<'a> {
    fn from(pair: &AssociationInput<'a>) -> Self {
        let kind = |kind: &'a AssociationType| TypeBody {
            association_category: &kind.category,
            association_type_id: kind.type_id,
        };
        Self {
            from: IdBody { id: pair.from },
            to: IdBody { id: pair.to },
            types: pair.types.iter().map(kind).collect(),
        }
    }
}

#[derive(Serialize)]
struct UnpairBody<'a> {
    from: IdBody<'a>,
    to: Vec<IdBody<'a>>,
}

#[derive(Serialize)]
struct AfterBody<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a str>,
}

pub(crate) fn json(body: &impl Serialize) -> Option<Bytes> {
    let bytes = serde_json::to_vec(body).expect("bodies of text, numbers and lists are always JSON");
    Some(Bytes::from(bytes))
}

pub(crate) fn get(path: String, kind: RequestKind) -> ApiRequest {
    ApiRequest {
        method: Method::GET,
        path,
        body: None,
        encoding: Encoding::Json,
        kind,
        idempotent: true,
        inputs: 0,
        one_record: false,
    }
}

pub(crate) fn post(path: String, kind: RequestKind, body: Option<Bytes>, inputs: usize) -> ApiRequest {
    ApiRequest {
        method: Method::POST,
        path,
        body,
        encoding: Encoding::Json,
        kind,
        idempotent: !matches!(kind, RequestKind::Create | RequestKind::Event),
        inputs,
        one_record: false,
    }
}

fn write_batch(
    version: ApiVersion,
    t: &str,
    (op, kind): (&str, RequestKind),
    id_property: Option<&str>,
    inputs: &[Input<'_>],
) -> ApiRequest {
    let with_ids = kind != RequestKind::Create;
    let body = Inputs {
        inputs: inputs
            .iter()
            .map(|input| InputBody {
                id: input.id.filter(|_| with_ids),
                id_property: id_property.filter(|_| with_ids),
                properties: Properties(input.properties),
                object_write_trace_id: input.trace_id,
            })
            .collect(),
    };
    let path = Endpoint::ObjectBatch.path(version, &[("t", t), ("op", op)]);
    post(path, kind, json(&body), inputs.len())
}

/// Batch create. Not idempotent: an unknown outcome must be looked into.
#[must_use]
pub fn batch_create(version: ApiVersion, t: &str, inputs: &[Input<'_>]) -> ApiRequest {
    write_batch(version, t, ("create", RequestKind::Create), None, inputs)
}

/// Batch update by record id (`id_property` none) or by a unique property; contacts take record ids only (api.md 3.5).
#[must_use]
pub fn batch_update(version: ApiVersion, t: &str, id_property: Option<&str>, inputs: &[Input<'_>]) -> ApiRequest {
    let op = ("update", RequestKind::Update);
    write_batch(version, t, op, id_property, inputs)
}

/// Batch upsert by a unique property, or by record id when `id_property` is none (api.md 3.5).
#[must_use]
pub fn batch_upsert(version: ApiVersion, t: &str, id_property: Option<&str>, inputs: &[Input<'_>]) -> ApiRequest {
    let op = ("upsert", RequestKind::Upsert);
    write_batch(version, t, op, id_property, inputs)
}

/// Batch read by record id or by a unique property. Unlike search it sees a write at once (api.md 4.2).
#[must_use]
pub fn batch_read(
    version: ApiVersion,
    t: &str,
    id_property: Option<&str>,
    ids: &[String],
    properties: &[String],
) -> ApiRequest {
    let body = ReadBody {
        id_property,
        properties,
        properties_with_history: [],
        inputs: ids.iter().map(|id| IdBody { id }).collect(),
    };
    let path = Endpoint::ObjectBatch.path(version, &[("t", t), ("op", "read")]);
    post(path, RequestKind::Read, json(&body), ids.len())
}

/// Batch archive by record id.
#[must_use]
pub fn batch_archive(version: ApiVersion, t: &str, ids: &[String]) -> ApiRequest {
    let body = Inputs { inputs: ids.iter().map(|id| IdBody { id }).collect() };
    let path = Endpoint::ObjectBatch.path(version, &[("t", t), ("op", "archive")]);
    post(path, RequestKind::Archive, json(&body), ids.len())
}

/// Search. The caller keeps the body within [`crate::SEARCH_BODY_MAX_CHARS`].
#[must_use]
pub fn search(version: ApiVersion, t: &str, query: &SearchQuery) -> ApiRequest {
    let path = Endpoint::Search.path(version, &[("t", t)]);
    post(path, RequestKind::Search, json(query), 0)
}

/// Read one record. Property names go in the URL, so keep them few (`414`, api.md 2.1).
#[must_use]
pub fn read_record(
    version: ApiVersion,
    t: &str,
    id: &str,
    id_property: Option<&str>,
    properties: &[String],
) -> ApiRequest {
    let mut path = Endpoint::Object.path(version, &[("t", t), ("id", id)]);
    if let Some(name) = id_property {
        push_query(&mut path, "idProperty", name);
    }
    if !properties.is_empty() {
        push_query(&mut path, "properties", &properties.join(","));
    }
    ApiRequest { inputs: 1, one_record: true, ..get(path, RequestKind::Read) }
}

/// Update one record, by its id or by a unique property (a contact's `email` included, api.md 3.1).
#[must_use]
pub fn update_record(
    version: ApiVersion,
    t: &str,
    id: &str,
    id_property: Option<&str>,
    properties: &[(Arc<str>, String)],
) -> ApiRequest {
    let mut path = Endpoint::Object.path(version, &[("t", t), ("id", id)]);
    if let Some(name) = id_property {
        push_query(&mut path, "idProperty", name);
    }
    let body = RecordBody { properties: Properties(properties) };
    ApiRequest { method: Method::PATCH, one_record: true, ..post(path, RequestKind::Update, json(&body), 1) }
}

/// Create one record. Not idempotent.
#[must_use]
pub fn create_record(version: ApiVersion, t: &str, properties: &[(Arc<str>, String)]) -> ApiRequest {
    let body = RecordBody { properties: Properties(properties) };
    let path = Endpoint::Objects.path(version, &[("t", t)]);
    post(path, RequestKind::Create, json(&body), 1)
}

/// Associate pairs. With no types in any pair HubSpot's default (unlabelled) kind is made. Idempotent (api.md 7.3).
#[must_use]
pub fn associate(version: ApiVersion, from: &str, to: &str, pairs: &[AssociationInput<'_>]) -> ApiRequest {
    let typed = pairs.iter().any(|pair| !pair.types.is_empty());
    let op = if typed { "create" } else { "associate/default" };
    let body = Inputs { inputs: pairs.iter().map(PairBody::from).collect::<Vec<_>>() };
    post(association_path(version, from, to, op), RequestKind::Associate, json(&body), pairs.len())
}

/// Remove every association of each pair. Pairs of one record that follow one another travel as one input.
#[must_use]
pub fn dissociate(version: ApiVersion, from: &str, to: &str, pairs: &[AssociationInput<'_>]) -> ApiRequest {
    let mut inputs: Vec<UnpairBody<'_>> = Vec::new();
    for pair in pairs {
        match inputs.last_mut().filter(|last| last.from.id == pair.from) {
            Some(last) => last.to.push(IdBody { id: pair.to }),
            None => inputs.push(UnpairBody { from: IdBody { id: pair.from }, to: vec![IdBody { id: pair.to }] }),
        }
    }
    let body = Inputs { inputs };
    post(association_path(version, from, to, "archive"), RequestKind::Associate, json(&body), pairs.len())
}

/// Take labels off pairs; the pairs stay associated.
#[must_use]
pub fn unlabel(version: ApiVersion, from: &str, to: &str, pairs: &[AssociationInput<'_>]) -> ApiRequest {
    let body = Inputs { inputs: pairs.iter().map(PairBody::from).collect::<Vec<_>>() };
    post(association_path(version, from, to, "labels/archive"), RequestKind::Associate, json(&body), pairs.len())
}

/// Read the associations of records: (record id, page cursor).
#[must_use]
pub fn associations_read(version: ApiVersion, from: &str, to: &str, ids: &[(String, Option<String>)]) -> ApiRequest {
    let body = Inputs { inputs: ids.iter().map(|(id, after)| AfterBody { id, after: after.as_deref() }).collect() };
    post(association_path(version, from, to, "read"), RequestKind::AssociationRead, json(&body), ids.len())
}

fn association_path(version: ApiVersion, from: &str, to: &str, op: &str) -> String {
    // `associate/default` is two segments, and the template's place encodes one.
    let places = [("from", from), ("to", to), ("op", "")];
    let mut path = Endpoint::AssociationBatch.path(version, &places);
    path.push_str(op);
    path
}

/// Who the token belongs to.
#[must_use]
pub fn account(version: ApiVersion) -> ApiRequest {
    get(Endpoint::Account.path(version, &[]), RequestKind::Metadata)
}

/// Property definitions of an object type; not paged (api.md 5.1).
#[must_use]
pub fn properties(version: ApiVersion, t: &str) -> ApiRequest {
    let path = Endpoint::Properties.path(version, &[("t", t)]);
    get(path, RequestKind::Metadata)
}

/// Property definitions of an object type that hold data of this sensitivity; not paged (api.md 5.1).
#[must_use]
pub fn properties_of(version: ApiVersion, t: &str, sensitivity: Sensitivity) -> ApiRequest {
    let mut path = Endpoint::Properties.path(version, &[("t", t)]);
    push_query(&mut path, "dataSensitivity", sensitivity.name());
    get(path, RequestKind::Metadata)
}

/// Custom object schemas.
#[must_use]
pub fn schemas(version: ApiVersion) -> ApiRequest {
    get(Endpoint::Schemas.path(version, &[]), RequestKind::Metadata)
}

/// Pipelines of an object type.
#[must_use]
pub fn pipelines(version: ApiVersion, t: &str) -> ApiRequest {
    let path = Endpoint::Pipelines.path(version, &[("t", t)]);
    get(path, RequestKind::Metadata)
}

/// The validation rules of an object type's properties (api.md 5.5), by its type id.
#[must_use]
pub fn validations(version: ApiVersion, type_id: &str) -> ApiRequest {
    let path = Endpoint::Validations.path(version, &[("t", type_id)]);
    get(path, RequestKind::Metadata)
}

/// One page of owners (api.md 6.3: 100 a page is the documented default).
#[must_use]
pub fn owners(version: ApiVersion, after: Option<&str>) -> ApiRequest {
    let mut path = Endpoint::Owners.path(version, &[]);
    push_query(&mut path, "limit", "100");
    if let Some(after) = after {
        push_query(&mut path, "after", after);
    }
    get(path, RequestKind::Metadata)
}

/// The kinds of association between two object types, in this direction.
#[must_use]
pub fn association_labels(version: ApiVersion, from: &str, to: &str) -> ApiRequest {
    let path = Endpoint::AssociationLabels.path(version, &[("from", from), ("to", to)]);
    get(path, RequestKind::AssociationRead)
}

/// How many records of one type a record of the other may have by each kind of association (api.md 7.1).
#[must_use]
pub fn association_limits(version: ApiVersion, from: &str, to: &str) -> ApiRequest {
    let path = Endpoint::AssociationLimits.path(version, &[("from", from), ("to", to)]);
    get(path, RequestKind::AssociationRead)
}

/// A form-encoded token call; its body holds secrets.
pub(crate) fn token_form(path: String, fields: &[(&str, &str)]) -> ApiRequest {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    ApiRequest { encoding: Encoding::Form, ..post(path, RequestKind::Token, Some(Bytes::from(form.finish())), 0) }
}

/// A JSON token call; its body holds secrets.
pub(crate) fn token_json(path: String, body: &impl Serialize) -> ApiRequest {
    post(path, RequestKind::Token, json(body), 0)
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "conformance_tests.rs"]
mod conformance;
