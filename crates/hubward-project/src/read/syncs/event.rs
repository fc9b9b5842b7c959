//! Event syncs: rows become occurrences of a custom event.

use super::{Common, target};
use hubward_core::spec::{ContactColumn, ContactKey, EventName, EventSubject, EventSync, SyncSpec};

use crate::grammar::{CONTACT_KEYS, EVENT_COLUMN, EVENT_CONTACT, EVENT_RECORD};
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
        let name = reader.text(node, "event")?.value;
        return Some(EventName::Name { name, at: reader.sink.location(node.span) });
    }
    let fields = reader.table(node, &EVENT_COLUMN)?;
    let node = fields.get("column")?;
    let column = reader.text(node, "column")?.value;
    Some(EventName::Column { column, at: reader.sink.location(node.span) })
}

fn contact(reader: &mut Reader<'_, '_>, node: &Node) -> Option<EventSubject> {
    let Kind::List(items) = &node.kind else {
        return contact_column(reader, node).map(|column| EventSubject::Contact { keys: vec![column] });
    };
    if items.is_empty() {
        let help = "write `by` and `column`, or a list of such pairs";
        reader.sink.error("empty-value", node.span, "`contact` names no way to find the contact", help);
        return None;
    }
    let mut keys: Vec<ContactColumn> = Vec::with_capacity(items.len());
    let mut whole = true;
    for item in items {
        match contact_column(reader, item) {
            Some(column) if keys.iter().any(|known| known.by == column.by) => {
                reader.sink.error(
                    "duplicate-key",
                    item.span,
                    "the contact is named twice in the same way",
                    "keep one column for each of email, id and utk",
                );
                whole = false;
            }
            Some(column) => keys.push(column),
            None => whole = false,
        }
    }
    whole.then_some(EventSubject::Contact { keys })
}

fn contact_column(reader: &mut Reader<'_, '_>, node: &Node) -> Option<ContactColumn> {
    let fields = reader.table(node, &EVENT_CONTACT)?;
    let by = fields.get("by").and_then(|node| reader.word(node, "by", &CONTACT_KEYS));
    let column = fields.get("column").and_then(|node| reader.text(node, "column"));
    let by = match CONTACT_KEYS[by?] {
        "email" => ContactKey::Email,
        "id" => ContactKey::Id,
        _ => ContactKey::Utk,
    };
    let at = reader.sink.location(node.span);
    Some(ContactColumn { by, column: column?.value, at })
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
