//! Owns requests that read and change who is in a list, and in which lists a record is (api.md 8.1, 8.2).

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply, comma};
use crate::batch::MOST_INPUTS;
use crate::call::Call;
use crate::clock::iso;
use crate::input::{self, Text};
use crate::list_api::{find, find_mut};
use crate::list_roll::{From, Member, Order, Place};
use crate::lists::{Processing, type_by_id};

const DEFAULT_PAGE: usize = 100;
/// Most members of one page `[SPEC]`.
const MOST_PAGE: usize = 250;

pub(crate) fn page_by_id(call: &Call<'_>) -> Result<Reply, Refusal> {
    page(call, Order::Id)
}

pub(crate) fn page_by_time(call: &Call<'_>) -> Result<Reply, Refusal> {
    page(call, Order::Joined)
}

/// A cursor: when and who. Clients take it as it is.
fn place(cursor: &str) -> Result<Place, Refusal> {
    let parts = cursor.split_once('-').and_then(|(ms, id)| Some((ms.parse().ok()?, id.parse().ok()?)));
    parts.ok_or_else(|| Refusal::validation(format!("invalid offset: {cursor} is no paging cursor of memberships")))
}

/// Ascending from the start or behind `after`; with `before` alone descending `[SPEC]`.
fn page(call: &Call<'_>, order: Order) -> Result<Reply, Refusal> {
    let limit = call.page_limit(DEFAULT_PAGE, MOST_PAGE)?;
    let from = match (call.query("after"), call.query("before")) {
        (Some(after), _) => From::After(place(after)?),
        (None, Some(before)) => From::Before(place(before)?),
        (None, None) => From::Start,
    };
    let mut account = call.account();
    let members = find_mut(&mut account, call.param(0))?.members.seen(call.now_ms);
    let (found, more) = members.page(order, from, limit);
    let mut out = Vec::with_capacity(found.len() * 80 + 200);
    out.extend_from_slice(format!("{{\"total\":{},\"results\":[", members.len()).as_bytes());
    for (at, (id, member)) in found.iter().enumerate() {
        comma(&mut out, at);
        let time = iso(member.joined_ms);
        out.extend_from_slice(format!("{{\"recordId\":\"{id}\",\"membershipTimestamp\":\"{time}\"}}").as_bytes());
    }
    out.push(b']');
    let cursor = |at: Option<&(u64, Member)>| at.map(|(id, it)| format!("{}-{id}", it.joined_ms));
    let (first, last) = (cursor(found.first()), cursor(found.last()));
    let (next, previous) = match from {
        From::Start => (last.filter(|_| more), None),
        From::After(_) => (last.filter(|_| more), first),
        From::Before(_) => (first, last.filter(|_| more)),
    };
    let mut paging = serde_json::Map::new();
    if let Some(after) = next {
        paging.extend(call.paging(&after).as_object().cloned().unwrap_or_default());
    }
    if let Some(before) = previous {
        paging.insert("prev".to_owned(), json!({ "before": before }));
    }
    if !paging.is_empty() {
        out.extend_from_slice(b",\"paging\":");
        out.extend_from_slice(Value::Object(paging).to_string().as_bytes());
    }
    out.push(b'}');
    Ok(Reply::json(200, out))
}

fn ids(texts: &[Text<'_>]) -> Result<Vec<u64>, Refusal> {
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        let text = text.as_str();
        all.push(text.parse().map_err(|_| {
            Refusal::bare(
                400,
                format!(
                    "Invalid input JSON on line 1, column 1: Cannot deserialize value of type `long` from String {text:?}"
                ),
            )
        })?);
    }
    Ok(all)
}

pub(crate) fn add(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Vec<Text<'_>> = input::parse(call.body)?;
    change(call, &ids(&wanted)?, &[])
}

pub(crate) fn remove(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Vec<Text<'_>> = input::parse(call.body)?;
    change(call, &[], &ids(&wanted)?)
}

