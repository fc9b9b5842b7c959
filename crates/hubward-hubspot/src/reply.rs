//! Success answers: records, mixed batches, search pages, associations.
//!
//! Read leniently (ids as text or number, values as text or null, unknown fields ignored), but a result without an id is
//! unreadable: it could be accounted to no input. Whether every input is accounted for is the caller's check (api.md 3.6).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

use crate::decode::decode_part;
use crate::error::ApiError;

/// Something HubSpot changed while writing (api.md 3.8); on 2026-09 only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warning {
    pub category: String,
    pub message: String,
    pub property: Option<String>,
    pub raw_value: Option<String>,
    pub normalized_value: Option<String>,
}

/// A record as HubSpot tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordResult {
    pub id: String,
    /// Name → value, or none for a property that is empty. One that HubSpot left out is absent.
    pub properties: BTreeMap<String, Option<String>>,
    /// May be missing even when it was sent (api.md 0.4).
    pub trace_id: Option<String>,
    /// Upsert only: whether the record was created.
    pub new: Option<bool>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    pub archived: bool,
    pub warnings: Vec<Warning>,
}

/// What a batch came to. Order is not the order of the inputs (api.md 0.4).
#[derive(Clone, Debug, Default)]
pub struct BatchReply {
    pub status: u16,
    pub results: Vec<RecordResult>,
    /// The entries of a `207`; one may speak of many inputs.
    pub errors: Vec<ApiError>,
    pub attempts: u32,
    pub correlation_id: Option<String>,
}

/// A page of a search.
#[derive(Clone, Debug, Default)]
pub struct SearchReply {
    pub total: u64,
    pub results: Vec<RecordResult>,
    /// Where the next page begins; none on the last.
    pub after: Option<String>,
    pub attempts: u32,
}

/// One associated pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociationResult {
    pub from: String,
    pub to: String,
    pub labels: Vec<String>,
}

/// What an association batch came to.
#[derive(Clone, Debug, Default)]
pub struct AssociationReply {
    pub status: u16,
    pub results: Vec<AssociationResult>,
    pub errors: Vec<ApiError>,
    pub attempts: u32,
    pub correlation_id: Option<String>,
}

/// A record at the other end of an association, with the kinds that bind them: (category, type id, label).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociatedTo {
    pub id: String,
    pub types: Vec<(String, u64, Option<String>)>,
}

/// The associations of one record; `after` when there are more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociatedRecords {
    pub from: String,
    pub to: Vec<AssociatedTo>,
    pub after: Option<String>,
}

