//! One property of `schema:`: its type, how people fill it in, its options.

use hubward_core::PropertyType;
use hubward_core::declared::{DeclaredOption, DeclaredProperty, fields_of};

use super::label_of;
use crate::grammar::{DECLARED_PROPERTY, FIELD_TYPES, PROPERTY_TYPES};
use crate::read::Reader;
use crate::read::fields::Fields;
use crate::sink::{Span, quoted};
use crate::yaml::{Key, Kind, Node};

/// Most options of one property that a file may declare.
const OPTIONS_MAX: usize = 5_000;

pub(super) fn read(reader: &mut Reader<'_, '_>, key: &Key, node: &Node) -> Option<DeclaredProperty> {
    let at = reader.sink.location(key.span);
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
        let mut property = bare(&key.text, type_, at);
        property.options = options_of(reader, type_, None, key.span)?;
        return Some(property);
    }
    let fields = reader.table(node, &DECLARED_PROPERTY)?;
    let type_ = fields.get("type").and_then(|node| reader.word(node, "type", &PROPERTY_TYPES));
    let label = optional(reader, &fields, "label");
    let group = optional(reader, &fields, "group");
    let description = optional(reader, &fields, "description");
    let unique = match fields.get("unique") {
        Some(node) => reader.flag(node, "unique"),
        None => Some(false),
    };
    let type_ = PROPERTY_TYPES[type_?];
    let field_type = match fields.get("field") {
        Some(node) => field(reader, node, type_),
        None => fields_of(type_).first().copied(),
    };
    let options = options_of(reader, type_, fields.get("options"), key.span);
    let mut property = bare(&key.text, type_, at);
    if let Some(label) = label? {
        property.label = label;
    }
    property.group = group?;
    property.description = description?;
    property.unique = unique?;
    field_type?.clone_into(&mut property.field_type);
    property.options = options?;
    Some(property)
}

fn bare(name: &str, type_: &str, at: hubward_core::spec::Location) -> DeclaredProperty {
    DeclaredProperty {
        name: name.to_owned(),
        label: label_of(name),
        type_: PropertyType::from_name(type_),
        field_type: fields_of(type_).first().copied().unwrap_or("text").to_owned(),
        group: None,
        description: None,
        options: Vec::new(),
        unique: false,
        at,
    }
}

/// A text that may be left out; `None` when it is there and cannot be read.
pub(super) fn optional(reader: &mut Reader<'_, '_>, fields: &Fields<'_>, name: &'static str) -> Option<Option<String>> {
    match fields.get(name) {
        Some(node) => reader.text(node, name).map(|text| Some(text.value)),
        None => Some(None),
    }
}

fn field(reader: &mut Reader<'_, '_>, node: &Node, type_: &'static str) -> Option<&'static str> {
    let field = FIELD_TYPES[reader.word(node, "field", &FIELD_TYPES)?];
    let fitting = fields_of(type_);
    if fitting.contains(&field) {
        return Some(field);
    }
    let fitting: Vec<String> = fitting.iter().map(|name| format!("`{name}`")).collect();
    reader.sink.error(
        "schema-property",
        node.span,
        format!("the field `{field}` does not fit the type `{type_}`"),
        format!("use {}, or leave `field` out", fitting.join(" or ")),
    );
    None
}

/// The options, checked against the type: an enumeration needs some, a bool has its own two, others have none.
pub(super) fn options_of(
    reader: &mut Reader<'_, '_>,
    type_: &str,
    node: Option<&Node>,
    property: Span,
) -> Option<Vec<DeclaredOption>> {
    let given = match node {
        Some(node) => Some((node.span, options(reader, node)?)),
        None => None,
    };
    match (type_, given) {
        ("enumeration", Some((_, options))) if !options.is_empty() => Some(options),
        ("enumeration", given) => {
            let span = given.map_or(property, |(span, _)| span);
            reader.sink.error(
                "schema-property",
                span,
                "a property of type `enumeration` needs options",
                "add `options: { gold: Gold, silver: Silver }`: the value that is stored, and what people see",
            );
            None
        }
        ("bool", None) => {
            let at = reader.sink.location(property);
            let option = |value: &str, label: &str| DeclaredOption {
                value: value.to_owned(),
                label: label.to_owned(),
                at: at.clone(),
            };
            Some(vec![option("true", "Yes"), option("false", "No")])
        }
        // HubSpot takes exactly these two (api.md 5.2).
        ("bool", Some((span, options))) => {
            let mut values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
            values.sort_unstable();
            if values == ["false", "true"] {
                return Some(options);
            }
            reader.sink.error(
                "schema-property",
                span,
                "a property of type `bool` has exactly the options `true` and `false`",
                "write `options: { true: Yes, false: No }`, or leave `options` out",
            );
            None
        }
        (_, None) => Some(Vec::new()),
        (other, Some((span, _))) => {
            reader.sink.error(
                "schema-property",
                span,
                format!("a property of type `{other}` has no options"),
                "use the type `enumeration`, or leave `options` out",
            );
            None
        }
    }
}

/// A map of values to labels, or values that are their own labels.
fn options(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Vec<DeclaredOption>> {
    let mut whole = true;
    let mut options: Vec<DeclaredOption> = Vec::new();
    if let Kind::Map(_) = node.kind {
        for (key, value) in reader.named(node, "options", "duplicate-key", "the option") {
            match reader.text(value, &key.text) {
                Some(label) => options.push(DeclaredOption {
                    value: key.text.clone(),
                    label: label.value,
                    at: reader.sink.location(key.span),
                }),
                None => whole = false,
            }
        }
    } else {
        for text in reader.one_or_many(node, "options")? {
            let at = reader.sink.location(text.span);
            options.push(DeclaredOption { label: text.value.clone(), value: text.value, at });
        }
    }
    if options.len() > OPTIONS_MAX {
        reader.sink.error(
            "schema-property",
            node.span,
            format!("{} options are more than the {OPTIONS_MAX} that a property may declare", options.len()),
            "a property with so many values is better a text",
        );
        return None;
    }
    // Several options of one record are joined by semicolons (api.md 3.4).
    for option in options.iter().filter(|option| option.value.contains(';')) {
        reader.sink.error(
            "schema-property",
            Span { line: option.at.line, column: option.at.column, ..node.span },
            format!("the option {} holds a semicolon, which HubSpot separates options by", quoted(&option.value)),
            "choose another value; the label may hold anything",
        );
        whole = false;
    }
    whole.then_some(options)
}
