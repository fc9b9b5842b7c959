//! `mappings/*.yml`: one mapping of the event door a file. What its trigger and its fields mean is told by the event door's
//! own check; here they get their places.

use std::collections::HashMap;

use hubward_core::spec::{Action, MappingFinding, MappingPlace, MappingSpec, SyncMode};
use serde_json::{Map, Number, Value};

use super::mapping::scalar_constant;
use crate::grammar::{ACTIONS, EVENT_MAPPING, SYNC_MODES};
use crate::read::fields::Fields;
use crate::read::{Names, Reader, Text};
use crate::sink::Span;
use crate::yaml::{Kind, Node};

/// Reads one file of `mappings/`.
pub(crate) fn mapping_file(reader: &mut Reader<'_, '_>, tree: &Node) {
    if let Kind::List(_) = tree.kind {
        reader.sink.error(
            "wrong-type",
            tree.span,
            "a mapping file must hold one mapping, not a list",
            "give every mapping a file of its own in `mappings/`",
        );
        reader.lost(&[Names::Mappings]);
        return;
    }
    let Some(fields) = reader.table(tree, &EVENT_MAPPING) else {
        reader.lost(&[Names::Mappings]);
        return;
    };
    let declared = fields
        .get("mapping")
        .and_then(|node| reader.text(node, "mapping"))
        .and_then(|text| reader.name(&text.value, &text.written, text.span, "a mapping"));
    let action = fields
        .get("action")
        .and_then(|node| reader.word(node, "action", &ACTIONS))
        .and_then(|word| Action::ALL.into_iter().find(|action| action.name() == ACTIONS[word]));
    let enabled = fields.get("enabled").map_or(Some(true), |node| reader.flag(node, "enabled"));
    let sources = fields.get("sources").map_or(Some(None), |node| sources(reader, node).map(Some));
    let trigger = fields.get("trigger").map_or(Some(None), |node| reader.text(node, "trigger").map(Some));
    let sync_mode = fields.get("sync_mode").map_or(Some(None), |node| sync_mode(reader, action, node));
    let mut places = Places::default();
    let mapped = match fields.get("fields") {
        None => Some(Value::Object(Map::new())),
        Some(node) if node.is_null() => Some(Value::Object(Map::new())),
        Some(node) => mapped(reader, node, &mut places),
    };
    match &declared {
        Some(declared) => reader.read.mapping_names.push(declared.clone()),
        None => reader.lost(&[Names::Mappings]),
    }
    let uses = sources.clone().flatten();
    let at = declared.as_ref().map_or(tree.span, |declared| declared.span);
    reader.read.mapping_uses.push(MappingUse { at, enabled: enabled != Some(false), sources: uses });
    let (Some(declared), Some(action), Some(enabled), Some(sources), Some(trigger), Some(sync_mode), Some(mapped)) =
        (declared, action, enabled, sources, trigger, sync_mode, mapped)
    else {
        return;
    };
    let spec = MappingSpec {
        at: reader.sink.location(declared.span),
        name: declared.name,
        action,
        enabled,
        sources: sources.map(|sources| sources.into_iter().map(|text| text.value).collect()),
        trigger: trigger.as_ref().map(|text| text.value.clone()),
        sync_mode,
        fields: mapped,
    };
    let found = (reader.mapping_check)(&spec);
    let whole = !found.iter().any(|finding| finding.is_error);
    for mut finding in found {
        if tells_a_variable(&finding.at, &fields, &places) {
            // A message may quote what it is about, and a variable's value must not be shown.
            finding.message = "this cannot be used once its variables are filled in".to_owned();
        }
        let span = place(&finding.at, declared.span, &fields, trigger.as_ref(), &places);
        report(reader, finding, span);
    }
    if whole {
        reader.read.mappings.push(spec);
    }
}

/// For whom a mapping is, whether it is whole or not.
#[derive(Debug)]
pub(crate) struct MappingUse {
    pub(crate) at: Span,
    pub(crate) enabled: bool,
    /// None: every write key.
    pub(crate) sources: Option<Vec<Text>>,
}

fn sources(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Vec<Text>> {
    let sources = reader.one_or_many(node, "sources")?;
    if sources.is_empty() {
        reader.sink.error(
            "empty-value",
            node.span,
            "`sources` names no write key, so that no event could come to the mapping",
            "name write keys of `intake`, leave `sources` out for all of them, or write `enabled: false`",
        );
        return None;
    }
    Some(sources)
}

/// The second none: a mode that the action does not have. It means nothing, so it stops nothing.
fn sync_mode(reader: &mut Reader<'_, '_>, action: Option<Action>, node: &Node) -> Option<Option<SyncMode>> {
    let word = reader.word(node, "sync_mode", &SYNC_MODES)?;
    if let Some(action) = action.filter(|action| !action.has_sync_mode()) {
        reader.sink.warning(
            "sync-mode",
            node.span,
            format!("the action `{}` has no sync mode, so this one changes nothing", action.name()),
            "remove `sync_mode`; only upsertObject and customEvent have one",
        );
        return Some(None);
    }
    SyncMode::ALL.into_iter().find(|mode| mode.name() == SYNC_MODES[word]).map(Some)
}

/// Where the keys and values of `fields` stand, by the names that lead there.
#[derive(Default)]
struct Places {
    spans: HashMap<String, (Span, Span)>,
    /// Where something is filled in from a variable.
    filled: Vec<String>,
}

impl Places {
    /// The place, or the nearest above it, with the names that lead there.
    fn nearest<'p>(&self, path: &'p str) -> Option<(&'p str, (Span, Span))> {
        let mut path = path.trim_end_matches('/');
        loop {
            if let Some(found) = self.spans.get(path) {
                return Some((path, *found));
            }
            path = &path[..path.rfind('/')?];
        }
    }
}

