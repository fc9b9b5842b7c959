//! Owns the reading of what occurred (api.md 9.4): only what belongs to a record that is there, and only once it has been
//! processed.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply, comma, write_str};
use crate::call::Call;
use crate::clock::iso;
use crate::event_input::time_ms;
use crate::objects::key_value;
use crate::occurrences::Occurrence;
use crate::sandbox::Inner;

const MOST_PAGE: usize = 1_000;
const PAGE: usize = 100;

/// Events that have been defined, by their full names.
pub(crate) fn types(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let live = account.events.definitions.iter().filter(|definition| !definition.deleted);
    let names: Vec<&str> = live.map(|definition| &*definition.full_name).collect();
    Ok(Reply::of(200, &serde_json::json!({ "eventTypes": names })))
}

/// What a query asks for; `None` asks for nothing.
struct Wanted<'a> {
    definition: Option<usize>,
    object_type: Option<TypeAt>,
    /// The records that may have done it.
    records: Option<Vec<u64>>,
    after_ms: Option<i64>,
    before_ms: Option<i64>,
    properties: Vec<(&'a str, &'a str)>,
}

fn invalid(name: &str, value: &str) -> Refusal {
    Refusal::validation(format!("invalid {name}: {value}"))
}

fn time(call: &Call<'_>, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(text) = call.query(name) else {
        return Ok(None);
    };
    time_ms(text).map(Some).ok_or_else(|| invalid(name, text))
}

impl<'a> Wanted<'a> {
    /// `None` when nothing can fit.
    fn of(account: &Account, call: &'a Call<'_>) -> Result<Option<Wanted<'a>>, Refusal> {
        let definition = match call.query("eventType") {
            Some(name) => match account.events.definitions.iter().position(|own| own.full_name == name) {
                Some(at) => Some(at),
                None => return Ok(None),
            },
            None => None,
        };
        let object_type = match call.query("objectType") {
            Some(name) => Some(account.resolve(name)?),
            None => None,
        };
        let mut records: Option<Vec<u64>> = None;
        if let Some(text) = call.query("objectId") {
            let Some(at) = object_type else {
                return Err(Refusal::validation("objectId needs an objectType"));
            };
            let id: u64 = text.parse().map_err(|_| invalid("objectId", text))?;
            records = Some(account.types[at].surviving(id).into_iter().collect());
        }
        let mut properties = Vec::new();
        for (key, value) in call.query {
            if let Some(name) = key.strip_prefix("property.") {
                properties.push((name, &**value));
            } else if let Some(name) = key.strip_prefix("objectProperty.") {
                let Some(type_at) = object_type else {
                    return Err(Refusal::validation("objectProperty needs an objectType"));
                };
                let found = holders(account, type_at, name, value)?;
                let held: Vec<u64> = match records.take() {
                    Some(earlier) => found.into_iter().filter(|id| earlier.contains(id)).collect(),
                    None => found,
                };
                records = Some(held);
            }
        }
        Ok(Some(Wanted {
            definition,
            object_type,
            records,
            after_ms: time(call, "occurredAfter")?,
            before_ms: time(call, "occurredBefore")?,
            properties,
        }))
    }

    /// Both bounds of time are left out of what they bound.
    fn fits(&self, account: &Account, one: &Occurrence) -> bool {
        self.definition.is_none_or(|at| at == one.definition())
            && self.object_type.is_none_or(|at| at == account.events.definitions[one.definition()].primary)
            && self.after_ms.is_none_or(|ms| one.occurred_ms > ms)
            && self.before_ms.is_none_or(|ms| one.occurred_ms < ms)
            && (self.properties.is_empty() || {
                let held = values(one);
                self.properties.iter().all(|(name, value)| held.get(name).is_some_and(|held| text(held) == *value))
            })
    }
}

/// Records with a value of a property.
fn holders(account: &Account, type_at: TypeAt, name: &str, value: &str) -> Result<Vec<u64>, Refusal> {
    let object_type = &account.types[type_at];
    let at = object_type.defined(name).ok_or_else(|| invalid("objectProperty", name))?;
    if object_type.is_unique(at) {
        return Ok(object_type.holder(at, &key_value(object_type, at, value)).into_iter().collect());
    }
    let held = object_type.records.iter().filter(|(_, record)| record.get(at) == Some(value));
    Ok(held.map(|(id, _)| *id).collect())
}

/// Properties of an occurrence, each value still in JSON.
fn values(one: &Occurrence) -> BTreeMap<&str, &RawValue> {
    serde_json::from_str(one.text.properties()).expect("it was written as an object of strings")
}

fn text(value: &RawValue) -> String {
    serde_json::from_str(value.get()).expect("it was written as a string")
}

/// The record of an occurrence that the read API may show: there, after merges too, and processed.
fn record(account: &Account, one: &Occurrence, now_ms: i64) -> Option<u64> {
    let id = one.record().filter(|_| one.readable_ms <= now_ms)?;
    let object_type = &account.types[account.events.definitions[one.definition()].primary];
    object_type.surviving(id)
}

