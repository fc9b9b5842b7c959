//! Owns how a record looks in an answer (api.md 3.2). Written straight to bytes: most of a batch answer is records.

use crate::account::{Account, ObjectType, TypeAt};
use crate::answers::{comma, write_str};
use crate::association_types::between;
use crate::clock::iso;
use crate::input::Text;
use crate::record::PropertyAt;
use crate::write::Change;

/// What an answer to a write adds to the record.
#[derive(Default)]
pub(crate) struct Extras<'a> {
    pub(crate) new: Option<bool>,
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) warnings: &'a [Warning<'a>],
    /// Types whose associations are asked for.
    pub(crate) associations: Option<&'a [TypeAt]>,
    /// Properties whose past values are asked for.
    pub(crate) history: Option<&'a [PropertyAt]>,
}

/// A value that 2026-09 normalised (api.md 3.8).
pub(crate) struct Warning<'a> {
    pub(crate) property: PropertyAt,
    pub(crate) raw: &'a str,
    pub(crate) normalized: String,
}

/// The warnings of one write.
pub(crate) fn warnings<'a>(changes: &[Change<'a>]) -> Vec<Warning<'a>> {
    let mut all = Vec::new();
    for change in changes {
        if let Some(raw) = change.normalized_from {
            all.push(Warning {
                property: change.at,
                raw,
                normalized: change.value.as_deref().unwrap_or_default().to_owned(),
            });
        }
    }
    all
}