/// The fields as JSON.
fn mapped(reader: &mut Reader<'_, '_>, node: &Node, places: &mut Places) -> Option<Value> {
    let Kind::Map(_) = node.kind else {
        reader.sink.error(
            "wrong-type",
            node.span,
            format!("`fields` must be a map from fields, not {}", node.kind_name()),
            "write it as `field: …` lines; a directive is a map with one key, such as `{ \"@path\": $.traits.email }`",
        );
        return None;
    };
    json(reader, node, "", places)
}

fn json(reader: &mut Reader<'_, '_>, node: &Node, path: &str, places: &mut Places) -> Option<Value> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_missing() => None,
        Kind::Scalar(_) if node.is_null() => Some(Value::Null),
        Kind::Scalar(scalar) => {
            if scalar.interpolated() {
                places.filled.push(path.to_owned());
            }
            Some(of_constant(scalar_constant(scalar)))
        }
        Kind::List(items) => {
            let mut values = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}/{index}");
                places.spans.insert(path.clone(), (item.span, item.span));
                values.push(json(reader, item, &path, places));
            }
            values.into_iter().collect::<Option<Vec<Value>>>().map(Value::Array)
        }
        Kind::Map(_) => {
            let mut members = Map::new();
            let mut whole = true;
            for (key, value) in reader.named(node, "fields", "duplicate-key", "the key") {
                let path = format!("{path}/{}", key.text);
                places.spans.insert(path.clone(), (key.span, value.span));
                match json(reader, value, &path, places) {
                    Some(value) => {
                        members.insert(key.text.clone(), value);
                    }
                    None => whole = false,
                }
            }
            whole.then_some(Value::Object(members))
        }
    }
}

fn of_constant(value: hubward_core::Value) -> Value {
    match value {
        hubward_core::Value::Bool(flag) => Value::Bool(flag),
        hubward_core::Value::Int(number) => Value::from(number),
        hubward_core::Value::UInt(number) => Value::from(number),
        hubward_core::Value::Text(text) => Value::String(text),
        // A number that no float holds stays text, as the post codes do.
        hubward_core::Value::Decimal(text) => match text.parse().ok().and_then(Number::from_f64) {
            Some(number) => Value::Number(number),
            None => Value::String(text),
        },
        _ => Value::Null,
    }
}

fn place(at: &MappingPlace, whole: Span, fields: &Fields<'_>, trigger: Option<&Text>, places: &Places) -> Span {
    let below =
        |found: Option<(Span, Span)>| found.or_else(|| Some((fields.key_span("fields")?, fields.get("fields")?.span)));
    match at {
        MappingPlace::Mapping => whole,
        MappingPlace::Key(path) => below(places.nearest(path).map(|(_, spans)| spans)).map_or(whole, |(key, _)| key),
        MappingPlace::Value(path) => {
            below(places.nearest(path).map(|(_, spans)| spans)).map_or(whole, |(_, value)| value)
        }
        MappingPlace::Trigger { line, column } => trigger.map_or(whole, |text| within(text, fields, *line, *column)),
    }
}

/// Whether something at the place, above it or below it, comes from a variable.
fn tells_a_variable(at: &MappingPlace, fields: &Fields<'_>, places: &Places) -> bool {
    match at {
        MappingPlace::Mapping => false,
        MappingPlace::Trigger { .. } => {
            fields.get("trigger").and_then(Node::scalar).is_some_and(|scalar| scalar.interpolated())
        }
        MappingPlace::Key(path) | MappingPlace::Value(path) => {
            let near = places.nearest(path).map_or("", |(near, _)| near);
            places.filled.iter().any(|filled| filled.starts_with(near))
        }
    }
}

/// A place in the trigger: exact where it stands in one line without quotes, else its beginning.
fn within(text: &Text, fields: &Fields<'_>, line: u32, column: u32) -> Span {
    let plain = fields.get("trigger").and_then(Node::scalar).is_some_and(|scalar| scalar.is_plain());
    if !plain || line != 1 || text.value.contains('\n') {
        return text.span;
    }
    let skipped = column.saturating_sub(1).min(text.span.len);
    Span { column: text.span.column + skipped, len: text.span.len - skipped, ..text.span }
}

fn report(reader: &mut Reader<'_, '_>, finding: MappingFinding, span: Span) {
    if finding.is_error {
        reader.sink.error(finding.code, span, finding.message, finding.help);
    } else {
        reader.sink.warning(finding.code, span, finding.message, finding.help);
    }
}

/// The names of the write keys, where the intake has some; what else it has is read elsewhere.
pub(super) fn write_keys(reader: &mut Reader<'_, '_>, intake: &Node) {
    let keys = intake.get("write_keys").and_then(Node::map);
    reader.read.write_keys = keys.map(|keys| keys.iter().map(|(key, _)| key.text.clone()).collect());
}