/// Newest first unless `sort` says otherwise; a cursor names the last one shown by its time and position.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let limit = call.page_limit(PAGE, MOST_PAGE)?;
    if let Some(before) = call.query("before") {
        return Err(Refusal::validation(format!("invalid before: {before} (the sandbox pages forward only)")));
    }
    let ascending = match call.query("sort") {
        None | Some("-occurredAt") => false,
        Some("occurredAt") => true,
        Some(other) => return Err(invalid("sort", other)),
    };
    let cursor = match call.query("after") {
        Some(after) => Some(cursor(after).ok_or_else(|| invalid("after", after))?),
        None => None,
    };
    let account = call.account();
    let all = account.events.occurrences.all();
    let mut found: Vec<(i64, usize)> = Vec::new();
    if let Some(wanted) = Wanted::of(&account, call)? {
        let mut consider = |at: usize| {
            let one = &all[at];
            let Some(id) = record(&account, one, call.now_ms) else {
                return;
            };
            let who = wanted.records.as_ref().is_none_or(|records| records.contains(&id));
            if who && wanted.fits(&account, one) {
                found.push((one.occurred_ms, at));
            }
        };
        match call.list("id") {
            Some(ids) => {
                let events = &account.events;
                let many = ids.iter().flat_map(|id| (0..events.definitions.len()).map(move |at| (at, id)));
                many.flat_map(|(at, id)| events.occurrences.of_id(at, id)).for_each(&mut consider);
            }
            None => (0..all.len()).for_each(consider),
        }
    }
    found.sort_unstable();
    found.dedup();
    if !ascending {
        found.reverse();
    }
    if let Some(last) = cursor {
        found.retain(|one| if ascending { *one > last } else { *one < last });
    }
    let shown = call.list("properties");
    let mut out = Vec::with_capacity(found.len().min(limit) * 300 + 64);
    out.extend_from_slice(b"{\"results\":[");
    for (place, (_, at)) in found.iter().take(limit).enumerate() {
        comma(&mut out, place);
        write(&mut out, &account, &all[*at], shown.as_deref());
    }
    out.push(b']');
    if found.len() > limit
        && let Some((ms, at)) = found.get(limit - 1)
    {
        out.extend_from_slice(b",\"paging\":");
        out.extend_from_slice(call.paging(&format!("{ms}_{at}")).to_string().as_bytes());
    }
    out.push(b'}');
    Ok(Reply::json(200, out))
}

fn cursor(text: &str) -> Option<(i64, usize)> {
    let (ms, at) = text.split_once('_')?;
    Some((ms.parse().ok()?, at.parse().ok()?))
}

fn write(out: &mut Vec<u8>, account: &Account, one: &Occurrence, shown: Option<&[&str]>) {
    let definition = &account.events.definitions[one.definition()];
    let object_type = &account.types[definition.primary];
    let id = one.record().and_then(|id| object_type.surviving(id)).unwrap_or_default();
    out.extend_from_slice(b"{\"id\":");
    write_str(out, one.text.id());
    out.extend_from_slice(b",\"eventType\":");
    write_str(out, &definition.full_name);
    out.extend_from_slice(b",\"objectType\":");
    write_str(out, &object_type.shouted());
    out.extend_from_slice(
        format!(",\"objectId\":\"{id}\",\"occurredAt\":\"{}\",\"properties\":", iso(one.occurred_ms)).as_bytes(),
    );
    match shown {
        None => out.extend_from_slice(one.text.properties().as_bytes()),
        Some(names) => {
            let mut held = values(one);
            held.retain(|name, _| names.contains(name));
            serde_json::to_writer(&mut *out, &held).expect("values of JSON are JSON");
        }
    }
    out.push(b'}');
}

/// Everything that was sent and stored, in that order, whether processed or not: what the control API shows.
pub(crate) fn control(inner: &Inner, after: u64, limit: usize) -> Vec<u8> {
    let account = inner.account();
    let all = account.events.occurrences.all();
    let begin = usize::try_from(after).unwrap_or(usize::MAX).min(all.len());
    let page = &all[begin..all.len().min(begin.saturating_add(limit))];
    let texts: usize = page.iter().map(|one| one.text.len()).sum();
    let mut out = Vec::with_capacity(texts + page.len() * 200 + 32);
    out.extend_from_slice(b"{\"results\":[");
    for (place, one) in page.iter().enumerate() {
        comma(&mut out, place);
        let definition = &account.events.definitions[one.definition()];
        out.extend_from_slice(format!("{{\"seq\":{},\"eventName\":", begin + place + 1).as_bytes());
        write_str(&mut out, &definition.full_name);
        out.push(b',');
        out.extend_from_slice(one.text.identity().as_bytes());
        out.extend_from_slice(format!(",\"occurredAt\":\"{}\",\"uuid\":", iso(one.occurred_ms)).as_bytes());
        match one.id_was_sent {
            true => write_str(&mut out, one.text.id()),
            false => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"properties\":");
        out.extend_from_slice(one.text.properties().as_bytes());
        match one.record().and_then(|id| account.types[definition.primary].surviving(id)) {
            Some(id) => out.extend_from_slice(format!(",\"record\":\"{id}\"}}").as_bytes()),
            None => out.extend_from_slice(b",\"record\":null}"),
        }
    }
    out.extend_from_slice(b"]}");
    out
}