/// The properties that a write's answer shows: everything after a create; after an update what changed and what HubSpot
/// fills in `[LIVE-AMP]`; an upsert's key always.
pub(crate) fn shown_after_write(
    object_type: &ObjectType,
    id: u64,
    created: bool,
    changes: &[Change<'_>],
    key: Option<PropertyAt>,
) -> Vec<PropertyAt> {
    let mut shown: Vec<PropertyAt> = Vec::with_capacity(24);
    if created {
        if let Some(record) = object_type.records.get(&id) {
            shown.extend(record.values.iter().map(|(at, _)| *at));
        }
        add(&mut shown, &object_type.in_answers);
    } else {
        shown.extend(changes.iter().map(|change| change.at));
        for at in &object_type.in_answers {
            if object_type.property(*at).computed.is_some() {
                add(&mut shown, &[*at]);
            }
        }
    }
    if let Some(key) = key {
        add(&mut shown, &[key]);
    }
    shown
}

fn add(shown: &mut Vec<PropertyAt>, more: &[PropertyAt]) {
    for at in more {
        if !shown.contains(at) {
            shown.push(*at);
        }
    }
}

/// Writes one record. A property without a value is `null`.
pub(crate) fn record(
    out: &mut Vec<u8>,
    account: &Account,
    type_at: TypeAt,
    id: u64,
    properties: &[PropertyAt],
    extras: &Extras<'_>,
) {
    let object_type = &account.types[type_at];
    let Some(record) = object_type.records.get(&id) else {
        return;
    };
    let id_text = id.to_string();
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(id_text.as_bytes());
    out.extend_from_slice(b"\",\"properties\":{");
    for (at, property) in properties.iter().enumerate() {
        comma(out, at);
        write_str(out, &object_type.property(*property).name);
        out.push(b':');
        match object_type.value(id, record, &record.values, record.updated_ms, *property) {
            Some(value) => write_str(out, &value),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
    if let Some(asked) = extras.history {
        history(out, account, type_at, id, asked);
    }
    if let Some(types) = extras.associations {
        associations(out, account, type_at, id, types);
    }
    out.extend_from_slice(b",\"createdAt\":\"");
    out.extend_from_slice(iso(record.created_ms).as_bytes());
    out.extend_from_slice(b"\",\"updatedAt\":\"");
    out.extend_from_slice(iso(record.updated_ms).as_bytes());
    out.extend_from_slice(if record.archived_at_ms.is_some() {
        b"\",\"archived\":true"
    } else {
        b"\",\"archived\":false"
    });
    if let Some(at_ms) = record.archived_at_ms {
        out.extend_from_slice(b",\"archivedAt\":\"");
        out.extend_from_slice(iso(at_ms).as_bytes());
        out.push(b'"');
    }
    let url = format!(
        ",\"url\":\"https://app.hubspot.com/contacts/{}/record/{}/{id_text}\"",
        account.portal_id, object_type.id
    );
    out.extend_from_slice(url.as_bytes());
    if let Some(new) = extras.new {
        out.extend_from_slice(if new { b",\"new\":true" } else { b",\"new\":false" });
    }
    if let Some(trace_id) = extras.trace_id {
        out.extend_from_slice(b",\"objectWriteTraceId\":");
        write_str(out, trace_id);
    }
    if !extras.warnings.is_empty() {
        out.extend_from_slice(b",\"warnings\":[");
        for (at, warning) in extras.warnings.iter().enumerate() {
            comma(out, at);
            let name = &object_type.property(warning.property).name;
            let value = serde_json::json!({
                "category": "PROPERTY_VALUE_NORMALIZED",
                "message": format!("{name} was normalized"),
                "context": { "propertyName": name, "rawValue": warning.raw, "normalizedValue": warning.normalized },
            });
            out.extend_from_slice(value.to_string().as_bytes());
        }
        out.push(b']');
    }
    out.push(b'}');
}

/// What HubSpot fills in has one entry, as of its last change.
fn history(out: &mut Vec<u8>, account: &Account, type_at: TypeAt, id: u64, asked: &[PropertyAt]) {
    let object_type = &account.types[type_at];
    let Some(record) = object_type.records.get(&id) else {
        return;
    };
    out.extend_from_slice(b",\"propertiesWithHistory\":{");
    for (at, property) in asked.iter().enumerate() {
        comma(out, at);
        write_str(out, &object_type.property(*property).name);
        out.extend_from_slice(b":[");
        let mut past = record.past(*property);
        let filled = object_type.value(id, record, &record.values, record.updated_ms, *property);
        if past.is_empty()
            && let Some(value) = &filled
        {
            past.push((value, record.updated_ms));
        }
        for (at, (value, since)) in past.iter().enumerate() {
            comma(out, at);
            out.extend_from_slice(b"{\"value\":");
            write_str(out, value);
            let source = format!(
                ",\"timestamp\":\"{}\",\"sourceType\":\"INTEGRATION\",\"sourceId\":\"sandbox\",\"sourceLabel\":\"sandbox\"}}",
                iso(*since)
            );
            out.extend_from_slice(source.as_bytes());
        }
        out.push(b']');
    }
    out.push(b'}');
}

/// Most associated records of one type inside a record; `paging` leads to the rest. The number is that of the associations
/// API, none is stated here.
const MOST_ASSOCIATED: usize = 500;

fn associations(out: &mut Vec<u8>, account: &Account, type_at: TypeAt, id: u64, types: &[TypeAt]) {
    let mut written = 0;
    for to in types {
        if account.associations.count((type_at, id), *to, None) == 0 {
            continue;
        }
        out.extend_from_slice(if written == 0 { b",\"associations\":{" } else { b"," });
        written += 1;
        let (from_type, to_type) = (&account.types[type_at], &account.types[*to]);
        let definitions = between(account, type_at, *to);
        write_str(out, &to_type.plural);
        out.extend_from_slice(b":{\"results\":[");
        let mut entries = 0;
        let mut next = None;
        for (at, (other, tags)) in account.associations.of((type_at, id), *to, 0).enumerate() {
            if at == MOST_ASSOCIATED {
                next = Some(other);
                break;
            }
            for kind in [definitions[0].kind].into_iter().chain(tags.iter().map(|tag| tag.kind)) {
                comma(out, entries);
                entries += 1;
                let name = kind.v3_name(&from_type.singular, &to_type.singular);
                out.extend_from_slice(format!("{{\"id\":\"{other}\",\"type\":\"{name}\"}}").as_bytes());
            }
        }
        out.push(b']');
        if let Some(next) = next {
            let link = format!(
                "https://api.hubapi.com/crm/v4/objects/{}/{id}/associations/{}?after={next}",
                from_type.id, to_type.id
            );
            out.extend_from_slice(
                format!(",\"paging\":{{\"next\":{{\"after\":\"{next}\",\"link\":\"{link}\"}}}}").as_bytes(),
            );
        }
        out.push(b'}');
    }
    if written > 0 {
        out.push(b'}');
    }
}

/// A trace id's text, when there is one.
pub(crate) fn trace<'a>(trace_id: Option<&'a Text<'_>>) -> Option<&'a str> {
    trace_id.map(Text::as_str)
}
