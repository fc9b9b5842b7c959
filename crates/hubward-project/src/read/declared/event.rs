//! `events:` of `schema:`: custom events with their properties. Held to HubSpot's rules for them (api.md 9.2, 9.3); whether a
//! custom object type that one happens to exists is not known here.

use hubward_core::PropertyType;
use hubward_core::declared::{
    DeclaredEvent, DeclaredEventProperty, EVENT_LABEL_MAX, EVENT_NAME_MAX, EVENT_OBJECTS, EVENT_PROPERTIES_MAX,
    EVENT_PROPERTY_LABEL_MAX,
};
use hubward_core::object_types::standard;

use super::property::{optional, options_of};
use super::{label_of, once, short_name};
use crate::grammar::{DECLARED_EVENT, DECLARED_EVENT_PROPERTY, EVENTS, PROPERTY_TYPES};
use crate::read::fields::Fields;
use crate::read::{Declared, Reader};
use crate::sink::quoted;
use crate::yaml::{Key, Kind, Node};

/// The object type of an event that names none, as HubSpot has it (api.md 9.3).
const DEFAULT_OBJECT: &str = "contacts";

/// A map of events.
pub(super) fn events(reader: &mut Reader<'_, '_>, node: &Node) {
    for (key, value) in reader.named(node, EVENTS, "duplicate-name", "the event") {
        if once(reader.sink, &reader.read.event_names, key, "event") {
            reader.read.event_names.push(Declared { name: key.text.clone(), span: key.span });
        }
        let good = short_name(reader, key, "a custom event", EVENT_NAME_MAX);
        let Some(fields) = reader.table(value, &DECLARED_EVENT) else { continue };
        if let Some(event) = event(reader, key, &fields)
            && good
        {
            reader.read.schema.events.push(event);
        }
    }
}

fn event(reader: &mut Reader<'_, '_>, key: &Key, fields: &Fields<'_>) -> Option<DeclaredEvent> {
    let at = reader.sink.location(key.span);
    let label = label(reader, key, fields, EVENT_LABEL_MAX);
    let description = optional(reader, fields, "description");
    let object = match fields.get("object") {
        Some(node) => object(reader, node),
        None => Some((DEFAULT_OBJECT.to_owned(), at.clone())),
    };
    let default_properties = match fields.get("default_properties") {
        Some(node) => reader.flag(node, "default_properties"),
        None => Some(true),
    };
    let properties = match fields.get("properties") {
        Some(node) => properties(reader, node),
        None => Some(Vec::new()),
    };
    let (object, object_at) = object?;
    Some(DeclaredEvent {
        name: key.text.clone(),
        label: label?,
        description: description?,
        object,
        object_at,
        properties: properties?,
        default_properties: default_properties?,
        at,
    })
}

/// A label, made from the name where there is none.
fn label(reader: &mut Reader<'_, '_>, key: &Key, fields: &Fields<'_>, most: usize) -> Option<String> {
    let Some(node) = fields.get("label") else { return Some(label_of(&key.text)) };
    let text = reader.text(node, "label")?;
    let length = text.value.chars().count();
    if length > most {
        reader.sink.error(
            "schema-event",
            text.span,
            format!("the label has {length} characters, and HubSpot takes at most {most}"),
            "shorten it; `description` may say more",
        );
        return None;
    }
    Some(text.value)
}

/// The object type: of the standard ones HubSpot takes four.
fn object(reader: &mut Reader<'_, '_>, node: &Node) -> Option<(String, hubward_core::spec::Location)> {
    let text = reader.text(node, "object")?;
    if let Some((_, id)) = standard(&text.value)
        && EVENT_OBJECTS.iter().all(|(known, _)| *known != id)
    {
        reader.sink.error(
            "schema-event",
            text.span,
            format!("no event can happen to {}", quoted(&text.written)),
            "use contacts, companies, deals, tickets, or a custom object type",
        );
        return None;
    }
    Some((text.value.trim().to_owned(), reader.sink.location(text.span)))
}

fn properties(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Vec<DeclaredEventProperty>> {
    let mut whole = matches!(node.kind, Kind::Map(_));
    let mut properties = Vec::new();
    for (key, value) in reader.named(node, "properties", "duplicate-property", "the property") {
        let good = short_name(reader, key, "a property of an event", EVENT_NAME_MAX);
        match property(reader, key, value) {
            Some(property) if good => properties.push(property),
            _ => whole = false,
        }
    }
    if properties.len() > EVENT_PROPERTIES_MAX {
        reader.sink.error(
            "schema-event",
            node.span,
            format!("{} properties are more than the {EVENT_PROPERTIES_MAX} that an event may have", properties.len()),
            "leave out what nobody looks at, or declare a second event",
        );
        return None;
    }
    whole.then_some(properties)
}

fn property(reader: &mut Reader<'_, '_>, key: &Key, node: &Node) -> Option<DeclaredEventProperty> {
    let at = reader.sink.location(key.span);
    let bare = |type_: &str, label: String| DeclaredEventProperty {
        name: key.text.clone(),
        label,
        type_: PropertyType::from_name(type_),
        description: None,
        options: Vec::new(),
        at: at.clone(),
    };
    if !matches!(node.kind, Kind::Map(_)) {
        if node.is_null() {
            reader.sink.error(
                "empty-value",
                key.span,
                format!("the property {} has no type", quoted(&key.text)),
                "write `name: string`, or `name: { type: string, … }`",
            );
            return None;
        }
        let type_ = PROPERTY_TYPES[reader.word(node, &key.text, &PROPERTY_TYPES)?];
        options(reader, type_, None, key)?;
        return Some(bare(type_, label_of(&key.text)));
    }
    let fields = reader.table(node, &DECLARED_EVENT_PROPERTY)?;
    let type_ = fields.get("type").and_then(|node| reader.word(node, "type", &PROPERTY_TYPES));
    let label = label(reader, key, &fields, EVENT_PROPERTY_LABEL_MAX);
    let description = optional(reader, &fields, "description");
    let type_ = PROPERTY_TYPES[type_?];
    let options = options(reader, type_, fields.get("options"), key);
    Some(DeclaredEventProperty { description: description?, options: options?, ..bare(type_, label?) })
}

/// The options, checked against the type. Unlike a property of an object type, a bool has none (api.md 9.3).
fn options(
    reader: &mut Reader<'_, '_>,
    type_: &str,
    node: Option<&Node>,
    key: &Key,
) -> Option<Vec<hubward_core::declared::DeclaredOption>> {
    match (type_, node) {
        ("bool", None) => Some(Vec::new()),
        ("bool", Some(node)) => {
            reader.sink.error(
                "schema-property",
                node.span,
                "a property of type `bool` of an event has no options",
                "its values are `true` and `false`; leave `options` out",
            );
            None
        }
        _ => options_of(reader, type_, node, key.span),
    }
}
