//! Object syncs: rows become records.

use hubward_core::object_types::same;
use hubward_core::spec::{
    AssociationSpec, Compare, Match, Mode, Nulls, ObjectSync, OnConflict, OnMatchChange, OnRemoved, RemovalLimit,
    SyncSpec,
};

use super::{Common, match_, target};
use crate::grammar::{ASSOCIATION, COMPARE, MODES, NULLS, ON_CONFLICT, ON_MATCH_CHANGE, ON_REMOVED};
use crate::read::fields::Fields;
use crate::read::{Reader, mapping};
use crate::sink::{Span, quoted};
use crate::yaml::{Kind, Node};

pub(super) fn read(reader: &mut Reader<'_, '_>, common: Common, fields: &Fields<'_>) -> Option<SyncSpec> {
    let object = target(reader, fields).and_then(|to| to.get("object")).and_then(|node| reader.text(node, "object"));
    let mode = match fields.get("mode") {
        None => Some(Mode::Upsert),
        Some(node) => reader.word(node, "mode", &MODES).map(|word| match MODES[word] {
            "update" => Mode::Update,
            "insert" => Mode::Insert,
            _ => Mode::Upsert,
        }),
    };
    let matched = fields.get("match").and_then(|node| record_match(reader, node, mode));
    let map = match fields.get("map") {
        Some(node) => checked_map(reader, node, mode),
        None => Some(Vec::new()),
    };
    let associations = match fields.get("associations") {
        Some(node) => associations(reader, node),
        None => Some(Vec::new()),
    };
    if let (Some(map), Some(associations)) = (&map, &associations)
        && map.is_empty()
        && associations.is_empty()
        && mode == Some(Mode::Update)
    {
        let span = fields.key_span("map").unwrap_or(common.at);
        reader.sink.warning(
            "nothing-mapped",
            span,
            "nothing is mapped and nothing associated, so an update has nothing to write",
            "add `map:` with `property: column` lines",
        );
    }
    let on_removed = match fields.get("on_removed") {
        None => Some(OnRemoved::Keep),
        Some(node) => on_removed(reader, node, mode),
    };
    let max_removals = match fields.get("max_removals") {
        None => Some(None),
        Some(node) => max_removals(reader, node).map(Some),
    };
    let nulls = match fields.get("nulls") {
        None => Some(Nulls::Auto),
        Some(node) => reader.word(node, "nulls", &NULLS).map(|word| match NULLS[word] {
            "keep" => Nulls::Keep,
            "clear" => Nulls::Clear,
            _ => Nulls::Auto,
        }),
    };
    let split_retries = match fields.get("split_retries") {
        None => Some(true),
        Some(node) => reader.flag(node, "split_retries"),
    };
    let compare = match fields.get("compare") {
        None => Some(Compare::Ledger),
        Some(node) => reader.word(node, "compare", &COMPARE).map(|word| match COMPARE[word] {
            "hubspot" => Compare::HubSpot,
            _ => Compare::Ledger,
        }),
    };
    let on_conflict = match fields.get("on_conflict") {
        None => Some(OnConflict::Adopt),
        Some(node) => reader.word(node, "on_conflict", &ON_CONFLICT).map(|word| match ON_CONFLICT[word] {
            "reject" => OnConflict::Reject,
            _ => OnConflict::Adopt,
        }),
    };
    let on_match_change = match fields.get("on_match_change") {
        None => Some(OnMatchChange::Keep),
        Some(node) => reader.word(node, "on_match_change", &ON_MATCH_CHANGE).map(|word| match ON_MATCH_CHANGE[word] {
            "rematch" => OnMatchChange::Rematch,
            _ => OnMatchChange::Keep,
        }),
    };
    let object = object?;
    Some(SyncSpec::Object(ObjectSync {
        name: common.name?,
        model: common.model?,
        object_at: reader.sink.location(object.span),
        object: object.value,
        mode: mode?,
        match_: matched?,
        map: map?,
        associations: associations?,
        on_removed: on_removed?,
        max_removals: max_removals?,
        nulls: nulls?,
        split_retries: split_retries?,
        compare: compare?,
        on_conflict: on_conflict?,
        on_match_change: on_match_change?,
        after: common.after?,
        at: reader.sink.location(common.at),
    }))
}

