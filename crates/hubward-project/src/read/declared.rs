//! `schema:` in `hubward.yml` and in `schema/*.yml`: object types and what each of them shall have, and custom events. Names
//! are held to HubSpot's rules here (api.md 5.2, 6.1, 7.3, 9.3); whether the account has them already is not known.

mod event;
mod object;
mod property;

use hubward_core::declared::{DeclaredGroup, DeclaredLabel, DeclaredProperty, DeclaredType};

use super::{Declared, Reader};
use crate::grammar::{DECLARED_LABEL, DECLARED_TYPE, EVENTS, SCHEMA_FILE};
use crate::read::fields::Fields;
use crate::sink::{Sink, quoted};
use crate::yaml::{Key, Kind, Node};

/// Longest internal name of a property, a group or a label, in characters.
const NAME_MAX: usize = 100;

/// A file of `schema/`.
pub(crate) fn schema_file(reader: &mut Reader<'_, '_>, tree: &Node) {
    if let Some(fields) = reader.table(tree, &SCHEMA_FILE)
        && let Some(node) = fields.get("schema")
    {
        types(reader, node);
    }
}

/// A map of object types; under `events`, custom events.
pub(super) fn types(reader: &mut Reader<'_, '_>, node: &Node) {
    for (key, value) in reader.named(node, "schema", "duplicate-name", "the object type") {
        if key.text == EVENTS {
            event::events(reader, value);
            continue;
        }
        if once(reader.sink, &reader.read.schema_names, key, "object type") {
            reader.read.schema_names.push(Declared { name: key.text.clone(), span: key.span });
        }
        let Some(fields) = reader.table(value, &DECLARED_TYPE) else { continue };
        if let Some(declared) = declared(reader, key, &fields) {
            reader.read.schema.types.push(declared);
        }
    }
}

/// An object type or an event may stand in one place only: a second one would hide half of what is declared.
fn once(sink: &mut Sink<'_>, names: &[Declared], key: &Key, what: &str) -> bool {
    // A repetition within one map has been reported by its reader.
    let Some(first) = names.iter().find(|known| known.name.eq_ignore_ascii_case(&key.text)) else { return true };
    let place = sink.location(first.span);
    sink.error_beside(
        "duplicate-name",
        key.span,
        (first.span, "first declared here"),
        format!("the {what} {} is declared twice; first in {} on line {}", quoted(&key.text), place.file, place.line),
        format!("write everything of one {what} in one place"),
    );
    false
}

fn declared(reader: &mut Reader<'_, '_>, key: &Key, fields: &Fields<'_>) -> Option<DeclaredType> {
    let groups = match fields.get("groups") {
        Some(node) => groups(reader, node),
        None => Some(Vec::new()),
    };
    let properties = match fields.get("properties") {
        Some(node) => properties(reader, node),
        None => Some(Vec::new()),
    };
    let labels = match fields.get("labels") {
        Some(node) => labels(reader, node),
        None => Some(Vec::new()),
    };
    let object = match fields.get("object") {
        Some(node) => object::read(reader, key, node, properties.as_deref()).map(Some),
        None => Some(None),
    };
    Some(DeclaredType {
        name: key.text.trim().to_owned(),
        object: object?,
        groups: groups?,
        properties: properties?,
        labels: labels?,
        at: reader.sink.location(key.span),
    })
}

fn groups(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Vec<DeclaredGroup>> {
    let mut whole = matches!(node.kind, Kind::Map(_));
    let mut groups = Vec::new();
    for (key, value) in reader.named(node, "groups", "duplicate-key", "the group") {
        let good = internal_name(reader, key, "a property group");
        match reader.text(value, &key.text) {
            Some(label) if good => groups.push(DeclaredGroup {
                name: key.text.clone(),
                label: label.value,
                at: reader.sink.location(key.span),
            }),
            _ => whole = false,
        }
    }
    whole.then_some(groups)
}

fn properties(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Vec<DeclaredProperty>> {
    let mut whole = matches!(node.kind, Kind::Map(_));
    let mut properties = Vec::new();
    for (key, value) in reader.named(node, "properties", "duplicate-property", "the property") {
        let good = internal_name(reader, key, "a property");
        match property::read(reader, key, value) {
            Some(property) if good => properties.push(property),
            _ => whole = false,
        }
    }
    whole.then_some(properties)
}

fn labels(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Vec<DeclaredLabel>> {
    let mut whole = matches!(node.kind, Kind::Map(_));
    let mut labels: Vec<DeclaredLabel> = Vec::new();
    for (key, value) in reader.named(node, "labels", "duplicate-key", "the object type") {
        let Kind::List(items) = &value.kind else {
            reader.sink.error(
                "wrong-type",
                value.span,
                format!("the labels to {} must be a list, not {}", quoted(&key.text), value.kind_name()),
                "write each as `- { name: billing, label: Billing contact }`",
            );
            whole = false;
            continue;
        };
        for item in items {
            match label(reader, key, item, &labels) {
                Some(label) => labels.push(label),
                None => whole = false,
            }
        }
    }
    whole.then_some(labels)
}

fn label(reader: &mut Reader<'_, '_>, to: &Key, node: &Node, known: &[DeclaredLabel]) -> Option<DeclaredLabel> {
    let fields = reader.table(node, &DECLARED_LABEL)?;
    let name = fields.get("name").and_then(|node| reader.text(node, "name"));
    let label = fields.get("label").and_then(|node| reader.text(node, "label"));
    let inverse = match fields.get("inverse") {
        Some(node) => reader.text(node, "inverse").map(|text| Some(text.value)),
        None => Some(None),
    };
    let (name, label) = (name?, label?);
    let good = name.value.chars().count() <= NAME_MAX
        && name.value.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good {
        reader.sink.error(
            "bad-name",
            name.span,
            format!("{} cannot be the name of an association label", quoted(&name.written)),
            format!("use letters, digits and `_`, starting with a letter, at most {NAME_MAX} of them"),
        );
        return None;
    }
    let twice =
        known.iter().find(|other| other.to == to.text && (other.name == name.value || other.label == label.value));
    if let Some(other) = twice {
        reader.sink.error(
            "duplicate-name",
            name.span,
            format!("there is another label of this name or text to {}, on line {}", quoted(&to.text), other.at.line),
            "keep one of the two",
        );
        return None;
    }
    Some(DeclaredLabel {
        to: to.text.trim().to_owned(),
        name: name.value,
        label: label.value,
        inverse: inverse?,
        at: reader.sink.location(name.span),
    })
}

/// Whether a key can be the internal name of a property or a group.
fn internal_name(reader: &mut Reader<'_, '_>, key: &Key, what: &str) -> bool {
    short_name(reader, key, what, NAME_MAX)
}

/// Whether a key of at most `most` characters can be such a name.
fn short_name(reader: &mut Reader<'_, '_>, key: &Key, what: &str, most: usize) -> bool {
    let good = key.text.chars().count() <= most
        && key.text.starts_with(|c: char| c.is_ascii_lowercase())
        && key.text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !good {
        reader.sink.error(
            "bad-name",
            key.span,
            format!("{} cannot be the internal name of {what}", quoted(&key.text)),
            format!(
                "use lower-case letters, digits and `_`, starting with a letter, at most {most} of them; what people see is the label"
            ),
        );
    }
    good
}

/// What people see where the file gives no label: `customer_no` becomes `Customer no`.
fn label_of(name: &str) -> String {
    let text = name.replace('_', " ");
    let mut letters = text.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => name.to_owned(),
    }
}