pub(crate) fn add_and_remove(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wanted<'a> {
        #[serde(borrow, default)]
        record_ids_to_add: Vec<Text<'a>>,
        #[serde(borrow, default)]
        record_ids_to_remove: Vec<Text<'a>>,
    }
    let wanted: Wanted<'_> = input::parse(call.body)?;
    change(call, &ids(&wanted.record_ids_to_add)?, &ids(&wanted.record_ids_to_remove)?)
}

/// The list, if requests may change its members.
fn writable<'a>(account: &'a mut Account, id: &str) -> Result<&'a mut crate::lists::List, Refusal> {
    let snapshots = account.settings.snapshot_lists_take_members;
    let list = find_mut(account, id)?;
    let takes = match list.processing {
        Processing::Manual => true,
        Processing::Dynamic => false,
        Processing::Snapshot => snapshots,
    };
    if !takes {
        let word = list.processing.word();
        return Err(Refusal::validation(format!("Cannot operate manually on list {id}: its processingType is {word}")));
    }
    Ok(list)
}

/// Which of the ids are records that a list of the type may hold, each once; the others are `missing`, each once.
fn sorted_out(account: &Account, type_at: TypeAt, ids: &[u64], missing: &mut Vec<u64>) -> Vec<u64> {
    let object_type = &account.types[type_at];
    let mut seen = HashSet::with_capacity(ids.len());
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let id = match object_type.surviving(*id) {
            Some(survivor) if account.settings.list_resolves_merged_ids => survivor,
            _ => *id,
        };
        if !seen.insert(id) {
            continue;
        }
        match object_type.live(id) {
            Some(_) => found.push(id),
            None => missing.push(id),
        }
    }
    found
}

/// Adds, then removes. Ids that are members already, or were none, are passed over; unknown and archived ones are missing.
fn change(call: &Call<'_>, to_add: &[u64], to_remove: &[u64]) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let account = &mut *account;
    let id = call.param(0);
    let type_at = writable(account, id)?.type_at;
    if let Some(most) = account.settings.list_membership_ids {
        input::at_most(to_add.len() + to_remove.len(), most)?;
    }
    let mut missing = Vec::new();
    let to_add = sorted_out(account, type_at, to_add, &mut missing);
    let to_remove = sorted_out(account, type_at, to_remove, &mut missing);
    let list = writable(account, id)?;
    let mut added = Vec::with_capacity(to_add.len());
    for one in to_add {
        if list.members.add(one, call.now_ms) {
            added.push(one);
        }
    }
    let mut removed = Vec::with_capacity(to_remove.len());
    for one in to_remove {
        if list.members.remove(one, call.now_ms) {
            removed.push(one);
        }
    }
    let mut out = Vec::with_capacity((added.len() + removed.len() + missing.len()) * 12 + 100);
    out.push(b'{');
    // the first one's spelling is HubSpot's `[SPEC]`
    let parts = [("recordsIdsAdded", added), ("recordIdsRemoved", removed), ("recordIdsMissing", missing)];
    let mut written = 0;
    for (name, mut ids) in parts {
        if ids.is_empty() && account.settings.list_answers_omit_empty {
            continue;
        }
        comma(&mut out, written);
        written += 1;
        // HubSpot answers with sets
        account.random.disorder(&mut ids);
        out.extend_from_slice(format!("\"{name}\":[").as_bytes());
        for (at, id) in ids.iter().enumerate() {
            comma(&mut out, at);
            out.extend_from_slice(format!("\"{id}\"").as_bytes());
        }
        out.push(b']');
    }
    out.push(b'}');
    Ok(Reply::json(200, out))
}

