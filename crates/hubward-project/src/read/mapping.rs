//! `map:` and the constants in it.

use hubward_core::Value;
use hubward_core::spec::{Conversion, MapEntry, MapSource, Mode, WriteRule};

use crate::grammar::{CONVERSIONS, EVENT_MAP_ENTRY, MAP_ENTRY, Table, WRITE_RULES};
use crate::read::Reader;
use crate::read::fields::Fields;
use crate::sink::quoted;
use crate::yaml::{Key, Kind, Node, Scalar};

/// The entries of an object sync's map.
pub(super) fn object_map(reader: &mut Reader<'_, '_>, node: &Node, mode: Option<Mode>) -> Option<Vec<MapEntry>> {
    entries(reader, node, &MAP_ENTRY, |reader, key, fields, entry| rules(reader, key, fields, mode, entry))
}

/// The entries of an event sync's map: an occurrence is written once, so there is no rule on how to write.
pub(super) fn event_map(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Vec<MapEntry>> {
    entries(reader, node, &EVENT_MAP_ENTRY, |_, _, _, _| Some(()))
}

fn entries(
    reader: &mut Reader<'_, '_>,
    node: &Node,
    table: &'static Table,
    rules: impl Fn(&mut Reader<'_, '_>, &Key, &Fields<'_>, &mut MapEntry) -> Option<()>,
) -> Option<Vec<MapEntry>> {
    node.map()?;
    let mut whole = true;
    let mut map = Vec::new();
    for (key, value) in reader.named(node, "map", "duplicate-property", "the property") {
        let entry = match &value.kind {
            Kind::Map(_) => detailed(reader, key, value, table, &rules),
            _ if value.is_null() => {
                reader.sink.error(
                    "empty-value",
                    key.span,
                    format!("the property {} has no column", quoted(&key.text)),
                    "write `property: column`, or `{ value: null }` for a constant NULL",
                );
                None
            }
            _ => reader.text(value, &key.text).map(|text| plain(reader, key, MapSource::Column(text.value))),
        };
        match entry {
            Some(entry) => map.push(entry),
            None => whole = false,
        }
    }
    whole.then_some(map)
}

fn plain(reader: &Reader<'_, '_>, key: &Key, source: MapSource) -> MapEntry {
    MapEntry {
        property: key.text.clone(),
        source,
        conversion: Conversion::Auto,
        write: WriteRule::Always,
        force: false,
        at: reader.sink.location(key.span),
    }
}

fn detailed(
    reader: &mut Reader<'_, '_>,
    key: &Key,
    node: &Node,
    table: &'static Table,
    rules: &impl Fn(&mut Reader<'_, '_>, &Key, &Fields<'_>, &mut MapEntry) -> Option<()>,
) -> Option<MapEntry> {
    let fields = reader.table(node, table)?;
    let source = source(reader, &fields);
    let conversion = match fields.get("type") {
        None => Some(Conversion::Auto),
        Some(node) => reader.word(node, "type", &CONVERSIONS).map(|word| match CONVERSIONS[word] {
            "date" => Conversion::Date,
            "datetime" => Conversion::DateTime,
            "raw" => Conversion::Raw,
            _ => Conversion::Auto,
        }),
    };
    let mut entry = plain(reader, key, MapSource::Value(Value::Null));
    let ruled = rules(reader, key, &fields, &mut entry);
    entry.source = source?;
    entry.conversion = conversion?;
    ruled.map(|()| entry)
}

fn source(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Option<MapSource> {
    if let Some(node) = fields.get("column") {
        return reader.text(node, "column").map(|text| MapSource::Column(text.value));
    }
    if let Some(node) = fields.get("template") {
        return reader.template(node).map(MapSource::Template);
    }
    constant(reader, fields.get("value")?).map(MapSource::Value)
}

/// `write` and `force`.
fn rules(
    reader: &mut Reader<'_, '_>,
    key: &Key,
    fields: &Fields<'_>,
    mode: Option<Mode>,
    entry: &mut MapEntry,
) -> Option<()> {
    if let Some(node) = fields.get("write") {
        entry.write = match WRITE_RULES[reader.word(node, "write", &WRITE_RULES)?] {
            "if_empty" => WriteRule::IfEmpty,
            "append" => WriteRule::Append,
            _ => WriteRule::Always,
        };
        if mode == Some(Mode::Insert) && entry.write != WriteRule::Always {
            reader.sink.warning(
                "write-rule",
                node.span,
                "mode insert makes new records only, so `write` changes nothing here",
                "remove `write`, or use mode upsert or update",
            );
        }
    }
    if let Some(node) = fields.get("force") {
        entry.force = reader.flag(node, "force")?;
        if entry.force && entry.write != WriteRule::Always {
            reader.sink.error(
                "write-rule",
                node.span,
                "`force` overwrites what is there, and `write: if_empty` or `append` keeps it",
                "keep one of the two",
            );
            return None;
        }
        if entry.force && key.text != "lifecyclestage" {
            reader.sink.warning(
                "write-rule",
                node.span,
                format!("`force` has a meaning for `lifecyclestage` only, not for {}", quoted(&key.text)),
                "remove `force`",
            );
        }
    }
    Some(())
}

/// A constant as YAML had it. Numbers with leading zeros or a `+`, and every form that is not plain decimal, stay text: a
/// post code is no number.
fn constant(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Value> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_missing() => None,
        Kind::Scalar(_) if node.is_null() => Some(Value::Null),
        Kind::Scalar(scalar) => Some(scalar_constant(scalar)),
        Kind::List(items) => {
            let mut values = Vec::with_capacity(items.len());
            let mut whole = true;
            for item in items {
                match constant(reader, item) {
                    Some(value) => values.push(value),
                    None => whole = false,
                }
            }
            whole.then_some(Value::List(values))
        }
        Kind::Map(_) => {
            let mut entries = Vec::new();
            let mut whole = true;
            for (key, item) in reader.named(node, "value", "duplicate-key", "the key") {
                match constant(reader, item) {
                    Some(value) => entries.push((key.text.clone(), value)),
                    None => whole = false,
                }
            }
            whole.then_some(Value::Map(entries))
        }
    }
}

pub(super) fn scalar_constant(scalar: &Scalar) -> Value {
    let text = scalar.text.as_str();
    if !scalar.is_plain() {
        return Value::Text(text.to_owned());
    }
    match text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !all_digits(whole) || leading_zero || fraction.is_some_and(|part| !all_digits(part)) {
        return Value::Text(text.to_owned());
    }
    if fraction.is_some() {
        return Value::Decimal(text.to_owned());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Value::Int(number);
    }
    match text.parse::<u64>() {
        Ok(number) => Value::UInt(number),
        Err(_) => Value::Decimal(text.to_owned()),
    }
}
