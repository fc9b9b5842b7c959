//! Lists ("segments" in HubSpot's pages): looking them up, making one, reading and changing their members (api.md 8).
//! Requests, answers and calls.
//!
//! A change of members is a set operation and may be repeated: HubSpot ignores members that are there and ids that are not.
//! Which list, and who belongs to it, is left to the caller.

use hubward_core::ErrorKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::ApiError;
use crate::issues::{strings, text};
use crate::metadata::{flag, items, number, object};
use crate::request::{ApiRequest, CallMeta, RequestKind};
use crate::requests::{get, json as body_of, post};
use crate::version::{ApiVersion, Endpoint, push_query};

/// The most ids in one change of members. HubSpot documents no limit (api.md 8.2, 15).
pub const MEMBERSHIPS_MAX: usize = 10_000;
/// Members on one page: the most that HubSpot's v3 and 2026-03 documents allow.
pub const MEMBERS_PAGE: usize = 250;
/// Lists on one page of a search: the most that HubSpot's documents allow.
const LISTS_PAGE: u64 = 500;
/// Pages of lists at most: 100,000 lists. A search that never ends must not either.
const LIST_PAGES_MAX: usize = 200;

/// How a list gets its members (api.md 8.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessingType {
    /// By hand or by the API.
    Manual,
    /// By filters, always; it refuses members.
    Dynamic,
    /// By filters once, then as a manual one.
    Snapshot,
    /// By HubSpot's name.
    Other(String),
}

impl ProcessingType {
    fn from_name(name: &str) -> Self {
        match name {
            "MANUAL" => Self::Manual,
            "DYNAMIC" => Self::Dynamic,
            "SNAPSHOT" => Self::Snapshot,
            other => Self::Other(other.to_owned()),
        }
    }

    /// HubSpot's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Manual => "MANUAL",
            Self::Dynamic => "DYNAMIC",
            Self::Snapshot => "SNAPSHOT",
            Self::Other(name) => name,
        }
    }
}

/// A list of records of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    pub id: u64,
    /// Unique in the account.
    pub name: String,
    pub object_type_id: String,
    pub processing_type: ProcessingType,
    /// It stands in the recycle bin, from which it can be restored for 90 days.
    pub deleted: bool,
    /// Members, where HubSpot tells it.
    pub size: Option<u64>,
}

/// What a change of members came to. Who stands in none of these was a member already, or none (api.md 8.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembershipReply {
    pub added: Vec<u64>,
    pub removed: Vec<u64>,
    /// No record of the list's type has this id.
    pub missing: Vec<u64>,
    pub attempts: u32,
    pub correlation_id: Option<String>,
}

/// One list by its id.
#[must_use]
pub fn list(version: ApiVersion, id: u64) -> ApiRequest {
    let path = Endpoint::List.path(version, &[("id", &id.to_string())]);
    ApiRequest { one_record: true, ..get(path, RequestKind::Metadata) }
}

/// One list by its object type and name.
#[must_use]
pub fn list_by_name(version: ApiVersion, type_id: &str, name: &str) -> ApiRequest {
    let path = Endpoint::ListByName.path(version, &[("type", type_id), ("name", name)]);
    ApiRequest { one_record: true, ..get(path, RequestKind::Metadata) }
}

/// One page of all lists.
#[must_use]
pub fn lists(version: ApiVersion, offset: u64, count: u64) -> ApiRequest {
    let body = json!({
        "additionalProperties": ["hs_list_size"],
        "listIds": [],
        "processingTypes": [],
        "offset": offset,
        "count": count,
    });
    post(Endpoint::ListSearch.path(version, &[]), RequestKind::Metadata, body_of(&body), 0)
}

/// Makes a list without filters. A name is unique, but nothing says how a second list of one name is refused, so a lost
/// answer must be looked into.
#[must_use]
pub fn create_list(version: ApiVersion, name: &str, type_id: &str) -> ApiRequest {
    let body = json!({ "name": name, "objectTypeId": type_id, "processingType": ProcessingType::Manual.name() });
    let path = Endpoint::Lists.path(version, &[]);
    ApiRequest { idempotent: false, ..post(path, RequestKind::List, body_of(&body), 0) }
}

