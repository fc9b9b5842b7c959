//! Event syncs: rows become occurrences of a custom event.

use super::{Common, target};
use crate::grammar::{CONTACT_KEYS, EVENT_COLUMN, EVENT_CONTACT, EVENT_RECORD};
use crate::project::{ContactKey, EventName, EventSubject, EventSync, SyncSpec};
use crate::read::fields::Fields;
use crate::read::{Reader, mapping};
use crate::yaml::{Kind, Node};

pub(super) fn read(reader: &mut Reader<'_, '_>, common: Common, fields: &Fields<'_>) -> Option<SyncSpec> {
    let event = target(reader, fields).and_then(|to| to.get("event")).and_then(|node| event_name(reader, node));
    let occurred_at = match fields.get("occurred_at") {
        Some(node) => reader.text(node, "occurred_at").map(|text| Some(text.value)),
        None => Some(None),
    };
    let contact = fields.get("contact").map(|node| contact(reader, node));
    let record = fields.get("record").map(|node| record(reader, node));
    let map = match fields.get("map") {
        Some(node) if matches!(node.kind, Kind::Map(_)) => mapping::event_map(reader, node),
        Some(node) => {
            reader.named(node, "map", "duplicate-property", "property");
            None
        }
        None => Some(Vec::new()),
    };
    Some(SyncSpec::Event(EventSync {
        name: common.name?,
        model: common.model?,
        event: event?,
        occurred_at: occurred_at?,
        subject: contact.or(record)??,
        map: map?,
        after: common.after?,
        at: reader.sink.location(common.at),
    }))
}

fn event_name(reader: &mut Reader<'_, '_>, node: &Node) -> Option<EventName> {
    if !matches!(node.kind, Kind::Map(_)) {
        return reader.text(node, "event").map(|text| EventName::Name(text.value));
    }
    let fields = reader.table(node, &EVENT_COLUMN)?;
    let column = reader.text(fields.get("column")?, "column")?;
    Some(EventName::Column(column.value))
}

fn contact(reader: &mut Reader<'_, '_>, node: &Node) -> Option<EventSubject> {
    let fields = reader.table(node, &EVENT_CONTACT)?;
    let by = fields.get("by").and_then(|node| reader.word(node, "by", &CONTACT_KEYS));
    let column = fields.get("column").and_then(|node| reader.text(node, "column"));
    let by = match CONTACT_KEYS[by?] {
        "email" => ContactKey::Email,
        "id" => ContactKey::Id,
        _ => ContactKey::Utk,
    };
    let at = reader.sink.location(node.span);
    Some(EventSubject::Contact { by, column: column?.value, at })
}

fn record(reader: &mut Reader<'_, '_>, node: &Node) -> Option<EventSubject> {
    let fields = reader.table(node, &EVENT_RECORD)?;
    let object = fields.get("object").and_then(|node| reader.text(node, "object"));
    let by = fields.get("by").and_then(|node| reader.word(node, "by", &["id"]));
    let column = fields.get("column").and_then(|node| reader.text(node, "column"));
    by?;
    let at = reader.sink.location(node.span);
    Some(EventSubject::Record { object: object?.value, column: column?.value, at })
}
