//! List syncs: rows become members of a list.

use super::{Common, match_, target};
use hubward_core::spec::{ListMode, ListSync, ListTarget, Location, SyncSpec};

use crate::grammar::{LIST, LIST_MODES};
use crate::read::Reader;
use crate::read::fields::Fields;
use crate::yaml::Node;

pub(super) fn read(reader: &mut Reader<'_, '_>, common: Common, fields: &Fields<'_>) -> Option<SyncSpec> {
    let list = target(reader, fields)
        .and_then(|to| to.get("list"))
        .and_then(|node| list_target(reader, node, common.model.as_deref()));
    let matched = fields.get("match").and_then(|node| match_(reader, node));
    let mode = match fields.get("mode") {
        None => Some(ListMode::Mirror),
        Some(node) => reader.word(node, "mode", &LIST_MODES).map(|word| match LIST_MODES[word] {
            "add" => ListMode::Add,
            "remove" => ListMode::Remove,
            _ => ListMode::Mirror,
        }),
    };
    let create_missing = flag(reader, fields, "create_missing");
    let exclusive = flag(reader, fields, "exclusive");
    let mut whole = true;
    if create_missing == Some(true) {
        let by_id = matched.as_ref().is_some_and(|(matched, _)| matched.property == "id");
        let why = if mode == Some(ListMode::Remove) {
            Some("a record made only to be taken off a list would be of no use")
        } else if by_id {
            Some("a record that does not exist yet has no id to be matched by")
        } else {
            None
        };
        if let (Some(why), Some(node)) = (why, fields.get("create_missing")) {
            reader.sink.error(
                "list-option",
                node.span,
                format!("`create_missing` does not fit here: {why}"),
                "remove `create_missing`; or use mode mirror or add, and match by a property such as `email`",
            );
            whole = false;
        }
    }
    if exclusive == Some(true)
        && matches!(mode, Some(ListMode::Add | ListMode::Remove))
        && let Some(node) = fields.get("exclusive")
    {
        reader.sink.error(
            "list-option",
            node.span,
            "`exclusive` makes the list hold the model's rows and nothing else, which only mode mirror does",
            "remove `exclusive`, or use `mode: mirror`",
        );
        whole = false;
    }
    let (match_, _) = matched?;
    let (list, object, list_at) = list?;
    let sync = ListSync {
        name: common.name?,
        model: common.model?,
        list,
        list_at,
        object,
        match_,
        mode: mode?,
        create_missing: create_missing?,
        exclusive: exclusive?,
        after: common.after?,
        at: reader.sink.location(common.at),
    };
    whole.then_some(SyncSpec::List(sync))
}

fn flag(reader: &mut Reader<'_, '_>, fields: &Fields<'_>, name: &'static str) -> Option<bool> {
    match fields.get(name) {
        Some(node) => reader.flag(node, name),
        None => Some(false),
    }
}

/// The list, the type of its members and where it stands.
fn list_target(
    reader: &mut Reader<'_, '_>,
    node: &Node,
    model: Option<&str>,
) -> Option<(ListTarget, Option<String>, Location)> {
    let fields = reader.table(node, &LIST)?;
    let object = match fields.get("object") {
        Some(object) => Some(reader.text(object, "object")?.value),
        None => None,
    };
    let at = reader.sink.location(node.span);
    let target = named_list(reader, &fields, model)?;
    Some((target, object, at))
}

fn named_list(reader: &mut Reader<'_, '_>, fields: &Fields<'_>, model: Option<&str>) -> Option<ListTarget> {
    match (fields.get("name"), fields.get("id")) {
        (Some(name), Some(_)) => {
            reader.sink.error(
                "choose-one",
                name.span,
                "a list is given by `name` or by `id`, not by both",
                "keep one of them: `id` for a list that exists, `name` for one that is made if missing",
            );
            None
        }
        (Some(name), None) => reader.text(name, "name").map(|text| ListTarget::Name(text.value)),
        (None, Some(id)) => reader.whole(id, "id").map(ListTarget::Id),
        (None, None) => model.map(|model| ListTarget::Name(model.to_owned())),
    }
}