/// One page of the ids of a list's members.
#[must_use]
pub fn list_members(version: ApiVersion, id: u64, after: Option<&str>) -> ApiRequest {
    let mut path = Endpoint::ListMembers.path(version, &[("id", &id.to_string())]);
    push_query(&mut path, "limit", &MEMBERS_PAGE.to_string());
    if let Some(after) = after {
        push_query(&mut path, "after", after);
    }
    ApiRequest { one_record: true, ..get(path, RequestKind::Read) }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeBody {
    record_ids_to_add: Vec<String>,
    record_ids_to_remove: Vec<String>,
}

/// Adds and removes up to [`MEMBERSHIPS_MAX`] members. Idempotent.
#[must_use]
pub fn list_change(version: ApiVersion, id: u64, add: &[u64], remove: &[u64]) -> ApiRequest {
    let texts = |ids: &[u64]| -> Vec<String> { ids.iter().map(u64::to_string).collect() };
    let (op, body) = match (add, remove) {
        (add, []) => ("add", body_of(&texts(add))),
        ([], remove) => ("remove", body_of(&texts(remove))),
        (add, remove) => {
            let body = ChangeBody { record_ids_to_add: texts(add), record_ids_to_remove: texts(remove) };
            ("add-and-remove", body_of(&body))
        }
    };
    let path = Endpoint::ListMembersChange.path(version, &[("id", &id.to_string()), ("op", op)]);
    let method = http::Method::PUT;
    ApiRequest { method, one_record: true, ..post(path, RequestKind::List, body, add.len() + remove.len()) }
}

/// A list, bare or in an envelope.
fn decode_list(_status: u16, body: &[u8]) -> Result<List, String> {
    let body = object(body)?;
    read(if body["list"].is_object() { &body["list"] } else { &body })
}

fn read(value: &Value) -> Result<List, String> {
    let id = number(&value["listId"]).ok_or("a list without a listId")?;
    Ok(List {
        id,
        name: text(value, "name").to_owned(),
        object_type_id: text(value, "objectTypeId").to_owned(),
        processing_type: ProcessingType::from_name(text(value, "processingType")),
        deleted: !value["deletedAt"].is_null(),
        size: number(&value["size"]).or_else(|| number(&value["additionalProperties"]["hs_list_size"])),
    })
}

/// A page of a search, and whether more follow.
fn decode_lists(_status: u16, body: &[u8]) -> Result<(Vec<List>, bool), String> {
    let body = object(body)?;
    if !body["lists"].is_array() {
        return Err("a search without lists".to_owned());
    }
    let lists: Vec<List> = items(&body, "lists").map(read).collect::<Result<_, _>>()?;
    Ok((lists, flag(&body, "hasMore")))
}

/// Ids as texts or numbers. An id that cannot be read would be a member unaccounted for.
fn ids(values: &Value) -> Result<Vec<u64>, String> {
    let empty = Vec::new();
    let values = values.as_array().unwrap_or(&empty);
    values.iter().map(|value| number(value).ok_or_else(|| format!("{value} is not a record id"))).collect()
}

type Members = (Vec<u64>, Option<String>);

fn decode_members(_status: u16, body: &[u8]) -> Result<Members, String> {
    let body = object(body)?;
    if !body["results"].is_array() {
        return Err("members without results".to_owned());
    }
    let mut page = Vec::new();
    for entry in items(&body, "results") {
        // Older answers are bare ids.
        let id = number(&entry["recordId"]).or_else(|| number(entry));
        page.push(id.ok_or("a member without a recordId")?);
    }
    let after = strings(&body["paging"]["next"]["after"]).into_iter().next();
    Ok((page, after))
}

/// `recordsIdsAdded` is how HubSpot spells it (api.md 8.2); the spelling of the others is taken too.
fn decode_change(_status: u16, body: &[u8]) -> Result<MembershipReply, String> {
    let body = object(body)?;
    let added = if body["recordsIdsAdded"].is_array() { &body["recordsIdsAdded"] } else { &body["recordIdsAdded"] };
    Ok(MembershipReply {
        added: ids(added)?,
        removed: ids(&body["recordIdsRemoved"])?,
        missing: ids(&body["recordIdsMissing"])?,
        ..MembershipReply::default()
    })
}

/// All calls fail with what HubSpot or the network said last.
impl Client {
    /// One list by its id; none when HubSpot has no such list. A deleted one may be told as deleted or as none.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn list(&self, id: u64, meta: &CallMeta) -> Result<Option<List>, ApiError> {
        self.list_or_none(list(self.version(), id), meta).await
    }

    /// The list of this object type (by type id) and name; none when there is none.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn list_by_name(&self, type_id: &str, name: &str, meta: &CallMeta) -> Result<Option<List>, ApiError> {
        self.list_or_none(list_by_name(self.version(), type_id, name), meta).await
    }

    async fn list_or_none(&self, request: ApiRequest, meta: &CallMeta) -> Result<Option<List>, ApiError> {
        let error = match self.call(&request, meta, decode_list).await {
            Ok(answer) => return Ok(Some(answer.value)),
            Err(error) => error,
        };
        match error.kind {
            ErrorKind::NotFound => Ok(None),
            // The words of this 404 are not documented. Where other paths of lists answer, it spoke of the list.
            ErrorKind::NoSuchPath if error.status == Some(404) => {
                let probe = lists(self.version(), 0, 1);
                let known = self.call(&probe, meta, decode_lists).await.is_ok();
                if known { Ok(None) } else { Err(error) }
            }
            _ => Err(error),
        }
    }

    /// All lists of the account, page by page.
    ///
    /// # Errors
    /// The last refusal or failure of any page; kind `Unreadable` when the pages do not end.
    pub async fn lists(&self, meta: &CallMeta) -> Result<Vec<List>, ApiError> {
        let mut all = Vec::new();
        for _ in 0..LIST_PAGES_MAX {
            let request = lists(self.version(), all.len() as u64, LISTS_PAGE);
            let (page, more) = self.call(&request, meta, decode_lists).await?.value;
            let last = page.is_empty() || !more;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
        Err(ApiError::new(
            ErrorKind::Unreadable,
            format!("HubSpot's list of lists does not end after {LIST_PAGES_MAX} pages"),
        ))
    }

    /// Makes a manual list of this object type (by type id). Never repeated after an unknown outcome.
    ///
    /// # Errors
    /// The last refusal or failure; kind `Unknown` means that it may have been made and must be looked for by its name.
    pub async fn create_list(&self, name: &str, type_id: &str, meta: &CallMeta) -> Result<List, ApiError> {
        let request = create_list(self.version(), name, type_id);
        Ok(self.call(&request, meta, decode_list).await?.value)
    }

    /// One page of the ids of a list's members, and where the next begins. A change made a moment ago may be missing
    /// (api.md 8.2).
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn list_members(
        &self,
        id: u64,
        after: Option<&str>,
        meta: &CallMeta,
    ) -> Result<(Vec<u64>, Option<String>), ApiError> {
        let request = list_members(self.version(), id, after);
        Ok(self.call(&request, meta, decode_members).await?.value)
    }

    /// Adds and removes up to [`MEMBERSHIPS_MAX`] members, together; nothing is sent when there are none. Repeated after
    /// lost answers, so that what the lost one added may be missing from `added`.
    ///
    /// # Errors
    /// The last refusal or failure: `NotFound` or `NoSuchPath` for a list that is gone, `Validation` for one with filters.
    pub async fn list_change(
        &self,
        id: u64,
        add: &[u64],
        remove: &[u64],
        meta: &CallMeta,
    ) -> Result<MembershipReply, ApiError> {
        if add.is_empty() && remove.is_empty() {
            return Ok(MembershipReply::default());
        }
        let request = list_change(self.version(), id, add, remove);
        let answer = self.call(&request, meta, decode_change).await?;
        Ok(MembershipReply { attempts: answer.attempts, correlation_id: answer.correlation_id, ..answer.value })
    }
}

#[cfg(test)]
#[path = "lists_tests.rs"]
mod tests;
