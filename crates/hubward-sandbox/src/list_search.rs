//! Owns how lists are found: search with an offset, and on 2026-09 all of them by a cursor (api.md 8.1).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::clock::iso;
use crate::input::{self, Text};
use crate::list_api;
use crate::lists::{List, Processing};

const DEFAULT_COUNT: usize = 20;
const MOST_COUNT: usize = 500;

/// What every hit shows besides what was asked for, where it has it `[SPEC]`.
const ALWAYS: [&str; 5] = [
    "hs_list_size",
    "hs_last_record_added_at",
    "hs_last_record_removed_at",
    "hs_folder_name",
    "hs_list_reference_count",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search<'a> {
    #[serde(borrow, default)]
    query: Option<Text<'a>>,
    #[serde(borrow, default)]
    object_type_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    processing_types: Vec<Text<'a>>,
    #[serde(borrow, default)]
    list_ids: Vec<Text<'a>>,
    #[serde(borrow, default)]
    additional_properties: Vec<Text<'a>>,
    count: Option<usize>,
    #[serde(default)]
    offset: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct All<'a> {
    #[serde(borrow, default)]
    object_type_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    processing_types: Vec<Text<'a>>,
    #[serde(borrow, default)]
    additional_properties: Vec<Text<'a>>,
    count: Option<usize>,
    #[serde(borrow, default)]
    after: Option<Text<'a>>,
}

fn page_size(count: Option<usize>) -> Result<usize, Refusal> {
    match count {
        None => Ok(DEFAULT_COUNT),
        Some(count) if (1..=MOST_COUNT).contains(&count) => Ok(count),
        Some(count) => Err(Refusal::validation(format!("count {count} is not between 1 and {MOST_COUNT}"))),
    }
}

fn processing_types(words: &[Text<'_>]) -> Result<Vec<Processing>, Refusal> {
    let mut all = Vec::new();
    for word in words {
        all.push(Processing::named(word.as_str()).ok_or_else(|| {
            Refusal::validation(format!("processingType {:?} is none of MANUAL, DYNAMIC, SNAPSHOT", word.as_str()))
                .sub_category("INVALID_PROCESSING_TYPE")
        })?);
    }
    Ok(all)
}

fn hit(account: &Account, list: &List, asked: &[Text<'_>]) -> Value {
    let mut shown = list_api::common(account, list);
    let mut more = Map::new();
    for name in ALWAYS.into_iter().chain(asked.iter().map(Text::as_str)) {
        let value = match name {
            "hs_list_size" => Some(list.members.roll().len().to_string()),
            "hs_last_record_added_at" => list.members.added_ms.map(iso),
            "hs_last_record_removed_at" => list.members.removed_ms.map(iso),
            "hs_list_reference_count" => Some("0".to_owned()),
            other => list.custom_properties.get(other).cloned(),
        };
        if let Some(value) = value {
            more.insert(name.to_owned(), Value::String(value));
        }
    }
    shown.insert("additionalProperties".to_owned(), Value::Object(more));
    Value::Object(shown)
}

/// Words of the query stand in the name in any case of letters; the order is that of ids, since no
/// document says what `sort` may hold.
pub(crate) fn search(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Search<'_> = input::parse(call.body)?;
    let count = page_size(wanted.count)?;
    let types = processing_types(&wanted.processing_types)?;
    let query = wanted.query.as_ref().map(|query| query.as_str().to_lowercase()).unwrap_or_default();
    let account = call.account();
    let found: Vec<&List> = account
        .lists
        .live()
        .filter(|list| types.is_empty() || types.contains(&list.processing))
        .filter(|list| {
            let type_id = wanted.object_type_id.as_ref();
            type_id.is_none_or(|wanted| account.types[list.type_at].id == wanted.as_str())
        })
        .filter(|list| {
            wanted.list_ids.is_empty() || wanted.list_ids.iter().any(|id| id.as_str().parse() == Ok(list.id))
        })
        .filter(|list| {
            let name = list.name.to_lowercase();
            query.split_whitespace().all(|word| name.contains(word))
        })
        .collect();
    let total = found.len();
    let page: Vec<Value> = found
        .into_iter()
        .skip(wanted.offset)
        .take(count)
        .map(|list| hit(&account, list, &wanted.additional_properties))
        .collect();
    // what the next request sends as its offset
    let offset = wanted.offset.min(total) + page.len();
    Ok(Reply::of(200, &json!({ "lists": page, "hasMore": offset < total, "offset": offset, "total": total })))
}

/// Every list, ascending by id; the cursor is opaque.
pub(crate) fn all(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: All<'_> = input::parse(call.body)?;
    let count = page_size(wanted.count)?;
    let types = processing_types(&wanted.processing_types)?;
    let after = match &wanted.after {
        None => 0,
        Some(cursor) => cursor.as_str().strip_prefix('c').and_then(|id| id.parse::<u64>().ok()).ok_or_else(|| {
            let message = format!("{:?} is no cursor of this operation", cursor.as_str());
            Refusal::validation(message).sub_category("INVALID_CURSOR")
        })?,
    };
    let account = call.account();
    let fits = |list: &&List| {
        (types.is_empty() || types.contains(&list.processing))
            && wanted.object_type_id.as_ref().is_none_or(|id| account.types[list.type_at].id == id.as_str())
    };
    let total = account.lists.live().filter(fits).count();
    let mut page: Vec<&List> =
        account.lists.live().filter(|list| list.id > after).filter(fits).take(count + 1).collect();
    let more = page.len() > count;
    page.truncate(count);
    let results: Vec<Value> = page.iter().map(|list| hit(&account, list, &wanted.additional_properties)).collect();
    let mut answer = json!({ "results": results, "total": total });
    if let Some(last) = page.last().filter(|_| more) {
        answer["paging"] = json!({ "next": { "after": format!("c{}", last.id) } });
    }
    Ok(Reply::of(200, &answer))
}