/// The members of another list, of any processing type, that has fewer than so many `[SPEC]`.
pub(crate) fn add_from(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let most = account.settings.list_bulk_members;
    let type_at = writable(&mut account, call.param(0))?.type_at;
    let source = find(&account, call.param(1))?;
    if source.id.to_string() == call.param(0) {
        return Err(Refusal::validation("The source list and the destination list must be different"));
    }
    if source.type_at != type_at {
        return Err(Refusal::validation("The source list and the destination list must hold objects of the same type"));
    }
    few_enough(source.members.roll().len(), most)?;
    let ids: Vec<u64> = source.members.roll().ids().collect();
    let list = writable(&mut account, call.param(0))?;
    for id in ids {
        list.members.add(id, call.now_ms);
    }
    Ok(Reply::empty(204))
}

fn few_enough(members: usize, most: usize) -> Result<(), Refusal> {
    if members < most {
        return Ok(());
    }
    Err(Refusal::validation(format!("Only lists with less than {most} memberships are supported; this has {members}")))
}

pub(crate) fn clear(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let most = account.settings.list_bulk_members;
    let list = writable(&mut account, call.param(0))?;
    few_enough(list.members.roll().len(), most)?;
    list.members.clear(call.now_ms);
    Ok(Reply::empty(204))
}

fn record(account: &Account, type_id: &str, id: &str) -> Result<(TypeAt, u64), Refusal> {
    let type_at = type_by_id(account, type_id)
        .ok_or_else(|| Refusal::bare(400, format!("Unable to infer object type from: {type_id}")))?;
    let id = id.parse().ok().filter(|id| account.types[type_at].live(*id).is_some());
    Ok((type_at, id.ok_or_else(Refusal::not_found)?))
}

fn lists_of(account: &Account, (type_at, id): (TypeAt, u64)) -> Vec<Value> {
    let mut all = Vec::new();
    for list in account.lists.live().filter(|list| list.type_at == type_at) {
        if let Some(member) = list.members.roll().get(id) {
            all.push(json!({
                "listId": list.id.to_string(),
                "listVersion": list.version,
                "firstAddedTimestamp": iso(member.first_ms),
                "lastAddedTimestamp": iso(member.joined_ms),
                "isPublicList": true,
            }));
        }
    }
    all
}

pub(crate) fn of_record(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let results = lists_of(&account, record(&account, call.param(0), call.param(1))?);
    Ok(Reply::of(200, &json!({ "total": results.len(), "results": results })))
}

/// Unknown records are named in `errors`, those of one type in one entry.
pub(crate) fn of_records(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wanted<'a> {
        #[serde(borrow)]
        object_type_id: Text<'a>,
        #[serde(borrow)]
        record_id: Text<'a>,
    }
    let wanted: input::Batch<Wanted<'_>> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), MOST_INPUTS)?;
    let account = call.account();
    let mut results = Vec::new();
    let mut unknown: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in &wanted.inputs {
        let (type_id, id) = (one.object_type_id.as_str(), one.record_id.as_str());
        match record(&account, type_id, id) {
            Ok(found) => results.push(json!({
                "objectTypeId": type_id, "recordId": id, "recordListMemberships": lists_of(&account, found),
            })),
            Err(_) => unknown.entry(type_id).or_default().push(id.to_owned()),
        }
    }
    let errors: Vec<Refusal> = unknown
        .into_iter()
        .map(|(type_id, ids)| {
            let message = format!("Could not get some {type_id} objects, they may be deleted or not exist.");
            Refusal::new(404, "OBJECT_NOT_FOUND", message).context("ids", ids)
        })
        .collect();
    let now = iso(call.now_ms);
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"status\":\"COMPLETE\",\"results\":");
    out.extend_from_slice(Value::Array(results).to_string().as_bytes());
    if !errors.is_empty() {
        out.extend_from_slice(format!(",\"numErrors\":{},\"errors\":[", errors.len()).as_bytes());
        for (at, error) in errors.iter().enumerate() {
            comma(&mut out, at);
            error.write(&mut out, None);
        }
        out.push(b']');
    }
    out.extend_from_slice(format!(",\"startedAt\":\"{now}\",\"completedAt\":\"{now}\"}}").as_bytes());
    Ok(Reply::json(if errors.is_empty() { 200 } else { 207 }, out))
}