fn record_match(reader: &mut Reader<'_, '_>, node: &Node, mode: Option<Mode>) -> Option<Match> {
    let (matched, property_at) = match_(reader, node)?;
    if matched.property == "id" && matches!(mode, Some(Mode::Upsert | Mode::Insert)) {
        reader.sink.error(
            "match-by-id",
            property_at,
            "a record that does not exist yet has no id, so `property: id` fits mode update only",
            "write `mode: update`, or match by a unique property such as `email`",
        );
        return None;
    }
    Some(matched)
}

fn checked_map(
    reader: &mut Reader<'_, '_>,
    node: &Node,
    mode: Option<Mode>,
) -> Option<Vec<hubward_core::spec::MapEntry>> {
    if !matches!(node.kind, Kind::Map(_)) {
        reader.named(node, "map", "duplicate-property", "property");
        return None;
    }
    mapping::object_map(reader, node, mode)
}

fn on_removed(reader: &mut Reader<'_, '_>, node: &Node, mode: Option<Mode>) -> Option<OnRemoved> {
    let on_removed = match ON_REMOVED[reader.word(node, "on_removed", &ON_REMOVED)?] {
        "clear" => OnRemoved::Clear,
        "delete" => OnRemoved::Delete,
        _ => OnRemoved::Keep,
    };
    if mode == Some(Mode::Insert) && on_removed != OnRemoved::Keep {
        reader.sink.error(
            "on-removed",
            node.span,
            "mode insert only makes records; it neither clears nor deletes what it made",
            "remove `on_removed`, or use mode upsert or update",
        );
        return None;
    }
    Some(on_removed)
}

/// `20%` and `0.2` are shares of the known rows, `200` is a number of rows.
fn max_removals(reader: &mut Reader<'_, '_>, node: &Node) -> Option<RemovalLimit> {
    let is_share = node.scalar().is_none_or(|scalar| scalar.text.contains(['%', '.']));
    if is_share {
        reader.share(node, "max_removals").map(RemovalLimit::Share)
    } else {
        reader.whole(node, "max_removals").map(RemovalLimit::Rows)
    }
}

fn associations(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Vec<AssociationSpec>> {
    let Kind::List(items) = &node.kind else {
        reader.sink.error(
            "wrong-type",
            node.span,
            format!("`associations` must be a list, not {}", node.kind_name()),
            "write each as `- to: companies` with its `match:` below",
        );
        return None;
    };
    let mut whole = true;
    let mut read: Vec<(AssociationSpec, Span)> = Vec::with_capacity(items.len());
    for item in items {
        match association(reader, item) {
            Some((spec, span)) => {
                rival(reader, &read, &spec, span);
                read.push((spec, span));
            }
            None => whole = false,
        }
    }
    whole.then(|| read.into_iter().map(|(spec, _)| spec).collect())
}

fn association(reader: &mut Reader<'_, '_>, node: &Node) -> Option<(AssociationSpec, Span)> {
    let fields = reader.table(node, &ASSOCIATION)?;
    let to = fields.get("to").and_then(|node| reader.text(node, "to"));
    let matched = fields.get("match").and_then(|node| match_(reader, node));
    let label = match fields.get("label") {
        Some(node) => Some(Some(reader.text(node, "label")?.value)),
        None => Some(None),
    };
    let overwrite = match fields.get("overwrite") {
        Some(node) => reader.flag(node, "overwrite"),
        None => Some(false),
    };
    let (to, (match_, _)) = (to?, matched?);
    let spec = AssociationSpec {
        to: to.value,
        match_,
        label: label?,
        overwrite: overwrite?,
        at: reader.sink.location(to.span),
    };
    Some((spec, to.span))
}

/// Two entries of one kind, of which one removes what its row does not name, would undo each other in every run.
fn rival(reader: &mut Reader<'_, '_>, known: &[(AssociationSpec, Span)], spec: &AssociationSpec, span: Span) {
    let same = known.iter().find(|(other, _)| {
        same(&other.to, &spec.to) && other.label == spec.label && (other.overwrite || spec.overwrite)
    });
    if let Some((_, first)) = same {
        reader.sink.error_beside(
            "duplicate-association",
            span,
            (*first, "the other one"),
            format!(
                "two associations to {} of the same label, one with `overwrite: true`, would remove each other's",
                quoted(&spec.to)
            ),
            "make one of the two columns in the model's SQL, or set `overwrite: false` on both",
        );
    }
}