/// Text, number or boolean, as text.
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            Value::Bool(flag) => Ok(Self(flag.to_string())),
            _ => Err(D::Error::custom("expected a text or a number")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordBody {
    id: Text,
    #[serde(default)]
    properties: Option<BTreeMap<String, Option<Text>>>,
    #[serde(default)]
    object_write_trace_id: Option<Text>,
    #[serde(default)]
    new: Option<bool>,
    #[serde(default)]
    created_at: Option<Text>,
    #[serde(default)]
    updated_at: Option<Text>,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    warnings: Option<Vec<Value>>,
}

impl From<RecordBody> for RecordResult {
    fn from(body: RecordBody) -> Self {
        Self {
            id: body.id.0,
            properties: body
                .properties
                .unwrap_or_default()
                .into_iter()
                .map(|(name, value)| (name, value.map(|text| text.0)))
                .collect(),
            trace_id: body.object_write_trace_id.map(|text| text.0),
            new: body.new,
            created_at: body.created_at.map(|text| text.0),
            updated_at: body.updated_at.map(|text| text.0),
            archived: body.archived.unwrap_or(false),
            warnings: body.warnings.unwrap_or_default().iter().map(warning).collect(),
        }
    }
}

fn warning(value: &Value) -> Warning {
    let field = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
    let context = &value["context"];
    Warning {
        category: field(value, "category").unwrap_or_default(),
        message: field(value, "message").unwrap_or_default(),
        property: field(context, "propertyName"),
        raw_value: field(context, "rawValue"),
        normalized_value: field(context, "normalizedValue"),
    }
}

#[derive(Deserialize)]
struct BatchBody<T> {
    #[serde(default = "Vec::new")]
    results: Vec<T>,
    #[serde(default)]
    errors: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Next {
    after: Option<Text>,
}

#[derive(Deserialize)]
struct Paging {
    next: Option<Next>,
}

impl Paging {
    fn after(paging: Option<Self>) -> Option<String> {
        Some(paging?.next?.after?.0)
    }
}

#[derive(Deserialize)]
struct SearchBody {
    #[serde(default)]
    total: Option<u64>,
    results: Vec<RecordBody>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PairBody {
    from_object_id: Option<Text>,
    to_object_id: Option<Text>,
    /// `batch/associate/default` answers with nested ends instead.
    from: Option<End>,
    to: Option<End>,
    #[serde(default)]
    labels: Option<Vec<Option<String>>>,
}

#[derive(Deserialize)]
struct End {
    id: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssociatedBody {
    from: End,
    #[serde(default = "Vec::new")]
    to: Vec<ToBody>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToBody {
    to_object_id: Text,
    #[serde(default = "Vec::new")]
    association_types: Vec<TypeBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeBody {
    category: String,
    type_id: u64,
    #[serde(default)]
    label: Option<String>,
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn parts(errors: Option<Vec<Value>>, status: u16) -> Vec<ApiError> {
    let mut parts: Vec<ApiError> = errors.unwrap_or_default().iter().map(decode_part).collect();
    for part in &mut parts {
        part.status = Some(status);
    }
    parts
}

pub(crate) fn batch(status: u16, body: &[u8]) -> Result<BatchReply, String> {
    let body: BatchBody<RecordBody> = read(body)?;
    Ok(BatchReply {
        status,
        results: body.results.into_iter().map(RecordResult::from).collect(),
        errors: parts(body.errors, status),
        ..BatchReply::default()
    })
}

pub(crate) fn record(_status: u16, body: &[u8]) -> Result<RecordResult, String> {
    read::<RecordBody>(body).map(RecordResult::from)
}

pub(crate) fn search(_status: u16, body: &[u8]) -> Result<SearchReply, String> {
    let body: SearchBody = read(body)?;
    Ok(SearchReply {
        total: body.total.unwrap_or(body.results.len() as u64),
        results: body.results.into_iter().map(RecordResult::from).collect(),
        after: Paging::after(body.paging),
        attempts: 0,
    })
}

/// A success without a body that matters.
/// An archive answers without a body (204); only a mixed result (207) would have something to say.
pub(crate) fn archived(status: u16, body: &[u8]) -> Result<BatchReply, String> {
    if status == 207 { batch(status, body) } else { Ok(BatchReply { status, ..BatchReply::default() }) }
}

pub(crate) fn associations(status: u16, body: &[u8]) -> Result<AssociationReply, String> {
    // Archive answers 204 without a body on v4 (api.md 1.3).
    if status == 204 {
        return Ok(AssociationReply { status, ..AssociationReply::default() });
    }
    let body: BatchBody<PairBody> = read(body)?;
    let mut results = Vec::with_capacity(body.results.len());
    for pair in body.results {
        let from = pair.from_object_id.or(pair.from.map(|end| end.id));
        let to = pair.to_object_id.or(pair.to.map(|end| end.id));
        let (Some(from), Some(to)) = (from, to) else {
            return Err("an association result names no ids".to_owned());
        };
        results.push(AssociationResult {
            from: from.0,
            to: to.0,
            labels: pair.labels.unwrap_or_default().into_iter().flatten().collect(),
        });
    }
    Ok(AssociationReply { status, results, errors: parts(body.errors, status), ..AssociationReply::default() })
}

/// What a removal came to. 204 without a body on v4, 200 with a batch body since (api.md 1.3, 7.1), whose results HubSpot
/// does not describe: only its errors are read.
pub(crate) fn removals(status: u16, body: &[u8]) -> Result<AssociationReply, String> {
    if body.is_empty() {
        return Ok(AssociationReply { status, ..AssociationReply::default() });
    }
    let body: BatchBody<Value> = read(body)?;
    Ok(AssociationReply { status, errors: parts(body.errors, status), ..AssociationReply::default() })
}

/// The associations found, and the parts that failed (a record without any may be reported as one, api.md 7.2).
pub(crate) fn associated(status: u16, body: &[u8]) -> Result<(Vec<AssociatedRecords>, Vec<ApiError>), String> {
    let body: BatchBody<AssociatedBody> = read(body)?;
    let records = body
        .results
        .into_iter()
        .map(|entry| AssociatedRecords {
            from: entry.from.id.0,
            to: entry
                .to
                .into_iter()
                .map(|to| AssociatedTo {
                    id: to.to_object_id.0,
                    types: to
                        .association_types
                        .into_iter()
                        .map(|kind| (kind.category, kind.type_id, kind.label))
                        .collect(),
                })
                .collect(),
            after: Paging::after(entry.paging),
        })
        .collect();
    Ok((records, parts(body.errors, status)))
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
