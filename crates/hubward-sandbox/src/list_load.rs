//! Owns lists as `load` puts them there and as `/_sandbox/lists` shows them.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::account::Account;
use crate::answers::comma;
use crate::list_filters;
use crate::lists::{NewList, Processing};
use crate::load::number_or_text;

/// One entry of `load.lists`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListInput {
    name: String,
    object_type_id: String,
    #[serde(default = "manual")]
    processing_type: Processing,
    #[serde(default)]
    filter_branch: Option<Value>,
    /// Those of a list that is replaced stay when left out.
    #[serde(default)]
    members: Option<Vec<Id>>,
    #[serde(default, deserialize_with = "maybe_id")]
    list_id: Option<u64>,
    #[serde(default, deserialize_with = "maybe_id")]
    legacy_list_id: Option<u64>,
}

fn manual() -> Processing {
    Processing::Manual
}

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Id(#[serde(deserialize_with = "number_or_text")] u64);

fn maybe_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    number_or_text(deserializer).map(Some)
}

/// Puts a list there, or in the place of the one with that id or else that name. The error is of field and problem.
pub(crate) fn put(account: &mut Account, input: ListInput, now_ms: i64) -> Result<(), (&'static str, String)> {
    let type_at = account
        .find(&input.object_type_id)
        .ok_or_else(|| ("objectTypeId", format!("no object type {:?}", input.object_type_id)))?;
    if input.name.trim().is_empty() {
        return Err(("name", "must not be empty".to_owned()));
    }
    let filter_branch = match (input.processing_type, input.filter_branch) {
        (Processing::Manual, None) => None,
        (Processing::Manual, Some(_)) => return Err(("filterBranch", "is not for MANUAL".to_owned())),
        (_, None) => Some(list_filters::empty()),
        (_, Some(branch)) => {
            Some(list_filters::checked(branch).map_err(|refusal| ("filterBranch", refusal.body().message.clone()))?)
        }
    };
    let named = account.lists.named(&input.name).map(|list| list.id);
    if let (Some(named), Some(wanted)) = (named, input.list_id)
        && named != wanted
    {
        return Err(("listId", format!("list {named} has the name {:?}", input.name)));
    }
    let members = match input.members {
        None => None,
        Some(members) => {
            let object_type = &account.types[type_at];
            let unknown = members.iter().find(|id| object_type.live(id.0).is_none());
            if let Some(Id(unknown)) = unknown {
                return Err(("members", format!("no record {unknown} of type {}", object_type.id)));
            }
            Some(members.into_iter().map(|id| id.0).collect::<BTreeSet<u64>>())
        }
    };
    let lag_ms = account.lists.lag_ms;
    let id = input.list_id.or(named);
    let list = match id.filter(|id| account.lists.all.contains_key(id)).and_then(|id| account.lists.all.get_mut(&id)) {
        Some(list) => {
            list.deleted_ms = None;
            list.changed(now_ms);
            list.name = input.name;
            if list.type_at != type_at {
                list.type_at = type_at;
                list.members = crate::list_members::Members::lagging(lag_ms);
            }
            list.processing = input.processing_type;
            list.filter_branch = filter_branch;
            list.conversion = None;
            list.converted_ms = None;
            list
        }
        None => {
            let new = NewList { name: input.name, type_at, processing: input.processing_type, filter_branch };
            account.lists.create(id, new, now_ms)
        }
    };
    list.legacy_id = input.legacy_list_id.or(list.legacy_id);
    if let Some(members) = members {
        let gone: Vec<u64> = list.members.roll().ids().filter(|id| !members.contains(id)).collect();
        for id in gone {
            list.members.remove(id, now_ms);
        }
        for id in members {
            list.members.add(id, now_ms);
        }
    }
    list.members.show_all();
    Ok(())
}

/// Every list that is not deleted, with all members, ascending.
pub(crate) fn shown(account: &Account) -> Vec<u8> {
    let mut out = b"{\"results\":[".to_vec();
    for (at, list) in account.lists.live().enumerate() {
        comma(&mut out, at);
        let head = json!({
            "listId": list.id.to_string(),
            "name": list.name,
            "objectTypeId": account.types[list.type_at].id,
            "processingType": list.processing.word(),
        });
        let head = head.to_string();
        out.extend_from_slice(head.trim_end_matches('}').as_bytes());
        out.extend_from_slice(b",\"members\":[");
        for (at, id) in list.members.roll().ids().enumerate() {
            comma(&mut out, at);
            out.extend_from_slice(format!("\"{id}\"").as_bytes());
        }
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"]}");
    out
}
