//! `syncs/*.yml`: one sync a file; what it reaches decides which keys it takes.

mod event;
mod list;
mod object;

use hubward_core::spec::Match;

use crate::grammar::{EVENT_SYNC, LIST_SYNC, MATCH, OBJECT_SYNC, TO, Table};
use crate::read::fields::Fields;
use crate::read::schedule::schedule;
use crate::read::{Names, Reader, Text};
use crate::sink::{Span, quoted};
use crate::yaml::{Kind, Node};

/// Reads one file of `syncs/`.
pub(crate) fn sync_file(reader: &mut Reader<'_, '_>, tree: &Node) {
    if let Kind::List(_) = tree.kind {
        reader.sink.error(
            "wrong-type",
            tree.span,
            "a sync file must hold one sync, not a list",
            "give every sync a file of its own in `syncs/`",
        );
        reader.lost(&[Names::Syncs]);
        return;
    }
    let to = tree.get("to");
    let reaches = |key: &str| to.is_some_and(|to| to.get(key).is_some());
    let sync = if reaches("event") {
        common(reader, tree, &EVENT_SYNC).and_then(|(common, fields)| event::read(reader, common, &fields))
    } else if reaches("list") {
        common(reader, tree, &LIST_SYNC).and_then(|(common, fields)| list::read(reader, common, &fields))
    } else {
        common(reader, tree, &OBJECT_SYNC).and_then(|(common, fields)| object::read(reader, common, &fields))
    };
    if let Some(sync) = sync {
        reader.read.syncs.push(sync);
    }
}

/// What every sync has. A part that could not be read is `None`.
struct Common {
    name: Option<String>,
    model: Option<String>,
    after: Option<Vec<String>>,
    at: Span,
}

fn common<'n>(reader: &mut Reader<'_, '_>, tree: &'n Node, table: &'static Table) -> Option<(Common, Fields<'n>)> {
    let Some(fields) = reader.table(tree, table) else {
        reader.lost(&[Names::Syncs]);
        return None;
    };
    let declared = fields
        .get("sync")
        .and_then(|node| reader.text(node, "sync"))
        .and_then(|text| reader.name(&text.value, &text.written, text.span, "a sync"));
    let model = fields.get("model").and_then(|node| reader.text(node, "model"));
    let after = match fields.get("after") {
        Some(node) => reader.one_or_many(node, "after"),
        None => Some(Vec::new()),
    };
    if let Some(node) = fields.get("schedule")
        && let Some(schedule) = schedule(reader, node)
        && let Some(declared) = &declared
    {
        reader.read.schedules.push((declared.name.clone(), schedule));
    }
    reader.read.model_uses.extend(model.clone());
    match &declared {
        Some(declared) => {
            let after = after.clone().unwrap_or_default();
            reader.read.after.push((declared.name.clone(), after));
            reader.read.sync_names.push(declared.clone());
        }
        None => reader.lost(&[Names::Syncs]),
    }
    let common = Common {
        at: declared.as_ref().map_or(tree.span, |declared| declared.span),
        name: declared.map(|declared| declared.name),
        model: model.map(|model| model.value),
        after: after.map(values),
    };
    Some((common, fields))
}

fn values(texts: Vec<Text>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}

/// `to:`, whose key `kind` is there.
fn target<'n>(reader: &mut Reader<'_, '_>, fields: &Fields<'n>) -> Option<Fields<'n>> {
    reader.table(fields.get("to")?, &TO)
}

/// A match, with the property's place for rules on it.
fn match_(reader: &mut Reader<'_, '_>, node: &Node) -> Option<(Match, Span)> {
    let fields = reader.table(node, &MATCH)?;
    let column = fields.get("column").and_then(|node| reader.text(node, "column"));
    let property = fields.get("property").and_then(|node| reader.text(node, "property"));
    let (column, property) = (column?, property?);
    if is_user_token(&property.value) {
        reader.sink.error(
            "user-token-match",
            property.span,
            format!(
                "{} is the user token of a browser's visitor, and HubSpot's object API has no key for it",
                quoted(&property.written)
            ),
            "match by `email`, by another unique property or by the record id; to attach events to a visitor, write an event sync with `contact: { by: utk, column: … }`",
        );
        return None;
    }
    if property.value == "hs_object_id" {
        reader.sink.error("match-by-id", property.span, "the record id is matched as `id`", "write `property: id`");
        return None;
    }
    let at = reader.sink.location(node.span);
    let matched = Match { column: column.value, property: property.value, at };
    Some((matched, property.span))
}

/// The names under which people know the user token (the cookie is `hubspotutk`).
fn is_user_token(property: &str) -> bool {
    let folded: String =
        property.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    matches!(folded.as_str(), "utk" | "hsutk" | "hubspotutk" | "usertoken" | "hsusertoken" | "hubspotusertoken")
}
