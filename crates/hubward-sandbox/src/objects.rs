//! Owns the operations on one record and the list (api.md 3.1).

use std::borrow::Cow;

use crate::account::{Account, ObjectType, TypeAt};
use crate::answers::{Refusal, Reply, comma};
use crate::association_create::at_create;
use crate::associations;
use crate::call::{Call, select, select_history};
use crate::cardinality::Pending;
use crate::input::{self, ObjectInput};
use crate::record::PropertyAt;
use crate::render::{self, Extras};
use crate::rules::association_needed;
use crate::values;
use crate::write::{self, Writing};

/// Most records in one answer when past values are asked for (unverified, api.md 3.2).
pub(crate) const MOST_WITH_HISTORY: usize = 50;

/// A key's value in the form the index holds: e-mails trimmed and in lower case, others as they are.
pub(crate) fn key_value<'a>(object_type: &ObjectType, at: PropertyAt, raw: &'a str) -> Cow<'a, str> {
    if object_type.email == Some(at) { values::lower(raw.trim()) } else { Cow::Borrowed(raw) }
}

/// The record of a path's id, by record id or by `?idProperty`; a merged-away id leads to its survivor.
fn find(account: &Account, type_at: TypeAt, call: &Call<'_>) -> Result<u64, Refusal> {
    let object_type = &account.types[type_at];
    let text = call.param(1);
    if let Some(name) = call.query("idProperty") {
        let at = object_type.defined(name).filter(|at| object_type.is_unique(*at)).ok_or_else(|| {
            Refusal::validation(format!("Property {name} is not a unique identifier of object type {}", object_type.id))
        })?;
        return object_type.holder(at, &key_value(object_type, at, text)).ok_or_else(Refusal::not_found);
    }
    let id: u64 = text.parse().map_err(|_| {
        Refusal::new(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
            .context("id", vec![text.to_owned()])
    })?;
    object_type.surviving(id).ok_or_else(Refusal::not_found)
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: ObjectInput<'_> = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let writing = Writing { type_at, existing: None, version: call.version(), now_ms: call.now_ms };
    let changes =
        write::judge(&account, &writing, None, &wanted.properties, None).map_err(|flaw| flaw.refusal(&account))?;
    let links = match &wanted.associations {
        Some(wanted) => at_create(&account, call, type_at, wanted, &mut Pending::default())?,
        None => Vec::new(),
    };
    association_needed(&account, type_at, &links)?;
    let id = write::store(&mut account, &writing, &changes);
    associations::add_all(&mut account, (type_at, id), links);
    let shown = render::shown_after_write(&account.types[type_at], id, true, &changes, None);
    let mut out = Vec::with_capacity(1024);
    let warnings = render::warnings(&changes);
    let extras = Extras { warnings: &warnings, ..Extras::default() };
    render::record(&mut out, &account, type_at, id, &shown, &extras);
    let object_type = &account.types[type_at];
    Ok(Reply::json(201, out)
        .at(format!("https://api.hubapi.com{}/{id}", call.path.replace(call.param(0), &object_type.id))))
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let id = find(&account, type_at, call)?;
    let object_type = &account.types[type_at];
    if object_type.records[&id].archived_at_ms.is_some() != call.flag("archived") {
        return Err(Refusal::not_found());
    }
    let selection = select(object_type, call.list("properties").as_deref());
    let history = select_history(object_type, call.list("propertiesWithHistory").as_deref());
    let types = associated(&account, call)?;
    let mut out = Vec::with_capacity(1024);
    let extras = Extras { associations: types.as_deref(), history: history.as_deref(), ..Extras::default() };
    render::record(&mut out, &account, type_at, id, &selection, &extras);
    Ok(Reply::json(200, out))
}

fn associated(account: &Account, call: &Call<'_>) -> Result<Option<Vec<TypeAt>>, Refusal> {
    let Some(names) = call.list("associations") else {
        return Ok(None);
    };
    let mut types = Vec::new();
    for name in names {
        types.push(account.resolve(name)?);
    }
    Ok(Some(types))
}

pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let with_history = call.list("propertiesWithHistory");
    let most = if with_history.is_some() { MOST_WITH_HISTORY } else { 100 };
    let limit = call.page_limit(10, most)?;
    let archived = call.flag("archived");
    let after: u64 = call.query("after").map_or(Ok(0), |after| {
        after.parse().map_err(|_| Refusal::validation(format!("invalid after: {after} is no paging cursor of a list")))
    })?;
    let account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &account.types[type_at];
    let selection = select(object_type, call.list("properties").as_deref());
    let history = select_history(object_type, with_history.as_deref());
    let types = associated(&account, call)?;
    let extras = Extras { associations: types.as_deref(), history: history.as_deref(), ..Extras::default() };
    let mut out = Vec::with_capacity(limit * 500);
    out.extend_from_slice(b"{\"results\":[");
    let mut written = 0;
    let mut next = None;
    for (id, record) in object_type.records.range(after..) {
        if record.archived_at_ms.is_some() != archived {
            continue;
        }
        if written == limit {
            next = Some(*id);
            break;
        }
        comma(&mut out, written);
        written += 1;
        render::record(&mut out, &account, type_at, *id, &selection, &extras);
    }
    out.push(b']');
    if let Some(next) = next {
        out.extend_from_slice(b",\"paging\":");
        out.extend_from_slice(call.paging(&next.to_string()).to_string().as_bytes());
    }
    out.push(b'}');
    Ok(Reply::json(200, out))
}

pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: ObjectInput<'_> = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let id = find(&account, type_at, call)?;
    account.types[type_at].live(id).ok_or_else(Refusal::not_found)?;
    let writing = Writing { type_at, existing: Some(id), version: call.version(), now_ms: call.now_ms };
    let changes =
        write::judge(&account, &writing, None, &wanted.properties, None).map_err(|flaw| flaw.refusal(&account))?;
    write::store(&mut account, &writing, &changes);
    let shown = render::shown_after_write(&account.types[type_at], id, false, &changes, None);
    let mut out = Vec::with_capacity(1024);
    let warnings = render::warnings(&changes);
    let extras = Extras { warnings: &warnings, ..Extras::default() };
    render::record(&mut out, &account, type_at, id, &shown, &extras);
    Ok(Reply::json(200, out))
}

/// A second `DELETE` of the same id is 204 too (unverified, api.md 3.10).
pub(crate) fn archive(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let id = find(&account, type_at, call)?;
    account.archive(type_at, id, call.now_ms);
    Ok(Reply::empty(204))
}
